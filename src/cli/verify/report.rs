//! What was found out, for people and for programs.

use super::{Checked, State};
use crate::cli::ui::{Look, Ui, shown};
use crate::error::{Error, Result};
use crate::keys::Recipient;
use crate::sops::Encrypted;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// More damaged values of one file than these are counted, and not named.
const MANY: usize = 20;

/// Says it to people. A hint that many files have is said once.
pub(super) fn print(ui: &mut Ui, checked: &[Checked]) -> Result<()> {
    let mut said = BTreeSet::new();
    for one in checked {
        let name = one.document.shown();
        for told in &one.differs.told {
            ui.warn(format!("{name}: {}", told.text));
        }
        if let Some(hint) = &one.differs.hint {
            ui.hint(hint);
        }
        match &one.state {
            State::Whole(comments) => {
                for comment in comments {
                    ui.warn(format!("{name}: {comment}"));
                }
                let (look, word) =
                    if one.differs.told.is_empty() { (Look::Good, "ok") } else { (Look::Care, "differs") };
                let word = ui.look(look, word);
                ui.ready(&format!("{word} {}", shown(name)))?;
            }
            State::NoKey(error) => ui.error_with(error, |hint| said.insert(hint.to_owned())),
            State::Damaged(errors) => {
                for error in errors.iter().take(MANY) {
                    ui.error_with(error, |hint| said.insert(hint.to_owned()));
                }
                if let Some(more @ 1..) = errors.len().checked_sub(MANY) {
                    let values = if more == 1 { "value is" } else { "values are" };
                    ui.error(&Error::new(format!("{more} more {values} damaged")).at(name));
                }
            }
        }
    }
    Ok(())
}

/// Says it to programs: docs/values.md has what each field means.
pub(super) fn json(ui: &mut Ui, checked: &[Checked]) -> Result<()> {
    let all: Vec<Value> = checked.iter().map(describe).collect();
    ui.json(&json!(all))
}

fn describe(one: &Checked) -> Value {
    let (status, errors): (_, &[Error]) = match &one.state {
        State::Whole(_) if one.differs.told.is_empty() => ("ok", &[]),
        State::Whole(_) => ("differs", &[]),
        State::NoKey(error) => ("no-key", std::slice::from_ref(error)),
        State::Damaged(errors) => ("failed", errors),
    };
    let comments: &[String] = if let State::Whole(comments) = &one.state { comments } else { &[] };
    let told = &one.differs.told;
    let readers_of = |what: &str| -> Vec<&str> {
        told.iter().filter(|told| told.what == what).filter_map(|told| told.reader.as_deref()).collect()
    };
    let differences: Vec<_> = told
        .iter()
        .map(|told| json!({ "what": told.what, "reader": told.reader, "text": told.text }))
        .collect();
    let mut hints: Vec<&str> = Vec::new();
    for hint in errors.iter().flat_map(Error::hints) {
        if !hints.contains(&hint.as_str()) {
            hints.push(hint);
        }
    }
    let damage: Vec<_> = errors
        .iter()
        .filter(|_| status == "failed")
        .map(|error| json!({ "key": error.key_path(), "error": error.message() }))
        .collect();
    json!({
        "file": one.document.shown(),
        "format": one.document.format().name(),
        "status": status,
        "readers": one.file.as_ref().map(readers),
        "against": one.differs.against,
        "differences": differences,
        "missing": readers_of("reader-missing"),
        "strangers": readers_of("reader-extra"),
        "warnings": comments,
        "damage": damage,
        "error": errors.first().map(ToString::to_string),
        "hints": hints,
    })
}

/// Every key that the file names: recipients as they stand in it, others by type and name.
fn readers(file: &Encrypted) -> Vec<String> {
    let metadata = file.metadata();
    let recipients = metadata.recipients().into_iter().map(|text| Recipient::shown(text).to_owned());
    recipients.chain(metadata.others()).collect()
}
