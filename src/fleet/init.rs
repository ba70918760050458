//! The first files of a fleet repository: a new one, or one around a `.sops.yaml` that is there already.

use std::path::Path;

use crate::error::{Error, Result};
use crate::fs::RepoPath;
use crate::keys::{self, Class, Principal, Recipient, Registry};
use crate::rules::{SopsConfig, render};

use super::adopt;
use super::fleet::{Fleet, INVENTORY};
use super::inventory::Inventory;

/// Where the creation rules are.
pub const SOPS_CONFIG: &str = ".sops.yaml";

/// What a new fleet begins with.
#[derive(Clone, Debug)]
pub struct Start<'s> {
    /// The first admin's name and keys.
    pub admin: (&'s str, &'s [Recipient]),
    /// A recovery key's name and keys, where there is one.
    pub recovery: Option<(&'s str, &'s [Recipient])>,
    /// The `.sops.yaml` that is there, whose rules are kept.
    pub adopt: Option<&'s [u8]>,
}

/// The files to write: `uvars.yaml`, key files and `.sops.yaml`.
///
/// # Errors
///
/// A name that is none; a `.sops.yaml` that sops would not read, or whose rules cannot be taken over as they
/// stand.
pub fn init(start: &Start<'_>) -> Result<Vec<(RepoPath, Vec<u8>)>> {
    let mut files = vec![key_file(Class::Admins, start.admin)?];
    files.extend(start.recovery.map(|recovery| key_file(Class::Recovery, recovery)).transpose()?);
    let rules = start.adopt.map_or_else(|| Ok(NO_RULES.to_owned()), adopt::section)?;
    let inventory = format!("{HEADER}{HOSTS}{USERS}{SHARED}{RULES}{rules}");
    let registry = Registry::of_files(files.iter().cloned().map(Ok))?;
    let fleet = Fleet::new(parse(&inventory, start.adopt.is_some())?, registry)?;
    let config = render(&fleet.rules()?);
    SopsConfig::parse(Path::new(SOPS_CONFIG), config.as_bytes())?;
    start.adopt.map_or(Ok(()), |adopted| adopt::same(adopted, &config))?;
    files.push((RepoPath::new(INVENTORY)?, inventory.into_bytes()));
    files.push((RepoPath::new(SOPS_CONFIG)?, config.into_bytes()));
    Ok(files)
}

/// Reads what is to be written: only what was adopted can be at fault.
fn parse(inventory: &str, adopted: bool) -> Result<Inventory> {
    Inventory::parse(Path::new(INVENTORY), inventory.as_bytes()).map_err(|error| {
        if !adopted {
            return error;
        }
        let message = format!("this file cannot be taken over: {}", error.message());
        error.hints().iter().cloned().fold(Error::new(message).at(SOPS_CONFIG), Error::hint)
    })
}

fn key_file(class: Class, (name, keys): (&str, &[Recipient])) -> Result<(RepoPath, Vec<u8>)> {
    let principal = Principal::new(class, name)?;
    let path = RepoPath::new(&principal.path())?;
    if keys.is_empty() {
        return Err(Error::usage(format!("{principal} has no key")));
    }
    let bytes = keys.iter().try_fold(Vec::new(), |bytes, key| {
        keys::key_file::add(&bytes, key, None).map_err(|error| error.at(&path))
    })?;
    Ok((path, bytes))
}

const HEADER: &str = "\
# The fleet: its hosts, its people, and what they share. Keys are in keys/, encrypted values in secrets/; nothing
# secret is ever in this file. After a change: `uvars rules --write`, then `uvars sync`.
# `uvars schema` prints what every field may be.
version: 1
";

const HOSTS: &str = "
# A host reads what is encrypted for it with its ssh host key, keys/hosts/NAME.pub.
# uvars host add cinnabar platform=nixos tags=server
hosts: {}
#  cinnabar: { platform: nixos, tags: [server] }            # nixos, darwin or linux
#  rosegold: { platform: darwin, tags: [laptop], key: pending }   # no key yet: it reads nothing
";

const USERS: &str = "
# A user is placed on hosts by name and by tag (`all` is every host), and decrypts with keys/users/NAME.pub.
# uvars user add jon tags=server uid=1001
users: {}
#  jon:
#    tags: [server]
#    hosts: [rosegold]
#    role: standard                  # admin: sudo on these hosts
#    uid: 1001
#    description: Jon Smith
#    groups_secondary: [video]
#    shell: /bin/bash
#    password: { prompt: true, share: true }   # `uvars generate jon` asks for it; false: none
#    on: { rosegold: { uid: 501, home_dir: /Users/jon } }   # what differs on one host
";

const SHARED: &str = "
# Files of secrets/shared/ and who reads them, beside admins and recovery keys.
shared: {}
#  wifi: { tags: [laptop], users: [], robots: [] }
";

const RULES: &str = "
# Rules of sops' own, by hand: `before` ours, where none may match a path of ours, and `after` ours.
rules:
";

const NO_RULES: &str = "  before: []\n  after: []\n";

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    const OTHER: &str = "age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun";
    const SSH: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKqOMGsS+ztLsYLVpOnsId+x4WOry4cQtZvNrLfkyJSu mira@desk";

    fn start(adopt: Option<&str>) -> Result<Vec<(String, String)>> {
        let keys = [KEY, SSH].map(|key| Recipient::parse(key).unwrap());
        let recovery = [Recipient::parse(OTHER).unwrap()];
        let start = Start {
            admin: ("mira", &keys),
            recovery: Some(("safe", &recovery)),
            adopt: adopt.map(str::as_bytes),
        };
        let text = |(path, bytes): (RepoPath, Vec<u8>)| (path.to_string(), String::from_utf8(bytes).unwrap());
        init(&start).map(|files| files.into_iter().map(text).collect())
    }

    fn adopted(adopt: &str) -> (String, String) {
        let files = start(Some(adopt)).unwrap_or_else(|error| panic!("{error} {:?}\n{adopt}", error.hints()));
        let file = |name: &str| files.iter().find(|(path, _)| path == name).unwrap().1.clone();
        (file(INVENTORY), file(SOPS_CONFIG))
    }

    #[test]
    fn a_new_fleet_has_keys_an_inventory_and_rules() {
        let files = start(None).unwrap();
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["keys/admins/mira.pub", "keys/recovery/safe.pub", "uvars.yaml", ".sops.yaml"]);
        assert_eq!(files[0].1, format!("{KEY}\n{SSH}\n"));
        assert!(files[2].1.ends_with("rules:\n  before: []\n  after: []\n"), "{}", files[2].1);
        assert!(
            files[3].1.contains("  - path_regex: ^secrets/users/\n    key_groups: []\n"),
            "{}",
            files[3].1
        );
    }

    #[test]
    fn the_examples_in_a_new_inventory_are_right() {
        let (_, text) = &start(None).unwrap()[2];
        let uncommented = text
            .lines()
            .map(|line| match line.strip_prefix("#  ") {
                Some(example) => format!("  {example}\n"),
                None => format!("{}\n", line.replace(": {}", ":")),
            })
            .collect::<String>();
        let inventory = Inventory::parse(Path::new(INVENTORY), uncommented.as_bytes());
        let inventory = inventory.unwrap_or_else(|error| panic!("{error}\n{uncommented}"));
        assert_eq!((inventory.hosts().len(), inventory.users().len(), inventory.shared().len()), (2, 1, 1));
    }

    #[test]
    fn rules_are_kept_with_their_comments_and_anchors() {
        let (inventory, config) = adopted(&format!(
            "# who reads what\nkeys:\n  # people\n  - &jon {KEY} # at home\n\n# in order\ncreation_rules:\n  \
             # first\n  - path_regex: secrets/.*\\.yaml$\n    key_groups:\n    - age:\n      - *jon # he\n  \
             # last\n  - age: {OTHER}\n  # nothing follows\n# the end\n"
        ));
        let kept = format!(
            "rules:\n  # who reads what\n  keys:\n    # people\n    - &jon {KEY} # at home\n  before: []\n  \
             # in order\n  after:\n    # first\n    - path_regex: secrets/.*\\.yaml$\n      key_groups:\n      \
             - age:\n        - *jon # he\n    # last\n    - age: {OTHER}\n    # nothing follows\n  # the end\n"
        );
        assert!(inventory.ends_with(&kept), "{inventory}");
        assert!(
            config.contains(&format!("keys:\n  # people\n  - &jon {KEY} # at home\ncreation_rules:")),
            "{config}"
        );
        assert!(
            config.ends_with(&format!(
                "  # first\n  - path_regex: secrets/.*\\.yaml$\n    key_groups:\n    - age:\n      - *jon # he\n  \
                 # last\n  - age: {OTHER}\n"
            )),
            "{config}"
        );
    }

    #[test]
    fn what_sops_acts_on_beside_rules_is_kept_as_a_field() {
        let (inventory, config) = adopted(&format!(
            "stores:\n  # narrow\n  yaml: {{indent: 2}}\nkeys:\n- &a {KEY}\ncreation_rules:\n- age: *a\n\
             destination_rules:\n- path_regex: x\n  s3_bucket: b\n  recreation_rule: {{age: *a}}\nmine: *a\n"
        ));
        assert!(inventory.contains(
            "  other:\n    stores:\n      # narrow\n      yaml: {indent: 2}\n    destination_rules:\n"
        ));
        assert!(
            config.ends_with(
                "  - age: *a\nstores:\n  # narrow\n  yaml: {indent: 2}\ndestination_rules:\n- path_regex: x\n  \
                 s3_bucket: b\n  recreation_rule: {age: *a}\nmine: *a\n"
            ),
            "{config}"
        );
    }

    #[test]
    fn anchors_that_stand_elsewhere_than_in_a_list_are_kept() {
        let (inventory, config) = adopted(&format!(
            "users:\n  - &jon {KEY}\nkeys:\n  hosts:\n    - &web {OTHER}\ncreation_rules:\n  - age: *jon\n  - age: *web\n"
        ));
        let kept = format!(
            "  keys:\n    - users:\n        - &jon {KEY}\n    - keys:\n        hosts:\n          - &web {OTHER}\n"
        );
        assert!(inventory.contains(&kept), "{inventory}");
        assert!(config.contains("  - age: *jon\n  - age: *web\n"), "{config}");
    }

    #[test]
    fn every_shape_is_taken_over() {
        for shape in [
            "",
            "\n# nothing\n",
            "  # nothing\n---\n",
            "---\n",
            "creation_rules:\n",
            "creation_rules: []\n",
            "keys:\ncreation_rules: ~\n",
            "{\"creation_rules\": [{\"path_regex\": \"a\", \"age\": \"AGE\"}], \"stores\": {\"yaml\": {\"indent\": 2}}}",
            "%YAML 1.1\n--- # said\ncreation_rules:\n- age: AGE\n...\n",
            "\u{feff}creation_rules:\r\n- age: AGE\r\n  path_regex: a\r\n",
            "creation_rules: [ {age: AGE}, \n {age: OTHER} ]\n",
            "  creation_rules:\n   - age: >-\n      AGE,\n      OTHER\n   - age: |\n      AGE\n",
            "creation_rules:\n- key_groups:\n  - merge:\n    - pgp: [FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4]\n    age: [AGE]\n  shamir_threshold: 1\n",
            "creation_rules:\n- kms: arn:aws:kms:us-east-1:1:key/x+arn:aws:iam::1:role/r\n  aws_profile: p\n  gcp_kms: projects/p\n  azure_keyvault: https://v/keys/k/1\n  hc_vault_transit_uri: https://v/v1/t/keys/k\n",
            "creation_rules:\n- &first\n  age: AGE\n  encrypted_regex: ^data$\n- <<: *first\n  path_regex: \"a b\"\n  unknown: [1, {a: b}]\n",
            "x: &x AGE\n'creation_rules' :\n- {age: *x, path_regex: 'it''s'}\n",
            "keys:\n  - &jon OTHER\n  - &web-1 AGE \n  - &jon AGE\ncreation_rules:\n  - path_regex: a/.*  # a/[^/]+\n    key_groups:\n      - pgp:\n          - FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4\n        age:\n          - *web-1  \n          - *jon\n          \n",
            "keys:\n  - &people:\n    - &jon AGE\n  - &hosts:\n    - &web OTHER\ncreation_rules:\n  # jon, web\n  - age: \"AGE,OTHER\"\n    pgp: AB\n\n  - {age: *web}\n",
            "---\n# of this repository\n# see there\ncreation_rules:\n\n  # one\n  - key_groups:\n    - kms:\n      - arn: arn:aws:kms:us-east-1:1:key/x\n        role: arn:aws:iam::1:role/r\n        context: {a: b}\n    - hc_vault: [https://v/v1/t/keys/k]\n    shamir_threshold: 2\n",
            "creation_rules:\n- age: &admin_mira AGE\n- age: *admin_mira",
        ] {
            let text = shape.replace("AGE", KEY).replace("OTHER", OTHER);
            let before = SopsConfig::parse(Path::new("before"), text.as_bytes()).unwrap();
            let (_, config) = adopted(&text);
            let after = SopsConfig::parse(Path::new("after"), config.as_bytes()).unwrap();
            let kept = &after.rules()[after.rules().len() - before.rules().len()..];
            for (old, new) in before.rules().iter().zip(kept) {
                assert_eq!((&old.path_regex, &old.groups), (&new.path_regex, &new.groups), "{shape}");
                assert_eq!(old.shamir_threshold, new.shamir_threshold, "{shape}");
            }
        }
    }

    #[test]
    fn what_cannot_be_taken_over_is_refused_by_name() {
        for (text, said) in [
            ("creation_rules: [\n", "did not find expected"),
            ("creation_rules:\n- path_regex: (\n", ".sops.yaml:2:1: path_regex"),
            ("a: 1\n---\nb: 2\n", "more than one document"),
            ("\u{1}", "control characters"),
            ("creation_rules:\n- 5\n", "expected a map"),
            ("? creation_rules\n: []\n", "cannot be taken over as it is written"),
            ("creation_rules:\n- age: &a AGE\nkeys: [*a]\n", "cannot be taken over"),
            ("destination_rules:\n- &r {age: AGE}\ncreation_rules:\n- *r\n", "cannot be taken over"),
            // stores move behind the rules, and with them the later of two anchors
            (
                "keys: [&x AGE]\nstores: {x: &x OTHER}\ncreation_rules:\n- age: *x\n",
                "its rules would not mean the same",
            ),
            ("creation_rules:\n- age: AGE\n  path_regex: |+\n    a\n\n", "its rules would not mean the same"),
            ("# Generated from keys/ and uvars.yaml by `uvars rules`\n", "uvars generated this file"),
        ] {
            let result = start(Some(&text.replace("AGE", KEY).replace("OTHER", OTHER)));
            let error = result.map(|_| ()).expect_err(text).to_string();
            assert!(error.starts_with(".sops.yaml") && error.contains(said), "{text}: {error}");
        }
        let keys = [Recipient::parse(KEY).unwrap()];
        let no_name = init(&Start { admin: ("A b", &keys), recovery: None, adopt: None });
        assert!(no_name.is_err());
        let no_key = init(&Start { admin: ("mira", &[]), recovery: None, adopt: None }).unwrap_err();
        assert_eq!(no_key.to_string(), "admins/mira has no key");
        let bytes =
            init(&Start { admin: ("mira", &keys), recovery: None, adopt: Some(b"\xff") }).unwrap_err();
        assert_eq!(bytes.to_string(), ".sops.yaml: the file is not UTF-8");
    }
}
