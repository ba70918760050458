//! `uvars schema`: what uvars.yaml may be.

use super::exit::Exit;
use super::ui::Ui;
use crate::error::Result;
use crate::fleet;

/// Print the JSON Schema of uvars.yaml, for editors and other programs
///
/// An editor with the YAML language server reads it where the first line of uvars.yaml is
/// '# yaml-language-server: $schema=uvars.schema.json'.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars schema > uvars.schema.json")]
pub(super) struct Arguments {}

/// Prints the schema.
pub(super) fn run(ui: &mut Ui, _: &Arguments) -> Result<Exit> {
    ui.json(&fleet::schema())?;
    Ok(Exit::Done)
}
