//! The C2SP vectors of the age format, through the reader that opens data keys and the one that opens key files.
//!
//! The folder `vectors/age` is enumerated: a file that is there and comes out otherwise needs a reason below.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test code"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use uvars::error::Kind;
use uvars::keys::{Ask, IdentitySources, Keyring, Programs, Wrapped};
use uvars::secret::Secret;

/// A vector: lines of what is expected, an empty line, and an age file.
struct Vector {
    name: String,
    expect: String,
    payload: String,
    identities: Vec<String>,
    passphrases: Vec<String>,
    file: Vec<u8>,
    armored: bool,
}

impl Vector {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let fields: Vec<(&str, &str)> = head.lines().map(|line| line.split_once(": ").unwrap()).collect();
        let all = |key: &str| -> Vec<String> {
            fields.iter().filter(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned()).collect()
        };
        for (name, _) in &fields {
            let known = [
                "expect",
                "payload",
                "file key",
                "identity",
                "passphrase",
                "armored",
                "compressed",
                "comment",
            ];
            assert!(known.contains(name), "{}: {name}", path.display());
        }
        let mut file = bytes[end + 2..].to_vec();
        if all("compressed") == ["zlib"] {
            file = miniz_oxide::inflate::decompress_to_vec_zlib(&file).unwrap();
        }
        Self {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            expect: all("expect").remove(0),
            payload: all("payload").pop().unwrap_or_default(),
            identities: all("identity"),
            passphrases: all("passphrase"),
            armored: all("armored") == ["yes"],
            file,
        }
    }

    /// The file as a sops file has it: armored.
    fn armor(&self) -> String {
        if self.armored {
            return String::from_utf8_lossy(&self.file).into_owned();
        }
        let base64 = STANDARD.encode(&self.file);
        let mut text = String::from("-----BEGIN AGE ENCRYPTED FILE-----\n");
        for line in base64.as_bytes().chunks(64) {
            writeln!(text, "{}", std::str::from_utf8(line).unwrap()).unwrap();
        }
        text + "-----END AGE ENCRYPTED FILE-----\n"
    }
}

/// How vectors come out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Opened,
    NoMatch,
    /// Header, armor, MAC or payload: one error for people, who can do the same about each.
    Damaged,
}

fn expected(vector: &Vector) -> Outcome {
    match vector.expect.as_str() {
        "success" => Outcome::Opened,
        "no match" => Outcome::NoMatch,
        "header failure" | "armor failure" | "HMAC failure" | "payload failure" => Outcome::Damaged,
        other => panic!("{}: {other}", vector.name),
    }
}

/// What comes out otherwise, and why that is as it should be.
const EXCEPTIONS: &[(&str, Outcome, &str)] = &[
    (
        "scrypt_uppercase",
        Outcome::Damaged,
        "a key file without a stanza scrypt is none, and no passphrase is tried",
    ),
    ("stanza_missing_body", Outcome::Opened, BETA),
    ("stanza_missing_final_line", Outcome::Opened, BETA),
    ("stream_257_chunks", Outcome::Damaged, LARGE),
    ("stream_257_chunks_full", Outcome::Damaged, LARGE),
    ("stream_258_chunks", Outcome::Damaged, LARGE),
    ("stream_last_chunk_full_second", Outcome::Damaged, LARGE),
    ("stream_three_chunks", Outcome::Damaged, LARGE),
    ("stream_two_chunks", Outcome::Damaged, LARGE),
];

const BETA: &str = "the age crate reads headers as the betas of age wrote them too; the MAC is over the bytes that are there";
const LARGE: &str = "more than 64 KiB are no data key, and are not read into memory";

/// The data key of a sops file is such an age file.
fn open_as_data_key(vector: &Vector) -> Outcome {
    // of some that are no age file at all nobody is said to be the reader
    let nobody = || uvars::keys::generate("now").unwrap().text;
    let identities = vector.identities.join("\n");
    let key_text = Some(if identities.is_empty() { nobody() } else { Secret::from(identities) });
    let keyring = Keyring::new(IdentitySources { key_text, ..IdentitySources::default() });
    let readers = keyring.recipients();
    assert_eq!(readers.len(), vector.identities.len().max(1), "{}", vector.name);
    let enc = vector.armor();
    let wrapped: Vec<_> =
        readers.iter().map(|reader| Wrapped { recipient: reader.as_str(), enc: &enc }).collect();
    match keyring.unwrap(&wrapped) {
        Ok(payload) => {
            let mut hash = String::new();
            Sha256::digest(payload.expose()).iter().for_each(|byte| write!(hash, "{byte:02x}").unwrap());
            assert!(vector.expect != "success" || hash == vector.payload, "{}", vector.name);
            Outcome::Opened
        }
        Err(error) if error.kind() == Kind::NoKey => Outcome::NoMatch,
        Err(_) => Outcome::Damaged,
    }
}

/// Gives each of its passphrases once.
struct Passphrases(Mutex<Vec<String>>);

impl Ask for Passphrases {
    fn passphrase(&self, _what: &str) -> Option<Secret> {
        self.0.lock().unwrap().pop().map(Secret::from)
    }
}

/// Behind a passphrase there are identities. What the vectors have there is none, which is said only once it is opened.
fn open_as_key_file(vector: &Vector) -> Outcome {
    let ask = Arc::new(Passphrases(Mutex::new(vector.passphrases.clone())));
    let sources = IdentitySources {
        key_text: Some(Secret::from(vector.file.as_slice())),
        programs: Programs { ask: Some(ask), ..Programs::default() },
        ..IdentitySources::default()
    };
    let nobody =
        Wrapped { recipient: "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa", enc: "" };
    let error = Keyring::new(sources).unwrap(&[nobody]).unwrap_err();
    let said = error.hints().iter().find_map(|hint| hint.strip_prefix("looked in SOPS_AGE_KEY: ")).unwrap();
    match said {
        "line 1, column 1: this is not an identity (AGE-SECRET-KEY-1… or AGE-PLUGIN-…)" => {
            Outcome::Opened
        }
        "the passphrase is wrong" => Outcome::NoMatch,
        "not an age file that a passphrase protects, or damaged"
        | "its passphrase would take too much work" => Outcome::Damaged,
        other => panic!("{}: {other}", vector.name),
    }
}

#[test]
fn every_vector_comes_out_as_the_specification_says() {
    assert!(EXCEPTIONS.iter().all(|(.., reason)| !reason.is_empty()));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/age");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_none()).collect();
    files.sort();
    let (mut wrong, mut used) = (Vec::new(), 0);
    for path in &files {
        let vector = Vector::read(path);
        let open = if vector.passphrases.is_empty() { open_as_data_key } else { open_as_key_file };
        let outcome = open(&vector);
        let exception = EXCEPTIONS.iter().find(|(name, ..)| *name == vector.name);
        used += usize::from(exception.is_some());
        let wanted = exception.map_or(expected(&vector), |(_, outcome, _)| *outcome);
        if outcome != wanted {
            wrong.push(format!("{}: {outcome:?} in place of {wanted:?} ({})", vector.name, vector.expect));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(used, EXCEPTIONS.len(), "an exception is for a vector that is there");
    assert_eq!(files.len(), 147);
}
