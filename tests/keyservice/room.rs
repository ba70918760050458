//! A folder with a creation rule, in which both programs run with the same few keys.

use crate::gnupg::GnuPg;
use crate::peers;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub(crate) const PLAIN: &str = "password: s3same\nport: 5432\n";

/// A throw-away key file of the vectors.
pub(crate) fn age_key(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/keys").join(name)
}

/// Its public half.
pub(crate) fn age_recipient(name: &str) -> String {
    let text = std::fs::read_to_string(age_key(name)).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("# public key: "));
    line.expect("age-keygen writes the public key down").to_owned()
}

pub(crate) struct Room {
    folder: TempDir,
}

impl Room {
    /// With `app.yaml` in clear, and one creation rule for it.
    pub(crate) fn new(rule: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let room = Self { folder };
        room.write("app.yaml", PLAIN);
        room.write(".sops.yaml", &format!("creation_rules:\n  - {rule}\n"));
        room
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Our program, with gpg's folder and this age key, if any.
    pub(crate) fn uvars(&self, gpg: &GnuPg, age: Option<&str>) -> Command {
        self.with_keys(Command::new(env!("CARGO_BIN_EXE_uvars")), gpg, age)
    }

    pub(crate) fn sops(&self, name: &str, gpg: &GnuPg, age: Option<&str>) -> Option<Command> {
        Some(self.with_keys(peers::command(name)?, gpg, age))
    }

    fn with_keys(&self, mut command: Command, gpg: &GnuPg, age: Option<&str>) -> Command {
        command.env_clear().envs(gpg.environment()).env("XDG_CONFIG_HOME", gpg.home());
        command.env("SOPS_DISABLE_VERSION_CHECK", "1").current_dir(self.folder.path());
        if let Some(age) = age {
            command.env("SOPS_AGE_KEY_FILE", age_key(age));
        }
        command
    }
}

/// What a program printed, if it went well.
#[track_caller]
pub(crate) fn printed(command: &mut Command) -> String {
    String::from_utf8(peers::succeed(command)).unwrap()
}

/// What a program said, if it went wrong.
#[track_caller]
pub(crate) fn refused(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = peers::feed(command, b"");
    assert!(!status.success(), "{}", String::from_utf8_lossy(&stdout));
    String::from_utf8(stderr).unwrap()
}
