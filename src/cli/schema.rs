//! `uvars schema`: what uvars.yaml may be.

use super::exit::Exit;
use super::ui::Ui;
use crate::error::Result;
use crate::fleet;

/// Print the JSON Schema of uvars.yaml, for editors and other programs
///
/// uvars schema > uvars.schema.json, and as the first line of uvars.yaml:
///
/// # yaml-language-server: $schema=uvars.schema.json
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {}

/// Prints the schema.
pub(super) fn run(ui: &mut Ui, _: &Arguments) -> Result<Exit> {
    ui.json(&fleet::schema())?;
    Ok(Exit::Done)
}
