//! The fleet: `uvars.yaml` with the keys of `keys/`, and what follows from the two: who is placed where, and
//! who reads what.
//!
//! Readers are decided here and nowhere else, never from `.sops.yaml`, which is made from them. It reads the
//! repository and writes nothing: edits are new bytes that the caller hands to a transaction.

mod adopt;
mod decode;
pub mod edit;
mod expected;
mod explain;
mod fields;
mod file;
#[expect(clippy::module_inception, reason = "the fleet itself is what this room is about")]
mod fleet;
mod init;
mod inventory;
mod members;
mod name;
mod placement;
mod readers;
mod rules;
mod schema;
mod wrapping;

pub use expected::ExpectedFile;
pub use explain::{Explanation, NamedKey};
pub use file::{ENDING, FOLDERS, FileKind, SECRETS};
pub use fleet::{Fleet, INVENTORY};
pub use init::{SOPS_CONFIG, Start, init};
pub use inventory::{
    Account, Format, From, HandWritten, Host, Install, Inventory, Password, Phase, Place, Platform, Policy,
    Role, Said, Settings, Shared, SshForm, User,
};
pub use name::{AccountName, HostName, InstallName, KeyName, RobotName, SharedName, Tag, UserName};
pub use placement::Placement;
pub use readers::{LeftOut, Reader, ReaderKey, Readers, Reason};
pub use schema::schema;
pub use wrapping::Wrapping;
