//! YAML in clear: what can be encrypted is decrypted to the same documents, and what is printed reads back.
#![cfg_attr(not(test), no_main)]
#[path = "../there_and_back.rs"]
mod there_and_back;
use libfuzzer_sys::fuzz_target;
use there_and_back::there_and_back;
use uvars::sops::{Format, Plain};

fuzz_target!(|bytes: &[u8]| {
    let Ok(plain) = Plain::parse(bytes, Format::Yaml) else { return };
    let Ok(printed) = plain.emit(Format::Yaml) else { return };
    if printed.len() > 1 << 16 {
        return; // aliases made much of little
    }
    let again = Plain::parse(printed.expose(), Format::Yaml).expect("what is printed is not read");
    let reprinted = again.emit(Format::Yaml).expect("printed again");
    for other in Format::ALL {
        drop(there_and_back(&plain, other));
    }
    let Some(back) = there_and_back(&plain, Format::Yaml) else { return };
    // comments may move, as they do with sops
    if !printed.expose().contains(&b'#') {
        assert!(reprinted == printed || there_and_back::has_minus_zero(&printed), "printed twice, it differs");
        assert!(back == printed, "decrypted to something else");
    }
});
