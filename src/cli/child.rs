//! Running another program and outliving it: signals that ask us to end go to it first.

use super::signals;
use crate::error::{Error, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, ExitStatus};
use std::time::Duration;

/// How often a child is looked after.
const PAUSE: Duration = Duration::from_millis(25);

/// Waits for the child. If we are asked to end meanwhile, the child is asked to, and we end once it has.
pub(super) fn wait(mut child: Child, name: &str) -> Result<ExitStatus> {
    let held = signals::hold()?;
    let mut told = false;
    loop {
        let status =
            child.try_wait().map_err(|error| Error::new(format!("cannot wait for {name}")).because(error))?;
        if let Some(status) = status {
            held.check()?;
            return Ok(status);
        }
        if held.check().is_err() && !told {
            told = true;
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // it may have ended by itself just now
                let _ = kill_process(pid, Signal::TERM);
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// The exit code that a shell would give.
pub(super) fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(255)
}
