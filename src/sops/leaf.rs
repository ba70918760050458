//! Numbers, booleans and times as sops hashes and encrypts them, and back.

use crate::sops::fault::Fault;
use crate::sops::tree::Node;
use crate::sops::value::{bool_bytes, float_bytes, int_bytes, time_bytes};
use crate::yaml::Timestamp;

/// Appends what sops hashes and encrypts for a number, boolean or time, and returns the type's name.
pub(super) fn leaf_bytes(node: Node, out: &mut Vec<u8>) -> &'static str {
    match node {
        Node::Int(number) => {
            int_bytes(number, out);
            "int"
        }
        Node::Float(number) => {
            float_bytes(number, out);
            "float"
        }
        Node::Bool(flag) => {
            out.extend_from_slice(bool_bytes(flag));
            "bool"
        }
        Node::Time(time) => {
            time_bytes(time, out);
            "time"
        }
        Node::Map | Node::List | Node::End | Node::Null | Node::Str | Node::Comment(_) => "str",
    }
}

/// What Go's parsers make of a plaintext of this type.
pub(super) fn number(kind: &[u8], text: &str) -> Result<Node, Fault> {
    match kind {
        b"int" => text.parse().map(Node::Int).map_err(|_| Fault::Content),
        b"float" => text.parse().map(Node::Float).map_err(|_| Fault::Content),
        b"bool" => match text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Node::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Node::Bool(false)),
            _ => Err(Fault::Content),
        },
        b"time" => Timestamp::parse(text).map(Node::Time).ok_or(Fault::Content),
        _ => Err(Fault::Type),
    }
}
