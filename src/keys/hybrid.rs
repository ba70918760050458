//! The post-quantum keys of age, ML-KEM-768 with X25519: `age1pq1…` and `AGE-SECRET-KEY-PQ-1…`.
//!
//! The age crate does not have them, so the stanza `mlkem768x25519` is made and opened here, behind that crate's
//! traits: one file key, sealed by HPKE (`hpke`) under a secret shared through the key encapsulation (`kem`). The
//! format is that of <https://c2sp.org/age>.

mod hpke;
mod kem;

use super::encoding::{Malformed, decode, encode};
use super::envelope::random;
use crate::secret::Secret;
use age::{DecryptError, EncryptError};
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bech32::Hrp;
use kem::PrivateKey;
use std::collections::HashSet;
use std::io;
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// What a recipient begins with.
pub(super) const PREFIX: &str = "age1pq1";

/// What an identity begins with.
pub(super) const PRIVATE_PREFIX: &str = "AGE-SECRET-KEY-PQ-1";

const PUBLIC: Hrp = Hrp::parse_unchecked("age1pq");
const PRIVATE: Hrp = Hrp::parse_unchecked("age-secret-key-pq-");

/// The type of the stanza.
const TAG: &str = "mlkem768x25519";

/// What the file key is sealed for: HPKE's `info`.
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";

/// By this label age refuses to put a key of another type beside it into one age file: whoever breaks that one later
/// would have the file.
const LABEL: &str = "postquantum";

/// Reads a public key: its length, a key of ML-KEM, and a point that a secret can be shared with.
pub(super) fn parse(text: &str) -> Result<Recipient, Malformed> {
    let (hrp, bytes) = decode(text)?;
    if hrp != PUBLIC.as_str() {
        return Err(Malformed("it does not begin with age1pq1"));
    }
    kem::PublicKey::from_bytes(&bytes).map(Recipient)
}

/// A public key, to wrap a file key with.
pub(super) struct Recipient(kem::PublicKey);

impl age::Recipient for Recipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let random = random().map_err(|error| io::Error::other(error.to_string()))?;
        let refused = || io::Error::other("this hybrid key shares no secret");
        let (shared, sent) = self.0.encapsulate(&random).ok_or_else(refused)?;
        let body = hpke::seal(&shared, INFO, file_key.expose_secret()).ok_or_else(refused)?;
        let args = vec![STANDARD_NO_PAD.encode(sent)];
        Ok((vec![Stanza { tag: TAG.to_owned(), args, body }], HashSet::from([LABEL.to_owned()])))
    }
}

/// A private key: 32 bytes, out of which both halves are made when they are first needed.
pub(super) struct Identity {
    seed: Zeroizing<[u8; 32]>,
    key: OnceLock<PrivateKey>,
    public: OnceLock<String>,
}

impl Identity {
    /// Reads `AGE-SECRET-KEY-PQ-1…`.
    pub(super) fn parse(text: &str) -> Result<Self, Malformed> {
        if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(Malformed("an age identity is written in upper case"));
        }
        let (hrp, bytes) = decode(text)?;
        if !hrp.eq_ignore_ascii_case(PRIVATE.as_str()) {
            return Err(Malformed("it does not begin with AGE-SECRET-KEY-PQ-1"));
        }
        let seed = <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new);
        seed.map(Self::from_seed).map_err(|_| Malformed("its length is not that of a hybrid identity"))
    }

    /// A new key from the system's random source.
    pub(super) fn generate() -> crate::error::Result<Self> {
        random().map(Self::from_seed)
    }

    fn from_seed(seed: Zeroizing<[u8; 32]>) -> Self {
        Self { seed, key: OnceLock::new(), public: OnceLock::new() }
    }

    /// `AGE-SECRET-KEY-PQ-1…`
    pub(super) fn text(&self) -> Secret {
        let mut lower = encode(PRIVATE, self.seed.as_slice());
        lower.make_ascii_uppercase();
        Secret::from(lower)
    }

    /// The public half, `age1pq1…`.
    pub(super) fn public(&self) -> &str {
        self.public.get_or_init(|| encode(PUBLIC, &self.key().public()))
    }

    fn key(&self) -> &PrivateKey {
        self.key.get_or_init(|| PrivateKey::from_seed(&self.seed))
    }

    /// The file key; nothing where the stanza is for another key.
    fn open(&self, stanza: &Stanza) -> Result<Option<FileKey>, DecryptError> {
        let [sent] = stanza.args.as_slice() else { return Err(DecryptError::InvalidHeader) };
        let sent = STANDARD_NO_PAD.decode(sent).map_err(|_| DecryptError::InvalidHeader)?;
        // before anything is opened: one ciphertext of any length can be made to open under two keys
        if stanza.body.len() != FILE_KEY_BYTES + hpke::OVERHEAD {
            return Err(DecryptError::InvalidHeader);
        }
        let shared = self.key().decapsulate(&sent).ok_or(DecryptError::InvalidHeader)?;
        let Some(plain) = hpke::open(&shared, INFO, &stanza.body) else { return Ok(None) };
        FileKey::try_init_with_mut(|key| {
            *key = plain.as_slice().try_into().map_err(|_| DecryptError::InvalidHeader)?;
            Ok(())
        })
        .map(Some)
    }
}

impl age::Identity for Identity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if stanza.tag == TAG { self.open(stanza).transpose() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::{Identity as _, Recipient as _};
    use proptest::prelude::{any, proptest};

    /// A field of the vector that draft-ietf-hpke-pq has for what age uses.
    pub(super) fn vector(field: &str) -> Vec<u8> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/hpke/mlkem768-x25519.json");
        let vector: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let hex = vector[field].as_str().unwrap();
        let two = |two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
        hex.as_bytes().chunks(2).map(two).collect()
    }

    fn identity(seed: u8) -> Identity {
        Identity::from_seed(Zeroizing::new([seed; 32]))
    }

    fn wrap(recipient: &str, file_key: [u8; 16]) -> Stanza {
        let (stanzas, labels) =
            parse(recipient).unwrap().wrap_file_key(&FileKey::new(Box::new(file_key))).unwrap();
        assert_eq!(labels, HashSet::from(["postquantum".to_owned()]));
        let [stanza] = <[Stanza; 1]>::try_from(stanzas).unwrap();
        stanza
    }

    /// The file key, nothing, or what is wrong with the stanza.
    fn open(identity: &Identity, stanza: &Stanza) -> Option<Result<[u8; 16], String>> {
        let opened = identity.unwrap_stanza(stanza)?;
        Some(opened.map(|key| *key.expose_secret()).map_err(|error| format!("{error:?}")))
    }

    proptest! {
        #[test]
        fn what_is_wrapped_for_a_key_opens_with_it_and_no_other(seed: [u8; 32], file_key: [u8; 16]) {
            let identity = Identity::from_seed(Zeroizing::new(seed));
            let read = Identity::parse(identity.text().expose_str().unwrap()).unwrap();
            let stanza = wrap(identity.public(), file_key);
            assert_eq!(open(&read, &stanza), Some(Ok(file_key)));
            let mut other = seed;
            other[0] ^= 1;
            assert_eq!(open(&Identity::from_seed(Zeroizing::new(other)), &stanza), None);
        }

        #[test]
        fn no_stanza_makes_it_fail(args in proptest::collection::vec("[!-~]{0,8}", 0..3), body: Vec<u8>) {
            let stanza = Stanza { tag: TAG.to_owned(), args, body };
            assert_eq!(open(&identity(7), &stanza), Some(Err("InvalidHeader".to_owned())));
        }

        #[test]
        fn what_is_sent_may_be_any_bytes(sent in proptest::collection::vec(any::<u8>(), 1120), body: [u8; 32]) {
            let stanza =
                Stanza { tag: TAG.to_owned(), args: vec![STANDARD_NO_PAD.encode(sent)], body: body.to_vec() };
            assert_eq!(open(&identity(7), &stanza), None);
        }
    }

    #[test]
    fn a_stanza_is_of_the_one_form_that_age_writes() {
        let (identity, file_key) = (identity(7), [9; 16]);
        let good = wrap(identity.public(), file_key);
        assert_eq!((good.args.len(), good.args[0].len(), good.body.len()), (1, 1494, 32));
        assert_eq!(open(&identity, &good), Some(Ok(file_key)));
        let sent = STANDARD_NO_PAD.decode(&good.args[0]).unwrap();
        let with = |args: &[&str], body: &[u8]| Stanza {
            tag: TAG.to_owned(),
            args: args.iter().map(|&argument| argument.to_owned()).collect(),
            body: body.to_vec(),
        };
        let argument = good.args[0].as_str();
        let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
        // 1120 bytes leave four bits over, which are zero
        let bits_left =
            format!("{}{}", argument.get(..1493).unwrap(), if argument.ends_with('A') { 'B' } else { 'z' });
        for (what, stanza) in [
            ("no argument", with(&[], &good.body)),
            ("two", with(&[argument, "x"], &good.body)),
            ("the same twice", with(&[argument, argument], &good.body)),
            ("base64 with padding", with(&[&format!("{argument}==")], &good.body)),
            ("base64 with bits left over", with(&[&bits_left], &good.body)),
            ("a byte less", with(&[&encode(&sent[..1119])], &good.body)),
            ("a byte more", with(&[&encode(&[sent.as_slice(), &[0]].concat())], &good.body)),
            ("no curve", with(&[&encode(&[&sent[..1088], &[0; 32]].concat())], &good.body)),
            ("a body cut off", with(&[argument], &good.body[..31])),
            ("a longer body", with(&[argument], &[good.body.as_slice(), &[0]].concat())),
            ("none", with(&[argument], &[])),
        ] {
            assert_eq!(open(&identity, &stanza), Some(Err("InvalidHeader".to_owned())), "{what}");
        }
        // a tag of another type is not looked into
        assert_eq!(open(&identity, &Stanza { tag: "MLKEM768X25519".to_owned(), ..with(&[], &[]) }), None);
        assert_eq!(open(&identity, &Stanza { tag: "X25519".to_owned(), ..with(&[], &[]) }), None);
    }

    #[test]
    fn malformed_keys_are_refused_and_not_quoted() {
        let private = "AGE-SECRET-KEY-PQ-1HZLGZUPT4ETPKDEV8HSGFDCYZ4E522W0A7PU2LHT8EH9W6YLNC3SW78XKG";
        let identity = Identity::parse(private).unwrap();
        assert_eq!(identity.text().expose_str(), Some(private));
        assert_eq!(identity.public().len(), 1959);
        let reason = |text: &str| Identity::parse(text).err().unwrap().0;
        assert!(reason(&private.to_lowercase()).starts_with("an age identity is written in upper case"));
        assert!(reason(private.strip_suffix('G').unwrap()).starts_with("its checksum is wrong"));
        let other = encode(Hrp::parse("age-secret-key-").unwrap(), &[7; 32]).to_uppercase();
        assert_eq!(reason(&other), "it does not begin with AGE-SECRET-KEY-PQ-1");
        for length in [0, 31, 33] {
            let text = encode(PRIVATE, &vec![7; length]).to_uppercase();
            assert_eq!(reason(&text), "its length is not that of a hybrid identity");
        }
        let public = identity.public();
        let reason = |text: &str| parse(text).err().unwrap().0;
        assert!(reason(public.get(..1958).unwrap()).starts_with("its checksum is wrong"));
        assert_eq!(
            reason(&encode(Hrp::parse("age1pq1x").unwrap(), &[7; 1216])),
            "it does not begin with age1pq1"
        );
        assert_eq!(reason(&encode(PUBLIC, &[7; 32])), "its length is not that of a hybrid key");
    }
}
