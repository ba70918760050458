//! `uvars host`: the machines of uvars.yaml.

mod add;
mod list;
mod remove;
mod set;
mod show;

use super::context::Context;
use super::exit::Exit;
use super::ui::Ui;
use crate::Result;
use crate::fleet::edit::Assignment;
use clap::Subcommand;

/// Keep the hosts of uvars.yaml; its comments, order and style stay
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Add(add::Arguments),
    Set(set::Arguments),
    Show(show::Arguments),
    List(list::Arguments),
    Remove(remove::Arguments),
}

/// Runs the verb.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    match &arguments.verb {
        Verb::Add(arguments) => add::run(context, ui, arguments),
        Verb::Set(arguments) => set::run(context, ui, arguments),
        Verb::Show(arguments) => show::run(context, ui, arguments),
        Verb::List(arguments) => list::run(context, ui, arguments),
        Verb::Remove(arguments) => remove::run(context, ui, arguments),
    }
}

fn assignments(typed: &[String]) -> Result<Vec<Assignment>> {
    typed.iter().map(|text| Assignment::of_host(text)).collect()
}
