//! The whole way: a fleet, `generate`, `export manifest`, and activation on the host.

use crate::peers;
use crate::sandbox::{Key, Ran, Sandbox, UVARS, ssh_key};
use std::path::Path;
use std::process::{Command, Stdio};
use uvars::secret::Secret;

pub const PASSWORD: &str = "Grüße, horse 7 battery";

/// A fleet with one NixOS host and two people, one of them integrated, and passwords made.
pub struct Fleet {
    pub dir: tempfile::TempDir,
    pub host: Key,
    pub admin: Key,
    pub jon: Key,
}

impl Fleet {
    pub fn new() -> Option<Self> {
        let (host, admin, jon) = (ssh_key()?, ssh_key()?, ssh_key()?);
        let dir = tempfile::tempdir().unwrap();
        let inventory = "version: 1
settings: { password_hash: { kind: yescrypt, cost: 1 } }
hosts:
  cinnabar: { platform: nixos }
  rosegold: { platform: darwin, key: pending }
users:
  jon:
    hosts: [cinnabar, rosegold]
    integrated: [cinnabar]
    uid: 4201
    shell: /bin/sh
    role: admin
    on: { rosegold: { uid: 501 } }
    password: { prompt: true, share: true }
  ann: { hosts: [cinnabar], policy: locked, password: { prompt: true } }
  old: { hosts: [cinnabar], policy: absent }
shared:
  wifi: { hosts: [cinnabar], users: [jon] }
install:
  db/password: { from: hosts, key: db.password, on: { hosts: [cinnabar] }, owner: postgres, group: postgres, mode: \"0440\", phase: services }
  wifi: { from: shared/wifi, key: psk, on: { hosts: [cinnabar] }, phase: services }
";
        let fleet = Self { dir, host, admin, jon };
        fleet.write("uvars.yaml", inventory.as_bytes());
        fleet.write("keys/hosts/cinnabar.pub", fleet.host.public.as_bytes());
        fleet.write("keys/admins/root.pub", fleet.admin.public.as_bytes());
        fleet.write("keys/users/jon.pub", fleet.jon.public.as_bytes());
        Some(fleet)
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Runs the program in the fleet, with no key at hand.
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut command = Command::new(UVARS);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent").stdin(Stdio::piped());
        Ran::of(&peers::feed(command.arg("-C").arg(self.dir.path()).args(arguments), input))
    }

    pub fn generate(&self) {
        self.run(&["generate", "jon", "--password-stdin"], format!("{PASSWORD}\n").as_bytes()).exits(0);
        self.run(&["generate", "ann", "--password-stdin"], b"another one\n").exits(0);
    }

    /// What people put into the fleet's files.
    pub fn values(&self) {
        use uvars::sops::{Map, Plain};
        for (path, readers, values) in [
            (
                "secrets/hosts/cinnabar.sops.yaml",
                vec![&self.host, &self.admin],
                crate::sandbox::host_values("s3cret"),
            ),
            (
                "secrets/shared/wifi.sops.yaml",
                vec![&self.host, &self.jon, &self.admin],
                Map::new().with("psk", "w1fi"),
            ),
            ("secrets/users/jon.sops.yaml", vec![&self.jon, &self.host], Map::new().with("token", "t0ken")),
        ] {
            let readers: Vec<_> = readers.into_iter().map(Key::converted).collect();
            let values = values.with(uvars::sops::BINDING_KEY, path);
            self.write(path, &crate::sandbox::encrypted(&Plain::new(values), &readers));
        }
    }

    /// Exports to a folder and returns it.
    pub fn export(&self, of: &str) -> tempfile::TempDir {
        let out = tempfile::tempdir().unwrap();
        self.run(&["export", "manifest", of, "--out", out.path().to_str().unwrap()], b"").exits(0);
        out
    }
}

fn listing(dir: &Path) -> String {
    let output = Command::new("sh").current_dir(dir).args(["-c", "find . -type f | sort"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn ready() -> Option<Fleet> {
    let fleet = Fleet::new()?;
    fleet.generate();
    fleet.values();
    Some(fleet)
}

#[test]
fn from_generate_to_the_host() {
    let (Some(fleet), Some(host)) = (ready(), Sandbox::new()) else { return };
    let out = fleet.export("cinnabar");
    assert_eq!(
        listing(out.path()).lines().collect::<Vec<_>>(),
        [
            "./manifest.json",
            "./secrets/accounts/ann@cinnabar.sops.yaml",
            "./secrets/accounts/jon.sops.yaml",
            "./secrets/hosts/cinnabar.sops.yaml",
            "./secrets/shared/wifi.sops.yaml",
            "./secrets/users/jon.sops.yaml",
        ]
    );
    host.sh(&format!(
        "cp -r {}/. /etc/uvars/; chmod -R go-w /etc/uvars; cp {} /etc/ssh/ssh_host_ed25519_key",
        out.path().display(),
        fleet.host.file.display()
    ));
    host.activate(&[]).exits(0);
    let hash = host.read("/run/uvars-users/jon/password_hash").unwrap();
    assert!(uvars::password::verify(&Secret::from(PASSWORD), &hash).unwrap());
    assert!(!uvars::password::verify(&Secret::from("another one"), &hash).unwrap());
    let locked = host.read("/run/uvars-users/ann/password_hash").unwrap();
    assert!(locked.starts_with("!$y$"), "{locked}");
    assert_eq!(host.read("/run/uvars-users/old/password_hash"), None);
    assert_eq!(host.stat("/run/uvars/db/password"), "70:71 440");
    assert_eq!(host.read("/run/uvars/wifi").as_deref(), Some("w1fi"));
    assert_eq!(host.read("/run/uvars/home/jon/token").as_deref(), Some("t0ken"));
    assert!(host.activate(&["--status"]).exits(0).out.contains("secrets/accounts/jon.sops.yaml: changed 20"));
    // Another password: a new export, and only that changes.
    fleet.run(&["generate", "jon", "--regenerate", "--password-stdin"], b"something new\n").exits(0);
    let ran = fleet
        .run(&["export", "manifest", "hosts/cinnabar", "--out", out.path().to_str().unwrap()], b"")
        .exits(0);
    assert_eq!(ran.out.lines().count(), 2, "{}", ran.out);
    host.sh(&format!("cp -r {}/. /etc/uvars/", out.path().display()));
    let ran = host.activate(&[]).exits(0);
    assert!(
        ran.out.contains("modified jon/password_hash")
            && ran.out.contains("/run/uvars: generation 1, unchanged")
    );
    let hash = host.read("/run/uvars-users/jon/password_hash").unwrap();
    assert!(uvars::password::verify(&Secret::from("something new"), &hash).unwrap());
}

#[test]
fn exports_are_the_same_bytes_and_hold_nothing_else() {
    let Some(fleet) = ready() else { return };
    let (one, two) = (fleet.export("hosts/cinnabar"), fleet.export("cinnabar"));
    for file in listing(one.path()).lines() {
        assert_eq!(
            std::fs::read(one.path().join(file)).unwrap(),
            std::fs::read(two.path().join(file)).unwrap(),
            "{file}"
        );
    }
    let text = std::fs::read_to_string(one.path().join("manifest.json")).unwrap();
    assert!(!text.contains("$y$") && !text.contains(PASSWORD), "{text}");
    let again = |of: &str, more: &[&str], out: &Path| {
        fleet.run(&[&["export", "manifest", of, "--out", out.to_str().unwrap()], more].concat(), b"")
    };
    assert_eq!(again("cinnabar", &[], one.path()).exits(0).out, "nothing to change\n");
    // Another manifest in the same folder: what the first one named goes, a stranger's file stays.
    std::fs::write(one.path().join("README"), "mine").unwrap();
    let before = listing(one.path());
    let dry = again("users/jon", &["--dry-run"], one.path()).exits(0);
    assert!(dry.out.contains("remove ") && dry.out.contains("secrets/accounts/jon.sops.yaml"), "{}", dry.out);
    assert_eq!(listing(one.path()), before);
    again("users/jon", &[], one.path()).exits(0);
    assert_eq!(
        listing(one.path()),
        "./README\n./manifest.json\n./secrets/shared/wifi.sops.yaml\n./secrets/users/jon.sops.yaml\n"
    );
    // A folder that is no export.
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("precious"), "x").unwrap();
    again("users/jon", &[], other.path()).exits(1).says("holds other things than an export");
    assert_eq!(listing(other.path()), "./precious\n");
}

#[test]
fn an_export_goes_through_no_link() {
    let Some(fleet) = ready() else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let precious = elsewhere.path().join("wifi.sops.yaml");
    std::fs::write(&precious, "precious").unwrap();
    let export =
        |of: &str, out: &Path| fleet.run(&["export", "manifest", of, "--out", out.to_str().unwrap()], b"");
    for (of, planted, target) in [
        // a copy, the folder of copies, one that the next export does not have, the manifest
        ("users/jon", "secrets/shared/wifi.sops.yaml", precious.as_path()),
        ("users/jon", "secrets/shared", elsewhere.path()),
        ("cinnabar", "secrets/shared", elsewhere.path()),
        ("users/jon", "manifest.json", precious.as_path()),
    ] {
        let out = fleet.export("users/jon");
        let link = out.path().join(planted);
        let _ = std::fs::remove_dir_all(&link).or_else(|_| std::fs::remove_file(&link));
        std::os::unix::fs::symlink(target, &link).unwrap();
        export(of, out.path()).exits(1).says(&format!("{planted}: is a link, and an export has none"));
        assert_eq!(listing(elsewhere.path()), "./wifi.sops.yaml\n");
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
    }
}

#[test]
fn an_export_that_could_not_work_is_refused_or_warned_about() {
    let Some(fleet) = Fleet::new() else { return };
    let out = tempfile::tempdir().unwrap();
    let export =
        |of: &str| fleet.run(&["export", "manifest", of, "--out", out.path().to_str().unwrap()], b"");
    export("cinnabar").exits(1).says("has no password yet").says("uvars generate");
    fleet.generate();
    export("cinnabar").exits(1).says("db/password is to be installed on cinnabar, and its file is not there");
    fleet.values();
    export("nowhere").exits(1).says("there is no host and no user nowhere");
    export("robots/ci").exits(2).says("robots have no manifest");
    export("hosts/jon").exits(1).says("there is no host jon");
    assert_eq!(listing(out.path()), "");
    let ran = export("rosegold").exits(0).says("rosegold has no key yet");
    assert!(ran.out.contains("manifest.json"), "{}", ran.out);
    // A host whose key is not a reader: `uvars sync` has not been run.
    let Some(other) = ssh_key() else { return };
    fleet.write("keys/hosts/cinnabar.pub", other.public.as_bytes());
    export("cinnabar")
        .exits(0)
        .says("secrets/accounts/jon.sops.yaml is not encrypted to hosts/cinnabar: run uvars sync");
    fleet.write("secrets/hosts/cinnabar.sops.yaml", b"clear: text\n");
    export("cinnabar").exits(1).says("secrets/hosts/cinnabar.sops.yaml");
}

#[test]
fn what_somebody_without_a_key_moves_about_in_the_fleet_is_refused_on_the_host_by_name() {
    let (Some(fleet), Some(host)) = (ready(), Sandbox::new()) else { return };
    let deploy = || {
        let out = fleet.export("cinnabar");
        let (out, key) = (out.path().display().to_string(), fleet.host.file.display());
        host.sh(&format!(
            "rm -rf /etc/uvars/*; cp -r {out}/. /etc/uvars/; chmod -R go-w /etc/uvars; cp {key} /etc/ssh/ssh_host_ed25519_key"
        ));
    };
    deploy();
    host.activate(&[]).exits(0);
    let all = "find /run/uvars*.d -type f ! -name status.json -exec sha256sum {} + | sort";
    let live = host.sh(all);
    let file = |name: &str| fleet.dir.path().join("secrets").join(name).with_extension("sops.yaml");
    let hosts = std::fs::read_to_string(file("hosts/cinnabar")).unwrap();
    let wifi = std::fs::read_to_string(file("shared/wifi")).unwrap();
    let jon = std::fs::read_to_string(file("accounts/jon")).unwrap();
    let unbound: String = wifi
        .lines()
        .filter(|line| !line.starts_with("uvars_path:"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    let planted = format!("uvars_path: secrets/shared/wifi.sops.yaml\n{unbound}");
    for (name, text, said) in [
        ("shared/wifi", hosts.as_str(), "this file was not written for secrets/shared/wifi.sops.yaml"),
        ("shared/wifi", &unbound, "the MAC does not fit"),
        ("shared/wifi", &planted, "uvars_path: "),
        ("hosts/cinnabar", &wifi, "this file was not written for secrets/hosts/cinnabar.sops.yaml"),
        (
            "accounts/ann@cinnabar",
            &jon,
            "this file was not written for secrets/accounts/ann@cinnabar.sops.yaml",
        ),
    ] {
        let path = fleet.dir.path().join(format!("secrets/{name}.sops.yaml"));
        let before = std::fs::read(&path).unwrap();
        std::fs::write(&path, text).unwrap();
        deploy();
        let ran = host.activate(&[]).exits(1).says(said).says(&format!("secrets/{name}.sops.yaml"));
        assert_eq!(host.sh(all), live, "{name}: {}", ran.err);
        std::fs::write(&path, before).unwrap();
    }
    deploy();
    host.activate(&[]).exits(0);
    assert_eq!(host.sh(all), live);
}
