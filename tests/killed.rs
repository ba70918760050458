//! The commands that write many files, killed in the middle: after the next run everything is old or everything is new.
//!
//! strace kills the built program at its renames, fsyncs, links and unlinks, one after the other; all of them with
//! `UVARS_DEEP=1`, else some of each.

#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod peers;
mod scratch;

use scratch::{Scratch, ran};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The calls at which it is killed.
const CALLS: [&str; 6] = ["renameat", "renameat2", "fsync", "linkat", "unlinkat", "fdatasync"];

/// Path and bytes of every file of the fleet, git's own left out.
type Files = BTreeMap<PathBuf, Vec<u8>>;

#[test]
fn generate() {
    everything_or_nothing(|template| {
        let names: Vec<String> = (0..20).map(|number| format!("u{number}")).collect();
        let answers = answers(template, "second");
        format!("generate --regenerate --answers {} {}", answers.display(), names.join(" "))
    });
}

#[test]
fn sync() {
    everything_or_nothing(|template| {
        template.give_key("admins/bob");
        "sync".to_owned()
    });
}

#[test]
fn key_rotate() {
    everything_or_nothing(|_| {
        let made = uvars::keys::generate("2026-01-01T00:00:00Z").unwrap();
        format!("key rotate hosts/cinnabar {}", made.recipient)
    });
}

/// Runs the command that `prepare` returns once undisturbed, then killed at every call.
fn everything_or_nothing(prepare: impl Fn(&Scratch) -> String) {
    let Some(strace) = peers::find("strace") else { return };
    let template = fleet();
    let command = &prepare(&template);
    let old = files(&template.root());
    let whole = copy(&template);
    let log = template.beside("log");
    let undisturbed = run(&template, &whole, &strace, &log, None, command);
    assert_eq!(undisturbed.code, 0, "{}", undisturbed.all());
    let new = files(&whole);
    let changed = differing(&old, &new);
    assert!(changed.len() >= 20, "{changed:?}");
    let (mut kept, mut done, mut killed) = (0, 0, 0);
    let mut count = 0;
    for (call, at) in points(&fs::read_to_string(&log).unwrap()) {
        count += 1;
        let root = copy(&template);
        let inject = format!("{call}:signal=KILL:when={at}");
        let ended = run(&template, &root, &strace, &log, Some(&inject), command);
        killed += usize::from(ended.code != 0);
        let mut next = template.uvars(["recover"]);
        let next = ran(next.current_dir(&root), b"");
        assert_eq!(next.code, 0, "{inject}: {}", next.all());
        let now = files(&root);
        let differs = differing(&old, &now);
        if differs.is_empty() {
            kept += 1;
        } else {
            assert_eq!(differs, changed, "{inject}: neither old nor new");
            done += 1;
        }
        fs::remove_dir_all(&root).unwrap();
    }
    // threads share the work, so that now and then a call is not made as often as the first time
    assert!(killed * 10 >= count * 9, "{killed} of {count} were killed");
    assert!(kept > 0 && done > 0, "killed before and behind the commit mark: {kept} old, {done} new");
}

/// Twenty users with a password, under git.
fn fleet() -> Scratch {
    let mut inventory = String::from(
        "version: 1\nsettings: { password_hash: { kind: yescrypt, cost: 1 } }\nhosts:\n  cinnabar: { platform: nixos }\nusers:\n",
    );
    for number in 0..20 {
        writeln!(inventory, "  u{number}: {{ hosts: [cinnabar], password: {{ share: true }} }}").unwrap();
    }
    let scratch = Scratch::with(&inventory);
    for stray in ["keys/hosts/galena.pub", "keys/hosts/rosegold.pub"] {
        fs::remove_file(scratch.root().join(stray)).unwrap();
    }
    let git = Command::new("git").args(["init", "-q"]).current_dir(scratch.root()).status().unwrap();
    assert!(git.success());
    let first = answers(&scratch, "first");
    drop(scratch.run("rules --write").code(0));
    drop(scratch.run(&format!("generate --answers {}", first.display())).code(0).says("20 files written"));
    scratch
}

fn answers(scratch: &Scratch, word: &str) -> PathBuf {
    let lines: String = (0..20).fold(String::new(), |mut lines, number| {
        writeln!(lines, "u{number}: {word}").unwrap();
        lines
    });
    scratch.private_file(word, lines)
}

fn run(
    template: &Scratch,
    root: &Path,
    strace: &Path,
    log: &Path,
    inject: Option<&str>,
    command: &str,
) -> scratch::Ran {
    let program = template.uvars(command.split(' '));
    let mut traced = Command::new(strace);
    traced.args(["-f", "-qq", "-e", &format!("trace={}", CALLS.join(",")), "-o"]).arg(log);
    if let Some(inject) = inject {
        traced.args(["-e", &format!("inject={inject}")]);
    }
    traced.arg(program.get_program()).args(program.get_args()).current_dir(root);
    traced.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    traced.env("SOPS_AGE_KEY_FILE", template.private("admins/ann"));
    ran(&mut traced, b"")
}

/// Each call with its number, thinned unless everything is wanted.
fn points(log: &str) -> Vec<(&'static str, usize)> {
    let deep = std::env::var_os("UVARS_DEEP").is_some();
    let mut points = Vec::new();
    for call in CALLS {
        let mark = format!(" {call}(");
        let count = log.lines().filter(|line| line.contains(&mark)).count();
        let step = if deep { 1 } else { (count / 3).max(1) };
        points.extend((1..=count).step_by(step).map(|at| (call, at)));
        if count > 0 {
            points.push((call, count));
        }
    }
    points
}

/// The fleet in a folder of its own, to be spoilt.
fn copy(template: &Scratch) -> PathBuf {
    let to = template.beside("copy");
    drop(fs::remove_dir_all(&to));
    let status = Command::new("cp").arg("-a").arg(template.root()).arg(&to).status().unwrap();
    assert!(status.success());
    to
}

fn differing(old: &Files, new: &Files) -> BTreeSet<PathBuf> {
    let paths: BTreeSet<&PathBuf> = old.keys().chain(new.keys()).collect();
    paths.into_iter().filter(|path| old.get(*path) != new.get(*path)).cloned().collect()
}

fn files(root: &Path) -> Files {
    let mut found = Files::new();
    collect(root, root, &mut found);
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name == ".git") {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            found.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
}
