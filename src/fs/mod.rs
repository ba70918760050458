//! Files: reading them, the lock, and the one writer.
//!
//! Everything that the rest writes goes through [`Transaction`] (in a repository) or through [`write_new`] and
//! [`replace`] (a single file elsewhere, in its [`turn()`] where it is changed in place). This room knows nothing of
//! what the files mean. It may not take a file that cannot be read for one that is absent, follow a link out of the
//! repository, or leave a change half made.

mod commit;
mod digest;
mod disk;
mod flush;
mod found;
mod git;
mod id;
mod journal;
mod links;
mod lock;
mod outlook;
mod path;
mod read;
mod recover;
mod root;
mod single;
mod stage;
mod state;
mod survey;
#[cfg(test)]
mod torture;
mod transaction;
mod tree;
mod turn;
mod work;

pub use digest::Digest;
pub use links::{Link, links};
pub use lock::Lock;
pub use outlook::Outlook;
pub use path::RepoPath;
pub use read::{LIMIT, LIMIT_ELSEWHERE, Source, read, read_open, read_source, read_source_up_to, read_up_to};
pub use recover::{Outcome, Recovered, forget, pending, recover};
pub use root::{OWN, Root, linked_folder, real_place};
pub use single::{replace, write_new};
pub use transaction::{Change, Report, Transaction};
pub use turn::{Turn, turn};
