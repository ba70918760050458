//! From INI to the tree, as go-ini 1.67 reads it for sops: sections, values in quotes and over several lines.
//!
//! In clear text what sops would cut off or drop without a word is refused.

use crate::sops::format::ini::blank::{trim, trim_start};
use crate::sops::pool::{Pool, Span};
use crate::sops::tree::{Item, Node, Side, Tree};
use crate::{Error, Result};
use std::collections::HashSet;
use zeroize::Zeroizing;

/// The section of what stands above the first.
pub(super) const DEFAULT: &[u8] = b"DEFAULT";

/// Reads a file. The tree begins with the section [`DEFAULT`], even if it is empty.
pub(super) fn read(source: &[u8], secret: bool) -> Result<Tree> {
    let source = source.strip_prefix("\u{feff}".as_bytes()).unwrap_or(source);
    let pool = if secret { Pool::secret(source.len()) } else { Pool::open(source.len()) };
    let tree = Tree::new(source.len() / 24 + 8, pool);
    let (rest, names) = (source, HashSet::new());
    let mut reader = Reader { rest, line: 0, tree, comment: Vec::new(), names, strict: secret };
    reader.file()?;
    if reader.tree.pool.is_full() {
        return Err(Error::new("the file is larger than 4 GiB"));
    }
    Ok(reader.tree)
}

struct Reader<'s> {
    rest: &'s [u8],
    /// The number of the line that was read last.
    line: u32,
    tree: Tree,
    /// The comment that waits for the section or key it belongs to, in pieces.
    comment: Vec<&'s [u8]>,
    /// The names of the open section.
    names: HashSet<&'s [u8]>,
    /// What sops would lose is refused.
    strict: bool,
}

impl<'s> Reader<'s> {
    fn file(&mut self) -> Result<()> {
        self.tree.items.push(Item::new(Node::Map));
        self.open(DEFAULT);
        while let Some(line) = self.next() {
            let line = trim_start(line);
            match line.first() {
                None => {}
                Some(b'#' | b';') => self.comment.push(line),
                Some(b'[') => self.section(line)?,
                Some(_) => self.key(line)?,
            }
        }
        self.tree.lost_comments += self.comment.len();
        self.tree.items.push(Item::new(Node::End));
        self.tree.items.push(Item::new(Node::End));
        Ok(())
    }

    /// The next line with its end.
    fn next(&mut self) -> Option<&'s [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.line = self.line.saturating_add(1);
        Some(line)
    }

    fn open(&mut self, name: &[u8]) {
        let key = self.tree.pool.push(name);
        self.tree.items.push(Item::of_key(Node::Map, key));
        self.names.clear();
    }

    fn section(&mut self, line: &'s [u8]) -> Result<()> {
        let Some(close) = line.iter().rposition(|byte| *byte == b']') else {
            return Err(self.error("a section has no ] at its end"));
        };
        let (name, behind) = (slice(line, 1, close), slice(line, close + 1, line.len()));
        if name.is_empty() {
            return Err(self.error("a section has no name"));
        }
        let comment = comment_in(behind);
        self.must_be_blank(
            slice(behind, 0, behind.len() - comment.map_or(0, <[u8]>::len)),
            "behind a section",
        )?;
        self.comment.extend(comment);
        self.tree.items.push(Item::new(Node::End));
        self.open(name);
        self.settle_comment();
        Ok(())
    }

    fn key(&mut self, line: &'s [u8]) -> Result<()> {
        let (name, rest) = self.name(line)?;
        if name.is_empty() {
            return Err(self.error("a value has no name"));
        }
        if name == b"-" {
            return Err(
                self.error("the name - means the next number, which sops loses: give it a name of its own")
            );
        }
        if !self.names.insert(name) {
            return Err(
                self.error("a name stands twice in its section, and sops would keep one of the values")
            );
        }
        let key = self.tree.pool.push(name);
        let text = self.value(rest)?;
        self.tree.items.push(Item { text, ..Item::of_key(Node::Str, key) });
        self.settle_comment();
        Ok(())
    }

    /// A name, which may be in quotes, and what is behind its `=` or `:`.
    fn name(&self, line: &'s [u8]) -> Result<(&'s [u8], &'s [u8])> {
        let delimiter = |text: &[u8]| text.iter().position(|byte| matches!(byte, b'=' | b':'));
        let no_delimiter = || self.error("a line must be [section], name = value, or begin with ; or #");
        let quote: &[u8] = match line {
            [b'"', b'"', b'"', ..] if line.len() > 6 => b"\"\"\"",
            [b'"', ..] => b"\"",
            [b'`', ..] => b"`",
            _ => {
                let at = delimiter(line).ok_or_else(no_delimiter)?;
                return Ok((trim(slice(line, 0, at)), slice(line, at + 1, line.len())));
            }
        };
        let inside = slice(line, quote.len(), line.len());
        let end =
            find(inside, quote).ok_or_else(|| self.error("a name in quotes has no quote at its end"))?;
        let behind = slice(inside, end + quote.len(), inside.len());
        let at = delimiter(behind).ok_or_else(no_delimiter)?;
        self.must_be_blank(slice(behind, 0, at), "behind a name in quotes")?;
        Ok((trim(slice(inside, 0, end)), slice(behind, at + 1, behind.len())))
    }

    fn value(&mut self, text: &'s [u8]) -> Result<Span> {
        let start = self.tree.pool.len();
        let line = trim_start(text);
        let quote: &[u8] = match line {
            [] => return Ok(Span::default()),
            [b'"', b'"', b'"', _, ..] => b"\"\"\"",
            [b'`', ..] => b"`",
            _ => {
                self.bare(line, line.len() < text.len())?;
                return Ok(self.tree.pool.since(start));
            }
        };
        let inside = slice(line, quote.len(), line.len());
        let Some(end) = rfind(inside, quote) else {
            self.lines(inside, quote)?;
            return Ok(self.tree.pool.since(start));
        };
        let behind = slice(inside, end + quote.len(), inside.len());
        let comment = comment_in(behind);
        self.must_be_blank(
            slice(behind, 0, behind.len() - comment.map_or(0, <[u8]>::len)),
            "behind a value in quotes",
        )?;
        // sops drops it
        self.tree.lost_comments += usize::from(comment.is_some());
        self.tree.pool.push(slice(inside, 0, end));
        Ok(self.tree.pool.since(start))
    }

    /// A value in quotes over several lines.
    fn lines(&mut self, first: &'s [u8], quote: &[u8]) -> Result<()> {
        let opened = self.line;
        self.tree.pool.push(first);
        while let Some(line) = self.next() {
            let end = rfind(line, quote).filter(|end| {
                let behind = slice(line, end + quote.len(), line.len());
                !trim(behind).ends_with(b"\\")
            });
            let Some(end) = end else {
                self.tree.pool.push(line);
                continue;
            };
            self.tree.pool.push(slice(line, 0, end));
            let behind = slice(line, end + quote.len(), line.len());
            let comment = comment_in(behind);
            let blank = slice(behind, 0, behind.len() - comment.map_or(0, <[u8]>::len));
            self.must_be_blank(blank, "behind a value in quotes")?;
            self.comment.extend(comment.map(trim));
            return Ok(());
        }
        Err(Error::new("a value in quotes has no quote at its end").position(opened, 1))
    }

    /// A value without quotes that are ours to see: up to a comment, or over lines that end in a backslash.
    fn bare(&mut self, line: &'s [u8], blank_before: bool) -> Result<()> {
        let line = trim(line);
        if let Some(first) = line.strip_suffix(b"\\") {
            self.continued(first);
            return Ok(());
        }
        let mut value = line;
        if let Some(at) = line.iter().position(|byte| matches!(byte, b'#' | b';')) {
            let (before, comment) = line.split_at(at);
            value = trim(before);
            self.may_be_comment(before, comment, if at == 0 { blank_before } else { value.len() < at })?;
            self.comment.push(comment);
        }
        if let [first @ (b'"' | b'\''), inside @ .., last] = value
            && first == last
            && !inside.contains(first)
        {
            value = inside;
        }
        self.tree.pool.push(value);
        Ok(())
    }

    fn continued(&mut self, first: &[u8]) {
        self.tree.pool.push(first);
        while let Some(line) = self.next().map(trim).filter(|line| !line.is_empty()) {
            let more = line.strip_suffix(b"\\");
            self.tree.pool.push(more.unwrap_or(line));
            if more.is_none() {
                return;
            }
        }
    }

    /// Refuses to cut a value off at a mark that may well belong to it.
    fn may_be_comment(&self, before: &[u8], comment: &[u8], blank_before: bool) -> Result<()> {
        let quoted = before.first().filter(|first| matches!(first, b'"' | b'\''));
        if !self.strict || blank_before && !quoted.is_some_and(|quote| comment.contains(quote)) {
            return Ok(());
        }
        Err(self
            .error("a value has ; or # in it, where sops would cut it off")
            .hint("put the value between two ` if the mark belongs to it, or a blank in front of a comment"))
    }

    /// The comment that waits becomes one of the section or key that was opened last.
    fn settle_comment(&mut self) {
        if self.comment.is_empty() {
            return;
        }
        let mut whole =
            Zeroizing::new(Vec::with_capacity(self.comment.iter().map(|piece| piece.len()).sum()));
        for piece in self.comment.drain(..) {
            whole.extend_from_slice(piece);
        }
        let (start, text) = (self.tree.pool.len(), without_marks(trim(&whole)));
        if text.starts_with(b"\n") {
            // sops panics where it prints a comment that begins with a line end
            self.tree.pool.push(b" ");
        }
        self.tree.pool.push(text);
        let text = self.tree.pool.since(start);
        self.tree.items.push(Item { text, ..Item::new(Node::Comment(Side::Above)) });
    }

    fn must_be_blank(&self, text: &[u8], place: &str) -> Result<()> {
        if self.strict && !trim(text).is_empty() {
            return Err(self.error(format!("something stands {place}, which sops would drop")));
        }
        Ok(())
    }

    /// An error about the line that was read last; what stands there may be secret and is not told.
    fn error(&self, message: impl Into<String>) -> Error {
        Error::new(message).position(self.line, 1)
    }
}

/// A comment without the marks of its first line, as sops takes them off.
fn without_marks(text: &[u8]) -> &[u8] {
    let [mark @ (b';' | b'#'), ..] = text else { return text };
    let end = text.iter().position(|byte| byte != mark && *byte != b' ').unwrap_or(text.len());
    slice(text, end, text.len())
}

/// The comment in what stands behind something whole.
fn comment_in(text: &[u8]) -> Option<&[u8]> {
    text.iter().position(|byte| matches!(byte, b'#' | b';')).map(|at| slice(text, at, text.len()))
}

fn slice(text: &[u8], from: usize, to: usize) -> &[u8] {
    text.get(from..to).unwrap_or_default()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn rfind(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).rposition(|window| window == part)
}
