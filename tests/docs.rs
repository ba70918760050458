//! What README.md and docs/ show is what the program does.
//!
//! A fenced block whose first word is `console` is run: lines with `$ ` are typed into one bash, in order, and what
//! follows each is compared with what it prints, standard error included. `…` stands for any text in a line, and for
//! any number of lines where it stands alone. Further words of the fence: `sample` begins anew in a copy of the sample
//! fleet, `empty` in an empty git repository; without either a block goes on where the one before it ended. `sops` says
//! that the block needs real sops and is left out where there is none. A command that fails must be shown to fail: by
//! an error or a warning, or by its exit code (`; echo $?`).
#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod peers;
mod sample_fleet;

use sample_fleet::{Fleet, ROOT};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A line that is typed, and what the page says comes back.
#[derive(Clone, Debug)]
struct Shown {
    page: String,
    line: usize,
    typed: String,
    printed: Vec<String>,
}

/// Lines that are typed into one shell.
struct Session {
    sample: bool,
    commands: Vec<Shown>,
}

#[test]
fn what_pages_show_is_what_happens() {
    let mut wrong = String::new();
    let mut count = 0;
    std::thread::scope(|scope| {
        let sessions: Vec<Session> = pages().iter().flat_map(|page| sessions(page)).collect();
        count = sessions.iter().map(|session| session.commands.len()).sum();
        let running: Vec<_> =
            sessions.into_iter().map(|session| scope.spawn(move || run(&session))).collect();
        for one in running {
            wrong.push_str(&one.join().unwrap());
        }
    });
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 20, "only {count} commands were found in the pages");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.contains("://") || target.is_empty() {
                continue;
            }
            if !page.parent().unwrap().join(target).exists() {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_field_of_the_inventory_is_explained() {
    let schema = Command::new(env!("CARGO_BIN_EXE_uvars")).arg("schema").output().unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    let mut names = Vec::new();
    properties(&schema, &mut names);
    assert!(names.len() > 30, "{names:?}");
    explained_in("docs/fleet.md", &names);
}

#[test]
fn every_option_of_the_nix_modules_is_explained() {
    let options = ["nixos.nix", "home.nix"].into_iter().flat_map(|module| {
        let text = fs::read_to_string(Path::new(ROOT).join("nix").join(module)).unwrap();
        let names = text.lines().filter_map(|line| {
            line.trim()
                .strip_suffix(" = mkOption {")
                .map(|name| name.trim_start_matches("options.").to_owned())
        });
        names.collect::<Vec<_>>()
    });
    let names: Vec<String> = options.collect();
    assert!(names.len() > 8, "{names:?}");
    explained_in("docs/nix.md", &names);
}

#[test]
fn examples_in_help_can_be_meant() {
    let mut helps = Vec::new();
    help(&mut Vec::new(), &mut helps);
    let text = helps.join("\n");
    let examples: Vec<&str> = text
        .lines()
        .skip_while(|line| *line != "Examples:")
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')))
        .filter_map(|line| line.find("uvars ").and_then(|at| line.get(at..)))
        .filter_map(|line| line.split("  ").next()?.split(" | ").next())
        .collect();
    assert!(examples.len() > 20, "{examples:?}");
    let empty = tempfile::tempdir().unwrap();
    for example in examples {
        let output = Command::new("bash")
            .args(["-c", example])
            .current_dir(empty.path())
            .env_clear()
            .envs([("HOME", empty.path())])
            .env("PATH", search_path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|code| code < 2), "{example}: {told}");
    }
}

/// The help of a command and of all below it.
fn help(words: &mut Vec<String>, helps: &mut Vec<String>) {
    let output = Command::new(env!("CARGO_BIN_EXE_uvars")).args(&*words).arg("--help").output().unwrap();
    assert!(output.status.success(), "{words:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let commands =
        text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let verbs: Vec<String> = commands
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')))
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect();
    helps.push(text);
    for verb in verbs {
        words.push(verb);
        help(words, helps);
        words.pop();
    }
}

fn explained_in(page: &str, names: &[String]) {
    let text = fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
    let missing: Vec<_> = names.iter().filter(|name| !text.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{page} does not explain {missing:?}");
}

/// The names of all properties of a schema.
fn properties(schema: &serde_json::Value, names: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(fields) => {
            if let Some(serde_json::Value::Object(found)) = fields.get("properties") {
                names.extend(found.keys().cloned());
            }
            fields.values().for_each(|value| properties(value, names));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| properties(item, names)),
        _ => {}
    }
}

/// README.md and the pages of docs/.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    let mut pages: Vec<_> =
        fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
    pages.sort();
    pages.insert(0, root.join("README.md"));
    pages
}

/// What a page wants typed.
fn sessions(page: &Path) -> Vec<Session> {
    let text = fs::read_to_string(page).unwrap();
    let name = page.strip_prefix(ROOT).unwrap().display().to_string();
    let with_sops = peers::find("sops").is_some();
    let mut sessions: Vec<Session> = Vec::new();
    let mut inside = None;
    for (at, line) in text.lines().enumerate() {
        match (&inside, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let words: Vec<_> = info.split_whitespace().collect();
                let run = words.first() == Some(&"console") && (with_sops || !words.contains(&"sops"));
                if run && (words.contains(&"sample") || words.contains(&"empty")) {
                    sessions.push(Session { sample: words.contains(&"sample"), commands: Vec::new() });
                }
                inside = Some(run);
            }
            (Some(_), Some(_)) => inside = None,
            (Some(true), None) => {
                let session = sessions.last_mut();
                let session = session.unwrap_or_else(|| panic!("{name}:{}: sample or empty?", at + 1));
                read_line(session, &name, at + 1, line);
            }
            _ => {}
        }
    }
    assert!(inside.is_none(), "{name}: a block has no end");
    sessions
}

fn read_line(session: &mut Session, page: &str, line: usize, text: &str) {
    if let Some(typed) = text.strip_prefix("$ ") {
        let typed = typed.to_owned();
        session.commands.push(Shown { page: page.to_owned(), line, typed, printed: Vec::new() });
        return;
    }
    let shown = session.commands.last_mut().unwrap_or_else(|| panic!("{page}:{line}: no command yet"));
    match text.strip_prefix("> ").filter(|_| shown.printed.is_empty()) {
        Some(more) => {
            shown.typed.push('\n');
            shown.typed.push_str(more);
        }
        None => shown.printed.push(text.to_owned()),
    }
}

/// Types everything into one shell, and tells what came out otherwise than it is shown.
fn run(session: &Session) -> String {
    let home = tempfile::tempdir().unwrap();
    let fleet = session.sample.then(sample);
    let empty = tempfile::tempdir().unwrap();
    let folder = fleet.as_ref().map_or(empty.path(), Fleet::dir);
    if fleet.is_none() {
        assert!(
            Command::new("git")
                .args(["init", "-q", "-b", "main"])
                .current_dir(folder)
                .status()
                .unwrap()
                .success()
        );
    }
    let script: String = session.commands.iter().fold(String::from("exec 2>&1\n"), |script, shown| {
        script + &shown.typed + "\nprintf '\\001%d\\002' $?\n"
    });
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder)
        .env_clear()
        .envs([("HOME", home.path()), ("TMPDIR", home.path())])
        .env("PATH", search_path())
        .envs([("GIT_AUTHOR_NAME", "mira"), ("GIT_AUTHOR_EMAIL", "mira@example.org")])
        .envs([("GIT_COMMITTER_NAME", "mira"), ("GIT_COMMITTER_EMAIL", "mira@example.org")])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut rest = text.as_str();
    let mut wrong = String::new();
    for shown in &session.commands {
        let Some((printed, after)) = rest.split_once('\u{1}') else {
            let _ =
                writeln!(wrong, "{}:{}: {}\nthe shell ended: {rest}", shown.page, shown.line, shown.typed);
            break;
        };
        let (code, after) = after.split_once('\u{2}').unwrap();
        rest = after;
        compare(shown, printed, code, &mut wrong);
    }
    wrong
}

fn compare(shown: &Shown, printed: &str, code: &str, wrong: &mut String) {
    let lines: Vec<&str> = printed.lines().collect();
    let wanted: Vec<&str> = shown.printed.iter().map(String::as_str).collect();
    let told =
        lines.iter().any(|line| line.starts_with("uvars: error") || line.starts_with("uvars: warning"));
    if !fits(&wanted, &lines) || (code != "0" && !told) {
        let _ = writeln!(
            wrong,
            "{}:{}: $ {}\n--- exit {code}, and it printed:\n{}\n",
            shown.page,
            shown.line,
            shown.typed,
            printed.trim_end_matches('\n')
        );
    }
}

/// Whether the lines are as shown.
fn fits(wanted: &[&str], lines: &[&str]) -> bool {
    match wanted.split_first() {
        None => lines.is_empty(),
        Some((&"…", rest)) => {
            (0..=lines.len()).any(|skipped| fits(rest, lines.get(skipped..).unwrap_or_default()))
        }
        Some((first, rest)) => {
            lines.split_first().is_some_and(|(line, others)| line_fits(first, line) && fits(rest, others))
        }
    }
}

fn line_fits(wanted: &str, line: &str) -> bool {
    let mut parts = wanted.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[test]
fn the_comparison_can_fail() {
    assert!(line_fits("a … c", "a b c") && line_fits("a…", "a") && line_fits("", ""));
    assert!(!line_fits("a … c", "a b d") && !line_fits("a", "ab") && !line_fits("", "x"));
    assert!(fits(&["a", "…"], &["a"]) && fits(&["…", "b"], &["a", "a", "b"]));
    assert!(!fits(&["a"], &["a", "b"]) && !fits(&["a", "b"], &["a"]));
}

/// The sample fleet with its throw-away keys, as a clone of the repository has them.
fn sample() -> Fleet {
    let fleet = Fleet::copy();
    let keys = "tests/fixtures/throw-away-keys";
    for name in sample_fleet::keys() {
        let to = fleet.path(keys).join(&name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(sample_fleet::key(&name), to).unwrap();
    }
    fleet.commit();
    fleet
}

fn search_path() -> std::ffi::OsString {
    let mut folders = vec![Path::new(env!("CARGO_BIN_EXE_uvars")).parent().unwrap().to_owned()];
    folders.extend(peers::find("sops").and_then(|sops| Some(sops.parent()?.to_owned())));
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    std::env::join_paths(folders).unwrap()
}
