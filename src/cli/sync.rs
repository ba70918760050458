//! `uvars sync`: every file's readers made what the rules say.

use super::changes::{self, Changes};
use super::context::Context;
use super::custody;
use super::document::Document;
use super::exit::Exit;
use super::ui::Ui;
use crate::custody::{Task, sync};
use crate::error::{Error, Result};
use crate::fleet::Fleet;
use crate::fs::{Outlook, RepoPath, Root, Transaction};

/// Give every file of the fleet exactly the readers that the registry and the inventory say
///
/// Only files that differ are touched. A reader who is added changes nothing else in a file; a reader who goes means
/// a new data key. What no key at hand opens is left as it is and named with who can mend it (exit 4).
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Only these files: paths, or short names (users/jon, hosts/web1)
    files: Vec<String>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Syncs.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let root = context.fleet_root()?;
    let only = chosen(context, &root, &arguments.files)?;
    let changes = Changes::begin(root.clone(), arguments.dry_run)?;
    let fleet = Fleet::load(&root)?;
    let nothing = Transaction::new();
    let files = Outlook::new(&root, &nothing);
    let mut plan =
        sync(&fleet, files, only.as_deref(), Task::Readers, &context.key_services()?, context.now())?;
    if only.is_none() {
        changes::rules(&root, &fleet, &mut plan.transaction)?;
    } else {
        custody::refuse_orphans(context, &root, &mut plan);
    }
    custody::carry_out(changes, ui, plan, "sync", arguments.json)
}

/// The files of the fleet that were named; none named means all.
pub(super) fn chosen(context: &Context, root: &Root, typed: &[String]) -> Result<Option<Vec<RepoPath>>> {
    let paths: Vec<RepoPath> = typed
        .iter()
        .map(|file| {
            let document = Document::locate(context, file)?;
            let path = document.bound_path().cloned().ok_or_else(|| {
                Error::usage(format!("{} is no file of a fleet", document.shown()))
                    .hint("readers of other files are given by: uvars encrypt")
            })?;
            match document.in_fleet() {
                Some((theirs, _)) if theirs.dir() != root.dir() => {
                    let dir = theirs.dir().display();
                    let error = Error::usage(format!("{} is in another fleet", document.shown()));
                    Err(error.hint(format!("say which fleet it is: uvars -C {dir} …")))
                }
                _ => Ok(path),
            }
        })
        .collect::<Result<_>>()?;
    Ok((!paths.is_empty()).then_some(paths))
}
