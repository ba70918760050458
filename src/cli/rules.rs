//! `uvars rules`: .sops.yaml from the registry and the inventory, and why a path has the readers that it has.

use super::changes::{self, Changes, RULES};
use super::context::Context;
use super::document::Document;
use super::exit::Exit;
use super::ui::{Look, Ui};
use crate::error::{Error, Result};
use crate::fleet::{Fleet, Readers};
use crate::fs::{self, RepoPath, Root, Transaction};
use crate::rules::render;
use serde_json::json;
use similar::TextDiff;

/// Print the creation rules that follow from keys/ and uvars.yaml, write them to .sops.yaml, or check them
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Write .sops.yaml
    #[arg(long, conflicts_with_all = ["check", "explain"])]
    write: bool,
    /// Compare with .sops.yaml: a difference is printed, and exit 3
    #[arg(long, conflicts_with = "explain")]
    check: bool,
    /// Who reads this file, by which rule, and for which reasons (a path, or a short name: hosts/web1)
    #[arg(long, value_name = "PATH")]
    explain: Option<String>,
    /// Print JSON (with --explain)
    #[arg(long, requires = "explain")]
    json: bool,
    /// With --write: show what would be written, and write nothing
    #[arg(long, requires = "write")]
    dry_run: bool,
}

/// Prints, writes, checks or explains.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let root = context.fleet_root()?;
    if let Some(path) = &arguments.explain {
        let document = Document::locate(context, path)?;
        let (root, path) =
            document.in_fleet().ok_or_else(|| Error::usage("is not in the fleet").at(document.shown()))?;
        return explain(ui, root, path, arguments.json);
    }
    if arguments.write {
        let changes = Changes::begin(root.clone(), arguments.dry_run)?;
        let mut transaction = Transaction::new();
        changes::follow(&root, &mut transaction)?;
        changes.finish(ui, transaction)?;
        return Ok(Exit::Done);
    }
    let wanted = render(&Fleet::load(&root)?.rules()?);
    if arguments.check {
        return check(ui, &root, &wanted);
    }
    ui.bytes(wanted.as_bytes())?;
    Ok(Exit::Done)
}

fn check(ui: &mut Ui, root: &Root, wanted: &str) -> Result<Exit> {
    let there = root.read(&RepoPath::new(RULES)?)?.unwrap_or_default();
    let there = String::from_utf8_lossy(&there);
    let mut exit = Exit::Done;
    if fs::pending(root)? {
        ui.warn("an interrupted command waits to be put right");
        ui.hint("uvars recover");
        exit = Exit::OutOfDate;
    }
    if there != wanted {
        let diff = TextDiff::from_lines(&*there, wanted);
        let text =
            diff.unified_diff().context_radius(3).header(RULES, "what keys/ and uvars.yaml say").to_string();
        for line in text.lines() {
            let look = match line.as_bytes().first() {
                Some(b'+') => Some(Look::Good),
                Some(b'-') => Some(Look::Bad),
                _ => None,
            };
            let line = look.map_or_else(|| super::ui::shown(line), |look| ui.look(look, line));
            ui.ready(&line)?;
        }
        ui.hint("write it: uvars rules --write");
        exit = Exit::OutOfDate;
    }
    Ok(exit)
}

fn explain(ui: &mut Ui, root: &Root, path: &RepoPath, as_json: bool) -> Result<Exit> {
    let fleet = Fleet::load(root)?;
    let readers = fleet.readers(path).ok_or_else(|| {
        Error::new("the fleet has no such file, and its rules refuse to encrypt one").at(path).hint(
            "files of the fleet are users/, accounts/, handover/, hosts/, shared/ and bootstrap/ in secrets/",
        )
    })?;
    let rules = fleet.rules()?;
    let rule = rules.rules.iter().find(|rule| {
        crate::sops::go_regex(&rule.path_regex).is_ok_and(|regex| regex.is_match(path.as_str().as_bytes()))
    });
    let regex = rule.map(|rule| rule.path_regex.as_str());
    if as_json {
        ui.json(&describe(path, regex, &readers))?;
        return Ok(Exit::Done);
    }
    ui.line(path)?;
    ui.line(format!("  rule {}", regex.unwrap_or("(none: nobody reads it)")))?;
    for reader in &readers.readers {
        let name = ui.look(Look::Strong, &reader.principal);
        ui.ready(&format!("  {name}"))?;
        for key in &reader.keys {
            ui.line(format!("    {} ({}:{})", key.recipient, reader.principal.path(), key.line))?;
        }
        for reason in &reader.reasons {
            ui.line(format!("    because {reason}"))?;
        }
    }
    for left in &readers.left_out {
        ui.line(format!("  left out: {left}"))?;
    }
    Ok(Exit::Done)
}

fn describe(path: &RepoPath, regex: Option<&str>, readers: &Readers) -> serde_json::Value {
    let reason = |reason: &crate::fleet::Reason| json!({ "file": reason.file, "line": reason.line, "text": reason.text });
    let all: Vec<_> = readers
        .readers
        .iter()
        .map(|reader| {
            json!({
                "principal": reader.principal.to_string(),
                "recipients": reader.keys.iter().map(|key| key.recipient.as_str()).collect::<Vec<_>>(),
                "reasons": reader.reasons.iter().map(reason).collect::<Vec<_>>(),
            })
        })
        .collect();
    let left: Vec<_> = readers
        .left_out
        .iter()
        .map(|left| json!({ "principal": left.principal.to_string(), "reason": reason(&left.reason) }))
        .collect();
    json!({ "path": path.as_str(), "rule": regex, "readers": all, "left_out": left })
}
