//! The one writer: a change of one file or ten thousand, all of it or nothing.
//!
//! A [`Transaction`] is a plan in memory. It touches nothing until [`Transaction::commit`], which needs the
//! lock. How the commit survives a crash at any point is told in [`super::journal`].

use super::survey::{Survey, survey};
use super::{Lock, RepoPath, Root, commit};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::fmt;

/// Files to be written and removed together.
#[derive(Default)]
pub struct Transaction {
    changes: BTreeMap<RepoPath, Change>,
    expected: BTreeMap<RepoPath, Option<super::Digest>>,
    /// Paths that were given two different changes.
    twice: Vec<RepoPath>,
}

/// What becomes of one file.
#[derive(Clone, Eq, PartialEq)]
pub enum Change {
    /// It holds these bytes. A file that is there keeps its mode; a new one has `mode`, or else what the
    /// process' umask leaves of 0666.
    Write {
        /// All of them.
        bytes: Vec<u8>,
        /// Permission bits for a new file.
        mode: Option<u32>,
    },
    /// It is gone.
    Remove,
}

/// What a commit did, or would do. Paths are sorted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// Files that were not there before.
    pub created: Vec<RepoPath>,
    /// Files that hold other bytes now.
    pub replaced: Vec<RepoPath>,
    /// Files that are gone.
    pub removed: Vec<RepoPath>,
    /// Files that were already as they should be; they were not touched.
    pub unchanged: Vec<RepoPath>,
}

impl Report {
    /// Whether nothing had to be done.
    pub fn is_empty(&self) -> bool {
        self.created.is_empty() && self.replaced.is_empty() && self.removed.is_empty()
    }
}

impl Transaction {
    /// One that changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The file is to hold these bytes; its mode is kept, its folders are made.
    pub fn write(&mut self, path: RepoPath, bytes: Vec<u8>) {
        self.add(path, Change::Write { bytes, mode: None });
    }

    /// The same, with the permission bits that the file gets if it is new (`0o600`).
    pub fn create_mode(&mut self, path: RepoPath, bytes: Vec<u8>, mode: u32) {
        self.add(path, Change::Write { bytes, mode: Some(mode & 0o7777) });
    }

    /// The file is to be gone, and with it the folders that it leaves empty. Nothing, if there is none.
    pub fn remove(&mut self, path: RepoPath) {
        self.add(path, Change::Remove);
    }

    /// Commits only if the file still holds what the plan was made from (`None`: is not there).
    ///
    /// For plans that were made before the lock was taken.
    pub fn expect(&mut self, path: RepoPath, before: Option<&[u8]>) {
        self.expected.insert(path, before.map(super::Digest::of));
    }

    /// Takes the changes of another plan in.
    pub fn absorb(&mut self, other: Self) {
        self.twice.extend(other.twice);
        self.expected.extend(other.expected);
        for (path, change) in other.changes {
            self.add(path, change);
        }
    }

    fn add(&mut self, path: RepoPath, change: Change) {
        match self.changes.get(&path) {
            Some(other) if *other != change => self.twice.push(path),
            _ => {
                self.changes.insert(path, change);
            }
        }
    }

    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// What was asked for, by path. Some of it may prove to be so already; [`Transaction::preview`] knows.
    pub fn changes(&self) -> impl Iterator<Item = (&RepoPath, &Change)> {
        self.changes.iter()
    }

    /// What is planned for one file.
    pub fn change(&self, path: &RepoPath) -> Option<&Change> {
        self.changes.get(path)
    }

    /// What a commit would do, with every error that can be foreseen; writes nothing.
    pub fn preview(&self, root: &Root) -> Result<Report> {
        Ok(self.survey(root)?.report)
    }

    /// Makes all of the changes, or none and says why. Durable when it returns.
    pub fn commit(self, lock: &Lock) -> Result<Report> {
        let survey = self.survey(lock.root())?;
        commit::run(lock, &survey.planned)?;
        Ok(survey.report)
    }

    fn survey(&self, root: &Root) -> Result<Survey<'_>> {
        if let Some(path) = self.twice.first() {
            return Err(Error::new("would be written in two different ways at once").at(path));
        }
        survey(root, &self.changes, &self.expected)
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(&self.changes).finish()
    }
}

impl fmt::Debug for Change {
    /// Sizes only: what is written may be secret.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { bytes, mode: Some(mode) } => write!(out, "{} bytes, mode {mode:o}", bytes.len()),
            Self::Write { bytes, mode: None } => write!(out, "{} bytes", bytes.len()),
            Self::Remove => out.write_str("removed"),
        }
    }
}
