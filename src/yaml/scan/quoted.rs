//! Single- and double-quoted scalars.

use super::cursor::is_blank;
use super::plain::{Gap, append};
use super::{Mark, Scan, Scanner, Token};
use crate::yaml::Style;
use std::borrow::Cow;

impl<'s> Scanner<'s> {
    pub(super) fn scan_quoted(&mut self, style: Style) -> Scan<Token<'s>> {
        let start = self.cursor.mark();
        let quote = if style == Style::SingleQuoted { b'\'' } else { b'"' };
        self.cursor.bump();
        let mut text = Cow::Borrowed("");
        loop {
            self.cursor.need(4)?;
            if self.cursor.at_marker() {
                return self.refuse(start, "found unexpected document indicator");
            }
            if self.cursor.at_end() {
                return self.refuse(start, "found unexpected end of stream");
            }
            let escaped = self.quoted_piece(&mut text, quote, start)?;
            self.cursor.need(1)?;
            if !escaped && self.cursor.peek(0) == quote {
                break;
            }
            let mut gap = Gap::at(self.cursor.pos);
            if escaped {
                self.cursor.bump();
                gap.hidden_break(&mut self.cursor);
            }
            self.quoted_gap(&mut gap)?;
            gap.join(&self.cursor, &mut text);
        }
        self.cursor.bump();
        let end = self.cursor.mark();
        Ok(Token::scalar(style, start, end, text))
    }

    fn quoted_gap(&mut self, gap: &mut Gap<'s>) -> Scan<()> {
        loop {
            self.cursor.need(1)?;
            if is_blank(self.cursor.peek(0)) {
                gap.blank(&mut self.cursor);
            } else if self.cursor.is_break(self.cursor.pos) {
                self.cursor.need(2)?;
                gap.line_break(&mut self.cursor);
            } else {
                return Ok(());
            }
        }
    }

    /// Text up to a quote, white space at a line's end, or the end; true before a backslash that hides a
    /// break.
    fn quoted_piece(&mut self, text: &mut Cow<'s, str>, quote: u8, start: Mark) -> Scan<bool> {
        loop {
            let from = self.cursor.pos;
            let to = self.quoted_run(from, quote);
            if to > from {
                append(text, self.cursor.slice(from, to));
                self.cursor.move_to(to);
            }
            self.cursor.need(2)?;
            match self.cursor.peek(0) {
                b'\'' if quote == b'\'' && self.cursor.peek(1) == b'\'' => {
                    text.to_mut().push('\'');
                    self.cursor.move_to(self.cursor.pos + 2);
                }
                b'\\' if quote == b'"' && self.cursor.is_break(self.cursor.pos + 1) => {
                    self.cursor.need(3)?;
                    return Ok(true);
                }
                b'\\' if quote == b'"' => self.escape(text.to_mut(), start)?,
                _ => return Ok(false),
            }
        }
    }

    /// Where text that stands for itself ends: blanks inside a line are part of it.
    fn quoted_run(&self, from: usize, quote: u8) -> usize {
        let rest = self.cursor.bytes().get(from..).unwrap_or_default();
        let stop = match quote {
            b'\'' => memchr::memchr3(b'\'', b'\n', b'\r', rest),
            _ => rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'\r')),
        };
        let mut end = from + stop.unwrap_or(rest.len());
        if !self.cursor.is_ascii() {
            end = self.wide_break(from, end);
        }
        if self.cursor.is_break_or_end(end) {
            // blanks before a break are not text
            while end > from && is_blank(self.cursor.byte(end - 1)) {
                end -= 1;
            }
        }
        end
    }

    /// The first NEL, LS or PS before `end`.
    fn wide_break(&self, from: usize, end: usize) -> usize {
        let mut at = from;
        loop {
            let rest = self.cursor.bytes().get(at..end).unwrap_or_default();
            match memchr::memchr2(0xC2, 0xE2, rest) {
                None => return end,
                Some(ahead) if self.cursor.is_break(at + ahead) => return at + ahead,
                Some(ahead) => at += ahead + 1,
            }
        }
    }

    fn escape(&mut self, text: &mut String, start: Mark) -> Scan<()> {
        let found = match self.cursor.peek(1) {
            b'0' => '\0',
            b'a' => '\x07',
            b'b' => '\x08',
            b't' | b'\t' => '\t',
            b'n' => '\n',
            b'v' => '\x0B',
            b'f' => '\x0C',
            b'r' => '\r',
            b'e' => '\x1B',
            b' ' => ' ',
            b'"' => '"',
            b'\'' => '\'',
            b'\\' => '\\',
            b'N' => '\u{85}',
            b'_' => '\u{A0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            b'x' => return self.numeric_escape(text, 2, start),
            b'u' => return self.numeric_escape(text, 4, start),
            b'U' => return self.numeric_escape(text, 8, start),
            _ => return self.refuse(start, "found unknown escape character"),
        };
        text.push(found);
        self.cursor.move_to(self.cursor.pos + 2);
        Ok(())
    }

    fn numeric_escape(&mut self, text: &mut String, digits: usize, start: Mark) -> Scan<()> {
        self.cursor.move_to(self.cursor.pos + 2);
        self.cursor.need(digits)?;
        let mut value = 0_u32;
        for ahead in 0..digits {
            let Some(digit) = char::from(self.cursor.peek(ahead)).to_digit(16) else {
                return self.refuse(start, "did not find expected hexdecimal number");
            };
            value = (value << 4) | digit;
        }
        let Some(found) = char::from_u32(value) else {
            return self.refuse(start, "found invalid Unicode character escape code");
        };
        text.push(found);
        self.cursor.move_to(self.cursor.pos + digits);
        Ok(())
    }
}
