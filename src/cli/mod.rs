//! The command line: clap types, one file a verb, and the only room with a voice.
//!
//! Everything that the library may not know by itself is read here and handed in: arguments, environment,
//! clock, terminal. A verb parses what was typed into the library's types, has a plan made, shows it, and
//! has it written; it decides nothing about files or keys.

#![allow(
    clippy::doc_link_with_quotes,
    clippy::doc_markdown,
    clippy::struct_excessive_bools,
    reason = "these structs are command lines, and their doc comments are help texts"
)]

mod account;
mod activate;
mod answers;
mod arguments;
mod bind;
mod changes;
mod child;
mod completions;
mod context;
mod creation;
mod custody;
mod decrypt;
mod document;
mod edit;
mod encrypt;
mod exec;
mod exit;
mod explain;
mod export;
mod format;
mod generate;
mod get;
mod host;
mod init;
mod inventory;
mod json;
mod key;
mod layout;
mod line;
mod man;
mod missing;
mod prompt;
mod receive;
mod recover;
mod rotate;
mod rules;
mod schema;
mod scratch;
mod set;
mod signals;
mod sops;
mod store;
mod sync;
mod table;
mod tracked;
mod ui;
mod unset;
mod user;
mod value;
mod verify;

use arguments::{Cli, Command, When};
use context::Context;
use exit::Exit;
use std::ffi::OsString;
use ui::Ui;

/// Runs a command line, program name first, and returns the exit code.
///
/// 0 done, 1 failed, 2 usage, 3 out of date, 4 no key for this; `exec` returns its child's.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(words) = sops::line(&arguments) {
        return sops::run_line(words);
    }
    if let Some(code) = activate::help(&arguments) {
        return code;
    }
    if let Some(error) = arguments::private_line(&arguments) {
        return Ui::new(When::typed(&arguments)).fail(&error);
    }
    if let Some(error) = arguments::key_in_pieces(&arguments) {
        return Ui::new(When::typed(&arguments)).fail(&error);
    }
    let cli = match Cli::parse_line(&arguments) {
        Ok(cli) => cli,
        Err(error) => return ui::usage(&error, When::typed(&arguments)),
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
        Command::Init(arguments) => init::run(context, ui, &arguments),
        Command::Generate(arguments) => generate::run(context, ui, arguments),
        Command::Receive(arguments) => receive::run(context, ui, &arguments),
        Command::Rules(arguments) => rules::run(context, ui, &arguments),
        Command::Sync(arguments) => sync::run(context, ui, &arguments),
        Command::Rotate(arguments) => rotate::run(context, ui, &arguments),
        Command::Bind(arguments) => bind::run(context, ui, &arguments),
        Command::User(arguments) => user::run(context, ui, &arguments),
        Command::Host(arguments) => host::run(context, ui, &arguments),
        Command::Key(arguments) => key::run(context, ui, arguments),
        Command::Get(arguments) => get::run(context, ui, &arguments),
        Command::Set(arguments) => set::run(context, ui, &arguments),
        Command::Unset(arguments) => unset::run(context, ui, &arguments),
        Command::Edit(arguments) => edit::run(context, ui, &arguments),
        Command::Decrypt(arguments) => decrypt::run(context, ui, &arguments),
        Command::Encrypt(arguments) => encrypt::run(context, ui, &arguments),
        Command::Exec(arguments) => exec::run(context, &arguments),
        Command::Verify(arguments) => verify::run(context, ui, &arguments),
        Command::Export(arguments) => export::run(context, ui, &arguments),
        Command::Activate(arguments) => activate::run(context, ui, &arguments),
        Command::Recover(arguments) => recover::run(context, ui, &arguments),
        Command::Schema(arguments) => schema::run(ui, &arguments),
        Command::Sops(arguments) => Ok(Exit::Child(sops::run(context, &arguments))),
        Command::Completions(arguments) => completions::run(ui, &arguments),
        Command::Man(arguments) => man::run(ui, &arguments),
    }
}
