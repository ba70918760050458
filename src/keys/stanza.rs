//! A conversation with an age plugin: stanzas back and forth over its pipes, until it is done.

use super::programs::Programs;
use crate::secret::Secret;
use age_core::format::Stanza;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout};
use zeroize::{Zeroize as _, Zeroizing};

/// A line that is longer is not one of the protocol's.
const LONGEST: u64 = 64 * 1024;

/// A running plugin. It is ended when this is dropped.
pub(super) struct Conversation<'a> {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    programs: &'a Programs,
    /// What the plugin called an error; the last one counts.
    error: Option<String>,
    done: bool,
}

impl<'a> Conversation<'a> {
    /// Starts the plugin with one of its two state machines.
    pub(super) fn start(program: &Path, machine: &str, programs: &'a Programs) -> io::Result<Self> {
        let mut child =
            programs.command(program).arg(format!("--age-plugin={machine}")).current_dir("/").spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = output.ok_or_else(|| io::Error::other("the plugin has no output"))?;
        Ok(Self { child, input, output: BufReader::new(output), programs, error: None, done: false })
    }

    /// Sends a stanza.
    pub(super) fn say(&mut self, tag: &str, arguments: &[&str], body: &[u8]) -> io::Result<()> {
        let body = Zeroizing::new(STANDARD_NO_PAD.encode(body));
        // room for all of it: a text that grows leaves copies behind
        let words: usize = arguments.iter().map(|argument| argument.len() + 1).sum();
        let room = tag.len() + words + body.len() + body.len() / 64 + 8;
        let mut text = Zeroizing::new(String::with_capacity(room));
        text.push_str("-> ");
        text.push_str(tag);
        for argument in arguments {
            text.push(' ');
            text.push_str(argument);
        }
        text.push('\n');
        let mut rest = body.as_str();
        while let Some((line, behind)) = rest.split_at_checked(64) {
            text.push_str(line);
            text.push('\n');
            rest = behind;
        }
        text.push_str(rest);
        text.push('\n');
        let input = self.input.as_mut().ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?;
        input.write_all(text.as_bytes())?;
        input.flush()
    }

    /// Says that everything is said, and hears the plugin until it has done so too. `take` gets what is not of
    /// the protocol itself: true is answered by ok, false by fail, nothing by unsupported.
    pub(super) fn listen(&mut self, take: impl FnMut(&mut Stanza) -> Option<bool>) -> io::Result<()> {
        let ended = self.listen_to_the_end(take);
        // some plugins end at once behind an error, which says more than that they did
        self.error.take().map_or(ended, |error| Err(io::Error::other(public_words(&error))))
    }

    fn listen_to_the_end(&mut self, mut take: impl FnMut(&mut Stanza) -> Option<bool>) -> io::Result<()> {
        self.say("done", &[], &[])?;
        loop {
            let mut stanza = self.hear()?;
            match stanza.tag.as_str() {
                "done" => {
                    self.done = true;
                    return Ok(());
                }
                "error" => {
                    self.error = Some(String::from_utf8_lossy(&stanza.body).into_owned());
                    self.say("ok", &[], &[])?;
                }
                "msg" | "confirm" | "request-public" | "request-secret" => self.answer(&stanza)?,
                _ => match take(&mut stanza) {
                    Some(true) => self.say("ok", &[], &[])?,
                    Some(false) => self.say("fail", &[], &[])?,
                    None => self.say("unsupported", &[], &[])?,
                },
            }
            stanza.body.zeroize();
        }
    }

    /// Passes a question of the plugin on.
    fn answer(&mut self, stanza: &Stanza) -> io::Result<()> {
        let Some(ask) = self.programs.ask.clone() else { return self.say("fail", &[], &[]) };
        let text = String::from_utf8_lossy(&stanza.body);
        let answer = match stanza.tag.as_str() {
            "msg" => {
                ask.message(&text);
                Some((None, Secret::default()))
            }
            "confirm" => {
                let mut choices = stanza.args.iter().filter_map(decoded);
                let (yes, no) = (choices.next().unwrap_or_default(), choices.next());
                let chosen = ask.confirm(&text, &yes, no.as_deref());
                chosen.map(|yes| (Some(if yes { "yes" } else { "no" }), Secret::default()))
            }
            "request-public" => ask.line(&text).map(|line| (None, Secret::from(line))),
            _ => ask.passphrase(&text).map(|secret| (None, secret)),
        };
        match answer {
            Some((word, body)) => self.say("ok", &word.into_iter().collect::<Vec<_>>(), body.expose()),
            None => self.say("fail", &[], &[]),
        }
    }

    /// Reads a stanza: a line of words, and base64 up to a line that is not full.
    fn hear(&mut self) -> io::Result<Stanza> {
        let head = self.line()?;
        let mut words = head.strip_prefix("-> ").ok_or_else(strange)?.split(' ').map(str::to_owned);
        let tag = words.next().ok_or_else(strange)?;
        let args = words.collect();
        let mut base64 = Zeroizing::new(String::new());
        loop {
            let line = self.line()?;
            base64.push_str(&line);
            if base64.len() as u64 > LONGEST {
                return Err(strange());
            }
            if line.len() < 64 {
                break;
            }
        }
        let body = STANDARD_NO_PAD.decode(base64.as_bytes()).map_err(|_| strange())?;
        Ok(Stanza { tag, args, body })
    }

    fn line(&mut self) -> io::Result<Zeroizing<String>> {
        let mut line = Zeroizing::new(String::new());
        (&mut self.output).take(LONGEST).read_line(&mut line)?;
        match line.pop() {
            Some('\n') => Ok(line),
            _ => Err(io::Error::other("the plugin ended before it was done")),
        }
    }
}

impl Drop for Conversation<'_> {
    fn drop(&mut self) {
        self.input = None;
        // a plugin that has said done ends by itself, and may have a device to let go of first
        let patience = if self.done { 100 } else { 0 };
        for _ in 0..patience {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn decoded(base64: &String) -> Option<String> {
    STANDARD_NO_PAD.decode(base64).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn strange() -> io::Error {
    io::Error::other("the plugin does not speak the protocol of age plugins")
}

/// A plugin's words, unless they quote an identity.
fn public_words(words: &str) -> String {
    if super::private::refuse(words).is_some() {
        return "the plugin failed, and its message holds a private key".to_owned();
    }
    let words: String = words.chars().filter(|c| !c.is_control()).take(300).collect();
    format!("the plugin says: {words}")
}
