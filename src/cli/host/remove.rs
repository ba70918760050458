//! `uvars host remove`: a host out of uvars.yaml. Files stay, and are named.

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::inventory;
use crate::cli::ui::Ui;
use crate::error::Result;
use crate::fleet::edit;

/// Take a host out
///
/// A host that something still names stays: each line that does is told. Encrypted files and the key of the host are
/// left as they are, and named; what it could read beside them gets its new readers by 'uvars sync'.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The host's name
    name: String,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Takes out.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    inventory::change(context, ui, arguments.dry_run, |bytes, _| edit::host_remove(bytes, &arguments.name))
}
