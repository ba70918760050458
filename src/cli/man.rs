//! `uvars man`: manual pages out of the definition of the command line.

use super::arguments::whole;
use super::exit::Exit;
use super::sops;
use super::ui::Ui;
use crate::error::{Error, Result};

/// Print a manual page
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars man | man -l -           the program
  uvars man key rotate | man -l -    one command")]
pub(super) struct Arguments {
    /// The command, word by word; the whole program where none is given
    command: Vec<String>,
}

/// Prints the page.
pub(super) fn run(ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    // the options of uvars stand in front of `sops`, and are none of its own
    let is_sops = arguments.command.first().is_some_and(|word| word == "sops");
    let mut root = if is_sops { clap::Command::new("uvars").subcommand(sops::describe()) } else { whole() };
    root.build();
    let mut command = &root;
    let mut name = String::from("uvars");
    for word in &arguments.command {
        command = command.find_subcommand(word).ok_or_else(|| {
            Error::usage(format!("no command {name} {word}")).hint("uvars --help lists the commands")
        })?;
        name = format!("{name}-{word}");
    }
    let page = clap_mangen::Man::new(command.clone().name(name));
    let mut text = Vec::new();
    page.render(&mut text).map_err(|error| Error::new("cannot make the page").because(error))?;
    ui.bytes(&text)?;
    Ok(Exit::Done)
}
