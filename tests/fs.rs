//! Reading and writing a fleet repository: in git, in a linked working tree, in a submodule, without git; through
//! links; and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "this is test code"
)]

mod peers;

use std::fs::{Permissions, create_dir_all, read, read_to_string, set_permissions, write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use uvars::fs::{
    Digest, Outcome, RepoPath, Report, Root, Transaction, forget, pending, recover, replace, write_new,
};

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

struct Fleet(tempfile::TempDir);

impl Fleet {
    /// A folder in git, as far as anybody can tell who does not run it.
    fn in_git() -> Self {
        let fleet = Self::plain();
        fleet.put(".git/HEAD", "ref: refs/heads/main\n");
        fleet
    }

    fn plain() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        create_dir_all(self.at(name).parent().unwrap()).unwrap();
        write(self.at(name), text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        read_to_string(self.at(name)).unwrap()
    }

    fn root(&self) -> Root {
        Root::open(self.0.path()).unwrap()
    }

    fn commit(&self, change: impl FnOnce(&mut Transaction)) -> uvars::Result<Report> {
        let mut transaction = Transaction::new();
        change(&mut transaction);
        transaction.commit(&self.root().lock(Duration::ZERO)?)
    }

    fn refused(&self, change: impl FnOnce(&mut Transaction)) -> String {
        self.commit(change).unwrap_err().to_string()
    }

    fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.at(name)).unwrap().mode() & 0o7777
    }

    /// A journal as the documentation of the format has it.
    fn plant(
        &self,
        folder: &str,
        phase: &str,
        place: &str,
        entries: &[(Option<&str>, Option<&str>, usize, &str)],
    ) {
        let digest =
            |text: Option<&str>| text.map_or("-".to_owned(), |text| Digest::of(text.as_bytes()).to_string());
        let lines: Vec<String> = entries
            .iter()
            .map(|(before, after, depth, path)| {
                format!("{} {} {depth} {path}\n", digest(*before), digest(*after))
            })
            .collect();
        let head = format!("uvars journal 1\nid {ID}\nplace {place}\ncount {}\n", entries.len());
        let body = head + &lines.concat();
        let text = format!("{body}end {}\n", Digest::of(body.as_bytes()));
        let name = format!("{folder}/journal.{phase}");
        self.put(&name, &text);
        set_permissions(self.at(&name), Permissions::from_mode(0o600)).unwrap();
    }
}

const ID: &str = "0123456789abcdef";

// Where the journal is.

#[test]
fn without_git_the_state_folder_ignores_itself() {
    let fleet = Fleet::plain();
    fleet.commit(|it| it.write(path("a"), b"x".to_vec())).unwrap();
    assert_eq!(fleet.text(".uvars/.gitignore"), "*\n");
    assert_eq!(fleet.root().git_dir(), None);
    assert_eq!(fleet.root().list_all().unwrap(), [path("a")]);
}

#[test]
fn in_git_nothing_shows() {
    let Some(mut git) = peers::command("git") else { return };
    let fleet = Fleet::plain();
    assert!(git.args(["init", "-q"]).arg(fleet.0.path()).status().unwrap().success());
    let exclude = fleet.text(".git/info/exclude");
    fleet.commit(|it| it.write(path("secrets/a"), b"x".to_vec())).unwrap();
    fleet.commit(|it| it.write(path("secrets/a"), b"y".to_vec())).unwrap();
    assert_eq!(fleet.text(".git/info/exclude"), format!("{exclude}.uvars-stage-*\n"));
    fleet.put(".git/info/exclude", "*.swp");
    fleet.commit(|it| it.write(path("secrets/a"), b"z".to_vec())).unwrap();
    assert_eq!(fleet.text(".git/info/exclude"), "*.swp\n.uvars-stage-*\n");
    fleet.put(&format!("secrets/.uvars-stage-{ID}-0"), "in the making");
    let mut git = peers::command("git").unwrap();
    let status = git.current_dir(fleet.0.path()).args(["status", "--porcelain", "-uall"]).output().unwrap();
    assert_eq!(String::from_utf8(status.stdout).unwrap(), "?? secrets/a\n");
    assert_eq!(fleet.root().list(&path("secrets")).unwrap(), [path("secrets/a")]);
}

#[test]
fn linked_working_trees_and_submodules_have_their_own_state() {
    let fleet = Fleet::in_git();
    fleet.put(".git/worktrees/other/HEAD", "ref: refs/heads/other\n");
    fleet.put(".git/worktrees/other/commondir", "../..\n");
    fleet.put(".git/modules/sub/HEAD", "ref: refs/heads/main\n");
    let other = Fleet::plain();
    other.put(".git", &format!("gitdir: {}\n", fleet.at(".git/worktrees/other").display()));
    fleet.put("sub/.git", "gitdir: ../.git/modules/sub\n");
    let sub = Root::open(&fleet.at("sub")).unwrap();

    drop(other.root().lock(Duration::ZERO).unwrap());
    drop(sub.lock(Duration::ZERO).unwrap());
    assert!(fleet.at(".git/worktrees/other/uvars/lock").exists());
    assert!(fleet.at(".git/modules/sub/uvars/lock").exists());
    assert!(!fleet.at(".git/uvars").exists());
    assert_eq!(fleet.text(".git/info/exclude"), ".uvars-stage-*\n");
    assert_eq!(fleet.text(".git/modules/sub/info/exclude"), ".uvars-stage-*\n");
}

#[test]
fn a_git_file_that_leads_nowhere_is_an_error() {
    let fleet = Fleet::plain();
    fleet.put(".git", "gitdir: /nowhere/at/all\n");
    let error = Root::open(fleet.0.path()).unwrap_err();
    assert!(
        error.to_string().contains("cannot find the git directory /nowhere/at/all that it names"),
        "{error}"
    );
    fleet.put(".git", "what is this\n");
    let error = Root::open(fleet.0.path()).unwrap_err();
    assert!(
        error.to_string().ends_with(".git: is neither a git directory nor a file that names one"),
        "{error}"
    );
}

#[test]
fn a_fleet_may_be_a_folder_of_a_repository() {
    let repository = Fleet::in_git();
    repository.put("infra/fleet/uvars.yaml", "version: 1\n");
    repository.put("people/jon.pub", "age1…\n");
    create_dir_all(repository.at("infra/fleet/keys")).unwrap();
    symlink("../../../people/jon.pub", repository.at("infra/fleet/keys/jon.pub")).unwrap();
    let root = Root::open(&repository.at("infra/fleet")).unwrap();
    assert_eq!(root.list_all().unwrap(), [path("keys/jon.pub"), path("uvars.yaml")]);
    assert_eq!(root.read(&path("keys/jon.pub")).unwrap().unwrap(), "age1…\n".as_bytes());
    let mut transaction = Transaction::new();
    transaction.write(path("keys/jon.pub"), b"age2\n".to_vec());
    let report = transaction.commit(&root.lock(Duration::ZERO).unwrap()).unwrap();
    assert_eq!(report.replaced, [path("keys/jon.pub")]);
    assert_eq!(repository.text("people/jon.pub"), "age2\n");
    assert!(repository.at(".git/uvars/lock").exists());
    assert!(!repository.at("infra/fleet/.uvars").exists());
}

#[test]
fn a_state_folder_that_is_a_link_is_refused() {
    let elsewhere = Fleet::plain();
    for fleet in [Fleet::plain(), Fleet::in_git()] {
        let name = if fleet.at(".git").exists() { ".git/uvars" } else { ".uvars" };
        symlink(elsewhere.0.path(), fleet.at(name)).unwrap();
        let error = fleet.refused(|it| it.write(path("a"), vec![]));
        assert!(error.contains("is not a directory, but uvars keeps its journal there"), "{error}");
        assert!(std::fs::read_dir(elsewhere.0.path()).unwrap().next().is_none());
        assert!(!fleet.at("a").exists());
    }
}

// Reading.

#[test]
fn reads_tell_absent_from_unreadable() {
    let fleet = Fleet::in_git();
    fleet.put("a/file", "x");
    fleet.put("empty", "");
    let root = fleet.root();
    assert_eq!(root.read(&path("a/file")).unwrap().unwrap(), b"x");
    assert_eq!(root.read(&path("empty")).unwrap().unwrap(), b"");
    assert_eq!(root.read(&path("a/none")).unwrap(), None);
    assert_eq!(root.read(&path("no/such")).unwrap(), None);
    let error = |name: &str| root.read(&path(name)).unwrap_err().to_string();
    assert_eq!(error("a"), "a: is a directory, not a file");
    assert_eq!(error("empty/below"), "empty: is not a directory");
    rustix::fs::mkfifoat(rustix::fs::CWD, fleet.at("fifo"), rustix::fs::Mode::RUSR).unwrap();
    assert_eq!(error("fifo"), "fifo: is a fifo, not a file");
    let huge = std::fs::File::create(fleet.at("huge")).unwrap();
    huge.set_len(uvars::fs::LIMIT + 1).unwrap();
    assert_eq!(error("huge"), "huge: is larger than 64 MiB");
    let most = usize::try_from(uvars::fs::LIMIT).unwrap();
    let refused = fleet.commit(|it| it.write(path("new"), vec![b'x'; most + 1])).unwrap_err();
    assert_eq!(refused.to_string(), "new: would be larger than 64 MiB, which uvars does not read");
    assert!(!fleet.at("new").exists());
    fleet.commit(|it| it.write(path("new"), vec![b'x'; most])).unwrap();
    assert_eq!(fleet.root().read(&path("new")).unwrap().map(|bytes| bytes.len()), Some(most));
}

#[test]
fn links_are_followed_only_if_they_end_inside() {
    let outside = Fleet::plain();
    outside.put("file", "outside");
    let fleet = Fleet::in_git();
    fleet.put("real/file", "inside");
    let link = |to: &Path, name: &str| symlink(to, fleet.at(name)).unwrap();
    link(Path::new("real/file"), "one");
    link(Path::new("one"), "two");
    link(Path::new("real"), "folder");
    link(&fleet.at("real/file"), "absolute");
    link(&Path::new("..").join(fleet.0.path().file_name().unwrap()).join("real/file"), "out_and_in");
    link(&outside.at("file"), "leaves");
    link(outside.0.path(), "folder_leaves");
    link(Path::new("real/none"), "nothing");
    link(Path::new("round"), "round");
    link(Path::new(".git/HEAD"), "git");
    link(Path::new("leaves"), "leaves_later");
    let root = fleet.root();
    for name in ["one", "two", "folder/file", "absolute", "out_and_in"] {
        assert_eq!(root.read(&path(name)).unwrap().unwrap(), b"inside", "{name}");
        assert_eq!(root.path(&path(name)).unwrap(), fleet.at("real/file").canonicalize().unwrap());
    }
    assert_eq!(root.read(&path("folder/none")).unwrap(), None);
    for (name, word) in [
        ("leaves", "leaves: is a link that leaves the repository"),
        ("leaves_later", "leaves_later: is a link that leaves the repository"),
        ("folder_leaves/file", "folder_leaves/file: is a link that leaves the repository"),
        ("folder_leaves/none", "folder_leaves/none: is a link that leaves the repository"),
        ("nothing", "nothing: is a link to nothing"),
        ("round", "round: cannot follow the link"),
        ("git", "git: is a link into a folder that is not ours to touch"),
    ] {
        for error in [
            root.read(&path(name)).unwrap_err().to_string(),
            root.path(&path(name)).unwrap_err().to_string(),
            fleet.refused(|it| it.write(path(name), b"new".to_vec())),
        ] {
            assert!(error.starts_with(word), "{error}");
        }
    }
    assert_eq!(outside.text("file"), "outside");
    assert!(!outside.at("none").exists());
    assert_eq!(fleet.text(".git/HEAD"), "ref: refs/heads/main\n");
}

#[test]
fn no_link_makes_one_file_of_the_fleet_another_one() {
    for below in ["", "infra/fleet/"] {
        let repository = Fleet::in_git();
        for name in ["secrets/hosts/a", "keys/admins/ann", "kept/b"] {
            repository.put(&format!("{below}{name}"), "old");
        }
        repository.put("secrets/hosts/elsewhere", "old");
        let at = |name: &str| repository.at(&format!("{below}{name}"));
        for name in ["secrets/shared", "keys/users"] {
            create_dir_all(at(name)).unwrap();
        }
        let up = "../".repeat(2 + below.split('/').count() - 1);
        symlink("../hosts/a", at("secrets/shared/a")).unwrap();
        symlink("hosts", at("secrets/accounts")).unwrap();
        symlink("../admins/ann", at("keys/users/bob")).unwrap();
        symlink("../../kept/b", at("secrets/shared/b")).unwrap();
        let root = Root::open(&repository.at(below)).unwrap();
        for name in ["secrets/shared/a", "secrets/accounts/a", "secrets/accounts/new", "keys/users/bob"] {
            let mut transaction = Transaction::new();
            transaction.write(path(name), b"new".to_vec());
            let refused = transaction.commit(&root.lock(Duration::ZERO).unwrap());
            for error in [root.read(&path(name)).unwrap_err(), refused.unwrap_err()] {
                let is = if name.contains("accounts") {
                    "is a link to a folder, or leads through one, and nothing looks after the files there"
                } else {
                    "is a link to another file of the fleet, or leads through one"
                };
                assert_eq!(error.to_string(), format!("{name}: {is}"));
            }
        }
        assert!(!at("secrets/hosts/new").exists());
        assert_eq!(root.read(&path("secrets/hosts/a")).unwrap().unwrap(), b"old");
        assert_eq!(root.read(&path("secrets/shared/b")).unwrap().unwrap(), b"old");
        // what lies above the fleet is not the fleet's
        if !below.is_empty() {
            symlink(format!("{up}secrets/hosts/elsewhere"), at("secrets/shared/c")).unwrap();
            assert_eq!(root.read(&path("secrets/shared/c")).unwrap().unwrap(), b"old");
        }
        let error = root.list(&path("secrets")).unwrap_err().to_string();
        assert!(error.starts_with("secrets/accounts: is a link to a folder"), "{error}");
        std::fs::remove_file(at("secrets/accounts")).unwrap();
        let listed = ["secrets/hosts/a", "secrets/shared/a", "secrets/shared/b"].map(path);
        assert_eq!(root.list(&path("secrets")).unwrap().iter().filter(|it| listed.contains(it)).count(), 3);
    }
}

#[test]
fn listings_show_what_there_is_to_complain_about() {
    let fleet = Fleet::in_git();
    for name in ["secrets/b", "secrets/a/c", "secrets/a/b/d", "other/file", "secrets/.uvars-stage-x"] {
        fleet.put(name, "");
    }
    symlink("nowhere", fleet.at("secrets/broken")).unwrap();
    symlink("b", fleet.at("secrets/link")).unwrap();
    symlink("../secrets/a", fleet.at("other/folder")).unwrap();
    let root = fleet.root();
    let listed = root.list(&path("secrets")).unwrap();
    assert_eq!(
        listed,
        ["secrets/a/b/d", "secrets/a/c", "secrets/b", "secrets/broken", "secrets/link"].map(path)
    );
    assert_eq!(root.list(&path("other")).unwrap(), [path("other/file")]);
    std::fs::remove_file(fleet.at("other/folder")).unwrap();
    // whose files they are is said by where they are
    symlink("../other", fleet.at("secrets/folder")).unwrap();
    let error = root.list(&path("secrets")).unwrap_err().to_string();
    assert!(error.starts_with("secrets/folder: is a link to a folder"), "{error}");
    assert_eq!(root.list(&path("none")).unwrap(), []);
    assert_eq!(root.list(&path("secrets/folder")).unwrap(), [path("secrets/folder/file")]);
    std::fs::remove_file(fleet.at("secrets/folder")).unwrap();
    assert_eq!(root.list(&path("secrets/b")).unwrap_err().to_string(), "secrets/b: is not a directory");
    symlink("/usr", fleet.at("secrets/out")).unwrap();
    let error = root.list(&path("secrets")).unwrap_err().to_string();
    assert!(error.starts_with("secrets/out: is a link that leaves the repository"), "{error}");
}

#[test]
fn listings_do_not_pass_over_odd_names() {
    use std::os::unix::ffi::OsStrExt as _;
    let fleet = Fleet::plain();
    fleet.put("secrets/a\nb", "");
    let error = fleet.root().list(&path("secrets")).unwrap_err().to_string();
    assert!(error.contains(r#""secrets/a\nb" cannot be a path in the repository"#), "{error}");
    std::fs::remove_file(fleet.at("secrets/a\nb")).unwrap();
    write(fleet.at("secrets").join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
    let error = fleet.root().list(&path("secrets")).unwrap_err().to_string();
    assert!(error.contains("secrets: holds a name that is not UTF-8"), "{error}");
}

#[test]
fn paths_from_outside_become_paths_of_the_repository() {
    let fleet = Fleet::in_git();
    fleet.put("secrets/a", "");
    symlink("a", fleet.at("secrets/link")).unwrap();
    let root = fleet.root();
    assert_eq!(root.repo_path(&fleet.at("secrets/a")).unwrap(), path("secrets/a"));
    assert_eq!(root.repo_path(&fleet.at("secrets/../secrets/new")).unwrap(), path("secrets/new"));
    assert_eq!(root.repo_path(&fleet.at("secrets/link")).unwrap(), path("secrets/link"));
    assert_eq!(root.repo_path(&fleet.at("none/deep/new")).unwrap(), path("none/deep/new"));
    assert!(root.repo_path(&fleet.at("none/../../new")).is_err());
    assert!(
        root.repo_path(Path::new("/etc/passwd"))
            .unwrap_err()
            .to_string()
            .contains("is not in the repository")
    );
    assert!(root.repo_path(&fleet.at(".git/HEAD")).is_err());
}

// Writing.

#[test]
fn modes_owners_and_links_stay() {
    let fleet = Fleet::in_git();
    fleet.put("plain", "old");
    fleet.put("odd", "old");
    set_permissions(fleet.at("odd"), Permissions::from_mode(0o640)).unwrap();
    symlink("odd", fleet.at("link")).unwrap();
    let root_user = std::fs::metadata(fleet.0.path()).unwrap().uid() == 0;
    if root_user {
        std::os::unix::fs::chown(fleet.at("odd"), Some(4321), Some(1234)).unwrap();
    }
    let report = fleet
        .commit(|it| {
            it.create_mode(path("plain"), b"new".to_vec(), 0o600);
            it.write(path("link"), b"new".to_vec());
            it.create_mode(path("secret"), b"new".to_vec(), 0o600);
            it.create_mode(path("tool"), b"new".to_vec(), 0o755);
            it.write(path("deep/er/usual"), b"new".to_vec());
        })
        .unwrap();
    assert_eq!(report.replaced, ["link", "plain"].map(path));
    assert_eq!(report.created, ["deep/er/usual", "secret", "tool"].map(path));
    assert_eq!([fleet.mode("plain"), fleet.mode("odd")], [0o644, 0o640]);
    assert_eq!([fleet.mode("secret"), fleet.mode("tool")], [0o600, 0o755]);
    assert_eq!(fleet.mode("deep/er/usual") & 0o600, 0o600);
    assert_eq!(fleet.mode("deep/er/usual") & 0o111, 0);
    assert!(std::fs::symlink_metadata(fleet.at("link")).unwrap().is_symlink());
    assert_eq!(fleet.text("odd"), "new");
    if root_user {
        let odd = std::fs::metadata(fleet.at("odd")).unwrap();
        assert_eq!((odd.uid(), odd.gid()), (4321, 1234));
    }
}

#[test]
fn what_is_right_already_is_not_touched() {
    let fleet = Fleet::in_git();
    fleet.put("same", "x");
    let before = std::fs::metadata(fleet.at("same")).unwrap();
    let report = fleet
        .commit(|it| {
            it.write(path("same"), b"x".to_vec());
            it.remove(path("absent"));
        })
        .unwrap();
    assert!(report.is_empty());
    assert_eq!(report.unchanged, ["absent", "same"].map(path));
    let after = std::fs::metadata(fleet.at("same")).unwrap();
    assert_eq!(
        (before.ino(), before.mtime_nsec(), before.ctime_nsec()),
        (after.ino(), after.mtime_nsec(), after.ctime_nsec())
    );
}

#[test]
fn a_preview_is_the_report_and_writes_nothing() {
    let fleet = Fleet::plain();
    fleet.put("a", "old");
    fleet.put("b", "old");
    let mut transaction = Transaction::new();
    transaction.write(path("a"), b"new".to_vec());
    transaction.remove(path("b"));
    transaction.write(path("c"), b"new".to_vec());
    let preview = transaction.preview(&fleet.root()).unwrap();
    assert_eq!((preview.created.len(), preview.replaced.len(), preview.removed.len()), (1, 1, 1));
    assert_eq!(fleet.root().list_all().unwrap(), ["a", "b"].map(path));
    assert!(!fleet.at(".uvars").exists());
    assert_eq!(transaction.commit(&fleet.root().lock(Duration::ZERO).unwrap()).unwrap(), preview);
    assert_eq!(fleet.root().list_all().unwrap(), ["a", "c"].map(path));
}

#[test]
fn folders_come_and_go_with_their_files() {
    let fleet = Fleet::in_git();
    fleet.commit(|it| it.write(path("a/b/c"), b"x".to_vec())).unwrap();
    create_dir_all(fleet.at("a/empty")).unwrap();
    fleet.commit(|it| it.remove(path("a/b/c"))).unwrap();
    assert!(!fleet.at("a/b").exists());
    assert!(fleet.at("a/empty").exists(), "a folder that was empty before is not ours");
}

type Change<'a> = &'a dyn Fn(&mut Transaction);

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let fleet = Fleet::in_git();
    for name in ["file", "folder/file", "Upper"] {
        fleet.put(name, "old");
    }
    symlink("file", fleet.at("link")).unwrap();
    symlink("file", fleet.at("link2")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, fleet.at("fifo"), rustix::fs::Mode::RUSR).unwrap();
    let new = || b"new".to_vec();
    let also = |it: &mut Transaction| it.write(path("also"), new());
    let table: [(Change<'_>, &str); 12] = [
        (&|it| it.write(path("folder"), new()), "folder: is a directory, not a file"),
        (&|it| it.remove(path("folder")), "folder: is a directory, not a file"),
        (&|it| it.write(path("file/below"), new()), "file: is not a directory"),
        (&|it| it.write(path("fifo"), new()), "fifo: is a fifo, not a file"),
        (&|it| it.remove(path("fifo")), "fifo: is a fifo, not a file"),
        (&|it| it.remove(path("link")), "link: is a link; uvars removes files only"),
        (
            &|it| it.write(path("upper"), new()),
            "upper: a file beside it has a name that differs only in case",
        ),
        (
            &|it| {
                it.write(path("new/jon"), new());
                it.write(path("new/Jon"), new());
            },
            "new/jon: differs from new/Jon only in case, which not every system can tell apart",
        ),
        (
            &|it| {
                it.write(path("link"), new());
                it.write(path("link2"), new());
            },
            "link2: is the same file as link",
        ),
        (
            &|it| {
                it.write(path("new"), new());
                it.write(path("new/below"), new());
            },
            "new/below: cannot be made, since new is to be a file",
        ),
        (
            &|it| {
                it.write(path("twice"), new());
                it.write(path("twice"), b"other".to_vec());
            },
            "twice: would be written in two different ways at once",
        ),
        (
            &|it| {
                it.expect(path("file"), Some(b"older"));
                it.write(path("file"), new());
            },
            "file: was changed by somebody else meanwhile; nothing was written",
        ),
    ];
    for (change, message) in table {
        let error = fleet.refused(|it| {
            also(it);
            change(it);
        });
        assert!(error.starts_with(message), "{error}");
        assert!(!fleet.at("also").exists());
    }
    fleet
        .commit(|it| {
            it.expect(path("file"), Some(b"old"));
            it.expect(path("none"), None);
            it.write(path("file"), new());
            it.write(path("twice"), new());
            it.write(path("twice"), new());
        })
        .unwrap();
}

/// With `UVARS_DEEP=1` ten thousand of them, and how long that took is printed.
#[test]
fn very_many_files() {
    let many = if std::env::var_os("UVARS_DEEP").is_some() { 10_000 } else { 300 };
    let fleet = Fleet::in_git();
    let fill = |word: &str| {
        fleet
            .commit(|it| {
                for number in 0..many {
                    let name = format!("secrets/hosts/d{}/h{number}.sops.yaml", number % 50);
                    it.write(path(&name), format!("{word} {number}\n").repeat(50).into_bytes());
                }
            })
            .unwrap()
    };
    let start = Instant::now();
    assert_eq!(fill("one").created.len(), many);
    let made = start.elapsed();
    let start = Instant::now();
    assert_eq!(fill("two").replaced.len(), many);
    let replaced = start.elapsed();
    println!("{many} files: made in {made:?}, replaced in {replaced:?}");
    assert_eq!(fleet.root().list(&path("secrets")).unwrap().len(), many);
    assert!(fleet.text("secrets/hosts/d7/h7.sops.yaml").starts_with("two 7\n"));
}

// The lock.

#[test]
fn the_lock_is_one_and_says_who_has_it() {
    let fleet = Fleet::in_git();
    let root = fleet.root();
    let lock = root.lock(Duration::ZERO).unwrap();
    let error = root.lock(Duration::from_millis(50)).unwrap_err().to_string();
    assert!(error.contains("another uvars is writing here: process "), "{error}");
    assert!(error.contains(&std::process::id().to_string()), "{error}");
    let waiting = std::thread::spawn({
        let root = root.clone();
        move || root.lock(Duration::from_secs(20)).map(|_| ())
    });
    std::thread::sleep(Duration::from_millis(100));
    drop(lock);
    waiting.join().unwrap().unwrap();
}

#[test]
fn a_lock_that_was_deleted_is_taken_anew() {
    let fleet = Fleet::in_git();
    let first = fleet.root().lock(Duration::ZERO).unwrap();
    std::fs::remove_file(fleet.at(".git/uvars/lock")).unwrap();
    drop(first);
    drop(fleet.root().lock(Duration::ZERO).unwrap());
    assert!(fleet.at(".git/uvars/lock").exists());
}

#[test]
fn many_writers_take_turns() {
    let fleet = Fleet::in_git();
    fleet.put("count", "0");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let root = fleet.root();
            std::thread::spawn(move || {
                for _ in 0..10 {
                    let lock = root.lock(Duration::from_mins(1)).unwrap();
                    let old = String::from_utf8(root.read(&path("count")).unwrap().unwrap()).unwrap();
                    let mut transaction = Transaction::new();
                    transaction
                        .write(path("count"), (old.parse::<u32>().unwrap() + 1).to_string().into_bytes());
                    transaction.commit(&lock).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(fleet.text("count"), "80");
}

// Journals that somebody else put there, and targets that somebody else changed.

#[test]
fn a_planted_journal_is_followed_nowhere() {
    let outside = Fleet::plain();
    outside.put("victim", "theirs");
    let out = outside.at("victim").display().to_string();
    // In a clone `.uvars` can have come with the clone, tracked or not; without git, with an archive.
    for git in [true, false] {
        for phase in ["staging", "committed", "undoing"] {
            for target in ["ours", "../victim", out.as_str(), ".git/hooks/pre-commit", "linked/victim"] {
                let fleet = if git { Fleet::in_git() } else { Fleet::plain() };
                fleet.put("ours", "ours");
                symlink(outside.0.path(), fleet.at("linked")).unwrap();
                fleet.put(&format!(".uvars-stage-{ID}-0"), "theirs now");
                let depth = target.split('/').count() - 1;
                for place in ["git", "1234567"] {
                    fleet.plant(".uvars", phase, place, &[(Some("ours"), Some("theirs now"), depth, target)]);
                    let error = recover(&fleet.root()).unwrap_err().to_string();
                    assert!(error.contains("this journal is not followed"), "{error}");
                    assert!(pending(&fleet.root()).unwrap());
                    assert!(fleet.refused(|it| it.write(path("new"), vec![])).contains("not followed"));
                    assert_eq!(fleet.text("ours"), "ours");
                    assert_eq!(fleet.text(&format!(".uvars-stage-{ID}-0")), "theirs now");
                }
                std::fs::remove_dir_all(fleet.at(".uvars")).unwrap();
                fleet.commit(|it| it.write(path("new"), vec![])).unwrap();
            }
        }
    }
    assert_eq!(outside.text("victim"), "theirs");
}

#[test]
fn a_tracked_journal_in_a_clone_harms_nothing() {
    let Some(_) = peers::find("git") else { return };
    let git = |dir: &Path, arguments: &[&str]| {
        let mut git = peers::command("git").unwrap();
        let names =
            ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "protocol.file.allow=always"];
        assert!(
            git.current_dir(dir).args(names).args(arguments).status().unwrap().success(),
            "{arguments:?}"
        );
    };
    let theirs = Fleet::plain();
    git(theirs.0.path(), &["init", "-q"]);
    theirs.put("ours", "ours");
    theirs.put(&format!(".uvars-stage-{ID}-0"), "theirs now");
    theirs.plant(".uvars", "committed", "git", &[(Some("ours"), Some("theirs now"), 0, "ours")]);
    git(theirs.0.path(), &["add", "-f", "."]);
    git(theirs.0.path(), &["commit", "-q", "-m", "x"]);
    let clone = Fleet::plain();
    git(clone.0.path(), &["clone", "-q", theirs.0.path().to_str().unwrap(), "fleet"]);
    let root = Root::open(&clone.at("fleet")).unwrap();
    let error = root.lock(Duration::ZERO).unwrap_err();
    assert!(error.message().contains("in a git repository a clone could have brought it"), "{error}");
    assert_eq!(clone.text("fleet/ours"), "ours");
}

#[test]
fn a_journal_of_the_right_form_is_finished_or_taken_back() {
    for (now, stage, old, outcome, then) in [
        ("old", Some("new"), Some("old"), Outcome::Finished, "new"),
        ("new", None, Some("old"), Outcome::Finished, "new"),
        ("old", None, Some("old"), Outcome::Undone, "old"),
        ("old", Some("other"), None, Outcome::Undone, "old"),
    ] {
        let fleet = Fleet::in_git();
        fleet.put("dir/ours", now);
        if let Some(stage) = stage {
            fleet.put(&format!("dir/.uvars-stage-{ID}-0"), stage);
        }
        if let Some(old) = old {
            fleet.put(&format!(".git/uvars/old-{ID}/0"), old);
        }
        fleet.plant(".git/uvars", "committed", "git", &[(Some("old"), Some("new"), 1, "dir/ours")]);
        assert!(pending(&fleet.root()).unwrap());
        let recovered = recover(&fleet.root()).unwrap();
        assert_eq!((recovered.outcome, recovered.files), (outcome, vec![path("dir/ours")]));
        assert_eq!(fleet.text("dir/ours"), then);
        assert_eq!(fleet.root().list_all().unwrap(), [path("dir/ours")]);
        assert!(!fleet.at(&format!("dir/.uvars-stage-{ID}-0")).exists());
        assert!(!fleet.at(&format!(".git/uvars/old-{ID}")).exists());
    }
}

#[test]
fn targets_that_somebody_else_changed_stop_it() {
    // As after a git checkout between the crash and the next run.
    for phase in ["committed", "undoing"] {
        let fleet = Fleet::in_git();
        let entries = [(Some("old"), Some("new"), 0, "one"), (Some("old"), Some("new"), 0, "two")];
        for (number, name) in ["one", "two"].into_iter().enumerate() {
            fleet.put(name, "old");
            fleet.put(&format!(".uvars-stage-{ID}-{number}"), "new");
            fleet.put(&format!(".git/uvars/old-{ID}/{number}"), "old");
        }
        fleet.put("two", "checked out");
        fleet.plant(".git/uvars", phase, "git", &entries);
        for _ in 0..2 {
            let error = recover(&fleet.root()).unwrap_err();
            assert!(error.to_string().starts_with("two: is neither what it was before"), "{error}");
            assert_eq!((fleet.text("one"), fleet.text("two")), ("old".to_owned(), "checked out".to_owned()));
            assert!(fleet.refused(|it| it.write(path("new"), vec![])).contains("is neither"));
        }
        let forgotten = forget(&fleet.root()).unwrap();
        assert_eq!(forgotten.outcome, Outcome::Forgotten);
        assert_eq!((fleet.text("one"), fleet.text("two")), ("old".to_owned(), "checked out".to_owned()));
        assert_eq!(recover(&fleet.root()).unwrap().outcome, Outcome::Nothing);
        assert_eq!(fleet.root().list_all().unwrap(), ["one", "two"].map(path));
        assert!(!fleet.at(&format!(".uvars-stage-{ID}-0")).exists());
    }
}

#[test]
fn a_target_that_now_leads_through_a_link_stops_it() {
    let outside = Fleet::plain();
    outside.put("ours", "old");
    outside.put(&format!(".uvars-stage-{ID}-0"), "new");
    for phase in ["staging", "committed", "undoing"] {
        let fleet = Fleet::in_git();
        fleet.plant(".git/uvars", phase, "git", &[(Some("old"), Some("new"), 1, "dir/ours")]);
        symlink(outside.0.path(), fleet.at("dir")).unwrap();
        let error = recover(&fleet.root()).unwrap_err().to_string();
        assert_eq!(error, "dir: is a link now, and was none before", "{phase}");
    }
    assert_eq!(outside.text("ours"), "old");
    assert_eq!(outside.text(&format!(".uvars-stage-{ID}-0")), "new");
}

#[test]
fn both_stage_and_old_bytes_lost_is_said() {
    let fleet = Fleet::in_git();
    fleet.put("one", "new");
    fleet.put("two", "old");
    let entries = [(Some("old"), Some("new"), 0, "one"), (Some("old"), Some("new"), 0, "two")];
    fleet.plant(".git/uvars", "committed", "git", &entries);
    let error = recover(&fleet.root()).unwrap_err().to_string();
    assert!(error.contains("cannot open the old files of an interrupted change"), "{error}");
    fleet.put(&format!(".git/uvars/old-{ID}/0"), "not the old");
    let error = recover(&fleet.root()).unwrap_err().to_string();
    assert!(
        error.starts_with("one: an interrupted change can be neither finished nor taken back"),
        "{error}"
    );
    assert_eq!((fleet.text("one"), fleet.text("two")), ("new".to_owned(), "old".to_owned()));
}

#[test]
fn a_journal_that_others_can_write_is_refused() {
    let fleet = Fleet::in_git();
    fleet.put("ours", "old");
    fleet.plant(".git/uvars", "committed", "git", &[(Some("old"), None, 0, "ours")]);
    let journal = fleet.at(".git/uvars/journal.committed");
    set_permissions(&journal, Permissions::from_mode(0o666)).unwrap();
    assert!(recover(&fleet.root()).unwrap_err().message().contains("others could have written it"));
    set_permissions(&journal, Permissions::from_mode(0o600)).unwrap();
    std::fs::hard_link(&journal, fleet.at("second")).unwrap();
    assert!(recover(&fleet.root()).unwrap_err().message().contains("others could have written it"));
    std::fs::remove_file(fleet.at("second")).unwrap();
    if std::fs::metadata(fleet.0.path()).unwrap().uid() == 0 {
        std::os::unix::fs::chown(&journal, Some(4321), None).unwrap();
        assert!(recover(&fleet.root()).unwrap_err().message().contains("it belongs to another user"));
    }
    assert_eq!(fleet.text("ours"), "old");
}

#[test]
fn what_is_no_journal_is_refused() {
    for junk in ["", "\n", "uvars journal 1\n", "uvars journal 9\nend 0\n", "{}", "\u{0}\u{0}"] {
        let fleet = Fleet::in_git();
        fleet.put(".git/uvars/journal.committed", junk);
        let error = recover(&fleet.root()).unwrap_err();
        assert!(error.message().starts_with("this journal is not followed"), "{error}");
        assert_eq!(error.file().unwrap(), fleet.at(".git/uvars/journal.committed").canonicalize().unwrap());
    }
    let fleet = Fleet::in_git();
    create_dir_all(fleet.at(".git/uvars/journal.committed")).unwrap();
    assert!(recover(&fleet.root()).unwrap_err().to_string().ends_with("is a directory, not a file"));
    let fleet = Fleet::in_git();
    create_dir_all(fleet.at(".git/uvars")).unwrap();
    symlink("/etc/passwd", fleet.at(".git/uvars/journal.committed")).unwrap();
    assert!(recover(&fleet.root()).unwrap_err().to_string().ends_with("is a link, not a file"));
}

#[test]
fn leftovers_without_a_journal_are_swept() {
    let fleet = Fleet::in_git();
    fleet.put(".git/uvars/journal.new", "half a jour");
    fleet.put(&format!(".git/uvars/old-{ID}/0"), "old");
    fleet.put(".git/uvars/old-things-of-mine/0", "not ours");
    assert!(!pending(&fleet.root()).unwrap());
    assert_eq!(recover(&fleet.root()).unwrap().outcome, Outcome::Nothing);
    assert!(!fleet.at(".git/uvars/journal.new").exists());
    assert!(!fleet.at(&format!(".git/uvars/old-{ID}")).exists());
    assert!(fleet.at(".git/uvars/old-things-of-mine/0").exists());
}

#[test]
fn a_writer_at_work_is_not_pending() {
    let fleet = Fleet::in_git();
    let lock = fleet.root().lock(Duration::ZERO).unwrap();
    fleet.plant(".git/uvars", "staging", "git", &[(None, Some("new"), 0, "one")]);
    assert!(!pending(&fleet.root()).unwrap());
    drop(lock);
    assert!(pending(&fleet.root()).unwrap());
    assert_eq!(recover(&fleet.root()).unwrap().outcome, Outcome::Discarded);
}

#[test]
fn looking_at_a_repository_makes_nothing() {
    let fleet = Fleet::plain();
    fleet.put("a", "");
    let root = fleet.root();
    root.read(&path("a")).unwrap();
    root.list_all().unwrap();
    assert!(!pending(&root).unwrap());
    assert!(!fleet.at(".uvars").exists());
}

// Single files.

#[test]
fn write_new_never_replaces() {
    let dir = Fleet::plain();
    write_new(&dir.at("key"), b"secret", 0o600).unwrap();
    assert_eq!((dir.text("key").as_str(), dir.mode("key")), ("secret", 0o600));
    symlink("nothing", dir.at("link")).unwrap();
    create_dir_all(dir.at("folder")).unwrap();
    for name in ["key", "link", "folder"] {
        let error = write_new(&dir.at(name), b"other", 0o600).unwrap_err().to_string();
        assert!(error.ends_with(&format!("{name}: exists already")), "{error}");
    }
    assert_eq!(dir.text("key"), "secret");
    assert!(write_new(&dir.at("none/key"), b"", 0o600).is_err());
    assert_eq!(std::fs::read_dir(dir.0.path()).unwrap().count(), 3);
}

#[test]
fn replace_follows_links_and_keeps_the_mode() {
    let dir = Fleet::plain();
    dir.put("real/file", "old");
    set_permissions(dir.at("real/file"), Permissions::from_mode(0o640)).unwrap();
    symlink("real/file", dir.at("link")).unwrap();
    replace(&dir.at("link"), b"new", 0o600).unwrap();
    assert_eq!((dir.text("real/file").as_str(), dir.mode("real/file")), ("new", 0o640));
    assert!(std::fs::symlink_metadata(dir.at("link")).unwrap().is_symlink());
    replace(&dir.at("fresh"), b"new", 0o600).unwrap();
    assert_eq!((read(dir.at("fresh")).unwrap(), dir.mode("fresh")), (b"new".to_vec(), 0o600));
    assert!(replace(&dir.at("real"), b"", 0o600).is_err());
    symlink("nothing", dir.at("broken")).unwrap();
    assert!(
        replace(&dir.at("broken"), b"", 0o600).unwrap_err().to_string().contains("cannot follow the link")
    );
    assert_eq!(std::fs::read_dir(dir.at("real")).unwrap().count(), 1);
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let dir = Fleet::plain();
    dir.put("old", "old");
    let large = vec![0; usize::try_from(uvars::fs::LIMIT_ELSEWHERE).unwrap() + 1];
    for written in [write_new(&dir.at("new"), &large, 0o600), replace(&dir.at("old"), &large, 0o600)] {
        let error = written.unwrap_err().to_string();
        assert!(error.contains("would be larger than 256 MiB"), "{error}");
    }
    assert_eq!(dir.text("old"), "old");
    assert_eq!(std::fs::read_dir(dir.0.path()).unwrap().count(), 1);
}
