//! Flow collections, `[…]` and `{…}`: the states inside them.

use super::{Event, EventKind, Parser, Place, State};
use crate::yaml::node::Style;
use crate::yaml::scan::{Scan, TokenKind};

impl<'s> Parser<'s> {
    pub(super) fn flow_sequence_entry(&mut self, first: bool) -> Scan<Event<'s>> {
        let mut kind = self.peek()?;
        if kind != TokenKind::FlowSequenceEnd {
            if !first {
                if kind != TokenKind::FlowEntry {
                    return self.refuse_inside("did not find expected ',' or ']'");
                }
                kind = self.advance()?;
            }
            if kind == TokenKind::Key {
                self.peek()?;
                let (start, end) = (self.scanner.head_start(), self.scanner.head_end());
                self.state = State::FlowPairKey;
                let mut event = Event::at(EventKind::MappingStart, start, end);
                event.style = Style::Flow;
                self.skip();
                return Ok(event);
            }
            if kind != TokenKind::FlowSequenceEnd {
                return self.node_then(State::FlowSequenceEntry, Place::Flow);
            }
        }
        self.leave(EventKind::SequenceEnd, true)
    }

    pub(super) fn flow_pair_key(&mut self) -> Scan<Event<'s>> {
        let kind = self.peek()?;
        let end = self.scanner.head_end();
        if !matches!(kind, TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
            return self.node_then(State::FlowPairValue, Place::Flow);
        }
        // go-yaml, like libyaml, loses the token here
        self.skip();
        Ok(self.nothing_at(State::FlowPairValue, end))
    }

    pub(super) fn flow_pair_value(&mut self) -> Scan<Event<'s>> {
        // a value that is missing is reported at its `:`, unlike those in `{}`
        let kind = self.peek()?;
        let start = self.scanner.head_start();
        if kind == TokenKind::Value
            && !matches!(self.advance()?, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd)
        {
            return self.node_then(State::FlowPairEnd, Place::Flow);
        }
        Ok(self.nothing_at(State::FlowPairEnd, start))
    }

    pub(super) fn flow_pair_end(&mut self) -> Scan<Event<'s>> {
        self.peek()?;
        let start = self.scanner.head_start();
        self.state = State::FlowSequenceEntry;
        Ok(Event::at(EventKind::MappingEnd, start, start))
    }

    pub(super) fn flow_mapping_key(&mut self, first: bool) -> Scan<Event<'s>> {
        let mut kind = self.peek()?;
        if kind != TokenKind::FlowMappingEnd {
            if !first {
                if kind != TokenKind::FlowEntry {
                    return self.refuse_inside("did not find expected ',' or '}'");
                }
                kind = self.advance()?;
            }
            if kind == TokenKind::Key {
                kind = self.advance()?;
                if !matches!(kind, TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                    return self.node_then(State::FlowMappingValue, Place::Flow);
                }
                self.peek()?;
                let start = self.scanner.head_start();
                return Ok(self.nothing_at(State::FlowMappingValue, start));
            }
            if kind != TokenKind::FlowMappingEnd {
                return self.node_then(State::FlowMappingEmptyValue, Place::Flow);
            }
        }
        self.leave(EventKind::MappingEnd, true)
    }

    pub(super) fn flow_mapping_value(&mut self) -> Scan<Event<'s>> {
        if self.peek()? == TokenKind::Value {
            let kind = self.advance()?;
            if !matches!(kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                return self.node_then(State::FlowMappingKey, Place::Flow);
            }
        }
        self.flow_mapping_empty_value()
    }

    pub(super) fn flow_mapping_empty_value(&mut self) -> Scan<Event<'s>> {
        self.peek()?;
        let start = self.scanner.head_start();
        Ok(self.nothing_at(State::FlowMappingKey, start))
    }
}
