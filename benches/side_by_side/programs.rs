//! The programs, and how each is told to do the same.

use crate::samples::Sample;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use uvars::keys::{IdentitySources, Keyring, generate};

#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Program {
    Sops,
    Rops,
    Uvars,
}

impl Program {
    pub(crate) const ALL: [Self; 3] = [Self::Sops, Self::Rops, Self::Uvars];
}

#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Task {
    Decrypt,
    Encrypt,
    /// Prints its version.
    Start,
}

impl fmt::Display for Task {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Decrypt => "decrypt",
            Self::Encrypt => "encrypt",
            Self::Start => "--version,",
        })
    }
}

/// A folder with a key and the files.
pub(crate) struct Bench<'f> {
    sops: PathBuf,
    rops: Option<PathBuf>,
    folder: &'f Path,
    key: String,
    recipient: String,
}

/// A command that can be made again and again.
pub(crate) struct Prepared<'b> {
    pub(crate) program: PathBuf,
    arguments: Vec<String>,
    /// What stands on standard input.
    input: Option<PathBuf>,
    bench: &'b Bench<'b>,
}

impl Prepared<'_> {
    pub(crate) fn command(&self) -> Command {
        self.of(&self.program, &[])
    }

    /// The same arguments for another program, behind those.
    pub(crate) fn of(&self, program: &Path, before: &[&OsStr]) -> Command {
        let mut command = Command::new(program);
        command.args(before).args(&self.arguments).env_clear();
        command.env("HOME", self.bench.folder).env("SOPS_DISABLE_VERSION_CHECK", "1");
        command.env("SOPS_AGE_KEY_FILE", self.bench.folder.join("keys.txt")).env("ROPS_AGE", &self.bench.key);
        match &self.input {
            None => command.stdin(Stdio::null()),
            Some(file) => command.stdin(fs::File::open(file).unwrap()),
        };
        command
    }
}

impl<'f> Bench<'f> {
    pub(crate) fn new(sops: PathBuf, rops: Option<PathBuf>, folder: &'f Path) -> Self {
        let identity = generate("2026-01-01T00:00:00Z").unwrap();
        let text = identity.text.clone();
        fs::write(folder.join("keys.txt"), text.expose()).unwrap();
        let line = std::str::from_utf8(text.expose()).unwrap().lines().rfind(|line| line.starts_with("AGE-"));
        let key = line.unwrap().to_owned();
        let sources = IdentitySources { key_text: Some(identity.text), ..IdentitySources::default() };
        let recipient = Keyring::new(sources).recipients()[0].to_string();
        Self { sops, rops, folder, key, recipient }
    }

    /// Writes a file in clear and what sops makes of it, and sees that all programs read what sops and uvars write.
    /// What rops writes, sops does not read: its time is no string.
    pub(crate) fn prepare(&self, sample: Sample) {
        let text = sample.text();
        fs::write(self.folder.join(sample.name(false)), &text).unwrap();
        for writer in [Program::Uvars, Program::Sops] {
            let encrypt = self.command(writer, Task::Encrypt, sample).unwrap();
            let encrypted = output_of(&mut encrypt.command());
            fs::write(self.folder.join(sample.name(true)), encrypted).unwrap();
            for reader in Program::ALL {
                let Some(decrypt) = self.command(reader, Task::Decrypt, sample) else { continue };
                let back = output_of(&mut decrypt.command());
                // rops prints YAML in a style of its own
                let same = reader == Program::Rops || back == text;
                assert!(same, "{} decrypts {sample} to something else", decrypt.program.display());
            }
        }
    }

    /// What has the program do that, if it can and is installed.
    pub(crate) fn command(&self, program: Program, task: Task, sample: Sample) -> Option<Prepared<'_>> {
        let file = sample.name(task == Task::Decrypt);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let prepared = |path: &Path, arguments: Vec<String>, input| Prepared {
            program: path.to_owned(),
            arguments,
            input,
            bench: self,
        };
        let like_sops = |before: &[&str]| {
            let mut all: Vec<String> = words(before);
            all.extend::<Vec<String>>(match task {
                Task::Decrypt => words(&["decrypt", &file]),
                Task::Encrypt => words(&["encrypt", "--age", &self.recipient, &file]),
                Task::Start => words(&["--version"]),
            });
            all
        };
        match program {
            Program::Sops => Some(prepared(&self.sops, like_sops(&[]), None)),
            Program::Uvars if task == Task::Start => Some(prepared(&uvars(), words(&["--version"]), None)),
            Program::Uvars => Some(prepared(&uvars(), like_sops(&["sops"]), None)),
            Program::Rops => {
                let rops = self.rops.as_ref()?;
                let format = sample.of_rops()?;
                let arguments = match task {
                    Task::Decrypt => words(&["decrypt", "--format", format]),
                    Task::Encrypt => words(&["encrypt", "--age", &self.recipient, "--format", format]),
                    // it has no --version
                    Task::Start => return None,
                };
                Some(prepared(rops, arguments, Some(self.folder.join(file))))
            }
        }
    }
}

fn output_of(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn uvars() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_uvars"))
}
