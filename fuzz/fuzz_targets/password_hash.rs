//! Password hashes are recognised or not; nothing is hashed here.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use uvars::password::recognise;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = recognise(text);
    }
});
