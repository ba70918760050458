//! The link in a home, made by a helper that has given up root: what its owner can do to that, and what not.

use crate::host::deployed;
use crate::sandbox::{Ran, Sandbox, UVARS};
use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

const LINK: &str = "/home/jon/.local/state/uvars/current";

/// An activation while jon sends a signal to each of its threads and children until one takes it, and whether one
/// did. The kernel takes a thread's number for its process, all of which it then stops or ends.
fn attacked(host: &Sandbox, signal: &str) -> (Ran, bool) {
    let script = format!(
        "read -r p; exec 2>/dev/null
         while [ -e /proc/$p ]; do
           children=; read -r children < /proc/$p/task/$p/children
           for t in /proc/$p/task/* $children; do kill -{signal} ${{t##*/}} && echo hit && exit; done
         done"
    );
    let mut attack = host.command("setpriv");
    attack.args(["--reuid", "4201", "--regid", "4200", "--clear-groups", "sh", "-c", &script]);
    let mut attack = attack.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut run = host.command(UVARS);
    run.args(["activate", "--phase", "services"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = run.spawn().unwrap();
    attack.stdin.take().unwrap().write_all(format!("{}\n", run.id()).as_bytes()).unwrap();
    // One that hangs is ended, so that the test ends too; its exit code is none then.
    let until = Instant::now() + Duration::from_secs(40);
    while run.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            run.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let ran = Ran::of(&run.wait_with_output().unwrap());
    let hit = attack.wait_with_output().unwrap().stdout == b"hit\n";
    (ran, hit)
}

#[test]
fn no_signal_of_its_owner_stops_or_fails_an_activation() {
    let Some((host, ..)) = deployed() else { return };
    for (signal, said) in
        [("STOP", "/home/jon: does not answer"), ("KILL", "the helper was ended: signal: 9")]
    {
        let met = (0..60).any(|_| {
            host.sh(
                "umount /run/uvars.d 2>/dev/null || true; rm -rf /run/uvars /run/uvars.d /home/jon/.local",
            );
            let (ran, hit) = attacked(&host, signal);
            let ran = ran.exits(0);
            assert_eq!(host.read("/run/uvars/home/jon/token").as_deref(), Some("t0ken"), "{signal}");
            assert_eq!(host.read("/run/uvars/port").as_deref(), Some("5432"), "{signal}");
            // A signal may come when the link is made already, and the helper is about to end.
            hit && ran.err.contains("the link of jon is left as it was") && ran.says(said).code == Some(0)
        });
        assert!(met, "{signal}: the helper was never met");
        // Nothing is held or left behind: the next run does it all.
        host.activate(&[]).exits(0);
        assert_eq!(host.sh(&format!("readlink {LINK}")), "/run/uvars/home/jon\n", "{signal}");
    }
}

#[test]
fn the_helper_has_the_rights_of_the_owner_and_no_others() {
    let Some(host) = Sandbox::new() else { return };
    let help = |home: &str, target: &str| {
        let mut command = host.command(UVARS);
        let ran = Ran::of(&command.args([".link-home", "4242", "4243", home, target]).output().unwrap());
        assert_eq!(ran.err, "");
        ran
    };
    host.sh("mkdir -m 0700 /home/eve; chown 4242:4242 /home/eve");
    assert_eq!(help("/home/eve", "/run/uvars/home/eve").exits(0).out, "");
    for made in [".local", ".local/state/uvars", ".local/state/uvars/current"] {
        assert_eq!(host.sh(&format!("stat -c %u:%g /home/eve/{made}")), "4242:4243\n", "{made}");
    }
    // In a home that is another's, and through a link to where its owner may not write.
    host.sh("chown -R 0 /home/eve; chmod 0755 /home/eve; rm -r /home/eve/.local");
    assert!(help("/home/eve", "/x").exits(1).out.contains("Permission denied"));
    host.sh("chown 4242 /home/eve; mkdir /home/other; ln -s /home/other /home/eve/.local");
    assert!(help("/home/eve", "/x").exits(1).out.contains("Permission denied"));
    // Root's groups are given up too.
    host.sh("chmod 0770 /home/other; chown 0:0 /home/other");
    let groups = format!("setpriv --groups 0 {UVARS} .link-home 4242 4243 /home/eve /x || true");
    assert!(host.sh(&groups).contains("Permission denied"));
    assert_eq!(host.sh("ls -A /home/other"), "");
    // Nobody can become another by it.
    let script = format!(
        "setpriv --reuid 4201 --regid 4200 --clear-groups {UVARS} .link-home 0 0 /home/eve /x || echo $?"
    );
    let said = host.sh(&script);
    assert!(said.contains("give up the rights of root") && said.ends_with("\n1\n"), "{said}");
}
