//! Changes of uvars.yaml: what each one does, and that every other byte stays.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::{select, subsequence};
use std::path::Path;
use uvars::fleet::Inventory;
use uvars::fleet::edit::{self, Assignment};

/// A file as people leave it: comments everywhere, two indentations, both styles, quotes of both kinds.
const MESSY: &str = r#"# the fleet
version: 1   # the form

hosts:   # machines
    # the first one
    basalt: {platform: nixos, tags: [server, "gpu"]}   # in the cellar
    'flint':
        platform: linux
        tags:
        - edge   # far away
        # and nothing else
        - cold

    opal: { platform: darwin, key: pending } # bought

# people
users:
    mira: # the boss
        role: admin
        tags: [ server ]
        hosts: [opal, flint]
        uid: 1000 # as everywhere

        # her own
        shell: '/bin/zsh'
        on:
            opal: {uid: 501, home_dir: /Users/mira} # her desk
            flint:
                shell: "/bin/bash"
    # on leave
    jon: { hosts: [basalt, flint], uid: 1001, password: { share: true } } # back in May
    ines:
        policy: absent # has left
        password: false
    bare:

shared:
    wifi: { tags: [edge], users: [mira] }
install:
    db/password: { from: hosts, key: db.password, on: { hosts: [basalt] } }
rules: { before: [], after: [] } # by hand
# the end
"#;

fn user(assignments: &[&str]) -> Vec<Assignment> {
    assignments.iter().map(|text| Assignment::of_user(text).unwrap()).collect()
}

fn host(assignments: &[&str]) -> Vec<Assignment> {
    assignments.iter().map(|text| Assignment::of_host(text).unwrap()).collect()
}

fn text(result: uvars::Result<Vec<u8>>) -> String {
    let bytes = result.unwrap_or_else(|error| panic!("{error} {:?}", error.hints()));
    String::from_utf8(bytes).unwrap()
}

fn user_set(text_before: &str, name: &str, assignments: &[&str]) -> String {
    text(edit::user_set(text_before.as_bytes(), name, &user(assignments)))
}

/// The lines that went and came, in their order; all others are the same, byte for byte.
fn changes(before: &str, after: &str) -> Vec<String> {
    let diff = similar::TextDiff::from_lines(before, after);
    let changed = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
    changed.map(|change| format!("{}{}", change.tag(), change.value())).collect()
}

#[test]
fn each_change_of_a_user_touches_its_own_line() {
    for (name, assignments, expected) in [
        (
            "mira",
            &["uid=1007"][..],
            &["-        uid: 1000 # as everywhere\n", "+        uid: 1007 # as everywhere\n"][..],
        ),
        ("mira", &["shell=/bin/sh"], &["-        shell: '/bin/zsh'\n", "+        shell: '/bin/sh'\n"]),
        ("mira", &["shell="], &["-        # her own\n", "-        shell: '/bin/zsh'\n"]),
        (
            "mira",
            &["hosts+=basalt"],
            &["-        hosts: [opal, flint]\n", "+        hosts: [opal, flint, basalt]\n"],
        ),
        ("mira", &["tags+=gpu"], &["-        tags: [ server ]\n", "+        tags: [ server, gpu ]\n"]),
        ("mira", &["policy=locked"], &["+        policy: locked\n"]),
        ("mira", &["description=Mira: # 1"], &["error"]),
        ("mira", &["description=Mira # 1"], &["+        description: 'Mira # 1'\n"]),
        ("mira", &["password.keep=true"], &["+        password: { keep: true }\n"]),
        ("mira", &["password=false"], &["+        password: false\n"]),
        (
            "mira",
            &["on.opal.shell=/bin/zsh"],
            &[
                "-            opal: {uid: 501, home_dir: /Users/mira} # her desk\n",
                "+            opal: {uid: 501, home_dir: /Users/mira, shell: /bin/zsh} # her desk\n",
            ],
        ),
        ("mira", &["on.flint.role=standard"], &["+                role: standard\n"]),
        ("mira", &["on.flint="], &["-            flint:\n", "-                shell: \"/bin/bash\"\n"]),
        ("mira", &["on.flint.shell="], &["-            flint:\n", "-                shell: \"/bin/bash\"\n"]),
        ("mira", &["on.basalt.policy=absent"], &["+            basalt: { policy: absent }\n"]),
        ("mira", &["authorized_keys+=KEY"], &["+        authorized_keys:\n", "+        - KEY\n"]),
        (
            "jon",
            &["password.share="],
            &[
                "-    jon: { hosts: [basalt, flint], uid: 1001, password: { share: true } } # back in May\n",
                "+    jon: { hosts: [basalt, flint], uid: 1001 } # back in May\n",
            ],
        ),
        (
            "jon",
            &["password.prompt=false", "hosts-=flint", "role=admin"],
            &[
                "-    jon: { hosts: [basalt, flint], uid: 1001, password: { share: true } } # back in May\n",
                "+    jon: { hosts: [basalt], role: admin, uid: 1001, password: { prompt: false, share: true } } # back in May\n",
            ],
        ),
        (
            "jon",
            &["on.flint.uid=7"],
            &[
                "-    jon: { hosts: [basalt, flint], uid: 1001, password: { share: true } } # back in May\n",
                "+    jon: { hosts: [basalt, flint], uid: 1001, password: { share: true }, on: { flint: { uid: 7 } } } # back in May\n",
            ],
        ),
        ("ines", &["password="], &["-        password: false\n"]),
        (
            "ines",
            &["password=", "password.share=true"],
            &["-        password: false\n", "+        password: { share: true }\n"],
        ),
        ("bare", &["tags=edge"], &["+        tags: [edge]\n"]),
        ("ines", &["hosts+=flint,opal"], &["+        hosts: [flint, opal]\n"]),
    ] {
        let key = format!("ssh-ed25519 AAAA{}", "x".repeat(40));
        let assignments: Vec<String> = assignments.iter().map(|text| text.replace("KEY", &key)).collect();
        let assignments: Vec<&str> = assignments.iter().map(String::as_str).collect();
        let result = edit::user_set(MESSY.as_bytes(), name, &user(&assignments));
        if expected == ["error"] {
            assert!(result.is_err(), "{name} {assignments:?}");
            continue;
        }
        let expected: Vec<String> = expected.iter().map(|line| line.replace("KEY", &key)).collect();
        assert_eq!(changes(MESSY, &text(result)), expected, "{name} {assignments:?}");
    }
}

#[test]
fn each_change_of_a_host_touches_its_own_line() {
    for (name, assignments, expected) in [
        (
            "basalt",
            &["tags+=new"][..],
            &[
                "-    basalt: {platform: nixos, tags: [server, \"gpu\"]}   # in the cellar\n",
                "+    basalt: {platform: nixos, tags: [server, \"gpu\", new]}   # in the cellar\n",
            ][..],
        ),
        ("flint", &["platform=nixos"], &["-        platform: linux\n", "+        platform: nixos\n"]),
        ("flint", &["tags+=new"], &["+        - new\n"]),
        ("flint", &["tags-=cold"], &["-        # and nothing else\n", "-        - cold\n"]),
        (
            "opal",
            &["key="],
            &[
                "-    opal: { platform: darwin, key: pending } # bought\n",
                "+    opal: { platform: darwin } # bought\n",
            ],
        ),
    ] {
        let after = text(edit::host_set(MESSY.as_bytes(), name, &host(assignments)));
        assert_eq!(changes(MESSY, &after), expected, "{name} {assignments:?}");
    }
    assert_eq!(
        changes(MESSY, &text(edit::host_has_key(MESSY.as_bytes(), "opal"))),
        [
            "-    opal: { platform: darwin, key: pending } # bought\n",
            "+    opal: { platform: darwin } # bought\n"
        ]
    );
    for has_none_to_lose in ["flint", "nobody"] {
        assert_eq!(text(edit::host_has_key(MESSY.as_bytes(), has_none_to_lose)), MESSY);
    }
}

#[test]
fn new_ones_come_last_and_go_without_a_trace() {
    let added = text(edit::host_add(MESSY.as_bytes(), "a.b", &host(&["tags=edge", "platform=linux"]), true));
    assert_eq!(changes(MESSY, &added), ["+    a.b: { platform: linux, tags: [edge] }\n"]);
    assert_eq!(text(edit::host_remove(added.as_bytes(), "a.b")), MESSY);
    let pending = text(edit::host_add(MESSY.as_bytes(), "c", &host(&["platform=darwin"]), false));
    assert_eq!(changes(MESSY, &pending), ["+    c: { platform: darwin, key: pending }\n"]);
    let fields =
        ["uid=1005", "hosts=flint", "on.flint.shell=/bin/sh", "password.share=true", "description=Ada"];
    let added = text(edit::user_add(MESSY.as_bytes(), "ada", &user(&fields)));
    assert_eq!(
        changes(MESSY, &added),
        [
            "+    ada:\n",
            "+        hosts: [flint]\n",
            "+        uid: 1005\n",
            "+        description: Ada\n",
            "+        password: { share: true }\n",
            "+        on:\n",
            "+            flint: { shell: /bin/sh }\n",
        ]
    );
    assert_eq!(text(edit::user_remove(added.as_bytes(), "ada")), MESSY);
    let nothing = text(edit::user_add(MESSY.as_bytes(), "ada", &[]));
    assert_eq!(changes(MESSY, &nothing), ["+    ada: {}\n"]);
    assert_eq!(
        changes(MESSY, &text(edit::user_remove(MESSY.as_bytes(), "jon"))),
        [
            "-    # on leave\n",
            "-    jon: { hosts: [basalt, flint], uid: 1001, password: { share: true } } # back in May\n"
        ]
    );
}

#[test]
fn sections_are_made_where_they_are_missing() {
    let first = text(edit::host_add(b"version: 1\n", "a", &host(&["platform=linux"]), true));
    assert_eq!(first, "version: 1\nhosts:\n  a: { platform: linux }\n");
    let second = text(edit::user_add(
        b"version: 1\nhosts: {a: {platform: linux}}\nrules: {}\n",
        "jon",
        &user(&["hosts=a"]),
    ));
    assert_eq!(
        second,
        "version: 1\nhosts: {a: {platform: linux}}\nusers:\n  jon:\n    hosts: [a]\nrules: {}\n"
    );
    let empty = text(edit::user_add(b"version: 1\nusers: {} # nobody\n", "jon", &user(&["uid=5"])));
    assert_eq!(empty, "version: 1\nusers: # nobody\n  jon:\n    uid: 5\n");
}

#[test]
fn line_ends_and_other_forms_are_kept() {
    let crlf = MESSY.replace('\n', "\r\n");
    let after = user_set(&crlf, "mira", &["policy=locked", "on.flint.uid=5", "hosts-=opal", "on.opal="]);
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
    assert_eq!(
        after.replace("\r\n", "\n"),
        user_set(MESSY, "mira", &["policy=locked", "on.flint.uid=5", "hosts-=opal", "on.opal="])
    );
    let bom = format!("\u{feff}{MESSY}");
    assert_eq!(
        user_set(&bom, "mira", &["uid=7"]),
        format!("\u{feff}{}", user_set(MESSY, "mira", &["uid=7"]))
    );
    let json = "{\n  \"version\": 1,\n  \"hosts\": {\"a\": {\"platform\": \"linux\"}},\n  \"users\": {\"jon\": {\"uid\": 5}}\n}\n";
    let after = text(edit::user_add(json.as_bytes(), "ada", &user(&["hosts=a", "on.a.uid=7", "role=admin"])));
    let value: serde_json::Value = serde_json::from_str(&after).unwrap();
    assert_eq!(
        value["users"]["ada"],
        serde_json::json!({ "hosts": ["a"], "role": "admin", "on": { "a": { "uid": 7 } } })
    );
    let after = user_set(json, "jon", &["description=Jon", "uid=6"]);
    assert_eq!(after, json.replace("{\"uid\": 5}", "{\"uid\": 6, \"description\": \"Jon\"}"));
    assert_eq!(
        user_set("version: 1\nusers:\n  jon:\n    uid: 5", "jon", &["role=admin"]),
        "version: 1\nusers:\n  jon:\n    role: admin\n    uid: 5"
    );
}

#[test]
fn what_would_not_be_right_is_refused_and_says_where() {
    let set = |name: &str, fields: &[&str]| edit::user_set(MESSY.as_bytes(), name, &user(fields));
    let machine = |name: &str, fields: &[&str]| edit::host_set(MESSY.as_bytes(), name, &host(fields));
    for (result, said) in [
        (set("jon", &["uid=1", "uid=2"]), "uid is given twice"),
        (set("jon", &["shell=", "shell=/bin/sh"]), "shell is given twice"),
        (
            edit::host_add(MESSY.as_bytes(), "x", &host(&["platform=linux", "platform=nixos"]), true),
            "platform is given twice",
        ),
        (set("jonn", &["uid=1"]), "uvars.yaml: there is no user `jonn`, did you mean `jon`?"),
        (
            set("jon", &["hosts+=flnt"]),
            "uvars.yaml: users.jon.hosts.2: unknown host `flnt`, did you mean `flint`?",
        ),
        (set("jon", &["hosts-=opal"]), "uvars.yaml: users.jon.hosts does not have the item `opal`"),
        (set("jon", &["uid=1000"]), "uvars.yaml: users.jon.uid: "),
        (set("jon", &["on.opal.uid=5"]), "jon is not placed on opal"),
        (set("mira", &["hosts-=opal"]), "uvars.yaml:27:13: users.mira.on.opal: mira is not placed on opal"),
        (set("ines", &["password.share=true"]), "users.ines.password is a single value"),
        (machine("basalt", &["platform=windows"]), "hosts.basalt.platform: expected"),
        (machine("basalt", &["tags+=all"]), "hosts.basalt.tags.2"),
        (machine("flint", &["tags-=edge"]), "uvars.yaml: shared.wifi.tags.0: unknown tag `edge`"),
        (machine("flnt", &["tags="]), "there is no host `flnt`, did you mean `flint`?"),
        (machine("opal", &["platform="]), "the field `platform` is missing"),
        (edit::user_add(MESSY.as_bytes(), "jon", &[]), "there is a user jon already"),
        (edit::user_add(MESSY.as_bytes(), "Jon", &[]), "is no user name"),
        (edit::user_add(b"users: []\n", "jon", &[]), "uvars.yaml"),
        (edit::host_add(MESSY.as_bytes(), "flint", &[], true), "there is a host flint already"),
        (edit::host_add(MESSY.as_bytes(), "x", &[], true), "what runs there?"),
        (edit::host_add(MESSY.as_bytes(), "a_b", &host(&["platform=linux"]), true), "is no host name"),
        (
            edit::host_add(MESSY.as_bytes(), "FLINT", &host(&["platform=linux"]), true),
            "differ in nothing but case",
        ),
    ] {
        let error = result.map(|_| ()).expect_err(said).to_string();
        assert!(error.contains(said), "{said}\n{error}");
    }
}

#[test]
fn who_is_still_named_stays_and_each_line_is_told() {
    let error = edit::host_remove(MESSY.as_bytes(), "flint").unwrap_err();
    assert_eq!(
        error.to_string(),
        "uvars.yaml:21:23: the host flint cannot be taken out: it is still named here"
    );
    assert_eq!(
        error.hints(),
        [
            "line 21: users.mira.hosts",
            "line 28: users.mira.on",
            "line 31: users.jon.hosts",
            "line 38: shared.wifi.tags: no other host has this tag",
            "uvars user set jon hosts-=flint",
            "uvars user set mira on.flint= hosts-=flint",
        ]
    );
    let error = edit::host_remove(MESSY.as_bytes(), "basalt").unwrap_err();
    assert_eq!(
        error.hints(),
        [
            "line 20: users.mira.tags: no other host has this tag",
            "line 31: users.jon.hosts",
            "line 40: install.db/password.on.hosts",
            "uvars user set jon hosts-=basalt"
        ]
    );
    let error = edit::user_remove(MESSY.as_bytes(), "mira").unwrap_err();
    assert_eq!(
        error.to_string(),
        "uvars.yaml:38:35: the user mira cannot be taken out: it is still named here"
    );
    assert_eq!(error.hints(), ["line 38: shared.wifi.users"]);
    let last = "version: 1\nhosts: { a: { platform: linux } }\nusers: { jon: { tags: [all] } }\n";
    let error = edit::host_remove(last.as_bytes(), "a").unwrap_err();
    assert_eq!(error.hints(), ["line 3: users.jon.tags: there is no other host"]);
    // what is told is enough
    let freed = user_set(MESSY, "jon", &["hosts-=flint"]);
    let freed = user_set(&freed, "mira", &["on.flint=", "hosts-=flint"]).replace("tags: [edge]", "tags: []");
    assert!(edit::host_remove(freed.as_bytes(), "flint").is_ok());
    for (error, said) in [
        (
            edit::host_remove(MESSY.as_bytes(), "flnt").unwrap_err(),
            "there is no host `flnt`, did you mean `flint`?",
        ),
        (
            edit::user_remove(MESSY.as_bytes(), "miro").unwrap_err(),
            "there is no user `miro`, did you mean `mira`?",
        ),
    ] {
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn what_two_users_have_in_common_is_not_changed_for_both() {
    let text = "version: 1\nusers:\n  base: &base\n    policy: locked\n  jon: *base\n  kim:\n    <<: *base\n    uid: 5\n";
    for (name, fields) in [("jon", "uid=6"), ("base", "policy=absent"), ("base", "policy=")] {
        let error = edit::user_set(text.as_bytes(), name, &user(&[fields])).unwrap_err();
        let said = format!("{error} {:?}", error.hints());
        assert!(
            said.contains("uvars.yaml:") && (said.contains("alias") || said.contains("anchor")),
            "{name} {fields}: {said}"
        );
    }
    let error = edit::user_set(text.as_bytes(), "kim", &user(&["policy="])).unwrap_err().to_string();
    assert_eq!(error, "uvars.yaml: users.kim.policy comes from what `<<` merges in");
    // one's own fields are one's own
    assert_eq!(user_set(text, "kim", &["uid=6"]), text.replace("uid: 5", "uid: 6"));
    assert_eq!(
        user_set(text, "kim", &["role=admin"]),
        text.replace("    <<: *base", "    role: admin\n    <<: *base")
    );
}

#[test]
fn what_is_merged_in_is_neither_hidden_nor_lost() {
    let text = "version: 1\nhosts:\n  a: &a { platform: nixos, tags: [server] }\n  b:\n    <<: *a\n    platform: linux\n\
        users:\n  ruben: &r\n    hosts: [a]\n    groups_secondary: [video, audio]\n    password: { share: true }\n    \
        on: { a: { shell: /bin/zsh } }\n  rob:\n    <<: *r\n    uid: 5\n";
    for (fields, place) in [
        ("groups_secondary+=wheel", "groups_secondary"),
        ("groups_secondary-=video", "groups_secondary"),
        ("groups_secondary=", "groups_secondary"),
        ("password.share=", "password"),
        ("password.keep=true", "password"),
        ("on.a.shell=/bin/sh", "on"),
        ("on.a.groups_secondary+=wheel", "on"),
    ] {
        let error = edit::user_set(text.as_bytes(), "rob", &user(&[fields])).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("uvars.yaml: users.rob.{place} comes from what `<<` merges in"),
            "{fields}"
        );
        assert!(error.hints()[0].starts_with("change it there, by hand"), "{:?}", error.hints());
    }
    for fields in ["tags+=gpu", "tags-=server", "tags="] {
        let error = edit::host_set(text.as_bytes(), "b", &host(&[fields])).unwrap_err().to_string();
        assert_eq!(error, "uvars.yaml: hosts.b.tags comes from what `<<` merges in", "{fields}");
    }
    // a field of one's own in place of one that is merged in is what `<<` is for
    let own = user_set(text, "rob", &["groups_secondary=wheel"]);
    assert!(own.ends_with("  rob:\n    <<: *r\n    uid: 5\n    groups_secondary: [wheel]\n"), "{own}");
    assert!(user_set(text, "rob", &["modules+=x"]).contains("modules: [x]"));
}

/// The comments of a file in their order.
fn comments(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.find('#').and_then(|at| line.get(at..))).collect()
}

/// A field that `bare` does not have, and what it may be.
fn fields() -> impl Strategy<Value = Vec<String>> {
    let text = "[a-zA-Z#'\"\\[{&*!|>%@` ,-]{1,12}";
    let lists = |name: &'static str, from: &'static [&'static str]| {
        subsequence(from, 1..=from.len()).prop_map(move |items| format!("{name}={}", items.join(",")))
    };
    let one = prop_oneof![
        lists("hosts", &["basalt", "flint", "opal"]),
        lists("tags", &["server", "edge", "gpu", "all"]),
        lists("groups_secondary", &["wheel", "video", "on", "null", "a1"]),
        select(&["role=admin", "role=standard", "policy=locked", "policy=absent", "key=mira"][..])
            .prop_map(str::to_owned),
        (2000_u32..3000).prop_map(|uid| format!("uid={uid}")),
        text.prop_map(|text| format!("description={text}")),
        "/[a-z #'\"]{0,8}".prop_map(|path| format!("home_dir={path}")),
        "/[a-z]{0,8}".prop_map(|path| format!("shell={path}")),
        any::<bool>().prop_map(|truth| format!("password.keep={truth}")),
        any::<bool>().prop_map(|truth| format!("password.share={truth}")),
        Just("password.format=plaintext".to_owned()),
        Just("modules=./a.nix,./b c.nix".to_owned()),
    ];
    proptest::collection::vec(one, 1..6).prop_map(|mut fields| {
        fields.sort();
        fields.dedup_by(|a, b| a.split('=').next() == b.split('=').next());
        fields
    })
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 120, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_fields_come_and_go_and_nothing_else_changes(
        fields in fields(),
        name in select(&["bare", "ines", "jon", "ada"][..]),
        line_end in select(&["\n", "\r\n"][..]),
    ) {
        let before = MESSY.replace('\n', line_end);
        // fields that the user has already would not come back as they were
        let fields: Vec<&str> = fields.iter().map(String::as_str).filter(|field| match name {
            "ines" => !field.starts_with("policy") && !field.starts_with("password"),
            "jon" => !field.starts_with("hosts") && !field.starts_with("uid") && !field.starts_with("password"),
            _ => true,
        }).collect();
        let assignments = user(&fields);
        let result = if name == "ada" {
            edit::user_add(before.as_bytes(), name, &assignments)
        } else {
            edit::user_set(before.as_bytes(), name, &assignments)
        };
        let Ok(after) = result else { return Ok(()) };
        let after = String::from_utf8(after).unwrap();
        let inventory = Inventory::parse(Path::new("uvars.yaml"), after.as_bytes()).unwrap();
        assert!(comments(&before).iter().all(|comment| after.contains(comment)), "{after}");
        assert_eq!(after.matches('\n').count(), after.matches(line_end).count());
        let said = inventory.user(name).unwrap();
        for field in &fields {
            let (field, value) = field.split_once('=').unwrap();
            let found = match field {
                "uid" => said.account.uid.unwrap().to_string(),
                "description" => said.account.description.clone().unwrap(),
                "home_dir" => said.account.home_dir.clone().unwrap(),
                "shell" => said.account.shell.clone().unwrap(),
                "role" => said.account.role.unwrap().word().to_owned(),
                "policy" => said.account.policy.unwrap().word().to_owned(),
                "key" => said.key.value.to_string(),
                "modules" => said.modules.join(","),
                "groups_secondary" => said.account.groups_secondary.clone().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
                "hosts" => said.hosts.iter().map(|host| host.value.to_string()).collect::<Vec<_>>().join(","),
                "tags" => said.tags.iter().map(|tag| tag.value.to_string()).collect::<Vec<_>>().join(","),
                "password.keep" => said.password.unwrap().keep.to_string(),
                "password.share" => said.password.unwrap().share.to_string(),
                _ => value.to_owned(),
            };
            assert_eq!(found, value, "{field}");
        }
        // and back
        let back = if name == "ada" {
            edit::user_remove(after.as_bytes(), name)
        } else {
            let taken: Vec<String> = fields.iter().map(|field| format!("{}=", field.split('=').next().unwrap())).collect();
            edit::user_set(after.as_bytes(), name, &user(&taken.iter().map(String::as_str).collect::<Vec<_>>()))
        };
        let back = String::from_utf8(back.unwrap()).unwrap();
        if name == "bare" && !fields.is_empty() {
            assert_eq!(back, before.replace("    bare:", "    bare: {}"));
        } else {
            assert_eq!(back, before);
        }
    }
}
