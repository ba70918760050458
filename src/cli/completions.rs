//! `uvars completions`: what a shell needs to complete our words.

use super::arguments::whole;
use super::exit::Exit;
use super::ui::Ui;
use crate::Result;
use clap_complete::Shell;

/// Print the completion script of a shell
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars completions bash > ~/.local/share/bash-completion/completions/uvars")]
pub(super) struct Arguments {
    /// The shell to complete for
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut whole(), "uvars", &mut script);
    ui.bytes(&script)?;
    Ok(Exit::Done)
}
