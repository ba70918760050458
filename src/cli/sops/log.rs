//! Lines of standard error as sops' log writes them: scripts look for some of them.

use crate::keys;
use crate::yaml::Timestamp;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// How much a line matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Level {
    /// Only with `--verbose`.
    Info,
    /// The work goes on.
    Warning,
    /// A part of it does not.
    Error,
    /// It ends here.
    Fatal,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// Writes a line of the log, with what belongs to it by name.
pub(super) fn line(level: Level, text: &str, fields: &[(&str, &str)]) {
    named_line("CMD", level, text, fields);
}

/// The same in the name of a part of sops that has a log of its own.
pub(super) fn named_line(name: &str, level: Level, text: &str, fields: &[(&str, &str)]) {
    let mut line =
        format!("[{name}]\t time=\"{}\" level={} msg={}", stamp(), level.word(), value(&printable(text)));
    for (name, text) in fields {
        // writing into a string does not fail
        let _ = write!(line, " {name}={}", value(&printable(text)));
    }
    say(&line);
}

/// Writes lines of standard error, without private keys that were typed where others belong.
pub(super) fn say(text: &str) {
    let text = keys::without_private(text);
    let text = printable(&text);
    // nobody is left to be told when standard error is gone
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// The line about a file that `updatekeys` writes, with its own clock in front.
pub(super) fn dated(text: &str) {
    let stamp = stamp();
    let (date, rest) = stamp.split_once('T').unwrap_or((&stamp, ""));
    say(&format!("{} {} {text}", date.replace('-', "/"), rest.trim_end_matches('Z')));
}

fn stamp() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)).seconds()
}

/// Control characters by their numbers: a name in a file is no way to drive a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect()
}

/// A value of the log: in quotes, unless it is one word.
fn value(text: &str) -> String {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "-._/@^+".contains(letter);
    if !text.is_empty() && text.chars().all(is_word) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_bare_and_texts_in_quotes() {
        assert_eq!(value("EOF"), "EOF");
        assert_eq!(value("a b"), "\"a b\"");
        assert_eq!(value("a: \"b\"\n"), "\"a: \\\"b\\\"\\n\"");
        assert_eq!(value(""), "\"\"");
        assert_eq!(printable("a\u{1b}[1m\n"), "a[1m\n");
    }
}
