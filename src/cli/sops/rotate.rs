//! `sops rotate`, and `sops -r`: a file under a new data key, for more keys or fewer if so wanted.

use super::Command;
use super::call::Call;
use super::code::Code;
use super::decrypt::one_output;
use super::encrypt::emit;
use super::fault::{Fault, Outcome};
use super::files::{self, Source};
use super::new_file::checked;
use super::tables::{
    ADD_AND_REMOVE, CONTEXT, FILENAME_OVERRIDE, IN_PLACE, INPUT_TYPE, KEYSERVICE, LOCAL, ORDER, OUTPUT,
    OUTPUT_TYPE,
};
use crate::keys::MasterKey;

pub(super) const COMMAND: Command = Command {
    name: "rotate",
    words: "FILE",
    about: "Encrypt a file under a new data key, and add keys or take some away",
    more: "Keys are added to the first key group, and taken away from all of them. Whoever loses access has seen the values \
           as they are now: change those that are still in use.",
    flags: &[
        &[IN_PLACE, OUTPUT, INPUT_TYPE, OUTPUT_TYPE, CONTEXT],
        ADD_AND_REMOVE,
        &[FILENAME_OVERRIDE, ORDER, LOCAL, KEYSERVICE],
    ],
    below: &[],
    run,
};

fn run(call: &Call<'_>) -> Outcome<()> {
    if call.words().is_empty() {
        return Err(Fault::new(Code::NoFile, "Error: no file specified"));
    }
    call.only_one_word()?;
    one_output(call)?;
    let path = call.absolute(call.word(0));
    let changes_keys = ADD_AND_REMOVE.iter().any(|flag| !call.text(flag.name()).is_empty());
    if changes_keys && !path.try_exists().unwrap_or(true) {
        return Err(Fault::new(
            Code::KeysOfNothing,
            format!(
                "Error: cannot add or remove keys on non-existent file {}, use the `edit` subcommand instead.",
                files::quoted(&path)
            ),
        ));
    }
    let source = call.named(Some(path));
    let _turn = call.turn(&source)?;
    let bytes = rotated(call, &source)?;
    call.write(&source, call.is_on("in-place"), &bytes)
}

/// The file under a new data key.
pub(super) fn rotated(call: &Call<'_>, source: &Source) -> Outcome<Vec<u8>> {
    let output = call.format("output-type", &source.name);
    let stores = call.stores(output)?;
    call.check_order()?;
    let (added, removed) = (call.keys("add-")?, call.keys("rm-")?);
    let opened = call.open(source, call.format("input-type", &source.name))?;
    if let Some(path) = source.path.as_ref().filter(|_| !added.is_empty()) {
        call.check_place(path, &opened.file, &opened.key)?;
    }
    let metadata = opened.file.metadata();
    let groups = changed(metadata.key_groups(), &added, &removed)?;
    let groups = checked(groups, metadata.threshold())?;
    let plain = opened.plain.laid_out(stores);
    let file = opened.file.laid_out(stores).of_format(output);
    emit(file.replace_for(&plain, &groups, call.context.now(), &call.services()?)?)
}

/// The keys of a file with some more and some fewer.
///
/// Errors: one to add that is in the first group; one to take away that is in none.
fn changed(
    mut groups: Vec<Vec<MasterKey>>,
    added: &[MasterKey],
    removed: &[MasterKey],
) -> Outcome<Vec<Vec<MasterKey>>> {
    let same = |one: &MasterKey, other: &MasterKey| one.to_string() == other.to_string();
    for key in added {
        let Some(first) = groups.first_mut() else { continue };
        if first.iter().any(|there| same(there, key)) {
            return Err(Fault::failed(format!(
                "{key} is one of the keys of the first key group already; nothing was changed"
            )));
        }
        first.push(key.clone());
    }
    for key in removed {
        if !groups.iter().flatten().any(|there| same(there, key)) {
            return Err(Fault::failed(format!("{key} is none of the keys of the file; nothing was changed")));
        }
        for group in &mut groups {
            group.retain(|there| !same(there, key));
        }
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_added_once_and_taken_away_everywhere() {
        let keys =
            |names: &str| names.chars().map(|name| MasterKey::age(name.to_string())).collect::<Vec<_>>();
        let changed = |groups: &[&str], added: &str, removed: &str| {
            let groups = groups.iter().map(|names| keys(names)).collect();
            changed(groups, &keys(added), &keys(removed)).map_err(|fault| fault.to_string())
        };
        assert_eq!(changed(&["ab", "bc"], "d", "b"), Ok(vec![keys("ad"), keys("c")]));
        // what an older sops may have left behind
        assert_eq!(changed(&["aba"], "", "a"), Ok(vec![keys("b")]));
        assert!(changed(&["a", "b"], "a", "").unwrap_err().contains("already"));
        // one of another group may hold a share of this one too
        assert_eq!(changed(&["a", "b"], "b", ""), Ok(vec![keys("ab"), keys("b")]));
        assert!(changed(&["a"], "bb", "").is_err());
        assert!(changed(&["a"], "", "b").unwrap_err().contains("none of the keys"));
    }
}
