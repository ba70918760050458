//! The scanner: text to tokens, with the comments between them.
//!
//! What a comment is attached to depends on when it is scanned relative to the tokens around it, so this
//! keeps go-yaml's order of work: a queue with the same look-ahead, candidates for keys that are proven by a
//! later `:`, block ends placed by the comments before them. It may know tokens, not nodes.

mod block;
mod comment;
mod cursor;
mod directive;
mod indent;
mod indicator;
mod input;
mod key;
mod pair;
mod plain;
mod property;
mod quoted;
mod token;

pub(in crate::yaml) use cursor::{Mark, narrow};
pub(in crate::yaml) use input::decode;
pub(in crate::yaml) use token::{Token, TokenKind};

use super::Style;
use super::error::ParseError;
use comment::Remarks;
use cursor::Cursor;
use key::Candidate;
use std::collections::VecDeque;

/// How deep flow collections, and how deep block collections, may be nested.
const MAX_DEPTH: usize = 10_000;
/// Tokens that must be in the queue before its head may be looked at: comments need the ones behind it.
const LOOK_AHEAD: usize = 3;

pub(in crate::yaml) type Scan<T> = Result<T, ParseError>;

/// Tokens on demand.
pub(in crate::yaml) struct Scanner<'s> {
    cursor: Cursor<'s>,
    queue: VecDeque<Token<'s>>,
    /// How many tokens have left the queue.
    taken: usize,
    head_ready: bool,
    /// The column of the innermost open block collection, -1 outside.
    indent: i64,
    indents: Vec<i64>,
    /// One slot for each flow level, the first for block context.
    candidates: Vec<Candidate>,
    key_allowed: bool,
    pub(in crate::yaml) remarks: Remarks,
}

impl<'s> Scanner<'s> {
    pub(in crate::yaml) fn new(text: &'s str, start: usize, ascii: bool, bad: Option<ParseError>) -> Self {
        let mut cursor = Cursor::new(text, start, ascii, bad);
        let mark = cursor.mark();
        Self {
            cursor,
            queue: VecDeque::from([Token::new(TokenKind::StreamStart, mark, mark)]),
            taken: 0,
            head_ready: false,
            indent: -1,
            indents: Vec::new(),
            candidates: vec![Candidate::default()],
            key_allowed: true,
            remarks: Remarks::default(),
        }
    }

    /// The next token's kind. Comments that belong to it or to what was before are unfolded.
    pub(in crate::yaml) fn head(&mut self) -> Scan<TokenKind> {
        if !self.head_ready {
            self.fill()?;
            self.head_ready = true;
        }
        let Some(token) = self.queue.front() else { return Err(ParseError::plain("no token")) };
        let kind = token.kind;
        if self.remarks.is_waiting() {
            self.remarks.unfold(token.start.index, kind == TokenKind::BlockEnd);
        }
        Ok(kind)
    }

    /// Where the head begins, which must have been looked at.
    pub(in crate::yaml) fn head_start(&self) -> Mark {
        self.queue.front().map(|head| head.start).unwrap_or_default()
    }

    /// Where the head ends, which must have been looked at.
    pub(in crate::yaml) fn head_end(&self) -> Mark {
        self.queue.front().map(|head| head.end).unwrap_or_default()
    }

    pub(in crate::yaml) fn head_text_is(&self, text: &str) -> bool {
        self.queue.front().is_some_and(|head| head.text == text)
    }

    pub(in crate::yaml) fn head_handle(&self) -> Option<&str> {
        self.queue.front().and_then(|head| head.handle.as_deref())
    }

    /// Takes the head away, which must have been looked at.
    pub(in crate::yaml) fn take(&mut self) -> Option<Token<'s>> {
        self.head_ready = false;
        self.taken += 1;
        self.queue.pop_front()
    }

    fn fill(&mut self) -> Scan<()> {
        while self.queue.len() < LOOK_AHEAD || self.head_may_be_key()? {
            self.fetch()?;
        }
        Ok(())
    }

    fn head_may_be_key(&mut self) -> Scan<bool> {
        match self.queue.front().and_then(|head| head.candidate) {
            Some(slot) => self.is_valid(slot as usize),
            None => Ok(false),
        }
    }

    /// Scans one token, or one and those that it implies.
    fn fetch(&mut self) -> Scan<()> {
        if self.fetch_pair() {
            return Ok(());
        }
        self.cursor.need(1)?;
        let gap = self.cursor.mark();
        self.skip_to_token(gap)?;
        let column = self.cursor.column();
        self.close_blocks(signed(column), gap);
        self.cursor.need(4)?;

        if self.cursor.at_end() {
            return self.fetch_stream_end();
        }
        if column == 0 {
            let byte = self.cursor.peek(0);
            if byte == b'%' {
                return self.fetch_directive();
            }
            if byte == b'-' && self.cursor.at_triple(b'-') {
                return self.fetch_marker(TokenKind::DocumentStart);
            }
            if byte == b'.' && self.cursor.at_triple(b'.') {
                return self.fetch_marker(TokenKind::DocumentEnd);
            }
        }
        let separator = if self.in_flow() { b',' } else { b':' };
        let attach = match self.queue.back() {
            Some(last) if self.cursor.peek(0) == separator => last.start.index,
            _ => narrow(self.cursor.pos),
        };
        self.fetch_content()?;
        if self.queue.back().is_none_or(|last| last.kind != TokenKind::BlockEntry) {
            self.scan_line_comment(attach)?;
        }
        Ok(())
    }

    fn fetch_content(&mut self) -> Scan<()> {
        let here = self.cursor.pos;
        match self.cursor.peek(0) {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if self.cursor.is_blank_or_end(here + 1) => self.fetch_block_entry(),
            b'?' if self.in_flow() || self.cursor.is_blank_or_end(here + 1) => self.fetch_key(),
            b':' if self.in_flow() || self.cursor.is_blank_or_end(here + 1) => self.fetch_value(),
            b'*' => self.fetch_property(TokenKind::Alias),
            b'&' => self.fetch_property(TokenKind::Anchor),
            b'!' => self.fetch_property(TokenKind::Tag),
            b'|' if !self.in_flow() => self.fetch_block_scalar(Style::Literal),
            b'>' if !self.in_flow() => self.fetch_block_scalar(Style::Folded),
            b'\'' => self.fetch_quoted(Style::SingleQuoted),
            b'"' => self.fetch_quoted(Style::DoubleQuoted),
            b'#' | b'|' | b'>' | b'%' | b'@' | b'`' | b' ' | b'\t' => self.refuse_start(),
            _ => self.fetch_plain(),
        }
    }

    fn refuse_start(&mut self) -> Scan<()> {
        let mark = self.cursor.mark();
        self.refuse(mark, "found character that cannot start any token")
    }

    /// A scanner's error: it shows the line of its context, or where that is the first, of the place it was
    /// found at; both as people count.
    fn refuse<T>(&mut self, context: Mark, message: &'static str) -> Scan<T> {
        let found = self.cursor.mark();
        let shown = if context.line == 0 { found.line } else { context.line };
        let shown = if shown == 0 { 0 } else { shown.saturating_add(1) };
        Err(ParseError::placed(message, shown, found.position()))
    }

    fn in_flow(&self) -> bool {
        self.candidates.len() > 1
    }

    fn skip_to_token(&mut self, gap: Mark) -> Scan<()> {
        loop {
            self.cursor.need(1)?;
            let tabs = self.in_flow() || !self.key_allowed;
            while self.cursor.peek(0) == b' ' || (tabs && self.cursor.peek(0) == b'\t') {
                self.cursor.skip_blanks(1);
            }
            self.cursor.need(1)?;
            if self.cursor.peek(0) == b'#' {
                self.scan_comments(gap)?;
            }
            if !self.cursor.is_break(self.cursor.pos) {
                return Ok(());
            }
            self.cursor.need(2)?;
            self.cursor.skip_break();
            self.key_allowed |= !self.in_flow();
        }
    }

    fn fetch_stream_end(&mut self) -> Scan<()> {
        self.cursor.force_line();
        let mark = self.leave_blocks()?;
        self.queue.push_back(Token::new(TokenKind::StreamEnd, mark, mark));
        Ok(())
    }

    fn fetch_directive(&mut self) -> Scan<()> {
        self.leave_blocks()?;
        let token = self.scan_directive()?;
        self.queue.push_back(token);
        Ok(())
    }

    fn fetch_marker(&mut self, kind: TokenKind) -> Scan<()> {
        let start = self.leave_blocks()?;
        self.cursor.move_to(self.cursor.pos + 3);
        let end = self.cursor.mark();
        self.queue.push_back(Token::new(kind, start, end));
        Ok(())
    }

    fn push(&mut self, mut token: Token<'s>, candidate: Option<u32>) {
        token.candidate = candidate;
        self.queue.push_back(token);
    }

    /// Puts a token in front of a candidate; where that has left the queue, behind everything.
    fn insert(&mut self, at: Option<usize>, token: Token<'s>) {
        match at {
            Some(at) if at <= self.queue.len() => self.queue.insert(at, token),
            _ => self.queue.push_back(token),
        }
    }

    fn push_indicator(&mut self, kind: TokenKind, candidate: Option<u32>) {
        let start = self.cursor.mark();
        self.cursor.bump();
        let end = self.cursor.mark();
        self.push(Token::new(kind, start, end), candidate);
    }

    fn fetch_property(&mut self, kind: TokenKind) -> Scan<()> {
        let candidate = self.save_candidate()?;
        self.key_allowed = false;
        let token = if kind == TokenKind::Tag { self.scan_tag()? } else { self.scan_name(kind)? };
        self.push(token, candidate);
        Ok(())
    }

    fn fetch_block_scalar(&mut self, style: Style) -> Scan<()> {
        self.drop_candidate()?;
        self.key_allowed = true;
        let token = self.scan_block_scalar(style)?;
        self.queue.push_back(token);
        Ok(())
    }

    fn fetch_quoted(&mut self, style: Style) -> Scan<()> {
        let candidate = self.save_candidate()?;
        self.key_allowed = false;
        let token = self.scan_quoted(style)?;
        self.push(token, candidate);
        Ok(())
    }

    fn fetch_plain(&mut self) -> Scan<()> {
        let candidate = self.save_candidate()?;
        self.key_allowed = false;
        let token = self.scan_plain()?;
        self.push(token, candidate);
        Ok(())
    }
}

fn signed(column: usize) -> i64 {
    i64::try_from(column).unwrap_or(i64::MAX)
}
