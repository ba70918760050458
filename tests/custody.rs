//! Many files at once, where the repository is not all uvars' own: rules that a person wrote, files that are no
//! file of the fleet, and what a dry run ends with.
#![cfg(target_os = "linux")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod peers;
mod sample_fleet;

use sample_fleet::Fleet;
use std::fs;

const MIRA: &str = "users/mira.txt";
const FILE: &str = "secrets/hosts/basalt.sops.yaml";
const DONE: &str = "every file has the readers it should have\n";

fn own_key() -> String {
    let text = Fleet::copy().read("keys/admins/mira.pub");
    text.lines().find(|line| line.starts_with("age1")).unwrap().to_owned()
}

#[test]
fn a_key_is_replaced_in_rules_that_a_person_wrote() {
    let old = own_key();
    let fleet = Fleet::copy();
    for folder in ["secrets", "keys"] {
        fs::remove_dir_all(fleet.path(folder)).unwrap();
    }
    fs::remove_file(fleet.path("uvars.yaml")).unwrap();
    let rules = format!(
        "keys:\n  - &me {old} # mira's laptop\ncreation_rules:\n  - path_regex: ^apps/\n    age: *me\n  \
         - path_regex: ^more/\n    age: >-\n      {old}\n"
    );
    fs::write(fleet.path(".sops.yaml"), rules).unwrap();
    fleet.must(MIRA, &["init", "--admin", "mira", "--key", &old, "--no-recovery"]);
    let before = fleet.read("uvars.yaml");
    assert_eq!(before.matches(&old).count(), 2, "{before}");
    let line = |text: &str| before.lines().position(|line| line.contains(text)).unwrap() + 1;

    let new = fleet.beside("new.txt");
    let said =
        fleet.run_as(MIRA, &["key", "rotate", "admins/mira", "--generate", "--out", new.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("change uvars.yaml\n"), "{}", said.out);
    let replaced = format!("uvars.yaml:{}: the new key is in your own rules too", line("- &me "));
    assert!(said.err.contains(&replaced) && said.err.contains("sops updatekeys FILE"), "{}", said.err);
    let left = format!("uvars.yaml:{}: your own rules still name the old key", line("age: >-"));
    assert!(said.err.contains(&left) && said.err.contains("uvars rules --write"), "{}", said.err);
    let public = fleet.read("keys/admins/mira.pub");
    let public = public.lines().find(|line| line.starts_with("age1")).unwrap();
    let anchored = format!("- &me {public} # mira's laptop\n");
    assert!(fleet.read("uvars.yaml").contains(&anchored), "{}", fleet.read("uvars.yaml"));
    assert!(fleet.read(".sops.yaml").contains(&anchored), "{}", fleet.read(".sops.yaml"));
    // and the check names what is left
    let check = fleet.run_as(MIRA, &["rules", "--check"]);
    assert_eq!((check.code, check.out.as_str()), (3, ""), "{}", check.err);
    let named = format!("uvars.yaml:{}: a key of admins/mira that was revoked", line("age: >-"));
    assert!(check.err.contains(&named) && check.err.matches("revoked").count() == 1, "{}", check.err);
    fs::write(fleet.path("uvars.yaml"), fleet.read("uvars.yaml").replace(&old, public)).unwrap();
    fleet.must(MIRA, &["rules", "--write"]);
    fleet.must(MIRA, &["rules", "--check"]);
}

#[test]
fn an_encrypted_file_in_no_place_of_the_fleet_is_named() {
    let fleet = Fleet::copy();
    let stray = ["secrets/hosts/basalt.yaml", "secrets/other/x.sops.yaml", "secrets/x.json"];
    for path in stray {
        fs::create_dir_all(fleet.path(path).parent().unwrap()).unwrap();
        fs::copy(fleet.path(FILE), fleet.path(path)).unwrap();
    }
    fs::write(fleet.path("secrets/README.md"), "What is what.\n").unwrap();
    let said = fleet.run_as(MIRA, &["sync"]);
    assert_eq!((said.code, said.out.as_str()), (0, DONE), "{}", said.err);
    for path in stray {
        let line = format!("uvars: warning: {path}: is no file of the fleet by its path");
        assert!(said.err.contains(&line), "{}", said.err);
    }
    assert_eq!(said.err.matches("warning:").count(), stray.len(), "{}", said.err);
    assert_eq!(said.err.matches("then uvars bind it").count(), 1, "{}", said.err);
    let json = fleet.must(MIRA, &["sync", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.get("strays"), Some(&serde_json::json!(stray)));
    // nor is one a stray that a person wrote a rule for
    let rule = format!("rules:\n  before:\n    - path_regex: ^secrets/other/\n      age: {}\n", own_key());
    let inventory = fleet.read("uvars.yaml");
    let (head, _) = inventory.split_once("\nrules:\n").unwrap();
    fs::write(fleet.path("uvars.yaml"), format!("{head}\n{rule}")).unwrap();
    fleet.must(MIRA, &["rules", "--write"]);
    let said = fleet.run_as(MIRA, &["sync"]);
    assert_eq!(said.err.matches("warning:").count(), stray.len() - 1, "{}", said.err);
    // one behind ours is never come to in our folders
    let rule = format!("{rule}  after:\n    - path_regex: .\n      age: {}\n", own_key());
    fs::write(fleet.path("uvars.yaml"), format!("{head}\n{rule}")).unwrap();
    fleet.must(MIRA, &["rules", "--write"]);
    let said = fleet.run_as(MIRA, &["sync"]);
    assert_eq!(said.err.matches("warning:").count(), 1, "{}", said.err);
    assert!(said.err.contains("warning: secrets/hosts/basalt.yaml: is no file of the fleet"), "{}", said.err);
    // one that was asked about is no place to name the others
    assert_eq!(fleet.run_as(MIRA, &["sync", FILE]).err, "");
}

#[test]
fn a_dry_run_that_has_shown_its_plan_is_done() {
    let fleet = Fleet::copy();
    let out = fleet.beside("new.txt");
    let rotate = ["key", "rotate", "users/noor", "--generate", "--out", out.to_str().unwrap()];
    for verb in [&["rotate", "--all"][..], &rotate] {
        let dry = fleet.run_as(MIRA, &[verb, &["--dry-run"]].concat());
        assert_eq!(dry.code, 0, "{verb:?}: {}", dry.err);
        assert!(dry.err.contains("secrets/users/noor.sops.yaml: left as it is"), "{}", dry.err);
        assert_eq!(fleet.status(), "", "{verb:?}");
    }
    assert_eq!(fleet.run_as(MIRA, &rotate).code, 4);
    // a key that is there is not to be overwritten, which a dry run says too
    let there = fs::read(&out).unwrap();
    for dry in [&["--dry-run"][..], &[]] {
        let said = fleet.run_as(MIRA, &[&rotate, dry].concat());
        assert!(said.code == 1 && said.err.contains("a key is never overwritten"), "{dry:?}: {}", said.err);
        assert_eq!(fs::read(&out).unwrap(), there);
    }
    // what is refused is no plan
    let text = fleet.read(FILE).replace("unencrypted_suffix: _unencrypted", "encrypted_suffix: x");
    fs::write(fleet.path(FILE), text).unwrap();
    assert_eq!(fleet.run_as(MIRA, &["sync", "--dry-run"]).code, 1);
}

/// The key of somebody that the fleet does not know.
fn strangers_key(fleet: &Fleet) -> String {
    let out = fleet.beside("stranger.txt");
    let said = fleet.run(&["key", "generate", "--out", out.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.err);
    said.out.lines().find(|line| line.starts_with("age1")).unwrap().to_owned()
}

#[test]
fn verify_names_whoever_opens_a_file_and_should_not() {
    let Some(mut sops) = peers::command("sops") else { return };
    let fleet = Fleet::copy();
    let stranger = strangers_key(&fleet);
    let add = ["rotate", "-i", "--add-age", &stranger, FILE];
    let done = sops.args(add).env("SOPS_AGE_KEY_FILE", sample_fleet::key(MIRA)).current_dir(fleet.dir());
    assert!(done.status().unwrap().success());
    let said = fleet.run_as(MIRA, &["verify", FILE, "shared/wifi"]);
    let out = format!("differs {FILE}\nok secrets/shared/wifi.sops.yaml\n");
    assert_eq!((said.code, said.out), (3, out), "{}", said.err);
    let warning = format!("uvars: warning: {FILE}: names {stranger} as a reader, which the fleet does not\n");
    assert_eq!(said.err, format!("{warning}uvars: hint: to take them out: uvars sync {FILE}\n"));
    let json = fleet.run_as(MIRA, &["verify", "--json", FILE, "shared/wifi"]);
    assert_eq!(json.code, 3);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let strangers: Vec<_> =
        json.as_array().unwrap().iter().map(|file| file.get("strangers").unwrap()).collect();
    assert_eq!(strangers, [&serde_json::json!([stranger]), &serde_json::json!([])]);
    // a fleet that cannot be read keeps nobody from verifying, but nobody is told that all is well
    fs::write(fleet.path("uvars.yaml"), "users: 1\n").unwrap();
    let said = fleet.run_as(MIRA, &["verify", FILE]);
    assert_eq!((said.code, said.out), (3, format!("differs {FILE}\n")), "{}", said.err);
    assert!(said.err.contains("who should read it cannot be told: uvars.yaml:1:"), "{}", said.err);
}

#[test]
fn key_groups_are_named_with_their_holders_and_become_one_list() {
    let Some(mut sops) = peers::command("sops") else { return };
    let fleet = Fleet::copy();
    let wifi = "secrets/shared/wifi.sops.yaml";
    let public = |name: &str| {
        let text = fleet.read(name);
        text.lines().find(|line| line.starts_with("age1")).unwrap().to_owned()
    };
    let (mira, noor) = (own_key(), public("keys/users/noor.pub"));
    let rules = fleet.beside("rules.yaml");
    let group = |key: &str| format!("      - age: [{key}]\n");
    let text = format!("creation_rules:\n  - key_groups:\n{}{}", group(&mira), group(&noor));
    fs::write(&rules, text).unwrap();
    fs::write(fleet.path(wifi), format!("uvars_path: {wifi}\npassword: x\n")).unwrap();
    let done =
        sops.args(["--config", rules.to_str().unwrap(), "encrypt", "-i", wifi]).current_dir(fleet.dir());
    assert!(done.status().unwrap().success());
    let before = fleet.read(wifi);

    let said = fleet.run_as(MIRA, &["verify", wifi]);
    assert!(said.err.contains("has 2 key groups, and the fleet has one list of readers\n"), "{}", said.err);
    let said = fleet.run_as(MIRA, &["sync", wifi]);
    assert_eq!((said.code, said.out.as_str()), (4, ""), "{}", said.err);
    for text in [
        format!("{wifi}: left as it is: it takes keys of 2 of its 2 key groups together\n"),
        "key group 1 is opened by admins/mira, users/mira\n".to_owned(),
        "key group 2 is opened by users/noor\n".to_owned(),
        "uvars sync --identity FILE --identity FILE\n".to_owned(),
    ] {
        assert!(said.err.contains(&text), "{}", said.err);
    }
    assert!(!said.err.contains("run uvars sync\n"), "{}", said.err);
    let json = fleet.run_as(MIRA, &["sync", "--json", wifi]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let blocked = json.get("blocked").unwrap().get(0).unwrap();
    assert_eq!(blocked.get("needed"), Some(&serde_json::json!(2)));
    assert_eq!(blocked.get("key_groups").unwrap().get(1), Some(&serde_json::json!(["users/noor"])));
    assert_eq!(fleet.read(wifi), before);
    // a key that is lost opens no group
    let out = fleet.beside("new.txt");
    let rotate = ["key", "rotate", "users/noor", "--lost", "--generate", "--out", out.to_str().unwrap()];
    let said = fleet.run_as(MIRA, &[&rotate[..], &["--dry-run"]].concat());
    assert!(said.err.contains("key group 1 is opened by admins/mira, users/mira\n"), "{}", said.err);
    assert!(said.err.contains("key group 2 is opened by nobody any more\n"), "{}", said.err);
    assert_eq!(fleet.read(wifi), before);

    let both = sample_fleet::key("users/noor.txt");
    let said = fleet.run_as(MIRA, &["--identity", both.to_str().unwrap(), "sync", wifi]);
    assert_eq!(said.code, 0, "{}", said.err);
    let note =
        format!("{wifi}: its data key was shared out among 2 key groups; now each reader opens it alone\n");
    assert!(said.err.contains(&note), "{}", said.err);
    assert!(!said.err.contains("key groups\nuvars"), "{}", said.err);
    fleet.must(MIRA, &["verify", wifi]);
}

#[test]
fn a_key_that_was_replaced_does_not_come_back() {
    let fleet = Fleet::copy();
    let file = "keys/hosts/basalt.pub";
    let old = fleet.read(file).lines().find(|line| line.starts_with("ssh-")).unwrap().to_owned();
    let new = uvars::keys::generate("2026-01-01T00:00:00Z").unwrap().recipient;
    fleet.must(MIRA, &["key", "rotate", "hosts/basalt", new.as_str()]);
    fleet.commit();
    let back = fleet.run_as(MIRA, &["key", "rotate", "hosts/basalt", &old]);
    assert!(
        back.code == 1 && back.err.contains("the new key was revoked, and must not come back"),
        "{}",
        back.err
    );
    let same = fleet.run_as(MIRA, &["key", "rotate", "hosts/basalt", new.as_str()]);
    assert!(same.code == 1 && same.err.contains("hosts/basalt has this key already"), "{}", same.err);
    assert_eq!(fleet.status(), "");
}

#[test]
fn a_file_that_nobody_could_read_any_more_is_left() {
    let fleet = Fleet::copy();
    let file = "secrets/users/tess.sops.yaml";
    fs::remove_file(fleet.path("keys/users/tess.pub")).unwrap();
    let before = fleet.read(file);
    for who in [MIRA, "users/tess.txt"] {
        let said = fleet.run_as(who, &["sync", file]);
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        assert!(said.err.contains(&format!("{file}: nobody could read it any more")), "{}", said.err);
        assert_eq!(fleet.read(file), before);
    }
}

#[test]
fn who_has_lost_a_key_is_not_asked_to_use_it() {
    let fleet = Fleet::copy();
    let out = fleet.beside("new.txt");
    let rotate = ["key", "rotate", "users/mira", "--generate", "--out", out.to_str().unwrap()];
    let said = fleet.run_as("recovery/safe.txt", &[&rotate[..], &["--dry-run"]].concat());
    assert!(said.err.contains("hint: mira: run uvars sync\n"), "she has it still: {}", said.err);
    let said = fleet.run_as("recovery/safe.txt", &[&rotate[..], &["--lost", "--json", "--dry-run"]].concat());
    let plan: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let holders = plan.pointer("/blocked/0/holders").unwrap();
    assert_eq!(*holders, serde_json::json!(["hosts/amber", "hosts/quartz"]), "{plan}");
    let said = fleet.run_as("recovery/safe.txt", &[&rotate[..], &["--lost"]].concat());
    assert_eq!(said.code, 4, "{}", said.err);
    assert!(said.err.contains("secrets/users/mira.sops.yaml: left as it is"), "{}", said.err);
    assert!(said.err.contains("hint: amber: run uvars sync\n"), "{}", said.err);
    assert!(!said.err.contains("mira: run"), "{}", said.err);
}

#[test]
fn what_never_was_is_no_file_and_what_is_can_be_removed_from_here() {
    let fleet = Fleet::copy();
    for (verb, name, file) in [
        ("sync", "hosts/nothere", "secrets/hosts/nothere.sops.yaml"),
        ("rotate", "users/ghost", "secrets/users/ghost.sops.yaml"),
        ("sync", "accounts/jon@gneiss", "secrets/accounts/jon@gneiss.sops.yaml"),
        ("rotate", "hosts/pumice", "secrets/hosts/pumice.sops.yaml"),
    ] {
        let said = fleet.run_as("users/mira.txt", &[verb, name]);
        assert_eq!(
            (said.code, said.err),
            (1, format!("uvars: error: {file}: no such file\n")),
            "{verb} {name}"
        );
    }
    let top = fleet.dir().canonicalize().unwrap().display().to_string();
    fs::copy(fleet.path("secrets/shared/wifi.sops.yaml"), fleet.path("secrets/hosts/nothere.sops.yaml"))
        .unwrap();
    for (folder, arguments, hint) in [
        ("", &["sync"][..], "git rm secrets/hosts/nothere.sops.yaml".to_owned()),
        ("secrets", &["rotate"], "git rm hosts/nothere.sops.yaml".to_owned()),
        ("keys", &["sync"], format!("git rm {top}/secrets/hosts/nothere.sops.yaml")),
        ("keys", &["-C", "..", "sync"], format!("git -C {top} rm secrets/hosts/nothere.sops.yaml")),
        ("..", &["-C", &top, "sync"], format!("git -C {top} rm secrets/hosts/nothere.sops.yaml")),
    ] {
        let mut command = fleet.command();
        command.current_dir(fleet.path(folder)).arg("--identity").arg(sample_fleet::key("users/mira.txt"));
        let said = sample_fleet::said(&command.args(arguments).arg("hosts/nothere").output().unwrap());
        assert_eq!(said.code, 1, "{}", said.out);
        assert!(said.err.contains(&format!("if it is wanted no more: {hint}\n")), "{folder} {}", said.err);
    }
    // the inventory's files and keys
    let mut command = fleet.command();
    command.current_dir(fleet.path("secrets")).args(["user", "remove", "tess"]);
    let said = sample_fleet::said(&command.output().unwrap());
    assert!(said.err.contains("git rm accounts/tess@marble.sops.yaml "), "{}", said.err);
    assert!(said.err.contains(&format!(" {top}/keys/users/tess.pub\n")), "{}", said.err);
}
