//! The fleet: `uvars.yaml` with the keys of `keys/`, and what follows from the two: who is placed where, and
//! who reads what.
//!
//! Readers are decided here and nowhere else, never from `.sops.yaml`, which is made from them. It reads the
//! repository and writes nothing: edits are new bytes that the caller hands to a transaction.

mod file;
mod inventory;
mod name;
mod placement;

pub use file::{ENDING, FOLDERS, FileKind, ITEM_REGEX, SECRETS};
pub use inventory::{
    Account, Format, From, HandWritten, Host, Install, Inventory, Password, Phase, Place, Platform, Policy,
    Role, Said, Settings, Shared, SshForm, User,
};
pub use name::{AccountName, HostName, InstallName, KeyName, RobotName, SharedName, Tag, UserName};
pub use placement::Placement;
