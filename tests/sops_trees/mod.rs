//! Random values for sops files, and sops itself.
#![allow(dead_code, reason = "every test binary uses its own part of this")]
#![allow(unreachable_pub, reason = "a module of several test binaries")]

use crate::peers;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::prop_oneof;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use uvars::keys::{IdentitySources, Keyring};
use uvars::sops::{Map, Value};

/// The same cases at every run.
pub fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

pub fn key_file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/keys/a.age")
}

pub fn keyring() -> Keyring {
    Keyring::new(IdentitySources { files: vec![key_file()], ..IdentitySources::default() })
}

pub fn now() -> SystemTime {
    UNIX_EPOCH
}

pub fn strings() -> impl Strategy<Value = String> {
    let odd = [
        "",
        " ",
        "\n",
        "\t",
        "  x",
        "x ",
        "\nx",
        "\n#x",
        "\tx\ny",
        " x\ny",
        "x\n",
        "x\n\n",
        "x \ny",
        "yes",
        "No",
        "~",
        "null",
        "012",
        "0x1F",
        "1e3",
        "1_000",
        "2024-01-01",
        "1:60",
        "<<",
        "=",
        "-",
        "- x",
        "? x",
        ": x",
        "a: b",
        "a #b",
        "#",
        "'",
        "\"",
        "{",
        "[",
        "*a",
        "&a",
        "!t",
        "%x",
        "@",
        "`",
        "---",
        "...",
        "true",
        "Grüße",
        "\u{1F600}",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\r",
        "a\rb",
        "\u{7f}",
        "\u{0}",
        "ENC[AES256_GCM,data:a]",
        "sops",
    ];
    prop_oneof![
        3 => "[a-z0-9 ]{1,12}",
        2 => proptest::sample::select(odd.to_vec()).prop_map(str::to_owned),
        1 => "[ -~\\n\\t]{0,30}",
        1 => any::<String>(),
    ]
}

pub fn leaves() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => strings().prop_map(|text| Value::from(text.as_str())),
        1 => any::<i64>().prop_map(Value::Int),
        1 => (-50i64..50).prop_map(Value::Int),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
        1 => (-1e9f64..1e9).prop_map(Value::Float),
    ]
}

pub fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z]{1,6}",
        1 => "[a-z]{1,3}_unencrypted",
        1 => strings().prop_filter("reserved", |name| name != "sops"),
    ]
}

pub fn trees() -> impl Strategy<Value = Map> {
    trees_of(names().boxed())
}

/// Trees with names that sops writes so that they can be read back.
pub fn tame_trees() -> impl Strategy<Value = Map> {
    trees_of(prop_oneof!["[a-z]{1,6}", "[a-z0-9 .]{1,12}"].boxed())
}

pub fn trees_of(names: BoxedStrategy<String>) -> impl Strategy<Value = Map> {
    let inner_names = names.clone();
    let value = leaves().prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            proptest::collection::vec((inner_names.clone(), inner), 0..5).prop_map(|pairs| map(pairs).into()),
        ]
    });
    proptest::collection::vec((names, value), 0..8).prop_map(map)
}

pub fn map(pairs: Vec<(String, Value)>) -> Map {
    pairs.into_iter().fold(Map::new(), |map, (key, value)| map.with(key, value))
}

/// A float without a fraction is written without one, and read as a whole number: sops' format has it so.
pub fn written(value: &Value) -> Value {
    match value {
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e6 => {
            format!("{number}").parse().map_or_else(|_| value.clone(), Value::Int)
        }
        Value::List(list) => Value::List(list.iter().map(written).collect()),
        Value::Map(map) => written_map(map).into(),
        other => other.clone(),
    }
}

pub fn written_map(source: &Map) -> Map {
    map(source.entries().iter().map(|entry| (entry.key.clone(), written(&entry.value))).collect())
}

pub fn sops(name: &str, folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut command = peers::command(name).unwrap();
    command.current_dir(folder).env("SOPS_AGE_KEY_FILE", key_file()).env("HOME", folder);
    peers::succeed(command.args(arguments))
}
