//! What an activation did, as plain data for whoever tells people or writes the status file.

use super::hash::Source;
use super::tree::Changes;
use crate::error::Error;
use crate::fs::{Digest, RepoPath};

/// What one run did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Each tree that the run was about.
    pub trees: Vec<TreeReport>,
}

/// What became of one tree: `/run/uvars-users`, `/run/uvars`, or a person's own.
#[derive(Clone, Debug, Default)]
pub struct TreeReport {
    /// The link that leads to the current generation.
    pub link: String,
    /// The current generation; `None` where there is none, and in a dry run.
    pub generation: Option<u64>,
    /// What became of the link.
    pub outcome: Outcome,
    /// Whose manifest it was made from, `hosts/NAME` or `users/NAME`.
    pub of: Option<String>,
    /// What this run changed, or in a dry run would change.
    pub changes: Changes,
    /// The files that were read for it.
    pub files: Vec<FileReport>,
    /// Items that are not as the manifest wants them.
    pub failures: Vec<Failure>,
    /// What is worth knowing and no failure.
    pub notes: Vec<String>,
}

/// What became of the link to the current generation.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Outcome {
    /// It leads where it led before, and that is as it should be, but for failures.
    #[default]
    Unchanged,
    /// It leads to a new generation.
    Published,
    /// It is left alone: what it leads to cannot be read, and would be lost.
    Left,
}

/// One encrypted file of a tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileReport {
    /// Its place in the repository.
    pub path: RepoPath,
    /// SHA-256 of its bytes as the manifest has it.
    pub sha256: Digest,
    /// Whether it could be opened.
    pub opened: bool,
    /// When a password was last changed, RFC 3339, as its account file says; other files say nothing of that.
    pub changed: Option<String>,
}

/// One item that is not as the manifest wants it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// Its name below the link, `jon/password_hash`, `db/password`, `home/jon`; or a file, or the tree itself.
    pub item: String,
    /// Why.
    pub message: String,
    /// What can be done.
    pub hints: Vec<String>,
    /// What is there instead.
    pub kept: Kept,
}

/// What is there in place of an item that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kept {
    /// What the last generation had.
    Last,
    /// The password that /etc/shadow holds.
    Shadow,
    /// A password that nobody has.
    Nobody,
    /// The right content, closed to all but root.
    Closed,
    /// Nothing.
    Nothing,
}

impl Kept {
    /// In words, to stand behind the message.
    pub fn words(self) -> &'static str {
        match self {
            Self::Last => "the last good value stays",
            Self::Shadow => "the password in /etc/shadow stays",
            Self::Nobody => "no password is known, so nobody can log in with one",
            Self::Closed => "only root can read it until then",
            Self::Nothing => "it is not installed",
        }
    }

    /// One word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Shadow => "shadow",
            Self::Nobody => "nobody",
            Self::Closed => "closed",
            Self::Nothing => "nothing",
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Self> {
        [Self::Last, Self::Shadow, Self::Nobody, Self::Closed, Self::Nothing]
            .into_iter()
            .find(|kept| kept.word() == word)
    }

    pub(super) fn of_hash(source: Source) -> Self {
        match source {
            Source::File => Self::Nothing,
            Source::Last => Self::Last,
            Source::Shadow => Self::Shadow,
            Source::Nobody => Self::Nobody,
        }
    }
}

impl Failure {
    pub(super) fn new(item: impl Into<String>, problem: &Problem, kept: Kept) -> Self {
        Self { item: item.into(), message: problem.message.clone(), hints: problem.hints.clone(), kept }
    }
}

impl Report {
    /// Whether everything is as the manifest wants it.
    pub fn is_whole(&self) -> bool {
        self.trees.iter().all(|tree| tree.failures.is_empty())
    }
}

/// An error that several items share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Problem {
    message: String,
    hints: Vec<String>,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new() }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(super) fn of(error: &Error) -> Self {
        Self { message: error.to_string(), hints: error.hints().to_vec() }
    }
}
