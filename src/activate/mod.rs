//! On the host: from a manifest to values in memory, each with its owner and mode.
//!
//! This runs as root at boot, without a network or a terminal, and must never lock anybody out. It trusts the
//! manifest and the host's own key, and nothing of the fleet, which it may not know.

mod account;
mod bases;
mod capped;
mod clash;
mod databases;
mod dir;
mod generation;
mod hash;
mod home;
mod host;
mod json;
mod lookup;
mod manifest;
mod names;
mod open;
mod person;
mod plan;
mod ramfs;
mod report;
mod status;
mod tree;
mod trust;

pub use home::link_home;
pub use host::{Host, Places, activate as activate_host};
pub use manifest::{
    Account, File, Format, Install, Manifest, Personal, Phase, Policy, Settings, VERSION, Whose,
};
pub use person::{Person, PersonPlaces, activate as activate_person};
pub use report::{Failure, FileReport, Kept, Outcome, Report, TreeReport};
pub use status::Status;
pub use tree::Changes;
