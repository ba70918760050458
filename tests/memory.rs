//! What was in clear is gone from memory when it is no longer needed: texts, numbers, whose bytes lie in the tree itself,
//! and texts that are made of them.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::UNIX_EPOCH;
use uvars::keys::{IdentitySources, Keyring, Programs, generate};
use uvars::secret::{DataKey, Secret, wipe};
use uvars::sops::{Encrypted, Format, KeyPath, Map, Plain, Rules, Value};
use zeroize::Zeroizing;

/// The numbers are told by their distance from each other, so that nothing here has to hold them.
const FIRST: i64 = 0x2f1d_3a5b_11d7_0933;
const STEP: i64 = 0x0001_0000_0405;
const COUNT: i64 = 1000;
const DIGITS: usize = 19;

fn see(number: i64, seen: &mut [bool]) {
    let distance = number.wrapping_sub(FIRST);
    if (0..COUNT * STEP).contains(&distance) && distance % STEP == 0 {
        seen[usize::try_from(distance / STEP).unwrap()] = true;
    }
}

/// How many of the numbers lie in memory that can be written to, once or more, as such or as digits.
fn found() -> usize {
    let mut seen = vec![false; usize::try_from(COUNT).unwrap()];
    let mut memory = File::open("/proc/self/mem").unwrap();
    for line in std::fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        if !rest.starts_with("rw") {
            continue;
        }
        let bound = |text: &str| u64::from_str_radix(text, 16).unwrap();
        let (start, end) = range.split_once('-').map(|(start, end)| (bound(start), bound(end))).unwrap();
        let mut bytes = Vec::with_capacity(usize::try_from(end - start).unwrap());
        memory.seek(SeekFrom::Start(start)).unwrap();
        // what is no memory of ours cannot be read
        let _ = (&mut memory).take(end - start).read_to_end(&mut bytes);
        for word in bytes.chunks_exact(8) {
            see(i64::from_le_bytes(word.try_into().unwrap()), &mut seen);
        }
        for digits in bytes.split(|byte| !byte.is_ascii_digit()).filter(|digits| digits.len() == DIGITS) {
            see(std::str::from_utf8(digits).unwrap().parse().unwrap_or_default(), &mut seen);
        }
        // what was found here is not to be found again
        wipe(&mut bytes);
    }
    seen.into_iter().filter(|seen| *seen).count()
}

/// How the numbers stand in a text.
#[derive(Clone, Copy, Debug)]
enum Sample {
    /// One list.
    Json,
    /// Each in a map of its own.
    Yaml,
    /// The same as texts.
    Texts,
    /// Single values.
    Flat,
}

impl Sample {
    fn format(self) -> Format {
        if matches!(self, Self::Json) { Format::Json } else { Format::Yaml }
    }

    fn source(self) -> Zeroizing<String> {
        // a text that grows leaves copies behind
        let mut text = Zeroizing::new(String::with_capacity(64 * 1000));
        for number in (0..COUNT).map(|at| FIRST + at * STEP) {
            let name = number - FIRST;
            match self {
                Self::Json if text.is_empty() => write!(text, "{{\"a\":[{number}"),
                Self::Json => write!(text, ",{number}"),
                Self::Yaml => write!(text, "a{name}:\n  b: {number}\n"),
                Self::Texts => write!(text, "a{name}:\n  b: '{number}'\n"),
                Self::Flat => writeln!(text, "a{name}: {number}"),
            }
            .unwrap();
        }
        if matches!(self, Self::Json) {
            text.push_str("]}");
        }
        text
    }

    /// The documents, outside of which the numbers are nowhere then.
    fn plain(self) -> Plain {
        Plain::parse(self.source().as_bytes(), self.format()).unwrap()
    }

    /// A file of the numbers, and the key that opens it.
    fn sealed(self) -> (Encrypted, DataKey) {
        let key = generate("now").unwrap();
        let keys = Keyring::new(IdentitySources { key_text: Some(key.text), ..IdentitySources::default() });
        let (rules, programs, format) = (Rules::default(), Programs::default(), self.format());
        let readers = [key.recipient];
        let made = Encrypted::create(&self.plain(), &readers, &rules, UNIX_EPOCH, format, &programs);
        let made = made.unwrap();
        let key = made.unlock(&keys).unwrap();
        (made, key)
    }
}

/// Expects that none of the numbers is left but a few: the last that were handled may still lie on the stack.
fn expect_gone(what: &str) {
    let left = found();
    assert!(left < 40, "{what}: {left} numbers are left");
}

// one test: what runs beside it would be found too
#[test]
fn what_was_in_clear_does_not_stay_in_memory() {
    // memory that goes back to the system hides what is left in it: from now on none does
    drop(vec![1_u8; 2 << 20]);
    for sample in [Sample::Json, Sample::Yaml, Sample::Texts, Sample::Flat] {
        let plain = sample.plain();
        let there = found();
        assert_eq!(there, 1000, "{sample:?}: the numbers are looked for in the wrong place");
        drop(plain);
        expect_gone(&format!("{sample:?}"));
    }
    what_cannot_be_read_leaves_nothing();
    what_cannot_be_opened_leaves_nothing();
    what_is_opened_leaves_nothing();
    what_is_printed_leaves_nothing();
    what_keeps_its_ciphertext_leaves_nothing();
    what_is_set_leaves_nothing();
}

fn what_cannot_be_read_leaves_nothing() {
    // behind the numbers something that no file may have; a quote makes of YAML one that is not read line by line
    for (sample, before, end) in [
        (Sample::Json, "", "}"),
        (Sample::Yaml, "", "x: [\n"),
        (Sample::Yaml, "'q': 1\n", "q: 2\n"),
        (Sample::Texts, "'q': 1\n", "q: 2\n"),
    ] {
        let numbers = sample.source();
        let mut text = Zeroizing::new(String::with_capacity(numbers.len() + before.len() + end.len()));
        for part in [before, &numbers, end] {
            text.push_str(part);
        }
        drop(numbers);
        assert!(Plain::parse(text.as_bytes(), sample.format()).is_err(), "{sample:?} {end}");
        drop(text);
        expect_gone(&format!("{sample:?} {before} {end}"));
    }
}

fn what_cannot_be_opened_leaves_nothing() {
    for sample in [Sample::Yaml, Sample::Texts] {
        let (file, key) = sample.sealed();
        expect_gone("encrypted");
        let text = String::from_utf8(file.emit().unwrap()).unwrap();
        // the last value under another name
        let at = text.rfind("  b: ENC").unwrap();
        let moved = format!("{}  c: ENC{}", &text[..at], &text[at + 8..]);
        let file = Encrypted::parse(moved.as_bytes(), Format::Yaml).unwrap();
        assert!(file.decrypt(&key).is_err());
        expect_gone("one value cannot be opened");
    }
}

fn what_is_printed_leaves_nothing() {
    for format in [Format::Dotenv, Format::Json, Format::Yaml] {
        let plain = Sample::Flat.plain();
        let printed = plain.emit(format).unwrap();
        assert!(printed.expose().split(|byte| *byte == b'\n').count() > 1000);
        drop((plain, printed));
        expect_gone(&format!("printed as {format:?}"));
        drop(Sample::Flat.plain().into_text(format).unwrap());
        expect_gone(&format!("turned into {format:?}"));
    }
}

fn what_is_opened_leaves_nothing() {
    for sample in [Sample::Yaml, Sample::Texts, Sample::Json] {
        let (file, key) = sample.sealed();
        drop(file.decrypt(&key).unwrap());
        drop(file.decrypt_and_judge(&key).unwrap());
        drop(file.decrypt(&key).unwrap().into_text(sample.format()).unwrap());
        expect_gone(&format!("{sample:?} opened"));
    }
}

fn what_keeps_its_ciphertext_leaves_nothing() {
    let (file, key) = Sample::Json.sealed();
    let old = file.decrypt(&key).unwrap();
    let mut new = Sample::Json.plain();
    new.keep_ciphertext_of(&old);
    let again = file.update(&new, &key, UNIX_EPOCH).unwrap();
    assert_eq!(again.emit().unwrap().len(), file.emit().unwrap().len());
    drop((old, new));
    expect_gone("held against the old ones");
}

fn what_is_set_leaves_nothing() {
    let mut plain = Plain::new(Map::new());
    let list = (0..COUNT).map(|at| Value::Str(Secret::from((FIRST + at * STEP).to_string()))).collect();
    plain.set(&KeyPath::of_keys(["a"]), &Value::List(list)).unwrap();
    drop(plain);
    expect_gone("set");
}
