//! `uvars verify` on files of no fleet: every kind of damage in every format, the creation rules, folders, and JSON.
#![cfg(target_os = "linux")]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod peers;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use uvars::keys::{Generated, Recipient, generate, generate_hybrid};

/// A folder with a `.sops.yaml`, and keys beside it.
struct Place {
    folder: tempfile::TempDir,
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn is(&self, code: i32, out: &str) -> &Self {
        assert_eq!((self.code, self.out.as_str()), (code, out), "{}", self.err);
        self
    }

    #[track_caller]
    fn says(&self, text: &str) -> &Self {
        assert!(self.err.contains(text), "no {text:?} in:\n{}", self.err);
        self
    }

    /// What `--json` printed about the only file.
    fn only(&self) -> Value {
        let list: Value = serde_json::from_str(&self.out).unwrap();
        let [one] = list.as_array().unwrap().as_slice() else { panic!("{list}") };
        one.clone()
    }
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.dir()).unwrap();
        place
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("here")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A new key; its private half lies beside the folder.
    fn key(&self, name: &str) -> Recipient {
        self.keep(name, generate("now").unwrap())
    }

    fn keep(&self, name: &str, key: Generated) -> Recipient {
        fs::write(self.folder.path().join(name), key.text.expose()).unwrap();
        key.recipient
    }

    fn rules(&self, rules: &str) {
        self.write(".sops.yaml", &format!("creation_rules:\n{rules}"));
    }

    /// Runs with somebody's key at hand, and no other.
    fn run(&self, who: &str, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uvars"));
        command.env_clear().env("HOME", "/nonexistent").current_dir(self.dir()).args(arguments);
        command.env("SOPS_AGE_KEY_FILE", self.folder.path().join(who));
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn encrypt(&self, name: &str, text: &str) {
        self.write(name, text);
        let ran = self.run("ann", &["encrypt", "-i", name]);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }

    fn verify(&self, name: &str) -> Ran {
        self.run("ann", &["verify", name])
    }
}

/// A file of each format with the values a and b, and one in clear where the format has names.
const FILES: [(&str, &str); 5] = [
    ("f.yaml", "a: first value\nb: second value\nc_unencrypted: in-clear\n"),
    ("f.json", "{\"a\": \"first value\", \"b\": \"second value\", \"c_unencrypted\": \"in-clear\"}"),
    ("f.env", "a=first value\nb=second value\nc_unencrypted=in-clear\n"),
    ("f.ini", "[s]\na = first value\nb = second value\nc_unencrypted = in-clear\n"),
    ("f.bin", "first value\nsecond value\n"),
];

/// Where each encrypted value begins and ends.
fn sealed(text: &str) -> Vec<(usize, usize)> {
    text.match_indices("ENC[").map(|(at, _)| (at, at + text[at..].find(']').unwrap() + 1)).collect()
}

/// The text with a letter of the ciphertext of the value at `at` changed.
fn flipped(text: &str, at: usize) -> String {
    let at = at + "ENC[AES256_GCM,data:".len();
    let other = if text[at..].starts_with('A') { 'B' } else { 'A' };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

/// Where the MAC is: the encrypted text in the line that names it.
fn mac(text: &str) -> usize {
    let found = sealed(text).into_iter().find(|(at, _)| {
        let line = text[..*at].rsplit('\n').next().unwrap();
        line.trim_start().trim_start_matches('"').trim_start_matches("sops_").starts_with("mac")
    });
    found.unwrap().0
}

fn without_lines(text: &str, gone: impl Fn(&str) -> bool) -> String {
    text.split_inclusive('\n').filter(|line| !gone(line)).collect()
}

fn without_metadata(name: &str, text: &str) -> String {
    match name {
        "f.yaml" => text[..=text.find("\nsops:").unwrap()].to_owned(),
        "f.ini" => text[..text.find("[sops]").unwrap()].to_owned(),
        "f.env" => without_lines(text, |line| line.starts_with("sops_")),
        _ => {
            let mut json: Value = serde_json::from_str(text).unwrap();
            json.as_object_mut().unwrap().remove("sops").unwrap();
            json.to_string()
        }
    }
}

/// Every kind of damage that a format can have, by its name: the text, and what is said of which value.
fn damages(
    name: &str,
    text: &str,
    plain: &str,
) -> Vec<(&'static str, String, Option<&'static str>, &'static str)> {
    let key = |key: &'static str| match name {
        "f.ini" => {
            if key == "a" {
                "s.a"
            } else {
                "s.b"
            }
        }
        "f.bin" => "data",
        _ => key,
    };
    let values: Vec<_> = sealed(text).into_iter().filter(|(at, _)| *at != mac(text)).collect();
    let first = values[0];
    let no_metadata = without_metadata(name, text);
    let changed = "the encrypted value was changed, or moved here";
    let mut all = vec![
        ("value changed", flipped(text, first.0), Some(key("a")), changed),
        ("mac changed", flipped(text, mac(text)), Some("sops.mac"), "the MAC cannot be opened"),
        (
            "mac missing",
            without_lines(text, |line| line.contains("mac") && line.contains("ENC[")),
            Some("sops.mac"),
            "the file has no MAC",
        ),
        ("metadata gone", no_metadata, None, ""),
        ("not encrypted at all", plain.to_owned(), None, ""),
        ("unknown type", text.replacen("type:str]", "type:xyz]", 1), Some(key("a")), ""),
        ("cut off", text[..text.len() / 2].to_owned(), None, ""),
        ("nothing in it", String::new(), None, ""),
    ];
    if name != "f.bin" {
        let second = values[1];
        let (one, two) = (&text[first.0..first.1], &text[second.0..second.1]);
        let swapped =
            format!("{}{two}{}{one}{}", &text[..first.0], &text[first.1..second.0], &text[second.1..]);
        all.push(("values swapped", swapped, Some(key("a")), changed));
        all.push(("clear value changed", text.replace("in-clear", "in-cleaR"), None, "the MAC does not fit"));
        let gone = without_lines(text, |line| {
            line.contains(two) && line.trim_start().trim_start_matches('"').starts_with('b')
        });
        assert_ne!(gone, text);
        all.push(("value taken out", gone, None, "the MAC does not fit"));
        let name_changed = text.replacen("\"a\":", "\"x\":", 1).replacen("a: ENC", "x: ENC", 1);
        let name_changed = name_changed.replacen("a=ENC", "x=ENC", 1).replacen("\na ", "\nx ", 1);
        assert_ne!(name_changed, text);
        let moved = if name == "f.ini" { "s.x" } else { "x" };
        all.push(("value moved to another name", name_changed, Some(moved), changed));
        let clear = text.replacen(one, "first value", 1);
        all.push(("value in clear", clear, Some(key("a")), "this should be encrypted and is not"));
    }
    all
}

#[test]
fn damage_of_every_kind_is_found_in_every_format() {
    let place = Place::new();
    let ann = place.key("ann");
    place.rules(&format!("  - age: {ann}\n"));
    for (name, plain) in FILES {
        place.encrypt(name, plain);
        let text = place.read(name);
        place.verify(name).is(0, &format!("ok {name}\n"));
        for (what, damaged, key, said) in damages(name, &text, plain) {
            assert_ne!(damaged, text, "{name}: {what}");
            place.write(name, &damaged);
            let ran = place.verify(name);
            assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{name}: {what}: {}", ran.err);
            assert!(ran.err.starts_with(&format!("uvars: error: {name}")), "{name}: {what}: {}", ran.err);
            assert!(ran.err.contains(said), "{name}: {what}: {}", ran.err);
            let json = place.run("ann", &["verify", "--json", name]);
            assert_eq!(json.code, 1);
            let one = json.only();
            assert_eq!(one["status"], "failed", "{name}: {what}");
            let named = &one["damage"][0]["key"];
            assert!(key.is_none() || named.as_str() == key, "{name}: {what}: {}", ran.err);
            let all = format!("{}{}{}", ran.err, ran.out, json.out);
            assert!(!all.contains("second value") && !all.contains("in-cle"), "{name}: {what}: {all}");
        }
        place.write(name, &text);
        place.verify(name).is(0, &format!("ok {name}\n"));
    }
}

#[test]
fn every_damaged_value_is_named_and_those_behind_it_still_checked() {
    let place = Place::new();
    let ann = place.key("ann");
    place.rules(&format!("  - age: {ann}\n"));
    let plain: Vec<_> = (0..30).map(|number| format!("k{number:02}:\n    - v\n    - w{number}\n")).collect();
    let plain = plain.concat();
    place.encrypt("many.yaml", &plain);
    let text = place.read("many.yaml");
    let mac = mac(&text);
    let mut damaged = text.clone();
    for (at, _) in sealed(&text).into_iter().step_by(2).filter(|(at, _)| *at != mac) {
        damaged = flipped(&damaged, at);
    }
    place.write("many.yaml", &damaged);
    let ran = place.verify("many.yaml");
    assert_eq!(ran.code, 1);
    ran.says("many.yaml: k00.0: the encrypted value was changed")
        .says("many.yaml: k19.0: ")
        .says("many.yaml: 10 more values are damaged");
    assert!(!ran.err.contains("k20") && !ran.err.contains("k00.1"), "{}", ran.err);
    let damage = place.run("ann", &["verify", "--json", "many.yaml"]).only()["damage"].clone();
    let keys: Vec<_> =
        damage.as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap().to_owned()).collect();
    let expected: Vec<_> = (0..30).map(|number| format!("k{number:02}.0")).collect();
    assert_eq!(keys, expected);
}

#[test]
fn readers_are_held_against_the_rule() {
    let place = Place::new();
    let (ann, ben, cid) =
        (place.key("ann"), place.key("ben"), place.keep("cid", generate_hybrid("now").unwrap()));
    place.rules(&format!("  - age: {ann},{ben}\n"));
    for (name, plain) in FILES {
        place.encrypt(name, plain);
    }
    let all: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
    let verify = |who: &str| place.run(who, &[&["verify"], all.as_slice()].concat());
    let every = |word: &str| all.iter().map(|name| format!("{word} {name}\n")).collect::<Vec<_>>().concat();
    verify("ann").is(0, &every("ok"));

    place.rules(&format!("  # those of today\n  - age: {ann},{cid}\n"));
    let ran = verify("ann");
    ran.is(3, &every("differs"));
    for name in all.iter().copied() {
        ran.says(&format!("{name}: names {ben} as a reader, which .sops.yaml:3 does not"));
        let cid = cid.on_screen();
        ran.says(&format!("{name}: does not name {cid} as a reader, which .sops.yaml:3 does"));
        ran.says(&format!("to give it the readers of the rule: uvars sops updatekeys {name}"));
        let one = place.run("ann", &["verify", "--json", name]).only();
        assert_eq!((&one["status"], &one["against"]), (&"differs".into(), &".sops.yaml:3".into()));
        assert_eq!(one["missing"], serde_json::json!([place.public("cid")]));
        assert_eq!(one["strangers"], serde_json::json!([ben.as_str()]));
        assert_eq!(one["readers"], serde_json::json!([ann.as_str(), ben.as_str()]));
    }
    // it takes no key to see that, but a file that is not opened is not known to be whole
    let ran = verify("cid");
    ran.is(4, "").says("none of the keys at hand opens this").says("it can be read by");
    ran.says(&format!("f.ini: names {ben} as a reader"));
    // damage outweighs both
    place.write("f.json", "{}");
    assert_eq!(verify("cid").code, 1);
    assert_eq!(verify("ann").code, 1);
}

impl Place {
    fn public(&self, name: &str) -> String {
        let text = fs::read_to_string(self.folder.path().join(name)).unwrap();
        text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned()
    }
}

#[test]
fn groups_threshold_and_what_is_encrypted_are_held_against_the_rule() {
    let place = Place::new();
    let keys = ["ann", "ben", "cid"].map(|name| place.key(name));
    let [ann, ben, cid] = &keys;
    let groups = |all: &[&Recipient], threshold: u32| {
        let groups: Vec<_> = all.iter().map(|key| format!("      - age: [{key}]\n")).collect();
        let groups = groups.concat();
        format!("  - shamir_threshold: {threshold}\n    key_groups:\n{groups}")
    };
    let three = groups(&[ann, ben, cid], 2);
    let one = format!("  - age: {ann}\n");
    let cases: Vec<(&str, &str, String, &[&str])> = vec![
        (&three, &three, String::new(), &[]),
        (&one, &one, String::new(), &[]),
        (
            &three,
            "",
            groups(&[ann, ben, cid], 3),
            &["takes 2 of its key groups to be opened, and by .sops.yaml:2 it would take 3"],
        ),
        (
            &three,
            "",
            groups(&[ann, cid, ben], 2),
            &["of key group 2, which .sops.yaml:2 does not", "of key group 3, which .sops.yaml:2 does,"],
        ),
        (
            &three,
            "",
            groups(&[ann, ben], 2),
            &["has 3 key groups, and .sops.yaml:2 has 2", "as a reader, which .sops.yaml:2 does not"],
        ),
        (
            &three,
            "",
            format!("  - age: {ann},{ben},{cid}\n"),
            &["has 3 key groups, and .sops.yaml:2 has one list of readers"],
        ),
        (&one, "", groups(&[ann, ben], 2), &["has one list of readers, and .sops.yaml:2 has 2 key groups"]),
        (
            &one,
            "",
            format!("{one}    encrypted_regex: ^a$\n"),
            &["has unencrypted_suffix: _unencrypted, and .sops.yaml:2 has encrypted_regex: ^a$"],
        ),
        (
            &one,
            "",
            format!("{one}    mac_only_encrypted: true\n"),
            &["has a MAC over all values, and by .sops.yaml:2 it would be over encrypted values alone"],
        ),
        (&one, "", "  - key_groups: []\n".into(), &["is encrypted, and .sops.yaml:2 names nobody"]),
        (
            &one,
            "",
            format!("{one}    encrypted_regex: ^a$\n    encrypted_suffix: x\n"),
            &["cannot be held against .sops.yaml:2: line 2: the rule has both"],
        ),
        (&one, "", format!("{one}    encrypted_regex: (\n"), &["cannot be held against .sops.yaml:2: "]),
        (&one, "", "  - age: hunter2\n".into(), &["cannot be held against .sops.yaml:2: "]),
        (
            &one,
            "",
            format!("  - path_regex: (\n{one}"),
            &["who should read it cannot be told: .sops.yaml: line 2: path_regex"],
        ),
        (&one, "", "  - x: [\n".into(), &["who should read it cannot be told: .sops.yaml:"]),
        // nothing is said of it
        (&one, "", format!("  - path_regex: ^other\n    age: {ben}\n"), &[]),
    ];
    for (number, (made, same, now, said)) in cases.into_iter().enumerate() {
        place.rules(made);
        place.encrypt("f.yaml", FILES[0].1);
        place.rules(if now.is_empty() { same } else { &now });
        let file = fs::read_to_string(place.folder.path().join("ben")).unwrap();
        let both = fs::read_to_string(place.folder.path().join("ann")).unwrap() + &file;
        fs::write(place.folder.path().join("both"), both).unwrap();
        let ran = place.run("both", &["verify", "f.yaml"]);
        let (code, word) = if said.is_empty() { (0, "ok") } else { (3, "differs") };
        assert_eq!((ran.code, ran.out), (code, format!("{word} f.yaml\n")), "{number}: {now}{}", ran.err);
        for said in said {
            let said = said.trim_end_matches(',');
            assert!(ran.err.contains(said), "{number}: no {said:?} in {}", ran.err);
        }
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    }
    // and nothing is there to be held against
    fs::remove_file(place.path(".sops.yaml")).unwrap();
    let one = place.run("both", &["verify", "--json", "f.yaml"]).only();
    assert_eq!((&one["status"], &one["against"]), (&"ok".into(), &Value::Null));
}

#[test]
fn a_folder_is_searched_for_what_is_encrypted_and_what_should_be() {
    let place = Place::new();
    let ann = place.key("ann");
    place.rules(&format!("  - path_regex: ^conf/.*\\.json$\n    age: {ann}\n  - age: {ann}\n"));
    for name in ["top.yaml", "a/b/deep.json", "a/.env", "a/bytes", "conf/x.json", "b.enc.ini"] {
        let (_, plain) = FILES.iter().find(|(file, _)| name.ends_with(&file[1..])).unwrap_or(&FILES[4]);
        place.encrypt(name, plain);
    }
    let sealed = place.read("top.yaml");
    // what is no encrypted file: in clear and named so by nothing, a text about one, another's repository
    place.write("a/plain.yaml", "a: 1\n");
    place.write("a/notes.md", &format!("as in\n{sealed}"));
    place.write("empty/readme.txt", "hello\n");
    place.write(".git/top.yaml", &flipped(&sealed, sealed.find("ENC").unwrap()));
    std::os::unix::fs::symlink(place.path(".git/top.yaml"), place.path("a/link.yaml")).unwrap();
    std::os::unix::fs::symlink(place.dir(), place.path("a/around")).unwrap();
    let all = "ok a/.env\nok a/b/deep.json\nok a/bytes\nok b.enc.ini\nok conf/x.json\nok top.yaml\n";
    place.verify(".").is(0, all);
    place.verify("a").is(0, "ok a/.env\nok a/b/deep.json\nok a/bytes\n");
    place.verify("./a/").is(0, "ok ./a/.env\nok ./a/b/deep.json\nok ./a/bytes\n");
    place.run("ann", &["verify", "a/b", "top.yaml"]).is(0, "ok a/b/deep.json\nok top.yaml\n");
    place.verify("empty").is(1, "").says("empty: no encrypted file is in this folder");
    place.verify("gone/").is(1, "").says("gone/: no such folder");
    place.verify("gone").is(2, "").says("\"gone\" is no file");
    // what should be encrypted: by its name, and by a rule for some paths
    for (name, why) in
        [("a/new.sops.yaml", "its name says that it is encrypted"), ("conf/y.json", ".sops.yaml:2 is for it")]
    {
        place.write(name, "{\"a\": \"s3same\"}\n");
        let ran = place.verify(".");
        ran.is(1, all).says(&format!("uvars: error: {name}: ")).says(why);
        assert!(!ran.err.contains("s3same"), "{}", ran.err);
        fs::remove_file(place.path(name)).unwrap();
    }
    // of bytes too; what only git reads is no secret, nor are the rules themselves
    place.rules(&format!("  - path_regex: ^conf/\n    age: {ann}\n  - age: {ann}\n"));
    place.write("conf/.gitignore", "*.bak\n");
    place.write("conf/.sops.yaml", &place.read(".sops.yaml"));
    place.verify(".").is(0, all);
    fs::remove_file(place.path("conf/.sops.yaml")).unwrap();
    for name in ["conf/key.pem", "conf/.git-credentials"] {
        place.write(name, "s3same\n");
        let ran = place.verify(".");
        ran.is(1, all).says(&format!("uvars: error: {name}: this is not an encrypted file"));
        ran.says(".sops.yaml:2 is for it").says(&format!("to encrypt it: uvars encrypt -i {name}"));
        assert!(!ran.err.contains("s3same"), "{}", ran.err);
        fs::remove_file(place.path(name)).unwrap();
    }
    // an encrypted file whose metadata is gone is still found
    place.write("a/lost.yaml", &without_metadata("f.yaml", &sealed));
    place.verify(".").is(1, all).says("uvars: error: a/lost.yaml: ");
    fs::remove_file(place.path("a/lost.yaml")).unwrap();
    // a type is given for files that are named, not for those that are found
    place
        .run("ann", &["verify", "--input-type", "binary", "a"])
        .is(0, "ok a/.env\nok a/b/deep.json\nok a/bytes\n");
    assert_eq!(place.run("ann", &["verify", "--input-type", "json", "top.yaml"]).code, 1);
}

/// Names that say no format, each with what is encrypted there.
const UNNAMED: [(&str, &str); 6] = [
    ("a/app.conf", "f.yaml"),
    ("a/app.yaml.enc", "f.yaml"),
    ("a/X.YAML", "f.yaml"),
    ("a/env.local", "f.env"),
    ("a/my.cnf", "f.ini"),
    ("a/settings", "f.json"),
];

#[test]
fn an_encrypted_file_is_found_and_read_whatever_its_name() {
    let place = Place::new();
    let ann = place.key("ann");
    place.rules(&format!("  - age: {ann}\n"));
    for (name, plain) in FILES {
        place.encrypt(name, plain);
    }
    // far from either end: what is large is not looked at as a whole
    let long = [0, 1, 2].map(|at| format!("k{at}_unencrypted: {}\n", "x".repeat(1 << 20))).concat();
    place.encrypt("long.yaml", &format!("{long}s: secret\n"));
    let mut names: Vec<(&str, &str)> = UNNAMED.to_vec();
    names.push(("a/long", "long.yaml"));
    let mut all = Vec::new();
    for (name, as_in) in &names {
        place.write(name, &place.read(as_in));
        place.verify(name).is(0, &format!("ok {name}\n"));
        all.push(format!("ok {name}\n"));
    }
    all.sort();
    place.verify("a").is(0, &all.concat());
    for (name, as_in) in &names {
        let whole = place.read(name);
        let (at, _) = sealed(&whole)[0];
        let first = match *as_in {
            "long.yaml" => " s: ",
            "f.ini" => " s.a: ",
            _ => " a: ",
        };
        let crlf = flipped(&whole, at).replace('\n', "\r\n");
        let torn = format!("{}<<<<<<< ours\n=======\n>>>>>>> theirs\n", flipped(&whole, at));
        for (damaged, says) in [(flipped(&whole, at), first), (crlf, ""), (torn, "")] {
            place.write(name, &damaged);
            let ran = place.verify("a");
            assert_eq!(ran.code, 1, "{name}: {}", ran.out);
            ran.says(&format!("uvars: error: {name}:{says}"));
            assert!(!ran.out.contains(name), "{}", ran.out);
            assert_eq!(place.verify(name).code, 1);
        }
        // damage of the metadata hides no file
        let lost = mac(&whole);
        let line = |at: usize| whole[..at].rfind('\n').map_or(0, |end| end + 1);
        let behind = lost + whole[lost..].find('\n').unwrap() + 1;
        place.write(name, &format!("{}{}", &whole[..line(lost)], &whole[behind..]));
        let ran = place.verify("a");
        assert_eq!(ran.code, 1, "{name}: {}", ran.out);
        ran.says(name);
        place.write(name, &whole);
    }
    let formats: Value = serde_json::from_str(&place.run("ann", &["verify", "--json", "a"]).out).unwrap();
    let of = |name: &str| {
        let mut all = formats.as_array().unwrap().iter();
        all.find(|one| one["file"] == name).unwrap()["format"].as_str().unwrap().to_owned()
    };
    assert_eq!(["a/X.YAML", "a/env.local", "a/my.cnf"].map(of), ["yaml", "dotenv", "ini"]);
    // what somebody says it is counts for more
    assert_eq!(place.run("ann", &["verify", "--input-type", "binary", "a/X.YAML"]).code, 1);
    // what puts the readers right can be typed
    let ben = place.key("ben");
    place.rules(&format!("  - age: {ann},{ben}\n"));
    place.verify("a/X.YAML").says("uvars sops updatekeys --input-type yaml a/X.YAML");
    let ran = place.run("ann", &["sops", "updatekeys", "-y", "--input-type", "yaml", "a/X.YAML"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    place.verify("a/X.YAML").is(0, "ok a/X.YAML\n");
}

#[test]
fn a_file_that_only_speaks_of_encrypted_ones_is_passed_over() {
    let place = Place::new();
    let ann = place.key("ann");
    place.rules(&format!("  - age: {ann}\n"));
    for (name, plain) in FILES {
        place.encrypt(name, plain);
    }
    let [yaml, json, env, ini] = ["f.yaml", "f.json", "f.env", "f.ini"].map(|name| place.read(name));
    let quoted = serde_json::to_string(&json).unwrap();
    for (name, text) in [
        ("README", format!("# Title\n\nNote: a file is\nwhat you see\n{yaml}\nand so on\n")),
        ("front.md", format!("---\ntitle: x\n---\n\n```yaml\n{yaml}```\n")),
        ("fenced.md", format!("# Title\n```\n{env}```\n```\n{ini}```\n")),
        ("env.sh", format!("#!/bin/sh\nA=1\ncat >.env <<EOF\n{env}EOF\n")),
        ("ini.sh", format!("set -e\ncat >f.ini <<EOF\n{ini}EOF\n")),
        ("indented.txt", format!("a: b\n{}", yaml.replace('\n', "\n    "))),
        ("install.sh", "sops_version=3.13.3\nsops_mac=no\ngrep -r 'ENC[AES256_GCM,'\n".to_owned()),
        ("compose.conf", "sops:\n    version: 3\nx: ENC[AES256_GCM,\n".to_owned()),
        ("notebook.ipynb", format!("{{\"cells\": [{quoted}], \"version\": \"3\", \"mac\": 1}}\n")),
        ("lock", "{\"sops\": {\"version\": \"3\"}, \"x\": \"ENC[AES256_GCM,\"}\n".to_owned()),
    ] {
        place.write(&format!("docs/{name}"), &text);
    }
    let mut noise = yaml.clone().into_bytes();
    noise.splice(0..0, [0xff, 0xfe, 0, b'{', b'\n', 0x80]);
    fs::write(place.path("docs/noise"), noise).unwrap();
    let ran = place.verify("docs");
    ran.is(1, "").says("docs: no encrypted file is in this folder");
    assert!(!ran.err.contains("docs/"), "{}", ran.err);
    // one that is named is judged as before
    place.verify("docs/README").is(1, "").says("is no encrypted file of bytes");
}

#[test]
fn an_encrypted_file_is_found_wherever_its_first_value_begins() {
    let place = Place::new();
    let ann = place.key("ann");
    place.rules(&format!("  - age: {ann}\n"));
    place.encrypt("a.yaml", FILES[0].1);
    let text = place.read("a.yaml");
    let first = text.find("ENC[").unwrap();
    // files are looked at in pieces of this size, and a mark may be cut in two
    for before in 0..16 {
        let comment = "x".repeat((64 << 10) - before - first - "#\n".len());
        let long = format!("#{comment}\n{text}");
        assert_eq!(long.find("ENC["), Some((64 << 10) - before));
        // nothing but what a file of one value has behind the first one says that it is encrypted
        let only = long.replacen("ENC[", "\u{1}", 1).replace("ENC[", "[").replacen('\u{1}', "ENC[", 1);
        place.write("cut.yaml", &only);
        assert!(place.verify(".").err.contains("cut.yaml"), "{before}");
    }
}

#[test]
fn what_cannot_be_read_keeps_nobody_from_checking_the_rest() {
    let place = Place::new();
    let ann = place.key("ann");
    place.rules(&format!("  - age: {ann}\n"));
    place.encrypt("a.yaml", FILES[0].1);
    place.encrypt("z.yaml", FILES[0].1);
    // far more than is read, with nothing in it that is encrypted, and with something
    let long = |name: &str| fs::OpenOptions::new().append(true).open(place.path(name)).unwrap();
    place.write("image.iso", "{ not of ours");
    long("image.iso").set_len(300 << 20).unwrap();
    place.write("m.yaml", &place.read("a.yaml"));
    long("m.yaml").set_len(300 << 20).unwrap();
    place.verify(".").is(1, "ok a.yaml\nok z.yaml\n").says("here/m.yaml: is larger than");
    let list: Value = serde_json::from_str(&place.run("ann", &["verify", "--json", "."]).out).unwrap();
    let told = |at: usize, field: &str| list[at][field].as_str().unwrap().to_owned();
    assert_eq!([0, 1, 2].map(|at| told(at, "status")), ["ok", "failed", "ok"]);
    assert!(told(1, "error").contains("m.yaml: is larger than"), "{list}");
}

#[test]
fn what_sops_has_written_is_whole() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops");
    let mut keys = String::new();
    for key in ["a", "b", "c", "pq"] {
        keys += &fs::read_to_string(vectors.join(format!("keys/{key}.age"))).unwrap();
    }
    let place = Place::new();
    fs::write(place.folder.path().join("all"), keys).unwrap();
    for release in ["3.11.0", "3.13.3"] {
        let folder = vectors.join(release);
        let mut command: Vec<String> = vec!["verify".into(), "--json".into()];
        let listed = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let others = ["pgp.", "ssh-"];
        let mut files: Vec<_> = listed
            .filter(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                name.contains(".enc.") && !others.iter().any(|other| name.starts_with(other))
            })
            .collect();
        files.sort();
        assert!(files.len() > 20, "{}", files.len());
        command.extend(files.iter().map(|path| path.to_str().unwrap().to_owned()));
        let ran = place.run("all", &command.iter().map(String::as_str).collect::<Vec<_>>());
        let list: Value = serde_json::from_str(&ran.out).unwrap();
        for one in list.as_array().unwrap() {
            assert_eq!(one["status"], "ok", "{one:#}");
        }
        assert_eq!(ran.code, 0);
        assert_eq!(list.as_array().unwrap().len(), files.len());
    }
}

#[test]
fn what_updatekeys_puts_right_is_right() {
    let place = Place::new();
    let (ann, ben, cid) = (place.key("ann"), place.key("ben"), place.key("cid"));
    place.rules(&format!("  - age: {ann},{ben}\n"));
    place.encrypt("f.yaml", FILES[0].1);
    place.rules(&format!("  - age: {ann},{cid}\n"));
    let before = place.read("f.yaml");
    place.verify("f.yaml").says("uvars sops updatekeys f.yaml");
    let ran = place.run("ann", &["sops", "updatekeys", "-y", "f.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    place.verify("f.yaml").is(0, "ok f.yaml\n");
    place.write("f.yaml", &before);
    assert_eq!(place.verify("f.yaml").code, 3);
    let Some(mut sops) = peers::command("sops") else { return };
    sops.current_dir(place.dir())
        .env("SOPS_AGE_KEY_FILE", place.folder.path().join("ann"))
        .env("HOME", "/nonexistent");
    peers::succeed(sops.args(["updatekeys", "-y", "f.yaml"]));
    place.verify("f.yaml").is(0, "ok f.yaml\n");
}
