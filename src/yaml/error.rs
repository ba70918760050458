//! Why a stream is refused, in the words of go-yaml v3.
//!
//! The texts are a format that sops' users know and that tests compare, so they are kept to the letter, the
//! line numbers included (those of the grammar are one too small there). The exact place stands beside.

use std::borrow::Cow;
use std::fmt;

/// A refusal. Displayed as go-yaml would: `yaml: line 3: did not find expected key`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParseError(Box<Inner>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct Inner {
    message: Cow<'static, str>,
    shown_line: u32,
    position: Option<(u32, u32)>,
}

impl ParseError {
    /// A refusal without a line.
    pub(super) fn plain(message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { message: message.into(), shown_line: 0, position: None }))
    }

    /// A refusal that shows `shown_line` (none where it is 0) and happened at a line and a column, both
    /// counted from 1.
    pub(super) fn placed(message: &'static str, shown_line: u32, position: (u32, u32)) -> Self {
        Self(Box::new(Inner { message: message.into(), shown_line, position: Some(position) }))
    }

    /// Gives a refusal that has no place its place, line and column counted from 1.
    pub(super) fn with_position(mut self, position: (u32, u32)) -> Self {
        self.0.position.get_or_insert(position);
        self
    }

    /// The sentence without `yaml:` and line. It never quotes a value; it may name an anchor.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Line and column, counted from 1, where reading stopped; none for input that is no text.
    pub fn position(&self) -> Option<(u32, u32)> {
        self.0.position
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.shown_line {
            0 => write!(out, "yaml: {}", self.0.message),
            line => write!(out, "yaml: line {line}: {}", self.0.message),
        }
    }
}

impl std::error::Error for ParseError {}

impl From<ParseError> for crate::error::Error {
    fn from(refusal: ParseError) -> Self {
        // a value that was meant as text may begin with an asterisk, and be a password
        let error = if refusal.message().starts_with("unknown anchor ") {
            Self::new("an alias to an anchor that is not there")
                .hint("text that begins with an asterisk stands in quotes")
        } else {
            Self::new(refusal.message())
        };
        match refusal.position() {
            Some((line, column)) => error.position(line, column),
            None => error,
        }
    }
}

/// What is said of a file that cannot be read: its place also where it is no text, and a hint at what git left in it.
pub fn refusal(refusal: ParseError, bytes: &[u8]) -> crate::error::Error {
    let mut error = crate::error::Error::from(refusal);
    let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    if let (false, Err(bad)) = (utf16, std::str::from_utf8(bytes)) {
        let (line, column) = place_of(bytes, bad.valid_up_to());
        error = error.position(line, column);
    }
    let marked = bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"<<<<<<< "));
    if marked { error.hint("git left marks of a conflict in it: settle that first") } else { error }
}

/// Line and column of a byte, both counted from 1, the column in characters.
pub fn place_of(bytes: &[u8], at: usize) -> (u32, u32) {
    let before = bytes.get(..at).unwrap_or(bytes);
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count() + 1;
    (number(line), number(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_a_line_only_where_there_is_one() {
        assert_eq!(ParseError::plain("a b").to_string(), "yaml: a b");
        assert_eq!(ParseError::placed("a b", 0, (1, 3)).to_string(), "yaml: a b");
        assert_eq!(ParseError::placed("a b", 2, (3, 1)).to_string(), "yaml: line 2: a b");
    }

    #[test]
    fn a_byte_has_a_place() {
        assert_eq!(place_of(b"", 0), (1, 1));
        assert_eq!(place_of("ä\nöx\n".as_bytes(), 5), (2, 2));
        let refused = refusal(ParseError::plain("bad"), b"a\nb\xff");
        assert_eq!(refused.to_string(), "line 2, column 2: bad");
        let refused = refusal(ParseError::placed("bad", 1, (1, 1)), b"a\n<<<<<<< HEAD\n");
        assert_eq!(refused.hints().len(), 1);
    }

    #[test]
    fn becomes_an_error_at_its_true_place() {
        let error = crate::error::Error::from(ParseError::placed("a b", 2, (3, 1)));
        assert_eq!(error.to_string(), "line 3, column 1: a b");
        let error = crate::error::Error::from(ParseError::plain("unknown anchor 'hunter2' referenced"));
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
