//! Writing an encrypted file back, or making one: its readers, and what is said about them.

use super::changes::Changes;
use super::context::Context;
use super::creation::Creation;
use super::document::{Document, Opened};
use super::ui::Ui;
use crate::custody::{self, Names, Saved};
use crate::error::Result;
use crate::fleet::Fleet;
use crate::fs::{self, Transaction};
use crate::keys::Ledger;
use crate::sops::Plain;

/// Writes changed values back. A reader that the file should not have goes out of it, and that is said.
pub(super) fn save(
    context: &Context,
    ui: &mut Ui,
    document: &Document,
    opened: &Opened,
    plain: &Plain,
    dry_run: bool,
) -> Result<()> {
    let fleet = match (document.in_fleet(), document.bound_path()) {
        (Some((root, _)), Some(path)) => Some((root, path, Fleet::load(root)?)),
        _ => None,
    };
    let wanted: Option<Vec<_>> = match &fleet {
        Some((_, path, fleet)) => {
            Some(fleet.must_have_readers(path)?.recipients().into_iter().cloned().collect())
        }
        None => None,
    };
    let saved = custody::save(&opened.file, &opened.key, plain, wanted.as_deref(), context.now())
        .map_err(|error| error.at(document.shown()))?;
    if let Some((root, _, fleet)) = &fleet {
        tell_readers(ui, document, &saved, &Names::of(fleet, &Ledger::read(root)?));
    }
    let before = document.bytes()?;
    write(ui, document, saved, Some(&before), dry_run)
}

fn tell_readers(ui: &mut Ui, document: &Document, saved: &Saved, names: &Names<'_>) {
    for reader in names.all(&saved.lost) {
        ui.note(format!("{}: {reader} reads it no more; the data key is new", document.shown()));
    }
    for reader in names.all(&saved.gained) {
        ui.note(format!("{}: {reader} reads it now", document.shown()));
    }
}

/// Makes a file that is not there yet.
pub(super) fn create(
    context: &Context,
    ui: &mut Ui,
    document: &Document,
    plain: Plain,
    dry_run: bool,
) -> Result<()> {
    let saved = Creation::of(document)?.seal(document, plain, context.now())?;
    write(ui, document, saved, None, dry_run)
}

/// Writes the file, unless this is a dry run, if it still is what it was when it was read.
pub(super) fn write(
    ui: &mut Ui,
    document: &Document,
    saved: Saved,
    before: Option<&[u8]>,
    dry_run: bool,
) -> Result<()> {
    let Some((root, path)) = document.in_fleet() else {
        let Some(path) = document.elsewhere() else { return Ok(()) };
        return if dry_run { Ok(()) } else { fs::replace(path, &saved.bytes, 0o644) };
    };
    let changes = Changes::begin(root.clone(), dry_run)?;
    let mut transaction = Transaction::new();
    transaction.expect(path.clone(), before);
    transaction.write(path.clone(), saved.bytes);
    changes.finish(ui, transaction).map(drop)
}
