//! The stream and its documents: where one begins and ends, and the directives in front of it.

use super::{Event, EventKind, Parser, Place, State};
use crate::yaml::scan::{Mark, Scan, TokenKind};

impl<'s> Parser<'s> {
    pub(super) fn stream_start(&mut self) -> Scan<Event<'s>> {
        self.peek()?;
        self.skip();
        self.document_start(true)
    }

    pub(super) fn document_start(&mut self, may_be_bare: bool) -> Scan<Event<'s>> {
        let mut kind = self.peek()?;
        while !may_be_bare && kind == TokenKind::DocumentEnd {
            kind = self.advance()?;
        }
        self.peek()?;
        let (start, end) = (self.scanner.head_start(), self.scanner.head_end());
        let explicit =
            matches!(kind, TokenKind::VersionDirective | TokenKind::TagDirective | TokenKind::DocumentStart);
        if kind == TokenKind::StreamEnd {
            self.state = State::End;
            self.skip();
            return Ok(Event::at(EventKind::StreamEnd, start, end));
        }
        if may_be_bare && !explicit {
            self.directives()?;
            self.states.push(State::DocumentEnd);
            self.state = State::BlockNode;
            let mut event = Event::at(EventKind::DocumentStart, start, start);
            event.comments = self.scanner.remarks.split_document_head();
            return Ok(event);
        }
        self.directives()?;
        let kind = self.peek()?;
        let end = self.scanner.head_end();
        if kind != TokenKind::DocumentStart {
            return self.refuse(Mark::default(), "did not find expected <document start>");
        }
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        self.skip();
        Ok(Event::at(EventKind::DocumentStart, start, end))
    }

    /// Reads the directives in front of a document.
    fn directives(&mut self) -> Scan<()> {
        self.handles.clear();
        let mut version = false;
        loop {
            match self.peek()? {
                TokenKind::VersionDirective => {
                    if version {
                        return self.refuse(Mark::default(), "found duplicate %YAML directive");
                    }
                    version = true;
                    if !self.scanner.head_text_is("1.1") {
                        return self.refuse(Mark::default(), "found incompatible YAML document");
                    }
                    self.skip();
                }
                TokenKind::TagDirective => {
                    if self.scanner.head_handle().is_some_and(|handle| self.handle(handle).is_some()) {
                        return self.refuse(Mark::default(), "found duplicate %TAG directive");
                    }
                    let token = self.taken();
                    self.handles.insert(token.handle.unwrap_or_default(), token.text);
                }
                _ => return Ok(()),
            }
        }
    }

    pub(super) fn handle(&self, handle: &str) -> Option<&str> {
        self.handles.get(handle).map(|prefix| &**prefix)
    }

    pub(super) fn document_content(&mut self) -> Scan<Event<'s>> {
        let kind = self.peek()?;
        let start = self.scanner.head_start();
        match kind {
            TokenKind::VersionDirective
            | TokenKind::TagDirective
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => {
                self.pop_state();
                Ok(Event::at(EventKind::Scalar, start, start))
            }
            _ => self.node(Place::Block),
        }
    }

    pub(super) fn document_end(&mut self) -> Scan<Event<'s>> {
        let kind = self.peek()?;
        let (start, mut end) = (self.scanner.head_start(), self.scanner.head_end());
        if kind == TokenKind::DocumentEnd {
            self.skip();
        } else {
            end = start;
        }
        self.state = State::DocumentStart;
        let mut event = Event::at(EventKind::DocumentEnd, start, end);
        event.comments = self.scanner.remarks.collect();
        if let Some(comments) = &mut event.comments
            && comments.foot.is_empty()
        {
            comments.foot = std::mem::take(&mut comments.head);
        }
        Ok(event)
    }
}
