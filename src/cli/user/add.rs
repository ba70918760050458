//! `uvars user add`: a new user in uvars.yaml, and the rules follow.

use super::assignments;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::inventory;
use crate::cli::ui::Ui;
use crate::error::Result;
use crate::fleet::edit;

/// Add a user
///
/// Fields are those of uvars.yaml ('uvars schema' prints them all): hosts, tags, role, integrated, key, policy, uid,
/// description, group_primary, groups_secondary, home_dir, shell, authorized_keys, password.prompt, password.share,
/// password.keep, password.format, modules, and on.HOST.FIELD for what differs on one host. .sops.yaml follows.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars user add jon tags=server,laptop uid=1001 'description=Jon Smith' password.share=true
  uvars user add ines hosts=rosegold on.rosegold.uid=502 password=false")]
pub(super) struct Arguments {
    /// The login
    name: String,
    /// What the user is like; items of a list with commas between them
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Adds.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let fields = assignments(&arguments.fields)?;
    inventory::change(context, ui, arguments.dry_run, |bytes, _| {
        edit::user_add(bytes, &arguments.name, &fields)
    })
}
