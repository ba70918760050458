//! The line editor behind a hidden prompt: bytes of a terminal in, a password out.
//!
//! Pure: it reads nothing and shows nothing. A backspace takes a whole character, however many bytes it has;
//! the marks of a bracketed paste and the sequences of arrow keys are left out.

use crate::secret::Secret;
use std::io::Read;
use zeroize::{Zeroize, Zeroizing};

/// Longer lines than this are no password; what comes behind is dropped, and the length tells.
const LONGEST: usize = 4096;

/// What a byte brought about.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Event {
    /// Nothing to tell.
    More,
    /// The line is complete.
    Line(Secret),
    /// The end of input (Ctrl-D on an empty line).
    End,
}

/// A line that is being typed.
pub(super) struct Line {
    // has its whole room from the start: growing would leave copies in memory that nobody wipes
    bytes: Zeroizing<Vec<u8>>,
    state: State,
    pasting: bool,
}

/// Where in an escape sequence we are.
enum State {
    Text,
    Escape,
    /// Behind `ESC [`, with the parameters so far.
    Control(Vec<u8>),
    /// Behind `ESC O`: one more byte.
    Single,
}

impl Line {
    /// An empty line.
    pub(super) fn new() -> Self {
        Self { bytes: empty(), state: State::Text, pasting: false }
    }

    /// Takes a byte that the terminal sent.
    pub(super) fn take(&mut self, byte: u8) -> Event {
        match std::mem::replace(&mut self.state, State::Text) {
            State::Text => return self.text(byte),
            State::Escape => match byte {
                b'[' => self.state = State::Control(Vec::new()),
                b'O' => self.state = State::Single,
                0x1b => self.state = State::Escape,
                // Alt and a key, or an Escape typed by mistake: the key counts
                _ => return self.text(byte),
            },
            State::Control(mut parameters) => {
                if (0x40..=0x7e).contains(&byte) {
                    match (parameters.as_slice(), byte) {
                        (b"200", b'~') => self.pasting = true,
                        (b"201", b'~') => self.pasting = false,
                        _ => {}
                    }
                } else if parameters.len() < 16 {
                    parameters.push(byte);
                    self.state = State::Control(parameters);
                }
            }
            State::Single => {}
        }
        Event::More
    }

    fn text(&mut self, byte: u8) -> Event {
        match byte {
            0x1b => self.state = State::Escape,
            b'\r' | b'\n' if !self.pasting => return Event::Line(self.finish()),
            0x04 if self.bytes.is_empty() => return Event::End,
            0x04 => {}
            0x08 | 0x7f => self.erase_character(),
            0x15 => self.bytes.zeroize(),
            0x17 => self.erase_word(),
            _ if self.bytes.len() < LONGEST => self.bytes.push(byte),
            _ => {}
        }
        Event::More
    }

    fn finish(&mut self) -> Secret {
        let mut bytes = std::mem::replace(&mut self.bytes, empty());
        // the line end that was pasted along
        while matches!(bytes.last(), Some(b'\n' | b'\r')) {
            bytes.pop();
        }
        Secret::new(std::mem::take(&mut *bytes))
    }

    fn erase_character(&mut self) {
        while let Some(byte) = self.bytes.pop() {
            let continues = byte & 0b1100_0000 == 0b1000_0000;
            if !continues {
                break;
            }
        }
    }

    fn erase_word(&mut self) {
        while self.bytes.last() == Some(&b' ') {
            self.bytes.pop();
        }
        while self.bytes.last().is_some_and(|byte| *byte != b' ') {
            self.bytes.pop();
        }
    }
}

fn empty() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(LONGEST))
}

/// Bytes that were read and not yet used: typed ahead of the next question. Wiped, the used ones too.
pub(super) struct Ahead {
    bytes: Zeroizing<[u8; 256]>,
    next: usize,
    end: usize,
}

impl Ahead {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self { bytes: Zeroizing::new([0; 256]), next: 0, end: 0 }
    }

    /// The next byte.
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.next..self.end)?.first().copied()?;
        self.next += 1;
        Some(byte)
    }

    /// Reads once, when everything is used, and tells how many bytes came.
    pub(super) fn fill(&mut self, mut from: impl Read) -> std::io::Result<usize> {
        self.next = 0;
        self.end = 0;
        self.end = from.read(self.bytes.as_mut())?;
        Ok(self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8]) -> Vec<Event> {
        let mut line = Line::new();
        bytes.iter().map(|byte| line.take(*byte)).filter(|event| *event != Event::More).collect()
    }

    fn line(text: &str) -> Event {
        Event::Line(Secret::from(text))
    }

    #[test]
    fn a_line_ends_with_enter() {
        assert_eq!(typed(b"abc\n"), [line("abc")]);
        assert_eq!(typed(b"abc\rdef\r"), [line("abc"), line("def")]);
        assert_eq!(typed(b"\n"), [line("")]);
        assert_eq!(typed(b"abc"), []);
    }

    #[test]
    fn backspace_takes_a_whole_character() {
        assert_eq!(typed("aß日🎉\u{7f}\u{7f}\n".as_bytes()), [line("aß")]);
        assert_eq!(typed("日\u{8}x\n".as_bytes()), [line("x")]);
        assert_eq!(typed(b"\x7f\x7fa\n"), [line("a")]);
        assert_eq!(typed(b"a\x80\x80\x7fb\n"), [line("b")]);
    }

    #[test]
    fn control_keys() {
        assert_eq!(typed(b"wrong\x15right\n"), [line("right")]);
        assert_eq!(typed(b"one two  \x17x\n"), [line("one x")]);
        assert_eq!(typed(b"\x04"), [Event::End]);
        assert_eq!(typed(b"ab\x04c\n"), [line("abc")]);
        assert_eq!(typed(b"a\tb\n"), [line("a\tb")], "for the caller to refuse");
    }

    #[test]
    fn escape_sequences_are_left_out() {
        assert_eq!(typed(b"a\x1b[Ab\x1bOPc\x1b[1;5Dd\n"), [line("abcd")]);
        assert_eq!(typed(b"a\x1b\x1b[Ab\n"), [line("ab")]);
        assert_eq!(typed(b"a\x1bb\n"), [line("ab")]);
        assert_eq!(typed(b"a\x1b\n"), [line("a")]);
    }

    #[test]
    fn a_bracketed_paste_is_its_text() {
        assert_eq!(typed(b"\x1b[200~secret\x1b[201~\n"), [line("secret")]);
        assert_eq!(typed(b"\x1b[200~secret\n\x1b[201~\n"), [line("secret")]);
        assert_eq!(
            typed(b"\x1b[200~two\nlines\x1b[201~\n"),
            [line("two\nlines")],
            "for the caller to refuse"
        );
    }

    #[test]
    fn what_was_typed_ahead_waits_for_the_next_question() {
        let mut ahead = Ahead::new();
        assert_eq!(ahead.next(), None);
        assert_eq!(ahead.fill(b"ab".as_slice()).unwrap(), 2);
        assert_eq!([ahead.next(), ahead.next(), ahead.next()], [Some(b'a'), Some(b'b'), None]);
        assert_eq!(ahead.fill(b"".as_slice()).unwrap(), 0);
        assert_eq!(ahead.next(), None);
    }

    #[test]
    fn endless_input_is_cut_and_never_copied() {
        let mut line = Line::new();
        let place = line.bytes.as_ptr();
        for _ in 0..LONGEST * 2 {
            line.take(b'x');
        }
        assert_eq!(line.bytes.as_ptr(), place);
        let Event::Line(secret) = line.take(b'\n') else { panic!("no line") };
        assert_eq!(secret.len(), LONGEST);
    }
}
