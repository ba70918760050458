//! The files that `generate` writes, and who gains or loses the reading of each.
//!
//! [`Draft::files`] tells it before anybody is asked; [`Draft::fill`] makes the transaction when all passwords
//! are there. Nothing is written here.

use super::account::{Content, Form, Present};
use super::draft::{Draft, Handover, Item, Target};
use super::question::Origin;
use super::words;
use crate::error::{Error, Result};
use crate::fleet::{self, Format, HostName};
use crate::fs::{RepoPath, Transaction};
use crate::keys::{MasterKey, Recipient, Wrap};
use crate::password::{self, Method};
use crate::secret::Secret;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::time::SystemTime;

/// What becomes of one file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct File {
    /// Which.
    pub path: RepoPath,
    /// What is done.
    pub action: Action,
    /// Why.
    pub why: String,
    /// Who can read it afterwards, or could until now.
    pub readers: Vec<Reader>,
}

/// What is done with a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// It is new.
    Create,
    /// It is written anew, with a new data key.
    Replace,
    /// It goes.
    Remove,
}

/// Somebody who reads a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reader {
    /// `hosts/cinnabar`; a recipient that belongs to nobody here is shown itself.
    pub name: String,
    /// What changes for them.
    pub change: Access,
    /// Where the registry or inventory says so.
    pub why: String,
}

/// What changes for a reader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Could not read it, or it was not there.
    Gained,
    /// Could read the old one too.
    Kept,
    /// Could read the old one.
    Lost,
}

impl Draft {
    /// Every file that would be written or removed.
    pub fn files(&self) -> Vec<File> {
        self.items.iter().flat_map(Item::files).collect()
    }

    /// Whether all readers can be encrypted for, as far as that can be told without doing it.
    ///
    /// # Errors
    ///
    /// One cannot; it names the file.
    pub fn check_readers(&self, wrap: &dyn Wrap) -> Result<()> {
        self.items.iter().flat_map(Item::targets).try_for_each(|target| {
            let mut recipients = target.readers.recipients().into_iter();
            recipients
                .try_for_each(|recipient| wrap.check(&MasterKey::age(recipient.as_str())))
                .map_err(|error| error.at(&target.path))
        })
    }

    /// Makes the files of these passwords, one for each question in their order; words are drawn for those that
    /// nobody was asked for. The transaction commits only if the files still are what the draft saw.
    ///
    /// # Errors
    ///
    /// A password that cannot be hashed or encrypted; a reader whose key cannot be encrypted for.
    pub fn fill(
        &self,
        passwords: Vec<Secret>,
        method: Method,
        now: SystemTime,
        wrap: &dyn Wrap,
    ) -> Result<Transaction> {
        if passwords.len() != self.items.len() {
            return Err(Error::new("not every password is there"));
        }
        let pairs: Vec<(&Item, Secret)> = self.items.iter().zip(passwords).collect();
        let made: Vec<_> = pairs
            .into_par_iter()
            .map(|(item, password)| item.seal(password, method, now, wrap))
            .collect::<Result<_>>()?;
        let mut transaction = Transaction::new();
        for (item, sealed) in self.items.iter().zip(made) {
            item.add_to(&mut transaction, sealed);
        }
        Ok(transaction)
    }
}

/// The bytes of an item's files.
struct Sealed {
    account: Vec<u8>,
    handover: Option<Vec<u8>>,
}

impl Item {
    fn seal(&self, password: Secret, method: Method, now: SystemTime, wrap: &dyn Wrap) -> Result<Sealed> {
        let pair = words::pair()?;
        let content = |form: Form| Content {
            user: &self.question.user,
            host: self.question.host.as_ref(),
            password: form,
            pair: &pair,
            now,
            stores: self.stores,
        };
        let form = match self.format {
            Format::Hash => Form::Hash(password::hash(&password, &method)?),
            Format::Plaintext => Form::Plain(password.clone()),
        };
        let account = content(form).seal(&self.account.path, &self.account.recipients(), wrap)?;
        let handover = match &self.handover {
            Handover::Write(target) => {
                Some(content(Form::Plain(password)).seal(&target.path, &target.recipients(), wrap)?)
            }
            Handover::None | Handover::Remove(..) => None,
        };
        Ok(Sealed { account, handover })
    }

    fn add_to(&self, transaction: &mut Transaction, sealed: Sealed) {
        self.account.add_to(transaction, sealed.account);
        match (&self.handover, sealed.handover) {
            (Handover::Write(target), Some(bytes)) => target.add_to(transaction, bytes),
            (Handover::Remove(path, before), _) => {
                transaction.expect(path.clone(), Some(before));
                transaction.remove(path.clone());
            }
            _ => {}
        }
    }

    fn files(&self) -> Vec<File> {
        let source = match self.question.origin {
            Origin::Person => "given by a person",
            Origin::Words => "six random words",
        };
        let form = match self.format {
            Format::Hash => "the hash of",
            Format::Plaintext => "the plaintext of",
        };
        let hosts: Vec<&str> = self.hosts.iter().map(HostName::as_str).collect();
        let hosts = hosts.join(", ");
        let why = format!("{form} the password of {}, {source}, for {hosts}", self.question.user);
        let mut files = vec![self.account.file(why)];
        match &self.handover {
            Handover::None => {}
            Handover::Write(target) => {
                let waiting =
                    if target.before.is_some() { "; replaces one that was not received yet" } else { "" };
                let why = format!("the password itself, for {} to receive{waiting}", self.question.user);
                files.push(target.file(why));
            }
            Handover::Remove(path, _) => files.push(File {
                path: path.clone(),
                action: Action::Remove,
                why: "the password that waits here will no longer be the right one".to_owned(),
                readers: Vec::new(),
            }),
        }
        files
    }
}

impl Target {
    fn recipients(&self) -> Vec<Recipient> {
        self.readers.recipients().into_iter().cloned().collect()
    }

    fn add_to(&self, transaction: &mut Transaction, bytes: Vec<u8>) {
        transaction.expect(self.path.clone(), self.before.as_deref());
        transaction.write(self.path.clone(), bytes);
    }

    fn file(&self, why: String) -> File {
        let action = if self.before.is_some() { Action::Replace } else { Action::Create };
        File { path: self.path.clone(), action, why, readers: self.changes() }
    }

    fn changes(&self) -> Vec<Reader> {
        let before = self.present.as_ref().map_or(&[][..], Present::readers);
        let mut readers: Vec<Reader> =
            self.readers.readers.iter().map(|reader| known(reader, before)).collect();
        let recipients = self.readers.recipients();
        let stays = |old: &str| recipients.iter().any(|recipient| recipient.as_str() == old);
        readers.extend(before.iter().filter(|old| !stays(old)).map(|old| Reader {
            name: Recipient::shown(old).to_owned(),
            change: Access::Lost,
            why: "keys/ and uvars.yaml no longer name it".to_owned(),
        }));
        readers
    }
}

/// One reader of the new file. Whoever has a key that the old one did not have gains.
fn known(reader: &fleet::Reader, before: &[String]) -> Reader {
    let could = |key: &fleet::ReaderKey| before.iter().any(|old| old == key.recipient.as_str());
    Reader {
        name: reader.principal.to_string(),
        change: if reader.keys.iter().all(could) { Access::Kept } else { Access::Gained },
        why: reader.reasons.first().map(ToString::to_string).unwrap_or_default(),
    }
}
