//! Who a key belongs to: a class and a name, as `users/jon`.

use crate::error::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// The folders of `keys/`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// Keyholders of the fleet.
    Admins,
    /// Offline keys, used for nothing but recovery.
    Recovery,
    /// People, one a file.
    Users,
    /// Machines.
    Hosts,
    /// CI and other programs.
    Robots,
}

impl Class {
    /// All of them, in the order they are listed in.
    pub const ALL: [Self; 5] = [Self::Admins, Self::Recovery, Self::Users, Self::Hosts, Self::Robots];

    /// The folder's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admins => "admins",
            Self::Recovery => "recovery",
            Self::Users => "users",
            Self::Hosts => "hosts",
            Self::Robots => "robots",
        }
    }

    /// Checks a name against the rule of its class.
    ///
    /// # Errors
    ///
    /// Says the rule, and quotes the name unless it is too long for one.
    pub fn check_name(self, name: &str) -> Result<()> {
        let (holds, rule) = match self {
            Self::Users => {
                (is_user(name), "a lower-case letter or _, then letters, digits, _ . and -, 32 at most")
            }
            Self::Hosts => (
                is_host(name),
                "labels of letters, digits and -, with dots between them, 253 characters at most",
            ),
            Self::Admins | Self::Recovery | Self::Robots => {
                (is_plain(name), "a lower-case letter or digit, then these, _ . and -, 64 at most")
            }
        };
        if holds {
            return Ok(());
        }
        Err(Error::new(format!("{} is not a name for {self}: {rule}", quoted(name))))
    }
}

impl fmt::Display for Class {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Class {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text).ok_or_else(|| {
            Error::usage(format!("{} is not a class of keys", quoted(text)))
                .hint("the classes are admins, recovery, users, hosts and robots")
        })
    }
}

/// A name as an error shows it. What is longer than names are may be a key that was typed in the wrong place.
pub(super) fn quoted(name: &str) -> String {
    if super::private::refuse(name).is_some() {
        return "a private key".to_owned();
    }
    if name.len() > 40 { format!("a text of {} characters", name.len()) } else { format!("{name:?}") }
}

/// `[a-z_][a-z0-9_.-]{0,31}`
fn is_user(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(is_plain_byte)
}

/// A host name of RFC 1123, dots allowed.
fn is_host(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// `[a-z0-9][a-z0-9_.-]*`
fn is_plain(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(is_plain_byte)
}

fn is_plain_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte)
}

/// Somebody or something that has keys.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Principal {
    /// Which folder the key file is in.
    pub class: Class,
    /// The file's name without `.pub`.
    pub name: String,
}

impl Principal {
    /// Checks the name.
    pub fn new(class: Class, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        class.check_name(&name)?;
        Ok(Self { class, name })
    }

    /// Where its key file lies in the repository: `keys/users/jon.pub`.
    pub fn path(&self) -> String {
        format!("keys/{self}.pub")
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.class, self.name)
    }
}

impl FromStr for Principal {
    type Err = Error;

    /// Reads `CLASS/NAME`. A bare name needs a registry: `Registry::resolve`.
    fn from_str(text: &str) -> Result<Self> {
        if let Some(error) = super::private::refuse(text) {
            return Err(error);
        }
        let Some((class, name)) = text.split_once('/') else {
            return Err(Error::usage(format!("{} names no class", quoted(text)))
                .hint("write it as users/jon or hosts/cinnabar"));
        };
        Self::new(class.parse()?, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_class_and_name() {
        for text in
            ["users/jon", "hosts/cinnabar.example.org", "admins/raquel", "recovery/paper-1", "robots/ci"]
        {
            assert_eq!(text.parse::<Principal>().unwrap().to_string(), text);
        }
        assert_eq!("users/jon".parse::<Principal>().unwrap().path(), "keys/users/jon.pub");
    }

    #[test]
    fn names_hold_to_the_rule_of_their_class() {
        let long = "a".repeat(33);
        for bad in ["", "Jon", "1jon", "-jon", ".jon", "jon/..", "jon smith", "jön", "jon@x", long.as_str()]
        {
            assert!(Principal::new(Class::Users, bad).is_err(), "{bad}");
        }
        for good in ["_", "jon", "j.s-1_"] {
            assert!(Principal::new(Class::Users, good).is_ok(), "{good}");
        }
        let label = "a".repeat(64);
        for bad in ["", ".", "a.", "-a", "a-", "a_b", "a..b", "..", label.as_str()] {
            assert!(Principal::new(Class::Hosts, bad).is_err(), "{bad}");
        }
        for good in ["a", "1", "Cinnabar", "web-1.example.org"] {
            assert!(Principal::new(Class::Hosts, good).is_ok(), "{good}");
        }
        for bad in ["", "_a", "A", ".", "..", "a b"] {
            assert!(Principal::new(Class::Robots, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_principal_is_a_usage_error_with_a_hint() {
        for bad in ["jon", "people/jon"] {
            let error = bad.parse::<Principal>().unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Usage);
            assert_eq!(error.hints().len(), 1);
        }
        assert!(!format!("{:?}", "AGE-SECRET-KEY-1QQQQ".parse::<Principal>()).contains("QQQQ"));
    }
}
