//! `uvars key rotate`: a key replaced by another everywhere.

use super::input;
use crate::cli::changes::{self, Changes};
use crate::cli::context::Context;
use crate::cli::custody;
use crate::cli::exit::Exit;
use crate::cli::tracked::refuse_shared_place;
use crate::cli::ui::Ui;
use crate::custody::{Rekey, rekey};
use crate::error::{Error, Result};
use crate::fleet::Fleet;
use crate::fs::Outlook;
use crate::keys::{Recipient, Registry};
use crate::secret::Secret;
use std::path::PathBuf;

/// Replace a key by another everywhere: in keys/, in .sops.yaml and in every file
///
/// Every file that the old key opened gets a new data key, and the old key goes into keys/ledger.yaml. All of it is
/// one change. Files that only the old key opens can be given to the new one by whoever holds the old one: its owner
/// runs this with the old key at hand, or runs 'uvars sync' afterwards. If the old key is lost, --lost deletes them.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars key rotate users/jon --generate --out ~/.config/sops/age/new.txt
  uvars key rotate hosts/web1 /tmp/ssh_host_ed25519_key.pub")]
#[command(override_usage = "uvars key rotate [OPTIONS] <NAME> <KEY|--generate --out FILE>")]
#[command(group = clap::ArgGroup::new("new").required(true).args(["key", "generate"]))]
pub(super) struct Arguments {
    /// Whose key: CLASS/NAME, or NAME where one class has it
    #[arg(value_name = "NAME")]
    principal: String,
    /// The new public key (age1…, ssh-ed25519 …), a file with it, or - for standard input
    key: Option<String>,
    /// Make a new key; its private half goes into the file that --out names
    #[arg(long, requires = "out")]
    generate: bool,
    /// Where the new private half goes; a file that is there is never overwritten
    #[arg(long, value_name = "FILE", requires = "generate")]
    out: Option<PathBuf>,
    /// Make it a hybrid key (ML-KEM-768 with X25519), which quantum computers do not break
    #[arg(long, requires = "generate")]
    pq: bool,
    /// Which key goes, where there are several
    #[arg(long, value_name = "KEY")]
    old: Option<String>,
    /// Why, for the ledger, which everybody can read
    #[arg(long, value_name = "TEXT", default_value = "rotated")]
    why: String,
    /// The old private key is gone: delete the files that nothing else opens
    #[arg(long)]
    lost: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Replaces the key.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let root = context.fleet_root()?;
    let principal = Registry::read(&root)?.resolve(&arguments.principal)?;
    let old = arguments.old.as_deref().map(Recipient::parse).transpose()?;
    let (new, private) = new_key(context, arguments)?;
    if let Some(warning) = new.warning() {
        ui.warn(warning);
    }
    let changes = Changes::begin(root.clone(), arguments.dry_run)?;
    let again = format!("uvars key rotate {principal} {new}");
    let wanted = Rekey { principal, old, new, why: arguments.why.clone(), lost: arguments.lost };
    let mut plan = rekey(&root, &wanted, &context.key_services()?, context.now())?;
    let after = Fleet::load_from(Outlook::new(&root, &plan.transaction))?;
    changes::rules(&root, &after, &mut plan.transaction)?;
    let Some((out, text)) = private.filter(|_| !arguments.dry_run) else {
        return custody::carry_out(changes, ui, plan, "sync", arguments.json);
    };
    // first the private half: files that nobody can open would be worse
    super::write_private(&out, &text)?;
    custody::carry_out(changes, ui, plan, "sync", arguments.json).map_err(|error| {
        // it stays: what was interrupted may yet be finished, and then this opens it
        error.hint(format!("{} holds the new private key; to go on with it: {again}", out.display()))
    })
}

/// The new recipient, and for a generated one its file and text.
fn new_key(context: &Context, arguments: &Arguments) -> Result<(Recipient, Option<(PathBuf, Secret)>)> {
    if let Some(out) = arguments.out.as_deref().filter(|_| arguments.generate) {
        let out = context.path(out);
        if out.symlink_metadata().is_ok() {
            return Err(Error::new("is there already, and a key is never overwritten").at(&out));
        }
        refuse_shared_place(context, &out)?;
        let generated = super::make(context, arguments.pq)?;
        return Ok((generated.recipient, Some((out, generated.text))));
    }
    let typed = arguments.key.as_deref().unwrap_or_default();
    match input::recipients(context, typed)?.as_slice() {
        [(one, _)] => Ok((one.clone(), None)),
        more => Err(Error::usage(format!("{} keys, and one takes the place of one", more.len()))),
    }
}
