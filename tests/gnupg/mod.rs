//! A throw-away keyring of gpg with the one key of the vectors, and its agent, which ends with it.
#![allow(dead_code, reason = "every test binary uses its own part of this")]
#![allow(clippy::panic, clippy::unwrap_used, clippy::missing_panics_doc, reason = "this is test code")]
#![allow(unreachable_pub, reason = "a module of several test binaries")]

use crate::peers;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The key's fingerprint.
pub fn fingerprint() -> String {
    std::fs::read_to_string(keys().join("pgp.fingerprint")).unwrap().trim().to_owned()
}

fn keys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/keys")
}

/// A folder for gpg.
pub struct GnuPg {
    // in the shortest folder there is: the agent's socket lies in it
    home: TempDir,
}

impl GnuPg {
    /// With the private key of the vectors; nothing where gpg is absent.
    pub fn with_key() -> Option<Self> {
        let empty = Self::empty()?;
        let mut import = peers::command("gpg")?;
        import.env("GNUPGHOME", empty.home()).args(["--batch", "--quiet", "--import"]);
        peers::succeed(import.arg(keys().join("pgp.sec.asc")));
        Some(empty)
    }

    /// Without a key.
    pub fn empty() -> Option<Self> {
        peers::find("gpg")?;
        let home = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        Some(Self { home })
    }

    /// What `GNUPGHOME` is to be.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// An environment for programs that call gpg.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        vec![
            ("PATH".into(), std::env::var_os("PATH").unwrap_or_default()),
            ("GNUPGHOME".into(), self.home().into()),
            ("HOME".into(), self.home().into()),
        ]
    }
}

impl Drop for GnuPg {
    fn drop(&mut self) {
        if let Some(mut kill) = peers::command("gpgconf") {
            drop(kill.env("GNUPGHOME", self.home()).args(["--kill", "all"]).output());
        }
    }
}
