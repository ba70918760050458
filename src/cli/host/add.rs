//! `uvars host add`: a new host in uvars.yaml, and the rules follow.

use super::assignments;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::inventory;
use crate::cli::ui::Ui;
use crate::error::Result;
use crate::fleet::edit;
use crate::keys::{Class, Principal};

/// Add a host
///
/// A host whose key is not in keys/hosts/ yet says 'key: pending' and reads nothing; 'uvars key add hosts/NAME FILE'
/// ends that. Users with one of its tags are placed on it at once.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars host add cinnabar platform=nixos tags=server,laptop")]
pub(super) struct Arguments {
    /// The host's name
    name: String,
    /// platform=nixos, darwin or linux (always needed); tags=TAG,TAG
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Adds.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let fields = assignments(&arguments.fields)?;
    let name = &arguments.name;
    inventory::change(context, ui, arguments.dry_run, |bytes, registry| {
        let has_key = registry.get(&Principal { class: Class::Hosts, name: name.clone() }).is_some();
        edit::host_add(bytes, name, &fields, has_key)
    })
}
