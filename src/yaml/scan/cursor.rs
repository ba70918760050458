//! Where the scanner is in the text: bytes, lines and columns.
//!
//! Places are byte offsets. Columns count characters, but no character is counted before a column is asked
//! for, and none at all in text that is ASCII.

use super::Scan;
use crate::yaml::error::ParseError;

/// A place; line and column are counted from 0, the column in characters.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::yaml) struct Mark {
    pub(in crate::yaml) index: u32,
    pub(in crate::yaml) line: u32,
    pub(in crate::yaml) column: u32,
}

impl Mark {
    /// Line and column counted from 1.
    pub(in crate::yaml) fn position(self) -> (u32, u32) {
        (self.line.saturating_add(1), self.column.saturating_add(1))
    }
}

/// A length or an offset, which the limit on the input keeps below 4 GiB.
pub(in crate::yaml) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Whether a byte is a space or a tab.
pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Walks over the text. The end of the text reads as NUL bytes, which the text itself cannot hold.
pub(super) struct Cursor<'s> {
    text: &'s str,
    bytes: &'s [u8],
    ascii: bool,
    bad: Option<ParseError>,
    pub(super) pos: usize,
    pub(super) line: u32,
    /// Breaks since the last character that is not blank.
    pub(super) breaks: u32,
    line_start: usize,
    // characters between line_start and counted, and the bytes they have more than one each
    counted: usize,
    surplus: usize,
}

impl<'s> Cursor<'s> {
    /// At `start` of a text, with what is wrong behind its end.
    pub(super) fn new(text: &'s str, start: usize, ascii: bool, bad: Option<ParseError>) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            ascii,
            bad,
            pos: start,
            line: 0,
            breaks: 0,
            line_start: start,
            counted: start,
            surplus: 0,
        }
    }

    /// The byte `ahead` of here.
    pub(super) fn peek(&self, ahead: usize) -> u8 {
        self.byte(self.pos + ahead)
    }

    pub(super) fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    pub(super) fn bytes(&self) -> &'s [u8] {
        self.bytes
    }

    pub(super) fn is_ascii(&self) -> bool {
        self.ascii
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> &'s str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Whether bad input follows behind the text.
    pub(super) fn ends_badly(&self) -> bool {
        self.bad.is_some()
    }

    /// Asks for `count` characters from here on: the moment at which bad input behind them comes to light.
    #[inline]
    pub(super) fn need(&self, count: usize) -> Scan<()> {
        match &self.bad {
            None => Ok(()),
            Some(bad) => self.need_before(count, bad),
        }
    }

    #[cold]
    fn need_before(&self, count: usize, bad: &ParseError) -> Scan<()> {
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        let there = rest.iter().take(count * 4).filter(|byte| **byte & 0xC0 != 0x80).count();
        if there < count { Err(bad.clone()) } else { Ok(()) }
    }

    pub(super) fn mark(&mut self) -> Mark {
        Mark { index: narrow(self.pos), line: self.line, column: narrow(self.column()) }
    }

    /// Characters before here on this line.
    pub(super) fn column(&mut self) -> usize {
        if !self.ascii {
            let more = self.bytes.get(self.counted..self.pos).unwrap_or_default();
            self.surplus += more.iter().filter(|byte| **byte & 0xC0 == 0x80).count();
            self.counted = self.pos;
        }
        self.pos - self.line_start - self.surplus
    }

    pub(super) fn at_line_start(&self) -> bool {
        self.pos == self.line_start
    }

    pub(super) fn at_end(&self) -> bool {
        self.is_end(self.pos)
    }

    pub(super) fn is_end(&self, at: usize) -> bool {
        at >= self.bytes.len()
    }

    /// How many bytes the line break at a place has: 0 where there is none. A CR LF counts as its CR.
    pub(super) fn break_width(&self, at: usize) -> usize {
        match self.byte(at) {
            b'\n' | b'\r' => 1,
            0xC2 if self.byte(at + 1) == 0x85 => 2,
            0xE2 if self.byte(at + 1) == 0x80 && matches!(self.byte(at + 2), 0xA8 | 0xA9) => 3,
            _ => 0,
        }
    }

    pub(super) fn is_break(&self, at: usize) -> bool {
        self.break_width(at) > 0
    }

    pub(super) fn is_break_or_end(&self, at: usize) -> bool {
        self.is_break(at) || self.is_end(at)
    }

    pub(super) fn is_blank_or_end(&self, at: usize) -> bool {
        is_blank(self.byte(at)) || self.is_break_or_end(at)
    }

    /// Where the line that a place is on ends.
    pub(super) fn line_end(&self, from: usize) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        if self.ascii {
            return from + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        }
        let mut at = from;
        while !self.is_break_or_end(at) {
            at += 1;
        }
        at
    }

    /// Moves over characters that are no breaks, the last of them not blank.
    pub(super) fn move_to(&mut self, at: usize) {
        self.pos = at;
        self.breaks = 0;
    }

    /// Moves over one ASCII character that is not blank.
    pub(super) fn bump(&mut self) {
        self.move_to(self.pos + 1);
    }

    /// Moves over `count` blanks.
    pub(super) fn skip_blanks(&mut self, count: usize) {
        self.pos += count;
    }

    /// Moves over the blanks that stand here.
    pub(super) fn skip_all_blanks(&mut self) {
        while is_blank(self.peek(0)) {
            self.pos += 1;
        }
    }

    /// Moves over the break that stands here and returns what it reads as: CR, CR LF and NEL are line feeds.
    pub(super) fn skip_break(&mut self) -> &'s str {
        let from = self.pos;
        let width = match self.break_width(from) {
            1 if self.byte(from) == b'\r' && self.byte(from + 1) == b'\n' => 2,
            width => width,
        };
        self.pos += width;
        self.breaks = self.breaks.saturating_add(1);
        self.start_line();
        if width == 3 { self.slice(from, self.pos) } else { "\n" }
    }

    /// At the end of the text go-yaml thinks itself on a new line.
    pub(super) fn force_line(&mut self) {
        if !self.at_line_start() {
            self.start_line();
        }
    }

    fn start_line(&mut self) {
        self.line = self.line.saturating_add(1);
        self.line_start = self.pos;
        self.counted = self.pos;
        self.surplus = 0;
    }

    /// Whether `---` or `...` stands here, alone, at the start of a line.
    pub(super) fn at_marker(&self) -> bool {
        self.at_line_start() && (self.at_triple(b'-') || self.at_triple(b'.'))
    }

    pub(super) fn at_triple(&self, byte: u8) -> bool {
        (0..3).all(|ahead| self.peek(ahead) == byte) && self.is_blank_or_end(self.pos + 3)
    }

    /// Whether more than `limit` characters lie between a place and here.
    pub(super) fn is_further_than(&self, from: u32, limit: usize) -> bool {
        let from = from as usize;
        if self.pos <= from + limit {
            return false;
        }
        if self.ascii || self.pos > from + 4 * limit {
            return true;
        }
        let between = self.bytes.get(from..self.pos).unwrap_or_default();
        between.iter().filter(|byte| **byte & 0xC0 != 0x80).count() > limit
    }
}
