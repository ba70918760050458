//! Damaged, strange and hostile files: each is a clear error that names its place, or is read as sops reads it.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::format_push_string,
    clippy::items_after_statements,
    clippy::too_many_lines,
    reason = "test code"
)]

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use uvars::error::Kind;
use uvars::fs::RepoPath;
use uvars::keys::{IdentitySources, Keyring, MasterKey, Naming, Programs, Recipient, Unwrap, WrappedKey};
use uvars::secret::{DataKey, Secret};
use uvars::sops::{
    BINDING_KEY, Drift, Encrypted, Format, KeyGroups, KeyPath, Mac, Map, Plain, Rules, Selection, Value,
};

fn keyring(name: &str) -> Keyring {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/keys").join(name);
    Keyring::new(IdentitySources { files: vec![file], ..IdentitySources::default() })
}

fn readers() -> Vec<Recipient> {
    keyring("a.age").recipients()
}

fn now() -> SystemTime {
    UNIX_EPOCH
}

const PLAIN: &str = "# top\ndb:\n    user: app\n    password: hunter2\nlist:\n    - first\n    # in list\n    - second\nport_unencrypted: 5432\ncount: 3\n";

fn encrypt(source: &str) -> uvars::Result<String> {
    let plain = Plain::parse(source.as_bytes(), Format::Yaml)?;
    let file =
        Encrypted::create(&plain, &readers(), &Rules::default(), now(), Format::Yaml, &Programs::default())?;
    Ok(String::from_utf8(file.emit()?).unwrap())
}

fn decrypt(source: &str) -> uvars::Result<String> {
    let file = Encrypted::parse(source.as_bytes(), Format::Yaml)?;
    let plain = file.decrypt(&file.unlock(&keyring("a.age"))?)?;
    Ok(String::from_utf8(plain.emit(Format::Yaml)?.expose().to_vec()).unwrap())
}

fn error(source: &str) -> String {
    decrypt(source).expect_err(source).to_string()
}

/// The file with the value behind `name:` changed.
fn change(file: &str, name: &str, with: impl Fn(&str) -> String) -> String {
    let line = file.lines().find(|line| line.trim_start().starts_with(&format!("{name}:"))).unwrap();
    let (key, value) = line.split_once(": ").unwrap();
    file.replacen(line, &format!("{key}: {}", with(value)), 1)
}

fn value(file: &str, name: &str) -> String {
    let line = file.lines().find(|line| line.trim_start().starts_with(&format!("{name}:"))).unwrap();
    line.split_once(": ").unwrap().1.to_owned()
}

/// One letter of the base64 behind `part` exchanged.
fn flip(sealed: &str, part: &str) -> String {
    let at = sealed.find(part).unwrap() + part.len();
    let other = if &sealed[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &sealed[..at], &sealed[at + 1..])
}

#[test]
fn a_changed_value_is_named_by_its_key_path() {
    let file = encrypt(PLAIN).unwrap();
    for part in ["data:", "iv:", "tag:"] {
        let changed = change(&file, "password", |sealed| flip(sealed, part));
        assert!(
            error(&changed).starts_with("db.password: the encrypted value was changed"),
            "{}",
            error(&changed)
        );
    }
    let moved = change(&file, "password", |_| value(&file, "user"));
    assert!(error(&moved).starts_with("db.password: the encrypted value was changed, or moved"));
    let renamed = file.replacen("    user: ", "    admin: ", 1);
    assert!(error(&renamed).starts_with("db.admin: "));
    let renamed = file.replacen("db:\n", "dc:\n", 1);
    assert!(error(&renamed).starts_with("dc.user: "));
    for (wrong, why) in [
        ("in clear", "should be encrypted"),
        ("5", "should be encrypted"),
        ("ENC[AES256_GCM,data:x", "should be encrypted"),
        ("ENC[AES256_GCM,data:*,iv:AAAA,tag:AAAA,type:str]", "is damaged"),
        ("ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]", "is damaged"),
    ] {
        let error = error(&change(&file, "password", |_| wrong.to_owned()));
        assert!(error.starts_with("db.password: ") && error.contains(why), "{error}");
        assert!(!error.contains(wrong) || wrong == "5", "the error quotes the value: {error}");
    }
    for kind in ["int]", "time]", "foo]", "comment]"] {
        let error = error(&change(&file, "password", |sealed| sealed.replace("str]", kind)));
        assert!(error.starts_with("db.password: "), "{error}");
    }
}

#[test]
fn what_only_the_mac_covers_is_found_by_the_mac() {
    let file = encrypt(PLAIN).unwrap();
    let items: Vec<&str> =
        file.lines().filter(|line| line.ends_with("type:str]") && line.contains("- ENC")).collect();
    let swapped = file.replace(items[0], "@").replace(items[1], items[0]).replace('@', items[1]);
    for changed in [
        change(&file, "port_unencrypted", |_| "5433".to_owned()),
        file.replace("port_unencrypted", "x_unencrypted: 1\nport_unencrypted"),
        file.replace(&format!("{}\n", items[0]), ""),
        swapped,
    ] {
        assert!(error(&changed).starts_with("the MAC does not fit the values"), "{}", error(&changed));
        let read = Encrypted::parse(changed.as_bytes(), Format::Yaml).unwrap();
        let key = read.unlock(&keyring("a.age")).unwrap();
        assert!(read.decrypt_with(&key, Mac::Ignore).is_ok());
        // nor is it carried on into a file whose MAC fits
        let readers = keyring("a.age").recipients();
        for made in [
            read.rotate(&key, &readers, now(), &Programs::default()),
            read.rotate_to(&key, &readers, now(), &Programs::default()),
            read.renew(&key, now(), &Programs::default()),
            read.vouch(&key).map(|vouched| vouched.file),
        ] {
            let error = made.unwrap_err().to_string();
            assert!(error.starts_with("the MAC does not fit the values"), "{error}");
        }
    }
}

#[test]
fn a_mac_that_is_missing_or_of_another_time_is_refused() {
    let file = encrypt(PLAIN).unwrap();
    assert!(error(&change(&file, "mac", |_| "\"\"".to_owned())).starts_with("sops.mac: the file has no MAC"));
    let line = file.lines().find(|line| line.starts_with("    mac: ")).unwrap();
    assert!(error(&file.replace(&format!("{line}\n"), "")).starts_with("sops.mac: the file has no MAC"));
    assert!(
        error(&change(&file, "mac", |sealed| flip(sealed, "data:")))
            .starts_with("sops.mac: the MAC cannot be opened")
    );
    let later = change(&file, "lastmodified", |_| "\"1970-01-01T00:00:01Z\"".to_owned());
    assert!(error(&later).starts_with("sops.mac: the MAC cannot be opened"), "{}", error(&later));
    // the same moment, written otherwise, is formatted anew
    for same in ["\"1970-01-01T00:00:00+00:00\"", "1970-01-01T00:00:00Z", "\"1970-01-01T00:00:00.5Z\""] {
        decrypt(&change(&file, "lastmodified", |_| same.to_owned())).unwrap();
    }
}

#[test]
fn comments_put_in_by_hand_are_read_and_reported() {
    let file = encrypt(PLAIN).unwrap();
    let planted =
        file.replacen("db:\n", "# planted\ndb:\n", 1).replacen("    user:", "    # inside\n    user:", 1);
    let read = Encrypted::parse(planted.as_bytes(), Format::Yaml).unwrap();
    let plain = read.decrypt(&read.unlock(&keyring("a.age")).unwrap()).unwrap();
    let reported: Vec<String> = plain.clear_comments().iter().map(ToString::to_string).collect();
    assert_eq!(reported, ["", "db"]);
    // an encrypted comment of a list is an element there, and a damaged one an error
    let line = file.lines().find(|line| line.ends_with("type:comment]") && line.contains("- ENC")).unwrap();
    let changed = file.replace(line, &flip(line, "data:"));
    assert!(error(&changed).starts_with("list.1: "), "{}", error(&changed));
}

#[test]
fn a_stranger_gets_no_data_key_and_a_wrong_one_opens_nothing() {
    let file = Encrypted::parse(encrypt(PLAIN).unwrap().as_bytes(), Format::Yaml).unwrap();
    let error = file.unlock(&keyring("c.age")).unwrap_err();
    assert_eq!(error.kind(), Kind::NoKey);
    let wrong = DataKey::new([7; 32]);
    assert!(file.decrypt(&wrong).unwrap_err().to_string().starts_with("db.user: "));
    let key = file.unlock(&keyring("a.age")).unwrap();
    let plain = file.decrypt(&key).unwrap();
    assert!(file.update(&plain, &wrong, now()).is_err());
    assert!(file.rewrap(&wrong, &readers(), &Programs::default()).is_err());
}

#[test]
fn metadata_is_read_as_loosely_as_sops_does() {
    let file = encrypt(PLAIN).unwrap();
    let readable = decrypt(&file).unwrap();
    for changed in [
        file.replace("    lastmodified:", "    LastModified:").replace("    mac:", "    MAC:"),
        file.replace("sops:\n", "sops:\n    kms: []\n    gcp_kms: []\n    azure_kv: []\n    hc_vault: []\n    pgp: []\n"),
        file.replace("sops:\n", "sops:\n    kms: null\n    pgp:\n    shamir_threshold: \"0\"\n    mac_only_encrypted: \"false\"\n"),
        file.replace("    unencrypted_suffix: _unencrypted\n", ""),
        file.replace("    version: 3.13.3\n", ""),
        file.replace("version: 3.13.3", "version: 99.0.0"),
        file.replace("version: 3.13.3", "version: 3.7"),
        file.replace("sops:\n", "sops:\n    future: {a: [1, x]}\n"),
        file.replace('\n', "\r\n"),
        format!("\u{feff}{file}"),
        format!("# before\n\n{file}").replace("# before\n\n", ""),
    ] {
        assert_eq!(decrypt(&changed).unwrap_or_else(|error| panic!("{error}\n{changed}")), readable);
    }
    // one entry in place of a list of one
    let single = file.replace("    age:\n        - enc: |", "    age:\n          enc: |");
    assert_eq!(decrypt(&single).unwrap(), readable);
}

#[test]
fn metadata_that_cannot_be_meant_is_refused_by_name() {
    let file = encrypt(PLAIN).unwrap();
    let (plain, _) = file.split_once("sops:\n").unwrap();
    for (changed, begin) in [
        (plain.to_owned(), "this is not an encrypted file"),
        (format!("{plain}sops: null\n"), "sops: the metadata should be a map and is null"),
        (format!("{plain}sops: []\n"), "sops: the metadata should be a map and is a list"),
        (format!("{plain}sops: x\n"), "sops: the metadata should be a map and is a string"),
        (format!("{plain}sops: {{}}\n"), "sops: the file has no key"),
        (file.replace("    lastmodified:", "    x:"), "sops.lastmodified: "),
        (file.replace("    age:\n", "    pgp:\n"), "only keys of other types than age open this"),
        (change(&file, "lastmodified", |_| "yesterday".to_owned()), "sops.lastmodified: "),
        (
            file.replace("    version:", "    encrypted_suffix: x\n    version:"),
            "sops: the file names more than one rule",
        ),
        (
            file.replace("unencrypted_suffix: _unencrypted", "encrypted_regex: \"(\""),
            "sops: encrypted_regex: ",
        ),
        (file.replace("    version:", "    shamir_threshold: many\n    version:"), "sops.shamir_threshold: "),
        (
            file.replace("    version:", "    mac_only_encrypted: perhaps\n    version:"),
            "sops.mac_only_encrypted: ",
        ),
        (file.replace("BEGIN AGE", "BEGIN EGA"), ""),
        (format!("{file}sops: {{}}\n"), "line "),
    ] {
        let error = error(&changed);
        assert!(error.starts_with(begin), "{error}\n{changed}");
    }
}

#[test]
fn what_is_not_understood_survives_a_rewrite() {
    let pgp = "    pgp:\n        - created_at: \"2024-01-01T00:00:00Z\"\n          enc: |-\n            wrapped\n            twice\n          fp: ABCDEF\n          odd: kept\n";
    let file = encrypt(PLAIN)
        .unwrap()
        .replace("    version:", &format!("    future:\n        a: 1\n{pgp}    version:"));
    let read = Encrypted::parse(file.as_bytes(), Format::Yaml).unwrap();
    assert_eq!(read.metadata().others(), ["pgp ABCDEF"]);
    let key = read.unlock(&keyring("a.age")).unwrap();
    let mut plain = read.decrypt(&key).unwrap();
    plain.set(&KeyPath::parse("count").unwrap(), &Value::Int(4)).unwrap();
    let both = [readers(), keyring("b.age").recipients()].concat();
    for kept in
        [read.update(&plain, &key, now()).unwrap(), read.rewrap(&key, &both, &Programs::default()).unwrap()]
    {
        let written = String::from_utf8(kept.emit().unwrap()).unwrap();
        assert!(written.contains(pgp), "{written}");
        assert!(written.contains("    future:\n        a: 1\n"), "{written}");
    }
    for refused in [
        read.rotate(&key, &readers(), now(), &Programs::default()),
        read.renew(&key, now(), &Programs::default()),
        read.replace(&plain, &readers(), now(), &Programs::default()),
    ] {
        assert!(refused.unwrap_err().to_string().contains("pgp ABCDEF"));
    }
}

#[test]
fn what_is_not_understood_of_groups_survives_too_and_one_of_several_is_never_enough() {
    let groups = ["a.age", "b.age"].map(|name| {
        keyring(name).recipients().iter().map(|reader| MasterKey::age(reader.as_str())).collect()
    });
    let groups = KeyGroups::new(groups.to_vec(), 2).unwrap();
    let plain = Plain::parse(PLAIN.as_bytes(), Format::Yaml).unwrap();
    let (rules, programs) = (Rules::default(), Programs::default());
    let file = Encrypted::create_for(&plain, &groups, &rules, now(), Format::Yaml, &programs).unwrap();
    let text = String::from_utf8(file.emit().unwrap()).unwrap();
    let odd = text
        .replace("          hc_vault: []\n", "          future: kept\n          hc_vault: []\n")
        .replace("shamir_threshold: 2", "shamir_threshold: 1");
    let read = Encrypted::parse(odd.as_bytes(), Format::Yaml).unwrap();
    // a share is no data key, whatever the file says
    assert_eq!(read.metadata().needed_groups(), 2);
    assert_eq!(read.unlock(&keyring("a.age")).unwrap_err().kind(), Kind::NoKey);
    let files = ["a.age", "b.age"]
        .map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/keys").join(name));
    let both = Keyring::new(IdentitySources { files: files.to_vec(), ..IdentitySources::default() });
    let key = read.unlock(&both).unwrap();
    let mut plain = read.decrypt(&key).unwrap();
    plain.set(&KeyPath::parse("count").unwrap(), &Value::Int(4)).unwrap();
    let written = read.update(&plain, &key, now()).unwrap().emit().unwrap();
    let written = String::from_utf8(written).unwrap();
    assert_eq!(written.matches("          future: kept\n").count(), 2, "{written}");
}

/// A key service that is damaged, or lies.
struct Says(Vec<u8>);

impl Unwrap for Says {
    fn unwrap_first(&self, _: &[WrappedKey<'_>], _: Naming<'_>) -> uvars::Result<Secret> {
        Ok(Secret::from(&self.0[..]))
    }

    fn places_of(&self, _: &[&str]) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn what_is_no_data_key_opens_nothing() {
    let file = Encrypted::parse(encrypt(PLAIN).unwrap().as_bytes(), Format::Yaml).unwrap();
    for length in [0, 16, 31, 33, 64] {
        let error = file.unlock(&Says(vec![7; length])).unwrap_err().to_string();
        assert_eq!(error, format!("sops: the data key is {length} bytes long and should be 32"));
    }
    let wrong = file.unlock(&Says(vec![7; 32])).unwrap();
    assert!(file.decrypt(&wrong).unwrap_err().to_string().starts_with("db.user: "));
    let plain = Plain::parse(PLAIN.as_bytes(), Format::Yaml).unwrap();
    assert!(file.update(&plain, &wrong, now()).is_err());
    assert!(file.rewrap(&wrong, &readers(), &Programs::default()).is_err());
}

#[test]
fn nobody_is_locked_out_and_nobody_slips_in() {
    let file = Encrypted::parse(encrypt(PLAIN).unwrap().as_bytes(), Format::Yaml).unwrap();
    let key = file.unlock(&keyring("a.age")).unwrap();
    let plain = file.decrypt(&key).unwrap();
    assert!(
        Encrypted::create(&plain, &[], &Rules::default(), now(), Format::Yaml, &Programs::default()).is_err()
    );
    assert!(file.rotate(&key, &[], now(), &Programs::default()).is_err());
    let error =
        file.rewrap(&key, &keyring("b.age").recipients(), &Programs::default()).unwrap_err().to_string();
    assert!(error.contains("needs a new data key"), "{error}");
    let twice = [readers(), readers()].concat();
    let once =
        Encrypted::create(&plain, &twice, &Rules::default(), now(), Format::Yaml, &Programs::default())
            .unwrap();
    assert_eq!(once.metadata().recipients().len(), 1);
}

#[test]
fn plain_files_that_sops_would_damage_are_refused_by_name() {
    for (source, place) in [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("- a\n", "line 1, column 1: a document must be a map"),
        ("text\n", "line 1, column 1: a document must be a map"),
        ("a: 1\n---\n- b\n", "line 3, column 1: a document must be a map"),
        ("a: 1\na: 2\n", "line 2, column 1: the name 'a' stands twice"),
        ("x: 1\n---\na: 1\nb: {c: 1, c: 2}\n", "line 4, column 11: the name 'c' stands twice"),
        ("1: x\n", "line 1, column 1: a name must be a string"),
        ("true: x\n", "line 1, column 1: a name must be a string"),
        ("~: x\n", "line 1, column 1: a name must be a string"),
        ("2024-01-01: x\n", "line 1, column 1: a name must be a string"),
        ("? [a]\n: x\n", "line 1, column 3: a name must be a string, and this is a list"),
        ("&k a: 1\n*k : 2\n", "line "),
        ("a: 18446744073709551615\n", "line 1, column 4: sops cannot keep whole numbers"),
        ("a: 2024-01-01T00:00:00+24:00\n", "line 1, column 4: sops cannot keep times"),
        ("a: !!int abc\n", "line 1, column 4: "),
        ("x: 1\n---\na: !!int abc\n", "line 3, column 4: "),
        ("a: &a\n    b: *a\n", "line "),
        ("x: 1\n---\na: &a [*a]\n", "line 3, column "),
        ("sops: x\n", "sops: the top-level name 'sops'"),
        ("a: 1\n---\nsops: {}\n", "sops: the top-level name 'sops'"),
        ("a_unencrypted: -0.0\n", "a_unencrypted: the number -0.0 cannot stand in clear"),
        ("a: \u{0}\n", ""),
        ("a: [\n", "line "),
    ] {
        let error = encrypt(source).expect_err(source).to_string();
        assert!(error.starts_with(place), "{source:?}: {error}");
    }
    assert!(Plain::parse(b"a: \xff\n", Format::Yaml).is_err());
    let wrong = Rules::new(Selection::EncryptedRegex("(?!x)".to_owned()), false).unwrap_err();
    assert!(wrong.to_string().contains("look-around"), "{wrong}");
}

#[test]
fn a_sops_name_deeper_down_is_a_name_like_any_other() {
    let file = encrypt("a:\n    sops: x\n").unwrap();
    assert_eq!(decrypt(&file).unwrap(), "a:\n    sops: x\n");
}

#[test]
fn bombs_of_aliases_are_refused_in_every_document() {
    for width in [2, 9] {
        let mut bomb = format!("a0: &a0 [{}]\n", "x, ".repeat(width));
        for level in 1..24 {
            let below = format!("*a{}, ", level - 1).repeat(width);
            bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
        }
        for source in [bomb.clone(), format!("x: 1\n---\n{bomb}")] {
            let error = Plain::parse(source.as_bytes(), Format::Yaml).unwrap_err().to_string();
            assert!(error.contains("aliases"), "{error}");
        }
    }
    let wide = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(1000));
    assert!(Plain::parse(wide.as_bytes(), Format::Yaml).unwrap_err().to_string().contains("aliases"));
    // what people write stays possible
    let many = format!("a: &a {{x: 1, y: 2}}\nb: [{}]\n", "*a, ".repeat(1000));
    assert!(Plain::parse(many.as_bytes(), Format::Yaml).is_ok());
}

#[test]
fn deep_nesting_costs_no_stack() {
    let deep = format!("a: {}{}\n", "[".repeat(5000), "]".repeat(5000));
    let file = encrypt(&deep).unwrap();
    assert!(decrypt(&file).is_ok());
    let too_deep = format!("a: {}{}\n", "[".repeat(20_000), "]".repeat(20_000));
    assert!(encrypt(&too_deep).is_err());
}

#[test]
fn a_file_is_bound_to_its_place() {
    let path = |text: &str| RepoPath::new(text).unwrap();
    let (here, there) = (path("secrets/hosts/db.sops.yaml"), path("secrets/shared/wifi.sops.yaml"));
    let mut plain = Plain::new(Map::new().with("psk", "secret"));
    plain.bind(&here).unwrap();
    let seal = |plain: &Plain| {
        Encrypted::create(plain, &readers(), &Rules::default(), now(), Format::Yaml, &Programs::default())
            .unwrap()
    };
    let file = seal(&plain);
    let key = file.unlock(&keyring("a.age")).unwrap();
    file.check_binding(&key, &here).unwrap();
    let error = file.check_binding(&key, &there).unwrap_err();
    assert!(error.to_string().starts_with("uvars_path: this file was not written for secrets/shared/wifi"));
    assert!(error.hints()[0].contains("uvars bind secrets/shared/wifi.sops.yaml"));

    plain.unset(&KeyPath::of_keys([BINDING_KEY])).unwrap();
    let unbound = seal(&plain);
    let key = unbound.unlock(&keyring("a.age")).unwrap();
    assert!(unbound.check_binding(&key, &here).unwrap_err().to_string().contains("nothing says"));

    // in clear, because the rule leaves it so: anybody may have written it
    let rules = Rules::new(Selection::UnencryptedRegex("^uvars_pat.$".to_owned()), false).unwrap();
    let clear = Plain::new(Map::new().with("uvars_patx", here.as_str()));
    let clear =
        Encrypted::create(&clear, &readers(), &rules, now(), Format::Yaml, &Programs::default()).unwrap();
    let clear = String::from_utf8(clear.emit().unwrap()).unwrap().replace("uvars_patx:", "uvars_path:");
    let clear = Encrypted::parse(clear.as_bytes(), Format::Yaml).unwrap();
    let key = clear.unlock(&keyring("a.age")).unwrap();
    let wrong = clear.decrypt(&key).unwrap().check_binding(&here).unwrap_err();
    assert!(wrong.to_string().contains("in clear"));

    // a list or a number that says the same is no binding
    let odd = seal(&Plain::new(Map::new().with(BINDING_KEY, Value::List(vec![here.as_str().into()]))));
    let key = odd.unlock(&keyring("a.age")).unwrap();
    assert!(odd.check_binding(&key, &here).is_err());
}

#[test]
fn what_is_bound_to_a_place_is_written_by_the_fleets_rule_alone() {
    let here = RepoPath::new("secrets/hosts/db.sops.yaml").unwrap();
    let mut plain = Plain::new(Map::new().with("psk", "secret"));
    plain.bind(&here).unwrap();
    let file =
        Encrypted::create(&plain, &readers(), &Rules::default(), now(), Format::Yaml, &Programs::default())
            .unwrap();
    let honest = String::from_utf8(file.emit().unwrap()).unwrap();
    let key = file.unlock(&keyring("a.age")).unwrap();
    file.check_binding(&key, &here).unwrap();
    for (planted, field, values_stay) in [
        ("unencrypted_regex: ^psk2$", "unencrypted_regex", true),
        ("unencrypted_suffix: 2", "unencrypted_suffix", true),
        ("encrypted_regex: ^(psk|uvars_path)$", "encrypted_regex", true),
        ("encrypted_suffix: k", "encrypted_suffix", false),
        ("unencrypted_comment_regex: x", "unencrypted_comment_regex", true),
        ("encrypted_comment_regex: x", "encrypted_comment_regex", false),
        ("mac_only_encrypted: true", "mac_only_encrypted", false),
    ] {
        let planted = honest.replace("unencrypted_suffix: _unencrypted", planted);
        assert_ne!(planted, honest);
        let planted = Encrypted::parse(planted.as_bytes(), Format::Yaml).unwrap();
        let refused = |result: uvars::Result<Encrypted>| {
            let error = result.unwrap_err().to_string();
            assert!(error.starts_with(&format!("sops.{field}: is not the rule")), "{error}");
        };
        let error = planted.check_rule(&here).unwrap_err();
        assert!(error.hints().iter().any(|hint| hint.ends_with(&format!("uvars bind {here}"))), "{error:?}");
        refused(planted.check_binding(&key, &here).map(|()| planted.clone()));
        refused(planted.update(&plain, &key, now()));
        refused(planted.replace(&plain, &readers(), now(), &Programs::default()));
        if values_stay {
            refused(planted.rotate(&key, &readers(), now(), &Programs::default()));
            refused(planted.renew(&key, now(), &Programs::default()));
        }
        let rules = planted.metadata().rules();
        refused(Encrypted::create(&plain, &readers(), rules, now(), Format::Yaml, &Programs::default()));
        // the line decides over nothing that was written before
        let vouched = planted.vouch(&key).unwrap();
        assert_eq!((vouched.rule.unwrap().0, vouched.clear.len()), (field, 0));
        let back = vouched.file.replace_to(&vouched.plain, &readers(), now(), &Programs::default()).unwrap();
        let key = back.unlock(&keyring("a.age")).unwrap();
        back.check_binding(&key, &here).unwrap();
        assert_eq!(back.decrypt(&key).unwrap().to_map(), plain.to_map());
    }
}

#[test]
fn what_a_rule_left_in_clear_is_named_to_the_one_who_vouches() {
    let rules = Rules::new(Selection::EncryptedRegex("^psk$".to_owned()), false).unwrap();
    let list = Value::List(vec![Value::Int(1), "".into(), Value::Null]);
    let map =
        Map::new().with("psk", "secret").with("user", "u").with("list", list).with("a_unencrypted", "x");
    let file =
        Encrypted::create(&Plain::new(map), &readers(), &rules, now(), Format::Yaml, &Programs::default())
            .unwrap();
    let key = file.unlock(&keyring("a.age")).unwrap();
    let vouched = file.vouch(&key).unwrap();
    let names: Vec<_> = vouched.clear.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["user", "list.0"]);
    let back = vouched.file.replace_to(&vouched.plain, &readers(), now(), &Programs::default()).unwrap();
    let text = String::from_utf8(back.emit().unwrap()).unwrap();
    assert!(text.contains("user: ENC[") && text.contains("a_unencrypted: x"), "{text}");
}

#[test]
fn whoever_is_no_age_reader_is_a_reader_too_many() {
    let with = |entry: &str| {
        let file = encrypt(PLAIN).unwrap().replace("    version:", &format!("{entry}    version:"));
        Encrypted::parse(file.as_bytes(), Format::Yaml).unwrap()
    };
    let honest = with("");
    assert!(Drift::of(&honest, &readers()).is_none());
    for (entry, name) in [
        (
            "    pgp:\n        - created_at: \"2024-01-01T00:00:00Z\"\n          enc: x\n          fp: \"AB\\nC\"\n",
            "pgp AB?C",
        ),
        (
            "    kms:\n        - arn: arn:aws:kms:x\n          created_at: \"2024-01-01T00:00:00Z\"\n          enc: x\n",
            "kms arn:aws:kms:x",
        ),
        ("    later_kms:\n        - id: y\n          enc: x\n", "later_kms"),
    ] {
        let file = with(entry);
        let drift = Drift::of(&file, &readers());
        assert!(drift.takes_away() && drift.gained.is_empty() && drift.lost.is_empty(), "{drift:?}");
        assert_eq!(drift.others, [name]);
        let key = file.unlock(&keyring("a.age")).unwrap();
        let given = file.give_readers(&key, &readers(), now(), &Programs::default()).unwrap();
        assert!(Drift::of(&given, &readers()).is_none());
        assert!(given.decrypt(&key).is_err(), "the data key is new");
        let key = given.unlock(&keyring("a.age")).unwrap();
        assert_eq!(
            given.decrypt(&key).unwrap().to_map(),
            honest.decrypt(&honest.unlock(&keyring("a.age")).unwrap()).unwrap().to_map()
        );
    }
}

#[test]
fn a_reader_that_stands_there_twice_is_told_and_stands_there_once_afterwards() {
    let text = encrypt(PLAIN).unwrap();
    let (start, end) = (text.find("        - enc: |").unwrap(), text.find("    lastmodified").unwrap());
    let twice = format!("{}{}{}", &text[..end], &text[start..end], &text[end..]);
    let file = Encrypted::parse(twice.as_bytes(), Format::Yaml).unwrap();
    assert_eq!(file.metadata().recipients().len(), 2);
    let drift = Drift::of(&file, &readers());
    assert!(drift.takes_away() && !drift.is_none() && drift.gained.is_empty() && drift.lost.is_empty());
    let key = file.unlock(&keyring("a.age")).unwrap();
    let given = file.give_readers(&key, &readers(), now(), &Programs::default()).unwrap();
    assert_eq!(given.metadata().recipients().len(), 1);
    assert!(Drift::of(&given, &readers()).is_none());
}

#[test]
fn key_groups_become_one_list_of_readers_and_their_error_names_them_all() {
    let vector =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/3.13.3/groups-2-of-3.enc.yaml");
    let file = Encrypted::parse(&std::fs::read(vector).unwrap(), Format::Yaml).unwrap();
    let drift = Drift::of(&file, &readers());
    assert!(drift.takes_away() && drift.others.is_empty() && drift.groups == 3, "{drift:?}");
    assert!(drift.regrouped().is_some_and(|note| note.contains("3 key groups")));
    let error = file.unlock(&keyring("a.age")).unwrap_err();
    assert_eq!(error.kind(), Kind::NoKey);
    for (group, name) in [("2", "b.age"), ("3", "c.age")] {
        let who = keyring(name).recipients()[0].to_string();
        let hint = format!("key group {group} is opened by {who}");
        assert!(error.hints().contains(&hint), "{:?}", error.hints());
    }
    let looked: Vec<_> = error.hints().iter().filter(|hint| hint.starts_with("looked in")).collect();
    assert_eq!(looked.len(), 1, "{looked:?}");
    assert!(looked[0].ends_with("a.age: it opens key group 1, and no other"), "{looked:?}");
    // two of them together, and then there is one list
    let keys = ["b.age", "c.age"]
        .map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/keys").join(name));
    let two = Keyring::new(IdentitySources { files: keys.to_vec(), ..IdentitySources::default() });
    let key = file.unlock(&two).unwrap();
    let given = file.give_readers(&key, &readers(), now(), &Programs::default()).unwrap();
    assert!(Drift::of(&given, &readers()).is_none());
    assert!(given.unlock(&two).is_err());
    let plain = given.decrypt(&given.unlock(&keyring("a.age")).unwrap()).unwrap();
    assert_eq!(plain.to_map(), file.decrypt(&key).unwrap().to_map());
    let text = String::from_utf8(given.emit().unwrap()).unwrap();
    assert!(!text.contains("key_groups") && !text.contains("shamir_threshold"), "{text}");
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    let file = encrypt(PLAIN).unwrap();
    let whole = decrypt(&file).unwrap();
    for end in (0..file.len() - 1).step_by(7) {
        let other = file.is_char_boundary(end) && decrypt(&file[..end]).is_ok_and(|printed| printed != whole);
        assert!(!other, "cut off at {end}, it reads as something else");
    }
}

#[test]
fn a_file_with_any_byte_changed_never_reads_as_something_else() {
    let file = encrypt("db: {password: hunter2}\nopen_unencrypted: yes it is\n").unwrap();
    let whole = decrypt(&file).unwrap();
    for at in 0..file.len() {
        for letter in ["", "A", "]", "\n", "#"] {
            let changed = format!("{}{letter}{}", &file[..at], &file[at + 1..]);
            let Ok(printed) = decrypt(&changed) else { continue };
            // names in clear are not covered, and neither are comments
            let values = |text: &str| {
                text.lines()
                    .filter(|line| !line.starts_with('#'))
                    .filter_map(|line| line.split_once(": "))
                    .map(|(_, value)| value.to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(values(&printed), values(&whole), "at {at} {letter:?}\n{changed}");
        }
    }
}

#[test]
fn what_stands_behind_a_ciphertext_that_stays_is_still_quoted() {
    let file = encrypt("a: x\nb: y\n").unwrap();
    let sealed = value(&file, "a");
    for behind in [" # remark", ": z", " "] {
        let odd = format!("'{sealed}{behind}'");
        let file = change(&file, "a", |_| odd.clone());
        let file = Encrypted::parse(file.as_bytes(), Format::Yaml).unwrap();
        let key = file.unlock(&keyring("a.age")).unwrap();
        let mut plain = file.decrypt(&key).unwrap();
        plain.set(&KeyPath::parse("b").unwrap(), &"new".into()).unwrap();
        let updated = file.update(&plain, &key, now()).unwrap();
        for changed in [updated.emit().unwrap(), updated.into_bytes().unwrap()] {
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(value(&changed, "a"), odd);
            assert_eq!(decrypt(&changed).unwrap(), "a: x\nb: new\n");
        }
    }
}
