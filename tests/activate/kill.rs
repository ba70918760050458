//! Killed at any system call that changes something, a host has a whole generation, and the next run makes it the
//! new one.

use crate::host::{HASH_A, HASH_B};
use crate::peers;
use crate::sandbox::{Export, Key, Ran, Sandbox, UVARS, host_values, ssh_key};
use uvars::activate::Policy;
use uvars::sops::Map;

/// The same host before and after a change of everything.
fn export(key: &Key, tag: &str, hash: &str) -> Export {
    let readers = [key.converted()];
    let mut export = Export::host();
    export.account("jon", Policy::Present, hash, &readers);
    export.account("ann", Policy::Present, hash, &readers);
    let host = export.file("secrets/hosts/cinnabar.sops.yaml", &readers, host_values(tag));
    export.install("db/password", &host, "db.password");
    export.install("again", &host, "db.password");
    let own = export.file("secrets/users/jon.sops.yaml", &readers, Map::new().with("token", tag));
    export.personal("jon", own);
    export
}

const USERS: [&str; 2] = ["/run/uvars-users/jon/password_hash", "/run/uvars-users/ann/password_hash"];
const VALUES: [&str; 3] = ["/run/uvars/db/password", "/run/uvars/again", "/run/uvars/home/jon/token"];

/// Every file of a tree says the same: old or new, or from before there was anything.
fn assert_whole(host: &Sandbox, files: &[&str], allowed: &[Option<&str>], at: &str) {
    let found: Vec<_> = files.iter().map(|file| host.read(file)).collect();
    assert!(found.iter().all(|content| *content == found[0]), "{at}: {found:?}");
    assert!(allowed.contains(&found[0].as_deref()), "{at}: {found:?}");
}

#[test]
fn killed_anywhere_the_old_or_the_new_is_there_and_the_next_run_heals() {
    let Some(host) = Sandbox::new() else { return };
    let Some(strace) = peers::find("strace") else { return };
    let Some(key) = ssh_key() else { return };
    let deep = std::env::var_os("UVARS_DEEP").is_some_and(|deep| deep == "1");
    for (name, tag, hash) in [("old", "old", HASH_A), ("new", "new", HASH_B)] {
        host.deploy(&export(&key, tag, hash), &key.file);
        host.sh(&format!("rm -rf /etc/{name}; mv /etc/uvars /etc/{name}"));
    }
    let calls = [
        "rename,renameat,renameat2",
        "symlink,symlinkat",
        "mkdir,mkdirat",
        "unlink,unlinkat",
        "fchmod,fchown,fchmodat",
        "mount",
        "write",
    ];
    for first_run in [false, true] {
        for call in calls {
            // Points close together are alike; .ci/deep tries them all.
            let step = if deep || call.starts_with("rename") || call.starts_with("symlink") { 1 } else { 4 };
            let killed =
                (1..).step_by(step).take_while(|at| killed(&host, &strace, call, *at, first_run)).count();
            assert!(
                killed > 0 || (call == "mount" && !first_run) || (call.starts_with("unlink") && first_run),
                "{call}"
            );
        }
    }
}

/// Whether a run was killed at that call; false where it came to its end first.
fn killed(host: &Sandbox, strace: &std::path::Path, call: &str, at: usize, first_run: bool) -> bool {
    host.sh("umount /run/uvars.d /run/uvars-users.d 2>/dev/null || true; rm -rf /run/uvars* /run/.uvars* /home/jon/.local");
    host.sh("printf 'root:*:1:0:9:7:::\n' > /etc/shadow");
    let (old_hash, old) = if first_run { (None, None) } else { (Some(HASH_A), Some("old")) };
    if !first_run {
        // Twice, so that there is something to prune.
        host.activate(&["/etc/new"]).exits(0);
        host.activate(&["/etc/old"]).exits(0);
    }
    let log = tempfile::NamedTempFile::new().unwrap();
    let output = host
        .command(strace.to_str().unwrap())
        .args(["-f", "-o", log.path().to_str().unwrap(), "-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:signal=KILL:when={at}"), UVARS, "activate", "/etc/new"])
        .output()
        .unwrap();
    let place = format!("{call} {at}, first run: {first_run}");
    let ran = Ran::of(&output);
    if ran.code == Some(0) {
        return false;
    }
    assert_eq!(ran.code, None, "{place}: {}", ran.err);
    assert_whole(host, &USERS, &[old_hash, Some(HASH_B)], &place);
    assert_whole(host, &VALUES, &[old, Some("new")], &place);
    host.activate(&["/etc/new"]).exits(0);
    assert_whole(host, &USERS, &[Some(HASH_B)], &place);
    assert_whole(host, &VALUES, &[Some("new")], &place);
    let left = host.sh("find /run -name '.*' ! -name . ; cd /run/uvars.d; ls -d [0-9]* | wc -l");
    assert!(left == "1\n" || left == "2\n", "{place}: {left}");
    assert_eq!(host.sh("readlink /home/jon/.local/state/uvars/current"), "/run/uvars/home/jon\n");
    true
}
