//! Writing an encrypted file back, or making one: its readers, and what is said about them.

use super::changes::Changes;
use super::context::Context;
use super::creation::Creation;
use super::document::{Document, Opened};
use super::ui::{Look, Ui, shown};
use crate::custody::{self, Names, Saved};
use crate::error::{Error, Result};
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
    let saved = seal(context, document, opened, plain)?;
    put_back(ui, document, opened, saved, dry_run)
}

/// Encrypts changed values into the file that they came from, for the readers that it should have.
pub(super) fn seal(context: &Context, document: &Document, opened: &Opened, plain: &Plain) -> Result<Saved> {
    let wanted: Option<Vec<_>> = match (document.in_fleet(), document.bound_path()) {
        (Some((root, _)), Some(path)) => {
            let readers = Fleet::load(root)?.must_have_readers(path)?;
            Some(readers.recipients().into_iter().cloned().collect())
        }
        _ => None,
    };
    custody::save(&opened.file, &opened.key, plain, wanted.as_deref(), context.now())
        .map_err(|error| error.at(document.shown()))
}

/// Writes what [`seal`] has made, and says whose access changes.
pub(super) fn put_back(
    ui: &mut Ui,
    document: &Document,
    opened: &Opened,
    saved: Saved,
    dry_run: bool,
) -> Result<()> {
    if let Some((root, _)) = document.in_fleet()
        && !(saved.lost.is_empty() && saved.gained.is_empty())
    {
        tell_readers(ui, document, &saved, &Names::of(&Fleet::load(root)?, &Ledger::read(root)?));
    }
    write(ui, document, saved, Some(&opened.bytes), dry_run)
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
    let creation = Creation::of(document)?;
    creation.warn(ui, document);
    let saved = creation.seal(document, plain, context.now())?;
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
        return write_elsewhere(ui, document, &saved.bytes, before, dry_run);
    };
    let changes = Changes::begin(root.clone(), dry_run)?;
    let mut transaction = Transaction::new();
    transaction.expect(path.clone(), before);
    transaction.write(path.clone(), saved.bytes);
    changes.finish(ui, transaction).map(drop)
}

/// The same for a file that is in no fleet.
fn write_elsewhere(
    ui: &mut Ui,
    document: &Document,
    bytes: &[u8],
    before: Option<&[u8]>,
    dry_run: bool,
) -> Result<()> {
    let Some(path) = document.elsewhere() else { return Ok(()) };
    if fs::read(path)?.as_deref() != before {
        return Err(Error::new("was changed by somebody else meanwhile; nothing was written")
            .at(document.shown())
            .hint("run the same command again"));
    }
    let (word, look) = if before.is_some() { ("change", Look::Care) } else { ("create", Look::Good) };
    if !dry_run {
        fs::replace(path, bytes, 0o644)?;
    }
    let word = ui.look(look, word);
    ui.ready(&format!("{word} {}", shown(document.shown())))?;
    if dry_run {
        ui.note("nothing was written: this was a dry run");
    }
    Ok(())
}
