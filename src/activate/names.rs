//! Names that a manifest may carry, and places that may not be taken twice.
//!
//! A name here becomes a file name that root writes, so what is not plainly a name is refused.

use crate::error::{Error, Result};
use std::collections::BTreeSet;

/// The folder below `/run/uvars` that belongs to people, and so to no install.
pub(super) const HOME: &str = "home";

/// A login name: `[a-z_][a-z0-9_.-]{0,31}`.
pub(super) fn user(text: &str) -> Result<&str> {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|byte| matches!(byte, b'a'..=b'z' | b'_'));
    let rest = bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'));
    if first && rest && text.len() <= 32 {
        return Ok(text);
    }
    Err(Error::new("is not a user name: it must be like jon, jon-2 or _jon, at most 32 characters"))
}

/// A host name as RFC 1123 has it.
pub(super) fn host(text: &str) -> Result<&str> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() <= 253 && text.split('.').all(label) {
        return Ok(text);
    }
    Err(Error::new("is not a host name"))
}

/// An owner or a group of the host: a number, or a name that those databases can hold.
pub(super) fn account(text: &str) -> Result<&str> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.parse::<u32>() {
            // The highest number means "leave it as it is" to the system.
            Ok(number) if number != u32::MAX => Ok(text),
            _ => Err(Error::new("is not a number of an account")),
        };
    }
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'$' | b'@' | b'\\');
    if text.len() <= 256 && !text.starts_with('-') && text.bytes().all(allowed) {
        return Ok(text);
    }
    Err(Error::new("is not the name of a user or group"))
}

/// The number of an account. The highest means "leave it as it is" to the system, and 65535 did so once.
pub(super) fn uid(number: u32) -> Result<u32> {
    match number {
        u32::MAX | 65535 => Err(Error::new("is not a number of an account")),
        uid => Ok(uid),
    }
}

/// A path in /etc/passwd: absolute, without `.` and `..`.
pub(super) fn passwd_path(text: &str) -> Result<&str> {
    let plain = text.starts_with('/') && !text.split('/').any(|part| matches!(part, "." | ".."));
    if plain && passwd_field(text).is_ok() {
        return Ok(text);
    }
    Err(Error::new("must be an absolute path without . and .. and without a colon"))
}

/// A field of /etc/passwd, which ends at a colon.
pub(super) fn passwd_field(text: &str) -> Result<&str> {
    if text.contains(':') {
        return Err(Error::new("must not hold a colon"));
    }
    line(text)
}

/// One line of text.
pub(super) fn line(text: &str) -> Result<&str> {
    if text.chars().any(char::is_control) {
        return Err(Error::new("must be one line without control characters"));
    }
    Ok(text)
}

/// Permission bits in four octal digits, the first of them 0: no program of another's rights, no sticky folder.
pub(super) fn mode(text: &str) -> Result<u32> {
    let octal = text.len() == 4 && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    match octal.then(|| u32::from_str_radix(text, 8).ok()).flatten() {
        Some(mode) if mode > 0o777 => Err(Error::new(
            "must begin with 0, like \"0400\": set-user-ID, set-group-ID and sticky bits are not given",
        )),
        Some(mode) if mode & 0o002 == 0 => Ok(mode),
        Some(_) => Err(Error::new("lets everybody write")),
        None => Err(Error::new("must be four octal digits, the first of them 0, like \"0400\"")),
    }
}

/// A relative path of plain names: no empty one, none that begins with a dot.
pub(super) fn place(text: &str) -> Result<&str> {
    if text.len() <= 1024 && text.split('/').all(is_plain) {
        return Ok(text);
    }
    Err(Error::new("must be plain names with / between them, like db/password"))
}

/// The name of an install: a place that is not in the folder of people.
pub(super) fn install(text: &str) -> Result<&str> {
    if place(text)?.split('/').next() == Some(HOME) {
        return Err(Error::new("must not begin with home/, which holds what belongs to people"));
    }
    Ok(text)
}

fn is_plain(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@' | b'+' | b':');
    (1..=255).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(allowed)
}

/// Whether a value's name can be the name of a file of its owner's; dots may come first there (`.netrc`).
pub(super) fn is_file_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name != "."
        && name != ".."
        && !name.chars().any(|letter| letter == '/' || letter.is_control())
}

/// The folders above a place in its tree, the highest first.
pub(super) fn above(place: &str) -> impl Iterator<Item = &str> {
    place.match_indices('/').filter_map(|(at, _)| place.get(..at))
}

/// Places that are taken in one tree.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl Places {
    /// Takes a place, unless it, something above it or something below it is taken.
    pub(super) fn take(&mut self, place: &str) -> Result<()> {
        if self.taken.contains(place)
            || self.folders.contains(place)
            || above(place).any(|folder| self.taken.contains(folder))
        {
            return Err(Error::new(format!("{place} is taken by something else")));
        }
        self.folders.extend(above(place).map(str::to_owned));
        self.taken.insert(place.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_hosts_and_owners() {
        for good in ["jon", "_j", "a.b-c_9", &"a".repeat(32)] {
            assert!(user(good).is_ok(), "{good}");
        }
        for bad in ["", "Jon", "9a", "-a", ".a", "a/b", "a b", "ä", "..", &"a".repeat(33)] {
            assert!(user(bad).is_err(), "{bad}");
        }
        assert!(host("cinnabar").is_ok() && host("a.b-1.C").is_ok());
        for bad in ["", ".", "..", "a..b", "-a", "a-", "a/b", "a_b"] {
            assert!(host(bad).is_err(), "{bad}");
        }
        for good in ["postgres", "0", "4294967294", "systemd-network", "Domain\\jon", "jon@ad"] {
            assert!(account(good).is_ok(), "{good}");
        }
        for bad in ["", "-x", "a:b", "a/b", "4294967295", "99999999999", "a\n"] {
            assert!(account(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn modes() {
        assert_eq!(mode("0400").unwrap(), 0o400);
        assert_eq!(mode("0755").unwrap(), 0o755);
        for bad in ["400", "0666", "0402", "4755", "0800", "00400", "", "+400", "0o40"] {
            assert!(mode(bad).is_err(), "{bad}");
        }
        for (bad, why) in [
            ("4755", "must begin with 0"),
            ("2755", "must begin with 0"),
            ("0402", "lets everybody write"),
            ("400", "must be four octal digits"),
        ] {
            assert!(mode(bad).unwrap_err().to_string().starts_with(why), "{bad}");
        }
    }

    #[test]
    fn installs_stay_in_their_folder() {
        for good in ["db", "db/password", "a.b/c-d", "homes/x", "x/home"] {
            assert!(install(good).is_ok(), "{good}");
        }
        for bad in
            ["", "/etc/passwd", "..", "a/../b", "a//b", "a/", ".hidden", "home", "home/jon/x", "a b", "a\0"]
        {
            assert!(install(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn places_are_taken_once() {
        let mut places = Places::default();
        places.take("a/b/c").unwrap();
        places.take("a/d").unwrap();
        places.take("ab").unwrap();
        for bad in ["a", "a/b", "a/b/c", "a/d/e", "ab/x"] {
            assert!(places.take(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn file_names_of_people() {
        assert!(is_file_name("db.password") && is_file_name(".netrc") && is_file_name("ä b"));
        for bad in ["", ".", "..", "a/b", "a\nb", "\0", &"x".repeat(256)] {
            assert!(!is_file_name(bad), "{bad:?}");
        }
    }
}
