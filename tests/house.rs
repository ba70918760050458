//! The house rules that a compiler does not check: the direction of the rooms, headers, sizes, words.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn rooms_know_only_what_the_table_says() {
    let table = table();
    let mut wrong = Vec::new();
    for file in sources("src") {
        let Some(room) = room_of(&file) else { continue };
        let allowed =
            table.get(&room).unwrap_or_else(|| panic!("docs/architecture.md has no row for {room}"));
        for known in imports(&file) {
            let public = ["Error", "Result"].contains(&known.as_str()) && allowed.contains("error");
            if known != room && !allowed.contains(&known) && !public {
                wrong.push(format!("{}: {room} may not know {known}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_cycle() {
    let table = table();
    for (room, knows) in &table {
        for other in knows {
            assert!(table.contains_key(other), "{room} knows {other}, which has no row");
            assert!(!table[other].contains(room), "{room} and {other} know each other");
        }
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<_> = sources("src").into_iter().filter(|file| !text(file).starts_with("//!")).collect();
    assert!(silent.is_empty(), "no //! header: {silent:?}");
}

#[test]
fn no_file_is_too_long_to_read() {
    let long: Vec<_> = sources("src")
        .into_iter()
        .map(|file| (without_tests(&text(&file)).lines().count(), file))
        .filter(|(lines, _)| *lines > 500)
        .collect();
    assert!(long.is_empty(), "split these: {long:?}");
}

#[test]
fn no_word_of_unfinished_work() {
    let words = ["TODO", "FIXME", "XXX", "not built yet", "for now,", "placeholder for"];
    let mut found = Vec::new();
    for file in sources("src") {
        for (number, line) in text(&file).lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_glob_imports() {
    let mut found = Vec::new();
    for file in sources("src") {
        let globs = |line: &&str| line.trim().starts_with("use ") && line.ends_with("::*;");
        let text = text(&file);
        found.extend(
            without_tests(&text).lines().filter(globs).map(|line| format!("{}: {line}", file.display())),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = text(&Path::new(ROOT).join("Cargo.toml"));
    let mut section = "";
    let mut before = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && line.contains(" = ") {
            assert!(before.starts_with("# "), "no reason above: {line}");
        }
        before = line;
    }
}

/// Room → the rooms it may know.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let page = text(&Path::new(ROOT).join("docs/architecture.md"));
    page.lines()
        .filter_map(|line| {
            let cells: Vec<_> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            let [room, _, knows] = cells[..] else { return None };
            let named =
                room.chars().all(|c| c.is_ascii_lowercase()) && room != "room" && line.starts_with('|');
            named.then(|| (room.to_string(), knows.split_whitespace().map(String::from).collect()))
        })
        .collect()
}

fn room_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(Path::new(ROOT).join("src")).ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    let room = first.trim_end_matches(".rs");
    (!["main", "lib"].contains(&room)).then(|| room.to_string())
}

/// First path segments behind `crate::`, or as many `super::` as lead there, wherever they stand outside of tests and
/// comments.
fn imports(file: &Path) -> BTreeSet<String> {
    imports_of(&text(file), depth(file))
}

/// How many modules a file is below the root of the crate.
fn depth(file: &Path) -> usize {
    let inside = file.strip_prefix(Path::new(ROOT).join("src")).unwrap();
    inside.components().count() - usize::from(file.ends_with("mod.rs"))
}

fn imports_of(text: &str, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let code: String = without_tests(text)
        .split_inclusive('\n')
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.replace(&"super::".repeat(depth), "crate::");
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            let mut heads = Vec::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => heads.push(std::mem::take(&mut word)),
                    _ if depth == 0 => word.push(c),
                    _ => {}
                }
            }
            heads.push(word);
            found.extend(heads.iter().filter_map(|head| segment(head.trim())));
        } else {
            found.extend(segment(rest));
        }
    }
    found
}

#[test]
fn every_way_to_another_room_is_seen() {
    for (text, depth, rooms) in [
        ("use crate::fs::{Root, read};\ncrate::keys::generate()", 2, vec!["fs", "keys"]),
        ("use crate::{fs::Root, keys::{self, Class}};", 2, vec!["fs", "keys"]),
        ("use super::super::fleet as _;", 2, vec!["fleet"]),
        ("use super::fleet::Fleet;", 1, vec!["fleet"]),
        ("use super::super::tree::Leaf;\nuse super::dir::Open;", 3, vec![]),
        ("// use crate::fleet;\n#[cfg(test)]\nmod tests {\n    use crate::fleet;", 2, vec![]),
    ] {
        assert_eq!(imports_of(text, depth).into_iter().collect::<Vec<_>>(), rooms, "{text}");
    }
    assert_eq!(depth(&Path::new(ROOT).join("src/activate/mod.rs")), 1);
    assert_eq!(depth(&Path::new(ROOT).join("src/cli/key/add.rs")), 3);
}

fn segment(path: &str) -> Option<String> {
    let name: String = path.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

fn without_tests(text: &str) -> &str {
    let module = ["#[cfg(test)]\nmod tests", "#[cfg(test)]\npub(super) mod tests"];
    let start = module.iter().filter_map(|start| text.find(start)).min();
    start.and_then(|start| text.get(..start)).unwrap_or(text)
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(ROOT).join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
