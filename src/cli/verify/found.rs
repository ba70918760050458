//! The files that a command line means: those that it names, and those in folders that it names.

use crate::cli::changes::RULES;
use crate::cli::context::Context;
use crate::cli::document::Document;
use crate::cli::format::Input;
use crate::cli::layout::nearest_config;
use crate::error::{Error, Result};
use crate::fleet::FileKind;
use crate::rules::{SopsConfig, relative_path};
use crate::sops::Format;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// A file to be checked.
pub(super) struct Found {
    pub(super) document: Document,
    /// Why it should be encrypted, where somebody named its folder and not the file.
    why: Option<String>,
    /// Why it could not be looked at, or the folder that it is.
    pub(super) unread: Option<Error>,
}

impl Found {
    /// The error of a file that is not an encrypted one.
    pub(super) fn say_why(&self, error: Error) -> Error {
        match &self.why {
            Some(why) => error.hint(why),
            None => error,
        }
    }
}

/// Folders that are no place for files of one's own.
const PASSED_OVER: [&str; 4] = [".git", ".hg", ".jj", ".svn"];

/// How much of a file is looked at in one go.
const WINDOW: usize = 64 << 10;

/// What every encrypted value begins with.
const SEALED: &[u8] = b"ENC[AES256_GCM,";

/// Finds them, in the order of the command line; those of a folder by their names.
///
/// What cannot be read is found too, with the reason: the others are checked all the same.
///
/// # Errors
///
/// A name that means nothing; a folder that has no file to be checked in it.
pub(super) fn all(context: &Context, typed: &[String], input: Input) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for typed in typed {
        // without the dot that stands for it
        let folder: PathBuf = context.path(Path::new(typed)).components().collect();
        if typed.ends_with('/') && !folder.is_dir() {
            return Err(Error::new("no such folder").at(typed));
        }
        if FileKind::of_short(typed).is_some() || !folder.is_dir() {
            let document = Document::locate(context, typed)?.of_type(input.input_type)?;
            found.push(Found { document, why: None, unread: None });
            continue;
        }
        let inside = in_folder(context, &folder, typed)?;
        if inside.is_empty() {
            return Err(Error::new("no encrypted file is in this folder").at(typed));
        }
        found.extend(inside);
    }
    Ok(found)
}

fn in_folder(context: &Context, folder: &Path, typed: &str) -> Result<Vec<Found>> {
    let mut files = Vec::new();
    list(folder, &mut files);
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    let shown = |file: &Path| {
        let inside = file.strip_prefix(folder).unwrap_or(file);
        let shown = if typed == "." { inside.to_path_buf() } else { Path::new(typed).join(inside) };
        shown.to_string_lossy().into_owned()
    };
    let looked_at = files.into_par_iter().map(|(file, unread)| {
        let document = Document::at(context, file.clone(), &shown(&file))?;
        let looked = match unread {
            Some(error) => Err(error),
            None => look(&document, &file),
        };
        Ok(match looked {
            Ok(Look::Other) => None,
            Ok(Look::Encrypted) => Some(Found { document, why: None, unread: None }),
            Ok(Look::ShouldBe(why)) => Some(Found { document, why: Some(why), unread: None }),
            Err(error) => Some(Found { document, why: None, unread: Some(error) }),
        })
    });
    let looked_at: Vec<Result<Option<Found>>> = looked_at.collect();
    looked_at.into_par_iter().filter_map(Result::transpose).collect()
}

/// The regular files in a folder and those below it. Links are not followed: what they lead to is checked where it is.
fn list(folder: &Path, files: &mut Vec<(PathBuf, Option<Error>)>) {
    if let Err(error) = try_list(folder, files) {
        files.push((folder.to_path_buf(), Some(Error::io("list", folder, error))));
    }
}

fn try_list(folder: &Path, files: &mut Vec<(PathBuf, Option<Error>)>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_file() {
            files.push((entry.path(), None));
        } else if kind.is_dir() && !PASSED_OVER.iter().any(|name| entry.file_name() == *name) {
            list(&entry.path(), files);
        }
    }
    Ok(())
}

/// What a file of a folder is.
enum Look {
    /// Nothing that is to be checked.
    Other,
    /// There are encrypted values in it.
    Encrypted,
    /// Whatever is in it, it should be encrypted, for this reason.
    ShouldBe(String),
}

fn look(document: &Document, file: &Path) -> Result<Look> {
    if let Some(why) = should_be_encrypted(document, file)? {
        return Ok(Look::ShouldBe(why));
    }
    Ok(if is_sealed(file, document.format())? { Look::Encrypted } else { Look::Other })
}

/// Whether a file holds encrypted values. One that only speaks of them has another form. It may be of any size: what is
/// too large to be checked is nobody's secret where there are none in it.
fn is_sealed(file: &Path, format: Format) -> Result<bool> {
    let failed = |error| Error::io("read", file, error);
    let mut open = File::open(file).map_err(failed)?;
    let finder = memchr::memmem::Finder::new(SEALED);
    let mut window = vec![0; WINDOW];
    let mut begun = false;
    let mut kept = 0;
    loop {
        let read = match open.read(window.get_mut(kept..).unwrap_or_default()) {
            Ok(0) => return Ok(false),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        let seen = window.get(..kept + read).unwrap_or_default();
        if let Some(first) = seen.trim_ascii_start().first().filter(|_| !begun) {
            begun = true;
            if format == Format::Binary && *first != b'{' {
                return Ok(false);
            }
        }
        if finder.find(seen).is_some() {
            return Ok(true);
        }
        // the mark may be cut in two
        let all = seen.len();
        kept = all.min(SEALED.len() - 1);
        window.copy_within(all - kept..all, 0);
    }
}

/// Why a file should be encrypted, whatever is in it: by its name, its place in a fleet, or the regex of a rule. A rule
/// for every path says nothing of one file.
fn should_be_encrypted(document: &Document, file: &Path) -> Result<Option<String>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let by_name = [".sops.", ".enc."].iter().any(|part| name.find(part).is_some_and(|at| at > 0));
    if by_name || document.bound_path().is_some() {
        return Ok(Some("its name says that it is encrypted".to_owned()));
    }
    if document.format() == Format::Binary || name == RULES {
        return Ok(None);
    }
    let file = document.absolute()?;
    let Some((config, bytes)) = nearest_config(file.parent().unwrap_or(Path::new("/")))? else {
        return Ok(None);
    };
    // what is wrong with the rules is told where files are held against them
    let Ok(rules) = SopsConfig::parse(&config, &bytes) else { return Ok(None) };
    let folder = config.parent().unwrap_or(Path::new("/"));
    let Ok(Some(rule)) = rules.match_path(&relative_path(folder, &file)) else { return Ok(None) };
    let for_every_path = rule.matches("").unwrap_or(true);
    let for_nobody = rule.groups.iter().all(|group| group.keys.is_empty());
    Ok((!for_every_path && !for_nobody)
        .then(|| format!("the rule at {}:{} is for it", config.display(), rule.line)))
}
