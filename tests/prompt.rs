//! Hidden prompts in a real pseudo-terminal: what is typed is never echoed, and the terminal is left as it was found,
//! however it ends.

#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

mod peers;
mod scratch;
mod signals;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, tcgetattr};
use scratch::Scratch;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use uvars::password;
use uvars::secret::Secret;

const SECRET: &str = "Zxqvj-Hünd-42";
const QUESTION: &str = "new password for jon: ";
const AGAIN: &str = "the same again: ";

#[test]
fn typed_twice_and_never_shown() {
    let scratch = Scratch::new();
    let mut terminal = Terminal::start(&scratch.uvars(["generate", "jon"]));
    terminal.expect(QUESTION);
    assert!(!terminal.echoes());
    terminal.types(&format!("{SECRET}\r"));
    terminal.expect(AGAIN);
    assert!(!terminal.echoes());
    terminal.types(&format!("{SECRET}\r"));
    terminal.expect("1 file written");
    assert!(terminal.ends().success());
    assert!(terminal.is_as_before());
    assert!(!terminal.seen().contains("Zxqvj"), "{}", terminal.seen());
    assert!(opens(&scratch, SECRET));
}

#[test]
fn works_while_standard_input_is_a_pipe() {
    let scratch = Scratch::new();
    let inner = scratch.uvars(["generate", "jon"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo not-the-password | \"$0\" \"$@\" 2>/dev/null >/dev/null"]);
    shell.arg(inner.get_program()).args(inner.get_args()).current_dir(scratch.root());
    let mut terminal = Terminal::start(&shell);
    terminal.expect(QUESTION);
    terminal.types("typed\r");
    terminal.expect(AGAIN);
    terminal.types("typed\r");
    assert!(terminal.ends().success());
    assert!(opens(&scratch, "typed"));
}

#[test]
fn signals_end_it_with_the_terminal_in_order() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let scratch = Scratch::new();
        let mut terminal = Terminal::start(&scratch.uvars(["generate", "jon"]));
        terminal.expect(QUESTION);
        terminal.types("half of it");
        assert!(!terminal.echoes());
        kill_process(terminal.pid(), signal).unwrap();
        let status = terminal.ends();
        assert_eq!(status.signal(), Some(signal.as_raw()), "{status:?}");
        assert!(terminal.is_as_before(), "{signal:?}");
        assert!(!terminal.seen().contains("half"));
        assert!(scratch.secrets().is_empty());
    }
}

#[test]
fn ctrl_c_and_ctrl_backslash_are_signals() {
    for (key, signal) in [("\u{3}", Signal::INT), ("\u{1c}", Signal::QUIT)] {
        let scratch = Scratch::new();
        let mut terminal = Terminal::start(&scratch.uvars(["generate", "jon"]));
        terminal.expect(QUESTION);
        terminal.types("typed\r");
        terminal.expect(AGAIN);
        terminal.types(key);
        assert_eq!(terminal.ends().signal(), Some(signal.as_raw()));
        assert!(terminal.is_as_before());
        assert!(scratch.secrets().is_empty());
    }
}

#[test]
fn ctrl_d_ends_the_conversation() {
    let scratch = Scratch::new();
    let mut terminal = Terminal::start(&scratch.uvars(["generate", "jon"]));
    terminal.expect(QUESTION);
    terminal.types("\u{4}");
    terminal.expect("the input ended before an answer");
    assert_eq!(terminal.ends().code(), Some(1));
    assert!(terminal.is_as_before());
    assert!(scratch.secrets().is_empty());
}

#[test]
fn stopped_and_continued() {
    let scratch = Scratch::new();
    let mut terminal = Terminal::start(&scratch.uvars(["generate", "jon"]));
    terminal.expect(QUESTION);
    terminal.types("\u{1a}");
    terminal.until("it has stopped", |terminal| terminal.state() == 'T');
    assert!(terminal.is_as_before(), "the shell gets the terminal as it was");
    terminal.forget();
    kill_process(terminal.pid(), Signal::CONT).unwrap();
    terminal.expect(QUESTION);
    assert!(!terminal.echoes());
    terminal.types("typed\r");
    terminal.expect(AGAIN);
    terminal.types("typed\r");
    assert!(terminal.ends().success());
    assert!(terminal.is_as_before());
    assert!(opens(&scratch, "typed"));
}

#[test]
fn a_terminal_that_others_changed_while_it_slept_is_hidden_again() {
    let scratch = Scratch::new();
    let mut terminal = Terminal::start(&scratch.uvars(["generate", "jon"]));
    terminal.expect(QUESTION);
    kill_process(terminal.pid(), Signal::STOP).unwrap();
    terminal.until("it has stopped", |terminal| terminal.state() == 'T');
    terminal.make_echo();
    terminal.forget();
    kill_process(terminal.pid(), Signal::CONT).unwrap();
    terminal.expect(QUESTION);
    assert!(!terminal.echoes());
    terminal.types("\u{3}");
    assert_eq!(terminal.ends().signal(), Some(Signal::INT.as_raw()));
    assert!(terminal.is_as_before());
}

#[test]
fn corrections_and_pastes() {
    let scratch = Scratch::new();
    let mut terminal = Terminal::start(&scratch.uvars(["generate", "jon"]));
    terminal.expect(QUESTION);
    terminal.types("wrong\u{15}paß日\u{7f}\u{7f}ßword\r");
    terminal.expect(AGAIN);
    terminal.types("\u{1b}[200~paßword\u{1b}[201~\r");
    terminal.expect("1 file written");
    assert!(terminal.ends().success());
    assert!(opens(&scratch, "paßword"));
}

#[test]
fn three_tries_and_no_more() {
    let scratch = Scratch::new();
    let mut terminal = Terminal::start(&scratch.uvars(["generate", "jon"]));
    for (typed, again, said) in [
        ("\r", None, "the password is empty"),
        ("one\r", Some("other\r"), "the two differ"),
        ("a\tb\r", None, "a control character"),
    ] {
        terminal.expect(QUESTION);
        terminal.forget();
        terminal.types(typed);
        if let Some(again) = again {
            terminal.expect(AGAIN);
            terminal.types(again);
        }
        terminal.expect(said);
    }
    terminal.expect("no password for jon after 3 tries; nothing was written");
    assert_eq!(terminal.ends().code(), Some(1));
    assert!(terminal.is_as_before());
    assert!(scratch.secrets().is_empty());
}

#[test]
fn all_questions_come_before_anything_is_written() {
    let scratch = Scratch::new();
    let mut terminal = Terminal::start(&scratch.uvars(["generate", "jon", "raquel"]));
    for who in ["jon", "raquel on cinnabar"] {
        terminal.expect(&format!("new password for {who}: "));
        terminal.types(&format!("for {who}\r"));
        terminal.expect(AGAIN);
        terminal.forget();
        terminal.types(&format!("for {who}\r"));
    }
    terminal.expect("new password for raquel on galena: ");
    assert!(scratch.secrets().is_empty());
    terminal.types("\u{3}");
    terminal.ends();
    assert!(scratch.secrets().is_empty());
}

#[test]
fn a_fleet_that_changed_meanwhile_is_not_written_to() {
    let scratch = Scratch::new();
    let mut terminal = Terminal::start(&scratch.uvars(["generate", "jon"]));
    terminal.expect(QUESTION);
    terminal.types("typed\r");
    terminal.expect(AGAIN);
    // the host's key is replaced while jon thinks: the old one must not get his hash
    scratch.give_key("hosts/cinnabar");
    terminal.types("typed\r");
    terminal.expect("the fleet was changed while you were asked; nothing was written");
    assert_eq!(terminal.ends().code(), Some(1));
    assert!(scratch.secrets().is_empty());
}

#[test]
fn a_passphrase_of_a_key_is_asked_for_once() {
    let Some(mut keygen) = peers::command("ssh-keygen") else { return };
    let scratch = Scratch::new();
    let file = scratch.beside("id");
    peers::succeed(keygen.args(["-q", "-t", "ed25519", "-N", SECRET, "-C", "", "-f"]).arg(&file));
    scratch.write("keys/users/tara.pub", &std::fs::read_to_string(scratch.beside("id.pub")).unwrap());
    scratch.run("generate tara").code(0);
    let line = ["receive", "--store", "tara", "--identity", file.to_str().unwrap()];
    let mut terminal = Terminal::start(&scratch.uvars(line));
    terminal.expect("passphrase (");
    assert!(!terminal.echoes());
    terminal.forget();
    terminal.types(&format!("{SECRET}\r"));
    terminal.expect("kept in secrets/users/tara.sops.yaml");
    assert!(terminal.ends().success());
    assert!(terminal.is_as_before());
    assert!(!terminal.seen().contains("passphrase ("), "{}", terminal.seen());
    assert!(!terminal.seen().contains("Zxqvj"));
}

#[test]
fn two_at_once_do_not_mix() {
    let scratch = Scratch::new();
    let mut terminal = Terminal::start(&scratch.uvars(["generate", "jon"]));
    terminal.expect(QUESTION);
    scratch.feed("generate jon --password-stdin", b"faster\n").code(0);
    terminal.types("slower\r");
    terminal.expect(AGAIN);
    terminal.types("slower\r");
    terminal.expect("nothing was written");
    assert_eq!(terminal.ends().code(), Some(1));
    assert!(opens(&scratch, "faster"));
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let scratch = Scratch::new();
    // HUP is ignored, as under nohup, so that only the terminal's end can end it
    let inner = scratch.uvars(["generate", "jon"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; \"$0\" \"$@\""]);
    shell.arg(inner.get_program()).args(inner.get_args()).current_dir(scratch.root());
    let mut terminal = Terminal::start(&shell);
    terminal.expect(QUESTION);
    let mut child = terminal.hang_up();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < PATIENCE, "still running");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(scratch.secrets().is_empty());
}

fn opens(scratch: &Scratch, password: &str) -> bool {
    let hash = scratch.value("admins/ann", "accounts/jon", "password_hash").unwrap();
    password::verify(&Secret::from(password), &hash).unwrap()
}

const PATIENCE: Duration = Duration::from_secs(20);

/// A program in a session of its own, whose controlling terminal is a pty, and the far end of that.
struct Terminal {
    far: Arc<File>,
    // keeps the terminal alive when the program is gone, so that it can be looked at
    near: File,
    child: Option<Child>,
    seen: Arc<Mutex<Vec<u8>>>,
    before: Termios,
    listening: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

/// Takes what the program says, if it says anything soon.
fn listen(mut far: &File, seen: &Mutex<Vec<u8>>) {
    let soon = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    let mut chunk = [0; 4096];
    if poll(&mut [PollFd::new(&far, PollFlags::IN)], Some(&soon)).is_ok_and(|count| count > 0)
        && let Ok(count) = far.read(&mut chunk)
    {
        seen.lock().unwrap().extend_from_slice(&chunk[..count]);
    }
}

impl Terminal {
    fn start(command: &Command) -> Self {
        signals::for_children();
        let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&far).unwrap();
        unlockpt(&far).unwrap();
        let name = ptsname(&far, Vec::new()).unwrap();
        let near = rustix::fs::open(
            name.as_c_str(),
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        );
        let near = File::from(near.unwrap());
        let before = tcgetattr(&near).unwrap();
        // takes its standard input for the controlling terminal, then becomes the program
        let mut setsid = Command::new("setsid");
        setsid.arg("--ctty").arg(command.get_program()).args(command.get_args());
        setsid.current_dir(command.get_current_dir().unwrap());
        setsid.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        for stream in [Command::stdin, Command::stdout, Command::stderr] {
            stream(&mut setsid, Stdio::from(near.try_clone().unwrap()));
        }
        let child = setsid.spawn().unwrap();
        let far = Arc::new(File::from(far));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let listening = Arc::new(AtomicBool::new(true));
        let reader = std::thread::spawn({
            let (far, seen, listening) = (Arc::clone(&far), Arc::clone(&seen), Arc::clone(&listening));
            move || {
                while listening.load(Ordering::SeqCst) {
                    listen(&far, &seen);
                }
            }
        });
        Self { far, near, child: Some(child), seen, before, listening, reader: Some(reader) }
    }

    fn types(&self, text: &str) {
        (&*self.far).write_all(text.as_bytes()).unwrap();
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }

    #[track_caller]
    fn expect(&mut self, text: &str) {
        self.until(text, |terminal| terminal.seen().contains(text));
    }

    #[track_caller]
    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < PATIENCE, "waited for {what:?} in vain; seen:\n{}", self.seen());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn ends(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "does not end; seen:\n{}", self.seen());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(self.child.as_ref().unwrap())
    }

    /// The letter of the process' state: `S` sleeping, `T` stopped.
    fn state(&self) -> char {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.child.as_ref().unwrap().id())).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    }

    fn modes(&self) -> Termios {
        tcgetattr(&self.near).unwrap()
    }

    fn echoes(&self) -> bool {
        self.modes().local_modes.intersects(LocalModes::ECHO | LocalModes::ECHONL)
    }

    fn is_as_before(&self) -> bool {
        let now = self.modes();
        assert!(self.before.local_modes.contains(LocalModes::ECHO | LocalModes::ICANON));
        now.local_modes == self.before.local_modes
            && now.input_modes == self.before.input_modes
            && format!("{:?}", now.special_codes) == format!("{:?}", self.before.special_codes)
    }

    fn make_echo(&self) {
        rustix::termios::tcsetattr(&self.near, rustix::termios::OptionalActions::Now, &self.before).unwrap();
    }

    /// Closes the far end: what a lost connection does.
    fn hang_up(mut self) -> Child {
        self.listening.store(false, Ordering::SeqCst);
        self.reader.take().unwrap().join().unwrap();
        self.child.take().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.listening.store(false, Ordering::SeqCst);
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

#[test]
fn init_asks_for_what_was_not_given() {
    let scratch = Scratch::new();
    let dir = tempfile::tempdir().unwrap();
    let mut command = scratch.uvars(["init"]);
    command.current_dir(dir.path());
    let mut terminal = Terminal::start(&command);
    terminal.expect("name of the first admin: ");
    terminal.types("mira\r");
    terminal.expect("public key of mira, or a file with it");
    terminal.types("age1azykcckepenvlj7sm4fzq7nms30nn0j3txs8k9lnsvty4y8jwg4svvu0p4\r");
    terminal.expect("public recovery key, or a file with it [none]: ");
    terminal.types("\r");
    assert!(terminal.ends().success(), "{}", terminal.seen());
    assert!(dir.path().join("keys/admins/mira.pub").is_file());
}
