//! Files that seven releases of sops wrote, and what they printed for them.
//!
//! The `index.jsonl` of `vectors/sops` and `vectors/sops-3.7` are enumerated: a file that is there and not opened here needs a reason below.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test code"
)]

use std::path::{Path, PathBuf};
use uvars::keys::{IdentitySources, Keyring};
use uvars::sops::{Encrypted, Format};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops")
}

fn keyring(names: &[&str]) -> Keyring {
    let files = names.iter().map(|name| vectors().join("keys").join(name)).collect();
    Keyring::new(IdentitySources { files, ..IdentitySources::default() })
}

/// Why a vector is not opened yet.
fn exception(file: &str) -> Option<&'static str> {
    let (_, name) = file.split_once('/').unwrap();
    match name {
        "pgp.enc.yaml" => Some("its only reader is a pgp key: keyservice/pgp.rs opens it"),
        _ => None,
    }
}

/// The files of an index that their own release could decrypt.
fn files(folder: &Path) -> Vec<String> {
    let index = std::fs::read_to_string(folder.join("index.jsonl")).unwrap();
    let lines = index.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let opened = lines.filter(|line| line["decrypt_exit"] == 0);
    opened.filter_map(|line| line["file"].as_str().map(str::to_owned)).collect()
}

#[test]
fn every_file_decrypts_to_the_same_bytes() {
    let keyring = keyring(&["a.age", "b.age", "c.age", "pq.age", "ssh_ed25519", "ssh_rsa"]);
    let (mut opened, mut wrong) = (0, Vec::new());
    let folders = [vectors(), vectors().with_file_name("sops-3.7")];
    let all = folders.iter().flat_map(|folder| files(folder).into_iter().map(move |file| (folder, file)));
    for (folder, file) in all {
        if exception(&file).is_some() {
            continue;
        }
        let path = folder.join(&file);
        let expected = std::fs::read(
            path.with_file_name(path.file_name().unwrap().to_str().unwrap().replace(".enc.", ".dec.")),
        );
        let printed = open(&path, &keyring);
        let expected = expected.map(|expected| as_printed_now(&file, expected));
        match printed {
            Err(error) => wrong.push(format!("{file}: {error}")),
            Ok(printed) if printed != expected.unwrap() => {
                wrong.push(format!("{file}:\n{}", String::from_utf8_lossy(&printed)));
            }
            Ok(_) => opened += 1,
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(opened >= 180, "only {opened} files were opened");
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

fn open(path: &Path, keyring: &Keyring) -> uvars::Result<Vec<u8>> {
    let source = std::fs::read(path).unwrap();
    let format = Format::of_path(path);
    let file = Encrypted::parse(&source, format)?;
    let plain = file.decrypt(&file.unlock(keyring)?)?;
    plain.emit(format).map(|bytes| bytes.expose().to_vec())
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
