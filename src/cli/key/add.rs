//! `uvars key add`: a public key goes into the registry, and the rules follow.

use super::{input, no_longer_pending};
use crate::cli::changes::{self, Changes};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;
use crate::error::Result;
use crate::fleet::Fleet;
use crate::fs::{RepoPath, Transaction};
use crate::keys::{Class, Principal, PublicKey, Recipient, key_file};

/// Give a person, host or program a public key
///
/// The key file is made if it is new, and gets one more line if it is not; .sops.yaml follows, and a host that said
/// 'key: pending' says so no more. Files that the new key should open are encrypted to it by the next 'uvars sync'.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars key add users/jon ~/.ssh/id_ed25519.pub
  ssh-keyscan web1 | uvars key add hosts/web1 -
  curl https://github.com/jon.keys | uvars key add users/jon -")]
pub(super) struct Arguments {
    /// Whose key: admins/NAME, recovery/NAME, users/NAME, hosts/NAME or robots/NAME
    #[arg(value_name = "CLASS/NAME")]
    principal: String,
    /// The public key (age1…, ssh-ed25519 …), a file with it, or - for standard input
    key: String,
    /// A line of comment above the key, which everybody can read
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Adds the key.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let principal: Principal = arguments.principal.parse()?;
    let found = input::public_keys(context, &arguments.key)?;
    for skipped in &found.skipped {
        ui.warn(format!("{skipped}, passed over"));
    }
    let root = context.fleet_root()?;
    let changes = Changes::begin(root, arguments.dry_run)?;
    let path = RepoPath::new(&principal.path())?;
    let before = changes.root().read(&path)?;
    let mut bytes = before.clone().unwrap_or_default();
    let there = key_file::parse(&bytes).map_err(|error| error.at(&path))?;
    let is_there = |key: &PublicKey| there.iter().any(|known| known.recipient.is_same_key(&key.recipient));
    let several = found.keys.len() > 1 && !found.keys.iter().all(is_there);
    let mut added = Vec::new();
    for key in &found.keys {
        // what a forge serves may well hold a key that was added before
        if several && is_there(key) {
            continue;
        }
        let PublicKey { recipient, above, .. } = key;
        if let Some(warning) = recipient.warning() {
            ui.warn(warning);
        }
        let behind = key.comment.as_deref().map(|comment| format!(" ({comment})")).unwrap_or_default();
        added.push(format!("{principal} gets {recipient}{behind}"));
        let above = arguments.comment.as_ref().or(above.as_ref());
        bytes =
            key_file::add(&bytes, recipient, above.map(String::as_str)).map_err(|error| error.at(&path))?;
    }
    let mut transaction = Transaction::new();
    transaction.write(path, bytes);
    no_longer_pending(changes.root(), &principal, &mut transaction)?;
    let fleet = changes::follow(changes.root(), &mut transaction)?;
    for line in added {
        ui.line(line)?;
    }
    changes.finish(ui, transaction)?;
    for warning in shared(&fleet, &found.keys) {
        ui.warn(warning);
    }
    if let Some((message, hint)) = nobodys(&fleet, &principal) {
        ui.warn(message);
        ui.hint(hint);
        return Ok(Exit::Done);
    }
    if !arguments.dry_run {
        ui.hint("files that it should open: uvars sync");
    }
    Ok(Exit::Done)
}

/// What to say of keys that somebody else has too.
fn shared(fleet: &Fleet, keys: &[PublicKey]) -> Vec<String> {
    let registry = fleet.registry();
    let ours = |recipient: &Recipient| keys.iter().any(|key| key.recipient.is_same_key(recipient));
    registry.shared_by_others(ours)
}

/// What to say of a key of a host or user that uvars.yaml does not have.
fn nobodys(fleet: &Fleet, principal: &Principal) -> Option<(String, String)> {
    let (inventory, name) = (fleet.inventory(), principal.name.as_str());
    let (error, add) = match principal.class {
        Class::Hosts => (inventory.need_host(name).err()?, format!("host add {name} platform=nixos")),
        Class::Users if inventory.users().iter().any(|user| user.key.value.as_str() == name) => return None,
        Class::Users => (inventory.need_user(name).err()?, format!("user add {name}")),
        _ => return None,
    };
    Some((error.message().to_owned(), format!("until there is, the key opens nothing: uvars {add}")))
}
