//! A recipient: the public half of a key, whatever its type, as sops stores it in a file.

use super::encoding::Malformed;
use super::programs::Programs;
use super::{envelope, hybrid, plugin, private, ssh, ssh_ed25519, ssh_rsa, x25519};
use crate::error::{Error, Result};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The types of recipients.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum KeyKind {
    /// `age1…`
    X25519,
    /// `ssh-ed25519 AAAA…`, opened with the ssh key itself.
    SshEd25519,
    /// `ssh-rsa AAAA…`
    SshRsa,
    /// `age1NAME1…`, for the program `age-plugin-NAME`.
    Plugin,
    /// `age1pq1…`: ML-KEM-768 with X25519, for readers who fear quantum computers.
    Hybrid,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::X25519 => "X25519",
            Self::SshEd25519 => ssh_ed25519::KIND,
            Self::SshRsa => ssh_rsa::KIND,
            Self::Plugin => "plugin",
            Self::Hybrid => "hybrid",
        })
    }
}

/// The public half of a key.
///
/// Two are equal if the key is: the comment of an ssh key does not count. `Display` writes the key in its one
/// canonical form, without the comment, which is what a sops file's `recipient` gets.
#[derive(Clone)]
pub struct Recipient {
    text: String,
    comment: String,
    key: Key,
}

#[derive(Clone, Copy)]
enum Key {
    X25519,
    /// With the X25519 point of the same private key.
    SshEd25519([u8; 32]),
    SshRsa(ssh_rsa::Bits),
    Plugin,
    Hybrid,
}

impl Recipient {
    /// Reads one recipient: `age1…`, `age1NAME1…`, `age1pq1…`, `ssh-ed25519 AAAA… comment` or `ssh-rsa AAAA…`.
    ///
    /// # Errors
    ///
    /// Never quotes the text, which may be private; the caller knows file and position. A private key is
    /// refused with a hint how to come to its public half.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Some(error) = private::refuse(text) {
            return Err(error);
        }
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(Error::new(
                "a recipient is one line, and this holds a line break or another control character",
            ));
        }
        if text.starts_with("ssh-")
            || ssh::split(text).is_some_and(|line| ssh::other_type(line.kind).is_some())
        {
            return Self::parse_ssh(text);
        }
        if text.starts_with("age1") && text.contains(char::is_whitespace) {
            return Err(Error::new("malformed age recipient: there is more behind it in its line")
                .hint("one key a line; a comment has a line of its own, which begins with #"));
        }
        let (key, checked) = if text.starts_with(hybrid::PREFIX) {
            (Key::Hybrid, hybrid::parse(text).map(|_| ()))
        } else if !text.starts_with("age1") {
            return Err(Error::new("unknown type of recipient")
                .hint("a recipient begins with age1, ssh-ed25519 or ssh-rsa"));
        } else if plugin::is_recipient(text) {
            (Key::Plugin, plugin::check_recipient(text))
        } else {
            (Key::X25519, x25519::parse(text).map(|_| ()))
        };
        checked.map_err(|reason| malformed("age recipient", reason))?;
        Ok(Self { text: text.to_owned(), comment: String::new(), key })
    }

    fn parse_ssh(text: &str) -> Result<Self> {
        let line = ssh::split(text).ok_or_else(|| Error::new("malformed ssh key: only its type is there"))?;
        if let Some(kind) = ssh::other_type(line.kind) {
            return Err(Error::new(format!("age cannot encrypt to ssh keys of type {kind}"))
                .hint("use an ssh-ed25519 or an age key"));
        }
        let key = match line.kind {
            ssh_ed25519::KIND => ssh_ed25519::parse(line.base64).map(Key::SshEd25519),
            ssh_rsa::KIND => ssh_rsa::parse(line.base64).map(Key::SshRsa),
            _ => return Err(Error::new("unknown type of ssh key").hint("use an ssh-ed25519 or an age key")),
        };
        let key = key.map_err(|reason| malformed(&format!("{} key", line.kind), reason))?;
        Ok(Self { text: format!("{} {}", line.kind, line.base64), comment: line.comment.to_owned(), key })
    }

    /// The reader that a file names, as people may see it: a text that is no recipient may be anything, a private
    /// key too.
    pub fn shown(text: &str) -> &str {
        if Self::parse(text).is_ok() { text } else { "a text that is no recipient" }
    }

    /// The key for people: itself, but a hybrid one by its beginning and end, since its 1959 letters fill the screen.
    pub fn on_screen(&self) -> Cow<'_, str> {
        match self.text.len().checked_sub(12).and_then(|end| self.text.get(end..)) {
            Some(end) if matches!(self.key, Key::Hybrid) => Cow::Owned(format!("{}…{end}", hybrid::PREFIX)),
            _ => Cow::Borrowed(&self.text),
        }
    }

    /// The type.
    pub fn kind(&self) -> KeyKind {
        match self.key {
            Key::X25519 => KeyKind::X25519,
            Key::SshEd25519(_) => KeyKind::SshEd25519,
            Key::SshRsa(_) => KeyKind::SshRsa,
            Key::Plugin => KeyKind::Plugin,
            Key::Hybrid => KeyKind::Hybrid,
        }
    }

    /// The key in its one form, without a comment: what `Display` writes.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stood behind an ssh key, often `user@host`.
    pub fn comment(&self) -> Option<&str> {
        Some(self.comment.as_str()).filter(|comment| !comment.is_empty())
    }

    /// The name of the program behind `age-plugin-`, where the recipient needs one.
    pub fn plugin(&self) -> Option<&str> {
        matches!(self.key, Key::Plugin).then(|| plugin::recipient_name(&self.text)).flatten()
    }

    /// What its user should know, where there is something.
    pub fn warning(&self) -> Option<&'static str> {
        matches!(self.key, Key::SshRsa(_)).then_some(ssh_rsa::WARNING)
    }

    /// The X25519 recipient that ssh-to-age makes of an ssh-ed25519 key; nothing for other types.
    pub fn converted(&self) -> Option<Self> {
        let Key::SshEd25519(point) = self.key else { return None };
        Some(Self { text: x25519::text(&point), comment: self.comment.clone(), key: Key::X25519 })
    }

    /// The text by which the private key behind it is known: that of the conversion for an ssh-ed25519 key, its
    /// own for the others.
    pub fn key_id(&self) -> String {
        match self.key {
            Key::SshEd25519(point) => x25519::text(&point),
            _ => self.text.clone(),
        }
    }

    /// Whether the same private key opens both: equal, or one the conversion of the other.
    pub fn is_same_key(&self, other: &Self) -> bool {
        self == other || self.key_id() == other.key_id()
    }

    /// Whether data keys can be wrapped for it at all; an error names the type and what to use.
    pub fn check_usable(&self) -> Result<()> {
        match self.key {
            Key::SshRsa(bits) => bits.check(),
            Key::X25519 | Key::SshEd25519(_) | Key::Plugin | Key::Hybrid => Ok(()),
        }
    }

    /// Whether wrapping can be tried: [`Self::check_usable`], and that a plugin's program is there.
    pub(super) fn check_with(&self, programs: &Programs) -> Result<()> {
        self.check_usable()?;
        match self.key {
            Key::Plugin => plugin::Recipient::new(&self.text, programs).map(drop),
            _ => Ok(()),
        }
    }

    /// Wraps a data key (32 bytes; 33 for a Shamir share): an armored age file with one recipient stanza, its
    /// lines 64 columns wide, a line feed at the end, as sops writes it.
    ///
    /// # Errors
    ///
    /// A type that cannot be encrypted to, or a plugin, which needs [`Recipient::wrap_with`].
    pub fn wrap(&self, data_key: &[u8]) -> Result<String> {
        self.wrap_with(data_key, &Programs::default())
    }

    /// The same, where the recipient may be a plugin's: `programs` says how its program is started.
    pub fn wrap_with(&self, data_key: &[u8], programs: &Programs) -> Result<String> {
        self.check_usable()?;
        match self.key {
            Key::X25519 => envelope::seal(data_key, &x25519::wrapper(&self.text)?),
            Key::SshEd25519(_) | Key::SshRsa(_) => envelope::seal(data_key, &ssh::wrapper(&self.text)?),
            Key::Plugin => envelope::seal(data_key, &plugin::Recipient::new(&self.text, programs)?),
            Key::Hybrid => {
                let key = hybrid::parse(&self.text).map_err(|reason| malformed("age recipient", reason))?;
                envelope::seal(data_key, &key)
            }
        }
    }
}

fn malformed(what: &str, Malformed(reason): Malformed) -> Error {
    Error::new(format!("malformed {what}: {reason}"))
}

impl Eq for Recipient {}

impl PartialEq for Recipient {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Hash for Recipient {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Ord for Recipient {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl PartialOrd for Recipient {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::str::FromStr for Recipient {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Recipient({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    const AGE: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBI1+Q+ntzANebtnicCiAY29uqLGWOaOGLEa8bUqOVmS";

    /// The line of an ssh key made of these fields.
    fn line(kind: &str, fields: &[&[u8]]) -> String {
        let mut blob = Vec::new();
        for field in std::iter::once(kind.as_bytes()).chain(fields.iter().copied()) {
            blob.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
            blob.extend(field);
        }
        format!("{kind} {}", STANDARD.encode(blob))
    }

    /// An RSA modulus of so many bytes, as the wire has it.
    fn modulus(bytes: usize) -> Vec<u8> {
        let mut modulus = vec![0xaa; bytes + 1];
        modulus[0] = 0;
        modulus[bytes] |= 1;
        modulus
    }

    #[test]
    fn every_type_is_known_by_its_shape() {
        let rsa = line("ssh-rsa", &[&[1, 0, 1], &modulus(256)]);
        let hybrid = crate::keys::generate_hybrid("now").unwrap().recipient;
        for (text, kind) in [
            (AGE, KeyKind::X25519),
            (ED25519, KeyKind::SshEd25519),
            (rsa.as_str(), KeyKind::SshRsa),
            ("age1uvarstest1wp6kymrfvvsxsctvvclek6ak", KeyKind::Plugin),
            (hybrid.as_str(), KeyKind::Hybrid),
        ] {
            let recipient = Recipient::parse(&format!("  {text}\n")).unwrap();
            assert_eq!((recipient.kind(), recipient.to_string().as_str()), (kind, text));
            assert_eq!(recipient.warning().is_some(), kind == KeyKind::SshRsa);
            assert!(recipient.check_usable().is_ok());
            let on_screen = recipient.on_screen();
            assert_eq!(on_screen == text, kind != KeyKind::Hybrid);
            assert!(on_screen.ends_with(text.get(text.len() - 12..).unwrap()), "{on_screen}");
            assert!(kind != KeyKind::Hybrid || on_screen.starts_with("age1pq1…") && on_screen.len() < 25);
        }
    }

    #[test]
    fn the_comment_of_an_ssh_key_is_not_the_key() {
        let one = Recipient::parse(&format!("{ED25519}\t jon@cinnabar  work ")).unwrap();
        let other = Recipient::parse(ED25519).unwrap();
        assert_eq!(one, other);
        assert_eq!((one.comment(), other.comment()), (Some("jon@cinnabar  work"), None));
        assert_eq!(one.to_string(), ED25519);
    }

    #[test]
    fn ssh_to_age_is_the_same_key() {
        let ssh = Recipient::parse(ED25519).unwrap();
        let age = ssh.converted().unwrap();
        // the host key of sops-nix' own tests
        assert_eq!(age.as_str(), "age1a8pk4akrdamj7nvqy3zywgtny8dxz7t5xzu7u8v9mhrayp9freqsqatyrs");
        assert_eq!(age.kind(), KeyKind::X25519);
        assert!(ssh.is_same_key(&age) && age.is_same_key(&ssh) && ssh != age);
        assert!(age.converted().is_none());
        assert!(!age.is_same_key(&Recipient::parse(AGE).unwrap()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_being_quoted() {
        let base64 = ED25519.split_once(' ').unwrap().1;
        let secret = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
        let identity_point = {
            let mut point = [0; 32];
            point[0] = 1;
            point
        };
        for (text, message) in [
            (String::new(), "unknown type of recipient"),
            ("hunter2".into(), "unknown type of recipient"),
            (AGE.to_uppercase(), "unknown type of recipient"),
            ("age1hunter2".into(), "malformed age recipient: its checksum is wrong"),
            (format!("{AGE}x"), "malformed age recipient: its checksum is wrong"),
            (format!("{AGE} {AGE}"), "malformed age recipient: there is more behind it"),
            (format!("{AGE}\n{AGE}"), "a recipient is one line"),
            (format!("{ED25519} a\u{1b}[2J"), "a recipient is one line"),
            ("age1pq1hunter2".into(), "malformed age recipient: its checksum is wrong"),
            ("age1a/b1hunter2".into(), "malformed age recipient: its checksum is wrong"),
            (secret.into(), "this is an age identity, and a public key belongs here"),
            (secret.to_lowercase(), "this is an age identity"),
            ("AGE-PLUGIN-YUBIKEY-1HUNTER2".into(), "this is the identity of an age plugin"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----".into(), "this is a private key"),
            ("ssh-ed25519".into(), "malformed ssh key: only its type is there"),
            ("ssh-hunter2 AAAA".into(), "unknown type of ssh key"),
            (format!("ssh-rsa {base64}"), "malformed ssh-rsa key: the type inside is another one"),
            ("ssh-ed25519 hunter2".into(), "malformed ssh-ed25519 key: its base64 is damaged"),
            ("ssh-ed25519 AAAAC3Nz".into(), "malformed ssh-ed25519 key: it is cut off"),
            (line("ssh-ed25519", &[&[7; 31]]), "malformed ssh-ed25519 key: its length is not"),
            (line("ssh-ed25519", &[&[7; 32], b""]), "malformed ssh-ed25519 key: it has parts"),
            (line("ssh-ed25519", &[&[2; 32]]), "malformed ssh-ed25519 key: its bytes are no point"),
            (line("ssh-ed25519", &[&identity_point]), "malformed ssh-ed25519 key: its point is of low order"),
            (line("ssh-ed25519", &[&[0xff; 32]]), "malformed ssh-ed25519 key: its"),
            (
                "ecdsa-sha2-nistp256 AAAA hunter2".into(),
                "age cannot encrypt to ssh keys of type ecdsa-sha2-nistp256",
            ),
            (
                "sk-ssh-ed25519@openssh.com AAAA".into(),
                "age cannot encrypt to ssh keys of type sk-ssh-ed25519",
            ),
            (line("ssh-rsa", &[&[3], &modulus(128)]), "malformed ssh-rsa key: its modulus is shorter"),
            (
                line("ssh-rsa", &[&[0], &modulus(256)]),
                "malformed ssh-rsa key: a number in it is not in its shortest",
            ),
            (line("ssh-rsa", &[&[0, 0], &modulus(256)]), "malformed ssh-rsa key: a number in it is not"),
            (line("ssh-rsa", &[&[], &modulus(256)]), "malformed ssh-rsa key: a number in it is not"),
            (line("ssh-rsa", &[&[4], &modulus(256)]), "malformed ssh-rsa key: its exponent"),
            (line("ssh-rsa", &[&[1], &modulus(256)]), "malformed ssh-rsa key: its exponent"),
            (line("ssh-rsa", &[&[1, 0, 1], &[0; 257]]), "malformed ssh-rsa key: a number in it is not"),
            (line("ssh-rsa", &[&[1, 0, 1], &[0xaa; 257]]), "malformed ssh-rsa key: a number in it is not"),
            (line("ssh-rsa", &[&[1, 0, 1], &[0x70; 257]]), "malformed ssh-rsa key: its modulus is even"),
        ] {
            let error = Recipient::parse(&text).expect_err(&text);
            assert!(error.to_string().starts_with(message), "{text}: {error}");
            let shown = format!("{error:?}").to_lowercase();
            assert!(!shown.contains("hunter2") && !shown.contains("gq9778"), "{shown}");
        }
    }

    #[test]
    fn a_key_too_large_to_encrypt_to_is_kept_and_not_used() {
        let recipient = Recipient::parse(&line("ssh-rsa", &[&[1, 0, 1], &modulus(1024)])).unwrap();
        let error = recipient.wrap(&[7; 32]).unwrap_err();
        assert_eq!(error.to_string(), "cannot encrypt to an ssh-rsa key of 8192 bits: 4096 are the most");
        assert!(
            Recipient::parse(&line("ssh-rsa", &[&[1, 0, 1], &modulus(512)])).unwrap().wrap(&[7; 32]).is_ok()
        );
    }
}
