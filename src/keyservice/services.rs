//! The key services at hand, and in which order they and the types of keys are tried.

use crate::error::{Error, Kind, Result};
use crate::keys::{KeyType, Keyring, MasterKey, Naming, Unwrap, Wrap, WrappedKey, of_age, reader};
use crate::keyservice::{KeyService, Local};
use crate::secret::Secret;

/// The local service first, then the others as they were given.
pub struct KeyServices {
    local: Option<Local>,
    remote: Vec<Box<dyn KeyService>>,
    order: Vec<KeyType>,
}

impl KeyServices {
    /// The local service alone.
    pub fn local(local: Local) -> Self {
        Self { local: Some(local), remote: Vec::new(), order: KeyType::FIRST.to_vec() }
    }

    /// No service at all.
    pub fn none() -> Self {
        Self { local: None, remote: Vec::new(), order: KeyType::FIRST.to_vec() }
    }

    /// One more service, behind the others.
    #[must_use]
    pub fn with(mut self, service: Box<dyn KeyService>) -> Self {
        self.remote.push(service);
        self
    }

    /// Other types first. Those that are not named follow in the order of the file.
    #[must_use]
    pub fn in_order(mut self, order: Vec<KeyType>) -> Self {
        self.order = order;
        self
    }

    /// The private keys at hand, unless the local service is left out.
    pub fn keyring(&self) -> Option<&Keyring> {
        self.local.as_ref().map(|local| &local.keyring)
    }

    /// Opens what was wrapped for a key, with the first service that can.
    ///
    /// # Errors
    ///
    /// None can; each says why.
    pub fn open(&self, key: &MasterKey, enc: &str) -> Result<Secret> {
        self.first(key, |service| service.decrypt(key, enc))
    }

    fn all(&self) -> impl Iterator<Item = &dyn KeyService> {
        let local = self.local.iter().map(|local| local as &dyn KeyService);
        local.chain(self.remote.iter().map(AsRef::as_ref))
    }

    /// What the first service gives that can; else why none can.
    fn first<T>(&self, key: &MasterKey, ask: impl Fn(&dyn KeyService) -> Result<T>) -> Result<T> {
        let mut failed: Option<Error> = None;
        let is_of_a_cloud = !matches!(key.kind(), KeyType::Age | KeyType::Pgp);
        for (at, service) in self.all().enumerate() {
            let is_local = at == 0 && self.local.is_some();
            if is_local && is_of_a_cloud && !self.remote.is_empty() {
                // that this machine has no such keys is no news: the others are there for them
                continue;
            }
            let error = match ask(service) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            failed = Some(match failed {
                None if is_local => error,
                None => Error::of(error.kind(), format!("{}: {}", service.name(), error.message())),
                Some(first) => first.hint(format!("{}: {}", service.name(), error.message())),
            });
        }
        Err(failed.unwrap_or_else(|| {
            Error::no_key(format!("no key service is left that could use {} {key}", key.kind()))
        }))
    }

    fn place(&self, kind: KeyType) -> usize {
        self.order.iter().position(|first| *first == kind).unwrap_or(self.order.len())
    }

    /// The age keys of a group: all at once by the keyring, which begins with the cheapest, then one by one by others.
    fn unwrap_age(&self, wrapped: &[WrappedKey<'_>], name: Naming<'_>) -> Result<Secret> {
        let mut failed = match &self.local {
            None => None,
            Some(local) => match local.keyring.unwrap_named(&of_age(wrapped), name) {
                Ok(opened) => return Ok(opened),
                Err(error) => Some(error),
            },
        };
        for service in &self.remote {
            let mut said = Vec::new();
            for entry in wrapped {
                match service.decrypt(entry.key, entry.enc) {
                    Ok(opened) => return Ok(opened),
                    Err(error) => said.push(error.message().to_owned()),
                }
            }
            said.dedup();
            let hint = format!("{}: {}", service.name(), said.join("; "));
            failed = Some(failed.unwrap_or_else(|| nobody(wrapped, name)).hint(hint));
        }
        Err(failed.unwrap_or_else(|| nobody(wrapped, name).hint("no key service is at hand")))
    }
}

impl Wrap for KeyServices {
    /// By the first service that can. Errors: none can; each says why.
    fn wrap(&self, key: &MasterKey, data_key: &[u8]) -> Result<String> {
        self.first(key, |service| service.encrypt(key, data_key))
    }

    /// What other services have is known when they are asked for it.
    fn check(&self, key: &MasterKey) -> Result<()> {
        match &self.local {
            Some(local) if self.remote.is_empty() => local.check(key),
            _ => Ok(()),
        }
    }
}

impl Unwrap for KeyServices {
    fn unwrap_first(&self, wrapped: &[WrappedKey<'_>], name: Naming<'_>) -> Result<Secret> {
        let mut sorted = wrapped.to_vec();
        // stable: inside of a type the file's order holds
        sorted.sort_by_key(|entry| self.place(entry.key.kind()));
        let mut failed: Vec<(KeyType, Error)> = Vec::new();
        for same in sorted.chunk_by(|one, next| one.key.kind() == next.key.kind()) {
            let Some(kind) = same.first().map(|entry| entry.key.kind()) else { continue };
            if kind == KeyType::Age {
                match self.unwrap_age(same, name) {
                    Ok(opened) => return Ok(opened),
                    Err(error) => failed.push((kind, error)),
                }
                continue;
            }
            for entry in same {
                match self.open(entry.key, entry.enc) {
                    Ok(opened) => return Ok(opened),
                    Err(error) => failed.push((kind, error)),
                }
            }
        }
        Err(told(wrapped, failed, name))
    }

    fn places_of(&self, recipients: &[&str]) -> Vec<String> {
        self.local.as_ref().map(|local| local.keyring.places_of(recipients)).unwrap_or_default()
    }
}

const READERS: &str = "it can be read by ";

fn nobody(wrapped: &[WrappedKey<'_>], name: Naming<'_>) -> Error {
    let readers: Vec<_> = wrapped.iter().map(|entry| shown(entry.key, name)).collect();
    Error::no_key("none of the keys at hand opens this").hint(format!("{READERS}{}", readers.join(", ")))
}

fn shown(key: &MasterKey, name: Naming<'_>) -> String {
    let text = match key {
        MasterKey::Age { recipient } => reader(recipient, name),
        other => format!("{} {other}", other.kind()),
    };
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// One error out of those of all types: the readers in one line, then what each said.
fn told(wrapped: &[WrappedKey<'_>], mut failed: Vec<(KeyType, Error)>, name: Naming<'_>) -> Error {
    if wrapped.is_empty() {
        return Error::no_key("nobody can read this: it names no key");
    }
    if failed.len() == 1
        && let Some((_, error)) = failed.pop_if(|(kind, _)| *kind == KeyType::Age)
    {
        return error;
    }
    // damage that a fitting key met says more than that another key was not there
    let damaged =
        failed.iter().position(|(kind, error)| *kind == KeyType::Age && error.kind() != Kind::NoKey);
    let main = match damaged {
        Some(at) => failed.swap_remove(at).1,
        None => nobody(wrapped, name),
    };
    failed.into_iter().fold(main, |main, (kind, error)| {
        let own = if kind == KeyType::Age { None } else { Some(error.message().to_owned()) };
        let hints = error.hints().iter().filter(|hint| !hint.starts_with(READERS)).cloned();
        own.into_iter()
            .chain(hints)
            .fold(main, |main, hint| if main.hints().contains(&hint) { main } else { main.hint(hint) })
    })
}

impl std::fmt::Debug for KeyServices {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.remote.iter().map(|service| service.name()).collect();
        let mut out = out.debug_struct("KeyServices");
        out.field("local", &self.local).field("remote", &names).field("order", &self.order).finish()
    }
}
