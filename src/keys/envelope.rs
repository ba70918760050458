//! The age file around a data key: one recipient stanza, one chunk, armored.
//!
//! It is read by the age crate and written here, because the crate adds a random stanza ("grease") to every
//! header and sops writes none. The stanza itself, which is where the curves and RSA are, comes from the crate.

use crate::error::{Error, Result};
use crate::secret::Secret;
use age::DecryptError;
use age::armor::ArmoredReader;
use age_core::format::{FileKey, Stanza};
use age_core::primitives::hkdf;
use age_core::secrecy::ExposeSecret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::io::Read as _;
use zeroize::Zeroizing;

const COLUMNS: usize = 64;
const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----\n";
const END: &str = "-----END AGE ENCRYPTED FILE-----\n";

/// Far more than a data key takes: what is longer is not one, and is not read into memory.
const LARGEST: usize = 64 * 1024;

/// Encrypts a data key to one recipient.
pub(super) fn seal(data_key: &[u8], recipient: &dyn age::Recipient) -> Result<String> {
    if data_key.len() > LARGEST {
        return Err(Error::new("a data key of this size is none"));
    }
    let file_key = FileKey::try_init_with_mut(|key| random().map(|bytes| *key = *bytes))?;
    let (stanzas, _) = recipient.wrap_file_key(&file_key).map_err(|error| Error::new(error.to_string()))?;
    let mut file = header(&stanzas, &file_key)?.into_bytes();
    let nonce = random::<16>()?;
    file.extend(nonce.as_slice());
    file.extend(payload(data_key, nonce.as_slice(), &file_key)?);
    Ok(armor(&file))
}

/// Opens an age file with the first of these keys that fits; nothing where none does.
///
/// # Errors
///
/// The text is not an age file, or a key that fits finds it damaged.
pub(super) fn open<'a>(
    text: &str,
    keys: impl Iterator<Item = &'a dyn age::Identity>,
) -> Result<Option<Secret>> {
    // an empty line at the end is more than the crate's reader takes
    let reader = ArmoredReader::new(text.trim().as_bytes());
    let file = age::Decryptor::new_buffered(reader).map_err(|error| not_age(&error))?;
    let stream = match file.decrypt(keys) {
        Ok(stream) => stream,
        Err(DecryptError::NoMatchingKeys) => return Ok(None),
        Err(error) => return Err(damaged(&error)),
    };
    let mut plain = Zeroizing::new(Vec::with_capacity(64));
    stream
        .take(LARGEST as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|_| Error::new("the encrypted data key is damaged"))?;
    if plain.len() > LARGEST {
        return Err(Error::new("what is encrypted is too large for a data key (64 KiB)"));
    }
    Ok(Some(Secret::new(std::mem::take(&mut *plain))))
}

fn not_age(error: &DecryptError) -> Error {
    Error::new(match error {
        DecryptError::UnknownFormat => "the encrypted data key is in a version of age that is not known",
        _ => "the encrypted data key is not an age file, or is cut off",
    })
}

fn damaged(error: &DecryptError) -> Error {
    match error {
        // a plugin's own words, made in plugin.rs
        DecryptError::Io(error) if error.kind() == std::io::ErrorKind::Other => Error::new(error.to_string()),
        _ => Error::new("the encrypted data key is damaged"),
    }
}

/// Version, stanzas, and the MAC over both.
fn header(stanzas: &[Stanza], file_key: &FileKey) -> Result<String> {
    let mut header = String::from("age-encryption.org/v1\n");
    for stanza in stanzas {
        header.push_str("-> ");
        header.push_str(&stanza.tag);
        for argument in &stanza.args {
            header.push(' ');
            header.push_str(argument);
        }
        header.push('\n');
        let body = STANDARD_NO_PAD.encode(&stanza.body);
        wrap_lines(&mut header, &body);
        if body.len().is_multiple_of(COLUMNS) {
            // a body ends with a short line, be it empty
            header.push('\n');
        }
    }
    header.push_str("---");
    let key = Zeroizing::new(hkdf(&[], b"header", file_key.expose_secret()));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice())
        .map_err(|_| Error::new("cannot make the header's checksum"))?;
    mac.update(header.as_bytes());
    header.push(' ');
    header.push_str(&STANDARD_NO_PAD.encode(mac.finalize().into_bytes()));
    header.push('\n');
    Ok(header)
}

/// The one chunk, and the last: its nonce is a counter of zero and a flag.
fn payload(data_key: &[u8], nonce: &[u8], file_key: &FileKey) -> Result<Vec<u8>> {
    const LAST: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let key = Zeroizing::new(hkdf(nonce, b"payload", file_key.expose_secret()));
    ChaCha20Poly1305::new(Key::from_slice(key.as_slice()))
        .encrypt(Nonce::from_slice(&LAST), data_key)
        .map_err(|_| Error::new("cannot encrypt the data key"))
}

fn armor(file: &[u8]) -> String {
    let mut armored = String::from(BEGIN);
    wrap_lines(&mut armored, &STANDARD.encode(file));
    armored.push_str(END);
    armored
}

/// Appends base64 in lines of 64 columns.
fn wrap_lines(out: &mut String, base64: &str) {
    let mut rest = base64;
    while !rest.is_empty() {
        let (line, behind) = rest.split_at_checked(COLUMNS).unwrap_or((rest, ""));
        out.push_str(line);
        out.push('\n');
        rest = behind;
    }
}

/// Bytes from the system's random source.
pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|error| Error::new("the system has no random bytes to give").because(error))?;
    Ok(bytes)
}
