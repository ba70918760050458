//! SIGINT, SIGTERM, SIGHUP and SIGQUIT while something must be put in order first.
//!
//! Without [`hold`] a signal does what it always does. While at least one [`Held`] lives, signals are noted
//! instead; when the last one is dropped the noted signal ends the process after all, by that very signal, so
//! that a shell sees what happened. What has to be put in order is put in order by destructors before that.

use crate::error::{Error, Result};
use signal_hook::consts::signal::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::{flag, low_level};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// What a signal handler may touch, and how many hold.
struct Board {
    holders: AtomicUsize,
    free: Arc<AtomicBool>,
    ended_by: Arc<AtomicUsize>,
    stop_free: Arc<AtomicBool>,
    stop_asked: Arc<AtomicBool>,
    continued: Arc<AtomicBool>,
}

static BOARD: OnceLock<Board> = OnceLock::new();

/// From here on signals are noted.
pub(super) fn hold() -> Result<Held> {
    let board = board()?;
    board.holders.fetch_add(1, Ordering::SeqCst);
    board.free.store(false, Ordering::SeqCst);
    Ok(Held { board })
}

/// Signals are noted while this lives.
pub(super) struct Held {
    board: &'static Board,
}

impl Held {
    /// The error to give up with, if a signal has asked for the end.
    pub(super) fn check(&self) -> Result<()> {
        match self.noted() {
            None => Ok(()),
            Some(signal) => Err(interrupted(signal)),
        }
    }

    /// The signal that has asked for the end.
    pub(super) fn noted(&self) -> Option<i32> {
        i32::try_from(self.board.ended_by.load(Ordering::SeqCst)).ok().filter(|signal| *signal != 0)
    }

    /// Takes the noted signal for answered: the process does not end by it.
    pub(super) fn forget(&self) {
        self.board.ended_by.store(0, Ordering::SeqCst);
    }

    /// From here on Ctrl-Z is noted too, until the returned value is dropped.
    pub(super) fn stops(&self) -> Stops {
        self.board.stop_asked.store(false, Ordering::SeqCst);
        self.board.continued.store(false, Ordering::SeqCst);
        self.board.stop_free.store(false, Ordering::SeqCst);
        Stops { board: self.board }
    }
}

/// The error to give up with after a signal.
pub(super) fn interrupted(signal: i32) -> Error {
    Error::new(format!("interrupted by {}", low_level::signal_name(signal).unwrap_or("a signal")))
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.board.holders.fetch_sub(1, Ordering::SeqCst) > 1 {
            return;
        }
        self.board.free.store(true, Ordering::SeqCst);
        let signal = self.board.ended_by.swap(0, Ordering::SeqCst);
        if let Some(signal) = i32::try_from(signal).ok().filter(|signal| *signal != 0) {
            // does not return: the process ends by the signal
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}

/// Ctrl-Z is noted while this lives.
pub(super) struct Stops {
    board: &'static Board,
}

impl Stops {
    /// Whether Ctrl-Z was typed since it was last asked.
    pub(super) fn asked(&self) -> bool {
        self.board.stop_asked.swap(false, Ordering::SeqCst)
    }

    /// Whether the process was continued since it was last asked: the terminal may have another mode now.
    pub(super) fn continued(&self) -> bool {
        self.board.continued.swap(false, Ordering::SeqCst)
    }

    /// Stops the process, and returns when somebody continues it.
    pub(super) fn stop() {
        let _ = low_level::emulate_default_handler(SIGTSTP);
    }
}

impl Drop for Stops {
    fn drop(&mut self) {
        self.board.stop_free.store(true, Ordering::SeqCst);
    }
}

fn board() -> Result<&'static Board> {
    if let Some(board) = BOARD.get() {
        return Ok(board);
    }
    let board = Board {
        holders: AtomicUsize::new(0),
        free: Arc::new(AtomicBool::new(true)),
        ended_by: Arc::new(AtomicUsize::new(0)),
        stop_free: Arc::new(AtomicBool::new(true)),
        stop_asked: Arc::new(AtomicBool::new(false)),
        continued: Arc::new(AtomicBool::new(false)),
    };
    listen(&board).map_err(|error| Error::new("cannot listen to signals").because(error))?;
    Ok(BOARD.get_or_init(|| board))
}

/// A handler of signal-hook stays for ever, and an unregistered one swallows its signal: so each signal gets its
/// usual effect back by the first entry, whenever nobody holds.
fn listen(board: &Board) -> std::io::Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
        if ignored(signal) {
            continue;
        }
        flag::register_conditional_default(signal, Arc::clone(&board.free))?;
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_usize(signal, Arc::clone(&board.ended_by), number)?;
    }
    flag::register_conditional_default(SIGTSTP, Arc::clone(&board.stop_free))?;
    flag::register(SIGTSTP, Arc::clone(&board.stop_asked))?;
    flag::register(SIGCONT, Arc::clone(&board.continued))?;
    Ok(())
}

/// Whether the process was started with this signal ignored (`nohup`, a background job of a plain shell): it
/// stays so. Where there is no /proc nobody can be asked without unsafe code, and it is taken as not ignored.
fn ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    mask(&status).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

fn mask(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal_hook::consts::signal::SIGKILL;

    #[test]
    fn the_ignored_signals_are_read_from_proc() {
        let status = "Name:\tuvars\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        assert_eq!(mask(status), Some(0x1001));
        assert_eq!(mask(""), None);
        assert!(!ignored(SIGKILL));
    }

    #[test]
    fn noted_signals_are_told_to_whoever_holds() {
        // whoever starts the tests may have some ignored, and then they stay so
        let Some(signal) = [SIGQUIT, SIGTERM, SIGHUP, SIGINT].into_iter().find(|signal| !ignored(*signal))
        else {
            return;
        };
        let outer = hold().unwrap();
        let held = hold().unwrap();
        assert!(held.check().is_ok());
        // a process without a terminal: nobody else sends us this
        low_level::raise(signal).unwrap();
        let told = format!("interrupted by {}", low_level::signal_name(signal).unwrap());
        assert_eq!(held.check().unwrap_err().message(), told);
        drop(held);
        assert!(outer.check().is_err(), "still noted, and still alive");
        outer.board.ended_by.store(0, Ordering::SeqCst);
    }
}
