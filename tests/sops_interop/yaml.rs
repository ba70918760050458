//! YAML: every kind of value, rules, readers, edits.

use crate::room::{Room, SOPS, key_file, keyring, mask, now, path, recipient, seal, vectors};
use crate::{peers, room};
use std::path::Path;
use std::time::Duration;
use uvars::sops::{Encrypted, Format, Map, Plain, Rules, Selection, Value};

fn rules(field: &str, text: &str) -> Rules {
    Rules::new(Selection::of_field(field, text).unwrap(), false).unwrap()
}

/// What we make of a plain file.
fn ours(source: &[u8], rules: &Rules) -> Vec<u8> {
    room::ours(source, rules, Format::Yaml)
}

/// What we print for an encrypted file.
fn print(source: &[u8]) -> uvars::Result<String> {
    room::print(source, Format::Yaml).map(|bytes| String::from_utf8(bytes).unwrap())
}

impl Room {
    fn encrypt_yaml(&self, source: &[u8], flags: &[&str]) -> Vec<u8> {
        self.encrypt(source, flags, Format::Yaml)
    }

    fn decrypt_yaml(&self, source: &[u8]) -> String {
        String::from_utf8(self.decrypt(source, Format::Yaml)).unwrap()
    }
}

/// Inputs of the vectors that are YAML, with the rule that their vector is made with.
fn inputs() -> Vec<(String, Vec<u8>, Vec<String>)> {
    let index = std::fs::read_to_string(vectors().join("index.jsonl")).unwrap();
    let lines = index.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut found = Vec::new();
    for line in lines.filter(|line| line["version"] == "3.13.3") {
        let (input, command) = (line["input"].as_str().unwrap(), line["command"].as_str().unwrap());
        if !input.starts_with("inputs/")
            || !command.contains("--age")
            || Format::of_path(Path::new(input)) != Format::Yaml
        {
            continue;
        }
        let words: Vec<&str> = command.split(' ').collect();
        let flags = words.iter().position(|word| word.ends_with("-suffix") || word.ends_with("-regex"));
        let flags =
            flags.map(|at| words[at..].iter().map(|word| (*word).to_owned()).collect()).unwrap_or_default();
        found.push((input.to_owned(), std::fs::read(vectors().join(input)).unwrap(), flags));
    }
    assert!(found.len() > 10);
    found
}

fn rules_of(flags: &[String]) -> Rules {
    let Some(field) = flags.first() else { return Rules::default() };
    let field = field.trim_start_matches('-').replace('-', "_");
    let only = flags.iter().any(|flag| flag == "--mac-only-encrypted");
    Rules::new(Selection::of_field(&field, &flags[1]).unwrap(), only).unwrap()
}

#[test]
fn our_layout_is_that_of_sops() {
    let Some(room) = Room::new("sops") else { return };
    for (name, source, flags) in inputs() {
        let words: Vec<&str> = flags.iter().map(String::as_str).collect();
        let theirs = room.encrypt_yaml(&source, &words);
        let ours = ours(&source, &rules_of(&flags));
        assert_eq!(mask(&ours), mask(&theirs), "{name}");
    }
}

#[test]
fn sops_decrypts_what_we_write() {
    for sops in SOPS {
        let Some(room) = Room::new(sops) else { continue };
        for (name, source, flags) in inputs() {
            let ours = ours(&source, &rules_of(&flags));
            assert_eq!(room.decrypt_yaml(&ours), print(&ours).unwrap(), "{sops} {name}");
        }
    }
}

#[test]
fn we_decrypt_what_sops_writes() {
    for sops in SOPS {
        let Some(room) = Room::new(sops) else { continue };
        for (name, source, flags) in inputs() {
            let words: Vec<&str> = flags.iter().map(String::as_str).collect();
            let theirs = room.encrypt_yaml(&source, &words);
            // each prints its own; 3.11 shows inline comments above
            assert_eq!(print(&theirs).unwrap(), room.decrypt_yaml(&theirs), "{sops} {name}");
        }
    }
}

#[test]
fn a_value_set_by_either_is_read_by_both() {
    for sops in SOPS {
        let Some(room) = Room::new(sops) else { continue };
        let source = std::fs::read(vectors().join("inputs/types.yaml")).unwrap();
        room.write("file.yaml", &ours(&source, &Rules::default()));
        room.succeed(&["set", "file.yaml", "[\"map\"][\"nested\"][\"deep\"]", "\"by sops\""]);
        room.succeed(&["set", "file.yaml", "[\"fresh\"][\"made\"]", "{\"a\": [1, \"x\"]}"]);

        let file = Encrypted::parse(&room.read("file.yaml"), Format::Yaml).unwrap();
        let key = file.unlock(&keyring()).unwrap();
        let mut plain = file.decrypt(&key).unwrap();
        assert_eq!(plain.get(&path("map.nested.deep")), Some("by sops".into()), "{sops}");
        assert_eq!(plain.get(&path("fresh.made.a.1")), Some("x".into()), "{sops}");

        plain.set(&path("string"), &"by us".into()).unwrap();
        plain.set(&path("list.0"), &Value::Int(7)).unwrap();
        let changed = file.update(&plain, &key, now()).unwrap().emit().unwrap();
        room.write("file.yaml", &changed);
        assert_eq!(room.succeed(&["-d", "--extract", "[\"string\"]", "file.yaml"]), b"by us");
        assert_eq!(room.succeed(&["-d", "--extract", "[\"list\"][0]", "file.yaml"]), b"7\n");
        assert_eq!(room.decrypt_yaml(&changed), print(&changed).unwrap());
    }
}

#[test]
fn setting_a_value_changes_that_value_the_mac_and_the_time_only() {
    let source = std::fs::read(vectors().join("inputs/comments.yaml")).unwrap();
    let before = ours(&source, &Rules::default());
    let file = Encrypted::parse(&before, Format::Yaml).unwrap();
    let key = file.unlock(&keyring()).unwrap();
    let mut plain = file.decrypt(&key).unwrap();
    plain.set(&path("b.c"), &Value::Int(3)).unwrap();
    let after = file.update(&plain, &key, now() + Duration::from_secs(1)).unwrap().emit().unwrap();
    let (before, after) = (String::from_utf8(before).unwrap(), String::from_utf8(after).unwrap());
    assert_eq!(before.lines().count(), after.lines().count());
    let changed: Vec<_> =
        before.lines().zip(after.lines()).filter(|(a, b)| a != b).map(|(a, _)| a.trim()).collect();
    assert_eq!(changed.len(), 3, "{changed:?}");
    assert!(changed[0].starts_with("c: "));
    assert!(changed[1].starts_with("lastmodified: "));
    assert!(changed[2].starts_with("mac: "));
}

#[test]
fn editing_keeps_the_ciphertext_of_what_stays() {
    let source = std::fs::read(vectors().join("inputs/types.yaml")).unwrap();
    let file = Encrypted::parse(&ours(&source, &Rules::default()), Format::Yaml).unwrap();
    let key = file.unlock(&keyring()).unwrap();
    let old = file.decrypt(&key).unwrap();
    let text = String::from_utf8(old.emit(Format::Yaml).unwrap().expose().to_vec()).unwrap();
    let edited = text.replace("int: 42", "int: 43").replace("    - one\n", "    - zero\n    - one\n");
    let mut plain = Plain::parse(edited.as_bytes(), Format::Yaml).unwrap();
    plain.keep_ciphertext_of(&old);
    let after = file.update(&plain, &key, now() + Duration::from_secs(1)).unwrap().emit().unwrap();
    assert_eq!(print(&after).unwrap(), edited);
    let before = String::from_utf8(file.emit().unwrap()).unwrap();
    let kept: std::collections::HashSet<&str> = before.lines().collect();
    let after = String::from_utf8(after).unwrap();
    let fresh: Vec<_> = after.lines().filter(|line| !kept.contains(line)).map(str::trim).collect();
    assert_eq!(fresh.len(), 4, "{fresh:?}");
}

#[test]
fn a_reader_added_by_either_changes_nothing_else() {
    for sops in SOPS {
        let Some(room) = Room::new(sops) else { continue };
        let source = std::fs::read(vectors().join("inputs/types.yaml")).unwrap();
        let file = Encrypted::parse(&ours(&source, &Rules::default()), Format::Yaml).unwrap();
        let key = file.unlock(&keyring()).unwrap();
        let (a, b) = (recipient("a.age"), recipient("b.age"));
        let wider = file.rewrap(&key, &[a.clone(), b.clone()], &uvars::keys::Programs::default()).unwrap();
        assert_eq!(wider.metadata().recipients(), [a.to_string(), b.to_string()]);
        let (before, after) = (file.emit().unwrap(), wider.emit().unwrap());
        let after = String::from_utf8(after).unwrap();
        let removed: Vec<_> =
            std::str::from_utf8(&before).unwrap().lines().filter(|line| !after.contains(line)).collect();
        assert!(removed.is_empty(), "{removed:?}");
        room.write("file.yaml", after.as_bytes());
        let config = format!("creation_rules: [{{key_groups: [{{age: ['{a}', '{b}']}}]}}]");
        room.write(".sops.yaml", config.as_bytes());
        let said = room.run(&["updatekeys", "-y", "file.yaml"]);
        assert!(String::from_utf8_lossy(&said.stderr).contains("already up to date"), "{sops}");
        assert_eq!(room.decrypt_yaml(after.as_bytes()), print(after.as_bytes()).unwrap());

        // and sops adds one to what we wrote
        room.write("file.yaml", &before);
        room.succeed(&["updatekeys", "-y", "file.yaml"]);
        let theirs = Encrypted::parse(&room.read("file.yaml"), Format::Yaml).unwrap();
        assert_eq!(theirs.metadata().recipients().len(), 2);
        assert_eq!(print(&room.read("file.yaml")).unwrap(), print(&before).unwrap());
    }
}

#[test]
fn a_new_data_key_by_either_is_opened_by_both() {
    for sops in SOPS {
        let Some(room) = Room::new(sops) else { continue };
        let source = std::fs::read(vectors().join("inputs/comments.yaml")).unwrap();
        let before = ours(&source, &Rules::default());
        let file = Encrypted::parse(&before, Format::Yaml).unwrap();
        let key = file.unlock(&keyring()).unwrap();
        let rotated =
            file.rotate(&key, &[recipient("a.age")], now(), &uvars::keys::Programs::default()).unwrap();
        assert!(rotated.decrypt(&key).is_err(), "the old data key opens the new file");
        let bytes = rotated.emit().unwrap();
        let old: Vec<&str> =
            std::str::from_utf8(&before).unwrap().lines().filter(|line| line.contains("ENC[")).collect();
        assert!(old.iter().all(|line| !std::str::from_utf8(&bytes).unwrap().contains(line)));
        assert_eq!(room.decrypt_yaml(&bytes), print(&bytes).unwrap());

        room.write("file.yaml", &bytes);
        room.succeed(&["rotate", "-i", "file.yaml"]);
        assert_eq!(print(&room.read("file.yaml")).unwrap(), room.decrypt_yaml(&room.read("file.yaml")));
    }
}

#[test]
fn key_groups_renewed_by_us_are_opened_by_sops() {
    for sops in SOPS {
        let Some(room) = Room::new(sops) else { continue };
        let before = std::fs::read(vectors().join("3.13.3/groups-2-of-3.enc.yaml")).unwrap();
        let file = Encrypted::parse(&before, Format::Yaml).unwrap();
        let key = file.unlock(&keyring()).unwrap();
        let renewed = file.renew(&key, now(), &uvars::keys::Programs::default()).unwrap();
        let bytes = renewed.emit().unwrap();
        assert!(renewed.decrypt(&key).is_err());
        let both = room.write(
            "both.age",
            &[std::fs::read(key_file("b.age")).unwrap(), std::fs::read(key_file("c.age")).unwrap()].concat(),
        );
        room.write("file.yaml", &bytes);
        let mut command = peers::command(sops).unwrap();
        command.args(["-d", "file.yaml"]).current_dir(room.path()).env("SOPS_AGE_KEY_FILE", both);
        let printed = peers::succeed(&mut command);
        assert_eq!(String::from_utf8(printed).unwrap(), print(&bytes).unwrap());
        let theirs = std::fs::read(vectors().join("3.13.3/groups-2-of-3.enc.yaml")).unwrap();
        assert_eq!(mask(&bytes), mask(&theirs));
    }
}

#[test]
fn comment_rules_in_lists_that_sops_could_not_read_back_are_refused() {
    let source = b"l:\n    # sops:enc\n    # second\n    - x\n";
    let plain = Plain::parse(source, Format::Yaml).unwrap();
    let rule = rules("encrypted_comment_regex", "sops:enc");
    let error = Encrypted::create(
        &plain,
        &[recipient("a.age")],
        &rule,
        now(),
        Format::Yaml,
        &uvars::keys::Programs::default(),
    )
    .unwrap_err();
    assert!(error.to_string().starts_with("l.0: "), "{error}");
    // sops itself writes such files, and we read them
    let Some(room) = Room::new("sops") else { return };
    room.write("plain.yaml", source);
    let key = recipient("a.age").to_string();
    let theirs = room.succeed(&["-e", "--age", &key, "--encrypted-comment-regex", "sops:enc", "plain.yaml"]);
    assert_eq!(print(&theirs).unwrap().as_bytes(), source);
}

#[test]
fn a_mark_that_every_encrypted_comment_has_is_refused() {
    let plain = Plain::parse(b"# one\na: x\n", Format::Yaml).unwrap();
    for mark in ["^ENC", "comment", "[A-Z]"] {
        let error = seal(&plain, &rules("unencrypted_comment_regex", mark), Format::Yaml).unwrap_err();
        assert!(
            error.to_string().contains("matches what an encrypted comment looks like"),
            "{mark}: {error}"
        );
        let Some(room) = Room::new("sops") else { continue };
        room.write("plain.yaml", b"# one\na: x\n");
        let key = recipient("a.age").to_string();
        let theirs = room.run(&["-e", "--age", &key, "--unencrypted-comment-regex", mark, "plain.yaml"]);
        assert_eq!(theirs.status.code(), Some(23), "{mark}");
    }
}

/// Names, comments and places on which rules may differ.
const SELECTED: &str = "\
# top enc
db_enc: 1
open: [a, {pass: b, deep_enc: [c]}] # behind enc
nested:
    # of pass
    pass: x
    other: y # enc
    list:
        # in a list
        - pass: 1
          plain_unencrypted: true
        - - z
    PASS: 2024-01-02T03:04:05Z
empty: {}
nothing:
text: ''
---
second_enc: 1.5
# enc
marked: {inner: v, pass: w}
pass: |
    two
    lines
password: no
";

#[test]
fn every_rule_selects_what_sops_selects() {
    let selections = [
        ("unencrypted_suffix", "_enc"),
        ("unencrypted_suffix", "s"),
        ("encrypted_suffix", "_enc"),
        ("encrypted_suffix", "pass"),
        ("encrypted_regex", "^pass$"),
        ("encrypted_regex", "pass"),
        ("encrypted_regex", "(?i)^pass"),
        ("encrypted_regex", "^(nested|second_.*)$"),
        ("encrypted_regex", "nowhere"),
        ("encrypted_regex", r"\A\pL{4,6}\z"),
        ("unencrypted_regex", "^(db|open)"),
        ("unencrypted_regex", "[[:upper:]]"),
        ("unencrypted_regex", "."),
        ("encrypted_comment_regex", "enc"),
        ("encrypted_comment_regex", "^ of"),
        ("unencrypted_comment_regex", "^ enc$"),
        ("unencrypted_comment_regex", "in a list"),
    ];
    for sops in SOPS {
        let Some(room) = Room::new(sops) else { continue };
        for (field, text) in selections {
            for only in [false, true] {
                let flag = format!("--{}", field.replace('_', "-"));
                let mut flags = vec![flag.as_str(), text];
                flags.extend(only.then_some("--mac-only-encrypted"));
                let rules = Rules::new(Selection::of_field(field, text).unwrap(), only).unwrap();
                let theirs = room.encrypt_yaml(SELECTED.as_bytes(), &flags);
                let ours = ours(SELECTED.as_bytes(), &rules);
                if sops == "sops" {
                    assert_eq!(mask(&ours), mask(&theirs), "{flags:?}");
                }
                for file in [ours, theirs] {
                    let printed = print(&file).unwrap();
                    let wanted = if sops == "sops" { printed } else { comments_above(&printed) };
                    assert_eq!(room.decrypt_yaml(&file), wanted, "{sops} {flags:?}");
                }
            }
        }
    }
}

/// As sops 3.11.0 prints it: a comment behind a value goes above it.
fn comments_above(text: &str) -> String {
    let mut above = String::new();
    for line in text.split_inclusive('\n') {
        match line.split_once(" # ").filter(|(value, _)| !value.trim().is_empty()) {
            Some((value, comment)) => {
                let indent = &value[..value.len() - value.trim_start().len()];
                above.extend([indent, "# ", comment, value, "\n"]);
            }
            None => above.push_str(line),
        }
    }
    above
}

#[test]
fn account_files_survive_sops() {
    let Some(room) = Room::new("sops") else { return };
    let map =
        Map::new().with("user", "jon").with("password_hash", "$y$j9T$x").with("pair_unencrypted", "word");
    let file = Encrypted::create(
        &Plain::new(map),
        &[recipient("a.age")],
        &Rules::default(),
        now(),
        Format::Yaml,
        &uvars::keys::Programs::default(),
    )
    .unwrap();
    let bytes = file.emit().unwrap();
    assert!(std::str::from_utf8(&bytes).unwrap().contains("pair_unencrypted: word\n"));
    assert_eq!(room.decrypt_yaml(&bytes), "user: jon\npassword_hash: $y$j9T$x\npair_unencrypted: word\n");
}

/// Floats lie between two shortest decimals where their last bits are few, and there it matters which one the MAC is
/// made of.
#[test]
fn floats_between_two_decimals_have_the_mac_of_sops() {
    use std::fmt::Write as _;
    let mut source = String::new();
    for exponent in (1..0x7ff_u64).step_by(3) {
        for mantissa in 0..8_u64 {
            let number = f64::from_bits(exponent << 52 | mantissa << 49);
            writeln!(source, "v{exponent}_{mantissa}: {number:e}").unwrap();
        }
    }
    for sops in SOPS {
        let Some(room) = Room::new(sops) else { continue };
        let ours = ours(source.as_bytes(), &Rules::default());
        assert!(room.decrypt_yaml(&ours) == print(&ours).unwrap(), "{sops}");
        let theirs = room.encrypt_yaml(source.as_bytes(), &[]);
        assert!(print(&theirs).unwrap() == room.decrypt_yaml(&theirs), "{sops}");
    }
}

#[test]
fn the_comment_of_a_value_that_goes_takes_no_other_along() {
    let source =
        b"host: db1\nport: 5432 # the old port\nuser: app # the service user\npass: x # rotate monthly\n";
    let Some(room) = Room::new("sops") else { return };
    for file in [ours(source, &Rules::default()), room.encrypt_yaml(source, &[])] {
        let file = Encrypted::parse(&file, Format::Yaml).unwrap();
        let key = file.unlock(&keyring()).unwrap();
        let mut plain = file.decrypt(&key).unwrap();
        plain.unset(&path("port")).unwrap();
        let changed = file.update(&plain, &key, now()).unwrap().emit().unwrap();
        let left = "host: db1\n# the old port\n# the service user\nuser: app\n# rotate monthly\npass: x\n";
        assert_eq!(room.decrypt_yaml(&changed), left);
    }
}
