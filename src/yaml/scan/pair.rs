//! The line that most lines of most files are, `name: value`, taken in one step.
//!
//! It makes the tokens that the scanner would make of it piece by piece, and leaves everything as that would. It must
//! not know more of YAML than what is surely no exception: where anything is unusual it does nothing.

use super::key::Candidate;
use super::{Scanner, Token, TokenKind};
use crate::yaml::Style;

/// How many bytes a name has here at most, far below what a key may have.
const LONGEST: usize = 128;

/// The places of a line whose name begins where the cursor is.
struct Pair {
    colon: usize,
    value_end: usize,
    /// How many spaces the next line begins with.
    next: usize,
}

impl Scanner<'_> {
    /// Takes a whole line of an open block mapping, and the indent of the next. False where this is no such line.
    pub(super) fn fetch_pair(&mut self) -> bool {
        let Some(Pair { colon, value_end, next }) = self.pair() else { return false };
        let start = self.cursor.mark();
        let number = self.taken + self.queue.len();
        if let Some(slot) = self.candidates.last_mut() {
            *slot = Candidate { possible: false, required: true, number, mark: start };
        }
        self.queue.push_back(Token::new(TokenKind::Key, start, start));
        self.push_plain(colon);
        self.push_indicator(TokenKind::Value, None);
        self.cursor.skip_blanks(1);
        self.push_plain(value_end);
        self.cursor.skip_break();
        self.cursor.skip_blanks(next);
        self.key_allowed = true;
        true
    }

    fn push_plain(&mut self, to: usize) {
        let start = self.cursor.mark();
        let text = self.cursor.slice(self.cursor.pos, to);
        self.cursor.move_to(to);
        let end = self.cursor.mark();
        self.queue.push_back(Token::scalar(Style::Plain, start, end, text.into()));
    }

    fn pair(&mut self) -> Option<Pair> {
        let indent = usize::try_from(self.indent).ok()?;
        let usual = self.key_allowed
            && !self.in_flow()
            && !self.remarks.is_waiting()
            && !self.cursor.ends_badly()
            && self.candidates.last().is_some_and(|slot| !slot.possible)
            && self.cursor.column() == indent;
        if !usual {
            return None;
        }
        let rest = self.cursor.bytes().get(self.cursor.pos..)?;
        let name = rest.iter().take(LONGEST).position(|byte| !is_of_names(*byte))?;
        let value = rest.get(name..)?.strip_prefix(b": ")?;
        if !rest.first()?.is_ascii_alphanumeric() || !value.first()?.is_ascii_alphanumeric() {
            return None;
        }
        // without a blank in it neither a colon nor a # ends the value
        let len = memchr::memchr3(b'\n', b' ', b'\t', value)?;
        let (value, behind) = (value.get(..len)?, value.get(len..)?.strip_prefix(b"\n")?);
        if value.ends_with(b":") || !value.is_ascii() || memchr::memchr(b'\r', value).is_some() {
            return None;
        }
        let next = behind.iter().position(|byte| *byte != b' ')?;
        let ends = next <= indent && behind.get(next).is_some_and(u8::is_ascii_graphic);
        let colon = self.cursor.pos + name;
        ends.then_some(Pair { colon, value_end: colon + 2 + len, next })
    }
}

/// Whether a byte may stand in the name of such a line.
fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/')
}

#[cfg(test)]
mod tests {
    use crate::yaml::{Comments, ParseError, Tree, read};

    /// What it is, its line and column, its comments.
    type Shown = (String, u32, u32, Comments);

    /// All of the nodes but for where they lie in the source.
    fn nodes(source: &str) -> (Vec<Shown>, Option<ParseError>) {
        let (tree, error) = read(source.as_bytes());
        let one = |tree: &Tree<'_>, id| {
            let node = tree.node(id);
            let what = format!("{:?} {:?} {}", node.kind, node.style, node.text);
            (what, node.line, node.column, tree.comments(id).clone())
        };
        (tree.ids().map(|id| one(&tree, id)).collect(), error)
    }

    #[test]
    fn a_line_reads_as_with_a_blank_behind_it() {
        for source in [
            "a: b\nc: d\n",
            "a: b\nc: d",
            "a: b\n",
            "a:\n    b: c\n    d: e\nf: g\n",
            "a:\n    b: c\n    d: e\n  f: g\n",
            "a: b\n  c\nd: e\n",
            "a: b\n\nc: d\n\n\ne: f\n",
            "a: b\n# one\nc: d\n  # two\ne: f # three\ng: h\n#four\n\n# five\ni: j\n",
            "# top\n\na: b\nc: d\n---\ne: f\ng: h\n...\n---\ni: j\nk: l\n",
            "- a: b\n  c: d\n- e: f\n  g: h\n-\n  i: j\n",
            "- a\nb: c\nd: e\n",
            "a:\n- b: c\n  d: e\nf: g\n",
            "a: b:\nc: d\n",
            "a: b:c\nd: e#f\ng: http://h/i\nk: l\n",
            "a: b\n\tc: d\n",
            "a: b\n?c: d\n? e\n: f\ng: h\n",
            "a: b\n%c: d\ne: f\n",
            "a: b\nc: d\n- e\n",
            "a: b\nc: d\n}\n",
            "a: b\nc\nd: e\n",
            "ä: b\nc: ö\nd: e\n",
            "a: &b c\nd: *b\ne: !!str f\ng: 'h'\ni: \"j\"\nk: l\nm: n\n",
            "{a: b,\nc: d\n}\n",
            "a: {b: c,\nd: e\n}\nf: g\n",
            "a: b\n\u{7}c: d\n",
            "a: b\nc: d\n    \ne: f\n",
            "a: b\nc: d\n    # deeper\ne: f\n",
            "a:\n    b: c\n# left\n    d: e\n",
            "a: ENC[AES256_GCM,data:oYyi,iv:MyID=,tag:t5z2==,type:str]\nb: ENC[,]\n",
        ] {
            let blank = |line: &str| {
                if line.contains(": ") && !line.contains('#') { format!("{line} ") } else { line.to_owned() }
            };
            let blank: Vec<String> = source.split('\n').map(blank).collect();
            let blank = blank.join("\n");
            assert_eq!(nodes(source), nodes(&blank), "{source}");
        }
    }

    #[test]
    fn a_long_name_is_a_name() {
        for len in [1, 127, 128, 129, 1023, 1024, 1025] {
            let name = "n".repeat(len);
            let fast = nodes(&format!("a: b\n{name}: c\nd: e\n"));
            assert_eq!(fast, nodes(&format!("a: b \n{name}: c \nd: e \n")), "{len}");
            assert_eq!(fast.1.is_some(), len > 1024, "{len}");
        }
    }
}
