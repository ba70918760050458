//! What fuzzing has found worth keeping, given to the targets once more: nothing panics, and nothing takes long.
//!
//! The targets are those of `fuzz/fuzz_targets`, as they are; the inputs are those of `fuzz/kept`, one a line, which
//! `fuzz/run --keep` renews.
#![allow(
    clippy::assertions_on_result_states,
    clippy::duplicate_mod,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "test code"
)]

// what the targets call by its name
extern crate self as libfuzzer_sys;

macro_rules! targets {
    ($($name:ident $path:literal)*) => {
        $(#[path = $path] mod $name;)*
        const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name::run)),*];
    };
}

targets! {
    age_file "../fuzz/fuzz_targets/age_file.rs"
    identities "../fuzz/fuzz_targets/identities.rs"
    inventory "../fuzz/fuzz_targets/inventory.rs"
    journal "../fuzz/fuzz_targets/journal.rs"
    key_file "../fuzz/fuzz_targets/key_file.rs"
    key_path "../fuzz/fuzz_targets/key_path.rs"
    ledger "../fuzz/fuzz_targets/ledger.rs"
    manifest "../fuzz/fuzz_targets/manifest.rs"
    password_hash "../fuzz/fuzz_targets/password_hash.rs"
    rules_config "../fuzz/fuzz_targets/rules_config.rs"
    sops_binary "../fuzz/fuzz_targets/sops_binary.rs"
    sops_dotenv "../fuzz/fuzz_targets/sops_dotenv.rs"
    sops_file "../fuzz/fuzz_targets/sops_file.rs"
    sops_ini "../fuzz/fuzz_targets/sops_ini.rs"
    sops_json "../fuzz/fuzz_targets/sops_json.rs"
    sops_metadata "../fuzz/fuzz_targets/sops_metadata.rs"
    sops_plain "../fuzz/fuzz_targets/sops_plain.rs"
    sops_value "../fuzz/fuzz_targets/sops_value.rs"
    yaml_edit "../fuzz/fuzz_targets/yaml_edit.rs"
    yaml_read "../fuzz/fuzz_targets/yaml_read.rs"
}

// below the targets, which import it
macro_rules! fuzz_target {
    (|$bytes:ident: &[u8]| $body:expr) => {
        pub(crate) fn run($bytes: &[u8]) {
            $body
        }
    };
}
pub(crate) use fuzz_target;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// Far more than any input takes, in a build that is not optimised on a machine that is busy.
const LONG: Duration = Duration::from_secs(10);

/// What git is to hold of it all.
const MOST: usize = 2 * 1024 * 1024;

#[test]
fn nothing_panics_and_nothing_takes_long() {
    let (mut wrong, mut size) = (Vec::new(), 0);
    for (name, run) in TARGETS {
        let text = std::fs::read_to_string(folder("kept").join(name)).unwrap();
        size += text.len();
        assert!(!text.is_empty(), "{name}");
        for (number, line) in text.lines().enumerate() {
            let input =
                unescaped(line).unwrap_or_else(|| panic!("fuzz/kept/{name}:{}: no escape", number + 1));
            assert!(input.len() <= 4096, "fuzz/kept/{name}:{}", number + 1);
            let begun = Instant::now();
            if std::panic::catch_unwind(|| run(&input)).is_err() {
                wrong.push(format!("fuzz/kept/{name}:{}: panics", number + 1));
            }
            if begun.elapsed() > LONG {
                wrong.push(format!("fuzz/kept/{name}:{}: takes {:?}", number + 1, begun.elapsed()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(size < MOST, "{size} bytes are kept");
}

#[test]
fn every_target_is_tried() {
    let names: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for (of, end) in [("fuzz_targets", ".rs"), ("kept", "")] {
        let files = std::fs::read_dir(folder(of)).unwrap();
        let files = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let found: BTreeSet<_> = files.map(|name| name.trim_end_matches(end).to_owned()).collect();
        assert_eq!(found, names, "fuzz/{of}");
    }
}

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

/// The bytes of a line, as `fuzz/pack` escapes them.
fn unescaped(line: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::new(), line.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                other => other,
            },
            other => other,
        });
    }
    Some(bytes)
}
