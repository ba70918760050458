//! Who an owner or a group of this host is: its own databases first, then `getent` for what lives elsewhere.

use super::databases::{self, Login};
use crate::error::{Error, Result};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long `getent` may take: a directory server that does not answer must not hold up a boot.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `getent` said of a name in a database; `None` where it knows none.
type Asked = BTreeMap<(&'static str, String), Option<Vec<u8>>>;

/// Accounts and groups of a host.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    logins: Vec<Login>,
    groups: Vec<(String, u32)>,
    /// Where `getent` is; `None` asks nobody else.
    getent: Option<PathBuf>,
    /// What `getent` has said, so that nobody is asked twice.
    asked: RefCell<Asked>,
}

impl Lookup {
    /// From the bytes of passwd and group.
    pub(super) fn new(passwd: &[u8], group: &[u8], getent: Option<PathBuf>) -> Self {
        Self {
            logins: databases::passwd(passwd),
            groups: databases::group(group),
            getent,
            asked: RefCell::default(),
        }
    }

    /// Reads `etc/passwd` and `etc/group`; a host that has none yet has no accounts.
    pub(super) fn read(etc: &Path, getent: Option<PathBuf>) -> Result<Self> {
        let read = |name: &str| match std::fs::read(etc.join(name)) {
            Ok(bytes) => Ok(bytes),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(cause) => Err(Error::io("read", etc.join(name), cause)),
        };
        Ok(Self::new(&read("passwd")?, &read("group")?, getent))
    }

    /// The account of that name.
    pub(super) fn login(&self, name: &str) -> Option<Login> {
        let own = self.logins.iter().find(|login| login.name == name).cloned();
        own.or_else(|| {
            databases::passwd(&self.ask("passwd", name)?).into_iter().find(|login| login.name == name)
        })
    }

    fn group(&self, name: &str) -> Option<u32> {
        let named =
            |groups: &[(String, u32)]| groups.iter().find(|(other, _)| other == name).map(|(_, gid)| *gid);
        named(&self.groups).or_else(|| named(&databases::group(&self.ask("group", name)?)))
    }

    /// The numbers of an owner and a group, each a name or a number; without a group, root's.
    pub(super) fn numbers(&self, owner: &str, group: Option<&str>) -> Result<(u32, u32), String> {
        let uid = match owner.parse() {
            Ok(uid) => uid,
            Err(_) => self
                .login(owner)
                .map(|login| login.uid)
                .or_else(|| root(owner))
                .ok_or_else(|| format!("the host knows no user {owner}"))?,
        };
        let Some(group) = group else { return Ok((uid, 0)) };
        match group.parse().ok().or_else(|| self.group(group)).or_else(|| root(group)) {
            Some(gid) => Ok((uid, gid)),
            None => Err(format!("the host knows no group {group}")),
        }
    }

    fn ask(&self, database: &'static str, name: &str) -> Option<Vec<u8>> {
        let getent = self.getent.as_deref()?;
        let key = (database, name.to_owned());
        if let Some(said) = self.asked.borrow().get(&key) {
            return said.clone();
        }
        let said = run(Command::new(getent).arg(database).arg(name));
        self.asked.borrow_mut().insert(key, said.clone());
        said
    }
}

/// Root is known on a host whose databases cannot be read, too.
fn root(name: &str) -> Option<u32> {
    (name == "root").then_some(0)
}

/// What a child prints if it ends well and in time.
fn run(command: &mut Command) -> Option<Vec<u8>> {
    let mut child =
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let until = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(None) if Instant::now() < until => sleep(Duration::from_millis(5)),
            _ => {
                drop(child.kill());
                drop(child.wait());
                return None;
            }
        }
    }
    let mut said = Vec::new();
    // A line of a database is far below what a pipe holds.
    child.stdout.take()?.take(1 << 16).read_to_end(&mut said).ok()?;
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const PASSWD: &[u8] = b"root:x:0:0::/root:/bin/sh\njon:x:1001:100::/home/jon:/bin/sh\n";
    const GROUP: &[u8] = b"root:x:0:\npostgres:x:70:\n";

    #[test]
    fn names_and_numbers() {
        let lookup = Lookup::new(PASSWD, GROUP, None);
        assert_eq!(lookup.numbers("jon", None), Ok((1001, 0)));
        assert_eq!(lookup.numbers("jon", Some("postgres")), Ok((1001, 70)));
        assert_eq!(lookup.numbers("4242", Some("4243")), Ok((4242, 4243)));
        assert_eq!(lookup.numbers("4242", None), Ok((4242, 0)));
        assert_eq!(Lookup::default().numbers("root", Some("root")), Ok((0, 0)));
        assert_eq!(lookup.numbers("ann", None), Err("the host knows no user ann".into()));
        assert_eq!(lookup.numbers("jon", Some("ann")), Err("the host knows no group ann".into()));
    }

    #[test]
    fn getent_is_asked_once_and_believed_only_about_that_name() {
        let dir = tempfile::tempdir().unwrap();
        let getent = dir.path().join("getent");
        let script = "#!/bin/sh\necho asked >> ${0}.log\n[ \"$2\" = ann ] || exit 2\necho ann:x:5000:5001::/home/ann:/bin/sh\n";
        std::fs::write(&getent, script).unwrap();
        std::fs::set_permissions(&getent, std::fs::Permissions::from_mode(0o755)).unwrap();
        let lookup = Lookup::new(PASSWD, GROUP, Some(getent));
        for _ in 0..2 {
            assert_eq!(lookup.numbers("ann", None), Ok((5000, 0)));
            assert!(lookup.numbers("bob", None).is_err());
        }
        assert_eq!(std::fs::read_to_string(dir.path().join("getent.log")).unwrap().lines().count(), 2);
    }

    #[test]
    fn getent_sees_nothing_of_the_environment() {
        assert!(std::env::vars_os().count() > 0);
        let dir = tempfile::tempdir().unwrap();
        let getent = dir.path().join("getent");
        std::fs::write(&getent, "#!/bin/sh\nexport -p > $0.log\n").unwrap();
        std::fs::set_permissions(&getent, std::fs::Permissions::from_mode(0o755)).unwrap();
        Lookup::new(b"", b"", Some(getent)).login("ann");
        let told = std::fs::read_to_string(dir.path().join("getent.log")).unwrap();
        // What a shell adds by itself.
        let own = |line: &str| {
            ["PWD", "OLDPWD", "SHLVL", "_"]
                .iter()
                .any(|name| line.split(['=', ' ']).any(|word| word == *name))
        };
        assert!(told.lines().all(own), "{told}");
    }
}
