//! `uvars init`: a new fleet, and one around a `.sops.yaml` that real sops has been using.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod peers;
mod sample_fleet;

use sample_fleet::{ROOT, Said, key, said};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whose private half is users/mira.
const MIRA: &str = "age1azykcckepenvlj7sm4fzq7nms30nn0j3txs8k9lnsvty4y8jwg4svvu0p4";
const SAFE: &str = "age14hxst6karrg200w3k3zsg53dt0ekqj40fxv2376v3dk8gq273efs0j597h";

fn run(dir: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uvars"));
    command.env_clear().env("HOME", "/nonexistent").current_dir(dir).args(arguments);
    said(&command.stdin(Stdio::null()).output().unwrap())
}

fn must(dir: &Path, arguments: &[&str]) -> String {
    let said = run(dir, arguments);
    assert_eq!(said.code, 0, "{arguments:?}: {}{}", said.out, said.err);
    said.out
}

const FULL: [&str; 7] = ["init", "--admin", "mira", "--key", MIRA, "--recovery", SAFE];

#[test]
fn a_new_fleet_takes_hosts_and_secrets_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let files = "create .sops.yaml\ncreate keys/admins/mira.pub\ncreate keys/recovery/recovery.pub\ncreate uvars.yaml\n";
    assert_eq!(must(dir, &[&FULL[..], &["--dry-run"]].concat()), files);
    assert_eq!(fs::read_dir(dir).unwrap().count(), 0, "a dry run leaves nothing");
    assert_eq!(must(dir, &FULL), files);
    must(dir, &["rules", "--check"]);

    let again = run(dir, &FULL);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("is a fleet already"), "{}", again.err);
    fs::create_dir(dir.join("below")).unwrap();
    assert_eq!(run(&dir.join("below"), &FULL).code, 1, "no fleet inside of a fleet");
}

#[test]
fn without_a_terminal_everything_must_be_said() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [&FULL[..1], &FULL[..3], &FULL[..5]] {
        // a session of its own has no terminal
        let mut command = Command::new("setsid");
        command.args(["-w", env!("CARGO_BIN_EXE_uvars")]).args(arguments).current_dir(dir.path());
        let said = said(&command.stdin(Stdio::null()).output().unwrap());
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(said.err.contains("uvars init --admin NAME --key KEY --recovery KEY"), "{}", said.err);
    }
    for (arguments, wanted) in [
        (
            ["init", "--admin", "mira", "--key", "AGE-SECRET-KEY-1QQQ", "--no-recovery"],
            "a public key belongs here",
        ),
        (["init", "--admin", "mira", "--key", "none.pub", "--no-recovery"], "none.pub: no such file"),
        (["init", "--admin", "Mi ra", "--key", MIRA, "--no-recovery"], "Mi ra"),
    ] {
        let said = run(dir.path(), &arguments);
        assert_ne!(said.code, 0);
        assert!(said.err.contains(wanted) && !said.err.contains("1QQQ"), "{}", said.err);
    }
    let same = run(dir.path(), &["init", "--admin", "mira", "--key", MIRA, "--recovery", MIRA]);
    assert!(same.code == 2 && same.err.contains("that is no recovery key"), "{}", same.err);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn what_is_there_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("keys/admins")).unwrap();
    fs::write(dir.path().join("keys/admins/mira.pub"), "# mine\n").unwrap();
    let said = run(dir.path(), &FULL);
    assert!(said.code == 1 && said.err.contains("keys/admins/mira.pub: is there already"), "{}", said.err);
    assert_eq!(fs::read_to_string(dir.path().join("keys/admins/mira.pub")).unwrap(), "# mine\n");
    assert!(!dir.path().join("uvars.yaml").exists());
}

#[test]
fn keys_that_are_there_read_too() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("keys/admins")).unwrap();
    let other = fs::read_to_string(Path::new(ROOT).join("keys/users/tess.pub")).unwrap();
    fs::write(dir.path().join("keys/admins/tess.pub"), other).unwrap();
    must(dir.path(), &FULL);
    must(dir.path(), &["rules", "--check"]);
}

/// Hand-written rules in the shapes that real ones have, and files that they are for.
const BY_HAND: &str = "\
# our rules
keys:
  - &mira age1azykcckepenvlj7sm4fzq7nms30nn0j3txs8k9lnsvty4y8jwg4svvu0p4
  - &safe age14hxst6karrg200w3k3zsg53dt0ekqj40fxv2376v3dk8gq273efs0j597h
creation_rules:
  # the web team
  - path_regex: ^apps/web/.*\\.yaml$   # all of it
    encrypted_regex: ^(data|stringData)$
    key_groups:
      - age:
          - *mira
          - *safe
  - path_regex: \\.enc\\.yaml$
    age: >-
      age1azykcckepenvlj7sm4fzq7nms30nn0j3txs8k9lnsvty4y8jwg4svvu0p4
  - age: *safe
stores:
  yaml:
    indent: 2   # as our editors do
";

#[test]
fn rules_that_are_there_stay_and_sops_reads_them_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join(".sops.yaml"), BY_HAND).unwrap();
    fs::create_dir_all(dir.join("apps/web")).unwrap();
    let files = ["apps/web/a.yaml", "b.enc.yaml", "c.yaml"];
    for file in files {
        fs::write(dir.join(file), "data: one\nother: two\n").unwrap();
    }
    let sealed = |when: &str| -> Option<Vec<String>> {
        let mut all = Vec::new();
        for file in files {
            let mut sops = peers::command("sops")?;
            let text = peers::succeed(sops.current_dir(dir).args(["encrypt", file]));
            let text = String::from_utf8(text).unwrap();
            let telling = |line: &&str| {
                line.contains("recipient:") || line.contains("_regex") || line.starts_with("other")
            };
            let line = |line: &str| if line.contains("ENC[") { "encrypted".into() } else { line.to_owned() };
            all.push(text.lines().filter(telling).map(line).collect::<Vec<_>>().join("\n"));
        }
        assert!(all.iter().all(|text| text.contains("recipient")), "{when}: {all:?}");
        Some(all)
    };
    let before = sealed("before");
    must(dir, &FULL);
    must(dir, &["rules", "--check"]);
    assert_eq!(sealed("after"), before);
    let inventory = fs::read_to_string(dir.join("uvars.yaml")).unwrap();
    for verbatim in [
        "# the web team",
        "^apps/web/.*\\.yaml$   # all of it",
        "- &mira age1",
        "age: >-",
        "indent: 2   # as our",
    ] {
        assert!(inventory.contains(verbatim), "{verbatim}: {inventory}");
        assert!(fs::read_to_string(dir.join(".sops.yaml")).unwrap().contains(verbatim), "{verbatim}");
    }
    // and what is in secrets/ never falls to the rule for everything
    let said = run(dir, &["rules", "--explain", "secrets/hosts/nobody.sops.yaml"]);
    assert_eq!(said.code, 1, "{}", said.out);
    let explained = must(dir, &["rules", "--explain", "b.enc.yaml"]);
    assert!(explained.contains("admins/mira"), "{explained}");
    // a file encrypted before is opened as before
    if let Some(mut sops) = peers::command("sops") {
        let text = peers::succeed(sops.current_dir(dir).args(["encrypt", "b.enc.yaml"]));
        fs::write(dir.join("b.enc.yaml"), text).unwrap();
        let identity = key("users/mira.txt");
        let clear = must(dir, &["--identity", identity.to_str().unwrap(), "decrypt", "b.enc.yaml"]);
        assert_eq!(clear, "data: one\nother: two\n");
    }
}

#[test]
fn rules_that_cannot_be_kept_stop_it() {
    for (rules, wanted) in
        [("creation_rules:\n  - age: [\n", ".sops.yaml"), ("creation_rules: 7\n", ".sops.yaml")]
    {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".sops.yaml"), rules).unwrap();
        let said = run(dir.path(), &FULL);
        assert!(said.code == 1 && said.err.contains(wanted), "{}", said.err);
        assert_eq!(fs::read_to_string(dir.path().join(".sops.yaml")).unwrap(), rules);
        assert!(!dir.path().join("uvars.yaml").exists());
    }
}

#[test]
fn the_schema_is_json() {
    let dir = tempfile::tempdir().unwrap();
    let schema: serde_json::Value = serde_json::from_str(&must(dir.path(), &["schema"])).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    assert!(schema["properties"]["users"].is_object());
}

#[test]
fn encrypted_files_that_lose_their_readers_are_named() {
    let Some(_) = peers::find("sops") else { return };
    let fresh = || {
        let dir = tempfile::tempdir().unwrap();
        let rules = format!(
            "creation_rules:\n  - path_regex: ^secrets/\n    age: {MIRA}\n  - path_regex: ^apps/\n    age: {MIRA}\n"
        );
        fs::write(dir.path().join(".sops.yaml"), rules).unwrap();
        for file in ["secrets/hosts/web.yaml", "secrets/db.yaml", "apps/a.yaml", "secrets/hosts/clear.yaml"] {
            fs::create_dir_all(dir.path().join(file).parent().unwrap()).unwrap();
            fs::write(dir.path().join(file), "data: one\n").unwrap();
            if !file.contains("clear") {
                let mut sops = peers::command("sops").unwrap();
                peers::succeed(sops.current_dir(dir.path()).args(["encrypt", "-i", file]));
            }
        }
        dir
    };
    let dir = fresh();
    for arguments in [[&FULL[..], &["--dry-run"]].concat(), FULL.to_vec()] {
        let said = run(dir.path(), &arguments);
        assert_eq!(said.code, 0, "{}", said.err);
        let warned: Vec<_> = said.err.lines().filter(|line| line.starts_with("uvars: warning: ")).collect();
        assert_eq!(
            warned,
            [
                "uvars: warning: secrets/hosts/web.yaml: by the new rules it has no reader, and sops updatekeys refuses it"
            ]
        );
        assert!(said.err.contains("then: uvars bind CLASS/NAME\n"), "{}", said.err);
    }
    // and so it is
    let mut sops = peers::command("sops").unwrap();
    sops.current_dir(dir.path()).env("SOPS_AGE_KEY_FILE", key("users/mira.txt"));
    let said = said(&sops.args(["updatekeys", "-y", "secrets/hosts/web.yaml"]).output().unwrap());
    assert!(said.code != 0 && said.err.contains("empty key group"), "{}", said.err);
    // what the hint says works
    must(dir.path(), &["host", "add", "web", "platform=nixos"]);
    must(dir.path(), &["key", "add", "hosts/web", SAFE]);
    fs::rename(dir.path().join("secrets/hosts/web.yaml"), dir.path().join("secrets/hosts/web.sops.yaml"))
        .unwrap();
    let identity = key("users/mira.txt");
    must(dir.path(), &["--identity", identity.to_str().unwrap(), "bind", "--yes", "hosts/web"]);
    assert_eq!(
        must(dir.path(), &["--identity", identity.to_str().unwrap(), "get", "hosts/web", "data"]),
        "one"
    );
}
