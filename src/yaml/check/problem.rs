//! What is wrong with a map, in go-yaml's words and in words that quote no value.

use super::dump::go_value;
use crate::error::Error;
use crate::yaml::node::{Node, NodeId, Tree};
use crate::yaml::resolve::ResolveError;
use std::fmt::{self, Write as _};

/// A text in an error longer than this is cut.
const LONGEST_QUOTE: usize = 10;
/// What is left of it.
const CUT_QUOTE: usize = 7;

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Problem {
    /// go-yaml's words; they may quote a value.
    shown: String,
    /// Words that quote no value.
    safe: String,
    position: (u32, u32),
}

impl Problem {
    fn new(node: &Node<'_>, shown: String, safe: impl Into<String>) -> Self {
        Self { shown, safe: safe.into(), position: (node.line, node.column) }
    }

    pub(super) fn duplicate(tree: &Tree<'_>, first: NodeId, second: NodeId) -> Self {
        let (first, second) = (tree.node(first), tree.node(second));
        let rest = format!("mapping key {} already defined at line {}", go_quoted(&second.text), first.line);
        Self::new(second, format!("line {}: {rest}", second.line), rest)
    }

    pub(super) fn mismatch(node: &Node<'_>, tag: &str, into: &str) -> Self {
        let quote = match (tag, &*node.text) {
            // a scalar under such a tag is glued to it
            ("!!seq" | "!!map", text) => text.to_owned(),
            (_, text) if text.len() > LONGEST_QUOTE => format!(" `{}...`", cut(text)),
            (_, text) => format!(" `{text}`"),
        };
        let shown = format!("line {}: cannot unmarshal {tag}{quote} into {into}", node.line);
        let wanted = if into == "string" { "text" } else { "a map" };
        Self::new(node, shown, format!("{tag} where {wanted} is wanted"))
    }

    pub(super) fn unresolved(node: &Node<'_>, error: ResolveError) -> Self {
        let shown = error.to_string();
        Self::new(node, shown, Error::from(error).message())
    }

    pub(super) fn map_key(tree: &Tree<'_>, key: NodeId) -> Self {
        let shown = format!("yaml: invalid map key: {}", go_value(tree, key));
        Self::new(tree.node(key), shown, "a list or map as a key")
    }

    pub(super) fn merge(node: &Node<'_>) -> Self {
        let text = "map merge requires map or sequence of maps as the value";
        Self::new(node, format!("yaml: {text}"), text)
    }

    pub(super) fn contains_itself(node: &Node<'_>) -> Self {
        let text = format!("anchor '{}' value contains itself", node.text);
        Self::new(node, format!("yaml: {text}"), text)
    }

    pub(super) fn aliasing(node: &Node<'_>) -> Self {
        let text = "document contains excessive aliasing";
        Self::new(node, format!("yaml: {text}"), text)
    }
}

/// Why a document is no map that sops could use. Displayed as go-yaml does, which may quote a value: show it
/// only where sops would be obeyed to the letter. The conversion into [`Error`] quotes keys, never values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckError {
    at_once: bool,
    problems: Vec<Problem>,
}

impl CheckError {
    /// One problem that ends the walk.
    pub(super) fn at_once(problem: Problem) -> Self {
        Self { at_once: true, problems: vec![problem] }
    }

    pub(super) fn collected(problems: Vec<Problem>) -> Self {
        Self { at_once: false, problems }
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.at_once {
            out.write_str("yaml: unmarshal errors:")?;
        }
        for problem in &self.problems {
            let before = if self.at_once { "" } else { "\n  " };
            write!(out, "{before}{}", problem.shown)?;
        }
        Ok(())
    }
}

impl std::error::Error for CheckError {}

impl From<CheckError> for Error {
    fn from(error: CheckError) -> Self {
        match error.problems.into_iter().next() {
            Some(Problem { safe, position: (line, column), .. }) => Self::new(safe).position(line, column),
            None => Self::new("not a map"),
        }
    }
}

/// The first bytes of a text; each byte of half a character shows as Unicode's replacement.
fn cut(text: &str) -> String {
    let whole = text.floor_char_boundary(CUT_QUOTE);
    let mut cut = text.get(..whole).unwrap_or_default().to_owned();
    cut.extend(std::iter::repeat_n('\u{FFFD}', CUT_QUOTE.saturating_sub(whole)));
    cut
}

/// A text as Go's `%q` prints it.
pub(super) fn go_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for found in text.chars() {
        let code = u32::from(found);
        // writing to a String cannot fail
        let _ = match found {
            '"' | '\\' => write!(out, "\\{found}"),
            '\x07' => out.write_str("\\a"),
            '\x08' => out.write_str("\\b"),
            '\x0C' => out.write_str("\\f"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            '\x0B' => out.write_str("\\v"),
            _ if code < 0x20 || code == 0x7F => write!(out, "\\x{code:02x}"),
            _ if is_printable(found) => out.write_char(found),
            _ if code < 0x1_0000 => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    out.push('"');
    out
}

/// Letters, marks, numbers, punctuation, symbols and the space.
fn is_printable(found: char) -> bool {
    // behind another character, a mark is not escaped for being a mark
    let mut text = String::from("a");
    text.push(found);
    found.is_ascii() || text.escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go_does() {
        let text = "a\"b\\c\x07\n\x1B\x7Fé\u{A0}\u{AD}\u{300}\u{FEFF}\u{10FFFF}😀'";
        assert_eq!(
            go_quoted(text),
            "\"a\\\"b\\\\c\\a\\n\\x1b\\x7fé\\u00a0\\u00ad\u{300}\\ufeff\\U0010ffff😀'\""
        );
    }
}
