//! What was in clear is gone from memory when it is no longer needed: numbers, whose bytes lie in the tree itself.

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
use uvars::sops::{Format, Plain};

/// The numbers are told by their distance from each other, so that nothing here has to hold them.
const FIRST: i64 = 0x2f1d_3a5b_11d7_0933;
const STEP: i64 = 0x0001_0000_0405;
const COUNT: i64 = 4000;

/// How many of the numbers lie in memory that can be written to, once or more.
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
        let mut bytes = Vec::new();
        memory.seek(SeekFrom::Start(start)).unwrap();
        // what is no memory of ours cannot be read
        let _ = (&mut memory).take(end - start).read_to_end(&mut bytes);
        for word in bytes.chunks_exact(8) {
            let distance = i64::from_le_bytes(word.try_into().unwrap()).wrapping_sub(FIRST);
            if (0..COUNT * STEP).contains(&distance) && distance % STEP == 0 {
                seen[usize::try_from(distance / STEP).unwrap()] = true;
            }
        }
    }
    seen.into_iter().filter(|seen| *seen).count()
}

/// A list of the numbers, and one with little else around each.
fn source(format: Format) -> String {
    let mut text = String::new();
    for number in (0..COUNT).map(|at| FIRST + at * STEP) {
        match (format, text.is_empty()) {
            (Format::Json, true) => write!(text, "{{\"a\":[{number}"),
            (Format::Json, false) => write!(text, ",{number}"),
            _ => write!(text, "a{}:\n  b: {number}\n", number - FIRST),
        }
        .unwrap();
    }
    if format == Format::Json { text + "]}" } else { text }
}

#[test]
fn numbers_in_clear_do_not_stay_in_memory() {
    for format in [Format::Json, Format::Yaml] {
        let source = source(format);
        let plain = Plain::parse(source.as_bytes(), format).unwrap();
        let there = found();
        assert_eq!(there, 4000, "{format:?}: the numbers are looked for in the wrong place");
        drop(plain);
        // the last that were handled may still lie on the stack
        let left = found();
        assert!(left < 40, "{format:?}: {left} numbers are left");
    }
}
