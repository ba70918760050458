//! Running another program and outliving it: signals that ask us to end go to it first.
//!
//! Ctrl-C and Ctrl-\ on a terminal reach the program without us, and what it makes of them counts: an editor or a
//! database shell goes on.

use super::signals;
use crate::error::{Error, Result};
use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// How often a child is looked after.
const PAUSE: Duration = Duration::from_millis(25);

/// How a child ended.
pub(super) struct Ended {
    /// Its own end.
    pub(super) status: ExitStatus,
    /// What asked us to end meanwhile; a signal that was typed and that the child lived through does not count.
    pub(super) asked: Option<i32>,
}

/// Takes what carries keys and passwords to uvars, or says how it works, out of what a child gets.
pub(super) fn keep_ours(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("UVARS_") || text.starts_with("SOPS_") {
            command.env_remove(&name);
        }
    }
}

/// Waits for the child. If we are asked to end meanwhile, the child is asked to, by the same signal. Where there is a
/// `patience`, a child that does not heed it for so long is left behind, which is an error.
pub(super) fn wait(mut child: Child, name: &str, patience: Option<Duration>) -> Result<Ended> {
    let held = signals::hold()?;
    let mut handed_on: Option<(i32, Instant)> = None;
    loop {
        let status =
            child.try_wait().map_err(|error| Error::new(format!("cannot wait for {name}")).because(error))?;
        if let Some(status) = status {
            let heeded = |signal: &i32| !typed(*signal) || ended_of(*signal, status);
            let asked = handed_on.map(|(signal, _)| signal).or_else(|| held.noted().filter(heeded));
            if asked.is_none() {
                held.forget();
            }
            return Ok(Ended { status, asked });
        }
        match (held.noted(), handed_on) {
            (Some(signal), None) if !typed(signal) => {
                hand_on(&child, signal);
                handed_on = Some((signal, Instant::now()));
            }
            (_, Some((_, when))) if patience.is_some_and(|patience| when.elapsed() > patience) => {
                held.check()?;
            }
            _ => {}
        }
        std::thread::sleep(PAUSE);
    }
}

/// Whether the child, or the shell around it, ended of a signal.
fn ended_of(signal: i32, status: ExitStatus) -> bool {
    status.signal() == Some(signal) || status.code() == Some(128 + signal)
}

fn hand_on(child: &Child, signal: i32) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let noted = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];
    if let (Some(pid), Some(signal)) = (pid, noted.into_iter().find(|known| known.as_raw() == signal)) {
        // it may have ended by itself just now
        let _ = kill_process(pid, signal);
    }
}

/// Whether the signal comes from the keys of a terminal, as far as can be told: we are in its foreground, and so is
/// the child.
fn typed(signal: i32) -> bool {
    let keys = [Signal::INT, Signal::QUIT].map(Signal::as_raw);
    let foreground =
        || File::open("/dev/tty").is_ok_and(|tty| tcgetpgrp(&tty).is_ok_and(|group| group == getpgrp()));
    keys.contains(&signal) && foreground()
}

/// The exit code that a shell would give.
pub(super) fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(255)
}
