//! The manifest: what one host or one person activates, and from which files.
//!
//! It is made by `uvars export manifest` on the administrator's machine and read on the host, where it is all
//! that is trusted beside the host's own key: owner, mode and place of everything come from here, never from a
//! sops file. Reading is strict: an unknown field, a name that could leave its folder and two things in one
//! place are errors. It may not know the fleet.

mod check;
mod read;
mod write;

use crate::fs::{Digest, RepoPath};
use std::fmt;

/// The version of the format that this program writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// What a host or a person activates.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Manifest {
    /// Whose manifest it is.
    pub of: Whose,
    /// The encrypted files, copied beside the manifest under their repository paths.
    pub files: Vec<File>,
    /// The accounts of a host; a person's manifest has none.
    pub accounts: Vec<Account>,
    /// Single values that land at a name of their own on a host; a person's manifest has none.
    pub installs: Vec<Install>,
    /// Personal files, every value of which lands with its owner.
    pub personal: Vec<Personal>,
    /// How the fleet wants passwords hashed.
    pub settings: Settings,
}

/// Whose manifest it is: `hosts/cinnabar`, `users/jon`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Whose {
    /// A host, activated by its root.
    Host(String),
    /// A person, activated by themselves.
    User(String),
}

/// One encrypted file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct File {
    /// Its place in the repository, and beside the manifest.
    pub path: RepoPath,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// One account of the host.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// The login name.
    pub user: String,
    /// What is to become of it.
    pub policy: Policy,
    /// The file with its password; `None` where the account is absent or has no password of ours.
    pub from: Option<RepoPath>,
    /// What that file holds.
    pub format: Format,
    /// Whether the person administers this host.
    pub admin: bool,
    /// The number of the account.
    pub uid: Option<u32>,
    /// The person's name.
    pub description: Option<String>,
    /// The primary group.
    pub group_primary: Option<String>,
    /// All other groups; `None` leaves them to the host.
    pub groups_secondary: Option<Vec<String>>,
    /// The home folder.
    pub home_dir: Option<String>,
    /// The login shell.
    pub shell: Option<String>,
    /// ssh public keys that may log in; `None` leaves them to the host.
    pub authorized_keys: Option<Vec<String>>,
}

/// What is to become of an account.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Policy {
    /// It is there and its owner may log in.
    #[default]
    Present,
    /// It is there and nobody may log in by password.
    Locked,
    /// It is not there.
    Absent,
}

/// What an account file holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// `password_hash`, as `/etc/shadow` has it.
    #[default]
    Hash,
    /// `password`, which this host hashes.
    Plaintext,
}

/// One value that lands at a name of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Install {
    /// Its name below `/run/uvars` (or `/run/uvars-users`), `db/password`.
    pub name: String,
    /// The file that it comes from.
    pub from: RepoPath,
    /// The value in that file, `db.password`.
    pub key: String,
    /// A user name of the host, or a number.
    pub owner: String,
    /// A group name of the host, or a number; `None` is root's.
    pub group: Option<String>,
    /// The permission bits.
    pub mode: u32,
    /// When it is needed.
    pub phase: Phase,
}

/// When a value is needed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Phase {
    /// Before accounts are made: it lands in `/run/uvars-users`.
    Users,
    /// Before services start: it lands in `/run/uvars`.
    #[default]
    Services,
}

/// A file every value of which lands with one person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Personal {
    /// The person's login name.
    pub user: String,
    /// The file.
    pub from: RepoPath,
    /// The folder, below the person's own, that the values land in: `shared/wifi`; `None` is that one itself.
    pub into: Option<String>,
}

/// How the fleet wants passwords hashed, where a host does it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// The kind, `yescrypt`; `None` is the program's default.
    pub hash_kind: Option<String>,
    /// The cost, in the kind's own measure (for sha512-crypt: rounds).
    pub hash_cost: Option<u32>,
}

impl fmt::Display for Whose {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => write!(out, "hosts/{name}"),
            Self::User(name) => write!(out, "users/{name}"),
        }
    }
}

impl Policy {
    /// The word in the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Locked => "locked",
            Self::Absent => "absent",
        }
    }
}

impl Phase {
    /// The word in the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Services => "services",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn whole() -> String {
        format!(
            r#"{{
  "version": 1,
  "for": "hosts/cinnabar",
  "files": [
    {{"path": "secrets/accounts/jon.sops.yaml", "sha256": "{SHA}"}},
    {{"path": "secrets/hosts/cinnabar.sops.yaml", "sha256": "{SHA}"}},
    {{"path": "secrets/users/jon.sops.yaml", "sha256": "{SHA}"}}
  ],
  "accounts": [
    {{"user": "jon", "policy": "present", "from": "secrets/accounts/jon.sops.yaml", "admin": true, "uid": 1001,
     "description": "Jon Smith", "group_primary": "users", "groups_secondary": ["wheel"], "home_dir": "/home/jon",
     "shell": "/bin/bash", "authorized_keys": []}},
    {{"user": "ann", "policy": "locked", "from": "secrets/accounts/jon.sops.yaml", "format": "plaintext"}},
    {{"user": "old", "policy": "absent"}}
  ],
  "installs": [
    {{"name": "db/password", "from": "secrets/hosts/cinnabar.sops.yaml", "key": "db.password", "owner": "postgres",
     "group": "70", "mode": "0440", "phase": "services"}},
    {{"name": "early", "from": "secrets/hosts/cinnabar.sops.yaml", "key": "early", "owner": "root", "mode": "0400",
     "phase": "users"}}
  ],
  "personal": [{{"user": "jon", "from": "secrets/users/jon.sops.yaml"}}],
  "settings": {{"hash_kind": "yescrypt", "hash_cost": 5}}
}}"#
        )
    }

    fn refused(from: &str, to: &str) -> String {
        let text = whole();
        assert!(text.contains(from), "{from}");
        match Manifest::parse(text.replacen(from, to, 1).as_bytes()) {
            Ok(_) => panic!("{to} was accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let manifest = Manifest::parse(whole().as_bytes()).unwrap();
        assert_eq!(manifest.of.to_string(), "hosts/cinnabar");
        assert_eq!(manifest.accounts[0].authorized_keys, Some(Vec::new()));
        assert_eq!(manifest.accounts[1].authorized_keys, None);
        assert_eq!(manifest.installs[0].mode, 0o440);
        let bytes = manifest.to_json().unwrap();
        assert_eq!(Manifest::parse(&bytes).unwrap(), manifest);
        assert_eq!(Manifest::parse(&bytes).unwrap().to_json().unwrap(), bytes);
        let empty = Manifest::parse(br#"{"version": 1, "for": "users/jon"}"#).unwrap();
        assert_eq!(Manifest::parse(&empty.to_json().unwrap()).unwrap(), empty);
    }

    #[test]
    fn every_hostile_or_wrong_manifest_is_refused_by_the_field_s_name() {
        for (from, to, said) in [
            ("\"version\": 1", "\"version\": 2", "version: is 2, and this uvars reads 1"),
            ("\"version\": 1,", "", "version: is missing"),
            ("\"version\": 1", "\"version\": \"1\"", "version: must be a number"),
            ("\"settings\"", "\"templates\"", "templates: is a field that this version"),
            ("\"uid\"", "\"id\"", "accounts.0.id: is a field that this version"),
            ("\"sha256\"", "\"sha\"", "files.0.sha: is a field"),
            ("\"hash_cost\"", "\"cost\"", "settings.cost: is a field"),
            (SHA, "abc", "files.0.sha256: must be 64"),
            (SHA, &SHA.to_uppercase(), "files.0.sha256: must be 64"),
            ("hosts/cinnabar\"", "hosts/../etc\"", "for: is not a host name"),
            ("hosts/cinnabar\"", "robots/ci\"", "for: must be hosts/NAME or users/NAME"),
            (
                "\"path\": \"secrets/accounts/jon.sops.yaml\"",
                "\"path\": \"../jon.sops.yaml\"",
                "files.0.path: ",
            ),
            ("\"path\": \"secrets/accounts/jon.sops.yaml\"", "\"path\": \"/etc/shadow\"", "files.0.path: "),
            (
                "\"path\": \"secrets/users/jon",
                "\"path\": \"secrets/hosts/cinnabar",
                "files.2: secrets/hosts/cinnabar.sops.yaml is listed twice",
            ),
            (
                "\"user\": \"jon\", \"policy\"",
                "\"user\": \"../jon\", \"policy\"",
                "accounts.0.user: is not a user name",
            ),
            ("\"user\": \"ann\"", "\"user\": \"jon\"", "accounts.1.user: jon is taken"),
            ("\"present\"", "\"Present\"", "accounts.0.policy: must be present"),
            ("\"plaintext\"", "\"crypt\"", "accounts.1.format: must be hash"),
            ("\"admin\": true", "\"admin\": 1", "accounts.0.admin: must be true or false"),
            ("\"uid\": 1001", "\"uid\": -1", "accounts.0.uid: is not a whole number"),
            ("\"uid\": 1001", "\"uid\": 4294967295", "accounts.0.uid: is not a number of an account"),
            ("\"/bin/bash\"", "\"/bin/sh\\nroot\"", "accounts.0.shell: must be an absolute path"),
            ("\"/bin/bash\"", "\"sh\"", "accounts.0.shell: must be an absolute path"),
            ("\"/bin/bash\"", "\"/bin/sh:x\"", "accounts.0.shell: must be an absolute path"),
            ("\"/home/jon\"", "\"../x\"", "accounts.0.home_dir: must be an absolute path"),
            ("\"/home/jon\"", "\"/home/../etc\"", "accounts.0.home_dir: must be an absolute path"),
            ("\"Jon Smith\"", "\"a:b\"", "accounts.0.description: must not hold a colon"),
            ("\"Jon Smith\"", "\"a\\nb\"", "accounts.0.description: must be one line"),
            ("\"users\",", "\"-g\",", "accounts.0.group_primary: is not the name"),
            ("[\"wheel\"]", "[\"wheel\", \"a:b\"]", "accounts.0.groups_secondary.1: is not the name"),
            (
                "\"authorized_keys\": []",
                "\"authorized_keys\": [\"a\\nb\"]",
                "accounts.0.authorized_keys.0: must be one line",
            ),
            (
                "\"from\": \"secrets/accounts/jon",
                "\"from\": \"secrets/accounts/bob",
                "accounts.0.from: secrets/accounts/bob.sops.yaml is not among",
            ),
            ("\"db/password\"", "\"../../etc/passwd\"", "installs.0.name: must be plain names"),
            ("\"db/password\"", "\"/etc/passwd\"", "installs.0.name: must be plain names"),
            ("\"db/password\"", "\"home/jon/x\"", "installs.0.name: must not begin with home/"),
            ("\"db/password\"", "\".status\"", "installs.0.name: must be plain names"),
            (
                "\"name\": \"early\"",
                "\"name\": \"jon/password_hash\"",
                "installs.1.name: jon/password_hash is taken",
            ),
            (
                "\"phase\": \"users\"",
                "\"phase\": \"accounts\"",
                "installs.1.phase: must be users or services",
            ),
            ("\"0440\"", "\"4755\"", "installs.0.mode: must begin with 0, like \"0400\": set-user-ID"),
            ("\"0440\"", "\"0666\"", "installs.0.mode: lets everybody write"),
            ("\"0440\"", "288", "installs.0.mode: must be text, and is a number"),
            ("\"owner\": \"postgres\"", "\"owner\": \"-rf\"", "installs.0.owner: is not the name"),
            ("\"owner\": \"postgres\",", "", "installs.0.owner: is missing"),
            ("\"70\"", "\"4294967295\"", "installs.0.group: is not a number"),
            (
                "\"user\": \"jon\", \"from\"",
                "\"user\": \"jon\", \"into\": \"../x\", \"from\"",
                "personal.0.into: must be plain names",
            ),
            (
                "cinnabar.sops.yaml\", \"key\": \"db",
                "basalt.sops.yaml\", \"key\": \"db",
                "installs.0.from: secrets/hosts/basalt.sops.yaml is not among",
            ),
            (
                "\"user\": \"jon\", \"from\": \"secrets/users/jon",
                "\"user\": \"jon\", \"from\": \"secrets/users/ann",
                "personal.0.from: secrets/users/ann.sops.yaml is not among",
            ),
            (
                "\"personal\": [",
                "\"personal\": [{\"user\": \"jon\", \"from\": \"secrets/users/jon.sops.yaml\"}, ",
                "personal.1: lands where another file",
            ),
            ("hosts/cinnabar\"", "users/jon\"", "accounts: is for hosts"),
        ] {
            let error = refused(from, to);
            assert!(error.starts_with(said), "{to}: {error}");
        }
    }

    #[test]
    fn two_things_in_one_place_and_another_person_s_values_are_refused() {
        let same_phase = whole().replacen("\"name\": \"early\"", "\"name\": \"db\"", 1).replacen(
            "\"phase\": \"users\"",
            "\"phase\": \"services\"",
            1,
        );
        let error = Manifest::parse(same_phase.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("installs.1.name: db is taken"), "{error}");
        let person = |user: &str| {
            format!(
                r#"{{"version": 1, "for": "users/jon", "files": [{{"path": "secrets/users/jon.sops.yaml", "sha256": "{SHA}"}}],
                    "personal": [{{"user": "{user}", "from": "secrets/users/jon.sops.yaml"}}]}}"#
            )
        };
        assert!(Manifest::parse(person("jon").as_bytes()).is_ok());
        let error = Manifest::parse(person("ann").as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "personal.0.user: must be jon, whose manifest this is");
        for (field, entry) in [
            ("accounts", r#"{"user": "jon", "policy": "present"}"#),
            (
                "installs",
                r#"{"name": "a", "from": "secrets/users/jon.sops.yaml", "key": "a", "owner": "root", "mode": "0400", "phase": "users"}"#,
            ),
        ] {
            let text =
                person("jon").replace("\"personal\"", &format!("\"{field}\": [{entry}], \"personal\""));
            let error = Manifest::parse(text.as_bytes()).unwrap_err().to_string();
            assert_eq!(error, format!("{field}: is for hosts, and this is the manifest of a person"));
        }
    }
}
