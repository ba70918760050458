//! What can be typed: the one definition behind parsing, help, man pages and completions.
//!
//! The flags of a verb stand in the verb's own file.

use super::{
    activate, bind, completions, decrypt, edit, encrypt, exec, export, generate, get, host, init, key, man,
    receive, recover, rotate, rules, schema, set, sops, sync, unset, user, verify,
};
use crate::error::Error;
use crate::keys;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Secrets, keys and accounts of a fleet
///
/// A registry of age keys (keys/) and an inventory (uvars.yaml) say who may read what. From them come the
/// creation rules (.sops.yaml), the passwords and other values, one sops file a reader group (secrets/), and
/// on each host exactly what belongs there.
#[derive(Debug, Parser)]
#[command(name = "uvars", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_long_help = "Exit codes:
  0  done
  1  failed, or some of it failed and the rest was done
  2  the command line cannot be meant so
  3  out of date: something is not what it should be (rules --check, rules --explain)
  4  no key at hand opens it, or some of it")]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every verb knows.
#[derive(Args, Debug, Default)]
pub(super) struct Global {
    /// Work in this folder instead of the current one
    #[arg(short = 'C', long, value_name = "DIR", global = true, help_heading = "Global options")]
    pub(super) directory: Option<PathBuf>,
    /// A file with a private key to try first (age identities, or an ssh key); may be given several times
    #[arg(long, value_name = "FILE", global = true, help_heading = "Global options")]
    pub(super) identity: Vec<PathBuf>,
    /// When to use colour; auto is on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", help_heading = "Global options")]
    pub(super) color: When,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(super) enum When {
    #[default]
    Auto,
    Always,
    Never,
}

impl When {
    /// What was typed, where the line as a whole was a call for help or could not be understood.
    pub(super) fn typed(arguments: &[OsString]) -> Self {
        let words = || arguments.iter().map(|word| word.to_string_lossy());
        let behind =
            words().skip(1).zip(words()).filter(|(_, name)| name == "--color").map(|(value, _)| value);
        let joined =
            words().filter_map(|word| word.strip_prefix("--color=").map(|value| value.to_owned().into()));
        let typed = behind.chain(joined).last();
        typed.and_then(|value| Self::from_str(&value, false).ok()).unwrap_or(Self::Auto)
    }
}

/// The verbs, and each one alone as clap sees it.
macro_rules! verbs {
    ($($variant:ident $module:ident,)*) => {
        /// The verbs.
        #[derive(Debug, Subcommand)]
        pub(super) enum Command {
            $($variant($module::Arguments),)*
        }

        fn verb(name: &str) -> Option<clap::Command> {
            match name {
                $(stringify!($module) => {
                    Some($module::Arguments::augment_args(clap::Command::new(stringify!($module))))
                })*
                _ => None,
            }
        }
    };
}

verbs! {
    Init init,
    Generate generate,
    Receive receive,
    Rules rules,
    Sync sync,
    Rotate rotate,
    Bind bind,
    User user,
    Host host,
    Key key,
    Get get,
    Set set,
    Unset unset,
    Edit edit,
    Decrypt decrypt,
    Encrypt encrypt,
    Exec exec,
    Verify verify,
    Export export,
    Activate activate,
    Recover recover,
    Sops sops,
    Schema schema,
    Completions completions,
    Man man,
}

/// The error for an argument that may be a line of a private key, which no verb wants: split at a `/` it would be known
/// for one no more. What `exec` hands on is its program's affair.
pub(super) fn private_line(arguments: &[OsString]) -> Option<Error> {
    let words = || arguments.iter().skip(1).filter_map(|word| word.to_str());
    let own = words().take_while(|word| *word != "--");
    let is_exec = own.clone().any(|word| word == "exec");
    let wanted = if is_exec { own.collect::<Vec<_>>() } else { words().collect() };
    wanted.into_iter().find(|word| keys::is_private_line(word) && !is_place(Path::new(word)))?;
    Some(
        Error::usage("one of the arguments may be a line of a private key, and none is wanted there")
            .hint("a public key is a line that begins with age1 or ssh-")
            .hint("if it is the name of a file that is to be made, put ./ before it"),
    )
}

/// Whether a path is that of something, or of something new in a folder that is there.
fn is_place(path: &Path) -> bool {
    // the folder that everything is in tells nothing
    let folder = path.parent().filter(|folder| folder.parent().is_some());
    path.exists() || folder.is_some_and(Path::is_dir)
}

/// The error for a public key whose line was given without quotes, so that it is several arguments.
pub(super) fn key_in_pieces(arguments: &[OsString]) -> Option<Error> {
    let words = || arguments.iter().skip(1).map_while(|word| word.to_str());
    // what exec hands on is its program's affair
    let own = || words().take_while(|word| *word != "exec");
    let (kind, _) = own().zip(own().skip(1)).find(|(word, next)| keys::is_ssh_key(word, next))?;
    let has = |names: &[&str]| own().any(|word| names.contains(&word));
    let takes_keys = has(&["key"]) && has(&["add", "rotate"]) || has(&["init"]);
    let takes_fields = has(&["user"]) && has(&["add", "set"]);
    if !takes_keys && !takes_fields {
        // no key is wanted there, and the verb says what is
        return None;
    }
    let error = Error::usage("a public key is one argument here: its line wants quotes");
    Some(match kind.split_once('=') {
        Some((field, _)) => error.hint(format!("write '{field}=TYPE KEY COMMENT', the quotes with it")),
        None if takes_keys => {
            error.hint("write 'TYPE KEY COMMENT', the quotes with it; or give a file with that line, or - for standard input")
        }
        None => error.hint("write 'authorized_keys+=TYPE KEY COMMENT', the quotes with it"),
    })
}

/// The whole definition, for pages and scripts: with the commands of sops, which our parser does not look into.
pub(super) fn whole() -> clap::Command {
    Cli::command().mut_subcommand("sops", |_| sops::describe())
}

impl Cli {
    /// Parses a command line. Where it begins with a verb, only that verb is built: all of them take clap longer
    /// than a small file takes to decrypt. What that does not parse, help and mistakes, is left to the whole.
    pub(super) fn parse_line(line: &[OsString]) -> clap::error::Result<Self> {
        let named = line.get(1).and_then(|word| word.to_str()).and_then(verb);
        let only = named.map(|verb| Global::augment_args(clap::Command::new("uvars")).subcommand(verb));
        let parsed = only.and_then(|only| only.try_get_matches_from(line).ok());
        if let Some(cli) = parsed.and_then(|matches| Self::from_arg_matches(&matches).ok()) {
            return Ok(cli);
        }
        Self::try_parse_from(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_alone_is_what_it_is_among_all() {
        let all = Cli::command();
        for among in all.get_subcommands() {
            let alone = verb(among.get_name()).expect("a verb that is built alone");
            let shown =
                |command: &clap::Command| format!("{:?}", command.get_arguments().collect::<Vec<_>>());
            assert_eq!(shown(&alone), shown(among));
            assert_eq!(alone.get_subcommands().count(), among.get_subcommands().count());
        }
    }

    #[test]
    fn a_line_is_read_the_same_either_way() {
        for line in [
            &["uvars", "decrypt", "a.yaml", "--out", "b"][..],
            &["uvars", "get", "a.yaml", "k", "-C", "dir", "--color=never"],
            &["uvars", "-C", "dir", "key", "list"],
            &["uvars", "key", "list", "--identity", "x"],
            &["uvars", "decrypt"],
            &["uvars", "decrypt", "--help"],
            &["uvars", "decrypt", "--nope", "x"],
            &["uvars", "decyrpt", "x"],
            &["uvars", "--version"],
            &["uvars"],
        ] {
            let shown = |cli: clap::error::Result<Cli>| {
                cli.map(|cli| format!("{:?} {:?}", cli.global, cli.command))
                    .map_err(|error| error.to_string())
            };
            let words: Vec<OsString> = line.iter().map(OsString::from).collect();
            assert_eq!(shown(Cli::parse_line(&words)), shown(Cli::try_parse_from(&words)), "{line:?}");
        }
    }

    #[test]
    fn colour_is_understood_where_the_rest_is_not() {
        let typed = |words: &[&str]| When::typed(&words.iter().map(Into::into).collect::<Vec<_>>());
        assert_eq!(typed(&["uvars", "--help"]), When::Auto);
        assert_eq!(typed(&["uvars", "--color", "never", "--help"]), When::Never);
        assert_eq!(typed(&["uvars", "get", "--color=always", "--nonsense"]), When::Always);
        assert_eq!(typed(&["uvars", "--color=pink"]), When::Auto);
        assert_eq!(typed(&["uvars", "--color"]), When::Auto);
    }
}
