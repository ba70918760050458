//! What can be typed: the one definition behind parsing, help, man pages and completions.
//!
//! The flags of a verb stand in the verb's own file.

use super::{
    activate, bind, completions, decrypt, edit, encrypt, exec, export, generate, get, host, init, key, man,
    receive, recover, rotate, rules, schema, set, sync, unset, user, verify,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

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
#[derive(Args, Debug)]
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
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum When {
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

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Init(init::Arguments),
    Generate(generate::Arguments),
    Receive(receive::Arguments),
    Rules(rules::Arguments),
    Sync(sync::Arguments),
    Rotate(rotate::Arguments),
    Bind(bind::Arguments),
    User(user::Arguments),
    Host(host::Arguments),
    Key(key::Arguments),
    Get(get::Arguments),
    Set(set::Arguments),
    Unset(unset::Arguments),
    Edit(edit::Arguments),
    Decrypt(decrypt::Arguments),
    Encrypt(encrypt::Arguments),
    Exec(exec::Arguments),
    Verify(verify::Arguments),
    Export(export::Arguments),
    Activate(activate::Arguments),
    Recover(recover::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}
