//! Creation rules: the file `.sops.yaml`, which says to every sops who reads a file that is written anew.
//!
//! It renders the rules that the fleet decides, and reads those of anybody as sops does. It may not decide
//! who reads what: that is the fleet's, from `keys/` and `uvars.yaml`.

mod check;
mod config;
mod destination;
mod group;
mod pattern;
mod render;
mod set;
mod stores;

pub use check::diff;
pub use config::{CreationRule, SopsConfig, relative_path};
pub use destination::{Destination, DestinationRule};
pub use group::{GroupKey, KeyGroup};
pub(crate) use pattern::{alternatives, below, escape, one_of};
pub use render::{is_generated, may_be_replaced, render};
pub use set::{Anchor, Rule, RuleSet, Verbatim};
pub use stores::{stores, stores_of};
