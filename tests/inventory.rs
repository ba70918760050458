//! uvars.yaml: what is accepted, what is refused and how, and that the published schema says the same.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod json_schema;

use std::path::Path;

use serde_json::{Value, json};
use uvars::Result;
use uvars::fleet::{Inventory, schema};
use uvars::yaml::{Scalar, Tree, View};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKqOMGsS+ztLsYLVpOnsId+x4WOry4cQtZvNrLfkyJSu";

fn parse(text: &str) -> Result<Inventory> {
    Inventory::parse(Path::new("uvars.yaml"), text.as_bytes())
}

/// The file as other programs see it.
fn as_json(text: &str) -> Value {
    let tree = Tree::parse(text.as_bytes()).unwrap();
    value(&View::document(&tree, "uvars.yaml").unwrap())
}

fn value(view: &View<'_>) -> Value {
    if view.is_map() {
        let entries = view.entries().unwrap();
        return Value::Object(
            entries.iter().map(|entry| (entry.name.to_owned(), value(&entry.value))).collect(),
        );
    }
    if view.is_list() {
        return view.list().unwrap().iter().map(value).collect();
    }
    match view.scalar().unwrap() {
        Scalar::Null => Value::Null,
        Scalar::Bool(truth) => json!(truth),
        Scalar::Int(number) => json!(number),
        Scalar::Uint(number) => json!(number),
        Scalar::Float(number) => json!(number),
        Scalar::Str(text) => json!(text),
        other => panic!("no JSON for {other:?}"),
    }
}

/// Files that are right. HOSTS stands for three hosts.
const GOOD: &[&str] = &[
    "version: 1",
    "{\"version\": 1, \"hosts\": {\"a\": {\"platform\": \"linux\"}}}",
    "version: 1\nsettings:\nhosts:\nusers:\nshared:\ninstall:\nrules:\n",
    "version: 1\nsettings: {}\nhosts: {}\nusers: {}\nshared: {}\ninstall: {}\nrules: {}\n",
    "version: 1\nsettings: { password_hash: { kind: yescrypt, cost: 5 }, recovery_personal: true, ssh: native }",
    "version: 1\nsettings: { password_hash: { kind: sha512-crypt, rounds: 500000 } }",
    "version: 1\nsettings: { password_hash: { kind: bcrypt, cost: 12 }, ssh: converted }",
    "HOSTS",
    "HOSTS\nusers: { jon: , _www: {}, a.b-c_1: { tags: [all] } }",
    "HOSTS\nusers:\n  jon: { hosts: [a, B.example.org], tags: [server], role: admin, integrated: [a], key: mira, policy: locked,\n    uid: 0x3e9, description: 'Jon, Smith', group_primary: users, groups_secondary: [wheel, Domain_Users], home_dir: /home/jon,\n    shell: /bin/bash, authorized_keys: ['from=\"a,b\" SSH jon@laptop', SSH], password: { prompt: true, share: true, keep: false, format: hash },\n    modules: [./users/jon/home.nix], on: { a: { role: standard, policy: absent, uid: 501, description: J, group_primary: staff,\n    groups_secondary: [], home_dir: /Users/jon, shell: /bin/zsh, authorized_keys: [] } } }",
    "HOSTS\nusers: { root: { uid: 0 }, jon: { password: false }, kim: { password: { format: plaintext } } }",
    "HOSTS\nusers: { jon: { hosts: , tags: , groups_secondary: , authorized_keys: , modules: , on: } }",
    "HOSTS\nusers: { jon: { uid: 5, hosts: [a] }, kim: { uid: 5, tags: [edge] } }",
    "HOSTS\nusers: { jon: { uid: 5, hosts: [a] }, kim: { uid: 5, hosts: [a], on: { a: { uid: 6 } } } }",
    "HOSTS\nusers: { jon: { uid: 5, hosts: [a] }, kim: { uid: 5, hosts: [a], policy: absent } }",
    "HOSTS\nusers: { jon: }\nshared: { wifi: { tags: [edge], users: [jon], robots: [ci], hosts: [a] }, none: }",
    "HOSTS\nshared: { wifi: { tags: [all] } }\ninstall:\n  db/password: { from: hosts, key: db.password, on: { hosts: [a] }, owner: postgres, group: postgres, mode: \"0440\", phase: services }\n  wifi: { from: shared/wifi, key: '[\"a.b\"][\"c\"]' }\n  netrc: { from: shared/wifi, key: a, on: { tags: [server] }, phase: users, owner: root, mode: '755' }",
    "version: 1\nrules: { keys: [&x AGE], before: [{path_regex: ^docs/, age: *x}], after: [], other: { stores: { yaml: { indent: 2 } } } }",
    "version: 1\nrules:\n  after:\n  - path_regex:\n    pgp: AB\n",
];

/// Files that are wrong in a way that the schema knows too, and what the error says.
const BAD: &[(&str, &str)] = &[
    ("{}", "the field `version` is missing"),
    ("[]", "expected a map, found a list"),
    ("5", "expected a map"),
    ("version: 2", "uvars.yaml:1:10: version: this program reads version 1, not 2"),
    ("version: '1'", "expected a whole number, found a string"),
    ("version: 1\nhost: {}", "uvars.yaml:2:1: host: unknown field `host`, did you mean `hosts`?"),
    ("version: 1\ngenerators: {}", "unknown field `generators`"),
    (
        "version: 1\nsettings: { recovery_personal: yes }",
        "settings.recovery_personal: expected true or false",
    ),
    ("version: 1\nsettings: { ssh: nativ }", "did you mean `native`?"),
    ("version: 1\nsettings: { password_hash: { kind: md5 } }", "settings.password_hash.kind: "),
    ("version: 1\nsettings: { password_hash: { kind: bcrypt, cost: 40 } }", "settings.password_hash.cost: "),
    ("version: 1\nhosts: []", "hosts: expected a map, found a list"),
    ("version: 1\nhosts: { a: }", "hosts.a"),
    ("version: 1\nhosts: { a: {} }", "the field `platform` is missing"),
    ("version: 1\nhosts: { a: { platform: NixOS } }", "hosts.a.platform: expected `nixos`"),
    ("version: 1\nhosts: { a: { platform: linux, tag: [x] } }", "unknown field `tag`, did you mean `tags`?"),
    (
        "version: 1\nhosts: { a: { platform: linux, tags: x } }",
        "hosts.a.tags: expected a list, found a string",
    ),
    ("version: 1\nhosts: { a: { platform: linux, tags: [X] } }", "hosts.a.tags.0: \"X\" is no tag"),
    ("version: 1\nhosts: { a: { platform: linux, tags: [1] } }", "hosts.a.tags.0: expected a string"),
    ("version: 1\nhosts: { a: { platform: linux, tags: [x, x] } }", "hosts.a.tags.1: `x` is listed twice"),
    ("version: 1\nhosts: { a: { platform: linux, tags: [all] } }", "every host has the tag `all`"),
    ("version: 1\nhosts: { a: { platform: linux, key: yes } }", "`pending` is the only word here"),
    ("version: 1\nhosts: { a_b: { platform: linux } }", "\"a_b\" is no host name"),
    ("version: 1\nhosts: { -a: { platform: linux } }", "is no host name"),
    ("HOSTS\nusers: { Jon: }", "\"Jon\" is no user name"),
    ("HOSTS\nusers: { 1jon: }", "is no user name"),
    ("HOSTS\nusers: { jon: [] }", "users.jon: expected a map"),
    ("HOSTS\nusers: { jon: { roll: admin } }", "unknown field `roll`, did you mean `role`?"),
    ("HOSTS\nusers: { jon: { home_bundle: {} } }", "unknown field `home_bundle`"),
    ("HOSTS\nusers: { jon: { role: root } }", "users.jon.role: expected `standard`"),
    ("HOSTS\nusers: { jon: { policy: gone } }", "users.jon.policy: expected `present`"),
    ("HOSTS\nusers: { jon: { hosts: [a, a] } }", "`a` is listed twice"),
    ("HOSTS\nusers: { jon: { hosts: a } }", "users.jon.hosts: expected a list"),
    ("HOSTS\nusers: { jon: { uid: -1 } }", "users.jon.uid: a uid is a number"),
    ("HOSTS\nusers: { jon: { uid: 65535 } }", "users.jon.uid: a uid is a number"),
    ("HOSTS\nusers: { jon: { uid: 4294967295 } }", "users.jon.uid: a uid is a number"),
    ("HOSTS\nusers: { jon: { uid: 1.5 } }", "expected a whole number"),
    ("HOSTS\nusers: { jon: { uid: '5' } }", "expected a whole number, found a string"),
    ("HOSTS\nusers: { jon: { description: 'a:b' } }", "no colon"),
    ("HOSTS\nusers: { jon: { description: \"a\\nb\" } }", "no control character"),
    ("HOSTS\nusers: { jon: { description: 5 } }", "put it in quotes"),
    (
        "HOSTS\nusers: { jon: { group_primary: '5x' } }",
        "users.jon.group_primary: \"5x\" is no account or group name",
    ),
    ("HOSTS\nusers: { jon: { groups_secondary: [a b] } }", "users.jon.groups_secondary.0: "),
    ("HOSTS\nusers: { jon: { groups_secondary: [a, a] } }", "`a` is listed twice"),
    ("HOSTS\nusers: { jon: { home_dir: home/jon } }", "users.jon.home_dir: an absolute path is expected"),
    ("HOSTS\nusers: { jon: { home_dir: /home/../etc } }", "an absolute path is expected"),
    ("HOSTS\nusers: { jon: { shell: '/bin/a:b' } }", "users.jon.shell: an absolute path is expected"),
    ("HOSTS\nusers: { jon: { authorized_keys: [age1x] } }", "a public ssh key on one line is expected"),
    ("HOSTS\nusers: { jon: { authorized_keys: SSH } }", "users.jon.authorized_keys: expected a list"),
    ("HOSTS\nusers: { jon: { password: } }", "users.jon.password: `false`, or a map, is expected"),
    ("HOSTS\nusers: { jon: { password: true } }", "`false` means none"),
    (
        "HOSTS\nusers: { jon: { password: { prompt: 1 } } }",
        "users.jon.password.prompt: expected true or false",
    ),
    ("HOSTS\nusers: { jon: { password: { promt: true } } }", "did you mean `prompt`?"),
    ("HOSTS\nusers: { jon: { password: { format: md5 } } }", "users.jon.password.format: expected `hash`"),
    ("HOSTS\nusers: { jon: { modules: [''] } }", "the path of a Nix file is expected"),
    ("HOSTS\nusers: { jon: { hosts: [a], on: { a: { hosts: [a] } } } }", "unknown field `hosts`"),
    (
        "HOSTS\nusers: { jon: { hosts: [a], on: { a: { uid: x } } } }",
        "users.jon.on.a.uid: expected a whole number",
    ),
    ("HOSTS\nshared: { Wifi: {} }", "\"Wifi\" is no shared name"),
    ("HOSTS\nshared: { wifi: { people: [] } }", "unknown field `people`"),
    ("HOSTS\nshared: { wifi: { robots: [CI] } }", "shared.wifi.robots.0: \"CI\" is no robot's name"),
    ("HOSTS\ninstall: { x: }", "install.x"),
    ("HOSTS\ninstall: { x: { key: a, on: { hosts: [a] } } }", "the field `from` is missing"),
    ("HOSTS\ninstall: { x: { from: hosts, on: { hosts: [a] } } }", "the field `key` is missing"),
    ("HOSTS\ninstall: { x: { from: host, key: a } }", "`hosts` (each host's own file) or `shared/NAME`"),
    ("HOSTS\ninstall: { x: { from: hosts, key: '', on: { hosts: [a] } } }", "install.x.key"),
    (
        "HOSTS\ninstall: { x: { from: hosts, key: a, on: { hosts: [a] }, restart: [x] } }",
        "unknown field `restart`",
    ),
    (
        "HOSTS\ninstall: { x: { from: hosts, key: a, on: { host: [a] } } }",
        "unknown field `host`, did you mean `hosts`?",
    ),
    (
        "HOSTS\ninstall: { x: { from: hosts, key: a, on: { hosts: [a] }, mode: 0400 } }",
        "write a mode in quotes",
    ),
    (
        "HOSTS\ninstall: { x: { from: hosts, key: a, on: { hosts: [a] }, mode: '0666' } }",
        "everybody on the host could write",
    ),
    (
        "HOSTS\ninstall: { x: { from: hosts, key: a, on: { hosts: [a] }, mode: '4755' } }",
        "a mode of three octal digits",
    ),
    (
        "HOSTS\ninstall: { x: { from: hosts, key: a, on: { hosts: [a] }, phase: user } }",
        "did you mean `users`?",
    ),
    ("HOSTS\ninstall: { x: { from: hosts, key: a, on: { hosts: [a] }, owner: '5 5' } }", "install.x.owner: "),
    (
        "HOSTS\ninstall: { home/x: { from: hosts, key: a, on: { hosts: [a] } } }",
        "is no name to install under",
    ),
    (
        "HOSTS\ninstall: { a/../b: { from: hosts, key: a, on: { hosts: [a] } } }",
        "is no name to install under",
    ),
    (
        "HOSTS\ninstall: { .x: { from: hosts, key: a, on: { hosts: [a] } } }",
        "uvars.yaml:6:12: install[\".x\"]: ",
    ),
    (
        "HOSTS\ninstall: { db/.hidden: { from: hosts, key: a, on: { hosts: [a] } } }",
        "is no name to install under",
    ),
    (
        "HOSTS\ninstall: { /etc/x: { from: hosts, key: a, on: { hosts: [a] } } }",
        "is no name to install under",
    ),
    ("version: 1\nrules: { befor: [] }", "did you mean `before`?"),
    ("version: 1\nrules: { before: {} }", "rules.before: expected a list"),
    ("version: 1\nrules: { after: [5] }", "rules.after.0: a rule of sops is a map"),
    ("version: 1\nrules: { other: [] }", "rules.other: expected a map"),
    ("version: 1\nrules: { other: { keys: [] } }", "rules.other.keys: `keys` is written by uvars"),
    ("version: 1\nrules: { other: { creation_rules: [] } }", "`creation_rules` is written by uvars"),
];

/// Files that are wrong in a way that no schema can say.
const CONTRADICTIONS: &[(&str, &str)] = &[
    ("", "the file is empty"),
    ("version: 1\n---\nversion: 1", "a second one begins"),
    ("version: 1\nversion: 1", "`version`"),
    ("version: 1\nhosts: { a: { platform: linux }, A: { platform: linux } }", "differ in nothing but case"),
    ("HOSTS\nusers: { jon: , jon: }", "`jon`"),
    ("HOSTS\nusers: { jon: { hosts: [basald] } }", "users.jon.hosts.0: unknown host `basald`"),
    ("HOSTS\nusers: { jon: { tags: [servr] } }", "unknown tag `servr`, did you mean `server`?"),
    ("version: 1\nusers: { jon: { tags: [all] } }", "there is no host at all"),
    ("HOSTS\nusers: { jon: { hosts: [a], integrated: [c] } }", "jon is not placed on c"),
    ("HOSTS\nusers: { jon: { hosts: [a], on: { c: { uid: 5 } } } }", "jon is not placed on c"),
    ("HOSTS\nusers: { jon: { uid: 0 } }", "uid 0 is root's"),
    (
        "HOSTS\nusers: { jon: { hosts: [a], uid: 5 }, kim: { tags: [server], uid: 5 } }",
        "users.kim.uid: kim has the uid 5 of jon on a",
    ),
    (
        "HOSTS\nusers: { jon: { hosts: [a], uid: 5 }, kim: { tags: [server], uid: 5 } }",
        "another; for a alone: on: { a: { uid: N } } of kim",
    ),
    ("HOSTS\nshared: { wifi: { hosts: [x] } }", "shared.wifi.hosts.0: unknown host `x`"),
    ("HOSTS\nshared: { wifi: { users: [jon] } }", "shared.wifi.users.0: unknown user `jon`"),
    ("HOSTS\ninstall: { x: { from: shared/wif, key: a } }", "unknown shared file `wif`"),
    ("HOSTS\ninstall: { x: { from: hosts, key: a } }", "the field `on` is missing"),
    ("HOSTS\ninstall: { x: { from: hosts, key: a, on: {} } }", "this lands on no host"),
    (
        "HOSTS\nshared: { w: { hosts: [a] } }\ninstall: { x: { from: shared/w, key: a, on: { hosts: [c] } } }",
        "c does not read shared/w",
    ),
    ("HOSTS\ninstall: { x: { from: hosts, key: 'a..b', on: { hosts: [a] } } }", "install.x.key"),
    (
        "HOSTS\ninstall: { x: { from: hosts, key: uvars_path, on: { hosts: [a] } } }",
        "uvars.yaml:6:35: install.x.key: this says where a file belongs",
    ),
    (
        "HOSTS\ninstall: { x: { from: hosts, key: '[\"uvars_path\"]', on: { hosts: [a] } } }",
        "this says where a file belongs",
    ),
    (
        "HOSTS\ninstall: { x: { from: hosts, key: a, on: { hosts: [a] }, phase: users, owner: jon } }",
        "the owner can be root alone",
    ),
    (
        "HOSTS\nusers: { jon: }\ninstall: { jon/x: { from: hosts, key: a, on: { hosts: [a] }, phase: users } }",
        "the folder jon/ is the user jon's",
    ),
    (
        "HOSTS\ninstall: { x: { from: hosts, key: a, on: { hosts: [a] } }, x/y: { from: hosts, key: a, on: { hosts: [a] } } }",
        "install.x",
    ),
    ("version: 1\nsettings: { password_hash: { kind: sha512-crypt, cost: 5 } }", "sha512-crypt has no cost"),
    ("version: 1\nrules: { before: [{path_regex: '('}] }", "rules.before.0.path_regex: "),
    ("version: 1\nx: &x []\nrules: { before: [{age: *x}] }", "unknown field `x`"),
    ("version: 1\nhosts: &x {}\nrules: { before: [{age: *x}] }", "do not stand alone"),
    ("version: [\n", "uvars.yaml:"),
];

/// Secrets in clear, wherever they stand: SECRET is not repeated.
const SECRETS: &[&str] = &[
    "HOSTS\nusers: { jon: { password: SECRET } }",
    "HOSTS\nusers: { jon: { hashed_password: SECRET } }",
    "HOSTS\nusers: { jon: { password: { data: SECRET } } }",
    "HOSTS\nusers: { jon: { hosts: [a], on: { a: { hash: SECRET } } } }",
    "HOSTS\nusers: { jon: { description: $6$saltSECRET$abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx } }",
    "HOSTS\nusers: { jon: { description: AGE-SECRET-KEY-1SECRET } }",
    "HOSTS\nusers: { jon: { authorized_keys: ['-----BEGIN OPENSSH PRIVATE KEY-----SECRET'] } }",
    "HOSTS # nothing\nrules: { before: [{age: age-secret-key-1SECRET}] }",
];

const HOSTS: &str = "version: 1\nhosts:\n  a: { platform: nixos, tags: [server] }\n  B.example.org: { platform: linux, tags: [] }\n  c: { platform: darwin, tags: [edge], key: pending }";

fn filled(text: &str) -> String {
    text.replace("HOSTS", HOSTS).replace("SSH", KEY)
}

#[test]
fn what_is_right_is_accepted_by_us_and_by_the_schema() {
    let schema = schema();
    let sample = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/uvars.yaml")).unwrap();
    for text in GOOD.iter().map(|text| filled(text)).chain([sample]) {
        parse(&text).unwrap_or_else(|error| panic!("{error} {:?}\n{text}", error.hints()));
        json_schema::validate(&schema, &as_json(&text)).unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
}

#[test]
fn what_is_wrong_is_refused_by_us_and_by_the_schema() {
    let schema = schema();
    for (text, said) in BAD {
        refused(text, said);
        let text = filled(text);
        assert!(json_schema::validate(&schema, &as_json(&text)).is_err(), "the schema takes {text}");
    }
}

#[test]
fn contradictions_are_refused_with_their_place() {
    for (text, said) in CONTRADICTIONS {
        refused(text, said);
    }
    let not_text = Inventory::parse(Path::new("uvars.yaml"), b"version: 1\n# \xff\n").unwrap_err();
    assert_eq!(not_text.to_string(), "uvars.yaml:2:3: the file is not UTF-8");
}

fn refused(text: &str, said: &str) {
    let error = parse(&filled(text)).map(|_| ()).expect_err(text);
    let error = format!("{error}\n{}", error.hints().join("\n"));
    assert!(error.starts_with("uvars.yaml") && error.contains(said), "{text}\n{error}");
}

#[test]
fn a_secret_in_clear_is_refused_and_not_repeated() {
    for text in SECRETS {
        let text = filled(text);
        let error = parse(&text).map(|_| ()).expect_err(&text);
        let all = format!("{error} {:?}", error.hints());
        assert!(all.contains("everybody can read this file"), "{text}\n{all}");
        assert!(!all.contains("SECRET"), "{text}\n{all}");
    }
}

#[test]
fn line_ends_and_marks_make_no_difference() {
    for text in GOOD {
        let text = filled(text);
        for form in [text.replace('\n', "\r\n"), format!("\u{feff}{text}"), format!("---\n{text}\n...\n")] {
            parse(&form).unwrap_or_else(|error| panic!("{error}\n{form:?}"));
        }
    }
}
