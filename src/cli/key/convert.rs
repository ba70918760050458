//! `uvars key convert`: ssh keys in the form of age.

use super::input;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::prompt::Terminal;
use crate::cli::tracked::refuse_shared_place;
use crate::cli::ui::Ui;
use crate::error::{Error, Result};
use crate::keys;
use crate::vars::Prompter as _;
use std::path::{Path, PathBuf};

/// Convert ssh-ed25519 keys to age keys, as ssh-to-age does
///
/// Public keys: .pub files, authorized_keys, known_hosts, the output of ssh-keyscan; other types are named and
/// passed over. The private half of a key only with --private.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  ssh-keyscan web1 | uvars key convert
  uvars key convert --private ~/.ssh/id_ed25519 --out ~/.config/sops/age/keys.txt")]
pub(super) struct Arguments {
    /// The file to read, or - for standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Convert a private key
    #[arg(long)]
    private: bool,
    /// Write to this file, 0600, instead of standard output; a file that is there is never overwritten
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Converts.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    if let Some(out) = arguments.out.as_deref().filter(|_| arguments.private) {
        refuse_shared_place(context, &context.path(out))?;
    }
    let text = input::text(context, &arguments.file)?;
    let name = if arguments.file == Path::new("-") { Path::new("standard input") } else { &arguments.file };
    let converted = if arguments.private {
        let ask = || Terminal::open().ok()?.hidden(&format!("passphrase of {}: ", name.display())).ok();
        let key = keys::convert_private(&text, ask).map_err(|error| error.at(name))?;
        let mut text = format!("# public key: {}\n", key.recipient).into_bytes();
        text.reserve_exact(key.identity.len() + 1);
        text.extend_from_slice(key.identity.expose());
        text.push(b'\n');
        crate::secret::Secret::new(text)
    } else {
        let conversion = keys::convert_public(text.expose()).map_err(|error| error.at(name))?;
        for skipped in &conversion.skipped {
            ui.warn(format!("{}: {skipped}, passed over", name.display()));
        }
        if conversion.converted.is_empty() {
            return Err(Error::new("no ssh-ed25519 key in it").at(name));
        }
        conversion.to_text().into()
    };
    match &arguments.out {
        Some(out) => super::write_private(&context.path(out), &converted)?,
        None => ui.bytes(converted.expose())?,
    }
    Ok(Exit::Done)
}
