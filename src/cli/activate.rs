//! `uvars activate`: on a host as its root, or by a person for themselves.

use super::arguments::When;
use super::context::Context;
use super::exit::Exit;
use super::ui::{Look, Ui};
use crate::activate::{
    Changes, Failure, Host, Outcome, Person, PersonPlaces, Phase, Places, Report, Status, TreeReport,
    activate_host, activate_person, link_home,
};
use crate::error::{Error, Result};
use crate::keys::{IdentitySources, Keyring};
use clap::ValueEnum;
use rustix::process::{getegid, geteuid};
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Decrypt and install what a manifest gives this host, or you
///
/// On a host, as root: password hashes land below /run/uvars-users before accounts are made, all other values
/// below /run/uvars with the owner and mode that the manifest says. What cannot be opened keeps its last good
/// state (a password hash: at least the one that /etc/shadow has), the rest is installed, and the exit code is
/// 1; that is so too where there is no manifest. With --user: your own values, each a file below ~/.local/state/uvars/current.
#[derive(clap::Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(super) struct Arguments {
    /// The manifest, or the folder it is in; default: /etc/uvars, with --user ~/.config/uvars
    #[arg(value_name = "MANIFEST")]
    manifest: Option<PathBuf>,
    /// Activate your own values, without root
    #[arg(long)]
    user: bool,
    /// What to activate
    #[arg(long, value_name = "PHASE", default_value = "all", conflicts_with = "user")]
    phase: Which,
    /// A private key of this host; may be given several times. Default: /etc/ssh/ssh_host_ed25519_key
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    host_key: Vec<PathBuf>,
    /// Say what would change; write, mount and lock nothing
    #[arg(long, conflicts_with = "status")]
    dry_run: bool,
    /// Say what is active, which files were opened, when each password was changed, and what failed last time
    #[arg(long)]
    status: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What to activate.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Which {
    /// What is needed before accounts are made: password hashes above all
    Users,
    /// What services and people read
    Services,
    /// One after the other
    All,
}

impl Which {
    fn phases(self) -> &'static [Phase] {
        match self {
            Self::Users => &[Phase::Users],
            Self::Services => &[Phase::Services],
            Self::All => &[Phase::Users, Phase::Services],
        }
    }
}

/// How long one run waits for another.
const WAIT: Duration = Duration::from_mins(1);

/// Where `getent` may be, on NixOS and elsewhere.
const GETENT: [&str; 3] = ["/run/current-system/sw/bin/getent", "/usr/bin/getent", "/bin/getent"];

/// With this in front this program is the helper of its own activation, which makes the link in a home; it is no
/// command of anybody's, and nothing tells of it.
const HOME_HELPER: &str = ".link-home";

/// Does what the helper does, where the arguments ask for that; the exit code.
pub(super) fn help(arguments: &[OsString]) -> Option<u8> {
    let [_, word, uid, gid, home, target] = arguments else { return None };
    let number = |text: &OsStr| text.to_str()?.parse().ok();
    let (uid, gid) = (number(uid)?, number(gid)?);
    if word != HOME_HELPER {
        return None;
    }
    let made = link_home(uid, gid, Path::new(home), Path::new(target));
    // Standard output is the pipe to whoever started this, so that a reason is told by them.
    let mut ui = Ui::new(When::Never);
    let told = made.map_err(|error| ui.line(error).and_then(|()| ui.flush()));
    Some(if told.is_ok() { Exit::Done } else { Exit::Partly }.code())
}

/// Activates, or tells what is active.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    if arguments.user { person(context, ui, arguments) } else { host(context, ui, arguments) }
}

fn host(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    if !geteuid().is_root() {
        return Err(
            Error::new("a host is activated by its root").hint("for your own values: uvars activate --user")
        );
    }
    let places = Places {
        run: "/run".into(),
        etc: "/etc".into(),
        getent: GETENT.iter().map(PathBuf::from).find(|path| path.exists()),
        home_helper: vec!["/proc/self/exe".into(), HOME_HELPER.into()],
        root: 0,
    };
    let phases = arguments.phase.phases();
    if arguments.status {
        return tell_status(ui, arguments, &places.status(phases)?);
    }
    let manifest = manifest(context, arguments, Path::new("/etc/uvars"));
    let report = activate_host(&Host {
        manifest: &manifest,
        keyring: &host_keys(context, arguments),
        phases,
        dry_run: arguments.dry_run,
        wait: WAIT,
        places: &places,
    });
    tell(ui, arguments, &report)
}

/// The keys of the host alone: what root's environment names is not looked at.
fn host_keys(context: &Context, arguments: &Arguments) -> Keyring {
    let named: Vec<_> = arguments.host_key.iter().map(|path| context.path(path)).collect();
    let usual = named.is_empty().then(|| PathBuf::from("/etc/ssh/ssh_host_ed25519_key"));
    let files = context.identities().iter().cloned().chain(named).chain(usual).collect();
    Keyring::new(IdentitySources { files, ..IdentitySources::default() })
}

fn person(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let home = context.variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let home = home.ok_or_else(|| Error::new("HOME is not set to an absolute path"))?;
    let places = PersonPlaces {
        home: home.clone(),
        runtime: context.variable("XDG_RUNTIME_DIR").map(PathBuf::from),
        shared: "/dev/shm".into(),
        uid: geteuid().as_raw(),
        gid: getegid().as_raw(),
    };
    if arguments.status {
        return tell_status(ui, arguments, &[places.status()?]);
    }
    let manifest = manifest(context, arguments, &home.join(".config/uvars"));
    let tree = activate_person(&Person {
        manifest: &manifest,
        keyring: &context.keyring_of_those_there(),
        dry_run: arguments.dry_run,
        wait: WAIT,
        places: &places,
    })?;
    tell(ui, arguments, &Report { trees: vec![tree] })
}

/// The manifest's path: what was typed, or in the usual folder.
fn manifest(context: &Context, arguments: &Arguments, usual: &Path) -> PathBuf {
    let path = arguments.manifest.as_deref().map_or(usual.to_owned(), |typed| context.path(typed));
    if path.is_dir() || arguments.manifest.is_none() { path.join("manifest.json") } else { path }
}

fn tell(ui: &mut Ui, arguments: &Arguments, report: &Report) -> Result<Exit> {
    if arguments.json {
        let trees: Vec<_> = report.trees.iter().map(tree_json).collect();
        ui.json(&json!({ "whole": report.is_whole(), "dry_run": arguments.dry_run, "trees": trees }))?;
    } else {
        for tree in &report.trees {
            tell_tree(ui, arguments.dry_run, tree)?;
        }
        tell_failures(ui, report.trees.iter())?;
    }
    Ok(if report.is_whole() { Exit::Done } else { Exit::Partly })
}

fn tell_tree(ui: &mut Ui, dry_run: bool, tree: &TreeReport) -> Result<()> {
    let TreeReport { link, generation, outcome, changes, .. } = tree;
    let state = match generation {
        _ if *outcome == Outcome::Left => "left as it is".to_owned(),
        Some(number) if *outcome == Outcome::Published => format!("generation {number}"),
        Some(number) => format!("generation {number}, unchanged"),
        None if dry_run => "a new generation would be made".to_owned(),
        None => "nothing is active".to_owned(),
    };
    ui.line(format!("{link}: {state}"))?;
    let Changes { added, modified, removed } = changes;
    let words = if dry_run {
        ["would add", "would modify", "would remove"]
    } else {
        ["added", "modified", "removed"]
    };
    for (word, (names, look)) in
        words.iter().zip([(added, Look::Good), (modified, Look::Care), (removed, Look::Bad)])
    {
        for name in names {
            let line = format!("  {} {}", ui.look(look, word), ui.look(Look::Strong, name));
            ui.ready(&line)?;
        }
    }
    Ok(())
}

/// Says what failed, and every hint once.
fn tell_failures<'a>(ui: &mut Ui, trees: impl Iterator<Item = &'a TreeReport>) -> Result<()> {
    ui.flush()?;
    let mut hints: Vec<&String> = Vec::new();
    let mut told: Vec<&Failure> = Vec::new();
    for tree in trees {
        for failure in &tree.failures {
            // What concerns the manifest concerns each tree that was to be made from it.
            if told.contains(&failure) {
                continue;
            }
            told.push(failure);
            let sentence = format!("{}; {}", failure.message, failure.kept.words());
            let named = failure.message.starts_with(&failure.item);
            let error = Error::new(sentence);
            ui.error(&if named { error } else { error.key(&failure.item) });
            hints.extend(&failure.hints);
        }
        for note in &tree.notes {
            ui.warn(format!("{}: {note}", tree.link));
        }
    }
    let mut said: Vec<&String> = Vec::new();
    for hint in hints {
        if !said.contains(&hint) {
            ui.hint(hint);
            said.push(hint);
        }
    }
    Ok(())
}

fn tell_status(ui: &mut Ui, arguments: &Arguments, all: &[Status]) -> Result<Exit> {
    if arguments.json {
        let trees: Vec<_> = all.iter().map(status_json).collect();
        ui.json(&json!({ "trees": trees }))?;
    } else {
        for status in all {
            tell_one_status(ui, status)?;
        }
        tell_failures(ui, all.iter().filter_map(|status| status.last.as_ref()))?;
    }
    let whole = |status: &Status| status.last.as_ref().is_some_and(|last| last.failures.is_empty());
    Ok(if all.iter().all(|status| whole(status) && !status.is_interrupted()) {
        Exit::Done
    } else {
        Exit::Partly
    })
}

fn tell_one_status(ui: &mut Ui, status: &Status) -> Result<()> {
    let state = match status.generation {
        Some(number) => format!("generation {number}"),
        None => "nothing is active".to_owned(),
    };
    let remark = match &status.last {
        None => ", no run has come to its end",
        Some(_) if status.is_interrupted() => ", and the run that made it was ended before it could report",
        Some(_) => "",
    };
    ui.line(format!("{}: {state}{remark}", status.link))?;
    for file in status.last.iter().flat_map(|last| &last.files) {
        let state = match &file.changed {
            Some(changed) => format!("changed {changed}"),
            None if file.opened => "opened".to_owned(),
            None => "could not be opened".to_owned(),
        };
        ui.line(format!("  {}: {state}", file.path))?;
    }
    Ok(())
}

fn status_json(status: &Status) -> Value {
    json!({
        "link": status.link,
        "generation": status.generation,
        "interrupted": status.is_interrupted(),
        "last": status.last.as_ref().map(tree_json),
    })
}

fn tree_json(tree: &TreeReport) -> Value {
    json!({
        "link": tree.link,
        "generation": tree.generation,
        "added": tree.changes.added,
        "modified": tree.changes.modified,
        "removed": tree.changes.removed,
        "files": tree.files.iter().map(|file| json!({
            "path": file.path.as_str(),
            "sha256": file.sha256.to_string(),
            "opened": file.opened,
            "changed": file.changed,
        })).collect::<Vec<_>>(),
        "failures": tree.failures.iter().map(|failure| json!({
            "item": failure.item,
            "message": failure.message,
            "kept": failure.kept.word(),
            "hints": failure.hints,
        })).collect::<Vec<_>>(),
        "notes": tree.notes,
    })
}
