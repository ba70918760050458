//! A path inside the repository, checked once and then trusted.
//!
//! It says nothing about what lies there: whether a part of it is a link, and where that leads, is for
//! [`super::tree`] to find out at the moment of use.

use super::stage::is_stage_name;
use crate::{Error, Result};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// The longest name that file systems take, in bytes.
const LONGEST_NAME: usize = 255;
/// The longest path that system calls take, in bytes.
const LONGEST_PATH: usize = 4095;

/// A relative path with `/` between its parts, below the root of a fleet repository.
///
/// It has no `.` and no `..`, no empty part, no control character, no part called `.git` in any case (nothing
/// of ours is ever written there) or named as our own stages are, and does not begin with `.uvars`.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RepoPath(String);

impl RepoPath {
    /// Checks the text; the error quotes it with control characters escaped.
    pub fn new(text: &str) -> Result<Self> {
        match flaw(text) {
            None => Ok(Self(text.to_owned())),
            Some(flaw) => {
                let shown = text.escape_debug();
                let error = Error::new(format!("\"{shown}\" cannot be a path in the repository: {flaw}"));
                // one that was typed and one that lies there
                Err(if flaw == CONTROL {
                    error.hint("give it another name; a file that is there: mv or git mv")
                } else {
                    error
                })
            }
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names between the slashes.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last name.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.as_str(), |(_, name)| name)
    }

    /// The folder that it is in; none for a path of one name.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The path of `below`, which may have several parts, in this folder.
    pub fn join(&self, below: &str) -> Result<Self> {
        Self::new(&format!("{}/{below}", self.0))
    }

    /// Whether it is `folder` or lies below it.
    pub fn starts_with(&self, folder: &Self) -> bool {
        self.below(folder).is_some()
    }

    /// The folder that its first `count` parts name; none for no parts at all.
    pub(super) fn leading(&self, count: usize) -> Option<Self> {
        let parts: Vec<&str> = self.parts().take(count).collect();
        (!parts.is_empty()).then(|| Self(parts.join("/")))
    }

    /// What is left of it seen from `folder`; empty for the folder itself.
    pub(super) fn below(&self, folder: &Self) -> Option<&str> {
        let rest = self.0.strip_prefix(folder.as_str())?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }
}

const CONTROL: &str = "it has a control character";

/// What keeps a text from being a path of ours.
fn flaw(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.starts_with('/') {
        return Some("it is absolute");
    }
    if text.len() > LONGEST_PATH {
        return Some("it is too long");
    }
    if text.chars().any(char::is_control) {
        return Some(CONTROL);
    }
    if text.split('/').next() == Some(super::state::OWN_FOLDER) {
        return Some("that folder is uvars' own");
    }
    text.split('/').find_map(flaw_of_part)
}

fn flaw_of_part(part: &str) -> Option<&'static str> {
    match part {
        "" => Some("a part of it is empty"),
        "." | ".." => Some("it has a part that is . or .."),
        _ if part.eq_ignore_ascii_case(".git") => Some("git's own folder is not ours to touch"),
        _ if part.len() > LONGEST_NAME => Some("a part of it is too long"),
        _ if is_stage_name(part) => Some("the name is one that uvars gives to files in the making"),
        _ => None,
    }
}

impl AsRef<Path> for RepoPath {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl FromStr for RepoPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_plain_paths() {
        for good in
            ["a", "secrets/users/jon.sops.yaml", ".sops.yaml", "ä/ö", "a b", "..a", "a..", ".gitignore"]
        {
            assert_eq!(RepoPath::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn refuses_everything_else() {
        let long_name = "n".repeat(256);
        let long_path = "n/".repeat(2048) + "n";
        let bad = [
            "",
            "/",
            "/etc/passwd",
            ".",
            "..",
            "../a",
            "a/..",
            "a/../b",
            "a/./b",
            "a//b",
            "a/",
            "./a",
            "a\nb",
            "a\0b",
            "\u{1b}[2J",
            ".git",
            ".git/config",
            "sub/.git/hooks/x",
            ".GIT/x",
            ".uvars",
            ".uvars/journal",
            ".uvars-stage-0011223344556677-1",
            "a/.uvars-stage-x",
            &long_name,
            &long_path,
        ];
        for text in bad {
            assert!(RepoPath::new(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn an_error_cannot_draw_on_the_terminal() {
        let shown = RepoPath::new("a\u{1b}[2Jb").unwrap_err().to_string();
        assert!(shown.contains("a\\u{1b}[2Jb"), "{shown}");
        assert!(!shown.contains('\u{1b}'));
    }

    #[test]
    fn knows_its_parts() {
        let path = RepoPath::new("secrets/users/jon.sops.yaml").unwrap();
        assert_eq!(path.parts().collect::<Vec<_>>(), ["secrets", "users", "jon.sops.yaml"]);
        assert_eq!(path.file_name(), "jon.sops.yaml");
        assert_eq!(path.parent().unwrap().as_str(), "secrets/users");
        assert_eq!(RepoPath::new("a").unwrap().parent(), None);
        let users = RepoPath::new("secrets/users").unwrap();
        assert_eq!(users.join("jon.sops.yaml").unwrap(), path);
        assert!(users.join("../x").is_err());
        assert!(path.starts_with(&users) && users.starts_with(&users));
        assert!(!RepoPath::new("secrets/users2").unwrap().starts_with(&users));
        assert_eq!(path.below(&users), Some("jon.sops.yaml"));
    }
}
