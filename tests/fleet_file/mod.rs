//! A file of a fleet as the library makes it, with what no command of ours would put into it.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "this is test code")]
#![allow(unreachable_pub, reason = "a module of several test binaries")]

use std::time::SystemTime;
use uvars::fs::RepoPath;
use uvars::keys::{Programs, Recipient};
use uvars::sops::{Encrypted, Format, Plain, Rules};

/// The bytes of a file for this place, with these values (YAML), for these readers.
pub fn made(place: &RepoPath, text: &str, readers: &[Recipient]) -> Vec<u8> {
    let mut plain = Plain::parse(text.as_bytes(), Format::Yaml).unwrap();
    plain.bind(place).unwrap();
    let (rules, now, programs) = (Rules::default(), SystemTime::now(), Programs::default());
    Encrypted::create(&plain, readers, &rules, now, Format::Yaml, &programs).unwrap().emit().unwrap()
}
