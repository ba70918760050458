//! `uvars bind`: a person vouches that a file belongs where it is.

use super::changes::Changes;
use super::context::Context;
use super::custody;
use super::exit::Exit;
use super::sync::chosen;
use super::ui::Ui;
use crate::custody::{Binding, FileChange, Plan, What};
use crate::error::{Error, Result, one_line};
use crate::fleet::Fleet;
use crate::keys::Ledger;
use crate::sops::{BINDING_KEY, KeyPath};
use std::io::IsTerminal as _;

/// More values in clear than these are not named.
const MANY: usize = 20;

/// Vouch that encrypted files belong where they are
///
/// Every file of a fleet carries its own path, so that nobody can swap files. After a 'git mv', or for a file that
/// plain sops made, look at what is in it and bind it: its path is written into it under a new data key, for the
/// readers that belong to that path. Every value is encrypted, whatever rule the file names.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Paths, or short names (users/jon, hosts/web1)
    #[arg(required = true)]
    files: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Binds.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let root = context.fleet_root()?;
    let paths = chosen(context, &root, &arguments.files)?.unwrap_or_default();
    let fleet = Fleet::load(&root)?;
    let ledger = Ledger::read(&root)?;
    let keys = context.key_services()?;
    let mut plan = Plan::default();
    for path in paths {
        let bytes = root.read(&path)?.ok_or_else(|| Error::new("no such file").at(&path))?;
        let binding = Binding::look(&fleet, &ledger, &path, &bytes, &keys)?;
        if binding.is_right() {
            ui.note(format!("{path}: belongs here already"));
            continue;
        }
        describe(ui, &binding);
        if !arguments.dry_run && !arguments.yes && !agreed(&path)? {
            return Err(Error::new("nothing was bound"));
        }
        let (gained, lost) = (binding.gained.clone(), binding.lost.clone());
        plan.transaction.expect(path.clone(), Some(&bytes));
        plan.transaction.write(path.clone(), binding.seal(&fleet, &keys, context.now())?);
        plan.files.push(FileChange { path, what: What::Bound, gained, lost });
    }
    custody::carry_out(Changes::begin(root, arguments.dry_run)?, ui, plan, "bind", false)
}

/// Old and new path, the readers, and the names of the values: what there is to vouch for.
fn describe(ui: &mut Ui, binding: &Binding) {
    ui.note(format!("{}:", binding.path));
    match &binding.before {
        Some(before) => ui.note(format!("  was written for  {}", one_line(before))),
        None => ui.note("  was written for  no place"),
    }
    let names = binding.keys.iter().filter(|name| *name != BINDING_KEY);
    let names: Vec<_> = names.map(|name| KeyPath::of_keys([name.as_str()]).to_string()).collect();
    ui.note(format!("  has the values   {}", names.join(", ")));
    if let Some((field, text)) = &binding.rule {
        ui.note(format!("  had the rule     {field}: {}", one_line(text)));
    }
    if !binding.clear.is_empty() {
        let mut clear: Vec<_> = binding.clear.iter().take(MANY).map(ToString::to_string).collect();
        if binding.clear.len() > MANY {
            clear.push(format!("and {} more", binding.clear.len() - MANY));
        }
        ui.note(format!("  was in clear     {}", clear.join(", ")));
        ui.note(
            "  what was in clear stays so in the history of git: change those values where they are used",
        );
    }
    for reader in &binding.gained {
        ui.note(format!("  will be read by  {reader}"));
    }
    for reader in &binding.lost {
        ui.note(format!("  no more read by  {reader}"));
    }
    if let Some(note) = &binding.regrouped {
        ui.note(format!("  has key groups   {note}"));
    }
}

fn agreed(path: &crate::fs::RepoPath) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::new("nobody can be asked whether it belongs here")
            .at(path)
            .hint(format!("if it does: uvars bind {path} --yes")));
    }
    dialoguer::Confirm::new()
        .with_prompt("does it belong here?")
        .default(false)
        .interact()
        .map_err(|error| Error::new("cannot ask").because(error))
}
