//! Files of the real world, as packages brought them to this machine: what real sops encrypts we decrypt, what we encrypt
//! sops decrypts, and both come to the same.
//!
//! They are looked for where cargo, go, pip, npm and apt put things, found anew at every run, and taken in an order that
//! says nothing and is another for each `UVARS_TEST_SEED`. Some of every format are tried, ten times as many with `UVARS_DEEP=1`: a
//! machine may have any number of them.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod peers;

use rayon::prelude::{IntoParallelRefIterator as _, ParallelIterator as _};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use tempfile::TempDir;
use uvars::keys::{IdentitySources, Keyring, Programs};
use uvars::sops::{Encrypted, Format, Plain, Rules};

/// How many of each format are tried; more of all where too few of these can be encrypted.
const SHARES: [(Format, usize); 4] =
    [(Format::Yaml, 300), (Format::Json, 240), (Format::Ini, 260), (Format::Dotenv, 100)];

/// How many must have been encrypted and decrypted by both.
const LEAST: usize = 500;

/// Larger files say nothing that smaller ones do not.
const LARGEST: u64 = 64 * 1024;

/// What we refuse and sops does not, by the words of the refusal, with the input of `tests/sops_interop` under which the
/// tables of docs/formats.md and docs/yaml.md have it.
const REFUSED: [(&str, &str); 10] = [
    ("a value has ; or # in it, where sops would cut it off", "cut-value.ini"),
    ("a name stands twice in its section", "name-twice.ini"),
    ("the name - means the next number", "number-name.ini"),
    ("something stands behind a section, which sops would drop", "text-behind-section.ini"),
    ("something stands behind a value in quotes, which sops would drop", "text-behind-quotes.ini"),
    ("something stands behind a name in quotes, which sops would drop", "text-behind-name.ini"),
    ("something stands behind the end of the object", "text-behind.json"),
    ("the file ends where", "cut-off.json"),
    ("stands twice in one map", "name-twice-in-document-two.yaml"),
    ("cannot read !!str as", "multi-document-bad-scalar.yaml"),
];

/// How what is printed may differ, with the input of the tables. What is the same but for that is taken for it where the
/// file can have it; but for several, where it can have them all.
const PRINTED: [Difference; 6] = [
    Difference {
        name: "comments-empty.yaml",
        in_file: |text| text.contains("#\n"),
        but: without_empty_comments,
    },
    Difference {
        name: "comments-inline-behind-flow.yaml",
        in_file: |text| ["] #", "} #"].iter().any(|end| text.contains(end)),
        but: without_comments,
    },
    Difference {
        name: "comments-inline-behind-aliases.yaml",
        in_file: |text| text.lines().any(|line| line.contains(": *") && line.contains(" #")),
        but: without_comments,
    },
    Difference {
        name: "comments-in-maps.yaml",
        in_file: |text| text.lines().any(|line| line.trim_start().starts_with('#')),
        but: without_comments,
    },
    Difference {
        name: "lines-that-begin-blank-in-lists.yaml",
        in_file: |text| text.contains(": \"\\n") || text.contains("|\n\n"),
        but: without_texts,
    },
    Difference {
        name: "quotes-that-stay.ini",
        in_file: |text| text.contains(['`', '"', '\\']),
        but: without_quotes,
    },
];

/// What sops encrypts so that it cannot decrypt it, with the input of the tables.
const TAKEN: &str = "names-in-both-quotes.ini";

struct Difference {
    name: &'static str,
    /// Whether a file has what makes it.
    in_file: fn(&str) -> bool,
    /// What is printed but for it.
    but: fn(&str) -> String,
}

struct File {
    path: PathBuf,
    source: Vec<u8>,
    format: Format,
    order: [u8; 32],
}

/// What came of a file.
enum Outcome {
    Same,
    /// Both refuse it.
    Refused,
    /// We refuse it for one of the reasons.
    Named(&'static str),
    /// It is printed otherwise for one of the reasons.
    Printed(&'static str),
    Wrong(String),
}

#[test]
fn both_come_to_the_same() {
    if peers::find("sops").is_none() {
        return;
    }
    let deep = std::env::var_os("UVARS_DEEP").is_some_and(|value| value == "1");
    let found = found();
    let there = counted(found.iter().map(|file| file.format.name()));
    let (first, rest) = some_of(found, if deep { 10 } else { 1 });
    let mut outcomes: Vec<(&File, Outcome)> = first.par_iter().map(|file| (file, outcome(file))).collect();
    for more in rest.chunks(100) {
        let compared =
            outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Same | Outcome::Printed(_)));
        if compared.count() >= LEAST {
            break;
        }
        outcomes.extend(more.par_iter().map(|file| (file, outcome(file))).collect::<Vec<_>>());
    }
    let compared =
        outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Same | Outcome::Printed(_)));
    let compared = counted(compared.map(|(file, _)| file.format.name()));
    let named = counted(outcomes.iter().filter_map(|(_, outcome)| match outcome {
        Outcome::Named(why) | Outcome::Printed(why) => Some(*why),
        Outcome::Refused => Some("refused by both"),
        _ => None,
    }));
    println!(
        "found {there:?}, tried {}, compared {compared:?}, of these and others {named:?}",
        outcomes.len()
    );
    let wrong: Vec<String> = outcomes
        .iter()
        .filter_map(|(file, outcome)| match outcome {
            Outcome::Wrong(text) => {
                Some(format!("== {} as {}\n{text}", file.path.display(), file.format.name()))
            }
            _ => None,
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), outcomes.len(), wrong.join("\n"));
    let count: usize = compared.values().sum();
    let other = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Printed(_))).count();
    assert!(other <= 3 + count / 50, "{other} of {count} are printed otherwise: too many for what is named");
    let enough = count >= LEAST || std::env::var_os("CI").is_none_or(|ci| ci != "true");
    assert!(enough, "only {count} files of this machine could be compared");
}

#[test]
fn what_may_differ_stands_in_the_tables() {
    let read =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let pages = read("docs/formats.md") + &read("docs/yaml.md");
    let names = REFUSED.iter().map(|(_, name)| name).chain(PRINTED.iter().map(|known| &known.name));
    for name in names.chain([&TAKEN]) {
        assert!(pages.contains(&format!("`{name}` ")), "{name}");
    }
}

#[test]
fn several_differences_are_told_together_and_others_are_not() {
    let source = "a: {} # one\nl:\n    #\n    - k: 1 # two\n";
    let theirs = "a: {}\nl:\n    - \"\"\n    - k: 1\n";
    let ours = "# one\na: {}\nl:\n    # \n    -\n    # two\n      k: 1\n";
    assert_eq!(named(source, theirs, ours), Some("comments-empty.yaml"));
    assert_eq!(named(source, theirs, &ours.replace('1', "2")), None);
    let source = "l:\n    - k: \"\\nx\"\n";
    let (theirs, ours) = ("l:\n    - k: \"\\nx\"\n    - y\n", "l:\n    - k: |4-\n\n        x\n    - y\n");
    assert_eq!(named(source, theirs, ours), Some("lines-that-begin-blank-in-lists.yaml"));
    assert_eq!(named(source, theirs, &ours.replace('y', "z")), None);
}

fn counted<'a>(words: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    words.fold(BTreeMap::new(), |mut counts, word| {
        *counts.entry(word).or_default() += 1;
        counts
    })
}

/// Each format's share so many times, and the others.
fn some_of(all: Vec<File>, times: usize) -> (Vec<File>, Vec<File>) {
    let mut left: BTreeMap<&str, usize> =
        SHARES.iter().map(|(format, share)| (format.name(), times * share)).collect();
    all.into_iter().partition(|file| {
        let share = left.get_mut(file.format.name()).unwrap();
        *share = share.saturating_sub(1);
        *share > 0
    })
}

/// Every file of every format, each content once, in the order of their digests with the seed.
fn found() -> Vec<File> {
    let salt = std::env::var("UVARS_TEST_SEED").unwrap_or_default();
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cargo = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let go = std::env::var_os("GOMODCACHE").map_or_else(|| home.join("go/pkg/mod"), PathBuf::from);
    let mut folders = vec![cargo.join("registry/src"), go, here.join("target/peers")];
    folders.extend(["/usr/share", "/usr/lib", "/usr/local", "/etc"].map(PathBuf::from));
    let (mut files, mut seen) = (Vec::new(), HashSet::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.extend(file(entry.path(), &salt));
            }
        }
    }
    files.sort_by(|a, b| (a.order, &a.path).cmp(&(b.order, &b.path)));
    files.retain(|file| seen.insert(file.order));
    files
}

fn file(path: PathBuf, salt: &str) -> Option<File> {
    let format = format(&path)?;
    let size = std::fs::metadata(&path).ok()?.len();
    let source = (size > 0 && size <= LARGEST).then(|| std::fs::read(&path).ok())??;
    if format == Format::Ini && source.starts_with(b"\xff\xfe") {
        // UTF-16, which sops takes and we do not, as docs/formats.md has it
        return None;
    }
    let order = Sha256::new_with_prefix(salt).chain_update(&source).finalize().into();
    Some(File { path, source, format, order })
}

/// Many programs have files that are INI under other names.
const INI: [&str; 13] = [
    "ini",
    "cfg",
    "conf",
    "desktop",
    "service",
    "timer",
    "socket",
    "target",
    "editorconfig",
    "gitmodules",
    "coveragerc",
    "flake8",
    "toml",
];

/// And some that are dotenv.
const DOTENV: [&str; 3] = ["env", "properties", "envrc"];

/// What a file is read as, by its name.
fn format(path: &Path) -> Option<Format> {
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    let name = path.file_name().and_then(OsStr::to_str)?;
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    match name {
        _ if end == "yaml" || end == "yml" => Some(Format::Yaml),
        _ if end == "json" => Some(Format::Json),
        _ if DOTENV.contains(&end)
            || ["os-release", "environment"].contains(&name)
            || folder == "default" =>
        {
            Some(Format::Dotenv)
        }
        _ if INI.contains(&end) || name == "entry_points.txt" => Some(Format::Ini),
        _ => None,
    }
}

fn key_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/keys/a.age")
}

fn keyring() -> Keyring {
    Keyring::new(IdentitySources { files: vec![key_file()], ..IdentitySources::default() })
}

fn outcome(file: &File) -> Outcome {
    let keyring = keyring();
    let recipients = keyring.recipients();
    let folder = TempDir::new().unwrap();
    let sops = |source: &[u8], arguments: &[&str], output: Format| -> Result<Vec<u8>, String> {
        std::fs::write(folder.path().join("file"), source).unwrap();
        let mut command = peers::command("sops").unwrap();
        command.current_dir(folder.path()).env("SOPS_AGE_KEY_FILE", key_file()).env("HOME", folder.path());
        let types = ["--input-type", file.format.name(), "--output-type", output.name()];
        let output = peers::feed(command.args(arguments).args(types).arg("file"), b"");
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let ours = || {
        let plain = Plain::parse(&file.source, file.format)?;
        Encrypted::create(
            &plain,
            &recipients,
            &Rules::default(),
            UNIX_EPOCH,
            file.format,
            &Programs::default(),
        )?
        .emit()
    };
    let print = |sealed: &[u8], output: Format| {
        let sealed = Encrypted::parse(sealed, file.format)?;
        let text = sealed.decrypt(&sealed.unlock(&keyring)?)?.emit(output)?;
        Ok::<_, uvars::Error>(text.expose().to_vec())
    };
    let reader = recipients[0].to_string();
    let theirs = sops(&file.source, &["encrypt", "--age", &reader], file.format);
    let (ours, theirs) = match (ours(), theirs) {
        (Err(_), Err(_)) => return Outcome::Refused,
        (Ok(_), Err(theirs)) => return Outcome::Wrong(format!("sops refuses it: {theirs}")),
        (Err(ours), Ok(_)) => {
            let ours = ours.to_string();
            return match REFUSED.iter().find(|(why, _)| ours.contains(why)) {
                Some((_, name)) => Outcome::Named(name),
                None => Outcome::Wrong(format!("we refuse it: {ours}")),
            };
        }
        (Ok(ours), Ok(theirs)) => (ours, theirs),
    };
    let of_theirs = print(&theirs, file.format).map_err(|error| error.to_string());
    let of_ours = sops(&ours, &["decrypt"], file.format);
    match (of_theirs, of_ours) {
        (Ok(left), Ok(right)) if left == right => Outcome::Same,
        (Ok(left), Ok(right)) => {
            let (left, right) = (String::from_utf8_lossy(&left), String::from_utf8_lossy(&right));
            let Some(name) = named(&String::from_utf8_lossy(&file.source), &left, &right) else {
                return Outcome::Wrong(unlike(&left, &right));
            };
            // whatever became of comments and quotes, the values are the same
            match (print(&theirs, Format::Json), sops(&ours, &["decrypt"], Format::Json)) {
                (Ok(left), Ok(right)) if left != right && name != "comments-empty.yaml" => {
                    Outcome::Wrong(unlike(&String::from_utf8_lossy(&left), &String::from_utf8_lossy(&right)))
                }
                _ => Outcome::Printed(name),
            }
        }
        // a name in both quotes, which sops itself cannot read again
        (Err(_), Ok(_))
            if file.format == Format::Ini
                && file.source.contains(&b'`')
                && sops(&theirs, &["decrypt"], file.format).is_err() =>
        {
            Outcome::Named(TAKEN)
        }
        (left, right) => Outcome::Wrong(format!("of theirs: {:?}, of ours: {:?}", left.err(), right.err())),
    }
}

/// The difference that it is, or the first of those that it is together.
fn named(source: &str, theirs: &str, ours: &str) -> Option<&'static str> {
    let can: Vec<_> = PRINTED.iter().filter(|known| (known.in_file)(source)).collect();
    let one = can.iter().find(|known| (known.but)(theirs) == (known.but)(ours));
    let but = |text: &str| can.iter().fold(text.to_owned(), |text, known| (known.but)(&text));
    one.or_else(|| can.first().filter(|_| but(theirs) == but(ours))).map(|known| known.name)
}

fn unlike(theirs: &str, ours: &str) -> String {
    let diff = similar::TextDiff::from_lines(theirs, ours);
    diff.unified_diff()
        .context_radius(1)
        .header("of sops", "of uvars")
        .to_string()
        .chars()
        .take(2000)
        .collect()
}

/// An empty comment in a list: an empty element from sops, a comment with a blank from us.
fn without_empty_comments(text: &str) -> String {
    let stays = |line: &&str| !["- \"\"", "#"].contains(&line.trim());
    text.lines().filter(stays).collect::<Vec<_>>().join("\n")
}

/// A comment that sops loses or moves. The first name of an entry stands on the line of its mark where there is none.
fn without_comments(text: &str) -> String {
    let bare = |line: &'_ str| line.split_once(" #").map_or(line, |(value, _)| value).to_owned();
    let stays = |line: &&str| !line.trim_start().starts_with('#');
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().filter(stays).map(bare) {
        match lines.last_mut().filter(|last| last.trim_start() == "-") {
            Some(mark) => *mark = format!("{mark} {}", line.trim_start()),
            None => lines.push(line),
        }
    }
    lines.join("\n")
}

/// Texts of several lines that begin with an empty one or a blank: we write some in quotes that sops writes as literals.
fn without_texts(text: &str) -> String {
    let (mut out, mut literal) = (String::new(), None);
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if literal.is_some_and(|around| line.trim().is_empty() || indent > around) {
            continue;
        }
        let header =
            line.rfind(" |").filter(|at| line[at + 2..].starts_with(|digit: char| digit.is_ascii_digit()));
        let quoted = [" \"\\n", " \" "].iter().find_map(|start| line.find(start));
        literal = header.map(|_| indent);
        out.push_str(header.or(quoted).map_or(line, |at| &line[..at]));
        out.push('\n');
    }
    out
}

/// A text of INI that is read back in other quotes only.
fn without_quotes(text: &str) -> String {
    text.replace(['`', '"'], "")
}
