//! Hidden input on the terminal, which is left as it was found however this ends.
//!
//! The terminal is /dev/tty, so that it works while standard input is a pipe. Echo comes back at the end, on an
//! error, on Ctrl-C, SIGTERM, SIGHUP and SIGQUIT (then the process ends by that signal), on Ctrl-Z (and goes again
//! when continued), and on a panic, by a hook, since a release build aborts without running destructors.

use super::line::{Ahead, Event, Line};
use super::signals::{self, Held, Stops};
use super::ui::shown;
use crate::error::{Error, Result};
use crate::keys::Ask;
use crate::secret::Secret;
use crate::vars::Prompter;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};

/// The terminal that the person sits at.
pub(super) struct Terminal {
    tty: Arc<File>,
    ahead: Ahead,
    // what was typed before the first question was meant for somebody else
    flushed: bool,
}

impl Terminal {
    /// Opens the controlling terminal.
    ///
    /// # Errors
    ///
    /// There is none. The caller adds the other ways to answer as hints.
    pub(super) fn open() -> Result<Self> {
        Self::open_at(Path::new("/dev/tty"))
    }

    fn open_at(path: &Path) -> Result<Self> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY;
        let tty = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|error| Error::new("there is no terminal to ask on").because(error))?;
        Ok(Self { tty: Arc::new(File::from(tty)), ahead: Ahead::new(), flushed: false })
    }

    fn say(&self, text: &str) -> Result<()> {
        (&*self.tty).write_all(text.as_bytes()).map_err(gone)
    }

    /// A line that everybody may see, without its end; the terminal's own line editing is enough for it.
    pub(super) fn visible(&self, question: &str) -> Option<String> {
        self.say(&shown(question)).ok()?;
        let mut line = String::new();
        BufReader::new(&*self.tty).read_line(&mut line).ok().filter(|count| *count > 0)?;
        Some(line.trim_end_matches(['\n', '\r']).to_owned())
    }

    fn read_line(&mut self, question: &str, held: &Held, stops: &Stops) -> Result<Secret> {
        let mut line = Line::new();
        loop {
            while let Some(byte) = self.ahead.next() {
                match line.take(byte) {
                    Event::More => {}
                    Event::Line(secret) => return Ok(secret),
                    Event::End => return Err(Error::new("the input ended before an answer")),
                }
            }
            let count = if self.has_input()? { self.fill()? } else { None };
            held.check()?;
            if stops.asked() {
                restore();
                Stops::stop();
            }
            if stops.continued() {
                self.hide()?;
                self.say(question)?;
            }
            if count == Some(0) {
                // a terminal that has gone away answers every read with nothing, at once
                tcgetattr(&*self.tty).map_err(|error| gone(error.into()))?;
            }
        }
    }

    /// Waits for input, for a tenth of a second at most. A signal ends the waiting, which it would not do to a
    /// read: so one that others have set to whole lines meanwhile does not hold us.
    fn has_input(&self) -> Result<bool> {
        let mut asked = [PollFd::new(&*self.tty, PollFlags::IN)];
        match poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 100_000_000 })) {
            // Darwin cannot poll /dev/tty and says so by a flag: the read waits as long, by VTIME
            Ok(count) => Ok(count > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(gone(error.into())),
        }
    }

    fn fill(&mut self) -> Result<Option<usize>> {
        match self.ahead.fill(&*self.tty) {
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(gone(error)),
        }
    }

    /// Turns echo and line editing off, and remembers how it was.
    fn hide(&mut self) -> Result<()> {
        on_panic();
        let before = tcgetattr(&*self.tty).map_err(|error| gone(error.into()))?;
        let mut hidden = before.clone();
        hidden.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::IEXTEN;
        hidden.local_modes |= LocalModes::ISIG;
        hidden.special_codes[SpecialCodeIndex::VMIN] = 0;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 1;
        let when = if self.flushed { OptionalActions::Drain } else { OptionalActions::Flush };
        remember(&self.tty, before);
        tcsetattr(&*self.tty, when, &hidden).map_err(|error| gone(error.into()))?;
        self.flushed = true;
        Ok(())
    }
}

impl Prompter for Terminal {
    fn hidden(&mut self, question: &str) -> Result<Secret> {
        let question = shown(question);
        let held = signals::hold()?;
        let stops = held.stops();
        // destructors run from the last to the first: the terminal is in order before a noted signal ends us
        let restored = Restored;
        self.hide()?;
        self.say(&question)?;
        let result = self.read_line(&question, &held, &stops);
        drop(restored);
        // nothing of the line was echoed, its end neither
        let said = self.say("\n");
        let secret = result?;
        said?;
        Ok(secret)
    }

    fn remark(&mut self, text: &str) {
        // who cannot be told will not be asked again either: the next question fails
        drop(self.say(&format!("{}\n", shown(text))));
    }
}

/// Answers for keys that want a passphrase, a PIN or a touch; where there is no terminal, nobody does.
pub(super) struct Person;

/// One conversation at a time, whichever thread needs a key.
static TALKING: Mutex<()> = Mutex::new(());

impl Person {
    fn talk<T>(with: impl FnOnce(&mut Terminal) -> Option<T>) -> Option<T> {
        let _talking = TALKING.lock().unwrap_or_else(PoisonError::into_inner);
        with(&mut Terminal::open().ok()?)
    }
}

impl Ask for Person {
    fn passphrase(&self, what: &str) -> Option<Secret> {
        Self::talk(|terminal| terminal.hidden(&format!("passphrase ({what}): ")).ok())
    }

    fn message(&self, text: &str) {
        Self::talk(|terminal| {
            terminal.remark(text);
            Some(())
        });
    }

    fn confirm(&self, question: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let choices = no.map_or_else(|| format!("[1] {yes}"), |no| format!("[1] {yes}  [2] {no}"));
        let typed = Self::talk(|terminal| terminal.visible(&format!("{question} {choices}: ")))?;
        match typed.as_str() {
            "1" => Some(true),
            "2" if no.is_some() => Some(false),
            _ => None,
        }
    }

    fn line(&self, question: &str) -> Option<String> {
        Self::talk(|terminal| terminal.visible(&format!("{question}: ")))
    }
}

fn gone(error: std::io::Error) -> Error {
    Error::new("the terminal went away").because(error)
}

/// Gives the terminal back when it is dropped.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        restore();
    }
}

/// How the terminal was, where a panic hook can find it.
static BEFORE: Mutex<Option<(Arc<File>, Termios)>> = Mutex::new(None);

/// Keeps the first state: one that is remembered while a prompt is on is a hidden one.
fn remember(tty: &Arc<File>, before: Termios) {
    let mut kept = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    kept.get_or_insert_with(|| (Arc::clone(tty), before));
}

/// Gives the terminal back, if it is ours to give: in the background it belongs to another job, and touching it
/// would stop us.
fn restore() {
    let kept = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((tty, before)) = kept
        && foreground(tty.as_fd())
    {
        let _ = tcsetattr(&*tty, OptionalActions::Drain, &before);
    }
}

fn foreground(tty: impl AsFd) -> bool {
    tcgetpgrp(tty).is_ok_and(|group| group == getpgrp())
}

fn on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            before(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    /// A pty: the far end of it, and a terminal on the near one.
    fn pty() -> (File, Terminal) {
        let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&far).unwrap();
        unlockpt(&far).unwrap();
        let name = ptsname(&far, Vec::new()).unwrap();
        let terminal = Terminal::open_at(Path::new(name.to_str().unwrap())).unwrap();
        (File::from(far), terminal)
    }

    fn echo(terminal: &Terminal) -> bool {
        tcgetattr(&*terminal.tty).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    #[test]
    fn no_terminal_is_an_error_that_can_be_mended() {
        let error = Terminal::open_at(Path::new("/nonexistent/tty")).map(drop).unwrap_err();
        assert_eq!(error.message(), "there is no terminal to ask on");
    }

    #[test]
    fn a_panic_restores_before_it_says_anything() {
        // in a process of its own: the hook and the remembered terminal are the process' own
        if std::env::var_os("UVARS_TEST_PANIC").is_none() {
            let mut again = std::process::Command::new(std::env::current_exe().unwrap());
            let name = "cli::prompt::tests::a_panic_restores_before_it_says_anything";
            let again = again.args(["--exact", name, "--nocapture"]).env("UVARS_TEST_PANIC", "1");
            let output = again.output().unwrap();
            assert!(String::from_utf8_lossy(&output.stdout).contains("restored: true"), "{output:?}");
            return;
        }
        let (_far, mut terminal) = pty();
        std::panic::set_hook(Box::new(|_| println!("restored: {}", BEFORE.lock().unwrap().is_none())));
        terminal.hide().unwrap();
        assert!(BEFORE.lock().unwrap().is_some());
        let _ = std::panic::catch_unwind(|| panic!("while a password is typed"));
    }

    #[test]
    fn hidden_while_it_lasts_and_restored_once() {
        let (_far, mut terminal) = pty();
        assert!(echo(&terminal));
        terminal.hide().unwrap();
        assert!(!echo(&terminal));
        terminal.hide().unwrap();
        let (tty, before) = BEFORE.lock().unwrap().take().unwrap();
        assert!(before.local_modes.contains(LocalModes::ECHO), "the state before the first hiding is kept");
        // the pty is nobody's controlling terminal, so that restore() leaves it alone
        remember(&tty, before);
        restore();
        assert!(BEFORE.lock().unwrap().is_none());
    }
}
