//! `uvars user remove`: a user out of uvars.yaml. Files stay, and are named.

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::inventory;
use crate::cli::ui::Ui;
use crate::error::Result;
use crate::fleet::edit;

/// Take a user out
///
/// A user whom something still names stays: each line that does is told. Encrypted files and keys of the user are
/// left as they are, and named. So that hosts take the account away, 'policy: absent' comes first.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The login
    name: String,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Takes out.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    inventory::change(context, ui, arguments.dry_run, |bytes, _| edit::user_remove(bytes, &arguments.name))
}
