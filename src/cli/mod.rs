//! The command line: clap types, one file a verb, and the only room with a voice.
//!
//! Everything that the library may not know by itself is read here and handed in: arguments, environment,
//! clock, terminal. A verb parses what was typed into the library's types, has a plan made, shows it, and
//! has it written; it decides nothing about files or keys.

#![allow(dead_code, reason = "the verbs that use it follow")]
#![allow(
    clippy::doc_link_with_quotes,
    clippy::doc_markdown,
    reason = "doc comments of arguments are help texts"
)]

mod activate;
mod answers;
mod arguments;
mod changes;
mod completions;
mod context;
mod decrypt;
mod document;
mod exit;
mod export;
mod generate;
mod get;
mod key;
mod line;
mod man;
mod prompt;
mod receive;
mod recover;
mod signals;
mod ui;
mod verify;

use arguments::{Cli, Command};
use clap::Parser;
use context::Context;
use exit::Exit;
use std::ffi::OsString;
use ui::Ui;

/// Runs a command line, program name first, and returns the exit code.
///
/// 0 done, 1 failed, 2 usage, 3 out of date, 4 no key for this; `exec` returns its child's.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return ui::usage(&error),
    };
    let mut ui = Ui::new(cli.global.color);
    let result = Context::new(cli.global).and_then(|context| dispatch(&context, &mut ui, cli.command));
    match result.and_then(|exit| ui.flush().map(|()| exit)) {
        Ok(exit) => exit.code(),
        Err(error) => ui.fail(&error),
    }
}

fn dispatch(context: &Context, ui: &mut Ui, command: Command) -> crate::Result<Exit> {
    match command {
        Command::Export(arguments) => export::run(context, ui, &arguments),
        Command::Activate(arguments) => activate::run(context, ui, &arguments),
        Command::Completions(arguments) => completions::run(ui, &arguments),
        Command::Get(arguments) => get::run(context, ui, &arguments),
        Command::Decrypt(arguments) => decrypt::run(context, ui, &arguments),
        Command::Verify(arguments) => verify::run(context, ui, &arguments),
        Command::Generate(arguments) => generate::run(context, ui, arguments),
        Command::Key(arguments) => key::run(context, ui, arguments),
        Command::Man(arguments) => man::run(ui, &arguments),
        Command::Receive(arguments) => receive::run(context, ui, &arguments),
        Command::Recover(arguments) => recover::run(context, ui, &arguments),
    }
}
