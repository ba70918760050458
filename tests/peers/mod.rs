//! Finds the real programs that the tests hold us against: sops, age, ssh-keygen and so on.
//!
//! A peer is looked for in the environment (`UVARS_TEST_SOPS=/path`, for `age-keygen` `UVARS_TEST_AGE_KEYGEN`),
//! where `tests/setup` puts programs, on PATH, in the system's own folders, and where `go install` puts them. Where it is absent the reason is
//! printed and the test ends; with `CI=true` absence is a failure, so that nothing is skipped there.
//!
//! ```ignore
//! mod peers;
//! let Some(mut sops) = peers::command("sops") else { return };
//! let output = peers::feed(sops.args(["--decrypt", "/dev/stdin"]), b"…");
//! ```
#![allow(dead_code, reason = "every test binary uses its own part of this")]
#![allow(clippy::panic, clippy::print_stderr, clippy::missing_panics_doc, reason = "this is test code")]
#![allow(unreachable_pub, reason = "a module of several test binaries")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program's path, or nothing where it is absent (and the reason printed).
///
/// Names in use: `sops` (3.13.3), `sops-3.11`, `age`, `age-keygen`, `ssh-keygen`, `gpg`, `go`, `mkpasswd`, `strace`, `bao` (`OpenBao` 2.7.2).
pub fn find(name: &str) -> Option<PathBuf> {
    let variable = variable(name);
    if let Some(path) = std::env::var_os(&variable).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "{variable} is set, and {} is no file", path.display());
        return Some(path);
    }
    let found = folders().into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        let reason = format!("{name} is not installed (set {variable} to its path)");
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{reason}");
        eprintln!("nothing to compare with: {reason}");
    }
    found
}

/// The program, ready to be given arguments. Its environment holds PATH and nothing else, so that neither keys
/// nor settings of the person who runs the tests reach it; add HOME where it wants one.
pub fn command(name: &str) -> Option<Command> {
    let mut command = Command::new(find(name)?);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("LC_ALL", "C.UTF-8");
    Some(command)
}

/// Runs to the end with these bytes on standard input.
pub fn feed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut pipe = child.stdin.take();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // a child that does not read its input closes the pipe early: its exit code says what it thinks
            drop(pipe.as_mut().map(|pipe| pipe.write_all(input)));
        });
        child.wait_with_output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
    })
}

/// Runs to the end with nothing on standard input, and fails the test unless the program exits with 0.
pub fn succeed(command: &mut Command) -> Vec<u8> {
    succeed_with(command, b"")
}

/// The same, with these bytes on standard input.
pub fn succeed_with(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let output = feed(command, input);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn variable(name: &str) -> String {
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    "UVARS_TEST_".chars().chain(letters).collect()
}

fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/bin")];
    folders.extend(std::env::split_paths(&path));
    folders.extend(["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from));
    let go = std::env::var_os("GOBIN").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join("go/bin"));
    folders.extend(go.into_iter().chain(home));
    folders
}
