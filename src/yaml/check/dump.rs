//! A value as Go's `%#v` prints it, for the one refusal that shows a whole list or map.

use super::problem::go_quoted;
use crate::yaml::float_g;
use crate::yaml::node::{Kind, NodeId, Tree};
use crate::yaml::resolve::{Scalar, resolve};
use std::fmt::Write as _;

/// Nothing deeper than this is printed.
const DEEPEST: usize = 64;
/// Nothing is added to a text that is longer.
const LONGEST: usize = 1 << 16;

/// The list or map as go-yaml decodes it.
pub(super) fn go_value(tree: &Tree<'_>, id: NodeId) -> String {
    let mut out = String::new();
    write_value(tree, id, DEEPEST, &mut out);
    out
}

fn write_value(tree: &Tree<'_>, id: NodeId, depth: usize, out: &mut String) {
    let id = tree.deref(id);
    if depth == 0 || out.len() > LONGEST {
        return;
    }
    match tree.node(id).kind {
        Kind::Sequence => {
            out.push_str("[]interface {}{");
            for (at, item) in tree.children(id).enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_value(tree, item, depth - 1, out);
            }
            out.push('}');
        }
        Kind::Mapping => {
            let text_keys = super::has_text_keys(tree, id);
            out.push_str(if text_keys {
                "map[string]interface {}{"
            } else {
                "map[interface {}]interface {}{"
            });
            let mut pairs: Vec<_> = tree.pairs(id).collect();
            // Go prints maps in the order of their keys
            pairs.sort_by_key(|(key, _)| tree.node(tree.deref(*key)).text.clone());
            for (at, (key, value)) in pairs.into_iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_value(tree, key, depth - 1, out);
                out.push(':');
                write_value(tree, value, depth - 1, out);
            }
            out.push('}');
        }
        _ => write_scalar(&resolve(tree, id).unwrap_or(Scalar::Null), out),
    }
}

fn write_scalar(scalar: &Scalar<'_>, out: &mut String) {
    // writing to a String cannot fail
    let _ = match scalar {
        Scalar::Null => out.write_str("interface {}(nil)"),
        Scalar::Bool(value) => write!(out, "{value}"),
        Scalar::Int(value) => write!(out, "{value}"),
        Scalar::Uint(value) => write!(out, "0x{value:x}"),
        Scalar::Float(value) => out.write_str(&float_g(*value)),
        Scalar::Time(value) => write!(out, "{value}"),
        Scalar::Str(value) => out.write_str(&go_quoted(value)),
        Scalar::Binary(value) => out.write_str(&go_quoted(&String::from_utf8_lossy(value))),
        Scalar::Merge => out.write_str("\"<<\""),
    };
}
