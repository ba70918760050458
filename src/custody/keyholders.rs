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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Inventory;
    use crate::keys::Registry;
    use crate::sops::{Encrypted, Format, Map, Plain, Rules};
    use std::path::Path;
    use std::time::SystemTime;

    const INVENTORY: &[u8] =
        b"version: 1\nhosts: { web: { platform: linux } }\nusers: { jon: { hosts: [web] } }\n";

    struct Keys(Vec<(&'static str, Recipient)>);

    impl Keys {
        fn get(&self, name: &str) -> Recipient {
            self.0.iter().find(|(other, _)| *other == name).unwrap().1.clone()
        }

        /// Whether a file may lose these readers in a fleet that has no keyholder (or has the one that is `there`).
        fn may_lose(&self, file: &str, lost: &[&str], there: Option<&str>) -> bool {
            let registered = ["hosts/web", "robots/ci", "users/jon"].into_iter().chain(there);
            let files = registered.map(|name| {
                let key = format!("{}\n", self.get(name));
                Ok((RepoPath::new(&format!("keys/{name}.pub"))?, key.into_bytes()))
            });
            let inventory = Inventory::parse(Path::new("uvars.yaml"), INVENTORY).unwrap();
            let fleet = Fleet::new(inventory, Registry::of_files(files).unwrap()).unwrap();
            let former = |name: &str| {
                let key = self.get(&format!("former {name}"));
                format!(
                    "- {{recipient: {key}, whose: {name}, state: revoked, since: 2026-01-01T00:00:00Z}}\n"
                )
            };
            let entries: String = ["hosts/web", "robots/ci", "admins/ann", "users/jon"].map(former).concat();
            let ledger = Ledger::parse(format!("keys:\n{entries}").as_bytes()).unwrap();
            let readers: Vec<_> = lost.iter().map(|name| self.get(name)).collect();
            let plain = Plain::new(Map::new().with("a", "x"));
            let now = SystemTime::UNIX_EPOCH;
            let sealed = Encrypted::create(
                &plain,
                &readers,
                &Rules::default(),
                now,
                Format::Yaml,
                &crate::keys::Programs::default(),
            )
            .unwrap();
            let drift = Drift::of(&sealed, &[self.get("new")]);
            keep_keyholders(&fleet, &ledger, &RepoPath::new(file).unwrap(), &drift).is_ok()
        }
    }

    #[test]
    fn hosts_and_programs_alone_are_no_keyholders_now_or_before() {
        let names = [
            "hosts/web",
            "robots/ci",
            "users/jon",
            "admins/eve",
            "recovery/safe",
            "former hosts/web",
            "former robots/ci",
            "former admins/ann",
            "former users/jon",
            "unknown",
            "new",
        ];
        let made = |name| (name, crate::keys::generate("2026-01-01T00:00:00Z").unwrap().recipient);
        let keys = Keys(names.map(made).into());
        let file = "secrets/hosts/web.sops.yaml";
        for lost in ["hosts/web", "robots/ci", "former hosts/web", "former robots/ci"] {
            assert!(keys.may_lose(file, &[lost], None), "{lost}");
        }
        for lost in ["unknown", "users/jon", "former admins/ann", "former users/jon"] {
            assert!(!keys.may_lose(file, &[lost], None), "{lost}");
            assert!(!keys.may_lose(file, &["hosts/web", lost], None), "{lost}");
            assert!(keys.may_lose(file, &[lost], Some("admins/eve")), "{lost}");
            assert!(keys.may_lose(file, &[lost], Some("recovery/safe")), "{lost}");
            assert!(keys.may_lose("secrets/users/jon.sops.yaml", &[lost], None), "{lost}");
        }
    }
}
