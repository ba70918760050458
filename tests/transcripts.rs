//! What a person sees: short sessions on the sample fleet, one file a verb in `tests/transcripts/`, held to the byte.
//!
//! A session begins with a fresh copy of the sample fleet. In its file a line `# …` is for the reader; `as KEY` says
//! whose throw-away key the next commands have (`as nobody`: none); `$ …` is a command for the shell, in the fleet,
//! without a terminal; `~ …` the same, whose output is nobody's affair as long as it succeeds. What follows is what
//! it said: standard output behind `> `, then standard error behind `! `, a missing line end at the end of standard
//! output as `(no line end)`, and the exit code, unless it is 0, as `[exit 4]`.
//!
//! What differs from run to run is masked: age keys (`age1…`, `AGE-SECRET-KEY-1…`), encrypted values (`ENC[…]`), times
//! (`TIME`), password hashes (`HASH`), six random words (`WORDS`), SHA-256 digests (`DIGEST`), and the folders of the
//! fleet (`FLEET`), of the throw-away keys (`KEYS`) and of the person (`HOME`).
//!
//! `UVARS_UPDATE=1` writes the files anew: read the difference before you commit it.

#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod peers;
mod sample_fleet;

use sample_fleet::{Fleet, key};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[test]
fn every_session_says_what_it_said() {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let sessions: Vec<(PathBuf, String, String)> = std::thread::scope(|scope| {
        let running: Vec<_> = files.into_iter().map(|file| scope.spawn(move || play(&file))).collect();
        running.into_iter().map(|session| session.join().unwrap()).collect()
    });
    if std::env::var_os("UVARS_UPDATE").is_some_and(|value| value == "1") {
        for (file, _, now) in &sessions {
            fs::write(file, now).unwrap();
        }
        return;
    }
    let mut differences = String::new();
    for (file, then, now) in sessions.iter().filter(|(_, then, now)| then != now) {
        let first = then.lines().zip(now.lines()).position(|(then, now)| then != now);
        let at = first.unwrap_or_else(|| then.lines().count().min(now.lines().count()));
        let (then, now) = (then.lines().nth(at), now.lines().nth(at));
        let (then, now) = (then.unwrap_or("(the end)"), now.unwrap_or("(the end)"));
        writeln!(differences, "{}:{}:\n  was: {then}\n  is:  {now}", file.display(), at + 1).unwrap();
    }
    assert!(
        differences.is_empty(),
        "{differences}where that is right: UVARS_UPDATE=1 cargo test --test transcripts"
    );
}

#[test]
fn every_verb_has_a_session() {
    let output = Command::new(env!("CARGO_BIN_EXE_uvars")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let verbs = commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs: Vec<_> = verbs.map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(verbs.len() > 20, "{verbs:?}");
    for verb in verbs {
        let session = folder().join(format!("{verb}.txt"));
        let text =
            fs::read_to_string(&session).unwrap_or_else(|error| panic!("{}: {error}", session.display()));
        assert!(text.contains(&format!("uvars {verb}")), "{}", session.display());
    }
}

fn folder() -> PathBuf {
    Path::new(sample_fleet::ROOT).join("tests/transcripts")
}

/// Runs a session; its file, what that says, and what it should say now.
fn play(file: &Path) -> (PathBuf, String, String) {
    let then = fs::read_to_string(file).unwrap();
    let fleet = Fleet::copy();
    // in memory, and theirs alone: a home with its runtime folder
    let home = tempfile::tempdir_in("/dev/shm").unwrap();
    fs::create_dir(home.path().join("runtime")).unwrap();
    fs::set_permissions(home.path().join("runtime"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir(home.path().join("bin")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_uvars"), home.path().join("bin/uvars")).unwrap();
    let masks = Masks::new(&fleet, home.path());
    let mut who = None;
    let mut now = String::new();
    // what was said then is passed over
    for line in then.lines().filter(|line| {
        ["# ", "$ ", "~ ", "as "].iter().any(|start| line.starts_with(start)) || line.is_empty()
    }) {
        now.push_str(line);
        now.push('\n');
        if let Some(name) = line.strip_prefix("as ") {
            who = (name != "nobody").then(|| key(name));
        } else if let Some(command) = line.strip_prefix("$ ") {
            now.push_str(&masks.hide(&run(command, &fleet, home.path(), who.as_deref())));
        } else if let Some(command) = line.strip_prefix("~ ") {
            let said = run(command, &fleet, home.path(), who.as_deref());
            assert!(!said.contains("[exit "), "{}: {command}: {said}", file.display());
        }
    }
    (file.to_path_buf(), then, now)
}

fn run(line: &str, fleet: &Fleet, home: &Path, who: Option<&Path>) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("setsid");
    shell.args(["--wait", "bash", "-c", line]).current_dir(fleet.dir()).stdin(Stdio::null()).env_clear();
    shell.env("PATH", format!("{}:{path}", home.join("bin").display())).env("HOME", home);
    shell.env("XDG_RUNTIME_DIR", home.join("runtime"));
    shell.env("GIT_CONFIG_COUNT", "2").env("LC_ALL", "C.UTF-8");
    for (at, (name, value)) in [("user.name", "test"), ("user.email", "test@example.org")].iter().enumerate()
    {
        shell.env(format!("GIT_CONFIG_KEY_{at}"), name).env(format!("GIT_CONFIG_VALUE_{at}"), value);
    }
    if let Some(who) = who {
        shell.env("SOPS_AGE_KEY_FILE", who);
    }
    let output = shell.output().unwrap();
    let mut said = String::new();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for (mark, line) in out.lines().map(|line| ('>', line)).chain(err.lines().map(|line| ('!', line))) {
        writeln!(said, "{}", format!("{mark} {line}").trim_end()).unwrap();
    }
    if !out.is_empty() && !out.ends_with('\n') {
        said.push_str("(no line end)\n");
    }
    match output.status.code() {
        Some(0) => {}
        Some(code) => writeln!(said, "[exit {code}]").unwrap(),
        None => writeln!(said, "[{}]", output.status).unwrap(),
    }
    said
}

/// What differs from run to run.
struct Masks {
    folders: Vec<(String, &'static str)>,
}

impl Masks {
    fn new(fleet: &Fleet, home: &Path) -> Self {
        let keys = Path::new(sample_fleet::ROOT).join("tests/fixtures/throw-away-keys");
        let mut folders = Vec::new();
        for (path, name) in [(fleet.dir(), "FLEET"), (home, "HOME"), (&keys, "KEYS")] {
            folders.push((fs::canonicalize(path).unwrap().display().to_string(), name));
            folders.push((path.display().to_string(), name));
        }
        Self { folders }
    }

    fn hide(&self, text: &str) -> String {
        let text = self.folders.iter().fold(text.to_owned(), |text, (path, name)| text.replace(path, name));
        let mut hidden = String::new();
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            // a mask begins where a word does
            let inside = hidden.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
            let found = if inside { None } else { masked(rest) };
            let (length, shown) = found.unwrap_or((first.len_utf8(), &rest[..first.len_utf8()]));
            hidden.push_str(shown);
            rest = &rest[length..];
        }
        hidden
    }
}

/// How many bytes are masked here, and by what.
fn masked(text: &str) -> Option<(usize, &'static str)> {
    let run = |text: &str, of: fn(char) -> bool| text.find(|c| !of(c)).unwrap_or(text.len());
    let word = |c: char| c.is_ascii_alphanumeric();
    let lower = |c: char| c.is_ascii_lowercase();
    if let Some(end) = text.strip_prefix("age1pq1…") {
        return Some(("age1pq1…".len() + run(end, word), "age1pq1…"));
    }
    if text.starts_with("age1") && run(text, word) >= 58 {
        return Some((run(text, word), "age1…"));
    }
    if text.starts_with("AGE-SECRET-KEY-1") {
        let end = run(text, |c| c.is_ascii_alphanumeric() || c == '-');
        return (end > 40).then_some((end, "AGE-SECRET-KEY-1…"));
    }
    if text.starts_with("ENC[") {
        return Some((text.find(']')? + 1, "ENC[…]"));
    }
    if ["$y$", "$6$", "$2b$"].iter().any(|start| text.starts_with(start)) {
        return Some((run(text, |c| c.is_ascii_alphanumeric() || "$./".contains(c)), "HASH"));
    }
    let digits = run(text, |c| c.is_ascii_digit());
    if digits == 4 && text[4..].starts_with('-') {
        let end = run(text, |c| c.is_ascii_digit() || "-:TZ.+".contains(c));
        let end = text[..end].trim_end_matches([':', '.']).len();
        if end >= 20 && text[..end].contains('T') {
            return Some((end, "TIME"));
        }
    }
    let hex = run(text, |c| c.is_ascii_hexdigit());
    if hex == 64 {
        return Some((64, "DIGEST"));
    }
    let words = run(text, |c| c.is_ascii_lowercase() || c == '-');
    let dashed = text[..words].split('-').filter(|part| part.len() > 2 && run(part, lower) == part.len());
    (dashed.count() >= 5 && text[..words].matches('-').count() >= 5).then_some((words, "WORDS"))
}

#[test]
fn masks_hide_what_differs_and_nothing_else() {
    let masks = Masks { folders: vec![("/tmp/x".to_owned(), "FLEET")] };
    let age = format!("age1{}", "q".repeat(58));
    for (text, shown) in [
        (format!("+ users/jon ({age})"), "+ users/jon (age1…)"),
        ("users/jon  age1pq1…qpzry9x8gf2t".to_owned(), "users/jon  age1pq1…"),
        ("at 2026-11-21T15:54:51Z:".to_owned(), "at TIME:"),
        ("a: ENC[AES256_GCM,data:x] b".to_owned(), "a: ENC[…] b"),
        ("/tmp/x/secrets".to_owned(), "FLEET/secrets"),
        ("carat-generic-astound-implosion-grew-antsy".to_owned(), "WORDS"),
        (
            "uid 1001, 0400, ssh-ed25519, run uvars key add".to_owned(),
            "uid 1001, 0400, ssh-ed25519, run uvars key add",
        ),
        ("2024-01-02".to_owned(), "2024-01-02"),
        ("$y$j9T$abc/.$def.".to_owned(), "HASH"),
    ] {
        assert_eq!(masks.hide(&text), shown);
    }
}
