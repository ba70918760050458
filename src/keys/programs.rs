//! How other programs are started: age plugins, and commands that print a key.
//!
//! They get the environment that is named here and nothing else, and no say on standard error. What they ask of a person goes through [`Ask`].

use crate::secret::Secret;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Answers what only a person can. Nothing is an answer too: that nobody can be asked.
pub trait Ask: Send + Sync {
    /// A passphrase; `what` says whose, as `the key /home/jon/.ssh/id_ed25519`.
    fn passphrase(&self, what: &str) -> Option<Secret>;

    /// Shows a message of a plugin ("touch your key"), which may hold anything.
    fn message(&self, _text: &str) {}

    /// Lets a person choose for a plugin; true is the first choice.
    fn confirm(&self, _question: &str, _yes: &str, _no: Option<&str>) -> Option<bool> {
        None
    }

    /// A line that is no secret, for a plugin.
    fn line(&self, _question: &str) -> Option<String> {
        None
    }
}

/// What other programs get. The default is nothing: no program is found then, and nobody is asked.
#[derive(Clone, Default)]
pub struct Programs {
    /// Their whole environment; `PATH` is where they are looked for too.
    pub environment: Vec<(OsString, OsString)>,
    /// Who answers them.
    pub ask: Option<Arc<dyn Ask>>,
}

impl Programs {
    /// The file of this name in a folder of `PATH`. Relative folders are passed over.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        let path = self.environment.iter().rev().find(|(key, _)| key == "PATH").map(|(_, value)| value)?;
        std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(name))
            .find(|file| is_executable(file))
    }

    /// A program by its name, or by its path where it has one.
    pub(crate) fn find_program(&self, name: &OsStr) -> Option<PathBuf> {
        let path = Path::new(name);
        if path.components().count() > 1 {
            return is_executable(path).then(|| path.to_owned());
        }
        name.to_str().and_then(|name| self.find(name))
    }

    /// A program that reads and writes pipes.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }
}

impl fmt::Debug for Programs {
    /// Names without values: an environment may hold secrets.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        out.debug_struct("Programs").field("environment", &names).field("ask", &self.ask.is_some()).finish()
    }
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The variables that another program may see out of those that this process was started with: what programs
/// need to find themselves and a person's session, and what managers of passwords are told by.
///
/// Everything else stays here, above all passwords and keys handed to uvars itself.
pub fn environment(all: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
    all.into_iter().filter(|(name, _)| may_see(name)).collect()
}

/// All of them but those that may carry keys and passwords of ours: what sops hands on, without what it need not.
pub fn environment_without_keys(
    all: impl IntoIterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let ours = |name: &OsStr| {
        let name = name.to_string_lossy();
        name.starts_with("SOPS_AGE_") || name.starts_with("UVARS_")
    };
    all.into_iter().filter(|(name, _)| !ours(name)).collect()
}

const NAMES: [&str; 17] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TERM",
    "TZ",
    "TMPDIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "GNUPGHOME",
    "GPG_TTY",
    "SSH_AUTH_SOCK",
    "PINENTRY_USER_DATA",
];

/// Prefixes: locale and session folders; then 1Password, Bitwarden, pass, Vault, the clouds, age's plugins.
const PREFIXES: [&str; 12] = [
    "LC_",
    "XDG_",
    "OP_",
    "BW_",
    "PASSWORD_STORE_",
    "VAULT_",
    "AWS_",
    "AZURE_",
    "GOOGLE_",
    "CLOUDSDK_",
    "AGE_",
    "YUBIKEY_",
];

fn may_see(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_passwords_do_not_reach_a_child() {
        let all = ["PATH", "HOME", "LC_ALL", "SOPS_AGE_KEY", "UVARS_PASSWORD_JON", "SECRET", "OP_SESSION_x"];
        let seen = environment(all.map(|name| (name.into(), "x".into())));
        let names: Vec<_> = seen.iter().map(|(name, _)| name.to_str().unwrap()).collect();
        assert_eq!(names, ["PATH", "HOME", "LC_ALL", "OP_SESSION_x"]);
    }

    #[test]
    fn debug_shows_no_value() {
        let programs = Programs { environment: vec![("OP_TOKEN".into(), "hunter2".into())], ask: None };
        assert!(!format!("{programs:?}").contains("hunter2"));
    }

    #[test]
    fn programs_are_found_in_absolute_folders_only() {
        let with = |path: &str| Programs { environment: vec![("PATH".into(), path.into())], ask: None };
        assert_eq!(with("/nowhere:/bin").find("sh"), Some("/bin/sh".into()));
        assert_eq!(with(".:bin:").find("sh"), None);
        assert_eq!(Programs::default().find("sh"), None);
    }
}
