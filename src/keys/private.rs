//! Recognises private keys where public ones belong, so that they are refused without being echoed.

mod armor;
mod find;

use crate::error::Error;
use armor::is_encoded;
use find::{LONG_WORDS, OPENSSH, PUTTY, Proof, find, find_frame, find_line, find_marked, find_putty};
use std::borrow::Cow;

/// Marks of private keys, in the upper case that they are compared in, and how to come to the public half.
const MARKS: [(&str, &str, &str); 6] = [
    (LONG_WORDS[0], "an age identity", "its public half: age-keygen -y FILE"),
    (
        LONG_WORDS[1],
        "the identity of an age plugin",
        "its public half stands in a comment of that file, or ask the plugin",
    ),
    (
        "PRIVATE KEY",
        "a private key",
        "its public half is in the .pub file beside it, or: ssh-keygen -y -f FILE",
    ),
    (PUTTY, "a private key of PuTTY", "its public half: puttygen FILE -O public-openssh"),
    ("PRIVATE-MAC:", "a private key of PuTTY", "its public half: puttygen FILE -O public-openssh"),
    ("-----BEGIN ", "a PEM block", "give a line that begins with age1 or ssh-"),
];

/// The error for a text that is, or holds, a private key; nothing for any other text.
///
/// Letters are compared without regard to their case: a key that was changed on its way is still one.
pub(super) fn refuse(text: &str) -> Option<Error> {
    let upper = text.to_ascii_uppercase();
    let (what, hint) = MARKS
        .iter()
        .find(|(mark, ..)| upper.contains(mark))
        .map(|(_, what, hint)| (*what, *hint))
        .or_else(|| text.contains(OPENSSH).then_some((MARKS[2].1, MARKS[2].2)))?;
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
    refuse(text).is_some() || (text.len() >= 40 && text.chars().all(is_encoded))
}

/// The text with the private keys that stand in it left out, for one that is made of names that somebody typed.
pub fn without_private(text: &str) -> Cow<'_, str> {
    let mut rest = text;
    let mut shown = String::new();
    while let Some((at, length)) = find(rest) {
        let (before, key) = rest.split_at(at);
        shown.push_str(before);
        shown.push_str("(a private key)");
        rest = key.get(length..).unwrap_or_default();
    }
    if rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// Whether a text is nothing but what may be a line out of a private key, with or without a name and `=` in front.
pub fn is_private_line(text: &str) -> bool {
    let value = text.split_once('=').map_or("", |(_, value)| value);
    [text, value].into_iter().any(|text| find_line(text).is_some_and(|found| found == (0, text.len())))
}

/// Whether a text that everybody may read holds a private key. The mark alone, as in a sentence about keys, is none.
pub fn holds_private(text: &str) -> bool {
    // the shortest mark with what makes it a key
    text.len() >= 19 && find_marked(text, Proof::Body).is_some()
}

/// The number, from 1, of the line in which the first private key begins that lines hold together.
pub fn line_of_private<'t>(lines: impl IntoIterator<Item = &'t str>) -> Option<u32> {
    let text = lines.into_iter().collect::<Vec<_>>().join("\n");
    let (at, _) = find_marked(&text, Proof::Body)?;
    u32::try_from(text.get(..at)?.matches('\n').count() + 1).ok()
}

/// Refuses a private key, or a line of one, in a text that is to be written where everybody can read it. Nothing of it
/// is shown.
///
/// # Errors
///
/// That `what` holds one.
pub fn refuse_in_clear(text: &str, what: &str) -> crate::error::Result<()> {
    if find(text).is_none() {
        return Ok(());
    }
    Err(Error::usage(format!("{what} holds a private key, or a line of one, and would stand in clear"))
        .hint(IS_A_VALUE))
}

/// Refuses a private key in a name: of a file, a folder, a value. A long word in one is no line of a key: names are
/// made of digests too.
///
/// # Errors
///
/// That `what` holds one.
pub fn refuse_in_name(name: &str, what: &str) -> crate::error::Result<()> {
    if find_marked(name, Proof::Mark).is_none() {
        return Ok(());
    }
    Err(Error::usage(format!("{what} holds a private key, and would stand in clear")).hint(IS_A_VALUE))
}

const IS_A_VALUE: &str = "a private key is a value: uvars set FILE KEY asks for it, or takes it from a pipe";

/// The error for a private key in a file of keys/.
pub(super) fn in_clear(what: &str) -> Error {
    Error::new(format!("{what} holds a private key, and everything in keys/ is public")).hint(TAKE_OUT)
}

/// What is to be done about a private key that everybody can read.
pub(super) const TAKE_OUT: &str =
    "take it out of the repository and its history, and replace the key: it is no longer a secret";

/// Whether a text of several lines holds a private key. The mark alone, as a page about keys may have it, is none.
pub(super) fn holds_key(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let is_age = |line: &str| line.len() > 30 && LONG_WORDS.iter().any(|mark| line.starts_with(mark));
    upper.lines().any(|line| is_age(line.trim()))
        || find_frame(&upper, Proof::Body).is_some()
        || find_putty(&upper, Proof::Body).is_some()
}

#[cfg(test)]
mod tests {
    use super::{holds_key, holds_private, line_of_private, refuse, without_private};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;

    const A: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

    #[test]
    fn a_message_is_shown_without_the_keys_in_it() {
        let age = format!("AGE-SECRET-KEY-1{}", "Q".repeat(58));
        let body = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU";
        let line = "QyNTUxOQAAACBV8GK46dFhprgACA6zkNZ2/+i05hj+9pLU3HavI8x1jgAAAJB0sDp9";
        let public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN jon";
        let frame = |kind: &str| format!("-----BEGIN {kind}-----\n{body}\nQQQQ\n-----END {kind}-----");
        for (text, shown) in [
            (format!("no {age}, nor {}", age.to_lowercase()), "no (a private key), nor (a private key)"),
            (format!("'{}' and", frame("OPENSSH PRIVATE KEY")), "'(a private key)' and"),
            (format!("x: {}", frame("RSA PRIVATE KEY").get(..40).unwrap()), "x: (a private key)"),
            ("PuTTY-User-Key-File-3: x\nQQQQ: no".into(), "(a private key)"),
            (format!("`{body}\nQQQQ`: no"), "`(a private key)`: no"),
            ("a PRIVATE KEY, AGE-SECRET-KEY-1…".into(), "a PRIVATE KEY, AGE-SECRET-KEY-1…"),
            ("-----BEGIN AGE ENCRYPTED FILE-----".into(), "-----BEGIN AGE ENCRYPTED FILE-----"),
            ("age-plugin-secretservice-two: nothing".into(), "age-plugin-secretservice-two: nothing"),
            (format!("{:?}: no", format!("{body}\nQQQQ")), "\"(a private key)\": no"),
            (format!("\"{line}\" is no host"), "\"(a private key)\" is no host"),
            (public.into(), public),
            (A.into(), A),
            (
                "/Volumes/Backup1/Documents/Keys/Of/Everybody/Here/And/There/Too".into(),
                "/Volumes/Backup1/Documents/Keys/Of/Everybody/Here/And/There/Too",
            ),
        ] {
            assert_eq!(without_private(&text), shown);
        }
    }

    #[test]
    fn a_page_about_keys_holds_none() {
        let key = format!("x\n  AGE-SECRET-KEY-1{}\n", "Q".repeat(58));
        assert!(holds_key(&key));
        let body = "MC4CAQAwBQYDK2VwBCIEIJ/wAiA0bzZ2lq3fJGZ4TEwUn0m7bq2q5jLdYx1mQ0aB";
        assert!(holds_key(&format!("-----BEGIN PRIVATE KEY-----\n{body}\n")));
        assert!(holds_key(&format!(
            "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nPrivate-Lines: 1\n{body}"
        )));
        assert!(!holds_key("-----BEGIN OPENSSH PRIVATE KEY-----\nis how it begins"));
        assert!(!holds_key("PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none"));
        assert!(!holds_key("Never commit a PRIVATE KEY or an AGE-SECRET-KEY-1 line.\nAGE-SECRET-KEY-1…"));
    }

    #[test]
    fn the_mark_of_a_key_is_one_with_its_base64_behind_it() {
        let one = "MC4CAQAwBQYDK2VwBCIEIJ/wAiA0bzZ2lq3fJGZ4TEwUn0m7bq2q5jLdYx1mQ0aB";
        let short: Vec<&str> = [0, 20, 40].iter().map(|at| one.get(*at..at + 20).unwrap()).collect();
        let frame =
            |body: &str| format!("-----BEGIN RSA PRIVATE KEY-----{body}-----END RSA PRIVATE KEY-----");
        let headers = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF\n\n";
        let putty = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: x\nPrivate-Lines: 1\n";
        for text in [
            frame(&format!("\n{one}\n")),
            frame(&format!("\r\n{one}\r\n")),
            frame(&format!(" {one} ")),
            frame(one),
            frame(&format!("\\n{one}\\n")),
            frame(&format!("\\r\\n{one}\\r\\n")),
            frame(&format!("\n{}\n", short.join("\n"))),
            frame(&format!("\n# {}\n# ", short.join("\n#   "))),
            frame(&format!("\n{headers}{one}\n")),
            frame(&format!(" {}{one}\n", headers.replace('\n', " "))),
            frame(&format!("\n{one}\n")).to_lowercase(),
            format!("see -----BEGIN PRIVATE KEY----- and\n{}", frame(one)),
            format!("-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 2\n\n{one}"),
            frame(&format!("%0A{one}%0A")).replace(' ', "+"),
            frame(&format!("%0A{}%0A", short.join("%0A"))).replace(' ', "%20"),
            frame(&format!("%0A{}%0A", "MIIEpAIB/AAKC+AQ==".repeat(4)))
                .replace('+', "%2B")
                .replace('/', "%2F")
                .replace('=', "%3d")
                .replace(' ', "+"),
            frame(&format!("\\n{}{one}\\n", headers.replace('\n', "\\n"))),
            frame(&format!("\\r\\n{}{one}\\r\\n", headers.replace('\n', "\\r\\n"))),
            frame(&format!("\\\\n{}{one}\\\\n", headers.replace('\n', "\\\\n"))),
            frame(&format!("\\u000a{}{one}", headers.replace('\n', "\\u000a"))),
            frame(&format!("\\x0A{}{one}", headers.replace('\n', "\\x0A"))),
            frame(
                &format!("\\n{}\\n", one.get(..15).unwrap().to_owned() + "/" + one.get(15..).unwrap())
                    .replace('/', "\\/"),
            ),
            frame(&format!("\nDEK-Info: DES-EDE3-CBC,0123456789ABCDEF\n\n{one}")),
            format!("{putty}{one}\nPrivate-MAC: 00"),
            format!("# {}{one}\n# Private-MAC: 00", putty.replace('\n', "\n# ")),
            format!("{}{one}", putty.replace('\n', "\\n")),
            format!("{}{one}", putty.replace('\n', " ")),
        ] {
            assert!(holds_private(&text), "{text}");
            assert_eq!(
                line_of_private(["", "x", &text]),
                Some(3 + u32::from(text.starts_with("see"))),
                "{text}"
            );
        }
        for end in [
            "\\n\\t",
            "\\012",
            "\\015\\012",
            "\\u{a}",
            "\\u{d}\\u{a}",
            "%0A",
            "%0d%0a",
            "<br>",
            "<br/>",
            "<br />\n",
            "&#10;",
            "&#13;&#10;",
            "&#xa;",
            "&#x0A;",
            "\\t# ",
        ] {
            for text in [
                frame(&format!("{end}{}{one}{end}", headers.replace('\n', end))),
                frame(&format!("{end}{}{}{end}", headers.replace('\n', end), short.join(end))),
                frame(&format!("{end}{one}{end}")),
            ] {
                assert!(holds_private(&text), "{text}");
            }
        }
        for header in ["Version: GnuPG v2", "Comment: x", "MessageID: x", "Hash: SHA512", "Charset: UTF-8"] {
            for end in ["\n", "\r\n", "\\n", "\\r\\n", "\n# "] {
                let lines = ["-----BEGIN PGP PRIVATE KEY BLOCK-----", header, "", one];
                let text = lines.join(end);
                assert!(holds_private(&text), "{text}");
            }
        }
        for text in [
            "# never put \"-----BEGIN OPENSSH PRIVATE KEY-----\" here".to_owned(),
            "# -----BEGIN OPENSSH PRIVATE KEY-----".to_owned(),
            format!("# -----BEGIN OPENSSH PRIVATE KEY-----\n{A}"),
            format!("# -----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----\nkey: {one}"),
            "# PuTTY-User-Key-File-3 is what PuTTY writes".to_owned(),
            format!("# PuTTY-User-Key-File-3: is what PuTTY writes\n{A}\n{one}"),
            format!("# -----BEGIN RSA PRIVATE KEY-----\n# Version: commit {}", "0123abcdef".repeat(4)),
            format!("# -----BEGIN RSA PRIVATE KEY-----\n# Version: {}", "0123abcdef".repeat(6)),
            format!("# -----BEGIN RSA PRIVATE KEY-----\n# {}", "0123abcdef".repeat(4)),
            "# -----BEGIN RSA PRIVATE KEY-----\n# Version: see https://example.org/of/what/there/is/nothing/else/to/tell".to_owned(),
            "-----BEGIN+CERTIFICATE+REQUEST-----".to_owned(),
            format!("-----BEGIN CERTIFICATE-----\n{one}\n-----END CERTIFICATE-----"),
            format!("# -----BEGIN PGP PRIVATE KEY BLOCK-----\\nnever: {one}"),
            format!("# -----BEGIN OPENSSH PRIVATE KEY-----\\n{A}"),
            format!("# -----BEGIN PGP PRIVATE KEY BLOCK-----\\nVersion: 2\\n\\n{A}"),
        ] {
            assert!(!holds_private(&text), "{text}");
        }
    }

    #[test]
    fn no_public_key_and_no_certificate_is_a_private_line() {
        for kind in [
            "ssh-ed25519",
            "ssh-rsa",
            "ssh-dss",
            "ecdsa-sha2-nistp256",
            "ecdsa-sha2-nistp384",
            "ecdsa-sha2-nistp521",
            "sk-ssh-ed25519@openssh.com",
            "sk-ecdsa-sha2-nistp256@openssh.com",
            "ssh-ed25519-cert-v01@openssh.com",
            "ssh-rsa-cert-v01@openssh.com",
            "ssh-dss-cert-v01@openssh.com",
            "ecdsa-sha2-nistp256-cert-v01@openssh.com",
            "ecdsa-sha2-nistp384-cert-v01@openssh.com",
            "ecdsa-sha2-nistp521-cert-v01@openssh.com",
            "sk-ssh-ed25519-cert-v01@openssh.com",
            "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
            "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
        ] {
            let length = u32::try_from(kind.len()).unwrap().to_be_bytes();
            let bytes: Vec<u8> = length
                .into_iter()
                .chain(kind.bytes())
                .chain((0..90_u8).map(|n| n.wrapping_mul(91)))
                .collect();
            let line = format!("{kind} {}", BASE64.encode(bytes));
            assert_eq!(without_private(&line), line);
        }
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
