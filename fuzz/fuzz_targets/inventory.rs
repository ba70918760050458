//! `uvars.yaml`: any bytes are an inventory or an error.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use uvars::fleet::Inventory;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = Inventory::parse(Path::new("uvars.yaml"), bytes) {
        assert!(!error.to_string().is_empty());
    }
});
