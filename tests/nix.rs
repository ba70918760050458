//! The Nix modules, evaluated by a real nix: against nixpkgs' lib where `NIX_PATH` has it, else against the stand-in in
//! tests/nix/lib.nix.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod peers;

use serde_json::{Value, json};
use std::path::PathBuf;

const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A manifest as the program would write it, in a folder.
fn manifest(document: &Value) -> tempfile::TempDir {
    let bytes = serde_json::to_vec(document).unwrap();
    uvars::activate::Manifest::parse(&bytes).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("manifest.json"), bytes).unwrap();
    dir
}

fn host() -> tempfile::TempDir {
    let from = "secrets/accounts/jon.sops.yaml";
    manifest(&json!({
        "version": 1,
        "for": "hosts/cinnabar",
        "files": [{ "path": from, "sha256": SHA }],
        "accounts": [
            {
                "user": "jon", "policy": "present", "from": from, "admin": true, "uid": 1001,
                "description": "Jon Smith", "group_primary": "users", "groups_secondary": ["video"],
                "home_dir": "/home/jon", "shell": "/bin/bash", "authorized_keys": ["ssh-ed25519 AAAA jon"],
            },
            { "user": "ann", "policy": "locked", "from": from, "shell": "/bin/sh" },
            { "user": "svc", "policy": "present", "uid": 300 },
            { "user": "old", "policy": "absent" },
        ],
    }))
}

fn person() -> tempfile::TempDir {
    manifest(&json!({ "version": 1, "for": "users/jon" }))
}

/// What the evaluation makes, or what it says instead; `None` where there is no nix.
fn evaluate(kind: &str, folder: Option<&tempfile::TempDir>, settings: &str) -> Option<Result<Value, String>> {
    let mut nix = peers::command("nix-instantiate")?;
    let state = tempfile::tempdir().unwrap();
    for (variable, name) in [
        ("NIX_STORE_DIR", "store"),
        ("NIX_STATE_DIR", "state"),
        ("NIX_LOG_DIR", "log"),
        ("NIX_CONF_DIR", "conf"),
        ("HOME", "home"),
    ] {
        let path = state.path().join(name);
        std::fs::create_dir(&path).unwrap();
        nix.env(variable, path);
    }
    nix.envs(std::env::var_os("NIX_PATH").map(|path| ("NIX_PATH", path)));
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/nix/eval.nix");
    let manifest = folder.map_or("null".to_owned(), |folder| folder.path().display().to_string());
    nix.args(["--eval", "--strict", "--json", "--read-write-mode"]).arg(file);
    nix.args(["--argstr", "kind", kind, "--arg", "manifest", &manifest, "--arg", "settings", settings]);
    let output = peers::feed(&mut nix, b"");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    } else {
        Err(error)
    })
}

#[test]
fn accounts_get_their_hash_from_the_users_phase() {
    let folder = host();
    let Some(made) = evaluate("nixos", Some(&folder), "{ users.mutableUsers = false; }") else { return };
    let made = made.unwrap();
    assert_eq!(made["failed"], json!([]));
    assert_eq!(made["services"], json!({}));
    let users = made["users"].as_object().unwrap();
    assert_eq!(users.keys().collect::<Vec<_>>(), ["ann", "jon", "svc"]);
    assert_eq!(
        users["jon"],
        json!({
            "isNormalUser": true, "uid": 1001, "description": "Jon Smith", "group": "users",
            "extraGroups": ["video", "wheel"], "home": "/home/jon", "shell": "/run/current-system/sw/bin/bash",
            "hashedPasswordFile": "/run/uvars-users/jon/password_hash",
            "openssh": { "authorizedKeys": { "keys": ["ssh-ed25519 AAAA jon"] } },
        })
    );
    assert_eq!(users["ann"]["hashedPasswordFile"], "/run/uvars-users/ann/password_hash");
    assert_eq!(users["ann"]["shell"], "/bin/sh");
    assert_eq!(
        (&users["svc"]["hashedPasswordFile"], &users["svc"]["isNormalUser"]),
        (&Value::Null, &json!(false))
    );
    let scripts = &made["scripts"];
    assert_eq!(scripts["users"]["deps"], json!(["uvarsUsers"]));
    assert_eq!(scripts["uvarsUsers"]["deps"], json!(["specialfs"]));
    assert_eq!(scripts["uvars"]["deps"], json!(["specialfs", "users", "groups"]));
    let text = scripts["uvarsUsers"]["text"].as_str().unwrap();
    assert!(
        text.contains("/bin/uvars activate --phase users --host-key /etc/ssh/ssh_host_ed25519_key "),
        "{text}"
    );
    assert!(text.contains("/manifest.json --dry-run\n"), "{text}");
    assert!(scripts["uvars"]["text"].as_str().unwrap().contains("--phase services"), "{scripts}");
}

#[test]
fn with_userborn_units_do_it_in_the_same_order() {
    let folder = host();
    let settings =
        "{ users.mutableUsers = false; services.userborn.enable = true; uvars.hostKeys = [ \"/a b\" ]; }";
    let Some(made) = evaluate("nixos", Some(&folder), settings) else { return };
    let made = made.unwrap();
    assert_eq!((&made["failed"], &made["scripts"]), (&json!([]), &json!({})));
    let [users, values] = ["uvars-users", "uvars"].map(|unit| &made["services"][unit]);
    let has = |list: &Value, word: &str| list.as_array().unwrap().iter().any(|item| item == word);
    assert!(has(&users["before"], "userborn.service") && has(&users["wantedBy"], "sysinit.target"));
    assert!(has(&values["after"], "userborn.service") && has(&values["after"], "uvars-users.service"));
    assert!(!has(&users["after"], "local-fs.target"));
    assert!(made["services"]["userborn"]["restartTriggers"][0].as_str().unwrap().starts_with('/'), "{made}");
    // A failure is told and must not hold up what comes after it.
    assert!(users.get("requiredBy").is_none() && values.get("requiredBy").is_none());
    let start = users["serviceConfig"]["ExecStart"].as_str().unwrap();
    assert!(start.contains("activate --phase users --host-key '/a b' "), "{start}");
}

#[test]
fn what_could_not_work_is_refused() {
    let folder = host();
    let refused = |settings: &str, said: &str| {
        let Some(made) = evaluate("nixos", Some(&folder), settings) else { return };
        let failed = made.unwrap()["failed"].to_string();
        assert!(failed.contains(said), "{settings}: {failed}");
    };
    refused("{ }", "users.mutableUsers = false");
    refused("{ users.mutableUsers = false; systemd.sysusers.enable = true; }", "systemd.sysusers");
    refused("{ users.mutableUsers = false; users.users.old.uid = 5; }", "old is absent by the manifest");
    refused(
        "{ users.mutableUsers = false; uvars.hostKeys = [ \"/nix/store/x-key\" ]; }",
        "lies in the store",
    );
    let folder = person();
    if let Some(made) = evaluate("nixos", Some(&folder), "{ users.mutableUsers = false; }") {
        assert!(made.unwrap()["failed"].to_string().contains("must be that of a host"));
    }
    let folder = host();
    if let Some(made) = evaluate("nixos", Some(&folder), "{ uvars.hostKey = \"/a\"; }") {
        assert!(made.unwrap_err().contains("uvars.hostKey' does not exist"));
    }
}

#[test]
fn accounts_can_be_left_to_the_configuration() {
    let folder = host();
    let settings = "{ users.mutableUsers = false; uvars.accounts = false; users.users.jon.uid = 7; }";
    let Some(made) = evaluate("nixos", Some(&folder), settings) else { return };
    let jon = &made.unwrap()["users"]["jon"];
    assert_eq!(jon["hashedPasswordFile"], "/run/uvars-users/jon/password_hash");
    assert_eq!((&jon["uid"], &jon["shell"], &jon["extraGroups"]), (&json!(7), &Value::Null, &json!([])));
}

#[test]
fn a_person_s_modules_name_only_the_link() {
    let folder = person();
    let settings = "{ uvars.secrets = { token = { }; \"db.password\" = { }; }; }";
    let Some(made) = evaluate("home", Some(&folder), settings) else { return };
    let made = made.unwrap();
    assert_eq!(made["failed"], json!([]));
    assert_eq!(made["path"], "/home/jon/.local/state/uvars/current");
    assert_eq!(made["secrets"]["token"]["path"], "/home/jon/.local/state/uvars/current/token");
    assert_eq!(made["secrets"]["db.password"]["path"], "/home/jon/.local/state/uvars/current/db.password");
    let start = made["services"]["uvars"]["Service"]["ExecStart"].as_str().unwrap();
    assert!(start.contains("\"/nix/store/uvars/bin/uvars\" \"activate\" \"--user\" "), "{start}");
    assert_eq!(made["services"]["uvars"]["Install"]["WantedBy"], json!(["default.target"]));
    assert_eq!(made["activation"]["uvars"]["after"], json!(["writeBoundary"]));
    // With the host's activation, the link alone.
    let made = evaluate("home", None, settings).unwrap().unwrap();
    assert_eq!((&made["services"], &made["activation"]), (&json!({}), &json!({})));
    assert_eq!(made["secrets"]["token"]["path"], "/home/jon/.local/state/uvars/current/token");
    let made = evaluate("home", Some(&host()), settings).unwrap().unwrap();
    assert!(made["failed"].to_string().contains("must be that of a person"), "{made}");
}
