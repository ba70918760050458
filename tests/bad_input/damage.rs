//! What can be wrong with any file, whatever it holds.

use crate::place::Place;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

/// A damage with its name.
pub type Damage = (&'static str, fn(&Place, &Path));

/// Done to every file.
pub const EVERY: [Damage; 13] = [
    ("absent", |_, file| fs::remove_file(file).unwrap()),
    ("empty", |_, file| fs::write(file, "").unwrap()),
    ("cut in the middle", |_, file| {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    }),
    ("huge", |_, file| {
        let file = fs::OpenOptions::new().write(true).open(file).unwrap();
        file.set_len((64 << 20) + 1).unwrap();
    }),
    ("not UTF-8", |_, file| {
        let mut bytes = fs::read(file).unwrap();
        bytes.insert(bytes.len() / 2, 0xff);
        fs::write(file, bytes).unwrap();
    }),
    ("CRLF", |_, file| {
        let text = fs::read_to_string(file).unwrap();
        fs::write(file, text.replace('\n', "\r\n")).unwrap();
    }),
    ("byte order mark", |_, file| {
        let bytes = fs::read(file).unwrap();
        fs::write(file, [b"\xef\xbb\xbf", bytes.as_slice()].concat()).unwrap();
    }),
    ("unreadable", |_, file| fs::set_permissions(file, fs::Permissions::from_mode(0o000)).unwrap()),
    ("a folder", |_, file| {
        fs::remove_file(file).unwrap();
        fs::create_dir(file).unwrap();
    }),
    ("a fifo", |_, file| {
        fs::remove_file(file).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(file).status().unwrap().success());
    }),
    ("a link to nothing", |_, file| {
        fs::remove_file(file).unwrap();
        symlink("nothing", file).unwrap();
    }),
    ("a link inside", |place, file| {
        let moved = place.at(if file.starts_with(place.at("fleet")) { "fleet/moved" } else { "moved" });
        fs::rename(file, &moved).unwrap();
        symlink(moved, file).unwrap();
    }),
    ("a link out of the repository", |place, file| {
        let outside = place.at("outside");
        fs::rename(file, &outside).unwrap();
        symlink(outside, file).unwrap();
    }),
];
