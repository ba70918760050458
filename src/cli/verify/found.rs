//! The files that a command line means: those that it names, and those in folders that it names.

use super::content::{self, SEALED};
use super::should::Expected;
use crate::cli::context::Context;
use crate::cli::document::Document;
use crate::cli::format::Input;
use crate::error::{Error, Result, as_file};
use crate::fleet::FileKind;
use crate::sops::{Encrypted, Format};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};

/// A file to be checked.
pub(super) struct Found {
    pub(super) document: Document,
    /// Why it should be encrypted, where somebody named its folder and not the file.
    why: Option<String>,
    /// Whether somebody said what it is.
    is_typed: bool,
    /// Why it could not be looked at, or the folder that it is.
    pub(super) unread: Option<Error>,
}

impl Found {
    /// Reads it as an encrypted file. Where neither its name nor anybody says in what format, its content does.
    pub(super) fn parse(&mut self, bytes: &[u8]) -> Result<Encrypted> {
        let by_content = self.document.format() == Format::Binary && !self.is_typed;
        let content = content::format_of(bytes).filter(|_| by_content);
        if let Some(format) = content {
            self.document.read_as(format);
        }
        Encrypted::parse(bytes, self.document.format()).map_err(|error| {
            let is_in_clear = by_content && content.is_none() && self.why.is_some();
            let error = if is_in_clear { not_encrypted(self.document.shown()) } else { error };
            self.say_why(error.at(self.document.shown()))
        })
    }

    /// The error of a file that is not an encrypted one.
    fn say_why(&self, error: Error) -> Error {
        match &self.why {
            Some(why) => error.hint(why),
            None => error,
        }
    }
}

/// The error of a file that should be encrypted, and has nothing in it that is.
fn not_encrypted(name: &str) -> Error {
    Error::new("this is not an encrypted file")
        .hint(format!("to encrypt it: uvars encrypt -i {}", as_file(name)))
}

/// Folders that are no place for files of one's own.
const PASSED_OVER: [&str; 4] = [".git", ".hg", ".jj", ".svn"];

/// How much of a file is looked at in one go.
const WINDOW: usize = 64 << 10;

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
            let is_typed = input.input_type.is_some();
            found.push(Found { document, why: None, is_typed, unread: None });
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
    let expected = Expected::default();
    let looked_at = files.into_par_iter().map(|(file, unread)| {
        let document = Document::at(context, file.clone(), &shown(&file))?;
        let looked = match unread {
            Some(error) => Err(error),
            None => look(&document, &file, &expected),
        };
        Ok(match looked {
            Ok(Look::Other) => None,
            Ok(Look::Encrypted) => Some(Found { document, why: None, is_typed: false, unread: None }),
            Ok(Look::ShouldBe(why)) => {
                Some(Found { document, why: Some(why), is_typed: false, unread: None })
            }
            Err(error) => Some(Found { document, why: None, is_typed: false, unread: Some(error) }),
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

fn look(document: &Document, file: &Path, expected: &Expected) -> Result<Look> {
    if let Some(why) = expected.why(document, file)? {
        return Ok(Look::ShouldBe(why));
    }
    Ok(if is_sealed(file, document.format())? { Look::Encrypted } else { Look::Other })
}

/// Whether a file holds encrypted values. It may be of any size: what is too large to be checked is nobody's secret where
/// there are none in it. Of a name that says no format, the content must have the form of one: many a text speaks of
/// encrypted files.
fn is_sealed(file: &Path, format: Format) -> Result<bool> {
    let failed = |error| Error::io("read", file, error);
    let open = File::open(file).map_err(failed)?;
    if format == Format::Binary { has_metadata(open) } else { has_mark(open) }.map_err(failed)
}

fn has_metadata(mut open: File) -> io::Result<bool> {
    let (size, window) = (content::END as u64, WINDOW as u64);
    let mut begin = Vec::new();
    (&open).take(window).read_to_end(&mut begin)?;
    if !content::may_be_encrypted(&begin) {
        return Ok(false);
    }
    let is_whole = open.metadata()?.len() <= 2 * size;
    (&open).take(if is_whole { 2 * size } else { size } - window).read_to_end(&mut begin)?;
    let mut end = Vec::new();
    if !is_whole {
        open.seek(io::SeekFrom::End(-i64::try_from(size).unwrap_or_default()))?;
        open.take(size).read_to_end(&mut end)?;
    }
    Ok(content::format_by_ends(&begin, &end).is_some())
}

fn has_mark(mut open: File) -> io::Result<bool> {
    let finder = memchr::memmem::Finder::new(SEALED);
    let mut window = vec![0; WINDOW];
    let mut kept = 0;
    loop {
        let read = match open.read(window.get_mut(kept..).unwrap_or_default()) {
            Ok(0) => return Ok(false),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let seen = window.get(..kept + read).unwrap_or_default();
        if finder.find(seen).is_some() {
            return Ok(true);
        }
        // the mark may be cut in two
        let all = seen.len();
        kept = all.min(SEALED.len() - 1);
        window.copy_within(all - kept..all, 0);
    }
}
