//! `stores.yaml.indent` of a `.sops.yaml`: the layout of what we write and print is that of real sops.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod peers;
mod sample_fleet;

use sample_fleet::{Fleet, Said, key, said};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const SOPS: [&str; 2] = ["sops", "sops-3.11"];

/// Whose private half is users/mira.
const MIRA: &str = "age1azykcckepenvlj7sm4fzq7nms30nn0j3txs8k9lnsvty4y8jwg4svvu0p4";

const CLEAR: &str = "# all\na:\n  b: [1, {c: 2, d: [x]}]\n  t: \" two\\nlines\"\n---\ne: {f: [[1]]}\n";

/// Two folders with files of their own, of which one says how files are laid out.
struct Room(TempDir);

impl Room {
    fn new(indent: &str) -> Self {
        let room = Self(TempDir::new().unwrap());
        let rule = format!("creation_rules:\n  - age: {MIRA}\n");
        for (folder, stores) in
            [("said", format!("stores: {{yaml: {{indent: {indent}}}}}\n")), ("unsaid", String::new())]
        {
            fs::create_dir_all(room.path(folder).join("deep")).unwrap();
            fs::write(room.path(folder).join(".sops.yaml"), format!("{stores}{rule}")).unwrap();
            fs::write(room.path(folder).join("clear.yaml"), CLEAR).unwrap();
        }
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A program that runs in one of the folders.
    fn run(&self, mut command: Command, folder: &str, arguments: &[&str], input: &str) -> Said {
        command
            .current_dir(self.path(folder))
            .env("SOPS_AGE_KEY_FILE", key("users/mira.txt"))
            .env("HOME", self.0.path());
        command.env("EDITOR", format!("{}/editor", self.0.path().display()));
        said(&peers::feed(command.args(arguments), input.as_bytes()))
    }

    fn ours(&self, folder: &str, arguments: &[&str], input: &str) -> String {
        let said = self.run(Command::new(env!("CARGO_BIN_EXE_uvars")), folder, arguments, input);
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
        said.out
    }

    fn theirs(&self, name: &str, folder: &str, arguments: &[&str]) -> String {
        let said = self.run(peers::command(name).unwrap(), folder, arguments, "");
        assert_eq!(said.code, 0, "{name} {arguments:?}: {}", said.err);
        said.out
    }
}

fn present() -> impl Iterator<Item = &'static str> {
    SOPS.into_iter().filter(|name| peers::find(name).is_some())
}

/// Every line without its ciphertext, up to the metadata and its first name.
fn layout(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        lines.push(line.split("ENC[").next().unwrap_or_default().to_owned());
        if lines.iter().rev().nth(1).is_some_and(|line| line == "sops:") {
            break;
        }
    }
    lines.last_mut().unwrap().retain(|letter| letter == ' ');
    lines
}

#[test]
fn files_are_laid_out_as_sops_does() {
    for indent in ["2", "1", "3", "9", "10", "0", "2.5", "~"] {
        let room = Room::new(indent);
        let ours = room.ours("said", &["encrypt", "clear.yaml"], "");
        for name in present() {
            let theirs = room.theirs(name, "said", &["encrypt", "clear.yaml"]);
            assert_eq!(layout(&ours), layout(&theirs), "{name}, {indent}");
            for file in [&ours, &theirs] {
                fs::write(room.path("said/file.yaml"), file).unwrap();
                let printed = room.ours("said", &["decrypt", "file.yaml"], "");
                assert_eq!(printed, room.theirs(name, "said", &["decrypt", "file.yaml"]), "{name}, {indent}");
                for value in ["a", "a.b"] {
                    let extract = format!("[\"{}\"]", value.replace('.', "\"][\""));
                    // of a map, sops prints the other documents too
                    let theirs = room.theirs(name, "said", &["decrypt", "--extract", &extract, "file.yaml"]);
                    let ours = room.ours("said", &["get", "file.yaml", value], "");
                    assert_eq!(
                        Some(ours.as_str()),
                        theirs.split_inclusive("---\n").next().map(|text| text.trim_end_matches("---\n")),
                        "{name}, {indent}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_changed_by_either_keeps_its_layout() {
    let room = Room::new("2");
    fs::write(room.path("editor"), "#!/bin/sh\ncp \"$1\" seen\nsed -i 's/c: 2/c: 3/' \"$1\"\n").unwrap();
    let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o700);
    fs::set_permissions(room.path("editor"), mode).unwrap();
    let file = room.path("said/file.yaml");
    let before = room.ours("said", &["encrypt", "clear.yaml"], "");
    assert!(before.contains("\nsops:\n  age:\n    - enc: |\n        ---"), "{before}");
    let ours: [(&[&str], &str); 3] = [
        (&["set", "file.yaml", "a.b.0"], "5"),
        (&["unset", "file.yaml", "a.t"], ""),
        (&["edit", "file.yaml"], ""),
    ];
    let theirs: [&[&str]; 4] = [
        &["set", "file.yaml", "[\"a\"][\"b\"][0]", "\"5\""],
        &["unset", "file.yaml", "[\"a\"][\"t\"]"],
        &["edit", "file.yaml"],
        &["rotate", "-i", "file.yaml"],
    ];
    let check = |who: &str| {
        let after = fs::read_to_string(&file).unwrap();
        assert_ne!(after, before, "{who}");
        let kept: Vec<_> = layout(&before).into_iter().filter(|line| !line.contains(" t:")).collect();
        let after: Vec<_> = layout(&after).into_iter().filter(|line| !line.contains(" t:")).collect();
        assert_eq!(after, kept, "{who}");
    };
    for (arguments, input) in ours {
        fs::write(&file, &before).unwrap();
        room.ours("said", arguments, input);
        check(&format!("{arguments:?}"));
    }
    let seen = fs::read_to_string(room.path("said/seen")).unwrap();
    assert!(seen.contains("\n  b:\n    - 1\n    - c: 2\n      d:\n        - x\n"), "{seen}");
    for name in present() {
        for arguments in theirs {
            fs::write(&file, &before).unwrap();
            room.theirs(name, "said", arguments);
            check(&format!("{name} {arguments:?}"));
        }
    }
}

#[test]
fn the_current_folder_says_it_and_not_that_of_the_file() {
    let room = Room::new("2");
    for folder in ["said", "unsaid"] {
        let made = room.ours(folder, &["encrypt", "clear.yaml"], "");
        fs::write(room.path(folder).join("file.yaml"), made).unwrap();
    }
    for (folder, file, indent) in [
        ("said", "../unsaid/file.yaml", 2),
        ("said/deep", "../../unsaid/file.yaml", 2),
        ("unsaid", "../said/file.yaml", 4),
    ] {
        let printed = room.ours(folder, &["decrypt", file], "");
        assert!(printed.contains(&format!("\n{}b:\n", " ".repeat(indent))), "{printed}");
        for name in present() {
            assert_eq!(room.theirs(name, folder, &["decrypt", file]), printed, "{name}, {folder}");
        }
    }
}

#[test]
fn settings_that_sops_refuses_are_refused_by_place_and_reading_a_value_needs_none() {
    for (setting, why) in [
        ("-1", "cannot be negative"),
        ("two", "a whole number"),
        ("\"2\"", "a whole number"),
        ("[", "did not find"),
    ] {
        let room = Room::new("2");
        let made = room.ours("said", &["encrypt", "clear.yaml"], "");
        fs::write(room.path("said/file.yaml"), made).unwrap();
        fs::write(room.path("said/.sops.yaml"), format!("stores:\n  yaml:\n    indent: {setting}\n"))
            .unwrap();
        let program = || Command::new(env!("CARGO_BIN_EXE_uvars"));
        for arguments in [&["decrypt", "file.yaml"][..], &["unset", "file.yaml", "a.t"]] {
            let said = room.run(program(), "said", arguments, "");
            assert_eq!(said.code, 1, "{setting} {arguments:?}: {}{}", said.out, said.err);
            assert!(said.err.contains(why) && said.err.contains(".sops.yaml:"), "{}", said.err);
        }
        assert_eq!(room.ours("said", &["get", "file.yaml", "a.b.1.d.0"], ""), "x");
        for name in present() {
            assert_ne!(
                room.run(peers::command(name).unwrap(), "said", &["decrypt", "file.yaml"], "").code,
                0
            );
        }
    }
}

/// Gives the inventory's rules other fields.
fn say(fleet: &Fleet, other: &str) {
    let inventory = fleet.read("uvars.yaml");
    let changed = inventory.replace("\nrules:\n", &format!("\nrules:\n  other:{other}\n"));
    assert_ne!(changed, inventory);
    fs::write(fleet.path("uvars.yaml"), changed).unwrap();
}

/// How many blanks stand in front of the first name of the metadata.
fn indent_of(fleet: &Fleet, file: &str) -> usize {
    let text = fleet.read(file);
    let behind = text.split("\nsops:\n").nth(1).unwrap_or_else(|| panic!("{file}"));
    behind.len() - behind.trim_start_matches(' ').len()
}

fn sops(name: &str, dir: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut command = peers::command(name).unwrap();
    command.current_dir(dir).env("SOPS_AGE_KEY_FILE", key("users/mira.txt")).env("HOME", dir);
    peers::succeed(command.args(arguments))
}

#[test]
fn every_file_of_a_fleet_is_laid_out_as_its_rules_say() {
    let fleet = Fleet::copy();
    say(&fleet, "\n    stores:\n      yaml:\n        indent: 2");
    let who = "users/mira.txt";
    fleet.must(who, &["rules", "--write"]);
    assert!(fleet.read(".sops.yaml").ends_with("stores:\n  yaml:\n    indent: 2\n"));
    let file = "secrets/users/mira.sops.yaml";
    assert_eq!(indent_of(&fleet, file), 4);

    // the next write of each verb, ours and theirs
    let written = |arguments: &[&str], file: &str| {
        fleet.must(who, arguments);
        assert_eq!(indent_of(&fleet, file), 2, "{arguments:?} {file}");
    };
    written(&["rotate", "users/mira"], file);
    written(&["generate", "jon", "--random"], "secrets/accounts/jon.sops.yaml");
    written(&["generate", "jon", "--random", "--regenerate"], "secrets/handover/jon/password.sops.yaml");
    fs::write(fleet.path("secrets/hosts/amber.sops.yaml"), fleet.read(file)).unwrap();
    let bound = fleet.run_as(who, &["bind", "--yes", "hosts/amber"]);
    assert_eq!(bound.code, 0, "{}", bound.err);
    assert_eq!(indent_of(&fleet, "secrets/hosts/amber.sops.yaml"), 2);
    for name in present() {
        let printed = String::from_utf8(sops(name, fleet.dir(), &["decrypt", file])).unwrap();
        assert_eq!(printed, fleet.must(who, &["decrypt", file]), "{name}");
        sops(name, fleet.dir(), &["set", file, "[\"new\"]", "{\"a\": {\"b\": 1}}"]);
        assert!(fleet.read(file).contains("\nnew:\n  a:\n    b: ENC["), "{}", fleet.read(file));
        written(&["unset", file, "new"], file);
    }
    // from elsewhere too
    let elsewhere = TempDir::new().unwrap();
    let mut command = fleet.command();
    command.arg("-C").arg(fleet.dir()).arg("--identity").arg(key(who)).args(["rotate", "users/mira"]);
    assert_eq!(said(&peers::feed(command.current_dir(elsewhere.path()), b"")).code, 0);
    assert_eq!(indent_of(&fleet, file), 2);
}

#[test]
fn a_reader_more_is_written_in_the_layout_of_the_fleet() {
    let fleet = Fleet::copy();
    say(&fleet, " {stores: {yaml: {indent: 2}}}");
    let keys = fleet.path("keys/users/mira.pub");
    let second = fs::read_to_string(fleet.path("keys/users/noor.pub")).unwrap();
    fs::write(&keys, format!("{}{second}", fs::read_to_string(&keys).unwrap())).unwrap();
    fleet.must("users/mira.txt", &["rules", "--write"]);
    let synced = fleet.run_as("users/mira.txt", &["sync", "users/mira"]);
    assert_eq!(synced.code, 0, "{}{}", synced.out, synced.err);
    assert_eq!(indent_of(&fleet, "secrets/users/mira.sops.yaml"), 2);
}

#[test]
fn a_fleet_with_a_wrong_setting_is_refused_by_line() {
    let fleet = Fleet::copy();
    say(&fleet, "\n    stores: {yaml: {indent: -2}}");
    let said = fleet.run_as("users/mira.txt", &["rules"]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("rules.other.stores.yaml.indent: an indentation cannot be negative"),
        "{}",
        said.err
    );
}
