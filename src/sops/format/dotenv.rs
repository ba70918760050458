//! dotenv: lines of `NAME=value`, comments, and the metadata as more such lines.
//!
//! As sops reads it, and no more: no quotes, no `export`, no blanks taken off. `\n` is a new line in a value.

use crate::sops::format::{Store, Stores, flat, scalar};
use crate::sops::pool::Pool;
use crate::sops::tree::{Item, Node, Side, Tree};
use crate::sops::value::{Map, Value};
use crate::{Error, Result};
use zeroize::Zeroizing;

/// What the names of the metadata begin with.
const PREFIX: &str = "sops_";

/// How a new line stands in a value.
const NEW_LINE: &[u8] = b"\\n";

pub(super) struct Dotenv;

impl Store for Dotenv {
    fn read_plain(&self, source: &[u8]) -> Result<Tree> {
        let mut tree = Tree::new(16, Pool::secret(source.len()));
        tree.items.push(Item::new(Node::Map));
        for line in lines(source) {
            push(&mut tree, line?);
        }
        finish(tree)
    }

    fn read_sealed(&self, source: &[u8]) -> Result<(Tree, Map)> {
        let mut tree = Tree::new(16, Pool::open(source.len()));
        let mut metadata = Vec::new();
        tree.items.push(Item::new(Node::Map));
        for line in lines(source) {
            let line = line?;
            match line {
                Line::Pair(name, value) if name.starts_with(PREFIX.as_bytes()) => {
                    metadata.push(field(name, value)?);
                }
                _ => push(&mut tree, line),
            }
        }
        if metadata.is_empty() {
            return Err(super::not_encrypted());
        }
        Ok((finish(tree)?, flat::unflatten(metadata)?))
    }

    fn write_plain(&self, tree: &Tree, _stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        super::one_document(tree, "dotenv")?;
        let room = tree.items.iter().map(|item| item.key.len() + 2 * item.text.len() + 32).sum();
        let mut out = Pool::secret(room);
        for at in tree.children(0) {
            write(&mut out, tree, at).map_err(|error| error.key(tree.path_of(at).to_string()))?;
        }
        Ok(Zeroizing::new(std::mem::take(out.bytes_mut())))
    }

    fn write_sealed(&self, tree: &Tree, metadata: &Map, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        let mut bytes = self.write_plain(tree, stores)?;
        for (name, value) in flat::flatten(metadata) {
            bytes.extend_from_slice(format!("{PREFIX}{name}=").as_bytes());
            escape(value.to_bytes().unwrap_or_default().expose(), &mut bytes);
            bytes.push(b'\n');
        }
        Ok(bytes)
    }

    fn write_value(&self, tree: &Tree, at: usize, _stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        scalar::text(tree, &tree.item(at), "dotenv").map(|text| Zeroizing::new(text.to_vec()))
    }

    fn refuse_clear(&self, node: Node, text: &[u8]) -> Option<&'static str> {
        if node == Node::Str && contains(text, NEW_LINE) {
            return Some("has a backslash and an n in it, which dotenv reads as a new line");
        }
        scalar::refuse_clear(node)
    }

    fn is_reserved(&self, name: &[u8]) -> bool {
        name.starts_with(PREFIX.as_bytes())
    }
}

#[derive(Clone, Copy)]
enum Line<'s> {
    Comment(&'s [u8]),
    Pair(&'s [u8], &'s [u8]),
}

/// The lines of a file but the empty ones. Errors name the line and not what stands there.
fn lines(source: &[u8]) -> impl Iterator<Item = Result<Line<'_>>> {
    let numbered = source.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.is_empty());
    numbered.map(|(line, number)| {
        if let Some(comment) = line.strip_prefix(b"#") {
            return Ok(Line::Comment(comment));
        }
        let Some(at) = line.iter().position(|byte| *byte == b'=') else {
            return Err(
                Error::new("a line of dotenv must be NAME=value, or begin with #").position(number, 1)
            );
        };
        let (name, rest) = line.split_at(at);
        Ok(Line::Pair(name, rest.get(1..).unwrap_or_default()))
    })
}

fn push(tree: &mut Tree, line: Line<'_>) {
    let item = match line {
        Line::Comment(text) => Item { text: tree.pool.push(text), ..Item::new(Node::Comment(Side::Above)) },
        Line::Pair(name, value) => {
            let key = tree.pool.push(name);
            let start = tree.pool.len();
            let mut rest = value;
            while let Some(at) = find(rest, NEW_LINE) {
                let (before, behind) = rest.split_at(at);
                tree.pool.push(before);
                tree.pool.push(b"\n");
                rest = behind.get(NEW_LINE.len()..).unwrap_or_default();
            }
            tree.pool.push(rest);
            Item { text: tree.pool.since(start), ..Item::of_key(Node::Str, key) }
        }
    };
    tree.items.push(item);
}

fn finish(mut tree: Tree) -> Result<Tree> {
    tree.items.push(Item::new(Node::End));
    if tree.pool.is_full() {
        return Err(Error::new("the file is larger than 4 GiB"));
    }
    Ok(tree)
}

/// One field of the metadata.
fn field(name: &[u8], value: &[u8]) -> Result<(String, Value)> {
    if value.ends_with(b"\r") {
        return Err(Error::new("the lines end in CRLF, which sops' dotenv cannot have: end them in LF"));
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
    let (Ok(name), Ok(value)) = (text(name), text(value)) else {
        return Err(Error::new("the metadata is no text (UTF-8)"));
    };
    let name = name.strip_prefix(PREFIX).unwrap_or(&name);
    Ok((name.to_owned(), value.replace("\\n", "\n").as_str().into()))
}

/// Writes a name with its value, or a comment.
fn write(out: &mut Pool, tree: &Tree, at: usize) -> Result<()> {
    let item = tree.item(at);
    if item.node.is_comment() {
        // one of several lines is from INI
        for line in tree.pool.get(item.text).split(|byte| *byte == b'\n') {
            out.push(b"#");
            out.push(line);
            out.push(b"\n");
        }
        return Ok(());
    }
    let name = tree.pool.get(item.key);
    if name.starts_with(b"#") || name.contains(&b'=') || name.contains(&b'\n') {
        return Err(Error::new("is no name for dotenv: it begins with #, or has = or a new line in it"));
    }
    let text = scalar::text(tree, &item, "dotenv")?;
    out.push(name);
    out.push(b"=");
    out.reserve(2 * text.len() + 1);
    escape(&text, out.bytes_mut());
    out.push(b"\n");
    Ok(())
}

/// Writes a value in one line; there must be room for it where it is secret.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if number > 0 {
            out.extend_from_slice(NEW_LINE);
        }
        out.extend_from_slice(line);
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    find(text, part).is_some()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use crate::keys::generate;
    use crate::secret::Secret;
    use crate::sops::{Encrypted, Format, Map, Plain, Rules, Value};
    use std::time::SystemTime;

    fn read(source: &str) -> Plain {
        Plain::parse(source.as_bytes(), Format::Dotenv).unwrap()
    }

    fn print(plain: &Plain) -> String {
        String::from_utf8(plain.emit(Format::Dotenv).unwrap().expose().to_vec()).unwrap()
    }

    fn seal(plain: &Plain) -> crate::Result<Encrypted> {
        let reader = generate("now").unwrap().recipient;
        Encrypted::create(
            plain,
            &[reader],
            &Rules::default(),
            SystemTime::UNIX_EPOCH,
            Format::Dotenv,
            &crate::keys::Programs::default(),
        )
    }

    #[test]
    fn lines_are_taken_as_they_are() {
        let source = "# c\nA=\nB = 'x' \nexport C=a=b\n=d\nE=one\\ntwo\n#\n";
        assert_eq!(print(&read(source)), source);
        assert_eq!(print(&read("A=1\n\n\nB=2")), "A=1\nB=2\n");
        assert_eq!(read("E=one\\ntwo").to_map().get("E"), Some(&Value::from("one\ntwo")));
    }

    #[test]
    fn a_line_that_is_none_is_named_and_not_quoted() {
        let error = Plain::parse(b"A=1\n\nsecret\n", Format::Dotenv).map(|_| ()).unwrap_err().to_string();
        assert_eq!(error, "line 3, column 1: a line of dotenv must be NAME=value, or begin with #");
    }

    #[test]
    fn what_dotenv_cannot_hold_is_refused_by_name() {
        let error = |map: Map| Plain::new(map).emit(Format::Dotenv).unwrap_err().to_string();
        assert_eq!(error(Map::new().with("a", Value::Null)), "a: is null, and dotenv holds texts alone");
        assert_eq!(error(Map::new().with("a", Map::new())), "a: is a map, and dotenv holds texts alone");
        for name in ["#a", "a=b", "a\nb"] {
            let error = error(Map::new().with(name, "x"));
            assert!(
                error.ends_with("is no name for dotenv: it begins with #, or has = or a new line in it"),
                "{error}"
            );
        }
    }

    #[test]
    fn what_would_be_read_back_otherwise_is_refused_in_clear() {
        let map = |value: Value| Plain::new(Map::new().with("a_unencrypted", value));
        for value in [Value::Bool(true), Value::Float(1.0), Value::from("a\\nb")] {
            assert!(seal(&map(value)).is_err());
        }
        assert!(seal(&map(Value::Int(1))).is_ok());
        let error = seal(&read("sops_x=1\n")).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("sops_x: the top-level name 'sops_x' is kept"), "{error}");
        assert!(seal(&read("sops=1\n")).is_ok());
    }

    #[test]
    fn an_encrypted_file_with_other_line_ends_is_told_so() {
        let text = seal(&read("A=1\n")).unwrap().emit().unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(Encrypted::parse(text.as_bytes(), Format::Dotenv).is_ok());
        let error = Encrypted::parse(text.replace('\n', "\r\n").as_bytes(), Format::Dotenv).unwrap_err();
        assert!(error.to_string().contains("the lines end in CRLF"), "{error}");
        let error = Encrypted::parse(b"A=1\n", Format::Dotenv).unwrap_err().to_string();
        assert!(error.contains("this is not an encrypted file"), "{error}");
        // metadata may stand anywhere
        let (first, rest) = text.split_once('\n').unwrap();
        assert!(Encrypted::parse(format!("{rest}{first}\n").as_bytes(), Format::Dotenv).is_ok());
    }

    #[test]
    fn bytes_need_be_no_text() {
        let plain = Plain::parse(b"A=\xff\n", Format::Dotenv).unwrap();
        assert_eq!(plain.to_map().get("A"), Some(&Value::Str(Secret::new(vec![0xff]))));
    }
}
