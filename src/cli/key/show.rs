//! `uvars key show`: one principal's keys, in every form.

use super::list::describe;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;
use crate::error::{Error, Result};
use crate::keys::Registry;

/// Show the keys of one person, host or program, in every form
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// CLASS/NAME, or NAME where one class has it
    #[arg(value_name = "NAME")]
    principal: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let registry = Registry::read(&context.fleet_root()?)?;
    let principal = registry.resolve(&arguments.principal)?;
    let file = registry.get(&principal).ok_or_else(|| {
        Error::new(format!("{principal} has no key"))
            .at(principal.path())
            .hint(format!("give one: uvars key add {principal} FILE"))
    })?;
    if arguments.json {
        return ui.json(&describe(file)).map(|()| Exit::Done);
    }
    ui.line(format!("{principal}  ({})", principal.path()))?;
    for key in &file.keys {
        ui.line(format!("  {}", key.recipient))?;
        if let Some(converted) = key.recipient.converted() {
            ui.line(format!("    as age key: {converted}"))?;
        }
        if let Some(comment) = &key.comment {
            ui.line(format!("    {comment}"))?;
        }
        for other in registry.holders(&key.recipient).iter().filter(|other| **other != principal) {
            ui.line(format!("    also the key of {other}"))?;
        }
        if let Some(warning) = key.recipient.warning() {
            ui.line(format!("    {warning}"))?;
        }
    }
    Ok(Exit::Done)
}
