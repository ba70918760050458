//! As a person runs it, without root.

use crate::host::whole;
use crate::peers;
use crate::sandbox::{Export, Key, Ran, Sandbox, UVARS, ssh_key};
use std::process::Command;
use uvars::activate::{Personal, Whose};
use uvars::sops::{Map, Value};

const RUNTIME: &str = "/run/user/4201";
const CURRENT: &str = "/home/jon/.local/state/uvars/current";

fn own(token: &str) -> Map {
    Map::new().with("token", token).with("db", Map::new().with("password", "p").with("port", Value::Int(1)))
}

/// A person's own file and a shared one.
fn export(key: &Key) -> Export {
    let mut export = Export::new(Whose::User("jon".into()));
    let readers = [key.converted()];
    let from = export.file("secrets/users/jon.sops.yaml", &readers, own("t0ken"));
    export.personal("jon", from);
    let from = export.file("secrets/shared/wifi.sops.yaml", &readers, Map::new().with("psk", "w1fi"));
    export.manifest.personal.push(Personal { user: "jon".into(), from, into: Some("shared/wifi".into()) });
    export
}

/// Puts manifest, copies and key into jon's home, and makes jon's runtime folder.
fn deploy(host: &Sandbox, export: &Export, key: &Key) {
    export.write_files();
    host.sh(&format!(
        "rm -rf /home/jon/.config/uvars; mkdir -p /home/jon/.config /home/jon/.ssh {RUNTIME}
         cp -r {} /home/jon/.config/uvars; cp {} /home/jon/.ssh/id_ed25519
         chown -R 4201:4200 /home/jon {RUNTIME}; chmod 0700 {RUNTIME} /home/jon/.ssh; chmod -R go-w /home/jon",
        export.dir.path().display(),
        key.file.display()
    ));
}

fn as_jon(host: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = host.command("setpriv");
    command.args(["--reuid", "4201", "--regid", "4200", "--clear-groups"]).args(arguments);
    command.env("HOME", "/home/jon").env("XDG_RUNTIME_DIR", RUNTIME);
    command
}

fn activate(host: &Sandbox, arguments: &[&str]) -> Ran {
    Ran::of(&as_jon(host, &[&[UVARS, "activate", "--user"], arguments].concat()).output().unwrap())
}

fn deployed() -> Option<(Sandbox, Key, Export)> {
    let host = Sandbox::new()?;
    let key = ssh_key()?;
    let export = export(&key);
    deploy(&host, &export, &key);
    Some((host, key, export))
}

#[test]
fn values_land_in_the_runtime_folder_and_the_link_leads_there() {
    let Some((host, key, mut export)) = deployed() else { return };
    activate(&host, &[]).exits(0);
    for (file, content) in
        [("token", "t0ken"), ("db.password", "p"), ("db.port", "1"), ("shared/wifi/psk", "w1fi")]
    {
        assert_eq!(host.read(&format!("{CURRENT}/{file}")).as_deref(), Some(content), "{file}");
        assert_eq!(host.stat(&format!("{CURRENT}/{file}")), "4201:4200 400");
    }
    assert_eq!(host.sh(&format!("readlink {CURRENT}")), format!("{RUNTIME}/uvars.d/1\n"));
    assert_eq!(host.stat(&format!("{RUNTIME}/uvars.d/1/shared")), "4201:4200 700");
    assert_eq!(host.sh("grep -c ^uvars /proc/mounts || true"), "0\n");
    let again = activate(&host, &[]).exits(0);
    assert!(again.out.contains("generation 1, unchanged"), "{}", again.out);
    export.file("secrets/users/jon.sops.yaml", &[key.native()], own("new"));
    deploy(&host, &export, &key);
    let before = host.everything();
    assert!(activate(&host, &["--dry-run"]).exits(0).out.contains("would modify token"));
    assert_eq!(host.everything(), before);
    activate(&host, &[]).exits(0);
    assert_eq!(host.read(&format!("{CURRENT}/token")).as_deref(), Some("new"));
    assert!(activate(&host, &["--status"]).exits(0).out.contains("generation 2"));
    // After a reboot the link leads nowhere until the next run.
    host.sh(&format!("rm -r {RUNTIME}/*"));
    activate(&host, &["--status"]).exits(1);
    activate(&host, &[]).exits(0);
    assert_eq!(host.read(&format!("{CURRENT}/token")).as_deref(), Some("new"));
}

#[test]
fn without_a_key_the_last_values_stay() {
    let Some((host, key, mut export)) = deployed() else { return };
    let Some(other) = ssh_key() else { return };
    activate(&host, &[]).exits(0);
    export.file("secrets/users/jon.sops.yaml", &[other.converted()], own("new"));
    deploy(&host, &export, &key);
    activate(&host, &[]).exits(1).says("secrets/users/jon.sops.yaml").says("the last good value stays");
    assert_eq!(host.read(&format!("{CURRENT}/token")).as_deref(), Some("t0ken"));
    assert_eq!(host.read(&format!("{CURRENT}/shared/wifi/psk")).as_deref(), Some("w1fi"));
    export.file_bound(
        "secrets/users/jon.sops.yaml",
        "secrets/users/ann.sops.yaml",
        &[key.converted()],
        own("x"),
    );
    deploy(&host, &export, &key);
    activate(&host, &[]).exits(1).says("this file was not written for secrets/users/jon.sops.yaml");
    assert_eq!(host.read(&format!("{CURRENT}/token")).as_deref(), Some("t0ken"));
}

#[test]
fn the_runtime_folder_must_be_theirs_alone_and_in_memory() {
    let Some((host, ..)) = deployed() else { return };
    for (spoil, mend, said) in [
        (format!("chmod 0755 {RUNTIME}"), format!("chmod 0700 {RUNTIME}"), "is not yours alone"),
        (format!("chown 0 {RUNTIME}"), format!("chown 4201 {RUNTIME}"), ""),
        (format!("chown 4202 {RUNTIME}"), format!("chown 4201 {RUNTIME}"), ""),
    ] {
        host.sh(&spoil);
        activate(&host, &[]).exits(1).says(said).says("XDG_RUNTIME_DIR");
        assert_eq!(host.sh(&format!("ls -A {RUNTIME}")), "");
        host.sh(&mend);
    }
    // Without it: a folder of their own in shared memory.
    host.sh("mount -t tmpfs -o mode=1777 tmpfs /dev/shm");
    let mut command = as_jon(&host, &[UVARS, "activate", "--user"]);
    Ran::of(&command.env_remove("XDG_RUNTIME_DIR").output().unwrap()).exits(0);
    assert_eq!(host.sh(&format!("readlink {CURRENT}")), "/dev/shm/uvars-4201/uvars.d/1\n");
    assert_eq!(host.stat("/dev/shm/uvars-4201"), "4201:4200 700");
    // One that somebody else has made there before.
    host.sh(&format!("rm -r /dev/shm/uvars-4201 {CURRENT}; mkdir -m 0777 /dev/shm/uvars-4201; chown 4202 /dev/shm/uvars-4201"));
    Ran::of(&command.output().unwrap()).exits(1).says("/dev/shm/uvars-4201");
    host.sh("rm -r /dev/shm/uvars-4201; ln -s /home/jon /dev/shm/uvars-4201");
    Ran::of(&command.output().unwrap()).exits(1);
    // None in memory at all.
    host.sh("umount -l /dev/shm; mount --bind /proc /dev/shm");
    Ran::of(&command.output().unwrap()).exits(1).says("no other folder in memory").says("XDG_RUNTIME_DIR");
}

#[test]
fn the_home_and_the_manifest_must_be_theirs() {
    let Some((host, key, export)) = deployed() else { return };
    let mut command = as_jon(&host, &[UVARS, "activate", "--user"]);
    host.sh("mkdir -p /home/ann/.config; chown -R 4202 /home/ann");
    Ran::of(&command.env("HOME", "/home/ann").output().unwrap())
        .exits(1)
        .says("/home/ann: belongs to uid 4202");
    host.sh("chmod g+w /home/jon/.config/uvars/manifest.json");
    activate(&host, &[]).exits(1).says("can be written by others");
    host.sh("chmod g-w /home/jon/.config/uvars/manifest.json; chown 4202 /home/jon/.config/uvars");
    activate(&host, &[]).exits(1).says("belongs to uid 4202, and must belong to you or root");
    host.sh("rm -r /home/jon/.config/uvars");
    activate(&host, &[]).exits(1).says("uvars export manifest users/NAME");
    // A host's manifest is none of theirs, and theirs none of a host's.
    deploy(&host, &whole(&key), &key);
    activate(&host, &[]).exits(1).says("is the manifest of the host cinnabar");
    host.deploy(&export, &key.file);
    host.activate(&["--phase", "services"]).exits(1).says("is the manifest of the person jon");
    // Something of theirs in the place of the link stays.
    deploy(&host, &export, &key);
    host.sh(&format!("mkdir -p {CURRENT}; echo x > {CURRENT}/mine; chown -R 4201 /home/jon/.local"));
    activate(&host, &[]).exits(1).says("is no link");
    assert_eq!(host.read(&format!("{CURRENT}/mine")).as_deref(), Some("x\n"));
}

#[test]
fn killed_anywhere_the_link_leads_to_old_or_new() {
    let Some((host, key, mut export)) = deployed() else { return };
    let Some(strace) = peers::find("strace") else { return };
    for call in ["rename,renameat,renameat2", "symlink,symlinkat", "unlink,unlinkat"] {
        for at in 1.. {
            host.sh(&format!("rm -rf {RUNTIME}/* /home/jon/.local"));
            for token in ["before", "old"] {
                export.file("secrets/users/jon.sops.yaml", &[key.converted()], own(token));
                deploy(&host, &export, &key);
                activate(&host, &[]).exits(0);
            }
            export.file("secrets/users/jon.sops.yaml", &[key.converted()], own("new"));
            deploy(&host, &export, &key);
            let trace = format!("trace={call}");
            let inject = format!("inject={call}:signal=KILL:when={at}");
            let strace = strace.to_str().unwrap();
            let arguments =
                [strace, "-f", "-o", "/dev/null", "-e", &trace, "-e", &inject, UVARS, "activate", "--user"];
            let ran = Ran::of(&as_jon(&host, &arguments).output().unwrap());
            if ran.code == Some(0) {
                assert!(at > 1, "{call}");
                break;
            }
            let found = host.read(&format!("{CURRENT}/token"));
            assert!(matches!(found.as_deref(), Some("old" | "new")), "{call} {at}: {found:?}");
            activate(&host, &[]).exits(0);
            assert_eq!(host.read(&format!("{CURRENT}/token")).as_deref(), Some("new"));
        }
    }
}
