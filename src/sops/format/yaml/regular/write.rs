//! The tree to regular lines.

use crate::sops::format::yaml::regular::{is_sealed, is_word};
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
    let size = measure(tree, indent)?;
    let mut out = Zeroizing::new(Vec::with_capacity(size + more));
    let mut depth = 0;
    for item in tree.items.get(1..)? {
        if item.node == Node::End {
            depth -= usize::from(depth > 0);
            continue;
        }
        let indented = out.len() + depth * indent;
        out.resize(indented, b' ');
        out.extend_from_slice(tree.pool.get(item.key));
        match item.node {
            Node::Map => {
                out.extend_from_slice(b":\n");
                depth += 1;
                continue;
            }
            // the room was measured, so that nothing is moved; writing into memory does not fail
            Node::Int(number) => write!(out, ": {number}").ok()?,
            Node::Bool(flag) => write!(out, ": {flag}").ok()?,
            Node::Null => out.extend_from_slice(b": null"),
            _ => {
                out.extend_from_slice(b": ");
                out.extend_from_slice(tree.pool.get(item.text));
            }
        }
        out.push(b'\n');
    }
    Some(out)
}

/// How many bytes the lines have at most.
fn measure(tree: &Tree, indent: usize) -> Option<usize> {
    const NUMBER: usize = 24;
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
            true
        })
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
