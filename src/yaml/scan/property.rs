//! Anchors, aliases and tags.

use super::{Mark, Scan, Scanner, Token, TokenKind};
use std::borrow::Cow;

/// Characters of anchors, handles and directive names.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn is_uri(byte: u8) -> bool {
    is_word(byte) || b";/?:@&=+$,.!~*'()[]%".contains(&byte)
}

impl<'s> Scanner<'s> {
    /// The word that stands here.
    pub(super) fn scan_word(&mut self) -> Scan<&'s str> {
        let from = self.cursor.pos;
        let mut to = from;
        while is_word(self.cursor.byte(to)) {
            to += 1;
        }
        if to > from {
            self.cursor.move_to(to);
        }
        self.cursor.need(1)?;
        Ok(self.cursor.slice(from, to))
    }

    pub(super) fn scan_name(&mut self, kind: TokenKind) -> Scan<Token<'s>> {
        let start = self.cursor.mark();
        self.cursor.bump();
        let name = self.scan_word()?;
        let here = self.cursor.pos;
        let ends = self.cursor.is_blank_or_end(here) || b"?:,]}%@`".contains(&self.cursor.peek(0));
        if name.is_empty() || !ends {
            return self.refuse(start, "did not find expected alphabetic or numeric character");
        }
        let end = self.cursor.mark();
        Ok(Token::with_text(kind, start, end, Cow::Borrowed(name)))
    }

    pub(super) fn scan_tag(&mut self) -> Scan<Token<'s>> {
        let start = self.cursor.mark();
        self.cursor.need(2)?;
        let (handle, suffix) = if self.cursor.peek(1) == b'<' {
            self.cursor.move_to(self.cursor.pos + 2);
            let suffix = self.scan_uri("", start)?;
            if self.cursor.peek(0) != b'>' {
                return self.refuse(start, "did not find the expected '>'");
            }
            self.cursor.bump();
            ("", suffix)
        } else {
            self.shorthand(start)?
        };
        self.cursor.need(1)?;
        if !self.cursor.is_blank_or_end(self.cursor.pos) {
            return self.refuse(start, "did not find expected whitespace or line break");
        }
        let end = self.cursor.mark();
        let mut token = Token::with_text(TokenKind::Tag, start, end, suffix);
        token.handle = Some(handle.into());
        Ok(token)
    }

    fn shorthand(&mut self, start: Mark) -> Scan<(&'s str, Cow<'s, str>)> {
        let handle = self.scan_handle(false, start)?;
        if handle.len() > 1 && handle.ends_with('!') {
            return Ok((handle, self.scan_uri("", start)?));
        }
        let suffix = self.scan_uri(handle, start)?;
        // a lone `!` is a suffix without handle
        Ok(if suffix.is_empty() { ("", Cow::Borrowed("!")) } else { ("!", suffix) })
    }

    /// `!`, `!!`, `!word!`; outside directives also the beginning of `!word`.
    pub(super) fn scan_handle(&mut self, directive: bool, start: Mark) -> Scan<&'s str> {
        self.cursor.need(1)?;
        if self.cursor.peek(0) != b'!' {
            return self.refuse(start, "did not find expected '!'");
        }
        let from = self.cursor.pos;
        self.cursor.bump();
        self.cursor.need(1)?;
        self.scan_word()?;
        if self.cursor.peek(0) == b'!' {
            self.cursor.bump();
        } else if directive && self.cursor.pos - from > 1 {
            return self.refuse(start, "did not find expected '!'");
        }
        Ok(self.cursor.slice(from, self.cursor.pos))
    }

    /// A URI, whose first part may already have been read as a handle without its end.
    pub(super) fn scan_uri(&mut self, head: &'s str, start: Mark) -> Scan<Cow<'s, str>> {
        let mut bytes: Vec<u8> = head.bytes().skip(1).collect();
        let mut found = !head.is_empty();
        self.cursor.need(1)?;
        while is_uri(self.cursor.peek(0)) {
            if self.cursor.peek(0) == b'%' {
                self.uri_escape(&mut bytes, start)?;
            } else {
                bytes.push(self.cursor.peek(0));
                self.cursor.bump();
            }
            self.cursor.need(1)?;
            found = true;
        }
        if !found {
            return self.refuse(start, "did not find expected tag URI");
        }
        Ok(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// One character written as `%XX`, an octet each.
    fn uri_escape(&mut self, bytes: &mut Vec<u8>, start: Mark) -> Scan<()> {
        let mut left = None;
        while left != Some(0) {
            self.cursor.need(3)?;
            let digit = |ahead| char::from(self.cursor.peek(ahead)).to_digit(16);
            let octet = match (self.cursor.peek(0), digit(1), digit(2)) {
                (b'%', Some(high), Some(low)) => u8::try_from(high << 4 | low).unwrap_or(0),
                _ => return self.refuse(start, "did not find URI escaped octet"),
            };
            left = match (left, octet) {
                (None, 0..0x80) => Some(0),
                (None, 0xC0..0xE0) => Some(1),
                (None, 0xE0..0xF0) => Some(2),
                (None, 0xF0..0xF8) => Some(3),
                (None, _) => return self.refuse(start, "found an incorrect leading UTF-8 octet"),
                (Some(left), 0x80..0xC0) => Some(left - 1),
                (Some(_), _) => return self.refuse(start, "found an incorrect trailing UTF-8 octet"),
            };
            bytes.push(octet);
            self.cursor.move_to(self.cursor.pos + 3);
        }
        Ok(())
    }
}
