//! The text of a tree, all of it in one piece of memory, and the places in it.
//!
//! What is secret is wiped wherever it leaves: when the pool grows, when text is taken back, when the pool goes.

use crate::secret::wipe;
use std::ops::Range;
use zeroize::Zeroizing;

/// A piece of a [`Pool`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// A piece of a text of less than 4 GiB.
    pub(super) fn new(start: usize, len: usize) -> Option<Self> {
        Some(Self { start: u32::try_from(start).ok()?, len: u32::try_from(len).ok()? })
    }

    /// The piece itself.
    pub(super) fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.range()).unwrap_or_default()
    }

    /// From where to where it is.
    pub(super) fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.len as usize
    }

    /// The piece itself, to be written to.
    pub(super) fn of_mut(self, text: &mut [u8]) -> &mut [u8] {
        text.get_mut(self.range()).unwrap_or_default()
    }

    /// Its first bytes.
    pub(super) fn up_to(self, len: usize) -> Self {
        Self { len: u32::try_from(len).map_or(self.len, |len| len.min(self.len)), ..self }
    }

    pub(super) fn is_empty(self) -> bool {
        self.len == 0
    }

    pub(super) fn len(self) -> usize {
        self.len as usize
    }
}

/// All text of a tree.
#[derive(Clone, Default)]
pub(super) struct Pool {
    bytes: Vec<u8>,
    secret: bool,
    full: bool,
}

impl Pool {
    /// A pool for text that is not secret.
    pub(super) fn open(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), secret: false, full: false }
    }

    /// A pool that has its text already.
    pub(super) fn of(bytes: Vec<u8>, secret: bool) -> Self {
        Self { bytes, secret, full: false }
    }

    /// A pool that is wiped when it grows and when it goes.
    pub(super) fn secret(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), secret: true, full: false }
    }

    pub(super) fn get(&self, span: Span) -> &[u8] {
        span.of(&self.bytes)
    }

    /// The same, to be written over.
    pub(super) fn get_mut(&mut self, span: Span) -> &mut [u8] {
        span.of_mut(&mut self.bytes)
    }

    /// The text of a span that is UTF-8, else nothing.
    pub(super) fn str(&self, span: Span) -> Option<&str> {
        std::str::from_utf8(self.get(span)).ok()
    }

    pub(super) fn push(&mut self, text: &[u8]) -> Span {
        let start = self.len();
        self.reserve(text.len());
        self.bytes.extend_from_slice(text);
        self.since(start)
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Has it wiped from now on when it grows and when it goes.
    pub(super) fn keep_secret(&mut self) {
        self.secret = true;
    }

    pub(super) fn is_secret(&self) -> bool {
        self.secret
    }

    /// Whether more was pushed than spans can name.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// The span of what was written from `start` on.
    pub(super) fn since(&mut self, start: usize) -> Span {
        if let (Ok(from), Ok(_)) = (u32::try_from(start), u32::try_from(self.len())) {
            return Span { start: from, len: u32::try_from(self.len() - start).unwrap_or_default() };
        }
        self.full = true;
        Span::default()
    }

    /// Takes back what was written from `start` on, wiped.
    pub(super) fn take_back(&mut self, start: usize) {
        if self.secret
            && let Some(rest) = self.bytes.get_mut(start..)
        {
            wipe(rest);
        }
        self.bytes.truncate(start);
    }

    /// Room for more, without leaving plaintext where the text was.
    pub(super) fn reserve(&mut self, more: usize) {
        let room = self.bytes.capacity() - self.bytes.len();
        if room >= more {
            return;
        }
        let mut grown = Vec::with_capacity((self.bytes.len() + more).max(2 * self.bytes.capacity()));
        grown.extend_from_slice(&self.bytes);
        let mut old = std::mem::replace(&mut self.bytes, grown);
        if self.secret {
            wipe(&mut old);
        }
    }

    /// Leaves so much room behind what there is.
    pub(super) fn skip(&mut self, room: usize) {
        self.reserve(room);
        self.bytes.resize(self.bytes.len() + room, 0);
    }

    /// So much more room at the end, to be written to.
    pub(super) fn more(&mut self, room: usize) -> &mut [u8] {
        let start = self.len();
        self.skip(room);
        self.bytes.get_mut(start..).unwrap_or_default()
    }

    /// Takes all of it out.
    pub(super) fn take(&mut self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(std::mem::take(&mut self.bytes))
    }

    /// Takes a piece out, with other bytes before and behind it, in the memory that it lies in. The rest goes.
    pub(super) fn cut_out(&mut self, span: Span, before: &[u8], behind: &[u8]) -> Zeroizing<Vec<u8>> {
        let Range { start, end } = span.range();
        self.take_back(end);
        self.reserve(before.len() + behind.len());
        let mut bytes = Zeroizing::new(std::mem::take(&mut self.bytes));
        bytes.splice(..start.min(end), before.iter().copied());
        bytes.extend_from_slice(behind);
        bytes
    }

    /// The bytes themselves, for whoever writes in place behind `reserve`.
    pub(super) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.secret {
            // the room behind the length was never written: every growth and every taking back wipes
            wipe(&mut self.bytes);
        }
    }
}
