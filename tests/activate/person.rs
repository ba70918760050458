//! As a person runs it, without root.

use crate::host::whole;
use crate::peers;
use crate::sandbox::{Export, Key, Ran, Sandbox, UVARS, encrypted, ssh_key};
use std::process::Command;
use uvars::activate::{Personal, Whose};
use uvars::keys::Recipient;
use uvars::sops::{BINDING_KEY, Map, Plain, Value};

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

/// Puts a line on top of an encrypted file, as somebody without any key does it.
pub fn planted(export: &mut Export, path: &str, readers: &[Recipient], values: Map, line: &str) {
    let plain = Plain::new(values.with(BINDING_KEY, path));
    let bytes = [line.as_bytes(), b"\n", &encrypted(&plain, readers)].concat();
    export.bytes(path, bytes);
}

#[test]
fn what_was_planted_takes_no_place_of_a_value() {
    let Some((host, key, mut export)) = deployed() else { return };
    activate(&host, &[]).exits(0);
    let own_file = "secrets/users/jon.sops.yaml";
    for (line, key_of_it, lost, both) in [
        (
            "db.password: \"\"",
            r#"'["db.password"]'"#,
            "db.password",
            "secrets/users/jon.sops.yaml: [\"db.password\"] and secrets/users/jon.sops.yaml: db.password",
        ),
        (
            "shared: \"\"",
            "shared",
            "shared/wifi/psk",
            "secrets/shared/wifi.sops.yaml: psk and secrets/users/jon.sops.yaml: shared",
        ),
    ] {
        planted(&mut export, own_file, &[key.converted()], own("t0ken"), line);
        deploy(&host, &export, &key);
        let ran = activate(&host, &[])
            .exits(1)
            .says(&format!("{lost}: {both} want the same place; the last good value stays"));
        let advice = "uvars: hint: if nobody of you wrote it, take it out, in the fleet's repository";
        let hints: Vec<_> = ran.err.lines().filter(|line| line.starts_with("uvars: hint: ")).collect();
        assert_eq!(hints, [format!("{advice}: uvars unset users/jon {key_of_it}")]);
        assert!(ran.out.contains("generation 1, unchanged"), "{}", ran.out);
        assert_eq!(host.read(&format!("{CURRENT}/db.password")).as_deref(), Some("p"), "{line}");
        assert_eq!(host.read(&format!("{CURRENT}/shared/wifi/psk")).as_deref(), Some("w1fi"), "{line}");
    }
    // two that were written with a key
    let both = own("t0ken").with("shared", "mine");
    export.file(own_file, &[key.converted()], both);
    deploy(&host, &export, &key);
    let advice = "rename one of them, or take it out, in the fleet's repository: uvars unset";
    activate(&host, &[])
        .exits(1)
        .says(&format!("{advice} shared/wifi psk"))
        .says(&format!("{advice} users/jon shared"));
}

#[test]
fn one_planted_value_makes_no_flood() {
    let Some((host, key, mut export)) = deployed() else { return };
    let many = (0..2000).fold(Map::new(), |map, at| map.with(format!("v{at}"), "x"));
    export.file("secrets/shared/wifi.sops.yaml", &[key.converted()], many);
    planted(&mut export, "secrets/users/jon.sops.yaml", &[key.converted()], own("t0ken"), "shared: \"\"");
    deploy(&host, &export, &key);
    for arguments in [&[][..], &["--status"]] {
        let ran = activate(&host, arguments).exits(1);
        assert_eq!(ran.err.lines().count(), 12, "{}", ran.err);
        let ran = ran.says("secrets/users/jon.sops.yaml: shared and 1991 more want the same place");
        let ran = ran.says("error: jon: each of 1991 more values wants a place that others want");
        drop(ran.says("take it out, in the fleet's repository: uvars unset users/jon shared"));
    }
}

#[test]
fn the_status_says_what_was_opened_and_no_value() {
    let Some((host, key, mut export)) = deployed() else { return };
    let Some(other) = ssh_key() else { return };
    export.file("secrets/users/jon.sops.yaml", &[key.converted()], own("t0ken").with("changed", "hunter2"));
    export.file("secrets/shared/wifi.sops.yaml", &[other.converted()], Map::new().with("psk", "w1fi"));
    deploy(&host, &export, &key);
    activate(&host, &[]).exits(1);
    let said = activate(&host, &["--status"]).exits(1);
    assert!(said.out.contains("secrets/users/jon.sops.yaml: opened\n"), "{}", said.out);
    assert!(said.out.contains("secrets/shared/wifi.sops.yaml: could not be opened\n"), "{}", said.out);
    let json = activate(&host, &["--status", "--json"]).exits(1).out;
    let known: serde_json::Value = serde_json::from_str(&json).unwrap();
    let files = known["trees"][0]["last"]["files"].as_array().unwrap();
    let opened =
        |path: &str| files.iter().find(|file| file["path"] == path).map(|file| file["opened"] == true);
    assert_eq!(opened("secrets/users/jon.sops.yaml"), Some(true), "{json}");
    assert_eq!(opened("secrets/shared/wifi.sops.yaml"), Some(false), "{json}");
    // a value may be called as the time of a password is called
    assert!(!json.contains("hunter2") && !said.out.contains("hunter2"), "{json}");
    assert_eq!(host.sh(&format!("grep -c hunter2 {RUNTIME}/uvars.d/status.json || true")), "0\n");
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
    // What is on a disk is passed over for it.
    let disk = tempfile::tempdir().unwrap();
    let shown = disk.path().display();
    if !host.sh(&format!("stat -f -c %T {shown}; chown 4201 {shown}; chmod 0700 {shown}")).contains("tmpfs") {
        host.sh(&format!("rm -r /dev/shm/uvars-4201 {CURRENT}"));
        let mut command = as_jon(&host, &[UVARS, "activate", "--user"]);
        Ran::of(&command.env("XDG_RUNTIME_DIR", disk.path()).output().unwrap()).exits(0);
        assert_eq!(host.sh(&format!("readlink {CURRENT}")), "/dev/shm/uvars-4201/uvars.d/1\n");
        assert_eq!(host.sh(&format!("ls -A {shown}")), "");
    }
    // One that somebody else has made there before.
    host.sh(&format!("rm -r /dev/shm/uvars-4201 {CURRENT}; mkdir -m 0777 /dev/shm/uvars-4201; chown 4202 /dev/shm/uvars-4201"));
    Ran::of(&command.output().unwrap()).exits(1).says("/dev/shm/uvars-4201");
    host.sh("rm -r /dev/shm/uvars-4201; ln -s /home/jon /dev/shm/uvars-4201");
    Ran::of(&command.output().unwrap())
        .exits(1)
        .says("/dev/shm/uvars-4201: is a link, and must be a folder")
        .says("rm /dev/shm/uvars-4201");
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
    // A link where the folder of the link should be.
    deploy(&host, &export, &key);
    host.sh("rm -rf /home/jon/.local; mkdir -p /home/jon/.local/state /home/jon/elsewhere; ln -s /home/jon/elsewhere /home/jon/.local/state/uvars; chown -hR 4201:4200 /home/jon");
    activate(&host, &[])
        .exits(1)
        .says("/home/jon/.local/state/uvars: is a link, and must be a folder")
        .says("rm /home/jon/.local/state/uvars");
    host.sh("rm /home/jon/.local/state/uvars");
    // Something of theirs in the place of the link stays.
    deploy(&host, &export, &key);
    host.sh(&format!("mkdir -p {CURRENT}; echo x > {CURRENT}/mine; chown -R 4201 /home/jon/.local"));
    activate(&host, &[]).exits(1).says("is no link");
    assert_eq!(host.read(&format!("{CURRENT}/mine")).as_deref(), Some("x\n"));
}

/// An activation in a session whose `XDG_RUNTIME_DIR` is this.
fn activate_in(host: &Sandbox, runtime: Option<&str>, arguments: &[&str]) -> Ran {
    let mut command = as_jon(host, &[&[UVARS, "activate", "--user"], arguments].concat());
    match runtime {
        Some(runtime) => command.env("XDG_RUNTIME_DIR", runtime),
        None => command.env_remove("XDG_RUNTIME_DIR"),
    };
    Ran::of(&command.output().unwrap())
}

fn token(host: &Sandbox) -> Option<String> {
    host.read(&format!("{CURRENT}/token"))
}

fn leads_to(host: &Sandbox) -> String {
    host.sh(&format!("readlink {CURRENT}")).trim().to_owned()
}

#[test]
fn the_last_values_move_with_the_folder_and_none_stay_behind() {
    let Some((host, key, export)) = deployed() else { return };
    let Some(other) = ssh_key() else { return };
    let values = |folder: &str| host.sh(&format!("find {folder} -type f ! -name uvars.lock"));
    host.sh("mount -t tmpfs -o mode=1777 tmpfs /dev/shm");
    // At boot without a session, then at login with one, and with a key that opens nothing.
    activate_in(&host, None, &[]).exits(0);
    assert_eq!(leads_to(&host), "/dev/shm/uvars-4201/uvars.d/1");
    deploy(&host, &export, &other);
    let before = host.everything();
    let dry = activate_in(&host, Some(RUNTIME), &["--dry-run"]).exits(1);
    assert!(dry.out.contains("a new generation would be made"), "{}", dry.out);
    assert_eq!((host.everything(), leads_to(&host)), (before, "/dev/shm/uvars-4201/uvars.d/1".to_owned()));
    let ran = activate_in(&host, Some(RUNTIME), &[]).exits(1).says("the last good value stays");
    assert!(!ran.out.contains("unchanged"), "{}", ran.out);
    let ran = ran.says("values lie in /run/user/4201 now, and no more in /dev/shm/uvars-4201");
    assert_eq!(leads_to(&host), format!("{RUNTIME}/uvars.d/1"));
    assert_eq!(token(&host).as_deref(), Some("t0ken"), "{}", ran.err);
    assert_eq!(host.read(&format!("{CURRENT}/shared/wifi/psk")).as_deref(), Some("w1fi"));
    assert_eq!(values("/dev/shm"), "");
    // And the other way, where each is found by its link.
    let said = activate_in(&host, None, &["--status"]).exits(1);
    assert!(said.out.contains("generation 1") && !said.out.contains("was ended"), "{}", said.out);
    deploy(&host, &export, &key);
    activate_in(&host, None, &[]).exits(0);
    assert_eq!(leads_to(&host), "/dev/shm/uvars-4201/uvars.d/1");
    assert_eq!((token(&host).as_deref(), values(RUNTIME).as_str()), (Some("t0ken"), ""));
    // Ended between the swap and the clearing up: the next run does that.
    activate_in(&host, Some(RUNTIME), &[]).exits(0);
    host.sh(&format!("cp -a {RUNTIME}/uvars.d /dev/shm/uvars-4201/"));
    let ran = activate_in(&host, Some(RUNTIME), &[]).exits(0);
    assert!(ran.out.contains("generation 1, unchanged"), "{}", ran.out);
    assert_eq!((token(&host).as_deref(), values("/dev/shm").as_str()), (Some("t0ken"), ""));
    // What somebody else has made there is neither believed nor removed.
    host.sh(&format!("cp -a {RUNTIME}/uvars.d /dev/shm/uvars-4201/; chown 4202 /dev/shm/uvars-4201"));
    activate_in(&host, Some(RUNTIME), &[]).exits(0);
    assert_ne!(values("/dev/shm"), "");
    host.sh(&format!("ln -sfn /dev/shm/uvars-4201/uvars.d/1 {CURRENT}; echo not-theirs > /dev/shm/uvars-4201/uvars.d/1/token"));
    activate_in(&host, Some(RUNTIME), &[]).exits(0);
    assert_eq!(token(&host).as_deref(), Some("t0ken"));
    assert_ne!(values("/dev/shm"), "");
}

#[test]
fn a_link_to_what_cannot_be_read_is_left_until_everything_can_be_had() {
    let Some((host, key, mut export)) = deployed() else { return };
    let Some(other) = ssh_key() else { return };
    // The values that their host's activation gives them: they may read each by its name, and list none.
    host.sh(&format!(
        "mkdir -p /run/uvars.d/7/home/jon; echo theirs > /run/uvars.d/7/home/jon/token; ln -s /run/uvars.d/7 /run/uvars
         chmod 0711 /run/uvars.d /run/uvars.d/7 /run/uvars.d/7/home /run/uvars.d/7/home/jon
         chmod 0400 /run/uvars.d/7/home/jon/token; chown 4201:4200 /run/uvars.d/7/home/jon/token
         mkdir -p /home/jon/.local/state/uvars; ln -s /run/uvars/home/jon {CURRENT}; chown -hR 4201:4200 /home/jon"
    ));
    for readers in [[other.converted()], [key.converted()]] {
        // Nothing opens; or the shared file alone.
        export.file("secrets/users/jon.sops.yaml", &[other.converted()], own("new"));
        export.file("secrets/shared/wifi.sops.yaml", &readers, Map::new().with("psk", "w1fi"));
        deploy(&host, &export, &key);
        for arguments in [&["--dry-run"][..], &[]] {
            let ran = activate(&host, arguments).exits(1).says("the last good value stays");
            let ran = ran.says("it leads to /run/uvars/home/jon as before");
            assert!(ran.out.contains("left as it is"), "{}", ran.out);
            assert_eq!(
                (leads_to(&host).as_str(), token(&host).as_deref()),
                ("/run/uvars/home/jon", Some("theirs\n"))
            );
        }
        let said = activate(&host, &["--status"]).exits(1);
        assert!(!said.out.contains("was ended"), "{}", said.out);
    }
    planted(&mut export, "secrets/users/jon.sops.yaml", &[key.converted()], own("new"), "db.port: \"\"");
    deploy(&host, &export, &key);
    activate(&host, &[]).exits(1).says("it leads to /run/uvars/home/jon as before");
    export.file("secrets/users/jon.sops.yaml", &[key.converted()], own("new"));
    deploy(&host, &export, &key);
    let ran = activate(&host, &[]).exits(0);
    assert!(ran.out.contains("generation 1\n") && ran.out.contains("added token"), "{}", ran.out);
    assert_eq!((leads_to(&host), token(&host).as_deref()), (format!("{RUNTIME}/uvars.d/1"), Some("new")));
    // A generation of their own that is broken is no less worth.
    deploy(&host, &export, &other);
    host.sh(&format!("mkfifo {CURRENT}/pipe"));
    activate(&host, &[]).exits(1);
    assert_eq!((leads_to(&host), token(&host).as_deref()), (format!("{RUNTIME}/uvars.d/1"), Some("new")));
    // A link that leads nowhere holds nothing.
    host.sh(&format!("ln -sfn /nowhere {CURRENT}"));
    activate(&host, &[]).exits(1);
    assert_eq!(leads_to(&host), format!("{RUNTIME}/uvars.d/2"));
}

#[test]
fn runs_with_and_without_a_session_at_once_serialise() {
    let Some((host, key, mut export)) = deployed() else { return };
    host.sh("mount -t tmpfs -o mode=1777 tmpfs /dev/shm");
    for round in 0..6 {
        let value = format!("value {round}");
        export.file("secrets/users/jon.sops.yaml", &[key.converted()], own(&value));
        deploy(&host, &export, &key);
        host.sh("rm -rf /dev/shm/uvars-4201 /run/user/4201/uvars.d");
        let run = |at: usize| {
            let mut command = as_jon(&host, &[UVARS, "activate", "--user"]);
            if at.is_multiple_of(2) {
                command.env_remove("XDG_RUNTIME_DIR");
            }
            command.spawn().unwrap()
        };
        let runs: Vec<_> = (round..round + 4).map(run).collect();
        for mut run in runs {
            assert!(run.wait().unwrap().success());
        }
        assert_eq!(token(&host), Some(value));
        // One of the two folders has it, and the other nothing.
        assert_eq!(host.sh("find /dev/shm /run/user -name token | wc -l"), "1\n");
    }
}

#[test]
fn another_home_s_values_in_the_shared_folder_are_left() {
    let Some((host, ..)) = deployed() else { return };
    host.sh("mount -t tmpfs -o mode=1777 tmpfs /dev/shm; cp -a /home/jon /home/second");
    let second = || {
        let mut command = as_jon(&host, &[UVARS, "activate", "--user"]);
        command.env("HOME", "/home/second").env_remove("XDG_RUNTIME_DIR");
        Ran::of(&command.output().unwrap()).exits(0)
    };
    second();
    activate(&host, &[]).exits(0);
    assert_eq!(host.read("/home/second/.local/state/uvars/current/token").as_deref(), Some("t0ken"));
    assert_eq!(token(&host).as_deref(), Some("t0ken"));
}

#[test]
fn a_session_s_folder_that_is_not_there_is_no_obstacle() {
    let Some((host, ..)) = deployed() else { return };
    host.sh("mount -t tmpfs -o mode=1777 tmpfs /dev/shm");
    for (runtime, said) in [
        (
            "/run/user/none",
            "XDG_RUNTIME_DIR is not there (/run/user/none): values lie in /dev/shm/uvars-4201",
        ),
        ("run/user/4201", "XDG_RUNTIME_DIR is not an absolute path (run/user/4201)"),
    ] {
        activate_in(&host, Some(runtime), &[]).exits(0).says(said);
        assert_eq!(leads_to(&host), "/dev/shm/uvars-4201/uvars.d/1");
    }
    host.sh("umount -l /dev/shm; mount --bind /proc /dev/shm");
    activate_in(&host, Some("/run/user/none"), &[])
        .exits(1)
        .says("/run/user/none: XDG_RUNTIME_DIR is not there, and there is no other folder in memory");
}

#[test]
fn the_manifest_of_somebody_else_is_remarked_once() {
    let Some((host, key, mut export)) = deployed() else { return };
    activate(&host, &[]).exits(0);
    export.manifest.of = Whose::User("eve".into());
    for personal in &mut export.manifest.personal {
        personal.user = "eve".into();
    }
    deploy(&host, &export, &key);
    activate(&host, &[])
        .exits(0)
        .says("this is the manifest of users/eve, and the one before was that of users/jon");
    assert_eq!(activate(&host, &[]).exits(0).err, "");
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
