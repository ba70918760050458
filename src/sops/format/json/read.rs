//! From JSON to the tree, token by token: names may stand twice, whole numbers stay whole, and no copy of a
//! plaintext is left behind.
//!
//! Read as Go's `encoding/json` reads: what is no character becomes U+FFFD, numbers out of range are errors. What
//! stands behind the object is refused, where sops drops it.

use crate::sops::format::first;
use crate::sops::format::json::escape;
use crate::sops::pool::{Pool, Span};
use crate::sops::tree::{Item, Node, Tree, push_item, wipe_items};
use crate::{Error, Result};
use zeroize::Zeroizing;

/// How deep maps and lists may be nested; Go's figure.
const DEPTH: usize = 10_000;

/// For so many items there is room at once.
const MANY: usize = 1 << 16;

/// Reads the one object of a file.
pub(super) fn read(source: &[u8], secret: bool) -> Result<Tree> {
    let found = Found::of(source, !secret)?;
    Ok(found.tree(Zeroizing::new(source.to_vec()), secret))
}

/// The same, whose texts stay where they are: the source is taken, and left empty, if it is an object.
pub(super) fn take(source: &mut Zeroizing<Vec<u8>>, secret: bool) -> Result<Tree> {
    let found = Found::of(source, !secret)?;
    Ok(found.tree(std::mem::take(source), secret))
}

/// What an object is made of; its texts pieces of the source, as they stand there.
#[derive(Default)]
struct Found {
    items: Vec<Item>,
    /// The items whose texts have escapes, and those whose names have.
    escaped: Vec<(usize, Part)>,
}

impl Drop for Found {
    fn drop(&mut self) {
        // numbers that were read before what is no JSON
        wipe_items(&mut self.items);
    }
}

#[derive(Clone, Copy)]
enum Part {
    Name,
    Text,
}

impl Found {
    fn of(source: &[u8], sealed: bool) -> Result<Self> {
        if u32::try_from(source.len()).is_err() {
            return Err(Error::new("the file is larger than 4 GiB"));
        }
        let found =
            Self { items: Vec::with_capacity((source.len() / 32).min(MANY) + 8), escaped: Vec::new() };
        let mut reader = Reader { source, at: 0, found, open: Vec::new(), sealed };
        reader.file()?;
        Ok(reader.found)
    }

    /// The tree whose pool is the source.
    fn tree(self, source: Zeroizing<Vec<u8>>, secret: bool) -> Tree {
        if std::str::from_utf8(&source).is_err() {
            let text = characters(&source);
            let found = Self::of(&text, !secret).unwrap_or_default();
            return found.unescaped(text, secret);
        }
        self.unescaped(source, secret)
    }

    fn unescaped(mut self, mut source: Zeroizing<Vec<u8>>, secret: bool) -> Tree {
        for (at, part) in std::mem::take(&mut self.escaped) {
            let Some(item) = self.items.get_mut(at) else { continue };
            let span = match part {
                Part::Name => &mut item.key,
                Part::Text => &mut item.text,
            };
            *span = escape::undo(&mut source, *span);
        }
        let items = std::mem::take(&mut self.items);
        Tree {
            items,
            pool: Pool::of(std::mem::take(&mut *source), secret),
            lost_comments: 0,
            distinct: false,
        }
    }
}

/// The same text, in which every byte that is part of no character has become a character of its own.
fn characters(source: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut pool = Pool::secret(source.len() + source.len() / 8);
    for chunk in source.utf8_chunks() {
        pool.push(chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            pool.push(char::REPLACEMENT_CHARACTER.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Zeroizing::new(std::mem::take(pool.bytes_mut()))
}

struct Reader<'s> {
    source: &'s [u8],
    at: usize,
    found: Found,
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
        let is_first = self.found.items.last().is_some_and(|item| item.node.opens());
        let mut byte = self.skip_blanks();
        if byte == Some(close) {
            self.at += 1;
            self.open.pop();
            push_item(&mut self.found.items, Item::new(Node::End));
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
        let name = self.string(Part::Name)?;
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
                item.text = self.string(Part::Text)?;
            }
            Some(b't') => item.node = self.word("true", Node::Bool(true))?,
            Some(b'f') => item.node = self.word("false", Node::Bool(false))?,
            Some(b'n') => item.node = self.word("null", Node::Null)?,
            Some(b'-' | b'0'..=b'9') => item.node = self.number()?,
            byte => return Err(self.unexpected(byte, "a value")),
        }
        push_item(&mut self.found.items, item);
        Ok(())
    }

    fn open(&mut self, open: Open, key: Span) -> Result<()> {
        if self.open.len() >= DEPTH {
            return Err(self.error(format!("more than {DEPTH} maps and lists in each other")));
        }
        self.at += 1;
        self.open.push(open);
        let node = if open == Open::Map { Node::Map } else { Node::List };
        push_item(&mut self.found.items, Item::of_key(node, key));
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

    /// A text in quotes, of the item that comes next.
    fn string(&mut self, part: Part) -> Result<Span> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.rest();
            let end = memchr::memchr2(b'"', b'\\', rest);
            let plain = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            if let Some(control) = first(plain, |byte| byte < 0x20) {
                self.at += control;
                return Err(self.error("a control character inside of a text: write it with a backslash"));
            }
            self.at += plain.len();
            match self.peek() {
                None => return Err(self.error("the file ends inside of a text")),
                Some(b'"') => break,
                Some(_) => self.escape()?,
            }
            escaped = true;
        }
        let span = Span::new(start, self.at - start).unwrap_or_default();
        self.at += 1;
        if escaped {
            self.found.escaped.push((self.found.items.len(), part));
        }
        Ok(span)
    }

    fn escape(&mut self) -> Result<()> {
        self.at += 1;
        match self.peek() {
            None => Err(self.error("the file ends inside of a text")),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                match self.rest().get(..4) {
                    Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {
                        self.at += 4;
                        Ok(())
                    }
                    _ => Err(self.error("\\u takes four hexadecimal digits")),
                }
            }
            Some(_) => Err(self.error("an escape that JSON does not have")),
        }
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
