//! `OpenPGP` with the real gpg and both releases of sops.

use crate::gnupg::{GnuPg, fingerprint};
use crate::peers;
use crate::room::{PLAIN, Room, age_recipient, printed, refused};
use std::path::Path;
use uvars::keys::{IdentitySources, Keyring, Programs};
use uvars::keyservice::{Gpg, KeyServices, Local};
use uvars::sops::{Encrypted, Format};

const SOPS: [&str; 2] = ["sops", "sops-3.11"];

#[test]
fn what_one_encrypts_to_a_pgp_key_the_other_opens() {
    let Some(gpg) = GnuPg::with_key() else { return };
    let room = Room::new(&format!("pgp: {}", fingerprint()));
    let ours = printed(room.uvars(&gpg, None).args(["encrypt", "app.yaml"]));
    assert!(ours.contains("-----BEGIN PGP MESSAGE-----") && !ours.contains("s3same"), "{ours}");
    std::fs::write(room.path("ours.yaml"), &ours).unwrap();
    assert_eq!(printed(room.uvars(&gpg, None).args(["decrypt", "ours.yaml"])), PLAIN);
    for name in SOPS {
        let Some(mut sops) = room.sops(name, &gpg, None) else { return };
        assert_eq!(printed(sops.args(["decrypt", "ours.yaml"])), PLAIN);
        let theirs = printed(room.sops(name, &gpg, None).unwrap().args(["encrypt", "app.yaml"]));
        std::fs::write(room.path("theirs.yaml"), &theirs).unwrap();
        assert_eq!(printed(room.uvars(&gpg, None).args(["decrypt", "theirs.yaml"])), PLAIN);
        assert_eq!(layout(&ours), layout(&theirs));
    }
}

/// The names in their order, but for the metadata, which releases sort differently.
pub(crate) fn layout(file: &str) -> Vec<String> {
    let name = |line: &str| line.split_once(": ").map(|(name, _)| name.replace("- ", "  "));
    let mut lines: Vec<_> = file.lines().filter_map(name).collect();
    lines.sort();
    lines
}

#[test]
fn without_the_key_gpg_says_why() {
    let (Some(gpg), Some(other)) = (GnuPg::with_key(), GnuPg::empty()) else { return };
    let room = Room::new(&format!("pgp: {}", fingerprint()));
    let said = refused(room.uvars(&other, None).args(["encrypt", "-i", "app.yaml"]));
    assert!(said.contains(&format!("app.yaml: gpg cannot encrypt to {}", fingerprint())), "{said}");
    assert!(said.contains("gpg --list-keys"), "{said}");
    assert_eq!(room.read("app.yaml"), PLAIN);
    printed(room.uvars(&gpg, None).args(["encrypt", "-i", "app.yaml"]));
    let said = refused(room.uvars(&other, None).args(["decrypt", "app.yaml"]));
    assert!(said.contains("none of the keys at hand opens this"), "{said}");
    assert!(said.contains(&format!("it can be read by pgp {}", fingerprint())), "{said}");
    assert!(said.contains("gpg cannot open what is encrypted to"), "{said}");
}

#[test]
fn values_change_and_the_wrapped_key_stays() {
    let Some(gpg) = GnuPg::with_key() else { return };
    let room = Room::new(&format!("pgp: {}", fingerprint()));
    printed(room.uvars(&gpg, None).args(["encrypt", "-i", "app.yaml"]));
    let armor = |text: &str| {
        text.split("-----BEGIN PGP").nth(1).map(|rest| rest.split("-----END").next().unwrap().to_owned())
    };
    let before = room.read("app.yaml");
    let mut set = room.uvars(&gpg, None);
    let done = peers::feed(set.args(["set", "app.yaml", "user"]), b"jon\n");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let after = room.read("app.yaml");
    assert_ne!(before, after);
    assert_eq!(armor(&before), armor(&after));
    assert!(printed(room.uvars(&gpg, None).args(["decrypt", "app.yaml"])).ends_with("user: jon\n"));
}

#[test]
fn two_of_three_groups_of_different_types() {
    let Some(gpg) = GnuPg::with_key() else { return };
    let Some(empty) = GnuPg::empty() else { return };
    let (a, b) = (age_recipient("a.age"), age_recipient("b.age"));
    let rule = format!(
        "shamir_threshold: 2\n    key_groups:\n      - age: [{a}]\n      - pgp: [{}]\n      - age: [{b}]",
        fingerprint()
    );
    let room = Room::new(&rule);
    std::fs::write(room.path("ours.yaml"), printed(room.uvars(&gpg, None).args(["encrypt", "app.yaml"])))
        .unwrap();
    let mut files = vec!["ours.yaml".to_owned()];
    for name in SOPS {
        let Some(mut sops) = room.sops(name, &gpg, None) else { return };
        let file = format!("{name}.yaml");
        std::fs::write(room.path(&file), printed(sops.args(["encrypt", "app.yaml"]))).unwrap();
        files.push(file);
    }
    for file in &files {
        for (gpg, age) in [(&gpg, "a.age"), (&gpg, "b.age")] {
            assert_eq!(printed(room.uvars(gpg, Some(age)).args(["decrypt", file])), PLAIN, "{file} {age}");
            for name in SOPS {
                assert_eq!(printed(room.sops(name, gpg, Some(age)).unwrap().args(["decrypt", file])), PLAIN);
            }
        }
        let said = refused(room.uvars(&empty, Some("a.age")).args(["decrypt", file]));
        assert!(
            said.contains("2 of the 3 key groups are needed together, and the keys at hand open 1"),
            "{said}"
        );
        assert!(said.contains(&format!("key group 2 is opened by pgp {}", fingerprint())), "{said}");
    }
}

/// What stands behind `enc` and between the lines of armor, in the order of the file.
fn wrapped(file: &str) -> Vec<String> {
    let armored = file.split("-----BEGIN ").skip(1);
    armored.map(|rest| rest.split("-----END ").next().unwrap().to_owned()).collect()
}

#[test]
fn a_new_data_key_is_for_the_same_keys_of_all_types() {
    let Some(gpg) = GnuPg::with_key() else { return };
    let (a, b) = (age_recipient("a.age"), age_recipient("b.age"));
    let groups = format!(
        "shamir_threshold: 2\n    key_groups:\n      - age: [{a}]\n      - pgp: [{}]\n      - age: [{b}]",
        fingerprint()
    );
    let one = format!("age: {a}\n    pgp: {}", fingerprint());
    for (rule, names) in [(groups.as_str(), 3), (one.as_str(), 2)] {
        let room = Room::new(rule);
        printed(room.uvars(&gpg, None).args(["encrypt", "-i", "app.yaml"]));
        let before = room.read("app.yaml");
        let dry = printed(room.uvars(&gpg, Some("a.age")).args(["rotate", "--dry-run", "app.yaml"]));
        assert_eq!((dry.as_str(), room.read("app.yaml")), ("renew  app.yaml\n", before.clone()));
        let said = printed(room.uvars(&gpg, Some("a.age")).args(["rotate", "app.yaml", "./app.yaml"]));
        assert_eq!(said, "renew  app.yaml\n");
        let after = room.read("app.yaml");
        assert_eq!(layout(&before), layout(&after));
        let (old, new) = (wrapped(&before), wrapped(&after));
        assert!(old.len() == names && new.len() == names && old.iter().all(|old| !new.contains(old)));
        let values = |file: &str| file.lines().take(2).map(str::to_owned).collect::<Vec<_>>();
        assert!(values(&before).iter().zip(values(&after)).all(|(old, new)| *old != new), "{after}");
        assert_eq!(printed(room.uvars(&gpg, Some("a.age")).args(["decrypt", "app.yaml"])), PLAIN);
        for name in SOPS {
            let Some(mut sops) = room.sops(name, &gpg, Some("b.age")) else { return };
            assert_eq!(printed(sops.args(["decrypt", "app.yaml"])), PLAIN, "{name}");
        }
        // by gpg alone, or not at all
        let alone = room.uvars(&gpg, None).args(["rotate", "app.yaml"]).output().unwrap();
        assert_eq!(alone.status.code(), Some(if names == 3 { 4 } else { 0 }));
    }
}

#[test]
fn a_key_that_cannot_be_used_keeps_the_old_data_key_in_all_files() {
    let (Some(gpg), Some(empty)) = (GnuPg::with_key(), GnuPg::empty()) else { return };
    let room = Room::new(&format!("age: {}", age_recipient("a.age")));
    for name in ["one.yaml", "two.yaml"] {
        std::fs::write(room.path(name), PLAIN).unwrap();
        printed(room.uvars(&gpg, None).args(["encrypt", "-i", name]));
    }
    let rule = format!("age: {}\n    pgp: {}", age_recipient("a.age"), fingerprint());
    std::fs::write(room.path(".sops.yaml"), format!("creation_rules:\n  - {rule}\n")).unwrap();
    printed(room.uvars(&gpg, None).args(["encrypt", "-i", "app.yaml"]));
    let all = || ["one.yaml", "app.yaml", "two.yaml"].map(|name| room.read(name));
    let before = all();
    let rotate = ["rotate", "one.yaml", "app.yaml", "two.yaml"];
    let said = refused(room.uvars(&empty, Some("a.age")).args(rotate));
    assert!(said.contains(&format!("app.yaml: gpg cannot encrypt to {}", fingerprint())), "{said}");
    assert_eq!(all(), before);
    // a cloud's, which nobody here has
    let arn = "arn:aws:kms:us-east-1:111122223333:key/1";
    let kms = format!(
        "sops:\n    kms:\n        - arn: {arn}\n          created_at: \"2026-01-01T00:00:00Z\"\n          enc: AAAA\n"
    );
    std::fs::write(room.path("two.yaml"), before[2].replace("sops:\n", &kms)).unwrap();
    let before = all();
    let said = refused(room.uvars(&gpg, Some("a.age")).args(rotate));
    assert!(said.contains(&format!("two.yaml: cannot encrypt for kms {arn}: ")), "{said}");
    assert!(said.contains("SOPS_KEYSERVICE"), "{said}");
    assert_eq!(all(), before);
    // changing a value keeps what was wrapped for it
    printed(room.uvars(&gpg, Some("a.age")).args(["unset", "two.yaml", "port"]));
    assert!(room.read("two.yaml").contains(arn) && room.read("two.yaml").contains("enc: AAAA"));
}

#[test]
fn what_seven_releases_wrote_for_a_pgp_key_is_opened() {
    let Some(gpg) = GnuPg::with_key() else { return };
    let programs = Programs { environment: gpg.environment(), ask: None };
    let keyring = Keyring::new(IdentitySources::default());
    let gpg = Gpg { program: None, programs: programs.clone() };
    let services = KeyServices::local(Local::new(keyring, gpg, programs));
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut opened = 0;
    for (folder, file) in
        [("sops", "pgp.enc.yaml"), ("sops", "pgp-and-age.enc.json"), ("sops-3.7", "pgp.enc.yaml")]
    {
        for release in std::fs::read_dir(vectors.join(folder)).unwrap() {
            let path = release.unwrap().path().join(file);
            if !path.is_file() {
                continue;
            }
            let format = Format::of_path(&path);
            let sealed = Encrypted::parse(&std::fs::read(&path).unwrap(), format).unwrap();
            let plain = sealed.unlock(&services).and_then(|key| sealed.decrypt(&key));
            let printed = plain
                .unwrap_or_else(|error| panic!("{}: {error} {:?}", path.display(), error.hints()))
                .emit(format)
                .unwrap();
            let expected = std::fs::read(path.with_file_name(file.replace(".enc.", ".dec."))).unwrap();
            assert_eq!(printed.expose().trim_ascii_end(), expected.trim_ascii_end(), "{}", path.display());
            opened += 1;
        }
    }
    assert!(opened >= 12, "only {opened} files were opened");
}
