//! get, decrypt and verify.

use super::{BASALT, MIRA, done, feed, peers, refused};
use crate::sample_fleet::{Fleet, key};
use std::fs;

/// Every type, with comments, names with dots and a second document.
const EVERYTHING: &str = "\
# at the top
text: two words
lines: |
    one
    two
number: 42
float: 1.50
yes: true
nothing: null
time: 2024-01-02T03:04:05Z
empty: \"\"
map:
    # of the inner one
    inner: a
    other: b
list:
    - first
    - name: second
a.b:
    c.d: dotted
'0': a name of digits
---
second: document
";

/// A fleet with `EVERYTHING` encrypted by real sops beside it.
fn everything() -> Option<Fleet> {
    let fleet = Fleet::copy();
    fs::write(fleet.path("plain.yaml"), EVERYTHING).unwrap();
    let recipient = fs::read_to_string(fleet.path("keys/admins/mira.pub")).unwrap();
    let recipient = recipient.lines().find(|line| line.starts_with("age1")).unwrap().to_owned();
    let mut sops = peers::command("sops")?;
    sops.current_dir(fleet.dir()).args(["--config", "/dev/null", "encrypt", "--age"]);
    let bytes = peers::succeed(sops.args([recipient.split(' ').next().unwrap(), "plain.yaml"]));
    fs::write(fleet.path("all.sops.yaml"), bytes).unwrap();
    fs::remove_file(fleet.path("plain.yaml")).unwrap();
    Some(fleet)
}

#[test]
fn each_type_is_printed_as_itself() {
    let Some(fleet) = everything() else { return };
    for (path, out) in [
        ("text", "two words"),
        ("lines", "one\ntwo\n"),
        ("number", "42\n"),
        ("float", "1.5\n"),
        ("yes", "true\n"),
        ("nothing", "null\n"),
        ("time", "2024-01-02T03:04:05Z\n"),
        ("empty", ""),
        ("map", "# of the inner one\ninner: a\nother: b\n"),
        ("map.other", "b"),
        ("list", "- first\n- name: second\n"),
        ("list.0", "first"),
        ("list.1", "name: second\n"),
        ("list.1.name", "second"),
        ("[\"list\"][1][\"name\"]", "second"),
        ("[\"a.b\"][\"c.d\"]", "dotted"),
        ("0", "a name of digits"),
        ("[\"0\"]", "a name of digits"),
    ] {
        done(&fleet, &["get", "all.sops.yaml", path], "", out);
    }
    let names = "text\nlines\nnumber\nfloat\nyes\nnothing\ntime\nempty\nmap\nlist\na.b\n0\n";
    done(&fleet, &["get", "all.sops.yaml"], "", names);
    // the names need no key
    let said = fleet.run(&["get", "all.sops.yaml"]);
    assert_eq!((said.code, said.out.as_str()), (0, names));
}

#[test]
fn decrypt_prints_what_sops_prints() {
    let Some(fleet) = everything() else { return };
    let Some(theirs) = super::by_sops(&fleet, "all.sops.yaml") else { return };
    done(&fleet, &["decrypt", "all.sops.yaml"], "", &theirs);
    fs::write(fleet.path(".git/info/exclude"), "clear.yaml\n").unwrap();
    done(&fleet, &["decrypt", "all.sops.yaml", "--out", "clear.yaml"], "", "");
    assert_eq!(fleet.read("clear.yaml"), theirs);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(fleet.path("clear.yaml")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let said = feed(&fleet, &["decrypt", "all.sops.yaml", "--out", "clear.yaml"], "");
    assert_eq!(said.code, 1);
    assert!(said.err.ends_with(": exists already\n"), "{}", said.err);
    assert_eq!(fleet.read("clear.yaml"), theirs);
    for short in ["hosts/basalt", BASALT, "./secrets/hosts/../hosts/basalt.sops.yaml"] {
        let Some(theirs) = super::by_sops(&fleet, BASALT) else { return };
        done(&fleet, &["decrypt", short], "", &theirs);
    }
}

#[test]
fn a_value_that_is_not_there_is_answered_by_what_is() {
    let Some(fleet) = everything() else { return };
    let more = "uvars: hint: the file has 2 documents, and only the first one is looked at";
    for (path, hint) in [
        ("numbr", "did you mean number?"),
        ("map.inners", "did you mean map.inner?"),
        ("map.zzz", "in map there are: inner, other"),
        ("list.2", "list is a list of 2, the last one list.1"),
        ("list.first", "list is a list of 2, the last one list.1"),
        ("text.x", "text is a single value"),
        ("[\"a.b\"][\"x\"]", "in [\"a.b\"] there is: [\"c.d\"]"),
    ] {
        let error = format!("uvars: error: all.sops.yaml: {path}: there is no such value");
        for verb in ["get", "unset"] {
            refused(
                &fleet,
                &[verb, "all.sops.yaml", path],
                "",
                1,
                &[&error, &format!("uvars: hint: {hint}"), more],
            );
        }
    }
    refused(
        &fleet,
        &["get", "hosts/basalt", "wifi"],
        "",
        1,
        &[
            "uvars: error: secrets/hosts/basalt.sops.yaml: wifi: there is no such value",
            "uvars: hint: at the top there is: db",
        ],
    );
}

#[test]
fn paths_that_could_be_meant_in_two_ways_are_usage_errors() {
    let fleet = Fleet::copy();
    for path in ["a[0]", "db[\"password\"]", "a..b", ".", "", "[\"a\"", "[\"a\"].b", "[x]"] {
        for verb in ["get", "unset", "set"] {
            let said = feed(&fleet, &[verb, "hosts/basalt", path], "x");
            assert_eq!((said.code, said.out.as_str()), (2, ""), "{verb} {path}: {}", said.err);
            assert!(said.err.starts_with("uvars: error: the key "), "{}", said.err);
            assert!(said.err.contains("uvars: hint: write "), "{}", said.err);
        }
    }
    assert_eq!(fleet.status(), "");
}

#[test]
fn files_that_are_none_are_told_apart() {
    let fleet = Fleet::copy();
    refused(
        &fleet,
        &["get", "hosts/marble", "x"],
        "",
        1,
        &["uvars: error: secrets/hosts/marble.sops.yaml: no such file"],
    );
    refused(
        &fleet,
        &["get", "host/basalt", "x"],
        "",
        2,
        &[
            "uvars: error: \"host/basalt\" is no file, and no name of one in a fleet",
            "uvars: hint: give a path, or a short name: users/NAME, accounts/USER[@HOST], hosts/NAME, shared/NAME",
        ],
    );
    refused(
        &fleet,
        &["decrypt", "uvars.yaml"],
        "",
        1,
        &[
            "uvars: error: uvars.yaml: this is not an encrypted file: it has no 'sops' metadata",
            "uvars: hint: to encrypt it: uvars encrypt -i FILE",
        ],
    );
}

#[test]
fn nobody_without_a_key_gets_in_and_everybody_is_told_who_could() {
    let fleet = Fleet::copy();
    for verb in [
        &["get", "hosts/basalt", "db.password"][..],
        &["decrypt", "hosts/basalt"],
        &["unset", "hosts/basalt", "db.password"],
        &["edit", "hosts/basalt"],
        &["exec", "hosts/basalt", "--", "env"],
        &["verify", "hosts/basalt"],
    ] {
        let said = fleet.run_as("users/jon", verb);
        assert_eq!((said.code, said.out.as_str()), (4, ""), "{verb:?}: {}", said.err);
        let lines: Vec<_> = said.err.lines().collect();
        assert_eq!(
            lines[0],
            "uvars: error: secrets/hosts/basalt.sops.yaml: none of the keys at hand opens this"
        );
        let readers = lines[1];
        assert!(readers.starts_with("uvars: hint: it can be read by "), "{readers}");
        for reader in ["hosts/basalt (age1", "admins/mira", "recovery/safe (age1"] {
            assert!(readers.contains(reader), "{readers}");
        }
        assert_eq!(
            lines[2],
            format!("uvars: hint: looked in {}: 1 key, not a reader", key("users/jon").display())
        );
        assert_eq!(lines[3], "uvars: hint: looked in /nonexistent/.config/sops/age/keys.txt: not there");
        let last =
            "uvars: hint: who may read it, and why: uvars rules --explain secrets/hosts/basalt.sops.yaml";
        assert_eq!(lines.last(), Some(&last));
    }
    assert_eq!(fleet.status(), "");
}

#[test]
fn a_tampered_file_is_read_only_on_request_and_never_written() {
    let fleet = Fleet::copy();
    let before = fleet.read(BASALT);
    let planted = format!("planted_unencrypted: evil\n{before}");
    fs::write(fleet.path(BASALT), &planted).unwrap();
    let wrong = [
        "uvars: error: secrets/hosts/basalt.sops.yaml: the MAC does not fit the values: the file was changed by hand, or merged from two versions",
        "uvars: hint: see what changed with git, or print it anyway: uvars decrypt --ignore-mac FILE",
    ];
    for verb in [
        &["get", "hosts/basalt", "db.password"][..],
        &["decrypt", "hosts/basalt"],
        &["set", "hosts/basalt", "db.password"],
        &["unset", "hosts/basalt", "db.password"],
        &["edit", "hosts/basalt"],
        &["exec", "hosts/basalt", "--", "env"],
        &["verify", "hosts/basalt"],
    ] {
        refused(&fleet, verb, "x", 1, &wrong);
    }
    let password = "throw-away database password";
    done(&fleet, &["get", "--ignore-mac", "hosts/basalt", "db.password"], "", password);
    assert_eq!(feed(&fleet, &["decrypt", "--ignore-mac", "hosts/basalt"], "").code, 0);
    assert_eq!(fleet.read(BASALT), planted);
    // a single value under the MAC's protection: swapped, it does not even open
    let line = super::line(&before, "password:");
    let swapped = before.replace(line, &line.replacen("data:", "data:AAAA", 1));
    fs::write(fleet.path(BASALT), swapped).unwrap();
    let said = feed(&fleet, &["get", "--ignore-mac", "hosts/basalt", "db.password"], "");
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("basalt.sops.yaml: db.password: "), "{}", said.err);
}

#[test]
fn a_comment_planted_in_clear_is_pointed_at() {
    let fleet = Fleet::copy();
    let planted = format!("# run this: curl evil\n{}", fleet.read(BASALT));
    fs::write(fleet.path(BASALT), &planted).unwrap();
    let warning = "uvars: warning: secrets/hosts/basalt.sops.yaml: a comment at the top is not encrypted: anybody may have put it there\n";
    for (verb, out) in [
        (&["verify", "hosts/basalt"][..], "ok secrets/hosts/basalt.sops.yaml\n"),
        (&["set", "hosts/basalt", "a"], "change secrets/hosts/basalt.sops.yaml\n"),
    ] {
        let said = feed(&fleet, verb, "x");
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, out, warning), "{verb:?}");
    }
    fs::write(fleet.path(BASALT), &planted).unwrap();
    for verb in [&["decrypt", "hosts/basalt"][..], &["unset", "hosts/basalt", "db"]] {
        assert_eq!(feed(&fleet, verb, "x").err, warning, "{verb:?}");
    }
}

#[test]
fn another_place_or_none_is_refused_by_every_verb() {
    let fleet = Fleet::copy();
    fs::copy(fleet.path("secrets/hosts/quartz.sops.yaml"), fleet.path(BASALT)).unwrap();
    for verb in [
        &["get", "hosts/basalt", "registry.token"][..],
        &["decrypt", "hosts/basalt"],
        &["set", "hosts/basalt", "a"],
        &["unset", "hosts/basalt", "registry"],
        &["edit", "hosts/basalt"],
        &["exec", "--files", "hosts/basalt", "--", "true"],
        &["verify", "hosts/basalt"],
        &["get", "--ignore-mac", "hosts/basalt", "registry.token"],
    ] {
        let said = feed(&fleet, verb, "x");
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{verb:?}: {}", said.err);
        assert!(said.err.contains("uvars bind secrets/hosts/basalt.sops.yaml"), "{}", said.err);
    }
}

#[test]
fn verify_goes_through_many_files_and_says_each_hint_once() {
    let fleet = Fleet::copy();
    let all = fleet.secrets();
    let mut arguments = vec!["verify"];
    arguments.extend(all.iter().map(String::as_str));
    let said = feed(&fleet, &arguments, "");
    assert_eq!(said.code, 4, "{}", said.err);
    // mira reads everything but what is others' alone
    let ok: Vec<_> = said.out.lines().collect();
    let closed: Vec<_> = said.err.lines().filter(|line| line.starts_with("uvars: error: ")).collect();
    assert_eq!(closed.len(), 3, "{closed:?}");
    assert_eq!(ok.len() + closed.len(), all.len());
    assert!(ok.contains(&"ok secrets/hosts/basalt.sops.yaml"));
    for others in ["handover/noor/password", "users/noor", "users/tess"] {
        let line = format!("uvars: error: secrets/{others}.sops.yaml: none of the keys at hand opens this");
        assert!(closed.contains(&line.as_str()), "{closed:?}");
    }
    assert_eq!(
        said.err.matches("looked in /nonexistent/.config/sops/age/keys.txt").count(),
        1,
        "{}",
        said.err
    );
    assert!(!format!("{}{}", said.out, said.err).contains("throw-away database"));
    // damage outweighs a missing key
    fs::write(fleet.path(BASALT), "garbage").unwrap();
    assert_eq!(feed(&fleet, &arguments, "").code, 1);
    arguments.push("--json");
    let said = feed(&fleet, &arguments, "");
    let list: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let status = |file: &str| {
        let found = list.as_array().unwrap().iter().find(|entry| entry["file"] == file).unwrap();
        found["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status(BASALT), "failed");
    assert_eq!(status("secrets/users/noor.sops.yaml"), "no-key");
    assert_eq!(status("secrets/users/mira.sops.yaml"), "ok");
    assert_eq!(said.code, 1);
    assert_eq!(feed(&fleet, &["verify"], "").code, 2);
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let fleet = Fleet::copy();
    let program = env!("CARGO_BIN_EXE_uvars");
    let line = format!(
        "{program} --identity {} decrypt hosts/basalt | true; echo ${{PIPESTATUS[0]}}",
        key(MIRA).display()
    );
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", &line])
        .current_dir(fleet.dir())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap());
    let output = bash.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn json_is_for_programs() {
    let fleet = Fleet::copy();
    let json = r#"{"n": 42, "f": 1.5, "t": true, "x": null, "s": "3", "list": [1, "b"], "a.b": {"c": -7}}"#;
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(feed(&fleet, &["set", "hosts/basalt", "data", "--json"], json).code, 0);
    let read = |arguments: &[&str]| -> serde_json::Value {
        let said = feed(&fleet, arguments, "");
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{arguments:?}");
        serde_json::from_str(&said.out).unwrap()
    };
    assert_eq!(read(&["get", "--json", "hosts/basalt", "data"]), value);
    for (key, inner) in
        [("data.s", "s"), ("data.n", "n"), ("data.x", "x"), ("data.list", "list"), ("data.f", "f")]
    {
        assert_eq!(read(&["get", "--json", "hosts/basalt", key]), value[inner], "{key}");
    }
    assert_eq!(read(&["get", "--json", "hosts/basalt"]), serde_json::json!(["db", "data"]));
    let whole = read(&["decrypt", "--json", "hosts/basalt"]);
    assert_eq!(whole["data"], value);
    assert_eq!(whole["uvars_path"], BASALT);
    if let Some(mut sops) = peers::command("sops") {
        sops.current_dir(fleet.dir()).env("SOPS_AGE_KEY_FILE", key(MIRA));
        let theirs = peers::succeed(sops.args(["decrypt", "--output-type", "json", BASALT]));
        assert_eq!(whole, serde_json::from_slice::<serde_json::Value>(&theirs).unwrap());
        let beside = tempfile::tempdir().unwrap();
        fs::write(beside.path().join("two.yaml"), "a: 1\n---\nb: 2\n").unwrap();
        let mut sops = peers::command("sops").unwrap();
        let own = fleet.read("keys/users/mira.pub");
        let own = own.split_whitespace().find(|word| word.starts_with("age1")).unwrap();
        peers::succeed(sops.current_dir(beside.path()).args(["encrypt", "-i", "--age", own, "two.yaml"]));
        fs::copy(beside.path().join("two.yaml"), fleet.path("two.yaml")).unwrap();
        let said = feed(&fleet, &["decrypt", "--json", "two.yaml"], "");
        assert_eq!((said.code, said.out.as_str()), (1, ""));
        assert!(said.err.contains("two.yaml: holds 2 documents, and JSON has one"), "{}", said.err);
    }
}

#[test]
fn an_identity_that_is_not_there_is_an_error() {
    let fleet = Fleet::copy();
    let said = feed(&fleet, &["--identity", "/typo/key", "get", "hosts/basalt", "db.password"], "");
    let expected =
        "uvars: error: /typo/key: no such file\nuvars: hint: --identity wants a file with a private key\n";
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (1, "", expected));
    // a host goes on without: what it has already is kept
    let said = feed(&fleet, &["--identity", "/typo/key", "activate", "--dry-run", "none.json"], "");
    assert!(said.code == 1 && said.err.contains("none.json") && !said.err.contains("typo"), "{}", said.err);
}
