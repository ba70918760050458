//! Values that want the same place in a tree: which they are, and what can be done about it.
//!
//! Where a value is from is told, and never what it is.

use super::capped::MOST_TOLD;
use super::names;
use super::plan::Opened;
use super::report::Problem;
use super::tree::Leaf;
use crate::fs::RepoPath;
use crate::sops::KeyPath;
use std::collections::BTreeMap;

/// A value that wants a place in a tree.
pub(super) struct Claim {
    /// The folder of the person whose it is, or their name where all is theirs.
    pub(super) whose: String,
    /// Where it wants to be.
    pub(super) place: String,
    pub(super) source: Source,
    pub(super) leaf: Leaf,
}

/// Where a value is from.
pub(super) struct Source {
    /// In words.
    whence: String,
    file: RepoPath,
    /// Its place in the file; none for what the last generation had.
    key: Option<KeyPath>,
}

impl Source {
    /// A value of a file that was opened.
    pub(super) fn of(file: &RepoPath, key: KeyPath) -> Self {
        Self { whence: format!("{file}: {key}"), file: file.clone(), key: Some(key) }
    }

    /// A value that a file had when it was opened last.
    pub(super) fn as_it_was(file: &RepoPath) -> Self {
        Self { whence: format!("{file} as it was"), file: file.clone(), key: None }
    }

    /// Whether anybody may have put it into the file.
    fn is_in_clear(&self, opened: &Opened) -> bool {
        let plain = opened.get(&self.file).and_then(|plain| plain.as_ref().ok());
        plain.zip(self.key.as_ref()).is_some_and(|(plain, key)| !plain.was_encrypted(key))
    }

    /// What takes it out of its file, to be typed in a shell.
    fn unset(&self) -> Option<String> {
        let whole = self.file.as_str();
        let short = whole.strip_prefix("secrets/").and_then(|name| name.strip_suffix(".sops.yaml"));
        Some(self.key.as_ref()?.line("unset", short.unwrap_or(whole)))
    }
}

/// Those that want a place, or a folder of it, or something below it, by where they are from.
pub(super) type Rivals<'c> = BTreeMap<&'c str, &'c Claim>;

/// The rivals for each place, the only one included that wants it.
pub(super) fn rivals(claims: &[Claim]) -> BTreeMap<&str, Rivals<'_>> {
    let mut rivals: BTreeMap<&str, Rivals<'_>> = BTreeMap::new();
    for claim in claims {
        rivals.entry(&claim.place).or_default().insert(&claim.source.whence, claim);
    }
    let wanted = rivals.clone();
    for (&place, own) in &wanted {
        for (&above, other) in names::above(place).filter_map(|above| wanted.get_key_value(above)) {
            rivals.entry(place).or_default().extend(other);
            rivals.entry(above).or_default().extend(own);
        }
    }
    rivals
}

/// What is wrong with a place that several want. Of many a few are named, those that want the place itself first.
pub(super) fn problem(place: &str, rivals: &Rivals<'_>, opened: &Opened) -> Problem {
    let mut named: Vec<&Claim> = rivals.values().copied().collect();
    named.sort_by_key(|claim| claim.place != place);
    named.truncate(MOST_TOLD);
    named.sort_by_key(|claim| &claim.source.whence);
    let whences: Vec<_> = named.iter().map(|claim| claim.source.whence.as_str()).collect();
    let rest = match rivals.len().saturating_sub(whences.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let problem = Problem::new(format!("{}{rest} want the same place", whences.join(" and ")));
    let (in_clear, encrypted): (Vec<&Source>, Vec<&Source>) =
        named.iter().map(|claim| &claim.source).partition(|source| source.is_in_clear(opened));
    let (advice, blamed) = if in_clear.is_empty() {
        ("rename one of them, or take it out, in the fleet's repository", encrypted)
    } else {
        ("if nobody of you wrote it, take it out, in the fleet's repository", in_clear)
    };
    let commands = blamed.into_iter().filter_map(Source::unset);
    commands.fold(problem, |problem, command| problem.hint(format!("{advice}: {command}")))
}
