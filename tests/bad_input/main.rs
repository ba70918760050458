//! Every file that uvars reads, damaged in every way, by every verb that reads it.
//!
//! What the program complains of is held against the transcripts beside this file, word for word: an error names the
//! file and the key path. Files that a run changed are listed; a damaged file may never be among them
//! unless the run says that it was done. No secret is ever seen. `UVARS_UPDATE=1` writes the transcripts anew:
//! read the difference.

#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

mod damage;
#[path = "../peers/mod.rs"]
mod peers;
mod place;

use damage::EVERY;
use place::{Place, Run, Snapshot};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// One file and what reads it.
struct Row<'a> {
    /// From the folder that the fleet is in.
    file: &'a str,
    verbs: &'a [(&'a str, &'a str)],
    /// More that can be wrong with it: other content.
    other: &'a [(&'a str, &'a str)],
}

/// What is on standard input of every run.
const INPUT: &[u8] = b"hunter2sEcReT\n";

fn check(row: &Row<'_>) {
    let Some(place) = Place::new() else { return };
    rows(&place, row);
}

fn rows(place: &Place, row: &Row<'_>) {
    let mut said = String::new();
    let file = place.at(row.file);
    // a pipe that somebody names is read to its end, whenever that comes: <(…) is one
    let named = ["answers.yaml", "users-jon.key", "value"].contains(&row.file);
    for (name, damage) in EVERY.into_iter().filter(|(name, _)| !named || *name != "a fifo") {
        case(place, &mut said, row, name, || damage(place, &file));
    }
    for (name, content) in row.other {
        let content = place.fill(content);
        case(place, &mut said, row, name, || fs::write(&file, &content).unwrap());
    }
    compare(row.file, &said);
}

fn case(place: &Place, said: &mut String, row: &Row<'_>, name: &str, damage: impl Fn()) {
    writeln!(said, "\n=== {name}").unwrap();
    let mut last = String::new();
    for (line, who) in row.verbs {
        place.restore();
        damage();
        place.give_away();
        let outcome = outcome(place, &Run { line, who, input: INPUT }, Some(row.file));
        // what several verbs say stands there once
        if outcome != last {
            said.push_str(&last);
        }
        writeln!(said, "$ uvars {line}").unwrap();
        last = outcome;
    }
    said.push_str(&last);
}

/// Runs; what was said and done.
fn outcome(place: &Place, run: &Run<'_>, damaged: Option<&str>) -> String {
    let before = place.snapshot();
    let (code, words) = place.run(run);
    let after = place.snapshot();
    let mut said = complaints(&words) + &format!("exit {code}\n");
    for path in changed(&before, &after) {
        writeln!(said, "changed: {path}").unwrap();
        assert!(matches!(code, 0 | 4) || Some(path.as_str()) != damaged, "{}: {words}", run.line);
    }
    said
}

/// Errors, warnings and hints; what is said of work that was done is for other tests.
fn complaints(words: &str) -> String {
    words.split_inclusive('\n').filter(|line| line.starts_with("uvars: ")).collect()
}

fn changed(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let paths: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differs = |path: &&std::path::PathBuf| before.get(*path) != after.get(*path);
    let ours = paths.into_iter().filter(differs).map(|path| path.display().to_string());
    // what is written elsewhere is named in what is said
    ours.filter(|path| !path.starts_with("out")).collect()
}

fn compare(name: &str, said: &str) {
    let name = format!("{}.txt", name.trim_start_matches("fleet/").replace('/', "-").trim_start_matches('.'));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_input/transcripts").join(name);
    if std::env::var_os("UVARS_UPDATE").is_some() {
        fs::write(&file, said).unwrap();
        return;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    for ((number, expected), said) in (1..).zip(expected.lines()).zip(said.lines()) {
        assert_eq!(said, expected, "{}:{number}", file.display());
    }
    assert_eq!(said.lines().count(), expected.lines().count(), "{}", file.display());
}

const ANN: &str = "admins/ann";
const JON: &str = "users/jon";
const TARA: &str = "users/tara";

const AGAIN: &str = "generate jon --regenerate --password-stdin";

#[test]
fn inventory() {
    check(&Row {
        file: "fleet/uvars.yaml",
        verbs: &[("rules --check", ANN), ("rules --write", ANN), (AGAIN, ANN), ("sync", ANN)],
        other: &[
            ("a list", "- version: 1\n"),
            ("a scalar", "MARKER\n"),
            ("two documents", "version: 1\n---\nversion: 1\n"),
            ("a later version", "version: 2\n"),
            ("no version", "hosts: {}\n"),
            ("an unknown field", "version: 1\nuser: {}\n"),
            (
                "an unknown field of a user",
                "version: 1\nhosts: {a: {platform: nixos}}\nusers:\n  jon: {hosts: [a], pasword: {}}\n",
            ),
            ("a wrong type", "version: 1\nhosts: [cinnabar]\n"),
            ("a wrong type below", "version: 1\nhosts: {a: {platform: nixos}}\nusers:\n  jon: {hosts: a}\n"),
            (
                "a password",
                "version: 1\nhosts: {a: {platform: nixos}}\nusers:\n  jon: {hosts: [a], password: MARKER}\n",
            ),
            (
                "a password below",
                "version: 1\nhosts: {a: {platform: nixos}}\nusers:\n  jon: {hosts: [a], password: {prompt: MARKER}}\n",
            ),
            (
                "a hash",
                "version: 1\nhosts: {a: {platform: nixos}}\nusers:\n  jon: {hosts: [a], description: $6$MARKER$MARKER}\n",
            ),
            (
                "a private key",
                "version: 1\nhosts: {a: {platform: nixos}}\nusers:\n  jon: {hosts: [a], authorized_keys: [SPARE_PRIVATE]}\n",
            ),
            (
                "a duplicate user",
                "version: 1\nhosts: {a: {platform: nixos}}\nusers:\n  jon: {hosts: [a]}\n  jon: {hosts: [a]}\n",
            ),
            (
                "a duplicate field",
                "version: 1\nhosts: {a: {platform: nixos}}\nusers:\n  jon: {hosts: [a], uid: 1, uid: 2}\n",
            ),
            (
                "names that differ by case",
                "version: 1\nhosts: {a: {platform: nixos}, A: {platform: nixos}}\n",
            ),
            (
                "an unknown host",
                "version: 1\nhosts: {cinnabar: {platform: nixos}}\nusers:\n  jon: {hosts: [cinabar]}\n",
            ),
            (
                "an unknown tag",
                "version: 1\nhosts: {a: {platform: nixos, tags: [server]}}\nusers:\n  jon: {tags: [sever]}\n",
            ),
            ("a tab", "version: 1\nhosts:\n\ta: {platform: nixos}\n"),
            ("an unclosed quote", "version: 1\nhosts: \"MARKER\n"),
            ("an unknown alias", "version: 1\nhosts: *MARKER\n"),
            ("an alias of itself", "version: 1\nhosts: &a {a: *a}\n"),
            ("JSON", "{\"version\": 1, \"hosts\": {\"a\": {\"platform\": \"solaris\"}}}\n"),
        ],
    });
}

#[test]
fn creation_rules() {
    check(&Row {
        file: "fleet/.sops.yaml",
        verbs: &[("rules --check", ANN), ("rules --write", ANN), ("sync", ANN), (AGAIN, ANN)],
        other: &[("rules of somebody else", "creation_rules:\n  - path_regex: .*\n    age: JON_KEY\n")],
    });
}

#[test]
fn key_file() {
    check(&Row {
        file: "fleet/keys/users/jon.pub",
        verbs: &[("key list users", ANN), ("key add users/jon SPARE_KEY", ANN), ("sync", ANN), (AGAIN, ANN)],
        other: &[
            ("only comments", "# nothing\n"),
            ("a key twice", "JON_KEY\nJON_KEY\n"),
            ("a revoked key", "OLD_KEY\n"),
            ("a private key", "JON_KEY\nSPARE_PRIVATE\n"),
            ("a private key in lower case", "age-secret-key-1MARKER\n"),
            (
                "an OpenSSH private key",
                "-----BEGIN OPENSSH PRIVATE KEY-----\nMARKER\n-----END OPENSSH PRIVATE KEY-----\n",
            ),
            (
                "a PuTTY private key",
                "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-MAC: MARKER\n",
            ),
            ("a password", "MARKER\n"),
            ("two keys in a line", "JON_KEY SPARE_KEY\n"),
            ("a key that was mistyped", "age1MARKER\n"),
            ("an unknown type", "ssh-dss AAAAB3NzaC1kc3MAAACB MARKER\n"),
        ],
    });
}

/// A sops file of the fleet, and what is not right only in such a one.
fn sops_file(file: &str, verbs: &[(&str, &str)]) {
    let Some(place) = Place::new() else { return };
    let good = fs::read_to_string(place.at(file)).unwrap();
    let (values, metadata) = good.split_at(good.find("sops:").unwrap());
    let line = |text: &str, from: &str| text.lines().find(|line| line.starts_with(from)).unwrap().to_owned();
    let (first, binding) = (values.lines().next().unwrap(), line(&good, "uvars_path:"));
    let mac = line(&good, "    mac:");
    let modified = line(&good, "    lastmodified:");
    let other = [
        ("a list", "- MARKER\n".to_owned()),
        ("a scalar", "MARKER\n".to_owned()),
        ("in clear", "psk: MARKER\n".to_owned()),
        ("metadata of a wrong type", format!("{values}sops: MARKER\n")),
        ("metadata that is null", format!("{values}sops: null\n")),
        ("metadata alone", metadata.to_owned()),
        ("a duplicate key", format!("{first}\n{good}")),
        ("an unknown field of the metadata", good.replace("sops:\n", "sops:\n    later: [1, MARKER]\n")),
        ("no MAC", good.replace(&format!("{mac}\n"), "")),
        ("a MAC in clear", good.replace(&mac, "    mac: MARKER")),
        ("a MAC of a wrong type", good.replace(&mac, "    mac: [MARKER]")),
        ("a wrong time", good.replace(&modified, "    lastmodified: \"MARKER\"")),
        ("a value in clear", good.replace(first, &format!("{}: MARKER", first.split(':').next().unwrap()))),
        ("a value that is damaged", good.replacen("data:", "data:A", 1)),
        ("a value of an unknown type", good.replacen("type:str", "type:MARKER", 1)),
        ("a value too many", good.replace("sops:\n", "more: MARKER\nsops:\n")),
        ("a value taken out", good.replace(&format!("{first}\n"), "")),
        ("no binding", good.replace(&format!("{binding}\n"), "")),
        ("a binding in clear", good.replace(&binding, "uvars_path: secrets/hosts/galena.sops.yaml")),
        (
            "no readers",
            good[..good.find("    age:").unwrap()].to_owned()
                + "    age: []\n"
                + &modified
                + "\n"
                + &mac
                + "\n    version: 3.13.3\n",
        ),
        ("a reader of a wrong type", good.replacen("recipient: ", "recipient: [MARKER] #", 1)),
        ("a private key as a reader", good.replacen("recipient: ", "recipient: SPARE_PRIVATE #", 1)),
        (
            "a reader whose envelope is damaged",
            good.replacen("-----BEGIN AGE ENCRYPTED FILE-----", "MARKER", 1),
        ),
        (
            "a rule that is no regular expression",
            good.replace("    unencrypted_suffix: _unencrypted", "    unencrypted_regex: \"(a\""),
        ),
        ("a conflict of git", format!("<<<<<<< HEAD\n{good}=======\n{good}>>>>>>> MARKER\n")),
        ("two documents", format!("{good}---\n{good}")),
    ];
    let other: Vec<_> = other.iter().map(|(name, text)| (*name, text.as_str())).collect();
    rows(&place, &Row { file, verbs, other: &other });
}

#[test]
fn values_of_several_readers() {
    sops_file(
        "fleet/secrets/shared/wifi.sops.yaml",
        &[
            ("get shared/wifi psk", ANN),
            ("verify shared/wifi", ANN),
            ("set shared/wifi other", ANN),
            ("unset shared/wifi psk", ANN),
            ("sync", ANN),
            ("rotate shared/wifi", ANN),
            ("key rotate users/jon SPARE_KEY", ANN),
            ("bind shared/wifi", ANN),
            ("export manifest hosts/cinnabar --out PLACE/out", ANN),
            ("exec shared/wifi -- true", ANN),
        ],
    );
}

#[test]
fn account_file() {
    sops_file(
        "fleet/secrets/accounts/jon.sops.yaml",
        &[
            ("generate jon", ANN),
            (AGAIN, ANN),
            ("verify accounts/jon", ANN),
            ("sync", ANN),
            ("export manifest hosts/cinnabar --out PLACE/out", ANN),
        ],
    );
}

#[test]
fn handover_file() {
    sops_file(
        "fleet/secrets/handover/tara/password.sops.yaml",
        &[
            ("receive --json", TARA),
            ("receive tara", TARA),
            ("receive --store", TARA),
            ("receive tara --out PLACE/received", TARA),
            ("generate tara", ANN),
            ("generate tara --regenerate --random", ANN),
            ("sync", ANN),
        ],
    );
}

#[test]
fn identities() {
    check(&Row {
        file: "users-jon.key",
        verbs: &[
            ("get shared/wifi psk", JON),
            ("get shared/wifi psk --identity PLACE/users-jon.key", "none"),
            ("sync", JON),
            ("rotate users/jon", JON),
            ("receive jon", JON),
            ("activate --user PLACE/export", JON),
        ],
        other: &[
            ("only comments", "# created: 2026\n"),
            ("a password", "MARKER\n"),
            ("a public key", "JON_KEY\n"),
            ("somebody else's key", "SPARE_PRIVATE\n"),
            ("a key that was mistyped", "AGE-SECRET-KEY-1MARKER\n"),
            ("a key cut off", "AGE-SECRET-KEY-1\n"),
            ("a key with something behind it", "SPARE_PRIVATE MARKER\n"),
            (
                "a key of a plugin that is not installed",
                "AGE-PLUGIN-MARKERTEST-1WPEXJANPW3JJQ6RPD3NQ5J2N6F\n",
            ),
            (
                "a frame without a key",
                "-----BEGIN OPENSSH PRIVATE KEY-----\nMARKER\n-----END OPENSSH PRIVATE KEY-----\n",
            ),
            ("a frame that does not end", "-----BEGIN OPENSSH PRIVATE KEY-----\nMARKER\n"),
            ("a key of PuTTY", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-MAC: MARKER\n"),
            ("an encrypted file of age", "age-encryption.org/v1\n-> scrypt MARKER 18\nMARKER\n--- MARKER\n"),
        ],
    });
}

#[test]
fn answers() {
    check(&Row {
        file: "answers.yaml",
        verbs: &[("generate jon --regenerate --answers PLACE/answers.yaml", ANN)],
        other: &[
            ("a list", "- MARKER\n"),
            ("a scalar", "MARKER\n"),
            ("several documents", "jon: MARKER\n---\njon: MARKER\n"),
            ("a number", "jon: 12345678\n"),
            ("null", "jon:\n"),
            ("an empty password", "jon: ''\n"),
            ("a list of passwords", "jon: [MARKER]\n"),
            ("a map in a map", "jon: { cinnabar: { MARKER: MARKER } }\n"),
            ("an unknown user", "jim: MARKER\n"),
            ("an unknown host", "jon: { cinabar: MARKER }\n"),
            ("a user twice", "jon: MARKER\njon: MARKER\n"),
            ("an unquoted asterisk", "jon: *MARKER\n"),
            ("an unquoted at sign", "jon: @MARKER\n"),
            ("an unquoted brace", "jon: {MARKER\n"),
            ("an unquoted percent sign", "jon: %MARKER: x\n"),
            ("an unquoted colon", "jon: MARKER: MARKER\n"),
            ("an unclosed quote", "jon: \"MARKER\n"),
            ("an unknown escape", "jon: \"MARKER\\q\"\n"),
            ("an unknown tag", "jon: !MARKER MARKER\n"),
            ("a wrong number", "jon: !!int MARKER\n"),
            ("JSON", "{\"jon\": [\"MARKER\"]}\n"),
            ("half a JSON", "{\"jon\": \"MARKER\n"),
            (
                "half a sops file",
                "jon: ENC[AES256_GCM,data:MARKER,iv:,tag:,type:str]\nsops:\n  mac: MARKER\n",
            ),
        ],
    });
}

#[test]
fn manifest() {
    let Some(place) = Place::new() else { return };
    let good = fs::read_to_string(place.at("export/manifest.json")).unwrap();
    let digest = good.split("\"sha256\": \"").nth(1).unwrap()[..64].to_owned();
    let other = [
        ("a list", "[]\n".to_owned()),
        ("a scalar", "\"MARKER\"\n".to_owned()),
        ("not JSON", "version: 1\n".to_owned()),
        ("something behind it", format!("{good}MARKER\n")),
        ("a later version", good.replace("\"version\": 1", "\"version\": 2")),
        ("an unknown field", good.replacen('{', "{ \"later\": 1,", 1)),
        ("a field twice", good.replacen('{', "{ \"version\": 1,", 1)),
        ("a wrong type", good.replace("\"version\": 1", "\"version\": \"MARKER\"")),
        ("of somebody else", good.replace("users/jon\"", "users/tara\"")),
        ("a path that leaves", good.replacen("\"secrets/", "\"../secrets/", 1)),
        ("an absolute path", good.replacen("\"secrets/", "\"/secrets/", 1)),
        ("a digest of another file", good.replacen(&digest, &"0".repeat(64), 1)),
        ("a digest that is none", good.replacen(&digest, "MARKER", 1)),
    ];
    let other: Vec<_> = other.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let verbs = [("activate --user PLACE/export", JON), ("activate --user --dry-run PLACE/export", JON)];
    rows(&place, &Row { file: "export/manifest.json", verbs: &verbs, other: &other });
}

#[test]
fn exported_file() {
    check(&Row {
        file: "export/secrets/users/jon.sops.yaml",
        verbs: &[("activate --user PLACE/export", JON)],
        other: &[("in clear", "token: MARKER\n"), ("a list", "- MARKER\n")],
    });
}

#[test]
fn state_of_activation() {
    check(&Row {
        file: "run/uvars.d/status.json",
        verbs: &[("activate --user --status", JON), ("activate --user PLACE/export", JON)],
        other: &[
            ("a list", "[]\n"),
            ("a scalar", "\"MARKER\"\n"),
            ("a later version", "{\"version\": 2}\n"),
            ("an unknown field", "{\"version\": 1, \"later\": \"MARKER\"}\n"),
            ("a wrong type", "{\"version\": 1, \"link\": [], \"files\": {}}\n"),
        ],
    });
}

#[test]
fn journal() {
    let Some(place) = Place::new() else { return };
    let entry = "- 1111111111111111111111111111111111111111111111111111111111111111 1 keys/planted.pub";
    let sealed = |text: &str| format!("{text}end {}\n", uvars::fs::Digest::of(text.as_bytes()));
    let head = "uvars journal 1\nid 0123456789abcdef\nplace git\ncount 1\n";
    let whole = sealed(&format!("{head}{entry}\n"));
    let other = [
        ("well formed, with nothing behind it", whole.clone()),
        ("of a later version", sealed(&whole.replace("journal 1", "journal 2"))),
        ("of another place", sealed(&format!("{head}{entry}\n").replace("place git", "place 7"))),
        ("a path that leaves", sealed(&format!("{head}{entry}\n").replace("keys/planted.pub", "../planted"))),
        ("an absolute path", sealed(&format!("{head}{entry}\n").replace("keys/planted.pub", "/etc/planted"))),
        (
            "a path into git",
            sealed(&format!("{head}{entry}\n").replace("keys/planted.pub", ".git/hooks/post-checkout")),
        ),
        ("an unknown line", sealed(&format!("{head}later MARKER\n{entry}\n"))),
        ("a seal that is wrong", whole.replace("end ", "end 0")),
        ("a password", "MARKER\n".to_owned()),
    ];
    let verbs = [
        ("rules --check", ANN),
        ("rules --write --dry-run", ANN),
        ("sync", ANN),
        (AGAIN, ANN),
        ("recover", ANN),
    ];
    for phase in ["staging", "committed", "undoing"] {
        let file = format!("fleet/.git/uvars/journal.{phase}");
        let mut said = String::new();
        for (name, damage) in EVERY.iter().filter(|(name, _)| *name != "absent") {
            case(&place, &mut said, &Row { file: &file, verbs: &verbs, other: &[] }, name, || {
                fs::write(place.at(&file), &whole).unwrap();
                damage(&place, &place.at(&file));
            });
        }
        for (name, content) in &other {
            let content = place.fill(content);
            case(&place, &mut said, &Row { file: &file, verbs: &verbs, other: &[] }, name, || {
                fs::write(place.at(&file), &content).unwrap();
            });
        }
        compare(&format!("journal.{phase}"), &said);
    }
}

/// What is given on standard input, or as a file that it may be.
#[test]
fn standard_input() {
    let Some(place) = Place::new() else { return };
    let mut said = String::new();
    let long = "x".repeat(600);
    let huge = vec![b'x'; (64 << 20) + 1];
    let inputs: [(&str, &[u8]); 14] = [
        ("empty", b""),
        ("an empty line", b"\n"),
        ("CRLF", b"hunter2sEcReT\r\n"),
        ("no line end", b"hunter2sEcReT"),
        ("two lines", b"hunter2sEcReT\nhunter2sEcReT\n"),
        ("a byte order mark", b"\xef\xbb\xbfhunter2sEcReT\n"),
        ("not UTF-8", b"hunter2sEcReT\xff\n"),
        ("a NUL", b"hunter2sEcReT\0\n"),
        ("long", long.as_bytes()),
        ("huge", &huge),
        ("a private key", b"AGE-SECRET-KEY-1HUNTER2SECRET\n"),
        ("an OpenSSH private key", b"-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2sEcReT\n"),
        ("a page of the web", b"<!DOCTYPE html>\n<html>hunter2sEcReT</html>\n"),
        ("JSON", b"{\"hunter2sEcReT\": 1"),
    ];
    for (name, input) in inputs {
        writeln!(said, "\n=== {name}").unwrap();
        let mut last = String::new();
        for line in [
            AGAIN,
            "generate jon --regenerate --answers -",
            "set shared/wifi psk",
            "set shared/wifi psk --json",
            "set shared/other psk",
            "key add users/jon -",
            "key rotate users/tara -",
            "key convert",
            "key convert --private",
        ] {
            place.restore();
            let outcome = outcome(&place, &Run { line, who: ANN, input }, None);
            if outcome != last {
                said.push_str(&last);
            }
            writeln!(said, "$ uvars {line}").unwrap();
            last = outcome;
        }
        said.push_str(&last);
    }
    compare("standard-input", &said);
}

/// Files that the command line names beside the fleet.
#[test]
fn named_file() {
    check(&Row {
        file: "value",
        verbs: &[
            ("set shared/wifi psk --value-file PLACE/value", ANN),
            ("set shared/wifi psk --json --value-file PLACE/value", ANN),
            ("key add users/jon PLACE/value", ANN),
            ("key convert PLACE/value", ANN),
            ("key convert --private PLACE/value", ANN),
            ("get PLACE/value psk", ANN),
            ("decrypt PLACE/value", ANN),
        ],
        other: &[("a public key", "SPARE_KEY\n"), ("a private key", "SPARE_PRIVATE\n")],
    });
}

/// Folders that may not be written to, or not even looked into.
#[test]
fn folders() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(place) = Place::new() else { return };
    let mut said = String::new();
    for folder in [
        "fleet",
        "fleet/keys",
        "fleet/keys/users",
        "fleet/secrets",
        "fleet/secrets/accounts",
        "fleet/.git",
        "fleet/.git/uvars",
    ] {
        for (word, mode) in [("read-only", 0o555), ("shut", 0o000)] {
            if mode == 0 && folder == "fleet" {
                continue;
            }
            writeln!(said, "\n=== {folder} {word}").unwrap();
            let mut last = String::new();
            for line in [
                "rules --check",
                "rules --write",
                AGAIN,
                "generate tara --regenerate --random",
                "sync",
                "rotate shared/wifi",
                "set shared/wifi other",
                "get shared/wifi psk",
                "key add users/jon SPARE_KEY",
                "key rotate hosts/galena SPARE_KEY",
                "recover",
            ] {
                let shut = place.at(folder);
                let open = fs::metadata(&shut).map(|found| found.permissions());
                place.restore();
                let open = open.or_else(|_| fs::metadata(&shut).map(|found| found.permissions())).unwrap();
                let before = place.snapshot();
                fs::set_permissions(&shut, fs::Permissions::from_mode(mode)).unwrap();
                let (code, words) = place.run(&Run { line, who: ANN, input: INPUT });
                fs::set_permissions(&shut, open).unwrap();
                let mut outcome = complaints(&words) + &format!("exit {code}\n");
                for path in changed(&before, &place.snapshot()) {
                    writeln!(outcome, "changed: {path}").unwrap();
                    assert!(matches!(code, 0 | 4), "{folder} {word}: {line}: {outcome}");
                }
                if outcome != last {
                    said.push_str(&last);
                }
                writeln!(said, "$ uvars {line}").unwrap();
                last = outcome;
            }
            said.push_str(&last);
        }
    }
    compare("folders", &said);
}

#[test]
fn ledger() {
    check(&Row {
        file: "fleet/keys/ledger.yaml",
        verbs: &[("key list users", ANN), ("sync", ANN), ("key rotate users/jon SPARE_KEY --dry-run", JON)],
        other: &[
            ("a list", "- recipient: SPARE_KEY\n"),
            ("a scalar", "MARKER\n"),
            ("a wrong type", "keys: {}\n"),
            ("an unknown field", "keys:\n  - recipient: SPARE_KEY\n    who: users/jon\n"),
            (
                "an unknown state",
                "keys:\n  - recipient: SPARE_KEY\n    whose: users/jon\n    state: MARKER\n",
            ),
            ("no time", "keys:\n  - recipient: SPARE_KEY\n    whose: users/jon\n    state: revoked\n"),
            (
                "a wrong time",
                "keys:\n  - {recipient: SPARE_KEY, whose: users/jon, state: revoked, since: MARKER}\n",
            ),
            (
                "a private key",
                "keys:\n  - {recipient: SPARE_PRIVATE, whose: users/jon, state: revoked, since: 2026-01-01T00:00:00Z}\n",
            ),
            (
                "a private key as a name",
                "keys:\n  - {recipient: SPARE_KEY, whose: SPARE_PRIVATE, state: revoked, since: 2026-01-01T00:00:00Z}\n",
            ),
            ("a duplicate field", "keys:\n  - recipient: SPARE_KEY\n    recipient: SPARE_KEY\n"),
            (
                "a key twice",
                "keys:\n  - &a {recipient: SPARE_KEY, whose: users/jon, state: revoked, since: 2026-01-01T00:00:00Z}\n  - *a\n",
            ),
        ],
    });
}

/// A file system that is full: smaller and smaller ones, until not even the first byte fits.
#[test]
fn full_disk() {
    let Some(place) = Place::new() else { return };
    let mut any = 0;
    for line in [
        AGAIN,
        "generate tara --regenerate --random",
        "set shared/wifi other",
        "rotate",
        "key add users/jon SPARE_KEY",
        "key rotate users/jon SPARE_KEY",
        "export manifest hosts/cinnabar --out PLACE/out",
        "key generate --out PLACE/new.key",
        "user set jon description=Jon",
    ] {
        for room in [0, 4, 8, 16, 32] {
            let Some(full) = place.run_on_full_disk(&Run { line, who: ANN, input: INPUT }, room) else {
                return;
            };
            if full.code == 1 {
                any += 1;
                assert!(full.said.contains("No space left on device"), "{line}, {room} KiB: {}", full.said);
                assert!(full.said.contains("error: "), "{line}: {}", full.said);
                assert_eq!(full.changed, Vec::<String>::new(), "{line}, {room} KiB: {}", full.said);
            }
        }
    }
    assert!(any > 10, "{any}");
}
