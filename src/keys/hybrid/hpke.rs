//! HPKE (RFC 9180) as far as age needs it: base mode, one message, no associated data; MLKEM768-X25519, HKDF-SHA256
//! and ChaCha20-Poly1305.
//!
//! Knows nothing of age. HKDF is written out by its HMAC, since no output here is longer than one of that.

use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// By how many bytes a sealed message is longer.
pub(super) const OVERHEAD: usize = 16;

/// "HPKE", then the numbers of the key encapsulation, the key derivation and the cipher.
const SUITE: &[u8] = b"HPKE\x64\x7a\x00\x01\x00\x03";

const VERSION: &[u8] = b"HPKE-v1";

type Bytes32 = Zeroizing<[u8; 32]>;

/// Encrypts the only message under this shared secret.
pub(super) fn seal(shared: &[u8; 32], info: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let (cipher, nonce) = context(shared, info);
    cipher.encrypt(&nonce, plain).ok()
}

/// Decrypts it; nothing where secret, purpose or message are others.
pub(super) fn open(shared: &[u8; 32], info: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (cipher, nonce) = context(shared, info);
    cipher.decrypt(&nonce, sealed).ok().map(Zeroizing::new)
}

fn context(shared: &[u8; 32], info: &[u8]) -> (ChaCha20Poly1305, Nonce) {
    let (key, nonce) = schedule(shared, info);
    (ChaCha20Poly1305::new(Key::from_slice(key.as_slice())), Nonce::from(nonce))
}

/// The key, and the nonce of the first message: RFC 9180, section 5.1, without a shared password.
fn schedule(shared: &[u8; 32], info: &[u8]) -> (Bytes32, [u8; 12]) {
    const BASE_MODE: &[u8] = &[0];
    // a salt that is empty is one of zeros for HMAC
    let no_salt = [0; 32];
    let no_password = extract(&no_salt, b"psk_id_hash", b"");
    let info = extract(&no_salt, b"info_hash", info);
    let context = [BASE_MODE, no_password.as_slice(), info.as_slice()].concat();
    let secret = extract(shared, b"secret", b"");
    let key = expand(&secret, b"key", &context, 32);
    let nonce = expand(&secret, b"base_nonce", &context, 12);
    (key, nonce.first_chunk().copied().unwrap_or_default())
}

/// `LabeledExtract`
fn extract(salt: &[u8; 32], label: &[u8], input: &[u8]) -> Bytes32 {
    hmac(salt, &[VERSION, SUITE, label, input])
}

/// `LabeledExpand`, of which the first `length` bytes count; 32 at most.
fn expand(key: &[u8; 32], label: &[u8], context: &[u8], length: u16) -> Bytes32 {
    hmac(key, &[&length.to_be_bytes(), VERSION, SUITE, label, context, &[1]])
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> Bytes32 {
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::vector;
    use super::{OVERHEAD, open, schedule, seal};

    #[test]
    fn key_and_nonce_are_those_of_the_draft() {
        let shared = vector("shared_secret").try_into().unwrap();
        let (key, nonce) = schedule(&shared, &vector("info"));
        assert_eq!(key.as_slice(), vector("key"));
        assert_eq!(nonce.as_slice(), vector("base_nonce"));
    }

    #[test]
    fn a_message_opens_under_its_secret_and_for_its_purpose_only() {
        let sealed = seal(&[7; 32], b"this", b"message").unwrap();
        assert_eq!(sealed.len(), b"message".len() + OVERHEAD);
        assert_eq!(open(&[7; 32], b"this", &sealed).unwrap().as_slice(), b"message");
        assert!(open(&[8; 32], b"this", &sealed).is_none());
        assert!(open(&[7; 32], b"that", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&[7; 32], b"this", &changed).is_none(), "{at}");
        }
        assert!(open(&[7; 32], b"this", &[]).is_none());
    }
}
