//! The names of a fleet: strings that were checked once and need no further look.
//!
//! What a name may be is decided by where it ends up: in a path of the repository, in an anchor of
//! `.sops.yaml`, and in a system's account data base.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};

/// A type of names, and the check that makes it.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:path, $shape:literal) => {
        $(#[$doc])*
        #[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text; the error says what such a name is made of.
            pub fn new(text: &str) -> Result<Self> {
                if $check(text) {
                    return Ok(Self(text.into()));
                }
                Err(Error::new(format!(concat!("{:?} is no ", $what), text))
                    .hint(format!("{} {} is made of {}", article($what), $what, $shape)))
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, out)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// A login: `[a-z_][a-z0-9_.-]{0,31}`.
    UserName,
    "user name",
    is_user,
    "a letter or _, then up to 31 of a-z 0-9 _ . - (small letters only)"
);
name!(
    /// A host as RFC 1123 has it, dots allowed.
    HostName,
    "host name",
    is_host,
    "parts of letters, digits and inner hyphens, divided by dots, 253 characters at most"
);
name!(
    /// A tag of hosts: `[a-z0-9][a-z0-9_.-]*`.
    Tag,
    "tag",
    is_word,
    "a small letter or digit, then a-z 0-9 _ . -"
);
name!(
    /// A file of `secrets/shared/`: `[a-z0-9][a-z0-9_.-]*`.
    SharedName,
    "shared name",
    is_word,
    "a small letter or digit, then a-z 0-9 _ . -"
);
name!(
    /// A program that reads values: `[a-z0-9][a-z0-9_.-]*`.
    RobotName,
    "robot's name",
    is_word,
    "a small letter or digit, then a-z 0-9 _ . -"
);
name!(
    /// A file of `keys/users/`, without its ending: named like a user.
    KeyName,
    "name of a key",
    is_user,
    "a letter or _, then up to 31 of a-z 0-9 _ . - (small letters only)"
);
name!(
    /// A group, or an owner, as a system's account data base knows it.
    AccountName,
    "account or group name",
    is_account,
    "a letter or _, then up to 31 of A-Z a-z 0-9 _ . -"
);
name!(
    /// Where a value lands below the host tree: `db/password`.
    InstallName,
    "name to install under",
    is_install,
    "words of A-Z a-z 0-9 _ . - divided by /, none of which begins with a dot, and the first not home"
);

fn article(what: &str) -> &'static str {
    // of our words none but this begins with a vowel that is heard
    if what.starts_with('a') { "an" } else { "a" }
}

/// A file's base name has at most 255 bytes, and `.sops.yaml` and the stage of a write take some of them.
const WORD_LIMIT: usize = 200;

fn is_user(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 32
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| is_small(b) || matches!(b, b'_' | b'.' | b'-'))
}

fn is_host(text: &str) -> bool {
    let part = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= 253.min(WORD_LIMIT) && text.split('.').all(part)
}

fn is_word(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= WORD_LIMIT
        && bytes.next().is_some_and(is_small)
        && bytes.all(|b| is_small(b) || matches!(b, b'_' | b'.' | b'-'))
}

fn is_account(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 32
        && bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

fn is_install(text: &str) -> bool {
    let part = |part: &str| {
        // as the manifest has it: what begins with a dot in the host tree is the program's own
        !part.is_empty()
            && !part.starts_with('.')
            && part.len() <= WORD_LIMIT
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    };
    text.len() <= 1024 && text.split('/').all(part) && text.split('/').next() != Some("home")
}

fn is_small(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_what_useradd_takes() {
        for good in ["jon", "_www", "j", "a.b-c_1", &"a".repeat(32)] {
            assert!(UserName::new(good).is_ok(), "{good}");
        }
        for bad in
            ["", "Jon", "1jon", "-jon", ".jon", "jon smith", "jon/x", "jon@a", "jön", "a\n", &"a".repeat(33)]
        {
            assert!(UserName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn hosts_are_rfc_1123() {
        for good in ["a", "1", "cinnabar", "db-1.example.org", "A", &"a".repeat(63)] {
            assert!(HostName::new(good).is_ok(), "{good}");
        }
        for bad in
            ["", "-a", "a-", "a..b", ".a", "a.", "a_b", "a/b", "a@b", &"a".repeat(64), &"a.".repeat(130)]
        {
            assert!(HostName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn words_never_climb() {
        for good in ["wifi", "0", "a..b", "a_b-c.d"] {
            assert!(Tag::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "../x", "_a", "A", "a/b"] {
            assert!(SharedName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn install_names_stay_below_their_tree() {
        for good in ["db/password", "token", "a/home/b", "a.b", "TLS/key.pem", "homes"] {
            assert!(InstallName::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "./a",
            "home",
            "home/jon/x",
            "a b",
            "a\0",
            ".x",
            "db/.hidden",
        ] {
            assert!(InstallName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_error_says_what_a_name_is_made_of() {
        let error = UserName::new("Jon").unwrap_err();
        assert_eq!(error.to_string(), "\"Jon\" is no user name");
        assert!(error.hints()[0].starts_with("a user name is made of"), "{:?}", error.hints());
        let error = AccountName::new("5 5").unwrap_err();
        assert!(error.hints()[0].starts_with("an account or group name is"), "{:?}", error.hints());
    }
}
