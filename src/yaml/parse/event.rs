//! What the parser says: that something starts or ends, or a value, with its place, its properties and its comments.

use crate::yaml::node::{Comments, Style};
use crate::yaml::scan::Mark;
use std::borrow::Cow;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::yaml) enum EventKind {
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias,
    Scalar,
    SequenceStart,
    SequenceEnd,
    MappingStart,
    MappingEnd,
}

pub(in crate::yaml) struct Event<'s> {
    pub(in crate::yaml) kind: EventKind,
    pub(in crate::yaml) style: Style,
    /// Where the node is reported: at its anchor or tag, if it has one.
    pub(in crate::yaml) mark: Mark,
    /// First byte of its own text, and one past its last.
    pub(in crate::yaml) span: (u32, u32),
    pub(in crate::yaml) text: Cow<'s, str>,
    pub(in crate::yaml) properties: Option<Box<Properties<'s>>>,
    pub(in crate::yaml) comments: Option<Box<Comments>>,
}

impl Event<'_> {
    pub(super) fn new(kind: EventKind, mark: Mark, span: (u32, u32)) -> Self {
        Self {
            kind,
            style: Style::Plain,
            mark,
            span,
            text: Cow::Borrowed(""),
            properties: None,
            comments: None,
        }
    }

    pub(super) fn at(kind: EventKind, start: Mark, end: Mark) -> Self {
        Self::new(kind, start, (start.index, end.index))
    }
}

/// Anchor and tag in front of a node.
#[derive(Default)]
pub(in crate::yaml) struct Properties<'s> {
    pub(super) end: Mark,
    pub(in crate::yaml) anchor: Option<Cow<'s, str>>,
    /// In its long form.
    pub(in crate::yaml) tag: Option<Cow<'s, str>>,
}
