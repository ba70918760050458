//! The largest resident set of a program.
//!
//! The kernel keeps the largest of all children that a process waited for, so that each is measured by a copy of this
//! program of its own. A child begins as a copy of its parent, by which no figure is below this program's own 3 MB.

use nix::sys::resource::{UsageWho, getrusage};
use std::process::{Command, Stdio};

const MARK: &str = "--peak-of";

pub(crate) fn is_child() -> bool {
    std::env::args().nth(1).is_some_and(|word| word == MARK)
}

/// Runs what the arguments name, and prints the peak in KiB.
pub(crate) fn report() {
    let mut words = std::env::args_os().skip(2);
    let mut command = Command::new(words.next().unwrap());
    assert!(command.args(words).stdout(Stdio::null()).status().unwrap().success(), "{command:?}");
    println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss());
}

/// The peak of a command, in MiB. Its standard input is not handed on: the file is opened anew.
pub(crate) fn peak(command: &crate::programs::Prepared) -> f64 {
    let mut measured =
        command.of(&std::env::current_exe().unwrap(), &[MARK.as_ref(), command.program.as_os_str()]);
    let output = measured.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let kib: f64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    kib / 1024.0
}
