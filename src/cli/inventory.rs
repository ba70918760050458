//! A change of `uvars.yaml` from the lock to what follows from it: rules are written with it, and what else it
//! asks for (files to give other readers, to generate, to take away) is said, and left to the person.

use super::changes::{self, Changes};
use super::context::{Context, INVENTORY};
use super::exit::Exit;
use super::tracked::git_line;
use super::ui::{Look, Ui};
use crate::error::Result;
use crate::fleet::{FileKind, Fleet, Inventory, ReaderKey, Readers, SECRETS};
use crate::fs::{Outlook, RepoPath, Root, Transaction};
use crate::keys::{Class, Principal, Recipient, Registry};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Edits `uvars.yaml`, renders the rules, and writes both as one change.
pub(super) fn change(
    context: &Context,
    ui: &mut Ui,
    dry_run: bool,
    edit: impl FnOnce(&[u8], &Registry) -> Result<Vec<u8>>,
) -> Result<Exit> {
    let root = &context.fleet_root()?;
    let changes = Changes::begin(root.clone(), dry_run)?;
    let path = RepoPath::new(INVENTORY)?;
    let bytes = root.read(&path)?.unwrap_or_default();
    let registry = Registry::read(root)?;
    let edited = edit(&bytes, &registry)?;
    let before = Inventory::parse(Path::new(INVENTORY), &bytes)?;
    let mut transaction = Transaction::new();
    transaction.write(path, edited);
    let after = Fleet::load_from(Outlook::new(root, &transaction))?;
    changes::rules(root, &after, &mut transaction)?;
    // what does not hold together now may be what this change mends
    let before = Fleet::new(before, registry).ok();
    let consequences = Consequences::of(root, before.as_ref(), &after)?;
    changes.finish(ui, transaction)?;
    consequences.tell(context, ui, root)?;
    Ok(Exit::Done)
}

/// What a change asks for beside itself.
struct Consequences {
    /// Files with other readers than before, and who.
    drifted: Vec<(RepoPath, String)>,
    /// Files that no rule is for any more.
    orphans: Vec<RepoPath>,
    /// Users with a file to be made.
    to_generate: BTreeSet<String>,
    /// Whose key is wanted.
    keyless: BTreeSet<Principal>,
}

impl Consequences {
    fn of(root: &Root, before: Option<&Fleet>, after: &Fleet) -> Result<Self> {
        let files = root.list(&RepoPath::new(SECRETS)?)?;
        let (mut drifted, mut orphans) = (Vec::new(), Vec::new());
        for file in files.iter().filter(|file| FileKind::of(file.as_str()).is_some()) {
            let old = before.and_then(|fleet| fleet.readers(file)).filter(|readers| !readers.is_empty());
            let new = after.readers(file).filter(|readers| !readers.is_empty());
            match (old, new) {
                (Some(old), Some(new)) => {
                    drifted.extend(difference(&old, &new).map(|readers| (file.clone(), readers)));
                }
                (Some(_), None) => orphans.push(file.clone()),
                (None, _) => {}
            }
        }
        let unused = before.map(unused_keys).unwrap_or_default();
        for principal in unused_keys(after).difference(&unused) {
            orphans.push(RepoPath::new(&principal.path())?);
        }
        let had_none = before.map(keyless).unwrap_or_default();
        let keyless = keyless(after).difference(&had_none).cloned().collect();
        let were_missing = before.map(|fleet| missing(fleet, &files)).unwrap_or_default();
        let to_generate = missing(after, &files).difference(&were_missing).cloned().collect();
        Ok(Self { drifted, orphans, to_generate, keyless })
    }

    fn tell(&self, context: &Context, ui: &mut Ui, root: &Root) -> Result<()> {
        for (file, readers) in &self.drifted {
            let word = ui.look(Look::Care, "sync  ");
            ui.ready(&format!("{word} {file}{readers}"))?;
        }
        for file in &self.orphans {
            ui.warn(format!("{file}: nothing in {INVENTORY} is about it any more; it was left as it is"));
        }
        if !self.orphans.is_empty() {
            let all: Vec<PathBuf> = self.orphans.iter().map(|file| root.dir().join(file.as_str())).collect();
            ui.hint(format!("to take away what is no longer needed: {}", git_line(context, "rm", &all)));
        }
        for principal in &self.keyless {
            ui.hint(format!("{principal} has no key yet: uvars key add {principal} FILE"));
        }
        if !self.to_generate.is_empty() {
            let all: Vec<&str> = self.to_generate.iter().map(String::as_str).collect();
            ui.hint(format!("the password is to be made: uvars generate {}", all.join(" ")));
        }
        if !self.drifted.is_empty() {
            ui.hint("the files above get their readers by: uvars sync");
        }
        Ok(())
    }
}

/// Who is a reader now and was not, and the other way round: ` +hosts/a -hosts/b`. A reader is a key: who keeps it in
/// another office stays one.
fn difference(old: &Readers, new: &Readers) -> Option<String> {
    let other = |readers: &Readers, others: &Readers| -> BTreeSet<String> {
        let others: BTreeSet<_> = others.recipients().into_iter().map(Recipient::as_str).collect();
        let is_other = |key: &ReaderKey| !others.contains(key.recipient.as_str());
        let readers = readers.readers.iter().filter(|reader| reader.keys.iter().any(is_other));
        readers.map(|reader| reader.principal.to_string()).collect()
    };
    let (gained, lost) = (other(new, old), other(old, new));
    let gained = gained.iter().map(|name| format!(" +{name}"));
    let lost = lost.iter().map(|name| format!(" -{name}"));
    Some(gained.chain(lost).collect::<String>()).filter(|text| !text.is_empty())
}

/// Keys of users and hosts that no user and no host has.
fn unused_keys(fleet: &Fleet) -> BTreeSet<Principal> {
    let inventory = fleet.inventory();
    let users: BTreeSet<&str> = inventory.users().iter().map(|user| user.key.value.as_str()).collect();
    let unused = |principal: &Principal| match principal.class {
        Class::Users => !users.contains(principal.name.as_str()),
        Class::Hosts => inventory.host(&principal.name).is_none(),
        _ => false,
    };
    fleet.registry().iter().map(|file| file.principal.clone()).filter(unused).collect()
}

/// Users and hosts without a key.
fn keyless(fleet: &Fleet) -> BTreeSet<Principal> {
    let hosts = fleet.pending().map(|host| Principal { class: Class::Hosts, name: host.name.to_string() });
    fleet.keyless().map(|user| fleet.principal(user)).chain(hosts).collect()
}

/// Users whose account files are not all there.
fn missing(fleet: &Fleet, there: &[RepoPath]) -> BTreeSet<String> {
    let required = fleet.expected_files().into_iter().filter(|file| file.required);
    let missing = required.filter_map(|file| match &file.kind {
        FileKind::Account(user, _) if !is_there(&file.kind.path(), there) => Some(user.to_string()),
        _ => None,
    });
    missing.collect()
}

/// Whether a path is among these, which are sorted.
fn is_there(path: &str, there: &[RepoPath]) -> bool {
    there.binary_search_by(|other| other.as_str().cmp(path)).is_ok()
}
