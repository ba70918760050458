//! That a file of the fleet's keeps a reader who answers for the fleet.

use crate::error::{Error, Result};
use crate::fleet::{FileKind, Fleet};
use crate::fs::RepoPath;
use crate::keys::{Class, Ledger, Recipient};
use crate::sops::Drift;

/// Refuses to take a file's last admin and recovery key out of it.
///
/// Personal files and handovers have none. Whose key a file loses cannot be known once its file in keys/ is gone: so
/// every one counts that is not a host's or a program's now, and was none when it was replaced.
///
/// # Errors
///
/// The fleet has neither an admin nor a recovery key, and the file would lose a reader who may have been one.
pub fn keep_keyholders(fleet: &Fleet, ledger: &Ledger, path: &RepoPath, drift: &Drift) -> Result<()> {
    let personal =
        matches!(FileKind::of(path.as_str()), None | Some(FileKind::Personal(_) | FileKind::Handover(..)));
    let registry = fleet.registry();
    let answers = |class| registry.class(class).next().is_some();
    if personal || answers(Class::Admins) || answers(Class::Recovery) {
        return Ok(());
    }
    let machine = |text: &String| {
        let Ok(recipient) = Recipient::parse(text) else { return false };
        let former = ledger.find(&recipient).map(|entry| &entry.whose);
        let mut holders = registry.holders(&recipient).iter().chain(former);
        holders.any(|one| matches!(one.class, Class::Hosts | Class::Robots))
    };
    if drift.lost.iter().all(machine) {
        return Ok(());
    }
    Err(Error::new("no admin and no recovery key could read it any more, so it is left as it is")
        .at(path)
        .hint("keys/admins/ and keys/recovery/ are empty; what happened to them: git log -p -- keys/")
        .hint("if the keys are to be others: uvars key add admins/NAME KEY"))
}
