//! The links that a path goes through: whoever made one decides where the rest of the path leads.
//!
//! Nothing is refused here, and nothing is opened.

use crate::{Error, Result};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// How many links one path may lead through; the kernel's own limit.
const MOST_LINKS: usize = 40;

/// A link on the way that a path goes.
#[derive(Debug, Eq, PartialEq)]
pub struct Link {
    /// Where it lies, absolute and without links.
    pub at: PathBuf,
    /// What of the path, and of the links before, is behind it.
    pub rest: PathBuf,
}

/// The links that an absolute path goes through, in their order, its last part included. As the kernel goes: `..` leads
/// up from where a link has led to. What is not there is no link.
///
/// Errors: more than 40 links.
pub fn links(path: &Path) -> Result<Vec<Link>> {
    let mut found = Vec::new();
    let mut place = PathBuf::new();
    let mut ahead: Vec<OsString> = parts(path);
    while let Some(part) = ahead.pop() {
        match Path::new(&part).components().next() {
            Some(root @ Component::RootDir) => place = PathBuf::from(root.as_os_str()),
            Some(Component::ParentDir) => {
                place.pop();
            }
            Some(Component::Normal(name)) => {
                let next = place.join(name);
                let Ok(target) = next.read_link() else {
                    place = next;
                    continue;
                };
                found.push(Link { at: next, rest: ahead.iter().rev().collect() });
                if found.len() > MOST_LINKS {
                    return Err(Error::new("leads through too many links").at(path));
                }
                ahead.extend(parts(&target));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The parts of a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    path.components().rev().map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn every_link_is_found_where_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(top.join("a/b")).unwrap();
        std::fs::create_dir_all(top.join("other/c")).unwrap();
        symlink("../other", top.join("a/out")).unwrap();
        symlink(top.join("a"), top.join("first")).unwrap();
        symlink("c", top.join("other/last")).unwrap();
        let of = |path: &str| -> Vec<(String, String)> {
            let shown = |path: &Path| path.to_str().unwrap().to_owned();
            let links = links(&top.join(path)).unwrap();
            links.iter().map(|link| (shown(link.at.strip_prefix(&top).unwrap()), shown(&link.rest))).collect()
        };
        let link = |at: &str, rest: &str| (at.to_owned(), rest.to_owned());
        assert_eq!(of("a/b/../b/x"), []);
        assert_eq!(of("a/b/../out/x"), [link("a/out", "x")]);
        assert_eq!(of("first/out/c"), [link("first", "out/c"), link("a/out", "c")]);
        // up from where the link has led to
        assert_eq!(of("a/out/../first/b"), [link("a/out", "../first/b"), link("first", "b")]);
        assert_eq!(of("a/out/last"), [link("a/out", "last"), link("other/last", "")]);
        assert_eq!(of("missing/../a/out"), [link("a/out", "")]);
    }

    #[test]
    fn a_circle_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        let error = links(&folder.path().join("a/x")).unwrap_err().to_string();
        assert!(error.ends_with("leads through too many links"), "{error}");
    }
}
