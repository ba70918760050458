//! Recognises private keys where public ones belong, so that they are refused without being echoed.

use crate::error::Error;

/// Marks of private keys, in the upper case that they are compared in, and how to come to the public half.
const MARKS: [(&str, &str, &str); 6] = [
    ("AGE-SECRET-KEY-", "an age identity", "its public half: age-keygen -y FILE"),
    (
        "AGE-PLUGIN-",
        "the identity of an age plugin",
        "its public half stands in a comment of that file, or ask the plugin",
    ),
    (
        "PRIVATE KEY",
        "a private key",
        "its public half is in the .pub file beside it, or: ssh-keygen -y -f FILE",
    ),
    ("PUTTY-USER-KEY-FILE-", "a private key of PuTTY", "its public half: puttygen FILE -O public-openssh"),
    ("PRIVATE-MAC:", "a private key of PuTTY", "its public half: puttygen FILE -O public-openssh"),
    ("-----BEGIN ", "a PEM block", "give a line that begins with age1 or ssh-"),
];

/// The error for a text that is, or holds, a private key; nothing for any other text.
///
/// Letters are compared without regard to their case: a key that was changed on its way is still one.
pub(super) fn refuse(text: &str) -> Option<Error> {
    let upper = text.to_ascii_uppercase();
    // the first characters of every OpenSSH private key's base64, in case its frame was lost
    let (what, hint) = MARKS
        .iter()
        .find(|(mark, ..)| upper.contains(mark))
        .map(|(_, what, hint)| (*what, *hint))
        .or_else(|| text.contains("b3BlbnNzaC1rZXktdjE").then_some((MARKS[2].1, MARKS[2].2)))?;
    Some(Error::new(format!("this is {what}, and a public key belongs here")).hint(hint))
}

/// Refuses a text that is, or holds, a private key, without showing it.
///
/// # Errors
///
/// What it is, and how to come to its public half.
pub fn refuse_private(text: &str) -> crate::error::Result<()> {
    refuse(text).map_or(Ok(()), Err)
}

/// Whether a text that is meant as a name may be a private key, or a line out of one, and is better not shown.
pub fn may_be_private(text: &str) -> bool {
    let encoded = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    refuse(text).is_some() || (text.len() >= 40 && text.bytes().all(encoded))
}

/// Whether a text of several lines holds a private key. The mark alone, as a page about keys may have it, is none.
pub(super) fn holds_key(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| {
        let upper = line.to_ascii_uppercase();
        let age = ["AGE-SECRET-KEY-", "AGE-PLUGIN-"];
        let frame = upper.starts_with("-----BEGIN ") && upper.contains("PRIVATE KEY");
        frame
            || upper.starts_with("PUTTY-USER-KEY-FILE-")
            || (line.len() > 30 && age.iter().any(|mark| upper.starts_with(mark)))
    })
}

#[cfg(test)]
mod tests {
    use super::{holds_key, refuse};

    #[test]
    fn a_page_about_keys_holds_none() {
        let key = format!("x\n  AGE-SECRET-KEY-1{}\n", "Q".repeat(58));
        assert!(holds_key(&key));
        assert!(holds_key("-----BEGIN OPENSSH PRIVATE KEY-----"));
        assert!(holds_key("PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none"));
        assert!(!holds_key("Never commit a PRIVATE KEY or an AGE-SECRET-KEY-1 line.\nAGE-SECRET-KEY-1…"));
    }

    #[test]
    fn private_keys_are_refused_by_kind_and_never_shown() {
        for (text, word) in [
            ("AGE-SECRET-KEY-1QQQQ", "age identity"),
            ("age-secret-key-1qqqq", "age identity"),
            ("x AGE-SECRET-KEY-PQ-1QQQQ", "age identity"),
            ("AGE-PLUGIN-YUBIKEY-1QQQQ", "plugin"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
            ("-----BEGIN RSA PRIVATE KEY-----", "private key"),
            ("PuTTY-User-Key-File-3: ssh-ed25519", "PuTTY"),
            ("Private-MAC: QQQQ", "PuTTY"),
            ("-----BEGIN CERTIFICATE-----", "PEM"),
            ("b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ", "private key"),
        ] {
            let shown = format!("{:?}", refuse(text).expect(text));
            assert!(shown.contains(word), "{shown}");
            assert!(!shown.contains("QQQQ") && !shown.contains("qqqq") && !shown.contains("b3Bl"), "{shown}");
        }
    }

    #[test]
    fn public_keys_pass() {
        for text in ["age1qqqq", "ssh-ed25519 AAAA jon@cinnabar", "", "# public key: age1qqq"] {
            assert!(refuse(text).is_none(), "{text}");
        }
    }
}
