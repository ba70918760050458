//! Password hashes are recognised or not; nothing is hashed here.
#![no_main]
use libfuzzer_sys::fuzz_target;
use uvars::password::recognise;

fuzz_target!(|text: &str| {
    let _ = recognise(text);
});
