//! A change of the fleet from the lock to the last line said about it.

use super::ui::{Look, Ui};
use crate::error::{Error, Result};
use crate::fleet::Fleet;
use crate::fs::{self, Lock, Outlook, RepoPath, Report, Root, Transaction};
use crate::rules::{may_be_replaced, render};
use std::time::Duration;

/// The file of the creation rules.
pub(super) const RULES: &str = ".sops.yaml";

/// How long a command waits for another one that is writing.
const WAIT: Duration = Duration::from_secs(10);

/// The right to change a fleet, or, for a dry run, only to look at it.
pub(super) struct Changes {
    root: Root,
    lock: Option<Lock>,
}

impl Changes {
    /// Takes the lock and puts right what an interrupted command left; a dry run does neither.
    pub(super) fn begin(root: Root, dry_run: bool) -> Result<Self> {
        let lock = if dry_run { None } else { Some(root.lock(WAIT)?) };
        Ok(Self { root, lock })
    }

    /// The fleet.
    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    /// Whether nothing is to be written.
    pub(super) fn is_dry(&self) -> bool {
        self.lock.is_none()
    }

    /// Shows what is written, file by file, and writes it unless this is a dry run.
    pub(super) fn finish(self, ui: &mut Ui, transaction: Transaction) -> Result<Report> {
        self.recovered(ui)?;
        let dry = self.is_dry();
        let report = self.write(transaction)?;
        show(ui, &report, dry)?;
        Ok(report)
    }

    /// The same without a line for each file: the caller has shown its own plan.
    pub(super) fn finish_quietly(self, ui: &mut Ui, transaction: Transaction) -> Result<Report> {
        self.recovered(ui)?;
        self.write(transaction)
    }

    fn write(self, transaction: Transaction) -> Result<Report> {
        match self.lock {
            Some(lock) => transaction.commit(&lock),
            None => transaction.preview(&self.root),
        }
    }

    fn recovered(&self, ui: &mut Ui) -> Result<()> {
        match &self.lock {
            Some(lock) => super::recover::tell(ui, lock.recovered()),
            None if fs::pending(&self.root)? => {
                ui.warn("an interrupted command waits to be put right: uvars recover");
            }
            None => {}
        }
        Ok(())
    }
}

fn show(ui: &mut Ui, report: &Report, dry: bool) -> Result<()> {
    let mut all: Vec<(&RepoPath, &str, Look)> = Vec::new();
    all.extend(report.created.iter().map(|path| (path, "create", Look::Good)));
    all.extend(report.replaced.iter().map(|path| (path, "change", Look::Care)));
    all.extend(report.removed.iter().map(|path| (path, "remove", Look::Bad)));
    all.sort_by_key(|(path, ..)| *path);
    for (path, word, look) in &all {
        let word = ui.look(*look, word);
        ui.ready(&format!("{word} {path}"))?;
    }
    if all.is_empty() {
        ui.line("nothing to change")?;
    } else if dry {
        ui.note("nothing was written: this was a dry run");
    }
    Ok(())
}

/// Adds to a change of keys/ or uvars.yaml what follows from it: the rules of .sops.yaml.
///
/// Returns the fleet that it makes. Errors: the change would leave a fleet that is not right.
pub(super) fn follow(root: &Root, transaction: &mut Transaction) -> Result<Fleet> {
    let fleet = Fleet::load_from(Outlook::new(root, transaction))?;
    rules(root, &fleet, transaction)?;
    Ok(fleet)
}

/// Adds the rules of a fleet, where they are not in .sops.yaml already.
pub(super) fn rules(root: &Root, fleet: &Fleet, transaction: &mut Transaction) -> Result<()> {
    let path = RepoPath::new(RULES)?;
    let wanted = render(&fleet.rules()?).into_bytes();
    // as this change leaves it: init has taken over by now what was there
    let there = Outlook::new(root, transaction).read(&path)?.unwrap_or_default();
    if there == wanted {
        return Ok(());
    }
    if !may_be_replaced(&there) {
        return Err(Error::new("was not written by uvars, and its rules would be lost")
            .at(path)
            .hint("put them under rules: after: of uvars.yaml, then move the file away")
            .hint("what they will be: uvars rules"));
    }
    transaction.write(path, wanted);
    Ok(())
}
