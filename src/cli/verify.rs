//! `uvars verify`: whether files are whole, without showing what is in them.

use super::context::Context;
use super::document::{Document, Opened};
use super::exit::Exit;
use super::ui::{Look, Ui};
use crate::error::{Error, Kind, Result};
use crate::sops::Mac;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde_json::json;
use std::collections::BTreeSet;

/// Check that encrypted files are whole: every value opens, the MAC fits, and each is in its place
///
/// Nothing of the contents is shown. Files that no key at hand opens are named; exit 4 if there are only such, 1 if
/// any is damaged.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Paths, or short names: users/jon, hosts/web1, shared/wifi
    #[arg(required = true)]
    files: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Checks.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let documents: Vec<Document> =
        arguments.files.iter().map(|file| Document::locate(context, file)).collect::<Result<_>>()?;
    let keyring = context.keyring();
    let results: Vec<Result<Opened>> =
        documents.par_iter().map(|document| document.open(&keyring, Mac::Check)).collect();
    if arguments.json {
        let all: Vec<_> =
            documents.iter().zip(&results).map(|(document, result)| describe(document, result)).collect();
        ui.json(&json!(all))?;
    } else {
        let mut said = BTreeSet::new();
        for (document, result) in documents.iter().zip(&results) {
            match result {
                Ok(opened) => {
                    opened.warn_of_clear_comments(ui);
                    warn_of_others(ui, document, opened);
                    let word = ui.look(Look::Good, "ok");
                    ui.ready(&format!("{word} {}", super::ui::shown(document.shown())))?;
                }
                Err(error) => ui.error_with(error, |hint| said.insert(hint.to_owned())),
            }
        }
    }
    let failed = |error: &Error| error.kind() != Kind::NoKey;
    if results.iter().filter_map(|result| result.as_ref().err()).any(failed) {
        return Ok(Exit::Partly);
    }
    Ok(if results.iter().any(Result::is_err) { Exit::NoKey } else { Exit::Done })
}

/// Says which keys open a file of the fleet that no registry knows: they are no age keys.
fn warn_of_others(ui: &mut Ui, document: &Document, opened: &Opened) {
    if let Some(path) = document.bound_path() {
        for other in opened.file.metadata().others() {
            ui.warn(format!("{path}: {other} opens it too, which is no reader that a fleet has"));
            ui.hint(format!("to take it out: uvars sync {path}"));
        }
    }
}

fn describe(document: &Document, result: &Result<Opened>) -> serde_json::Value {
    match result {
        Ok(_) => json!({ "file": document.shown(), "status": "ok" }),
        Err(error) => {
            let status = if error.kind() == Kind::NoKey { "no-key" } else { "failed" };
            json!({ "file": document.shown(), "status": status, "error": error.to_string(), "hints": error.hints() })
        }
    }
}
