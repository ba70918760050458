//! Where things are in the text: nodes by path, the seats of values, the lines of entries.

use crate::error::{Error, Result};
use crate::yaml::edit::source::{Habits, Source, is_blank, is_comment};
use crate::yaml::edit::verify::{Word, range, words};
use crate::yaml::edit::write::Pen;
use crate::yaml::node::{Kind, NodeId, Style, Tree};
use crate::yaml::view::View;

/// A text with its tree.
pub(super) struct Page<'t> {
    file: &'t str,
    pub(super) tree: &'t Tree<'t>,
    pub(super) source: Source<'t>,
    pub(super) pen: Pen,
    words: Vec<(Word<'t>, NodeId)>,
}

/// What a value hangs on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Seat {
    Root,
    Pair { map: NodeId, key: NodeId },
    Item { list: NodeId },
}

/// A node that was found, with what it hangs on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) id: NodeId,
    pub(super) seat: Seat,
    /// Inside `[…]` or `{…}`.
    pub(super) in_flow: bool,
}

impl<'t> Page<'t> {
    pub(super) fn new(file: &'t str, text: &'t str, tree: &'t Tree<'t>) -> Self {
        let source = Source(text);
        let root = tree.documents().first().and_then(|document| tree.root(*document));
        let json = root.is_some_and(|root| {
            let first = tree.children(root).next().map(|first| tree.node(first).style);
            tree.node(root).style == Style::Flow
                && (first == Some(Style::DoubleQuoted)
                    || std::path::Path::new(file).extension().is_some_and(|suffix| suffix == "json"))
        });
        let pen = Pen { habits: Habits::of(tree), newline: source.newline(), json, bare: false };
        Self { file, tree, source, pen, words: words(tree) }
    }

    /// An error about a node.
    pub(super) fn error(&self, id: NodeId, message: impl Into<String>) -> Error {
        View::exact(self.tree, id, self.file).error(message)
    }

    /// The root of the first document.
    pub(super) fn root(&self) -> Option<Found> {
        let document = self.tree.documents().first()?;
        let id = self.tree.root(*document)?;
        Some(Found { id, seat: Seat::Root, in_flow: false })
    }

    /// The node at a path.
    pub(super) fn find(&self, path: &[&str]) -> Result<Found> {
        let mut found = self.root().ok_or_else(|| Error::new("the file is empty").at(self.file))?;
        self.is_editable(found.id)?;
        for step in path {
            let parent = found.id;
            let in_flow = found.in_flow || self.tree.node(parent).style == Style::Flow;
            found = match self.tree.node(parent).kind {
                Kind::Mapping => {
                    let (key, id) = self.pair(parent, step)?;
                    Found { id, seat: Seat::Pair { map: parent, key }, in_flow }
                }
                Kind::Sequence => {
                    let item = step.parse().ok().and_then(|index| self.tree.children(parent).nth(index));
                    let id = item.ok_or_else(|| self.error(parent, format!("no item {step} is here")))?;
                    Found { id, seat: Seat::Item { list: parent }, in_flow }
                }
                _ => return Err(self.error(parent, format!("no key `{step}` is here"))),
            };
            self.is_editable(found.id)?;
        }
        Ok(found)
    }

    /// A key of a map, and its value.
    pub(super) fn pair(&self, map: NodeId, name: &str) -> Result<(NodeId, NodeId)> {
        let (key, value) =
            self.find_pair(map, name).ok_or_else(|| self.error(map, format!("no key `{name}` is here")))?;
        let refused = match self.tree.node(key).kind {
            Kind::Alias => "is an alias",
            _ if self.tree.anchor(key).is_some() => "has an anchor",
            _ if self.tree.tag(key).is_some() => "has a tag",
            _ => return self.without_mark(key).map(|()| (key, value)),
        };
        Err(self.error(key, format!("the key `{name}` {refused}, which is not edited: change it by hand")))
    }

    /// Refuses a key that stands behind a `?`.
    pub(super) fn without_mark(&self, key: NodeId) -> Result<()> {
        let line = self.line_of(key);
        let above = self.source.line_before(line).map_or("", |above| self.source.line(above));
        let alone = above.trim_start_matches(['-', ' ', '\t']).trim_end() == "?";
        if !alone && !self.source.cut(line, self.start(key)).contains('?') {
            return Ok(());
        }
        let name = &self.tree.node(key).text;
        let sentence =
            format!("the key `{name}` is written with `?`, which is not edited: change it by hand");
        Err(self.error(key, sentence))
    }

    pub(super) fn find_pair(&self, map: NodeId, name: &str) -> Option<(NodeId, NodeId)> {
        self.tree.pairs(map).find(|(key, _)| {
            let key = self.tree.node(self.tree.deref(*key));
            key.kind == Kind::Scalar && key.text == name
        })
    }

    fn is_editable(&self, id: NodeId) -> Result<()> {
        let refused = match self.tree.node(id).kind {
            Kind::Alias => format!("this is the alias `*{}`", self.tree.node(id).text),
            _ => match (self.tree.anchor(id), self.tree.tag(id)) {
                (Some(anchor), _) => format!("this has the anchor `&{anchor}`"),
                (_, Some(tag)) => format!("this has the tag `{tag}`"),
                _ => return Ok(()),
            },
        };
        Err(self.error(id, format!("{refused}, which is not edited: change it by hand")))
    }

    pub(super) fn start(&self, id: NodeId) -> usize {
        self.tree.node(id).start as usize
    }

    pub(super) fn end(&self, id: NodeId) -> usize {
        self.tree.node(id).end as usize
    }

    /// The first byte of the line on which a node begins.
    pub(super) fn line_of(&self, id: NodeId) -> usize {
        self.source.line_start(self.start(id))
    }

    /// The column of a node, its anchor and tag included, counted from 0.
    pub(super) fn column(&self, id: NodeId) -> usize {
        usize::try_from(self.tree.node(id).column.saturating_sub(1)).unwrap_or(0)
    }

    /// Whether a scalar is not there at all: no text, no quotes.
    pub(super) fn is_absent(&self, id: NodeId) -> bool {
        let node = self.tree.node(id);
        node.kind == Kind::Scalar && node.start == node.end
    }

    /// Whether it stands for nothing: absent, `~`, `null`.
    pub(super) fn is_null(&self, id: NodeId) -> bool {
        View::exact(self.tree, id, self.file).is_null()
    }

    pub(super) fn is_empty(&self, id: NodeId) -> bool {
        self.tree.children(id).next().is_none()
    }

    /// The place behind the `:` of a key, or behind the key where it has none.
    pub(super) fn behind_colon(&self, key: NodeId) -> usize {
        let at = self.source.skip_blanks(self.end(key));
        if self.source.at(at, b':') { at + 1 } else { self.end(key) }
    }

    /// Whether a key has its colon.
    pub(super) fn has_colon(&self, key: NodeId) -> bool {
        self.source.at(self.source.skip_blanks(self.end(key)), b':')
    }

    /// One past the last byte of a key and its value.
    pub(super) fn pair_end(&self, key: NodeId, value: NodeId) -> usize {
        let absent =
            self.is_absent(value) && self.tree.anchor(value).is_none() && self.tree.tag(value).is_none();
        if absent { self.behind_colon(key) } else { self.value_end(value) }
    }

    /// One past the last byte of a value: of its last child, where that is a pair without a value.
    pub(super) fn value_end(&self, value: NodeId) -> usize {
        let mut at = value;
        loop {
            let node = self.tree.node(at);
            if node.style == Style::Flow {
                return self.end(at);
            }
            match node.kind {
                Kind::Mapping => match self.tree.pairs(at).last() {
                    Some((key, last)) if self.is_absent(last) && self.tree.anchor(last).is_none() => {
                        return self.pair_end(key, last);
                    }
                    Some((_, last)) => at = last,
                    None => return self.end(at),
                },
                Kind::Sequence => match self.tree.children(at).last() {
                    Some(last) => at = last,
                    None => return self.end(at),
                },
                _ => return self.end(at),
            }
        }
    }

    /// The start of the first line behind something that ends at `end`. Block scalars end there already.
    pub(super) fn line_behind(&self, end: usize) -> usize {
        let at_line_start = end > 0 && end == self.source.line_start(end);
        if at_line_start { end } else { self.source.next_line(end) }
    }

    /// Whether something starts its line.
    pub(super) fn starts_line(&self, at: usize) -> bool {
        is_blank(self.source.before(at))
    }

    /// The place of an item's dash.
    pub(super) fn dash(&self, list: NodeId, item: NodeId) -> Option<usize> {
        let column = self.column(list);
        let mut line = self.line_of(item);
        loop {
            let text = self.source.line(line);
            let at = line + column;
            let before =
                text.get(..column).is_some_and(|before| before.chars().all(|char| " -?".contains(char)));
            let behind = matches!(text.as_bytes().get(column + 1), None | Some(b' ' | b'\t'));
            if before && behind && self.source.at(at, b'-') && at < self.start(item) {
                return Some(at);
            }
            line = self.source.line_before(line)?;
        }
    }

    /// The start of the comment lines directly above a line, no further up than `bound`.
    pub(super) fn comments_above(&self, line: usize, bound: usize) -> usize {
        let mut start = line;
        while let Some(above) = self.source.line_before(start) {
            if above < bound || !is_comment(self.source.line(above)) {
                break;
            }
            start = above;
        }
        start
    }

    /// Where a new line may go behind an entry: below its last line and the comments that are its own, those
    /// deeper than `column` and the `feet` lines at it.
    pub(super) fn gap_behind(&self, end: usize, column: usize, feet: usize) -> usize {
        let mut at = self.line_behind(end);
        let mut feet = feet;
        while at < self.source.len() {
            let line = self.source.line(at);
            let depth = line.len() - line.trim_start_matches(' ').len();
            if !is_comment(line) || depth < column || (depth == column && feet == 0) {
                break;
            }
            if depth == column {
                feet -= 1;
            }
            at = self.source.next_line(at);
        }
        at
    }

    /// How many comment lines stand below a key's value, as its own.
    pub(super) fn feet(&self, key: NodeId) -> usize {
        self.tree.comments(key).foot.lines().filter(|line| !line.is_empty()).count()
    }

    /// Whole lines as a splice at the start of a line, or at the end of a text that ends in the middle of one.
    pub(super) fn lines_at(&self, at: usize, lines: &str) -> (std::ops::Range<usize>, String) {
        let newline = self.pen.newline;
        let open = at == self.source.len() && self.source.ends_open();
        (at..at, if open { format!("{newline}{lines}") } else { format!("{lines}{newline}") })
    }

    /// The words of the tree with those of some nodes, in one run, replaced.
    pub(super) fn meant(&self, from: usize, to: usize, new: Vec<Word<'t>>) -> Vec<Word<'t>> {
        let old = || self.words.iter().map(|(word, _)| word.clone());
        old().take(from).chain(new).chain(old().skip(to)).collect()
    }

    /// The place of a node among the words.
    pub(super) fn range(&self, id: NodeId) -> std::ops::Range<usize> {
        range(&self.words, id)
    }
}
