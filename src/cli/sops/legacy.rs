//! sops without a subcommand: `-d`, `-e`, `-r`, `--set`, and otherwise the editor.

use super::call::Call;
use super::code::Code;
use super::fault::{Fault, Outcome};
use super::flags::Flag;
use super::tables::{
    ADD_AND_REMOVE, COMMENT_RULES, CONFIG, CONTEXT, EXTRACT, FILENAME_OVERRIDE, HELP, IGNORE_MAC, IN_PLACE,
    INDENT, INPUT_TYPE, KEYS, KEYSERVICE, LOCAL, MAC_ONLY, NO_CHECKS, ORDER, OUTPUT, OUTPUT_TYPE, RULES, SET,
    SHOW_KEYS, THRESHOLD, VERBOSE, VERBS, VERSION,
};
use super::{decrypt, edit, encrypt, files, rotate, set};

/// Every flag of the program, in the order of sops.
pub(super) fn table() -> Vec<Flag> {
    let outputs = &[IN_PLACE, EXTRACT, INPUT_TYPE, OUTPUT_TYPE, SHOW_KEYS];
    let macs = &[IGNORE_MAC, MAC_ONLY];
    let others = &[CONFIG, CONTEXT, SET, THRESHOLD, INDENT, VERBOSE, OUTPUT, FILENAME_OVERRIDE, ORDER];
    let parts: [&[Flag]; 10] = [
        VERBS,
        NO_CHECKS,
        KEYS,
        outputs,
        ADD_AND_REMOVE,
        macs,
        RULES,
        COMMENT_RULES,
        others,
        &[LOCAL, KEYSERVICE, HELP, VERSION],
    ];
    parts.concat()
}

/// What the flags say is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verb {
    Encrypt,
    Decrypt,
    Rotate,
    Set,
    Edit,
}

/// Runs what the flags say.
pub(super) fn run(call: &Call<'_>) -> Outcome<()> {
    if call.words().is_empty() {
        return Err(Fault::new(Code::NoFile, "Error: no file specified"));
    }
    let verb = verb(call)?;
    call.only_one_word()?;
    decrypt::one_output(call)?;
    let path = call.absolute(call.word(0));
    if !path.try_exists().unwrap_or(true) {
        must_be_there(call, verb, &files::quoted(&path))?;
    }
    let source = call.named(Some(path));
    let in_place = call.is_on("in-place");
    if verb != Verb::Decrypt {
        // sops wants a rule for the file even where it makes nothing of it
        call.rule_of(&source.name)?;
    }
    // set and edit see to it themselves
    let _turn = if matches!(verb, Verb::Set | Verb::Edit) { None } else { call.turn(&source)? };
    match verb {
        Verb::Decrypt => call.write(&source, in_place, decrypt::decrypted(call, &source)?.expose()),
        Verb::Encrypt => call.write(&source, in_place, &encrypt::encrypted(call, &source)?),
        Verb::Set => set::legacy(call, &source),
        Verb::Edit => edit::legacy(call, &source),
        Verb::Rotate => call.write(&source, in_place, &rotate::rotated(call, &source)?),
    }
}

/// What is to be done.
///
/// Errors: more than one thing, of which sops does all and shows the last.
fn verb(call: &Call<'_>) -> Outcome<Verb> {
    let said = [
        (call.is_on("encrypt"), Verb::Encrypt),
        (call.is_on("decrypt"), Verb::Decrypt),
        (call.is_on("rotate"), Verb::Rotate),
        (!call.text("set").is_empty(), Verb::Set),
    ];
    let mut said = said.into_iter().filter_map(|(said, verb)| said.then_some(verb));
    match (said.next(), said.next()) {
        (None, _) => Ok(Verb::Edit),
        (Some(verb), None) => Ok(verb),
        (Some(_), Some(_)) => Err(Fault::new(
            Code::Conflict,
            "Error: more than one of --encrypt, --decrypt, --rotate and --set; which one is meant?",
        )),
    }
}

/// Checks what may be done about a file that is not there: an editor may make it.
fn must_be_there(call: &Call<'_>, verb: Verb, quoted: &str) -> Outcome<()> {
    if ADD_AND_REMOVE.iter().any(|flag| !call.text(flag.name()).is_empty()) {
        return Err(Fault::new(
            Code::KeysOfNothing,
            format!(
                "Error: cannot add or remove keys on non-existent file {quoted}, use `--kms` and `--pgp` instead."
            ),
        ));
    }
    match verb {
        Verb::Encrypt | Verb::Decrypt | Verb::Rotate => {
            Err(Fault::new(Code::NoFile, format!("Error: cannot operate on non-existent file {quoted}")))
        }
        Verb::Set | Verb::Edit => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sops::flags::Kind;

    #[test]
    fn no_name_stands_for_two_flags() {
        let mut seen = std::collections::BTreeSet::new();
        for flag in table() {
            for name in flag.names {
                assert!(seen.insert(*name), "{name}");
            }
            assert!(!matches!(flag.kind, Kind::TextOr(_)), "{}", flag.name());
        }
    }
}
