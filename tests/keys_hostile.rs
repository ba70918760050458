//! Keys in wrong places, damaged keys and noise: no panic, and no error that shows a private key.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use std::fmt::Debug;
use uvars::fs::RepoPath;
use uvars::keys::{
    Class, IdentitySources, KeyFile, Keyring, Ledger, Principal, Recipient, Registry, Wrapped,
    convert_private, convert_public, generate, key_file, public_of_private,
};
use uvars::secret::Secret;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/throw-away-forms");

const PUBLIC: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

/// Throw-away private keys of every form.
fn private_keys() -> Vec<String> {
    let read = |name: &str| std::fs::read_to_string(format!("{FIXTURES}/{name}")).unwrap();
    let mut keys: Vec<_> =
        ["ed25519", "ed25519-protected", "rsa", "rsa-pem", "ecdsa", "pkcs8"].map(read).into();
    keys.push("AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33\n".into());
    keys.push("AGE-PLUGIN-UVARSTEST-1WPEXJANPW3JJQ6RPD3NQ5J2N6F\n".into());
    keys.push(format!("AGE-SECRET-KEY-PQ-1{}\n", "QPZRY9X8".repeat(8)));
    keys.push("AGE-SECRET-KEY-PQ-1HZLGZUPT4ETPKDEV8HSGFDCYZ4E522W0A7PU2LHT8EH9W6YLNC3SW78XKG\n".into());
    keys
}

/// Everything that this room can show of an outcome.
fn shown<T: Debug>(outcome: Result<T, uvars::Error>) -> String {
    match outcome {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{error} {error:?} {:?}", error.hints()),
    }
}

/// What every door of the room says to a text.
fn every_door(text: &str) -> String {
    let jon: Principal = "users/jon".parse().unwrap();
    let recipient = Recipient::parse(PUBLIC).unwrap();
    let path = |path: &str| RepoPath::new(path).unwrap();
    let bytes = text.as_bytes();
    let secret = Secret::from(text);
    let enc = recipient.wrap(&[7; 32]).unwrap();
    let sources = |sources: IdentitySources| {
        let keyring = Keyring::new(sources.clone());
        let wrapped = [Wrapped { recipient: text, enc: &enc }, Wrapped { recipient: PUBLIC, enc: text }];
        let opened = shown(keyring.unwrap(&wrapped));
        format!("{sources:?} {keyring:?} {opened} {:?}", keyring.recipients())
    };
    let mine = generate("now").unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let none = IdentitySources::default;
    let word = text.lines().nth(1).unwrap_or(text).to_owned();
    let mut said = vec![
        shown(Recipient::parse(text)),
        shown(Recipient::parse(&format!("ssh-ed25519 {text}"))),
        shown(KeyFile::parse(jon.clone(), bytes)),
        shown(key_file::add(bytes, &recipient, None).map(drop)),
        shown(key_file::replace(bytes, &recipient, &recipient).map(drop)),
        shown(convert_public(bytes)),
        shown(convert_private(&secret, || None)),
        shown(convert_private(&secret, || Some(Secret::from("wrong")))),
        shown(public_of_private(&secret)),
        shown(text.parse::<Principal>()),
        shown(format!("users/{text}").parse::<Principal>()),
        shown(word.parse::<Principal>()),
        shown(word.parse::<Class>()),
        shown(Registry::default().resolve(text)),
        shown(Registry::default().resolve(&word)),
        shown(Registry::of_files([Ok((path("keys/users/jon.pub"), bytes.to_vec()))])),
        shown(Registry::of_files([Ok((path("keys/users/jon"), bytes.to_vec()))])),
        shown(Ledger::parse(bytes)),
        sources(IdentitySources { key_text: Some(secret.clone()), ..none() }),
        sources(IdentitySources { key_text: Some(mine.text), ..none() }),
        sources(IdentitySources { files: vec![file.path().to_owned()], ..none() }),
        sources(IdentitySources { key_command: Some(text.to_owned()), ..none() }),
        sources(IdentitySources { ssh_key_command: Some(format!("cat '{text}")), ..none() }),
    ];
    for field in ["recipient", "whose", "state", "until", "why"] {
        let ledger = format!("keys:\n- {field}: |\n    {}\n", text.replace('\n', "\n    "));
        said.push(shown(Ledger::parse(ledger.as_bytes())));
    }
    said.join("\n")
}

#[test]
fn no_private_key_is_ever_shown() {
    for key in private_keys() {
        let changed = [
            key.clone(),
            key.to_lowercase(),
            key.trim().to_owned(),
            key.replace('\n', "\r\n"),
            key[..key.len() / 2].to_owned(),
            format!(" {key}"),
            format!("# note\n{key}"),
            format!("{PUBLIC}\n{key}"),
            key.lines().nth(1).unwrap_or_default().to_owned(),
        ];
        // the frame of a PEM block and the prefix of an identity may be shown; 12 characters of the rest may not
        let body: Vec<_> = key.lines().filter(|line| !line.contains("-----")).collect();
        let body = body.concat().replace("AGE-SECRET-KEY-PQ-1", "").replace("AGE-SECRET-KEY-1", "");
        let body = body.replace("AGE-PLUGIN-UVARSTEST-1", "").to_lowercase();
        // the public half stands in the clear in an OpenSSH key, and may be shown
        let public = public_of_private(&Secret::from(key.as_str())).map(|key| key.to_string().to_lowercase());
        let public = public.unwrap_or_default();
        for text in changed {
            let said = every_door(&text).to_lowercase();
            for at in 0..body.len() - 12 {
                let piece = &body[at..at + 12];
                let leak = said.lines().find(|line| line.contains(piece));
                assert!(leak.is_none() || public.contains(piece), "{piece} of {text}\nin {leak:?}");
            }
        }
    }
}

/// One byte of a text turned into another.
fn mutate(text: &str, at: prop::sample::Index, byte: u8) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at.index(bytes.len());
    bytes[at] = byte;
    bytes
}

/// The same inside of a PEM block.
fn mutate_pem(text: &str, at: prop::sample::Index, byte: u8, cut: bool) -> String {
    let lines: Vec<_> = text.lines().collect();
    let mut der = STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
    let at = at.index(der.len());
    der[at] = byte;
    if cut {
        der.truncate(at);
    }
    let base64: Vec<_> = STANDARD
        .encode(der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!("{}\n{}\n{}\n", lines[0], base64.join("\n"), lines[lines.len() - 1])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn noise_is_refused_and_nothing_panics(text in "\\PC{0,80}|(age1|ssh-ed25519 |AGE-)[a-zA-Z0-9 /+=]{0,90}") {
        every_door(&text);
    }

    #[test]
    fn bytes_are_refused_and_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let jon: Principal = "users/jon".parse().unwrap();
        prop_assert!(KeyFile::parse(jon, &bytes).is_err());
        let _ = convert_public(&bytes);
        let _ = Ledger::parse(&bytes);
        let secret = Secret::new(bytes);
        prop_assert!(convert_private(&secret, || None).is_err());
        let sources = IdentitySources { key_text: Some(secret), ..IdentitySources::default() };
        prop_assert!(Keyring::new(sources).recipients().is_empty());
    }

    #[test]
    fn a_damaged_private_key_is_refused_or_opens_nothing(at: prop::sample::Index, byte: u8, cut: bool, which in 0..4_usize) {
        let name = ["ed25519", "ed25519-protected", "rsa", "rsa-pem"][which];
        let text = std::fs::read_to_string(format!("{FIXTURES}/{name}")).unwrap();
        let damaged = Secret::from(mutate_pem(&text, at, byte, cut));
        let _ = convert_private(&damaged, || Some(Secret::from("word")));
        let _ = public_of_private(&damaged);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), damaged.expose()).unwrap();
        let keyring = Keyring::new(IdentitySources { files: vec![file.path().to_owned()], ..IdentitySources::default() });
        let public = std::fs::read_to_string(format!("{FIXTURES}/rsa.pub")).unwrap();
        let enc = Recipient::parse(&public).unwrap().wrap(&[7; 32]).unwrap();
        let _ = keyring.unwrap(&[Wrapped { recipient: &public, enc: &enc }]);
    }

    #[test]
    fn a_damaged_envelope_is_refused(at: prop::sample::Index, byte: u8) {
        let key = generate("now").unwrap();
        let enc = key.recipient.wrap(&[7; 32]).unwrap();
        let damaged = mutate(&enc, at, byte);
        let keyring = Keyring::new(IdentitySources { key_text: Some(key.text), ..IdentitySources::default() });
        let damaged = String::from_utf8_lossy(&damaged);
        let opened = keyring.unwrap(&[Wrapped { recipient: key.recipient.as_str(), enc: &damaged }]);
        if let Ok(opened) = opened {
            prop_assert_eq!(opened.expose(), [7; 32]);
        }
    }

    #[test]
    fn a_damaged_recipient_is_refused(at: prop::sample::Index, byte: u8, which in 0..3_usize) {
        let names = ["ed25519.pub", "rsa.pub"];
        let text = names.get(which).map_or_else(|| PUBLIC.to_owned(), |name| std::fs::read_to_string(format!("{FIXTURES}/{name}")).unwrap());
        let damaged = mutate(text.trim(), at, byte);
        if let Ok(damaged) = String::from_utf8(damaged)
            && let Ok(recipient) = Recipient::parse(&damaged)
        {
            // an ssh key has no checksum, so that another key may come out; what comes out can be encrypted to
            prop_assert!(recipient.wrap(&[7; 32]).is_ok());
            prop_assert_eq!(Recipient::parse(recipient.as_str()).unwrap(), recipient);
        }
    }

    #[test]
    fn an_edit_changes_its_line_and_nothing_else(
        lines in prop::collection::vec(prop_oneof![Just("KEY".to_owned()), "# [a-z é]{0,10}", Just(String::new()), Just("  ".into())], 0..8),
        crlf: bool,
        ended: bool,
        pick: prop::sample::Index,
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let lines: Vec<String> =
            lines.into_iter().map(|line| if line == "KEY" { generate("x").unwrap().recipient.to_string() } else { line }).collect();
        let mut text = lines.join(end);
        if ended && !text.is_empty() {
            text.push_str(end);
        }
        let new = generate("x").unwrap().recipient;
        let added = String::from_utf8(key_file::add(text.as_bytes(), &new, None).unwrap()).unwrap();
        prop_assert!(added.starts_with(&text));
        let keys = key_file::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(key_file::parse(added.as_bytes()).unwrap().len(), keys.len() + 1);
        if !keys.is_empty() {
            let old = &keys[pick.index(keys.len())].recipient;
            let replaced = key_file::replace(text.as_bytes(), old, &new).unwrap().unwrap();
            prop_assert_eq!(String::from_utf8(replaced).unwrap(), text.replace(old.as_str(), new.as_str()));
            let removed = String::from_utf8(key_file::remove(text.as_bytes(), old).unwrap().unwrap()).unwrap();
            let kept: Vec<_> = text.split_inclusive('\n').filter(|line| !line.contains(old.as_str())).collect();
            prop_assert_eq!(removed, kept.concat());
        }
    }
}
