//! `uvars user set`: other fields of a user, and the rules follow.

use super::assignments;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::inventory;
use crate::cli::ui::Ui;
use crate::error::Result;
use crate::fleet::edit;

/// Change what a user is like
///
/// FIELD=VALUE sets a field, FIELD= takes it out, FIELD+=ITEM and FIELD-=ITEM change a list. All changes are one: the
/// result must be right as a whole. .sops.yaml follows; files get other readers by the next 'uvars sync'.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars user set jon hosts+=flint on.flint.shell=/bin/bash groups_secondary-=video
  uvars user set ruben policy=locked password.share=")]
pub(super) struct Arguments {
    /// The login
    name: String,
    /// What changes
    #[arg(value_name = "FIELD=VALUE", required = true)]
    fields: Vec<String>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Changes.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let fields = assignments(&arguments.fields)?;
    inventory::change(context, ui, arguments.dry_run, |bytes, _| {
        edit::user_set(bytes, &arguments.name, &fields)
    })
}
