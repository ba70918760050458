//! Which files the fleet has: those that must be there, and those that may.

use crate::error::Result;
use crate::fs::RepoPath;

use super::file::FileKind;
use super::fleet::Fleet;
use super::inventory::User;
use super::name::HostName;
use super::placement::Placement;

/// A file that the fleet has a place for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExpectedFile {
    /// What it is for.
    pub kind: FileKind,
    /// Whether it must be there, as a password's hash on the hosts of its user. The others hold what people
    /// put there.
    pub required: bool,
}

impl ExpectedFile {
    /// Where it is in the repository.
    pub fn path(&self) -> Result<RepoPath> {
        RepoPath::new(&self.kind.path())
    }
}

impl Fleet {
    /// Every file that somebody could read, in the order of [`FileKind`] and then of the names. Handovers are not
    /// among them: they come and go.
    ///
    /// A shared account file has one entry; a password per host has one for each host that needs it; a user
    /// whose hosts are all Darwin has none where the format is a hash.
    pub fn expected_files(&self) -> Vec<ExpectedFile> {
        let inventory = self.inventory();
        let mut files = Vec::new();
        let mut may = |kind: FileKind| files.push(ExpectedFile { kind, required: false });
        for user in &inventory.users {
            may(FileKind::Personal(user.name.clone()));
        }
        for host in &inventory.hosts {
            may(FileKind::Host(host.name.clone()));
            may(FileKind::Bootstrap(host.name.clone()));
        }
        for shared in &inventory.shared {
            may(FileKind::Shared(shared.name.clone()));
        }
        for user in &inventory.users {
            files.extend(
                self.account_files(user).into_iter().map(|kind| ExpectedFile { kind, required: true }),
            );
        }
        files.retain(|file| self.reader_ids(&file.kind).is_some_and(|ids| !ids.is_empty()));
        files.sort_by(|a, b| a.kind.cmp(&b.kind));
        files
    }

    /// The account files that a user must have: none, one shared, or one for each host that needs it.
    pub fn account_files(&self, user: &User) -> Vec<FileKind> {
        let hosts = self.inventory().placements(user).filter(Placement::needs_account_file);
        let mut hosts = hosts.map(|placement| placement.host.name.clone());
        let file = |host: Option<HostName>| FileKind::Account(user.name.clone(), host);
        match user.password {
            None => Vec::new(),
            Some(password) if password.share => hosts.next().map(|_| file(None)).into_iter().collect(),
            Some(_) => hosts.map(|host| file(Some(host))).collect(),
        }
    }
}
