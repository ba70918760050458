//! As a host's root runs it: with an ssh host key and a manifest, and nothing else.

use crate::peers;
use crate::person::planted;
use crate::sandbox::{self, Export, Key, Sandbox, UVARS, encrypted, host_values, ssh_key};
use uvars::activate::{Format as AccountFormat, Phase, Policy, Settings};
use uvars::sops::{BINDING_KEY, KeyPath, Map, Plain, Value};

pub const HASH_A: &str = "$y$j9T$aaaaaaaaaaaaaaaaaaaaaa$bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
pub const HASH_B: &str =
    "$6$saltsalt$cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";

/// A host with everything: an account of each policy, installs of both phases, an integrated user.
pub fn whole(key: &Key) -> Export {
    let readers = [key.converted()];
    let mut export = Export::host();
    export.account("jon", Policy::Present, HASH_A, &readers);
    export.account("ann", Policy::Locked, HASH_B, &[key.native()]);
    export.manifest.accounts.push(uvars::activate::Account {
        user: "old".into(),
        policy: Policy::Absent,
        ..Default::default()
    });
    let host = export.file("secrets/hosts/cinnabar.sops.yaml", &readers, host_values("s3cret"));
    let install = export.install("db/password", &host, "db.password");
    (install.owner, install.group, install.mode) = ("postgres".into(), Some("postgres".into()), 0o440);
    export.install("port", &host, "port");
    export.install("early", &host, "port").phase = Phase::Users;
    let own = Map::new().with("token", "t0ken").with("db", Map::new().with("password", "p"));
    let own = export.file("secrets/users/jon.sops.yaml", &readers, own);
    export.personal("jon", own);
    export
}

/// A host, its key and a deployed manifest; `None` where this machine cannot have one.
pub fn deployed() -> Option<(Sandbox, Key, Export)> {
    let host = Sandbox::new()?;
    let key = ssh_key()?;
    let export = whole(&key);
    host.deploy(&export, &key.file);
    Some((host, key, export))
}

#[test]
fn everything_lands_with_owner_and_mode_by_the_host_s_key_alone() {
    let Some((host, ..)) = deployed() else { return };
    host.activate(&[]).exits(0);
    for (file, content, stat) in [
        ("/run/uvars-users/jon/password_hash", HASH_A, "0:0 400"),
        ("/run/uvars-users/ann/password_hash", &format!("!{HASH_B}"), "0:0 400"),
        ("/run/uvars-users/early", "5432", "0:0 400"),
        ("/run/uvars/db/password", "s3cret", "70:71 440"),
        ("/run/uvars/port", "5432", "0:0 400"),
        ("/run/uvars/home/jon/token", "t0ken", "4201:4200 400"),
        ("/run/uvars/home/jon/db.password", "p", "4201:4200 400"),
    ] {
        assert_eq!(host.read(file).as_deref(), Some(content), "{file}");
        assert_eq!(host.stat(file), stat, "{file}");
    }
    let listed = host.sh("cd /run; find uvars.d uvars-users.d -mindepth 2 -type f | sort");
    assert_eq!(
        listed.lines().collect::<Vec<_>>(),
        [
            "uvars-users.d/1/ann/password_hash",
            "uvars-users.d/1/early",
            "uvars-users.d/1/jon/password_hash",
            "uvars.d/1/db/password",
            "uvars.d/1/home/jon/db.password",
            "uvars.d/1/home/jon/token",
            "uvars.d/1/port",
        ]
    );
    assert_eq!(host.sh("stat -f -c %T /run/uvars.d /run/uvars-users.d"), "ramfs\nramfs\n");
    for folder in ["/run/uvars.d", "/run/uvars.d/1", "/run/uvars.d/1/home/jon", "/run/uvars-users.d/1/jon"] {
        assert_eq!(host.stat(folder), "0:0 711", "{folder}");
    }
    // The person reads their own by the link in their home, which is theirs; nobody else does.
    let link = "/home/jon/.local/state/uvars/current";
    assert_eq!(host.sh(&format!("readlink {link}")), "/run/uvars/home/jon\n");
    assert_eq!(host.sh(&format!("stat -c %u:%g {link} /home/jon/.local")), "4201:4200\n4201:4200\n");
    let as_user = |uid: u32, file: &str| {
        let script = format!("setpriv --reuid {uid} --regid 4200 --clear-groups cat {file} || echo refused");
        host.sh(&script)
    };
    assert_eq!(as_user(4201, &format!("{link}/token")), "t0ken");
    assert_eq!(as_user(4202, "/run/uvars/home/jon/token"), "refused\n");
    assert_eq!(as_user(4201, "/run/uvars-users/jon/password_hash"), "refused\n");
    assert_eq!(as_user(4201, "/run/uvars.d/status.json"), "refused\n");
    // No private key stays behind.
    assert_eq!(host.sh("grep -rlE 'PRIVATE KEY|AGE-SECRET' /run || true"), "");
}

#[test]
fn generations_rise_are_pruned_and_stay_when_nothing_changes() {
    let Some((host, key, mut export)) = deployed() else { return };
    host.activate(&[]).exits(0);
    let before = host.everything();
    let again = host.activate(&[]).exits(0);
    assert!(again.out.contains("/run/uvars: generation 1, unchanged"), "{}", again.out);
    assert_eq!(host.everything(), before);
    for (number, password) in [(2, "two"), (3, "three"), (4, "four")] {
        export.file("secrets/hosts/cinnabar.sops.yaml", &[key.converted()], host_values(password));
        host.deploy(&export, &key.file);
        let ran = host.activate(&[]).exits(0);
        assert!(ran.out.contains("modified db/password"), "{}", ran.out);
        assert_eq!(host.read("/run/uvars/db/password").as_deref(), Some(password));
        assert_eq!(host.sh("readlink /run/uvars"), format!("/run/uvars.d/{number}\n"));
        assert_eq!(host.sh("readlink /run/uvars-users"), "/run/uvars-users.d/1\n");
        assert_eq!(host.sh("cd /run/uvars.d; ls -d [0-9]*"), format!("{}\n{number}\n", number - 1));
    }
    // A link that was forced elsewhere, folders that are no numbers, and one that a killed run left behind.
    host.sh("cd /run/uvars.d; cp -a 4 99; mkdir 90 07 x; ln -sfn /run/uvars.d/99 /run/uvars");
    export.manifest.installs.retain(|install| install.name != "port");
    host.deploy(&export, &key.file);
    let ran = host.activate(&["--phase", "services"]).exits(0);
    assert!(
        ran.out.contains("/run/uvars: generation 100") && ran.out.contains("removed port"),
        "{}",
        ran.out
    );
    assert_eq!(host.sh("cd /run/uvars.d; ls -d [0-9x]*"), "07\n100\n99\nx\n");
    assert_eq!(host.read("/run/uvars/port"), None);
    // The last thing goes too.
    export.manifest.installs.clear();
    export.manifest.personal.clear();
    host.deploy(&export, &key.file);
    host.activate(&["--phase", "services"]).exits(0);
    assert_eq!(host.sh("find /run/uvars/ -type f | wc -l"), "0\n");
}

#[test]
fn with_the_wrong_key_on_an_empty_run_every_password_is_still_offered() {
    let Some((host, ..)) = deployed() else { return };
    let Some(other) = ssh_key() else { return };
    host.sh(&format!("cp {} /etc/ssh/ssh_host_ed25519_key", other.file.display()));
    host.sh(&format!(
        "printf 'root:!*:1:0:9:7:::\\njon:{HASH_B}:1:0:9:7:::\\nann:{HASH_A}:1:0:9:7:::\\n' > /etc/shadow"
    ));
    let ran = host.activate(&[]).exits(1);
    let ran =
        ran.says("jon/password_hash").says("the password in /etc/shadow stays").says("ssh_host_ed25519_key");
    assert!(!ran.err.contains(HASH_B) && !ran.err.contains("PRIVATE"), "{}", ran.err);
    assert_eq!(host.read("/run/uvars-users/jon/password_hash").as_deref(), Some(HASH_B));
    assert_eq!(host.read("/run/uvars-users/ann/password_hash"), Some(format!("!{HASH_A}")));
    // Without a manifest at all, as much.
    host.sh("umount /run/uvars-users.d; rm -r /run/uvars-users*; rm /etc/uvars/manifest.json");
    host.activate(&["--phase", "users"]).exits(1).says("there is no manifest");
    assert_eq!(host.read("/run/uvars-users/jon/password_hash").as_deref(), Some(HASH_B));
    assert_eq!(host.read("/run/uvars-users/root/password_hash").as_deref(), Some("!*"));
}

#[test]
fn with_the_wrong_key_later_the_last_good_state_stays() {
    let Some((host, key, mut export)) = deployed() else { return };
    let Some(other) = ssh_key() else { return };
    host.activate(&[]).exits(0);
    host.sh(&format!("printf 'jon:{HASH_B}:1:0:9:7:::\\n' > /etc/shadow"));
    let before = host.sh("find /run/uvars*.d -type f ! -name status.json -exec sha256sum {} + | sort");
    // A new manifest, which also locks jon and wants something new.
    export.file("secrets/hosts/cinnabar.sops.yaml", &[key.converted()], host_values("new"));
    host.deploy(&export, &other.file);
    host.activate(&[]).exits(1).says("db/password").says("the last good value stays");
    assert_eq!(host.sh("find /run/uvars*.d -type f ! -name status.json -exec sha256sum {} + | sort"), before);
    export.manifest.accounts[0].policy = Policy::Locked;
    host.deploy(&export, &other.file);
    host.activate(&[]).exits(1);
    assert_eq!(host.read("/run/uvars-users/jon/password_hash"), Some(format!("!{HASH_A}")));
    // What was locked is not unlocked by a file that cannot be opened.
    export.manifest.accounts[0].policy = Policy::Present;
    host.deploy(&export, &other.file);
    host.activate(&[]).exits(1);
    assert_eq!(host.read("/run/uvars-users/jon/password_hash"), Some(format!("!{HASH_A}")));
    host.deploy(&export, &key.file);
    host.activate(&[]).exits(0);
    assert_eq!(host.read("/run/uvars-users/jon/password_hash").as_deref(), Some(HASH_A));
    assert_eq!(host.read("/run/uvars/db/password").as_deref(), Some("new"));
}

#[test]
fn one_bad_file_keeps_its_last_state_and_stops_nothing() {
    let Some((host, key, mut export)) = deployed() else { return };
    let readers = [key.converted()];
    let more = export.file("secrets/shared/wifi.sops.yaml", &readers, Map::new().with("psk", "one"));
    export.install("wifi", &more, "psk");
    host.deploy(&export, &key.file);
    host.activate(&[]).exits(0);
    let hosts = "secrets/hosts/cinnabar.sops.yaml";
    let good = encrypted(&Plain::new(host_values("new").with(BINDING_KEY, hosts)), &readers);
    let text = String::from_utf8(good).unwrap();
    let damaged = text.replacen("data:", "data:AAAA", 1);
    for (bytes, said) in [
        (damaged.into_bytes(), hosts),
        (text.replacen("    password:", "    passwort:", 1).into_bytes(), "passwor"),
        (b"".to_vec(), hosts),
        (b"\xff\xfe".to_vec(), hosts),
        (b"db: {password: clear}\n".to_vec(), hosts),
        (text.as_bytes()[..text.len() / 2].to_vec(), hosts),
    ] {
        export.bytes(hosts, bytes);
        host.deploy(&export, &key.file);
        let ran = host.activate(&["--phase", "services"]).exits(1).says(said).says("db/password: ");
        assert!(!ran.err.contains("clear"), "{}", ran.err);
        assert_eq!(host.read("/run/uvars/db/password").as_deref(), Some("s3cret"));
        assert_eq!(host.read("/run/uvars/wifi").as_deref(), Some("one"));
        assert_eq!(host.read("/run/uvars/home/jon/token").as_deref(), Some("t0ken"));
    }
    // Another file than the manifest names, and none at all.
    host.sh(&format!("echo >> /etc/uvars/{hosts}"));
    host.activate(&[]).exits(1).says("its SHA-256 differs").says("the last good value stays");
    host.sh(&format!("rm /etc/uvars/{hosts}"));
    host.activate(&[]).exits(1).says("is not there beside the manifest");
    // The rest moves on.
    export.bytes(hosts, Vec::new());
    export.file("secrets/shared/wifi.sops.yaml", &readers, Map::new().with("psk", "two"));
    host.deploy(&export, &key.file);
    host.activate(&[]).exits(1);
    assert_eq!(host.read("/run/uvars/wifi").as_deref(), Some("two"));
    assert_eq!(host.read("/run/uvars/db/password").as_deref(), Some("s3cret"));
    // What somebody without a key adds empties no value of a person.
    let jon = Map::new().with("db", Map::new().with("password", "d3ep"));
    export.file("secrets/users/jon.sops.yaml", &readers, jon.clone());
    host.deploy(&export, &key.file);
    host.activate(&[]).exits(1);
    planted(&mut export, "secrets/users/jon.sops.yaml", &readers, jon, "db.password: \"\"");
    host.deploy(&export, &key.file);
    host.activate(&[])
        .exits(1)
        .says("home/jon/db.password: ")
        .says("want the same place; the last good value stays");
    assert_eq!(host.read("/run/uvars/home/jon/db.password").as_deref(), Some("d3ep"));
    // And --status remembers.
    host.activate(&["--status"]).exits(1).says("db/password: ").says("the last good value stays");
}

#[test]
fn a_file_out_of_its_place_is_refused_by_name() {
    let Some((host, key, mut export)) = deployed() else { return };
    host.activate(&[]).exits(0);
    let readers = [key.converted()];
    let path = "secrets/hosts/cinnabar.sops.yaml";
    let refused = |export: &Export, said: &str| {
        host.deploy(export, &key.file);
        let ran = host.activate(&["--phase", "services"]).exits(1).says(said).says(path);
        assert_eq!(host.read("/run/uvars/db/password").as_deref(), Some("s3cret"), "{}", ran.err);
    };
    export.file_bound(path, "secrets/shared/wifi.sops.yaml", &readers, host_values("swapped"));
    refused(&export, "this file was not written for");
    export.bytes(path, encrypted(&Plain::new(host_values("unbound")), &readers));
    refused(&export, "uvars bind secrets/hosts/cinnabar.sops.yaml");
    let mut list = Plain::new(host_values("listed"));
    list.set(&KeyPath::of_keys([BINDING_KEY]), &Value::List(vec![path.into()])).unwrap();
    export.bytes(path, encrypted(&list, &readers));
    refused(&export, "uvars_path: ");
    // in its place, with a value that only the MAC covers
    let sealed = encrypted(&Plain::new(host_values("planted").with(BINDING_KEY, path)), &readers);
    export.bytes(path, [b"planted_unencrypted: 1\n", sealed.as_slice()].concat());
    refused(&export, "the MAC does not fit the values");
    // jon's hash for ann, in a file that says it is ann's place but is jon's.
    let values = Map::new().with("user", "jon").with("password_hash", HASH_A);
    export.file("secrets/accounts/ann.sops.yaml", &readers, values);
    host.deploy(&export, &key.file);
    host.activate(&["--phase", "users"]).exits(1).says("says that it is for another user");
    assert_eq!(host.read("/run/uvars-users/ann/password_hash"), Some(format!("!{HASH_B}")));
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    let Some((host, ..)) = deployed() else { return };
    let mut seen = Vec::new();
    for umask in ["022", "077", "000", "777"] {
        host.sh(&format!("umask {umask}; {UVARS} activate"));
        seen.push(host.sh(
            "cd /run; find . -printf '%p %y %U:%G %m\\n' | sort; cd /home/jon; find .local -printf '%p %y %U:%G %m\\n' | sort",
        ));
        host.sh("umount /run/uvars.d /run/uvars-users.d; rm -r /run/uvars* /home/jon/.local");
    }
    for other in &seen[1..3] {
        assert_eq!(other, &seen[0]);
    }
    // A mask that closes everything to everybody closes nothing that root made for others either.
    let below_run = |listing: &str| listing.lines().filter(|line| line.contains("./uvars")).count();
    assert_eq!(below_run(&seen[3]), below_run(&seen[0]));
}

#[test]
fn a_manifest_that_others_could_have_written_is_refused() {
    let Some((host, ..)) = deployed() else { return };
    for (spoil, mend, said) in [
        (
            "chmod g+w /etc/uvars/manifest.json",
            "chmod g-w /etc/uvars/manifest.json",
            "can be written by others",
        ),
        ("chown 4201 /etc/uvars/manifest.json", "chown 0 /etc/uvars/manifest.json", "belongs to uid 4201"),
        ("chmod o+w /etc/uvars", "chmod o-w /etc/uvars", "/etc/uvars: can be written by others"),
        ("chown 4201 /etc/uvars", "chown 0 /etc/uvars", "/etc/uvars: belongs to uid 4201"),
        ("chmod 777 /etc", "chmod 755 /etc", "/etc: can be written by others"),
        (
            "mv /etc/uvars /etc/real; ln -s real /etc/uvars; chown -h 4201 /etc/uvars",
            "rm /etc/uvars; mv /etc/real /etc/uvars",
            "/etc/uvars: belongs to uid 4201",
        ),
    ] {
        host.sh(spoil);
        host.activate(&["--phase", "services"]).exits(1).says(said);
        assert_eq!(host.read("/run/uvars/port"), None);
        host.sh(mend);
    }
    // A copy that others can write is refused, and so only what comes from it.
    host.sh("chmod o+w /etc/uvars/secrets/users/jon.sops.yaml");
    host.activate(&["--phase", "services"]).exits(1).says("home/jon: ").says("can be written by others");
    assert_eq!(host.read("/run/uvars/port").as_deref(), Some("5432"));
    assert_eq!(host.read("/run/uvars/home/jon/token"), None);
    host.sh("chmod o-w /etc/uvars/secrets/users/jon.sops.yaml; chmod 1777 /etc/uvars");
    host.activate(&[]).exits(0);
    // As NixOS has it: links into a store whose folder is sticky.
    host.sh("chmod 755 /etc/uvars; mkdir -m 1775 /run/store; mv /etc/uvars /run/store/x; mkdir /etc/uvars; ln -s /run/store/x/manifest.json /etc/uvars/");
    host.activate(&[]).exits(0);
    host.activate(&["/run/store/x"]).exits(0);
}

#[test]
fn hostile_manifests_change_nothing() {
    let Some((host, _, export)) = deployed() else { return };
    host.activate(&[]).exits(0);
    let good = String::from_utf8(export.manifest.to_json().unwrap()).unwrap();
    let live = host.sh("find /run/uvars*.d -type f ! -name status.json -exec sha256sum {} + | sort");
    for (from, to, said) in [
        ("\"db/password\"", "\"../../etc/cron.d/x\"", "installs.0.name"),
        ("\"db/password\"", "\"/etc/cron.d/x\"", "installs.0.name"),
        ("\"db/password\"", "\"home/ann/x\"", "must not begin with home/"),
        ("\"user\": \"jon\"", "\"user\": \"../../../etc\"", "is not a user name"),
        ("\"owner\"", "\"ownr\"", "installs.0.ownr: is a field that this version of uvars does not know"),
        ("\"version\": 1", "\"version\": 2", "version: is 2, and this uvars reads 1"),
        ("\"for\": \"hosts/cinnabar\"", "\"for\": \"users/jon\"", "is for hosts"),
        ("{", "", "is not the JSON it should be"),
    ] {
        assert!(good.contains(from), "{from}");
        export.write_manifest(good.replacen(from, to, 1).as_bytes());
        host.sh(&format!("cp {}/manifest.json /etc/uvars/", export.dir.path().display()));
        host.activate(&[])
            .exits(1)
            .says(said)
            .says("/etc/uvars/manifest.json")
            .says("the last good value stays");
        assert_eq!(
            host.sh("find /run/uvars*.d -type f ! -name status.json -exec sha256sum {} + | sort"),
            live
        );
    }
}

#[test]
fn garbage_for_a_manifest_ends_soon_and_changes_nothing() {
    let Some((host, ..)) = deployed() else { return };
    host.activate(&[]).exits(0);
    let live = host.sh("find /run/uvars*.d -type f ! -name status.json -exec sha256sum {} + | sort");
    let many: Vec<_> = (0..300_000).map(|number| format!("\"field{number}\": 1")).collect();
    let many = format!("{{{}}}", many.join(", "));
    let beside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(beside.path(), many).unwrap();
    let many = format!("cp {} manifest.json", beside.path().display());
    for (script, said) in [
        (": > manifest.json", "is not the JSON it should be"),
        ("printf '\\000\\377\\376' > manifest.json", "is not the JSON it should be"),
        ("echo null > manifest.json", "must be an object"),
        ("echo [] > manifest.json", "must be an object"),
        ("head -c 1000000 /dev/zero | tr '\\0' '[' > manifest.json", "is not the JSON it should be"),
        (many.as_str(), "version: is missing"),
        ("truncate -s 65M manifest.json", "is larger than 64 MiB"),
        ("rm manifest.json; mkdir manifest.json", "is not a file"),
        ("rmdir manifest.json; mkfifo manifest.json", "is not a file"),
        ("rm manifest.json; ln -s /dev/zero manifest.json", "is not a file"),
        ("rm manifest.json; ln -s manifest.json manifest.json", "links"),
    ] {
        host.sh(&format!("cd /etc/uvars; {script}"));
        let start = std::time::Instant::now();
        host.activate(&[]).exits(1).says(said).says("the last good value stays");
        assert!(start.elapsed().as_secs() < 15, "{script}: {:?}", start.elapsed());
        let now = host.sh("find /run/uvars*.d -type f ! -name status.json -exec sha256sum {} + | sort");
        assert_eq!(now, live, "{script}");
    }
}

#[test]
fn what_is_no_hash_never_reaches_shadow() {
    let Some((host, key, mut export)) = deployed() else { return };
    host.activate(&[]).exits(0);
    let broken = [
        "",
        "hunter2hunter2",
        "!",
        "*",
        "$y$j9T$a:0:0$b12",
        "$y$j9T$abc$def\nroot2::0:0::/:/bin/sh",
        " $y$j9T$abc$def",
    ];
    for hash in broken {
        let values = Map::new().with("user", "jon").with("password_hash", hash);
        export.file("secrets/accounts/jon.sops.yaml", &[key.converted()], values);
        host.deploy(&export, &key.file);
        let ran = host.activate(&["--phase", "users"]).exits(1).says("jon/password_hash");
        assert!(!ran.err.contains("hunter2") && !ran.err.contains("root2"), "{}", ran.err);
        assert_eq!(host.read("/run/uvars-users/jon/password_hash").as_deref(), Some(HASH_A), "{hash:?}");
    }
}

#[test]
fn an_unknown_owner_closes_the_file_and_is_reported() {
    let Some((host, key, mut export)) = deployed() else { return };
    export.manifest.installs[0].owner = "nobody-here".into();
    host.deploy(&export, &key.file);
    host.activate(&[]).exits(1).says("the host knows no user nobody-here").says("only root can read it");
    assert_eq!(host.stat("/run/uvars/db/password"), "0:0 400");
    assert_eq!(host.read("/run/uvars/db/password").as_deref(), Some("s3cret"));
    let install = &mut export.manifest.installs[0];
    (install.owner, install.group) = ("12345".into(), Some("54321".into()));
    host.deploy(&export, &key.file);
    host.activate(&[]).exits(0);
    assert_eq!(host.stat("/run/uvars/db/password"), "12345:54321 440");
    // An account that is not made yet is no obstacle to the users phase.
    host.sh("printf 'root:x:0:0::/root:/bin/sh\\n' > /etc/passwd");
    host.activate(&["--phase", "users"]).exits(0);
    host.activate(&[]).exits(1).says("the host knows no user jon");
    assert_eq!(host.stat("/run/uvars/home/jon/token"), "0:0 400");
}

#[test]
fn a_dry_run_leaves_nothing_behind() {
    let Some((host, key, mut export)) = deployed() else { return };
    let before = host.everything();
    let ran = host.activate(&["--dry-run"]).exits(0);
    assert!(
        ran.out.contains("would add jon/password_hash") && ran.out.contains("would add db/password"),
        "{}",
        ran.out
    );
    assert_eq!(host.everything(), before);
    host.activate(&[]).exits(0);
    export.file("secrets/hosts/cinnabar.sops.yaml", &[key.converted()], host_values("new"));
    export.manifest.personal.clear();
    host.deploy(&export, &key.file);
    let before = host.everything();
    let ran = host.activate(&["--dry-run"]).exits(0);
    assert!(ran.out.contains("would modify db/password"), "{}", ran.out);
    assert!(ran.out.contains("would remove home/jon/token"), "{}", ran.out);
    assert!(ran.out.contains("/run/uvars-users: generation 1, unchanged"), "{}", ran.out);
    assert_eq!(host.everything(), before);
    assert_eq!(host.sh("grep -c ^uvars /proc/mounts"), "2\n");
}

#[test]
fn status_and_json_say_what_is_active() {
    let Some((host, ..)) = deployed() else { return };
    host.activate(&["--status"]).exits(1);
    let ran = host.activate(&["--json"]).exits(0);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["whole"], true);
    assert_eq!(json["trees"][1]["link"], "/run/uvars");
    assert_eq!(json["trees"][1]["added"][0], "db/password");
    assert!(!ran.out.contains("s3cret") && !ran.out.contains("$y$"), "{}", ran.out);
    let ran = host.activate(&["--status"]).exits(0);
    assert!(ran.out.contains("/run/uvars-users: generation 1"), "{}", ran.out);
    assert!(ran.out.contains("secrets/accounts/jon.sops.yaml: changed 2026-01-02T03:04:05Z"), "{}", ran.out);
    let ran = host.activate(&["--status", "--json", "--phase", "users"]).exits(0);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["trees"][0]["last"]["files"][0]["changed"], "2026-01-02T03:04:05Z");
    assert_eq!(json["trees"][0]["generation"], 1);
    assert!(json["trees"].get(1).is_none());
}

#[test]
fn planted_links_lead_root_nowhere() {
    let Some((host, ..)) = deployed() else { return };
    host.sh("echo precious > /etc/precious; mkdir /etc/folder");
    // In jon's own home, where they may plant what they like.
    host.sh("setpriv --reuid 4201 --regid 4200 --clear-groups sh -euc 'cd; mkdir -p ~/.local/state; ln -s /etc/folder ~/.local/state/uvars' HOME=/home/jon || su -s /bin/sh -c true root; true");
    host.sh("cd /home/jon; mkdir -p .local/state; ln -sfn /etc/folder .local/state/uvars; chown -hR 4201:4200 .local");
    let ran = host.activate(&[]).exits(0);
    assert!(ran.err.contains("the link of jon is left as it was"), "{}", ran.err);
    assert_eq!(host.sh("ls -A /etc/folder"), "");
    // In /run by a link where a folder or the link's stage should be (which only root could make).
    host.sh("umount /run/uvars.d; rm -r /run/uvars /run/uvars.d; ln -s /etc/folder /run/uvars.d; ln -s /etc/precious /run/.uvars.new");
    host.activate(&["--phase", "services"]).exits(1);
    assert_eq!(host.sh("ls -A /etc/folder; cat /etc/precious"), "precious\n");
    host.sh("rm /run/uvars.d; mkdir /run/uvars.d; chown 4201 /run/uvars.d");
    host.activate(&["--phase", "services"]).exits(1).says("/run/uvars.d: belongs to uid 4201");
    host.sh("rmdir /run/uvars.d; rm /run/uvars.lock; ln -s /etc/precious /run/uvars.lock");
    host.activate(&["--phase", "services"]).exits(1).says("uvars.lock");
    host.sh("rm /run/uvars.lock; chmod 777 /run");
    host.activate(&["--phase", "services"]).exits(1).says("/run: can be written by others");
    host.sh("chmod 755 /run; mkdir -p /run/uvars; echo mine > /run/uvars/file");
    host.activate(&["--phase", "services"]).exits(0).says("/run/uvars.before-uvars");
    assert_eq!(host.sh("cat /run/uvars.before-uvars/file /etc/precious"), "mine\nprecious\n");
    assert_eq!(host.read("/run/uvars/port").as_deref(), Some("5432"));
}

#[test]
fn where_nothing_may_be_mounted_memory_is_used_and_a_disk_is_not() {
    let Some((host, ..)) = deployed() else { return };
    let without = |script: &str| {
        let mut command = host.command("capsh");
        Some(sandbox::Ran::of(&command.args(["--drop=cap_sys_admin", "--", "-c", script]).output().unwrap()))
    };
    let activate = format!("exec {UVARS} activate");
    let Some(ran) = without(&activate) else { return };
    ran.exits(0).says("nothing may be mounted here");
    assert_eq!(host.sh("grep -c ^uvars /proc/mounts || true"), "0\n");
    assert_eq!(host.read("/run/uvars/port").as_deref(), Some("5432"));
    // Later, with the right to mount, what is in use is not hidden.
    host.activate(&[]).exits(0);
    assert_eq!(host.read("/run/uvars/port").as_deref(), Some("5432"));
    assert_eq!(host.sh("grep -c ^uvars /proc/mounts || true"), "0\n");
    // On a disk nothing is written.
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::set_permissions(disk.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    host.sh(&format!("rm -r /run/uvars*; mount --bind {} /run", disk.path().display()));
    let on_disk = host.sh("stat -f -c %T /run");
    if !on_disk.starts_with("tmpfs") && !on_disk.starts_with("ramfs") {
        without(&activate).unwrap().exits(1).says("mount a file system in memory");
        assert_eq!(host.sh("find /run -type f ! -name '*.lock' ! -name status.json"), "");
    }
}

#[test]
fn without_ramfs_tmpfs_serves() {
    let Some((host, ..)) = deployed() else { return };
    let Some(strace) = peers::find("strace") else { return };
    for (fails, kind) in [("1", "tmpfs"), ("1..2", "tmpfs")] {
        let log = tempfile::NamedTempFile::new().unwrap();
        let ran = host
            .command(strace.to_str().unwrap())
            .args(["-f", "-o", log.path().to_str().unwrap(), "-e", "trace=mount"])
            .args([
                "-e",
                &format!("inject=mount:error=EINVAL:when={fails}"),
                UVARS,
                "activate",
                "--phase",
                "services",
            ])
            .output()
            .unwrap();
        let ran = sandbox::Ran::of(&ran).exits(0);
        assert_eq!(host.sh("stat -f -c %T /run/uvars.d"), format!("{kind}\n"));
        assert_eq!(ran.err.contains("may be swapped out"), fails == "1..2", "{}", ran.err);
        assert_eq!(host.stat("/run/uvars.d"), "0:0 711");
        host.sh("umount /run/uvars.d; rm -r /run/uvars*");
    }
}

#[test]
fn a_full_file_system_changes_nothing() {
    let Some((host, key, mut export)) = deployed() else { return };
    host.sh("mkdir -m 0711 /run/uvars.d; mount -t tmpfs -o size=64k,mode=0711 tmpfs /run/uvars.d");
    host.activate(&["--phase", "services"]).exits(0);
    let large = "x".repeat(128 << 10);
    export.file("secrets/hosts/cinnabar.sops.yaml", &[key.converted()], host_values(&large));
    host.deploy(&export, &key.file);
    host.activate(&["--phase", "services"]).exits(1).says("No space left").says("the last good value stays");
    assert_eq!(host.read("/run/uvars/db/password").as_deref(), Some("s3cret"));
    assert_eq!(host.sh("cd /run/uvars.d; ls -d [0-9]*"), "1\n");
}

#[test]
fn two_runs_at_once_serialise() {
    let Some((host, key, mut export)) = deployed() else { return };
    for round in 0..4 {
        export.file(
            "secrets/hosts/cinnabar.sops.yaml",
            &[key.converted()],
            host_values(&format!("value {round}")),
        );
        host.deploy(&export, &key.file);
        let runs: Vec<_> = (0..4).map(|_| host.command(UVARS).arg("activate").spawn().unwrap()).collect();
        for mut run in runs {
            assert!(run.wait().unwrap().success());
        }
        assert_eq!(host.read("/run/uvars/db/password"), Some(format!("value {round}")));
        assert_eq!(host.sh("readlink /run/uvars"), format!("/run/uvars.d/{}\n", round + 1));
    }
}

#[test]
fn plaintext_passwords_are_hashed_once() {
    let Some((host, key, mut export)) = deployed() else { return };
    export.manifest.settings = Settings { hash_kind: Some("sha512-crypt".into()), hash_cost: Some(1000) };
    export.account("jon", Policy::Present, HASH_A, &[key.converted()]).format = AccountFormat::Plaintext;
    let values = Map::new().with("user", "jon").with("password", "hunter2");
    export.file("secrets/accounts/jon.sops.yaml", &[key.converted()], values);
    host.deploy(&export, &key.file);
    host.activate(&[]).exits(0);
    let hash = host.read("/run/uvars-users/jon/password_hash").unwrap();
    assert!(hash.starts_with("$6$rounds=1000$"), "{hash}");
    let again = host.activate(&[]).exits(0);
    assert!(again.out.contains("/run/uvars-users: generation 1, unchanged"), "{}", again.out);
}

#[test]
fn who_is_not_root_is_told_so() {
    let Some((host, ..)) = deployed() else { return };
    let output = host
        .command("setpriv")
        .args(["--reuid", "4201", "--regid", "4200", "--clear-groups", "cat", UVARS])
        .output()
        .unwrap();
    if !output.status.success() {
        return;
    }
    let output = host
        .command("setpriv")
        .args(["--reuid", "4201", "--regid", "4200", "--clear-groups", UVARS, "activate"])
        .output()
        .unwrap();
    sandbox::Ran::of(&output).exits(1).says("a host is activated by its root").says("uvars activate --user");
}
