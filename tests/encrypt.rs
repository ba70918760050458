//! `uvars encrypt`: files of the fleet by the registry, any other by its `.sops.yaml`; held by real sops.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod peers;
mod sample_fleet;

use sample_fleet::{Fleet, Said, key, said};
use std::fs;

const CLEAR: &str =
    "# the whole\ndb:\n    # rotate me\n    password: s3same\n    port: 5432\nlist:\n    - a\n    - true\n";
/// Whose private half is users/mira.
const MIRA: &str = "age1azykcckepenvlj7sm4fzq7nms30nn0j3txs8k9lnsvty4y8jwg4svvu0p4";

fn with_input(fleet: &Fleet, arguments: &[&str], input: &str) -> Said {
    said(&peers::feed(fleet.command().args(arguments), input.as_bytes()))
}

fn sops_decrypts(fleet: &Fleet, who: &str, file: &str) -> Option<String> {
    let mut sops = peers::command("sops")?;
    sops.current_dir(fleet.dir()).env("SOPS_AGE_KEY_FILE", key(who)).args(["decrypt", file]);
    Some(String::from_utf8(peers::succeed(&mut sops)).unwrap())
}

fn refused(said: &Said, code: i32, wanted: &str) {
    assert_eq!(said.code, code, "{}{}", said.out, said.err);
    assert!(said.err.contains(wanted), "{}", said.err);
    assert!(!said.err.contains("s3same") && said.out.is_empty(), "{}{}", said.out, said.err);
}

#[test]
fn a_new_file_of_the_fleet_gets_its_readers_and_its_place() {
    let fleet = Fleet::copy();
    let made = with_input(&fleet, &["encrypt", "-", "--out", "hosts/amber"], CLEAR);
    assert_eq!((made.code, made.out.as_str()), (0, "create secrets/hosts/amber.sops.yaml\n"), "{}", made.err);
    let file = "secrets/hosts/amber.sops.yaml";
    assert!(!fleet.read(file).contains("s3same") && !fleet.read(file).contains("rotate"));
    let bound = format!("{CLEAR}uvars_path: {file}\n");
    for who in ["hosts/amber", "users/mira.txt", "recovery/safe.txt"] {
        assert_eq!(fleet.must(who, &["decrypt", file]), bound);
    }
    assert_eq!(fleet.run_as("hosts/coral", &["decrypt", file]).code, 4);
    assert_eq!(
        fleet.must("users/mira.txt", &["sync", "hosts/amber"]),
        "every file has the readers it should have\n"
    );
    if let Some(text) = sops_decrypts(&fleet, "users/mira.txt", file) {
        assert_eq!(text, bound);
    }
}

#[test]
fn a_dry_run_writes_nothing() {
    let fleet = Fleet::copy();
    let shown = with_input(&fleet, &["encrypt", "-", "--out", "hosts/amber", "--dry-run"], CLEAR);
    assert_eq!((shown.code, shown.out.as_str()), (0, "create secrets/hosts/amber.sops.yaml\n"));
    assert_eq!(fleet.status(), "");
}

#[test]
fn in_place_a_file_of_the_fleet_is_bound_and_git_is_spoken_of() {
    let fleet = Fleet::copy();
    let file = "secrets/shared/wifi.sops.yaml";
    fs::write(fleet.path(file), CLEAR).unwrap();
    fleet.commit();
    let made = fleet.run(&["encrypt", "-i", file]);
    assert_eq!((made.code, made.out.as_str()), (0, "change secrets/shared/wifi.sops.yaml\n"), "{}", made.err);
    assert!(made.err.contains("git has it in clear"), "{}", made.err);
    assert!(fleet.must("hosts/coral", &["decrypt", "shared/wifi"]).starts_with(CLEAR));
    // and back, by sops, and again
    fs::write(fleet.path(file), fleet.must("hosts/coral", &["decrypt", file])).unwrap();
    assert_eq!(fleet.run(&["encrypt", "-i", file]).code, 0);
    assert!(fleet.must("hosts/coral", &["decrypt", "shared/wifi"]).starts_with(CLEAR));
}

#[test]
fn git_is_said_to_have_in_clear_what_it_has_so() {
    const HAS: &str = "warning: secrets/hosts/marble.sops.yaml: git has it in clear, in its history and in every clone: change the values that are in it\n";
    const STAGED: &str = "warning: secrets/hosts/marble.sops.yaml: git has it in clear, and takes that along with the next commit\n";
    const MAY: &str = "git may have it in clear";
    let file = "secrets/hosts/marble.sops.yaml";
    for typed in [file, "hosts/marble"] {
        let fleet = Fleet::copy();
        let path = fleet.path(file);
        let encrypt = |text: &str| {
            fs::write(&path, text).unwrap();
            let made = fleet.run(&["encrypt", "-i", typed]);
            assert_eq!(made.code, 0, "{}", made.err);
            made.err
        };
        // it has none of it
        assert_eq!(encrypt(CLEAR), "");
        // what was encrypted alone
        fleet.git(&["add", "-A"]);
        assert_eq!(encrypt(CLEAR), "");
        fleet.commit();
        assert_eq!(encrypt(CLEAR), "");
        // what is not committed yet
        fs::write(&path, CLEAR).unwrap();
        fleet.git(&["add", "-A"]);
        let err = encrypt(CLEAR);
        assert!(err.contains(STAGED) && !err.contains("history"), "{err}");
        assert!(err.contains(&format!("hint: before that: git add {file}\n")), "{err}");
        // what is, and in clear no more in the next commit
        fs::write(&path, CLEAR).unwrap();
        fleet.commit();
        for _ in 0..2 {
            let err = encrypt("other: x\n");
            assert!(err.contains(HAS), "{err}");
            fleet.git(&["add", "-A"]);
        }
        fleet.commit();
        assert_eq!(encrypt(CLEAR), "");
        // a file that had nothing to tell
        fs::write(&path, "").unwrap();
        fleet.commit();
        assert_eq!(encrypt(CLEAR), "");
        // and one that cannot be read
        fs::write(&path, "a: [\n").unwrap();
        fleet.commit();
        let err = encrypt(CLEAR);
        assert!(err.contains(MAY), "{err}");
        fs::write(fleet.path(".git/index"), "no index").unwrap();
        let err = encrypt(CLEAR);
        assert!(err.contains(MAY), "{err}");
    }
    // where another file is made of it, it stays
    let fleet = Fleet::copy();
    fs::write(fleet.path("clear.yaml"), CLEAR).unwrap();
    fleet.git(&["add", "-A"]);
    let made = fleet.run(&["encrypt", "clear.yaml", "--out", "hosts/amber"]);
    assert!(made.err.contains("hint: before that: git rm --cached clear.yaml\n"), "{}", made.err);
    fleet.commit();
    let made = fleet.run(&["encrypt", "clear.yaml", "--out", "hosts/marble"]);
    assert!(made.err.contains("clear.yaml: git has it in clear, in its history"), "{}", made.err);
}

#[test]
fn any_other_file_gets_what_the_nearest_rules_say() {
    let fleet = Fleet::copy();
    let folder = fleet.path("apps");
    fs::create_dir(&folder).unwrap();
    let rules = format!(
        "creation_rules:\n  - path_regex: never\n    age: {MIRA}\n  - path_regex: \\.enc\\.yaml$\n    encrypted_regex: ^password$\n    mac_only_encrypted: true\n    age: {MIRA}\n"
    );
    fs::write(folder.join(".sops.yaml"), rules).unwrap();
    fs::write(folder.join("web.enc.yaml"), CLEAR).unwrap();
    let printed = fleet.run(&["encrypt", "apps/web.enc.yaml"]);
    assert_eq!(printed.code, 0, "{}", printed.err);
    assert!(printed.out.contains("port: 5432\n") && printed.out.contains("encrypted_regex: ^password$"));
    assert!(printed.out.contains("mac_only_encrypted: true") && !printed.out.contains("s3same"));
    fs::write(folder.join("out.enc.yaml"), &printed.out).unwrap();
    assert_eq!(fleet.must("users/mira.txt", &["decrypt", "apps/out.enc.yaml"]), CLEAR);
    if let Some(text) = sops_decrypts(&fleet, "users/mira.txt", "apps/out.enc.yaml") {
        assert_eq!(text, CLEAR);
    }
    // the same selection as sops makes by the same rule
    if let Some(mut sops) = peers::command("sops") {
        let theirs = peers::succeed(sops.current_dir(&folder).args(["encrypt", "web.enc.yaml"]));
        let theirs = String::from_utf8(theirs).unwrap();
        let keys = |text: &str| -> Vec<String> {
            let clear = |line: &&str| !line.contains("ENC[") && !line.starts_with("            ");
            text.lines()
                .filter(clear)
                .filter(|line| !line.contains("lastmodified"))
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(keys(&printed.out), keys(&theirs));
    }
    fs::write(folder.join("plain.yaml"), CLEAR).unwrap();
    refused(&fleet.run(&["encrypt", "apps/plain.yaml"]), 1, "no creation rule is for this file");
}

#[test]
fn a_new_file_by_a_rule_can_be_set_and_edited_into_being() {
    let fleet = Fleet::copy();
    let rules = format!("creation_rules:\n  - age: {MIRA}\n");
    fs::create_dir(fleet.path("apps")).unwrap();
    fs::write(fleet.path("apps/.sops.yaml"), rules).unwrap();
    let made = with_input(&fleet, &["set", "apps/new.yaml", "db.password"], "s3same\n");
    assert_eq!(made.code, 0, "{}", made.err);
    assert_eq!(fleet.must("users/mira.txt", &["decrypt", "apps/new.yaml"]), "db:\n    password: s3same\n");
}

#[test]
fn what_cannot_be_encrypted_is_refused_by_name() {
    let fleet = Fleet::copy();
    let to = |out: &str| with_input(&fleet, &["encrypt", "-", "--out", out], CLEAR);
    refused(&to("accounts/mira"), 1, "uvars generate mira");
    refused(&to("handover/noor/password"), 1, "uvars generate noor");
    refused(&to("hosts/nobody"), 1, "the fleet has no such file");
    refused(&to("hosts/quartz"), 1, "is there already");
    refused(&to("secrets/hosts/deeper/x.yaml"), 1, "names nobody");
    refused(&to("notes.yaml"), 1, "no creation rule is for this file");
    refused(&with_input(&fleet, &["encrypt", "-"], CLEAR), 2, "which file is it to be?");
    refused(&fleet.run(&["encrypt", "none.yaml"]), 1, "no such file");
    refused(&fleet.run(&["encrypt", "hosts/quartz"]), 1, "is encrypted already");
    let elsewhere = format!("{CLEAR}uvars_path: secrets/hosts/quartz.sops.yaml\n");
    let out = ["encrypt", "-", "--out", "hosts/amber"];
    refused(&with_input(&fleet, &out, &elsewhere), 1, "uvars_path: says that the values belong elsewhere");
    refused(
        &with_input(&fleet, &out, &format!("{CLEAR}sops: mine\n")),
        1,
        "sops: the name is where sops keeps",
    );
    refused(&with_input(&fleet, &out, "password: [s3same\n"), 1, "standard input");
    refused(&with_input(&fleet, &out, ""), 1, "");
    assert_eq!(fleet.status(), "");
}

#[test]
fn rules_that_ask_for_more_than_age_are_not_half_kept() {
    let fleet = Fleet::copy();
    fs::create_dir(fleet.path("apps")).unwrap();
    fs::write(fleet.path("apps/a.yaml"), CLEAR).unwrap();
    for (rule, wanted) in [
        (format!("age: {MIRA}\n    hc_vault_transit_uri: https://vault"), "a key of Vault is written"),
        (
            format!("key_groups:\n      - age: [{MIRA}]\n      - age: [{MIRA}]\n    shamir_threshold: 3"),
            "3 of 2 key groups cannot share a data key",
        ),
        ("key_groups: []".to_owned(), "names nobody"),
        (format!("age: {MIRA}\n    encrypted_regex: '('"), "encrypted_regex"),
        (format!("path_regex: '('\n    age: {MIRA}"), "path_regex"),
    ] {
        fs::write(fleet.path("apps/.sops.yaml"), format!("creation_rules:\n  - {rule}\n")).unwrap();
        let said = fleet.run(&["encrypt", "-i", "apps/a.yaml"]);
        refused(&said, 1, wanted);
        assert!(said.err.contains("apps/.sops.yaml"), "{}", said.err);
        assert_eq!(fleet.read("apps/a.yaml"), CLEAR);
    }
}

/// What encrypting a file says, where git has had a hand in it.
fn told(fleet: &Fleet, arguments: &[&str]) -> String {
    let made = fleet.run(arguments);
    assert_eq!(made.code, 0, "{}", made.err);
    made.err
}

const COMMITTED: &str = "git has it in clear, in its history";

#[test]
fn what_is_committed_by_another_name_is_said_to_be_committed() {
    let file = "secrets/hosts/obsidian.sops.yaml";
    let begin = || {
        let fleet = Fleet::copy();
        fs::write(fleet.path("plain.yaml"), CLEAR).unwrap();
        fleet.commit();
        fleet
    };
    let fleet = begin();
    fleet.git(&["mv", "plain.yaml", file]);
    let err = told(&fleet, &["encrypt", "-i", file]);
    assert!(err.contains(COMMITTED) && !err.contains("hint"), "{err}");
    // changed meanwhile
    let fleet = begin();
    fleet.git(&["mv", "plain.yaml", file]);
    fs::write(fleet.path(file), format!("{CLEAR}more: x\n")).unwrap();
    assert!(told(&fleet, &["encrypt", "-i", file]).contains(COMMITTED));
    // git knows nothing of the move, or of the copy
    for kept in [false, true] {
        let fleet = begin();
        fs::copy(fleet.path("plain.yaml"), fleet.path(file)).unwrap();
        if !kept {
            fs::remove_file(fleet.path("plain.yaml")).unwrap();
        }
        assert!(told(&fleet, &["encrypt", "-i", file]).contains(COMMITTED));
    }
    // the encrypted file is another one
    let fleet = begin();
    fleet.git(&["mv", "plain.yaml", "moved.yaml"]);
    let err = told(&fleet, &["encrypt", "moved.yaml", "--out", "hosts/flint"]);
    assert!(err.contains("moved.yaml: git has it in clear, in its history"), "{err}");
    // before the first commit
    let fleet = Fleet::copy();
    fleet.git(&["checkout", "-q", "--orphan", "new"]);
    fs::write(fleet.path("plain.yaml"), CLEAR).unwrap();
    fleet.git(&["add", "plain.yaml"]);
    fs::copy(fleet.path("plain.yaml"), fleet.path(file)).unwrap();
    let err = told(&fleet, &["encrypt", "-i", file]);
    assert!(err.contains("takes that along with the next commit"), "{err}");
    assert!(err.contains("git rm --cached plain.yaml\n"), "{err}");
}

#[test]
fn what_is_committed_encrypted_in_part_is_in_clear() {
    let fleet = Fleet::copy();
    let file = "secrets/hosts/marble.sops.yaml";
    let clear = "db:\n    password: s3same\n    token: verysecret\n";
    fs::write(fleet.path(file), clear).unwrap();
    let Some(mut sops) = peers::command("sops") else { return };
    sops.current_dir(fleet.dir()).args(["--config", "/dev/null", "encrypt", "-i", "--age", MIRA]);
    peers::succeed(sops.args(["--encrypted-regex", "^password$", file]));
    assert!(fleet.read(file).contains("token: verysecret") && !fleet.read(file).contains("s3same"));
    fleet.commit();
    fs::write(fleet.path(file), clear).unwrap();
    assert!(told(&fleet, &["encrypt", "-i", file]).contains(COMMITTED));
    // what stays in clear is no news
    fleet.commit();
    for text in ["a: x\nnote_unencrypted: one\n", "a: x\nnote_unencrypted: two\n"] {
        fs::write(fleet.path(file), text).unwrap();
        let err = told(&fleet, &["encrypt", "-i", file]);
        assert!(!err.contains("git"), "{err}");
        fleet.commit();
    }
    // and what does not is
    fs::write(fleet.path(file), "a: x\nnote: two\n").unwrap();
    assert!(told(&fleet, &["encrypt", "-i", file]).contains(COMMITTED));
}

#[test]
fn hints_for_git_can_be_typed_where_the_command_was() {
    let begin = |file: &str| {
        let fleet = Fleet::copy();
        fs::create_dir_all(fleet.path(file).parent().unwrap()).unwrap();
        fs::write(fleet.path(file), CLEAR).unwrap();
        fleet
    };
    let hint = |err: &str| err.split("hint: before that: ").nth(1).expect(err).trim_end().to_owned();
    let file = "secrets/hosts/obsidian.sops.yaml";
    let of = |folder: &str, arguments: &[&str], file: &str| {
        let fleet = begin(file);
        fleet.git(&["add", "-A"]);
        let made = said(&fleet.command().current_dir(fleet.path(folder)).args(arguments).output().unwrap());
        assert_eq!(made.code, 0, "{}", made.err);
        let typed = hint(&made.err);
        let done = std::process::Command::new("sh")
            .args(["-c", &typed])
            .current_dir(fleet.path(folder))
            .output()
            .unwrap();
        assert!(done.status.success(), "{typed}: {}", String::from_utf8_lossy(&done.stderr));
        let staged = peers::succeed(
            std::process::Command::new("git").current_dir(fleet.dir()).args(["ls-files", "-s", "--", file]),
        );
        let now = peers::succeed(std::process::Command::new("git").current_dir(fleet.dir()).args([
            "hash-object",
            "--",
            file,
        ]));
        let staged = String::from_utf8(staged).unwrap();
        let now = String::from_utf8(now).unwrap();
        assert!(staged.is_empty() || staged.contains(now.trim()), "{typed}: {staged}{now}");
        typed.replace(&*fleet.dir().canonicalize().unwrap().to_string_lossy(), "FLEET")
    };
    assert_eq!(of("", &["encrypt", "-i", file], file), format!("git add {file}"));
    assert_eq!(of("", &["encrypt", "-i", "hosts/obsidian"], file), format!("git add {file}"));
    assert_eq!(of("secrets", &["encrypt", "-i", "hosts/obsidian"], file), "git add hosts/obsidian.sops.yaml");
    assert_eq!(of("keys", &["encrypt", "-i", "hosts/obsidian"], file), format!("git add FLEET/{file}"));
    assert_eq!(of("keys", &["-C", "..", "encrypt", "-i", file], file), format!("git -C FLEET add {file}"));
    assert_eq!(
        of("", &["encrypt", "two words.yaml", "--out", "hosts/flint"], "two words.yaml"),
        "git rm --cached 'two words.yaml'"
    );
    assert_eq!(
        of("", &["encrypt", "./-x.yaml", "--out", "hosts/flint"], "-x.yaml"),
        "git rm --cached ./-x.yaml"
    );
    // a link
    let fleet = begin("p/q.yaml");
    let link = "secrets/hosts/obsidian.sops.yaml";
    std::os::unix::fs::symlink("../../p/q.yaml", fleet.path(link)).unwrap();
    fleet.git(&["add", "-A"]);
    let err = told(&fleet, &["encrypt", "-i", link]);
    assert_eq!(hint(&err), "git add p/q.yaml");
}

#[test]
fn files_and_keys_of_any_name_are_words_in_hints() {
    let fleet = Fleet::copy();
    fs::create_dir(fleet.path("apps")).unwrap();
    fs::write(fleet.path("apps/.sops.yaml"), format!("creation_rules:\n  - age: {MIRA}\n")).unwrap();
    let file = "apps/two words.yaml";
    fs::write(fleet.path(file), CLEAR).unwrap();
    assert_eq!(fleet.run(&["encrypt", "-i", file]).code, 0);
    let sealed = fleet.read(file);
    fs::write(fleet.path(file), format!("PATH: ''\n{sealed}")).unwrap();
    fs::write(fleet.path("clear.yaml"), CLEAR).unwrap();
    for (arguments, hint) in [
        (&["encrypt", "-i", file][..], "change it: uvars edit 'apps/two words.yaml'"),
        (&["encrypt", "clear.yaml", "--out", file], "change it: uvars edit 'apps/two words.yaml'"),
        (&["set", file, "$(evil)", "x"], "| uvars set 'apps/two words.yaml' '$(evil)'"),
        (&["set", file, "a b=x"], "| uvars set 'apps/two words.yaml' 'a b'"),
        (&["exec", file, "--", "true"], "take it out: uvars unset 'apps/two words.yaml' PATH"),
    ] {
        let said = fleet.run_as("users/mira.txt", arguments);
        assert!(said.code != 0 && said.err.contains(&format!("{hint}\n")), "{arguments:?} {}", said.err);
    }
}
