//! A fleet whose keyholders have age plugins: everything that writes files encrypts for them, and where their
//! program fails nothing is written.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod peers;
mod scratch;
mod stub_plugin;

use scratch::{Ran, Scratch, ran, without_terminal};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use stub_plugin::{IDENTITY, NAME, OTHER, RECIPIENT, Stub};

const ACCOUNT: &str = "secrets/accounts/jon.sops.yaml";
const HOST: &str = "secrets/hosts/cinnabar.sops.yaml";

/// The fleet of most tests, in which eve is an admin by a plugin beside ann, who has a plain key.
struct Fleet {
    scratch: Scratch,
    stub: Stub,
}

impl Fleet {
    fn new() -> Self {
        let fleet = Self { scratch: Scratch::new(), stub: Stub::new() };
        fleet.give("admins/eve", RECIPIENT);
        fleet
    }

    fn give(&self, principal: &str, recipient: &str) {
        self.scratch.write(&format!("keys/{principal}.pub"), &format!("{recipient}\n"));
        fs::write(self.scratch.private(principal), format!("{IDENTITY}\n")).unwrap();
    }

    /// Runs it as somebody, with that on `PATH`.
    fn run_with(&self, path: impl AsRef<OsStr>, principal: &str, line: &str, input: &[u8]) -> Ran {
        let mut command = self.scratch.uvars(line.split_whitespace());
        command.env("PATH", path).env("SOPS_AGE_KEY_FILE", self.scratch.private(principal));
        ran(&mut without_terminal(&command), input)
    }

    fn feed_as(&self, principal: &str, line: &str, input: &[u8]) -> Ran {
        self.run_with(self.stub.path(), principal, line, input)
    }

    fn run_as(&self, principal: &str, line: &str) -> Ran {
        self.feed_as(principal, line, b"")
    }

    /// Fails the test unless this is a value of a file to eve.
    #[track_caller]
    fn eve_reads(&self, file: &str, key: &str, value: &str) {
        let said = self.run_as("admins/eve", &format!("get {file} {key}")).code(0);
        assert!(said.out.contains(value), "{}", said.out);
    }

    /// Everything that a command could write.
    fn all(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all = self.scratch.secrets();
        let others = ["keys/admins/eve.pub", "keys/users/jon.pub", "keys/ledger.yaml", ".sops.yaml"];
        all.extend(others.map(|name| (name.to_owned(), self.scratch.read(name).unwrap_or_default().into())));
        all
    }
}

/// Files of three hosts and users, made while ann was the only admin; eve came later.
fn before_eve() -> Fleet {
    let fleet = Fleet::new();
    fs::remove_file(fleet.scratch.root().join("keys/admins/eve.pub")).unwrap();
    fleet.run_as("admins/ann", "generate --random").code(0);
    for host in ["cinnabar", "galena", "rosegold"] {
        fleet.feed_as("admins/ann", &format!("set hosts/{host} a.b"), b"old").code(0);
    }
    assert_eq!(fleet.stub.wraps(), 0);
    fleet.give("admins/eve", RECIPIENT);
    fleet
}

#[test]
fn passwords_are_made_for_an_admin_with_a_plugin() {
    let fleet = Fleet::new();
    fleet.run_as("admins/ann", "generate --random").code(0);
    // four accounts; of what waits for its owner no admin is a reader
    assert_eq!((fleet.stub.wraps(), fleet.stub.ran_together()), (4, false));
    fleet.eve_reads(ACCOUNT, "password_hash", "$y$");
    fleet.eve_reads("accounts/raquel@galena", "password_hash", "$y$");
    let said = fleet.run_as("admins/eve", "generate tara --regenerate --random").code(0);
    assert!(said.out.contains("= admins/eve"), "{}", said.out);
    fleet.run_as("admins/ann", "verify accounts/tara").code(0);
}

#[test]
fn a_file_gets_a_reader_with_a_plugin_when_its_values_change() {
    let fleet = before_eve();
    fleet.feed_as("admins/ann", "set hosts/cinnabar a.b", b"new").code(0).says("admins/eve reads it now");
    assert_eq!(fleet.stub.wraps(), 1);
    fleet.eve_reads("hosts/cinnabar", "a.b", "new");
    // with her wrapped in it already, her program is not needed to change it
    fleet.feed_as("admins/ann", "set hosts/cinnabar a.b", b"newer").code(0);
    assert_eq!(fleet.stub.wraps(), 0);
    fleet.eve_reads("hosts/cinnabar", "a.b", "newer");
    fs::remove_file(fleet.scratch.root().join(HOST)).unwrap();
    fleet.feed_as("admins/ann", "set hosts/cinnabar c", b"made").code(0);
    fleet.eve_reads("hosts/cinnabar", "c", "made");
}

#[test]
fn many_files_get_a_reader_with_a_plugin_and_it_runs_once_for_each() {
    let fleet = before_eve();
    let said = fleet.run_as("admins/ann", "sync").code(0);
    assert_eq!(said.out.matches("+admins/eve").count(), 7, "{}", said.out);
    assert_eq!((fleet.stub.wraps(), fleet.stub.ran_together()), (7, false));
    fleet.eve_reads("hosts/galena", "a.b", "old");
    fleet.run_as("admins/ann", "sync").code(0).says("every file has the readers");
    assert_eq!(fleet.stub.wraps(), 0);
    // new data keys, by herself: her program opens each file and wraps for it
    let before = fleet.scratch.secrets();
    let said = fleet.run_as("admins/eve", "rotate --all").code(4);
    assert_eq!(said.out.matches("renew").count(), 7, "{}", said.all());
    assert_eq!((fleet.stub.wraps(), fleet.stub.ran_together()), (7, false));
    assert_ne!(fleet.scratch.secrets()[HOST], before[HOST]);
    fleet.eve_reads("hosts/rosegold", "a.b", "old");
    fleet.run_as("hosts/cinnabar", "verify hosts/cinnabar").code(0);
}

#[test]
fn a_key_becomes_that_of_a_plugin_and_of_another_one() {
    let fleet = before_eve();
    fleet.run_as("admins/ann", "sync").code(0);
    fleet.stub.wraps();
    let said = fleet.run_as("admins/ann", &format!("key rotate admins/eve {OTHER}")).code(0);
    assert_eq!(said.out.matches("renew").count(), 7, "{}", said.out);
    assert_eq!(fleet.stub.wraps(), 7);
    // hers was revoked with that
    let third = "age1uvarstest1wp6kymrfvvsxsctvak52ck";
    fleet.run_as("users/jon", &format!("key rotate users/jon {third}")).code(0);
    let handover = "secrets/handover/jon/password.sops.yaml";
    let text = fleet.scratch.read(handover).unwrap();
    assert!(text.contains(third), "{text}");
    fs::write(fleet.scratch.private("users/jon"), format!("{IDENTITY}\n")).unwrap();
    fleet.run_as("users/jon", "receive jon/password --store").code(0);
    // bound anew, for the readers of its new place
    let (from, to) = ("secrets/hosts/galena.sops.yaml", "secrets/shared/wifi.sops.yaml");
    let inventory = fleet.scratch.read("uvars.yaml").unwrap();
    fleet.scratch.write("uvars.yaml", &format!("{inventory}shared: {{ wifi: {{ hosts: [galena] }} }}\n"));
    fs::create_dir_all(fleet.scratch.root().join("secrets/shared")).unwrap();
    fs::rename(fleet.scratch.root().join(from), fleet.scratch.root().join(to)).unwrap();
    fleet.stub.wraps();
    fleet.run_as("admins/ann", &format!("bind {to} --yes")).code(0);
    assert_eq!(fleet.stub.wraps(), 1);
    fleet.eve_reads("shared/wifi", "a.b", "old");
}

#[test]
fn nothing_is_written_where_the_plugin_of_a_reader_fails() {
    let fleet = before_eve();
    let before = fleet.all();
    let system = std::env::var_os("PATH").unwrap_or_default();
    let missing = format!("this key needs the program {NAME}, which is not on PATH");
    let commands: [(&str, &str, &str); 7] = [
        ("generate tara --regenerate --random", "", "secrets/accounts/tara.sops.yaml"),
        ("generate jon --regenerate --password-stdin", "typed in vain", ACCOUNT),
        ("set hosts/cinnabar a.b", "new", HOST),
        ("sync", "", "secrets/"),
        ("rotate hosts/cinnabar", "", HOST),
        ("bind hosts/galena --yes", "", "secrets/hosts/galena.sops.yaml"),
        ("key rotate users/raquel KEY", "", "secrets/"),
    ];
    let key = uvars::keys::generate("2026-01-01T00:00:00Z").unwrap().recipient;
    for (mood, text, said) in [
        ("missing", "", missing.as_str()),
        ("fails", "bm8gZGV2aWNl", "the plugin says: no device"),
        ("fails", "QUdFLVBMVUdJTi1VVkFSU1RFU1QtMUhVTlRFUjI", "its message holds a private key"),
        ("dies", "", ""),
        ("babbles", "", ""),
    ] {
        fleet.stub.turn(mood, text);
        let path = if mood == "missing" { system.clone() } else { fleet.stub.path() };
        for (line, input, file) in commands {
            let line = line.replace("KEY", key.as_str());
            let failed = fleet.run_with(&path, "admins/ann", &line, input.as_bytes()).code(1);
            let error = failed.err.lines().find(|line| line.starts_with("uvars: error: ")).unwrap();
            let named = format!(": cannot encrypt for admins/eve, whose key is {RECIPIENT}: ");
            assert!(error.contains(&named) && error.contains(said), "{line} {mood}: {}", failed.err);
            assert!(error.starts_with(&format!("uvars: error: {file}")), "{line} {mood}: {}", failed.err);
            assert!(failed.err.contains(&format!("when {NAME} works here, run the same command again")));
            assert!(failed.err.contains("uvars key rotate admins/eve KEY"), "{}", failed.err);
            assert!(!failed.err.contains("HUNTER2"), "{}", failed.err);
            assert_eq!(fleet.all(), before, "{line} {mood}");
        }
        fleet.stub.calm(mood);
    }
    // who was asked for a password has not been asked in vain
    let asked = fleet.run_with(&system, "admins/ann", "generate jon --regenerate", b"").code(1);
    assert!(asked.err.contains(&missing), "{}", asked.err);
    fleet.run_as("admins/ann", "sync").code(0);
}

#[test]
fn what_a_real_plugin_says_is_passed_on() {
    let Some(plugin) = peers::find("age-plugin-batchpass") else { return };
    let fleet = Fleet::new();
    // it has no public keys
    fleet.give("admins/eve", "age1batchpass1s48w5f");
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(plugin.parent().unwrap().to_owned()).chain(std::env::split_paths(&folders));
    let path = std::env::join_paths(folders).unwrap();
    let failed = fleet.run_with(path, "admins/ann", "set hosts/cinnabar a", b"x").code(1);
    let error = "secrets/hosts/cinnabar.sops.yaml: cannot encrypt for admins/eve, whose key is age1batchpass1s48w5f: the plugin says: recipient encodings not supported";
    assert!(failed.err.contains(error), "{}", failed.err);
    assert!(fleet.scratch.secrets().is_empty());
}
