//! `uvars host set`: other fields of a host, and the rules follow.

use super::assignments;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::inventory;
use crate::cli::ui::Ui;
use crate::error::Result;
use crate::fleet::edit;

/// Change what a host is like
///
/// FIELD=VALUE sets a field, FIELD= takes it out, FIELD+=ITEM and FIELD-=ITEM change a list. .sops.yaml follows;
/// files get other readers by the next 'uvars sync'.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars host set cinnabar tags+=gpu tags-=laptop")]
pub(super) struct Arguments {
    /// The host's name
    name: String,
    /// What changes: platform, tags, key
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
        edit::host_set(bytes, &arguments.name, &fields)
    })
}
