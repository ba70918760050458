//! The command line of sops, held against the real one: each case runs with both programs in the same folder, one after
//! the other, and must end in the same output, exit codes and files, up to random bytes and times.
//!
//! The cases are the files of `cases/`; `case.rs` says how they are written. What differs on purpose says so with the
//! name of its row in docs/sops-cli.md, and must differ; a row without a case fails, and so does a case without a row.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod case;
#[path = "../peers/mod.rs"]
mod peers;
mod twin;

use case::Case;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use twin::Stage;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn cases() -> Vec<Case> {
    let mut files: Vec<_> =
        std::fs::read_dir(here("tests/sops_cli/cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let all: Vec<Case> = files.iter().flat_map(|file| case::read(file)).collect();
    let mut names = BTreeSet::new();
    for case in &all {
        assert!(names.insert(&case.name), "two cases are called {}", case.name);
    }
    all
}

/// The names in the table of differences.
fn rows() -> BTreeSet<String> {
    let page = std::fs::read_to_string(here("docs/sops-cli.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    rows.map(|(name, _)| name.to_owned()).filter(|name| !name.contains(' ')).collect()
}

#[test]
fn we_do_what_sops_does() {
    run("sops", |case| !case.only_old);
}

#[test]
fn we_do_what_the_release_before_did() {
    run("sops-3.11", |case| case.old || case.only_old);
}

/// Whether the program that a case needs is there.
fn can_run(case: &Case) -> bool {
    case.needs.as_deref().is_none_or(|program| peers::find(program).is_some())
}

fn run(peer: &str, wanted: impl Fn(&Case) -> bool) {
    let Some(sops) = peers::find(peer) else { return };
    let only = std::env::var("UVARS_TEST_CASE").unwrap_or_default();
    let cases: Vec<_> = cases()
        .into_iter()
        .filter(|case| wanted(case) && case.name.contains(&only) && can_run(case))
        .collect();
    let next = AtomicUsize::new(0);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let stage = Stage::new(&sops, peer != "sops");
                    let mut failed = Vec::new();
                    while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                        if let Err(why) = stage.compare(case) {
                            failed.push(format!("== {} ({})\n{why}", case.name, case.file));
                        }
                    }
                    failed
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{} of {} cases:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

#[test]
fn every_difference_has_its_row_and_its_case() {
    let rows = rows();
    let named: BTreeSet<String> = cases().into_iter().filter_map(|case| case.differs).collect();
    let silent: Vec<_> = named.difference(&rows).collect();
    let untried: Vec<_> = rows.difference(&named).collect();
    assert!(silent.is_empty(), "differences without a row in docs/sops-cli.md: {silent:?}");
    assert!(untried.is_empty(), "rows of docs/sops-cli.md without a case: {untried:?}");
}

#[test]
fn there_are_as_many_cases_as_were_asked_for() {
    assert!(cases().len() >= 150, "{}", cases().len());
}
