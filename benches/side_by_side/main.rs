//! `uvars` beside sops 3.13.3, rops 0.1.7 and the cryptography alone: `benches/side-by-side` installs them and runs it.
//!
//! Whole processes, each with the same files and keys, in turn, so that a machine which has other work to do slows all of
//! them; the ratios are medians over rounds. Before anything is timed, all read what sops
//! and uvars wrote. Nothing is asserted about time. Words behind `--` choose the lines that hold one of them.
//!
//! The floor is AES-GCM, SHA-512, X25519 and base64 over the same bytes, in one thread, without any file format around
//! it (floor.rs), and the start and end of a process that does nothing, which all others pay too. Memory is the largest resident set, of the program and its 3 MB of this one (memory.rs).

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a bench prints figures, and fails by panicking"
)]

mod floor;
mod memory;
#[path = "../../tests/peers/mod.rs"]
mod peers;
mod programs;
mod samples;

use floor::Floor;
use programs::{Bench, Program, Task};
use samples::Sample;
use std::process::{Command, Stdio};
use std::time::Instant;

/// One line of the table: what is done, how often, and what is wanted of it.
struct Line {
    task: Task,
    sample: Sample,
    rounds: usize,
    wanted: &'static str,
}

const LINES: [Line; 11] = [
    line(Task::Decrypt, Sample::Small, 200, "sops 8x, rops 1x"),
    line(Task::Encrypt, Sample::Small, 200, "sops 8x, rops 1x"),
    line(Task::Decrypt, Sample::Yaml, 25, "sops 20x, rops 3x, floor 2x"),
    line(Task::Encrypt, Sample::Yaml, 25, "sops 20x, rops 3x, floor 2x"),
    line(Task::Decrypt, Sample::Json10, 11, ""),
    line(Task::Encrypt, Sample::Json10, 11, ""),
    line(Task::Decrypt, Sample::Json40, 11, "sops 300x"),
    line(Task::Encrypt, Sample::Json40, 11, "sops 300x"),
    line(Task::Decrypt, Sample::Binary, 11, "sops 8x"),
    line(Task::Encrypt, Sample::Binary, 11, "sops 8x"),
    line(Task::Start, Sample::Small, 200, ""),
];

/// The argument by which this program does nothing.
const NOTHING: &str = "--do-nothing";

const fn line(task: Task, sample: Sample, rounds: usize, wanted: &'static str) -> Line {
    Line { task, sample, rounds, wanted }
}

fn main() {
    if memory::is_child() {
        return memory::report();
    }
    if std::env::args().nth(1).is_some_and(|word| word == NOTHING) {
        return;
    }
    let Some(sops) = peers::find("sops") else { return };
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let chosen = |line: &&Line| {
        let name = format!("{} {}", line.task, line.sample);
        words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
    };
    let lines: Vec<&Line> = LINES.iter().filter(chosen).collect();
    let folder = tempfile::tempdir().unwrap();
    // with a folder of its own each command would be a copy of this process first, which takes as long as a small file
    std::env::set_current_dir(&folder).unwrap();
    let bench = Bench::new(sops, peers::find("rops"), folder.path());
    for sample in Sample::ALL {
        if lines.iter().any(|line| line.sample == sample) {
            bench.prepare(sample);
        }
    }
    times(&bench, &lines);
    memories(&bench, &lines);
}

/// Medians of milliseconds, and medians of the ratios of rounds.
fn times(bench: &Bench<'_>, lines: &[&Line]) {
    println!(
        "{:<29} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}  {:<28} rounds",
        "ms", "sops", "rops", "uvars", "floor", "sops/", "rops/", "/floor", "wanted"
    );
    let mut json: Vec<(Task, Sample, f64)> = Vec::new();
    for line in lines {
        let mut rounds: Vec<[f64; 4]> = Vec::new();
        let floor = (line.task != Task::Start).then(|| Floor::new(line.task, line.sample));
        for round in 0..=line.rounds {
            let mut times = [f64::NAN; 4];
            for (time, program) in times.iter_mut().zip(Program::ALL) {
                if let Some(command) = bench.command(program, line.task, line.sample) {
                    *time = run(&mut command.command());
                }
            }
            let nothing = || run(Command::new(std::env::current_exe().unwrap()).arg(NOTHING).env_clear());
            times[3] = floor.as_ref().map_or(f64::NAN, |floor| floor.run() + nothing());
            if round > 0 {
                rounds.push(times);
            }
        }
        let of = |number: &dyn Fn(&[f64; 4]) -> f64| median(rounds.iter().map(number));
        let uvars = of(&|times| times[2]);
        println!(
            "{:<29} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}  {:<28} {}",
            format!("{} {}", line.task, line.sample),
            shown(of(&|times| times[0]), ""),
            shown(of(&|times| times[1]), ""),
            shown(uvars, ""),
            shown(of(&|times| times[3]), ""),
            shown(of(&|times| times[0] / times[2]), "x"),
            shown(of(&|times| times[1] / times[2]), "x"),
            shown(of(&|times| times[2] / times[3]), "x"),
            line.wanted,
            line.rounds,
        );
        json.push((line.task, line.sample, uvars));
    }
    for task in [Task::Decrypt, Task::Encrypt] {
        let of = |wanted: Sample| json.iter().find(|(of, sample, _)| (*of, *sample) == (task, wanted));
        if let (Some(ten), Some(forty)) = (of(Sample::Json10), of(Sample::Json40)) {
            println!(
                "{task}, growth from 10,000 to 40,000 JSON values: {:.2} (wanted: below 4.5)",
                forty.2 / ten.2
            );
        }
    }
}

/// Medians of the largest resident set, in MiB.
fn memories(bench: &Bench<'_>, lines: &[&Line]) {
    println!("\n{:<29} {:>9} {:>9} {:>9} {:>17}  wanted", "peak MiB", "sops", "rops", "uvars", "of sops");
    for line in lines {
        let rounds = if line.sample == Sample::Json40 { 1 } else { 5 };
        let [sops, rops, uvars] = Program::ALL.map(|program| {
            let peak =
                || bench.command(program, line.task, line.sample).map(|command| memory::peak(&command));
            median((0..rounds).filter_map(|_| peak()))
        });
        let wanted = match line.sample {
            Sample::Yaml | Sample::Json10 => "below 30",
            Sample::Binary => "at most a quarter of sops",
            _ => "",
        };
        println!(
            "{:<29} {:>9} {:>9} {:>9} {:>16}%  {wanted}",
            format!("{} {}", line.task, line.sample),
            shown(sops, ""),
            shown(rops, ""),
            shown(uvars, ""),
            shown(100.0 * uvars / sops, ""),
        );
    }
}

fn run(command: &mut Command) -> f64 {
    command.stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status().unwrap();
    let time = start.elapsed();
    assert!(status.success(), "{command:?}");
    1000.0 * time.as_secs_f64()
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn shown(number: f64, unit: &str) -> String {
    match number {
        number if number.is_nan() => "-".to_owned(),
        number if number < 9.95 => format!("{number:.2}{unit}"),
        number if number < 999.5 => format!("{number:.1}{unit}"),
        number => format!("{number:.0}{unit}"),
    }
}
