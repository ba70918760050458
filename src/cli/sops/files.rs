//! Bytes in and out of a command of sops: the file or standard input, the file itself, another one, or standard output.

use super::call::Call;
use super::code::Code;
use super::fault::{Fault, Outcome};
use crate::cli::value::standard_input;
use crate::error::Error;
use crate::fs::{self, Turn};
use crate::secret::Secret;
use rustix::fs::Mode;
use rustix::process::umask;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const NOT_WRITTEN: &str = "Could not open in-place file for writing: ";

/// So many links may stand behind each other, as the system has it.
const LINKS: usize = 40;

/// What is read, and by which name its type and rule go.
pub(super) struct Source {
    /// The file; none for standard input.
    pub(super) path: Option<PathBuf>,
    /// The name that type and rule go by.
    pub(super) name: PathBuf,
    /// What errors call it, where that is not the path.
    shown: Option<PathBuf>,
}

impl Call<'_> {
    /// The file that a command works on, or standard input where `may_be_stdin` and no file is named.
    ///
    /// Errors: there is no such file (100).
    pub(super) fn source(&self, may_be_stdin: bool) -> Outcome<Source> {
        let typed = Some(self.word(0)).filter(|_| !may_be_stdin || !self.words().is_empty());
        let path = typed.map(|typed| self.absolute(typed));
        if let Some(path) = path.as_deref().filter(|path| !path.try_exists().unwrap_or(true)) {
            return Err(Fault::new(
                Code::NoFile,
                format!("Error: cannot operate on non-existent file {}", quoted(path)),
            ));
        }
        Ok(self.named(path))
    }

    /// The same without a look whether it is there.
    pub(super) fn named(&self, path: Option<PathBuf>) -> Source {
        let name = match self.text("filename-override") {
            "" => path.clone().unwrap_or_default(),
            name => self.absolute(name),
        };
        Source { path, name, shown: None }
    }

    /// Waits for the turn at the file, where it is to be written in place; held from before it is read.
    pub(super) fn turn(&self, source: &Source) -> Outcome<Option<Turn>> {
        let path = source.path.as_deref().filter(|_| self.is_on("in-place"));
        Ok(path.map(turn).transpose()?.flatten())
    }

    /// Writes a result: in the place of the file, to `--output`, or to standard output.
    pub(super) fn write(&self, source: &Source, in_place: bool, bytes: &[u8]) -> Outcome<()> {
        match &source.path {
            Some(path) if in_place => self.write_back(path, bytes),
            _ => match self.text("output") {
                "" => print(bytes),
                output => {
                    let path = self.context.path(Path::new(output));
                    put(&path, bytes, "Could not open output file for writing: ")
                }
            },
        }
    }

    /// Writes a file anew.
    pub(super) fn write_back(&self, path: &Path, bytes: &[u8]) -> Outcome<()> {
        put(path, bytes, NOT_WRITTEN)?;
        self.info("File written successfully");
        Ok(())
    }
}

impl Source {
    /// The same, which errors call as it was typed.
    pub(super) fn called(self, typed: &str) -> Self {
        Self { shown: Some(PathBuf::from(typed)), ..self }
    }

    /// Its bytes.
    ///
    /// Errors: it cannot be read (2).
    pub(super) fn read(&self) -> Outcome<Secret> {
        match &self.path {
            Some(path) => read(path, self.shown.as_deref().unwrap_or(path)),
            None => standard_input(fs::LIMIT_ELSEWHERE)
                .map_err(|error| Fault::of(Code::Read, "Error reading from stdin: ", &error)),
        }
    }
}

/// The bytes of a file, which errors call as it was typed.
pub(super) fn read(path: &Path, shown: &Path) -> Outcome<Secret> {
    match fs::read_source_up_to(path, fs::LIMIT_ELSEWHERE) {
        Ok(Some(source)) => Ok(source.secret),
        Ok(None) => Err(Fault::new(Code::Read, format!("Error reading file: {}", missing(shown)))),
        Err(error) => Err(Fault::of(Code::Read, "Error reading file: ", &error)),
    }
}

/// Waits for the turn at a file that is to be changed; none where there is nothing to wait for.
///
/// Errors: another program is changing it all the time (3).
pub(super) fn turn(path: &Path) -> Outcome<Option<Turn>> {
    fs::turn(path).map_err(|error| Fault::of(Code::Write, NOT_WRITTEN, &error))
}

/// What Go says of a file that is not there.
pub(super) fn missing(path: &Path) -> String {
    format!("open {}: no such file or directory", path.display())
}

/// Writes to standard output. A reader that went away ends us quietly.
pub(super) fn print(bytes: &[u8]) -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Err(Fault::new(Code::Child(141), String::new()))
        }
        Err(error) => Err(Fault::failed(format!("write /dev/stdout: {error}"))),
    }
}

/// Replaces a file whole, through links, or makes it; a pipe or device is written to.
fn put(path: &Path, bytes: &[u8], words: &str) -> Outcome<()> {
    let failed = |error: Error| Fault::of(Code::Write, words, &error);
    let is_other = path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
    if is_other {
        let open = OpenOptions::new().write(true).open(path);
        let mut file = open.map_err(|error| failed(Error::io("write", path, error)))?;
        let not_written = |error| Fault::failed(format!("write {}: {error}", path.display()));
        return file.write_all(bytes).map_err(not_written);
    }
    fs::replace(&end_of_links(path), bytes, usual_mode()).map_err(failed)
}

/// Where a link leads whose file is not there yet; any other path as it is.
fn end_of_links(path: &Path) -> PathBuf {
    let mut end = path.to_path_buf();
    for _ in 0..LINKS {
        let Ok(next) = std::fs::read_link(&end) else { return end };
        end = end.parent().unwrap_or(Path::new("/")).join(next);
    }
    // round and round: the error is about what was typed
    path.to_path_buf()
}

/// The mode of a new file, as every program makes it.
fn usual_mode() -> u32 {
    let mask = umask(Mode::empty());
    umask(mask);
    0o666 & !mask.bits()
}

/// A path in quotes, as Go shows it.
pub(super) fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}
