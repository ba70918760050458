//! YAML as sops' library (go-yaml v3) reads and writes it: comments, styles and positions included.
//!
//! Knows neither sops nor fleets.

mod check;
mod compose;
pub mod edit;
mod emit;
mod error;
mod float;
mod node;
mod parse;
mod read;
mod represent;
mod resolve;
mod scan;
mod time;
mod view;

pub use check::{CheckError, check_map};
pub use emit::{emit, emit_node};
pub use error::{ParseError, place_of, refusal};
pub use float::{float_f, float_g};
pub use node::{Children, Comments, Kind, Node, NodeId, Pairs, Style, Tree};
pub use read::read;
pub use represent::{is_written_plain, represent, represent_safe, safe_string_node, string_node};
pub use resolve::{ResolveError, Scalar, resolve, resolve_plain};
pub use time::Timestamp;
pub use view::{Entry, Fields, View, closest};
