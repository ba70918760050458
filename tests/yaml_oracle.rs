//! Our reader and emitter against go-yaml v3.0.4 itself, on every YAML file of the machine, on the YAML test
//! suite, and on random mutants.
//!
//! tests/oracle/yamldump is built with `go` and fed over a pipe. Without go the reason is printed and the
//! tests end; with `CI=true` that is a failure. `UVARS_TEST_MUTANTS` and `UVARS_TEST_SEED` ask for more.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a test says what it compared")]

mod peers;
mod yaml_dump;
mod yaml_mutants;

use serde_json::Value;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use uvars::yaml::{self, Kind, Style, Tree};
use yaml_mutants::Mutator;

/// Files above this size are left out: they are data, and go-yaml's check for duplicates is quadratic.
const LARGEST: u64 = 400_000;
/// How many files of the machine must at least be found in CI.
const LEAST: usize = 1000;
/// The Go module that carries the YAML test suite.
const SUITE: &str = "github.com/goccy/go-yaml@v1.19.2";
/// A Go module with many YAML files that people wrote: together with the suite a bare machine has enough.
const MANY: &str = "go.mongodb.org/mongo-driver@v1.17.9";

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

struct Case {
    name: String,
    bytes: Vec<u8>,
}

#[test]
fn every_file_on_this_machine() {
    let Some(oracle) = oracle() else { return };
    let files = files_of_the_machine();
    eprintln!("{} files", files.len());
    let enough = files.len() >= LEAST || std::env::var_os("CI").is_none_or(|ci| ci != "true");
    assert!(enough, "only {} YAML files on this machine", files.len());
    let cases = files.into_iter().filter_map(|path| {
        let bytes = std::fs::read(&path).ok()?;
        Some(Case { name: path.display().to_string(), bytes })
    });
    report(&compare(oracle, &cases.collect::<Vec<_>>()));
}

#[test]
fn the_yaml_test_suite() {
    let Some(oracle) = oracle() else { return };
    let cases = suite();
    assert!(cases.len() >= 300, "{} cases", cases.len());
    report(&compare(oracle, &cases));
}

#[test]
fn random_mutants() {
    let Some(oracle) = oracle() else { return };
    let number = |name: &str, default| match std::env::var(name) {
        Ok(text) => text.parse().unwrap(),
        Err(_) => default,
    };
    let mut mutator = Mutator::new(number("UVARS_TEST_SEED", 1));
    let mut pool: Vec<Case> = vectors();
    pool.extend(suite());
    pool.extend(sample_of_the_machine());
    let cases = (0..number("UVARS_TEST_MUTANTS", 10_000)).map(|count| {
        let case = &pool[mutator.below(pool.len())];
        Case { name: format!("mutant {count} of {}", case.name), bytes: mutator.mutate(&case.bytes) }
    });
    report(&compare(oracle, &cases.collect::<Vec<_>>()));
}

fn report(wrong: &[String]) {
    let shown: Vec<String> = wrong.iter().take(20).cloned().collect();
    assert!(wrong.is_empty(), "{} differ, the first:\n{}", wrong.len(), shown.join("\n"));
}

/// The oracle's program, built once.
fn oracle() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    let program = Path::new(ROOT).join("target/oracle/yamldump");
    let done = go()?
        .current_dir(Path::new(ROOT).join("tests/oracle/yamldump"))
        .args(["build", "-trimpath", "-o"])
        .arg(&program)
        .arg(".")
        .output()
        .unwrap();
    assert!(done.status.success(), "go build: {}", String::from_utf8_lossy(&done.stderr));
    Some(program)
}

fn go() -> Option<Command> {
    let mut go = Command::new(peers::find("go")?);
    go.env("GOTOOLCHAIN", "local").env("GOFLAGS", "-mod=mod");
    Some(go)
}

/// All differences between the oracle's answers and ours.
fn compare(oracle: &Path, cases: &[Case]) -> Vec<String> {
    let half = cases.len().div_ceil(2).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> =
            cases.chunks(half).map(|part| scope.spawn(move || compare_part(oracle, part))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

fn compare_part(oracle: &Path, cases: &[Case]) -> Vec<String> {
    let mut child = Command::new(oracle).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = BufWriter::new(child.stdin.take().unwrap());
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for case in cases {
                writeln!(input, "{}", case.bytes.len()).unwrap();
                input.write_all(&case.bytes).unwrap();
            }
        });
        for case in cases {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            let theirs: Value = serde_json::from_str(&line).unwrap();
            if let Some(found) = difference(&case.bytes, &theirs) {
                let shown = if case.name.starts_with("mutant") {
                    format!("\n    {:?}", String::from_utf8_lossy(&case.bytes))
                } else {
                    String::new()
                };
                wrong.push(format!("{}: {found}{shown}", case.name));
            }
        }
    });
    child.wait().unwrap();
    wrong
}

/// Where we and go-yaml differ on one text, unless docs/yaml.md names the difference.
fn difference(bytes: &[u8], theirs: &Value) -> Option<String> {
    let (tree, error) = yaml::read(bytes);
    let error = error.map_or(Value::Null, |error| Value::String(error.to_string()));
    if error == "yaml: a second byte order mark" || has_mark_at_a_border(bytes) {
        return None;
    }
    if error != theirs["error"] {
        return Some(format!("error: ours {error}, theirs {}", theirs["error"]));
    }
    let (mut ours, mut theirs_nodes) = (yaml_dump::nodes(&tree), theirs["nodes"].clone());
    for at in missing_values_of_pairs(bytes, &tree) {
        forget_place(&mut ours, at);
        forget_place(&mut theirs_nodes, at);
    }
    if let Some(found) = yaml_dump::difference("nodes", &ours, &theirs_nodes) {
        return Some(found);
    }
    let map_error = yaml_dump::map_error(bytes, &tree, &error);
    if map_error != theirs["maperr"] && !is_named(&map_error, &theirs["maperr"]) {
        return Some(format!("maperr: ours {map_error}, theirs {}", theirs["maperr"]));
    }
    if error.is_null() && !tree.documents().is_empty() {
        let ours = yaml::emit(&tree, 4).map(|bytes| String::from_utf8(bytes).unwrap());
        return match (ours, theirs["emitted"].as_str()) {
            (Ok(ours), Some(theirs)) if ours == theirs => None,
            (Err(_), None) => None,
            (ours, theirs) => Some(format!("emitted: ours {ours:?}, theirs {theirs:?}")),
        };
    }
    None
}

/// Whether a U+FEFF could stand where go-yaml refills its buffer. It then swallows the first character of
/// every line up to the next refill.
fn has_mark_at_a_border(bytes: &[u8]) -> bool {
    bytes.len() > 500 && bytes.windows(3).skip(1).any(|three| three == "\u{FEFF}".as_bytes())
}

/// Indices of the values that are missing in pairs of a flow list, `[a:]`. Where go-yaml reports them depends
/// on where its token queue lies in memory.
fn missing_values_of_pairs(bytes: &[u8], tree: &Tree<'_>) -> Vec<usize> {
    let mut found = Vec::new();
    let mut open: Vec<_> = tree.documents().iter().rev().copied().collect();
    let mut order = Vec::new();
    while let Some(id) = open.pop() {
        order.push(id);
        let children: Vec<_> = tree.children(id).collect();
        open.extend(children.into_iter().rev());
    }
    for (at, id) in order.iter().enumerate() {
        let node = tree.node(*id);
        let is_pair = node.kind == Kind::Mapping
            && node.style == Style::Flow
            && bytes.get(node.start as usize) != Some(&b'{');
        if is_pair && let Some(value) = tree.last_child(*id).filter(|value| tree.node(*value).text.is_empty())
        {
            found.extend(order.iter().skip(at).position(|id| *id == value).map(|ahead| at + ahead));
        }
    }
    found
}

fn forget_place(nodes: &mut Value, at: usize) {
    for field in ["l", "c"] {
        nodes[at].as_object_mut().unwrap().remove(field);
    }
}

/// Refusals that docs/yaml.md names as different.
fn is_named(ours: &Value, theirs: &Value) -> bool {
    let starts = |text: &Value, start| text.as_str().is_some_and(|text| text.starts_with(start));
    let map_key = starts(ours, "yaml: invalid map key: ");
    map_key && (starts(theirs, "yaml: invalid map key: ") || starts(theirs, "panic: "))
}

fn vectors() -> Vec<Case> {
    let mut paths = Vec::new();
    walk(&Path::new(ROOT).join("tests/vectors/yaml"), &mut |path| paths.push(path));
    cases(paths, 5000)
}

fn suite() -> Vec<Case> {
    let mut paths = Vec::new();
    if let Some(folder) = module(SUITE) {
        walk(&folder.join("testdata"), &mut |path| paths.push(path));
    }
    cases(paths, LARGEST)
}

/// Where go has unpacked a module; none without go.
fn module(name: &str) -> Option<PathBuf> {
    let done = go()?.current_dir("/").args(["mod", "download", "-json", name]).output().unwrap();
    assert!(done.status.success(), "go mod download: {}", String::from_utf8_lossy(&done.stdout));
    let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
    Some(PathBuf::from(answer["Dir"].as_str().unwrap()))
}

/// Small files, at even distances, so that mutants see texts that people wrote.
fn sample_of_the_machine() -> Vec<Case> {
    let small = cases(files_of_the_machine(), 3000);
    let step = (small.len() / 500).max(1);
    small.into_iter().step_by(step).collect()
}

fn cases(mut paths: Vec<PathBuf>, largest: u64) -> Vec<Case> {
    paths.sort();
    let read = |path: PathBuf| {
        let small = path.metadata().ok()?.len() <= largest;
        let bytes = if small { std::fs::read(&path).ok()? } else { return None };
        Some(Case { name: path.display().to_string(), bytes })
    };
    paths.into_iter().filter_map(read).collect()
}

/// Every YAML file below the places where packages of crates, Go, Python and npm lie, and below /usr.
fn files_of_the_machine() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let mut roots = vec![PathBuf::from("/usr"), PathBuf::from("/opt"), Path::new(ROOT).join("target/peers")];
    roots.extend(
        [".cargo/registry", ".cache", ".local", ".npm", "go/pkg/mod"].map(|folder| home.join(folder)),
    );
    roots.extend([SUITE, MANY].into_iter().filter_map(module));
    let mut found = Vec::new();
    for root in roots {
        walk(&root, &mut |path| {
            if path.metadata().is_ok_and(|data| data.len() <= LARGEST) {
                found.push(path);
            }
        });
    }
    found.sort();
    found.dedup();
    found
}

/// Calls for every YAML file below a folder; links are not followed.
fn walk(folder: &Path, found: &mut impl FnMut(PathBuf)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) {
            walk(&path, found);
        } else if kind.is_ok_and(|kind| kind.is_file())
            && path.extension().is_some_and(|suffix| suffix == "yaml" || suffix == "yml")
        {
            found(path);
        }
    }
}
