//! An encrypted file of anybody is read, opened as far as it goes and written again; never a panic.
#![no_main]
use libfuzzer_sys::fuzz_target;
use uvars::secret::DataKey;
use uvars::sops::{Encrypted, Format, Mac};

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = Encrypted::parse(bytes, Format::Yaml) else { return };
    drop(file.decrypt_with(&DataKey::new([7; 32]), Mac::Ignore));
    let Ok(text) = file.emit() else { return };
    let again = Encrypted::parse(&text, Format::Yaml).expect("what was written is not read");
    assert!(again.emit().expect("what was read is not written") == text, "written twice, it differs");
});
