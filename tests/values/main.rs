//! Values through the program: get, set, unset, decrypt, verify, edit and exec on a copy of the sample fleet.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[path = "../fleet_file/mod.rs"]
mod fleet_file;
#[path = "../peers/mod.rs"]
mod peers;
#[path = "../sample_fleet/mod.rs"]
mod sample_fleet;
#[path = "../signals/mod.rs"]
mod signals;

mod changing;
mod editing;
mod reading;
mod running;
mod started;
mod terminal;
mod turns;

use sample_fleet::{Fleet, Said, key, said};
use std::process::Command;

/// Who reads most files: an admin.
const MIRA: &str = "users/mira.txt";
const BASALT: &str = "secrets/hosts/basalt.sops.yaml";
/// A value that stands nowhere else.
const SECRET: &str = "Zxqvj-s3same-Hünd";

/// The program with mira's key, in the fleet, in a session without a terminal.
fn mira(fleet: &Fleet, arguments: &[&str]) -> Command {
    let program = fleet.command();
    let mut command = Command::new("setsid");
    command.arg("--wait").arg(program.get_program()).arg("--identity").arg(key(MIRA)).args(arguments);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", "/nonexistent").current_dir(fleet.dir());
    command
}

/// Runs it with this on standard input.
fn feed(fleet: &Fleet, arguments: &[&str], input: &str) -> Said {
    said(&peers::feed(&mut mira(fleet, arguments), input.as_bytes()))
}

/// Runs it with this on standard input, and fails the test unless all is well and this is said.
#[track_caller]
fn done(fleet: &Fleet, arguments: &[&str], input: &str, out: &str) {
    let said = feed(fleet, arguments, input);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, out, ""), "{arguments:?}");
}

/// Fails the test unless it ends so, saying exactly this on standard error and nothing on standard output.
#[track_caller]
fn refused(fleet: &Fleet, arguments: &[&str], input: &str, code: i32, err: &[&str]) {
    let said = feed(fleet, arguments, input);
    let lines: Vec<_> = said.err.lines().collect();
    assert_eq!((said.code, said.out.as_str(), lines.as_slice()), (code, "", err), "{arguments:?}");
}

/// What real sops decrypts a file to, where there is one.
fn by_sops(fleet: &Fleet, file: &str) -> Option<String> {
    let mut sops = peers::command("sops")?;
    sops.current_dir(fleet.dir()).env("SOPS_AGE_KEY_FILE", key(MIRA)).args(["decrypt", file]);
    Some(String::from_utf8(peers::succeed(&mut sops)).unwrap())
}

/// The line of a file that has this name in front.
fn line<'t>(text: &'t str, name: &str) -> &'t str {
    text.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("no {name}"))
}
