//! Files that seven releases of sops wrote, and what they printed for them: opened, changed, and encrypted anew.
//!
//! The `index.jsonl` of `vectors/sops` and `vectors/sops-3.7` are enumerated: a file that is there and that we do not
//! open, or that sops does not read back from us, fails.

use crate::gnupg::GnuPg;
use crate::matrix::{Bench, in_parallel};
use crate::room::{Room, now, recipient, shown, vectors};
use regex::Regex;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use uvars::keys::{IdentitySources, Keyring};
use uvars::sops::{Encrypted, Format, KeyPath, Plain, Step, Value};

/// A file that sops wrote.
struct Vector {
    /// With the release in front.
    name: String,
    path: PathBuf,
    format: Format,
    /// What 3.13.3 prints for it.
    printed: Vec<u8>,
}

/// All that are there.
fn all() -> Vec<Vector> {
    let folders = [vectors(), vectors().with_file_name("sops-3.7")];
    folders.iter().flat_map(|folder| files(folder)).collect()
}

fn files(folder: &Path) -> Vec<Vector> {
    let index = std::fs::read_to_string(folder.join("index.jsonl")).unwrap();
    let lines = index.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .filter_map(|line| {
            let name = line["file"].as_str()?.to_owned();
            let (release, file) = name.split_once('/').unwrap();
            let printed = file.replace(".enc.", ".dec.");
            let printed = if line["decrypt_exit"] == 0 {
                as_printed_now(&name, std::fs::read(folder.join(release).join(printed)).unwrap())
            } else {
                // its own release cannot open it: what a later one prints that was given the same
                assert_eq!(file, "groups-2-of-3.enc.ini", "{name}");
                std::fs::read(vectors().join("3.13.3").join(printed)).unwrap()
            };
            let path = folder.join(&name);
            Some(Vector { format: Format::of_path(&path), name, path, printed })
        })
        .collect()
}

/// What 3.13.3 prints where old releases printed other line ends: 3.9 and older none at the end of JSON, 3.7 two at that of
/// INI.
fn as_printed_now(file: &str, mut printed: Vec<u8>) -> Vec<u8> {
    let of = |release: &str| file.starts_with(release);
    let format = Format::of_path(Path::new(file));
    if format == Format::Json && (of("3.7.3/") || of("3.8.1/") || of("3.9.4/")) {
        assert!(!printed.ends_with(b"\n"), "{file}");
        printed.push(b'\n');
    } else if format == Format::Ini && of("3.7.3/") {
        assert!(printed.ends_with(b"\n\n"), "{file}");
        printed.pop();
    }
    printed
}

#[test]
fn every_file_is_opened_changed_and_encrypted_anew() {
    let mut vectors = all();
    if GnuPg::empty().is_none() {
        vectors.retain(|vector| !vector.name.ends_with("/pgp.enc.yaml"));
    }
    assert!(vectors.len() > 180, "only {} files are there", vectors.len());
    let wrong = in_parallel(&vectors, |bench, vector| vector.wrong(bench));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Vector {
    /// What goes wrong with it, and how.
    fn wrong(&self, bench: &Bench) -> Vec<String> {
        self.try_wrong(bench).unwrap_or_else(|error| vec![format!("== {}: {error}", self.name)])
    }

    fn try_wrong(&self, bench: &Bench) -> uvars::Result<Vec<String>> {
        let source = std::fs::read(&self.path).unwrap();
        let sealed = Encrypted::parse(&source, self.format)?;
        let key = sealed.unlock(&bench.services)?;
        let mut plain = sealed.decrypt(&key)?;
        let printed = plain.emit(self.format)?.expose().to_vec();
        if printed != self.printed {
            return Ok(vec![format!("== {} is printed as\n{}", self.name, shown(&printed))]);
        }
        let rules = sealed.metadata().rules();
        let anew = Encrypted::create(
            &plain,
            &[recipient("a.age")],
            rules,
            now(),
            self.format,
            &uvars::keys::Programs::default(),
        )?
        .emit()?;
        let mut wrong = self.unread(bench, "anew", &anew, &self.printed);

        let place = first_text(&plain.to_map().into()).unwrap_or_else(|| panic!("{}", self.name));
        plain.set(&place, &Value::from("another word"))?;
        let expected = plain.emit(self.format)?.expose().to_vec();
        assert!(self.has_one_change(&expected), "{} {place}:\n{}", self.name, shown(&expected));
        let changed = sealed.update(&plain, &key, now())?.emit()?;
        assert_eq!(wrapped(&changed), wrapped(&source), "{}", self.name);
        wrong.extend(self.unread(bench, "changed", &changed, &expected));
        Ok(wrong)
    }

    /// The releases that do not print what a file of ours holds.
    fn unread(&self, bench: &Bench, how: &str, file: &[u8], expected: &[u8]) -> Vec<String> {
        let can = |room: &&Room| {
            // one that reads no hybrid keys cannot open what is for them alone
            how == "anew" || room.reads_hybrid() || !self.name.ends_with("/hybrid.enc.yaml")
        };
        let wrong = |room: &Room| {
            let output = room.decrypt_as(file, self.format, self.format);
            let (out, err) = (shown(&output.stdout), shown(&output.stderr));
            let same = output.status.success() && output.stdout == expected;
            (!same).then(|| format!("== {} prints {}, {how}, as\n{out}{err}", room.sops, self.name))
        };
        bench.rooms.iter().filter(can).filter_map(wrong).collect()
    }

    /// Whether one line is another than in what was printed; of bytes all.
    fn has_one_change(&self, changed: &[u8]) -> bool {
        if self.format == Format::Binary {
            return changed == b"another word";
        }
        let (old, new) = (shown(&self.printed), shown(changed));
        let other = old.lines().zip(new.lines()).filter(|(old, new)| old != new);
        let other: Vec<_> = other.map(|(_, new)| new).collect();
        old.lines().count() == new.lines().count() && other.len() == 1 && other[0].contains("another word")
    }
}

/// Where the first value is that stands in one line.
fn first_text(value: &Value) -> Option<KeyPath> {
    fn find(value: &Value, path: &KeyPath) -> Option<KeyPath> {
        match value {
            Value::Map(map) => {
                let mut entries = map.entries().iter();
                entries.find_map(|entry| find(&entry.value, &path.clone().then(Step::Key(entry.key.clone()))))
            }
            Value::List(list) => {
                let mut items = list.iter().enumerate();
                items.find_map(|(at, item)| find(item, &path.clone().then(Step::Index(at))))
            }
            Value::Str(text) if text.expose().contains(&b'\n') && path.steps() != [data()] => None,
            _ => Some(path.clone()),
        }
    }
    find(value, &KeyPath::default())
}

/// The one value of a file of bytes.
fn data() -> Step {
    Step::Key("data".to_owned())
}

/// What stands in a file for its readers, in whatever lines.
fn wrapped(file: &[u8]) -> BTreeSet<String> {
    static ARMOR: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("(?s)-----BEGIN ([A-Z ]*)-----.*?-----END ").unwrap());
    let text = shown(file).replace("\\n", "\n");
    let found: BTreeSet<String> =
        ARMOR.find_iter(&text).map(|found| found.as_str().split_whitespace().collect()).collect();
    assert!(!found.is_empty());
    found
}

fn keyring(names: &[&str]) -> Keyring {
    let files = names.iter().map(|name| vectors().join("keys").join(name)).collect();
    Keyring::new(IdentitySources { files, ..IdentitySources::default() })
}

fn open(path: &Path, keyring: &Keyring) -> uvars::Result<Plain> {
    let source = std::fs::read(path).unwrap();
    let file = Encrypted::parse(&source, Format::of_path(path))?;
    file.decrypt(&file.unlock(keyring)?)
}

#[test]
fn each_of_two_readers_opens_a_file_and_a_stranger_does_not() {
    let path = vectors().join("3.13.3/two-readers.enc.yaml");
    assert!(open(&path, &keyring(&["a.age"])).is_ok());
    assert!(open(&path, &keyring(&["b.age"])).is_ok());
    let error = open(&path, &keyring(&["c.age"])).unwrap_err();
    assert_eq!(error.kind(), uvars::error::Kind::NoKey);
}

#[test]
fn two_of_three_groups_are_needed() {
    for version in ["3.8.1", "3.9.4", "3.10.2", "3.11.0", "3.12.2", "3.13.3"] {
        let path = vectors().join(version).join("groups-2-of-3.enc.yaml");
        for pair in [["a.age", "b.age"], ["a.age", "c.age"], ["b.age", "c.age"]] {
            open(&path, &keyring(&pair)).unwrap_or_else(|error| panic!("{version} {pair:?}: {error}"));
        }
        let error = open(&path, &keyring(&["b.age"])).unwrap_err();
        assert_eq!(error.kind(), uvars::error::Kind::NoKey);
        assert!(error.to_string().contains("2 of the 3 key groups"), "{error}");
    }
}
