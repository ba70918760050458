//! Help texts and manual pages, out of the tables that the parser reads.

use super::flags::{Flag, Kind};
use super::{COMMANDS, Command, legacy};
use clap::builder::StyledStr;
use clap::{Arg, ArgAction};

/// What the program is, in a few lines.
const ABOUT: &str = "The command line of sops: encrypt and decrypt files, one value at a time";

const MORE: &str = "\
Without a subcommand this is the old form of sops: with none of -d, -e, -r and --set the file is opened in an editor. \
There, flags stand in front of the file, and what stands behind it is not looked at.

As the verbs of uvars, this is for files of any kind. In a fleet (uvars.yaml) those verbs know who reads what; here \
.sops.yaml and the flags say it. docs/sops-cli.md names all that is done otherwise than by sops, and why.";

/// The command line as clap describes it: nothing is parsed by this.
pub(in crate::cli) fn describe() -> clap::Command {
    let commands = COMMANDS.iter().map(|command| described(command));
    let root = clap::Command::new("sops").about(ABOUT).after_long_help(MORE).disable_help_subcommand(true);
    let root = root.args(legacy::table().iter().map(argument)).args(words("[FILE]", ""));
    root.disable_help_flag(true).subcommands(commands).max_term_width(100)
}

fn described(command: &Command) -> clap::Command {
    let made = clap::Command::new(command.name).about(command.about).disable_help_flag(true);
    let made = if command.more.is_empty() { made } else { made.after_long_help(command.more) };
    let made = made.args(command.table().iter().map(argument));
    let made = made.args(words(command.words, command.name));
    let below = command.below.iter().map(|below| described(below));
    made.subcommands(below).disable_help_subcommand(true).max_term_width(100)
}

/// What is no flag.
fn words(shown: &'static str, command: &'static str) -> impl Iterator<Item = Arg> {
    shown.split(' ').filter(|word| !word.is_empty()).map(move |word| {
        let name = word.trim_matches(['[', ']']);
        let arg = Arg::new(name.trim_end_matches('…'))
            .required(!word.starts_with('['))
            .help(meaning(name, command));
        if name.ends_with('…') { arg.action(ArgAction::Append).num_args(1..) } else { arg }
    })
}

fn meaning(word: &str, command: &str) -> &'static str {
    match word {
        "PATH" if command == "publish" => "The file, or with --recursive a folder of files",
        "FILE" => "The file",
        "FILE…" => "The files",
        "PATH" => "The place of a value: '[\"key\"][0]'",
        "VALUE" => "The value, as JSON",
        "COMMAND" => "What the shell is to run, in one word",
        _ => "Which group; they count from 0",
    }
}

fn argument(flag: &Flag) -> Arg {
    let arg =
        flag.names.iter().fold(Arg::new(flag.name()), |arg, name| match (name.len(), name.chars().next()) {
            (1, Some(letter)) => arg.short(letter),
            _ if arg.get_long().is_some() => arg.visible_alias(*name),
            _ => arg.long(*name),
        });
    let mut notes = Vec::new();
    if let Kind::TextOr(usual) = flag.kind {
        notes.push(format!(" [default: {usual}]"));
    }
    if flag.kind == Kind::Switch(true) {
        notes.push(" [default: true; =false turns it off]".to_owned());
    }
    if !flag.variable.is_empty() {
        notes.push(format!(" [env: {}]", flag.variable));
    }
    let arg = arg.help(StyledStr::from(format!("{}{}", flag.help, notes.concat())));
    match flag.kind {
        Kind::Switch(_) => arg.action(ArgAction::SetTrue),
        Kind::Number => arg.value_name("NUMBER").action(ArgAction::Set),
        Kind::Texts => arg.value_name("TEXT").action(ArgAction::Append),
        Kind::Text | Kind::TextOr(_) => arg.value_name("TEXT").action(ArgAction::Set),
    }
}

/// The help of a command, by its names from the program on.
pub(super) fn of(names: &[&str]) -> String {
    let mut root = describe();
    root.build();
    let found = names.iter().try_fold(&root, |at, name| at.find_subcommand(name));
    let mut found = found.unwrap_or(&root).clone();
    format!("{}\n", found.render_long_help().to_string().trim_end())
}
