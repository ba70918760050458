//! How fast YAML is read, in MB/s and as a share of a plain search for line ends over the same bytes.
//!
//! `cargo bench --bench yaml [NAME]`. Texts are made here: the shape that sops writes first, then shapes that
//! must not become slow. Each line says the best of several runs.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a bench prints figures"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};
use uvars::yaml;

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    println!("{:<16} {:>7} {:>8} {:>8} {:>8} {:>8}", "shape", "KB", "read", "+check", "emit", "read to");
    println!("{:<16} {:>7} {:>8} {:>8} {:>8} {:>8}", "", "", "MB/s", "MB/s", "MB/s", "memchr");
    for (name, text) in texts() {
        if wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str())) {
            measure(name, text.as_bytes());
        }
    }
}

fn measure(name: &str, bytes: &[u8]) {
    let scan = best(|| memchr::memchr_iter(b'\n', bytes).count());
    let read = best(|| yaml::read(bytes));
    let (tree, error) = yaml::read(bytes);
    assert!(error.is_none(), "{name}: {error:?}");
    let first = tree.documents().first().copied().unwrap();
    let check = best(|| yaml::check_map(&tree, first));
    let emit = best(|| yaml::emit(&tree, 4));
    let speed = |time: Duration| bytes.len() as f64 / 1e6 / time.as_secs_f64();
    println!(
        "{name:<16} {:>7} {:>8.0} {:>8.0} {:>8.0} {:>8.1}",
        bytes.len() / 1000,
        speed(read),
        speed(read + check),
        speed(emit),
        read.as_secs_f64() / scan.as_secs_f64()
    );
}

/// The shortest time of some runs.
fn best<T>(mut run: impl FnMut() -> T) -> Duration {
    let begin = Instant::now();
    let mut best = Duration::MAX;
    let mut runs = 0;
    while runs < 5 || (begin.elapsed() < Duration::from_millis(300) && runs < 200) {
        let start = Instant::now();
        black_box(run());
        best = best.min(start.elapsed());
        runs += 1;
    }
    best
}

fn texts() -> Vec<(&'static str, String)> {
    vec![
        ("sops", sops(100, 100)),
        ("sops small", sops(2, 10)),
        ("armor", repeated(3000, armor)),
        ("fleet", repeated(2000, fleet)),
        (
            "comments",
            repeated(20_000, |at, out| write!(out, "# above {at}\nkey{at}: value # behind\n\n").unwrap()),
        ),
        ("comment blocks", comment_blocks(200_000)),
        ("flow list", format!("a: [{} b]\n", repeated(200_000, |at, out| write!(out, "{at}, ").unwrap()))),
        (
            "flow lines",
            format!("a: [\n{} b]\n", repeated(200_000, |at, out| writeln!(out, "{at},").unwrap())),
        ),
        ("keys", repeated(100_000, |at, out| writeln!(out, "key{at}: {at}").unwrap())),
        (
            "quoted",
            repeated(20_000, |at, out| writeln!(out, "key{at}: \"some text with \\n in it\"").unwrap()),
        ),
        (
            "not ascii",
            repeated(20_000, |at, out| writeln!(out, "schlüssel{at}: grüße aus österreich").unwrap()),
        ),
        ("long plain", format!("a:\n{}", "  some words of text\n".repeat(50_000))),
        ("long not ascii", format!("a: [{}]\n", "'é' , ".repeat(100_000))),
        ("deep flow", format!("a: {}{}", "[".repeat(9_999), "]".repeat(9_999))),
        ("deep block", format!("a:\n  {}x\n{}", "- ".repeat(9_900), "# c\n\n".repeat(50_000))),
        (
            "tag directives",
            format!("{}---\na: 1\n", repeated(20_000, |at, out| writeln!(out, "%TAG !t{at}! x").unwrap())),
        ),
        ("aliases", format!("a: &a x\n{}", repeated(50_000, |at, out| writeln!(out, "k{at}: *a").unwrap()))),
    ]
}

fn repeated(count: usize, line: impl Fn(usize, &mut String)) -> String {
    let mut out = String::new();
    (0..count).for_each(|at| line(at, &mut out));
    out
}

/// A file as sops writes it: maps of encrypted values, then the metadata.
fn sops(maps: usize, values: usize) -> String {
    let mut out = repeated(maps, |map, out| {
        writeln!(out, "map{map:03}:").unwrap();
        for value in 0..values {
            writeln!(
                out,
                "    key{value:03}: ENC[AES256_GCM,data:3vVxMFyuqKKnsbBDnCoyPBJk,iv:4L5cTcDAWKaVsFGHRGIjw3PZh0Mjo1\
                 zVPXAYGe6TDKI=,tag:gJB0AUVcUHvtPRt3Xg4Gkw==,type:str]"
            )
            .unwrap();
        }
    });
    out.push_str(
        "sops:\n    age:\n        - recipient: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aq\n",
    );
    out.push_str("          enc: |\n            -----BEGIN AGE ENCRYPTED FILE-----\n");
    out.push_str(&"            YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBqWnV6R2Z4bGVkT1JwZjNa\n".repeat(5));
    out.push_str(
        "            -----END AGE ENCRYPTED FILE-----\n    lastmodified: \"2026-11-21T11:00:00Z\"\n",
    );
    out.push_str("    version: 3.13.3\n");
    out
}

fn armor(at: usize, out: &mut String) {
    write!(out, "enc{at}: |\n    -----BEGIN AGE ENCRYPTED FILE-----\n").unwrap();
    out.push_str(&"    YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBqWnV6R2Z4bGVkT1JwZjNa\n".repeat(6));
    out.push_str("    -----END AGE ENCRYPTED FILE-----\n");
}

fn fleet(at: usize, out: &mut String) {
    writeln!(out, "user{at}:\n  hosts: [cinnabar, rosegold] # where\n  uid: {}", 1000 + at).unwrap();
    out.push_str("  shell: /bin/bash\n  # who may log in\n  authorized_keys:\n");
    out.push_str("    - \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI user@host\"\n");
    out.push_str("  password: { prompt: true, share: false }\n");
}

/// Comments at changing columns with empty lines between, below a nested value.
fn comment_blocks(count: usize) -> String {
    let below = repeated(count, |at, out| writeln!(out, "{}# c\n", " ".repeat(at % 5)).unwrap());
    format!("a:\n  b:\n    c: 1\n{below}")
}
