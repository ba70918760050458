//! A folder with encrypted files, in which all programs run with the same key and the same token.

use crate::peers;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub(crate) struct Room {
    folder: TempDir,
    token: String,
}

impl Room {
    pub(crate) fn new(token: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), token: token.to_owned() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file there; folders on the way are made.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), content).unwrap();
    }

    /// The same, and encrypts it to the first throw-away key.
    pub(crate) fn seal(&self, name: &str, plain: impl AsRef<[u8]>) {
        self.write(name, plain);
        peers::succeed(self.uvars().args(["sops", "encrypt", "-i", "--age", &recipient("a.age"), name]));
    }

    pub(crate) fn uvars(&self) -> Command {
        self.ready(Command::new(env!("CARGO_BIN_EXE_uvars")))
    }

    /// Ours, and real sops in two releases.
    pub(crate) fn both(&self) -> Vec<(&'static str, Command)> {
        let mut ours = self.uvars();
        ours.arg("sops");
        let mut all = vec![("uvars", ours)];
        for name in ["sops", "sops-3.11"] {
            all.extend(peers::command(name).map(|command| (name, self.ready(command))));
        }
        all
    }

    fn ready(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", "/usr/bin:/bin")
            .env("SOPS_DISABLE_VERSION_CHECK", "1")
            .current_dir(self.folder.path());
        command.env("SOPS_AGE_KEY_FILE", key("a.age")).env("VAULT_TOKEN", &self.token);
        command
    }
}

/// What stands in front of the name of a file that `--recursive apps` has sent: before 3.12 sops puts the folder there.
pub(crate) fn below(sops: &str) -> &'static str {
    if sops == "sops-3.11" { "apps/" } else { "" }
}

/// A throw-away key file of the vectors.
pub(crate) fn key(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/keys").join(name)
}

/// Its public half.
pub(crate) fn recipient(name: &str) -> String {
    let text = std::fs::read_to_string(key(name)).unwrap();
    text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned()
}
