//! A recipient: the public half of a key, whatever its type, as sops stores it in a file.

use super::encoding::Malformed;
use super::programs::Programs;
use super::{envelope, hybrid, plugin, private, ssh, ssh_ed25519, ssh_rsa, x25519};
use crate::error::{Error, Result};
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
    /// `age1pq1…`: recognised, kept, and not encrypted to.
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
        let (key, checked) = if text.starts_with(hybrid::PREFIX) {
            (Key::Hybrid, hybrid::check(text))
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
            Key::Hybrid => Err(hybrid::unsupported()),
            Key::SshRsa(bits) => bits.check(),
            Key::X25519 | Key::SshEd25519(_) | Key::Plugin => Ok(()),
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
            Key::Hybrid => Err(hybrid::unsupported()),
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
