//! The manifest that root reads at boot: taken whole, or refused; what is taken is written as it was.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use uvars::activate::Manifest;

fuzz_target!(|bytes: &[u8]| {
    let Ok(manifest) = Manifest::parse(bytes) else { return };
    let text = manifest.to_json().expect("written");
    let again = Manifest::parse(&text).expect("what is written is not read");
    assert!(again.to_json().expect("written again") == text, "written twice, it differs");
});
