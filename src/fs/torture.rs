//! Transactions that fail, or are killed, at every single step: afterwards everything is old or everything is
//! new, and nothing else is left behind.

use super::disk::faults::{Fault, count, plan};
use super::{Outcome, Recovered, RepoPath, Root, Transaction, pending, recover};
use proptest::prelude::{Just, ProptestConfig, Strategy};
use proptest::{prop_assert, prop_assert_eq, prop_oneof, proptest};

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Path, bytes and mode of every file.
type Model = BTreeMap<String, (Vec<u8>, u32)>;

/// What a transaction does to a file.
type Change = (&'static str, Option<u8>);

const NO_SPACE: i32 = 28;
const IO_ERROR: i32 = 5;
const READ_ONLY: i32 = 30;

/// Where the journal and the old files are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Git {
    None,
    Here,
    /// On another file system, where there is one, so that nothing can be linked or renamed.
    Elsewhere,
}

const ALL: [Git; 3] = [Git::Here, Git::None, Git::Elsewhere];

struct Sandbox {
    dir: tempfile::TempDir,
    elsewhere: tempfile::TempDir,
    root: Root,
}

impl Sandbox {
    fn new(git: Git) -> Self {
        // In memory where possible: thousands of transactions flush their files.
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let dir = tempfile::tempdir_in(place).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let dot = dir.path().join(".git");
        let head = "ref: refs/heads/main\n";
        match git {
            Git::None => {}
            Git::Here => {
                std::fs::create_dir(&dot).unwrap();
                std::fs::write(dot.join("HEAD"), head).unwrap();
            }
            Git::Elsewhere => {
                std::fs::write(&dot, format!("gitdir: {}\n", elsewhere.path().display())).unwrap();
                std::fs::write(elsewhere.path().join("HEAD"), head).unwrap();
            }
        }
        let root = Root::open(dir.path()).unwrap();
        drop(root.lock(Duration::ZERO).unwrap());
        Self { dir, elsewhere, root }
    }

    fn fill(&self, model: &Model) {
        for (path, (bytes, mode)) in model {
            let path = self.dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, bytes).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(*mode)).unwrap();
        }
    }

    fn transaction(changes: &[Change]) -> Transaction {
        let mut transaction = Transaction::new();
        for (path, change) in changes {
            let path = RepoPath::new(path).unwrap();
            match change {
                Some(byte) => transaction.create_mode(path, content(*byte), 0o600),
                None => transaction.remove(path),
            }
        }
        transaction
    }

    /// Every file; also a stage, an old file and a journal, were there one.
    fn files(&self) -> Model {
        let mut found = Model::new();
        walk(self.dir.path(), self.dir.path(), &mut found, &mut Vec::new());
        let mut git = Model::new();
        walk(self.elsewhere.path(), self.elsewhere.path(), &mut git, &mut Vec::new());
        found.extend(git.into_iter().map(|(path, file)| (format!(".git/{path}"), file)));
        found.retain(|path, _| !KNOWN.contains(&path.as_str()));
        found
    }

    fn empty_folders(&self) -> Vec<PathBuf> {
        let mut empty = Vec::new();
        walk(self.dir.path(), self.dir.path(), &mut Model::new(), &mut empty);
        empty
    }
}

/// What belongs to git, or stays of us.
const KNOWN: [&str; 6] =
    [".git", ".git/HEAD", ".git/info/exclude", ".git/uvars/lock", ".uvars/lock", ".uvars/.gitignore"];

fn walk(top: &Path, dir: &Path, found: &mut Model, empty: &mut Vec<PathBuf>) {
    let mut entries = std::fs::read_dir(dir).unwrap().peekable();
    if entries.peek().is_none() && dir != top {
        empty.push(dir.to_path_buf());
    }
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(top, &path, found, empty);
        } else {
            let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
            let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
            found.insert(name, (std::fs::read(&path).unwrap(), mode));
        }
    }
}

fn content(byte: u8) -> Vec<u8> {
    vec![b'a' + byte % 26; 1 + usize::from(byte) % 7]
}

fn model(files: &[(&str, u8, u32)]) -> Model {
    files.iter().map(|(path, byte, mode)| ((*path).to_owned(), (content(*byte), *mode))).collect()
}

/// What the model becomes.
fn applied(model: &Model, changes: &[Change]) -> Model {
    let mut model = model.clone();
    for (path, change) in changes {
        match change {
            Some(byte) => {
                let mode = model.get(*path).map_or(0o600, |(_, mode)| *mode);
                model.insert((*path).to_owned(), (content(*byte), mode));
            }
            None => {
                model.remove(*path);
            }
        }
    }
    model
}

/// A tree and a change that has one of everything: new, replaced, removed, new folders, emptied folders, a file
/// that becomes a folder, a folder that becomes a file.
fn rich() -> (Model, Vec<Change>) {
    let before = model(&[
        ("keep", 0, 0o644),
        ("replaced", 1, 0o640),
        ("removed", 2, 0o644),
        ("deep/er/replaced", 3, 0o600),
        ("deep/er/removed", 4, 0o444),
        ("gone/with/it", 5, 0o644),
        ("file", 6, 0o644),
        ("folder/one", 7, 0o644),
        ("folder/two/three", 8, 0o644),
    ]);
    let changes = vec![
        ("replaced", Some(11)),
        ("removed", None),
        ("deep/er/replaced", Some(13)),
        ("deep/er/removed", None),
        ("gone/with/it", None),
        ("new", Some(14)),
        ("made/for/new", Some(15)),
        ("made/for/another", Some(16)),
        ("file", None),
        ("file/is/folder", Some(17)),
        ("folder/one", None),
        ("folder/two/three", None),
        ("folder", Some(18)),
    ];
    (before, changes)
}

/// Runs one transaction into a fault; says whether it claims to have happened, and after how many steps.
fn attempt(sandbox: &Sandbox, changes: &[Change], at: usize, fault: Fault) -> (bool, usize) {
    plan(0, Fault::None);
    let lock = sandbox.root.lock(Duration::ZERO).unwrap();
    plan(at, fault);
    let done = Sandbox::transaction(changes).commit(&lock).is_ok();
    let steps = count();
    plan(0, Fault::None);
    (done, steps)
}

/// Lets the next writer in, undisturbed, and looks at what is there then.
fn recovered(sandbox: &Sandbox) -> (Model, Recovered) {
    plan(0, Fault::None);
    let recovered = recover(&sandbox.root).unwrap();
    assert!(!pending(&sandbox.root).unwrap());
    (sandbox.files(), recovered)
}

/// A sandbox with the files of [`rich`], and how many steps its transaction takes.
fn measure(git: Git) -> usize {
    let (before, changes) = rich();
    let sandbox = Sandbox::new(git);
    sandbox.fill(&before);
    let (done, steps) = attempt(&sandbox, &changes, 0, Fault::None);
    assert!(done);
    assert_eq!(sandbox.files(), applied(&before, &changes));
    assert_eq!(sandbox.empty_folders(), Vec::<PathBuf>::new());
    assert_eq!(recovered(&sandbox).1, Recovered::default());
    steps
}

/// The steps to break off at: where files are on a disk, each flush takes its time, and some of them must do.
fn points(git: Git) -> impl Iterator<Item = usize> {
    let all = git != Git::Elsewhere || std::env::var_os("UVARS_DEEP").is_some();
    (1..=measure(git)).step_by(if all { 1 } else { 5 })
}

#[test]
fn one_of_everything() {
    for git in ALL {
        assert!(measure(git) > 50);
    }
}

#[test]
fn killed_at_every_step() {
    let (before, changes) = rich();
    let after = applied(&before, &changes);
    for git in ALL {
        let mut outcomes = Vec::new();
        for at in points(git) {
            let sandbox = Sandbox::new(git);
            sandbox.fill(&before);
            attempt(&sandbox, &changes, at, Fault::Killed);
            let (files, recovered) = recovered(&sandbox);
            let expected = if recovered.outcome == Outcome::Finished { &after } else { &before };
            let expected =
                if recovered.outcome == Outcome::Nothing && files == after { &after } else { expected };
            assert_eq!(files, *expected, "killed at step {at}: {recovered:?}");
            assert_eq!(sandbox.empty_folders(), Vec::<PathBuf>::new(), "killed at step {at}");
            outcomes.push(recovered.outcome);
        }
        outcomes.dedup();
        assert_eq!(outcomes, [Outcome::Nothing, Outcome::Discarded, Outcome::Finished, Outcome::Nothing]);
    }
}

#[test]
fn killed_again_while_recovering() {
    let (before, changes) = rich();
    let after = applied(&before, &changes);
    for at in 1..=measure(Git::Here) {
        for again in 1.. {
            let sandbox = Sandbox::new(Git::Here);
            sandbox.fill(&before);
            attempt(&sandbox, &changes, at, Fault::Killed);
            plan(again, Fault::Killed);
            let _ = recover(&sandbox.root);
            let reached = count() >= again;
            let (files, _) = recovered(&sandbox);
            assert!(files == before || files == after, "killed at step {at} and at {again}: {files:?}");
            assert_eq!(sandbox.empty_folders(), Vec::<PathBuf>::new(), "killed at step {at} and at {again}");
            if !reached {
                break;
            }
        }
    }
}

#[test]
fn killed_then_a_stage_is_lost() {
    let (before, changes) = rich();
    let mut undone = 0;
    for at in 1..=measure(Git::Here) {
        let places = ALL.into_iter().cycle().skip(at);
        for (again, git) in [3, 6, 9, 12, 15, usize::MAX].into_iter().zip(places) {
            if git == Git::Elsewhere && !at.is_multiple_of(5) {
                continue;
            }
            let sandbox = Sandbox::new(git);
            sandbox.fill(&before);
            attempt(&sandbox, &changes, at, Fault::Killed);
            let stages: Vec<String> =
                sandbox.files().into_keys().filter(|path| path.contains(".uvars-stage-")).collect();
            let Some(stage) = stages.get(at % stages.len().max(1)) else { continue };
            std::fs::remove_file(sandbox.dir.path().join(stage)).unwrap();
            plan(again, Fault::Killed);
            let _ = recover(&sandbox.root);
            let (files, recovered) = recovered(&sandbox);
            assert_eq!(files, before, "killed at step {at}, {stage} lost: {recovered:?}");
            assert_eq!(sandbox.empty_folders(), Vec::<PathBuf>::new(), "killed at step {at}, {stage} lost");
            undone += usize::from(recovered.outcome == Outcome::Undone);
        }
    }
    assert!(undone > 0);
}

#[test]
fn every_step_fails_once() {
    let (before, changes) = rich();
    let after = applied(&before, &changes);
    for git in ALL {
        for at in points(git) {
            for number in [NO_SPACE, IO_ERROR] {
                let sandbox = Sandbox::new(git);
                sandbox.fill(&before);
                let (done, _) = attempt(&sandbox, &changes, at, Fault::Once(number));
                let expected = if done { &after } else { &before };
                let mut now = sandbox.files();
                // What could not be removed in the end is removed by the next.
                now.retain(|path, _| !path.contains(".git/uvars/") && !path.starts_with(".uvars/"));
                assert_eq!(now, *expected, "step {at} failed with {number}");
                assert_eq!(recovered(&sandbox).0, *expected, "step {at} failed with {number}, recovered");
            }
        }
    }
}

#[test]
fn every_step_and_all_after_it_fail() {
    let (before, changes) = rich();
    let after = applied(&before, &changes);
    for at in 1..=measure(Git::Here) {
        let sandbox = Sandbox::new(Git::Here);
        sandbox.fill(&before);
        let (done, _) = attempt(&sandbox, &changes, at, Fault::From(READ_ONLY));
        let (files, _) = recovered(&sandbox);
        assert!(files == after || (!done && files == before), "from step {at} on: {files:?}");
        assert_eq!(sandbox.empty_folders(), Vec::<PathBuf>::new(), "from step {at} on");
    }
}

#[test]
fn a_change_left_half_made_is_not_built_upon() {
    let (before, changes) = rich();
    let sandbox = Sandbox::new(Git::Here);
    sandbox.fill(&before);
    let lock = sandbox.root.lock(Duration::ZERO).unwrap();
    plan(measure(Git::Here) / 2 + 10, Fault::From(READ_ONLY));
    let error = Sandbox::transaction(&changes).commit(&lock).unwrap_err();
    assert!(error.hints().iter().any(|hint| hint.contains("uvars recover")), "{error}");
    plan(0, Fault::None);
    let error = Sandbox::transaction(&[("other", Some(1))]).commit(&lock).unwrap_err();
    assert_eq!(error.message(), "an earlier change is left half made");
    drop(lock);
    assert_eq!(recovered(&sandbox).0, applied(&before, &changes));
}

/// So many that whole file systems are flushed, not files.
#[test]
fn very_many_files_killed_here_and_there() {
    let names: Vec<String> = (0..130).map(|number| format!("folder/{}/{number}", number % 7)).collect();
    let fill = |sandbox: &Sandbox, byte: u8| {
        let mut transaction = Transaction::new();
        for name in &names {
            transaction.write(RepoPath::new(name).unwrap(), content(byte));
        }
        transaction.commit(&sandbox.root.lock(Duration::ZERO).unwrap()).is_ok()
    };
    let sandbox = Sandbox::new(Git::Here);
    assert!(fill(&sandbox, 1));
    let old = sandbox.files();
    plan(0, Fault::None);
    assert!(fill(&sandbox, 2));
    let (new, steps) = (sandbox.files(), count());
    for (at, fault) in
        (1..=steps).step_by(29).flat_map(|at| [(at, Fault::Killed), (at, Fault::Once(IO_ERROR))])
    {
        plan(0, Fault::None);
        assert!(fill(&sandbox, 1));
        plan(at, fault);
        let done = fill(&sandbox, 2);
        let files = recovered(&sandbox).0;
        assert!(files == new || (files == old && !done), "{fault:?} at step {at} of {steps}");
    }
}

/// Names that lie in each other, so that files become folders and folders files.
const NAMES: [&str; 7] = ["a", "a/b", "a/b/c", "a/d", "e", "f/g", "f/h"];

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let one =
        (0..NAMES.len(), proptest::option::weighted(0.6, 0u8..6)).prop_map(|(at, byte)| (NAMES[at], byte));
    proptest::collection::vec(one, 1..5)
}

fn fault() -> impl Strategy<Value = (usize, Fault)> {
    let kind = prop_oneof![
        2 => Just(Fault::None),
        3 => Just(Fault::Killed),
        1 => Just(Fault::Once(IO_ERROR)),
        1 => Just(Fault::From(NO_SPACE)),
    ];
    (1usize..60, kind)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Any sequence of transactions, each with a fault, and with one more while it is recovered, leaves what
    /// the model says.
    #[test]
    fn sequences_are_as_the_model(
        git in prop_oneof![Just(Git::Here), Just(Git::None), Just(Git::Elsewhere)],
        runs in proptest::collection::vec((changes(), fault(), fault()), 1..8),
    ) {
        let sandbox = Sandbox::new(git);
        let mut state = Model::new();
        for (mut changes, (at, fault), (again, second)) in runs {
            changes.sort_unstable();
            changes.dedup_by_key(|(path, _)| *path);
            if Sandbox::transaction(&changes).preview(&sandbox.root).is_err() {
                continue;
            }
            let wanted = applied(&state, &changes);
            let (done, _) = attempt(&sandbox, &changes, at, fault);
            plan(again, second);
            let _ = recover(&sandbox.root);
            let (files, _) = recovered(&sandbox);
            if done || fault == Fault::None {
                prop_assert_eq!(&files, &wanted);
            } else {
                prop_assert!(files == state || files == wanted, "{:?} {:?} {:?}", state, changes, files);
            }
            state = files;
        }
    }
}
