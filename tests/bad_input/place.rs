//! A fleet with one of everything, made once, restored for every case, and the program to run on it.
//!
//! The program runs as somebody without privileges, even where root runs the tests: what may not be read is then not
//! read. Whatever differs from run to run (folders, keys) is given a name in what is said, so that the words can be
//! compared with those in the transcripts.

use crate::peers;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use uvars::keys::Recipient;

/// What stands in every place where a secret may be; it is never to be seen.
pub const MARKER: &str = "hunter2sEcReT";

/// Whom root becomes.
const NOBODY: u32 = 65534;

const INVENTORY: &str = "\
version: 1
settings: { password_hash: { kind: yescrypt, cost: 1 } }
hosts:
  cinnabar: { platform: nixos, tags: [server] }
  galena: { platform: linux, tags: [server] }
users:
  jon: { hosts: [cinnabar], password: { share: true } }
  tara: { hosts: [cinnabar], password: { share: true, keep: true } }
shared:
  wifi: { tags: [server], users: [jon] }
install:
  wifi: { from: shared/wifi, key: psk, on: { tags: [server] } }
";

const PRINCIPALS: [&str; 5] = ["admins/ann", "users/jon", "users/tara", "hosts/cinnabar", "hosts/galena"];

/// A folder that holds the fleet and everything beside it.
pub struct Place {
    folder: TempDir,
    program: TempDir,
    /// What is put in place of each text that differs from run to run.
    names: Vec<(String, String)>,
    /// What must never be seen.
    secrets: Vec<String>,
    whole: Snapshot,
}

/// Every file with its kind, mode and content.
pub type Snapshot = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// One run of the program.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// What is typed; `PLACE` is the folder that the fleet is in.
    pub line: &'a str,
    /// Whose private key is at hand.
    pub who: &'a str,
    pub input: &'a [u8],
}

/// A run on a file system that was full.
pub struct Full {
    pub code: i32,
    pub said: String,
    /// What is not as it was.
    pub changed: Vec<String>,
}

impl Place {
    /// Nothing where it cannot be (and the reason printed).
    pub fn new() -> Option<Self> {
        peers::find("setpriv")?;
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let (folder, program) = (folder.unwrap(), tempfile::tempdir().unwrap());
        for open in [folder.path(), program.path()] {
            fs::set_permissions(open, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let built = Path::new(env!("CARGO_BIN_EXE_uvars"));
        let copy = program.path().join("uvars");
        if fs::hard_link(built, &copy).is_err() {
            fs::copy(built, &copy).unwrap();
        }
        let mut place =
            Self { folder, program, names: Vec::new(), secrets: Vec::new(), whole: Snapshot::new() };
        place.furnish();
        place.whole = place.snapshot();
        Some(place)
    }

    fn furnish(&mut self) {
        for name in ["fleet", "home", "run"] {
            fs::create_dir(self.at(name)).unwrap();
        }
        fs::set_permissions(self.at("run"), fs::Permissions::from_mode(0o700)).unwrap();
        self.write("fleet/uvars.yaml", INVENTORY);
        for principal in PRINCIPALS {
            let key = self.key(principal);
            self.write(&format!("fleet/keys/{principal}.pub"), &format!("{key}\n"));
        }
        let old = self.key("old");
        self.write(
            "fleet/keys/ledger.yaml",
            &format!("keys:\n  - recipient: {old}\n    whose: users/jon\n    state: revoked\n    since: 2026-01-02T03:04:05Z\n    why: lost\n"),
        );
        self.key("spare");
        self.write("first.yaml", &format!("jon: {MARKER}\ntara: {MARKER}\n"));
        self.write("answers.yaml", &format!("jon: {MARKER}\n"));
        self.write("value", &format!("{MARKER}\n"));
        for private in ["first.yaml", "answers.yaml", "value"] {
            fs::set_permissions(self.at(private), fs::Permissions::from_mode(0o600)).unwrap();
        }
        self.secrets.push(MARKER.to_owned());
        self.names.push((self.folder.path().display().to_string(), "PLACE".to_owned()));
        self.give_away();
        let git = Command::new("git").args(["init", "-q"]).arg(self.at("fleet")).status().unwrap();
        assert!(git.success());
        self.give_away();
        let psk = MARKER.as_bytes();
        for (line, who, input) in [
            ("rules --write", "admins/ann", &b""[..]),
            ("generate --answers PLACE/first.yaml", "admins/ann", b""),
            ("set shared/wifi psk", "admins/ann", psk),
            ("set hosts/cinnabar db.password", "admins/ann", psk),
            ("set users/jon token", "users/jon", psk),
            ("export manifest users/jon --out PLACE/export", "admins/ann", b""),
            ("activate --user PLACE/export", "users/jon", b""),
        ] {
            let (code, said) = self.run(&Run { line, who, input });
            assert_eq!(code, 0, "{line}: {said}");
        }
    }

    /// Makes a key, and gives its halves names.
    fn key(&mut self, whose: &str) -> Recipient {
        let made = uvars::keys::generate("2026-01-01T00:00:00Z").unwrap();
        let name = whose.replace('/', "-");
        let text = made.text.expose_str().unwrap().to_owned();
        let key = text.lines().find(|line| line.starts_with("AGE-")).unwrap().to_owned();
        let file = format!("{name}.key");
        self.write(&file, &text);
        fs::set_permissions(self.at(&file), fs::Permissions::from_mode(0o600)).unwrap();
        self.names.push((made.recipient.to_string(), format!("<key of {whose}>")));
        self.secrets.push(key);
        made.recipient
    }

    /// A path in the folder.
    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The text with the words for what differs from run to run put back: `PLACE`, `KEY`, `SPARE`, `MARKER`.
    pub fn fill(&self, text: &str) -> String {
        let public = |whose: &str| {
            let name = format!("<key of {whose}>");
            self.names.iter().find(|(_, known)| *known == name).unwrap().0.clone()
        };
        let spare = fs::read_to_string(self.at("spare.key")).unwrap();
        let private = spare.lines().find(|line| line.starts_with("AGE-")).unwrap();
        text.replace("PLACE", self.at("").display().to_string().trim_end_matches('/'))
            .replace("JON_KEY", &public("users/jon"))
            .replace("OLD_KEY", &public("old"))
            .replace("SPARE_KEY", &public("spare"))
            .replace("SPARE_PRIVATE", private)
            .replace("MARKER", MARKER)
    }

    /// Everything belongs to whom the program runs as.
    pub fn give_away(&self) {
        if is_root() {
            give(self.folder.path());
        }
    }

    /// Everything as it was made.
    pub fn restore(&self) {
        if self.snapshot() == self.whole {
            return;
        }
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                fs::remove_dir_all(path).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }
        for (path, (mode, content)) in &self.whole {
            let path = self.folder.path().join(path);
            match mode & 0o170_000 {
                0o040_000 => fs::create_dir(&path).unwrap(),
                0o120_000 => {
                    let to = PathBuf::from(String::from_utf8(content.clone()).unwrap());
                    std::os::unix::fs::symlink(to, &path).unwrap();
                    continue;
                }
                _ => fs::write(&path, content).unwrap(),
            }
            fs::set_permissions(&path, fs::Permissions::from_mode(mode & 0o7777)).unwrap();
        }
        self.give_away();
    }

    /// Everything there is, but for what git keeps for itself and the lock.
    pub fn snapshot(&self) -> Snapshot {
        let mut found = Snapshot::new();
        gather(self.folder.path(), self.folder.path(), &mut found);
        found
    }

    /// Exit code and words; fails where a secret is among them that is not the very result.
    pub fn run(&self, run: &Run<'_>) -> (i32, String) {
        // whatever waits for ever is ended, and its code is in no transcript
        let mut command = Command::new("timeout");
        command.args(["60", "setsid", "--wait"]);
        if is_root() {
            let id = NOBODY.to_string();
            command.args(["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"]);
        }
        let line = self.fill(run.line);
        command
            .arg(self.program.path().join("uvars"))
            .args(line.split(' ').map(|word| word.replace('~', " ")));
        command.current_dir(self.at("fleet")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.at("home")).env("XDG_RUNTIME_DIR", self.at("run"));
        command.env("SOPS_AGE_KEY_FILE", self.at(&format!("{}.key", run.who.replace('/', "-"))));
        let output = peers::feed(&mut command, run.input);
        let code = output.status.code().unwrap_or(-1);
        let show = |bytes: &[u8]| self.named(&String::from_utf8_lossy(bytes));
        let (mut out, err) = (show(&output.stdout), show(&output.stderr));
        if code == 0 && (run.line.starts_with("get ") || run.line.starts_with("receive ")) && !out.is_empty()
        {
            "(the value)\n".clone_into(&mut out);
        }
        for secret in &self.secrets {
            let secret = secret.trim_start_matches("AGE-SECRET-KEY-1");
            for piece in [secret.to_owned(), secret.to_lowercase()] {
                assert!(!out.contains(&piece) && !err.contains(&piece), "{}: {out}{err}", run.line);
            }
        }
        (code, format!("{out}{err}"))
    }

    /// The same on a file system of its own that has so many KiB left; nothing where there can be none.
    pub fn run_on_full_disk(&self, run: &Run<'_>, room: usize) -> Option<Full> {
        let script = r#"
            set -eu
            mount -t tmpfs none /mnt
            cp -a "$1"/. /mnt/
            used=$(df -k --output=used /mnt | tail -1)
            mount -o remount,size=$((used + $2))k /mnt
            cd /mnt/fleet; shift 2
            "$@" && code=0 || code=$?
            cd /; mount -o remount,size=64m /mnt
            echo "exit $code"; rm -rf "$TO"; cp -a /mnt "$TO"
        "#;
        let after = tempfile::tempdir().unwrap();
        let to = after.path().join("after");
        let mut command = Command::new("unshare");
        command.args(["-m", "--propagation", "private"]);
        if !is_root() {
            command.arg("-r");
        }
        self.restore();
        command.args(["sh", "-c", script, "sh"]).arg(self.folder.path()).arg(room.to_string());
        command.arg("setsid").arg("--wait").arg(self.program.path().join("uvars"));
        let line = self.fill(run.line).replace(&self.folder.path().display().to_string(), "/mnt");
        command.args(line.split(' ')).env_clear().env("TO", &to);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("SOPS_AGE_KEY_FILE", self.at(&format!("{}.key", run.who.replace('/', "-"))));
        let output = peers::feed(&mut command, run.input);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let Some(code) = said.lines().find_map(|line| line.strip_prefix("exit ")) else {
            // a machine that allows no mounts of one's own is no CI machine
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "no small file system: {said}");
            return None;
        };
        let mut now = Snapshot::new();
        gather(&to, &to, &mut now);
        let code = code.parse().unwrap();
        Some(Full { code, changed: crate::changed(&self.whole, &now), said })
    }

    fn named(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (known, name) in &self.names {
            text = text.replace(known, name);
        }
        text.split_inclusive(' ').map(without_time).collect()
    }
}

/// A word, or `TIME` if it is a time of this run.
fn without_time(word: &str) -> String {
    match word.get(..20) {
        Some(time) if time.starts_with("202") && time.ends_with('Z') => word.replace(time, "TIME"),
        _ => word.to_owned(),
    }
}

fn give(path: &Path) {
    let metadata = path.symlink_metadata().unwrap();
    if metadata.uid() != NOBODY {
        lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn gather(top: &Path, folder: &Path, found: &mut Snapshot) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let content = match () {
            () if metadata.is_symlink() => {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            }
            () if metadata.is_file() && metadata.len() < 1 << 20 => fs::read(&path).unwrap(),
            () => metadata.len().to_string().into_bytes(),
        };
        let content = if metadata.is_dir() || path.ends_with("uvars/lock") { Vec::new() } else { content };
        found.insert(path.strip_prefix(top).unwrap().to_owned(), (metadata.mode(), content));
        if metadata.is_dir() {
            gather(top, &path, found);
        }
    }
}
