//! The writer killed, and its system calls failing, at every point where it changes the disk.
//!
//! A transaction over twenty files runs in a child under strace, which kills it or makes one call fail. The
//! next writer then finds everything old or makes everything new. All points with `UVARS_DEEP=1`, else some.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::exit,
    reason = "this is test code, and its child is a program"
)]

mod peers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use uvars::fs::{Outcome, RepoPath, Root, Transaction, pending, recover};

/// Path and bytes of every file of the fleet.
type Files = BTreeMap<String, Vec<u8>>;

/// In the child: the fleet to write to.
const CHILD: &str = "UVARS_TEST_FS_CHILD";

/// The calls that change something.
const CALLS: [&str; 8] =
    ["renameat", "renameat2", "linkat", "unlinkat", "fsync", "mkdirat", "fchmod", "write"];

fn old() -> Files {
    let mut files: Files =
        (0..8).map(|n| (format!("secrets/hosts/h{n}.sops.yaml"), bytes("old", n))).collect();
    files.extend((0..4).map(|n| (format!("secrets/gone/g{n}.sops.yaml"), bytes("old", n))));
    files.extend([
        ("keys/ledger.yaml".to_owned(), bytes("ledger", 0)),
        ("keys/jon".to_owned(), bytes("file", 0)),
    ]);
    files
}

fn new() -> Files {
    let mut files: Files =
        (0..8).map(|n| (format!("secrets/hosts/h{n}.sops.yaml"), bytes("new", n))).collect();
    files.extend((0..6).map(|n| (format!("secrets/made/below/m{n}.sops.yaml"), bytes("new", n))));
    files.extend([
        ("keys/ledger.yaml".to_owned(), bytes("ledger", 0)),
        ("keys/jon/is".to_owned(), bytes("dir", 0)),
    ]);
    files
}

fn bytes(word: &str, number: usize) -> Vec<u8> {
    format!("{word} {number}\n").repeat(40).into_bytes()
}

fn transaction(from: &Files, to: &Files) -> Transaction {
    let mut transaction = Transaction::new();
    for (path, bytes) in to.iter().filter(|(path, bytes)| from.get(*path) != Some(*bytes)) {
        transaction.write(RepoPath::new(path).unwrap(), bytes.clone());
    }
    for path in from.keys().filter(|path| !to.contains_key(*path)) {
        transaction.remove(RepoPath::new(path).unwrap());
    }
    assert_eq!(transaction.changes().count(), 20);
    transaction
}

/// Not a test of its own: what the others run in a child.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let root = Root::open(Path::new(&dir)).unwrap();
    let lock = root.lock(Duration::ZERO).unwrap();
    if let Err(error) = transaction(&old(), &new()).commit(&lock) {
        println!("error: {error}");
        std::process::exit(1);
    }
    println!("done");
    std::process::exit(0);
}

struct Fleet(tempfile::TempDir);

impl Fleet {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (path, bytes) in old() {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        std::fs::create_dir(dir.path().join(".git")).unwrap();
        std::fs::write(dir.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        drop(Root::open(dir.path()).unwrap().lock(Duration::ZERO).unwrap());
        Self(dir)
    }

    fn root(&self) -> Root {
        Root::open(self.0.path()).unwrap()
    }

    /// Every file outside git's folder, and so every stage too.
    fn files(&self) -> Files {
        let mut found = Files::new();
        collect(self.0.path(), self.0.path(), &mut found);
        found
    }

    fn has_empty_folder(&self) -> bool {
        collect(self.0.path(), self.0.path(), &mut Files::new())
    }

    /// What is left in the state folder.
    fn state(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path().join(".git/uvars")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Runs the child under strace, with injections separated by blanks; its answer and the calls that it made.
    fn run(&self, strace: &Path, inject: Option<&str>) -> (String, Vec<String>) {
        let log = self.0.path().join(".git/strace");
        let mut strace = Command::new(strace);
        strace.args(["-f", "-qq", "-e", &format!("trace={}", CALLS.join(",")), "-o"]).arg(&log);
        for inject in inject.into_iter().flat_map(str::split_whitespace) {
            strace.args(["-e", &format!("inject={inject}")]);
        }
        let output = strace
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(CHILD, self.0.path())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        let lines = std::fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect();
        std::fs::remove_file(log).unwrap();
        (String::from_utf8_lossy(&output.stdout).into_owned(), lines)
    }
}

/// Whether there is an empty folder too.
fn collect(top: &Path, dir: &Path, found: &mut Files) -> bool {
    let (mut names, mut empty) = (0, false);
    for entry in std::fs::read_dir(dir).unwrap() {
        names += 1;
        let path = entry.unwrap().path();
        if path == top.join(".git") {
            continue;
        }
        if path.is_dir() {
            empty |= collect(top, &path, found);
        } else {
            let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
    empty || names == 0
}

fn deep() -> bool {
    std::env::var_os("UVARS_DEEP").is_some()
}

/// How often the undisturbed child makes each call; writes to the terminal count too, as strace counts.
fn counts(strace: &Path) -> BTreeMap<&'static str, usize> {
    let fleet = Fleet::new();
    let (answer, lines) = fleet.run(strace, None);
    assert!(answer.contains("done"), "{answer}");
    assert_eq!(fleet.files(), new());
    let count = |call: &str| lines.iter().filter(|line| line.contains(&format!(" {call}("))).count();
    let counts: BTreeMap<_, _> = CALLS.into_iter().map(|call| (call, count(call))).collect();
    assert!(counts["renameat"] >= 10 && counts["renameat2"] == 7, "{counts:?}");
    assert!(counts["linkat"] == 13 && counts["unlinkat"] >= 18 && counts["fsync"] >= 30, "{counts:?}");
    counts
}

/// Every point, or every `thin`th of them, beginning at another place for each call.
fn points(counts: &BTreeMap<&'static str, usize>, thin: usize) -> Vec<(&'static str, usize)> {
    let all = counts.iter().flat_map(|(call, count)| (1..=*count).map(|at| (*call, at)));
    if deep() { all.collect() } else { all.step_by(thin).collect() }
}

#[test]
fn killed_at_every_call() {
    let Some(strace) = peers::find("strace") else { return };
    let mut seen = BTreeMap::new();
    for (call, at) in points(&counts(&strace), 3) {
        let fleet = Fleet::new();
        let (answer, _) = fleet.run(&strace, Some(&format!("{call}:signal=KILL:when={at}")));
        let recovered = recover(&fleet.root()).unwrap();
        let files = fleet.files();
        let place = format!("killed at {call} {at}: {recovered:?}");
        match recovered.outcome {
            Outcome::Nothing if answer.contains("done") => assert_eq!(files, new(), "{place}"),
            Outcome::Nothing => assert!(files == old() || files == new(), "{place}"),
            Outcome::Discarded => assert_eq!(files, old(), "{place}"),
            Outcome::Finished => assert_eq!(files, new(), "{place}"),
            other => panic!("{other:?}, {place}"),
        }
        assert_eq!(fleet.state(), ["lock"], "{place}");
        assert!(!fleet.has_empty_folder(), "{place}");
        *seen.entry(format!("{:?}", recovered.outcome)).or_insert(0) += 1;
    }
    println!("{seen:?}");
    assert!(seen["Discarded"] > 5 && seen["Finished"] > 5, "{seen:?}");
}

#[test]
fn killed_again_while_recovering() {
    let Some(strace) = peers::find("strace") else { return };
    let counts = counts(&strace);
    // Right before the mark, right after it, and in the middle of the renames.
    for at in [2, 3, 7] {
        for (call, again) in points(&counts, 12) {
            let fleet = Fleet::new();
            fleet.run(&strace, Some(&format!("renameat:signal=KILL:when={at}")));
            assert!(pending(&fleet.root()).unwrap());
            // The child's own transaction comes after the recovery; a kill in that is the same as any.
            fleet.run(&strace, Some(&format!("{call}:signal=KILL:when={again}")));
            recover(&fleet.root()).unwrap();
            let files = fleet.files();
            assert!(files == old() || files == new(), "killed at renameat {at}, then at {call} {again}");
            assert_eq!(fleet.state(), ["lock"]);
            assert!(!fleet.has_empty_folder());
        }
    }
}

#[test]
fn calls_that_fail() {
    let Some(strace) = peers::find("strace") else { return };
    let (mut failed, mut done) = (0, 0);
    for (number, (call, at)) in points(&counts(&strace), 3).into_iter().enumerate() {
        let errors = ["ENOSPC", "EIO", "EROFS", "EACCES"];
        let chosen: Vec<&str> = if deep() { errors.to_vec() } else { vec![errors[number % 4]] };
        for error in chosen {
            let fleet = Fleet::new();
            let (answer, _) = fleet.run(&strace, Some(&format!("{call}:error={error}:when={at}")));
            let place = format!("{error} at {call} {at}: {answer}");
            if answer.contains("error: ") {
                failed += 1;
                assert_eq!(fleet.files(), old(), "{place}");
                assert!(!pending(&fleet.root()).unwrap(), "{place}");
                assert!(names_its_place(&answer), "{place}");
            }
            recover(&fleet.root()).unwrap();
            if answer.contains("done") {
                done += 1;
                assert_eq!(fleet.files(), new(), "{place}");
            } else {
                assert!(fleet.files() == old() || fleet.files() == new(), "{place}");
            }
            assert_eq!(fleet.state(), ["lock"], "{place}");
            // An emptied folder that cannot be removed is no reason to call the change off.
            assert!(call == "unlinkat" || !fleet.has_empty_folder(), "{place}");
        }
    }
    assert!(failed > 20 && done > 5, "{failed} failed, {done} done");
}

#[test]
fn everything_fails_from_some_call_on() {
    let Some(strace) = peers::find("strace") else { return };
    let calls = CALLS.into_iter().filter(|call| *call != "write").collect::<Vec<_>>().join(",");
    let total: usize =
        counts(&strace).into_iter().filter(|(call, _)| *call != "write").map(|(_, count)| count).sum();
    for at in (1..=total).step_by(if deep() { 1 } else { 6 }) {
        let fleet = Fleet::new();
        let (answer, _) = fleet.run(&strace, Some(&format!("{calls}:error=EROFS:when={at}+")));
        let place = format!("EROFS from call {at} on: {answer}");
        let left = pending(&fleet.root()).unwrap();
        if answer.contains("error: ") && !left {
            assert_eq!(fleet.files(), old(), "{place}");
        }
        recover(&fleet.root()).unwrap();
        let files = fleet.files();
        assert!(files == new() || (files == old() && !answer.contains("done")), "{place}");
        assert_eq!(fleet.state(), ["lock"], "{place}");
    }
}

/// There are file systems that have no way of renaming without replacing, and some that cannot link either.
#[test]
fn poor_file_systems() {
    let Some(strace) = peers::find("strace") else { return };
    let unlinked = "renameat2:error=EINVAL";
    let unrenamed = "renameat2:error=EINVAL linkat:error=EPERM";
    for (poor, calls) in [(unlinked, ["linkat", "unlinkat"]), (unrenamed, ["renameat", "unlinkat"])] {
        let fleet = Fleet::new();
        let (answer, lines) = fleet.run(&strace, Some(poor));
        assert!(answer.contains("done"), "{poor}: {answer}");
        assert_eq!((fleet.files(), fleet.state()), (new(), vec!["lock".to_owned()]), "{poor}");
        for call in calls {
            let count = lines.iter().filter(|line| line.contains(&format!(" {call}("))).count();
            for at in (1..=count).step_by(if deep() { 1 } else { 2 }) {
                let fleet = Fleet::new();
                fleet.run(&strace, Some(&format!("{poor} {call}:signal=KILL:when={at}")));
                recover(&fleet.root()).unwrap();
                let files = fleet.files();
                assert!(
                    files == old() || files == new(),
                    "{poor}, killed at {call} {at}: {:?}",
                    files.keys()
                );
                assert_eq!(fleet.state(), ["lock"], "{poor}, killed at {call} {at}");
            }
        }
    }
}

/// Whether a message names a file, of the fleet or of the state folder.
fn names_its_place(answer: &str) -> bool {
    let line = answer.lines().find(|line| line.contains("error: ")).unwrap_or_default();
    ["secrets", "keys", ".git/uvars", ": ."].iter().any(|place| line.contains(place))
}

#[test]
fn stages_are_flushed_before_the_mark_and_the_mark_before_the_renames() {
    let Some(strace) = peers::find("strace") else { return };
    let fleet = Fleet::new();
    let (_, lines) = fleet.run(&strace, None);
    let at = |needle: &str| lines.iter().position(|line| line.contains(needle)).unwrap();
    let last = |needle: &str| lines.iter().rposition(|line| line.contains(needle)).unwrap();
    let begun = at("\"journal.staging\"");
    let mark = at("\"journal.committed\"");
    let end = last("\"journal.committed\"");
    let is_sync = |line: &String| line.contains(" fsync(");
    let syncs = |from: usize, to: usize| lines[from..to].iter().filter(|line| is_sync(line)).count();
    assert!(syncs(0, begun) >= 1, "the journal is flushed before it counts");
    // Fifteen stages, their three folders, the folder of old files, and first the state folder.
    assert!(syncs(begun, mark) >= 20, "stages are flushed before the mark");
    assert!(is_sync(&lines[mark + 1]), "the mark is flushed before anything else");
    let renames: Vec<usize> = (0..lines.len())
        .filter(|at| lines[*at].contains("rename") && lines[*at].contains(".uvars-stage-"))
        .collect();
    assert_eq!(renames.len(), 15);
    assert!(renames.iter().all(|at| *at > mark && *at < end));
    assert!(syncs(*renames.last().unwrap(), end) >= 4, "names are flushed before the journal goes");
}

#[test]
fn an_unprivileged_writer_is_told_what_it_may_not_write() {
    // root may write anywhere, so that a child must be somebody else; who is somebody else already is that child.
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;
    let mode = |path: PathBuf, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (shut, bits, word) in [
        ("secrets/gone", 0o555, "error: secrets/gone: cannot write to the directory: Permission denied"),
        (
            "secrets/hosts/h3.sops.yaml",
            0o444,
            "error: secrets/hosts/h3.sops.yaml: cannot write: Permission denied",
        ),
        (
            "secrets/hosts/h3.sops.yaml",
            0o200,
            "error: secrets/hosts/h3.sops.yaml: cannot open: Permission denied",
        ),
        ("secrets/hosts", 0o000, "error: secrets/hosts: cannot open: Permission denied"),
        (".git/uvars", 0o555, "journal.new: cannot write: Permission denied"),
        ("keys", 0o555, "error: keys: cannot write to the directory: Permission denied"),
    ] {
        let fleet = Fleet::new();
        let mut child = Command::new(std::env::current_exe().unwrap());
        if std::fs::metadata(fleet.0.path()).unwrap().uid() == 0 {
            let list = Command::new("find").arg(fleet.0.path()).output().unwrap().stdout;
            for path in String::from_utf8(list).unwrap().lines() {
                chown(path, Some(65534), Some(65534)).unwrap();
            }
            child.uid(65534).gid(65534);
        }
        mode(fleet.0.path().join(shut), bits);
        let output = child
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(CHILD, fleet.0.path())
            .output()
            .unwrap();
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        mode(fleet.0.path().join(shut), if shut.ends_with("yaml") { 0o644 } else { 0o755 });
        assert!(answer.contains(word), "{shut}: {answer}");
        assert_eq!(fleet.files(), old(), "{shut}");
        assert_eq!(fleet.state(), ["lock"], "{shut}");
    }
}

#[test]
fn a_full_disk_changes_nothing() {
    // A file system of its own, which only its own mount namespace sees.
    let fleet = Fleet::new();
    let script = "mount -t tmpfs -o size=\"$1\" none /mnt && cp -a \"$2\"/. /mnt && \"$3\" --exact child --nocapture --test-threads=1; \
        find /mnt -name .git -prune -o -type f -print | wc -l; ls /mnt/.git/uvars";
    let mut any = false;
    for size in ["80k", "88k", "96k", "104k", "112k", "120k", "136k", "152k"] {
        let mut unshare = Command::new("unshare");
        unshare.args(["-m", "--propagation", "private"]);
        if std::fs::metadata("/proc/self").map(|it| std::os::unix::fs::MetadataExt::uid(&it)).ok() != Some(0)
        {
            unshare.arg("-r");
        }
        let output = unshare
            .args(["sh", "-c", script, "sh", size])
            .arg(fleet.0.path())
            .arg(std::env::current_exe().unwrap())
            .env(CHILD, "/mnt")
            .output()
            .unwrap();
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        if answer.contains("error: ") {
            any = true;
            assert!(answer.contains("No space left on device"), "{size}: {answer}");
            assert!(answer.lines().any(|line| line.trim() == "14"), "{size}: {answer}");
            assert!(answer.trim_end().ends_with("\nlock"), "{size}: {answer}");
        }
    }
    if !any {
        assert!(std::env::var_os("CI").is_none(), "no small file system could be made");
        println!("skipped: no small file system could be made");
    }
}
