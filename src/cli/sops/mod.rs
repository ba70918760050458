//! `uvars sops …`: the command line of sops itself, and what the program is when it is called `sops`.
//!
//! Here are sops' flags, texts and exit codes, and nothing else: what is done is done by the library and by the verbs of
//! uvars. Where sops loses data or access, we refuse or do it right; docs/sops-cli.md has a table of all that differs.
//! A subcommand is one file with one [`Command`], and one line in [`COMMANDS`].

mod answer;
mod call;
mod code;
mod completion;
mod config;
mod decrypt;
mod edit;
mod encrypt;
mod exec_env;
mod exec_file;
mod fault;
mod files;
mod filestatus;
mod flags;
mod fleet_file;
mod groups;
mod help;
mod key_lists;
#[cfg(feature = "keyservice")]
mod keyservice;
mod legacy;
mod log;
mod new_file;
mod open;
#[cfg(feature = "publish")]
mod publish;
mod rotate;
mod run_as;
mod set;
mod tables;
mod tree_path;
mod unlock;
mod unset;
mod updatekeys;

use super::arguments::Global;
use super::context::Context;
use crate::keys;
use call::Call;
use code::Code;
use fault::{Fault, Outcome};
use flags::{Flag, Parsed};
use log::Level;
use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::Path;

pub(super) use help::describe;

/// The command line of sops itself; also when the program is called sops
#[derive(clap::Args, Debug)]
#[command(disable_help_flag = true)]
pub(super) struct Arguments {
    /// As sops takes them: see uvars sops --help
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_hint = clap::ValueHint::AnyPath)]
    words: Vec<OsString>,
}

/// A subcommand.
struct Command {
    name: &'static str,
    /// Its words, as help shows them.
    words: &'static str,
    /// What it is for, in a line.
    about: &'static str,
    /// What else is to be said, in paragraphs; empty where that is all.
    more: &'static str,
    flags: &'static [&'static [Flag]],
    /// Its own subcommands, where it does nothing by itself.
    below: &'static [&'static Command],
    run: fn(&Call<'_>) -> Outcome<()>,
}

/// All subcommands, in the order of sops.
const COMMANDS: &[&Command] = &[
    &completion::COMMAND,
    &exec_env::COMMAND,
    &exec_file::COMMAND,
    #[cfg(feature = "publish")]
    &publish::COMMAND,
    #[cfg(feature = "keyservice")]
    &keyservice::COMMAND,
    &filestatus::COMMAND,
    &groups::COMMAND,
    &updatekeys::COMMAND,
    &decrypt::COMMAND,
    &encrypt::COMMAND,
    &rotate::COMMAND,
    &edit::COMMAND,
    &set::COMMAND,
    &unset::COMMAND,
];

/// Commands that a program without some of its features does not have. Their names are not those of files to edit.
const OF_FEATURES: [&str; 2] = ["keyservice", "publish"];

/// Asks for the words that may follow: shells do.
const COMPLETE: &str = "--generate-bash-completion";

impl Command {
    /// Every flag, help too.
    fn table(&self) -> Vec<Flag> {
        self.flags.iter().copied().flatten().copied().chain([tables::HELP]).collect()
    }
}

/// The words of a line that is one of sops: of a program by that name, or behind `uvars sops`. The parser of uvars does
/// not see them: a value may be among them.
pub(super) fn line(arguments: &[OsString]) -> Option<&[OsString]> {
    match arguments {
        [called, words @ ..] if Path::new(called).file_name().is_some_and(|name| name == "sops") => {
            Some(words)
        }
        [_, verb, words @ ..] if verb == "sops" => Some(words),
        _ => None,
    }
}

/// Runs `uvars … sops` with what stands behind it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> u8 {
    let words = arguments.words.iter().map(|word| {
        let why = || Fault::failed(format!("an argument is not UTF-8: {}", word.to_string_lossy()));
        word.to_str().map(str::to_owned).ok_or_else(why)
    });
    let words: Outcome<Vec<String>> = words.collect();
    finish(words.and_then(|words| dispatch(&context.of_sops(), &words)))
}

/// Runs a line of sops, without its program's name.
pub(super) fn run_line(words: &[OsString]) -> u8 {
    match Context::new(Global::default()) {
        Ok(context) => run(&context, &Arguments { words: words.to_vec() }),
        Err(error) => finish(Err(error.into())),
    }
}

/// Tells what failed, and gives the exit code.
fn finish(outcome: Outcome<()>) -> u8 {
    let Err(fault) = outcome else { return 0 };
    let text = fault.to_string();
    if fault.is_logged() {
        log::line(Level::Fatal, &text, &[]);
    } else if !text.is_empty() {
        log::say(&text);
    }
    fault.code().number()
}

fn variables(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn dispatch(context: &Context, words: &[String]) -> Outcome<()> {
    if let Some((_, typed)) = words.split_last().filter(|(last, _)| *last == COMPLETE) {
        return completion::suggest(typed);
    }
    let table = legacy::table();
    let root =
        flags::parse(&table, words, variables).map_err(|wrong| misused(wrong, "Incorrect Usage.", &[]))?;
    if root.is_on("help") {
        return files::print(help::of(&[]).as_bytes());
    }
    if root.is_on("version") {
        return files::print(format!("sops {}\n", crate::sops::SOPS_VERSION).as_bytes());
    }
    let (name, rest) = root.words.split_first().map_or(("", [].as_slice()), |(name, rest)| (name, rest));
    if matches!(name, "help" | "h") {
        return asked_for_help(rest);
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => below(context, &root, command, rest),
        None if OF_FEATURES.contains(&name) => Err(Fault::failed(format!(
            "this program was built without {name}: build it with the cargo feature {name}"
        ))),
        None => call(legacy::run, &Call { context, root: &root, own: &root, config: OnceCell::new() }),
    }
}

/// `sops help`, and `sops help COMMAND`.
fn asked_for_help(words: &[String]) -> Outcome<()> {
    let Some(name) = words.first() else { return files::print(help::of(&[]).as_bytes()) };
    if COMMANDS.iter().any(|command| command.name == name) {
        return files::print(help::of(&[name]).as_bytes());
    }
    Err(no_help(name))
}

fn no_help(name: &str) -> Fault {
    Fault::new(Code::Write, format!("No help topic for '{name}'"))
}

/// Runs a subcommand, or one of its own.
fn below(context: &Context, root: &Parsed, command: &Command, words: &[String]) -> Outcome<()> {
    if command.below.is_empty() {
        return one(context, root, &[command.name], command, words);
    }
    // a group of commands has no flags, and does not sort words
    let parsed = flags::parse(&[tables::HELP], words, variables)
        .map_err(|wrong| misused(wrong, "Incorrect Usage.", &[command.name]))?;
    let (name, rest) = parsed.words.split_first().map_or(("", [].as_slice()), |(name, rest)| (name, rest));
    if name.is_empty() || parsed.is_on("help") || matches!(name, "help" | "h") {
        return files::print(help::of(&[command.name]).as_bytes());
    }
    match command.below.iter().find(|below| below.name == name) {
        Some(found) => one(context, root, &[command.name, found.name], found, rest),
        None => Err(no_help(name)),
    }
}

fn one(context: &Context, root: &Parsed, names: &[&str], command: &Command, words: &[String]) -> Outcome<()> {
    let own = flags::parse_anywhere(&command.table(), words, variables)
        .map_err(|wrong| misused(wrong, "Incorrect Usage:", names))?;
    if own.is_on("help") {
        return files::print(help::of(names).as_bytes());
    }
    call(command.run, &Call { context, root, own: &own, config: OnceCell::new() })
}

/// Runs a command. Where a file was read as of a type that its name does not have, and cannot be written as what its
/// name has, the flag that is missing is named.
fn call(run: fn(&Call<'_>) -> Outcome<()>, call: &Call<'_>) -> Outcome<()> {
    let (input, output) = (call.text("input-type"), call.text("output-type"));
    run(call).map_err(|fault| match fault.code() {
        Code::Dump if !input.is_empty() && output.is_empty() => {
            fault.hinted(&format!("--input-type is for reading alone: add --output-type {input}"))
        }
        _ => fault,
    })
}

/// A line that cannot be meant: standard output has it with the help, as sops has it, and the log too.
fn misused(wrong: String, words: &str, names: &[&str]) -> Fault {
    let shown = if wrong.starts_with("could not parse") {
        Ok(())
    } else {
        files::print(format!("{words} {}\n\n{}", keys::without_private(&wrong), help::of(names)).as_bytes())
    };
    shown.err().unwrap_or_else(|| Fault::logged(wrong))
}
