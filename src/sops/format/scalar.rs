//! Values as one text, for the formats that have nothing else: dotenv and INI.

use crate::sops::leaf::leaf_bytes;
use crate::sops::tree::{Item, Node, Tree};
use crate::yaml::float_g;
use crate::{Error, Result};
use std::ops::Deref;
use zeroize::Zeroizing;

/// A text of the tree, or one that is made of a number and wiped.
pub(super) enum Text<'t> {
    Of(&'t [u8]),
    Made(Zeroizing<String>),
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Of(text) => text,
            Self::Made(text) => text.as_bytes(),
        }
    }
}

/// The text of a single value: that of a string, or what sops prints for anything else.
///
/// Errors: what has no text: null, maps, lists.
pub(super) fn text<'t>(tree: &'t Tree, item: &Item, format: &str) -> Result<Text<'t>> {
    if item.node == Node::Str {
        return Ok(Text::Of(tree.pool.get(item.text)));
    }
    match of_node(item.node) {
        Some(text) => Ok(Text::Made(text)),
        None => Err(Error::new(format!("is {}, and {format} holds texts alone", kind(item.node)))),
    }
}

/// Why a value that is no text cannot stand in clear: it is read back as a text of other bytes.
pub(super) fn refuse_clear(node: Node) -> Option<&'static str> {
    let text = match node {
        Node::Str => return None,
        _ => of_node(node),
    };
    let mut hashed = Zeroizing::new(Vec::new());
    leaf_bytes(node, &mut hashed);
    match text {
        Some(text) if text.as_bytes() == hashed.as_slice() => None,
        _ => Some(
            "cannot stand in clear here: sops would read it back as another text; put it in quotes first",
        ),
    }
}

fn of_node(node: Node) -> Option<Zeroizing<String>> {
    Some(Zeroizing::new(match node {
        Node::Bool(flag) => flag.to_string(),
        Node::Int(number) => number.to_string(),
        Node::Float(number) => float(number),
        Node::Time(time) => time.seconds(),
        Node::Map | Node::List | Node::End | Node::Null | Node::Str | Node::Comment(_) => return None,
    }))
}

/// As Go's `G` format, with a `.0` where it would look like a whole number.
fn float(number: f64) -> String {
    let text = float_g(number);
    if !number.is_finite() {
        return text;
    }
    let text = text.replace('e', "E");
    if text.contains(['.', 'E']) { text } else { format!("{text}.0") }
}

fn kind(node: Node) -> &'static str {
    match node {
        Node::Map => "a map",
        Node::List => "a list",
        _ => "null",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Timestamp;

    #[test]
    fn floats_keep_their_point() {
        for (number, text) in [
            (1.0, "1.0"),
            (2e5, "200000.0"),
            (-2e10, "-2E+10"),
            (1.2345e100, "1.2345E+100"),
            (1_234_567.5, "1.2345675E+06"),
            (1e-5, "1E-05"),
            (1.5, "1.5"),
            (-0.0, "-0.0"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(float(number), text);
        }
    }

    #[test]
    fn what_would_be_another_text_is_refused_in_clear() {
        let whole = Timestamp::from_unix(1_700_000_000);
        let part = Timestamp::parse("2024-01-01T00:00:00.5Z").unwrap();
        for (node, fits) in [
            (Node::Int(5), true),
            (Node::Float(1.5), true),
            (Node::Float(1.0), false),
            (Node::Float(f64::INFINITY), true),
            (Node::Bool(true), false),
            (Node::Time(whole), true),
            (Node::Time(part), false),
            (Node::Null, false),
        ] {
            assert_eq!(refuse_clear(node).is_none(), fits, "{node:?}");
        }
    }
}
