//! `uvars recover`: puts right what an interrupted command left.

use super::context::Context;
use super::exit::Exit;
use super::ui::Ui;
use crate::error::Result;
use crate::fs::{self, Outcome, Recovered};

/// Finish or take back what an interrupted command left
///
/// Every command that writes does this first; this one does nothing else. A change that had been committed is
/// finished, one that had not is taken back, so that all files are old or all are new.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Leave every file as it is now and forget the interrupted change, where files were changed since
    #[arg(long)]
    forget: bool,
}

/// Recovers.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let root = context.fleet_root()?;
    let recovered = if arguments.forget { fs::forget(&root)? } else { fs::recover(&root)? };
    if recovered.outcome == Outcome::Nothing {
        ui.line(recovered)?;
        return Ok(Exit::Done);
    }
    tell(ui, &recovered);
    for file in &recovered.files {
        ui.line(format!("  {file}"))?;
    }
    Ok(Exit::Done)
}

/// Says what became of an interrupted command.
pub(super) fn tell(ui: &mut Ui, recovered: &Recovered) {
    if recovered.outcome != Outcome::Nothing {
        ui.note(recovered.to_string());
    }
}
