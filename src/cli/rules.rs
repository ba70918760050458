//! `uvars rules`: .sops.yaml from the registry and the inventory, and why a path has the readers that it has.

use super::changes::{self, Changes, RULES};
use super::context::Context;
use super::document::Document;
use super::exit::Exit;
use super::explain;
use super::ui::{Look, Ui};
use crate::error::{Error, Result};
use crate::fleet::{Fleet, INVENTORY, edit};
use crate::fs::{self, RepoPath, Root, Transaction};
use crate::keys::Ledger;
use crate::rules::{diff, render};

/// Print the creation rules that follow from keys/ and uvars.yaml, write them to .sops.yaml, or check them
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Write .sops.yaml
    #[arg(long, conflicts_with_all = ["check", "explain"])]
    write: bool,
    /// Compare with .sops.yaml: a difference is printed, and exit 3
    #[arg(long, conflicts_with = "explain")]
    check: bool,
    /// Who reads this file, by which rule, and for which reasons (a path, or a short name: hosts/web1)
    #[arg(long, value_name = "PATH")]
    explain: Option<String>,
    /// Print JSON (with --explain)
    #[arg(long, requires = "explain")]
    json: bool,
    /// With --write: show what would be written, and write nothing
    #[arg(long, requires = "write")]
    dry_run: bool,
}

/// Prints, writes, checks or explains.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let root = context.fleet_root()?;
    if let Some(path) = &arguments.explain {
        let document = Document::locate_any(context, path)?;
        let (root, path) =
            document.in_fleet().ok_or_else(|| Error::usage("is not in the fleet").at(document.shown()))?;
        return explain::run(ui, root, path, arguments.json);
    }
    if arguments.write {
        let changes = Changes::begin(root.clone(), arguments.dry_run)?;
        let mut transaction = Transaction::new();
        changes::follow(&root, &mut transaction)?;
        changes.finish(ui, transaction)?;
        return Ok(Exit::Done);
    }
    let wanted = render(&Fleet::load(&root)?.rules()?);
    if arguments.check {
        return check(ui, &root, &wanted);
    }
    ui.bytes(wanted.as_bytes())?;
    Ok(Exit::Done)
}

fn check(ui: &mut Ui, root: &Root, wanted: &str) -> Result<Exit> {
    let there = root.read(&RepoPath::new(RULES)?)?.unwrap_or_default();
    let there = String::from_utf8_lossy(&there);
    let mut exit = Exit::Done;
    if fs::pending(root)? {
        ui.warn("an interrupted command waits to be put right");
        ui.hint("uvars recover");
        exit = Exit::OutOfDate;
    }
    if let Some(text) = diff(RULES, &there, wanted) {
        for line in text.lines() {
            let look = match line.as_bytes().first() {
                Some(b'+') => Some(Look::Good),
                Some(b'-') => Some(Look::Bad),
                _ => None,
            };
            let line = look.map_or_else(|| super::ui::shown(line), |look| ui.look(look, line));
            ui.ready(&line)?;
        }
        ui.hint("write it: uvars rules --write");
        exit = Exit::OutOfDate;
    }
    if tell_revoked(ui, root)? {
        exit = Exit::OutOfDate;
    }
    Ok(exit)
}

/// Names the hand-written rules that have a key which was revoked; whether there is one.
fn tell_revoked(ui: &mut Ui, root: &Root) -> Result<bool> {
    let inventory = root.read(&RepoPath::new(INVENTORY)?)?.unwrap_or_default();
    let ledger = Ledger::read(root)?;
    let mut found = false;
    for (line, key) in edit::keys_in_rules(&inventory)? {
        if let Some(entry) = ledger.find(&key).filter(|entry| entry.is_revoked()) {
            ui.warn(format!("{INVENTORY}:{line}: a key of {} that was revoked; take it out", entry.whose));
            found = true;
        }
    }
    if found {
        ui.hint(
            "then: uvars rules --write, and sops updatekeys and sops rotate -i for the files of these rules",
        );
    }
    Ok(found)
}
