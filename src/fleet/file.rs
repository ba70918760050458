//! The files of `secrets/`: which path means what.

use std::fmt;

use super::name::{HostName, SharedName, UserName};

/// The folder of everything that is encrypted.
pub const SECRETS: &str = "secrets";
/// How every file of ours ends.
pub const ENDING: &str = ".sops.yaml";
/// The folders in `secrets/` that are ours.
pub const FOLDERS: [&str; 6] = ["users", "accounts", "handover", "hosts", "shared", "bootstrap"];

/// What one file of `secrets/` is for. Whether the fleet has such a user or host is another question.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FileKind {
    /// `users/U`: personal values.
    Personal(UserName),
    /// `accounts/U` (no host) and `accounts/U@H`: what lets the user in.
    Account(UserName, Option<HostName>),
    /// `handover/U/ITEM`: a generated value that waits for its owner.
    Handover(UserName, String),
    /// `hosts/H`: values of one host.
    Host(HostName),
    /// `shared/N`: values of a group.
    Shared(SharedName),
    /// `bootstrap/H`: a host key made before the host exists.
    Bootstrap(HostName),
}

impl FileKind {
    /// What a path in the repository means; none where it is not exactly the path of a file of ours.
    pub fn of(path: &str) -> Option<Self> {
        let inside = path.strip_prefix(SECRETS)?.strip_prefix('/')?.strip_suffix(ENDING)?;
        Self::of_short(inside)
    }

    /// What a short name means: `users/jon`, `accounts/jon@cinnabar`.
    pub fn of_short(name: &str) -> Option<Self> {
        let (folder, rest) = name.split_once('/')?;
        match folder {
            "users" => Some(Self::Personal(UserName::new(rest).ok()?)),
            "accounts" => match rest.split_once('@') {
                None => Some(Self::Account(UserName::new(rest).ok()?, None)),
                Some((user, host)) => {
                    Some(Self::Account(UserName::new(user).ok()?, Some(HostName::new(host).ok()?)))
                }
            },
            "handover" => {
                let (user, item) = rest.split_once('/')?;
                (is_item(item)).then_some(Self::Handover(UserName::new(user).ok()?, item.to_owned()))
            }
            "hosts" => Some(Self::Host(HostName::new(rest).ok()?)),
            "shared" => Some(Self::Shared(SharedName::new(rest).ok()?)),
            "bootstrap" => Some(Self::Bootstrap(HostName::new(rest).ok()?)),
            _ => None,
        }
    }

    /// The path in the repository.
    pub fn path(&self) -> String {
        format!("{SECRETS}/{self}{ENDING}")
    }
}

/// Shown as its short name.
impl fmt::Display for FileKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Personal(user) => write!(out, "users/{user}"),
            Self::Account(user, None) => write!(out, "accounts/{user}"),
            Self::Account(user, Some(host)) => write!(out, "accounts/{user}@{host}"),
            Self::Handover(user, item) => write!(out, "handover/{user}/{item}"),
            Self::Host(host) => write!(out, "hosts/{host}"),
            Self::Shared(name) => write!(out, "shared/{name}"),
            Self::Bootstrap(host) => write!(out, "bootstrap/{host}"),
        }
    }
}

/// What a handover may be called; the rule of `.sops.yaml` says the same ([`ITEM_REGEX`]).
fn is_item(item: &str) -> bool {
    let mut bytes = item.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'@' | b'-'))
}

/// A handover's name as a regex.
pub(super) const ITEM_REGEX: &str = "[0-9A-Za-z][0-9A-Za-z_.@-]*";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_kinds_are_each_others_reverse() {
        for path in [
            "secrets/users/jon.sops.yaml",
            "secrets/accounts/jon.sops.yaml",
            "secrets/accounts/jon@a.b.sops.yaml",
            "secrets/handover/jon/password.sops.yaml",
            "secrets/handover/jon/password@cinnabar.sops.yaml",
            "secrets/hosts/db-1.sops.yaml",
            "secrets/shared/wifi.sops.yaml",
            "secrets/bootstrap/db.sops.yaml",
        ] {
            assert_eq!(FileKind::of(path).map(|kind| kind.path()).as_deref(), Some(path));
        }
    }

    #[test]
    fn nothing_else_is_ours() {
        for path in [
            "",
            "secrets/users/.sops.yaml",
            "secrets/users/Jon.sops.yaml",
            "secrets/users/jon.yaml",
            "secrets/users/a/b.sops.yaml",
            "secrets/accounts/jon@.sops.yaml",
            "secrets/accounts/jon@a@b.sops.yaml",
            "secrets/handover/jon.sops.yaml",
            "secrets/handover/jon/a/b.sops.yaml",
            "secrets/handover/jon/.x.sops.yaml",
            "secrets/other/x.sops.yaml",
            "./secrets/users/jon.sops.yaml",
            "x/secrets/users/jon.sops.yaml",
        ] {
            assert_eq!(FileKind::of(path), None, "{path}");
        }
    }
}
