//! The text that is edited: its lines, its line ends and its habits of indentation.

use crate::yaml::node::{Kind, Style, Tree};

/// A text with its lines found on demand. Places are byte offsets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'s>(pub(super) &'s str);

impl<'s> Source<'s> {
    pub(super) fn len(self) -> usize {
        self.0.len()
    }

    pub(super) fn cut(self, from: usize, to: usize) -> &'s str {
        self.0.get(from..to).unwrap_or_default()
    }

    fn byte(self, at: usize) -> Option<u8> {
        self.0.as_bytes().get(at).copied()
    }

    /// The first byte of the line that `at` is on.
    pub(super) fn line_start(self, at: usize) -> usize {
        self.cut(0, at).rfind(['\n', '\r']).map_or(self.bom(), |found| found + 1)
    }

    /// The byte order mark belongs to no line.
    fn bom(self) -> usize {
        if self.0.starts_with('\u{FEFF}') { 3 } else { 0 }
    }

    /// The line break that ends the line of `at`, or the end of the text.
    pub(super) fn line_end(self, at: usize) -> usize {
        self.cut(at, self.len()).find(['\n', '\r']).map_or(self.len(), |found| at + found)
    }

    /// The first byte of the line behind that of `at`, or the end of the text.
    pub(super) fn next_line(self, at: usize) -> usize {
        let end = self.line_end(at);
        match (self.byte(end), self.byte(end + 1)) {
            (Some(b'\r'), Some(b'\n')) => end + 2,
            (Some(_), _) => end + 1,
            (None, _) => end,
        }
    }

    /// The line of `at`, without its break.
    pub(super) fn line(self, at: usize) -> &'s str {
        self.cut(self.line_start(at), self.line_end(at))
    }

    /// The start of the line before the one that starts at `start`.
    pub(super) fn line_before(self, start: usize) -> Option<usize> {
        let mut end = start.checked_sub(1)?;
        if self.at(end, b'\n') && end.checked_sub(1).is_some_and(|before| self.at(before, b'\r')) {
            end -= 1;
        }
        (start > self.bom()).then(|| self.line_start(end))
    }

    /// What stands on the line before `at`.
    pub(super) fn before(self, at: usize) -> &'s str {
        self.cut(self.line_start(at), at)
    }

    /// The next place from `at` on that holds no blank (line breaks are none).
    pub(super) fn skip_blanks(self, at: usize) -> usize {
        let rest = self.cut(at, self.len());
        at + (rest.len() - rest.trim_start_matches([' ', '\t']).len())
    }

    /// The next place from `at` on that holds neither white space nor a comment.
    pub(super) fn skip_white(self, mut at: usize) -> usize {
        loop {
            let rest = self.cut(at, self.len());
            let text = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            at += rest.len() - text.len();
            if !text.starts_with('#') {
                return at;
            }
            at = self.line_end(at);
        }
    }

    pub(super) fn at(self, at: usize, byte: u8) -> bool {
        self.byte(at) == Some(byte)
    }

    /// Whether the text ends in the middle of a line.
    pub(super) fn ends_open(self) -> bool {
        self.len() > self.bom() && !self.0.ends_with(['\n', '\r'])
    }

    /// The line break that this text uses.
    pub(super) fn newline(self) -> &'static str {
        match self.0.find(['\n', '\r']) {
            Some(at) if self.cut(at, at + 2) == "\r\n" => "\r\n",
            Some(at) if self.at(at, b'\r') => "\r",
            _ => "\n",
        }
    }
}

/// Whether a line holds nothing but a comment.
pub(super) fn is_comment(line: &str) -> bool {
    line.trim_start_matches([' ', '\t']).starts_with('#')
}

/// Whether a text is white space only.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim_start_matches([' ', '\t']).is_empty()
}

/// How a text indents.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Habits {
    /// Columns from a map to a map inside it.
    pub(super) step: usize,
    /// Columns from a key to the dashes of its list; may be 0.
    pub(super) dash: usize,
}

impl Habits {
    /// Taken from the first nested map and the first list under a key; two columns where there is none.
    pub(super) fn of(tree: &Tree<'_>) -> Self {
        let (mut step, mut dash) = (None, None);
        let mut open = tree.documents().to_vec();
        open.reverse();
        while let Some(node) = open.pop() {
            if step.is_some() && dash.is_some() {
                break;
            }
            let mut children: Vec<_> = tree.children(node).collect();
            if tree.node(node).kind == Kind::Mapping && tree.node(node).style != Style::Flow {
                for (key, value) in tree.pairs(node) {
                    let (key, value) = (tree.node(key), tree.node(value));
                    let block = value.style != Style::Flow && value.line > key.line;
                    let Some(deeper) = value.column.checked_sub(key.column) else { continue };
                    let deeper = usize::try_from(deeper).unwrap_or(0);
                    match value.kind {
                        Kind::Mapping if block && deeper > 0 => step = step.or(Some(deeper)),
                        Kind::Sequence if block => dash = dash.or(Some(deeper)),
                        _ => {}
                    }
                }
            }
            children.reverse();
            open.append(&mut children);
        }
        let step = step.or(dash.filter(|dash| *dash > 0)).unwrap_or(2);
        Self { step, dash: dash.unwrap_or(step) }
    }
}
