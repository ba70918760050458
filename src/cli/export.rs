//! `uvars export`: what hosts and people take out of the repository.

use super::context::Context;
use super::exit::Exit;
use super::ui::{Look, Ui};
use crate::error::{Error, Result};
use crate::fleet::Fleet;
use crate::interchange::{self, Written};
use crate::keys;
use clap::Subcommand;
use serde_json::json;
use std::path::PathBuf;

/// Write out what hosts and people consume
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The manifest of a host or a person, with copies of the encrypted files that it names
    ///
    /// DIR/manifest.json and the copies are what `uvars activate` takes: nothing in them is in clear, and no
    /// private key is needed to make them. The same fleet always gives the same bytes. What an activation with them
    /// would miss is warned of: files, values, passwords.
    Manifest(Manifest),
}

#[derive(clap::Args, Debug)]
struct Manifest {
    /// hosts/NAME or users/NAME; a bare name where only one of the two has it
    #[arg(value_name = "CLASS/NAME")]
    of: String,
    /// The folder to write; an earlier export in it is brought up to date
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Say what would be written
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Exports.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    match &arguments.what {
        What::Manifest(arguments) => manifest(context, ui, arguments),
    }
}

fn manifest(context: &Context, ui: &mut Ui, arguments: &Manifest) -> Result<Exit> {
    keys::refuse_in_name(&arguments.out.to_string_lossy(), "the name of the folder")?;
    let root = context.fleet_root()?;
    let fleet = Fleet::load(&root)?;
    let export = match of(&fleet, &arguments.of)? {
        Of::Host(name) => interchange::of_host(&fleet, &root, name)?,
        Of::User(name) => interchange::of_user(&fleet, &root, name)?,
    };
    let out = context.typed(&arguments.out);
    let Written { written, removed } = interchange::write(&export, &out, arguments.dry_run)?;
    for note in &export.notes {
        ui.warn(note);
    }
    if arguments.json {
        let whose = export.manifest.of.to_string();
        let document = json!({ "for": whose, "out": out, "written": written, "removed": removed, "notes": export.notes });
        ui.json(&document)?;
        return Ok(Exit::Done);
    }
    for (look, word, names) in [(Look::Good, "write", &written), (Look::Bad, "remove", &removed)] {
        for name in names {
            let line = format!("{} {}", ui.look(look, word), ui.look(Look::Strong, out.join(name).display()));
            ui.ready(&line)?;
        }
    }
    if written.is_empty() && removed.is_empty() {
        ui.line("nothing to change")?;
    } else if arguments.dry_run {
        ui.note("nothing was written: this was a dry run");
    }
    Ok(Exit::Done)
}

enum Of<'a> {
    Host(&'a str),
    User(&'a str),
}

fn of<'a>(fleet: &Fleet, text: &'a str) -> Result<Of<'a>> {
    let inventory = fleet.inventory();
    match text.split_once('/') {
        Some(("hosts", name)) => Ok(Of::Host(name)),
        Some(("users", name)) => Ok(Of::User(name)),
        Some((class, _)) => {
            Err(Error::usage(format!("{class} have no manifest")).hint("write hosts/NAME or users/NAME"))
        }
        None => match (inventory.host(text), inventory.user(text)) {
            (Some(_), None) => Ok(Of::Host(text)),
            (None, Some(_)) => Ok(Of::User(text)),
            (Some(_), Some(_)) => Err(Error::usage(format!("{text} is a host and a user"))
                .hint(format!("write hosts/{text} or users/{text}"))),
            (None, None) => Err(Error::new(format!("there is no host and no user {text}"))
                .hint("list them: uvars host list, uvars user list")),
        },
    }
}
