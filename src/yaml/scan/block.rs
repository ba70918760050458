//! Literal and folded block scalars.

use super::cursor::{is_blank, narrow};
use super::{Mark, Scan, Scanner, Token};
use crate::yaml::Style;
use std::borrow::Cow;

#[derive(Clone, Copy, Eq, PartialEq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl<'s> Scanner<'s> {
    pub(super) fn scan_block_scalar(&mut self, style: Style) -> Scan<Token<'s>> {
        let start = self.cursor.mark();
        self.cursor.bump();
        let (chomp, digit) = self.block_header(start)?;
        let mut end = self.cursor.pos;
        let mut column =
            digit.map(|digit| usize::try_from(self.indent.max(0)).unwrap_or(0) + usize::from(digit));
        let mut text = String::new();
        let mut breaks = String::new();
        let mut kept = self.block_breaks(&mut column, &mut breaks, start)?;
        let column = column.unwrap_or(1);
        let mut last_break = "";
        let mut lead_blank = false;
        while !self.cursor.at_end() && self.cursor.column() == column {
            let blank = is_blank(self.cursor.peek(0));
            if style == Style::Folded && !lead_blank && !blank && last_break == "\n" {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(last_break);
            }
            text.push_str(&breaks);
            breaks.clear();
            lead_blank = blank;
            let from = self.cursor.pos;
            let to = self.cursor.line_end(from);
            text.push_str(self.cursor.slice(from, to));
            if self.cursor.slice(from, to).bytes().any(|byte| !is_blank(byte)) {
                self.cursor.breaks = 0;
            }
            self.cursor.pos = to;
            self.cursor.need(2)?;
            last_break = if self.cursor.at_end() { "" } else { self.cursor.skip_break() };
            end = self.cursor.pos;
            let mut next = Some(column);
            kept = self.block_breaks(&mut next, &mut breaks, start)?;
        }
        if chomp != Chomp::Strip {
            text.push_str(last_break);
        }
        if chomp == Chomp::Keep {
            text.push_str(&breaks);
            end = kept;
        }
        let end = Mark { index: narrow(end), ..start };
        Ok(Token::scalar(style, start, end, Cow::Owned(text)))
    }

    /// Chomping sign and indentation digit, the comment behind them, and the break.
    fn block_header(&mut self, start: Mark) -> Scan<(Chomp, Option<u8>)> {
        self.cursor.need(1)?;
        let mut chomp = self.chomp_sign();
        let mut digit = None;
        self.cursor.need(1)?;
        if let found @ b'0'..=b'9' = self.cursor.peek(0) {
            if found == b'0' {
                return self.refuse(start, "found an indentation indicator equal to 0");
            }
            digit = Some(found - b'0');
            self.cursor.bump();
            self.cursor.need(1)?;
            chomp = chomp.or_else(|| self.chomp_sign());
        }
        self.cursor.need(1)?;
        self.cursor.skip_all_blanks();
        self.cursor.need(1)?;
        if self.cursor.peek(0) == b'#' {
            self.scan_line_comment(start.index)?;
        }
        if !self.cursor.is_break_or_end(self.cursor.pos) {
            return self.refuse(start, "did not find expected comment or line break");
        }
        if !self.cursor.at_end() {
            self.cursor.need(2)?;
            self.cursor.skip_break();
        }
        Ok((chomp.unwrap_or(Chomp::Clip), digit))
    }

    fn chomp_sign(&mut self) -> Option<Chomp> {
        let found = match self.cursor.peek(0) {
            b'+' => Chomp::Keep,
            b'-' => Chomp::Strip,
            _ => return None,
        };
        self.cursor.bump();
        Some(found)
    }

    /// Moves over indentation and empty lines, and returns where the last of these ends. Where the column of
    /// the text is not known yet, it is found.
    fn block_breaks(&mut self, column: &mut Option<usize>, breaks: &mut String, start: Mark) -> Scan<usize> {
        let mut widest = 0;
        let mut end = self.cursor.pos;
        loop {
            self.cursor.need(1)?;
            let mut here = self.cursor.column();
            while column.is_none_or(|column| here < column) && self.cursor.peek(0) == b' ' {
                self.cursor.skip_blanks(1);
                here += 1;
            }
            self.cursor.need(1)?;
            widest = widest.max(here);
            if column.is_none_or(|column| here < column) && self.cursor.peek(0) == b'\t' {
                return self.refuse(start, "found a tab character where an indentation space is expected");
            }
            if !self.cursor.is_break(self.cursor.pos) {
                break;
            }
            self.cursor.need(2)?;
            breaks.push_str(self.cursor.skip_break());
            end = self.cursor.pos;
        }
        if column.is_none() {
            let least = usize::try_from(self.indent + 1).unwrap_or(0).max(1);
            *column = Some(widest.max(least));
        }
        Ok(end)
    }
}
