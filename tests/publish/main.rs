//! `sops publish` beside sops: both send the same to the same Vault, and what sops does not have is shown by itself.
#![cfg(feature = "publish")]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test code"
)]

#[path = "../openbao/mod.rs"]
mod openbao;
#[path = "../peers/mod.rs"]
mod peers;
mod real;
mod room;
mod vault;

use room::{Room, below, key, recipient};
use std::process::Command;
use vault::{TOKEN, Vault};

const PLAIN: &str = "user: jon\nport: 5432\nratio: 1.5\nlive: true\nnothing: null\nlist:\n    - a\n    - 2\ndeep:\n    password: s3same <&> \u{e9}\n";

/// A room with a Vault of our own beside it.
struct Served {
    room: Room,
    vault: Vault,
}

impl std::ops::Deref for Served {
    type Target = Room;

    fn deref(&self) -> &Room {
        &self.room
    }
}

impl Served {
    /// With two files encrypted to the first throw-away key, and these destination rules.
    fn new(rules: &str) -> Self {
        let (room, vault) = (Room::new(TOKEN), Vault::start());
        std::fs::create_dir(room.path("out")).unwrap();
        for name in ["apps/a.yaml", "apps/b.yaml"] {
            room.seal(name, PLAIN);
        }
        room.write(".sops.yaml", rules.replace("VAULT", &vault.address).replace("FOLDER", "out"));
        Self { room, vault }
    }
}

#[test]
fn both_send_the_same_values_to_the_same_place() {
    for (more, path) in [
        ("", "secret/data/apps/a.yaml"),
        ("    vault_kv_version: 1\n", "secret/apps/a.yaml"),
        ("    vault_kv_mount_name: kv/deep\n    omit_extensions: true\n", "kv/deep/data/apps/a"),
    ] {
        let mut sent = Vec::new();
        for index in 0..3 {
            let room = Served::new(&format!(
                "destination_rules:\n  - vault_path: apps\n    vault_address: VAULT\n{more}"
            ));
            let Some((name, mut command)) = room.both().into_iter().nth(index) else { continue };
            let output = command.args(["publish", "--yes", "apps/a.yaml"]).output().unwrap();
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            let entry = room
                .vault
                .entry(path)
                .unwrap_or_else(|| panic!("{name} sent nothing to {path}: {:?}", room.vault.requests()));
            let mut methods = room.vault.requests();
            // we ask for the engine's version, which our Vault does not tell
            methods.retain(|line| !line.contains("/v1/sys/internal/ui/mounts/"));
            assert_eq!(methods, [format!("GET /v1/{path}"), format!("PUT /v1/{path}")], "{name}");
            sent.push((entry, String::from_utf8(output.stdout).unwrap()));
        }
        assert!(sent.windows(2).all(|pair| pair[0] == pair[1]), "{sent:?}");
        let values = if path.starts_with("secret/apps") { &sent[0].0 } else { &sent[0].0["data"] };
        assert_eq!(values["deep"]["password"], "s3same <&> \u{e9}");
        assert_eq!(values["port"], 5432);
    }
}

#[test]
fn what_is_there_already_is_not_sent_again() {
    for version in [1, 2] {
        let room = Served::new(&format!(
            "destination_rules:\n  - vault_path: apps/\n    vault_address: VAULT\n    vault_kv_version: {version}\n"
        ));
        for round in 0..2 {
            let mut publish = room.uvars();
            publish.args(["sops", "publish", "-y", "--verbose", "apps/a.yaml"]);
            let said = String::from_utf8(peers::feed(&mut publish, b"").stderr).unwrap();
            assert_eq!(said.contains("is already up-to-date"), round == 1, "{said}");
            assert_eq!(room.vault.requests().iter().any(|line| line.starts_with("PUT")), round == 0);
        }
    }
}

#[test]
fn what_vault_would_not_say_is_no_success() {
    let elsewhere = "Location: http://127.0.0.1:9/v1/secret/data/apps/a.yaml\r\n";
    for (odd, wanted) in [
        ((200, "", "<html>log in</html>"), "is not Vault, and nobody knows whether secret/data/apps/a.yaml"),
        ((200, "", "[]"), "is not Vault"),
        ((200, "", "\"yes\""), "is not Vault"),
        (
            (400, "", r#"{"errors": ["no", "never\nso\u001b[1m"]}"#),
            "for secret/data/apps/a.yaml: no; never so[1m",
        ),
        ((400, "", r#"{"errors": [{"a": 1}], "warnings": "no"}"#), "answered 400"),
        ((403, "", r#"{"errors": ["permission denied"]}"#), "answered 403"),
        ((404, "", ""), "answered 404"),
        ((500, "", "<html>"), "answered 500"),
        ((307, elsewhere, ""), "give its address: http://127.0.0.1:9/v1/secret/data/apps/a.yaml"),
        ((302, "", ""), "answered 302"),
    ] {
        let room = Served::new("destination_rules:\n  - vault_path: apps\n    vault_address: VAULT\n");
        room.vault.say(odd);
        let output = peers::feed(room.uvars().args(["sops", "publish", "-y", "apps/a.yaml"]), b"");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{odd:?}: {said}");
        assert!(said.contains(wanted) && !said.contains("s3same"), "{odd:?}: {said}");
    }
    for odd in
        [(204, "", ""), (200, "", ""), (200, "", "{}"), (200, "", r#"{"data": null, "warnings": ["x"]}"#)]
    {
        let room = Served::new("destination_rules:\n  - vault_path: apps\n    vault_address: VAULT\n");
        room.vault.say(odd);
        let output = peers::feed(room.uvars().args(["sops", "publish", "-y", "apps/a.yaml"]), b"");
        assert_eq!(output.status.code(), Some(0), "{odd:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn where_a_file_belongs_stays_behind_and_what_an_entry_cannot_hold_is_refused() {
    let room = Served::new("destination_rules:\n  - vault_path: x\n    vault_address: VAULT\n");
    let publish = |name: &str| {
        let output = room.uvars().args(["sops", "publish", "-y", name]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    room.seal("placed.yaml", "a: b\nuvars_path: secrets/hosts/a.sops.yaml\n");
    let (code, said) = publish("placed.yaml");
    assert_eq!(code, Some(0), "{said}");
    let there = room.vault.entry("secret/data/x/placed.yaml");
    assert_eq!(there, Some(serde_json::json!({ "data": { "a": "b" } })));
    drop(room.vault.requests());
    room.seal("two.yaml", "a: b\n---\nc: d\n");
    room.seal("bytes.yaml", "a: !!binary gIGC\n");
    for (name, wanted) in
        [("two.yaml", "has 2 documents, and an entry of Vault is one"), ("bytes.yaml", "is no text")]
    {
        let (code, said) = publish(name);
        assert!(code != Some(0) && said.contains(wanted), "{name}: {said}");
    }
    assert_eq!(room.vault.requests(), [""; 0]);
}

#[test]
fn a_person_is_asked_and_may_say_no() {
    for answer in ["n\n", "y\n", "perhaps\ny\n", ""] {
        let mut seen = Vec::new();
        let room = Served::new("destination_rules:\n  - vault_path: apps\n    vault_address: VAULT\n");
        for (_, mut command) in room.both() {
            let output = peers::feed(command.args(["publish", "apps/a.yaml"]), answer.as_bytes());
            let said =
                String::from_utf8(output.stdout).unwrap().replace(&*room.path("").to_string_lossy(), "");
            seen.push((output.status.code(), said));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{answer:?}: {seen:?}");
        assert_eq!(seen[0].0, Some(i32::from(!answer.ends_with("y\n"))));
    }
}

#[test]
fn a_folder_of_files_goes_whole() {
    let room = Served::new(
        "destination_rules:\n  - vault_path: x\n    vault_address: VAULT\n    path_regex: apps\n",
    );
    for (name, mut command) in room.both() {
        let refused = room
            .both()
            .into_iter()
            .find(|(other, _)| *other == name)
            .unwrap()
            .1
            .args(["publish", "-y", "apps"])
            .output()
            .unwrap();
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            String::from_utf8_lossy(&refused.stderr)
                .contains("can't operate on a directory without --recursive flag.")
        );
        assert_eq!(room.vault.requests(), [""; 0], "{name}");
        let output = command.args(["publish", "-y", "--recursive", "apps"]).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let asked = room.vault.requests();
        for file in ["a.yaml", "b.yaml"] {
            assert!(
                asked.contains(&format!("GET /v1/secret/data/x/{}{file}", below(name))),
                "{name}: {asked:?}"
            );
        }
    }
}

#[test]
fn no_file_takes_the_place_of_another_of_its_folder() {
    for rule in ["vault_path: x\n    vault_address: VAULT", "directory: FOLDER"] {
        let room = Served::new(&format!("destination_rules:\n  - {rule}\n"));
        room.seal("apps/a.json", "{\"user\": \"other\"}");
        let publish = |words: &[&str]| {
            let mut command = room.uvars();
            command.args(["sops", "publish", "-y", "--recursive"]).args(words).arg("apps").output().unwrap()
        };
        let output = publish(&["--omit-extensions"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("apps/a.json and apps/a.yaml would have the same name"), "{said}");
        assert_eq!(room.vault.requests(), [""; 0]);
        assert_eq!(std::fs::read_dir(room.path("out")).unwrap().count(), 0);
        assert!(publish(&[]).status.success());
    }
}

#[test]
fn an_encrypted_file_goes_into_a_folder() {
    let room = Served::new("destination_rules:\n  - directory: FOLDER\n");
    let publish = |words: &[&str]| {
        let output = room.uvars().args(["sops", "publish", "-y"]).args(words).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(publish(&["apps/a.yaml"]), "");
    let copy = std::fs::read(room.path("out/a.yaml")).unwrap();
    assert_eq!(copy, std::fs::read(room.path("apps/a.yaml")).unwrap());
    publish(&["--recursive", "apps"]);
    assert!(room.path("out/b.yaml").is_file());
}

#[test]
fn a_file_is_for_other_keys_where_its_rule_says_so() {
    let (a, b) = (recipient("a.age"), recipient("b.age"));
    let room = Served::new(&format!(
        "destination_rules:\n  - directory: FOLDER\n    recreation_rule:\n      age: {b}\n"
    ));
    let output = room.uvars().args(["sops", "publish", "-y", "apps/a.yaml"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        said,
        format!("The following changes will be made to the file's key groups:\nGroup 1\n+++ {b}\n--- {a}\n")
    );
    let decrypt = |key_name: &str| {
        let mut command = room.uvars();
        command
            .env("SOPS_AGE_KEY_FILE", key(key_name))
            .args(["sops", "decrypt", "out/a.yaml"])
            .output()
            .unwrap()
    };
    assert!(!decrypt("a.age").status.success());
    assert_eq!(String::from_utf8(decrypt("b.age").stdout).unwrap(), PLAIN);
}

#[test]
fn what_cannot_be_published_is_refused_and_nothing_is_sent() {
    for (rules, file, wanted) in [
        (
            "destination_rules:\n  - s3_bucket: b\n    s3_prefix: p/\n",
            "apps/a.yaml",
            "aws s3 cp apps/a.yaml s3://b/p/a.yaml",
        ),
        (
            "destination_rules:\n  - gcs_bucket: b\n",
            "apps/a.yaml",
            "gcloud storage cp apps/a.yaml gs://b/a.yaml",
        ),
        (
            "destination_rules:\n  - path_regex: other\n    vault_path: x\n",
            "apps/a.yaml",
            "no matching destination found in config",
        ),
        ("creation_rules: []\n", "apps/a.yaml", "no matching destination found in config"),
        (
            "destination_rules:\n  - path_regex: apps\n",
            "apps/a.yaml",
            "no destination configured for this file",
        ),
        ("destination_rules:\n  - vault_path: x\n    directory: y\n", "apps/a.yaml", "names several"),
        (
            "destination_rules:\n  - vault_path: ../sys\n    vault_address: VAULT\n",
            "apps/a.yaml",
            "cannot be a path of Vault",
        ),
        ("destination_rules:\n  - directory: nowhere\n", "apps/a.yaml", "no such folder"),
        (
            "destination_rules:\n  - vault_path: x\n    vault_address: VAULT\n",
            ".sops.yaml",
            "sops metadata not found",
        ),
        (
            "destination_rules:\n  - vault_path: x\n    vault_address: VAULT\n",
            "none.yaml",
            "stat none.yaml: no such file or directory",
        ),
        (
            "destination_rules:\n  - vault_path: x\n    vault_address: http://127.0.0.1:1\n",
            "apps/a.yaml",
            "cannot reach Vault at http://127.0.0.1:1",
        ),
    ] {
        let room = Served::new(rules);
        let output = room.uvars().args(["sops", "publish", "-y", file]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(wanted), "{wanted}: {said}");
        assert!(!said.contains("s3same") && !said.contains(TOKEN), "{said}");
        assert_eq!(room.vault.requests(), [""; 0]);
    }
}

#[test]
fn what_is_said_of_a_bucket_is_safe_to_type() {
    let (a, b) = (recipient("a.age"), recipient("b.age"));
    let recreate = format!("    recreation_rule:\n      age: {b}\n");
    for (bucket, copy) in [
        ("s3_bucket: b", "aws s3 cp apps/a.yaml s3://b/a.yaml"),
        ("gcs_bucket: b", "gcloud storage cp apps/a.yaml gs://b/a.yaml"),
    ] {
        let rule = format!("destination_rules:\n  - {bucket}\n");
        let publish = |room: &Room, name: &str| {
            let output = room.uvars().args(["sops", "publish", "-y", name]).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            String::from_utf8(output.stderr).unwrap()
        };
        let room = Served::new(&rule);
        // what is in clear goes nowhere: sops says so before it asks a cloud for anything
        room.write("plain.yaml", PLAIN);
        room.write("apps/plain.txt", PLAIN);
        for name in ["plain.yaml", "apps/plain.txt"] {
            let said = publish(&room, name);
            assert!(!said.contains(" cp ") && !said.contains("s3same"), "{said}");
        }
        for (name, mut command) in room.both() {
            let output = command.args(["publish", "-y", "plain.yaml"]).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && said.contains("sops metadata not found"), "{name}: {said}");
        }
        assert!(publish(&room, "apps/a.yaml").contains(copy));
        let odd = "apps/a b;id.yaml";
        room.write(odd, std::fs::read(room.path("apps/a.yaml")).unwrap());
        assert!(publish(&room, odd).contains("://'b/a b;id.yaml'"), "{}", publish(&room, odd));
        // the file as it is would be for those of before
        room.write(".sops.yaml", format!("{rule}{recreate}"));
        let said = publish(&room, "apps/a.yaml");
        let first = "put 'directory: FOLDER' in the place of the bucket";
        assert!(said.contains(first) && said.contains("recreation_rule"), "{said}");
        assert!(
            !said.contains(copy) && said.contains(&copy.replace("apps/a.yaml", "FOLDER/a.yaml")),
            "{said}"
        );
        // one that names nobody leaves the keys as they are
        room.write(".sops.yaml", format!("{rule}    recreation_rule:\n      age: ''\n"));
        assert!(publish(&room, "apps/a.yaml").contains(copy));
        let odd = "apps/a b;id.yaml";
        room.write(odd, std::fs::read(room.path("apps/a.yaml")).unwrap());
        assert!(publish(&room, odd).contains("://'b/a b;id.yaml'"), "{}", publish(&room, odd));
        // and so it goes
        room.write(".sops.yaml", format!("destination_rules:\n  - directory: out\n{recreate}"));
        peers::succeed(room.uvars().args(["sops", "publish", "-y", "apps/a.yaml"]));
        let made = std::fs::read_to_string(room.path("out/a.yaml")).unwrap();
        assert!(made.contains(&*b) && !made.contains(&*a));
    }
}

#[test]
fn help_says_what_is_published() {
    let room = Room::new(TOKEN);
    let help = |command: &str| {
        let output = room.uvars().args(["sops", command, "--help"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(help("publish").contains("The file, or with --recursive a folder of files"));
    assert!(!help("publish").contains("The place of a value"));
    assert!(help("set").contains("The place of a value"));
}

#[test]
fn the_door_of_vault_is_asked_for() {
    let room = Served::new("destination_rules:\n  - vault_path: x\n");
    let publish = |change: &dyn Fn(&mut Command) -> &mut Command| {
        let mut command = room.uvars();
        command.env("VAULT_ADDR", &room.vault.address);
        change(&mut command);
        let output = command.args(["sops", "publish", "-y", "apps/a.yaml"]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = publish(&|command| command.env("VAULT_TOKEN", "wrong"));
    assert_eq!(code, Some(1));
    assert!(said.contains("403") && said.contains("permission denied") && !said.contains("wrong"), "{said}");
    let (code, said) = publish(&|command| command.env_remove("VAULT_TOKEN"));
    assert_eq!((code, said.contains("vault login")), (Some(1), true), "{said}");
    std::fs::write(room.path(".vault-token"), format!("{TOKEN}\n")).unwrap();
    assert_eq!(publish(&|command| command.env_remove("VAULT_TOKEN")).0, Some(0));
    let (code, said) = publish(&|command| command.env("VAULT_SKIP_VERIFY", "1"));
    assert_eq!((code, said.contains("VAULT_CACERT")), (Some(1), true), "{said}");
    let (code, said) = publish(&|command| command.env("VAULT_CACERT", room.path(".vault-token")));
    assert_eq!((code, said.contains("no certificate")), (Some(1), true), "{said}");
}
