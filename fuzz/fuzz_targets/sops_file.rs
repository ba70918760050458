//! An encrypted file of anybody is read, opened as far as it goes and written again; never a panic.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use uvars::secret::DataKey;
use uvars::sops::{Encrypted, Format, Mac};

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = Encrypted::parse(bytes, Format::Yaml) else { return };
    drop(file.decrypt_with(&DataKey::new([7; 32]), Mac::Ignore));
    let Ok(text) = file.emit() else { return };
    let again = Encrypted::parse(&text, Format::Yaml).expect("what was written is not read");
    let twice = again.emit().expect("what was read is not written");
    assert!(settled(&text) == settled(&twice), "written twice, it differs");
});

/// Lines without the indent of clear comments: one behind a list that stood on one line is found inside of it once the
/// list is written in several, by every reader of YAML. Encrypted ones must not move.
fn settled(text: &[u8]) -> Vec<&[u8]> {
    let lines = text.split(|byte| *byte == b'\n');
    let is_clear = |line: &[u8]| line.starts_with(b"#") && !line.starts_with(b"#ENC[");
    lines.map(|line| if is_clear(line.trim_ascii_start()) { line.trim_ascii_start() } else { line }).collect()
}
