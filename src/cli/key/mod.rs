//! `uvars key`: the registry in keys/, and what follows from a change there.

mod add;
mod convert;
mod generate;
pub(super) mod input;
mod list;
mod rotate;
mod show;

use super::context::{Context, INVENTORY};
use super::exit::Exit;
use super::ui::Ui;
use crate::error::{Error, Result};
use crate::fleet::edit;
use crate::fs::{self, RepoPath, Root, Transaction};
use crate::keys::{self, Class, Generated, Principal};
use crate::secret::Secret;
use crate::yaml::Timestamp;
use clap::Subcommand;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Keep the public keys of people, hosts and programs, and everything that follows from a change there
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Add(add::Arguments),
    Generate(generate::Arguments),
    Convert(convert::Arguments),
    List(list::Arguments),
    Show(show::Arguments),
    Rotate(rotate::Arguments),
}

/// Makes a new key now: a hybrid one where `pq` asks for that.
fn make(context: &Context, pq: bool) -> Result<Generated> {
    let seconds = context.now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    let created = Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX)).seconds();
    if pq { keys::generate_hybrid(&created) } else { keys::generate(&created) }
}

/// Writes a private key, 0600, never over anything. The folder where keys are looked for is made with it: on a new
/// machine it is not there yet.
fn write_private(path: &Path, text: &Secret) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| Error::io("make the folder", folder, error))?;
    }
    fs::write_new(path, text.expose(), 0o600)
}

/// Runs the verb.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: Arguments) -> Result<Exit> {
    match arguments.verb {
        Verb::Add(arguments) => add::run(context, ui, &arguments),
        Verb::Generate(arguments) => generate::run(context, ui, &arguments),
        Verb::Convert(arguments) => convert::run(context, ui, &arguments),
        Verb::List(arguments) => list::run(context, ui, &arguments),
        Verb::Show(arguments) => show::run(context, ui, &arguments),
        Verb::Rotate(arguments) => rotate::run(context, ui, &arguments),
    }
}

/// A host that said `key: pending` and has a key now says so no more.
fn no_longer_pending(root: &Root, principal: &Principal, transaction: &mut Transaction) -> Result<()> {
    if principal.class != Class::Hosts {
        return Ok(());
    }
    let path = RepoPath::new(INVENTORY)?;
    let before = root.read(&path)?.unwrap_or_default();
    let after = edit::host_has_key(&before, &principal.name)?;
    if after != before {
        transaction.write(path, after);
    }
    Ok(())
}
