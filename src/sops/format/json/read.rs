//! From JSON to the tree, token by token: names may stand twice, whole numbers stay whole, and no copy of a
//! plaintext is left behind.
//!
//! Read as Go's `encoding/json` reads: what is no character becomes U+FFFD, numbers out of range are errors. What
//! stands behind the object is refused, where sops drops it.

use crate::sops::tree::{Item, Node, Pool, Span, Tree};
use crate::{Error, Result};

/// How deep maps and lists may be nested; Go's figure.
const DEPTH: usize = 10_000;

/// U+FFFD, for what is no character.
const REPLACEMENT: &str = "\u{fffd}";

/// Reads the one object of a file.
pub(super) fn read(source: &[u8], secret: bool) -> Result<Tree> {
    let pool = if secret { Pool::secret(source.len()) } else { Pool::open(source.len()) };
    let tree = Tree::new(source.len() / 16 + 8, pool);
    let mut reader = Reader { source, at: 0, tree, open: Vec::new(), sealed: !secret };
    reader.file()?;
    if reader.tree.pool.is_full() {
        return Err(Error::new("the file is larger than 4 GiB"));
    }
    Ok(reader.tree)
}

struct Reader<'s> {
    source: &'s [u8],
    at: usize,
    tree: Tree,
    /// The open maps and lists.
    open: Vec<Open>,
    /// The file is an encrypted one.
    sealed: bool,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Open {
    Map,
    List,
}

impl<'s> Reader<'s> {
    fn file(&mut self) -> Result<()> {
        if self.source.starts_with("\u{feff}".as_bytes()) {
            return Err(self.error("begins with a byte order mark, which is no JSON: save it without one"));
        }
        match self.skip_blanks() {
            None => return Err(Error::new("the file is empty")),
            Some(b'{') => {}
            Some(_) => {
                return Err(self.error(
                    "the file must be one object, in { and }: wrap anything else, as in {\"data\": …}",
                ));
            }
        }
        self.open(Open::Map, Span::default())?;
        while let Some(innermost) = self.open.last().copied() {
            self.next(innermost)?;
        }
        match self.skip_blanks() {
            None => Ok(()),
            Some(_) => Err(self.error("something stands behind the end of the object")),
        }
    }

    /// One value of the innermost map or list, or its end.
    fn next(&mut self, innermost: Open) -> Result<()> {
        let close = if innermost == Open::Map { b'}' } else { b']' };
        let is_first = self.tree.items.last().is_some_and(|item| item.node.opens());
        let mut byte = self.skip_blanks();
        if byte == Some(close) {
            self.at += 1;
            self.open.pop();
            self.tree.items.push(Item::new(Node::End));
            return Ok(());
        }
        if !is_first {
            if byte != Some(b',') {
                return Err(
                    self.unexpected(byte, if innermost == Open::Map { "',' or '}'" } else { "',' or ']'" })
                );
            }
            self.at += 1;
            byte = self.skip_blanks();
        }
        let key = if innermost == Open::Map { self.name(byte)? } else { Span::default() };
        self.value(key)
    }

    fn name(&mut self, byte: Option<u8>) -> Result<Span> {
        if byte != Some(b'"') {
            return Err(self.unexpected(byte, "a name in quotes"));
        }
        let name = self.string()?;
        match self.skip_blanks() {
            Some(b':') => self.at += 1,
            byte => return Err(self.unexpected(byte, "':'")),
        }
        Ok(name)
    }

    fn value(&mut self, key: Span) -> Result<()> {
        let byte = self.skip_blanks();
        let mut item = Item::of_key(Node::Null, key);
        match byte {
            Some(b'{') => return self.open(Open::Map, key),
            Some(b'[') => return self.open(Open::List, key),
            Some(b'"') => {
                item.node = Node::Str;
                item.text = self.string()?;
            }
            Some(b't') => item.node = self.word("true", Node::Bool(true))?,
            Some(b'f') => item.node = self.word("false", Node::Bool(false))?,
            Some(b'n') => item.node = self.word("null", Node::Null)?,
            Some(b'-' | b'0'..=b'9') => item.node = self.number()?,
            byte => return Err(self.unexpected(byte, "a value")),
        }
        self.tree.items.push(item);
        Ok(())
    }

    fn open(&mut self, open: Open, key: Span) -> Result<()> {
        if self.open.len() >= DEPTH {
            return Err(self.error(format!("more than {DEPTH} maps and lists in each other")));
        }
        self.at += 1;
        self.open.push(open);
        let node = if open == Open::Map { Node::Map } else { Node::List };
        self.tree.items.push(Item::of_key(node, key));
        Ok(())
    }

    fn word(&mut self, word: &str, node: Node) -> Result<Node> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.error("neither true, false nor null, and no text in quotes"));
        }
        self.at += word.len();
        Ok(node)
    }

    /// A number: whole where it is written so and fits into 64 bits, else the nearest that a float can hold.
    fn number(&mut self) -> Result<Node> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.error("not a number")),
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            whole = false;
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.some_digits()?;
        }
        let text = self.source.get(start..self.at).unwrap_or_default();
        let text = std::str::from_utf8(text).unwrap_or_default();
        if self.sealed && text == "-0" {
            // in clear it was a float: 3.13.1 and older took all numbers for floats, and newer ones write no other -0
            return Ok(Node::Float(-0.0));
        }
        if whole && let Ok(number) = text.parse() {
            return Ok(Node::Int(number));
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Node::Float(number)),
            _ => {
                self.at = start;
                Err(self.error("a number that is out of range: put it in quotes"))
            }
        }
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.error("not a number"));
        }
        self.digits();
        Ok(())
    }

    /// A text in quotes, without its escapes, in the pool.
    fn string(&mut self) -> Result<Span> {
        self.at += 1;
        let start = self.tree.pool.len();
        loop {
            let rest = self.rest();
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            let Some(plain) = plain else {
                self.at = self.source.len();
                return Err(self.error("the file ends inside of a text"));
            };
            let text = rest.get(..plain).unwrap_or_default();
            push_text(&mut self.tree.pool, text);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(self.tree.pool.since(start));
                }
                Some(b'\\') => self.escape()?,
                _ => {
                    return Err(self.error("a control character inside of a text: write it with a backslash"));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        self.at += 1;
        let Some(byte) = self.peek() else { return Err(self.error("the file ends inside of a text")) };
        self.at += 1;
        let letter = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unit()?,
            _ => {
                self.at -= 1;
                return Err(self.error("an escape that JSON does not have"));
            }
        };
        self.tree.pool.push(letter.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    /// A character in hexadecimal, in two halves where it takes them. Half a one is no character.
    fn unit(&mut self) -> Result<char> {
        let first = self.hexadecimal()?;
        if let Some(letter) = char::from_u32(first) {
            return Ok(letter);
        }
        let behind = self.at;
        if first < 0xdc00 && self.rest().starts_with(b"\\u") {
            self.at += 2;
            let second = self.hexadecimal()?;
            if (0xdc00..0xe000).contains(&second) {
                let joined = 0x10000 + ((first - 0xd800) << 10 | (second - 0xdc00));
                return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = behind;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hexadecimal(&mut self) -> Result<u32> {
        let digits =
            self.source.get(self.at..self.at + 4).filter(|four| four.iter().all(u8::is_ascii_hexdigit));
        let number = digits
            .and_then(|four| std::str::from_utf8(four).ok())
            .and_then(|four| u32::from_str_radix(four, 16).ok());
        let Some(number) = number else { return Err(self.error("\\u takes four hexadecimal digits")) };
        self.at += 4;
        Ok(number)
    }

    fn rest(&self) -> &'s [u8] {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    /// Passes blanks, and returns what stands behind them.
    fn skip_blanks(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.peek()
    }

    fn unexpected(&self, byte: Option<u8>, wanted: &str) -> Error {
        match byte {
            None => self.error(format!("the file ends where {wanted} should stand")),
            Some(_) => self.error(format!("{wanted} should stand here")),
        }
    }

    /// An error where the reader is; what stands there may be secret and is not told.
    fn error(&self, message: impl Into<String>) -> Error {
        let before = self.source.get(..self.at).unwrap_or(self.source);
        let line = before.split(|byte| *byte == b'\n').count();
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Error::new(message).position(number(line), number(column))
    }
}

/// Takes text over; every byte that is part of no character becomes one of its own.
fn push_text(pool: &mut Pool, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        pool.push(chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            pool.push(REPLACEMENT.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sops::{Format, Plain};

    fn error(source: &[u8]) -> String {
        Plain::parse(source, Format::Json).map(|_| ()).unwrap_err().to_string()
    }

    fn printed(source: &str) -> String {
        let plain = Plain::parse(source.as_bytes(), Format::Json).unwrap();
        String::from_utf8(plain.emit(Format::Yaml).unwrap().expose().to_vec()).unwrap()
    }

    #[test]
    fn what_is_no_object_is_refused_by_its_place_and_never_quoted() {
        for (source, said) in [
            ("", "the file is empty"),
            (" \n", "the file is empty"),
            ("[1]", "line 1, column 1: the file must be one object"),
            ("5", "line 1, column 1: the file must be one object"),
            ("\u{feff}{}", "line 1, column 1: begins with a byte order mark"),
            ("{", "line 1, column 2: the file ends where a name in quotes should stand"),
            ("{\"a\"", "line 1, column 5: the file ends where ':' should stand"),
            ("{\"a\":", "line 1, column 6: the file ends where a value should stand"),
            ("{\"a\":1", "line 1, column 7: the file ends where ',' or '}' should stand"),
            ("{\"a\":[1", "line 1, column 8: the file ends where ',' or ']' should stand"),
            ("{\"a\":1,}", "line 1, column 8: a name in quotes should stand here"),
            ("{\"a\":[1,]}", "line 1, column 9: a value should stand here"),
            ("{\"a\" 1}", "line 1, column 6: ':' should stand here"),
            ("{\"a\":1 \"b\":2}", "line 1, column 8: ',' or '}' should stand here"),
            ("{a:1}", "line 1, column 2: a name in quotes should stand here"),
            ("{\n \"a\": secret}", "line 2, column 7: a value should stand here"),
            ("{\"a\": tru}", "line 1, column 7: neither true, false nor null"),
            ("{\"a\": 01}", "line 1, column 8: ',' or '}' should stand here"),
            ("{\"a\": -}", "line 1, column 8: not a number"),
            ("{\"a\": 1.}", "line 1, column 9: not a number"),
            ("{\"a\": 1e}", "line 1, column 9: not a number"),
            ("{\"a\": 1e400}", "line 1, column 7: a number that is out of range"),
            ("{\"a\": \"b", "line 1, column 9: the file ends inside of a text"),
            ("{\"a\": \"b\nc\"}", "line 1, column 9: a control character inside of a text"),
            ("{\"a\": \"\\x\"}", "line 1, column 9: an escape that JSON does not have"),
            ("{\"a\": \"\\u12g4\"}", "line 1, column 10: \\u takes four hexadecimal digits"),
            ("{\"a\": \"\\u12", "line 1, column 10: \\u takes four hexadecimal digits"),
            ("{} {}", "line 1, column 4: something stands behind the end of the object"),
        ] {
            let error = error(source.as_bytes());
            assert!(error.starts_with(said) && !error.contains("secret"), "{source}: {error}");
        }
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(Plain::parse(deep(9_999).as_bytes(), Format::Json).is_ok());
        assert!(error(deep(10_000).as_bytes()).contains("more than 10000 maps and lists"));
        assert!(error("{\"a\":".repeat(1_000_000).as_bytes()).contains("more than 10000"));
    }

    #[test]
    fn numbers_keep_their_kind() {
        let source = r#"{"a":-0,"b":-0.0,"c":1.0,"d":1e2,"e":9223372036854775807,"f":9223372036854775808}"#;
        assert_eq!(
            printed(source),
            "a: 0\nb: -0\nc: 1\nd: 100\ne: 9223372036854775807\nf: 9.223372036854776e+18\n"
        );
    }

    #[test]
    fn what_is_no_character_becomes_one() {
        let source = br#"{"a":"\ud83d\ude00\ud800x\udc00\ud800\ud83d\ude00","b":"\u00e9"}"#;
        let plain = Plain::parse(source, Format::Json).unwrap();
        let text = |plain: &Plain, name: &str| plain.to_map().get(name).unwrap().as_str().unwrap().to_owned();
        assert_eq!(text(&plain, "a"), "\u{1f600}\u{fffd}x\u{fffd}\u{fffd}\u{1f600}");
        assert_eq!(text(&plain, "b"), "é");
        let plain = Plain::parse(b"{\"a\":\"x\xe2\x82y\xff\"}", Format::Json).unwrap();
        assert_eq!(text(&plain, "a"), "x\u{fffd}\u{fffd}y\u{fffd}");
    }
}
