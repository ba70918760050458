//! The sample fleet in the repository's own root: who can open what, and what every kind of change does to it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod peers;
mod sample_fleet;

use sample_fleet::{Fleet, Said, key, keys};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// Who opens which file, by the private key's name without its ending: decided by hand from the design's table.
fn readers() -> BTreeMap<&'static str, Vec<&'static str>> {
    let servers =
        ["hosts/basalt", "hosts/gneiss", "hosts/marble", "hosts/obsidian", "hosts/quartz", "hosts/slate"];
    let admin = ["users/mira", "recovery/safe"];
    let with = |more: &[&'static str]| [&admin[..], more].concat();
    BTreeMap::from([
        // seed 3's two shapes: an integrated admin's file is read by her and by those hosts, a standard user's by her alone
        ("secrets/users/mira.sops.yaml", vec!["users/mira", "hosts/amber", "hosts/quartz"]),
        ("secrets/users/tess.sops.yaml", vec!["users/tess", "users/tess-laptop"]),
        ("secrets/users/noor.sops.yaml", vec!["users/noor"]),
        ("secrets/handover/noor/password.sops.yaml", vec!["users/noor"]),
        ("secrets/accounts/mira.sops.yaml", with(&[&servers[..], &["hosts/flint", "hosts/pumice"]].concat())),
        ("secrets/accounts/noor.sops.yaml", with(&["hosts/slate"])),
        ("secrets/accounts/noor-ops.sops.yaml", with(&["hosts/slate", "hosts/quartz"])),
        ("secrets/accounts/ruben.sops.yaml", with(&["hosts/flint"])),
        ("secrets/accounts/tess@marble.sops.yaml", with(&["hosts/marble"])),
        ("secrets/accounts/tess@obsidian.sops.yaml", with(&["hosts/obsidian"])),
        ("secrets/hosts/basalt.sops.yaml", with(&["hosts/basalt"])),
        ("secrets/hosts/quartz.sops.yaml", with(&["hosts/quartz"])),
        ("secrets/shared/wifi.sops.yaml", with(&["hosts/slate", "hosts/amber", "hosts/coral"])),
        ("secrets/shared/deploy.sops.yaml", with(&["hosts/quartz", "robots/ci"])),
    ])
}

fn stem(key: &str) -> &str {
    key.trim_end_matches(".txt")
}

#[test]
fn every_key_opens_what_it_should_and_nothing_else() {
    let fleet = Fleet::copy();
    let readers = readers();
    assert_eq!(fleet.secrets(), readers.keys().copied().collect::<Vec<_>>());
    for (file, may) in &readers {
        for who in keys() {
            let said = fleet.run_as(&who, &["decrypt", file]);
            if may.contains(&stem(&who)) {
                assert_eq!(said.code, 0, "{who} {file}: {}", said.err);
                assert!(said.out.contains(&format!("uvars_path: {file}")), "{file}");
            } else {
                assert_eq!(said.code, 4, "{who} opened {file}");
                assert!(said.out.is_empty());
                assert!(
                    said.err.contains(file)
                        && said.err.contains("it can be read by ")
                        && !said.err.contains("it can be read by age1"),
                    "{}",
                    said.err
                );
                assert!(said.err.contains(key(&who).to_str().unwrap()), "says where it looked: {}", said.err);
            }
        }
    }
}

#[test]
fn explain_reads_rules_that_somebody_wrote_by_hand() {
    let fleet = Fleet::copy();
    let said = fleet.run(&["rules", "--explain", "apps/web.enc.yaml"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("no rule of .sops.yaml is for it"), "{}", said.err);
    // a rule in front that takes a file of ours away, and one for a path that is not ours
    let mira = "age1azykcckepenvlj7sm4fzq7nms30nn0j3txs8k9lnsvty4y8jwg4svvu0p4";
    let rules = fleet.read(".sops.yaml");
    let (head, tail) = rules.split_once("creation_rules:\n").unwrap();
    let by_hand = format!(
        "{head}creation_rules:\n  - path_regex: amber\n    pgp: AB12\n    age: {mira}\n  - path_regex: ^apps/\n    age: age1unknown\n{tail}"
    );
    fs::write(fleet.path(".sops.yaml"), by_hand).unwrap();
    let said = fleet.run(&["rules", "--explain", "hosts/amber"]);
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    assert!(said.out.contains("rule 1 (.sops.yaml:") && said.out.contains("hosts/amber\n"), "{}", said.out);
    assert!(said.err.contains("says otherwise") && said.err.contains("uvars rules --write"), "{}", said.err);
    let said = fleet.run(&["rules", "--explain", "amber.txt"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("admins/mira") && said.out.contains(mira) && said.out.contains("pgp AB12"));
    let json: serde_json::Value =
        serde_json::from_str(&fleet.run(&["rules", "--explain", "amber.txt", "--json"]).out).unwrap();
    assert_eq!(json["rule"]["path_regex"], "amber");
    assert_eq!(json["key_groups"][0][0]["holders"][0], "admins/mira");
    assert!(json["readers"].is_null() && json["agrees"].is_null());
}

#[test]
fn explain_says_the_same() {
    let fleet = Fleet::copy();
    for (file, may) in readers() {
        let json: serde_json::Value =
            serde_json::from_str(&fleet.run(&["rules", "--explain", file, "--json"]).out).unwrap();
        let mut named: Vec<String> = json["readers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reader| reader["principal"].as_str().unwrap().replace("admins/mira", "users/mira"))
            .collect();
        let mut wanted: Vec<String> =
            may.iter().map(|name| name.trim_end_matches("-laptop").to_owned()).collect();
        named.sort();
        named.dedup();
        wanted.sort();
        wanted.dedup();
        assert_eq!(named, wanted, "{file}");
    }
}

#[test]
fn rules_are_written_and_sops_finds_every_file_up_to_date() {
    let fleet = Fleet::copy();
    let check = fleet.run(&["rules", "--check"]);
    assert_eq!((check.code, check.out.as_str()), (0, ""), "{}", check.err);
    all_up_to_date(&fleet);
}

/// `sops updatekeys -y` changes no file.
fn all_up_to_date(fleet: &Fleet) {
    for name in ["sops", "sops-3.11"] {
        for file in fleet.secrets() {
            let Some(mut sops) = peers::command(name) else { return };
            let before = fleet.read(&file);
            let output = sops
                .args(["updatekeys", "-y", &file])
                .env("HOME", "/nonexistent")
                .current_dir(fleet.dir())
                .output()
                .unwrap();
            let err = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && err.contains("already up to date"), "{name} {file}: {err}");
            assert_eq!(before, fleet.read(&file));
        }
    }
}

/// Real sops opens a file with a key.
fn sops_opens(fleet: &Fleet, file: &str, key: &std::path::Path) -> Option<bool> {
    let mut sops = peers::command("sops")?;
    let variable = if fs::read_to_string(key).unwrap().contains("OPENSSH") {
        "SOPS_AGE_SSH_PRIVATE_KEY_FILE"
    } else {
        "SOPS_AGE_KEY_FILE"
    };
    let output = sops
        .args(["decrypt", file])
        .env(variable, key)
        .env("HOME", "/nonexistent")
        .current_dir(fleet.dir())
        .output()
        .unwrap();
    Some(output.status.success())
}

#[test]
fn both_releases_of_sops_decrypt_every_file() {
    let fleet = Fleet::copy();
    for name in ["sops", "sops-3.11"] {
        for (file, may) in readers() {
            let Some(mut sops) = peers::command(name) else { return };
            let person = format!("{}.txt", may[0]);
            let output = sops
                .args(["decrypt", file])
                .env("SOPS_AGE_KEY_FILE", key(&person))
                .env("HOME", "/nonexistent")
                .current_dir(fleet.dir())
                .output()
                .unwrap();
            assert!(output.status.success(), "{name} {file}: {}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(String::from_utf8(output.stdout).unwrap(), fleet.must(&person, &["decrypt", file]));
        }
    }
}

#[test]
fn a_host_key_is_replaced_everywhere() {
    let fleet = Fleet::copy();
    let new = fleet.beside("new.txt");
    fleet.must(
        "users/mira.txt",
        &["key", "rotate", "hosts/basalt", "--generate", "--out", new.to_str().unwrap()],
    );
    for (file, may) in readers().into_iter().chain([("secrets/accounts/jon.sops.yaml", vec![])]) {
        if !may.contains(&"hosts/basalt") {
            continue;
        }
        assert_eq!(fleet.run_as("hosts/basalt", &["decrypt", file]).code, 4, "the old key opens {file}");
        fleet.must(new.to_str().unwrap(), &["decrypt", file]);
    }
    assert!(fleet.read("keys/ledger.yaml").contains("hosts/basalt"));
    fleet.must("users/mira.txt", &["rules", "--check"]);
    all_up_to_date(&fleet);
    only_these_open(&fleet);
    assert_eq!(fleet.must("users/mira.txt", &["sync"]), "every file has the readers it should have\n");
}

#[test]
fn an_admin_key_is_replaced_everywhere() {
    let fleet = Fleet::copy();
    let new = fleet.beside("new.txt");
    fleet.must(
        "users/mira.txt",
        &["key", "rotate", "admins/mira", "--generate", "--out", new.to_str().unwrap()],
    );
    // she holds one key in two offices: it is replaced in both files
    for file in ["keys/admins/mira.pub", "keys/users/mira.pub"] {
        assert!(
            !fleet.read(file).contains("age1azykcckepenvlj7sm4fzq7nms30nn0j3txs8k9lnsvty4y8jwg4svvu0p4"),
            "{file}"
        );
    }
    for (file, may) in readers() {
        if may.contains(&"users/mira") {
            assert_eq!(
                fleet.run_as("users/mira.txt", &["decrypt", file]).code,
                4,
                "the old key opens {file}"
            );
            fleet.must(new.to_str().unwrap(), &["decrypt", file]);
        }
    }
    all_up_to_date(&fleet);
}

#[test]
fn a_user_replaces_their_own_key() {
    let fleet = Fleet::copy();
    let new = fleet.beside("new.txt");
    fleet.must(
        "users/noor.txt",
        &["key", "rotate", "users/noor", "--generate", "--out", new.to_str().unwrap()],
    );
    for file in ["secrets/users/noor.sops.yaml", "secrets/handover/noor/password.sops.yaml"] {
        assert_eq!(fleet.run_as("users/noor.txt", &["decrypt", file]).code, 4, "the old key opens {file}");
        fleet.must(new.to_str().unwrap(), &["decrypt", file]);
    }
    all_up_to_date(&fleet);
}

#[test]
fn an_admin_replaces_a_users_key_and_the_user_finishes() {
    let fleet = Fleet::copy();
    let new = fleet.beside("new.txt");
    let said = fleet.run_as(
        "users/mira.txt",
        &["key", "rotate", "users/noor", "--generate", "--out", new.to_str().unwrap()],
    );
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    for file in ["secrets/users/noor.sops.yaml", "secrets/handover/noor/password.sops.yaml"] {
        assert!(
            said.err.contains(&format!("{file}: left as it is: no key at hand opens it")),
            "{}",
            said.err
        );
    }
    assert!(said.err.contains("noor: run uvars sync"), "{}", said.err);
    fleet.must("users/noor.txt", &["sync"]);
    for file in ["secrets/users/noor.sops.yaml", "secrets/handover/noor/password.sops.yaml"] {
        assert_eq!(fleet.run_as("users/noor.txt", &["decrypt", file]).code, 4);
        fleet.must(new.to_str().unwrap(), &["decrypt", file]);
    }
    all_up_to_date(&fleet);
}

#[test]
fn a_lost_key_takes_with_it_what_nothing_else_opens() {
    let fleet = Fleet::copy();
    let new = fleet.beside("new.txt");
    let said = fleet.run_as(
        "users/mira.txt",
        &["key", "rotate", "users/noor", "--lost", "--generate", "--out", new.to_str().unwrap()],
    );
    assert_eq!(said.code, 0, "{}", said.err);
    for file in ["secrets/users/noor.sops.yaml", "secrets/handover/noor/password.sops.yaml"] {
        assert!(said.out.contains(&format!("delete {file}")), "{}", said.out);
        assert!(!fleet.path(file).exists());
    }
    assert_eq!(fleet.secrets().len(), readers().len() - 2);
}

#[test]
fn a_dry_run_changes_nothing() {
    let fleet = Fleet::copy();
    let out = fleet.beside("new.txt");
    fleet.must(
        "users/mira.txt",
        &["key", "rotate", "hosts/basalt", "--generate", "--dry-run", "--out", out.to_str().unwrap()],
    );
    assert!(!out.exists());
    assert_eq!(fleet.status(), "");
}

/// Every throw-away key but the replaced one opens what it did.
fn only_these_open(fleet: &Fleet) {
    for (file, may) in readers() {
        for who in may.iter().filter(|who| **who != "hosts/basalt") {
            let ending =
                if fs::exists(format!("{}/tests/fixtures/throw-away-keys/{who}.txt", sample_fleet::ROOT))
                    .unwrap()
                {
                    ".txt"
                } else {
                    ""
                };
            fleet.must(&format!("{who}{ending}"), &["decrypt", file]);
        }
    }
}

#[test]
fn an_added_reader_changes_nothing_else() {
    let fleet = Fleet::copy();
    let before = fleet.read("secrets/hosts/basalt.sops.yaml");
    let new = fleet.beside("second.txt");
    fleet.must("users/mira.txt", &["key", "generate", "hosts/basalt", "--out", new.to_str().unwrap()]);
    let out = fleet.must("users/mira.txt", &["sync", "hosts/basalt"]);
    assert!(out.starts_with("wrap   secrets/hosts/basalt.sops.yaml +hosts/basalt"), "{out}");
    let after = fleet.read("secrets/hosts/basalt.sops.yaml");
    for line in before.lines() {
        assert!(after.contains(line), "{line}");
    }
    let values = |text: &str| text.split("\nsops:\n").next().unwrap().to_owned();
    assert_eq!(values(&before), values(&after));
    assert_eq!(after.matches("BEGIN AGE").count(), before.matches("BEGIN AGE").count() + 1);
}

/// Somebody who may write but not read puts one file in another's place.
fn swapped(fleet: &Fleet, from: &str, to: &str) -> Said {
    fs::copy(fleet.path(from), fleet.path(to)).unwrap();
    fleet.run_as("users/mira.txt", &["sync"])
}

#[test]
fn a_file_in_anothers_place_is_refused_by_name() {
    for (from, to) in [
        ("secrets/hosts/basalt.sops.yaml", "secrets/shared/wifi.sops.yaml"),
        ("secrets/accounts/tess@marble.sops.yaml", "secrets/accounts/tess@obsidian.sops.yaml"),
        ("secrets/accounts/ruben.sops.yaml", "secrets/accounts/mira.sops.yaml"),
    ] {
        let fleet = Fleet::copy();
        let said = swapped(&fleet, from, to);
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(
            said.err.contains(&format!("{to}: uvars_path: this file was not written for {to}")),
            "{}",
            said.err
        );
        assert!(said.err.contains(&format!("uvars bind {to}")), "{}", said.err);
        assert_eq!(fleet.read(to), fleet.read(from), "it was left as it is");
        for verb in [&["get", to, "x"][..], &["decrypt", to], &["verify", to], &["exec", to, "--", "true"]] {
            assert_eq!(fleet.run_as("users/mira.txt", verb).code, 1, "{verb:?}");
        }
        // the way back
        let no = fleet.run_as("users/mira.txt", &["bind", to]);
        assert_eq!(no.code, 1, "nobody can be asked: {}", no.err);
        let yes = fleet.run_as("users/mira.txt", &["bind", "--yes", to]);
        assert_eq!(yes.code, 0, "{}", yes.err);
        assert!(yes.err.contains(&format!("was written for  {from}")), "{}", yes.err);
        assert_eq!(fleet.must("users/mira.txt", &["sync"]), "every file has the readers it should have\n");
        all_up_to_date(&fleet);
    }
}

#[test]
fn a_binding_that_is_gone_or_planted_in_clear_is_refused() {
    let Some(_) = peers::find("sops") else { return };
    let file = "secrets/hosts/basalt.sops.yaml";
    // somebody without a key takes the line out
    let fleet = Fleet::copy();
    let without: String =
        fleet.read(file).split_inclusive('\n').filter(|line| !line.starts_with("uvars_path")).collect();
    fs::write(fleet.path(file), without).unwrap();
    assert_eq!(fleet.run_as("users/mira.txt", &["verify", file]).code, 1);
    // an admin's plain sops makes the MAC right again
    assert!(sops_set(&fleet, file, "users/mira.txt"));
    let said = fleet.run_as("users/mira.txt", &["get", file, "db.password"]);
    assert!(said.code == 1 && said.err.contains("nothing says that this file belongs at"), "{}", said.err);

    // a binding planted in clear, and then a `sops set` by an admin who sees nothing
    let fleet = Fleet::copy();
    let other = "secrets/shared/wifi.sops.yaml";
    let planted: String = fleet
        .read(file)
        .lines()
        .map(|line| {
            if line.starts_with("uvars_path") {
                format!("uvars_path: {other}\n")
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    fs::write(fleet.path(other), planted).unwrap();
    sops_set(&fleet, other, "users/mira.txt");
    let said = fleet.run_as("users/mira.txt", &["sync"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains(other), "{}", said.err);
}

/// A plain `sops set`, MAC or no MAC, by an admin.
fn sops_set(fleet: &Fleet, file: &str, who: &str) -> bool {
    let Some(mut sops) = peers::command("sops") else { return false };
    let output = sops
        .args(["set", "--ignore-mac", file, "[\"harmless\"]", "\"x\""])
        .env("SOPS_AGE_KEY_FILE", key(who))
        .env("HOME", "/nonexistent")
        .current_dir(fleet.dir())
        .output()
        .unwrap();
    output.status.success()
}

#[test]
fn a_value_set_by_either_is_read_by_the_other() {
    let Some(_) = peers::find("sops") else { return };
    let fleet = Fleet::copy();
    let file = "secrets/hosts/basalt.sops.yaml";
    assert!(sops_set(&fleet, file, "users/mira.txt"));
    assert_eq!(fleet.must("users/mira.txt", &["get", file, "harmless"]), "x");
    let mut child = fleet.command();
    let output = peers::succeed_with(
        child.arg("--identity").arg(key("users/mira.txt")).args(["set", file, "from.us"]),
        b"ours\n",
    );
    drop(output);
    let mut sops = peers::command("sops").unwrap();
    let output = sops
        .args(["decrypt", "--extract", "[\"from\"][\"us\"]", file])
        .env("SOPS_AGE_KEY_FILE", key("users/mira.txt"))
        .env("HOME", "/nonexistent")
        .current_dir(fleet.dir())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "ours");
    assert_eq!(sops_opens(&fleet, file, &key("users/noor.txt")), Some(false));
}

#[test]
fn the_main_command_gives_jon_a_password_that_libcrypt_accepts() {
    let fleet = Fleet::copy();
    let output = peers::succeed_with(
        fleet.command().args(["generate", "jon", "--password-stdin"]),
        "pässwörd of jon\n".as_bytes(),
    );
    assert!(!String::from_utf8_lossy(&output).contains("pässwörd"));
    let hash = fleet.must("hosts/basalt", &["get", "accounts/jon", "password_hash"]);
    assert!(hash.starts_with("$y$j9T$"), "{hash}");
    let Some(python) = peers::find("python3") else { return };
    let script = "import crypt,sys; sys.exit(crypt.crypt(sys.argv[1], sys.argv[2]) != sys.argv[2])";
    for (password, right) in [("pässwörd of jon", true), ("passwort of jon", false)] {
        let status =
            Command::new(&python).args(["-W", "ignore", "-c", script, password, &hash]).status().unwrap();
        assert_eq!(status.success(), right, "{password}");
    }
    all_up_to_date(&fleet);
}
