//! The repository as a transaction will leave it, for plans that build on plans.

use super::transaction::{Change, Transaction};
use super::{RepoPath, Root};
use crate::Result;

/// Files as they will be once a transaction is committed.
#[derive(Clone, Copy, Debug)]
pub struct Outlook<'a> {
    root: &'a Root,
    transaction: &'a Transaction,
}

impl<'a> Outlook<'a> {
    /// Looks at the repository through the transaction.
    pub fn new(root: &'a Root, transaction: &'a Transaction) -> Self {
        Self { root, transaction }
    }

    /// The repository as it is.
    pub fn root(&self) -> &'a Root {
        self.root
    }

    /// What a file will hold; `None` where there will be none.
    pub fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>> {
        match self.transaction.change(path) {
            Some(Change::Write { bytes, .. }) => Ok(Some(bytes.clone())),
            Some(Change::Remove) => Ok(None),
            None => self.root.read(path),
        }
    }

    /// The files that will be below a folder, sorted.
    pub fn list(&self, folder: &RepoPath) -> Result<Vec<RepoPath>> {
        let mut paths = self.root.list(folder)?;
        paths.retain(|path| !matches!(self.transaction.change(path), Some(Change::Remove)));
        let new = |path: &&RepoPath, change: &Change| {
            matches!(change, Change::Write { .. }) && path.starts_with(folder)
        };
        paths.extend(
            self.transaction
                .changes()
                .filter(|(path, change)| new(path, change))
                .map(|(path, _)| path.clone()),
        );
        paths.sort();
        paths.dedup();
        Ok(paths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).unwrap()
    }

    #[test]
    fn shows_what_will_be() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("k")).unwrap();
        for name in ["a", "b"] {
            std::fs::write(dir.path().join("k").join(name), name).unwrap();
        }
        let root = Root::open(dir.path()).unwrap();
        let mut transaction = Transaction::new();
        transaction.remove(path("k/a"));
        transaction.write(path("k/b"), b"new".to_vec());
        transaction.write(path("k/c"), b"c".to_vec());
        transaction.write(path("other"), b"x".to_vec());
        let outlook = Outlook::new(&root, &transaction);
        assert_eq!(outlook.list(&path("k")).unwrap(), [path("k/b"), path("k/c")]);
        assert_eq!(outlook.read(&path("k/a")).unwrap(), None);
        assert_eq!(outlook.read(&path("k/b")).unwrap().as_deref(), Some(&b"new"[..]));
        assert_eq!(outlook.root().read(&path("k/b")).unwrap().as_deref(), Some(&b"b"[..]));
    }
}
