//! Random trees: what we write reads back, sops agrees with a sample, and one change changes one value.
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

mod peers;
mod sops_trees;

use proptest::prelude::*;
use sops_trees::{keyring, now, runner, sops, strings, tame_trees, trees, written_map};
use std::time::Duration;
use uvars::sops::{Encrypted, Format, KeyPath, Map, Plain, Rules, Selection, Value};
use uvars::yaml::Timestamp;

fn encrypt(plain: &Plain) -> Encrypted {
    Encrypted::create(
        plain,
        &keyring().recipients(),
        &Rules::default(),
        now(),
        Format::Yaml,
        &uvars::keys::Programs::default(),
    )
    .unwrap()
}

#[test]
fn what_is_printed_reads_back() {
    runner(2000)
        .run(&trees(), |tree| {
            let printed = Plain::new(tree.clone()).emit(Format::Yaml).unwrap();
            let again = Plain::parse(printed.expose(), Format::Yaml)
                .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(printed.expose())));
            prop_assert_eq!(again.to_map(), written_map(&tree));
            let twice = again.emit(Format::Yaml).unwrap();
            prop_assert_eq!(twice.expose(), printed.expose());
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_is_encrypted_decrypts() {
    runner(300)
        .run(&trees(), |tree| {
            let bytes = encrypt(&Plain::new(tree.clone())).emit().unwrap();
            let file = Encrypted::parse(&bytes, Format::Yaml).unwrap();
            let plain = file.decrypt(&file.unlock(&keyring()).unwrap()).unwrap();
            // what is encrypted keeps its type, what is in clear that of its text
            prop_assert_eq!(written_map(&plain.to_map()), written_map(&tree));
            prop_assert_eq!(file.emit().unwrap(), bytes);
            Ok(())
        })
        .unwrap();
}

#[test]
fn one_change_changes_one_value_the_mac_and_the_time() {
    let keyring = keyring();
    runner(200)
        .run(&(trees(), strings()), |(tree, fresh)| {
            let file = encrypt(&Plain::new(tree.with("it", "old").with("behind", "x")));
            let key = file.unlock(&keyring).unwrap();
            let mut plain = file.decrypt(&key).unwrap();
            plain.set(&KeyPath::of_keys(["it"]), &Value::from(format!("{fresh}.").as_str())).unwrap();
            let later = now() + Duration::from_secs(1);
            let after = file.update(&plain, &key, later).unwrap().emit().unwrap();
            let (before, after) =
                (String::from_utf8(file.emit().unwrap()).unwrap(), String::from_utf8(after).unwrap());
            prop_assert_eq!(before.lines().count(), after.lines().count());
            let changed: Vec<_> =
                before.lines().zip(after.lines()).filter(|(a, b)| a != b).map(|(a, _)| a).collect();
            let names = ["it: ", "    lastmodified: ", "    mac: "];
            prop_assert_eq!(changed.len(), names.len(), "{:?}", changed);
            prop_assert!(
                changed.iter().zip(names).all(|(line, name)| line.starts_with(name)),
                "{:?}",
                changed
            );
            Ok(())
        })
        .unwrap();
}

/// As JSON has it: what sops prints with `--output-type json`.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Float(number) if number.fract() == 0.0 => format!("{number}").parse().unwrap(),
        Value::Float(number) => (*number).into(),
        Value::Time(time) => time.to_string().into(),
        Value::Str(text) => text.expose_str().unwrap().into(),
        Value::List(list) => list.iter().map(json).collect::<Vec<_>>().into(),
        Value::Map(map) => {
            let pairs = map.entries().iter().map(|entry| (entry.key.clone(), json(&entry.value)));
            serde_json::Value::Object(pairs.collect())
        }
    }
}

/// The first place where two trees differ, with both values.
fn difference(a: &serde_json::Value, b: &serde_json::Value) -> Option<String> {
    use serde_json::Value::{Array, Object};
    match (a, b) {
        (Object(x), Object(y)) if x.len() == y.len() => x
            .iter()
            .find_map(|(key, value)| difference(value, y.get(key)?).map(|found| format!("{key:?} {found}"))),
        (Array(x), Array(y)) if x.len() == y.len() => x.iter().zip(y).find_map(|(x, y)| difference(x, y)),
        // serde_json reads the last digit of a float wrongly
        (serde_json::Value::Number(x), serde_json::Value::Number(y)) if x.is_f64() && y.is_f64() => {
            let (x, y) = (x.as_f64()?, y.as_f64()?);
            ((x - y).abs() > x.abs() * 1e-15).then(|| format!("{x} is not {y}"))
        }
        _ => (a != b).then(|| format!("{a} is not {b}")),
    }
}

#[test]
fn sops_reads_every_value_that_we_write() {
    for name in ["sops", "sops-3.11"] {
        if peers::find(name).is_none() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        // many trees in one file: a process takes longer than all of them
        let many = proptest::collection::vec(trees(), 60);
        runner(6)
            .run(&many, |trees| {
                let trees: Vec<Value> = trees.into_iter().map(Value::from).collect();
                let both = Map::new()
                    .with("sealed", Value::List(trees.clone()))
                    .with("clear_unencrypted", Value::List(trees));
                let bytes = encrypt(&Plain::new(both.clone())).emit().unwrap();
                std::fs::write(folder.path().join("file.yaml"), &bytes).unwrap();
                let printed = sops(name, folder.path(), &["-d", "--output-type", "json", "file.yaml"]);
                let theirs: serde_json::Value = serde_json::from_slice(&printed).unwrap();
                prop_assert_eq!(difference(&theirs, &json(&both.into())), None, "{}", name);
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn we_read_every_value_that_sops_writes() {
    for name in ["sops", "sops-3.11"] {
        if peers::find(name).is_none() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let recipient = keyring().recipients().remove(0).to_string();
        runner(6)
            .run(&proptest::collection::vec(tame_trees(), 60), |trees| {
                let sealed =
                    Map::new().with("sealed", Value::List(trees.into_iter().map(Value::from).collect()));
                let source = Plain::new(sealed.clone()).emit(Format::Yaml).unwrap();
                std::fs::write(folder.path().join("plain.yaml"), source.expose()).unwrap();
                let rule = ["--encrypted-regex", "^sealed$"];
                let arguments = [&["-e", "--age", recipient.as_str()][..], &rule, &["plain.yaml"]].concat();
                let file = Encrypted::parse(&sops(name, folder.path(), &arguments), Format::Yaml).unwrap();
                let plain = file.decrypt(&file.unlock(&keyring()).unwrap()).unwrap();
                prop_assert_eq!(written_map(&plain.to_map()), written_map(&sealed));
                Ok(())
            })
            .unwrap();
    }
}

/// Block YAML with comments wherever they can stand.
fn commented() -> impl Strategy<Value = String> {
    #[derive(Clone, Debug)]
    enum Tree {
        Leaf(String),
        Map(Vec<(Option<String>, String, Tree, Option<String>)>),
        List(Vec<(Option<String>, Tree, Option<String>)>),
    }
    fn write(tree: &Tree, indent: usize, out: &mut String) {
        let pad = " ".repeat(indent);
        let above = |comment: &Option<String>, out: &mut String| {
            for line in comment.iter().flat_map(|comment| comment.split('|')) {
                out.push_str(&if line.is_empty() { "\n".to_owned() } else { format!("{pad}#{line}\n") });
            }
        };
        let rest = |tree: &Tree, behind: &Option<String>, out: &mut String| {
            let behind = behind.as_ref().map(|comment| format!(" #{comment}")).unwrap_or_default();
            match tree {
                Tree::Leaf(text) => out.push_str(&format!(" {text}{behind}\n")),
                // behind an empty collection sops loses or moves comments
                Tree::Map(pairs) if pairs.is_empty() => out.push_str(" {}\n"),
                Tree::List(items) if items.is_empty() => out.push_str(" []\n"),
                inner => {
                    out.push_str(&format!("{behind}\n"));
                    write(inner, indent + 2, out);
                }
            }
        };
        match tree {
            Tree::Leaf(_) => {}
            Tree::Map(pairs) => {
                let mut merged = false;
                for (number, (comment, key, value, behind)) in pairs.iter().enumerate() {
                    above(comment, out);
                    match value {
                        // an alias of the map that every document begins with
                        Tree::Leaf(_) if key.as_str() < "g" && !merged => {
                            out.push_str(&format!("{pad}<<: *base\n"));
                            merged = true;
                        }
                        Tree::Map(_) if key.as_str() < "g" && !merged => {
                            out.push_str(&format!("{pad}<<:"));
                            rest(value, behind, out);
                            merged = true;
                        }
                        _ => {
                            out.push_str(&format!("{pad}{key}{number}:"));
                            rest(value, behind, out);
                        }
                    }
                }
                // a comment behind all of them
                above(&pairs.first().and_then(|pair| pair.3.clone()), out);
            }
            Tree::List(items) => {
                for (comment, value, behind) in items {
                    above(comment, out);
                    out.push_str(&format!("{pad}-"));
                    rest(value, behind, out);
                }
            }
        }
    }
    let comment = || proptest::option::weighted(0.3, " [a-z]{1,5}(\\|{0,2} [a-z]{1,5}){0,2}\\|?");
    let behind = || proptest::option::weighted(0.2, " [a-z]{1,5}");
    let leaf =
        prop_oneof!["[a-z]{1,5}", Just("7".to_owned()), Just("true".to_owned()), Just("'q'".to_owned())];
    let tree = leaf.prop_map(Tree::Leaf).prop_recursive(3, 20, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec((comment(), "[a-z]", inner.clone(), behind()), 0..4)
                .prop_map(Tree::Map),
            proptest::collection::vec((comment(), inner, behind()), 0..4).prop_map(Tree::List),
        ]
    });
    let comment = || proptest::option::weighted(0.3, " [a-z]{1,5}(\\|{0,2} [a-z]{1,5}){0,2}\\|?");
    let behind = || proptest::option::weighted(0.2, " [a-z]{1,5}");
    let root = proptest::collection::vec((comment(), "[a-z]", tree, behind()), 1..6);
    (root, comment()).prop_map(|(pairs, last)| {
        let mut out = "base: &base\n  k: v\n".to_owned();
        write(&Tree::Map(pairs), 0, &mut out);
        for line in last.iter().flat_map(|comment| comment.split('|')) {
            out.push_str(&if line.is_empty() { "\n".to_owned() } else { format!("#{line}\n") });
        }
        out
    })
}

#[test]
fn comments_stand_where_sops_has_them() {
    if peers::find("sops").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let recipient = keyring().recipients().remove(0).to_string();
    let file = folder.path().join("file.yaml");
    runner(40)
        .run(&(proptest::collection::vec(commented(), 12), any::<bool>()), |(sources, sealed)| {
            let suffix = if sealed { "--unencrypted-suffix" } else { "--encrypted-suffix" };
            let field = if sealed { "unencrypted_suffix" } else { "encrypted_suffix" };
            let rules = Rules::new(Selection::of_field(field, "none").unwrap(), false).unwrap();
            // many documents in one file: a process takes longer than all of them
            let source = sources.join("---\n");
            std::fs::write(&file, &source).unwrap();
            let theirs =
                sops("sops", folder.path(), &["-e", "--age", &recipient, suffix, "none", "file.yaml"]);
            std::fs::write(&file, &theirs).unwrap();
            let printed = sops("sops", folder.path(), &["-d", "file.yaml"]);
            let printed = String::from_utf8(printed).unwrap();
            prop_assert!(is_as(&print(&theirs), &printed), "theirs, of\n{}\n{}", source, printed);

            let plain = Plain::parse(source.as_bytes(), Format::Yaml).unwrap();
            let made = Encrypted::create(
                &plain,
                &keyring().recipients(),
                &rules,
                now(),
                Format::Yaml,
                &uvars::keys::Programs::default(),
            )
            .unwrap();
            let ours = made.emit().unwrap();
            std::fs::write(&file, &ours).unwrap();
            let printed = sops("sops", folder.path(), &["-d", "file.yaml"]);
            let printed = String::from_utf8(printed).unwrap();
            prop_assert!(is_as(&print(&ours), &printed), "ours, of\n{}\n{}", source, printed);
            prop_assert!(!print(&ours).contains("ENC["), "a comment is lost: {}", source);
            // nothing else in it has the mark
            let marks = |text: &str| text.matches('#').count();
            prop_assert_eq!(marks(&print(&ours)), plain.comments(), "{}\n{}", source, print(&ours));
            prop_assert_eq!(marks(&source), plain.comments() + plain.lost_comments(), "{}", source);
            Ok(())
        })
        .unwrap();
}

/// Whether what we print is what sops prints, but for comments that it loses.
fn is_as(ours: &str, theirs: &str) -> bool {
    let mut left = theirs.lines().peekable();
    for line in ours.lines() {
        if left.next_if(|other| *other == line).is_none() && !line.trim_start().starts_with('#') {
            return false;
        }
    }
    left.next().is_none()
}

/// Comments behind what ends their map, which sops encrypts for another place than it finds them at.
const BEHIND: [(&str, &str); 7] = [
    ("m:\n  e: {x: 1}\n  # f\nk: 1\n", "m:\n    e:\n        x: 1\n        # f\nk: 1\n"),
    ("m:\n  e: [1]\n  # f\nk: 1\n", "m:\n    e:\n        - 1\n        # f\nk: 1\n"),
    (
        "m:\n  e: {x: {z: 1}}\n  # f\nk: 1\n",
        "m:\n    e:\n        x:\n            z: 1\n            # f\nk: 1\n",
    ),
    ("m:\n  e: [] # f\n  # f\nk: 1\n", "m:\n    e: []\n    # f\n    # f\nk: 1\n"),
    ("m:\n  e: {}\n  # f\nk: 1\n", "m:\n    e: {}\n    # f\nk: 1\n"),
    ("m:\n  <<: [{q: 1}]\n  # f\nk: 1\n", "m:\n    !!merge <<:\n        - q: 1\n          # f\nk: 1\n"),
    ("m:\n  e_unencrypted: {x: 1}\n  # f\nk: 1\n", "m:\n    # f\n    e_unencrypted:\n        x: 1\nk: 1\n"),
];

/// Comments that sops loses where it prints what it has decrypted.
const SHOWN: [(&str, &str); 4] = [
    ("l:\n  # a\n  - x: 1 # b\n  - y: 2\n", "l:\n    # a\n    # b\n    - x: 1\n    - \"y\": 2\n"),
    ("l:\n  # a\n  - - 1 # b\n    - 2\n", "l:\n    # a\n    # b\n    - - 1\n      - 2\n"),
    ("x: [] # a\n# b\nz: 1\n", "x: []\n# a\n# b\nz: 1\n"),
    (
        "m:\n  x: [] # a\n  # b\n  z: [] # c\n  # d\n  k: 1 # e\n",
        "m:\n    x: []\n    # a\n    # b\n    z: []\n    # c\n    # d\n    # e\n    k: 1\n",
    ),
];

#[test]
fn comments_that_come_together_are_all_shown() {
    for (source, printed) in SHOWN {
        let bytes = encrypt(&Plain::parse(source.as_bytes(), Format::Yaml).unwrap()).emit().unwrap();
        assert_eq!(print(&bytes), printed);
        for name in ["sops", "sops-3.11"].into_iter().filter(|name| peers::find(name).is_some()) {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("file.yaml"), &bytes).unwrap();
            let theirs = String::from_utf8(sops(name, folder.path(), &["-d", "file.yaml"])).unwrap();
            assert!(is_as(printed, &theirs), "{name}: {theirs}");
            assert!(printed != theirs || name != "sops", "{theirs}");
        }
    }
}

#[test]
fn a_comment_behind_a_list_on_one_line_stays_where_it_can_be_opened() {
    let source = "b:\n    # x\n    c:\n        - one\n    # y\n    d: 1\nz: 1\n";
    let file = encrypt(&Plain::parse(source.as_bytes(), Format::Yaml).unwrap());
    let bytes = String::from_utf8(file.emit().unwrap()).unwrap();
    // as somebody may have written it by hand, and no sops does
    let lines: Vec<&str> = bytes.lines().filter(|line| !line.starts_with("    d: ")).collect();
    let item = lines.iter().find_map(|line| line.strip_prefix("        - ENC[")).unwrap();
    let by_hand =
        lines.join("\n").replace(&format!("c:\n        - ENC[{item}"), &format!("c: ['ENC[{item}']"));
    let file = Encrypted::parse(format!("{by_hand}\n").as_bytes(), Format::Yaml).unwrap();
    let key = file.unlock(&keyring()).unwrap();
    let again = Encrypted::parse(&file.emit().unwrap(), Format::Yaml).unwrap();
    assert_eq!(again.emit().unwrap(), file.emit().unwrap());
    let plain = again.decrypt_with(&key, uvars::sops::Mac::Ignore).unwrap();
    let printed = plain.emit(Format::Yaml).unwrap();
    let printed = String::from_utf8_lossy(printed.expose());
    assert_eq!(printed, "b:\n    # x\n    # y\n    c:\n        - one\nz: 1\n");
}

#[test]
fn lost_comments_are_counted_beside_aliases() {
    for (source, lost) in [
        ("x: &x\n  # c\n  a: 1\ny: *x\n... # end\n", 1),
        ("x: &x\n  # c\n  a: 1\ny: *x # d\n", 0),
        ("x: 1\n... # end\n", 1),
    ] {
        let plain = Plain::parse(source.as_bytes(), Format::Yaml).unwrap();
        assert_eq!(plain.lost_comments(), lost, "{source}");
    }
}

#[test]
fn comments_at_the_end_of_a_map_can_be_read_again() {
    for (source, printed) in BEHIND {
        let file = encrypt(&Plain::parse(source.as_bytes(), Format::Yaml).unwrap());
        let bytes = file.emit().unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("# f"));
        assert_eq!(print(&bytes), printed);
        let key = file.unlock(&keyring()).unwrap();
        let mut plain = file.decrypt(&key).unwrap();
        plain.set(&KeyPath::of_keys(["k"]), &Value::Int(2)).unwrap();
        let changed = file.update(&plain, &key, now()).unwrap().emit().unwrap();
        assert_eq!(print(&changed), printed.replace("k: 1", "k: 2"));
        for name in ["sops", "sops-3.11"].into_iter().filter(|name| peers::find(name).is_some()) {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("file.yaml"), &bytes).unwrap();
            let theirs = sops(name, folder.path(), &["-d", "file.yaml"]);
            assert_eq!(String::from_utf8(theirs).unwrap(), printed, "{name}");
        }
    }
}

fn print(source: &[u8]) -> String {
    let file = Encrypted::parse(source, Format::Yaml).unwrap();
    let plain = file.decrypt(&file.unlock(&keyring()).unwrap()).unwrap();
    String::from_utf8(plain.emit(Format::Yaml).unwrap().expose().to_vec()).unwrap()
}

#[test]
fn times_keep_their_form() {
    for text in ["2024-01-01T00:00:00Z", "2024-02-29T10:20:30.5Z", "2024-01-01T10:20:30+05:30"] {
        let map = Map::new().with("sealed", Value::Time(Timestamp::parse(text).unwrap()));
        let map = map.with("clear_unencrypted", Value::Time(Timestamp::parse(text).unwrap()));
        let file = encrypt(&Plain::new(map.clone()));
        let plain = file.decrypt(&file.unlock(&keyring()).unwrap()).unwrap();
        assert_eq!(plain.to_map(), map);
    }
}
