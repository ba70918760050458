//! docs/cli.md is what the program says of itself. `UVARS_UPDATE=1 cargo test --test cli_reference` writes it anew.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_reference_is_the_help() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let mut wanted = String::from("# Command line\n\nMade from the program's own help; a test holds it.\n");
    describe(&[], &mut wanted);
    if std::env::var_os("UVARS_UPDATE").is_some() {
        fs::write(&page, &wanted).unwrap();
    }
    let found = fs::read_to_string(&page).unwrap_or_default();
    assert!(found == wanted, "docs/cli.md is stale: UVARS_UPDATE=1 cargo test --test cli_reference");
}

#[test]
fn every_command_has_its_manual_page() {
    for path in commands(&[]) {
        let words: Vec<_> = path.iter().map(String::as_str).collect();
        let page = run(&[&["man"], &words[..]].concat());
        assert!(page.contains(".SH SYNOPSIS"), "uvars man {}", path.join(" "));
    }
}

/// Appends the help of the command at `path` and of all below it.
fn describe(path: &[String], page: &mut String) {
    let words: Vec<_> = path.iter().map(String::as_str).collect();
    let help = run(&[&words[..], &["--help"]].concat());
    let name = [&["uvars"], &words[..]].concat().join(" ");
    let tidy: Vec<_> = help.lines().map(str::trim_end).collect();
    write!(page, "\n## {name}\n\n```text\n{}\n```\n", tidy.join("\n").trim_end()).unwrap();
    for below in subcommands(&help) {
        describe(&[path, &[below]].concat(), page);
    }
}

fn commands(path: &[String]) -> Vec<Vec<String>> {
    let words: Vec<_> = path.iter().map(String::as_str).collect();
    let mut all = if path.is_empty() { Vec::new() } else { vec![path.to_vec()] };
    for below in subcommands(&run(&[&words[..], &["--help"]].concat())) {
        all.extend(commands(&[path, &[below]].concat()));
    }
    all
}

/// The names in the block `Commands:` of a help text.
fn subcommands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            line.strip_prefix("  ")?.split_whitespace().next().filter(|_| !line.starts_with("   "))
        })
        .map(String::from)
        .collect()
}

fn run(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_uvars")).args(arguments).env("COLUMNS", "100").output().unwrap();
    assert!(
        output.status.success(),
        "uvars {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
