//! Which password hash a host offers for an account, above all when the right one cannot be opened.
//!
//! Pure. Nobody may be locked out by a file that cannot be opened, and nobody may slip in: a fallback is taken
//! as it stands, never unlocked, never empty.

use super::manifest::Policy;
use crate::secret::Secret;

/// Where the offered line comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    /// The account file, as it should be.
    File,
    /// The last generation.
    Last,
    /// The line that /etc/shadow holds now.
    Shadow,
    /// Nothing is known: a password that nobody has.
    Nobody,
}

/// The password field of an account that nobody may log in to by password.
const NOBODY: &str = "!";

/// The longest field that is taken over, in bytes; crypt's own limit is 384.
const LONGEST: usize = 512;

/// The line to offer: from the file if it could be opened, else the last generation's, else shadow's.
///
/// A present account gets a fallback as it stands, locked where it was locked; a locked account gets `!` before
/// whatever is known. `opened` must have passed [`is_hash`].
pub(super) fn offer(
    policy: Policy,
    opened: Option<&Secret>,
    last: Option<&Secret>,
    shadow: Option<&Secret>,
) -> (Secret, Source) {
    let usable = |field: Option<&Secret>| field.filter(|field| is_field(field)).cloned();
    let (field, source) = opened
        .cloned()
        .map(|field| (field, Source::File))
        .or_else(|| usable(last).map(|field| (field, Source::Last)))
        .or_else(|| usable(shadow).map(|field| (field, Source::Shadow)))
        .unwrap_or_else(|| (Secret::from(NOBODY), Source::Nobody));
    match policy {
        Policy::Locked => (locked(&field), source),
        Policy::Present | Policy::Absent => (field, source),
    }
}

/// `!` before the field, once.
fn locked(field: &Secret) -> Secret {
    if field.expose().starts_with(NOBODY.as_bytes()) {
        return field.clone();
    }
    let mut bytes = Vec::with_capacity(field.len() + 1);
    bytes.extend_from_slice(NOBODY.as_bytes());
    bytes.extend_from_slice(field.expose());
    Secret::new(bytes)
}

/// Whether these bytes can stand in the password field of /etc/shadow without emptying or breaking it.
pub(super) fn is_field(field: &Secret) -> bool {
    (1..=LONGEST).contains(&field.len())
        && field.expose().iter().all(|byte| byte.is_ascii_graphic() && *byte != b':')
}

/// Whether this is a hash in crypt's modern form, `$kind$…`: not empty, not locked, on one line.
pub(super) fn is_hash(field: &Secret) -> bool {
    let bytes = field.expose();
    is_field(field)
        && bytes.first() == Some(&b'$')
        && bytes.iter().skip(1).any(|byte| *byte == b'$')
        && bytes.len() > 12
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(
        policy: Policy,
        opened: Option<&str>,
        last: Option<&str>,
        shadow: Option<&str>,
    ) -> (String, Source) {
        let secret = |text: Option<&str>| text.map(Secret::from);
        let (field, source) =
            offer(policy, secret(opened).as_ref(), secret(last).as_ref(), secret(shadow).as_ref());
        (field.expose_str().unwrap().to_owned(), source)
    }

    #[test]
    fn the_file_comes_first_then_the_last_generation_then_shadow() {
        let present = Policy::Present;
        assert_eq!(offered(present, Some("$f"), Some("$l"), Some("$s")), ("$f".into(), Source::File));
        assert_eq!(offered(present, None, Some("$l"), Some("$s")), ("$l".into(), Source::Last));
        assert_eq!(offered(present, None, None, Some("$s")), ("$s".into(), Source::Shadow));
        assert_eq!(offered(present, None, None, None), ("!".into(), Source::Nobody));
    }

    #[test]
    fn no_fallback_unlocks_or_empties() {
        for field in ["!$y$hash", "!", "!!", "*", "!*", "x"] {
            assert_eq!(offered(Policy::Present, None, None, Some(field)), (field.into(), Source::Shadow));
            assert_eq!(
                offered(Policy::Present, None, Some(field), Some("$y$other")),
                (field.into(), Source::Last)
            );
        }
        for broken in ["", " ", "a:b", "a\nb", "$y$hash\n", "ä"] {
            assert_eq!(
                offered(Policy::Present, None, Some(broken), Some(broken)),
                ("!".into(), Source::Nobody)
            );
        }
    }

    #[test]
    fn locked_is_locked_once_whatever_is_known() {
        for (field, line) in
            [("$y$h", "!$y$h"), ("!$y$h", "!$y$h"), ("*", "!*"), ("!", "!"), ("!!", "!!"), ("", "!")]
        {
            assert_eq!(offered(Policy::Locked, None, None, Some(field)).0, line);
        }
        assert_eq!(offered(Policy::Locked, Some("$y$h"), None, None), ("!$y$h".into(), Source::File));
        assert_eq!(offered(Policy::Locked, None, None, None), ("!".into(), Source::Nobody));
    }

    #[test]
    fn what_is_a_hash() {
        let is = |text: &str| is_hash(&Secret::from(text));
        assert!(is("$y$j9T$abc$def") && is("$6$salt$hash.hash/hash") && is("$2b$05$abcdefghijk"));
        for bad in [
            "",
            "!",
            "*",
            "x",
            "!$y$j9T$abc$def",
            "$y$j9T$abc$def\n",
            "$y$j9T$a:c$def",
            "hunter2hunter2",
            "$hunter2hunter2",
        ] {
            assert!(!is(bad), "{bad:?}");
        }
    }
}
