//! A key file, `keys/users/jon.pub`: recipients one a line, in the format of age's own recipients files.
//!
//! Reading is strict, since a line that is passed over is a reader who is left out. Edits change the lines they
//! are about and leave every other byte alone: comments, order, line ends.

use super::principal::Principal;
use super::private;
use super::recipient::Recipient;
use crate::error::{Error, Result};
use std::collections::HashMap;

/// Far more than a person's keys take, in bytes.
const LARGEST: usize = 1024 * 1024;

/// The keys of one principal.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// Whose they are.
    pub principal: Principal,
    /// The keys in the order of the file; at least one.
    pub keys: Vec<KeyLine>,
}

/// One key and where it stands.
#[derive(Clone, Debug)]
pub struct KeyLine {
    /// The key.
    pub recipient: Recipient,
    /// The line, counted from 1.
    pub line: u32,
    /// What stands behind the key, or else in the `#` line right above it.
    pub comment: Option<String>,
}

impl KeyFile {
    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// Name the file, the line and the column, and never quote the line.
    pub fn parse(principal: Principal, bytes: &[u8]) -> Result<Self> {
        let path = principal.path();
        let keys = parse(bytes).map_err(|error| error.at(&path))?;
        if keys.is_empty() {
            return Err(Error::new("holds no key")
                .hint(format!("add one with: uvars key add {principal} KEY"))
                .at(&path));
        }
        Ok(Self { principal, keys })
    }

    /// The recipients in the order of the file.
    pub fn recipients(&self) -> impl Iterator<Item = &Recipient> {
        self.keys.iter().map(|key| &key.recipient)
    }
}

/// Reads recipients, one a line; empty lines and lines that begin with `#` are passed over. There may be none.
pub fn parse(bytes: &[u8]) -> Result<Vec<KeyLine>> {
    let mut keys = Vec::new();
    let mut lines = HashMap::new();
    let mut above = None;
    let text = text(bytes)?;
    // a key that was put into comments has several of them
    let comment = |line: &'_ str| line.trim().starts_with('#');
    if let Some(line) =
        private::line_of_private(text.split('\n').map(|line| if comment(line) { line } else { "" }))
    {
        return Err(private::in_clear("this comment").position(line, 1));
    }
    for (number, line) in (1..).zip(text.split('\n')) {
        let trimmed = line.trim();
        if let Some(comment) = trimmed.strip_prefix('#') {
            above = Some(comment.trim()).filter(|comment| !comment.is_empty()).map(str::to_owned);
            continue;
        }
        if !trimmed.is_empty() {
            let column = line.chars().take_while(|c| c.is_whitespace()).count() + 1;
            let at = |error: Error| error.position(number, u32::try_from(column).unwrap_or(u32::MAX));
            let recipient = Recipient::parse(trimmed).map_err(|error| at(settled_first(error, trimmed)))?;
            if let Some(before) = lines.insert(recipient.key_id(), number) {
                return Err(at(Error::new(format!("this is the key of line {before} again"))));
            }
            let comment = recipient.comment().map(str::to_owned).or(above.take());
            keys.push(KeyLine { recipient, line: number, comment });
        }
        above = None;
    }
    Ok(keys)
}

/// The error with a hint where the line is one that git left.
fn settled_first(error: Error, line: &str) -> Error {
    if line.starts_with("<<<<<<< ") {
        return error.hint("git left marks of a conflict in it: settle that first");
    }
    error
}

pub(super) fn text(bytes: &[u8]) -> Result<&str> {
    if bytes.len() > LARGEST {
        return Err(Error::new("is too large for a file of public keys (1 MiB)"));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(Error::new("begins with a byte order mark; save it as plain UTF-8").position(1, 1));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        Error::new("is not UTF-8 text").position(u32::try_from(line).unwrap_or(u32::MAX), 1)
    })
}

/// The file with one more key at its end, and `comment` in a line above it.
///
/// # Errors
///
/// The key is there already, the file cannot be read as one of keys, or the comment holds a private key.
pub fn add(bytes: &[u8], recipient: &Recipient, comment: Option<&str>) -> Result<Vec<u8>> {
    if let Some(there) = parse(bytes)?.iter().find(|key| key.recipient.is_same_key(recipient)) {
        return Err(Error::new("the key is there already").position(there.line, 1));
    }
    let end = line_end(bytes);
    let mut file = bytes.to_vec();
    if !file.is_empty() && !file.ends_with(b"\n") {
        file.extend_from_slice(end);
    }
    if let Some(comment) = comment {
        if comment.chars().any(char::is_control) {
            return Err(Error::new("a comment is one line"));
        }
        private::refuse_in_clear(comment, "the comment")?;
        file.extend_from_slice(format!("# {comment}").as_bytes());
        file.extend_from_slice(end);
    }
    file.extend_from_slice(line(recipient).as_bytes());
    file.extend_from_slice(end);
    Ok(file)
}

/// The file with `new` in the line of `old`; without that line where `new` is there already. Nothing where `old`
/// is not there, whatever its comment: keys are compared by what they are.
pub fn replace(bytes: &[u8], old: &Recipient, new: &Recipient) -> Result<Option<Vec<u8>>> {
    let keys = parse(bytes)?;
    let Some(found) = keys.iter().find(|key| key.recipient.is_same_key(old)) else { return Ok(None) };
    let there = keys.iter().any(|key| key.line != found.line && key.recipient.is_same_key(new));
    let text = if there { None } else { Some(line(new)) };
    Ok(Some(with_line(bytes, found.line, text.as_deref())))
}

/// The file without the line of `old`; nothing where it is not there. Comments stay.
pub fn remove(bytes: &[u8], old: &Recipient) -> Result<Option<Vec<u8>>> {
    let keys = parse(bytes)?;
    let found = keys.iter().find(|key| key.recipient.is_same_key(old));
    Ok(found.map(|found| with_line(bytes, found.line, None)))
}

/// A recipient as it is written in a key file.
fn line(recipient: &Recipient) -> String {
    match recipient.comment() {
        Some(comment) => format!("{recipient} {comment}"),
        None => recipient.to_string(),
    }
}

/// The bytes with another text in line `number`, or without that line.
fn with_line(bytes: &[u8], number: u32, text: Option<&str>) -> Vec<u8> {
    let mut file = Vec::with_capacity(bytes.len() + 128);
    for (at, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        if at != number {
            file.extend_from_slice(line);
        } else if let Some(text) = text {
            let content = line.trim_ascii_end().len();
            file.extend_from_slice(text.as_bytes());
            file.extend_from_slice(line.get(content..).unwrap_or_default());
        }
    }
    file
}

/// How the lines of a file end: as its first one does.
fn line_end(bytes: &[u8]) -> &'static [u8] {
    match memchr::memchr(b'\n', bytes) {
        Some(at) if bytes.get(..at).is_some_and(|line| line.ends_with(b"\r")) => b"\r\n",
        _ => b"\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    const B: &str = "age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun";
    const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";

    fn recipient(text: &str) -> Recipient {
        Recipient::parse(text).unwrap()
    }

    fn comments(text: &str) -> Vec<(u32, Option<String>)> {
        parse(text.as_bytes()).unwrap().into_iter().map(|key| (key.line, key.comment)).collect()
    }

    #[test]
    fn comments_behind_a_key_or_right_above_it_are_its_own() {
        let text = format!("# Jon's keys\n\n# laptop\n{A}\n{SSH} jon@phone\n{B}\n");
        assert_eq!(comments(&text), [(4, Some("laptop".into())), (5, Some("jon@phone".into())), (6, None)]);
        assert_eq!(comments(&text.replace('\n', "\r\n")), comments(&text));
        assert_eq!(comments(""), []);
        assert_eq!(comments("# nothing\n\n"), []);
    }

    #[test]
    fn errors_name_file_line_and_column_and_quote_nothing() {
        let jon: Principal = "users/jon".parse().unwrap();
        let again = recipient(SSH).converted().unwrap();
        for (text, expected) in [
            (String::new(), "keys/users/jon.pub: holds no key"),
            ("# none\n".into(), "keys/users/jon.pub: holds no key"),
            (format!("{A}\n  hunter2\n"), "keys/users/jon.pub:2:3: unknown type of recipient"),
            (format!("{A}\nage1hunter2\n"), "keys/users/jon.pub:2:1: malformed age recipient: its checksum"),
            (format!("{A}\n{B}\n{A}"), "keys/users/jon.pub:3:1: this is the key of line 1 again"),
            (format!("{SSH}\n{again}"), "keys/users/jon.pub:2:1: this is the key of line 1 again"),
            (format!("\u{feff}{A}"), "keys/users/jon.pub:1:1: begins with a byte order mark"),
            (
                "# created: x\nAGE-SECRET-KEY-1HUNTER2\n".into(),
                "keys/users/jon.pub:2:1: this is an age identity",
            ),
            (format!("{A} hunter2"), "keys/users/jon.pub:1:1: malformed age recipient"),
            (" ".repeat(LARGEST + 1), "keys/users/jon.pub: is too large"),
        ] {
            let error = KeyFile::parse(jon.clone(), text.as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
            assert!(!format!("{error:?}").to_lowercase().contains("hunter2"), "{error:?}");
        }
        let error = KeyFile::parse(jon, b"# a\n\xff\xfe").unwrap_err();
        assert_eq!(error.to_string(), "keys/users/jon.pub:2:1: is not UTF-8 text");
    }

    #[test]
    fn a_private_key_in_a_comment_is_refused_and_not_shown() {
        let secret = format!("AGE-SECRET-KEY-1{}", "Q".repeat(58));
        let pem = format!("-----BEGIN RSA PRIVATE KEY----- {}", "MIIEQ".repeat(12));
        for comment in [format!("was {secret}"), secret.to_lowercase(), pem] {
            let error = parse(format!("{A}\n\n  # {comment}\n{B}\n").as_bytes()).unwrap_err();
            assert_eq!(error.line_column(), Some((3, 1)), "{error}");
            assert!(error.message().starts_with("this comment holds a private key"), "{error}");
            let error = add(A.as_bytes(), &recipient(B), Some(&comment)).unwrap_err();
            assert!(error.message().starts_with("the comment holds a private key"), "{error}");
            assert!(!format!("{error:?}").to_lowercase().contains("qqq"), "{error:?}");
        }
        let about = "the PRIVATE KEY is in the safe, and begins with AGE-SECRET-KEY-1";
        assert!(add(A.as_bytes(), &recipient(B), Some(about)).is_ok());
        let about = format!("{A}\n# -----BEGIN RSA PRIVATE KEY-----\n{B}\n# PuTTY-User-Key-File-3\n");
        assert!(parse(about.as_bytes()).is_ok());
    }

    #[test]
    fn marks_of_a_conflict_are_named() {
        for (text, hinted) in [(format!("{A}\n<<<<<<< HEAD\n{B}\n"), true), (format!("{A}\n<<<\n"), false)] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.line_column(), Some((2, 1)));
            let said = error.hints().iter().any(|hint| hint.ends_with("settle that first"));
            assert_eq!(said, hinted, "{:?}", error.hints());
        }
    }

    #[test]
    fn a_key_is_added_behind_everything() {
        let text = add(b"", &recipient(A), None).unwrap();
        let text = add(&text, &recipient(&format!("{SSH} jon@x")), Some("new laptop")).unwrap();
        assert_eq!(String::from_utf8(text.clone()).unwrap(), format!("{A}\n# new laptop\n{SSH} jon@x\n"));
        assert_eq!(add(&text, &recipient(SSH), None).unwrap_err().line_column(), Some((3, 1)));
        assert!(add(&text, &recipient(B), Some("a\nb")).is_err());
        let text = add(format!("# x\r\n{A}").as_bytes(), &recipient(B), None).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), format!("# x\r\n{A}\r\n{B}\r\n"));
    }

    #[test]
    fn a_key_is_replaced_in_its_line_whatever_its_comment() {
        let file = format!("# Jon\r\n\r\n  {SSH} jon@old \t\r\n# phone\r\n{A}");
        let new = replace(file.as_bytes(), &recipient(SSH), &recipient(B)).unwrap().unwrap();
        assert_eq!(String::from_utf8(new).unwrap(), format!("# Jon\r\n\r\n{B} \t\r\n# phone\r\n{A}"));
        let converted = recipient(SSH).converted().unwrap();
        assert!(replace(file.as_bytes(), &converted, &recipient(B)).unwrap().is_some());
        let new = replace(file.as_bytes(), &recipient(SSH), &recipient(A)).unwrap().unwrap();
        assert_eq!(String::from_utf8(new).unwrap(), format!("# Jon\r\n\r\n# phone\r\n{A}"));
        assert!(replace(file.as_bytes(), &recipient(B), &recipient(A)).unwrap().is_none());
    }

    #[test]
    fn a_key_is_removed_with_its_line_only() {
        let file = format!("# Jon\n{A}\n# phone\n{B}\n");
        let left = remove(file.as_bytes(), &recipient(A)).unwrap().unwrap();
        assert_eq!(String::from_utf8(left).unwrap(), format!("# Jon\n# phone\n{B}\n"));
        assert!(remove(file.as_bytes(), &recipient(SSH)).unwrap().is_none());
    }
}
