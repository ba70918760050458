//! OpenSSH private keys, with or without a passphrase, and what opens stanzas out of them.

use super::identity::Identity;
use super::recipient::Recipient;
use super::x25519;
use crate::error::{Error, Result};
use crate::secret::Secret;
use sha2::{Digest as _, Sha512};
use ssh_key::private::KeypairData;
use ssh_key::{LineEnding, PrivateKey};
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// What is said of a passphrase that does not fit.
pub(super) const WRONG_PASSPHRASE: &str = "the passphrase is wrong";

/// A private key as it was read.
pub(super) enum SshKey {
    /// `BEGIN OPENSSH PRIVATE KEY`
    OpenSsh(Box<PrivateKey>),
    /// `BEGIN RSA PRIVATE KEY`, which has no public half in the clear and here no passphrase.
    RsaPem(Secret),
}

/// Reads a private key. Nothing that costs time is computed yet.
pub(super) fn parse(bytes: &[u8]) -> Result<SshKey> {
    let bytes = bytes.trim_ascii();
    if bytes.starts_with(b"-----BEGIN OPENSSH PRIVATE KEY-----") {
        let key = PrivateKey::from_openssh(bytes).map_err(|_| Error::new("malformed OpenSSH private key"))?;
        return Ok(SshKey::OpenSsh(Box::new(key)));
    }
    let encrypted = memchr::memmem::find(bytes, b"ENCRYPTED").is_some();
    if bytes.starts_with(b"-----BEGIN RSA PRIVATE KEY-----") && !encrypted {
        let mut text = bytes.to_vec();
        text.push(b'\n');
        return Ok(SshKey::RsaPem(Secret::new(text)));
    }
    if memchr::memmem::find(bytes.get(..64).unwrap_or(bytes), b"PRIVATE KEY-----").is_some() {
        return Err(Error::new("this private key is in an old or foreign PEM form")
            .hint("rewrite it in OpenSSH's own form: ssh-keygen -p -f FILE"));
    }
    Err(Error::new("this is a PEM block, and no private key that opens anything here"))
}

impl SshKey {
    /// Whether a passphrase is needed.
    pub(super) fn is_protected(&self) -> bool {
        matches!(self, Self::OpenSsh(key) if key.is_encrypted())
    }

    /// The public half, in the clear in OpenSSH's form; nothing where age has no such recipient.
    pub(super) fn public(&self) -> Option<Recipient> {
        let Self::OpenSsh(key) = self else { return None };
        Recipient::parse(&key.public_key().to_openssh().ok()?).ok()
    }

    /// The key unlocked; `None` for a passphrase where there is none.
    ///
    /// # Errors
    ///
    /// A wrong passphrase, or a type that age has no recipient for.
    pub(super) fn identity(&self, passphrase: Option<&Secret>) -> Result<Identity> {
        let key = match self {
            Self::RsaPem(text) => return RsaKey::of_pem(text.clone()).map(Identity::SshRsa),
            Self::OpenSsh(key) => key,
        };
        let opened = unlock(key, passphrase)?;
        let key = opened.as_ref().unwrap_or(key);
        let text = key.to_openssh(LineEnding::LF).map_err(|_| Error::new("malformed OpenSSH private key"))?;
        match key.key_data() {
            KeypairData::Ed25519(_) => {
                let public = self.public().ok_or_else(|| Error::new("malformed OpenSSH private key"))?;
                let converted = Box::new(converted(key)?);
                Ok(Identity::SshEd25519 { native: native(text.as_bytes())?, converted, public })
            }
            KeypairData::Rsa(_) => {
                let public =
                    self.public().ok_or_else(|| Error::new("this RSA key is not one that age uses"))?;
                Ok(Identity::SshRsa(RsaKey::new(Secret::from(text.as_str()), public)))
            }
            _ => Err(Error::new(format!("age has no recipients of type {}", key.algorithm().as_str()))
                .hint("use an ssh-ed25519 or an age key")),
        }
    }
}

/// The key without its passphrase, where it has one.
fn unlock(key: &PrivateKey, passphrase: Option<&Secret>) -> Result<Option<PrivateKey>> {
    if !key.is_encrypted() {
        return Ok(None);
    }
    let passphrase = passphrase.ok_or_else(|| Error::new("a passphrase protects this key"))?;
    key.decrypt(passphrase.expose()).map(Some).map_err(|_| Error::new(WRONG_PASSPHRASE))
}

/// The age crate's reading of a key that has no passphrase.
fn native(text: &[u8]) -> Result<age::ssh::Identity> {
    age::ssh::Identity::from_buffer(text, None).map_err(|_| Error::new("malformed ssh private key"))
}

/// An RSA key, taken apart when it is used and not before: that takes almost a millisecond.
pub(super) struct RsaKey {
    text: Secret,
    public: Recipient,
    key: OnceLock<Option<age::ssh::Identity>>,
}

impl RsaKey {
    fn new(text: Secret, public: Recipient) -> Self {
        Self { text, public, key: OnceLock::new() }
    }

    /// From the older form, whose public half has to be computed.
    fn of_pem(text: Secret) -> Result<Self> {
        let key = native(text.expose())?;
        let public = age::ssh::Recipient::try_from(key.clone())
            .ok()
            .and_then(|public| Recipient::parse(&public.to_string()).ok())
            .ok_or_else(|| Error::new("this RSA key is not one that age uses"))?;
        Ok(Self { text, public, key: OnceLock::from(Some(key)) })
    }

    /// The public half.
    pub(super) fn public(&self) -> &Recipient {
        &self.public
    }

    /// The key to open stanzas with; nothing where the age crate does not take it.
    pub(super) fn key(&self) -> Option<&age::ssh::Identity> {
        self.key.get_or_init(|| native(self.text.expose()).ok()).as_ref()
    }
}

/// What ssh-to-age makes of an ed25519 key: the first half of SHA-512 of its seed.
pub(super) fn converted(key: &PrivateKey) -> Result<x25519::Identity> {
    let KeypairData::Ed25519(pair) = key.key_data() else {
        return Err(Error::new("only ssh-ed25519 keys can be converted to age"));
    };
    let hash = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(pair.private.as_ref())));
    let (half, _) =
        hash.split_first_chunk::<32>().ok_or_else(|| Error::new("malformed OpenSSH private key"))?;
    x25519::Identity::from_bytes(half).map_err(|reason| Error::new(reason.0))
}
