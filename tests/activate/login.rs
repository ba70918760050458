//! A real login: `su` through PAM, from a user who is not root, in a Debian tree whose /etc/shadow is filled by NixOS'
//! rule from what the users phase left.
//!
//! The tree is the folder that `UVARS_TEST_DEBIAN` names, else it is made once by debootstrap (less than a minute,
//! 200 MB) and kept below target/.

use crate::fleet::{Fleet, PASSWORD};
use crate::peers;
use crate::sandbox::{Sandbox, ssh_key};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Debian tree; nothing where there can be none (and the reason printed).
fn debian() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("UVARS_TEST_DEBIAN").filter(|path| !path.is_empty()) {
        let named = PathBuf::from(named);
        assert!(
            named.join("etc/passwd").is_file(),
            "UVARS_TEST_DEBIAN is set, and {} is no tree",
            named.display()
        );
        return Some(named);
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (tree, part) = (target.join("debian"), target.join("debian.part"));
    if !tree.exists() {
        let debootstrap = peers::find("debootstrap")?;
        drop(std::fs::remove_dir_all(&part));
        std::fs::create_dir_all(&part).unwrap();
        let made =
            Command::new(debootstrap).args(["--variant=minbase", "bookworm"]).arg(&part).output().unwrap();
        if !made.status.success() {
            let reason = String::from_utf8_lossy(&made.stdout).lines().last().unwrap_or_default().to_owned();
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "debootstrap: {reason}");
            eprintln!("no tree to log in to: debootstrap: {reason}");
            return None;
        }
        std::fs::rename(&part, &tree).unwrap();
    }
    Some(tree)
}

/// Makes the tree the host: its own /etc is what activation sees, and its root is at /run/tree.
fn enter(host: &Sandbox, tree: &Path) {
    host.sh(&format!(
        "mkdir /run/tree /run/over; mount -t tmpfs tmpfs /run/over; mkdir /run/over/upper /run/over/work
         mount -t overlay -o lowerdir={},upperdir=/run/over/upper,workdir=/run/over/work overlay /run/tree
         cp -r /etc/uvars /etc/ssh /run/tree/etc/
         mount --bind /run/tree/etc /etc; mount -t proc proc /run/tree/proc; mount --rbind /dev /run/tree/dev
         echo 'jon:x:4201:100::/:/bin/sh' >> /etc/passwd; echo 'ann:x:4202:100::/:/bin/sh' >> /etc/passwd",
        tree.display()
    ));
}

/// What NixOS does with `users.mutableUsers = false`: the file's content without its line end, else `!`.
fn fill_shadow(host: &Sandbox) {
    host.sh("sed -i '/^jon:/d;/^ann:/d' /etc/shadow
        for user in jon ann; do
            file=/run/uvars-users/$user/password_hash
            if [ -e $file ]; then hash=$(cat $file); else hash='!'; fi
            printf '%s:%s:1::::::\\n' $user \"$hash\" >> /etc/shadow
        done");
}

/// Whether `su` lets a user who is not root become this one with this password.
fn logs_in(host: &Sandbox, user: &str, password: &str) -> bool {
    let script = format!(
        "set timeout 20
         spawn -noecho chroot /run/tree setpriv --reuid 4202 --regid 100 --clear-groups su {user} -s /bin/sh -c \"id -un\"
         expect assword:
         send -- \"$env(PASSWORD)\\r\"
         expect eof
         lassign [wait] pid spawned error status
         exit $status"
    );
    let output = host
        .command("timeout")
        .args(["-s", "KILL", "40", "expect", "-c", &script])
        .env("PASSWORD", password)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let inside = said.lines().any(|line| line.trim() == user);
    assert_eq!(output.status.code() == Some(0), inside, "{said}");
    assert!(inside || said.contains("Authentication failure"), "{said}");
    inside
}

#[test]
fn su_accepts_the_password_that_was_typed_and_no_other() {
    let (Some(host), Some(fleet)) = (Sandbox::new(), Fleet::new()) else { return };
    if peers::find("expect").is_none() {
        return;
    }
    let Some(tree) = debian() else { return };
    fleet.generate();
    fleet.values();
    let out = fleet.export("cinnabar");
    host.sh(&format!(
        "cp -r {}/. /etc/uvars/; chmod -R go-w /etc/uvars; cp {} /etc/ssh/ssh_host_ed25519_key",
        out.path().display(),
        fleet.host.file.display()
    ));
    enter(&host, &tree);
    host.activate(&["--phase", "users"]).exits(0);
    fill_shadow(&host);
    assert!(logs_in(&host, "jon", PASSWORD));
    assert!(!logs_in(&host, "jon", "another one"));
    // ann is locked: the right password does not let her in.
    assert!(!logs_in(&host, "ann", "another one"));

    // After a reboot with a host key that opens nothing, the login still works, and nobody slips in.
    let Some(other) = ssh_key() else { return };
    host.sh(&format!(
        "umount /run/uvars-users.d; rm -r /run/uvars*; cp {} /etc/ssh/ssh_host_ed25519_key",
        other.file.display()
    ));
    host.activate(&["--phase", "users"]).exits(1).says("the password in /etc/shadow stays");
    fill_shadow(&host);
    assert!(logs_in(&host, "jon", PASSWORD));
    assert!(!logs_in(&host, "ann", "another one"));
}
