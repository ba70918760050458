//! Every file of the fleet gets exactly its readers.

use super::file::{self, Hand, Outcome, Wanted};
use super::keyholders::keep_keyholders;
use super::names::Names;
use super::plan::{Blocked, FileChange, Plan, Shared};
use crate::error::{Error, Result};
use crate::fleet::{FileKind, Fleet, SECRETS, SOPS_CONFIG, Wrapping};
use crate::fs::{Outlook, RepoPath};
use crate::keys::{LEDGER_PATH, Ledger};
use crate::keyservice::KeyServices;
use crate::rules::{RuleSet, SopsConfig, render};
use crate::sops::Metadata;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::path::Path;
use std::time::SystemTime;

/// How every value that sops has encrypted begins, the MAC too.
const SEALED: &[u8] = b"ENC[AES256_GCM,";

/// What is to be done to each file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Task {
    /// Its readers are made what the fleet says; one that has them already is not opened.
    Readers,
    /// It gets a new data key too, whatever its readers are.
    DataKey,
}

/// Plans a task for some files of the fleet, or for all.
///
/// Files are looked at in parallel, each once. A file that nobody at hand can open, or that is not what it should
/// be, is left as it is and named in the plan. Errors: a path that is not the fleet's, or a folder that cannot be
/// read; a reader whose key cannot be encrypted for, since the next file would have that reader too.
pub fn sync(
    fleet: &Fleet,
    files: Outlook<'_>,
    only: Option<&[RepoPath]>,
    task: Task,
    keys: &KeyServices,
    now: SystemTime,
) -> Result<Plan> {
    let (paths, others) = match only {
        Some(paths) => (paths.to_vec(), Vec::new()),
        None => all(files)?,
    };
    let hand = Hand { keys, now, stores: fleet.stores() };
    let ledger = Ledger::parse(&files.read(&RepoPath::new(LEDGER_PATH)?)?.unwrap_or_default())?;
    let looked: Vec<Look> = paths
        .into_par_iter()
        .map(|path| look(fleet, &ledger, files, path, task, hand))
        .collect::<Result<_>>()?;
    let names = Names::of(fleet, &ledger);
    let mut plan = Plan { strays: strays(fleet, others, files)?, ..Plan::default() };
    for look in looked {
        look.enter(&mut plan, &names);
    }
    Ok(plan)
}

/// The files of `secrets/`: those that have the path of a file of ours, and the others.
fn all(files: Outlook<'_>) -> Result<(Vec<RepoPath>, Vec<RepoPath>)> {
    let paths = files.list(&RepoPath::new(SECRETS)?)?;
    Ok(paths.into_iter().partition(|path| FileKind::of(path.as_str()).is_some()))
}

/// Those that a sops has encrypted, in whatever format, and that no rule is for which a person wrote.
fn strays(fleet: &Fleet, mut paths: Vec<RepoPath>, files: Outlook<'_>) -> Result<Vec<RepoPath>> {
    let mut rules = fleet.rules()?;
    let parse = |rules: &RuleSet| SopsConfig::parse(Path::new(SOPS_CONFIG), render(rules).as_bytes());
    let all = parse(&rules)?;
    (rules.rules, rules.deny) = (Vec::new(), Vec::new());
    let own = parse(&rules)?;
    let regex = |config: &SopsConfig, path: &RepoPath| {
        let found = config.match_path(path.as_str()).ok().flatten();
        found.map(|rule| rule.path_regex.clone())
    };
    let has_rule = |path: &RepoPath| regex(&own, path).is_some_and(|mine| regex(&all, path) == Some(mine));
    let is_encrypted = |path: &RepoPath| {
        let bytes = files.read(path).ok().flatten().unwrap_or_default();
        memchr::memmem::find(&bytes, SEALED).is_some()
    };
    paths.retain(|path| !has_rule(path) && is_encrypted(path));
    Ok(paths)
}

/// A file and what becomes of it; none: the fleet has no such file any more.
struct Look {
    path: RepoPath,
    outcome: Option<Outcome>,
}

fn look(
    fleet: &Fleet,
    ledger: &Ledger,
    files: Outlook<'_>,
    path: RepoPath,
    task: Task,
    hand: Hand<'_>,
) -> Result<Look> {
    let Some(readers) = fleet.readers(&path) else { return Ok(Look { path, outcome: None }) };
    let outcome = match files.read(&path) {
        Err(error) => Outcome::Refused(error.at(&path)),
        Ok(None) => Outcome::Refused(Error::new("no such file").at(&path)),
        Ok(Some(_)) if readers.is_empty() => Outcome::Refused(nobody(&path, &readers)),
        Ok(Some(bytes)) => {
            let wrapping = Wrapping::new(fleet, hand.keys);
            let wanted = Wanted {
                recipients: readers.recipients().into_iter().cloned().collect(),
                allow: &|drift| keep_keyholders(fleet, ledger, &path, drift),
                wrapping: &wrapping,
            };
            match file::give_readers(&path, &bytes, &wanted, task == Task::DataKey, hand) {
                Outcome::Unwrapped(error) => return Err(error),
                outcome => outcome,
            }
        }
    };
    Ok(Look { path, outcome: Some(outcome) })
}

fn nobody(path: &RepoPath, readers: &crate::fleet::Readers) -> Error {
    let error = Error::new("nobody could read it any more, so it is left as it is").at(path);
    readers.left_out.iter().fold(error, |error, left| error.hint(left.to_string()))
}

impl Look {
    fn enter(self, plan: &mut Plan, names: &Names<'_>) {
        let Self { path, outcome } = self;
        match outcome {
            None => plan.orphans.push(path),
            Some(Outcome::Current) => {}
            Some(Outcome::Changed { bytes, what, drift }) => {
                plan.transaction.write(path.clone(), bytes);
                plan.notes.extend(drift.regrouped().map(|note| format!("{path}: {note}")));
                let (gained, lost) = names.of_drift(&drift);
                plan.files.push(FileChange { path, what, gained, lost });
            }
            Some(Outcome::Blocked(metadata)) => plan.blocked.push(Blocked::of(path, &metadata, names)),
            Some(Outcome::Refused(error) | Outcome::Unwrapped(error)) => plan.refused.push(error),
        }
    }
}

impl Blocked {
    fn of(path: RepoPath, metadata: &Metadata, names: &Names<'_>) -> Self {
        let call = |recipients: &mut dyn Iterator<Item = &str>| {
            names.all(&recipients.map(str::to_owned).collect::<Vec<_>>())
        };
        let shared = (metadata.groups().len() > 1).then(|| Shared {
            needed: metadata.needed_groups(),
            groups: metadata
                .groups()
                .iter()
                .map(|group| call(&mut group.recipients()).into_iter().chain(group.others()).collect())
                .collect(),
        });
        let recipients = metadata.recipients();
        Self {
            path,
            holders: call(&mut recipients.iter().copied()),
            recipients: recipients.into_iter().map(str::to_owned).collect(),
            others: metadata.others(),
            shared,
        }
    }
}

impl Plan {
    /// Takes another plan in.
    pub fn absorb(&mut self, mut other: Self) {
        self.transaction.absorb(other.transaction);
        self.files.append(&mut other.files);
        self.blocked.append(&mut other.blocked);
        self.refused.append(&mut other.refused);
        self.orphans.append(&mut other.orphans);
        self.strays.append(&mut other.strays);
        self.notes.append(&mut other.notes);
    }
}
