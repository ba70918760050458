//! A program that is running while a test looks at it: in a session without a terminal, or with one.

use super::{MIRA, SECRET};
use crate::sample_fleet::{Fleet, Said, key, said};
use crate::signals;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A fleet, and folders of its own for everything that a program could leave behind.
pub struct Place {
    pub fleet: Fleet,
    pub folder: tempfile::TempDir,
    /// On a ram file system.
    pub runtime: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let runtime = tempfile::Builder::new().prefix("uvars-test").tempdir_in("/dev/shm").unwrap();
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { fleet: Fleet::copy(), folder, runtime }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes an executable shell script.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The program with mira's key, behind `setsid` and its options; TELL is a path for scripts to write to.
    pub fn command(&self, setsid: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command
            .args(setsid)
            .arg(env!("CARGO_BIN_EXE_uvars"))
            .arg("--identity")
            .arg(key(MIRA))
            .args(arguments);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp"));
        command.env("XDG_RUNTIME_DIR", self.runtime.path()).env("TELL", self.path("tell"));
        command.current_dir(self.fleet.dir());
        command
    }

    /// Edits a file with a script for an editor, and this on standard input.
    pub fn edit(&self, file: &str, script: &str, input: &str) -> Said {
        let editor = self.script("editor", script);
        let mut command = self.command(&["--wait"], &["edit", file]);
        said(&super::peers::feed(command.env("EDITOR", editor), input.as_bytes()))
    }

    /// What a script told.
    pub fn told(&self) -> Option<String> {
        fs::read_to_string(self.path("tell")).ok()
    }

    /// Waits for a script to have told something whole, which ends with a line end.
    #[track_caller]
    pub fn wait_until_told(&self) -> String {
        let start = Instant::now();
        loop {
            match self.told().filter(|told| told.ends_with('\n')) {
                Some(told) => return told.trim_end().to_owned(),
                None if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
                None => panic!("the program did not come to its child"),
            }
        }
    }

    /// Fails the test if the secret, or any file in the runtime folder, is left anywhere.
    #[track_caller]
    pub fn is_clean(&self) {
        let left: Vec<_> =
            fs::read_dir(self.runtime.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?}");
        for folder in [self.fleet.dir(), self.folder.path()] {
            holds_no_secret(folder);
        }
    }
}

#[track_caller]
fn holds_no_secret(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holds_no_secret(&path);
        } else if path.file_name().is_none_or(|name| name != "editor") {
            let bytes = fs::read(&path).unwrap_or_default();
            let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

/// A program that runs.
pub struct Started {
    child: Child,
    far: Option<File>,
}

impl Started {
    /// In a session without a terminal.
    pub fn alone(mut command: Command) -> Self {
        signals::for_children();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: command.spawn().unwrap(), far: None }
    }

    /// In the foreground of a terminal of its own; the command is one of `setsid --ctty`.
    pub fn on_a_terminal(mut command: Command) -> Self {
        signals::for_children();
        let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&far).unwrap();
        unlockpt(&far).unwrap();
        let name = ptsname(&far, Vec::new()).unwrap();
        let near =
            fs::OpenOptions::new().read(true).write(true).open(Path::new(name.to_str().unwrap())).unwrap();
        for stream in [Command::stdin, Command::stdout, Command::stderr] {
            stream(&mut command, Stdio::from(near.try_clone().unwrap()));
        }
        Self { child: command.spawn().unwrap(), far: Some(File::from(far)) }
    }

    /// Types on the terminal.
    pub fn types(&self, text: &str) {
        self.far.as_ref().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the terminal shows this.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        let mut seen = Vec::new();
        let mut chunk = [0; 4096];
        while !String::from_utf8_lossy(&seen).contains(text) {
            let count = self.far.as_ref().unwrap().read(&mut chunk).unwrap();
            seen.extend_from_slice(&chunk[..count]);
        }
    }

    /// Everything that the terminal shows until the program ends, and how that ends.
    #[track_caller]
    pub fn screen(&mut self) -> (String, ExitStatus) {
        let mut far = self.far.as_ref().unwrap().try_clone().unwrap();
        let seen = std::thread::spawn(move || {
            let (mut seen, mut chunk) = (Vec::new(), [0; 4096]);
            // nobody else has the near end open any more: that is an error here
            while let Ok(count) = far.read(&mut chunk) {
                seen.extend_from_slice(&chunk[..count]);
            }
            String::from_utf8(seen).unwrap()
        });
        let status = self.ends();
        (seen.join().unwrap(), status)
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for its end, and fails the test if that does not come.
    #[track_caller]
    pub fn ends(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the program does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it said on standard error, after its end.
    pub fn complaint(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
