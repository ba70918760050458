//! `%YAML` and `%TAG`.

use super::{Mark, Scan, Scanner, Token, TokenKind};
use std::borrow::Cow;

/// How many digits a version number may have.
const MAX_DIGITS: usize = 2;

impl<'s> Scanner<'s> {
    pub(super) fn scan_directive(&mut self) -> Scan<Token<'s>> {
        let start = self.cursor.mark();
        self.cursor.bump();
        self.cursor.need(1)?;
        let name = self.scan_word()?;
        if name.is_empty() {
            return self.refuse(start, "could not find expected directive name");
        }
        if !self.cursor.is_blank_or_end(self.cursor.pos) {
            return self.refuse(start, "found unexpected non-alphabetical character");
        }
        let token = match name {
            "YAML" => self.scan_version(start)?,
            "TAG" => self.scan_tag_directive(start)?,
            _ => return self.refuse(start, "found unknown directive name"),
        };
        self.skip_blanks_checked()?;
        if self.cursor.peek(0) == b'#' {
            let end = self.cursor.line_end(self.cursor.pos);
            self.cursor.move_to(end);
            self.cursor.need(1)?;
        }
        if !self.cursor.is_break_or_end(self.cursor.pos) {
            return self.refuse(start, "did not find expected comment or line break");
        }
        if !self.cursor.at_end() {
            self.cursor.need(2)?;
            self.cursor.skip_break();
        }
        Ok(token)
    }

    fn skip_blanks_checked(&mut self) -> Scan<()> {
        self.cursor.need(1)?;
        self.cursor.skip_all_blanks();
        self.cursor.need(1)
    }

    fn scan_version(&mut self, start: Mark) -> Scan<Token<'s>> {
        self.skip_blanks_checked()?;
        let major = self.scan_number(start)?;
        if self.cursor.peek(0) != b'.' {
            return self.refuse(start, "did not find expected digit or '.' character");
        }
        self.cursor.bump();
        let minor = self.scan_number(start)?;
        let end = self.cursor.mark();
        let text = Cow::Owned(format!("{major}.{minor}"));
        Ok(Token::with_text(TokenKind::VersionDirective, start, end, text))
    }

    fn scan_number(&mut self, start: Mark) -> Scan<u32> {
        self.cursor.need(1)?;
        let (mut value, mut digits) = (0, 0);
        while let Some(digit) = char::from(self.cursor.peek(0)).to_digit(10) {
            digits += 1;
            if digits > MAX_DIGITS {
                return self.refuse(start, "found extremely long version number");
            }
            value = value * 10 + digit;
            self.cursor.bump();
            self.cursor.need(1)?;
        }
        if digits == 0 {
            return self.refuse(start, "did not find expected version number");
        }
        Ok(value)
    }

    fn scan_tag_directive(&mut self, start: Mark) -> Scan<Token<'s>> {
        self.skip_blanks_checked()?;
        let handle = self.scan_handle(true, start)?;
        self.cursor.need(1)?;
        if !matches!(self.cursor.peek(0), b' ' | b'\t') {
            return self.refuse(start, "did not find expected whitespace");
        }
        self.skip_blanks_checked()?;
        let prefix = self.scan_uri("", start)?;
        self.cursor.need(1)?;
        if !self.cursor.is_blank_or_end(self.cursor.pos) {
            return self.refuse(start, "did not find expected whitespace or line break");
        }
        let end = self.cursor.mark();
        let mut token = Token::with_text(TokenKind::TagDirective, start, end, prefix);
        token.handle = Some(handle.into());
        Ok(token)
    }
}
