//! `.sops.yaml`: ours, held against the real sops of two releases; anybody's, read as sops reads it.

#![allow(
    clippy::expect_used,
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod peers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use uvars::fleet::{FileKind, Fleet, Inventory, Start, init};
use uvars::fs::RepoPath;
use uvars::keys::{Recipient, Registry};
use uvars::rules::{CreationRule, SopsConfig, relative_path, render};

/// Recipients that nobody has the private half of.
const KEYS: [&str; 8] = [
    "age1myhs0py92ng8p3t27esm9u65redznl3kxj5t3ktep70vgw9jyy5q09jly8",
    "age15k3cmqndzyx7rymgd3y32lhedcf4e3kef58yvjtx9d2ers3fdcrskx4vh4",
    "age13tm2wkah5ty9gx792jlapjnxmwc7ftq8mux64sz05nn3g4yf9p6qn67y2d",
    "age1t20j29we4x9zh2xh4t8huz40lf2xy53peh9qldxyz4fhusgqr4ssx6v2px",
    "age17nwhdvtf54c7mz6zuytnyddxgy0y2l30w7qmq8ykl4kyjywwx4eqmqfnp0",
    "age1v09wrpx9deeckdrl83evs0k2hv6gc034hvsmwpgjmlv4jnspxqlsdu8x25",
    "age1gv37h2g0k7lndyzflkq6anprpgekxje94sql5gcn40z67k90ed9sekq75s",
    "age1h7l8ft672sccy65u00xhpn5cd3ler6350akqehqgtenap3z54cuq9z03lq",
];
const SSH: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKqOMGsS+ztLsYLVpOnsId+x4WOry4cQtZvNrLfkyJSu jon@laptop";

fn registry(keys: &[(&str, &str)]) -> Registry {
    let files = keys.iter().map(|(principal, keys)| {
        Ok((RepoPath::new(&format!("keys/{principal}.pub"))?, format!("{keys}\n").into_bytes()))
    });
    Registry::of_files(files).unwrap()
}

fn fleet(inventory: &str, keys: &[(&str, &str)]) -> Fleet {
    let inventory = Inventory::parse(Path::new("uvars.yaml"), inventory.as_bytes());
    let inventory = inventory.unwrap_or_else(|error| panic!("{error} {:?}", error.hints()));
    Fleet::new(inventory, registry(keys)).unwrap_or_else(|error| panic!("{error}"))
}

/// Seed 3: an integrated admin's file is for user and host, a standard user's for the user alone.
fn seed_3() -> Fleet {
    fleet(
        r#"
version: 1
hosts:
  stibnite: { platform: darwin, tags: [workstation] }
  cinnabar: { platform: nixos, tags: [server] }
  a.b: { platform: linux, tags: [server] }
users:
  crs58: { hosts: [stibnite], role: admin, integrated: [stibnite], uid: 501 }
  raquel: { hosts: [stibnite, a.b], uid: 502, password: { share: true } }
  cameron: { key: crs58, tags: [server], role: admin, uid: 1000 }
shared:
  wi.fi: { tags: [server], users: [raquel], robots: [ci] }
rules:
  before:
    # ours, by hand
    - path_regex: ^docs/.*\.yaml$   # a comment
      age: age1myhs0py92ng8p3t27esm9u65redznl3kxj5t3ktep70vgw9jyy5q09jly8
  after:
    - {path_regex: \.enc$, age: "age15k3cmqndzyx7rymgd3y32lhedcf4e3kef58yvjtx9d2ers3fdcrskx4vh4"}
"#,
        &[
            ("users/crs58", &format!("{}\n{}", KEYS[0], KEYS[1])),
            ("users/raquel", SSH),
            ("hosts/stibnite", SSH),
            ("hosts/cinnabar", KEYS[2]),
            ("hosts/a.b", KEYS[3]),
            ("robots/ci", KEYS[4]),
            ("admins/crs58", KEYS[0]),
            ("recovery/safe", KEYS[5]),
        ],
    )
}

fn sorted(recipients: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
    let mut sorted: Vec<_> = recipients.into_iter().map(|recipient| recipient.to_string()).collect();
    sorted.sort();
    sorted
}

fn wanted(fleet: &Fleet, kind: &FileKind) -> Vec<String> {
    sorted(fleet.readers_of(kind).unwrap().recipients())
}

/// Every file that may be there, and a handover for each user.
fn all_files(fleet: &Fleet) -> Vec<FileKind> {
    let handovers = fleet.inventory().users().iter().flat_map(|user| {
        ["password", "password@cinnabar"].map(|item| FileKind::Handover(user.name.clone(), item.into()))
    });
    let files = fleet.expected_files().into_iter().map(|file| file.kind).chain(handovers);
    files.filter(|kind| fleet.readers_of(kind).is_some_and(|readers| !readers.is_empty())).collect()
}

#[test]
fn both_shapes_of_seed_3() {
    let fleet = seed_3();
    let readers = |path: &str| -> Vec<String> {
        let readers = fleet.readers(&RepoPath::new(path).unwrap()).unwrap();
        readers.readers.iter().map(|reader| reader.principal.to_string()).collect()
    };
    assert_eq!(readers("secrets/users/crs58.sops.yaml"), ["users/crs58", "hosts/stibnite"]);
    assert_eq!(readers("secrets/users/raquel.sops.yaml"), ["users/raquel"]);
    let text = render(&fleet.rules().unwrap());
    assert!(
        text.contains(
            "  - path_regex: ^secrets/users/crs58\\.sops\\.yaml$\n    key_groups:\n      - age:\n          \
         - *user_crs58\n          - *user_crs58_2\n          - *host_stibnite\n"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "  - path_regex: ^secrets/users/raquel\\.sops\\.yaml$\n    key_groups:\n      - age:\n          \
         - *user_raquel\n  - "
        ),
        "{text}"
    );
}

#[test]
fn a_hosts_ssh_key_is_converted_and_a_persons_is_not() {
    let text = render(&seed_3().rules().unwrap());
    let converted = Recipient::parse(SSH).unwrap().converted().unwrap();
    assert!(text.contains(&format!("  - &host_stibnite {converted}\n")), "{text}");
    let native = SSH.trim_end_matches(" jon@laptop");
    assert!(text.contains(&format!("  - &user_raquel {native}\n")), "{text}");
}

#[test]
fn hand_written_rules_stand_where_they_should_with_their_comments() {
    let text = render(&seed_3().rules().unwrap());
    let before = text
        .find("  # ours, by hand\n  - path_regex: ^docs/.*\\.yaml$   # a comment\n    age: age1my")
        .unwrap();
    let ours = text.find("^secrets/users/").unwrap();
    let deny = text.find("  - path_regex: ^secrets/bootstrap/\n    key_groups: []\n").unwrap();
    let after = text.find("  - {path_regex: \\.enc$, age: ").unwrap();
    assert!(before < ours && ours < deny && deny < after, "{text}");
}

#[test]
fn what_is_rendered_matches_what_the_registry_says() {
    let fleet = seed_3();
    let text = render(&fleet.rules().unwrap());
    let config = SopsConfig::parse(Path::new(".sops.yaml"), text.as_bytes()).unwrap();
    for kind in all_files(&fleet) {
        let path = RepoPath::new(&kind.path()).unwrap();
        let explained = fleet.explain(&path, &config).unwrap();
        assert_eq!(explained.agrees, Some(true), "{kind}");
        let rule = explained.rule.unwrap().1;
        assert_eq!(sorted(rule.recipients().unwrap()), wanted(&fleet, &kind), "{kind}");
    }
    for nobodys in ["secrets/users/mallory.sops.yaml", "secrets/users/crs58.yaml", "secrets/hosts/x/y.enc"] {
        let rule = config.match_path(nobodys).unwrap().unwrap();
        assert_eq!(rule.recipients(), Some(vec![]), "{nobodys}");
    }
    assert!(config.match_path("other/a.yaml").unwrap().is_none());
    assert_eq!(config.match_path("other/a.enc").unwrap().unwrap().recipients(), Some(vec![KEYS[1]]));
}

#[test]
fn a_rule_in_front_that_takes_a_path_of_ours_is_refused() {
    let rules = |path_regex: &str, place: &str| {
        let text = format!(
            "version: 1\nhosts: {{ a: {{ platform: linux, key: pending }} }}\nusers: {{ jon: {{ hosts: [a] }} }}\n\
             rules:\n  {place}:\n    - path_regex: ^docs/\n      age: {}\n    - path_regex: {path_regex}\n      age: {}\n",
            KEYS[0], KEYS[0]
        );
        fleet(&text, &[("admins/mira", KEYS[1]), ("users/jon", KEYS[2])]).rules().map(|_| ())
    };
    for taken in ["''", "\\.sops\\.yaml$", "^secrets/users/jon", "password@a", "^secrets/bootstrap/a\\."] {
        let error = rules(taken, "before").expect_err(taken).to_string();
        assert!(error.starts_with("uvars.yaml:6:5: rules.before.1: this rule matches secrets/"), "{error}");
        assert!(rules(taken, "after").is_ok());
    }
    assert!(rules("^secrets/other/", "before").is_ok());
}

#[test]
fn the_same_fleet_gives_the_same_bytes() {
    assert_eq!(render(&seed_3().rules().unwrap()), render(&seed_3().rules().unwrap()));
}

/// The recipients in an encrypted file.
fn recipients_of(encrypted: &str) -> Vec<String> {
    sorted(
        encrypted.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("recipient: ")),
    )
}

fn config_folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".sops.yaml"), text).unwrap();
    std::fs::write(folder.path().join("plain.yaml"), "a: 1\n").unwrap();
    folder
}

fn real_sops_picks_the_same_readers(name: &str) {
    let Some(sops) = peers::find(name) else { return };
    let fleet = seed_3();
    let folder = config_folder(&render(&fleet.rules().unwrap()));
    let encrypt = |path: &str| {
        let mut command = std::process::Command::new(&sops);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder.path());
        command.args(["encrypt", "--filename-override", path, "plain.yaml"]).current_dir(folder.path());
        peers::feed(&mut command, b"")
    };
    for kind in all_files(&fleet) {
        let output = encrypt(&kind.path());
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{kind}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(recipients_of(&text), wanted(&fleet, &kind), "{kind}");
    }
    for nobodys in [
        "secrets/users/mallory.sops.yaml",
        "secrets/accounts/crs58.enc",
        "secrets/handover/raquel/.x.sops.yaml",
    ] {
        let output = encrypt(nobodys);
        assert!(!output.status.success(), "{nobodys} was encrypted");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("empty key group provided"), "{nobodys}: {text}");
    }
}

#[test]
fn sops_3_13_picks_the_same_readers() {
    real_sops_picks_the_same_readers("sops");
}

#[test]
fn sops_3_11_picks_the_same_readers() {
    real_sops_picks_the_same_readers("sops-3.11");
}

/// A `.sops.yaml`, and for each path what sops 3.13.3 encrypts to: recipients, or a word of its refusal.
type Case = (&'static str, &'static [(&'static str, Result<&'static [usize], &'static str>)]);

const FOREIGN: &[Case] = &[
    ("creation_rules:\n  - age: [K0, '']\n", &[("x.yaml", Err("unknown recipient type"))]),
    (
        "creation_rules:\n  - key_groups:\n      - age: ['K0,']\n",
        &[("x.yaml", Err("unknown recipient type"))],
    ),
    (
        "creation_rules:\n  - path_regex: \\.yaml$\n    age: K0\n  - age: K1,K2\n",
        &[("a.yaml", Ok(&[0])), ("b/c.yaml", Ok(&[0])), ("b/c.yml", Ok(&[1, 2]))],
    ),
    (
        "keys:\n  - &a K0\n  - &b K1\ncreation_rules:\n  - key_groups:\n      - age: [*a, *b, *a]\n",
        &[("x.yaml", Ok(&[0, 1]))],
    ),
    ("creation_rules:\n  - age: [K0, 'K1, K2']\n    key_groups: []\n", &[("x.yaml", Ok(&[0, 1, 2]))]),
    ("creation_rules:\n  - age: K0\n    key_groups:\n      - age: [K1]\n", &[("x.yaml", Ok(&[1]))]),
    (
        "creation_rules:\n  - key_groups:\n      - merge:\n          - age: [K2]\n          - age: [K1]\n        age: [K0, K1]\n",
        &[("x.yaml", Ok(&[0, 1, 2]))],
    ),
    (
        "creation_rules:\n  - path_regex: ^a/\n    key_groups: []\n  - age: K0\n",
        &[("a/x.yaml", Err("empty key group")), ("b/a/x.yaml", Ok(&[0]))],
    ),
    ("creation_rules:\n  - path_regex: ^z/\n    age: K0\n", &[("a.yaml", Err("no matching creation rules"))]),
    ("creation_rules:\n  - path_regex: 'a('\n    age: K0\n", &[("a.yaml", Err("can not compile regexp"))]),
    (
        "creation_rules:\n  - path_regex: ^ok\n    age: K0\n  - path_regex: 'a('\n    age: K0\n",
        &[("ok.yaml", Ok(&[0])), ("a.yaml", Err("can not compile regexp"))],
    ),
    (
        "creation_rules:\n  - {path_regex: '(?i)\\.YAML$', unknown: [1], age: \"K0\\n,K1\"}\n---\nother: document\n",
        &[("a.yaml", Ok(&[0, 1]))],
    ),
    (
        "x: &x\n  age: K0\ncreation_rules:\n  - <<: *x\n    path_regex: \\d\n",
        &[("1.yaml", Ok(&[0])), ("a.yaml", Err("no matching creation rules"))],
    ),
    ("creation_rules:\n  - path_regex: ''\n    age: K0\n    pgp:\n", &[("a.yaml", Ok(&[0]))]),
    ("creation_rules:\n  - path_regex:\n    age: K0\n    shamir_threshold: 0\n", &[("a.yaml", Ok(&[0]))]),
];

fn with_keys(text: &str) -> String {
    KEYS.iter()
        .enumerate()
        .fold(text.to_owned(), |text, (number, key)| text.replace(&format!("K{number}"), key))
}

#[test]
fn anybodys_rules_are_matched_as_sops_matches_them() {
    let sops = peers::find("sops");
    for (text, cases) in FOREIGN {
        let text = with_keys(text);
        let config = SopsConfig::parse(Path::new(".sops.yaml"), text.as_bytes()).unwrap();
        let folder = config_folder(&text);
        for (path, expected) in *cases {
            let expected = expected.map(|numbers| sorted(numbers.iter().map(|number| KEYS[*number])));
            let ours = match config.match_path(path) {
                Err(_) => Err("can not compile regexp"),
                Ok(None) => Err("no matching creation rules"),
                Ok(Some(rule)) => match rule.recipients().unwrap() {
                    none if none.is_empty() => Err("empty key group"),
                    bad if bad.iter().any(|key| Recipient::parse(key).is_err()) => {
                        Err("unknown recipient type")
                    }
                    some => {
                        let mut some = sorted(some);
                        some.dedup();
                        Ok(some)
                    }
                },
            };
            assert_eq!(ours, expected, "{path} in\n{text}");
            let Some(sops) = &sops else { continue };
            let mut command = std::process::Command::new(sops);
            command.env_clear().env("HOME", folder.path()).current_dir(folder.path());
            let output =
                peers::feed(command.args(["encrypt", "--filename-override", path, "plain.yaml"]), b"");
            match expected {
                Ok(recipients) => {
                    assert_eq!(
                        recipients_of(&String::from_utf8_lossy(&output.stdout)),
                        recipients,
                        "sops on {path} in\n{text}{}",
                        String::from_utf8_lossy(&output.stderr)
                    );
                }
                Err(word) => {
                    let said = String::from_utf8_lossy(&output.stderr);
                    assert!(
                        !output.status.success() && said.contains(word),
                        "sops on {path} in\n{text}: {said}"
                    );
                }
            }
        }
    }
}

#[test]
fn paths_are_held_against_the_folder_of_the_config() {
    let folder = PathBuf::from("/fleet");
    assert_eq!(relative_path(&folder, Path::new("/fleet/a/b.yaml")), "a/b.yaml");
    assert_eq!(relative_path(&folder, Path::new("/other/b.yaml")), "/other/b.yaml");
}

#[test]
fn a_wrong_config_is_an_error_with_its_place() {
    for (text, said) in [
        ("creation_rules:\n  - path_regex: [a]\n", ".sops.yaml:2:17: creation_rules.0.path_regex"),
        ("creation_rules: 5\n", ".sops.yaml:1:17: creation_rules"),
        ("creation_rules:\n  - age: 5\n", ".sops.yaml:2:10: creation_rules.0.age"),
        ("creation_rules:\n  - key_groups:\n      - age: age1x\n", ".sops.yaml:3:14: "),
        ("creation_rules:\n  - age: a\n    age: b\n", ".sops.yaml:3:5: "),
        ("a: [\n", ".sops.yaml"),
        ("creation_rules:\n  - key_groups: [&g {merge: [*g]}]\n", ".sops.yaml"),
    ] {
        let error = SopsConfig::parse(Path::new(".sops.yaml"), text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(said), "{text}: {error}");
    }
}

#[test]
fn an_empty_config_has_no_rules() {
    for text in ["", "creation_rules:\n", "creation_rules: []\n", "stores: {}\n", "# nothing\n"] {
        let config = SopsConfig::parse(Path::new(".sops.yaml"), text.as_bytes()).unwrap();
        assert!(config.match_path("a.yaml").unwrap().is_none(), "{text}");
    }
}

#[test]
fn groups_that_merge_without_end_are_refused() {
    let mut text = String::from("g0: &g0 {age: []}\n");
    for level in 1..40 {
        text.push_str(&format!("g{level}: &g{level} {{merge: [*g{0}, *g{0}]}}\n", level - 1));
    }
    text.push_str("creation_rules:\n  - key_groups: [*g39]\n");
    let error = SopsConfig::parse(Path::new(".sops.yaml"), text.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("without end"), "{error}");
}

#[test]
fn encryption_rules_come_along() {
    let parse = |text: &str| SopsConfig::parse(Path::new(".sops.yaml"), text.as_bytes()).unwrap();
    let one = parse("creation_rules:\n  - encrypted_regex: ^data$\n    mac_only_encrypted: true\n");
    let rules = one.rules()[0].encryption().unwrap();
    assert_eq!(rules.selection().field(), ("encrypted_regex", "^data$"));
    assert!(rules.mac_only_encrypted());
    let two = parse("creation_rules:\n  - encrypted_regex: a\n    unencrypted_suffix: b\n");
    assert!(two.rules()[0].encryption().is_err());
    let bad = parse("creation_rules:\n  - encrypted_regex: a(\n");
    assert!(bad.rules()[0].encryption().is_err());
}

/// A fleet of a few hosts and users, some with odd names, placed at random.
fn random_fleet() -> impl Strategy<Value = Fleet> {
    let hosts = proptest::collection::btree_map(
        "[a-z]([a-z.-]{0,3}[a-z0-9])?",
        (0..3usize, 0..4usize, any::<bool>()),
        1..6,
    )
    .prop_filter("names that hosts can have", |hosts| {
        hosts.keys().all(|name| !name.contains("..") && !name.contains(".-") && !name.contains("-."))
    });
    let users = proptest::collection::btree_map(
        "[a-z_][a-z0-9_.-]{0,4}",
        (0..4usize, 0..3usize, any::<(bool, bool, bool, bool)>(), 0..8usize),
        1..6,
    );
    let style = prop_oneof![Just("converted"), Just("native")];
    (hosts, users, any::<(bool, bool)>(), style).prop_map(|(hosts, users, (recovery_personal, admins), ssh)| {
        let mut text = format!("version: 1\nsettings: {{ recovery_personal: {recovery_personal}, ssh: {ssh} }}\nhosts:\n");
        let mut keys: BTreeMap<String, String> = BTreeMap::new();
        for (number, (name, (platform, tag, pending))) in hosts.iter().enumerate() {
            let platform = ["nixos", "darwin", "linux"][*platform];
            let pending = *pending && number > 0;
            text += &format!("  {name:?}: {{ platform: {platform}, tags: [t{tag}]{} }}\n", if pending { ", key: pending" } else { "" });
            if !pending {
                keys.insert(format!("hosts/{name}"), if number % 3 == 2 { SSH } else { KEYS[number % 8] }.to_owned());
            }
        }
        let first = hosts.keys().next().unwrap();
        let tag = hosts.values().next().unwrap().1;
        text += "users:\n";
        for (number, (name, (how, policy, (share, integrated, plain, has_key), key))) in users.iter().enumerate() {
            let place = [format!("hosts: [{first:?}]"), format!("tags: [t{tag}]"), "tags: [all]".into(), format!("hosts: [{first:?}], tags: [t{tag}]")];
            let policy = ["present", "locked", "absent"][*policy];
            let integrated = if *integrated { format!(", integrated: [{first:?}]") } else { String::new() };
            let format = if *plain { "plaintext" } else { "hash" };
            text += &format!("  {name:?}: {{ {}, policy: {policy}{integrated}, uid: {}, password: {{ share: {share}, format: {format} }} }}\n", place[*how], 1000 + number);
            if *has_key {
                keys.insert(format!("users/{name}"), format!("{}\n{}", KEYS[*key], KEYS[(*key + 1) % 8]));
            }
        }
        let names: Vec<String> = users.keys().map(|name| format!("{name:?}")).collect();
        text += &format!("shared:\n  all: {{ tags: [all], users: [{}] }}\n  one: {{ hosts: [{first:?}] }}\n", names.join(", "));
        if admins {
            keys.insert("admins/a".into(), KEYS[6].into());
            keys.insert("recovery/r".into(), KEYS[7].into());
        }
        let keys: Vec<_> = keys.iter().map(|(name, keys)| (name.as_str(), keys.as_str())).collect();
        fleet(&text, &keys)
    })
}

proptest! {
    #[test]
    fn random_fleets_render_to_rules_that_say_what_the_registry_says(fleet in random_fleet()) {
        let text = render(&fleet.rules().unwrap());
        let config = SopsConfig::parse(Path::new(".sops.yaml"), text.as_bytes()).unwrap();
        for kind in all_files(&fleet) {
            let rule = config.match_path(&kind.path()).unwrap();
            let ruled = rule.and_then(CreationRule::recipients).map(sorted);
            assert_eq!(ruled, Some(wanted(&fleet, &kind)), "{kind} in\n{text}");
        }
        for user in fleet.inventory().users() {
            let kind = FileKind::Personal(user.name.clone());
            if fleet.readers_of(&kind).is_none_or(|readers| readers.is_empty()) {
                let rule = config.match_path(&kind.path()).unwrap().unwrap();
                assert_eq!(rule.recipients(), Some(vec![]), "{kind}");
            }
        }
    }
}

/// What `uvars init` makes of somebody's file, with admins whose key nobody else has.
fn adopted(text: &str) -> uvars::Result<String> {
    let admin = [Recipient::parse(KEYS[7]).unwrap()];
    let files = init(&Start { admin: ("mira", &admin), recovery: None, adopt: Some(text.as_bytes()) })?;
    let config = files.into_iter().find(|(path, _)| path.as_str() == ".sops.yaml").unwrap().1;
    Ok(String::from_utf8(config).unwrap())
}

#[test]
fn an_adopted_file_gives_every_path_the_readers_that_it_had() {
    let sops = peers::find("sops");
    for (text, cases) in FOREIGN {
        let text = with_keys(text);
        // sops stops at a bad regex when it gets there, and reads the first document alone: both are refused
        let config = match (adopted(&text), text.contains("'a('"), text.contains("---")) {
            (Ok(config), false, false) => config,
            (Err(error), true, _) => {
                assert!(error.to_string().contains("path_regex"), "{error}");
                continue;
            }
            (Err(error), _, true) => {
                assert!(error.to_string().contains("more than one document"), "{error}");
                continue;
            }
            (result, ..) => panic!("{text}: {result:?}"),
        };
        let Some(sops) = &sops else { continue };
        let folder = config_folder(&config);
        for (path, expected) in *cases {
            let mut command = std::process::Command::new(sops);
            command.args(["encrypt", "--filename-override", path, "plain.yaml"]).current_dir(folder.path());
            let output = peers::feed(&mut command, b"");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            match expected {
                Ok(numbers) => {
                    assert!(output.status.success(), "{text}\n{config}\n{said}");
                    let expected = sorted(numbers.iter().map(|number| KEYS[*number]));
                    assert_eq!(recipients_of(&String::from_utf8_lossy(&output.stdout)), expected, "{text}");
                }
                Err(word) => assert!(!output.status.success() && said.contains(word), "{text}: {said}"),
            }
        }
    }
}

#[test]
fn an_adopted_file_keeps_what_sops_itself_is_told() {
    let Some(sops) = peers::find("sops") else { return };
    let text = with_keys(
        "stores:\n  yaml: {indent: 2}\ncreation_rules:\n  - encrypted_regex: ^b$\n    age: K0\n    mac_only_encrypted: true\n",
    );
    let written = [text.clone(), adopted(&text).unwrap()].map(|config| {
        let folder = config_folder(&config);
        std::fs::write(folder.path().join("plain.yaml"), "a:\n    b: 1\n").unwrap();
        let mut command = std::process::Command::new(&sops);
        command.args(["encrypt", "plain.yaml"]).current_dir(folder.path());
        let text = String::from_utf8(peers::succeed(&mut command)).unwrap();
        let shape = |line: &str| line.split("ENC[").next().unwrap().to_owned();
        let own = text.lines().filter(|line| {
            !line.contains("lastmodified")
                && !line.trim().chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c))
        });
        own.map(shape).collect::<Vec<_>>()
    });
    assert!(written[0].iter().any(|line| line == "  b: "), "{written:?}");
    assert_eq!(written[0], written[1]);
}
