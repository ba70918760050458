//! `uvars verify`: whether files are whole, and whether their readers are those that they should be, without showing
//! what is in them.

mod content;
mod found;
mod report;
mod should;
mod standard;

use super::context::Context;
use super::document::Document;
use super::exit::Exit;
use super::format::Input;
use super::ui::Ui;
use crate::error::{Error, Kind, Result};
use crate::keys::Unwrap;
use crate::sops::{Encrypted, Mac};
use found::Found;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use standard::{Differs, Standards};

/// Check that encrypted files are whole, and that their readers are those that they should have
///
/// Every value must open, the MAC must fit, and a file of the fleet must be in its place; readers, key groups and what is
/// encrypted are held against the fleet, or against the rule of the nearest .sops.yaml. Nothing of the contents is
/// shown. Of a folder, every encrypted file in it is checked, whatever its name, and a file in clear is an error where its
/// name (NAME.sops.yaml, NAME.enc.json) or a rule's path_regex says that it should be encrypted. The format of a file
/// whose name does not say it is told by its content.
///
/// Exit 1 if any file is damaged, else 4 if there are some that no key at hand opens, else 3 if something is not as it
/// should be.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars verify secrets/
  uvars verify hosts/web1 shared/wifi
  uvars verify --json elsewhere/app.enc.json")]
pub(super) struct Arguments {
    /// Files, folders, or short names: users/jon, hosts/web1, shared/wifi
    #[arg(required = true)]
    files: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    input: Input,
}

/// What was found out about a file.
struct Checked {
    document: Document,
    state: State,
    /// The file itself, where it can be read at all.
    file: Option<Encrypted>,
    differs: Differs,
}

enum State {
    /// It is whole; what should be known nevertheless.
    Whole(Vec<String>),
    /// No key at hand opens it.
    NoKey(Error),
    /// What is wrong with it: at least one thing.
    Damaged(Vec<Error>),
}

/// Checks.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let found = found::all(context, &arguments.files, arguments.input)?;
    let keys = context.key_services()?;
    let standards = Standards::load(context, found.iter().map(|found| &found.document));
    let checked: Vec<Checked> = found.into_par_iter().map(|found| check(found, &keys, &standards)).collect();
    if arguments.json {
        report::json(ui, &checked)?;
    } else {
        report::print(ui, &checked)?;
    }
    let any = |of: fn(&Checked) -> bool| checked.iter().any(of);
    if any(|one| matches!(one.state, State::Damaged(_))) {
        return Ok(Exit::Partly);
    }
    if any(|one| matches!(one.state, State::NoKey(_))) {
        return Ok(Exit::NoKey);
    }
    Ok(if any(|one| !one.differs.told.is_empty()) { Exit::OutOfDate } else { Exit::Done })
}

fn check(mut found: Found, keys: &dyn Unwrap, standards: &Standards) -> Checked {
    let looked = match found.unread.take() {
        Some(error) => Err(error),
        None => look(&mut found, keys, standards),
    };
    let (state, file, differs) =
        looked.unwrap_or_else(|error| (State::Damaged(vec![error]), None, Differs::default()));
    Checked { document: found.document, state, file, differs }
}

type Looked = (State, Option<Encrypted>, Differs);

/// Looks at a file.
///
/// Errors: it cannot be read, or is no encrypted file.
fn look(found: &mut Found, keys: &dyn Unwrap, standards: &Standards) -> Result<Looked> {
    let bytes = found.document.bytes()?;
    let file = found.parse(&bytes)?;
    let document = &found.document;
    let differs = standards.differences(document, &file);
    let state = match document.open_file(bytes, file.clone(), keys, Mac::Check) {
        Ok(opened) => State::Whole(opened.clear_comments()),
        Err(error) if error.kind() == Kind::NoKey => State::NoKey(error),
        Err(error) => State::Damaged(all_damage(document, &file, keys, error)),
    };
    Ok((state, Some(file), differs))
}

/// Everything that is wrong with the file, where it was being opened; else what it was refused for.
fn all_damage(document: &Document, file: &Encrypted, keys: &dyn Unwrap, first: Error) -> Vec<Error> {
    let damage = file.unlock(keys).map(|key| file.damage(&key)).unwrap_or_default();
    let damage: Vec<Error> = damage.into_iter().map(|error| error.at(document.shown())).collect();
    match damage.first() {
        Some(same) if same.to_string() == first.to_string() => damage,
        _ => vec![first],
    }
}
