//! The inventory and who reads what, through the public door.

#![allow(
    clippy::expect_used,
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fmt::Write as _;
use std::path::Path;

use uvars::fleet::{Fleet, Inventory};
use uvars::fs::{Outlook, RepoPath, Root, Transaction};

#[test]
fn the_sample_fleet_loads() {
    let root = Root::open(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let fleet = Fleet::load(&root).unwrap_or_else(|error| panic!("{error}\n{:?}", error.hints()));
    let required: Vec<_> = fleet.expected_files().into_iter().filter(|file| file.required).collect();
    assert!(required.iter().any(|file| file.kind.path() == "secrets/accounts/jon.sops.yaml"), "{required:?}");
    assert!(fleet.rules().is_ok());
}

/// Nobody has the private half of this one.
const KEY: &str = "age1myhs0py92ng8p3t27esm9u65redznl3kxj5t3ktep70vgw9jyy5q09jly8";

#[test]
fn a_revoked_key_that_is_back_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let ledger = |state: &str| {
        let time = "2026-01-01T00:00:00Z";
        format!("keys:\n  - recipient: {KEY}\n    whose: users/jon\n    state: {state}: {time}\n")
    };
    write("uvars.yaml", "version: 1\n");
    write("keys/users/jon.pub", &format!("# laptop\n{KEY}\n"));
    write("keys/ledger.yaml", &ledger("retiring\n    until"));
    let root = Root::open(folder.path()).unwrap();
    assert!(Fleet::load(&root).is_ok());
    let mut transaction = Transaction::new();
    transaction.write(RepoPath::new("keys/ledger.yaml").unwrap(), ledger("revoked\n    since").into_bytes());
    let planned = Fleet::load_from(Outlook::new(&root, &transaction)).unwrap_err().to_string();
    write("keys/ledger.yaml", &ledger("revoked\n    since"));
    let error = Fleet::load(&root).unwrap_err();
    assert_eq!(
        error.to_string(),
        "keys/users/jon.pub:2:1: this key is revoked, and must never be used again"
    );
    assert_eq!(error.hints(), ["take the line out", "keys/ledger.yaml says since when and why"]);
    assert_eq!(planned, error.to_string());
}

#[test]
fn a_key_that_readers_are_counted_on_for_must_be_there() {
    let load = |inventory: &str, files: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("uvars.yaml"), format!("version: 1\n{inventory}")).unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("{KEY}\n")).unwrap();
        }
        Fleet::load(&Root::open(folder.path()).unwrap()).map(drop).map_err(|error| error.to_string())
    };
    for (inventory, file, said) in [
        (
            "hosts: { web: { platform: linux } }",
            "keys/hosts/web.pub",
            "hosts.web: web has no key: there is no keys/hosts/web.pub",
        ),
        (
            "shared: { wifi: { robots: [ci] } }",
            "keys/robots/ci.pub",
            "shared.wifi.robots: there is no keys/robots/ci.pub",
        ),
        ("users: { jon: { key: jo } }", "keys/users/jo.pub", "users.jon.key: there is no keys/users/jo.pub"),
    ] {
        assert_eq!(load(inventory, &[file]), Ok(()), "{inventory}");
        let error = load(inventory, &[]).unwrap_err();
        assert!(error.starts_with("uvars.yaml:2:") && error.contains(said), "{error}");
    }
    let pending = "hosts: { web: { platform: linux, key: pending } }";
    assert_eq!(load(pending, &[]), Ok(()));
    assert!(load(pending, &["keys/hosts/web.pub"]).unwrap_err().contains("still says `key: pending`"));
}

/// The mission's largest fleet. It takes a moment where costs grow linearly, and a quarter of an hour where they
/// grow with the square.
#[test]
fn ten_thousand_hosts_are_read_at_once() {
    let mut text = String::from("version: 1\nhosts:\n");
    for host in 0..10_000 {
        writeln!(text, "  h{host}: {{ platform: nixos, tags: [server, g{}], key: pending }}", host % 50)
            .unwrap();
    }
    text.push_str("users:\n");
    for user in 0..1_000 {
        writeln!(text, "  u{user}: {{ tags: [g{}], password: {{ share: true }} }}", user % 50).unwrap();
    }
    let inventory = Inventory::parse(Path::new("uvars.yaml"), text.as_bytes()).unwrap();
    assert_eq!((inventory.hosts().len(), inventory.users().len()), (10_000, 1_000));
}
