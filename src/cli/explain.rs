//! `uvars rules --explain`: which rule a path gets, who reads it, and for which reasons.

use super::changes::RULES;
use super::exit::Exit;
use super::ui::{Look, Ui};
use crate::error::{Error, Result};
use crate::fleet::{Explanation, Fleet, Readers, Reason};
use crate::fs::{RepoPath, Root};
use crate::keys::Principal;
use crate::rules::{SopsConfig, render};
use serde_json::{Value, json};
use std::path::Path;

/// Explains a path in the fleet. What `.sops.yaml` says of a file of the fleet must be what the registry says:
/// where it is not, that is said, and the exit code is 3.
pub(super) fn run(ui: &mut Ui, root: &Root, path: &RepoPath, as_json: bool) -> Result<Exit> {
    let fleet = Fleet::load(root)?;
    let there = root.read(&RepoPath::new(RULES)?)?;
    let text = match there {
        Some(bytes) => bytes,
        None => render(&fleet.rules()?).into_bytes(),
    };
    let config = SopsConfig::parse(Path::new(RULES), &text)?;
    let found = fleet.explain(path, &config).map_err(|error| error.at(RULES))?;
    if found.readers.is_none() && (found.kind.is_some() || found.rule.is_none()) {
        return Err(nobody(&found).at(path));
    }
    if as_json {
        ui.json(&describe(path, &found))?;
    } else {
        show(ui, path, &found)?;
    }
    if found.agrees == Some(false) {
        ui.warn(format!("{RULES} says otherwise of {path} than keys/ and uvars.yaml"));
        ui.hint("see what: uvars rules --check");
        ui.hint("write it: uvars rules --write");
        return Ok(Exit::OutOfDate);
    }
    Ok(Exit::Done)
}

fn nobody(found: &Explanation<'_>) -> Error {
    match found.kind {
        Some(_) => Error::new("the fleet has no such file, and its rules refuse to encrypt one")
            .hint("declare the user, host or shared name in uvars.yaml"),
        None => Error::new(format!("no rule of {RULES} is for it, and it is no file of the fleet")).hint(
            "files of the fleet are users/, accounts/, handover/, hosts/, shared/ and bootstrap/ in secrets/",
        ),
    }
}

fn show(ui: &mut Ui, path: &RepoPath, found: &Explanation<'_>) -> Result<()> {
    ui.line(path)?;
    match &found.rule {
        Some((number, rule)) if rule.path_regex.is_empty() => {
            ui.line(format!("  rule {number} ({RULES}:{}), which is for every path", rule.line))?;
        }
        Some((number, rule)) => {
            ui.line(format!("  rule {number} ({RULES}:{}) {}", rule.line, rule.path_regex))?;
        }
        None => ui.line("  no rule: sops would not encrypt it")?,
    }
    match &found.readers {
        Some(readers) => show_readers(ui, readers),
        None => show_keys(ui, found),
    }
}

fn show_readers(ui: &mut Ui, readers: &Readers) -> Result<()> {
    for reader in &readers.readers {
        let name = ui.look(Look::Strong, &reader.principal);
        ui.ready(&format!("  {name}"))?;
        for key in &reader.keys {
            let key_on_screen = key.recipient.on_screen();
            ui.line(format!("    {key_on_screen} ({}:{})", reader.principal.path(), key.line))?;
        }
        for reason in &reader.reasons {
            ui.line(format!("    because {reason}"))?;
        }
    }
    if readers.readers.is_empty() {
        ui.line("  nobody reads it, so it is not written")?;
    }
    for left in &readers.left_out {
        ui.line(format!("  left out: {left}"))?;
    }
    Ok(())
}

/// The keys of a rule that somebody wrote by hand, with whom they belong to where the registry knows it.
fn show_keys(ui: &mut Ui, found: &Explanation<'_>) -> Result<()> {
    let several = found.keys.len() > 1;
    for (number, group) in found.keys.iter().enumerate() {
        if several {
            ui.line(format!("  key group {}", number + 1))?;
        }
        for key in group {
            let names: Vec<_> = key.holders.iter().map(Principal::to_string).collect();
            let names = if names.is_empty() { "not in keys/".to_owned() } else { names.join(", ") };
            ui.line(format!("  {names}"))?;
            ui.line(format!("    {}", key.key))?;
        }
    }
    if found.keys.iter().all(Vec::is_empty) {
        ui.line("  nobody: the rule refuses to encrypt it")?;
    }
    Ok(())
}

fn describe(path: &RepoPath, found: &Explanation<'_>) -> Value {
    let rule = found
        .rule
        .as_ref()
        .map(|(number, rule)| json!({ "number": number, "line": rule.line, "path_regex": rule.path_regex }));
    let groups: Vec<Vec<_>> = found
        .keys
        .iter()
        .map(|group| {
            let names = |holders: &[Principal]| holders.iter().map(Principal::to_string).collect::<Vec<_>>();
            group.iter().map(|key| json!({ "key": key.key, "holders": names(&key.holders) })).collect()
        })
        .collect();
    json!({
        "path": path.as_str(),
        "rule": rule,
        "key_groups": groups,
        "readers": found.readers.as_ref().map(readers),
        "left_out": found.readers.as_ref().map(left_out),
        "agrees": found.agrees,
    })
}

fn readers(readers: &Readers) -> Vec<Value> {
    let one = |reader: &crate::fleet::Reader| {
        json!({
            "principal": reader.principal.to_string(),
            "recipients": reader.keys.iter().map(|key| key.recipient.as_str()).collect::<Vec<_>>(),
            "reasons": reader.reasons.iter().map(reason).collect::<Vec<_>>(),
        })
    };
    readers.readers.iter().map(one).collect()
}

fn left_out(readers: &Readers) -> Vec<Value> {
    let left = readers.left_out.iter();
    left.map(|left| json!({ "principal": left.principal.to_string(), "reason": reason(&left.reason) }))
        .collect()
}

fn reason(reason: &Reason) -> Value {
    json!({ "file": reason.file, "line": reason.line, "text": reason.text })
}
