//! The private keys at hand, and which of them opens what: cheapest first, nothing read that is not needed.

use super::identity::{Cost, Identity, is_ssh_text};
use super::programs::Programs;
use super::recipient::{KeyKind, Recipient};
use super::sources::{self, Found, IdentitySources, Place};
use super::{envelope, ssh};
use crate::error::{Error, Result};
use crate::secret::Secret;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A data key wrapped for one recipient, as a sops file has it.
#[derive(Clone, Copy, Debug)]
pub struct Wrapped<'a> {
    /// The file's `recipient`. It is not authenticated: it only says which key to try first.
    pub recipient: &'a str,
    /// The file's `enc`: an armored age file.
    pub enc: &'a str,
}

/// The private keys at hand. Places are read when they are needed, once, and threads may share it.
pub struct Keyring {
    sources: IdentitySources,
    places: Vec<Place>,
    /// What commands printed, by command and the recipient it was asked for.
    outputs: Mutex<BTreeMap<(&'static str, String), Arc<Place>>>,
}

impl Keyring {
    /// Looks nowhere yet.
    pub fn new(sources: IdentitySources) -> Self {
        Self { places: sources.places(), sources, outputs: Mutex::default() }
    }

    /// Opens the first of these that any key fits, the cheapest key first.
    ///
    /// # Errors
    ///
    /// [`Kind::NoKey`](crate::error::Kind::NoKey) where no key fits: its hints name the readers, and every place
    /// that was looked at with what was found there. A plain failure where a key fits and the text is damaged.
    pub fn unwrap(&self, wrapped: &[Wrapped<'_>]) -> Result<Secret> {
        self.unwrap_named(wrapped, &|_| None)
    }

    /// The same; `name` gives the readers in the error their names: `age1…` is `users/jon`.
    pub fn unwrap_named(
        &self,
        wrapped: &[Wrapped<'_>],
        name: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Secret> {
        let search =
            Search { keyring: self, wrapped, damaged: RefCell::default(), notes: RefCell::default() };
        if let Some(secret) = search.run() {
            return Ok(secret);
        }
        let notes = search.notes.take();
        let error = search.damaged.take().unwrap_or_else(|| self.no_key(wrapped, name));
        Err(notes.into_iter().fold(error, Error::hint))
    }

    /// The public halves of the keys at hand, as far as they are known without a passphrase or a plugin.
    pub fn recipients(&self) -> Vec<Recipient> {
        let mut found = Vec::new();
        let mut add = |place: &Place| {
            found.extend(place.identities(self.programs()).iter().filter_map(Identity::recipient));
            if let Found::ProtectedSsh(_, public) = place.found(self.programs()) {
                found.extend(public.clone());
            }
        };
        self.places.iter().for_each(&mut add);
        self.outputs(None).iter().for_each(|place| add(place));
        let mut seen = BTreeSet::new();
        found.retain(|recipient| seen.insert(recipient.clone()));
        found
    }

    /// Where keys lie that one of these readers is, by the names that hints have.
    pub(crate) fn places_of(&self, recipients: &[&str]) -> Vec<String> {
        let has = |place: &Place| {
            let mut identities = place.identities(self.programs()).iter();
            identities.any(|identity| recipients.iter().any(|recipient| identity.fits(recipient)))
        };
        let outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.places.iter().chain(outputs.values().map(Arc::as_ref));
        all.filter(|place| has(place)).map(|place| place.label().to_owned()).collect()
    }

    fn programs(&self) -> &Programs {
        &self.sources.programs
    }

    /// What the commands print, for this recipient.
    fn outputs(&self, recipient: Option<&str>) -> Vec<Arc<Place>> {
        let commands = [
            ("SOPS_AGE_SSH_PRIVATE_KEY_CMD", self.sources.ssh_key_command.as_deref(), None),
            ("SOPS_AGE_KEY_CMD", self.sources.key_command.as_deref(), recipient),
        ];
        let mut known = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for (name, line, recipient) in commands {
            let Some(line) = line else { continue };
            // what a file names may be anything: a command is told of recipients alone
            let recipient = recipient.filter(|text| Recipient::parse(text).is_ok());
            let asked = (name, recipient.unwrap_or_default().to_owned());
            if let Some(place) = known.get(&asked) {
                found.push(Arc::clone(place));
                continue;
            }
            let place = match sources::run(line, recipient, self.programs()) {
                Ok(output) => {
                    // most commands print the same keys whomever they are for
                    let same = known.values().find(|place| place.label() == name && place.printed(&output));
                    let same = same.map(Arc::clone);
                    same.unwrap_or_else(|| Arc::new(Place::output(name.to_owned(), output)))
                }
                Err(error) => Arc::new(Place::failed(name.to_owned(), &error)),
            };
            known.insert(asked, Arc::clone(&place));
            found.push(place);
        }
        found
    }

    fn no_key(&self, wrapped: &[Wrapped<'_>], name: &dyn Fn(&str) -> Option<String>) -> Error {
        if wrapped.is_empty() {
            return Error::no_key("nobody can read this: it has no age recipient");
        }
        let mut readers: Vec<_> = wrapped.iter().map(|entry| reader(entry.recipient, name)).collect();
        let mut seen = BTreeSet::new();
        readers.retain(|reader| seen.insert(reader.clone()));
        let mut error = Error::no_key("none of the keys at hand opens this");
        error = error.hint(format!("it can be read by {}", readers.join(", ")));
        for place in &self.places {
            error = error.hint(format!("looked in {}: {}", place.label(), place.finding(self.programs())));
        }
        let outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut said = Vec::new();
        for place in outputs.values() {
            let line = format!("looked in {}: {}", place.label(), place.finding(self.programs()));
            if !said.contains(&line) {
                error = error.hint(line.clone());
                said.push(line);
            }
        }
        if let Some(note) = self.sources.no_home() {
            error = error.hint(note);
        }
        let unset = self.sources.unset();
        if !unset.is_empty() {
            error = error.hint(format!("not set: {}", unset.join(", ")));
        }
        error
    }
}

/// A reader as errors name it.
pub(crate) fn reader(recipient: &str, name: &dyn Fn(&str) -> Option<String>) -> String {
    match name(recipient) {
        Some(name) => format!("{name} ({})", short(recipient)),
        None => short(recipient),
    }
}

/// An ssh key by its type, end and comment, a hybrid one by its end: whole, they fill the screen. What is no recipient
/// is not shown: it may be anything, a private key too.
fn short(text: &str) -> String {
    let Ok(recipient) = Recipient::parse(text) else { return "a text that is no recipient".to_owned() };
    match (ssh::split(text), recipient.kind()) {
        (Some(line), KeyKind::SshEd25519 | KeyKind::SshRsa) => {
            let start = line.base64.len().saturating_sub(12);
            format!("{} …{} {}", line.kind, line.base64.get(start..).unwrap_or_default(), line.comment)
        }
        _ => recipient.on_screen().into_owned(),
    }
    .trim_end()
    .to_owned()
}

impl fmt::Debug for Keyring {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Keyring").field("sources", &self.sources).finish_non_exhaustive()
    }
}

/// One search for a key that opens one of several wrapped data keys.
struct Search<'a> {
    keyring: &'a Keyring,
    wrapped: &'a [Wrapped<'a>],
    /// The first damage that a fitting key met.
    damaged: RefCell<Option<Error>>,
    /// What else to tell when nothing opens.
    notes: RefCell<BTreeSet<String>>,
}

impl Search<'_> {
    /// From the cheapest to the dearest: the curve by the recipient's text, RSA, the curve on everything, commands,
    /// plugins, passphrases.
    fn run(&self) -> Option<Secret> {
        let places = || self.keyring.places.iter();
        places()
            .find_map(|place| self.fitting(self.identities(place), Cost::Curve))
            .or_else(|| places().find_map(|place| self.fitting(self.identities(place), Cost::Rsa)))
            .or_else(|| places().find_map(|place| self.every(self.identities(place))))
            .or_else(|| self.commands())
            .or_else(|| places().find_map(|place| self.fitting(self.identities(place), Cost::Program)))
            .or_else(|| places().find_map(|place| self.plugins(self.identities(place))))
            .or_else(|| self.passphrases())
    }

    fn identities<'p>(&self, place: &'p Place) -> &'p [Identity] {
        place.identities(self.keyring.programs())
    }

    /// The keys of this cost whose public half a recipient's text is.
    fn fitting(&self, identities: &[Identity], cost: Cost) -> Option<Secret> {
        identities.iter().filter(|identity| identity.cost() == cost).find_map(|identity| {
            self.wrapped
                .iter()
                .filter(|entry| identity.fits(entry.recipient))
                .find_map(|entry| self.open(entry, identity))
        })
    }

    /// Every key of the curve on everything, since the recipient's text proves nothing.
    fn every(&self, identities: &[Identity]) -> Option<Secret> {
        identities.iter().filter(|identity| identity.cost() == Cost::Curve).find_map(|identity| {
            self.wrapped
                .iter()
                .filter(|entry| !identity.fits(entry.recipient))
                .find_map(|entry| self.open(entry, identity))
        })
    }

    /// Plugins on what is not theirs by name: one may hold keys of any type.
    fn plugins(&self, identities: &[Identity]) -> Option<Secret> {
        identities.iter().filter(|identity| identity.cost() == Cost::Program).find_map(|identity| {
            self.wrapped
                .iter()
                .filter(|entry| !identity.fits(entry.recipient))
                .find_map(|entry| self.open(entry, identity))
        })
    }

    fn commands(&self) -> Option<Secret> {
        let mut tried: Vec<Arc<Place>> = Vec::new();
        self.wrapped.iter().find_map(|entry| {
            let places = self.keyring.outputs(Some(entry.recipient));
            places.into_iter().find_map(|place| {
                // every key is tried on everything the first time
                if tried.iter().any(|known| Arc::ptr_eq(known, &place)) {
                    return None;
                }
                let opened = self.all(self.identities(&place));
                tried.push(place);
                opened
            })
        })
    }

    /// Keys behind passphrases: first those whose public half is a reader, then files that may hold anything.
    fn passphrases(&self) -> Option<Secret> {
        let programs = self.keyring.programs();
        let outputs: Vec<_> =
            self.wrapped.iter().flat_map(|entry| self.keyring.outputs(Some(entry.recipient))).collect();
        let places = || self.keyring.places.iter().chain(outputs.iter().map(Arc::as_ref));
        places()
            .filter(|place| matches!(place.found(programs), Found::ProtectedSsh(_, Some(public)) if self.reads(public)))
            .find_map(|place| self.all(place.unlock(programs)))
            .or_else(|| {
                places()
                    .filter(|place| matches!(place.found(programs), Found::ProtectedFile(_)))
                    .find_map(|place| self.all(place.unlock(programs)))
            })
    }

    /// Whether an ssh key is among the recipients, as itself or as ssh-to-age converts it.
    fn reads(&self, public: &Recipient) -> bool {
        let converted = public.converted();
        self.wrapped.iter().any(|entry| {
            is_ssh_text(entry.recipient, public)
                || converted.as_ref().is_some_and(|converted| converted.as_str() == entry.recipient)
        })
    }

    /// Keys that have just come in, in the order of what they cost.
    fn all(&self, identities: &[Identity]) -> Option<Secret> {
        [Cost::Curve, Cost::Rsa]
            .into_iter()
            .find_map(|cost| self.fitting(identities, cost))
            .or_else(|| self.every(identities))
            .or_else(|| self.fitting(identities, Cost::Program))
            .or_else(|| self.plugins(identities))
    }

    fn open(&self, entry: &Wrapped<'_>, identity: &Identity) -> Option<Secret> {
        let opened = envelope::open(entry.enc, identity.keys());
        if let Ok(Some(secret)) = opened {
            return Some(secret);
        }
        if identity.fits(entry.recipient) {
            match (opened, identity.cost()) {
                // a plugin's name fits more keys than its own
                (Ok(_), Cost::Program) => {}
                (Err(error), Cost::Program) => self.note(error.to_string()),
                (Ok(_), _) => {
                    let reader = short(entry.recipient);
                    self.note(format!("what stands for {reader} is encrypted to another key"));
                }
                (Err(error), _) => {
                    self.damaged.borrow_mut().get_or_insert_with(|| error.key(short(entry.recipient)));
                }
            }
        }
        None
    }

    fn note(&self, note: String) {
        self.notes.borrow_mut().insert(note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::generate;

    #[test]
    fn nothing_is_read_that_is_not_needed() {
        let dir = tempfile::tempdir().unwrap();
        let key = generate("now").unwrap();
        let other = generate("now").unwrap();
        let sources = IdentitySources {
            key_text: Some(key.text.clone()),
            key_file: Some(dir.path().join("file")),
            key_command: Some("touch".into()),
            home: Some(dir.path().to_owned()),
            config_dir: Some(dir.path().to_owned()),
            ..IdentitySources::default()
        };
        let keyring = Keyring::new(sources);
        let read = |keyring: &Keyring| keyring.places.iter().filter(|place| place.is_loaded()).count();
        let enc = key.recipient.wrap(&[7; 32]).unwrap();
        let fitting = Wrapped { recipient: key.recipient.as_str(), enc: &enc };
        let other_enc = other.recipient.wrap(&[8; 32]).unwrap();
        let foreign = Wrapped { recipient: other.recipient.as_str(), enc: &other_enc };
        assert_eq!(read(&keyring), 0);
        assert_eq!(keyring.unwrap(&[foreign, fitting]).unwrap().expose(), [7; 32]);
        assert_eq!(read(&keyring), 1);
        assert!(keyring.outputs.lock().unwrap().is_empty());
        keyring.unwrap(&[foreign]).unwrap_err();
        assert_eq!(read(&keyring), keyring.places.len());
        assert_eq!(keyring.outputs.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_command_is_told_of_recipients_and_what_it_prints_twice_is_looked_at_once() {
        let path = ("PATH".into(), "/usr/bin:/bin".into());
        let sources = IdentitySources {
            key_command: Some("printenv SOPS_AGE_RECIPIENT".into()),
            ssh_key_command: Some("echo '#'".into()),
            programs: Programs { environment: vec![path], ask: None },
            ..IdentitySources::default()
        };
        let [a, b] = [(); 2].map(|()| generate("now").unwrap().recipient);
        let output = |sources: &IdentitySources, number: usize| {
            let keyring = Keyring::new(sources.clone());
            move |recipient: &str| Arc::clone(&keyring.outputs(Some(recipient))[number])
        };
        let ssh = output(&sources, 0);
        assert!(Arc::ptr_eq(&ssh(a.as_str()), &ssh("age1../../x")));
        let told = output(&sources, 1);
        assert!(told(a.as_str()).printed(&Secret::from(format!("{a}\n"))));
        assert!(!Arc::ptr_eq(&told(a.as_str()), &told(b.as_str())));
        // printenv fails where there is no such variable
        assert!(matches!(told("age1../../x").found(&sources.programs), Found::Failed(_)));
        // and it is run once for all that are no recipients
        assert!(Arc::ptr_eq(&told("age1../../x"), &told("age1other")));
        let same = output(&IdentitySources { key_command: Some("echo '#'".into()), ..sources }, 1);
        assert!(Arc::ptr_eq(&same(a.as_str()), &same(b.as_str())));
    }

    #[test]
    fn threads_share_a_keyring() {
        let key = generate("now").unwrap();
        let sources = IdentitySources { key_text: Some(key.text.clone()), ..IdentitySources::default() };
        let keyring = Keyring::new(sources);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let enc = key.recipient.wrap(&[7; 32]).unwrap();
                    let wrapped = Wrapped { recipient: key.recipient.as_str(), enc: &enc };
                    assert_eq!(keyring.unwrap(&[wrapped]).unwrap().expose(), [7; 32]);
                });
            }
        });
    }

    #[test]
    fn debug_shows_names_of_places_only() {
        let key = generate("now").unwrap();
        let sources = IdentitySources {
            key_text: Some(key.text.clone()),
            key_command: Some("echo hunter2".into()),
            ..IdentitySources::default()
        };
        let keyring = Keyring::new(sources.clone());
        keyring.recipients();
        let shown = format!("{sources:?} {keyring:?}");
        assert!(shown.contains("SOPS_AGE_KEY") && !shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains("SECRET"), "{shown}");
        assert_eq!(keyring.recipients(), [key.recipient]);
    }

    #[test]
    fn long_ssh_keys_are_shortened_for_people() {
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBI1+Q+ntzANebtnicCiAY29uqLGWOaOGLEa8bUqOVmS";
        assert_eq!(short(&format!("{line} jon@x")), "ssh-ed25519 …GLEa8bUqOVmS jon@x");
        assert_eq!(short(line), "ssh-ed25519 …GLEa8bUqOVmS");
        assert_eq!(short("hunter2"), "a text that is no recipient");
    }
}
