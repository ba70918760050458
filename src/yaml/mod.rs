//! YAML as sops' library (go-yaml v3) reads and writes it: comments, styles and positions included.
//!
//! Knows neither sops nor fleets.

mod node;

pub use node::{Children, Comments, Kind, Node, NodeId, Pairs, Style, Tree};
