//! `sops publish` and real sops before a real `OpenBao`: what lies there afterwards is what the file says.

use crate::openbao::{ROOT, Server, engine};
use crate::room::{Room, below};
use serde_json::{Value, json};
use std::process::{Command, Output};

/// What both programs send alike.
const FILES: &[(&str, &str)] = &[
    (
        "types.yaml",
        "# first\ntext: \"s3same <&> \\xe9 \\U0001f600 \\u2028 \\\" \\\\ \\t\"\nint: 5432\noctal: 0o17\nhex: 0xff\n\
         ratio: 1.5\nsmall: 1.0e-7\nlarge: 1.0e+21\nwhole: 2.0\nlong: 123456789012345678.0\nyes: true\nword: yes\n\
         nothing: null\nempty: \"\"\nday: 2001-12-14\nlist:\n    - a\n    - 2\n    - [1, [true]]\n    - null\n\
         no_map: {}\nmulti: |\n    one\n    two\nanchor: &a\n    x: 1\nalias: *a\ndeep:\n    er: {b: c}\n\
         clear_unencrypted: open\n",
    ),
    (
        "n.json",
        r#"{"max": 9007199254740992, "e": 1e3, "f": 1.0, "g": 0.1, "h": 1E-7, "i": 1e300, "o": {"": null}}"#,
    ),
    ("d.env", "# c\nA=1\nB=x y\nEMPTY=\n"),
    ("i.ini", "top = 1\n[s]\na = x y\n"),
    ("b.txt", "bytes\u{e9}\n"),
];

fn values() -> [(&'static str, Value); 5] {
    [
        (
            "types.yaml",
            json!({
                "text": "s3same <&> \u{e9} \u{1f600} \u{2028} \" \\ \t", "int": 5432, "octal": 15, "hex": 255,
                "ratio": 1.5, "small": 1e-7, "large": 1e21, "whole": 2, "long": 123_456_789_012_345_680_u64,
                "yes": true, "word": "yes", "nothing": null, "empty": "", "day": "2001-12-14T00:00:00Z",
                "list": ["a", 2, [1, [true]], null], "no_map": {}, "multi": "one\ntwo\n",
                "anchor": {"x": 1}, "alias": {"x": 1}, "deep": {"er": {"b": "c"}}, "clear_unencrypted": "open",
            }),
        ),
        (
            "n.json",
            json!({"max": 9_007_199_254_740_992_u64, "e": 1000, "f": 1, "g": 0.1, "h": 1e-7, "i": 1e300, "o": {"": null}}),
        ),
        ("d.env", json!({"A": "1", "B": "x y", "EMPTY": ""})),
        ("i.ini", json!({"DEFAULT": {"top": "1"}, "s": {"a": "x y"}})),
        ("b.txt", json!({"data": "bytes\u{e9}\n"})),
    ]
}

const TEXTS: &str = "user: jon\ndeep:\n    password: s3same\n";

/// Writes the destination rule, for files that go below `path` in `secret/` if `more` does not say otherwise.
fn rule(room: &Room, server: &Server, path: &str, more: &str) {
    let address = &server.address;
    room.write(
        ".sops.yaml",
        format!("destination_rules:\n  - {{vault_path: {path}, vault_address: \"{address}\"{more}}}\n"),
    );
}

const KV1: &str = ", vault_kv_mount_name: kv1, vault_kv_version: 1";

fn publish(command: &mut Command, words: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } = command.args(["publish", "-y"]).args(words).output().unwrap();
    assert!(stdout.is_empty(), "{}", String::from_utf8_lossy(&stdout));
    (status.success(), String::from_utf8(stderr).unwrap())
}

/// Runs it, and it must go well. What is said is returned.
#[track_caller]
fn published(command: &mut Command, words: &[&str]) -> String {
    let (went_well, said) = publish(command, words);
    assert!(went_well, "{said}");
    said
}

/// Runs it, and it must be refused with status 1.
#[track_caller]
fn refused(command: &mut Command, words: &[&str]) -> String {
    let (went_well, said) = publish(command, words);
    assert!(!went_well, "this is to be refused: {said}");
    assert!(!said.contains("s3same") && !said.contains(ROOT), "{said}");
    said
}

fn ours(room: &Room) -> Command {
    let mut command = room.uvars();
    command.arg("sops");
    command
}

/// A line of a log without its time.
fn timeless(line: &str) -> String {
    let (before, after) = line.split_once("time=\"").unwrap_or_else(|| panic!("no line of the log: {line}"));
    format!("{before}{}", after.split_once("\" ").unwrap().1)
}

#[test]
fn what_a_file_says_is_what_lies_there() {
    let Some(server) = Server::start() else { return };
    let room = Room::new(ROOT);
    for (name, plain) in FILES {
        room.seal(&format!("apps/{name}"), plain);
    }
    for more in ["", KV1] {
        for (name, mut command) in room.both() {
            rule(&room, &server, name, more);
            published(&mut command, &["--recursive", "apps"]);
            for (file, wanted) in values() {
                let path = format!("{name}/{}{file}", below(name));
                let found = if more.is_empty() { server.secret(&path) } else { server.kv1(&path) };
                assert_eq!(found, wanted, "{path}");
            }
        }
    }
}

#[test]
fn lists_arrive_as_lists_where_sops_sends_what_it_has_them_in() {
    let Some(server) = Server::start() else { return };
    let room = Room::new(ROOT);
    room.seal("a.yaml", "list:\n    # said to people\n    - a # and here\n    - x: 1\nnone: []\n");
    for (name, mut command) in room.both() {
        rule(&room, &server, name, "");
        published(&mut command, &["a.yaml"]);
        let found = server.secret(&format!("{name}/a.yaml"));
        let is_right = found == json!({"list": ["a", {"x": 1}], "none": []});
        assert_eq!(is_right, name == "uvars", "{name}: {found}");
    }
}

#[test]
fn the_same_again_makes_no_new_version() {
    let Some(server) = Server::start() else { return };
    let room = Room::new(ROOT);
    room.seal("texts.yaml", TEXTS);
    room.seal("numbers.yaml", "port: 5432\nratio: 1.50\nbig: 1.0e+15\n");
    for (name, _) in room.both() {
        rule(&room, &server, name, "");
        let versions = |file: &str| {
            let both = room.both().into_iter().filter(|(other, _)| *other == name);
            let mut said = both.chain(room.both().into_iter().filter(|(other, _)| *other == name));
            let [first, again] =
                [(); 2].map(|()| published(&mut said.next().unwrap().1, &["--verbose", file]));
            assert!(!first.contains("up-to-date"), "{first}");
            (server.current(&format!("{name}/{file}")), again)
        };
        let (version, said) = versions("texts.yaml");
        assert_eq!(version, 1, "{name}");
        if name == "uvars" {
            let wanted = format!(
                "[PUBLISH]\t level=info msg=\"Secret in secret/data/{name}/texts.yaml is already up-to-date.\"\n"
            );
            assert_eq!(timeless(&said), wanted);
        } else {
            assert!(!said.contains("up-to-date"), "{name}: {said}");
        }
        // sops compares its own types of numbers with those of JSON
        assert_eq!(versions("numbers.yaml").0, if name == "uvars" { 1 } else { 2 }, "{name}");
    }

    // what somebody changed or deleted is made true again, and what was there is kept
    rule(&room, &server, "uvars", "");
    let there = "secret/data/uvars/texts.yaml";
    server.ask("PUT", there, &json!({"data": {"user": "mallory"}}));
    assert_eq!(published(&mut ours(&room), &["texts.yaml"]), "");
    let wanted = json!({"user": "jon", "deep": {"password": "s3same"}});
    assert_eq!(
        (server.secret("uvars/texts.yaml"), server.current("uvars/texts.yaml")),
        (wanted.clone(), json!(3))
    );
    let before = server.ask("GET", &format!("{there}?version=2"), &Value::Null).1;
    assert_eq!(before["data"]["data"], json!({"user": "mallory"}));
    server.ask("DELETE", there, &Value::Null);
    published(&mut ours(&room), &["texts.yaml"]);
    assert_eq!((server.secret("uvars/texts.yaml"), server.current("uvars/texts.yaml")), (wanted, json!(4)));

    // version 1 has no versions: it says so
    rule(&room, &server, "uvars", KV1);
    for file in ["texts.yaml", "numbers.yaml"] {
        assert_eq!(published(&mut ours(&room), &["--verbose", file]), "");
        assert!(published(&mut ours(&room), &["--verbose", file]).contains("is already up-to-date"));
    }
}

#[test]
fn a_token_may_do_what_it_may() {
    let Some(server) = Server::start() else { return };
    let room = Room::new(ROOT);
    room.seal("a.yaml", TEXTS);
    rule(&room, &server, "x", "");
    let reader = server.token("path \"secret/data/x/*\" { capabilities = [\"read\"] }");
    for token in ["s.wrong", &reader] {
        for (name, mut command) in room.both() {
            let said = refused(command.env("VAULT_TOKEN", token), &["a.yaml"]);
            assert!(said.contains("403") || said.contains("Code: 403"), "{name}: {said}");
            assert!(said.contains("permission denied") && !said.contains(token), "{name}: {said}");
            assert_eq!(server.current("x/a.yaml"), Value::Null);
        }
    }
    // who may write and not read is told that nothing was compared
    let writer = server.token("path \"secret/data/x/*\" { capabilities = [\"create\", \"update\"] }");
    let all = room.both().into_iter();
    let said: Vec<String> = all
        .map(|(_, mut command)| timeless(&published(command.env("VAULT_TOKEN", &writer), &["a.yaml"])))
        .collect();
    assert_eq!(
        said[0],
        "[PUBLISH]\t level=warning msg=\"Cannot check if destination secret already exists in secret/data/x/a.yaml. \
         New version will be created even if the data has not been changed.\"\n"
    );
    assert!(said.iter().all(|line| *line == said[0]), "{said:?}");
    assert_eq!(server.current("x/a.yaml"), json!(said.len()));
}

#[test]
fn an_engine_of_the_other_version_gets_nothing() {
    let Some(server) = Server::start() else { return };
    let room = Room::new(ROOT);
    room.seal("a.yaml", TEXTS);
    rule(&room, &server, "x", ", vault_kv_version: 1");
    let said = refused(&mut ours(&room), &["a.yaml"]);
    assert!(
        said.contains("secret/ is a key-value engine of version 2") && said.contains("vault_kv_version: 2"),
        "{said}"
    );

    rule(&room, &server, "x", ", vault_kv_mount_name: kv1");
    for (name, mut command) in room.both() {
        if name == "uvars" {
            let said = refused(&mut command, &["a.yaml"]);
            assert!(
                said.contains("kv1/ is a key-value engine of version 1")
                    && said.contains("vault_kv_version: 1"),
                "{said}"
            );
            assert_eq!(server.kv1("data/x/a.yaml"), Value::Null);
        } else {
            published(&mut command, &["a.yaml"]);
            assert_ne!(server.kv1("data/x/a.yaml"), Value::Null);
        }
    }
    // what sops has left there is no entry of version 2
    let said = refused(&mut ours(&room), &["a.yaml"]);
    assert!(said.contains("kv1/ is a key-value engine of version 1"), "{said}");

    // what Vault says is passed on
    rule(&room, &server, "x", ", vault_kv_mount_name: secret/deep");
    let said = refused(&mut ours(&room), &["a.yaml"]);
    assert!(
        said.contains("404") && said.contains("Invalid path for a versioned K/V secrets engine"),
        "{said}"
    );
    rule(&room, &server, "x", ", vault_kv_mount_name: nowhere");
    for (_, mut command) in room.both() {
        let said = refused(&mut command, &["a.yaml"]);
        assert!(said.contains("404") && said.contains("no handler for route"), "{said}");
    }
    rule(&room, &server, "x", KV1);
    room.seal("empty.yaml", "{}\n");
    let said = refused(&mut ours(&room), &["empty.yaml"]);
    assert!(said.contains("400") && said.contains("missing data fields"), "{said}");
}

#[test]
fn an_integer_that_would_come_back_as_another_is_refused() {
    let Some(server) = Server::start() else { return };
    let room = Room::new(ROOT);
    room.seal("a.yaml", "accounts:\n    - number: 9223372036854775807\n");
    let exact = json!({"accounts": [{"number": 9_223_372_036_854_775_807_i64}]});
    for (name, mut command) in room.both() {
        rule(&room, &server, name, "");
        if name == "uvars" {
            let said = refused(&mut command, &["a.yaml"]);
            assert!(said.contains("accounts.0.number") && !said.contains("9223"), "{said}");
            assert_eq!(server.current("uvars/a.yaml"), Value::Null);
        } else {
            room.seal("b.yaml", "number: 9223372036854775807\n");
            published(&mut command, &["b.yaml"]);
            assert_eq!(
                server.secret(&format!("{name}/b.yaml")),
                json!({"number": 9_223_372_036_854_776_000_u64})
            );
        }
    }
    // version 1 keeps it
    rule(&room, &server, "x", KV1);
    published(&mut ours(&room), &["a.yaml"]);
    assert_eq!(server.kv1("x/a.yaml"), exact);
}

#[test]
fn a_file_has_its_own_name_there() {
    let Some(server) = Server::start() else { return };
    let room = Room::new(ROOT);
    room.seal("a.yaml", TEXTS);
    let sealed = std::fs::read(room.path("a.yaml")).unwrap();
    for name in [
        "a b",
        "a@b+c=d~e",
        "a:b;c,d",
        "a\"b'c",
        "a<b>{c}|d^e`f",
        "a!b$c&d(e)*",
        "[a]",
        "a%41",
        "a%2f%2e",
        "a?b",
        "a#b",
        "a\\b",
        "\u{e9}\u{1f600}",
    ] {
        room.write(&format!("apps/{name}.yaml"), &sealed);
    }
    let mut seen = Vec::new();
    for (name, mut command) in room.both() {
        rule(&room, &server, name, "");
        published(&mut command, &["--recursive", "apps"]);
        seen.push(
            server.ask("GET", &format!("secret/metadata/{name}/{}?list=true", below(name)), &Value::Null).1["data"]["keys"]
                .take(),
        );
    }
    let mut names: Vec<_> =
        std::fs::read_dir(room.path("apps")).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    let names: Vec<_> = names.iter().map(|name| name.to_str().unwrap()).collect();
    assert!(seen.iter().all(|keys| *keys == json!(names)), "{seen:?}");
}

#[test]
fn over_tls_in_a_namespace_where_the_environment_says() {
    let Some(server) = Server::start_tls() else { return };
    let room = Room::new(ROOT);
    room.seal("a.yaml", TEXTS);
    room.write(".sops.yaml", "destination_rules:\n  - vault_path: x\n");
    let made = server.ask("POST", "sys/namespaces/team", &json!({}));
    assert_eq!(made.0, 200, "{made:?}");
    let made = server.ask_in("team", "POST", "sys/mounts/secret", &engine(2));
    assert_eq!(made.0, 204, "{made:?}");
    for (name, mut command) in room.both() {
        command.env("VAULT_ADDR", &server.address);
        let said = refused(&mut command, &["a.yaml"]);
        assert!(said.to_lowercase().contains("certificate"), "{name}: {said}");
    }
    for (count, (name, mut command)) in room.both().into_iter().enumerate() {
        room.seal("a.yaml", format!("by: {name}\n"));
        command.env("VAULT_ADDR", &server.address).env("VAULT_CACERT", server.authority());
        published(command.env("VAULT_NAMESPACE", "team"), &["a.yaml"]);
        let found = server.ask_in("team", "GET", "secret/data/x/a.yaml", &Value::Null).1["data"].take();
        assert_eq!(
            (&found["data"], &found["metadata"]["version"]),
            (&json!({"by": name}), &json!(count + 1))
        );
    }
    assert_eq!(server.secret("x/a.yaml"), Value::Null);
}

#[test]
fn a_sealed_one_and_one_that_is_gone_are_named() {
    let Some(mut server) = Server::start() else { return };
    let room = Room::new(ROOT);
    room.seal("a.yaml", TEXTS);
    rule(&room, &server, "x", "");
    server.ask("PUT", "secret/config", &json!({"cas_required": true}));
    let said = refused(&mut ours(&room), &["a.yaml"]);
    assert!(said.contains("400") && said.contains("check-and-set parameter required"), "{said}");
    server.ask("PUT", "sys/seal", &json!({}));
    let said = refused(&mut ours(&room), &["a.yaml"]);
    assert!(said.contains("503") && said.contains("Vault is sealed"), "{said}");
    server.stop();
    let said = refused(&mut ours(&room), &["a.yaml"]);
    assert!(said.contains(&format!("cannot reach Vault at {}", server.address)), "{said}");
}
