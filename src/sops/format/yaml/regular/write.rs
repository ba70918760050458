//! The tree to regular lines.

use crate::sops::format::yaml::regular::{is_sealed, is_word};
use crate::sops::pool::{Pool, Span};
use crate::sops::tree::{Item, Node, Tree};
use crate::yaml::is_written_plain;
use std::io::Write as _;
use zeroize::Zeroizing;

/// How many bytes a name has at most: YAML writes longer ones in another form.
const LONGEST: usize = 128;

/// The lines of one document, `more` bytes of room behind them; nothing where it is not regular.
pub(in crate::sops::format::yaml) fn lines(
    tree: &Tree,
    indent: usize,
    more: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let size = measure(tree, indent, false)?;
    let mut out = Copied { pool: &tree.pool, lines: Zeroizing::new(Vec::with_capacity(size + more)) };
    lay_out(&tree.items, indent, &mut out)?;
    Some(out.lines)
}

/// The same in the memory of the tree's own text, which is taken, where every piece of it is behind the place that it
/// goes to; else nothing, and the tree is as it was. Of a `sealed` tree, what was just encrypted is not looked at.
pub(in crate::sops::format::yaml) fn turned(
    tree: &mut Tree,
    indent: usize,
    sealed: bool,
) -> Option<Zeroizing<Vec<u8>>> {
    measure(tree, indent, sealed)?;
    let mut places = Places::default();
    lay_out(&tree.items, indent, &mut places)?;
    if places.to > tree.pool.len() {
        return None;
    }
    let mut out = Moved { lines: tree.pool.take(), to: 0 };
    lay_out(&tree.items, indent, &mut out)?;
    out.lines.truncate(out.to);
    Some(out.lines)
}

/// How many bytes stand around the names and texts of a tree that may be regular when it is encrypted.
pub(in crate::sops::format::yaml) fn around(tree: &Tree, indent: usize) -> Option<usize> {
    let mut depth = 0_usize;
    tree.items.iter().try_fold(0, |size, item| {
        let own = match item.node {
            Node::List | Node::Comment(_) => return None,
            Node::Map => 2,
            Node::End => 0,
            Node::Str => 3,
            _ => 3 + NUMBER,
        };
        depth -= usize::from(item.node == Node::End && depth > 0);
        let blanks = if item.node == Node::End { 0 } else { indent * depth.saturating_sub(1) };
        depth += usize::from(item.node == Node::Map);
        Some(size + own + blanks)
    })
}

/// Writes the lines of items that were measured. Errors: what the writer has.
fn lay_out(items: &[Item], indent: usize, out: &mut impl Lines) -> Option<()> {
    let mut depth = 0;
    for item in items.get(1..)? {
        if item.node == Node::End {
            depth -= usize::from(depth > 0);
            continue;
        }
        out.blanks(depth * indent);
        out.piece(item.key)?;
        match item.node {
            Node::Map => {
                out.text(b":\n");
                depth += 1;
                continue;
            }
            Node::Int(number) => {
                let mut digits = [0; NUMBER];
                let mut rest = digits.as_mut_slice();
                write!(rest, "{number}").ok()?;
                let rest = rest.len();
                out.text(b": ");
                out.text(digits.get(..NUMBER - rest)?);
            }
            Node::Bool(true) => out.text(b": true"),
            Node::Bool(false) => out.text(b": false"),
            Node::Null => out.text(b": null"),
            _ => {
                out.text(b": ");
                out.piece(item.text)?;
            }
        }
        out.text(b"\n");
    }
    Some(())
}

/// Where lines go.
trait Lines {
    fn blanks(&mut self, count: usize);
    fn text(&mut self, text: &[u8]);
    /// A piece of the tree's text.
    fn piece(&mut self, span: Span) -> Option<()>;
}

/// To memory of their own, which is large enough: nothing is moved.
struct Copied<'t> {
    pool: &'t Pool,
    lines: Zeroizing<Vec<u8>>,
}

impl Lines for Copied<'_> {
    fn blanks(&mut self, count: usize) {
        let len = self.lines.len() + count;
        self.lines.resize(len, b' ');
    }

    fn text(&mut self, text: &[u8]) {
        self.lines.extend_from_slice(text);
    }

    fn piece(&mut self, span: Span) -> Option<()> {
        self.lines.extend_from_slice(self.pool.get(span));
        Some(())
    }
}

/// To nowhere; but nothing may come to stand on a piece that has not been read.
#[derive(Default)]
struct Places {
    to: usize,
    read: usize,
}

impl Lines for Places {
    fn blanks(&mut self, count: usize) {
        self.to += count;
    }

    fn text(&mut self, text: &[u8]) {
        self.to += text.len();
    }

    fn piece(&mut self, span: Span) -> Option<()> {
        let from = span.range();
        self.to += from.len();
        let behind = from.is_empty() || (from.start >= self.read && from.end >= self.to);
        self.read = self.read.max(from.end);
        behind.then_some(())
    }
}

/// To the memory that the pieces are in.
struct Moved {
    lines: Zeroizing<Vec<u8>>,
    to: usize,
}

impl Lines for Moved {
    fn blanks(&mut self, count: usize) {
        if let Some(place) = self.lines.get_mut(self.to..self.to + count) {
            place.fill(b' ');
        }
        self.to += count;
    }

    fn text(&mut self, text: &[u8]) {
        if let Some(place) = self.lines.get_mut(self.to..self.to + text.len()) {
            place.copy_from_slice(text);
        }
        self.to += text.len();
    }

    fn piece(&mut self, span: Span) -> Option<()> {
        let from = span.range();
        let len = from.len();
        if from.end <= self.lines.len() && self.to + len <= self.lines.len() {
            self.lines.copy_within(from, self.to);
        }
        self.to += len;
        Some(())
    }
}

/// How many bytes a whole number has at most, and more.
const NUMBER: usize = 24;

/// How many bytes the lines have at most.
fn measure(tree: &Tree, indent: usize, sealed: bool) -> Option<usize> {
    let (mut size, mut depth) = (0, 0_usize);
    let mut empty = true;
    for (at, item) in tree.items.iter().enumerate() {
        match item.node {
            Node::End if empty => return None,
            Node::End => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    // one document
                    return (at + 1 == tree.items.len()).then_some(size);
                }
                continue;
            }
            Node::List | Node::Comment(_) | Node::Float(_) | Node::Time(_) => return None,
            Node::Str if sealed && item.seal == item.text && !item.text.is_empty() => {}
            Node::Str if !is_plain(tree.pool.get(item.text)) => return None,
            Node::Map | Node::Str | Node::Int(_) | Node::Bool(_) | Node::Null => {}
        }
        if at > 0 {
            size += indent * (depth - 1) + name_len(tree, item)? + 3 + NUMBER.max(item.text.len());
        }
        empty = item.node == Node::Map;
        depth += usize::from(empty);
    }
    None
}

fn name_len(tree: &Tree, item: &Item) -> Option<usize> {
    let name = tree.pool.get(item.key);
    let regular = !item.merge && name.len() < LONGEST && is_plain(name);
    regular.then_some(name.len())
}

fn is_plain(text: &[u8]) -> bool {
    is_sealed(text) || is_word(text) || std::str::from_utf8(text).is_ok_and(is_written_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::format::yaml::{read, write};

    /// Writes it in both ways, which must agree, and says whether it is regular.
    fn is_regular(source: &str) -> bool {
        let tree = read::read(source.as_bytes(), true).unwrap();
        [2, 4, 9].into_iter().all(|indent| {
            let Some(found) = lines(&tree, indent, 0) else { return false };
            let wanted = write::documents(&tree, None, indent).unwrap();
            assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(&wanted), "{source}");
            assert!(found.capacity() >= found.len());
            for spare in [0, 1, 7, around(&tree, indent).unwrap()] {
                let mut tree = behind(&tree, spare);
                let pool = tree.pool.clone();
                match turned(&mut tree, indent, false) {
                    Some(lines) => assert_eq!(*lines, *found, "{source}: in its own memory"),
                    None => assert!(tree.pool.take() == pool.clone().take() && spare < 8, "{source}"),
                }
            }
            true
        })
    }

    /// The same tree, its text behind some room.
    fn behind(tree: &Tree, room: usize) -> Tree {
        let mut moved = Tree::new(tree.items.len(), Pool::open(0));
        moved.pool.skip(room);
        for item in &tree.items {
            let (key, text) = (tree.pool.get(item.key), tree.pool.get(item.text));
            let (key, text) = (moved.pool.push(key), moved.pool.push(text));
            moved.items.push(Item { key, text, ..*item });
        }
        moved
    }

    #[test]
    fn a_file_is_its_own_lines_again() {
        let source = b"a: b\nc:\n    d: e f\n    g: 1\nh: true\n";
        let mut tree = read::read(source, true).unwrap();
        let mut own =
            crate::sops::format::yaml::regular::plain(&mut Zeroizing::new(source.to_vec())).unwrap();
        assert_eq!(*turned(&mut own, 4, false).unwrap(), *source);
        assert!(turned(&mut tree, 4, false).is_none(), "its text is closer than the lines are");
        assert_eq!(*lines(&tree, 4, 0).unwrap(), *source, "it is as it was");
        // text out of order is not written over
        let mut own = behind(&tree, 100);
        let last = own.items.len() - 2;
        (own.items[1].text, own.items[last].text) = (own.items[last].key, own.items[1].text);
        assert!(turned(&mut own, 4, false).is_none());
    }

    #[test]
    fn regular_trees_are_written_as_all_yaml_is() {
        for source in [
            "a: b\n",
            "a: b\nc: d e\nf: -9223372036854775808\ng: true\nh: null\ni: -x\n",
            "a:\n    b: c\n    d:\n        e: f\ng:\n  h: i\nj: k\n",
            "ä: ö\nb: http://c/d?e=f&g#h\nl: \"x\"\n",
            "a: ENC[AES256_GCM,data:oYyi,iv:MyID=,tag:t5z2==,type:str]\n",
        ] {
            assert!(is_regular(source), "{source}");
        }
        let name = "n".repeat(LONGEST);
        assert!(is_regular(&format!("{}: b\n", name.strip_prefix('n').unwrap())));
        assert!(!is_regular(&format!("{name}: b\n")));
    }

    #[test]
    fn everything_else_is_left_to_the_writer_of_all_yaml() {
        for source in [
            "{}\n",
            "a: {}\n",
            "a: b\nc: {}\nd: e\n",
            "a: []\n",
            "a: [b]\n",
            "# a\nb: c\n",
            "a: 'true'\n",
            "a: '1'\n",
            "a: ''\n",
            "a: ' b'\n",
            "a: |\n    b\n",
            "a: 1.5\n",
            "a: 2020-01-01\n",
            "a: b\n---\nc: d\n",
            "'1': a\n",
            "'<<': a\n",
            "a: '<<'\n",
            "a: 'yes'\n",
            "a: 'b: c'\n",
            "a: 'b #c'\n",
            "a: '1:30'\n",
            "a: \"b\\u0007\"\n",
            "a: '@b'\n",
            "'': a\n",
            "a: '- b'\n",
            "a: '---'\n",
        ] {
            assert!(!is_regular(source), "{source}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_is_written_as_all_yaml_is(
            texts in proptest::collection::vec(("[a-c1~<.ynN -]{1,3}", "(ENC\\[a[:\n ]{0,2}\\]|[ -~äyn\n]{0,6})"), 1..6),
        ) {
            let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
            let lines = texts.iter().enumerate().map(|(at, (name, text))| {
                format!("{}: {}\n", quoted(&format!("{name}{at}")), quoted(text))
            });
            is_regular(&lines.collect::<String>());
        }
    }
}
