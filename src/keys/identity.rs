//! An identity: the private half of a key, whatever its type, and the texts that identities are read from.

use super::programs::Programs;
use super::recipient::Recipient;
use super::ssh_private::{self, RsaKey, SshKey};
use super::{hybrid, plugin, x25519};
use crate::error::{Error, Result};
use crate::secret::Secret;
use std::fmt;

/// What an attempt with an identity costs; cheaper ones are tried first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Cost {
    /// A multiplication or two on the curve, a hybrid key's ML-KEM beside it: under 0.5 ms.
    Curve,
    /// An RSA decryption, 24 ms.
    Rsa,
    /// A program, and maybe a person who touches a device.
    Program,
}

/// A private key that is ready to open things.
pub(super) enum Identity {
    X25519(x25519::Identity),
    /// The ssh key itself, and the X25519 key that ssh-to-age makes of it.
    SshEd25519 {
        native: age::ssh::Identity,
        converted: Box<x25519::Identity>,
        public: Recipient,
    },
    SshRsa(RsaKey),
    Plugin(plugin::Identity),
    Hybrid(Box<hybrid::Identity>),
}

impl Identity {
    /// What an attempt with it costs.
    pub(super) fn cost(&self) -> Cost {
        match self {
            Self::X25519(_) | Self::SshEd25519 { .. } | Self::Hybrid(_) => Cost::Curve,
            Self::SshRsa(_) => Cost::Rsa,
            Self::Plugin(_) => Cost::Program,
        }
    }

    /// Whether the recipient, as a sops file names it, is this key's public half. The text proves nothing: it
    /// only says where to try first.
    pub(super) fn fits(&self, recipient: &str) -> bool {
        match self {
            Self::X25519(key) => key.public() == recipient,
            Self::SshEd25519 { converted, public, .. } => {
                is_ssh_text(recipient, public)
                    || (recipient.starts_with("age1") && converted.public() == recipient)
            }
            Self::SshRsa(key) => is_ssh_text(recipient, key.public()),
            Self::Plugin(key) => plugin::recipient_name(recipient) == Some(key.name()),
            Self::Hybrid(key) => recipient.starts_with(hybrid::PREFIX) && key.public() == recipient,
        }
    }

    /// What the age crate opens stanzas with.
    pub(super) fn keys(&self) -> impl Iterator<Item = &dyn age::Identity> {
        let (first, second): (Option<&dyn age::Identity>, Option<&dyn age::Identity>) = match self {
            Self::X25519(key) => (Some(key.key()), None),
            Self::SshEd25519 { native, converted, .. } => (Some(native), Some(converted.key())),
            Self::SshRsa(key) => (key.key().map(|key| key as &dyn age::Identity), None),
            Self::Plugin(key) => (Some(key), None),
            Self::Hybrid(key) => (Some(key.as_ref()), None),
        };
        first.into_iter().chain(second)
    }

    /// The public half, where it is known without asking a program.
    pub(super) fn recipient(&self) -> Option<Recipient> {
        match self {
            Self::X25519(key) => Recipient::parse(key.public()).ok(),
            Self::SshEd25519 { public, .. } => Some(public.clone()),
            Self::SshRsa(key) => Some(key.public().clone()),
            Self::Hybrid(key) => Recipient::parse(key.public()).ok(),
            Self::Plugin(_) => None,
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Identity(…)")
    }
}

/// Whether a text from a sops file, which may have a comment, names this ssh key.
pub(super) fn is_ssh_text(text: &str, public: &Recipient) -> bool {
    text.starts_with("ssh-") && Recipient::parse(text).is_ok_and(|recipient| recipient == *public)
}

/// What a text with private keys turned out to be.
pub(super) enum Content {
    /// Keys to use.
    Identities(Vec<Identity>),
    /// An ssh key that a passphrase protects. Its public half is in the clear.
    ProtectedSsh(Box<SshKey>),
    /// An age file that a passphrase protects, with identities in it.
    ProtectedFile(Secret),
}

/// The largest text that is read as keys, as sops has it.
pub(super) const LARGEST: usize = 16 * 1024 * 1024;

/// Reads what a file or a command has: identities line by line, an ssh key, or an age file around identities.
///
/// # Errors
///
/// Name the line and never its content.
pub(super) fn read(bytes: &[u8], programs: &Programs) -> Result<Content> {
    if bytes.len() > LARGEST {
        return Err(Error::new("this is too large for a file of keys (16 MiB)"));
    }
    if is_age_file(bytes) {
        return Ok(Content::ProtectedFile(Secret::from(bytes)));
    }
    if bytes.trim_ascii_start().starts_with(b"-----BEGIN ") {
        let key = ssh_private::parse(bytes)?;
        if key.is_protected() {
            return Ok(Content::ProtectedSsh(Box::new(key)));
        }
        return key.identity(None).map(|identity| Content::Identities(vec![identity]));
    }
    read_lines(bytes, programs).map(Content::Identities)
}

/// Whether the text is an age file, armored or not, and so one with identities behind a passphrase.
pub(super) fn is_age_file(bytes: &[u8]) -> bool {
    bytes.starts_with(b"age-encryption.org/") || bytes.starts_with(b"-----BEGIN AGE")
}

/// Reads identities, one a line; empty lines and lines that begin with `#` are passed over.
pub(super) fn read_lines(bytes: &[u8], programs: &Programs) -> Result<Vec<Identity>> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text(bytes)?.split('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if !line.is_empty() && !line.starts_with('#') {
            found.push(parse(line, programs).map_err(|error| error.position(number, 1))?);
        }
    }
    Ok(found)
}

/// Reads identities as `SOPS_AGE_KEY` has them: with any blanks between them, and lines that begin with `#`.
pub(super) fn read_words(bytes: &[u8], programs: &Programs) -> Result<Vec<Identity>> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text(bytes)?.split('\n')) {
        if !line.starts_with('#') {
            for word in line.split_whitespace() {
                found.push(parse(word, programs).map_err(|error| error.position(number, 1))?);
            }
        }
    }
    Ok(found)
}

fn text(bytes: &[u8]) -> Result<&str> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(Error::new("a byte order mark is in front of the keys; save the file as plain text")
            .position(1, 1));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        Error::new("this is not text").position(u32::try_from(line).unwrap_or(u32::MAX), 1)
    })
}

/// Reads one identity.
fn parse(word: &str, programs: &Programs) -> Result<Identity> {
    if word.contains(char::is_whitespace) {
        return Err(not_an_identity(word));
    }
    let identity = if word.starts_with(hybrid::PRIVATE_PREFIX) {
        hybrid::Identity::parse(word).map(|key| Identity::Hybrid(Box::new(key)))
    } else if word.starts_with("AGE-SECRET-KEY-1") {
        x25519::Identity::parse(word).map(Identity::X25519)
    } else if word.starts_with("AGE-PLUGIN-") {
        plugin::Identity::parse(word, programs).map(Identity::Plugin)
    } else {
        return Err(not_an_identity(word));
    };
    identity.map_err(|reason| Error::new(format!("malformed identity: {}", reason.0)))
}

/// Why a line is none. It may be part of a private key, so that only its shape is told.
fn not_an_identity(line: &str) -> Error {
    if line.trim() != line || line.contains("AGE-SECRET-KEY-") || line.contains("AGE-PLUGIN-") {
        return Error::new("an identity stands alone on its line, without blanks or anything else");
    }
    if line.starts_with("age1") || line.starts_with("ssh-") {
        return Error::new("this is a public key, and private ones belong here");
    }
    Error::new("this is not an identity (AGE-SECRET-KEY-1… or AGE-PLUGIN-…)")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
    const HYBRID: &str = "AGE-SECRET-KEY-PQ-1HZLGZUPT4ETPKDEV8HSGFDCYZ4E522W0A7PU2LHT8EH9W6YLNC3SW78XKG";
    const PLUGIN: &str = "AGE-PLUGIN-UVARSTEST-1WPEXJANPW3JJQ6RPD3NQ5J2N6F";

    fn lines(text: &str) -> Result<usize> {
        read_lines(text.as_bytes(), &Programs::default()).map(|identities| identities.len())
    }

    fn words(text: &str) -> Result<usize> {
        read_words(text.as_bytes(), &Programs::default()).map(|identities| identities.len())
    }

    #[test]
    fn a_file_has_one_identity_a_line() {
        for (text, count) in [
            (String::new(), 0),
            ("\n\n# comment\n#\n".into(), 0),
            (KEY.into(), 1),
            (format!("# created: now\n# public key: age1…\n{KEY}\n"), 1),
            (format!("{KEY}\r\n\r\n{PLUGIN}\r\n{HYBRID}\n"), 3),
        ] {
            assert_eq!(lines(&text).unwrap(), count, "{text}");
        }
    }

    #[test]
    fn a_file_with_anything_else_is_refused_by_line() {
        let short = "AGE-SECRET-KEY-1GQ9778";
        for (text, line, message) in [
            (format!("\n{KEY} "), 2, "an identity stands alone on its line"),
            (format!(" {KEY}"), 1, "an identity stands alone on its line"),
            (format!("{KEY} {KEY}"), 1, "an identity stands alone"),
            (format!("{KEY} # note"), 1, "an identity stands alone"),
            (format!("#\n {KEY}"), 2, "an identity stands alone"),
            ("  # indented".into(), 1, "an identity stands alone"),
            ("   ".into(), 1, "an identity stands alone"),
            (format!("\u{feff}{KEY}"), 1, "a byte order mark"),
            (short.into(), 1, "malformed identity: its checksum"),
            (KEY.to_lowercase(), 1, "this is not an identity"),
            (PLUGIN.to_lowercase(), 1, "this is not an identity"),
            ("AGE-PLUGIN-X/Y-1QQQQ".into(), 1, "malformed identity"),
            ("AGE-SECRET-KEY-1".into(), 1, "malformed identity"),
            ("AGE-SECRET-KEY-PQ-1HZLGZUPT4".into(), 1, "malformed identity: its checksum"),
            (HYBRID.to_lowercase(), 1, "this is not an identity"),
            (format!("{HYBRID} {KEY}"), 1, "an identity stands alone"),
            ("hunter2".into(), 1, "this is not an identity"),
            ("age1xyz".into(), 1, "this is a public key"),
            ("ssh-ed25519 AAAA".into(), 1, "this is a public key"),
        ] {
            let error = lines(&text).expect_err(&text);
            assert!(error.message().starts_with(message), "{text}: {error}");
            assert_eq!(error.line_column(), Some((line, 1)), "{text}");
            let shown = format!("{error:?}").to_lowercase();
            assert!(
                !shown.contains("gq9778") && !shown.contains("hzlgzupt4") && !shown.contains("hunter2"),
                "{shown}"
            );
        }
        let error = read_lines(b"#\n\xff", &Programs::default()).unwrap_err();
        assert_eq!(error.to_string(), "line 2, column 1: this is not text");
    }

    #[test]
    fn a_variable_has_identities_between_any_blanks() {
        assert_eq!(words(&format!("  {KEY}\t{KEY} \r\n# comment {KEY}\n{PLUGIN}")).unwrap(), 3);
        assert_eq!(words("").unwrap(), 0);
        // what sops takes for blanks, such as a copy from a page leaves behind
        assert_eq!(words(&format!("{KEY}\u{b}{KEY}\u{a0}{KEY}\u{3000}")).unwrap(), 3);
        for bad in [format!("{KEY} # note"), format!(" # {KEY}"), format!("{KEY},{KEY}")] {
            assert!(words(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_private_keys_are_named_by_their_form() {
        for (text, message) in [
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n",
                "malformed OpenSSH",
            ),
            ("-----BEGIN PRIVATE KEY-----\nhunter2", "this private key is in an old or foreign PEM form"),
            ("-----BEGIN EC PRIVATE KEY-----\nhunter2", "this private key is in an old or foreign PEM form"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nhunter2",
                "this private key is in an old or foreign PEM form",
            ),
            ("-----BEGIN RSA PRIVATE KEY-----\nhunter2", "malformed ssh private key"),
            ("-----BEGIN CERTIFICATE-----\nhunter2", "this is a PEM block, and no private key"),
        ] {
            let error = read(text.as_bytes(), &Programs::default()).err().expect(text);
            assert!(error.message().starts_with(message), "{text}: {error}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
        let huge = vec![b'#'; LARGEST + 1];
        assert!(read(&huge, &Programs::default()).is_err());
    }
}
