//! `uvars user` and `uvars host`, as they are typed, in a copy of the sample fleet.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod sample_fleet;

use sample_fleet::{Fleet, Said};
use std::process::Stdio;

/// Nobody has the private half of this one.
const KEY: &str = "age1myhs0py92ng8p3t27esm9u65redznl3kxj5t3ktep70vgw9jyy5q09jly8";

/// The lines that a file lost and got since the last commit.
fn changes(fleet: &Fleet, file: &str) -> Vec<String> {
    let output = std::process::Command::new("git")
        .args(["show", &format!("HEAD:{file}")])
        .current_dir(fleet.dir())
        .output()
        .unwrap();
    let before = String::from_utf8(output.stdout).unwrap();
    let after = fleet.read(file);
    let diff = similar::TextDiff::from_lines(&before, &after);
    let changed = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
    changed.map(|change| format!("{}{}", change.tag(), change.value().trim_end())).collect()
}

fn must(fleet: &Fleet, arguments: &[&str]) -> Said {
    let said = fleet.run(arguments);
    assert_eq!(said.code, 0, "uvars {arguments:?}: {}{}", said.out, said.err);
    said
}

/// That `.sops.yaml` is what keys/ and uvars.yaml say.
fn rules_are_right(fleet: &Fleet) {
    must(fleet, &["rules", "--check"]);
}

#[test]
fn lists_are_a_line_each() {
    let fleet = Fleet::copy();
    let users = must(&fleet, &["user", "list"]).out;
    assert!(users.starts_with("ines "), "{users}");
    assert!(
        users.contains("\nruben     standard  locked   1004  key     flint\n")
            && users.contains("\nnoor-ops  admin     present  2003  key     quartz slate\n"),
        "{users}"
    );
    let hosts = must(&fleet, &["host", "list"]).out;
    assert!(
        hosts.contains("\nopal      darwin  pending  workstation              ines\n")
            && hosts.contains(
                "\nslate     nixos   key      server,laptop            ines jon mira noor noor-ops\n"
            ),
        "{hosts}"
    );
    for (verb, count, name) in [("user", 7, "ines"), ("host", 12, "amber")] {
        let list: serde_json::Value =
            serde_json::from_str(&must(&fleet, &[verb, "list", "--json"]).out).unwrap();
        assert_eq!(list.as_array().unwrap().len(), count);
        let show: serde_json::Value =
            serde_json::from_str(&must(&fleet, &[verb, "show", name, "--json"]).out).unwrap();
        assert_eq!(list[0], show);
    }
}

#[test]
fn show_says_what_holds_where_and_why() {
    let fleet = Fleet::copy();
    assert_eq!(
        must(&fleet, &["user", "show", "noor-ops"]).out,
        "noor-ops  (uvars.yaml:74)\n  key              keys/users/noor.pub\n  role             admin\n  \
         uid              2003\n  description      Noor Haddad (operations)\n  groups_secondary wheel\n  \
         password         asked for, one for all hosts\n  on quartz\n  on slate\n"
    );
    let mira = must(&fleet, &["user", "show", "mira"]).out;
    assert!(
        mira.contains(
            "  on amber: uid 501; groups_secondary admin; home_dir /Users/mira; shell /bin/zsh; integrated\n"
        ) && mira.contains("  on basalt: by the tag server\n")
            && mira.contains("  on flint: by the tag edge; groups_secondary sudo; shell /bin/bash\n"),
        "{mira}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&must(&fleet, &["user", "show", "mira", "--json"]).out).unwrap();
    assert_eq!(json["placements"][0]["host"], "amber");
    assert_eq!(json["placements"][0]["uid"], 501);
    assert_eq!(json["placements"][0]["integrated"], true);
    assert_eq!(json["placements"][1]["tag"], "server");
    assert_eq!(json["account"]["uid"], 1000);
    let slate = must(&fleet, &["host", "show", "slate"]).out;
    for line in [
        "slate  (uvars.yaml:16)\n",
        "  platform  nixos\n  tags      server, laptop\n  key       ssh-ed25519 ",
        "  user      noor: standard, present, uid 1003\n",
        "  reads     shared/wifi\n",
        "  installs  wifi/home from shared/wifi (networks.home.psk)\n",
    ] {
        assert!(slate.contains(line), "{line}\n{slate}");
    }
    let opal = must(&fleet, &["host", "show", "opal"]).out;
    assert!(opal.contains("  key       pending: uvars key add hosts/opal FILE\n"), "{opal}");
    let basalt: serde_json::Value =
        serde_json::from_str(&must(&fleet, &["host", "show", "basalt", "--json"]).out).unwrap();
    assert_eq!(basalt["installs"][0]["from"], "hosts/basalt");
    assert_eq!(basalt["pending"], false);
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let fleet = Fleet::copy();
    for arguments in [
        &["user", "add", "ada", "hosts=flint"][..],
        &["user", "set", "mira", "integrated-=amber"],
        &["user", "remove", "ruben"],
        &["host", "add", "onyx", "platform=linux"],
        &["host", "set", "opal", "tags+=laptop"],
        &["host", "remove", "pumice"],
        &["key", "add", "hosts/opal", KEY],
    ] {
        let dry = [arguments, &["--dry-run"]].concat();
        if arguments[1] == "remove" && arguments[2] == "pumice" {
            must(&fleet, &["user", "set", "mira", "on.pumice="]);
            fleet.commit();
        }
        let planned = must(&fleet, &dry);
        assert_eq!(fleet.status(), "", "{arguments:?}");
        assert!(planned.err.contains("this was a dry run"), "{}", planned.err);
        let done = must(&fleet, arguments);
        assert_eq!(done.out, planned.out);
        assert_ne!(fleet.status(), "");
        rules_are_right(&fleet);
        fleet.git(&["checkout", "-q", "."]);
        fleet.git(&["clean", "-qfd"]);
    }
}

#[test]
fn a_new_user_is_two_files_and_what_is_missing_is_said() {
    let fleet = Fleet::copy();
    let said = must(
        &fleet,
        &["user", "add", "ada", "hosts=flint", "uid=1009", "description=Ada L.", "on.flint.shell=/bin/bash"],
    );
    assert_eq!(said.out, "change .sops.yaml\nchange uvars.yaml\n");
    assert_eq!(
        said.err,
        "uvars: hint: users/ada has no key yet: uvars key add users/ada FILE\n\
         uvars: hint: the password is to be made: uvars generate ada\n"
    );
    assert_eq!(fleet.status(), " M .sops.yaml\n M uvars.yaml\n");
    assert_eq!(
        changes(&fleet, "uvars.yaml"),
        [
            "+  ada:",
            "+    hosts: [flint]",
            "+    uid: 1009",
            "+    description: Ada L.",
            "+    on:",
            "+      flint: { shell: /bin/bash }",
        ]
    );
    must(&fleet, &["key", "add", "users/ada", KEY]);
    rules_are_right(&fleet);
    assert!(fleet.read(".sops.yaml").contains("^secrets/users/ada\\.sops\\.yaml$"));
    // what is said already is not said again
    let said = must(&fleet, &["user", "set", "ada", "uid=1010"]);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("change uvars.yaml\n", ""));
    let said = must(&fleet, &["user", "set", "ada", "uid=1010"]);
    assert_eq!(said.out, "nothing to change\n");
}

#[test]
fn a_host_gets_its_key_and_is_pending_no_more() {
    let fleet = Fleet::copy();
    let said = must(&fleet, &["key", "add", "hosts/opal", KEY]);
    let files = "change .sops.yaml\ncreate keys/hosts/opal.pub\nchange uvars.yaml\n";
    assert_eq!(said.out, format!("hosts/opal gets {KEY}\n{files}"));
    assert_eq!(
        changes(&fleet, "uvars.yaml"),
        [
            "-  opal: { platform: darwin, tags: [workstation], key: pending } # bought, not unpacked",
            "+  opal: { platform: darwin, tags: [workstation] } # bought, not unpacked",
        ]
    );
    rules_are_right(&fleet);
    // one that is not pending keeps its line
    fleet.commit();
    must(
        &fleet,
        &["key", "add", "hosts/opal", "age15k3cmqndzyx7rymgd3y32lhedcf4e3kef58yvjtx9d2ers3fdcrskx4vh4"],
    );
    assert_eq!(fleet.status(), " M .sops.yaml\n M keys/hosts/opal.pub\n");
}

#[test]
fn a_key_of_nobody_is_noticed() {
    let key = || uvars::keys::generate("2026-01-01T00:00:00Z").unwrap().recipient.to_string();
    let fleet = Fleet::copy();
    for (principal, said) in [
        (
            "hosts/basald",
            "there is no host `basald`, did you mean `basalt`?\nuvars: hint: until there is, the key opens nothing: uvars host add basald platform=nixos\n",
        ),
        (
            "users/jonn",
            "there is no user `jonn`, did you mean `jon`?\nuvars: hint: until there is, the key opens nothing: uvars user add jonn\n",
        ),
    ] {
        let run = must(&fleet, &["key", "add", principal, &key()]);
        assert_eq!(run.err, format!("uvars: warning: {said}"));
    }
    let run = must(&fleet, &["key", "add", "users/noor", &key()]);
    assert_eq!(run.err, "uvars: hint: files that it should open: uvars sync\n");
}

#[test]
fn a_host_joins_reads_and_leaves() {
    let fleet = Fleet::copy();
    let home = tempfile::tempdir().unwrap();
    let private = home.path().join("onyx.txt");
    must(&fleet, &["host", "add", "onyx", "platform=nixos", "tags=laptop"]);
    assert_eq!(changes(&fleet, "uvars.yaml"), ["+  onyx: { platform: nixos, tags: [laptop], key: pending }"],);
    must(&fleet, &["key", "generate", "hosts/onyx", "--out", private.to_str().unwrap()]);
    assert_eq!(changes(&fleet, "uvars.yaml"), ["+  onyx: { platform: nixos, tags: [laptop] }"]);
    rules_are_right(&fleet);
    let open = || {
        let mut command = fleet.command();
        command.arg("--identity").arg(&private).args(["get", "shared/wifi", "networks.home.psk"]);
        sample_fleet::said(&command.stdin(Stdio::null()).output().unwrap()).code
    };
    assert_eq!(open(), 4);
    fleet.must("users/mira.txt", &["sync"]);
    assert_eq!(open(), 0);
    fleet.commit();
    // it leaves: the plan names the files that lose a reader, and sync takes it out
    let said = must(&fleet, &["host", "remove", "onyx"]);
    assert!(said.out.contains("sync   secrets/shared/wifi.sops.yaml -hosts/onyx\n"), "{}", said.out);
    assert!(
        said.err.contains("keys/hosts/onyx.pub: nothing in uvars.yaml is about it any more"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("git rm keys/hosts/onyx.pub\n") && said.err.contains("uvars sync"),
        "{}",
        said.err
    );
    rules_are_right(&fleet);
    fleet.must("users/mira.txt", &["sync"]);
    assert_eq!(open(), 4);
}

#[test]
fn who_is_still_named_stays() {
    let fleet = Fleet::copy();
    let said = fleet.run(&["host", "remove", "flint"]);
    assert_eq!(said.code, 1);
    assert_eq!(
        said.err,
        "uvars: error: uvars.yaml:40:7: the host flint cannot be taken out: it is still named here\n\
         uvars: hint: line 40: users.mira.on\n\
         uvars: hint: line 85: users.ruben.hosts\n\
         uvars: hint: uvars user set mira on.flint=\n\
         uvars: hint: uvars user set ruben hosts-=flint\n"
    );
    let said = fleet.run(&["user", "remove", "mira"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("line 100: shared.deploy.users\n"), "{}", said.err);
    assert_eq!(fleet.status(), "");
    // the hints are all that is needed
    must(&fleet, &["user", "set", "mira", "on.flint="]);
    must(&fleet, &["user", "set", "ruben", "hosts-=flint"]);
    let said = must(&fleet, &["host", "remove", "flint"]);
    assert!(said.out.contains("sync   secrets/accounts/mira.sops.yaml -hosts/flint\n"), "{}", said.out);
    rules_are_right(&fleet);
}

#[test]
fn files_of_who_is_gone_are_named_and_left() {
    let fleet = Fleet::copy();
    let before = fleet.secrets();
    let said = must(&fleet, &["user", "remove", "tess"]);
    for file in
        ["secrets/accounts/tess@marble.sops.yaml", "secrets/users/tess.sops.yaml", "keys/users/tess.pub"]
    {
        assert!(said.err.contains(&format!("warning: {file}: nothing in uvars.yaml")), "{}", said.err);
    }
    assert_eq!(said.err.matches("warning:").count(), 4, "{}", said.err);
    assert_eq!(fleet.secrets(), before);
    assert!(!fleet.read("uvars.yaml").contains("one person, two uids"), "the comment above goes too");
    assert!(fleet.read("uvars.yaml").contains("# one person, two logins"));
    rules_are_right(&fleet);
    // sops refuses to write there from now on, and so do we
    let said = fleet.run_as("users/mira.txt", &["set", "users/tess", "x", "1"]);
    assert_ne!(said.code, 0);
    // a password that changes its form leaves the old files
    fleet.git(&["checkout", "-q", "."]);
    let said = must(&fleet, &["user", "set", "tess", "password.share=true"]);
    assert!(
        said.err.contains(
            "git rm secrets/accounts/tess@marble.sops.yaml secrets/accounts/tess@obsidian.sops.yaml\n"
        ),
        "{}",
        said.err
    );
    assert!(said.err.contains("the password is to be made: uvars generate tess\n"), "{}", said.err);
}

#[test]
fn what_cannot_be_meant_is_refused_and_nothing_is_written() {
    let fleet = Fleet::copy();
    for (arguments, code, said) in [
        (&["user", "show", "mirra"][..], 2, "there is no user `mirra`, did you mean `mira`?"),
        (&["host", "show", "basald"], 2, "there is no host `basald`, did you mean `basalt`?"),
        (&["user", "set", "jonn", "uid=5"], 2, "did you mean `jon`?"),
        (&["user", "set", "jon"], 2, "required arguments"),
        (&["user", "set", "jon", "udi=5"], 2, "there is no field `udi`, did you mean `uid`?"),
        (&["user", "set", "jon", "uid"], 2, "a change is written FIELD=VALUE"),
        (&["user", "set", "jon", "password=hunter2"], 2, "the password itself is never written there"),
        (
            &["user", "set", "jon", "hosts+=basald"],
            1,
            "users.jon.hosts.0: unknown host `basald`, did you mean `basalt`?",
        ),
        (&["user", "set", "jon", "uid=1000"], 1, "has the uid 1000 of"),
        (&["user", "set", "jon", "key=nobody"], 1, "there is no keys/users/nobody.pub"),
        (&["user", "add", "Jon"], 1, "is no user name"),
        (&["user", "add", "jon"], 2, "there is a user jon already"),
        (&["host", "add", "onyx"], 2, "platform=nixos, platform=darwin or platform=linux"),
        (&["host", "set", "basalt", "key=pending"], 1, "basalt has a key now"),
        (&["host", "set", "opal", "key="], 1, "opal has no key"),
        (&["host", "remove", "opel"], 2, "did you mean `opal`?"),
        (&["user", "lst"], 2, "a similar subcommand exists: 'list'"),
    ] {
        let run = fleet.run(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}{}", run.out, run.err);
        assert!(run.err.contains(said), "{arguments:?}: {}", run.err);
        assert!(!run.err.contains("hunter2"));
        assert_eq!(fleet.status(), "", "{arguments:?}");
    }
}

#[test]
fn elsewhere_than_in_a_fleet_it_says_so() {
    let fleet = Fleet::copy();
    std::fs::remove_file(fleet.path("uvars.yaml")).unwrap();
    let said = fleet.run(&["user", "list"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("uvars init"), "{}", said.err);
    std::fs::write(fleet.path("uvars.yaml"), "version: 1\nusers: [\n").unwrap();
    let said = fleet.run(&["user", "add", "ada"]);
    assert!(said.code == 1 && said.err.contains("uvars.yaml:"), "{}", said.err);
    assert_eq!(fleet.read("uvars.yaml"), "version: 1\nusers: [\n");
}

#[test]
fn who_stays_a_reader_in_another_office_is_not_said_to_go() {
    let fleet = Fleet::copy();
    let said = must(&fleet, &["user", "set", "mira", "policy=absent"]);
    assert!(!said.out.contains("sync"), "{}", said.out);
    assert!(!said.err.contains("uvars sync"), "{}", said.err);
    let drift = must(&fleet, &["sync"]);
    assert_eq!(drift.out, "every file has the readers it should have\n", "{}", drift.err);
    // with a key of her own she goes
    let fleet = Fleet::copy();
    std::fs::write(fleet.path("keys/users/mira.pub"), format!("{KEY}\n")).unwrap();
    let said = must(&fleet, &["user", "set", "mira", "policy=absent"]);
    assert!(said.out.contains("secrets/shared/deploy.sops.yaml -users/mira\n"), "{}", said.out);
}
