//! Several who change one file at the same time: each has its turn, and none is lost without a word.

use super::{BASALT, MIRA, feed, mira};
use crate::peers;
use crate::sample_fleet::{Fleet, Said, key, said};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How many at once.
const MANY: usize = 12;

fn elsewhere(fleet: &Fleet) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.sops.yaml");
    fs::copy(fleet.path(BASALT), &file).unwrap();
    (folder, file.to_str().unwrap().to_owned())
}

/// `sops` with these words and mira's key, started by these other words if any.
fn sops(fleet: &Fleet, starter: &[&str], words: &[&str]) -> Command {
    let program = fleet.command();
    let mut all = starter.iter().map(std::ffi::OsStr::new).chain([program.get_program(), "sops".as_ref()]);
    let mut command = Command::new(all.next().unwrap());
    command.args(all).args(words).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", "/nonexistent").env("SOPS_AGE_KEY_FILE", key(MIRA)).current_dir(fleet.dir());
    command.stdin(Stdio::null());
    command
}

fn sops_set(fleet: &Fleet, file: &str, name: &str) -> Said {
    said(&sops(fleet, &[], &["set", file, &format!("[\"{name}\"]"), "\"v\""]).output().unwrap())
}

fn has(fleet: &Fleet, file: &str, name: &str) -> bool {
    feed(fleet, &["get", file, name], "").code == 0
}

/// Runs it so many times at once; each must end well and its value be there afterwards.
fn at_once(fleet: &Fleet, file: &str, set: impl Fn(&str) -> Said + Sync) {
    let names: Vec<_> = (0..MANY).map(|number| format!("v{number}")).collect();
    std::thread::scope(|scope| {
        let set = &set;
        let all: Vec<_> = names.iter().map(|name| scope.spawn(move || set(name))).collect();
        for one in all {
            let said = one.join().unwrap();
            assert_eq!(said.code, 0, "{}", said.err);
        }
    });
    let lost: Vec<_> = names.iter().filter(|name| !has(fleet, file, name)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

/// Somebody who has the turn and does nothing.
fn stuck(file: &str) -> Child {
    let mut command = Command::new("flock");
    command.arg("--no-fork").arg(file).args(["sh", "-c", "echo held; exec sleep 600"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0; 5]).unwrap();
    child
}

#[test]
fn many_who_set_values_outside_of_a_fleet_at_once_all_do() {
    let fleet = Fleet::copy();
    let (_folder, file) = elsewhere(&fleet);
    at_once(&fleet, &file, |name| feed(&fleet, &["set", &file, name], "v"));
}

#[test]
fn many_who_set_values_by_sops_at_once_all_do() {
    let fleet = Fleet::copy();
    let (_folder, file) = elsewhere(&fleet);
    at_once(&fleet, &file, |name| sops_set(&fleet, &file, name));
    at_once(&fleet, BASALT, |name| sops_set(&fleet, BASALT, name));
}

#[test]
fn who_sets_values_by_sops_in_a_fleet_and_who_does_not_lose_nothing_without_a_word() {
    let fleet = Fleet::copy();
    let names: Vec<_> = (0..MANY).map(|number| format!("v{number}")).collect();
    let done: Vec<&String> = std::thread::scope(|scope| {
        let fleet = &fleet;
        let mut all = Vec::new();
        for (number, name) in names.iter().enumerate() {
            all.push(scope.spawn(move || match number % 2 {
                0 => (name, sops_set(fleet, BASALT, name)),
                _ => (name, feed(fleet, &["set", BASALT, name], "v")),
            }));
        }
        let all = all.into_iter().map(|one| one.join().unwrap());
        let told = "was changed by somebody else meanwhile";
        all.filter(|(name, said)| {
            assert!(said.code == 0 || said.err.contains(told), "{name}: {}", said.err);
            said.code == 0
        })
        .map(|(name, _)| name)
        .collect()
    });
    let lost: Vec<_> = done.iter().filter(|name| !has(&fleet, BASALT, name)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn who_never_has_the_turn_is_told_which_file() {
    let fleet = Fleet::copy();
    let (_folder, file) = elsewhere(&fleet);
    let before = fs::read(&file).unwrap();
    let mut other = stuck(&file);
    let (ours, sops) = std::thread::scope(|scope| {
        let ours = scope.spawn(|| feed(&fleet, &["set", &file, "v"], "v"));
        let sops = sops_set(&fleet, &file, "v");
        (ours.join().unwrap(), sops)
    });
    other.kill().unwrap();
    other.wait().unwrap();
    let why = format!("{file}: another program is changing it, and has not come to an end");
    assert_eq!((ours.code, sops.code), (1, 3), "{}{}", ours.err, sops.err);
    for err in [ours.err, sops.err] {
        assert!(err.contains(&why) && err.contains("then run the same command again"), "{err}");
    }
    assert!(fs::read(&file).unwrap() == before);
}

#[test]
fn scripts_may_have_the_turn_for_those_they_start() {
    let fleet = Fleet::copy();
    let (_folder, file) = elsewhere(&fleet);
    let start = Instant::now();
    peers::succeed(&mut sops(&fleet, &["flock", &file], &["set", &file, "[\"v\"]", "\"v\""]));
    assert!(start.elapsed() < Duration::from_secs(9), "it waited for itself");
    assert!(has(&fleet, &file, "v"));
}

#[test]
fn a_file_that_is_named_twice_is_not_waited_for() {
    let fleet = Fleet::copy();
    let (folder, file) = elsewhere(&fleet);
    let other = folder.path().join("y.sops.yaml");
    std::os::unix::fs::symlink(&file, &other).unwrap();
    let start = Instant::now();
    let said = feed(&fleet, &["rotate", &file, &file], "");
    assert_eq!(said.code, 0, "{}", said.err);
    let said = feed(&fleet, &["rotate", &file, other.to_str().unwrap()], "");
    assert!(said.err.contains("was changed by somebody else meanwhile"), "{}", said.err);
    assert!(start.elapsed() < Duration::from_secs(9), "it waited for itself");
}

#[test]
fn nobody_waits_for_an_editor() {
    let fleet = Fleet::copy();
    let (folder, file) = elsewhere(&fleet);
    let script = folder.path().join("e.sh");
    let program = fleet.command().get_program().to_str().unwrap().to_owned();
    let key = key(MIRA);
    let set = format!("SOPS_AGE_KEY_FILE={} {program} sops set {file} '[\"theirs\"]' '\"v\"'", key.display());
    let text = format!("{set} || exit 1\necho 'ours: v' >> \"$1\"\n");
    fs::write(&script, text).unwrap();
    let editor = format!("sh {}", script.display());
    let start = Instant::now();
    let mut command = sops(&fleet, &[], &["edit", &file]);
    let by_sops = said(&command.env("EDITOR", &editor).output().unwrap());
    let mut command = mira(&fleet, &["edit", &file]);
    command.env("EDITOR", &editor).stdin(Stdio::null());
    // so that setting it is a change again
    assert_eq!(feed(&fleet, &["unset", &file, "theirs"], "").code, 0);
    let ours = said(&command.output().unwrap());
    assert!(start.elapsed() < Duration::from_secs(9), "it waited for the editor");
    for said in [by_sops, ours] {
        assert!(said.code == 1 && said.err.contains("changed by somebody else meanwhile"), "{}", said.err);
    }
    assert!(has(&fleet, &file, "theirs") && !has(&fleet, &file, "ours"));
}
