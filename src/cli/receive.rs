//! `uvars receive`: a person is shown what waits for them, and it is deleted.
//!
//! First the value arrives (on standard output, in a file, in their personal file), then its file goes: were it the
//! other way round, a full disk or a closed terminal would lose a password that nobody else has.

use super::changes::Changes;
use super::context::Context;
use super::exit::Exit;
use super::tracked::warn_of_shared_place;
use super::ui::{BY_NUMBER, Ui, visible};
use crate::error::{Error, Kind, Result, as_word};
use crate::fleet::{ENDING, Fleet, UserName};
use crate::fs::{self, Root};
use crate::keys::{Class, Keyring, Principal, Recipient, Registry};
use crate::vars::{self, Received, Waiting};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat};
use serde_json::json;
use std::cell::OnceCell;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Show what waits in secrets/handover/ for the keys at hand, and delete it
///
/// A password that uvars made waits there, readable by its owner alone, until the owner takes it. Without NAME
/// everything is received that waits for the users whose keys in keys/users/ you have, for every login that the inventory
/// gives such a key. What else your keys open, as recovery keys may, is named and stays: it wants NAME. On a terminal a
/// password with control characters is shown with their numbers, and stays as well.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars receive                              shown once, then gone
  uvars receive jon/password --out ~/pw.txt  into a new file, mode 0600
  uvars receive --store                      kept in your own file, secrets/users/")]
pub(super) struct Arguments {
    /// A user, or one item: jon, jon/password, jon/password@web1
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Write the one value into this new file (mode 0600) instead of showing it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["store", "json"])]
    out: Option<PathBuf>,
    /// Keep the values in the owner's personal file, under received, instead of showing them
    #[arg(long, conflicts_with = "json")]
    store: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Say what waits, and neither open nor delete it
    #[arg(long)]
    dry_run: bool,
}

/// Receives.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let root = context.fleet_root()?;
    let keys = context.key_services()?;
    let Found { waiting, of_others, mut wrong } = find(&root, keys.keyring(), &arguments.names)?;
    if arguments.dry_run {
        if arguments.json {
            let list: Vec<_> = waiting.iter().map(waiting_as_json).collect();
            ui.json(&json!(list))?;
        } else {
            for item in &waiting {
                ui.line(&item.path)?;
            }
        }
        ui.note("nothing was opened or deleted: this was a dry run");
        tell_of_others(ui, &of_others);
        return Ok(end(ui, &wrong));
    }
    if waiting.is_empty() && !arguments.json {
        ui.note("nothing waits for you");
        tell_of_others(ui, &of_others);
        return Ok(end(ui, &wrong));
    }
    let changes = Changes::begin(root, false)?;
    let names = OnceCell::new();
    let name = |recipient: &str| {
        let registry = names.get_or_init(|| Registry::read(changes.root()).ok()).as_ref()?;
        let holders = registry.holders(&Recipient::parse(recipient).ok()?);
        holders.first().map(ToString::to_string)
    };
    let mut received = Vec::new();
    for item in waiting {
        match item.open(&keys, &name) {
            Ok(item) => received.push(item),
            Err(error) => wrong.push(error),
        }
    }
    if received.is_empty() && !arguments.json {
        return Ok(end(ui, &wrong));
    }
    let transaction = if arguments.store {
        let fleet = Fleet::load(changes.root())?;
        vars::store(changes.root(), &fleet, &keys, &received, context.now())?
    } else {
        // what cannot be deleted afterwards is better not shown at all
        let transaction = vars::take(&received);
        transaction.preview(changes.root())?;
        hand_over(context, ui, arguments, &received)?;
        let (arrived, shown) = received.into_iter().partition(|item| arrives(ui, arguments, item));
        wrong.extend(Vec::into_iter(shown).map(|item: Received| stays(&item)));
        vars::take(&Vec::from_iter(arrived))
    };
    let report = changes.finish_quietly(ui, transaction)?;
    for path in report.created.iter().chain(&report.replaced) {
        ui.note(format_args!("kept in {path}, under received"));
    }
    for path in &report.removed {
        ui.note(format_args!("deleted {path}"));
    }
    if let Some(out) = &arguments.out {
        // nobody else has it: it is not to be removed
        warn_of_shared_place(context, ui, out, &format!("mv {} ~/", as_word(&out.to_string_lossy())));
    }
    tell_of_others(ui, &of_others);
    Ok(end(ui, &wrong))
}

/// Whether what is handed over is the value itself: on a terminal some characters are numbers.
fn arrives(ui: &Ui, arguments: &Arguments, item: &Received) -> bool {
    let as_text = ui.out_is_terminal() && arguments.out.is_none() && !arguments.json;
    !as_text || on_one_line(item.value.expose()).is_none()
}

/// One line for a terminal, where the value is not that already.
fn on_one_line(value: &[u8]) -> Option<Zeroizing<String>> {
    let line = visible(value).or_else(|| {
        let text = std::str::from_utf8(value).ok().filter(|text| text.contains('\n'))?;
        Some(Zeroizing::new(text.to_owned()))
    })?;
    Some(Zeroizing::new(line.replace('\n', "\\u{a}")))
}

fn stays(item: &Received) -> Error {
    Error::new(format!("{BY_NUMBER}, so that the password is not there as it is; it stays"))
        .at(&item.path)
        .hint(format!("uvars receive {}/{} --out FILE", item.user, item.item))
}

/// Says what could be received too.
fn tell_of_others(ui: &mut Ui, of_others: &[Waiting]) {
    for item in of_others {
        let Waiting { path, user, item, .. } = item;
        ui.note(format_args!(
            "{path} waits for {user}, and stays; by name it can be opened: uvars receive {user}/{item}"
        ));
    }
}

/// Says what is wrong with files that were left as they are.
fn end(ui: &mut Ui, wrong: &[Error]) -> Exit {
    for error in wrong {
        ui.error(error);
    }
    if wrong.is_empty() {
        Exit::Done
    } else if wrong.iter().all(|error| error.kind() == Kind::NoKey) {
        Exit::NoKey
    } else {
        Exit::Partly
    }
}

/// What there is of what is meant.
#[derive(Default)]
struct Found {
    /// To be received.
    waiting: Vec<Waiting>,
    /// What could be opened as well, and nobody has named.
    of_others: Vec<Waiting>,
    /// What cannot be used.
    wrong: Vec<Error>,
}

/// What is meant: what was named, or else what waits for the users whose keys are at hand.
fn find(root: &Root, keyring: Option<&Keyring>, names: &[String]) -> Result<Found> {
    if names.is_empty() {
        let own = keyring.map(Keyring::recipients).unwrap_or_default();
        let (mut waiting, wrong) = vars::waiting(root, None)?;
        if let Some(first) = waiting.first().filter(|_| own.is_empty()) {
            return Err(Error::no_key("no key is at hand, so that nobody can tell what waits for you")
                .hint("with the key: uvars --identity FILE receive")
                .hint(format!("or by name: uvars receive {}/{}", first.user, first.item)));
        }
        waiting.retain(|item| item.is_for(&own));
        if waiting.is_empty() {
            return Ok(Found { wrong, ..Found::default() });
        }
        let fleet = Fleet::load(root)?;
        let is_own = |item: &Waiting| {
            let owner = owner(&fleet, &item.user);
            own.iter().any(|own| fleet.registry().holders(own).contains(&owner))
        };
        let (waiting, of_others) = waiting.into_iter().partition(is_own);
        return Ok(Found { waiting, of_others, wrong });
    }
    let mut found: Vec<Waiting> = Vec::new();
    let mut all_wrong: Vec<Error> = Vec::new();
    for name in names {
        let (user, item) =
            name.split_once('/').map_or((name.as_str(), None), |(user, item)| (user, Some(item)));
        let (mut waiting, mut wrong) = vars::waiting(root, Some(&UserName::new(user)?))?;
        waiting.retain(|candidate| item.is_none_or(|item| candidate.item == item));
        wrong.retain(|error| {
            let place = error.file().map(|file| file.display().to_string()).unwrap_or_default();
            let is_meant = item.is_none_or(|item| place == format!("secrets/handover/{user}/{item}{ENDING}"));
            is_meant && all_wrong.iter().all(|known| known.file() != error.file())
        });
        if waiting.is_empty() && wrong.is_empty() {
            return Err(Error::new(format!("nothing called {name} waits in secrets/handover/")));
        }
        waiting.retain(|candidate| found.iter().all(|known| known.path != candidate.path));
        found.extend(waiting);
        all_wrong.extend(wrong);
    }
    Ok(Found { waiting: found, wrong: all_wrong, ..Found::default() })
}

/// Whose key is the owner's, of what waits for a login: one person may have several logins and one key. Where the
/// inventory knows the login no more, it is the key of that name.
fn owner(fleet: &Fleet, login: &UserName) -> Principal {
    fleet.inventory().user(login.as_str()).map_or_else(
        || Principal { class: Class::Users, name: login.as_str().to_owned() },
        |user| fleet.principal(user),
    )
}

/// Shows the values, or writes the one.
fn hand_over(context: &Context, ui: &mut Ui, arguments: &Arguments, received: &[Received]) -> Result<()> {
    if let Some(out) = &arguments.out {
        let [only] = received else {
            return Err(Error::usage(format!("{} values wait, and a file holds one", received.len()))
                .hint("name it: uvars receive NAME --out FILE"));
        };
        let mut text = only.value.expose().to_vec();
        text.push(b'\n');
        let text = zeroize::Zeroizing::new(text);
        return fs::write_new(&context.typed(out), &text, 0o600);
    }
    if !received.is_empty() && out_is_discarded(ui) {
        let error = Error::new("standard output reaches nobody, and what nobody sees is not deleted");
        return Err(error
            .hint("into a file: uvars receive NAME --out FILE")
            .hint("or into the owner's personal file: uvars receive --store"));
    }
    if arguments.json {
        let list: Vec<_> = received.iter().map(as_json).collect();
        ui.json_as_it_is(&json!(list))?;
    } else {
        for item in received {
            let when = item.changed.as_deref().map_or(String::new(), |changed| format!(" of {changed}"));
            ui.note(format_args!("{} of {}{when}:", item.item, item.user));
            let line = if ui.out_is_terminal() { on_one_line(item.value.expose()) } else { None };
            ui.bytes(line.as_ref().map_or(item.value.expose(), |line| line.as_bytes()))?;
            ui.bytes(b"\n")?;
        }
    }
    // nothing is deleted before it has arrived
    ui.flush()
}

/// Whether what is printed reaches nobody and no write says so: standard output was closed and is /dev/null by now, is
/// another device that is no terminal, or is not open for writing, which the standard library takes for written.
fn out_is_discarded(ui: &Ui) -> bool {
    let out = rustix::stdio::stdout();
    let is_device =
        fstat(out).is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::CharacterDevice);
    let may_write = fcntl_getfl(out).is_ok_and(|flags| flags.intersects(OFlags::WRONLY | OFlags::RDWR));
    !may_write || is_device && !ui.out_is_terminal()
}

fn waiting_as_json(item: &Waiting) -> serde_json::Value {
    json!({ "path": item.path.as_str(), "user": item.user.as_str(), "item": item.item })
}

fn as_json(item: &Received) -> serde_json::Value {
    json!({
        "user": item.user.as_str(),
        "item": item.item,
        "value": item.value.expose_str(),
        "changed": item.changed,
    })
}
