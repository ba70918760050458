//! `uvars verify`: whether files are whole, without showing what is in them.

use super::context::Context;
use super::document::{Document, Opened};
use super::exit::Exit;
use super::format::Input;
use super::ui::{Look, Ui};
use crate::custody::Names;
use crate::error::{Error, Kind, Result};
use crate::fleet::Fleet;
use crate::keys::Ledger;
use crate::sops::{Drift, Mac};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

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
    #[command(flatten)]
    input: Input,
}

/// Checks.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let documents: Vec<Document> = arguments
        .files
        .iter()
        .map(|file| Document::locate(context, file)?.of_type(arguments.input.input_type))
        .collect::<Result<_>>()?;
    let keyring = context.keyring()?;
    let results: Vec<Result<Opened>> =
        documents.par_iter().map(|document| document.open(&keyring, Mac::Check)).collect();
    let known = Known::load(&documents, ui);
    if arguments.json {
        let each = documents.iter().zip(&results);
        let all: Vec<_> = each.map(|(document, result)| describe(&known, document, result)).collect();
        ui.json(&json!(all))?;
    } else {
        let mut said = BTreeSet::new();
        for (document, result) in documents.iter().zip(&results) {
            match result {
                Ok(opened) => {
                    opened.warn_of_clear_comments(ui);
                    warn_of(ui, document, &known.strangers(document, opened));
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

/// Who should read the files of the fleets that were named.
#[derive(Default)]
struct Known(BTreeMap<PathBuf, (Fleet, Ledger)>);

impl Known {
    /// A fleet that cannot be read keeps nobody from verifying: that is said.
    fn load(documents: &[Document], ui: &mut Ui) -> Self {
        let roots: BTreeMap<_, _> = documents
            .iter()
            .filter_map(|document| document.in_fleet())
            .map(|(root, _)| (root.dir().to_path_buf(), root))
            .collect();
        let mut known = Self::default();
        for (dir, root) in roots {
            match Fleet::load(root).and_then(|fleet| Ok((fleet, Ledger::read(root)?))) {
                Ok(fleet) => drop(known.0.insert(dir, fleet)),
                Err(error) => ui.warn(format!("who should read the files cannot be told: {error}")),
            }
        }
        known
    }

    /// The keys that a file of a fleet names and that are nobody's in it: by their names, where the ledger has one.
    fn strangers(&self, document: &Document, opened: &Opened) -> Vec<String> {
        let known = document.in_fleet().and_then(|(root, path)| Some((self.0.get(root.dir())?, path)));
        let Some(((fleet, ledger), path)) = known else { return Vec::new() };
        let Some(readers) = fleet.readers(path) else { return Vec::new() };
        let wanted: Vec<_> = readers.recipients().into_iter().cloned().collect();
        Names::of(fleet, ledger).of_drift(&Drift::of(&opened.file, &wanted)).1
    }
}

/// Says which keys open a file of the fleet that no registry knows.
fn warn_of(ui: &mut Ui, document: &Document, strangers: &[String]) {
    for stranger in strangers {
        let shown = document.shown();
        ui.warn(format!("{shown}: names {stranger} as a reader, which the fleet does not"));
    }
    if !strangers.is_empty() {
        ui.hint(format!("to take them out: {}", document.line("sync")));
    }
}

fn describe(known: &Known, document: &Document, result: &Result<Opened>) -> Value {
    match result {
        Ok(opened) => {
            let strangers = known.strangers(document, opened);
            json!({ "file": document.shown(), "status": "ok", "strangers": strangers })
        }
        Err(error) => {
            let status = if error.kind() == Kind::NoKey { "no-key" } else { "failed" };
            json!({ "file": document.shown(), "status": status, "error": error.to_string(), "hints": error.hints() })
        }
    }
}
