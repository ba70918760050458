//! What goes wrong around an activation: keys and accounts that are not what they should be, and runs that are ended.

use crate::host::{HASH_A, HASH_B, deployed};
use crate::peers;
use crate::sandbox::{Ran, UVARS, host_values, ssh_key};
use uvars::activate::Whose;
use uvars::keys::{self, Recipient};
use uvars::sops::Map;

#[test]
fn what_the_environment_names_opens_nothing_on_a_host() {
    let Some((host, _, mut export)) = deployed() else { return };
    let (Some(wrong), Some(ssh)) = (ssh_key(), ssh_key()) else { return };
    let age = keys::generate("2026-01-02T03:04:05Z").unwrap();
    let readers = [Recipient::parse(&age.recipient.to_string()).unwrap(), ssh.converted()];
    let file = "secrets/hosts/cinnabar.sops.yaml";
    export.file(file, &readers, host_values("s3cret"));
    export.file("secrets/users/jon.sops.yaml", &readers, Map::new().with("token", "t0ken"));
    host.deploy(&export, &wrong.file);
    let keys = tempfile::tempdir().unwrap();
    let path = |name: &str| keys.path().join(name).display().to_string();
    let text = age.text.expose_str().unwrap().to_owned();
    std::fs::create_dir_all(keys.path().join("config/sops/age")).unwrap();
    std::fs::create_dir_all(keys.path().join("home/.ssh")).unwrap();
    std::fs::write(path("config/sops/age/keys.txt"), &text).unwrap();
    std::fs::copy(&ssh.file, path("home/.ssh/id_ed25519")).unwrap();
    let ssh = ssh.file.display().to_string();
    let (told, asked) = (format!("cat {}", path("config/sops/age/keys.txt")), format!("cat {ssh}"));
    for (name, value) in [
        ("SOPS_AGE_KEY", text.as_str()),
        ("SOPS_AGE_KEY_FILE", &path("config/sops/age/keys.txt")),
        ("SOPS_AGE_KEY_CMD", &told),
        ("SOPS_AGE_SSH_PRIVATE_KEY_FILE", &ssh),
        ("SOPS_AGE_SSH_PRIVATE_KEY_CMD", &asked),
        ("XDG_CONFIG_HOME", &path("config")),
        ("HOME", &path("home")),
    ] {
        let run = |arguments: &[&str]| {
            Ran::of(&host.command(UVARS).env(name, value).args(arguments).output().unwrap())
        };
        // For a person it is the right key.
        assert!(run(&["decrypt", &format!("/etc/uvars/{file}")]).exits(0).out.contains("s3cret"), "{name}");
        let wrong = wrong.file.display().to_string();
        for key in [&["--host-key", &wrong][..], &["--identity", &wrong], &[]] {
            let arguments = [&["activate", "--phase", "services"], key].concat();
            run(&arguments).exits(1).says("port: ");
            assert_eq!(host.sh("find /run/uvars/ -type f"), "", "{name} {key:?}");
        }
    }
}

#[test]
fn accounts_that_cannot_be_read_cost_no_hash() {
    let Some((host, ..)) = deployed() else { return };
    for database in ["passwd", "group"] {
        host.sh(&format!("mv /etc/{database} /etc/kept; mkdir /etc/{database}"));
        let ran = host.activate(&["--phase", "users"]).exits(0);
        ran.says("the accounts of this host cannot be read").says(&format!("/etc/{database}"));
        assert_eq!(host.read("/run/uvars-users/jon/password_hash").as_deref(), Some(HASH_A), "{database}");
        assert_eq!(host.read("/run/uvars-users/ann/password_hash"), Some(format!("!{HASH_B}")));
        assert_eq!(host.read("/run/uvars-users/early").as_deref(), Some("5432"));
        // Services: what is root's is there, the rest is closed to all others until its owner is known.
        let ran = host.activate(&["--phase", "services"]);
        assert_eq!(host.read("/run/uvars/port").as_deref(), Some("5432"), "{}", ran.err);
        host.sh(&format!("rmdir /etc/{database}; mv /etc/kept /etc/{database}"));
        host.activate(&[]).exits(0);
        assert_eq!(host.stat("/run/uvars/db/password"), "70:71 440");
        // Where owners are known already, they stay as they are.
        host.sh(&format!("mv /etc/{database} /etc/kept; mkdir /etc/{database}"));
        host.activate(&["--phase", "services"]).exits(1).says("the last good value stays");
        assert_eq!(host.stat("/run/uvars/db/password"), "70:71 440");
        host.sh(&format!("rmdir /etc/{database}; mv /etc/kept /etc/{database}"));
        host.sh("umount /run/uvars.d /run/uvars-users.d; rm -r /run/uvars*");
    }
}

#[test]
fn killed_before_its_owner_and_mode_are_right_a_file_is_closed() {
    let Some((host, ..)) = deployed() else { return };
    let Some(strace) = peers::find("strace") else { return };
    for at in 1.. {
        host.sh("umount /run/uvars.d /run/uvars-users.d 2>/dev/null || true; rm -rf /run/uvars*");
        let calls = "fchown,fchmod";
        let script = format!(
            "umask 0; exec {} -f -o /dev/null -e trace={calls} -e inject={calls}:signal=KILL:when={at} {UVARS} activate",
            strace.display()
        );
        let ran = Ran::of(&host.command("sh").args(["-c", &script]).output().unwrap());
        let open = host
            .sh("find /run -path '/run/uvars*.d/*' -type f \\( -perm /007 -o -perm /070 ! -perm 0440 \\)");
        assert_eq!(open, "", "{at}: {}", ran.err);
        if ran.code == Some(0) {
            assert!(at > 8, "{at}");
            break;
        }
    }
}

#[test]
fn an_error_of_the_manifest_is_said_once() {
    let Some((host, ..)) = deployed() else { return };
    host.activate(&[]).exits(0);
    host.sh("echo null > /etc/uvars/manifest.json");
    let ran = host.activate(&[]).exits(1);
    assert_eq!(ran.err.matches("must be an object").count(), 1, "{}", ran.err);
    let json = host.activate(&["--json"]).exits(1);
    assert_eq!(json.out.matches("must be an object").count(), 2, "{}", json.out);
}

#[test]
fn the_manifest_of_another_host_is_remarked() {
    let Some((host, key, mut export)) = deployed() else { return };
    host.activate(&[]).exits(0);
    export.manifest.of = Whose::Host("rosegold".into());
    host.deploy(&export, &key.file);
    let said = "this is the manifest of hosts/rosegold, and the one before was that of hosts/cinnabar";
    host.activate(&["--dry-run"]).exits(0).says(said);
    // A manifest that cannot be read in between makes nobody forget.
    host.sh("mv /etc/uvars/manifest.json /etc/kept");
    host.activate(&[]).exits(1);
    host.sh("mv /etc/kept /etc/uvars/manifest.json");
    assert_eq!(host.activate(&[]).exits(0).says(said).err.matches(said).count(), 2);
    assert_eq!(host.activate(&[]).exits(0).err, "");
}

#[test]
fn a_link_in_the_place_of_the_folder_is_called_one() {
    let Some((host, ..)) = deployed() else { return };
    host.sh("ln -s /etc /run/uvars-users.d");
    host.activate(&["--phase", "users"])
        .exits(1)
        .says("/run/uvars-users.d: is a link, and must be a folder")
        .says("rm /run/uvars-users.d");
    host.sh("rm /run/uvars-users.d; echo > /run/uvars-users.d");
    host.activate(&["--phase", "users"]).exits(1).says("/run/uvars-users.d: is not a folder");
}
