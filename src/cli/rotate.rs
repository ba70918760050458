//! `uvars rotate`: new data keys.

use super::changes::Changes;
use super::context::Context;
use super::custody;
use super::exit::Exit;
use super::sync::chosen;
use super::ui::Ui;
use crate::custody::{Task, sync};
use crate::error::{Error, Result};
use crate::fleet::Fleet;
use crate::fs::{Outlook, Transaction};

/// Encrypt files anew, each under a new data key, for the readers that the fleet says
///
/// Values stay what they are. Whoever kept an old data key cannot read what is written from now on.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Paths, or short names (users/jon, hosts/web1)
    #[arg(required_unless_present = "all")]
    files: Vec<String>,
    /// Every file of the fleet
    #[arg(long, conflicts_with = "files")]
    all: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Renews.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let root = context.fleet_root()?;
    let only = chosen(context, &root, &arguments.files)?;
    if only.is_none() && !arguments.all {
        return Err(Error::usage("no file named").hint("name files, or --all"));
    }
    let changes = Changes::begin(root.clone(), arguments.dry_run)?;
    let fleet = Fleet::load(&root)?;
    let nothing = Transaction::new();
    let files = Outlook::new(&root, &nothing);
    let mut plan =
        sync(&fleet, files, only.as_deref(), Task::DataKey, &context.key_services()?, context.now())?;
    if only.is_some() {
        custody::refuse_orphans(context, &root, &mut plan);
    }
    custody::carry_out(changes, ui, plan, "rotate", arguments.json)
}
