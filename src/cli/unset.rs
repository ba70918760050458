//! `uvars unset`: one value goes out of an encrypted file.

use super::account::keep_account;
use super::context::Context;
use super::document::{Document, KEY_PATH};
use super::exit::Exit;
use super::format::Input;
use super::missing::missing;
use super::set::refuse_binding;
use super::store;
use super::ui::Ui;
use crate::error::Result;
use crate::sops::{KeyPath, Mac};

/// Take one value out of an encrypted file
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// A path, or a short name: users/jon, hosts/web1, shared/wifi
    file: String,
    #[arg(help = KEY_PATH)]
    key: String,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    input: Input,
}

/// Takes the value out.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let document = Document::locate(context, &arguments.file)?.of_type(arguments.input.input_type)?;
    let path = KeyPath::parse(&arguments.key)?;
    refuse_binding(&document, &path)?;
    let held = store::hold(&document, arguments.dry_run)?;
    let opened = document.open(&context.key_services()?, Mac::Check)?;
    let mut plain = opened.plain.clone();
    if plain.get(&path).is_none() {
        return Err(missing(&plain, &path, document.shown()));
    }
    plain.unset(&path).map_err(|error| error.at(document.shown()))?;
    keep_account(context, &document, &opened.plain, &plain)?;
    opened.warn_of_clear_comments(ui);
    store::save(context, ui, &document, &opened, &plain, held)?;
    Ok(Exit::Done)
}
