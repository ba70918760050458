//! The armored age file in which a data key lies.
#![no_main]
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use uvars::keys::{IdentitySources, Keyring, Wrapped, generate};

static RING: LazyLock<Keyring> = LazyLock::new(|| {
    let key_text = Some(generate("2026-01-01T00:00:00Z").expect("a key").text);
    Keyring::new(IdentitySources { key_text, ..IdentitySources::default() })
});

fuzz_target!(|enc: &str| {
    let recipient = RING.recipients()[0].to_string();
    assert!(RING.unwrap(&[Wrapped { recipient: &recipient, enc }]).is_err());
});
