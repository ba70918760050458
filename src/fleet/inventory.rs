//! What `uvars.yaml` says, as values that have been checked against each other.
//!
//! An [`Inventory`] is made by [`Inventory::parse`] alone; whoever holds one need check nothing again. It
//! knows no keys: those come in with [`Fleet`](super::Fleet).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::password::Method;
use crate::rules::Verbatim;
use crate::sops::{KeyPath, Stores};
use crate::yaml::closest;

use super::fleet::INVENTORY;
use super::name::{AccountName, HostName, InstallName, KeyName, RobotName, SharedName, Tag, UserName};

/// A line and a column of `uvars.yaml`, both counted from 1.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// Something, and where it is said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Said<T> {
    /// What is said.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// The whole file.
#[derive(Clone, Debug)]
pub struct Inventory {
    pub(super) file: PathBuf,
    pub(super) settings: Settings,
    /// In the order of their names, so that a host's index is its rank.
    pub(super) hosts: Vec<Host>,
    /// In the order of their names.
    pub(super) users: Vec<User>,
    /// In the order of their names.
    pub(super) shared: Vec<Shared>,
    /// In the order of their names.
    pub(super) install: Vec<Install>,
    pub(super) rules: HandWritten,
    pub(super) host_ids: HashMap<HostName, HostId>,
    pub(super) tagged: HashMap<Tag, Vec<HostId>>,
}

/// A host's rank among the names of all hosts.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct HostId(pub(super) u32);

/// The field `settings`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// How passwords are hashed.
    pub password_hash: Method,
    /// Whether the recovery keys read personal files and handovers.
    pub recovery_personal: bool,
    /// In which form a host's ssh-ed25519 key reads files.
    pub ssh: SshForm,
}

/// In which form a host's ssh-ed25519 key reads files.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SshForm {
    /// As `age1…`, which every sops can use.
    #[default]
    Converted,
    /// As `ssh-ed25519 …`.
    Native,
}

/// One host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name, which is that of its file in `keys/hosts/` too.
    pub name: HostName,
    /// What runs there.
    pub platform: Platform,
    /// Its tags, without `all`, which every host has.
    pub tags: Vec<Said<Tag>>,
    /// Where it says `key: pending`.
    pub pending: Option<Place>,
    /// Where it is declared.
    pub place: Place,
}

/// What runs on a host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Platform {
    /// NixOS.
    Nixos,
    /// macOS, with or without nix-darwin.
    Darwin,
    /// Any other Linux.
    Linux,
}

/// One login, on every host that it is placed on.
#[derive(Clone, Debug)]
pub struct User {
    /// The login.
    pub name: UserName,
    /// Whose file in `keys/users/`: one person may have two logins.
    pub key: Said<KeyName>,
    /// Whether `key` is written down; otherwise it is the login.
    pub key_is_named: bool,
    /// Hosts by name.
    pub hosts: Vec<Said<HostName>>,
    /// Hosts by tag; `all` is every host.
    pub tags: Vec<Said<Tag>>,
    /// Hosts whose system activation reads and installs the personal file.
    pub integrated: Vec<Said<HostName>>,
    /// What holds wherever `on` says nothing else.
    pub account: Account,
    /// How the password comes about; none: an account without password.
    pub password: Option<Password>,
    /// Handed on to the Nix side.
    pub modules: Vec<String>,
    /// Where the user is declared.
    pub place: Place,
    pub(super) on: HashMap<HostId, Said<Account>>,
    /// In the order of the hosts' names.
    pub(super) placed: Vec<HostId>,
}

/// What an account looks like: of a user everywhere, or of a user on one host (`on: { HOST: … }`), where only
/// what differs is said. [`Placement`](super::Placement) has the two put together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// Whether the user administers the host (sudo there); grants no secret by itself.
    pub role: Option<Role>,
    /// Whether the account is there.
    pub policy: Option<Policy>,
    /// The number.
    pub uid: Option<u32>,
    /// The full name.
    pub description: Option<String>,
    /// The first group.
    pub group_primary: Option<AccountName>,
    /// The other groups.
    pub groups_secondary: Option<Vec<AccountName>>,
    /// An absolute path.
    pub home_dir: Option<String>,
    /// An absolute path.
    pub shell: Option<String>,
    /// Lines of `~/.ssh/authorized_keys`.
    pub authorized_keys: Option<Vec<String>>,
}

/// Whether a user administers a host.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Role {
    /// No sudo.
    #[default]
    Standard,
    /// Sudo.
    Admin,
}

/// Whether an account is there (the word of a users promise).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Policy {
    /// There, and can log in.
    #[default]
    Present,
    /// There, without login by password.
    Locked,
    /// Not there.
    Absent,
}

/// How a password comes about. The password itself is never in `uvars.yaml`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Password {
    /// Ask for it; otherwise make one.
    pub prompt: bool,
    /// One password on all hosts; otherwise one a host.
    pub share: bool,
    /// Hand the password to its owner even if it was typed.
    pub keep: bool,
    /// What the account file holds.
    pub format: Format,
}

impl Default for Password {
    fn default() -> Self {
        Self { prompt: true, share: false, keep: false, format: Format::Hash }
    }
}

/// What an account file holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// A hash of crypt(3).
    Hash,
    /// The password.
    Plaintext,
}

/// One file of `secrets/shared/`, and who reads it beside admins and recovery.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Its name.
    pub name: SharedName,
    /// Hosts by name.
    pub hosts: Vec<Said<HostName>>,
    /// Hosts by tag.
    pub tags: Vec<Said<Tag>>,
    /// Users.
    pub users: Vec<Said<UserName>>,
    /// Programs, which `keys/robots/` must have.
    pub robots: Vec<Said<RobotName>>,
    /// Where it is declared.
    pub place: Place,
    /// In the order of the hosts' names.
    pub(super) placed: Vec<HostId>,
}

/// One value that lands on hosts beside account data.
#[derive(Clone, Debug)]
pub struct Install {
    /// Where, below the host tree.
    pub name: InstallName,
    /// Out of which file.
    pub from: From,
    /// Which value of the file.
    pub key: KeyPath,
    /// Who owns it there; absent: root.
    pub owner: Option<AccountName>,
    /// Its group there; absent: root's.
    pub group: Option<AccountName>,
    /// Its permissions there.
    pub mode: u32,
    /// When it is installed.
    pub phase: Phase,
    /// Where it is declared.
    pub place: Place,
    /// The hosts of `on`.
    pub(super) on_hosts: Vec<Said<HostName>>,
    /// The tags of `on`.
    pub(super) on_tags: Vec<Said<Tag>>,
    /// In the order of the hosts' names.
    pub(super) placed: Vec<HostId>,
}

/// Out of which file a value is installed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum From {
    /// Each host's own file.
    Hosts,
    /// A file of `secrets/shared/`.
    Shared(SharedName),
}

/// When a value is installed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Phase {
    /// Before the accounts are made: owned by root.
    Users,
    /// When they are there.
    #[default]
    Services,
}

/// The field `rules`: creation rules that a person wrote, as they are written.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HandWritten {
    /// Anchors that they use: the lines of `keys:` in `.sops.yaml`.
    pub keys: Said<Verbatim>,
    /// In front of ours.
    pub before: Said<Verbatim>,
    /// Behind ours, the deny rule included.
    pub after: Said<Verbatim>,
    /// Other fields of `.sops.yaml`, such as `stores`.
    pub other: Said<Verbatim>,
    /// What they say about the layout of files.
    pub stores: Stores,
}

impl Platform {
    /// The word of `uvars.yaml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nixos => "nixos",
            Self::Darwin => "darwin",
            Self::Linux => "linux",
        }
    }
}

impl Role {
    /// The word of `uvars.yaml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Admin => "admin",
        }
    }
}

impl Policy {
    /// The word of `uvars.yaml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Locked => "locked",
            Self::Absent => "absent",
        }
    }
}

impl Format {
    /// The word of `uvars.yaml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Plaintext => "plaintext",
        }
    }
}

impl<T: Default> Default for Said<T> {
    fn default() -> Self {
        Self { value: T::default(), place: Place::default() }
    }
}

impl Inventory {
    /// The file as the caller named it.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What holds for the whole fleet.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All hosts in the order of their names.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// A host by its name.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.host_ids.get(name).map(|id| self.by_id(*id))
    }

    /// A host that must be there. Errors: there is none of this name; with the nearest one.
    pub fn need_host(&self, name: &str) -> Result<&Host> {
        let known = || self.hosts.iter().map(|host| host.name.as_str());
        self.host(name).ok_or_else(|| nobody("host", name, known()))
    }

    /// A user who must be there. Errors: there is none of this name; with the nearest one.
    pub fn need_user(&self, name: &str) -> Result<&User> {
        let known = || self.users.iter().map(|user| user.name.as_str());
        self.user(name).ok_or_else(|| nobody("user", name, known()))
    }

    /// All users in the order of their names.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// A user by the login.
    pub fn user(&self, name: &str) -> Option<&User> {
        find(&self.users, |user| user.name.as_str().cmp(name))
    }

    /// All shared files in the order of their names.
    pub fn shared(&self) -> &[Shared] {
        &self.shared
    }

    /// A shared file by its name.
    pub fn shared_named(&self, name: &str) -> Option<&Shared> {
        find(&self.shared, |shared| shared.name.as_str().cmp(name))
    }

    /// Everything to install, in the order of the names.
    pub fn install(&self) -> &[Install] {
        &self.install
    }

    /// What is installed on a host, in the order of the names.
    pub fn installed_on(&self, host: &str) -> impl Iterator<Item = &Install> {
        let id = self.host_ids.get(host).copied();
        self.install.iter().filter(move |item| id.is_some_and(|id| item.placed.binary_search(&id).is_ok()))
    }

    /// The hosts that one thing to install lands on, in the order of their names.
    pub fn hosts_of_install(&self, item: &Install) -> impl Iterator<Item = &Host> {
        item.placed.iter().map(|id| self.by_id(*id))
    }

    /// The hosts that one shared file names, in the order of their names.
    pub fn hosts_of_shared(&self, shared: &Shared) -> impl Iterator<Item = &Host> {
        shared.placed.iter().map(|id| self.by_id(*id))
    }

    /// The rules that a person wrote.
    pub fn hand_written(&self) -> &HandWritten {
        &self.rules
    }

    /// The hosts with a tag, in the order of their names; `all` is every host.
    pub fn tagged(&self, tag: &str) -> impl Iterator<Item = &Host> {
        self.ids_tagged(tag).map(|id| self.by_id(id))
    }

    pub(super) fn ids_tagged(&self, tag: &str) -> impl Iterator<Item = HostId> {
        let count = if tag == ALL { u32::try_from(self.hosts.len()).unwrap_or(u32::MAX) } else { 0 };
        (0..count).map(HostId).chain(self.tagged.get(tag).into_iter().flatten().copied())
    }

    #[expect(clippy::indexing_slicing, reason = "ids are ranks in this very list, which never changes")]
    pub(super) fn by_id(&self, id: HostId) -> &Host {
        &self.hosts[id.0 as usize]
    }
}

/// The tag of every host.
pub(super) const ALL: &str = "all";

fn nobody<'k>(what: &str, name: &str, known: impl IntoIterator<Item = &'k str>) -> Error {
    let name = shown(name);
    let message = match closest(name, known) {
        Some(near) => format!("there is no {what} `{name}`, did you mean `{near}`?"),
        None => format!("there is no {what} `{name}`"),
    };
    Error::usage(message).at(INVENTORY).hint(format!("list them: uvars {what} list"))
}

/// A name that was typed; what is longer than any name may be something else, and is not repeated.
fn shown(name: &str) -> &str {
    if name.len() <= 64 { name } else { "…" }
}

fn find<T>(sorted: &[T], compare: impl Fn(&T) -> std::cmp::Ordering) -> Option<&T> {
    sorted.binary_search_by(compare).ok().and_then(|index| sorted.get(index))
}
