//! What is private lands in files that nobody else reads, whatever the umask, and not where git would take it along.

#![cfg(unix)]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod peers;
mod sample_fleet;

use sample_fleet::{Fleet, Said, key, said};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

const NOOR: &str = "users/noor.txt";
const FORMS: &str = "tests/fixtures/throw-away-forms";

/// Runs it under a umask, as somebody.
fn run(fleet: &Fleet, umask: &str, who: &str, arguments: &[&str]) -> Said {
    let program = fleet.command();
    let mut command = Command::new("sh");
    command.args(["-c", "umask $0; exec \"$@\"", umask]).arg(program.get_program());
    command.arg("--identity").arg(key(who)).args(arguments).current_dir(fleet.dir());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", "/nonexistent");
    said(&command.stdin(Stdio::null()).output().unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode()
        & 0o7777
}

/// Every command line that writes something private into the file called OUT, and who runs it.
fn writers() -> Vec<(&'static str, Vec<String>)> {
    let private = format!("{}/{FORMS}/ed25519", sample_fleet::ROOT);
    let words = |line: &str| line.split(' ').map(|word| word.replace("PRIVATE", &private)).collect();
    vec![
        (NOOR, words("key generate --out OUT")),
        (NOOR, words("key generate users/jon --out OUT")),
        ("users/mira.txt", words("key rotate users/jon --generate --out OUT")),
        (NOOR, words("key convert --private PRIVATE --out OUT")),
        (NOOR, words("decrypt users/noor --out OUT")),
        (NOOR, words("decrypt --json users/noor --out OUT")),
        (NOOR, words("receive noor/password --out OUT")),
    ]
}

#[test]
fn nobody_else_reads_what_is_private() {
    for umask in ["000", "077"] {
        for (who, line) in writers() {
            let fleet = Fleet::copy();
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join("new");
            let makes_folder = line.first().is_some_and(|verb| verb == "key");
            if !makes_folder {
                fs::create_dir(&folder).unwrap();
            }
            let out = folder.join("private");
            let line: Vec<String> =
                line.into_iter().map(|word| word.replace("OUT", out.to_str().unwrap())).collect();
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            let said = run(&fleet, umask, who, &line);
            assert!(matches!(said.code, 0 | 4), "{line:?}: {}{}", said.out, said.err);
            assert!(!said.err.contains("working tree"), "{}", said.err);
            assert!(fs::metadata(&out).unwrap().len() > 5);
            assert_eq!(mode(&out), 0o600, "umask {umask}: {line:?}");
            if makes_folder {
                assert_eq!(mode(&folder), 0o700, "umask {umask}: {line:?}");
            }
            // what everybody may read stays so
            assert_eq!(mode(&fleet.path("uvars.yaml")) & 0o077, 0o044);
        }
    }
}

#[test]
fn what_is_private_does_not_go_along_with_the_fleet() {
    for (who, line) in writers() {
        let is_key = line.first().is_some_and(|verb| verb == "key");
        for place in ["keys/users/x.txt", "new", "./secrets/../new", "LINK/new"] {
            let fleet = Fleet::copy();
            let beside = tempfile::tempdir().unwrap();
            std::os::unix::fs::symlink(fleet.dir(), beside.path().join("link")).unwrap();
            let place = place.replace("LINK", beside.path().join("link").to_str().unwrap());
            let line: Vec<String> = line.iter().map(|word| word.replace("OUT", &place)).collect();
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            let said = run(&fleet, "022", who, &line);
            if is_key {
                assert_eq!(said.code, 1, "{line:?}: {}", said.out);
                assert!(said.err.contains("would be in the fleet's working tree"), "{}", said.err);
                assert!(said.err.contains("give --out a place outside of it"), "{}", said.err);
                assert_eq!(fleet.status(), "", "{line:?}");
            } else {
                assert_eq!(said.code, 0, "{line:?}: {}", said.err);
                assert!(said.err.contains("is in clear in the fleet's working tree"), "{}", said.err);
            }
        }
        // what git ignores does not go along
        let fleet = Fleet::copy();
        fs::write(fleet.path(".gitignore"), "*.private\n").unwrap();
        let line: Vec<String> = line.iter().map(|word| word.replace("OUT", "a.private")).collect();
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let said = run(&fleet, "022", who, &line);
        assert!(matches!(said.code, 0 | 4), "{line:?}: {}{}", said.out, said.err);
        assert!(!said.err.contains("working tree"), "{}", said.err);
    }
}
