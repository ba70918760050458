//! The page that the emitter writes on: column, indentation, white space and comments.
//!
//! It knows no nodes. The rules are those of go-yaml v3's output, blank lines and oddities included.

use crate::yaml::emit::analysis::is_break;
use zeroize::Zeroize as _;

/// The text so far and what the next words depend on.
#[derive(Debug)]
pub(super) struct Writer {
    out: Vec<u8>,
    /// Where the current line begins in `out`.
    line: usize,
    /// No blank is needed before the next indicator.
    pub(super) white: bool,
    /// Only indentation, `-`, `?` and the `:` behind a `?` stand on this line so far.
    pure: bool,
    /// The indentation of the innermost collection; none at the root.
    indent: Option<usize>,
    /// The next line at this indentation has a blank line before it.
    pub(super) gap: Option<usize>,
    /// The width of one level.
    pub(super) step: usize,
}

impl Writer {
    /// An empty page. Widths outside 2 to 9 mean 2, as in go-yaml.
    pub(super) fn new(step: usize) -> Self {
        let step = if (2..=9).contains(&step) { step } else { 2 };
        Self { out: Vec::new(), line: 0, white: true, pure: true, indent: None, gap: None, step }
    }

    /// Makes room for so many bytes. What is written may be secret: nothing is left where the text was before.
    pub(super) fn reserve(&mut self, bytes: usize) {
        if self.out.capacity() - self.out.len() < bytes {
            let mut grown = Vec::with_capacity((self.out.len() + bytes).max(2 * self.out.capacity()));
            grown.extend_from_slice(&self.out);
            std::mem::replace(&mut self.out, grown).zeroize();
        }
    }

    fn write(&mut self, text: &[u8]) {
        self.reserve(text.len());
        self.out.extend_from_slice(text);
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    pub(super) fn column(&self) -> usize {
        self.out.len() - self.line
    }

    pub(super) fn level(&self) -> usize {
        self.indent.unwrap_or(0)
    }

    /// Goes one level in and returns the old level, for [`Writer::leave`].
    pub(super) fn enter(&mut self, flow: bool, in_block_list: bool) -> Option<usize> {
        let next = match self.indent {
            None if flow => self.step,
            None => 0,
            Some(indent) if in_block_list => indent + 2,
            Some(indent) => self.step * (indent / self.step + 1),
        };
        self.indent.replace(next)
    }

    /// Back to the level that `enter` returned.
    pub(super) fn leave(&mut self, level: Option<usize>) {
        self.indent = level;
    }

    pub(super) fn line_break(&mut self) {
        self.write(b"\n");
        self.line = self.out.len();
        self.pure = true;
    }

    /// Goes to the indentation: on this line if it holds nothing else, else on the next.
    pub(super) fn indent_line(&mut self) {
        let level = self.level();
        let column = self.column();
        if !self.pure || column > level || (column == level && !self.white) {
            self.line_break();
        }
        if self.gap == Some(level) {
            self.line_break();
        }
        let missing = level.saturating_sub(self.column());
        self.reserve(missing);
        self.out.resize(self.out.len() + missing, b' ');
        self.white = true;
        self.gap = None;
    }

    /// Writes an indicator, with a blank before it if `spaced` and one is needed.
    pub(super) fn indicator(&mut self, text: &str, spaced: bool) {
        if spaced && !self.white {
            self.write(b" ");
        }
        self.write(text.as_bytes());
        self.white = false;
        self.pure = false;
    }

    /// Writes an indicator behind which none needs a blank: `[`, `{`.
    pub(super) fn opening(&mut self, text: &str, spaced: bool) {
        self.indicator(text, spaced);
        self.white = true;
    }

    /// Writes an indicator that counts as indentation: `-`, `?`, and `:` behind a `?`.
    pub(super) fn indenting(&mut self, text: &str) {
        let pure = self.pure;
        self.indicator(text, true);
        self.pure = pure;
    }

    /// Writes text that needs a blank before it.
    pub(super) fn word(&mut self, text: &str) {
        self.indicator(text, true);
    }

    /// Writes text right here.
    pub(super) fn raw(&mut self, text: &str) {
        self.write(text.as_bytes());
        self.white = false;
        self.pure = false;
    }

    /// Writes a line break of any kind as it is.
    pub(super) fn raw_break(&mut self, char: char) {
        self.write(char.encode_utf8(&mut [0; 4]).as_bytes());
        self.line = self.out.len();
        self.pure = true;
    }

    /// A scalar without text: nothing is written, but the line is no longer pure.
    pub(super) fn nothing(&mut self) {
        self.pure = false;
    }

    /// A comment above something.
    pub(super) fn comment_above(&mut self, text: &str) {
        self.indent_line();
        self.comment(text);
    }

    /// A comment behind something.
    pub(super) fn comment_behind(&mut self, text: &str) {
        if !self.white {
            self.write(b" ");
        }
        self.comment(text);
    }

    /// A comment below something: a blank line follows it.
    pub(super) fn comment_below(&mut self, text: &str) {
        self.comment_above(text);
        self.gap = Some(self.level());
    }

    /// The text of a comment says nothing about white space: what was before it counts until its end.
    fn comment(&mut self, text: &str) {
        let mut rest = text;
        let mut broken = false;
        let mut first = true;
        while !rest.is_empty() {
            let end = rest.find(is_break).unwrap_or(rest.len());
            let (line, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
            if !line.is_empty() {
                if !first {
                    self.indent_line();
                }
                if !line.starts_with('#') {
                    self.write(b"# ");
                }
                self.write(line.as_bytes());
                self.pure = false;
                broken = false;
            }
            first = false;
            let mut chars = behind.chars();
            if let Some(char) = chars.next() {
                self.raw_break(char);
                broken = true;
            }
            rest = chars.as_str();
        }
        if !broken {
            self.line_break();
        }
        self.white = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_keep_their_empty_lines_and_get_their_mark() {
        let mut page = Writer::new(4);
        page.enter(false, false);
        page.comment_above("# a\n\nb\n");
        page.indent_line();
        page.word("x");
        assert_eq!(page.into_bytes(), b"# a\n\n# b\nx");
    }

    #[test]
    fn a_comment_below_leaves_a_blank_line_at_its_own_level_only() {
        let mut page = Writer::new(2);
        page.enter(false, false);
        page.word("x");
        page.comment_below("# f");
        let outer = page.enter(false, false);
        page.indent_line();
        page.word("y");
        page.leave(outer);
        page.comment_below("# g");
        page.indent_line();
        page.word("z");
        assert_eq!(page.into_bytes(), b"x\n# f\n  y\n# g\n\nz");
    }

    #[test]
    fn levels_are_multiples_of_the_step_but_in_lists() {
        let mut page = Writer::new(4);
        page.enter(false, false);
        page.enter(false, true);
        assert_eq!(page.level(), 2);
        page.enter(false, false);
        assert_eq!(page.level(), 4);
        assert_eq!(Writer::new(1).step, 2);
        assert_eq!(Writer::new(12).step, 2);
    }
}
