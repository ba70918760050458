//! The only voice.
//!
//! Results go to stdout, all else to stderr: `uvars: error: …`, then `uvars: hint: …`, no capital at the
//! start and no full stop at the end. What is printed as a line has its control characters shown, not sent,
//! so that a file's name cannot drive a terminal, and a private key that was given as a name is left out of it. A
//! reader of our output that goes away ends us quietly.

use super::arguments::When;
use super::exit::code_of;
use crate::error::{Error, Result};
use crate::keys;
use clap::error::{ContextKind, ContextValue};
use serde_json::Value as Json;
use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal, Write};
use zeroize::Zeroizing;

/// Standard output and standard error.
pub(super) struct Ui {
    out: io::BufWriter<io::Stdout>,
    err: io::Stderr,
    terminal: bool,
    color_out: bool,
    color_err: bool,
}

/// What is said where [`Ui::clear`] did not print what is there.
pub(super) const BY_NUMBER: &str = "characters that could drive the terminal are shown by their number";

/// How a part of a line is to look on a terminal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    /// What failed.
    Bad,
    /// What was gained.
    Good,
    /// What needs care.
    Care,
    /// What matters.
    Strong,
}

impl Ui {
    /// Looks at the two streams.
    pub(super) fn new(color: When) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        Self {
            terminal: out.is_terminal(),
            color_out: is_wanted(color, out.is_terminal()),
            color_err: is_wanted(color, err.is_terminal()),
            out: io::BufWriter::with_capacity(64 * 1024, out),
            err,
        }
    }

    /// Prints a line of the result.
    pub(super) fn line(&mut self, text: impl Display) -> Result<()> {
        let text = shown(&text.to_string());
        writeln!(self.out, "{text}").map_err(closed)
    }

    /// Text that looks so on a terminal, to be part of a line for [`Self::ready`].
    pub(super) fn look(&self, look: Look, text: impl Display) -> String {
        paint(self.color_out, look, &shown(&text.to_string()))
    }

    /// Prints a line that [`Self::look`] has made ready.
    pub(super) fn ready(&mut self, text: &str) -> Result<()> {
        writeln!(self.out, "{text}").map_err(closed)
    }

    /// Prints bytes as they are: a document that holds no text of others.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(closed)
    }

    /// Prints what was asked for in clear: as it is, but on a terminal what could drive that is shown by its number.
    /// Anybody who can write to a repository may have written it. Whether anything is not as it is.
    pub(super) fn clear(&mut self, bytes: &[u8]) -> Result<bool> {
        let visible = if self.terminal { visible(bytes) } else { None };
        self.bytes(visible.as_ref().map_or(bytes, |text| text.as_bytes()))?;
        Ok(visible.is_some())
    }

    /// The same for JSON, which has numbers for such characters and means the same with them.
    pub(super) fn clear_json(&mut self, bytes: &[u8]) -> Result<()> {
        let visible =
            if self.terminal { numbered(bytes, |c| format!("\\u{:04x}", u32::from(c))) } else { None };
        self.bytes(visible.as_ref().map_or(bytes, |text| text.as_bytes()))
    }

    /// Prints a JSON value, indented, as the whole result; private keys that were typed as names are left out of it.
    pub(super) fn json(&mut self, value: &Json) -> Result<()> {
        self.json_as_it_is(&without_private(value))
    }

    /// The same for what was asked for in clear.
    pub(super) fn json_as_it_is(&mut self, value: &Json) -> Result<()> {
        self.clear_json(Zeroizing::new(format!("{value:#}\n")).as_bytes())
    }

    /// Whether results go to a terminal.
    pub(super) fn out_is_terminal(&self) -> bool {
        self.terminal
    }

    /// Says something on the way; it is no part of the result.
    pub(super) fn note(&mut self, text: impl Display) {
        let text = shown(&text.to_string());
        self.in_order();
        // nobody is left to be told when stderr is gone
        let _ = writeln!(self.err, "{text}");
    }

    /// Says what should be known, though the work goes on.
    pub(super) fn warn(&mut self, text: impl Display) {
        let word = paint(self.color_err, Look::Care, "warning:");
        let text = shown(&text.to_string());
        self.in_order();
        let _ = writeln!(self.err, "uvars: {word} {text}");
    }

    /// Says what can be typed next.
    pub(super) fn hint(&mut self, text: impl Display) {
        let word = paint(self.color_err, Look::Strong, "hint:");
        let text = shown(&text.to_string());
        self.in_order();
        let _ = writeln!(self.err, "uvars: {word} {text}");
    }

    /// Says what failed, with its hints, while the rest goes on.
    pub(super) fn error(&mut self, error: &Error) {
        self.error_with(error, |_| true);
    }

    /// The same with those hints that are wanted: of many errors some have the same ones.
    pub(super) fn error_with(&mut self, error: &Error, mut wanted: impl FnMut(&str) -> bool) {
        self.in_order();
        let word = paint(self.color_err, Look::Bad, "error:");
        let text = shown(&error.to_string());
        let _ = writeln!(self.err, "uvars: {word} {text}");
        for hint in error.hints().iter().filter(|hint| wanted(hint)) {
            self.hint(hint);
        }
    }

    /// Says what failed at the very end, and returns the exit code. A closed pipe is no failure.
    pub(super) fn fail(&mut self, error: &Error) -> u8 {
        if error.message() == CLOSED {
            return 0;
        }
        self.error(error);
        code_of(error.kind())
    }

    /// Lets what was printed before be seen before what is said now: both often go to one terminal.
    fn in_order(&mut self) {
        // whoever prints next finds out that nobody reads any more
        let _ = self.out.flush();
    }

    /// Hands over what is buffered.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(closed)
    }
}

const CLOSED: &str = "the reader of our output went away";

fn closed(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Error::new(CLOSED)
    } else {
        Error::new("cannot write to standard output").because(error)
    }
}

/// Prints what clap has to say (help, version, or what cannot be meant) and returns the exit code.
pub(super) fn usage(error: &clap::Error, color: When) -> u8 {
    let text = error.render();
    if error.use_stderr() {
        let text = without_arguments(error).unwrap_or_else(|| text.to_string());
        let text = shown(&text);
        let text = text.strip_prefix("error: ").map_or(text.clone(), |rest| format!("uvars: error: {rest}"));
        let _ = io::stderr().write_all(text.as_bytes());
        return 2;
    }
    let color = is_wanted(color, io::stdout().is_terminal());
    let text = if color { text.ansi().to_string() } else { text.to_string() };
    let _ = io::stdout().write_all(text.as_bytes());
    0
}

/// What is said instead where an argument may be a private key, or a line out of one: it is quoted by nothing of it.
fn without_arguments(error: &clap::Error) -> Option<String> {
    let values = error.context().filter(|(kind, _)| *kind != ContextKind::Usage);
    let texts = values.flat_map(|(_, value)| match value {
        ContextValue::String(text) => vec![text.clone()],
        ContextValue::Strings(texts) => texts.clone(),
        ContextValue::StyledStr(text) => vec![text.to_string()],
        _ => Vec::new(),
    });
    let hidden = texts.into_iter().find(|text| text.contains(['\n', '\r']) || keys::may_be_private(text))?;
    let error_text = match keys::refuse_private(&hidden) {
        Ok(()) => "error: one of the arguments may be secret, and stands where none is expected\n".to_owned(),
        Err(refused) => {
            let hints = refused.hints().iter().map(|hint| format!("uvars: hint: {hint}\n"));
            let what = "error: one of the arguments is a private key, and none is wanted there\n".to_owned();
            std::iter::once(what).chain(hints).collect()
        }
    };
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => format!("\n{usage}\n\nFor more information, try '--help'.\n"),
        _ => String::new(),
    };
    Some(error_text + &usage)
}

fn without_private(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::String(keys::without_private(text).into_owned()),
        Json::Array(items) => items.iter().map(without_private).collect(),
        Json::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), without_private(value))).collect()
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => value.clone(),
    }
}

/// The text with control and direction-changing characters shown by their number, and without private keys.
pub(super) fn shown(text: &str) -> String {
    let text = keys::without_private(text);
    visible(text.as_bytes()).map_or_else(|| text.to_string(), |text| text.to_string())
}

/// The text with what could drive a terminal shown by its number; none where it has nothing of that.
pub(super) fn visible(bytes: &[u8]) -> Option<Zeroizing<String>> {
    numbered(bytes, |c| format!("\\u{{{:x}}}", u32::from(c)))
}

/// The same, with numbers written so. A byte that is no text is shown by its number as well.
fn numbered(bytes: &[u8], number: fn(char) -> String) -> Option<Zeroizing<String>> {
    if std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_harmless)) {
        return None;
    }
    let room = bytes.iter().map(|byte| if (b' '..=b'~').contains(byte) { 1 } else { 8 }).sum();
    let mut out = Zeroizing::new(String::with_capacity(room));
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_harmless(c) {
                out.push(c);
            } else {
                out.push_str(&number(c));
            }
        }
        for byte in chunk.invalid() {
            // writing to a string does not fail
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    Some(out)
}

/// Neither a control character, but for the ends of lines and tabs, nor one that changes the direction of writing.
fn is_harmless(c: char) -> bool {
    let turns =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    matches!(c, '\n' | '\t') || !(c.is_control() || turns)
}

/// Whether to use colour.
fn is_wanted(color: When, terminal: bool) -> bool {
    match color {
        When::Always => true,
        When::Never => false,
        When::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

fn paint(color: bool, look: Look, text: &str) -> String {
    if !color {
        return text.to_string();
    }
    let code = match look {
        Look::Bad => "1;31",
        Look::Good => "32",
        Look::Care => "1;33",
        Look::Strong => "1",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
        assert_eq!(shown("jörg\tx"), "jörg\tx");
        assert_eq!(visible("jörg\tx\n".as_bytes()), None);
        let visible = visible(b"a\x1b]0;x\x07\r\n\xc2\x9b\xd8\x9c\xff\x9b").unwrap();
        assert_eq!(*visible, "a\\u{1b}]0;x\\u{7}\\u{d}\n\\u{9b}\\u{61c}\\xff\\x9b");
        let json =
            numbered("\"\u{7f}\u{9b}\u{202e}\"".as_bytes(), |c| format!("\\u{:04x}", u32::from(c))).unwrap();
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), "\u{7f}\u{9b}\u{202e}");
    }

    #[test]
    fn no_colour_unless_wanted() {
        assert_eq!(paint(false, Look::Bad, "x"), "x");
        assert_eq!(paint(true, Look::Bad, "x"), "\u{1b}[1;31mx\u{1b}[0m");
    }
}
