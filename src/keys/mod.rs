//! Recipients, identities and where they are found; the registry of `keys/` and its ledger.
//!
//! One file for each type of recipient; keys of other types are known by name alone (`master_key`). Public keys may be shown and compared; private ones live in
//! [`Secret`](crate::secret::Secret) and in types without `Display`, and no error quotes a text that could be
//! one. Knows neither sops files nor the inventory, and reads no environment: whoever calls hands it in.

mod convert;
mod encoding;
mod envelope;
mod generate;
mod hybrid;
mod identity;
pub mod key_file;
mod key_type;
mod keyring;
mod ledger;
mod master_key;
mod plugin;
mod principal;
mod private;
mod programs;
mod public;
mod recipient;
mod registry;
mod sources;
mod ssh;
mod ssh_ed25519;
mod ssh_private;
mod ssh_rsa;
mod stanza;
mod unwrap;
mod words;
mod wrap;
mod x25519;

pub use convert::{
    Conversion, Converted, ConvertedPrivate, Skipped, convert_private, convert_public, is_ssh_key,
    is_ssh_line, public_of_private,
};
pub use generate::{Generated, generate, generate_hybrid};
pub use key_file::{KeyFile, KeyLine};
pub use key_type::KeyType;
pub(crate) use keyring::reader;
pub use keyring::{Keyring, Wrapped};
pub use ledger::{KeyState, LEDGER_PATH, Ledger, LedgerEntry};
pub use master_key::MasterKey;
pub use principal::{Class, Principal};
pub use private::{
    holds_private, is_private_line, line_of_private, may_be_private, refuse_in_clear, refuse_in_name,
    refuse_private, without_private,
};
pub use programs::{Ask, Programs, environment, environment_without_keys};
pub use public::{PublicKey, PublicKeys, public_keys};
pub use recipient::{KeyKind, Recipient};
pub use registry::Registry;
pub use sources::IdentitySources;
pub(crate) use unwrap::of_age;
pub use unwrap::{Naming, Unwrap, WrappedKey};
pub use words::split_words;
pub use wrap::Wrap;
