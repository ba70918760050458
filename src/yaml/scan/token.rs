//! What the scanner hands to the parser.

use super::cursor::Mark;
use crate::yaml::node::Style;
use std::borrow::Cow;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::yaml) enum TokenKind {
    StreamStart,
    StreamEnd,
    /// `text` is `major.minor`.
    VersionDirective,
    /// `handle` and `text`, the prefix.
    TagDirective,
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias,
    Anchor,
    /// `handle` and `text`, the suffix.
    Tag,
    Scalar,
}

#[derive(Debug)]
pub(in crate::yaml) struct Token<'s> {
    pub(in crate::yaml) kind: TokenKind,
    pub(in crate::yaml) style: Style,
    /// The flow level in whose slot this token waits for a `:` that makes it a key.
    pub(super) candidate: Option<u32>,
    pub(in crate::yaml) start: Mark,
    pub(in crate::yaml) end: Mark,
    pub(in crate::yaml) text: Cow<'s, str>,
    pub(in crate::yaml) handle: Option<Box<str>>,
}

impl<'s> Token<'s> {
    pub(in crate::yaml) fn new(kind: TokenKind, start: Mark, end: Mark) -> Self {
        Self::with_text(kind, start, end, Cow::Borrowed(""))
    }

    pub(super) fn with_text(kind: TokenKind, start: Mark, end: Mark, text: Cow<'s, str>) -> Self {
        Self { kind, style: Style::Plain, candidate: None, start, end, text, handle: None }
    }

    pub(super) fn scalar(style: Style, start: Mark, end: Mark, text: Cow<'s, str>) -> Self {
        Self { style, ..Self::with_text(TokenKind::Scalar, start, end, text) }
    }
}
