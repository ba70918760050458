//! Private keys of every kind, from the environment, a file or `ssh-keygen`.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use uvars::keys::{IdentitySources, Keyring, Wrapped, public_of_private};
use uvars::secret::Secret;

const READER: &str = "age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun";

fuzz_target!(|bytes: &[u8]| {
    let key_text = Some(Secret::from(bytes));
    let ring = Keyring::new(IdentitySources { key_text, ..IdentitySources::default() });
    drop(ring.recipients());
    assert!(ring.unwrap(&[Wrapped { recipient: READER, enc: "" }]).is_err());
    drop(public_of_private(&Secret::from(bytes)));
});
