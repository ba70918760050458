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
    // what is refused is no plan
    let text = fleet.read(FILE).replace("unencrypted_suffix: _unencrypted", "encrypted_suffix: x");
    fs::write(fleet.path(FILE), text).unwrap();
    assert_eq!(fleet.run_as(MIRA, &["sync", "--dry-run"]).code, 1);
}
