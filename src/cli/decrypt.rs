//! `uvars decrypt`: a whole file in clear.

use super::context::Context;
use super::document::Document;
use super::exit::Exit;
use super::format::Input;
use super::json;
use super::tracked::warn_of_shared_place;
use super::ui::{BY_NUMBER, Ui};
use crate::error::{Error, Result, as_file};
use crate::fs;
use crate::secret::Secret;
use crate::sops::{Format, Mac, Plain, Value};
use std::path::PathBuf;

/// Print an encrypted file in clear, as sops prints it
///
/// The bytes are those of sops 3.13, but for what sops itself could not read back and comments in a few odd places, which
/// docs/yaml.md names. On a terminal, control characters are shown by their number.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// A path, or a short name: users/jon, accounts/jon@web1, hosts/web1, shared/wifi
    file: String,
    /// Write to this new file, 0600, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print the file even if its MAC does not fit
    #[arg(long)]
    ignore_mac: bool,
    #[command(flatten)]
    input: Input,
    /// Print it as a file of this type
    #[arg(long, value_name = "TYPE", conflicts_with = "json")]
    output_type: Option<Format>,
}

/// Prints the file.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let document = Document::locate(context, &arguments.file)?.of_type(arguments.input.input_type)?;
    let mac = if arguments.ignore_mac { Mac::Ignore } else { Mac::Check };
    let opened = document.open(&context.key_services()?, mac)?;
    opened.warn_of_clear_comments(ui);
    let plain = opened.plain.laid_out(document.stores()?);
    let output = arguments.output_type.unwrap_or_else(|| document.format());
    let text = if arguments.json { as_json(&plain) } else { plain.into_text(output) };
    let text = text.map_err(|error| error.at(document.shown()))?;
    match &arguments.out {
        Some(out) => {
            fs::write_new(&context.typed(out), text.expose(), 0o600)?;
            warn_of_shared_place(context, ui, out, &format!("rm {}", as_file(&out.to_string_lossy())));
        }
        None if arguments.json => ui.clear_json(text.expose())?,
        None => {
            if ui.clear(text.expose())? {
                ui.note(BY_NUMBER);
                ui.note("the bytes as they are go to a pipe or file: uvars decrypt … --out FILE");
            }
        }
    }
    Ok(Exit::Done)
}

fn as_json(plain: &Plain) -> Result<Secret> {
    match plain.documents() {
        0 | 1 => json::write(&Value::Map(plain.to_map())),
        count => Err(Error::new(format!("holds {count} documents, and JSON has one"))
            .hint("leave --json out, and they are printed as YAML")),
    }
}
