//! Password hashes held against libcrypt, which logins use, and against mkpasswd: both ways.

#![allow(
    clippy::expect_used,
    clippy::format_collect,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod peers;

use std::fmt::Write as _;
use uvars::password::{self, LONGEST, LONGEST_BCRYPT, Method};
use uvars::secret::Secret;

/// Reads lines `check HASH HEX` and `make PREFIX COUNT HEX`; answers `yes`, `no` or a hash, as libcrypt itself
/// decides it. (Python's own crypt module has left its library.)
const ORACLE: &str = r#"
import ctypes, ctypes.util, sys
lib = ctypes.CDLL(ctypes.util.find_library("crypt") or "libcrypt.so.1")
lib.crypt.restype = lib.crypt_gensalt.restype = ctypes.c_char_p
lib.crypt_gensalt.argtypes = [ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_int]
for line in sys.stdin:
    what, *rest = line.split()
    password = bytes.fromhex(rest.pop())
    if what == "check":
        stored = rest[0].encode()
        print("yes" if lib.crypt(password, stored) == stored else "no")
    else:
        made = lib.crypt(password, lib.crypt_gensalt(rest[0].encode(), int(rest[1]), None, 0))
        print(made.decode())
"#;

const CHEAP: [Method; 3] =
    [Method::Yescrypt { cost: 1 }, Method::Sha512Crypt { rounds: 1000 }, Method::Bcrypt { cost: 4 }];

#[test]
fn libcrypt_accepts_what_we_make_and_nothing_else() {
    let mut questions = String::new();
    for (method, password) in CHEAP.iter().flat_map(|method| passwords(*method).map(move |p| (method, p))) {
        let hash = password::hash(&password, method).unwrap();
        writeln!(questions, "check {hash} {}", hex(password.expose())).unwrap();
        writeln!(questions, "check {hash} {}", hex(other(&password).expose())).unwrap();
    }
    let Some(answers) = ask(&questions) else { return };
    assert_eq!(answers.len(), 3 * 2 * PASSWORDS);
    for (question, pair) in questions.lines().step_by(2).zip(answers.chunks(2)) {
        assert_eq!(pair, ["yes", "no"], "{question}");
    }
}

#[test]
fn we_accept_what_libcrypt_makes_and_nothing_else() {
    // $2y$ is made as $2b$ is; $5$ is verified, though never made by us
    for (prefix, count, method) in [
        ("$y$", 1, CHEAP[0]),
        ("$6$", 1000, CHEAP[1]),
        ("$2b$", 4, CHEAP[2]),
        ("$2y$", 4, CHEAP[2]),
        ("$5$", 1000, CHEAP[1]),
    ] {
        let passwords: Vec<_> = passwords(method).collect();
        let questions: String =
            passwords.iter().map(|p| format!("make {prefix} {count} {}\n", hex(p.expose()))).collect();
        let Some(hashes) = ask(&questions) else { return };
        for (password, hash) in passwords.iter().zip(&hashes) {
            assert!(hash.starts_with(prefix), "{hash}");
            assert!(password::verify(password, hash).unwrap(), "{hash} {}", hex(password.expose()));
            assert!(!password::verify(&other(password), hash).unwrap(), "{hash}");
        }
        assert_eq!(hashes.len(), PASSWORDS);
    }
}

#[test]
fn both_agree_at_the_default_cost_and_at_the_others() {
    let methods = ["yescrypt", "sha512-crypt", "bcrypt"]
        .map(|kind| Method::parse(kind, None, None).unwrap())
        .into_iter()
        .chain((2..=8).map(|cost| Method::Yescrypt { cost }))
        .chain([Method::Sha512Crypt { rounds: 5000 }, Method::Bcrypt { cost: 6 }]);
    let password = Secret::from("pässwort für 日本語");
    let questions: String = methods
        .map(|method| {
            let hash = password::hash(&password, &method).unwrap();
            format!("check {hash} {}\n", hex(password.expose()))
        })
        .collect();
    let Some(answers) = ask(&questions) else { return };
    for (question, answer) in questions.lines().zip(answers) {
        assert_eq!(answer, "yes", "{question}");
    }
}

#[test]
fn we_accept_what_mkpasswd_makes() {
    for (kind, arguments) in [
        ("yescrypt", ["-m", "yescrypt", "-R", "5"].as_slice()),
        ("yescrypt", &["-m", "yescrypt", "-R", "3"]),
        ("yescrypt", &[]),
        ("sha512-crypt", &["-m", "sha-512"]),
        ("sha512-crypt", &["-m", "sha-512", "-R", "7777"]),
        ("sha256-crypt", &["-m", "sha-256"]),
        ("bcrypt", &["-m", "bcrypt", "-R", "5"]),
    ] {
        let Some(mut mkpasswd) = peers::command("mkpasswd") else { return };
        let output = peers::succeed_with(mkpasswd.args(arguments).arg("-s"), "Grüße & 祝\n".as_bytes());
        let hash = String::from_utf8(output).unwrap();
        let hash = hash.trim_end();
        let found = password::recognise(hash).unwrap();
        assert_eq!((found.scheme.name(), found.locked), (kind, false), "{hash}");
        assert!(password::verify(&Secret::from("Grüße & 祝"), hash).unwrap(), "{hash}");
        assert!(!password::verify(&Secret::from("Grüße & 祝 "), hash).unwrap(), "{hash}");
    }
}

#[test]
fn every_scheme_of_libcrypt_is_recognised() {
    let schemes = [
        ("$y$", 1, "yescrypt"),
        ("$gy$", 1, "gost-yescrypt"),
        ("$7$", 6, "scrypt"),
        ("$6$", 1000, "sha512-crypt"),
        ("$5$", 1000, "sha256-crypt"),
        ("$2b$", 4, "bcrypt"),
        ("$2y$", 4, "bcrypt"),
        ("$2a$", 4, "old bcrypt"),
        ("$sha1", 1000, "sha1-crypt"),
        ("$md5", 5000, "sun-md5"),
        ("$1$", 0, "md5-crypt"),
        ("$3$", 0, "nt"),
        ("_", 725, "bsdi-des"),
    ];
    let questions: String =
        schemes.map(|(prefix, count, _)| format!("make {prefix} {count} {}\n", hex(b"abc"))).concat();
    let Some(hashes) = ask(&questions) else { return };
    for ((_, _, name), hash) in schemes.iter().zip(&hashes) {
        let found = password::recognise(hash).unwrap_or_else(|| panic!("{hash}"));
        assert_eq!(&found.scheme.name(), name, "{hash}");
        assert!(found.scheme.certain());
    }
}

const PASSWORDS: usize = 56;

/// Random passwords for a method: short and long ones, printable, UTF-8 and any other bytes, the longest
/// allowed.
fn passwords(method: Method) -> impl Iterator<Item = Secret> + use<> {
    let longest = if matches!(method, Method::Bcrypt { .. }) { LONGEST_BCRYPT } else { LONGEST };
    (0..PASSWORDS).map(move |index| {
        let length = match index {
            0 => 1,
            1..=3 => longest,
            4 => longest - 1,
            _ => 1 + usize::from(random::<1>()[0]) % longest,
        };
        let bytes: Vec<u8> = match index % 3 {
            0 => (0..length).map(|_| b' ' + random::<1>()[0] % 95).collect(),
            1 => letters(length),
            _ => (0..length)
                .map(|_| random::<1>()[0])
                .map(|b| if b"\0\n\r".contains(&b) { 7 } else { b })
                .collect(),
        };
        Secret::new(bytes)
    })
}

/// Letters of many alphabets, `length` bytes together.
fn letters(length: usize) -> Vec<u8> {
    let mut text = String::new();
    while text.len() < length {
        let number = u32::from(u16::from_le_bytes(random()));
        let letter = char::from_u32(number).filter(|c| c.is_alphanumeric()).unwrap_or('ß');
        text.push(if text.len() + letter.len_utf8() > length { 'x' } else { letter });
    }
    text.into_bytes()
}

/// A password that differs in its last byte.
fn other(password: &Secret) -> Secret {
    let mut bytes = password.expose().to_vec();
    let last = bytes.last_mut().unwrap();
    *last = if *last == b'a' { b'b' } else { b'a' };
    Secret::new(bytes)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn ask(questions: &str) -> Option<Vec<String>> {
    let output = peers::succeed_with(peers::command("python3")?.args(["-c", ORACLE]), questions.as_bytes());
    Some(String::from_utf8(output).unwrap().lines().map(String::from).collect())
}
