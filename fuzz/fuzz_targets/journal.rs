//! A journal that somebody planted, well sealed: recovery does nothing outside the repository, and never panics.
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::sync::LazyLock;
use tempfile::TempDir;
use uvars::fs::{Digest, Root, recover};

static HOME: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));

fuzz_target!(|bytes: &[u8]| {
    let Some((phase, body)) = bytes.split_first() else { return };
    let Ok(body) = std::str::from_utf8(body) else { return };
    let root = HOME.path().join("repository");
    let state = root.join(".uvars");
    fs::create_dir_all(state.join("old-0123456789abcdef")).expect("made");
    fs::write(root.join("a"), "a").expect("written");
    fs::write(HOME.path().join("victim"), "v").expect("written");
    let name = ["journal.staging", "journal.committed", "journal.undoing"][usize::from(phase % 3)];
    let path = state.join(name);
    let file =
        fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&path).expect("open");
    let inode = file.metadata().expect("looked at").ino();
    let mut text = format!("uvars journal 1\nid 0123456789abcdef\nplace {inode}\n{body}\n");
    let end = format!("end {}\n", Digest::of(text.as_bytes()));
    text.push_str(&end);
    fs::write(&path, text).expect("written");
    let outcome = recover(&Root::open(&root).expect("opened"));
    assert_eq!(fs::read(HOME.path().join("victim")).expect("still there"), b"v");
    assert_eq!(fs::read_dir(HOME.path()).expect("listed").count(), 2);
    drop(outcome);
    fs::remove_dir_all(&root).expect("removed");
});
