//! What an operation over many files will do, file by file, and what it cannot do.

use crate::error::Error;
use crate::fs::{RepoPath, Transaction};

/// Changes to be made together, and files that have to be left alone.
#[derive(Debug, Default)]
pub struct Plan {
    /// Everything that is to be written.
    pub transaction: Transaction,
    /// The encrypted files among it, sorted by path.
    pub files: Vec<FileChange>,
    /// Files that no key at hand opens.
    pub blocked: Vec<Blocked>,
    /// Files that are not what they should be: each error names its file.
    pub refused: Vec<Error>,
    /// Encrypted files below `secrets/` that nobody is to read any more.
    pub orphans: Vec<RepoPath>,
    /// Encrypted files below `secrets/` whose paths mean nothing in a fleet: nobody looks after their readers.
    pub strays: Vec<RepoPath>,
    /// What else should be known: hosts without a key, and so on.
    pub notes: Vec<String>,
}

/// What becomes of one encrypted file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileChange {
    /// Where it is.
    pub path: RepoPath,
    /// What is done to it.
    pub what: What,
    /// Who can open it afterwards and could not before.
    pub gained: Vec<String>,
    /// Who could open it before; the values they have seen stay seen.
    pub lost: Vec<String>,
}

/// What is done to a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum What {
    /// Its data key is wrapped for more readers; nothing else changes.
    Wrapped,
    /// Everything in it is encrypted under a new data key.
    Renewed,
    /// It is bound to its place, under a new data key.
    Bound,
    /// It is gone: nobody can open it.
    Deleted,
}

/// A file that was left as it is because no key at hand opens it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Blocked {
    /// Where it is.
    pub path: RepoPath,
    /// Who holds a key that opens it.
    pub holders: Vec<String>,
    /// Their recipients as they stand in the file.
    pub recipients: Vec<String>,
    /// Keys of other types that open it too: `pgp ABCD`.
    pub others: Vec<String>,
    /// Where its data key is shared out: no holder opens it alone.
    pub shared: Option<Shared>,
}

/// How a data key is shared out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shared {
    /// The holders of each key group.
    pub groups: Vec<Vec<String>>,
    /// How many of the groups it takes.
    pub needed: usize,
}

impl Plan {
    /// Whether everything is as it should be.
    pub fn is_clean(&self) -> bool {
        self.transaction.is_empty() && self.blocked.is_empty() && self.refused.is_empty()
    }
}
