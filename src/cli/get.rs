//! `uvars get`: one value in clear.

use super::context::Context;
use super::document::{Document, KEY_PATH};
use super::exit::Exit;
use super::format::Input;
use super::json;
use super::missing::missing;
use super::ui::{BY_NUMBER, Ui};
use crate::error::{Result, one_line};
use crate::sops::{BINDING_KEY, KeyPath, Mac, Value};
use serde_json::json;

/// Print one value of an encrypted file
///
/// A string is printed as it is, with a line end only on a terminal; a map or a list as a document of its own.
/// Without KEY the names at the top are listed. On a terminal, control characters are shown by their number.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars get hosts/web1 db.password")]
pub(super) struct Arguments {
    /// A path, or a short name: users/jon, accounts/jon@web1, hosts/web1, shared/wifi
    file: String,
    #[arg(help = KEY_PATH)]
    key: Option<String>,
    /// Print JSON: a string in quotes, a list or a map as one document
    #[arg(long)]
    json: bool,
    /// Print the value even if the file's MAC does not fit
    #[arg(long)]
    ignore_mac: bool,
    #[command(flatten)]
    input: Input,
}

/// Prints the value.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let document = Document::locate(context, &arguments.file)?.of_type(arguments.input.input_type)?;
    let Some(key) = &arguments.key else {
        let names = document.encrypted()?.keys();
        let names: Vec<_> = names.iter().filter(|name| *name != BINDING_KEY).collect();
        if arguments.json {
            ui.json_as_it_is(&json!(names))?;
            return Ok(Exit::Done);
        }
        for name in names {
            ui.line(one_line(name))?;
        }
        return Ok(Exit::Done);
    };
    let path = KeyPath::parse(key)?;
    let mac = if arguments.ignore_mac { Mac::Ignore } else { Mac::Check };
    let opened = document.open(&context.key_services()?, mac)?;
    let mut plain = opened.plain;
    if document.bound_path().is_some() {
        // it says where the file belongs, and is no value of it
        plain.unset(&KeyPath::of_keys([BINDING_KEY]))?;
    }
    let as_it_is = match plain.get(&path) {
        Some(value) if arguments.json => {
            let text =
                json::write(&value).map_err(|error| error.at(document.shown()).key(path.to_string()))?;
            ui.clear_json(text.expose())?;
            true
        }
        Some(Value::Str(text)) => {
            let numbered = ui.clear(text.expose())?;
            if ui.out_is_terminal() && !text.expose().ends_with(b"\n") {
                ui.bytes(b"\n")?;
            }
            !numbered
        }
        Some(_) => {
            let text = plain.laid_out(document.stores()?).emit_at(&path, document.format())?;
            !ui.clear(text.expose())?
        }
        None => return Err(missing(&plain, &path, document.shown())),
    };
    if !as_it_is {
        ui.note(BY_NUMBER);
        ui.note("the bytes as they are go to a pipe or file: uvars get … > FILE");
    }
    Ok(Exit::Done)
}
