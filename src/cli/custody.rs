//! How a plan over many encrypted files is shown, and how it ends.

use super::changes::Changes;
use super::context::Context;
use super::exit::Exit;
use super::tracked::git_line;
use super::ui::{Look, Ui};
use crate::custody::{Blocked, FileChange, Plan, Shared, What};
use crate::error::{Error, Result};
use crate::fs::Root;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Makes errors of the files that were named and that the fleet has no more, or never had: nothing is done to them.
pub(super) fn refuse_orphans(context: &Context, root: &Root, plan: &mut Plan) {
    let orphans = std::mem::take(&mut plan.orphans);
    plan.refused.extend(orphans.into_iter().map(|path| {
        if matches!(root.read(&path), Ok(None)) {
            return Error::new("no such file").at(&path);
        }
        let place = root.path(&path).unwrap_or_else(|_| root.dir().join(path.as_str()));
        Error::new("the fleet has no such file any more, so it was left as it is")
            .at(&path)
            .hint(format!("if it is wanted no more: {}", git_line(context, "rm", &[place])))
            .hint("else say in uvars.yaml what it is for")
    }));
}

/// Shows the plan, writes it unless this is a dry run, and says what was left. `again` is the verb by which somebody
/// who has the key for the rest does it.
pub(super) fn carry_out(
    changes: Changes,
    ui: &mut Ui,
    plan: Plan,
    again: &str,
    as_json: bool,
) -> Result<Exit> {
    let dry = changes.is_dry();
    let Plan { transaction, files, blocked, refused, orphans, strays, notes } = plan;
    // written first: what is said to have happened has happened
    let report = changes.finish_quietly(ui, transaction)?;
    let created = report.created.iter().map(|path| (path, "create", Look::Good));
    let replaced = report.replaced.iter().map(|path| (path, "change", Look::Care));
    let removed = report.removed.iter().map(|path| (path, "remove", Look::Bad));
    let mut others: Vec<_> = created.chain(replaced).chain(removed).collect();
    others.retain(|(path, ..)| !files.iter().any(|file| file.path == **path));
    others.sort_by_key(|(path, ..)| *path);
    if as_json {
        let value = json!({
            "dry_run": dry,
            "files": files.iter().map(describe).collect::<Vec<_>>(),
            "others": others.iter().map(|(path, ..)| path.to_string()).collect::<Vec<_>>(),
            "blocked": blocked.iter().map(describe_blocked).collect::<Vec<_>>(),
            "refused": refused.iter().map(|error| json!({ "error": error.to_string(), "hints": error.hints() })).collect::<Vec<_>>(),
            "orphans": orphans.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "strays": strays.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "notes": notes,
        });
        ui.json(&value)?;
    } else {
        for (path, word, look) in &others {
            let word = ui.look(*look, word);
            ui.ready(&format!("{word} {path}"))?;
        }
        for file in &files {
            show(ui, file)?;
        }
        if files.is_empty() && others.is_empty() && blocked.is_empty() && refused.is_empty() {
            ui.line("every file has the readers it should have")?;
        }
        for note in &notes {
            ui.note(note);
        }
        for path in &orphans {
            ui.warn(format!("{path}: the fleet has no such file any more, so it was left as it is"));
        }
        for path in &strays {
            ui.warn(format!(
                "{path}: is no file of the fleet by its path, so nothing looks after its readers"
            ));
        }
        if !strays.is_empty() {
            ui.hint("move it to secrets/{users,hosts,shared}/NAME.sops.yaml, then uvars bind it; or out of secrets/");
        }
        if dry && !report.is_empty() {
            ui.note("nothing was written: this was a dry run");
        }
    }
    let seen: Vec<&FileChange> = files.iter().filter(|file| !file.lost.is_empty()).collect();
    if !seen.is_empty() && !as_json {
        ui.note("who was taken out has seen the values until now; where that matters, change them:");
        for file in seen {
            ui.note(format!("  {}: {}", file.path, file.lost.join(", ")));
        }
    }
    for error in &refused {
        ui.error(error);
    }
    for file in &blocked {
        tell_blocked(ui, file, again);
    }
    Ok(match (refused.is_empty(), blocked.is_empty()) {
        (false, _) => Exit::Partly,
        // the plan was asked for, and it was shown
        (true, false) if dry => Exit::Done,
        (true, false) => Exit::NoKey,
        (true, true) => Exit::Done,
    })
}

/// Who can do what the runner could not.
fn tell_blocked(ui: &mut Ui, file: &Blocked, again: &str) {
    let line = if again == "sync" { "uvars sync".to_owned() } else { format!("uvars {again} {}", file.path) };
    if let Some(Shared { groups, needed }) = &file.shared {
        let path = &file.path;
        let all = groups.len();
        ui.warn(format!("{path}: left as it is: it takes keys of {needed} of its {all} key groups together"));
        for (group, number) in groups.iter().zip(1..) {
            let who = if group.is_empty() { "nobody any more".to_owned() } else { group.join(", ") };
            ui.hint(format!("key group {number} is opened by {who}"));
        }
        ui.hint(format!("with their keys on one machine: {line} --identity FILE --identity FILE"));
        return;
    }
    ui.warn(format!("{}: left as it is: no key at hand opens it", file.path));
    let lines = file.holders.iter().map(|holder| match holder.split_once('/') {
        Some((_, name)) => format!("{}: run {line}", name.split(' ').next().unwrap_or(name)),
        None => format!("whoever has {holder}: run {line}"),
    });
    // one person may hold a key in two offices
    let mut said = BTreeSet::new();
    for line in lines.filter(|line| said.insert(line.clone())) {
        ui.hint(line);
    }
    for other in &file.others {
        ui.hint(format!("whoever has {other}: run sops updatekeys -y {}", file.path));
    }
}

fn describe_blocked(file: &Blocked) -> Value {
    let mut value = json!({ "file": file.path.as_str(), "holders": file.holders });
    if let (Some(shared), Some(fields)) = (&file.shared, value.as_object_mut()) {
        fields.insert("key_groups".to_owned(), json!(shared.groups));
        fields.insert("needed".to_owned(), json!(shared.needed));
    }
    value
}

fn show(ui: &mut Ui, file: &FileChange) -> Result<()> {
    let (look, word) = match file.what {
        What::Wrapped => (Look::Good, "wrap  "),
        What::Renewed => (Look::Care, "renew "),
        What::Bound => (Look::Care, "bind  "),
        What::Deleted => (Look::Bad, "delete"),
    };
    let word = ui.look(look, word);
    let gained = file.gained.iter().map(|name| format!(" +{name}"));
    let lost = file.lost.iter().map(|name| format!(" -{name}"));
    let readers: String = gained.chain(lost).collect();
    ui.ready(&format!("{word} {}{}", file.path, super::ui::shown(&readers)))
}

fn describe(file: &FileChange) -> Value {
    let what = match file.what {
        What::Wrapped => "wrap",
        What::Renewed => "renew",
        What::Bound => "bind",
        What::Deleted => "delete",
    };
    json!({ "file": file.path.as_str(), "what": what, "gained": file.gained, "lost": file.lost })
}
