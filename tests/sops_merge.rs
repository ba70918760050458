//! Merge keys: `<<` without quotes stays one, in quotes it stays a name, here and in real sops.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod peers;

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use tempfile::TempDir;
use uvars::keys::{IdentitySources, Keyring, Programs};
use uvars::sops::{Encrypted, Format, KeyPath, Map, Plain, Rules, Value};

const SOPS: [&str; 2] = ["sops", "sops-3.11"];

/// Plain files whose merge keys both programs write alike.
const ALIKE: [&str; 9] = [
    "a: &x {q: 1}\nb: {<<: *x}\n",
    "a: &x {q: 1}\ny: &y {r: 2}\nb: {<<: [*x, *y], z: 1}\n",
    "a: &x {q: 1}\nb: {!!merge <<: *x}\n",
    "a: &x {q: 1}\nb: {!!merge \"<<\": *x}\n",
    "a: &x {q: 1}\nb: {! <<: *x}\n",
    "b: {<<: {}}\nc: {<<: []}\n",
    "a: &x {q: 1}\nb:\n- <<: *x\n  k: 2\n- <<: {z: 1}\n",
    "a: &x {q: 1}\n<<: *x\n---\nc: &y {q: 1}\nd: {<<: *y}\n",
    "a: &x\n  # in a\n  q: 1\nb:\n  # head\n  <<: *x\n  # foot\n\n  k: 2\n",
];

/// Plain files that sops writes so that they mean something else, or can no longer be decrypted; and as we print
/// them.
const OURS: [(&str, &str); 6] = [
    ("b: {\"<<\": {q: 1}}\n", "b:\n    \"<<\":\n        q: 1\n"),
    ("b: {!!str <<: {q: 1}}\n", "b:\n    \"<<\":\n        q: 1\n"),
    ("b: {\"<<\": 5}\n", "b:\n    \"<<\": 5\n"),
    ("b: {\"<<\": [1]}\n", "b:\n    \"<<\":\n        - 1\n"),
    ("a: <<\nb_unencrypted: [\"<<\"]\n", "a: \"<<\"\nb_unencrypted:\n    - \"<<\"\n"),
    (
        "a: &x {q: 1}\nb:\n  <<:\n    # head\n    - *x # line\n    # foot\n",
        "a:\n    q: 1\nb:\n    # head\n    # line\n    # foot\n    !!merge <<:\n        - q: 1\n",
    ),
];

fn key_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/keys/a.age")
}

fn keyring() -> Keyring {
    Keyring::new(IdentitySources { files: vec![key_file()], ..IdentitySources::default() })
}

fn read(source: &str) -> Plain {
    Plain::parse(source.as_bytes(), Format::Yaml).unwrap()
}

fn encrypt(plain: &Plain) -> Encrypted {
    let readers = keyring().recipients();
    Encrypted::create(plain, &readers, &Rules::default(), UNIX_EPOCH, Format::Yaml, &Programs::default())
        .unwrap()
}

fn text(plain: &Plain) -> String {
    String::from_utf8(plain.emit(Format::Yaml).unwrap().expose().to_vec()).unwrap()
}

fn print(source: &[u8]) -> String {
    let file = Encrypted::parse(source, Format::Yaml).unwrap();
    text(&file.decrypt(&file.unlock(&keyring()).unwrap()).unwrap())
}

/// Runs sops in a folder with this file in it; what it prints, and the file afterwards.
fn sops(name: &str, file: &[u8], arguments: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file.yaml");
    std::fs::write(&path, file).unwrap();
    let mut command = peers::command(name).unwrap();
    command.current_dir(folder.path()).env("SOPS_AGE_KEY_FILE", key_file()).env("HOME", folder.path());
    let printed = peers::succeed(command.args(arguments));
    (printed, std::fs::read(path).unwrap())
}

fn sops_decrypt(name: &str, file: &[u8]) -> String {
    String::from_utf8(sops(name, file, &["decrypt", "file.yaml"]).0).unwrap()
}

/// Every line without its ciphertext, up to the metadata.
fn layout(file: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(file).unwrap();
    let lines = text.lines().take_while(|line| *line != "sops:");
    lines.map(|line| line.split("ENC[").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn merge_keys_stand_in_our_files_as_in_those_of_sops() {
    let recipient = keyring().recipients().remove(0).to_string();
    for name in SOPS {
        if peers::find(name).is_none() {
            continue;
        }
        for source in ALIKE {
            let theirs = sops(name, source.as_bytes(), &["encrypt", "--age", &recipient, "file.yaml"]).0;
            let ours = encrypt(&read(source)).emit().unwrap();
            assert_eq!(layout(&ours), layout(&theirs), "{name}: {source}");
            for file in [&ours, &theirs] {
                let printed = print(file);
                assert!(printed.contains("!!merge <<:") && !printed.contains("\"<<\""), "{printed}");
                assert_eq!(printed, sops_decrypt(name, file), "{name}: {source}");
            }
        }
    }
}

#[test]
fn what_sops_writes_otherwise_comes_back_from_us_and_is_read_by_it() {
    for (source, printed) in OURS {
        let file = encrypt(&read(source));
        let bytes = file.emit().unwrap();
        assert_eq!(print(&bytes), printed);
        assert_eq!(text(&read(printed)), printed);
        for name in SOPS.into_iter().filter(|name| peers::find(name).is_some()) {
            let json = sops(name, &bytes, &["decrypt", "--output-type", "json", "file.yaml"]).0;
            let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
            assert_eq!(
                json.as_object().unwrap().len(),
                file.decrypt(&file.unlock(&keyring()).unwrap()).unwrap().keys().len()
            );
        }
    }
}

#[test]
fn a_value_set_by_either_below_a_merge_key_leaves_it_one() {
    let file = encrypt(&read("a: 1\nb:\n  <<: {q: 1, r: 2}\n"));
    let key = file.unlock(&keyring()).unwrap();
    let mut plain = file.decrypt(&key).unwrap();
    plain.set(&KeyPath::parse("b.<<.q").unwrap(), &Value::Int(3)).unwrap();
    let ours = file.update(&plain, &key, UNIX_EPOCH).unwrap().emit().unwrap();
    let expected = "a: 1\nb:\n    !!merge <<:\n        q: 3\n        r: 2\n";
    assert_eq!(print(&ours), expected);
    for name in SOPS.into_iter().filter(|name| peers::find(name).is_some()) {
        assert_eq!(sops_decrypt(name, &ours), expected);
        let before = file.emit().unwrap();
        let theirs = sops(name, &before, &["set", "file.yaml", r#"["b"]["<<"]["q"]"#, "3"]).1;
        assert_eq!(print(&theirs), expected);
        assert_eq!(layout(&theirs), layout(&ours));
    }
}

#[test]
fn an_edited_file_keeps_its_merge_keys_and_their_ciphertext() {
    let file = encrypt(&read("b:\n  <<: [{q: 1}, {r: 2}]\n  k: 1\n"));
    let key = file.unlock(&keyring()).unwrap();
    let old = file.decrypt(&key).unwrap();
    let mut edited = read(&text(&old).replace("k: 1", "k: 2"));
    edited.keep_ciphertext_of(&old);
    let after = file.update(&edited, &key, UNIX_EPOCH).unwrap();
    let (before, after) = (file.emit().unwrap(), after.emit().unwrap());
    let elements = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.lines()
            .filter(|line| line.trim_start().starts_with("- "))
            .take(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(elements(&after)[1].starts_with("        - r: ENC["));
    assert_eq!(elements(&after), elements(&before));
    assert_eq!(print(&after), "b:\n    !!merge <<:\n        - q: 1\n        - r: 2\n    k: 2\n");
}

#[test]
fn a_merge_key_over_something_else_than_maps_is_refused_or_becomes_a_name() {
    for source in [
        "b: {<<: 5}\n",
        "b: {<<: }\n",
        "b: {<<: [5]}\n",
        "a: 1\n---\nb: {<<: 5}\n",
        "a: &l [{q: 1}]\nb: {<<: *l}\n",
    ] {
        let error = Plain::parse(source.as_bytes(), Format::Yaml).unwrap_err();
        assert!(error.to_string().contains("a merge key takes a map or a list of maps"), "{error}");
    }
    let mut plain = read("b:\n  <<: {q: 1}\n");
    plain.set(&KeyPath::parse("b.<<").unwrap(), &Value::Int(5)).unwrap();
    assert_eq!(text(&plain), "b:\n    \"<<\": 5\n");
    plain.set(&KeyPath::parse("b.<<").unwrap(), &Value::List(vec![Value::Int(5)])).unwrap();
    assert_eq!(text(&plain), "b:\n    \"<<\":\n        - 5\n");
    // made of values, it is a name
    let made = Plain::new(Map::new().with("<<", Map::new().with("q", Value::Int(1))));
    assert_eq!(text(&made), "\"<<\":\n    q: 1\n");
}
