//! The parser: tokens to events, each with its place and the comments that it takes along.
//!
//! A machine with a stack of states instead of recursion, so that depth costs no stack. It knows the grammar
//! and which events take comments; what an anchor means and where a comment ends up is the composer's.

mod block;
mod document;
mod event;
mod flow;

use super::error::ParseError;
use super::node::Style;
use super::scan::{Mark, Scan, Scanner, Token, TokenKind};
use std::borrow::Cow;
use std::collections::HashMap;

pub(super) use event::{Event, EventKind, Properties};

/// The namespace that `!!` stands for.
const STANDARD: &str = "tag:yaml.org,2002:";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    StreamStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    SequenceFirstEntry,
    SequenceEntry,
    IndentlessEntry,
    MappingFirstKey,
    MappingKey,
    MappingValue,
    FlowSequenceFirstEntry,
    FlowSequenceEntry,
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingFirstKey,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// Where a node may be, which decides what it may be.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Flow,
    Block,
    /// Behind a `:` or `?`, where a list needs no indentation.
    Pair,
}

pub(super) struct Parser<'s> {
    scanner: Scanner<'s>,
    state: State,
    states: Vec<State>,
    marks: Vec<Mark>,
    handles: HashMap<Box<str>, Cow<'s, str>>,
    /// An error that go-yaml overlooks until the event is whole; one that is found meanwhile takes its place.
    passed_over: Option<ParseError>,
}

impl<'s> Parser<'s> {
    pub(super) fn new(scanner: Scanner<'s>) -> Self {
        Self {
            scanner,
            state: State::StreamStart,
            states: Vec::new(),
            marks: Vec::new(),
            handles: HashMap::new(),
            passed_over: None,
        }
    }

    /// The next event; behind the end of the stream always [`EventKind::StreamEnd`].
    pub(super) fn next(&mut self) -> Scan<Event<'s>> {
        let event = self.step()?;
        self.passed_over.take().map_or(Ok(event), Err)
    }

    fn step(&mut self) -> Scan<Event<'s>> {
        match self.state {
            State::StreamStart => self.stream_start(),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(Place::Block),
            State::SequenceFirstEntry => self.enter().and_then(|()| self.sequence_entry()),
            State::SequenceEntry => self.sequence_entry(),
            State::IndentlessEntry => self.indentless_entry(),
            State::MappingFirstKey => self.enter().and_then(|()| self.mapping_key()),
            State::MappingKey => self.mapping_key(),
            State::MappingValue => self.mapping_value(),
            State::FlowSequenceFirstEntry => self.enter().and_then(|()| self.flow_sequence_entry(true)),
            State::FlowSequenceEntry => self.flow_sequence_entry(false),
            State::FlowPairKey => self.flow_pair_key(),
            State::FlowPairValue => self.flow_pair_value(),
            State::FlowPairEnd => self.flow_pair_end(),
            State::FlowMappingFirstKey => self.enter().and_then(|()| self.flow_mapping_key(true)),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(),
            State::FlowMappingEmptyValue => self.flow_mapping_empty_value(),
            State::End => Ok(Event::new(EventKind::StreamEnd, Mark::default(), (0, 0))),
        }
    }

    fn peek(&mut self) -> Scan<TokenKind> {
        self.scanner.head()
    }

    fn skip(&mut self) {
        self.scanner.take();
    }

    /// Takes the head and looks at the next token.
    fn advance(&mut self) -> Scan<TokenKind> {
        self.skip();
        self.peek()
    }

    fn taken(&mut self) -> Token<'s> {
        let mark = Mark::default();
        self.scanner.take().unwrap_or_else(|| Token::new(TokenKind::Scalar, mark, mark))
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// Remembers where a collection starts, and takes its start token.
    fn enter(&mut self) -> Scan<()> {
        self.peek()?;
        let start = self.scanner.head_start();
        self.marks.push(start);
        self.skip();
        Ok(())
    }

    /// How many lines had a comment until now.
    pub(super) fn comment_lines(&self) -> usize {
        self.scanner.remarks.lines()
    }

    /// Ends the collection at the head token.
    fn leave(&mut self, kind: EventKind, takes_comments: bool) -> Scan<Event<'s>> {
        self.peek()?;
        let (start, end) = (self.scanner.head_start(), self.scanner.head_end());
        self.pop_state();
        self.marks.pop();
        let mut event = Event::at(kind, start, end);
        if takes_comments {
            event.comments = self.scanner.remarks.collect();
        }
        self.skip();
        Ok(event)
    }

    /// A parser's error: it shows the line of the collection or node around, or where that is the first, of
    /// the token at the head; both one too small, as go-yaml does.
    fn refuse<T>(&mut self, context: Mark, message: &'static str) -> Scan<T> {
        self.peek()?;
        let found = self.scanner.head_start();
        let shown = if context.line == 0 { found.line } else { context.line };
        Err(ParseError::placed(message, shown, found.position()))
    }

    fn refuse_inside<T>(&mut self, message: &'static str) -> Scan<T> {
        let context = self.marks.pop().unwrap_or_default();
        self.refuse(context, message)
    }

    /// A value that is not there.
    fn nothing_at(&mut self, next: State, mark: Mark) -> Event<'s> {
        self.state = next;
        Event::at(EventKind::Scalar, mark, mark)
    }

    fn node_then(&mut self, next: State, place: Place) -> Scan<Event<'s>> {
        self.states.push(next);
        self.node(place)
    }

    fn node(&mut self, place: Place) -> Scan<Event<'s>> {
        let mut kind = self.peek()?;
        let (start, end) = (self.scanner.head_start(), self.scanner.head_end());
        if kind == TokenKind::Alias {
            self.pop_state();
            let mut event = Event::at(EventKind::Alias, start, end);
            event.comments = self.scanner.remarks.collect();
            event.text = self.taken().text;
            return Ok(event);
        }
        let (mark, mut properties) = (start, None);
        if matches!(kind, TokenKind::Anchor | TokenKind::Tag) {
            properties = Some(self.properties(mark)?);
            kind = self.peek()?;
        }
        self.peek()?;
        let (start, end) = (self.scanner.head_start(), self.scanner.head_end());
        let mut event = Event::new(EventKind::Scalar, mark, (start.index, end.index));
        match kind {
            TokenKind::BlockEntry if place == Place::Pair => {
                self.state = State::IndentlessEntry;
                event.kind = EventKind::SequenceStart;
            }
            TokenKind::Scalar => {
                self.pop_state();
                event.comments = self.scanner.remarks.collect();
                let token = self.taken();
                event.text = token.text;
                event.style = token.style;
            }
            TokenKind::FlowSequenceStart | TokenKind::FlowMappingStart => {
                let list = kind == TokenKind::FlowSequenceStart;
                self.state = if list { State::FlowSequenceFirstEntry } else { State::FlowMappingFirstKey };
                event.kind = if list { EventKind::SequenceStart } else { EventKind::MappingStart };
                event.style = Style::Flow;
                event.comments = self.scanner.remarks.collect();
            }
            TokenKind::BlockSequenceStart | TokenKind::BlockMappingStart if place != Place::Flow => {
                let list = kind == TokenKind::BlockSequenceStart;
                self.state = if list { State::SequenceFirstEntry } else { State::MappingFirstKey };
                event.kind = if list { EventKind::SequenceStart } else { EventKind::MappingStart };
                event.comments = self.scanner.remarks.take_stem();
            }
            _ => {
                let Some(properties) = &properties else {
                    return self.refuse(mark, "did not find expected node content");
                };
                self.pop_state();
                event.span = (properties.end.index, properties.end.index);
            }
        }
        event.properties = properties;
        Ok(event)
    }

    /// One anchor and one tag, in either order.
    fn properties(&mut self, first: Mark) -> Scan<Box<Properties<'s>>> {
        let mut found = Box::<Properties<'s>>::default();
        let mut raw_tag = None;
        loop {
            let kind = self.peek()?;
            let (start, end) = (self.scanner.head_start(), self.scanner.head_end());
            match kind {
                TokenKind::Anchor if found.anchor.is_none() => {
                    found.anchor = Some(self.taken().text);
                }
                TokenKind::Tag if raw_tag.is_none() => raw_tag = Some((self.taken(), start)),
                _ => break,
            }
            found.end = end;
        }
        let Some((token, mark)) = raw_tag else { return Ok(found) };
        found.tag = match token.handle.as_deref() {
            None | Some("") => Some(token.text),
            Some(handle) => match self.handle(handle) {
                Some(prefix) => Some(Cow::Owned(format!("{prefix}{}", token.text))),
                None if handle == "!" => Some(Cow::Owned(format!("!{}", token.text))),
                None if handle == "!!" => Some(Cow::Owned(format!("{STANDARD}{}", token.text))),
                None => {
                    let shown = if first.line == 0 { mark.line } else { first.line };
                    return Err(ParseError::placed("found undefined tag handle", shown, mark.position()));
                }
            },
        };
        Ok(found)
    }
}
