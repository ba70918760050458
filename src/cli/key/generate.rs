//! `uvars key generate`: a new identity for a person, host or program.

use super::no_longer_pending;
use crate::cli::changes::{self, Changes};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::tracked::refuse_shared_place;
use crate::cli::ui::Ui;
use crate::error::{Error, Result};
use crate::fs::{RepoPath, Transaction};
use crate::keys::{Principal, key_file};
use rustix::fs::{Access, access};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// Make a new key: the private half into a file of mode 0600, the public half into the registry
///
/// Nothing is ever overwritten. Without CLASS/NAME the key is made and nothing is registered.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars key generate users/jon --out ~/.config/sops/age/keys.txt")]
pub(super) struct Arguments {
    /// Whose key it becomes: admins/NAME, recovery/NAME, users/NAME, hosts/NAME or robots/NAME
    #[arg(value_name = "CLASS/NAME")]
    principal: Option<String>,
    /// Where the private half goes; a file that is there is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Make a hybrid key (ML-KEM-768 with X25519), which quantum computers do not break; sops reads it from 3.12 on
    #[arg(long)]
    pq: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Makes the key.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let principal: Option<Principal> = arguments.principal.as_deref().map(str::parse).transpose()?;
    let out = context.path(&arguments.out);
    if out.symlink_metadata().is_ok() {
        return Err(Error::new("is there already, and a key is never overwritten")
            .at(&out)
            .hint("give another file with --out, or move this one away"));
    }
    refuse_shared_place(context, &out)?;
    let generated = super::make(context, arguments.pq)?;
    // the key of a dry run goes with it: nobody would hold what is shown
    let goes = || format!("the private half of a new key would go into {}", out.display());
    let Some(principal) = principal else {
        if arguments.dry_run {
            can_be_written(&out)?;
            ui.line(goes())?;
            ui.note("nothing was written: this was a dry run");
            return Ok(Exit::Done);
        }
        super::write_private(&out, &generated.text)?;
        ui.line(&generated.recipient)?;
        return Ok(Exit::Done);
    };
    let changes = Changes::begin(context.fleet_root()?, arguments.dry_run)?;
    let path = RepoPath::new(&principal.path())?;
    let before = changes.root().read(&path)?.unwrap_or_default();
    let bytes = key_file::add(&before, &generated.recipient, None).map_err(|error| error.at(&path))?;
    let mut transaction = Transaction::new();
    transaction.write(path, bytes);
    no_longer_pending(changes.root(), &principal, &mut transaction)?;
    changes::follow(changes.root(), &mut transaction)?;
    if arguments.dry_run {
        can_be_written(&out)?;
        ui.line(goes())?;
    } else {
        // first the private half: a registered key that nobody has would lock its owner out
        super::write_private(&out, &generated.text)?;
    }
    changes.finish(ui, transaction).map_err(|error| {
        let again = format!("uvars key add {principal} {}", generated.recipient);
        error.hint(format!("{} holds the new private key; to go on with it: {again}", out.display()))
    })?;
    if !arguments.dry_run {
        ui.line(&generated.recipient)?;
    }
    Ok(Exit::Done)
}

/// The error that writing a new file would give for its folder, which is made where it is not there.
fn can_be_written(out: &Path) -> Result<()> {
    let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let cannot = |errno: Errno| Error::io("make the folder", folder, errno.into());
    let there = folder.ancestors().find_map(|above| Some((above, above.metadata().ok()?)));
    match there {
        Some((above, found)) if !found.is_dir() => {
            Err(cannot(if above == folder { Errno::EXIST } else { Errno::NOTDIR }))
        }
        Some((above, _)) => access(above, Access::WRITE_OK | Access::EXEC_OK).map_err(|errno| {
            if above == folder { Error::io("write", out, errno.into()) } else { cannot(errno) }
        }),
        None => Ok(()),
    }
}
