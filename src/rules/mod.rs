//! Creation rules: the file `.sops.yaml`, which says to every sops who reads a file that is written anew.
//!
//! It renders the rules that the fleet decides, and reads those of anybody as sops does. It may not decide
//! who reads what: that is the fleet's, from `keys/` and `uvars.yaml`.

mod pattern;
mod render;
mod set;

pub(crate) use pattern::{alternatives, below, escape, one_of};
pub use render::render;
pub use set::{Anchor, Rule, RuleSet, Verbatim};
