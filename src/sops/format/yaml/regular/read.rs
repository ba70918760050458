//! Regular lines to the tree. No line may be taken here that YAML knows an exception for.

use crate::sops::format::nested::{self, METADATA};
use crate::sops::format::yaml::regular::{is_sealed, is_word};
use crate::sops::format::yaml::{names, read};
use crate::sops::pool::{Pool, Span};
use crate::sops::tree::{Item, Node, Tree, push_item, wipe_items};
use crate::sops::value::Map;
use crate::yaml::{Scalar, resolve_plain};
use zeroize::Zeroizing;

/// How many bytes a name has at most, far below where YAML stops to take a name for one.
const LONGEST: usize = 128;

/// Reads a document in clear. The source is taken, and left empty, if it is one.
pub(in crate::sops::format::yaml) fn plain(source: &mut Zeroizing<Vec<u8>>) -> Option<Tree> {
    let items = Reader::read(source, true)?;
    let pool = Pool::of(std::mem::take(&mut **source), true);
    Some(Tree { items, pool, lost_comments: 0, distinct: true })
}

/// Reads an encrypted document: regular up to its metadata, which is read as all YAML is. The source is taken, and left
/// empty, if it is one.
pub(in crate::sops::format::yaml) fn sealed(source: &mut Zeroizing<Vec<u8>>) -> Option<(Tree, Map)> {
    const START: &[u8] = b"\nsops:\n";
    let metadata = memchr::memmem::rfind(source, START)? + 1;
    let (lines, metadata) = source.split_at_checked(metadata)?;
    // a comment's place may depend on what stands above it
    if memchr::memchr(b'#', metadata).is_some() {
        return None;
    }
    let (rest, map) = nested::split(read::read(metadata, false).ok()?).ok()?;
    let [Item { node: Node::Map, .. }, Item { node: Node::End, .. }] = rest.items.as_slice() else {
        return None;
    };
    let items = Reader::read(lines, false)?;
    // its texts are where they were
    let pool = Pool::of(std::mem::take(&mut **source), false);
    Some((Tree { items, pool, lost_comments: 0, distinct: true }, map))
}

struct Reader<'s> {
    source: &'s [u8],
    items: Vec<Item>,
    open: Vec<Open>,
    /// A name without a value was the last: a map must follow, and does not begin before its first name.
    opening: bool,
    plaintext: bool,
}

/// An open map.
struct Open {
    indent: usize,
    names: Vec<(u64, Span)>,
}

impl Reader<'_> {
    /// The items of a document, whose texts are pieces of the source.
    fn read(source: &[u8], plaintext: bool) -> Option<Vec<Item>> {
        u32::try_from(source.len()).ok()?;
        let lines = memchr::memchr_iter(b'\n', source).count();
        // a map takes two items, all other lines take one
        let mut items = Vec::with_capacity(lines + lines / 8 + 8);
        items.push(Item::new(Node::Map));
        let mut reader = Reader { source, items, open: Vec::new(), opening: true, plaintext };
        let mut at = 0;
        while at < source.len() {
            let end = at + memchr::memchr(b'\n', source.get(at..)?)?;
            reader.line(at, end)?;
            at = end + 1;
        }
        reader.finish()
    }

    fn line(&mut self, start: usize, end: usize) -> Option<()> {
        let line = self.source.get(start..end)?;
        let indent = line.iter().position(|byte| *byte != b' ')?;
        self.go_to(indent)?;
        let line = line.get(indent..)?;
        let len = line.iter().take(LONGEST).position(|byte| !is_of_names(*byte))?;
        let (name, value) = (line.get(..len)?, line.get(len..)?.strip_prefix(b":")?);
        let key = self.name(name, start + indent)?;
        if value.is_empty() {
            push_item(&mut self.items, Item::of_key(Node::Map, key));
            self.opening = true;
            return Some(());
        }
        let value = value.strip_prefix(b" ")?;
        let node = if is_sealed(value) { Node::Str } else { in_clear(value)? };
        let text =
            if node == Node::Str { Span::new(end - value.len(), value.len())? } else { Span::default() };
        push_item(&mut self.items, Item { text, ..Item::of_key(node, key) });
        Some(())
    }

    /// Opens or closes maps until the innermost has this indent.
    fn go_to(&mut self, indent: usize) -> Option<()> {
        if self.opening {
            let around = self.open.last().map(|open| open.indent);
            if around.map_or(indent == 0, |around| indent > around) {
                self.open.push(Open { indent, names: Vec::new() });
                self.opening = false;
                return Some(());
            }
            return None;
        }
        while self.open.last()?.indent > indent {
            self.close()?;
        }
        (self.open.last()?.indent == indent).then_some(())
    }

    fn close(&mut self) -> Option<()> {
        let mut open = self.open.pop()?;
        if names::twice(|span| span.of(self.source), &mut open.names).is_some() {
            return None;
        }
        push_item(&mut self.items, Item::new(Node::End));
        Some(())
    }

    fn name(&mut self, name: &[u8], at: usize) -> Option<Span> {
        let metadata = !self.plaintext && self.open.len() == 1 && name == METADATA.as_bytes();
        if metadata || !name.first()?.is_ascii_alphabetic() || !is_text(name) {
            return None;
        }
        let key = Span::new(at, name.len())?;
        self.open.last_mut()?.names.push((names::hash(name), key));
        Some(key)
    }

    fn finish(mut self) -> Option<Vec<Item>> {
        if self.opening {
            return None;
        }
        while !self.open.is_empty() {
            self.close()?;
        }
        Some(std::mem::take(&mut self.items))
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // numbers that were read before a line that is not regular
        if self.plaintext {
            wipe_items(&mut self.items);
        }
    }
}

/// Whether a byte may stand in a name.
fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Whether plain text of letters, digits and the like is a string to YAML.
fn is_text(text: &[u8]) -> bool {
    is_word(text) || std::str::from_utf8(text).is_ok_and(|text| matches!(resolve_plain(text), Scalar::Str(_)))
}

/// What a value of one word or several means, if it is text, a truth value, a number that JSON would have, or nothing.
fn in_clear(value: &[u8]) -> Option<Node> {
    if is_word(value) {
        return Some(Node::Str);
    }
    if !value.first()?.is_ascii_alphanumeric() || value.ends_with(b" ") || value.ends_with(b":") {
        return None;
    }
    let mut before = b'x';
    for &byte in value {
        let ends = (before == b':' && byte == b' ') || (before == b' ' && byte == b'#');
        if ends || !matches!(byte, b' '..=b'~') {
            return None;
        }
        before = byte;
    }
    match resolve_plain(std::str::from_utf8(value).ok()?) {
        Scalar::Str(_) => Some(Node::Str),
        Scalar::Bool(flag) => Some(Node::Bool(flag)),
        Scalar::Int(number) => Some(Node::Int(number)),
        Scalar::Null => Some(Node::Null),
        Scalar::Uint(_) | Scalar::Float(_) | Scalar::Time(_) | Scalar::Binary(_) | Scalar::Merge => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = "sops:\n    mac: x\n    age:\n        - enc: |\n            a\n            b\n          recipient: y\n";

    fn shown(tree: &Tree) -> Vec<String> {
        let one = |item: &Item| {
            let (key, text) = (tree.pool.str(item.key), tree.pool.str(item.text));
            format!("{:?} {key:?} {text:?} {} {:?}", item.node, item.merge, item.seal)
        };
        tree.items.iter().map(one).collect()
    }

    /// Reads it in both ways, which must agree, and says whether it is regular.
    fn is_regular(source: &str) -> bool {
        let mut regular = false;
        if let Some(tree) = plain(&mut Zeroizing::new(source.as_bytes().to_vec())) {
            let wanted = read::read(source.as_bytes(), true).unwrap();
            assert_eq!(shown(&tree), shown(&wanted), "{source}");
            assert_eq!(tree.lost_comments, wanted.lost_comments, "{source}");
            regular = true;
        }
        for metadata in ["", METADATA, "...\n", "# a\n"] {
            let source = format!("{source}{METADATA}{metadata}");
            if let Some((tree, map)) = sealed(&mut source.clone().into_bytes().into()) {
                let (wanted, metadata) =
                    nested::split(read::read(source.as_bytes(), false).unwrap()).unwrap();
                assert_eq!(shown(&tree), shown(&wanted), "{source}");
                assert_eq!(map, metadata, "{source}");
            }
        }
        regular
    }

    #[test]
    fn regular_files_are_read_as_all_yaml_is() {
        for source in [
            "a: b\n",
            "a: b\nc: d e\nf: 1\ng: true\nh: null\n",
            "a:\n    b: c\n    d:\n        e: f\ng:\n  h: i\nj: k\n",
            "a: ENC[AES256_GCM,data:oYyi,iv:MyID=,tag:t5z2==,type:str]\nb_c.d-e: http://f/g?h=i&j#k\n",
            "b: 0x1f\nc: 1_000\nd: 0o7\ne: y\nf: yes\n",
        ] {
            assert!(is_regular(source), "{source}");
            assert!(sealed(&mut format!("{source}{METADATA}").into_bytes().into()).is_some(), "{source}");
        }
    }

    #[test]
    fn everything_else_is_left_to_the_reader_of_all_yaml() {
        for source in [
            "",
            "\n",
            "a",
            "a: b",
            "a:\n",
            "a:\nb: c\n",
            "  a: b\n",
            "a: b\n  c: d\n",
            "a:\n    b: c\n  d: e\n",
            "a: b\n\nc: d\n",
            "a: b # c\n",
            "# a\nb: c\n",
            "a: b: c\n",
            "a: b:\n",
            "a: 'b'\n",
            "a: \"b\"\n",
            "a: |\n    b\n",
            "a: [b]\n",
            "a: {b: c}\n",
            "- a\n",
            "a:\n    - b\n",
            "a:\n- b\n",
            "a: &b c\n",
            "a: *b\n",
            "a: !!str b\n",
            "<<: a\n",
            "true: a\n",
            "1: a\n",
            "a: b\na: c\n",
            "a:\n  b: c\n  b: d\n",
            "a: b\r\n",
            "a: b\tc\n",
            "a:\tb\n",
            "a:  b\n",
            "a: b \n",
            "a : b\n",
            "ä: b\n",
            "a: ö\n",
            "a: \u{85}\n",
            "---\na: b\n",
            "a: b\n---\nc: d\n",
            "a: b\n...\n",
            "%YAML 1.1\n---\na: b\n",
            "\u{feff}a: b\n",
            "a: @b\n",
            "a: `b\n",
            "a: %b\n",
            "? a\n: b\n",
            "a: 1.5\n",
            "a: 2020-01-01\n",
            "a: 99999999999999999999\n",
            "a: ~\n",
            "a: \n",
            "ENC[a]: b\n",
            "a: \u{7}\n",
            "a: b\nc\n",
        ] {
            assert!(!is_regular(source), "{source}");
        }
        let name = "n".repeat(LONGEST);
        assert!(!is_regular(&format!("{name}: a\n")));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_taken_is_read_as_all_yaml_is(
            lines in proptest::collection::vec("( |  |    |)[a-dnsty~<1.-]{1,3}(:| :|: |)[ab1.:#ENC\\[\\]n -]{0,5}", 1..8),
        ) {
            is_regular(&format!("{}\n", lines.join("\n")));
            let names = lines.iter().map(|line| line.split(':').next().unwrap().trim_end());
            let pairs: Vec<String> = names.map(|name| format!("{name}: {}\n", name.len())).collect();
            is_regular(&pairs.concat());
        }
    }
}
