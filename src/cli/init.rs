//! `uvars init`: a new fleet repository, or one around the `.sops.yaml` that is there.

use super::changes::{self, Changes, RULES};
use super::context::{Context, INVENTORY};
use super::exit::Exit;
use super::key::input;
use super::prompt::Terminal;
use super::ui::Ui;
use crate::error::{Error, Result};
use crate::fleet::{self, ENDING, SECRETS, Start};
use crate::fs::{Outlook, RepoPath, Root, Transaction};
use crate::keys::{Class, Principal, Recipient};
use crate::rules::SopsConfig;
use std::path::Path;

/// Make this folder a fleet: uvars.yaml, keys/ and .sops.yaml
///
/// Asks for what was not given: the first admin, whose key reads what hosts read, and a recovery key, which is kept
/// offline and opens the same when every admin's key is lost. A .sops.yaml that is here keeps its rules: they go into
/// uvars.yaml as they stand, below rules.after, and follow the generated ones.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars init --admin mira --key ~/.ssh/id_ed25519.pub --recovery safe.pub")]
pub(super) struct Arguments {
    /// The first admin's name
    #[arg(long, value_name = "NAME")]
    admin: Option<String>,
    /// The first admin's public key (age1…, ssh-ed25519 …), a file with it, or - for standard input
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A recovery key: the public half, or a file with it
    #[arg(long, value_name = "KEY")]
    recovery: Option<String>,
    /// Begin without a recovery key
    #[arg(long, conflicts_with = "recovery")]
    no_recovery: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// What the recovery key's file is called.
const RECOVERY: &str = "recovery";

/// Makes the fleet.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    refuse_fleet(context)?;
    let answers = Answers::of(context, arguments)?;
    for recipient in answers.keys.iter().chain(answers.recovery.iter().flatten()) {
        if let Some(warning) = recipient.warning() {
            ui.warn(warning);
        }
    }
    let changes = Changes::begin(Root::open(context.directory())?, arguments.dry_run)?;
    let config = RepoPath::new(RULES)?;
    let there = changes.root().read(&config)?;
    let files = fleet::init(&Start {
        admin: (&answers.admin, &answers.keys),
        recovery: answers.recovery.as_deref().map(|keys| (RECOVERY, keys)),
        adopt: there.as_deref(),
    })?;
    let mut transaction = Transaction::new();
    for (path, bytes) in files {
        let before = if path == config { there.as_deref() } else { None };
        if path != config && changes.root().read(&path)?.is_some() {
            return Err(Error::new("is there already").at(&path).hint("move it away, or take another name"));
        }
        transaction.expect(path.clone(), before);
        transaction.write(path, bytes);
    }
    // keys/ may hold more than what was asked for
    changes::follow(changes.root(), &mut transaction)?;
    let in_git = changes.root().git_dir().is_some();
    let left_out = left_out(changes.root(), there.as_deref(), &transaction)?;
    changes.finish(ui, transaction)?;
    tell_left_out(ui, &left_out);
    if !arguments.dry_run {
        next_steps(ui, &answers, in_git);
    }
    Ok(Exit::Done)
}

/// Encrypted files that were here before, whose readers are others by the new rules or none, and which of the two.
fn left_out(root: &Root, before: Option<&[u8]>, change: &Transaction) -> Result<Vec<(RepoPath, bool)>> {
    let config = |bytes: &[u8]| SopsConfig::parse(Path::new(RULES), bytes);
    let before = before.map(config).transpose()?;
    let after = config(&Outlook::new(root, change).read(&RepoPath::new(RULES)?)?.unwrap_or_default())?;
    let mut found = Vec::new();
    for path in root.list(&RepoPath::new(SECRETS)?)? {
        let encrypted = |bytes: &[u8]| memchr::memmem::find(bytes, b"ENC[AES256_GCM,").is_some();
        if !root.read(&path)?.is_some_and(|bytes| encrypted(&bytes)) {
            continue;
        }
        let new = after.match_path(path.as_str())?;
        let old = before.as_ref().map(|config| config.match_path(path.as_str())).transpose()?.flatten();
        let is_none = new.is_some_and(|rule| rule.recipients().is_some_and(|readers| readers.is_empty()));
        if is_none || old.map(|rule| &rule.groups) != new.map(|rule| &rule.groups) {
            found.push((path, is_none));
        }
    }
    Ok(found)
}

fn tell_left_out(ui: &mut Ui, files: &[(RepoPath, bool)]) {
    for (path, is_none) in files {
        ui.warn(if *is_none {
            format!("{path}: by the new rules it has no reader, and sops updatekeys refuses it")
        } else {
            format!("{path}: by the new rules it has other readers than by those before")
        });
    }
    if files.is_empty() {
        return;
    }
    ui.hint(format!(
        "one that the fleet is to keep: name it in {INVENTORY} (uvars host add, uvars user add, shared:), \
         git mv it to secrets/CLASS/NAME{ENDING}, then: uvars bind CLASS/NAME"
    ));
    ui.hint("any other: git mv it out of that folder of secrets/, to where its rule of before is for it");
}

fn refuse_fleet(context: &Context) -> Result<()> {
    let Some(root) = context.find_fleet_root()? else { return Ok(()) };
    Err(Error::new("is a fleet already").at(root.dir()).hint(format!(
        "its hosts and people are in {INVENTORY}; another admin: uvars key add admins/NAME KEY"
    )))
}

fn next_steps(ui: &mut Ui, answers: &Answers, in_git: bool) {
    if answers.recovery.is_none() {
        ui.warn("no recovery key: when every admin's key is lost, so is every secret");
        ui.hint("uvars key generate recovery/safe --out /media/stick/recovery.txt");
    }
    if !in_git {
        ui.hint("keep it in git: git init");
    }
    ui.hint("a host: uvars host add NAME platform=nixos");
    ui.hint("a person: uvars user add NAME hosts=HOST");
}

/// What must be known.
struct Answers {
    admin: String,
    keys: Vec<Recipient>,
    recovery: Option<Vec<Recipient>>,
}

impl Answers {
    fn of(context: &Context, arguments: &Arguments) -> Result<Self> {
        let mut asked = Asked { context, terminal: None };
        let admin = match &arguments.admin {
            Some(name) => name.clone(),
            None => asked.admin()?,
        };
        let keys = match &arguments.key {
            Some(key) => recipients(context, key)?,
            None => asked.key(&admin)?,
        };
        let recovery = match &arguments.recovery {
            Some(key) => Some(recipients(context, key)?),
            None if arguments.no_recovery => None,
            None => asked.recovery()?,
        };
        if let Some(shared) = recovery.iter().flatten().find(|key| keys.contains(key)) {
            return Err(Error::usage(format!("{shared} is the admin's key too: that is no recovery key"))
                .hint("make one: uvars key generate --out ~/recovery.txt, and keep that file offline"));
        }
        Principal::new(Class::Admins, &admin)?;
        Ok(Self { admin, keys, recovery })
    }
}

fn recipients(context: &Context, typed: &str) -> Result<Vec<Recipient>> {
    Ok(input::recipients(context, typed)?.into_iter().map(|(recipient, _)| recipient).collect())
}

/// Questions on the terminal, which is opened by the first.
struct Asked<'c> {
    context: &'c Context,
    terminal: Option<Terminal>,
}

impl Asked<'_> {
    fn admin(&mut self) -> Result<String> {
        let login = ["LOGNAME", "USER"].into_iter().find_map(|name| self.context.variable(name));
        let login = login.map(|name| name.to_string_lossy().to_lowercase()).filter(|name| name != "root");
        let choice = login.as_ref().map(|name| format!(" [{name}]")).unwrap_or_default();
        let typed = self.line(&format!("name of the first admin{choice}: "))?;
        match (typed.is_empty(), login) {
            (false, _) => Ok(typed),
            (true, Some(login)) => Ok(login),
            (true, None) => Err(Error::usage("no name was given")),
        }
    }

    fn key(&mut self, admin: &str) -> Result<Vec<Recipient>> {
        let own = self.context.keyring()?.recipients().into_iter().next();
        let choice = own.as_ref().map(|key| format!(" [{key}]")).unwrap_or_default();
        let typed = self.line(&format!("public key of {admin}, or a file with it{choice}: "))?;
        match (typed.is_empty(), own) {
            (false, _) => recipients(self.context, &self.expanded(&typed)),
            (true, Some(own)) => Ok(vec![own]),
            (true, None) => Err(Error::usage("no key was given")
                .hint("make one: uvars key generate --out ~/.config/sops/age/keys.txt")),
        }
    }

    fn recovery(&mut self) -> Result<Option<Vec<Recipient>>> {
        let typed = self.line("public recovery key, or a file with it [none]: ")?;
        if typed.is_empty() {
            return Ok(None);
        }
        recipients(self.context, &self.expanded(&typed)).map(Some)
    }

    /// No shell has seen what is typed here.
    fn expanded(&self, typed: &str) -> String {
        match (typed.strip_prefix("~/"), self.context.variable("HOME")) {
            (Some(rest), Some(home)) => std::path::Path::new(&home).join(rest).to_string_lossy().into_owned(),
            _ => typed.to_owned(),
        }
    }

    fn line(&mut self, question: &str) -> Result<String> {
        let terminal = match &mut self.terminal {
            Some(terminal) => terminal,
            none => none.insert(Terminal::open().map_err(|error| {
                error.hint(
                    "say it all at once: uvars init --admin NAME --key KEY --recovery KEY (or --no-recovery)",
                )
            })?),
        };
        let line =
            terminal.visible(question).ok_or_else(|| Error::new("the input ended before an answer"))?;
        Ok(line.trim().to_owned())
    }
}
