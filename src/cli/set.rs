//! `uvars set`: one value goes into an encrypted file.

use super::context::Context;
use super::document::{Document, KEY_PATH};
use super::exit::Exit;
use super::store;
use super::ui::Ui;
use super::value;
use crate::error::{Error, Result};
use crate::sops::{BINDING_KEY, KeyPath, Mac, Map, Plain};
use std::path::PathBuf;

/// Set one value of an encrypted file
///
/// The value is never an argument: it is asked for on a terminal, or read from standard input or a file. One line
/// loses its line end; text of several lines is kept as it is. Other values keep their ciphertext. A file of the fleet
/// that is not there yet is made, for its readers.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars set hosts/web1 db.password
  pwgen 32 1 | uvars set hosts/web1 db.password")]
pub(super) struct Arguments {
    /// A path, or a short name: users/jon, hosts/web1, shared/wifi
    file: String,
    #[arg(help = KEY_PATH)]
    key: String,
    /// Read the value from this file (- is standard input)
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
    /// The value is JSON: a number, true, null, a list or a map
    #[arg(long)]
    json: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Sets the value.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let document = Document::locate(context, &arguments.file)?;
    let path = KeyPath::parse(&arguments.key)?;
    refuse_binding(&document, &path)?;
    let value = value::read(context, arguments.value_file.as_deref(), arguments.json, &arguments.key)?;
    let key_error = |error: Error| error.at(document.shown()).key(path.to_string());
    if document.read()?.is_none() {
        let mut plain = Plain::new(Map::new());
        plain.set(&path, &value).map_err(key_error)?;
        store::create(context, ui, &document, plain, arguments.dry_run)?;
        return Ok(Exit::Done);
    }
    let opened = document.open(&context.keyring(), Mac::Check)?;
    let mut plain = opened.plain.clone();
    plain.set(&path, &value).map_err(key_error)?;
    if plain.get(&path) == opened.plain.get(&path) {
        ui.note("it has that value already");
        return Ok(Exit::Done);
    }
    opened.warn_of_clear_comments(ui);
    store::save(context, ui, &document, &opened, &plain, arguments.dry_run)?;
    Ok(Exit::Done)
}

/// The binding is written by us alone.
pub(super) fn refuse_binding(document: &Document, path: &KeyPath) -> Result<()> {
    if document.bound_path().is_some() && *path == KeyPath::of_keys([BINDING_KEY]) {
        return Err(Error::new("says where the file belongs, and is set by nothing but uvars bind")
            .at(document.shown())
            .key(BINDING_KEY)
            .hint(format!("uvars bind {}", document.shown())));
    }
    Ok(())
}
