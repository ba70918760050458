//! Reads that tell absent from unreadable.
//!
//! A file that is not there is `None`; whatever else keeps it from being read is an error that names it, so
//! that nothing is ever taken for empty and written back. No read waits on a fifo or a terminal that was
//! not asked for, and none goes on without a limit.

use crate::secret::Secret;
use crate::{Error, Result};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;
use zeroize::Zeroizing;

/// How large a file may be, in bytes: far more than any file of ours, far less than memory.
pub const LIMIT: u64 = 64 << 20;

/// How large a file may be that somebody encrypts or decrypts outside of a repository.
pub const LIMIT_ELSEWHERE: u64 = 256 << 20;

/// Room behind a file's bytes: by one byte its end is seen, and whoever keeps the bytes may put a few behind them.
const SLACK: usize = 64;

/// A file that was read, with what its reader may want to know about it.
#[derive(Debug)]
pub struct Source {
    /// What it held; it may well be a password or a private key.
    pub secret: Secret,
    /// Its permission bits, `0o600` and the like.
    pub mode: u32,
    /// The user that owns it.
    pub owner: u32,
    /// Whether it is a pipe, whose bytes are nowhere else.
    pub pipe: bool,
}

/// Reads a regular file through whatever links lead to it.
///
/// `None` only where nothing has that name. A directory, fifo, socket or device, a link to nothing and a file
/// of more than [`LIMIT`] bytes are errors.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    read_up_to(path, LIMIT)
}

/// The same with another limit, in bytes.
pub fn read_up_to(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    open(path, OFlags::NONBLOCK)?.map(|file| contents_up_to(file, path, limit)).transpose()
}

/// Reads a file, a pipe such as `/dev/stdin` and the shell's `<(…)` name, or a device as `/dev/null` is one, to its end.
///
/// For what a person names on the command line: waits for a pipe's writer.
pub fn read_source(path: &Path) -> Result<Option<Source>> {
    read_source_up_to(path, LIMIT)
}

/// The same with another limit, in bytes.
pub fn read_source_up_to(path: &Path, limit: u64) -> Result<Option<Source>> {
    open(path, OFlags::empty())?.map(|file| source(file, path, limit)).transpose()
}

/// The same for what is open already, such as standard input, which may belong to somebody else.
pub fn read_open(file: File, shown: &Path) -> Result<Source> {
    source(file, shown, LIMIT)
}

fn open(path: &Path, flags: OFlags) -> Result<Option<File>> {
    let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
        Ok(file) => Ok(Some(File::from(file))),
        Err(error) => absent_or(path, error.into()),
    }
}

/// Nothing has that name, or else an error: a link to nothing is not nothing.
fn absent_or<T>(path: &Path, error: io::Error) -> Result<Option<T>> {
    if error.kind() != io::ErrorKind::NotFound {
        return Err(Error::io("open", path, error));
    }
    match rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Err(Error::new("is a link to nothing").at(path)),
        Err(_) => Ok(None),
    }
}

/// The bytes of an open file, which must be a regular one.
pub(super) fn contents(file: File, path: &Path) -> Result<Vec<u8>> {
    contents_up_to(file, path, LIMIT)
}

fn contents_up_to(file: File, path: &Path, limit: u64) -> Result<Vec<u8>> {
    let metadata = look(&file, path)?;
    if !metadata.is_file() {
        return Err(no_file(&metadata, path));
    }
    let bytes = up_to_limit(file, metadata.len(), path, limit)?;
    Ok(std::mem::take(&mut *bytes.into_inner()))
}

fn source(file: File, path: &Path, limit: u64) -> Result<Source> {
    let metadata = look(&file, path)?;
    let pipe = metadata.file_type().is_fifo();
    if !metadata.is_file() && !pipe && !metadata.file_type().is_char_device() {
        return Err(no_file(&metadata, path));
    }
    let secret = up_to_limit(file, metadata.len(), path, limit)?;
    Ok(Source { secret, mode: metadata.mode() & 0o7777, owner: metadata.uid(), pipe })
}

fn look(file: &File, path: &Path) -> Result<Metadata> {
    file.metadata().map_err(|error| Error::io("look at", path, error))
}

fn no_file(metadata: &Metadata, path: &Path) -> Error {
    Error::new(format!("is {}, not a file", kind(metadata.file_type()))).at(path)
}

/// Reads to the end; a buffer that has become too small is wiped, since it may hold a secret.
fn up_to_limit(mut file: File, expected: u64, path: &Path, limit: u64) -> Result<Secret> {
    if expected > limit {
        return Err(too_large(path, limit));
    }
    let capacity = usize::try_from(expected).unwrap_or(0).saturating_add(SLACK).max(4096);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    loop {
        if bytes.len() == bytes.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(bytes.capacity() * 2));
            larger.extend_from_slice(&bytes);
            bytes = larger;
        }
        let room = bytes.capacity() - bytes.len();
        let got = file
            .by_ref()
            .take(room as u64)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::io("read", path, error))?;
        if bytes.len() as u64 > limit {
            return Err(too_large(path, limit));
        }
        if got < room {
            return Ok(Secret::new(std::mem::take(&mut *bytes)));
        }
    }
}

/// Refuses to write what could not be read again.
pub(super) fn must_be_readable(bytes: &[u8], path: impl AsRef<Path>, limit: u64) -> Result<()> {
    if bytes.len() as u64 <= limit {
        return Ok(());
    }
    Err(Error::new(format!("would be larger than {} MiB, which uvars does not read", limit >> 20))
        .at(path.as_ref())
        .hint("nothing was written; split it into several files"))
}

fn too_large(path: &Path, limit: u64) -> Error {
    Error::new(format!("is larger than {} MiB", limit >> 20)).at(path)
}

/// What a thing that is not a regular file is called.
fn kind(file_type: std::fs::FileType) -> &'static str {
    match () {
        () if file_type.is_dir() => "a directory",
        () if file_type.is_fifo() => "a fifo",
        () if file_type.is_socket() => "a socket",
        () if file_type.is_symlink() => "a link",
        () => "a device",
    }
}

/// The same for what a directory entry or `stat` says.
pub(super) fn kind_of(file_type: FileType) -> &'static str {
    match file_type {
        FileType::RegularFile => "a file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a link",
        FileType::Fifo => "a fifo",
        FileType::Socket => "a socket",
        _ => "a device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn message(path: &Path) -> String {
        read(path).unwrap_err().message().to_owned()
    }

    #[test]
    fn absent_is_none_and_empty_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(&dir.path().join("none")).unwrap(), None);
        assert_eq!(read(&dir.path().join("no/such/folder")).unwrap(), None);
        let file = dir.path().join("empty");
        std::fs::write(&file, b"").unwrap();
        assert_eq!(read(&file).unwrap(), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_file_is_an_error_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        assert_eq!(message(&fifo), "is a fifo, not a file");
        assert_eq!(message(dir.path()), "is a directory, not a file");
        assert_eq!(message(Path::new("/dev/null")), "is a device, not a file");
        let link = dir.path().join("link");
        symlink("nowhere", &link).unwrap();
        assert_eq!(message(&link), "is a link to nothing");
        symlink("round", dir.path().join("round")).unwrap();
        assert_eq!(message(&dir.path().join("round")), "cannot open");
        std::fs::write(dir.path().join("file"), b"").unwrap();
        assert_eq!(message(&dir.path().join("file/below")), "cannot open");
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(message(&socket), "cannot open");
    }

    #[test]
    fn a_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), b"x").unwrap();
        symlink("file", dir.path().join("link")).unwrap();
        assert_eq!(read(&dir.path().join("link")).unwrap(), Some(b"x".to_vec()));
    }

    #[test]
    fn a_huge_file_is_refused_without_being_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("huge");
        File::create(&path).unwrap().set_len(LIMIT + 1).unwrap();
        assert_eq!(message(&path), "is larger than 64 MiB");
        assert!(read_source_up_to(&path, LIMIT_ELSEWHERE).is_ok());
        File::create(&path).unwrap().set_len(LIMIT_ELSEWHERE + 1).unwrap();
        let error = read_source_up_to(&path, LIMIT_ELSEWHERE).unwrap_err();
        assert_eq!(error.message(), "is larger than 256 MiB");
        // room for such a one would be more than any memory
        File::create(&path).unwrap().set_len(1 << 42).unwrap();
        assert_eq!(message(&path), "is larger than 64 MiB");
    }

    #[test]
    fn a_file_that_outgrows_the_limit_while_it_is_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("endless");
        File::create(&path).unwrap().set_len(LIMIT + 1).unwrap();
        let error = up_to_limit(File::open(&path).unwrap(), LIMIT, &path, LIMIT).unwrap_err();
        assert_eq!(error.message(), "is larger than 64 MiB");
    }

    #[test]
    fn a_file_that_grows_while_it_is_read_is_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let bytes: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), bytes);
        let short = up_to_limit(File::open(&path).unwrap(), 10, &path, LIMIT).unwrap();
        assert_eq!(short.expose(), bytes);
    }

    #[test]
    fn a_source_may_be_a_pipe() {
        let (reader, mut writer) = io::pipe().unwrap();
        io::Write::write_all(&mut writer, b"pw\n").unwrap();
        drop(writer);
        let name = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
        let source = read_source(Path::new(&name)).unwrap().unwrap();
        assert_eq!((source.secret.expose(), source.pipe), (b"pw\n".as_slice(), true));
    }

    #[test]
    fn a_source_may_be_a_device_that_ends() {
        assert_eq!(read_source(Path::new("/dev/null")).unwrap().unwrap().secret.expose(), b"");
    }

    #[test]
    fn a_source_tells_its_mode_and_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("answers");
        std::fs::write(&path, b"jon: x\n").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        let source = read_source(&path).unwrap().unwrap();
        assert_eq!((source.mode, source.pipe), (0o640, false));
        assert_eq!(source.owner, rustix::process::geteuid().as_raw());
    }
}
