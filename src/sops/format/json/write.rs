//! From the tree to JSON, in the layout of sops: one value a line, characters escaped as Go escapes them.
//!
//! JSON has no comments: those of maps are left out. Those of lists are elements while they are encrypted.

use crate::sops::format::first;
use crate::sops::format::stores::Indent;
use crate::sops::pool::Pool;
use crate::sops::tree::{Item, Node, Tree};
use crate::yaml::{float_f, float_g};
use crate::{Error, Result};
use std::io::Write as _;
use zeroize::Zeroizing;

/// Writes what stands from one place to the end of what opens there; `last` are the items that a map gets behind its
/// own.
pub(super) fn value(
    tree: &Tree,
    at: usize,
    last: Option<&Tree>,
    indent: Indent,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut writer = Writer { out: Pool::secret(room(tree)), open: Vec::new(), indent };
    for place in at..tree.behind(at) {
        let item = tree.item(place);
        if item.node == Node::End
            && writer.open.len() == 1
            && let Some(last) = last
        {
            for &item in &last.items {
                writer.item(last, item)?;
            }
        }
        let written = writer.item(tree, item);
        written.map_err(|error| error.key(tree.path_of(place).to_string()))?;
    }
    Ok(Zeroizing::new(std::mem::take(writer.out.bytes_mut())))
}

fn room(tree: &Tree) -> usize {
    tree.items.iter().map(|item| item.key.len() + item.text.len() + 24).sum::<usize>() + 2048
}

struct Writer {
    out: Pool,
    open: Vec<Open>,
    indent: Indent,
}

/// An open map or list.
struct Open {
    list: bool,
    empty: bool,
}

impl Writer {
    fn item(&mut self, tree: &Tree, item: Item) -> Result<()> {
        match item.node {
            Node::Comment(_) => return Ok(()),
            Node::End => {
                self.end();
                return Ok(());
            }
            _ => {}
        }
        self.begin(tree, item)?;
        match item.node {
            Node::Map | Node::List => {
                let list = item.node == Node::List;
                self.raw(if list { b"[" } else { b"{" });
                self.open.push(Open { list, empty: true });
            }
            Node::Bool(true) => self.raw(b"true"),
            Node::Bool(false) => self.raw(b"false"),
            Node::Int(number) => self.shown(format_args!("{number}")),
            Node::Float(number) => self.float(number)?,
            Node::Time(time) => self.shown(format_args!("\"{time}\"")),
            Node::Str => self.text(tree.pool.get(item.text))?,
            Node::Null | Node::End | Node::Comment(_) => self.raw(b"null"),
        }
        Ok(())
    }

    /// What stands in front of a value: the comma of the one before, a new line, the name.
    fn begin(&mut self, tree: &Tree, item: Item) -> Result<()> {
        let Some(around) = self.open.last_mut() else { return Ok(()) };
        let (first, list) = (std::mem::replace(&mut around.empty, false), around.list);
        if !first {
            self.raw(b",");
        }
        self.line();
        if !list {
            self.text(tree.pool.get(item.key))?;
            self.raw(b": ");
        }
        Ok(())
    }

    fn end(&mut self) {
        let Some(closed) = self.open.pop() else { return };
        if !closed.empty {
            self.line();
        }
        self.raw(if closed.list { b"]" } else { b"}" });
    }

    fn line(&mut self) {
        let (letter, width) = match self.indent {
            Indent::Tab => (b'\t', 1),
            Indent::Spaces(width) => (b' ', width),
        };
        let width = width * self.open.len();
        self.out.reserve(width + 1);
        let out = self.out.bytes_mut();
        out.push(b'\n');
        out.resize(out.len() + width, letter);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.out.push(bytes);
    }

    fn shown(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.reserve(512);
        // writing into memory cannot fail
        let _ = self.out.bytes_mut().write_fmt(text);
    }

    /// The shortest digits that read back, with an exponent for what is very small or very large, as Go has it.
    fn float(&mut self, number: f64) -> Result<()> {
        if !number.is_finite() {
            return Err(Error::new("JSON has no number for what is infinite or no number"));
        }
        let size = number.abs();
        let text = Zeroizing::new(if size == 0.0 || (1e-6..1e21).contains(&size) {
            float_f(number)
        } else {
            float_g(number).replace("e-0", "e-")
        });
        self.raw(text.as_bytes());
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> Result<()> {
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(Error::new("is no text (UTF-8), and JSON holds nothing else"));
        };
        self.raw(b"\"");
        let mut rest = text.as_bytes();
        while let Some(at) = first(rest, must_be_looked_at) {
            let (plain, marked) = rest.split_at(at);
            self.raw(plain);
            rest = self.escaped(marked);
        }
        self.raw(rest);
        self.raw(b"\"");
        Ok(())
    }

    /// Writes the character that the text begins with, and returns what is behind it.
    fn escaped<'t>(&mut self, text: &'t [u8]) -> &'t [u8] {
        let (first, rest) = match text {
            [0xe2, 0x80, last @ (0xa8 | 0xa9), rest @ ..] => {
                self.raw(if *last == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                return rest;
            }
            [first, rest @ ..] => (*first, rest),
            [] => return text,
        };
        match first {
            b'"' => self.raw(b"\\\""),
            b'\\' => self.raw(b"\\\\"),
            8 => self.raw(b"\\b"),
            12 => self.raw(b"\\f"),
            b'\n' => self.raw(b"\\n"),
            b'\r' => self.raw(b"\\r"),
            b'\t' => self.raw(b"\\t"),
            0..=0x1f | b'<' | b'>' | b'&' => self.shown(format_args!("\\u{first:04x}")),
            _ => self.raw(&[first]),
        }
        rest
    }
}

/// Whether a text is written as it is, without escapes.
pub(in crate::sops::format) fn is_bare(text: &[u8]) -> bool {
    first(text, must_be_looked_at).is_none()
}

/// Whether a byte is escaped, or begins the two line ends of Unicode, which are.
fn must_be_looked_at(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2)
}

#[cfg(test)]
mod tests {
    use crate::sops::{Format, Indent, Map, Plain, Stores, Value};

    fn print(plain: &Plain) -> String {
        String::from_utf8(plain.emit(Format::Json).unwrap().expose().to_vec()).unwrap()
    }

    #[test]
    fn floats_are_those_of_go() {
        for (number, text) in [
            (1.0, "1"),
            (2.5, "2.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-10, "1.5e-10"),
            (-1e100, "-1e+100"),
            (f64::from_bits(0x3E60_0000_0000_0000), "2.9802322387695312e-8"),
        ] {
            let plain = Plain::new(Map::new().with("a", Value::Float(number)));
            assert_eq!(print(&plain), format!("{{\n\t\"a\": {text}\n}}\n"));
        }
        let plain = Plain::new(Map::new().with("a", Value::Float(f64::NAN)));
        let error = plain.emit(Format::Json).unwrap_err().to_string();
        assert_eq!(error, "a: JSON has no number for what is infinite or no number");
    }

    #[test]
    fn it_is_indented_as_somebody_says() {
        let list = Value::List(vec![Value::Int(1), Value::Map(Map::new())]);
        let laid_out = |indent: Indent| {
            let plain = Plain::new(Map::new().with("a", list.clone()));
            print(&plain.laid_out(Stores::default().with_json_indent(indent)))
        };
        assert_eq!(laid_out(Indent::Tab), "{\n\t\"a\": [\n\t\t1,\n\t\t{}\n\t]\n}\n");
        assert_eq!(laid_out(Indent::Spaces(2)), "{\n  \"a\": [\n    1,\n    {}\n  ]\n}\n");
        assert_eq!(laid_out(Indent::Spaces(0)), "{\n\"a\": [\n1,\n{}\n]\n}\n");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_by_name() {
        let bytes = crate::secret::Secret::new(vec![b'x', 0xff]);
        let plain = Plain::new(Map::new().with("m", Map::new().with("a", bytes)));
        let error = plain.emit(Format::Json).unwrap_err().to_string();
        assert_eq!(error, "m.a: is no text (UTF-8), and JSON holds nothing else");
    }
}
