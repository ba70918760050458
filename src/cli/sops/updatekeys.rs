//! `sops updatekeys`: the keys of files become those of their creation rules.

use super::Command;
use super::answer::yes_or_no;
use super::call::Call;
use super::code::Code;
use super::encrypt::emit;
use super::fault::{Fault, Outcome};
use super::files;
use super::log::{self, Level};
use super::open::parse;
use super::tables::{INPUT_TYPE, KEYSERVICE, LOCAL, YES};
use crate::error::one_line;
use crate::keys::MasterKey;
use crate::sops::{KeyGroups, Stores};
use std::fmt::Write as _;
use std::path::Path;

pub(super) const COMMAND: Command = Command {
    name: "updatekeys",
    words: "FILE…",
    about: "Make the keys of files those of their rules in .sops.yaml",
    more: "The data key stays: whoever loses access can still open older versions, and knows the values. rotate makes a new \
           data key. What changes is shown, and asked about unless --yes is given.",
    flags: &[&[YES, INPUT_TYPE, LOCAL, KEYSERVICE]],
    below: &[],
    run,
};

fn run(call: &Call<'_>) -> Outcome<()> {
    if call.config_path().is_none() {
        return Err(Fault::failed("config file not found"));
    }
    match call.words() {
        [] => Err(Fault::new(Code::NoFile, "Error: no file specified")),
        [file] => update(call, file),
        files => {
            let failed = files.iter().filter_map(|file| update(call, file).err());
            let failed = failed.inspect(|fault| log::line(Level::Error, &fault.to_string(), &[])).count();
            if failed == 0 { Ok(()) } else { Err(Fault::failed(format!("failed updating {failed} key(s)"))) }
        }
    }
}

/// Updates one file.
fn update(call: &Call<'_>, typed: &str) -> Outcome<()> {
    let path = call.absolute(typed);
    match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Fault::failed(format!("stat {}: no such file or directory", path.display())));
        }
        Ok(found) if found.is_dir() => return Err(Fault::failed("can't operate on a directory")),
        _ => {}
    }
    let shown = path.display().to_string();
    let stores = call.read_config()?.map_or_else(Stores::default, |config| config.stores());
    log::dated(&format!("Syncing keys for file {shown}"));
    let asks = !call.is_on("yes");
    let mut turn = if asks { None } else { files::turn(&path)? };
    let source = files::read(&path, &path)?;
    let seen = asks.then(|| source.clone());
    let file = parse(source, call.format("input-type", &path))?;
    let Some(rule) = call.rule_of(&path)? else {
        let config = call.config_path().unwrap_or(Path::new("")).display();
        return Err(Fault::failed(format!("The config file {config} does not contain any creation rule")));
    };
    let wanted = rule.key_groups()?;
    let had = file.metadata().key_groups();
    let before = file.metadata().threshold();
    let threshold = before.min(i64::try_from(wanted.len()).unwrap_or(i64::MAX));
    let changes = Changes::of(&had, &wanted);
    if changes.is_none() && threshold == before {
        log::dated(&format!("File {shown} already up to date"));
        return Ok(());
    }
    let text = format!(
        "The following changes will be made to the file's groups:\n{}{changes}",
        thresholds(before, threshold)
    );
    files::print(text.as_bytes())?;
    if let Some(seen) = seen {
        if !yes_or_no("Is this okay? (y/n):")? {
            log::dated(&format!("File {shown} left unchanged"));
            return Ok(());
        }
        // others had their turns while the question stood there
        turn = files::turn(&path)?;
        if files::read(&path, &path)? != seen {
            let why = format!("{shown}: was changed by somebody else meanwhile; nothing was written");
            return Err(Fault::failed(why).hinted("run the same command again"));
        }
    }
    let key = call.unlock(&file)?;
    let not_wrapped = |why: String| Fault::failed(format!("error updating one or more master keys: [{why}]"));
    if wanted.iter().any(Vec::is_empty) {
        return Err(not_wrapped("empty key group provided".to_owned()));
    }
    let groups = KeyGroups::new(wanted, threshold).map_err(|error| not_wrapped(error.to_string()))?;
    call.check_place(&path, &file, &key)?;
    let updated = file.laid_out(stores).regroup(&key, &groups, call.context.now(), &call.services()?);
    let bytes = emit(updated.map_err(|error| not_wrapped(error.to_string()))?)?;
    call.write_back(&path, &bytes)?;
    drop(turn);
    log::dated(&format!("File {shown} synced with new keys"));
    Ok(())
}

/// What becomes of the keys of each group.
pub(super) struct Changes {
    groups: Vec<[Vec<String>; 3]>,
}

impl Changes {
    /// Compares keys by their texts, group by group.
    pub(super) fn of(had: &[Vec<MasterKey>], wanted: &[Vec<MasterKey>]) -> Self {
        let texts = |groups: &[Vec<MasterKey>], at: usize| -> Vec<String> {
            groups.get(at).map(|keys| keys.iter().map(ToString::to_string).collect()).unwrap_or_default()
        };
        let groups = (0..had.len().max(wanted.len())).map(|at| {
            let (had, wanted) = (texts(had, at), texts(wanted, at));
            let (kept, added) = wanted.iter().cloned().partition(|key| had.contains(key));
            let removed = had.into_iter().filter(|key| !wanted.contains(key)).collect();
            [kept, added, removed]
        });
        Self { groups: groups.collect() }
    }

    pub(super) fn is_none(&self) -> bool {
        self.groups.iter().all(|[_, added, removed]| added.is_empty() && removed.is_empty())
    }
}

impl std::fmt::Display for Changes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (group, number) in self.groups.iter().zip(1..) {
            writeln!(out, "Group {number}")?;
            for (keys, sign) in group.iter().zip(["    ", "+++ ", "--- "]) {
                // a file may name anything, and what it names must not paint over the rest
                keys.iter().try_for_each(|key| writeln!(out, "{sign}{}", one_line(key)))?;
            }
        }
        Ok(())
    }
}

fn thresholds(before: i64, now: i64) -> String {
    let mut text = String::new();
    // writing into a string does not fail
    if before > 0 && before == now {
        let _ = writeln!(text, "shamir_threshold: {now}");
        return text;
    }
    if now > 0 {
        let _ = writeln!(text, "+++ shamir_threshold: {now}");
    }
    if before > 0 {
        let _ = writeln!(text, "--- shamir_threshold: {before}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_shown_group_by_group() {
        let keys =
            |names: &str| names.chars().map(|name| MasterKey::age(name.to_string())).collect::<Vec<_>>();
        let changes = Changes::of(&[keys("ab"), keys("c")], &[keys("bd")]);
        assert_eq!(changes.to_string(), "Group 1\n    b\n+++ d\n--- a\nGroup 2\n--- c\n");
        assert!(!changes.is_none());
        assert!(Changes::of(&[keys("ab")], &[keys("ba"), vec![]]).is_none());
        let painted = vec![MasterKey::age("x\u{1b}[2K\n    y")];
        let shown = Changes::of(&[painted], &[keys("a")]).to_string();
        assert_eq!(shown.lines().count(), 3, "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
        assert_eq!(thresholds(2, 2), "shamir_threshold: 2\n");
        assert_eq!(thresholds(2, 1), "+++ shamir_threshold: 1\n--- shamir_threshold: 2\n");
        assert_eq!(thresholds(0, 0), "");
    }
}
