//! The files that a command line means: those that it names, and those in folders that it names.

use crate::cli::changes::RULES;
use crate::cli::context::Context;
use crate::cli::document::Document;
use crate::cli::format::Input;
use crate::cli::layout::nearest_config;
use crate::error::{Error, Result};
use crate::fleet::FileKind;
use crate::fs;
use crate::rules::{SopsConfig, relative_path};
use crate::sops::Format;
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use std::path::{Path, PathBuf};

/// A file to be checked.
pub(super) struct Found {
    pub(super) document: Document,
    /// Why it should be encrypted, where somebody named its folder and not the file.
    why: Option<String>,
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

/// What every encrypted value begins with.
const SEALED: &[u8] = b"ENC[AES256_GCM,";

/// Finds them, in the order of the command line; those of a folder by their names.
///
/// # Errors
///
/// A name that means nothing; a folder that cannot be read, or has no file to be checked in it.
pub(super) fn all(context: &Context, typed: &[String], input: Input) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for typed in typed {
        let folder = context.path(Path::new(typed));
        if typed.ends_with('/') && !folder.is_dir() {
            return Err(Error::new("no such folder").at(typed));
        }
        if FileKind::of_short(typed).is_some() || !folder.is_dir() {
            let document = Document::locate(context, typed)?.of_type(input.input_type)?;
            found.push(Found { document, why: None });
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
    list(folder, &mut files)?;
    files.sort();
    let shown = |file: &Path| {
        let inside = file.strip_prefix(folder).unwrap_or(file);
        let shown = if typed == "." { inside.to_path_buf() } else { Path::new(typed).join(inside) };
        shown.to_string_lossy().into_owned()
    };
    let looked_at = files.par_iter().map(|file| {
        let document = Document::at(context, file.clone(), &shown(file))?;
        let why = should_be_encrypted(&document, file)?;
        let checked = why.is_some() || is_sealed(file, document.format())?;
        Ok(checked.then_some(Found { document, why }))
    });
    let looked_at: Vec<Result<Option<Found>>> = looked_at.collect();
    looked_at.into_par_iter().filter_map(Result::transpose).collect()
}

/// The regular files in a folder and those below it. Links are not followed: what they lead to is checked where it is.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let cannot = |error| Error::io("list", folder, error);
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let kind = entry.file_type().map_err(cannot)?;
        if kind.is_file() {
            files.push(entry.path());
        } else if kind.is_dir() && !PASSED_OVER.iter().any(|name| entry.file_name() == *name) {
            list(&entry.path(), files)?;
        }
    }
    Ok(())
}

/// Whether a file holds encrypted values. One that only speaks of them has another form.
fn is_sealed(file: &Path, format: Format) -> Result<bool> {
    let bytes = fs::read(file)?.unwrap_or_default();
    let form = format != Format::Binary || bytes.trim_ascii_start().starts_with(b"{");
    Ok(form && memchr::memmem::find(&bytes, SEALED).is_some())
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
