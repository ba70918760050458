//! The sops file.
//!
//! [`Plain`] and [`Encrypted`] are two types: what is in clear cannot be written where ciphertext belongs. Both
//! hold the same tree (`tree`), which all formats fill and write (`format`, one file each). A walk through the
//! tree (`walk`) says which values are encrypted (`rules`) and what their place authenticates; `cipher` turns a
//! value into its text and back, `mac` covers them all, `metadata` says who may read, and `groups` wraps the
//! data key for them.
//!
//! This room knows no files and no fleet: bytes come in and go out, and errors name key paths.

mod below;
mod binding;
mod cipher;
mod clear;
mod convert;
mod decrypt;
mod encrypt;
mod encrypted;
mod fault;
mod format;
mod groups;
mod judge;
mod keep;
mod key_groups;
mod leaf;
mod mac;
mod metadata;
mod path;
mod pattern;
mod plain;
mod pool;
mod readers;
mod regroup;
mod rules;
mod sealed_text;
mod settle;
mod shamir;
mod shown;
mod survey;
mod tree;
mod value;
mod vouch;
mod walk;

pub use binding::BINDING_KEY;
pub use clear::{Clear, ClearKind, Held};
pub use encrypted::{Encrypted, Mac};
pub use format::{Format, Indent, Stores, is_not_encrypted};
pub use judge::MacVerdict;
pub use key_groups::KeyGroups;
pub use metadata::{Group, KeyEntry, Metadata, SOPS_VERSION};
pub use path::{KeyPath, Step};
pub use pattern::compile as go_regex;
pub use plain::Plain;
pub use readers::Drift;
pub use rules::{DEFAULT_SUFFIX, Rules, Selection};
pub use value::{Entry, Map, Value};
pub use vouch::Vouched;
