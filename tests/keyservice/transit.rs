//! A key that is in a real `OpenBao`: the key service of sops has the token for it, and we have the service.

use crate::gnupg::GnuPg;
use crate::openbao::{ROOT, Server};
use crate::peers;
use crate::pgp::layout;
use crate::remote::{SOPS, Theirs, addresses};
use crate::room::{PLAIN, Room, age_recipient, printed, refused};
use serde_json::json;
use std::process::{Command, Stdio};

/// A server with one key of its transit engine, and the key's URI.
fn with_key() -> Option<(Server, String)> {
    let server = Server::start()?;
    for (path, body) in [("sys/mounts/transit", json!({"type": "transit"})), ("transit/keys/app", json!({}))]
    {
        let (status, said) = server.ask("POST", path, &body);
        assert!(status < 300, "{path}: {status} {said}");
    }
    let uri = format!("{}/v1/transit/keys/app", server.address);
    Some((server, uri))
}

/// Real sops, which may use the key.
fn sops(name: &str, room: &Room, gpg: &GnuPg) -> Option<Command> {
    let mut command = room.sops(name, gpg, None)?;
    command.env("VAULT_TOKEN", ROOT).stdin(Stdio::null());
    Some(command)
}

#[test]
fn a_key_in_openbao_is_used_through_the_service_of_sops() {
    let (Some((server, uri)), Some(gpg)) = (with_key(), GnuPg::empty()) else { return };
    let room = Room::new(&format!("hc_vault_transit_uri: {uri}"));
    for name in SOPS {
        let Some(mut theirs) = sops(name, &room, &gpg) else { return };
        for address in addresses(&room) {
            let _service = Theirs::spawn(name, &mut sops(name, &room, &gpg).unwrap(), &address);
            let ours = || {
                let mut command = room.uvars(&gpg, None);
                command.env("SOPS_KEYSERVICE", &address);
                command
            };
            let sealed = printed(ours().args(["encrypt", "app.yaml"]));
            assert!(sealed.contains("enc: vault:v1:") && sealed.contains(&server.address), "{sealed}");
            std::fs::write(room.path("sealed.yaml"), &sealed).unwrap();
            assert_eq!(printed(ours().args(["decrypt", "sealed.yaml"])), PLAIN, "{name} {address}");
            let mut decrypt = sops(name, &room, &gpg).unwrap();
            assert_eq!(printed(decrypt.args(["decrypt", "sealed.yaml"])), PLAIN, "{name}");
            let said = refused(room.uvars(&gpg, None).args(["decrypt", "sealed.yaml"]));
            assert!(said.contains("key service") || said.contains("SOPS_KEYSERVICE"), "{said}");

            // a change of one value leaves the wrapped key as it is; a rotation does not
            let wrapped =
                |text: &str| text.lines().find(|line| line.contains("vault:v1:")).map(str::to_owned);
            printed(ours().args(["sops", "set", "sealed.yaml", "[\"port\"]", "1"]));
            assert_eq!(wrapped(&room.read("sealed.yaml")), wrapped(&sealed));
            printed(ours().args(["sops", "rotate", "-i", "sealed.yaml"]));
            assert_ne!(wrapped(&room.read("sealed.yaml")), wrapped(&sealed));
            let mut decrypt = sops(name, &room, &gpg).unwrap();
            assert_eq!(printed(decrypt.args(["decrypt", "--extract", "[\"port\"]", "sealed.yaml"])), "1\n");
            drop(std::fs::remove_file(room.path("s")));
        }
        // and what sops wraps by itself
        let sealed = printed(theirs.args(["encrypt", "app.yaml"]));
        std::fs::write(room.path("sealed.yaml"), &sealed).unwrap();
        let [_, address] = addresses(&room);
        let _service = Theirs::spawn(name, &mut sops(name, &room, &gpg).unwrap(), &address);
        let mut ours = room.uvars(&gpg, None);
        ours.env("SOPS_KEYSERVICE", &address);
        assert_eq!(printed(ours.args(["decrypt", "sealed.yaml"])), PLAIN, "{name}");
        let mut ours = room.uvars(&gpg, None);
        let flags = ["sops", "encrypt", "--hc-vault-transit", &uri, "--keyservice", &address, "app.yaml"];
        let made = printed(ours.args(flags));
        assert_eq!(layout(&made), layout(&sealed), "{name}");
        drop(std::fs::remove_file(room.path("s")));
    }
}

#[test]
fn two_groups_with_a_key_in_openbao_in_one_of_them() {
    let (Some((_server, uri)), Some(gpg)) = (with_key(), GnuPg::empty()) else { return };
    let room = Room::new(&format!(
        "key_groups:\n      - hc_vault: [\"{uri}\"]\n      - age: [{}]",
        age_recipient("a.age")
    ));
    let [_, address] = addresses(&room);
    let Some(mut service) = sops("sops", &room, &gpg) else { return };
    let _service = Theirs::spawn("sops", &mut service, &address);
    let mut encrypt = room.uvars(&gpg, Some("a.age"));
    let sealed = printed(encrypt.env("SOPS_KEYSERVICE", &address).args(["encrypt", "app.yaml"]));
    std::fs::write(room.path("sealed.yaml"), sealed).unwrap();
    for (age, service) in [(None, true), (Some("a.age"), false), (Some("a.age"), true)] {
        let decrypt = |mut command: Command| {
            if service {
                command.env("SOPS_KEYSERVICE", &address);
            }
            let output = peers::feed(command.args(["decrypt", "sealed.yaml"]), b"");
            output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
        };
        let wanted = (age.is_some() && service).then(|| PLAIN.to_owned());
        assert_eq!(decrypt(room.uvars(&gpg, age)), wanted, "{age:?} {service}");
        assert_eq!(decrypt(room.sops("sops", &gpg, age).unwrap()), wanted, "{age:?} {service}");
    }
}

#[test]
fn what_openbao_refuses_is_passed_on() {
    let (Some((server, uri)), Some(gpg)) = (with_key(), GnuPg::empty()) else { return };
    let room = Room::new(&format!("hc_vault_transit_uri: {uri}"));
    let [_, address] = addresses(&room);
    let weak = server.token("path \"transit/encrypt/app\" { capabilities = [\"update\"] }");
    let Some(mut service) = room.sops("sops", &gpg, None) else { return };
    let _service = Theirs::spawn("sops", service.env("VAULT_TOKEN", weak).stdin(Stdio::null()), &address);
    let ours = || {
        let mut command = room.uvars(&gpg, None);
        command.env("SOPS_KEYSERVICE", &address);
        command
    };
    printed(ours().args(["encrypt", "-i", "app.yaml"]));
    let said = refused(ours().args(["decrypt", "app.yaml"]));
    assert!(said.contains(&address) && said.contains("permission denied"), "{said}");
    assert!(!said.contains("set SOPS_KEYSERVICE"), "it is set: {said}");
    // what the service says stands in the first line, behind the key that it was asked for
    room.write(".sops.yaml", &format!("creation_rules:\n  - hc_vault_transit_uri: {uri}2\n"));
    room.write("other.yaml", PLAIN);
    let said = refused(ours().args(["encrypt", "other.yaml"]));
    let first = said.lines().next().unwrap_or_default();
    let wanted = format!("other.yaml: cannot encrypt for hc_vault {uri}2: {address}: the key service said: ");
    assert!(first.contains(&wanted), "{said}");
}
