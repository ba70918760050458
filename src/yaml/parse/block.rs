//! Lists and maps in block style.

use super::{Event, EventKind, Parser, Place, State};
use crate::yaml::scan::{Mark, Scan, TokenKind};

impl<'s> Parser<'s> {
    /// What follows a `-`: comments above the dash stay with the collection that begins behind it.
    fn after_dash(&mut self) -> Scan<(TokenKind, Mark)> {
        self.peek()?;
        let end = self.scanner.head_end();
        let head = self.scanner.remarks.head_len();
        let kind = match self.advance() {
            Err(error) if head > 0 => {
                self.passed_over = Some(error);
                self.peek()?
            }
            found => found?,
        };
        if matches!(kind, TokenKind::BlockSequenceStart | TokenKind::BlockMappingStart) {
            self.scanner.remarks.split_stem(head);
        }
        Ok((kind, end))
    }

    pub(super) fn sequence_entry(&mut self) -> Scan<Event<'s>> {
        match self.peek()? {
            TokenKind::BlockEntry => {
                let (next, mark) = self.after_dash()?;
                if matches!(next, TokenKind::BlockEntry | TokenKind::BlockEnd) {
                    return Ok(self.nothing_at(State::SequenceEntry, mark));
                }
                self.node_then(State::SequenceEntry, Place::Block)
            }
            TokenKind::BlockEnd => self.leave(EventKind::SequenceEnd, false),
            _ => self.refuse_inside("did not find expected '-' indicator"),
        }
    }

    pub(super) fn indentless_entry(&mut self) -> Scan<Event<'s>> {
        let kind = self.peek()?;
        let start = self.scanner.head_start();
        if kind != TokenKind::BlockEntry {
            self.pop_state();
            return Ok(Event::at(EventKind::SequenceEnd, start, start));
        }
        let (next, mark) = self.after_dash()?;
        if matches!(next, TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd) {
            return Ok(self.nothing_at(State::IndentlessEntry, mark));
        }
        self.node_then(State::IndentlessEntry, Place::Block)
    }

    pub(super) fn mapping_key(&mut self) -> Scan<Event<'s>> {
        match self.peek()? {
            TokenKind::Key => self.pair_part(State::MappingValue),
            TokenKind::BlockEnd => self.leave(EventKind::MappingEnd, true),
            _ => self.refuse_inside("did not find expected key"),
        }
    }

    pub(super) fn mapping_value(&mut self) -> Scan<Event<'s>> {
        match self.peek()? {
            TokenKind::Value => self.pair_part(State::MappingKey),
            _ => Ok(self.nothing_at(State::MappingKey, self.scanner.head_start())),
        }
    }

    /// What follows a `?` or a `:` in block context.
    fn pair_part(&mut self, next: State) -> Scan<Event<'s>> {
        self.peek()?;
        let mark = self.scanner.head_end();
        if matches!(self.advance()?, TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd) {
            return Ok(self.nothing_at(next, mark));
        }
        self.node_then(next, Place::Pair)
    }
}
