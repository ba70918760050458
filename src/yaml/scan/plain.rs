//! Plain scalars, and the folding of lines that they share with quoted ones.

use super::cursor::{Cursor, is_blank};
use super::{Scan, Scanner, Token};
use crate::yaml::Style;
use std::borrow::Cow;

/// White space between two pieces of a scalar: what it reads as depends on what follows.
pub(super) struct Gap<'s> {
    blanks: (usize, usize),
    first: Option<&'s str>,
    later: String,
}

impl<'s> Gap<'s> {
    pub(super) fn at(pos: usize) -> Self {
        Self { blanks: (pos, pos), first: None, later: String::new() }
    }

    /// Whether there was a break.
    pub(super) fn has_break(&self) -> bool {
        self.first.is_some()
    }

    pub(super) fn blank(&mut self, cursor: &mut Cursor<'s>) {
        cursor.skip_blanks(1);
        if self.first.is_none() {
            self.blanks.1 = cursor.pos;
        }
    }

    pub(super) fn line_break(&mut self, cursor: &mut Cursor<'s>) {
        let found = cursor.skip_break();
        match self.first {
            None => self.first = Some(found),
            Some(_) => self.later.push_str(found),
        }
    }

    /// A break behind a backslash: it reads as nothing.
    pub(super) fn hidden_break(&mut self, cursor: &mut Cursor<'s>) {
        cursor.skip_break();
        self.first = Some("");
    }

    /// Appends what the gap reads as: one break is a space, more are one less.
    pub(super) fn join(self, cursor: &Cursor<'s>, text: &mut Cow<'s, str>) {
        match self.first {
            None if self.blanks.0 < self.blanks.1 => {
                text.to_mut().push_str(cursor.slice(self.blanks.0, self.blanks.1));
            }
            None => {}
            Some("\n") if self.later.is_empty() => text.to_mut().push(' '),
            Some("\n") => text.to_mut().push_str(&self.later),
            Some(first) => {
                let text = text.to_mut();
                text.push_str(first);
                text.push_str(&self.later);
            }
        }
    }
}

/// Appends a piece of source; the first one is borrowed.
pub(super) fn append<'s>(text: &mut Cow<'s, str>, piece: &'s str) {
    if text.is_empty() {
        *text = Cow::Borrowed(piece);
    } else {
        text.to_mut().push_str(piece);
    }
}

const STOP_BLOCK: u8 = 1;
const STOP_FLOW: u8 = 2;

/// Bytes that have to be looked at in a plain scalar: in block context, and in flow context.
static STOPS: [u8; 256] = stops();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse a bad index")]
const fn stops() -> [u8; 256] {
    let mut table = [0; 256];
    let both = b" \t\r\n:\xC2\xE2";
    let mut at = 0;
    while at < both.len() {
        table[both[at] as usize] = STOP_BLOCK | STOP_FLOW;
        at += 1;
    }
    let flow = b",?[]{}";
    at = 0;
    while at < flow.len() {
        table[flow[at] as usize] = STOP_FLOW;
        at += 1;
    }
    table
}

impl<'s> Scanner<'s> {
    pub(super) fn scan_plain(&mut self) -> Scan<Token<'s>> {
        let start = self.cursor.mark();
        let indent = usize::try_from(self.indent + 1).unwrap_or(0);
        let flow = self.in_flow();
        let mut text = Cow::Borrowed("");
        let mut gap = Gap::at(self.cursor.pos);
        let mut end = start;
        let mut broken = false;
        loop {
            self.cursor.need(4)?;
            if self.cursor.peek(0) == b'#' || self.cursor.at_marker() {
                break;
            }
            let from = self.cursor.pos;
            let (to, stop) = self.plain_line(from, flow);
            if to > from {
                gap.join(&self.cursor, &mut text);
                append(&mut text, self.cursor.slice(from, to));
                self.cursor.move_to(to);
                end = self.cursor.mark();
                broken = false;
            } else {
                // nothing more: what was found of the gap is swallowed
                self.cursor.need(2)?;
                break;
            }
            self.cursor.skip_blanks(stop - to);
            self.cursor.need(2)?;
            if !self.cursor.is_break(stop) {
                break;
            }
            gap = Gap::at(stop);
            self.fold_lines(&mut gap, indent, start)?;
            broken = true;
            if !flow && self.cursor.column() < indent {
                break;
            }
        }
        // a candidate may stand on the next line, which the scalar has already reached
        self.key_allowed |= broken;
        Ok(Token::scalar(Style::Plain, start, end, text))
    }

    /// Moves over breaks and the blanks that begin the lines behind them.
    fn fold_lines(&mut self, gap: &mut Gap<'s>, indent: usize, start: super::Mark) -> Scan<()> {
        loop {
            self.cursor.need(1)?;
            let byte = self.cursor.peek(0);
            if is_blank(byte) {
                if byte == b'\t' && gap.has_break() && self.cursor.column() < indent {
                    return self.refuse(start, "found a tab character that violates indentation");
                }
                gap.blank(&mut self.cursor);
            } else if self.cursor.is_break(self.cursor.pos) {
                self.cursor.need(2)?;
                gap.line_break(&mut self.cursor);
            } else {
                return Ok(());
            }
        }
    }

    /// Where the text of a plain scalar ends on this line, and where what follows it begins.
    fn plain_line(&self, from: usize, flow: bool) -> (usize, usize) {
        let cursor = &self.cursor;
        let class = if flow { STOP_FLOW } else { STOP_BLOCK };
        let mut at = from;
        loop {
            at += run_length(cursor.bytes().get(at..).unwrap_or_default(), class);
            let byte = cursor.byte(at);
            match byte {
                b' ' | b'\t' => {
                    let end = at;
                    while is_blank(cursor.byte(at)) {
                        at += 1;
                    }
                    let next = cursor.byte(at);
                    if next == b'#' || cursor.is_break_or_end(at) {
                        return (end, at);
                    }
                    if ends_plain(cursor, at, class) {
                        return (end, at);
                    }
                    at += 1;
                }
                b'\n' | b'\r' => return (at, at),
                _ if cursor.is_break_or_end(at) || ends_plain(cursor, at, class) => return (at, at),
                _ => at += 1,
            }
        }
    }
}

/// Whether an indicator that is not blank ends a plain scalar.
fn ends_plain(cursor: &Cursor<'_>, at: usize, class: u8) -> bool {
    match cursor.byte(at) {
        b':' => cursor.is_blank_or_end(at + 1),
        b',' | b'?' | b'[' | b']' | b'{' | b'}' => class == STOP_FLOW,
        _ => false,
    }
}

fn run_length(bytes: &[u8], class: u8) -> usize {
    let is_stop = |byte: &u8| STOPS.get(usize::from(*byte)).is_some_and(|stop| stop & class != 0);
    bytes.iter().position(is_stop).unwrap_or(bytes.len())
}
