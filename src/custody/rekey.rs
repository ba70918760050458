//! A key replaced by another everywhere: in keys/, in the ledger, in the rules, and in every file.

use super::names::Names;
use super::plan::{Blocked, FileChange, Plan, What};
use super::sync::{Task, sync};
use crate::error::{Error, Result};
use crate::fleet::{Fleet, INVENTORY, edit};
use crate::fs::{Outlook, RepoPath, Root, Transaction};
use crate::keys::{KeyState, LEDGER_PATH, Ledger, LedgerEntry, Principal, Recipient, key_file};
use crate::keyservice::KeyServices;
use crate::yaml::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is to be replaced, and how.
#[derive(Clone, Debug)]
pub struct Rekey {
    /// Whose key.
    pub principal: Principal,
    /// Which of their keys; needed where they have several.
    pub old: Option<Recipient>,
    /// What takes its place.
    pub new: Recipient,
    /// Why, for the ledger.
    pub why: String,
    /// The old private key is gone: files that nothing else opens are deleted.
    pub lost: bool,
}

/// Plans the replacement: key files, ledger, `.sops.yaml` and every file that the runner can open, in one
/// transaction. What only the old key opens is left for its holder, or deleted if it is lost.
///
/// Errors: the principal has no key, or several and none is named; the new one is there already, or was revoked; a
/// reader whose key cannot be encrypted for.
pub fn rekey(root: &Root, rekey: &Rekey, keys: &KeyServices, now: SystemTime) -> Result<Plan> {
    let fleet = Fleet::load(root)?;
    let old = old_key(&fleet, rekey)?;
    let mut transaction = Transaction::new();
    replace_in_keys(root, &fleet, &old, rekey, &mut transaction)?;
    enter_in_ledger(root, &old, rekey, now, &mut transaction)?;
    let notes = replace_in_rules(root, &old, rekey, &mut transaction)?;
    let outlook = Outlook::new(root, &transaction);
    let after = Fleet::load_from(outlook)?;
    let ledger_after = outlook.read(&RepoPath::new(LEDGER_PATH)?)?.unwrap_or_default();
    let mut plan = sync(&after, outlook, None, Task::Readers, keys, now)?;
    plan.transaction.absorb(transaction);
    plan.notes.extend(notes);
    if rekey.lost {
        delete_lost(&old, rekey, &mut plan);
        let ledger = Ledger::parse(&ledger_after)?;
        forget_lost(&old, &Names::of(&after, &ledger), &mut plan);
    }
    Ok(plan)
}

/// The key that goes.
fn old_key(fleet: &Fleet, rekey: &Rekey) -> Result<Recipient> {
    let principal = &rekey.principal;
    let file = fleet.registry().get(principal).ok_or_else(|| {
        Error::new(format!("{principal} has no key to replace"))
            .hint(format!("uvars key add {principal} FILE"))
    })?;
    if file.recipients().any(|key| key.is_same_key(&rekey.new)) {
        return Err(Error::new(format!("{principal} has this key already")).at(principal.path()));
    }
    match (&rekey.old, file.keys.as_slice()) {
        (Some(old), keys) => keys
            .iter()
            .map(|key| &key.recipient)
            .find(|key| key.is_same_key(old))
            .cloned()
            .ok_or_else(|| Error::new(format!("{principal} has no such key")).at(principal.path())),
        (None, [only]) => Ok(only.recipient.clone()),
        (None, keys) => {
            let error = Error::usage(format!("{principal} has {} keys", keys.len())).at(principal.path());
            Err(keys.iter().fold(error, |error, key| {
                let comment = key.comment.as_deref().map(|text| format!("  # {text}")).unwrap_or_default();
                error.hint(format!("say which one: --old '{}'{comment}", key.recipient))
            }))
        }
    }
}

/// One person may be registered twice (a user who is an admin): the key is replaced wherever it is.
fn replace_in_keys(
    root: &Root,
    fleet: &Fleet,
    old: &Recipient,
    rekey: &Rekey,
    transaction: &mut Transaction,
) -> Result<()> {
    for holder in fleet.registry().holders(old) {
        let path = RepoPath::new(&holder.path())?;
        let before = root.read(&path)?.unwrap_or_default();
        if let Some(bytes) = key_file::replace(&before, old, &rekey.new).map_err(|error| error.at(&path))? {
            transaction.write(path, bytes);
        }
    }
    Ok(())
}

/// Rules that a person wrote name keys as they are: the old one goes there too. What is to be known of it is returned:
/// uvars does not look after the files that those rules are for.
fn replace_in_rules(
    root: &Root,
    old: &Recipient,
    rekey: &Rekey,
    transaction: &mut Transaction,
) -> Result<Vec<String>> {
    let path = RepoPath::new(INVENTORY)?;
    let Some(before) = root.read(&path)? else { return Ok(Vec::new()) };
    let found = edit::replace_in_rules(&before, old, &rekey.new)?;
    let lines =
        |lines: &[u32]| lines.iter().map(|line| format!("{path}:{line}")).collect::<Vec<_>>().join(", ");
    let mut notes = Vec::new();
    if !found.replaced.is_empty() {
        transaction.write(path.clone(), found.bytes);
        notes.push(format!(
            "{}: the new key is in your own rules too; the files that they are for still open with the old one: \
             sops updatekeys FILE, then sops rotate -i FILE",
            lines(&found.replaced)
        ));
    }
    if !found.left.is_empty() {
        notes.push(format!(
            "{}: your own rules still name the old key; put {} in its place, then: uvars rules --write",
            lines(&found.left),
            rekey.new
        ));
    }
    Ok(notes)
}

fn enter_in_ledger(
    root: &Root,
    old: &Recipient,
    rekey: &Rekey,
    now: SystemTime,
    transaction: &mut Transaction,
) -> Result<()> {
    let path = RepoPath::new(LEDGER_PATH)?;
    let before = root.read(&path)?;
    if Ledger::parse(before.as_deref().unwrap_or_default())?.is_revoked(&rekey.new) {
        return Err(Error::new("the new key was revoked, and must not come back").at(LEDGER_PATH));
    }
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    let since = Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX));
    let entry = LedgerEntry {
        recipient: old.clone(),
        whose: rekey.principal.clone(),
        state: KeyState::Revoked { since },
        why: Some(rekey.why.clone()),
        line: 0,
    };
    transaction.write(path, Ledger::record(before.as_deref(), &entry)?);
    Ok(())
}

/// Files that nothing but the lost key opens are of no use to anybody.
fn delete_lost(old: &Recipient, rekey: &Rekey, plan: &mut Plan) {
    let blocked = std::mem::take(&mut plan.blocked);
    let (gone, left): (Vec<_>, Vec<_>) = blocked.into_iter().partition(|file| only_opened_by(file, old));
    plan.blocked = left;
    for Blocked { path, .. } in gone {
        plan.transaction.remove(path.clone());
        let lost = vec![rekey.principal.to_string()];
        plan.files.push(FileChange { path, what: What::Deleted, gained: Vec::new(), lost });
    }
    plan.files.sort_by(|a, b| a.path.cmp(&b.path));
}

/// Whoever held the lost key cannot do for a file with it what the runner cannot.
fn forget_lost(old: &Recipient, names: &Names<'_>, plan: &mut Plan) {
    let is_old = |text: &str| Recipient::parse(text).is_ok_and(|key| key.is_same_key(old));
    for file in &mut plan.blocked {
        let (lost, left): (Vec<_>, Vec<_>) = file.recipients.iter().cloned().partition(|text| is_old(text));
        file.holders = names.all(&left);
        let gone = names.all(&lost);
        for group in file.shared.iter_mut().flat_map(|shared| &mut shared.groups) {
            group.retain(|holder| !gone.contains(holder) || file.holders.contains(holder));
        }
    }
}

/// Whether a file has one reader, this key. One with a key of another type, whatever that is, has another reader; one
/// without any age recipient is no business of an age key.
fn only_opened_by(file: &Blocked, old: &Recipient) -> bool {
    let is_old = |text: &String| Recipient::parse(text).is_ok_and(|key| key.is_same_key(old));
    !file.recipients.is_empty() && file.others.is_empty() && file.recipients.iter().all(is_old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_lost_with_a_key_only_if_that_is_its_one_reader() {
        let key = || crate::keys::generate("2026-01-01T00:00:00Z").unwrap().recipient;
        let (old, other) = (key(), key());
        let lost = |recipients: &[&Recipient], others: &[&str]| {
            let file = Blocked {
                path: RepoPath::new("secrets/users/jon.sops.yaml").unwrap(),
                holders: Vec::new(),
                recipients: recipients.iter().map(ToString::to_string).collect(),
                others: others.iter().map(ToString::to_string).collect(),
                shared: None,
            };
            only_opened_by(&file, &old)
        };
        assert!(lost(&[&old], &[]));
        assert!(lost(&[&old, &old], &[]));
        assert!(!lost(&[], &[]));
        assert!(!lost(&[&other], &[]));
        assert!(!lost(&[&old, &other], &[]));
        assert!(!lost(&[&old], &["pgp ABCD"]));
        assert!(!lost(&[], &["kms arn:aws:kms:x"]));
    }
}
