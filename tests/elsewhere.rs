//! Files of a fleet by commands that run somewhere else: where a file is decides what is checked, not where the command
//! runs.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "this is test code")]

mod peers;
mod sample_fleet;

use sample_fleet::{Fleet, Said, key, said};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

const MIRA: &str = "users/mira.txt";
const WIFI: &str = "secrets/shared/wifi.sops.yaml";
const BASALT: &str = "secrets/hosts/basalt.sops.yaml";

/// Runs as mira in a folder, with a value on standard input.
fn run_in(fleet: &Fleet, folder: &Path, arguments: &[&str]) -> Said {
    let mut command = fleet.command();
    command.current_dir(folder).arg("--identity").arg(key(MIRA)).args(arguments);
    command.env("EDITOR", "sh -c 'echo new: 1 >> $0'");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // a verb that takes no input may be gone by now
    let _ = child.stdin.take().unwrap().write_all(b"tok3n\n");
    said(&child.wait_with_output().unwrap())
}

/// Somebody who reads one file has put it in the place of another.
fn swapped() -> Fleet {
    let fleet = Fleet::copy();
    fs::copy(fleet.path(WIFI), fleet.path(BASALT)).unwrap();
    fleet
}

#[test]
fn a_file_in_the_place_of_another_is_refused_from_everywhere() {
    let fleet = swapped();
    let planted = fleet.read(BASALT);
    let other = Fleet::copy();
    let file = fleet.path(BASALT);
    let link = fleet.beside("link.yaml");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for folder in [fleet.dir(), fleet.dir().parent().unwrap(), Path::new("/"), other.dir()] {
        for file in [file.to_str().unwrap(), link.to_str().unwrap()] {
            for verb in [
                &["get", file, "password"][..],
                &["decrypt", file],
                &["verify", file],
                &["set", file, "new"],
                &["unset", file, "password"],
                &["edit", file],
                &["exec", file, "--", "true"],
            ] {
                let said = run_in(&fleet, folder, verb);
                assert_eq!(said.code, 1, "{folder:?} {verb:?}: {}{}", said.out, said.err);
                assert!(said.err.contains("uvars_path: this file was not written for"), "{}", said.err);
                assert_eq!(fleet.read(BASALT), planted);
            }
        }
    }
}

#[test]
fn whoever_writes_from_elsewhere_makes_the_readers_right() {
    let fleet = Fleet::copy();
    let old = fleet.read(WIFI);
    let out = fleet.beside("new.txt");
    fleet.must(MIRA, &["key", "rotate", "hosts/amber", "--generate", "--out", out.to_str().unwrap()]);
    let new = fleet.read(WIFI);
    let recipients = |text: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.split_once("recipient: "))
            .map(|(_, key)| key.to_owned())
            .collect()
    };
    assert_ne!(recipients(&old), recipients(&new));
    // somebody has put the old one back, which the old key opens
    fs::write(fleet.path(WIFI), old).unwrap();
    let said = run_in(&fleet, Path::new("/"), &["set", fleet.path(WIFI).to_str().unwrap(), "new"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(recipients(&fleet.read(WIFI)), recipients(&new), "{}", said.err);
}

#[test]
fn a_fleet_planted_among_the_files_of_another_is_refused() {
    let fleet = swapped();
    for folder in ["secrets", "secrets/hosts", "keys"] {
        let planted = fleet.path(&format!("{folder}/uvars.yaml"));
        fs::write(&planted, "version: 1\nhosts: {}\nusers: {}\n").unwrap();
        let inside = fleet.path(folder);
        let file = fleet.path(if folder == "keys" { "keys/hosts/x.sops.yaml" } else { BASALT });
        for verb in [&["verify", file.to_str().unwrap()][..], &["key", "list"]] {
            let said = run_in(&fleet, &inside, verb);
            assert_eq!(said.code, 1, "{verb:?}: {}{}", said.out, said.err);
            assert!(said.err.contains("lies among the files of the fleet"), "{}", said.err);
        }
        fs::remove_file(planted).unwrap();
    }
}

#[test]
fn a_verb_of_one_fleet_takes_no_file_of_another() {
    let (fleet, other) = (Fleet::copy(), Fleet::copy());
    let theirs = other.path(WIFI);
    let theirs = theirs.to_str().unwrap();
    for verb in [&["sync", theirs][..], &["rotate", theirs], &["bind", "--yes", theirs]] {
        let said = run_in(&fleet, fleet.dir(), verb);
        assert_eq!(said.code, 2, "{verb:?}: {}", said.err);
        assert!(said.err.contains("is in another fleet") && said.err.contains("uvars -C "), "{}", said.err);
    }
    assert_eq!(other.status(), "");
}

#[test]
fn a_copy_in_no_fleet_can_be_read_and_whoever_writes_it_is_told() {
    let fleet = Fleet::copy();
    let copy = fleet.beside("copy.yaml");
    fs::copy(fleet.path(WIFI), &copy).unwrap();
    let copy = copy.to_str().unwrap();
    assert_eq!(run_in(&fleet, fleet.dir(), &["decrypt", copy]).code, 0);
    let said = run_in(&fleet, fleet.dir(), &["set", copy, "new"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let warning =
        format!("uvars: warning: {copy}: was written for {WIFI} in a fleet, and here nothing looks");
    assert!(said.err.contains(&warning), "{}", said.err);
}

/// Folders of secrets/ moved to a fleet that was planted, with a link in their place.
fn linked(fleet: &Fleet) {
    fs::create_dir_all(fleet.path("other/keys/admins")).unwrap();
    fs::create_dir_all(fleet.path("other/secrets")).unwrap();
    fs::rename(fleet.path("secrets/hosts"), fleet.path("other/secrets/hosts")).unwrap();
    std::os::unix::fs::symlink("../other/secrets/hosts", fleet.path("secrets/hosts")).unwrap();
    let theirs = fleet.read("keys/users/noor.pub");
    fs::write(fleet.path("other/keys/admins/mira.pub"), theirs).unwrap();
    let inventory = "version: 1\nhosts:\n  basalt: { platform: linux, key: pending }\nusers: {}\n";
    fs::write(fleet.path("other/uvars.yaml"), inventory).unwrap();
}

/// Runs as mira in a folder that a shell has come to by these words.
fn run_by_links(fleet: &Fleet, folder: &Path, arguments: &[&str]) -> Said {
    let mut command = fleet.command();
    command.current_dir(folder).env("PWD", folder).arg("--identity").arg(key(MIRA)).args(arguments);
    command.env("EDITOR", "sh -c 'echo new: 1 >> $0'");
    said(&command.output().unwrap())
}

#[test]
fn a_linked_folder_hands_no_file_to_another_fleet() {
    let fleet = Fleet::copy();
    linked(&fleet);
    let before = fleet.read(BASALT);
    let absolute = fleet.path(BASALT);
    let (inside, users) = (fleet.path("secrets/hosts"), fleet.path("secrets/users"));
    let value = key(MIRA);
    let value = value.to_str().unwrap();
    let first = fleet.path("first");
    std::os::unix::fs::symlink("secrets", &first).unwrap();
    for (folder, file) in [
        (fleet.dir(), BASALT),
        (fleet.dir(), "hosts/basalt"),
        (fleet.dir(), "secrets/hosts/new.sops.yaml"),
        (fleet.dir(), "secrets/users/../hosts/basalt.sops.yaml"),
        (fleet.dir(), "secrets/hosts/../hosts/basalt.sops.yaml"),
        (fleet.dir(), "first/hosts/basalt.sops.yaml"),
        (Path::new("/"), absolute.to_str().unwrap()),
        (users.as_path(), "../hosts/basalt.sops.yaml"),
        (users.as_path(), "hosts/basalt"),
        (inside.as_path(), "basalt.sops.yaml"),
        (inside.as_path(), "./basalt.sops.yaml"),
        (inside.as_path(), "hosts/basalt"),
        (first.as_path(), "hosts/basalt.sops.yaml"),
    ] {
        for verb in [&["set", file, "new", "--value-file", value][..], &["edit", file], &["verify", file]] {
            let said = run_by_links(&fleet, folder, verb);
            assert_eq!(said.code, 1, "{folder:?} {verb:?}: {}{}", said.out, said.err);
            assert!(
                said.err.contains("is a link to a folder, or leads through one"),
                "{verb:?}: {}",
                said.err
            );
        }
    }
    for (folder, to) in
        [(fleet.dir(), "secrets/hosts"), (inside.as_path(), "."), (users.as_path(), "../hosts")]
    {
        let said =
            run_by_links(&fleet, folder, &["-C", to, "set", "hosts/basalt", "new", "--value-file", value]);
        assert_eq!(said.code, 1, "{folder:?} {to}: {}{}", said.out, said.err);
        assert!(said.err.contains("is a link to a folder"), "{}", said.err);
    }
    assert_eq!(fleet.read(BASALT), before);
    for verb in [&["sync"][..], &["rotate", "hosts/basalt"], &["rotate", "--all"], &["bind", "--yes", BASALT]]
    {
        let said = run_in(&fleet, fleet.dir(), verb);
        assert_eq!(said.code, 1, "{verb:?}: {}", said.out);
        assert!(said.err.contains("is a link to a folder"), "{verb:?}: {}", said.err);
    }
}

#[test]
fn a_linked_folder_of_the_same_fleet_hides_no_binding() {
    let fleet = swapped();
    fs::create_dir(fleet.path("data")).unwrap();
    fs::rename(fleet.path("secrets/hosts"), fleet.path("data/hosts")).unwrap();
    std::os::unix::fs::symlink("../data/hosts", fleet.path("secrets/hosts")).unwrap();
    let users = fleet.path("secrets/users");
    let file = "../hosts/basalt.sops.yaml";
    for verb in [
        &["verify", file][..],
        &["decrypt", file],
        &["get", file, "password"],
        &["exec", file, "--", "true"],
        &["set", file, "new", "--value-file", "/dev/null"],
    ] {
        let said = run_in(&fleet, &users, verb);
        assert_eq!(said.code, 1, "{verb:?}: {}{}", said.out, said.err);
        assert!(said.err.contains("is a link to a folder, or leads through one"), "{verb:?}: {}", said.err);
    }
}

#[test]
fn a_link_with_an_odd_name_is_no_way_out() {
    let (fleet, other) = (Fleet::copy(), Fleet::copy());
    let odd = fleet.path("secrets/hosts/c\tb.sops.yaml");
    std::os::unix::fs::symlink(other.path(WIFI), &odd).unwrap();
    for verb in [&["verify"][..], &["decrypt"], &["set", "--value-file", "/dev/null"]] {
        let mut words = vec![verb[0], odd.to_str().unwrap()];
        if verb[0] == "set" {
            words.push("token");
        }
        words.extend(&verb[1..]);
        let said = run_in(&fleet, fleet.dir(), &words);
        assert_eq!(said.code, 1, "{words:?}: {}{}", said.out, said.err);
    }
    assert_eq!(other.status(), "");
}

#[test]
fn clear_text_outside_of_every_fleet_is_no_reason_to_warn() {
    let fleet = Fleet::copy();
    let copy = fleet.beside("copy.yaml");
    fs::copy(fleet.path(WIFI), &copy).unwrap();
    let outside = fleet.beside("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, fleet.path("secrets/link")).unwrap();
    let out = fleet.beside("clear.yaml");
    let words = ["decrypt", copy.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let said = run_by_links(&fleet, &fleet.path("secrets/link"), &words);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

#[test]
fn a_fleet_that_is_reached_by_a_link_is_whole() {
    let fleet = Fleet::copy();
    let link = fleet.beside("link");
    std::os::unix::fs::symlink(fleet.dir(), &link).unwrap();
    for (folder, file) in [
        (link.as_path(), "shared/wifi"),
        (link.as_path(), WIFI),
        (&*link.join("secrets/users"), "../shared/wifi.sops.yaml"),
        (Path::new("/"), link.join(WIFI).to_str().unwrap()),
    ] {
        let said = run_by_links(&fleet, folder, &["verify", file]);
        assert_eq!(said.code, 0, "{folder:?} {file}: {}", said.err);
    }
}

#[test]
fn hints_can_be_typed_where_they_are_read() {
    let (fleet, other) = (swapped(), Fleet::copy());
    let file = fleet.path(BASALT);
    let dir = fleet.dir().canonicalize().unwrap();
    let away = format!("uvars -C {} bind {BASALT}\n", dir.display());
    for (folder, typed, line) in [
        (fleet.dir(), BASALT, format!("uvars bind {BASALT}\n")),
        (fleet.dir(), "hosts/basalt", format!("uvars bind {BASALT}\n")),
        (&*fleet.path("secrets"), "hosts/basalt.sops.yaml", "uvars bind hosts/basalt.sops.yaml\n".into()),
        (&*fleet.path("secrets"), "hosts/basalt", "uvars bind hosts/basalt\n".into()),
        (other.dir(), file.to_str().unwrap(), away.clone()),
        (Path::new("/"), file.to_str().unwrap(), away),
    ] {
        let said = run_in(&fleet, folder, &["verify", typed]);
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(said.err.contains(&line), "{folder:?} {typed}: {}", said.err);
        let mut again: Vec<&str> = line.split_whitespace().skip(1).collect();
        again.extend(["--yes", "--dry-run"]);
        let said = run_in(&fleet, folder, &again);
        assert!(said.code == 0 && said.out.contains(BASALT), "{again:?}: {}{}", said.out, said.err);
    }
}

#[test]
fn who_reads_a_file_can_be_asked_where_it_was_refused() {
    let fleet = Fleet::copy();
    let spaced = fleet.beside("two words");
    std::os::unix::fs::symlink(fleet.dir(), &spaced).unwrap();
    let file = fleet.path(WIFI);
    for (folder, typed) in [
        (fleet.dir(), WIFI),
        (fleet.dir(), "shared/wifi"),
        (&*fleet.path("secrets"), "shared/wifi"),
        (&*fleet.path("secrets"), "shared/wifi.sops.yaml"),
        (Path::new("/"), file.to_str().unwrap()),
        (Path::new("/"), spaced.join(WIFI).to_str().unwrap()),
    ] {
        let mut command = fleet.command();
        let refused = said(&command.current_dir(folder).args(["decrypt", typed]).output().unwrap());
        assert_eq!(refused.code, 4, "{}", refused.err);
        let hint = "who may read it, and why: uvars ";
        let line = refused.err.lines().find_map(|line| line.split_once(hint)).unwrap().1;
        asked(folder, line);
    }
    // where -C says the folder, the hint is for the one that it was typed in
    for folder in [Path::new("/"), fleet.dir(), &*fleet.path("secrets")] {
        let mut command = fleet.command();
        command.current_dir(folder).arg("-C").arg(fleet.dir()).args(["decrypt", "shared/wifi"]);
        let refused = said(&command.output().unwrap());
        let line = refused.err.lines().find_map(|line| line.split_once("and why: uvars ")).unwrap().1;
        asked(folder, line);
    }
}

/// Types the rest of a hint in a folder.
fn asked(folder: &Path, line: &str) {
    let script = format!("exec {} {line}", env!("CARGO_BIN_EXE_uvars"));
    let mut shell = std::process::Command::new("sh");
    let answer = said(&shell.current_dir(folder).args(["-c", &script]).output().unwrap());
    assert!(answer.code == 0 && answer.out.contains(WIFI), "{line}: {}{}", answer.out, answer.err);
}
