//! `uvars rotate`: new data keys.

use super::changes::Changes;
use super::context::Context;
use super::custody;
use super::document::Document;
use super::exit::Exit;
use super::format::Input;
use super::store;
use super::sync::chosen;
use super::ui::{Look, Ui, shown};
use crate::custody::{Task, renew, sync};
use crate::error::{Error, Result};
use crate::fleet::Fleet;
use crate::fs::{Outlook, Transaction};
use crate::sops::Mac;
use serde_json::json;
use std::collections::HashSet;

/// Encrypt files anew, each under a new data key
///
/// Values stay what they are. Whoever kept an old data key cannot read what is written from now on. A file of the fleet
/// gets the readers that the fleet says; any other sops file keeps its keys of all types, its key groups and their
/// threshold.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Paths, or short names (users/jon, hosts/web1)
    #[arg(required_unless_present = "all")]
    files: Vec<String>,
    /// Every file of the fleet
    #[arg(long, conflicts_with_all = ["files", "input_type"])]
    all: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    input: Input,
}

/// Renews.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let locate = |file: &String| Document::locate(context, file)?.of_type(arguments.input.input_type);
    let documents: Vec<Document> = arguments.files.iter().map(locate).collect::<Result<_>>()?;
    let (ours, others): (Vec<_>, Vec<_>) =
        documents.into_iter().partition(|document| document.bound_path().is_some());
    match (ours.first(), others.first()) {
        (None, Some(_)) => of_no_fleet(context, ui, arguments, others),
        (Some(ours), Some(other)) => {
            let (ours, other) = (ours.shown(), other.shown());
            Err(Error::usage(format!("{ours} is a file of the fleet, and {other} is none"))
                .hint("their readers are decided in different places: rotate them by two commands"))
        }
        _ => of_the_fleet(context, ui, arguments),
    }
}

fn of_the_fleet(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let root = context.fleet_root()?;
    let only = chosen(context, &root, &arguments.files)?;
    if only.is_none() && !arguments.all {
        return Err(Error::usage("no file named").hint("name files, or --all"));
    }
    let changes = Changes::begin(root.clone(), arguments.dry_run)?;
    let fleet = Fleet::load(&root)?;
    let nothing = Transaction::new();
    let files = Outlook::new(&root, &nothing);
    let keys = context.key_services()?;
    let mut plan = sync(&fleet, files, only.as_deref(), Task::DataKey, &keys, context.now())?;
    if only.is_some() {
        custody::refuse_orphans(context, &root, &mut plan);
    }
    custody::carry_out(changes, ui, plan, "rotate", arguments.json)
}

/// Files whose readers are their own. All are made before the first is written.
fn of_no_fleet(
    context: &Context,
    ui: &mut Ui,
    arguments: &Arguments,
    documents: Vec<Document>,
) -> Result<Exit> {
    // of several each waits only when it is written, and one that was changed meanwhile stays, and is told of
    let mut alone = match documents.as_slice() {
        [document] => Some(store::hold(document, arguments.dry_run)?),
        _ => None,
    };
    let keys = context.key_services()?;
    let mut seen = HashSet::new();
    let mut made = Vec::new();
    for document in documents {
        if !seen.insert(document.absolute()?) {
            continue;
        }
        let opened = document.open(&keys, Mac::Check)?;
        let file = opened.file.clone().laid_out(document.stores()?);
        let saved =
            renew(&file, &opened.key, context.now(), &keys).map_err(|error| error.at(document.shown()))?;
        made.push((document, opened, saved));
    }
    let mut files = Vec::new();
    for (document, opened, saved) in made {
        opened.warn_of_clear_comments(ui);
        store::tell(ui, &document, &opened, &saved)?;
        let held = alone.take().map_or_else(|| store::hold(&document, arguments.dry_run), Ok)?;
        store::write_quietly(ui, &document, saved, &opened.bytes, held)?;
        if !arguments.json {
            let word = ui.look(Look::Care, "renew ");
            ui.ready(&format!("{word} {}", shown(document.shown())))?;
        }
        files.push(json!({ "file": document.shown(), "what": "renew", "gained": [], "lost": [] }));
    }
    if arguments.json {
        // as for files of a fleet, which have more to be said about
        ui.json(&json!({
            "dry_run": arguments.dry_run, "files": files, "others": [], "blocked": [], "refused": [],
            "orphans": [], "strays": [], "notes": [],
        }))?;
    } else if arguments.dry_run {
        ui.note("nothing was written: this was a dry run");
    }
    Ok(Exit::Done)
}
