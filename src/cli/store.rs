//! Writing an encrypted file back, or making one: its readers, and what is said about them.

use super::changes::Changes;
use super::context::Context;
use super::creation::Creation;
use super::document::{Document, Opened};
use super::ui::{Look, Ui, shown};
use crate::custody::{self, Names, Saved};
use crate::error::{Error, Result, one_line};
use crate::fleet::{Fleet, ReaderKey, Wrapping};
use crate::fs::{self, RepoPath, Transaction, Turn};
use crate::keys::Ledger;
use crate::sops::{Drift, Plain};

/// The mode of a new file: what is in it is encrypted.
const MODE: u32 = 0o644;

/// The right to write a file: the lock of the fleet that it is in, the turn at any other file, or, for a dry run, only
/// to look.
pub(super) struct Held {
    changes: Option<Changes>,
    turn: Option<Turn>,
    dry_run: bool,
}

/// Takes the lock or the turn, so that nobody writes the file between being read and being written.
pub(super) fn hold(document: &Document, dry_run: bool) -> Result<Held> {
    let changes = document.in_fleet().map(|(root, _)| Changes::begin(root.clone(), dry_run)).transpose()?;
    let turn = document.elsewhere().filter(|_| !dry_run).map(fs::turn).transpose()?.flatten();
    Ok(Held { changes, turn, dry_run })
}

/// Writes changed values back. A reader that the file should not have goes out of it, and that is said.
pub(super) fn save(
    context: &Context,
    ui: &mut Ui,
    document: &Document,
    opened: &Opened,
    plain: &Plain,
    held: Held,
) -> Result<()> {
    let saved = seal(context, document, opened, plain)?;
    warn_of_clear_values(ui, document, &saved);
    tell(ui, document, opened, &saved)?;
    write(ui, document, saved, Some(&opened.bytes), held)
}

/// Encrypts changed values into the file that they came from, for the readers that it should have.
pub(super) fn seal(context: &Context, document: &Document, opened: &Opened, plain: &Plain) -> Result<Saved> {
    let file = opened.file.clone().laid_out(document.stores()?);
    let (key, now) = (&opened.key, context.now());
    let saved = match (document.in_fleet(), document.bound_path()) {
        (Some((root, _)), Some(path)) => {
            let fleet = Fleet::load(root)?;
            let wanted: Vec<_> = fleet.must_have_readers(path)?.recipients().into_iter().cloned().collect();
            custody::keep_keyholders(&fleet, &Ledger::read(root)?, path, &Drift::of(&opened.file, &wanted))?;
            let keys = context.key_services()?;
            let wrapping = Wrapping::new(&fleet, &keys);
            custody::save(&file, key, plain, Some((&wanted, &wrapping)), now)
        }
        _ => custody::save(&file, key, plain, None, now),
    };
    saved.map_err(|error| error.at(document.shown()))
}

/// Writes what [`seal`] has made, and says whose access changes.
pub(super) fn put_back(
    ui: &mut Ui,
    document: &Document,
    opened: &Opened,
    saved: Saved,
    held: Held,
) -> Result<()> {
    tell(ui, document, opened, &saved)?;
    write(ui, document, saved, Some(&opened.bytes), held)
}

pub(super) fn tell(ui: &mut Ui, document: &Document, opened: &Opened, saved: &Saved) -> Result<()> {
    if document.bound_path().is_none()
        && let Some(path) = opened.plain.binding()
    {
        let (shown, path) = (document.shown(), one_line(&path));
        ui.warn(format!(
            "{shown}: was written for {path} in a fleet, and here nothing looks after its readers"
        ));
    }
    if let (Some((root, path)), Some(drift)) = (document.in_fleet(), &saved.drift)
        && !drift.is_none()
    {
        let fleet = Fleet::load(root)?;
        tell_readers(ui, document, drift, &Names::of(&fleet, &Ledger::read(root)?));
        tell_why(ui, &fleet, path, drift);
    }
    Ok(())
}

fn tell_readers(ui: &mut Ui, document: &Document, drift: &Drift, names: &Names<'_>) {
    let (gained, lost) = names.of_drift(drift);
    for reader in lost {
        ui.note(format!("{}: {reader} reads it no more; the data key is new", document.shown()));
    }
    for reader in gained {
        ui.note(format!("{}: {reader} reads it now", document.shown()));
    }
    if let Some(note) = drift.regrouped() {
        ui.note(format!("{}: {note}", document.shown()));
    }
}

/// The lines of the registry and the inventory that make somebody a reader: whoever could change those files has
/// granted it.
fn tell_why(ui: &mut Ui, fleet: &Fleet, path: &RepoPath, drift: &Drift) {
    let readers = fleet.readers(path).unwrap_or_default();
    for reader in readers.readers {
        let new = |key: &ReaderKey| drift.gained.iter().any(|gained| gained == key.recipient.as_str());
        if let (Some(key), Some(reason)) = (reader.keys.iter().find(|key| new(key)), reader.reasons.first()) {
            let file = reader.principal.path();
            let line = if file == reason.file { String::new() } else { format!("{file}:{}, ", key.line) };
            ui.note(format!("  {}: {line}{reason}", reader.principal));
        }
    }
}

/// Makes a file that is not there yet.
pub(super) fn create(
    context: &Context,
    ui: &mut Ui,
    document: &Document,
    plain: Plain,
    held: Held,
) -> Result<()> {
    let creation = Creation::of(document)?;
    creation.warn(ui, document);
    let saved = creation.seal(context, document, plain)?;
    warn_of_clear_values(ui, document, &saved);
    write(ui, document, saved, None, held)
}

/// Writes the file, unless this is a dry run, if it still is what it was when it was read.
pub(super) fn write(
    ui: &mut Ui,
    document: &Document,
    saved: Saved,
    before: Option<&[u8]>,
    held: Held,
) -> Result<()> {
    let (Some((_, path)), Some(changes)) = (document.in_fleet(), held.changes) else {
        write_elsewhere(document, &saved.bytes, before, held.turn, held.dry_run)?;
        let (word, look) = if before.is_some() { ("change", Look::Care) } else { ("create", Look::Good) };
        let word = ui.look(look, word);
        ui.ready(&format!("{word} {}", shown(document.shown())))?;
        if held.dry_run {
            ui.note("nothing was written: this was a dry run");
        }
        return Ok(());
    };
    changes.finish(ui, change(path, before, saved)).map(drop)
}

/// Writes the file anew without a word: the caller has one.
pub(super) fn write_quietly(
    ui: &mut Ui,
    document: &Document,
    saved: Saved,
    before: &[u8],
    held: Held,
) -> Result<()> {
    match (document.in_fleet(), held.changes) {
        (Some((_, path)), Some(changes)) => {
            changes.finish_quietly(ui, change(path, Some(before), saved)).map(drop)
        }
        _ => write_elsewhere(document, &saved.bytes, Some(before), held.turn, held.dry_run),
    }
}

fn change(path: &RepoPath, before: Option<&[u8]>, saved: Saved) -> Transaction {
    let mut transaction = Transaction::new();
    transaction.expect(path.clone(), before);
    transaction.write(path.clone(), saved.bytes);
    transaction
}

/// Writes a file that is in no fleet.
fn write_elsewhere(
    document: &Document,
    bytes: &[u8],
    before: Option<&[u8]>,
    turn: Option<Turn>,
    dry_run: bool,
) -> Result<()> {
    let Some(path) = document.elsewhere() else { return Ok(()) };
    // a file that came since then has a turn now
    let _turn = if turn.is_none() && !dry_run { fs::turn(path)? } else { turn };
    let changed = || {
        Error::new("was changed by somebody else meanwhile; nothing was written")
            .at(document.shown())
            .hint("run the same command again")
    };
    if fs::read_up_to(path, fs::LIMIT_ELSEWHERE)?.as_deref() != before {
        return Err(changed());
    }
    match before {
        _ if dry_run => Ok(()),
        Some(_) => fs::replace(path, bytes, MODE),
        // there is no turn at what is not there, and two may want to make it
        None => fs::write_new(path, bytes, MODE)
            .map_err(|error| if path.symlink_metadata().is_ok() { changed() } else { error }),
    }
}

/// How many values are named that the file shows everybody.
const MANY: usize = 10;

/// Says which values the file shows everybody, and did not show before: a few, and how many there are.
pub(super) fn warn_of_clear_values(ui: &mut Ui, document: &Document, saved: &Saved) {
    let shown = document.shown();
    for place in saved.clear.iter().take(MANY) {
        ui.warn(format!("{shown}: {place} stands in clear: the rule of the file leaves it so"));
    }
    match saved.clear.len().saturating_sub(MANY) {
        0 => {}
        1 => ui.warn(format!("{shown}: and 1 more stands in clear")),
        more => ui.warn(format!("{shown}: and {more} more stand in clear")),
    }
    if !saved.clear.is_empty() && document.bound_path().is_some() {
        ui.hint("what is secret needs a name that does not end in _unencrypted, and no such name around it");
    }
}

/// Says how many comments of a text in clear the file does not have.
pub(super) fn warn_of_lost_comments(ui: &mut Ui, shown: &str, lost: usize) {
    let comments = match lost {
        0 => return,
        1 => "1 comment is".to_owned(),
        _ => format!("{lost} comments are"),
    };
    ui.warn(format!("{shown}: {comments} left out, with no value to stay with"));
    ui.hint("put comments right above names, without an empty line between");
}
