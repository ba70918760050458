//! Keys that a program of their own wraps and opens: `age1NAME1…`, `AGE-PLUGIN-NAME-1…` and `age-plugin-NAME`.
//!
//! The protocol is spoken here and not by the age crate, which would hand its own whole environment to the
//! program and print file keys when a variable says so.

use super::encoding::{Malformed, decode};
use super::programs::Programs;
use super::stanza::Conversation;
use crate::error::{Error, Result};
use crate::secret::Secret;
use age::{DecryptError, EncryptError};
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whether the text is a plugin's recipient by its shape: `age1` and one more `1` at least.
pub(super) fn is_recipient(text: &str) -> bool {
    recipient_name(text).is_some()
}

/// The plugin's name in `age1NAME1…`.
pub(super) fn recipient_name(text: &str) -> Option<&str> {
    // the characters behind the last 1 never are a 1
    text.strip_prefix("age1")?.rsplit_once('1').map(|(name, _)| name)
}

/// Checks the checksum, and that the name can be a program's.
pub(super) fn check_recipient(text: &str) -> Result<(), Malformed> {
    decode(text)?;
    recipient_name(text).filter(|name| is_name(name)).map(|_| ()).ok_or(BAD_NAME)
}

const BAD_NAME: Malformed = Malformed("the plugin's name has other characters than letters, digits and +-._");

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
}

/// A plugin's identity. Its text may be as secret as a private key.
pub(super) struct Identity {
    name: String,
    text: Secret,
    programs: Programs,
}

impl Identity {
    /// Reads `AGE-PLUGIN-NAME-1…`.
    pub(super) fn parse(text: &str, programs: &Programs) -> Result<Self, Malformed> {
        if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(Malformed("an age identity is written in upper case"));
        }
        let (hrp, _) = decode(text)?;
        let hrp = hrp.to_ascii_lowercase();
        let name = hrp.strip_prefix("age-plugin-").and_then(|rest| rest.strip_suffix('-'));
        let name = name.filter(|name| is_name(name)).ok_or(BAD_NAME)?;
        Ok(Self { name: name.to_owned(), text: Secret::from(text), programs: programs.clone() })
    }

    /// The name behind `age-plugin-`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl age::Identity for Identity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        self.ask_plugin(stanzas).map_err(DecryptError::from).transpose()
    }
}

impl Identity {
    fn ask_plugin(&self, stanzas: &[Stanza]) -> io::Result<Option<FileKey>> {
        let program =
            program(&self.name, &self.programs).map_err(|error| io::Error::other(error.to_string()))?;
        let _turn = turn();
        let mut talk = Conversation::start(&program, "identity-v1", &self.programs)?;
        talk.say("add-identity", &[self.text.expose_str().unwrap_or_default()], &[])?;
        for stanza in stanzas {
            let arguments: Vec<_> =
                ["0", &stanza.tag].into_iter().chain(stanza.args.iter().map(String::as_str)).collect();
            talk.say("recipient-stanza", &arguments, &stanza.body)?;
        }
        let mut key = None;
        talk.listen(|stanza| {
            if stanza.tag == "file-key" && key.is_none() {
                key = file_key(&stanza.body);
                return Some(key.is_some());
            }
            None
        })?;
        Ok(key)
    }
}

fn file_key(bytes: &[u8]) -> Option<FileKey> {
    let bytes = <[u8; FILE_KEY_BYTES]>::try_from(bytes).ok()?;
    Some(FileKey::new(Box::new(bytes)))
}

/// A plugin's recipient with the program that wraps for it.
pub(super) struct Recipient<'a> {
    text: &'a str,
    program: PathBuf,
    programs: &'a Programs,
}

impl<'a> Recipient<'a> {
    /// Finds the program.
    pub(super) fn new(text: &'a str, programs: &'a Programs) -> Result<Self> {
        let program = program(recipient_name(text).unwrap_or_default(), programs)?;
        Ok(Self { text, program, programs })
    }

    fn ask_plugin(&self, file_key: &FileKey) -> io::Result<Vec<Stanza>> {
        let _turn = turn();
        let mut talk = Conversation::start(&self.program, "recipient-v1", self.programs)?;
        talk.say("add-recipient", &[self.text], &[])?;
        talk.say("wrap-file-key", &[], file_key.expose_secret())?;
        let mut stanzas = Vec::new();
        talk.listen(|stanza| {
            if stanza.tag != "recipient-stanza" {
                return None;
            }
            let mut arguments = std::mem::take(&mut stanza.args).into_iter().skip(1);
            let Some(tag) = arguments.next() else { return Some(false) };
            stanzas.push(Stanza { tag, args: arguments.collect(), body: std::mem::take(&mut stanza.body) });
            Some(true)
        })?;
        if stanzas.is_empty() {
            return Err(io::Error::other("the plugin wrapped nothing"));
        }
        Ok(stanzas)
    }
}

impl age::Recipient for Recipient<'_> {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        Ok((self.ask_plugin(file_key)?, HashSet::new()))
    }
}

/// Waits until no plugin runs. Many files are looked at in parallel, and a plugin may want a device that one program
/// can have, or a person, who gives one PIN at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn program(name: &str, programs: &Programs) -> Result<PathBuf> {
    let program = format!("age-plugin-{name}");
    programs.find(&program).ok_or_else(|| {
        Error::new(format!("this key needs the program {program}, which is not on PATH"))
            .hint(format!("install {program}, or use another key"))
    })
}
