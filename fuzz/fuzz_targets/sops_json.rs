//! A JSON file in clear, there and back; and the same bytes as an encrypted file.
#![cfg_attr(not(test), no_main)]
#[path = "../there_and_back.rs"]
mod there_and_back;
use libfuzzer_sys::fuzz_target;
use uvars::sops::Format;

fuzz_target!(|bytes: &[u8]| there_and_back::holds(bytes, Format::Json));
