//! The armored age file in which a data key lies: its text, and the bytes behind the armor.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use std::sync::LazyLock;
use uvars::keys::{IdentitySources, Keyring, Wrapped, generate, generate_hybrid};
use uvars::secret::Secret;

static RING: LazyLock<Keyring> = LazyLock::new(|| {
    let keys = [generate("now"), generate_hybrid("now")].map(|key| key.expect("a key").text.expose().to_vec());
    let key_text = Some(Secret::new(keys.concat()));
    Keyring::new(IdentitySources { key_text, ..IdentitySources::default() })
});
static READERS: LazyLock<Vec<String>> =
    LazyLock::new(|| RING.recipients().iter().map(ToString::to_string).collect());

fuzz_target!(|bytes: &[u8]| {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let enc = match how % 3 {
        0 => String::from_utf8_lossy(bytes).into_owned(),
        1 => armor(bytes),
        _ => armor(&hybrid(bytes)),
    };
    for recipient in READERS.iter() {
        assert!(RING.unwrap(&[Wrapped { recipient, enc: &enc }]).is_err());
    }
});

fn armor(file: &[u8]) -> String {
    let mut text = String::from("-----BEGIN AGE ENCRYPTED FILE-----\n");
    for line in STANDARD.encode(file).as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).expect("base64"));
        text.push('\n');
    }
    text + "-----END AGE ENCRYPTED FILE-----\n"
}

/// A file with a hybrid stanza in which these bytes are what was sent, its body, and the rest.
fn hybrid(bytes: &[u8]) -> Vec<u8> {
    let (sent, rest) = bytes.split_at_checked(1120).unwrap_or((bytes, &[]));
    let (body, rest) = rest.split_at_checked(32).unwrap_or((rest, &[]));
    let [sent, body, mac] = [sent, body, &[0; 32]].map(|part| STANDARD_NO_PAD.encode(part));
    let head = format!("age-encryption.org/v1\n-> mlkem768x25519 {sent}\n{body}\n--- {mac}\n");
    [head.as_bytes(), &[0; 16], rest].concat()
}
