//! A host to activate on: this machine with its own /run, /etc and /home, in a private mount namespace.
//!
//! Nothing of the real machine is written: /run and /home are fresh memory, and /etc is an overlay whose changes
//! live in memory too. It needs root and unshare; where they are absent the reason is printed and the test ends, and
//! with `CI=true` that is a failure.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::SystemTime;
use uvars::activate::{Account, File, Install, Manifest, Personal, Phase, Policy, Settings, Whose};
use uvars::fs::{Digest, RepoPath};
use uvars::keys::{Programs, Recipient};
use uvars::sops::{BINDING_KEY, Encrypted, Format, Map, Plain, Rules, Value};

/// The program under test.
pub const UVARS: &str = env!("CARGO_BIN_EXE_uvars");

/// A host of its own; it ends when this is dropped.
pub struct Sandbox {
    holder: Child,
}

const SETUP: &str = r"
set -eu
umask 022
umount -l /run/uvars.d /run/uvars-users.d 2>/dev/null || true
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir /run/uvars-test-etc
mount -t tmpfs tmpfs /run/uvars-test-etc
mkdir /run/uvars-test-etc/upper /run/uvars-test-etc/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/uvars-test-etc/upper,workdir=/run/uvars-test-etc/work overlay /etc
umount -l /run/uvars-test-etc
rmdir /run/uvars-test-etc
mount -t tmpfs -o mode=0755 tmpfs /home
mkdir -p /etc/uvars /etc/ssh
rm -f /etc/nsswitch.conf
printf 'root:x:0:0:root:/root:/bin/sh\npostgres:x:70:71::/nonexistent:/bin/false\njon:x:4201:4200:Jon:/home/jon:/bin/sh\nann:x:4202:4200::/home/ann:/bin/sh\n' > /etc/passwd
printf 'root:x:0:\npostgres:x:71:\nusers:x:4200:\n' > /etc/group
printf 'root:*:19000:0:99999:7:::\n' > /etc/shadow
chmod 0640 /etc/shadow
mkdir -m 0700 /home/jon
chown 4201:4200 /home/jon
echo ready
exec cat
";

impl Sandbox {
    /// A fresh host, or nothing where that cannot be (and the reason printed).
    pub fn new() -> Option<Self> {
        let must = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        let missing = |reason: &str| {
            assert!(!must, "{reason}");
            eprintln!("no host to activate on: {reason}");
        };
        let uid = std::fs::metadata("/proc/self").map(|meta| std::os::unix::fs::MetadataExt::uid(&meta));
        if uid.ok() != Some(0) {
            missing("this needs root, for a mount namespace of its own");
            return None;
        }
        let command = ["-m", "--propagation", "private", "sh", "-c", SETUP];
        let mut holder = match Command::new("unshare")
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
        {
            Ok(holder) => holder,
            Err(error) => {
                missing(&format!("unshare: {error}"));
                return None;
            }
        };
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line != "ready\n" {
            drop(holder.wait());
            missing("no private mounts are allowed here");
            return None;
        }
        Some(Self { holder })
    }

    /// A command on this host.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.holder.id().to_string(), "-m", "--", program]);
        command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// A shell script on this host, which must succeed; what it prints.
    pub fn sh(&self, script: &str) -> String {
        let output = self.command("sh").args(["-euc", script]).output().unwrap();
        assert!(
            output.status.success(),
            "{script}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// `uvars activate` with these arguments, as root.
    pub fn activate(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(UVARS).arg("activate").args(arguments).output().unwrap())
    }

    /// The content of a file; `None` where there is none.
    pub fn read(&self, path: &str) -> Option<String> {
        let output = self.command("cat").arg(path).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    /// Owner, group and mode: `0:0 400`.
    pub fn stat(&self, path: &str) -> String {
        self.sh(&format!("stat -c '%u:%g %a' '{path}'")).trim().to_owned()
    }

    /// Puts the manifest and its copies where the host looks for them, and the host's key.
    pub fn deploy(&self, export: &Export, key: &Path) {
        export.write_files();
        let from = export.dir.path().display();
        let key = key.display();
        self.sh(&format!(
            "rm -rf /etc/uvars && cp -r {from} /etc/uvars && chmod -R go-w,a+rX /etc/uvars && chown -R 0:0 /etc/uvars
             cp {key} /etc/ssh/ssh_host_ed25519_key && chmod 0600 /etc/ssh/ssh_host_ed25519_key"
        ));
    }

    /// Every file below /run, with owner, mode and, for files, a digest; but no times.
    pub fn everything(&self) -> String {
        self.sh("cd /run; find . -printf '%p %y %U:%G %m %l\\n' | sort; find . -type f -exec sha256sum {} + | sort")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Its standard input closes, and with it the namespace ends.
        drop(self.holder.stdin.take());
        drop(self.holder.wait());
    }
}

/// What a run of the program said.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Fails the test unless the exit code is this.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    /// Fails the test unless the errors say this.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in:\n{}", self.err);
        self
    }
}

/// An ssh key of a host: its private file and its recipient.
pub struct Key {
    pub file: std::path::PathBuf,
    pub public: String,
    _dir: tempfile::TempDir,
}

/// Makes an ssh key; nothing where ssh-keygen is absent.
pub fn ssh_key() -> Option<Key> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    let mut keygen = crate::peers::command("ssh-keygen")?;
    crate::peers::succeed(keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "host", "-f"]).arg(&file));
    let public = std::fs::read_to_string(file.with_extension("pub")).unwrap();
    Some(Key { file, public: public.trim().to_owned(), _dir: dir })
}

impl Key {
    /// The recipient as it stands in `.sops.yaml` by default: converted to X25519.
    pub fn converted(&self) -> Recipient {
        self.native().converted().unwrap()
    }

    pub fn native(&self) -> Recipient {
        Recipient::parse(&self.public).unwrap()
    }
}

/// A manifest in the making, with its files.
pub struct Export {
    pub dir: tempfile::TempDir,
    pub manifest: Manifest,
    files: Vec<(RepoPath, Vec<u8>)>,
}

impl Export {
    pub fn new(of: Whose) -> Self {
        let manifest = Manifest {
            of,
            files: Vec::new(),
            accounts: Vec::new(),
            installs: Vec::new(),
            personal: Vec::new(),
            settings: Settings::default(),
        };
        Self { dir: tempfile::tempdir().unwrap(), manifest, files: Vec::new() }
    }

    pub fn host() -> Self {
        Self::new(Whose::Host("cinnabar".into()))
    }

    /// Encrypts values to a file of the fleet, replacing what it held.
    pub fn file(&mut self, path: &str, readers: &[Recipient], values: Map) -> RepoPath {
        self.file_bound(path, path, readers, values)
    }

    /// The same, saying that it belongs somewhere else.
    pub fn file_bound(&mut self, path: &str, bound: &str, readers: &[Recipient], values: Map) -> RepoPath {
        let plain = Plain::new(values.with(BINDING_KEY, bound));
        self.bytes(path, encrypted(&plain, readers))
    }

    /// Any bytes as a file of the fleet.
    pub fn bytes(&mut self, path: &str, bytes: Vec<u8>) -> RepoPath {
        let path = RepoPath::new(path).unwrap();
        self.files.retain(|(other, _)| *other != path);
        self.manifest.files.retain(|file| file.path != path);
        self.manifest.files.push(File { path: path.clone(), sha256: Digest::of(&bytes) });
        self.files.push((path.clone(), bytes));
        path
    }

    /// An account with its file.
    pub fn account(&mut self, user: &str, policy: Policy, hash: &str, readers: &[Recipient]) -> &mut Account {
        let values = Map::new()
            .with("user", user)
            .with("password_hash", hash)
            .with("changed", "2026-01-02T03:04:05Z")
            .with("pair_unencrypted", "word");
        let from = self.file(&format!("secrets/accounts/{user}.sops.yaml"), readers, values);
        self.manifest.accounts.retain(|account| account.user != user);
        self.manifest.accounts.push(Account {
            user: user.into(),
            policy,
            from: Some(from),
            ..Account::default()
        });
        self.manifest.accounts.last_mut().unwrap()
    }

    /// An install for services, root's own.
    pub fn install(&mut self, name: &str, from: &RepoPath, key: &str) -> &mut Install {
        self.manifest.installs.push(Install {
            name: name.into(),
            from: from.clone(),
            key: key.into(),
            owner: "root".into(),
            group: None,
            mode: 0o400,
            phase: Phase::Services,
        });
        self.manifest.installs.last_mut().unwrap()
    }

    pub fn personal(&mut self, user: &str, from: RepoPath) {
        self.manifest.personal.push(Personal { user: user.into(), from, into: None });
    }

    /// Writes the folder that the export would be.
    pub fn write_files(&self) {
        self.write_manifest(&self.manifest.to_json().unwrap());
        for (path, bytes) in &self.files {
            let to = self.dir.path().join(path.as_str());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(to, bytes).unwrap();
        }
    }

    pub fn write_manifest(&self, bytes: &[u8]) {
        std::fs::write(self.dir.path().join("manifest.json"), bytes).unwrap();
    }
}

/// The bytes of an encrypted file.
pub fn encrypted(plain: &Plain, readers: &[Recipient]) -> Vec<u8> {
    let made = Encrypted::create(
        plain,
        readers,
        &Rules::default(),
        SystemTime::now(),
        Format::Yaml,
        &Programs::default(),
    );
    made.unwrap().emit().unwrap()
}

/// `{ db: { password: … }, port: 5432 }`, the values of a host.
pub fn host_values(password: &str) -> Map {
    Map::new().with("db", Map::new().with("password", password)).with("port", Value::Int(5432))
}
