//! `uvars` beside the sops that is installed here: whole processes, in turn, and the ratio of their times.
//!
//! `benches/side-by-side` runs it. Both decrypt the same file with the same key and print the same bytes; the ratio is the median over pairs of runs that follow each other, so that a machine which has other
//! work to do slows both. Nothing is asserted about time.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a bench prints figures, and fails by panicking"
)]

#[path = "../tests/peers/mod.rs"]
mod peers;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use uvars::keys::{IdentitySources, Keyring, generate};

fn main() {
    let Some(sops) = peers::find("sops") else { return };
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(sops, folder.path());
    println!("{:<28} {:>9} {:>9} {:>9} {:>7}", "median of pairs", "sops", "uvars", "ratio", "wanted");
    for (name, pairs) in [("small", 300), ("ten-thousand", 20)] {
        let wanted = if name == "small" { "8x" } else { "15x" };
        bench.compare(&format!("decrypt, {name}"), wanted, pairs, &["decrypt", &format!("{name}.enc.yaml")]);
    }
    bench.compare("start (--version)", "", 300, &["--version"]);
}

struct Bench<'f> {
    sops: PathBuf,
    folder: &'f Path,
    recipient: String,
}

impl<'f> Bench<'f> {
    /// Writes a key, two plain files and what sops makes of them.
    fn new(sops: PathBuf, folder: &'f Path) -> Self {
        let identity = generate("2026-01-01T00:00:00Z").unwrap();
        fs::write(folder.join("keys.txt"), identity.text.expose()).unwrap();
        let sources = IdentitySources { key_text: Some(identity.text), ..IdentitySources::default() };
        let recipient = Keyring::new(sources).recipients()[0].to_string();
        let bench = Self { sops, folder, recipient };
        for (name, text) in [("small", small()), ("ten-thousand", ten_thousand())] {
            fs::write(folder.join(format!("{name}.yaml")), &text).unwrap();
            let encrypted = bench.output(&bench.sops, &["encrypt", &format!("{name}.yaml")]);
            fs::write(folder.join(format!("{name}.enc.yaml")), encrypted).unwrap();
            for program in [&bench.sops, &uvars()] {
                let back = bench.output(program, &["decrypt", &format!("{name}.enc.yaml")]);
                assert!(back == text.as_bytes(), "{} decrypts {name} to something else", program.display());
            }
        }
        bench
    }

    fn compare(&self, name: &str, wanted: &str, pairs: usize, arguments: &[&str]) {
        let one = |program: &Path| {
            let mut command = self.command(program, arguments);
            command.stdout(Stdio::null());
            let start = Instant::now();
            let status = command.status().unwrap();
            let time = start.elapsed();
            assert!(status.success(), "{command:?}");
            time
        };
        let uvars = uvars();
        for program in [&self.sops, &uvars] {
            one(program);
        }
        let mut times: Vec<(Duration, Duration)> = Vec::new();
        times.extend((0..pairs).map(|_| (one(&self.sops), one(&uvars))));
        println!(
            "{name:<28} {:>6.2} ms {:>6.2} ms {:>8.1}x {wanted:>7}",
            median(times.iter().map(|pair| 1000.0 * pair.0.as_secs_f64())),
            median(times.iter().map(|pair| 1000.0 * pair.1.as_secs_f64())),
            median(times.iter().map(|pair| pair.0.as_secs_f64() / pair.1.as_secs_f64())),
        );
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder).env_clear().stdin(Stdio::null());
        command.env("HOME", self.folder).env("SOPS_AGE_KEY_FILE", self.folder.join("keys.txt"));
        command.env("SOPS_AGE_RECIPIENTS", &self.recipient).env("SOPS_DISABLE_VERSION_CHECK", "1");
        command
    }

    fn output(&self, program: &Path, arguments: &[&str]) -> Vec<u8> {
        peers::succeed(&mut self.command(program, arguments))
    }
}

fn uvars() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_uvars"))
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn small() -> String {
    "db:\n    user: jon\n    password: correct horse\ntoken: 7f3a9c\n".to_owned()
}

fn ten_thousand() -> String {
    let mut text = String::new();
    for group in 0..100 {
        writeln!(text, "group{group:03}:").unwrap();
        for value in 0..100 {
            writeln!(text, "    key{value:04}: secret-{group:04}-{value:06}-abcdef").unwrap();
        }
    }
    text
}
