//! `uvars generate`: passwords, their hashes, and the files that carry them.
//!
//! Everything that can be refused is refused before the first question, and everything is written at the end,
//! at once. The lock is taken for that end only, so that nobody waits for somebody who is thinking of a
//! password; what has changed meanwhile is found out then.

use super::answers;
use super::changes::Changes;
use super::context::Context;
use super::exit::Exit;
use super::prompt::Terminal;
use super::ui::{Look, Ui, shown};
use crate::error::{Error, Result};
use crate::fleet::{Fleet, Format, Wrapping};
use crate::fs::{self, Root};
use crate::vars::{self, Access, Action, Draft, File, Note, Request};

/// Make passwords and store their hashes: asks first, then writes everything or nothing
///
/// Without NAME every user who has no password yet gets one. What is there already stays as it is. The hash goes
/// into secrets/accounts/, for the hosts of the user; a password made of random words, or one with keep: true,
/// goes into secrets/handover/ too, for the user alone (uvars receive). No private key is needed.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars generate                          everything that is missing
  uvars generate jon --regenerate         another password for jon
  uvars generate jon@web1 --regenerate    the same on one host
  pass show jon | uvars generate jon --password-stdin
  uvars generate --answers <(sops decrypt passwords.sops.yaml)")]
pub(super) struct Arguments {
    /// Users, or USER@HOST where the password is for one host
    names: Vec<String>,
    /// Replace the passwords that are there (wants a NAME)
    #[arg(long)]
    regenerate: bool,
    /// Six random words, also where a person would be asked; handed over by way of secrets/handover/
    #[arg(long)]
    random: bool,
    #[command(flatten)]
    answers: answers::Given,
    /// Show what would be asked and written, and do neither
    #[arg(long)]
    dry_run: bool,
}

/// Makes what is wanted.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: Arguments) -> Result<Exit> {
    let request =
        Request { names: arguments.names, regenerate: arguments.regenerate, random: arguments.random };
    let root = context.fleet_root()?;
    let fleet = Fleet::load(&root)?;
    let draft = Draft::new(&root, &fleet, &request)?;
    draft.notes().iter().for_each(|note| tell(ui, note));
    show(ui, &draft.files())?;
    if draft.is_empty() {
        ui.line("nothing to generate")?;
        return Ok(Exit::Done);
    }
    let keys = context.key_services()?;
    let wrapping = Wrapping::new(&fleet, &keys);
    draft.check_readers(&wrapping)?;
    if arguments.dry_run {
        return dry(ui, &root, &draft);
    }
    let questions = draft.questions();
    let answers = arguments.answers.gather(context, &questions)?;
    let settled = answers.settle(fleet.inventory(), &questions)?;
    settled.warnings.iter().for_each(|warning| ui.warn(warning));
    ui.flush()?;
    let method = fleet.inventory().settings().password_hash;
    let passwords = vars::collect(&questions, settled, method, || Terminal::open().map_err(other_ways))?;
    let transaction = draft.fill(passwords, method, context.now(), &wrapping)?;
    let changes = Changes::begin(root, false)?;
    if !draft.is_still(&Draft::new(changes.root(), &Fleet::load(changes.root())?, &request)?) {
        return Err(Error::new("the fleet was changed while you were asked; nothing was written")
            .hint("run the same command again"));
    }
    let report = changes.finish_quietly(ui, transaction)?;
    let count = report.created.len() + report.replaced.len() + report.removed.len();
    ui.line(format_args!("{count} {} written", if count == 1 { "file" } else { "files" }))?;
    for path in report.created.iter().chain(&report.replaced) {
        if path.as_str().starts_with("secrets/handover/") {
            ui.hint(format_args!("{path} waits for its owner: uvars receive"));
        }
    }
    Ok(Exit::Done)
}

fn dry(ui: &mut Ui, root: &Root, draft: &Draft) -> Result<Exit> {
    for question in draft.questions().iter().filter(|question| question.origin == vars::Origin::Person) {
        ui.note(format_args!("would ask for the password of {question}"));
    }
    if fs::pending(root)? {
        ui.warn("an interrupted command waits to be put right: uvars recover");
    }
    ui.note("nothing was written: this was a dry run");
    Ok(Exit::Done)
}

/// The plan: each file, each reader gained or lost, and why.
fn show(ui: &mut Ui, files: &[File]) -> Result<()> {
    for file in files {
        let (word, look) = match file.action {
            Action::Create => ("create", Look::Good),
            Action::Replace => ("change", Look::Care),
            Action::Remove => ("remove", Look::Bad),
        };
        let word = ui.look(look, word);
        let line = ui.look(Look::Strong, &file.path);
        ui.ready(&format!("{word} {line}"))?;
        ui.line(format_args!("    {}", file.why))?;
        for reader in &file.readers {
            let (sign, look) = match reader.change {
                Access::Gained => ("+", Look::Good),
                Access::Kept => ("=", Look::Strong),
                Access::Lost => ("-", Look::Bad),
            };
            let sign = ui.look(look, sign);
            let rest = shown(&format!("{} ({})", reader.name, reader.why));
            ui.ready(&format!("  {sign} {rest}"))?;
        }
    }
    Ok(())
}

fn tell(ui: &mut Ui, note: &Note) {
    match note {
        Note::Present { path, named: true } => {
            ui.note(format_args!("{path} is there already; another password: --regenerate"));
        }
        Note::Present { named: false, .. } => {}
        Note::OtherForm { path, wanted } => {
            let wanted = match wanted {
                Format::Hash => "a hash",
                Format::Plaintext => "the plaintext",
            };
            ui.warn(format_args!(
                "{path} does not hold {wanted}, as uvars.yaml says now; make it anew: --regenerate"
            ));
        }
        Note::LeftOut { path, who } => ui.warn(format_args!("{path} leaves out {who}")),
        Note::Darwin { user, host } => {
            ui.note(format_args!("no file for {user} on {host}: crypt hashes mean nothing on Darwin"));
        }
        Note::Nothing { user, why } => ui.note(format_args!("nothing for {user}: {why}")),
        Note::Unused { path } => {
            ui.warn(format_args!(
                "{path} is used no longer, since share was changed; remove it when you like"
            ));
        }
    }
}

fn other_ways(error: Error) -> Error {
    error
        .hint("one password: --password-stdin, with the password on standard input")
        .hint("several: --answers FILE, with lines such as jon: PASSWORD")
        .hint("or in the environment: UVARS_PASSWORD_JON; or made by uvars: --random")
}
