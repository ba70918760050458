//! From bytes to a tree: the door of the reader.

use super::compose::Composer;
use super::error::ParseError;
use super::node::Tree;
use super::parse::Parser;
use super::scan::{Scanner, decode};
use std::borrow::Cow;

/// Reads a stream: the documents that are whole, and what is wrong behind them.
///
/// UTF-8 is borrowed, and the places of nodes are offsets in `bytes`. UTF-16 is decoded first; places are
/// then those in the text as UTF-8 without its byte order mark.
pub fn read(bytes: &[u8]) -> (Tree<'_>, Option<ParseError>) {
    let input = decode(bytes);
    match input.text {
        Cow::Borrowed(text) => compose(text, input.start, input.ascii, input.bad),
        Cow::Owned(text) => {
            let (tree, error) = compose(&text, input.start, input.ascii, input.bad);
            (tree.into_owned(), error)
        }
    }
}

fn compose(text: &str, start: usize, ascii: bool, bad: Option<ParseError>) -> (Tree<'_>, Option<ParseError>) {
    let scanner = Scanner::new(text, start, ascii, bad);
    // a line of a map holds two nodes; anything denser grows the arena a few times
    let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    Composer::new(Parser::new(scanner), (lines * 2).min(text.len() / 8) + 8).compose()
}

impl<'a> Tree<'a> {
    /// Reads all documents of a stream, as [`read`] does, or none of them.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        match read(bytes) {
            (tree, None) => Ok(tree),
            (_, Some(error)) => Err(error),
        }
    }
}
