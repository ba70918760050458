//! Files of the registry and lists of ssh keys: a recipient that is read is written as it is stored.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use uvars::keys::{Recipient, convert_public, key_file};

fuzz_target!(|bytes: &[u8]| {
    drop(key_file::parse(bytes));
    drop(convert_public(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(recipient) = Recipient::parse(text) {
        let again = Recipient::parse(&recipient.to_string()).expect("what is written is not read");
        assert_eq!(again.to_string(), recipient.to_string());
        drop((recipient.converted(), recipient.warning()));
    }
});
