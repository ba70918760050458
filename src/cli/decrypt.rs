//! `uvars decrypt`: a whole file in clear.

use super::context::Context;
use super::document::Document;
use super::exit::Exit;
use super::ui::Ui;
use crate::error::Result;
use crate::fs;
use crate::sops::Mac;
use std::path::PathBuf;

/// Print an encrypted file in clear, byte for byte as sops prints it
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// A path, or a short name: users/jon, accounts/jon@web1, hosts/web1, shared/wifi
    file: String,
    /// Write to this new file, 0600, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the file even if its MAC does not fit
    #[arg(long)]
    ignore_mac: bool,
}

/// Prints the file.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let document = Document::locate(context, &arguments.file)?;
    let mac = if arguments.ignore_mac { Mac::Ignore } else { Mac::Check };
    let opened = document.open(&context.keyring(), mac)?;
    opened.warn_of_clear_comments(ui);
    let plain = opened.plain.laid_out(document.stores()?);
    let text = plain.emit(document.format()?).map_err(|error| error.at(document.shown()))?;
    match &arguments.out {
        Some(out) => fs::write_new(&context.typed(out), text.expose(), 0o600)?,
        None => ui.bytes(text.expose())?,
    }
    Ok(Exit::Done)
}
