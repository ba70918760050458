//! A copy of the sample fleet in a folder of its own, with git around it, and the program run in it.
#![allow(dead_code, reason = "every test binary uses its own part of this")]
#![allow(clippy::missing_panics_doc, clippy::panic, clippy::unwrap_used, reason = "this is test code")]
#![allow(unreachable_pub, reason = "a module of several test binaries")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The repository, which is the sample fleet.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A copy of the sample fleet.
pub struct Fleet {
    dir: tempfile::TempDir,
    beside: tempfile::TempDir,
}

/// What a run of the program said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Fleet {
    /// Copies `uvars.yaml`, `.sops.yaml`, `keys/` and `secrets/`, and commits them.
    pub fn copy() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for file in ["uvars.yaml", ".sops.yaml"] {
            fs::copy(Path::new(ROOT).join(file), dir.path().join(file)).unwrap();
        }
        for folder in ["keys", "secrets"] {
            copy_folder(&Path::new(ROOT).join(folder), &dir.path().join(folder));
        }
        let fleet = Self { dir, beside: tempfile::tempdir().unwrap() };
        fleet.git(&["init", "-q", "-b", "main"]);
        fleet.commit();
        fleet
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A path outside of the fleet, where private keys may be.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.beside.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Every file below `secrets/`, as a path in the fleet, sorted.
    pub fn secrets(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(&self.path("secrets"), &mut |path| {
            found.push(path.strip_prefix(self.dir()).unwrap().to_str().unwrap().to_owned());
        });
        found.sort();
        found
    }

    pub fn git(&self, arguments: &[&str]) {
        let status = Command::new("git")
            .args(["-c", "user.name=test", "-c", "user.email=test@example.org"])
            .args(arguments)
            .current_dir(self.dir())
            .status()
            .unwrap();
        assert!(status.success(), "git {arguments:?}");
    }

    pub fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "state"]);
    }

    /// What git sees changed.
    pub fn status(&self) -> String {
        let output =
            Command::new("git").args(["status", "--porcelain"]).current_dir(self.dir()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// The program in this fleet, with an empty home and no keys.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uvars"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", "/nonexistent").current_dir(self.dir());
        command
    }

    /// Runs it as nobody in particular.
    pub fn run(&self, arguments: &[&str]) -> Said {
        said(&self.command().args(arguments).stdin(Stdio::null()).output().unwrap())
    }

    /// Runs it as somebody who holds one of the throw-away keys: `users/mira.txt`.
    pub fn run_as(&self, who: &str, arguments: &[&str]) -> Said {
        let key = key(who);
        said(
            &self.command().arg("--identity").arg(key).args(arguments).stdin(Stdio::null()).output().unwrap(),
        )
    }

    /// Runs it and fails the test unless it exits with 0.
    pub fn must(&self, who: &str, arguments: &[&str]) -> String {
        let said = self.run_as(who, arguments);
        assert_eq!(said.code, 0, "uvars {arguments:?} as {who}: {}{}", said.out, said.err);
        said.out
    }
}

/// A throw-away private key.
pub fn key(name: &str) -> PathBuf {
    if name.starts_with('/') {
        return PathBuf::from(name);
    }
    let path = Path::new(ROOT).join("tests/fixtures/throw-away-keys").join(name);
    assert!(path.is_file(), "{}", path.display());
    path
}

/// Every throw-away private key, as `users/mira.txt`, sorted.
pub fn keys() -> Vec<String> {
    let root = Path::new(ROOT).join("tests/fixtures/throw-away-keys");
    let mut found = Vec::new();
    walk(&root, &mut |path| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
        if name.contains('/') {
            found.push(name.to_owned());
        }
    });
    found.sort();
    found
}

pub fn said(output: &Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn walk(folder: &Path, each: &mut dyn FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, each);
        } else {
            each(&path);
        }
    }
}
