//! `uvars set`: one value goes into an encrypted file.

use super::account::{keep_account, refuse_no_hash};
use super::context::Context;
use super::document::{Document, KEY_PATH};
use super::exit::Exit;
use super::format::Input;
use super::store;
use super::ui::Ui;
use super::value;
use crate::error::{Error, Result, as_file, as_word};
use crate::keys;
use crate::sops::{BINDING_KEY, KeyPath, Mac, Map, Plain};
use clap::ValueHint;
use std::ffi::OsString;
use std::path::PathBuf;

/// Set one value of an encrypted file
///
/// The value is never an argument: it is asked for on a terminal, or read from standard input or a file. One line
/// loses its line end; text of several lines is kept as it is. Other values keep their ciphertext. A file of the fleet
/// that is not there yet is made, for its readers. Names are in clear, and so is a value whose name, or a name around
/// it, ends in _unencrypted: that is warned of.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars set hosts/web1 db.password
  pwgen 32 1 | uvars set hosts/web1 db.password")]
pub(super) struct Arguments {
    /// A path, or a short name: users/jon, hosts/web1, shared/wifi
    file: String,
    #[arg(help = KEY_PATH, value_hint = ValueHint::Other)]
    key: String,
    // what is typed there may well be the value: it is refused here, and quoted nowhere
    #[arg(hide = true, allow_hyphen_values = true, value_hint = ValueHint::Other)]
    value: Vec<OsString>,
    /// Read the value from this file (- is standard input)
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
    /// The value is JSON: a number, true, null, a list or a map
    #[arg(long)]
    json: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    input: Input,
}

/// Sets the value.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    refuse_value(arguments)?;
    let document = Document::locate(context, &arguments.file)?.of_type(arguments.input.input_type)?;
    let path = KeyPath::parse(&arguments.key)?;
    refuse_binding(&document, &path)?;
    keys::refuse_in_name(&arguments.key, "the name of the value")
        .map_err(|error| error.at(document.shown()))?;
    let value = value::read(context, arguments.value_file.as_deref(), arguments.json, &arguments.key)?;
    let key_error = |error: Error| error.at(document.shown()).key(path.to_string());
    // nobody else writes between here and the end, so that one of two who set values does not fail
    let held = store::hold(&document, arguments.dry_run)?;
    if document.read()?.is_none() {
        let mut plain = Plain::new(Map::new());
        plain.set(&path, &value).map_err(key_error)?;
        store::create(context, ui, &document, plain, held)?;
        return Ok(Exit::Done);
    }
    refuse_no_hash(context, &document, &path, &value)?;
    let opened = document.open(&context.key_services()?, Mac::Check)?;
    let mut plain = opened.plain.clone();
    plain.set(&path, &value).map_err(key_error)?;
    if plain.get(&path) == opened.plain.get(&path) {
        ui.note("it has that value already");
        return Ok(Exit::Done);
    }
    keep_account(context, &document, &opened.plain, &plain)?;
    opened.warn_of_clear_comments(ui);
    store::save(context, ui, &document, &opened, &plain, held)?;
    Ok(Exit::Done)
}

/// Refuses a value on the command line, which every other process can see, without showing it.
fn refuse_value(arguments: &Arguments) -> Result<()> {
    let file = &arguments.file;
    let piped = |key: &str| {
        let end = if key.starts_with('-') { "-- " } else { "" };
        format!("pipe it: pwgen 32 1 | uvars set {} {end}{}", as_file(file), as_word(key))
    };
    if !arguments.value.is_empty() {
        let option = arguments.value.iter().any(|value| value.to_string_lossy().starts_with("--"));
        let options = option.then_some("if it was to be an option: uvars set --help has them all");
        let error = Error::usage("an argument too many: the value is never one, where others could see it")
            .hint(piped(&arguments.key))
            .hint("or leave it out, and you are asked for it");
        return Err(options.into_iter().fold(error, Error::hint));
    }
    match arguments.key.split_once('=') {
        Some((key, _)) if !key.starts_with('[') => Err(Error::usage(
            "`=` is no part of the name: the value is never an argument, where others could see it",
        )
        .hint(piped(key))
        .hint("a name with `=` in it stands in brackets: [\"a=b\"]")),
        _ => Ok(()),
    }
}

/// The binding is written by us alone.
pub(super) fn refuse_binding(document: &Document, path: &KeyPath) -> Result<()> {
    if document.bound_path().is_some() && *path == KeyPath::of_keys([BINDING_KEY]) {
        return Err(Error::new("says where the file belongs, and is set by nothing but uvars bind")
            .at(document.shown())
            .key(BINDING_KEY)
            .hint(document.line("bind")));
    }
    Ok(())
}
