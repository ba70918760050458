//! What waits in `secrets/handover/` for its owner: found, opened, and taken away once it has arrived.
//!
//! Opening is one step and taking away another, so that the caller can make sure of the first before the
//! second: a password that is shown to nobody and deleted would be lost.

use super::account::field;
use crate::error::{Error, Result};
use crate::fleet::{FileKind, Fleet, UserName, Wrapping};
use crate::fs::{RepoPath, Root, Transaction};
use crate::keys::{Recipient, Unwrap};
use crate::keyservice::KeyServices;
use crate::secret::Secret;
use crate::sops::{Encrypted, Format, KeyPath, Map, Plain, Rules, Stores, Value};
use std::time::SystemTime;

/// The folder of a personal file's values that `--store` keeps received ones in.
const RECEIVED: &str = "received";

/// A file that waits for its owner; it has not been opened.
pub struct Waiting {
    /// Where it lies.
    pub path: RepoPath,
    /// Whose it is.
    pub user: UserName,
    /// What it is: `password`, `password@cinnabar`.
    pub item: String,
    file: Encrypted,
    before: Vec<u8>,
}

/// A value that has arrived.
#[derive(Debug)]
pub struct Received {
    /// Where it lay.
    pub path: RepoPath,
    /// Whose it is.
    pub user: UserName,
    /// What it is.
    pub item: String,
    /// The value.
    pub value: Secret,
    /// When it was made, RFC 3339, where the file says so.
    pub changed: Option<String>,
    before: Vec<u8>,
}

/// Everything that waits, for one user or for all, sorted by path, and what is wrong with the other files there.
///
/// # Errors
///
/// The folder cannot be read.
pub fn waiting(root: &Root, user: Option<&UserName>) -> Result<(Vec<Waiting>, Vec<Error>)> {
    let folder =
        user.map_or_else(|| "secrets/handover".to_owned(), |user| format!("secrets/handover/{user}"));
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for path in root.list(&RepoPath::new(&folder)?)? {
        match read(root, path) {
            Ok(waiting) => found.extend(waiting),
            Err(error) => wrong.push(error),
        }
    }
    Ok((found, wrong))
}

fn read(root: &Root, path: RepoPath) -> Result<Option<Waiting>> {
    let Some(FileKind::Handover(user, item)) = FileKind::of(path.as_str()) else {
        return Err(Error::new("is no handover file, and lies among them").at(&path));
    };
    let Some(before) = root.read(&path)? else { return Ok(None) };
    let file = Encrypted::parse(&before, Format::Yaml).map_err(|error| error.at(&path))?;
    Ok(Some(Waiting { path, user, item, file, before }))
}

impl Waiting {
    /// Whether one of these can read it.
    pub fn is_for(&self, recipients: &[Recipient]) -> bool {
        let forms: Vec<Recipient> =
            recipients.iter().filter_map(Recipient::converted).chain(recipients.iter().cloned()).collect();
        self.file.metadata().recipients().iter().any(|reader| forms.iter().any(|own| own.as_str() == *reader))
    }

    /// Opens it, and makes sure that it was written for this place. `name` says whose a recipient is, for the error.
    ///
    /// # Errors
    ///
    /// Kind `NoKey` if no identity at hand fits; a wrong MAC or binding; no value.
    pub fn open(self, keys: &dyn Unwrap, name: &dyn Fn(&str) -> Option<String>) -> Result<Received> {
        let Self { path, user, item, file, before } = self;
        let place = |error: Error| error.at(&path);
        file.check_rule(&path).map_err(place)?;
        let plain = file.unlock_named(keys, name).and_then(|key| file.decrypt(&key)).map_err(place)?;
        plain.check_binding(&path).map_err(place)?;
        let map = plain.to_map();
        let value = match map.get(field::PASSWORD) {
            Some(Value::Str(value)) => value.clone(),
            _ => return Err(place(Error::new("holds no password").key(field::PASSWORD))),
        };
        let changed = match map.get(field::CHANGED) {
            Some(Value::Time(time)) => Some(time.to_string()),
            // `sops set` turns a time into a string
            Some(value) => value.as_str().map(str::to_owned),
            None => None,
        };
        Ok(Received { path, user, item, value, changed, before })
    }
}

/// Takes away what has arrived.
pub fn take(received: &[Received]) -> Transaction {
    let mut transaction = Transaction::new();
    for item in received {
        transaction.expect(item.path.clone(), Some(&item.before));
        transaction.remove(item.path.clone());
    }
    transaction
}

/// Takes away what has arrived, and keeps it in the owners' personal files, below `received`.
///
/// # Errors
///
/// A personal file that a host reads: the host would learn a password that only its hash should know; one that
/// cannot be opened, or is not bound to its place; a reader of it whose key cannot be encrypted for.
pub fn store(
    root: &Root,
    fleet: &Fleet,
    keys: &KeyServices,
    received: &[Received],
    now: SystemTime,
) -> Result<Transaction> {
    let mut transaction = take(received);
    let mut users: Vec<&UserName> = received.iter().map(|item| &item.user).collect();
    users.sort();
    users.dedup();
    for user in users {
        let items = received.iter().filter(|item| item.user == *user);
        let personal = Personal::find(root, fleet, user)?;
        let bytes = personal.with(fleet, keys, items, now).map_err(|error| error.at(&personal.path))?;
        transaction.expect(personal.path.clone(), personal.before.as_deref());
        transaction.write(personal.path, bytes);
    }
    Ok(transaction)
}

/// A user's personal file.
struct Personal {
    path: RepoPath,
    before: Option<Vec<u8>>,
    readers: Vec<Recipient>,
    stores: Stores,
}

impl Personal {
    fn find(root: &Root, fleet: &Fleet, user: &UserName) -> Result<Self> {
        let path = RepoPath::new(&FileKind::Personal(user.clone()).path())?;
        let known = fleet.inventory().user(user.as_str());
        if let Some(host) = known.and_then(|user| user.integrated.first()) {
            let message = format!("the host {} reads this file, and would learn the password", host.value);
            return Err(Error::new(message).at(&path).hint("keep it elsewhere: uvars receive --out FILE"));
        }
        let readers = fleet.must_have_readers(&path)?.recipients().into_iter().cloned().collect();
        Ok(Self { before: root.read(&path)?, readers, path, stores: fleet.stores() })
    }

    fn with<'r>(
        &self,
        fleet: &Fleet,
        keys: &KeyServices,
        items: impl Iterator<Item = &'r Received>,
        now: SystemTime,
    ) -> Result<Vec<u8>> {
        let wrapping = Wrapping::new(fleet, keys);
        let Some(before) = &self.before else {
            let mut plain = Plain::new(Map::new()).laid_out(self.stores);
            keep(&mut plain, items)?;
            plain.bind(&self.path)?;
            let (rules, format) = (Rules::default(), Format::Yaml);
            return Encrypted::create(&plain, &self.readers, &rules, now, format, &wrapping)?.emit();
        };
        let file = Encrypted::parse(before, Format::Yaml)?.laid_out(self.stores);
        file.check_rule(&self.path)?;
        let key = file.unlock(keys)?;
        let mut plain = file.decrypt(&key)?;
        plain.check_binding(&self.path)?;
        keep(&mut plain, items)?;
        // a reader too many is removed by a new data key, as every write does it
        file.update_to(&plain, &key, &self.readers, now, &wrapping)?.emit()
    }
}

fn keep<'r>(plain: &mut Plain, items: impl Iterator<Item = &'r Received>) -> Result<()> {
    for item in items {
        plain.set(&KeyPath::of_keys([RECEIVED, &item.item]), &Value::from(item.value.clone()))?;
    }
    Ok(())
}
