//! A key path that is read is shown so that it can be typed again (control characters apart); a regular expression is taken or refused.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use uvars::sops::{KeyPath, go_regex};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(path) = KeyPath::parse(text) {
        let shown = path.to_string();
        let whole =
            !text.chars().any(|char| !matches!(char, '\'' | '"' | '\\') && char.escape_debug().count() > 1);
        if whole && !(shown.contains("']") && shown.contains("\"]")) {
            assert_eq!(KeyPath::parse(&shown).map(|path| path.to_string()).ok(), Some(shown));
        }
    }
    drop(go_regex(text));
});
