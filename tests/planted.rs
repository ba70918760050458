//! Lines that somebody without a key has planted in a repository, and what every verb makes of them.
#![cfg(target_os = "linux")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "this is test code"
)]

mod peers;
mod sample_fleet;

use sample_fleet::{Fleet, Said, key, said};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

const FILE: &str = "secrets/hosts/basalt.sops.yaml";
const MIRA: &str = "users/mira.txt";
const HONEST: &str = "unencrypted_suffix: _unencrypted";

/// Everything that opens or writes a file of the fleet.
fn verbs(file: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["set", file, "api.token"],
        vec!["unset", file, "db"],
        vec!["edit", file],
        vec!["get", file, "db"],
        vec!["exec", file, "--", "true"],
        vec!["decrypt", file],
        vec!["verify", file],
        vec!["sync"],
        vec!["sync", file],
        vec!["rotate", file],
    ]
}

/// Runs a verb with a value to be set, and an editor that would change something.
fn run(fleet: &Fleet, arguments: &[&str]) -> Said {
    let mut command = fleet.command();
    command.arg("--identity").arg(key(MIRA)).args(arguments).env("EDITOR", "sh -c 'echo new: 1 >> $0'");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // a verb that takes no input may be gone by now
    let _ = child.stdin.take().unwrap().write_all(b"tok3n\n");
    said(&child.wait_with_output().unwrap())
}

fn plant(fleet: &Fleet, file: &str, line: &str) -> String {
    let honest = fleet.read(file);
    let planted = honest.replace(HONEST, line);
    assert_ne!(honest, planted);
    fs::write(fleet.path(file), &planted).unwrap();
    planted
}

fn sops(fleet: &Fleet, name: &str, arguments: &[&str]) -> bool {
    let Some(mut sops) = peers::command(name) else { return false };
    let output = sops
        .args(arguments)
        .env("SOPS_AGE_KEY_FILE", key(MIRA))
        .env("HOME", "/nonexistent")
        .current_dir(fleet.dir())
        .output()
        .unwrap();
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    true
}

#[test]
fn a_rule_that_would_leave_values_in_clear_is_refused_by_every_verb() {
    for (line, field) in [
        ("unencrypted_regex: ^api$", "unencrypted_regex"),
        ("unencrypted_suffix: api", "unencrypted_suffix"),
        ("encrypted_regex: ^(db|uvars_path)$", "encrypted_regex"),
        ("encrypted_suffix: x", "encrypted_suffix"),
        ("unencrypted_comment_regex: x", "unencrypted_comment_regex"),
        ("encrypted_comment_regex: x", "encrypted_comment_regex"),
        ("unencrypted_suffix: _unencrypted\n    mac_only_encrypted: true", "mac_only_encrypted"),
    ] {
        let fleet = Fleet::copy();
        let planted = plant(&fleet, FILE, line);
        for verb in verbs(FILE) {
            let said = run(&fleet, &verb);
            assert_eq!(said.code, 1, "{line} {verb:?}: {}{}", said.out, said.err);
            for text in [format!("{FILE}: sops.{field}: is not the rule"), format!("uvars bind {FILE}")] {
                assert!(said.err.contains(&text), "{line} {verb:?}: {}", said.err);
            }
            assert_eq!(fleet.read(FILE), planted, "{line} {verb:?}");
        }
        // the rest of the fleet is looked after all the same
        let new = fleet.beside("new.txt");
        let rotated =
            run(&fleet, &["key", "rotate", "hosts/basalt", "--generate", "--out", new.to_str().unwrap()]);
        assert_eq!(rotated.code, 1, "{}", rotated.err);
        assert!(rotated.err.contains(&format!("{FILE}: sops.{field}")), "{}", rotated.err);
        assert_eq!(fleet.read(FILE), planted);
        // the way back
        let bound = run(&fleet, &["bind", "--yes", FILE]);
        assert_eq!(bound.code, 0, "{}", bound.err);
        assert!(bound.err.contains(&format!("  had the rule     {field}: ")), "{}", bound.err);
        assert!(!bound.err.contains("in clear"), "nothing was: {}", bound.err);
        assert!(fleet.read(FILE).contains(HONEST));
        assert_eq!(run(&fleet, &["set", FILE, "api.token"]).code, 0);
        assert!(!fleet.read(FILE).contains("tok3n"));
        assert_eq!(fleet.must(MIRA, &["get", FILE, "api.token"]), "tok3n");
        fleet.must(MIRA, &["verify", FILE]);
    }
}

#[test]
fn a_value_that_only_the_mac_covers_is_carried_on_by_no_verb() {
    let fleet = Fleet::copy();
    let planted = format!("planted_unencrypted: 1\n{}", fleet.read(FILE));
    let refused = |fleet: &Fleet, verb: &[&str]| {
        let said = run(fleet, verb);
        assert_eq!(said.code, 1, "{verb:?}: {}{}", said.out, said.err);
        assert!(said.err.contains("the MAC does not fit the values"), "{verb:?}: {}", said.err);
        assert_eq!(fleet.read(FILE), planted, "{verb:?}");
    };
    fs::write(fleet.path(FILE), &planted).unwrap();
    for verb in verbs(FILE).iter().filter(|verb| verb[0] != "sync") {
        refused(&fleet, verb);
    }
    refused(&fleet, &["bind", "--yes", FILE]);
    // nor together with a rule by which it may be in clear
    let ruled = format!("planted: 1\n{}", fleet.read(FILE).replace("planted_unencrypted: 1\n", ""));
    let ruled = ruled.replace(HONEST, "encrypted_regex: ^(db|uvars_path)$");
    fs::write(fleet.path(FILE), &ruled).unwrap();
    let said = run(&fleet, &["bind", "--yes", FILE]);
    assert!(
        said.code == 1 && said.err.contains("the MAC does not fit the values"),
        "{}{}",
        said.out,
        said.err
    );
    assert_eq!(fleet.read(FILE), ruled);
    fs::write(fleet.path(FILE), &planted).unwrap();
    // a reader more, which needs no new data key
    let key = fleet.read("keys/users/tess.pub");
    let key = key.lines().find(|line| line.starts_with("age1")).unwrap();
    fleet.must(MIRA, &["key", "add", "admins/tess", key]);
    refused(&fleet, &["sync"]);
    refused(&fleet, &["sync", FILE]);
    // and one less
    fs::remove_file(fleet.path("keys/recovery/safe.pub")).unwrap();
    fs::remove_file(fleet.path("keys/admins/tess.pub")).unwrap();
    refused(&fleet, &["sync"]);
    let new = fleet.beside("new.txt");
    refused(&fleet, &["key", "rotate", "hosts/basalt", "--generate", "--out", new.to_str().unwrap()]);
}

#[test]
fn what_plain_sops_wrote_in_clear_by_a_planted_rule_is_named_and_encrypted() {
    let fleet = Fleet::copy();
    plant(&fleet, FILE, "unencrypted_regex: ^api$");
    if !sops(&fleet, "sops", &["set", FILE, "[\"api\"][\"token\"]", "\"tok3n\""]) {
        return;
    }
    assert!(fleet.read(FILE).contains("token: tok3n"), "{}", fleet.read(FILE));
    let bound = run(&fleet, &["bind", "--yes", FILE]);
    assert_eq!(bound.code, 0, "{}", bound.err);
    assert!(bound.err.contains("  had the rule     unencrypted_regex: ^api$\n"), "{}", bound.err);
    assert!(bound.err.contains("  was in clear     api.token\n"), "{}", bound.err);
    assert!(!fleet.read(FILE).contains("tok3n"));
    assert_eq!(fleet.must(MIRA, &["get", FILE, "api.token"]), "tok3n");
}

#[test]
fn what_honest_releases_of_sops_write_by_our_rules_passes() {
    for name in ["sops", "sops-3.11"] {
        let fleet = Fleet::copy();
        if !sops(&fleet, name, &["set", FILE, "[\"api\"]", "\"x\""]) {
            continue;
        }
        sops(&fleet, name, &["rotate", "-i", FILE]);
        sops(&fleet, name, &["updatekeys", "-y", FILE]);
        fleet.must(MIRA, &["verify", FILE]);
        assert_eq!(fleet.must(MIRA, &["get", FILE, "api"]), "x");
        let fresh = "secrets/hosts/gneiss.sops.yaml";
        fs::write(fleet.path(fresh), "db: s3same\n").unwrap();
        sops(&fleet, name, &["encrypt", "-i", fresh]);
        let bound = run(&fleet, &["bind", "--yes", fresh]);
        assert_eq!(bound.code, 0, "{}", bound.err);
        assert!(!bound.err.contains("had the rule"), "{}", bound.err);
        fleet.must(MIRA, &["verify", fresh]);
    }
}

#[test]
fn a_password_that_waits_under_another_rule_is_not_received() {
    let fleet = Fleet::copy();
    let file = "secrets/handover/noor/password.sops.yaml";
    let planted = plant(&fleet, file, "unencrypted_regex: ^changed$");
    let said = fleet.run_as("users/noor.txt", &["receive", "noor"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{}", said.err);
    assert!(said.err.contains(&format!("{file}: sops.unencrypted_regex: is not the rule")), "{}", said.err);
    assert_eq!(fleet.read(file), planted);
}

#[test]
fn a_received_password_does_not_go_into_a_file_with_another_rule() {
    let fleet = Fleet::copy();
    let file = "secrets/users/noor.sops.yaml";
    let planted = plant(&fleet, file, "unencrypted_regex: ^received$");
    let said = fleet.run_as("users/noor.txt", &["receive", "--store"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains(&format!("{file}: sops.unencrypted_regex")), "{}", said.err);
    assert!(said.err.contains(&format!("uvars bind {file}")), "{}", said.err);
    assert_eq!(fleet.read(file), planted);
    assert!(fleet.path("secrets/handover/noor/password.sops.yaml").exists());
}

#[test]
fn a_received_password_does_not_go_into_a_file_from_another_place() {
    let fleet = Fleet::copy();
    let (file, other) = ("secrets/users/noor.sops.yaml", "secrets/handover/noor/password.sops.yaml");
    fs::copy(fleet.path(other), fleet.path(file)).unwrap();
    let said = fleet.run_as("users/noor.txt", &["receive", "--store"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains(&format!("this file was not written for {file}")), "{}", said.err);
    assert_eq!(fleet.read(file), fleet.read(other));
}

#[test]
fn a_file_from_another_place_gets_no_reader_by_the_commands_of_sops() {
    let fleet = Fleet::copy();
    let wifi = "secrets/shared/wifi.sops.yaml";
    fs::copy(fleet.path(FILE), fleet.path(wifi)).unwrap();
    let noor = fleet.read("keys/users/noor.pub");
    let noor = noor.lines().find(|line| line.starts_with("age1")).unwrap();
    for arguments in [
        &["updatekeys", "-y", wifi][..],
        &["groups", "add", "-i", "-f", wifi, "--age", noor],
        &["rotate", "-i", "--add-age", noor, wifi],
    ] {
        let mut command = fleet.command();
        let output = command.arg("sops").args(arguments).env("SOPS_AGE_KEY_FILE", key(MIRA)).output();
        let said = said(&output.unwrap());
        assert_eq!(said.code, 1, "{arguments:?}: {}", said.err);
        assert!(said.err.contains(&format!("this file was not written for {wifi}")), "{}", said.err);
        assert_eq!(fleet.read(wifi), fleet.read(FILE), "{arguments:?}");
    }
}

const PGP: &str =
    "    pgp:\n        - created_at: \"2026-01-01T00:00:00Z\"\n          enc: x\n          fp: \"ABCD\"\n";
const KMS: &str = "    kms:\n        - arn: arn:aws:kms:x\n          created_at: \"2026-01-01T00:00:00Z\"\n          enc: x\n";

fn add_key(fleet: &Fleet, file: &str, entry: &str) {
    let text = fleet.read(file).replace("    version: ", &format!("{entry}    version: "));
    fs::write(fleet.path(file), text).unwrap();
}

#[test]
fn a_key_of_another_type_is_a_reader_too_many() {
    for (entry, name) in [(PGP, "pgp ABCD"), (KMS, "kms arn:aws:kms:x")] {
        let fleet = Fleet::copy();
        let before = fleet.read(FILE);
        let value = |text: &str| text.lines().find(|line| line.contains("password: ENC")).unwrap().to_owned();
        add_key(&fleet, FILE, entry);
        let dry = fleet.must(MIRA, &["sync", "--dry-run"]);
        assert_eq!(dry, format!("renew  {FILE} -{name}\n"));
        let verify = run(&fleet, &["verify", FILE]);
        assert_eq!(verify.code, 3, "{}", verify.err);
        let warning = format!("uvars: warning: {FILE}: names {name} as a reader, which the fleet does not\n");
        assert!(verify.err.contains(&warning) && verify.err.contains("uvars sync"), "{}", verify.err);
        let bind = run(&fleet, &["bind", "--yes", "--dry-run", FILE]);
        assert!(bind.err.contains(&format!("  no more read by  {name}\n")), "{}", bind.err);
        let said = fleet.run_as("hosts/quartz", &["sync"]);
        assert_eq!(said.code, 4, "{}", said.err);
        assert!(
            said.err.contains(&format!("whoever has {name}: run sops updatekeys -y {FILE}")),
            "{}",
            said.err
        );
        assert_eq!(fleet.must(MIRA, &["sync"]), format!("renew  {FILE} -{name}\n"));
        let after = fleet.read(FILE);
        assert!(!after.contains(name.split(' ').nth(1).unwrap()), "{after}");
        assert_ne!(value(&before), value(&after), "the data key is new");
        fleet.must("hosts/basalt", &["verify", FILE]);
        assert_eq!(fleet.must(MIRA, &["sync"]), "every file has the readers it should have\n");

        // whoever writes takes it out as well
        add_key(&fleet, FILE, entry);
        let said = run(&fleet, &["set", FILE, "api"]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.err.contains(&format!("{name} reads it no more; the data key is new")), "{}", said.err);
        assert!(!fleet.read(FILE).contains("enc: x"));

        // and so does the replacement of a key
        add_key(&fleet, FILE, entry);
        let new = fleet.beside("new.txt");
        let out = fleet
            .must(MIRA, &["key", "rotate", "hosts/basalt", "--generate", "--out", new.to_str().unwrap()]);
        assert!(
            out.contains(&format!("renew  {FILE} +hosts/basalt -hosts/basalt (former key) -{name}\n")),
            "{out}"
        );
        fleet.must(new.to_str().unwrap(), &["verify", FILE]);
    }
}

fn rotate_lost(fleet: &Fleet, arguments: &[&str]) -> Said {
    let new = fleet.beside("new.txt");
    let words = ["key", "rotate", arguments[0], "--lost", "--generate", "--out", new.to_str().unwrap()];
    fleet.run_as(MIRA, &[&words, arguments.get(1..).unwrap()].concat())
}

#[test]
fn a_lost_key_takes_no_file_with_it_that_another_key_opens() {
    let own = "secrets/users/noor.sops.yaml";
    // somebody else's kind of key opens it too
    for entry in [PGP, KMS] {
        let fleet = Fleet::copy();
        add_key(&fleet, own, entry);
        let said = rotate_lost(&fleet, &["users/noor"]);
        assert_eq!(said.code, 4, "{}", said.err);
        assert!(said.out.contains("delete secrets/handover/noor/password.sops.yaml"), "{}", said.out);
        assert!(!said.out.contains(&format!("delete {own}")) && fleet.path(own).exists(), "{}", said.out);
        assert!(said.err.contains(&format!("{own}: left as it is")), "{}", said.err);
    }
    // no age key opens it at all: it is no business of the lost one
    for entry in [PGP, KMS] {
        let fleet = Fleet::copy();
        add_key(&fleet, own, entry);
        let text = fleet.read(own);
        let (head, rest) = text.split_once("    age:\n").unwrap();
        let rest = &rest[rest.find("    lastmodified").or_else(|| rest.find("    kms")).unwrap()..];
        let rest =
            if entry == KMS && !rest.contains("kms:") { format!("{KMS}{rest}") } else { rest.to_owned() };
        fs::write(fleet.path(own), format!("{head}{rest}")).unwrap();
        assert!(!fleet.read(own).contains("BEGIN AGE"));
        let said = rotate_lost(&fleet, &["users/noor"]);
        assert_eq!(said.code, 4, "{}", said.err);
        assert!(fleet.path(own).exists(), "{}", said.out);
    }
    // tess has two keys, and one of them is lost
    let fleet = Fleet::copy();
    let keys = fleet.read("keys/users/tess.pub");
    let first = keys.lines().find(|line| line.starts_with("age1")).unwrap();
    let said = rotate_lost(&fleet, &["users/tess", "--old", first]);
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(fleet.path("secrets/users/tess.sops.yaml").exists());
    assert!(!said.out.contains("delete"), "{}", said.out);
}

#[test]
fn no_file_loses_its_last_admin_and_recovery_key() {
    let fleet = Fleet::copy();
    let before: Vec<_> = fleet.secrets().iter().map(|file| fleet.read(file)).collect();
    fs::remove_file(fleet.path("keys/admins/mira.pub")).unwrap();
    fs::remove_file(fleet.path("keys/recovery/safe.pub")).unwrap();
    for verb in [&["sync"][..], &["rotate", "--all"], &["set", FILE, "api"], &["bind", "--yes", FILE]] {
        let said = run(&fleet, verb);
        assert_eq!(said.code, 1, "{verb:?}: {}{}", said.out, said.err);
        assert!(
            said.err.contains(&format!("{FILE}: no admin and no recovery key could read it any more")),
            "{}",
            said.err
        );
        assert!(said.err.contains("uvars key add admins/NAME KEY"), "{}", said.err);
        for (file, before) in
            fleet.secrets().iter().zip(&before).filter(|(file, _)| !file.contains("/users/"))
        {
            assert_eq!(fleet.read(file), *before, "{verb:?} {file}");
        }
    }
    // one of the two is enough
    fleet.git(&["checkout", "-q", "keys/recovery"]);
    let said = run(&fleet, &["sync"]);
    assert!(
        said.code == 0 && said.out.contains(&format!("renew  {FILE} -users/mira")),
        "{}{}",
        said.out,
        said.err
    );
}

#[test]
fn a_host_is_no_keyholder_that_a_fleet_without_any_would_lose() {
    let fleet = Fleet::copy();
    for key in ["keys/admins/mira.pub", "keys/recovery/safe.pub", FILE] {
        fs::remove_file(fleet.path(key)).unwrap();
    }
    run(&fleet, &["rules", "--write"]);
    fs::write(fleet.path(FILE), "a: 1\n").unwrap();
    let said = run(&fleet, &["encrypt", "-i", FILE]);
    assert_eq!(said.code, 0, "{}", said.err);
    let new = fleet.beside("new.txt");
    let rotate = ["key", "rotate", "hosts/basalt", "--generate", "--out", new.to_str().unwrap()];
    let said = fleet.run_as("hosts/basalt", &rotate);
    assert!(said.out.contains(&format!("renew  {FILE}")), "{}{}", said.out, said.err);
    let mut get = fleet.command();
    get.env("SOPS_AGE_KEY_FILE", &new).args(["get", FILE, "a"]);
    assert_eq!(peers::succeed(&mut get), b"1\n");
}

#[test]
fn a_key_that_somebody_planted_is_named_by_the_next_write_with_its_line() {
    let fleet = Fleet::copy();
    let key = fleet.read("keys/users/tess.pub");
    let key = key.lines().find(|line| line.starts_with("age1")).unwrap();
    fs::write(fleet.path("keys/admins/atk.pub"), format!("# harmless\n{key}\n")).unwrap();
    for verb in [&["set", FILE, "api"][..], &["unset", FILE, "db"], &["edit", FILE]] {
        fleet.git(&["checkout", "-q", "secrets"]);
        let said = run(&fleet, verb);
        assert_eq!(said.code, 0, "{verb:?}: {}", said.err);
        assert!(said.err.contains(&format!("{FILE}: admins/atk reads it now\n")), "{verb:?}: {}", said.err);
        let why = "  admins/atk: keys/admins/atk.pub:2: admins read every host's file\n";
        assert!(said.err.contains(why), "{verb:?}: {}", said.err);
    }
}

#[test]
fn names_of_values_cannot_pass_for_lines_of_ours() {
    let fleet = Fleet::copy();
    let forged = "{\"x\\n  will be read by  admins/mira\\u001b[2J\": 1}";
    fs::write(fleet.path("in.yaml"), forged).unwrap();
    fleet.must(MIRA, &["encrypt", "in.yaml", "--out", "hosts/gneiss"]);
    fs::copy(fleet.path("secrets/hosts/gneiss.sops.yaml"), fleet.path("secrets/shared/wifi.sops.yaml"))
        .unwrap();
    let bind = run(&fleet, &["bind", "--yes", "--dry-run", "shared/wifi"]);
    assert_eq!(bind.code, 0, "{}", bind.err);
    let list = run(&fleet, &["get", "hosts/gneiss"]);
    let missing = run(&fleet, &["get", "hosts/gneiss", "y"]);
    for said in [bind, list, missing] {
        let all = format!("{}{}", said.out, said.err);
        assert!(all.contains("x\\n  will be read by  admins/mira\\u{1b}[2J"), "{all}");
        assert!(all.lines().all(|line| line != "  will be read by  admins/mira"), "{all}");
    }
}

#[test]
fn a_link_to_another_file_of_the_fleet_is_refused() {
    let wifi = Path::new("secrets/shared/wifi.sops.yaml");
    for folder in [false, true] {
        let fleet = Fleet::copy();
        let before = fleet.read(FILE);
        if folder {
            fs::remove_dir_all(fleet.path("secrets/shared")).unwrap();
            std::os::unix::fs::symlink("hosts", fleet.path("secrets/shared")).unwrap();
        } else {
            fs::remove_file(fleet.path(wifi.to_str().unwrap())).unwrap();
            std::os::unix::fs::symlink("../hosts/basalt.sops.yaml", fleet.path(wifi.to_str().unwrap()))
                .unwrap();
        }
        let name = if folder { "shared/basalt" } else { "shared/wifi" };
        if folder {
            let text =
                fleet.read("uvars.yaml").replace("shared:\n", "shared:\n  basalt: { tags: [laptop] }\n");
            fs::write(fleet.path("uvars.yaml"), text).unwrap();
        }
        for verb in [
            &["bind", "--yes", name][..],
            &["set", name, "api"],
            &["get", name, "db"],
            &["rotate", name],
            &["edit", name],
        ] {
            let said = run(&fleet, verb);
            assert_eq!(said.code, 1, "{verb:?}: {}{}", said.out, said.err);
            let is = if folder { "is a link to a folder" } else { "is a link to another file of the fleet" };
            assert!(said.err.contains(is), "{verb:?}: {}", said.err);
            assert_eq!(fleet.read(FILE), before, "{verb:?}");
        }
    }
}

#[test]
fn what_is_no_hash_already_keeps_nobody_from_the_rest_of_the_file() {
    let fleet = Fleet::copy();
    let file = "secrets/accounts/mira.sops.yaml";
    if !sops(&fleet, "sops", &["set", file, "[\"password_hash\"]", "\"!\""]) {
        return;
    }
    let said = run(&fleet, &["edit", file]);
    assert_eq!((said.code, said.out), (0, format!("change {file}\n")), "{}", said.err);
    assert_eq!(fleet.must(MIRA, &["get", file, "password_hash"]), "!");
}
