//! A small fleet in a throw-away folder, and the built program to drive on it.
#![allow(dead_code, reason = "every test binary uses its own part of this")]
#![allow(clippy::panic, clippy::unwrap_used, clippy::missing_panics_doc, reason = "this is test code")]
#![allow(unreachable_pub, reason = "a module of several test binaries")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The fleet most tests use: jon with one password, raquel with one a host, tara whose password is made.
pub const INVENTORY: &str = "\
version: 1
settings: { password_hash: { kind: yescrypt, cost: 1 } }
hosts:
  cinnabar: { platform: nixos, tags: [server] }
  galena: { platform: nixos, tags: [server] }
  rosegold: { platform: darwin, tags: [workstation] }
users:
  jon: { hosts: [cinnabar, rosegold], password: { share: true } }
  raquel: { tags: [server], password: {} }
  tara: { hosts: [cinnabar], password: { prompt: false, share: true } }
";

/// A fleet, its keys beside it.
pub struct Scratch {
    folder: TempDir,
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Both streams.
    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// Fails the test unless it ended so, and hands itself on.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }

    /// Fails the test unless this was said.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.all().contains(text), "no {text:?} in:\n{}", self.all());
        self
    }
}

impl Scratch {
    /// With [`INVENTORY`] and a key for everybody.
    pub fn new() -> Self {
        Self::with(INVENTORY)
    }

    /// With this inventory, and keys for ann, the admin, and everybody whom [`INVENTORY`] names.
    pub fn with(inventory: &str) -> Self {
        let scratch = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(scratch.root()).unwrap();
        scratch.write("uvars.yaml", inventory);
        for principal in
            ["admins/ann", "users/jon", "users/raquel", "users/tara", "hosts/cinnabar", "hosts/galena"]
        {
            scratch.give_key(principal);
        }
        scratch.give_key("hosts/rosegold");
        scratch
    }

    /// The fleet's folder.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("fleet")
    }

    /// A path beside the fleet.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where somebody's private key lies: beside the fleet.
    pub fn private(&self, principal: &str) -> PathBuf {
        self.beside(&format!("{}.key", principal.replace('/', "-")))
    }

    /// Makes a key and registers its public half.
    pub fn give_key(&self, principal: &str) {
        let made = uvars::keys::generate("2026-01-01T00:00:00Z").unwrap();
        fs::write(self.private(principal), made.text.expose()).unwrap();
        self.write(&format!("keys/{principal}.pub"), &format!("{}\n", made.recipient));
    }

    /// Writes a file of the fleet.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a file beside the fleet, mode 0600.
    pub fn private_file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.beside(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// A file of the fleet.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root().join(path)).ok()
    }

    /// Every file below `secrets/`, with its bytes.
    pub fn secrets(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        gather(&self.root(), &self.root().join("secrets"), &mut found);
        found
    }

    /// The program, in the fleet, with an environment that holds PATH and nothing else.
    pub fn uvars<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uvars"));
        command.args(arguments).current_dir(self.root()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Runs it with nothing on standard input, without a terminal.
    pub fn run(&self, line: &str) -> Ran {
        self.feed(line, b"")
    }

    /// Runs it with these bytes on standard input, without a terminal.
    pub fn feed(&self, line: &str, input: &[u8]) -> Ran {
        ran(&mut without_terminal(&self.uvars(line.split_whitespace())), input)
    }

    /// Runs it with somebody's key.
    pub fn run_as(&self, principal: &str, line: &str) -> Ran {
        let mut command = self.uvars(line.split_whitespace());
        command.env("SOPS_AGE_KEY_FILE", self.private(principal));
        ran(&mut without_terminal(&command), b"")
    }

    /// What a value of a file is for somebody; nothing if they cannot open it.
    pub fn value(&self, principal: &str, file: &str, key: &str) -> Option<String> {
        let ran = self.run_as(principal, &format!("get {file} {key}"));
        match ran.code {
            0 => Some(ran.out.trim_end_matches('\n').to_owned()),
            4 => None,
            _ => panic!("{}", ran.all()),
        }
    }
}

/// Runs a command to its end.
pub fn ran(command: &mut Command, input: &[u8]) -> Ran {
    let output = crate::peers::feed(command, input);
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The same command in a session of its own, which has no terminal.
pub fn without_terminal(command: &Command) -> Command {
    let mut alone = Command::new("setsid");
    alone.arg("--wait").arg(command.get_program()).args(command.get_args()).env_clear();
    if let Some(folder) = command.get_current_dir() {
        alone.current_dir(folder);
    }
    alone.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    alone
}

fn gather(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(root, &path, found);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, fs::read(&path).unwrap());
        }
    }
}
