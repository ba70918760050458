//! Nodes for native values: the text and style that go-yaml v3's `node.Encode` chooses.
//!
//! go-yaml cannot read back some of its own choices; [`represent_safe`] differs from it for those alone.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::yaml::emit::analyse;
use crate::yaml::float::float_g;
use crate::yaml::node::{Kind, Node, NodeId, Style, Tree};
use crate::yaml::resolve::{Scalar, resolve_plain};

/// Adds a scalar as go-yaml encodes it, its mistakes included: a text of several lines that starts with a tab
/// becomes `null`, the text `<<` a merge key, and a list item that starts with a blank may not be readable.
pub fn represent<'a>(tree: &mut Tree<'a>, value: &Scalar<'a>) -> NodeId {
    if let Scalar::Str(text) = value
        && text.starts_with('\t')
        && string_node(text.clone()).style == Style::Literal
    {
        return tree.push(plain("null"));
    }
    push(tree, value, string_node)
}

/// Adds a scalar as go-yaml encodes it, but in double quotes where that would not come back as it was.
///
/// `in_list` says whether the scalar stands anywhere inside a list, directly or as a value of a map in it:
/// there go-yaml misstates the indentation of texts that begin with white space.
pub fn represent_safe<'a>(tree: &mut Tree<'a>, value: &Scalar<'a>, in_list: bool) -> NodeId {
    push(tree, value, |text| safe_string_node(text, in_list))
}

/// The node of a text, as go-yaml encodes it.
pub fn string_node<'a>(text: impl Into<Cow<'a, str>>) -> Node<'a> {
    let text = text.into();
    let style = string_style(&text);
    Node::new(Kind::Scalar, style, text)
}

/// The node of a text that comes back as it was wherever it stands: see [`represent_safe`].
pub fn safe_string_node<'a>(text: impl Into<Cow<'a, str>>, in_list: bool) -> Node<'a> {
    let mut node = string_node(text);
    let lost = match node.style {
        Style::Literal => {
            node.text.starts_with('\t')
                || (in_list && node.text.starts_with([' ', '\n', '\u{2028}', '\u{2029}']))
        }
        Style::Plain => node.text == "<<",
        _ => false,
    };
    if lost {
        node.style = Style::DoubleQuoted;
    }
    node
}

/// Whether a text is written without quotes, and comes back as it was, as a name or value of a block map.
pub fn is_written_plain(text: &str) -> bool {
    string_style(text) == Style::Plain && text != "<<"
}

fn push<'a>(tree: &mut Tree<'a>, value: &Scalar<'a>, string: impl Fn(Cow<'a, str>) -> Node<'a>) -> NodeId {
    let node = match value {
        Scalar::Null => plain("null"),
        Scalar::Bool(true) => plain("true"),
        Scalar::Bool(false) => plain("false"),
        Scalar::Int(int) => plain(int.to_string()),
        Scalar::Uint(int) => plain(int.to_string()),
        Scalar::Float(float) => plain(float_text(*float)),
        Scalar::Time(time) => plain(time.to_string()),
        Scalar::Merge => plain("<<"),
        Scalar::Str(text) => string(text.clone()),
        Scalar::Binary(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => string(text.to_owned().into()),
            Err(_) => return push_binary(tree, bytes),
        },
    };
    tree.push(node)
}

fn plain<'a>(text: impl Into<Cow<'a, str>>) -> Node<'a> {
    Node::new(Kind::Scalar, Style::Plain, text)
}

fn float_text(float: f64) -> String {
    match float_g(float) {
        text if text == "+Inf" => ".inf".to_owned(),
        text if text == "-Inf" => "-.inf".to_owned(),
        text if text == "NaN" => ".nan".to_owned(),
        text => text,
    }
}

/// Base64 in lines of 70 characters; a single line has no break.
fn push_binary(tree: &mut Tree<'_>, bytes: &[u8]) -> NodeId {
    const LINE: usize = 70;
    let encoded = STANDARD.encode(bytes);
    let node = if encoded.len() < LINE {
        plain(encoded)
    } else {
        let lines = encoded.as_bytes().chunks(LINE);
        let text: String =
            lines.flat_map(|line| line.iter().copied().map(char::from).chain(['\n'])).collect();
        Node::new(Kind::Scalar, Style::Literal, text)
    };
    let id = tree.push(node);
    tree.set_tag(id, "!!binary");
    id
}

/// The style in which go-yaml writes a text at the root of a document, which is what its nodes then keep.
fn string_style(text: &str) -> Style {
    let seen = analyse(text);
    let wanted = if text.contains('\n') {
        Style::Literal
    } else if is_plain(text) {
        Style::Plain
    } else {
        Style::DoubleQuoted
    };
    match wanted {
        Style::Plain if seen.block_plain => Style::Plain,
        Style::Plain if seen.single => Style::SingleQuoted,
        Style::Literal if seen.block => Style::Literal,
        _ => Style::DoubleQuoted,
    }
}

/// Whether a text means itself, to this reader and to those of YAML 1.1 who know `yes` and base 60.
fn is_plain(text: &str) -> bool {
    matches!(resolve_plain(text), Scalar::Str(_)) && !is_base_60(text) && !is_old_bool(text)
}

fn is_old_bool(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|char: char| char.is_ascii_digit()) {
        return false;
    }
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = whole.split(':');
    let head = parts.next().is_some_and(digits);
    let mut count = 0;
    let sixties = parts.all(|part| {
        count += 1;
        matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'])
    });
    head && sixties && count > 0 && digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::emit::emit_node;
    use crate::yaml::time::Timestamp;

    fn shown(value: &Scalar<'static>) -> String {
        let mut tree = Tree::new();
        let id = represent(&mut tree, value);
        String::from_utf8(emit_node(&tree, id, 4).unwrap()).unwrap()
    }

    fn text(value: &'static str) -> String {
        shown(&Scalar::Str(value.into()))
    }

    #[test]
    fn texts_that_would_mean_something_else_are_quoted() {
        for value in [
            "yes", "NO", "on", "y", "1", "1.5", "true", "null", "~", "", "1_", "60:1", "1:2", "-1:30",
            "2024-1-1", "0777", "08", ".5", "+1", "1:2:3.5", "0x1f", ".inf",
        ] {
            assert_eq!(text(value), format!("\"{value}\"\n"), "{value}");
        }
        for value in ["yEs", "oN", "a", "1:60", "0o78", "0b2", "1e", "_1:2", "x:1", "-x", "1.5:2"] {
            assert_eq!(text(value), format!("{value}\n"), "{value}");
        }
        for value in ["- x", " ", ": x", "!x", "a: b"] {
            assert_eq!(text(value), format!("'{value}'\n"), "{value}");
        }
    }

    #[test]
    fn several_lines_are_a_literal_where_it_can_hold_them() {
        assert_eq!(text("a\nb\n"), "|\n    a\n    b\n");
        assert_eq!(text("a\nb"), "|-\n    a\n    b\n");
        assert_eq!(text("a\n\n"), "|+\n    a\n\n");
        assert_eq!(text(" a\nb"), "|4-\n     a\n    b\n");
        assert_eq!(text("a \nb"), "\"a \\nb\"\n");
        assert_eq!(text("\u{1F600}"), "\"\\U0001F600\"\n");
        assert_eq!(text("a\tb"), "\"a\\tb\"\n");
        assert_eq!(text("\u{FEFF}a"), "\"\\uFEFF\\x61\"\n");
    }

    #[test]
    fn other_types() {
        assert_eq!(shown(&Scalar::Null), "null\n");
        assert_eq!(shown(&Scalar::Bool(true)), "true\n");
        assert_eq!(shown(&Scalar::Int(-5)), "-5\n");
        assert_eq!(shown(&Scalar::Uint(u64::MAX)), "18446744073709551615\n");
        assert_eq!(shown(&Scalar::Float(1e6)), "1e+06\n");
        assert_eq!(shown(&Scalar::Float(f64::NEG_INFINITY)), "-.inf\n");
        assert_eq!(shown(&Scalar::Float(f64::NAN)), ".nan\n");
        assert_eq!(shown(&Scalar::Time(Timestamp::from_unix(0))), "1970-01-01T00:00:00Z\n");
        assert_eq!(shown(&Scalar::Binary(b"hi".to_vec())), "hi\n");
        assert_eq!(shown(&Scalar::Binary(vec![0xFF])), "!!binary /w==\n");
        let long = shown(&Scalar::Binary(vec![0xFF; 60]));
        assert_eq!(long, format!("!!binary |\n    {}\n    {}\n", "/".repeat(70), "/".repeat(10)));
    }

    #[test]
    fn what_go_yaml_loses_is_lost_only_where_asked() {
        assert_eq!(text("\ta\nb"), "null\n");
        assert_eq!(text("<<"), "!!merge <<\n");
        assert_eq!(safe_string_node("\ta\nb", false).style, Style::DoubleQuoted);
        assert_eq!(safe_string_node("<<", false).style, Style::DoubleQuoted);
        assert_eq!(safe_string_node("\nx", false).style, Style::Literal);
        assert_eq!(safe_string_node("\nx", true).style, Style::DoubleQuoted);
        assert_eq!(safe_string_node(" x\ny", true).style, Style::DoubleQuoted);
    }
}
