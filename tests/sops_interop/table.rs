//! The differences that docs/formats.md and docs/yaml.md name, in the last column of their tables.
//!
//! There stand inputs with how they differ (`cut-value.ini` refused), inputs that must not differ (`plain.ini`), and
//! the names of tests that hold what no input can show.

use crate::matrix::{Kind, inputs};
use std::collections::BTreeSet;
use std::path::Path;

/// One input of every format, with which all readers are tried.
pub const TYPICAL: [&str; 5] = ["types.yaml", "types.json", "plain.env", "plain.ini", "all.bin"];

const PAGES: [&str; 2] = ["docs/formats.md", "docs/yaml.md"];

/// What the last column of tables with such rows is called.
const COLUMN: &str = "held by";

/// A name with what stands behind it.
struct Held {
    name: String,
    kinds: Vec<Kind>,
}

/// Every input that is named, with every way in which it differs.
pub fn differences() -> BTreeSet<(String, Kind)> {
    held()
        .into_iter()
        .flat_map(|held| held.kinds.into_iter().map(move |kind| (held.name.clone(), kind)))
        .collect()
}

/// The differences of some kinds that the tables do not name, and those that they name in vain.
pub fn compare(seen: &BTreeSet<(String, Kind)>, of: &[Kind]) -> (Vec<String>, Vec<String>) {
    let named: BTreeSet<_> = differences().into_iter().filter(|(_, kind)| of.contains(kind)).collect();
    let shown = |(name, kind): &(String, Kind)| format!("`{name}` {kind}");
    (seen.difference(&named).map(shown).collect(), named.difference(seen).map(shown).collect())
}

fn held() -> Vec<Held> {
    PAGES.iter().flat_map(|page| rows(&read(page))).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn rows(page: &str) -> Vec<Held> {
    let (mut found, mut inside) = (Vec::new(), false);
    for line in page.lines() {
        let Some(row) = line.strip_prefix('|') else {
            inside = false;
            continue;
        };
        let cell = row.trim_end().trim_end_matches('|').rsplit('|').next().unwrap().trim();
        if cell == COLUMN {
            inside = true;
        } else if inside && !cell.starts_with("---") {
            let before = found.len();
            found.extend(cell.split(';').map(entry));
            assert!(found.len() > before, "{line}");
        }
    }
    found
}

fn entry(text: &str) -> Held {
    let (name, kinds) = text
        .trim()
        .strip_prefix('`')
        .and_then(|text| text.split_once('`'))
        .unwrap_or_else(|| panic!("no `name` with its differences: {text}"));
    let kind = |word: &str| {
        let found = Kind::ALL.iter().find(|(_, name)| *name == word);
        found.unwrap_or_else(|| panic!("{name}: {word} is no way to differ")).0
    };
    Held {
        name: name.to_owned(),
        kinds: kinds.split([',', ' ']).filter(|word| !word.is_empty()).map(kind).collect(),
    }
}

#[test]
fn what_the_tables_name_is_there() {
    let inputs: BTreeSet<String> = inputs().into_iter().map(|input| input.name).collect();
    let sources = sources(Path::new(env!("CARGO_MANIFEST_DIR")));
    let held = held();
    assert!(held.len() > 40);
    for Held { name, kinds } in held {
        let is_test = kinds.is_empty() && sources.contains(&format!("fn {name}()"));
        assert!(inputs.contains(&name) || is_test, "docs name {name}, which is neither an input nor a test");
    }
}

/// All code with tests in it.
fn sources(root: &Path) -> String {
    let (mut text, mut folders) = (String::new(), vec![root.join("src"), root.join("tests")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}
