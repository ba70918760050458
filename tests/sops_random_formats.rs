//! Random values in JSON, dotenv, INI and as bytes: what we write reads back, sops agrees with a sample, and one change
//! changes one value.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod peers;
mod sops_trees;

use proptest::prelude::{BoxedStrategy, Strategy, any};
use proptest::{prop_assert, prop_assert_eq, prop_oneof};
use sops_trees::{keyring, map, now, runner, sops, strings, trees};
use std::time::Duration;
use uvars::secret::Secret;
use uvars::sops::{Encrypted, Format, KeyPath, Map, Plain, Rules, Value};

const FORMATS: [Format; 4] = [Format::Json, Format::Dotenv, Format::Ini, Format::Binary];

/// Trees that a format has a form for, be it that one or another text in them has none.
fn trees_of(format: Format) -> BoxedStrategy<Map> {
    let texts = || strings().prop_map(|text| Value::from(text.as_str()));
    let names = || prop_oneof![4 => "[A-Z_]{1,8}", 1 => "[a-z]{1,4}_unencrypted", 2 => strings()];
    match format {
        Format::Json => trees().boxed(),
        Format::Dotenv => proptest::collection::vec((names(), texts()), 0..12).prop_map(map).boxed(),
        Format::Ini => {
            let section =
                proptest::collection::vec((names(), texts()), 0..8).prop_map(|pairs| map(pairs).into());
            let names = prop_oneof![8 => "[a-z]{1,8}", 1 => "[a-z.]{1,3} \"[a-z]{1,3}\"", 2 => strings()];
            proptest::collection::vec((names, section), 0..5).prop_map(map).boxed()
        }
        _ => {
            let bytes = prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..300),
                strings().prop_map(String::into_bytes),
            ];
            bytes.prop_map(|bytes| Map::new().with("data", Value::Str(Secret::new(bytes)))).boxed()
        }
    }
}

fn encrypt(tree: &Map, format: Format) -> uvars::Result<Encrypted> {
    Encrypted::create(
        &Plain::new(tree.clone()),
        &keyring().recipients(),
        &Rules::default(),
        now(),
        format,
        &uvars::keys::Programs::default(),
    )
}

fn decrypt(bytes: &[u8], format: Format) -> Plain {
    let file = Encrypted::parse(bytes, format).unwrap();
    file.decrypt(&file.unlock(&keyring()).unwrap()).unwrap()
}

/// As a format holds it: JSON has one kind of numbers, INI always has the section of what stands in none.
fn held(tree: &Map, format: Format) -> Map {
    fn number(value: &Value) -> Value {
        match value {
            Value::Float(number) if number.fract() == 0.0 => {
                format!("{number}").parse().map_or_else(|_| value.clone(), Value::Int)
            }
            Value::List(list) => Value::List(list.iter().map(number).collect()),
            Value::Map(map) => numbers(map).into(),
            other => other.clone(),
        }
    }
    fn numbers(tree: &Map) -> Map {
        map(tree.entries().iter().map(|entry| (entry.key.clone(), number(&entry.value))).collect())
    }
    let mut tree = if format == Format::Json { numbers(tree) } else { tree.clone() };
    if format == Format::Ini
        && tree.get("DEFAULT").is_none_or(|section| section.as_map().is_some_and(Map::is_empty))
    {
        tree.remove("DEFAULT");
    }
    tree
}

/// Why something is not encrypted: each is a row of docs/formats.md.
fn must_be_known(error: &str) {
    let known = [
        "is no name for dotenv",
        "has a name that INI cannot have",
        "is no name that a section of INI can have",
        "has a text that INI cannot have",
        "must be DEFAULT in upper case",
        "has a backslash and an n in it",
        "is kept for the metadata",
        "several comments stand here",
    ];
    assert!(known.iter().any(|known| error.contains(known)), "{error}");
}

#[test]
fn what_is_encrypted_decrypts_or_is_refused_by_name() {
    for format in FORMATS {
        let refused = std::cell::Cell::new(0);
        runner(400)
            .run(&trees_of(format), |tree| {
                let file = match encrypt(&tree, format) {
                    Ok(file) => file,
                    Err(error) => {
                        refused.set(refused.get() + 1);
                        must_be_known(&error.to_string());
                        return Ok(());
                    }
                };
                let bytes = file.emit().unwrap();
                let plain = decrypt(&bytes, format);
                prop_assert_eq!(held(&plain.to_map(), format), held(&tree, format));
                if format != Format::Binary {
                    // one of bytes gets the rule that it did not name, as from sops
                    prop_assert_eq!(Encrypted::parse(&bytes, format).unwrap().emit().unwrap(), bytes);
                }
                // what is printed is read as the same, and printed as the same
                let printed = plain.emit(format).unwrap();
                let again = Plain::parse(printed.expose(), format).unwrap();
                prop_assert_eq!(held(&again.to_map(), format), held(&tree, format));
                let twice = again.emit(format).unwrap();
                prop_assert_eq!(twice.expose(), printed.expose());
                Ok(())
            })
            .unwrap();
        assert!(refused.get() < 300, "{}: {}", format.name(), refused.get());
    }
}

#[test]
fn sops_agrees() {
    for name in ["sops", "sops-3.11"] {
        if peers::find(name).is_none() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let recipient = keyring().recipients().remove(0).to_string();
        // 3.11 rounds large whole numbers of JSON in clear
        for format in FORMATS.into_iter().filter(|format| name == "sops" || *format != Format::Json) {
            // many trees in one file: a process takes longer than all of them
            let many =
                proptest::collection::vec(trees_of(format), if format == Format::Binary { 1 } else { 40 });
            runner(5)
                .run(&many, |trees| {
                    let tree = together(trees, format);
                    let types = ["--input-type", format.name(), "--output-type", format.name(), "file"];
                    let run = |arguments: &[&str], bytes: &[u8]| {
                        std::fs::write(folder.path().join("file"), bytes).unwrap();
                        sops(name, folder.path(), &[arguments, &types].concat())
                    };
                    let bytes = encrypt(&tree, format).unwrap().emit().unwrap();
                    let printed = decrypt(&bytes, format).emit(format).unwrap();
                    let theirs = run(&["decrypt"], &bytes);
                    prop_assert_eq!(
                        String::from_utf8_lossy(&theirs),
                        String::from_utf8_lossy(printed.expose())
                    );
                    // and the other way
                    let theirs = run(&["encrypt", "--age", &recipient], printed.expose());
                    let ours = decrypt(&theirs, format).emit(format).unwrap();
                    prop_assert_eq!(
                        String::from_utf8_lossy(ours.expose()),
                        String::from_utf8_lossy(printed.expose())
                    );
                    Ok(())
                })
                .unwrap();
        }
    }
}

/// One tree of many, without what is refused, and what sops writes so that it reads it back otherwise.
fn together(trees: Vec<Map>, format: Format) -> Map {
    let mut whole = Map::new();
    for (number, tree) in trees.into_iter().enumerate() {
        for entry in tree {
            let key = match format {
                Format::Binary => entry.key,
                Format::Dotenv if number % 2 == 0 => format!("{}{number}", entry.key),
                _ => format!("{number}{}", entry.key),
            };
            let value = match entry.value {
                Value::Map(section) if format == Format::Ini => {
                    let tame = |entry: &uvars::sops::Entry| is_tame(entry, format);
                    map(section.into_iter().filter(tame).map(|entry| (entry.key, entry.value)).collect())
                        .into()
                }
                value => value,
            };
            let one = Map::new().with(key.as_str(), value.clone());
            let entry = uvars::sops::Entry { key, value };
            if is_tame(&entry, format) && encrypt(&one, format).is_ok() {
                whole.set(entry.key, entry.value);
            }
        }
    }
    whole
}

/// Whether sops writes a value as we do: not in quotes, with nothing at its end that INI takes for something else.
fn is_tame(entry: &uvars::sops::Entry, format: Format) -> bool {
    let Some(text) = entry.value.as_str().filter(|_| format == Format::Ini) else { return true };
    let bare =
        |text: &str| text.chars().all(|letter| letter.is_alphanumeric() || "_-./+,@ :=".contains(letter));
    let quoted = text.len() > 1 && (text.starts_with('"') || text.starts_with('\''));
    bare(&entry.key)
        && entry.key.trim() == entry.key
        && !quoted
        && !text.ends_with('\\')
        && bare(text.trim_matches([';', '#']))
}

#[test]
fn one_change_changes_one_value_the_mac_and_the_time() {
    let keyring = keyring();
    for format in FORMATS {
        runner(100)
            .run(&(trees_of(format), strings()), |(tree, fresh)| {
                let (tree, place) = match format {
                    Format::Ini => {
                        (tree.with("it", Map::new().with("it", "old").with("behind", "x")), "it.it")
                    }
                    Format::Binary => (tree, "data"),
                    _ => (tree.with("it", "old").with("behind", "x"), "it"),
                };
                let Ok(file) = encrypt(&tree, format) else { return Ok(()) };
                let key = file.unlock(&keyring).unwrap();
                let mut plain = file.decrypt(&key).unwrap();
                let place = KeyPath::parse(place).unwrap();
                plain.set(&place, &Value::from(format!("{fresh}.").as_str())).unwrap();
                let later = now() + Duration::from_secs(1);
                let Ok(after) = file.update(&plain, &key, later) else { return Ok(()) };
                let lines = |file: &Encrypted| String::from_utf8_lossy(&file.emit().unwrap()).into_owned();
                let (before, after) = (lines(&file), lines(&after));
                prop_assert_eq!(before.lines().count(), after.lines().count());
                let changed: Vec<_> = before
                    .lines()
                    .zip(after.lines())
                    .filter(|(a, b)| a != b)
                    .map(|(a, _)| a.trim())
                    .collect();
                prop_assert_eq!(changed.len(), 3, "{}: {:?}", format.name(), changed);
                prop_assert!(
                    changed[1].contains("lastmodified") && changed[2].contains("mac"),
                    "{:?}",
                    changed
                );
                Ok(())
            })
            .unwrap();
    }
}
