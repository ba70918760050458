//! What one call of a sops command was given: the flags of the program, its own, and the words.

use super::code::Code;
use super::fault::{Fault, Outcome};
use super::flags::Parsed;
use super::log::{self, Level};
use crate::cli::context::Context;
use crate::sops::Format;
use std::cell::OnceCell;
use std::path::{Component, Path, PathBuf};

/// A call.
pub(super) struct Call<'a> {
    /// Folder, environment and clock.
    pub(super) context: &'a Context,
    /// The flags in front of the subcommand; without one, all of them.
    pub(super) root: &'a Parsed,
    /// The flags of the command, and its words.
    pub(super) own: &'a Parsed,
    /// The configuration, once it was looked for.
    pub(super) config: OnceCell<Option<PathBuf>>,
}

impl Call<'_> {
    /// A text that the command was given; empty where it was not.
    pub(super) fn text(&self, name: &str) -> &str {
        self.own.text(name)
    }

    /// Whether a switch of the command is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.own.is_on(name)
    }

    /// The words of the command line that are no flags.
    pub(super) fn words(&self) -> &[String] {
        &self.own.words
    }

    /// One of them; empty where there are not so many.
    pub(super) fn word(&self, at: usize) -> &str {
        self.own.words.get(at).map_or("", String::as_str)
    }

    /// A path from the root, with `.` and `..` taken out by the letter, as sops does it.
    pub(super) fn absolute(&self, typed: &str) -> PathBuf {
        clean(&self.context.path_by_links(Path::new(typed)))
    }

    /// The format of a file: as a flag says, or by its name. A flag with another word than the five is as none.
    pub(super) fn format(&self, flag: &str, path: &Path) -> Format {
        Format::of_name(self.text(flag)).unwrap_or_else(|| Format::of_path(path))
    }

    /// Warns of words that nobody will look at.
    ///
    /// Errors: one of them is a flag that takes a key away or adds one. Whoever typed it believes that it is done.
    pub(super) fn only_one_word(&self) -> Outcome<()> {
        let more = self.words().get(1..).unwrap_or_default();
        if more.is_empty() {
            return Ok(());
        }
        let is_key = |word: &&String| {
            let name = word.trim_start_matches('-');
            word.starts_with('-') && (name.starts_with("rm-") || name.starts_with("add-"))
        };
        if let Some(flag) = more.iter().find(is_key) {
            return Err(Fault::new(
                Code::Failed,
                format!(
                    "{flag} stands behind the file, where flags are not looked at; put it in front: no key was changed"
                ),
            ));
        }
        let said = "More than one positional argument provided. Only the first one will be used!";
        log::line(Level::Warning, said, &[]);
        if let Some(flag) = more.iter().rev().find(|word| word.starts_with('-')) {
            let said = format!(
                "Note that one of the ignored positional argument is {flag:?}, which looks like a flag. \
                 Flags must always be provided before the first positional argument!"
            );
            log::line(Level::Warning, &said, &[]);
        }
        Ok(())
    }

    /// Says something where `--verbose` asks for it.
    pub(super) fn info(&self, text: &str) {
        if std::ptr::eq(self.root, self.own) && self.root.is_on("verbose") {
            log::line(Level::Info, text, &[]);
        }
    }
}

/// Takes `.` and `..` out of a path without asking the file system.
fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                // the folder above the root is the root
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_by_the_letter() {
        for (typed, cleaned) in [("/a/./b/../c", "/a/c"), ("/../a", "/a"), ("/", "/"), ("/a/..", "/")] {
            assert_eq!(clean(Path::new(typed)), Path::new(cleaned));
        }
    }
}
