//! What `generate` would do, before anybody is asked: which passwords are wanted, which files they end up in.
//!
//! Made from the fleet and from what lies in the repository, with no private key; pure but for those reads. It
//! is complete enough to be shown (`--dry-run`), and refuses whatever would fail later, so that nobody types a
//! password in vain.

use super::account::Present;
use super::question::{Origin, Question};
use super::request::{Request, Wanted};
use crate::error::{Error, Result};
use crate::fleet::{FileKind, Fleet, Format, HostName, Password, Placement, Platform, Policy, Readers};
use crate::fs::{RepoPath, Root};
use crate::keys::Class;
use crate::sops::Stores;

/// What is to be made, and what should be known about it.
#[derive(Debug)]
pub struct Draft {
    pub(super) items: Vec<Item>,
    pub(super) notes: Vec<Note>,
}

/// One password with its files.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) question: Question,
    /// The hosts that are to know it.
    pub(super) hosts: Vec<HostName>,
    pub(super) format: Format,
    pub(super) account: Target,
    pub(super) handover: Handover,
    /// How its files are laid out.
    pub(super) stores: Stores,
}

/// A file to be written.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) path: RepoPath,
    pub(super) readers: Readers,
    /// What lies there now.
    pub(super) before: Option<Vec<u8>>,
    /// What can be seen of it.
    pub(super) present: Option<Present>,
}

/// What becomes of the handover file.
#[derive(Debug)]
pub(super) enum Handover {
    /// There is none, and none is wanted.
    None,
    /// It is written.
    Write(Target),
    /// One waits with a password that will no longer be true.
    Remove(RepoPath, Vec<u8>),
}

/// Something to be known that changes nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Note {
    /// The password is there already.
    Present {
        /// The account file.
        path: RepoPath,
        /// Whether the user was named in the request.
        named: bool,
    },
    /// The account file holds the password in another form than `uvars.yaml` says.
    OtherForm {
        /// The account file.
        path: RepoPath,
        /// The form that is wanted.
        wanted: Format,
    },
    /// Somebody who should read the file has no key yet, and is left out.
    LeftOut {
        /// The file.
        path: RepoPath,
        /// Who, and where it is said.
        who: String,
    },
    /// Hashes mean nothing on this host, which gets no file.
    Darwin {
        /// The login.
        user: String,
        /// The host.
        host: HostName,
    },
    /// The user has no password in `uvars.yaml`, or no host where it would count.
    Nothing {
        /// The login.
        user: String,
        /// Why.
        why: &'static str,
    },
    /// A file of the user that nobody uses since `share` was changed.
    Unused {
        /// The account file.
        path: RepoPath,
    },
}

impl Draft {
    /// Looks at the fleet and the repository.
    ///
    /// # Errors
    ///
    /// An unknown name; a file that would have no reader; a user without a key who would be handed a password;
    /// a file that cannot be replaced without losing something.
    pub fn new(root: &Root, fleet: &Fleet, request: &Request) -> Result<Self> {
        let wanted = request.resolve(fleet.inventory())?;
        let mut draft = Self { items: Vec::new(), notes: Vec::new() };
        for wanted in &wanted {
            Survey { root, fleet, request, wanted }.add_to(&mut draft)?;
        }
        Ok(draft)
    }

    /// The passwords that are wanted, in the order in which they are asked.
    pub fn questions(&self) -> Vec<Question> {
        self.items.iter().map(|item| item.question.clone()).collect()
    }

    /// What should be known.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Whether another look at the fleet and the repository came to the same: nothing has changed while
    /// somebody was asked.
    pub fn is_still(&self, now: &Self) -> bool {
        let recipients = |draft: &Self| -> Vec<String> {
            let targets = draft.items.iter().flat_map(Item::targets);
            targets.flat_map(|target| target.readers.recipients()).map(ToString::to_string).collect()
        };
        self.questions() == now.questions()
            && self.files() == now.files()
            && recipients(self) == recipients(now)
    }

    /// Whether nothing has to be made.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl Item {
    /// The files that are written.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Target> {
        let handover = if let Handover::Write(target) = &self.handover { Some(target) } else { None };
        std::iter::once(&self.account).chain(handover)
    }
}

/// One user, looked at.
struct Survey<'a> {
    root: &'a Root,
    fleet: &'a Fleet,
    request: &'a Request,
    wanted: &'a Wanted<'a>,
}

impl Survey<'_> {
    fn add_to(&self, draft: &mut Draft) -> Result<()> {
        let user = self.wanted.user;
        let Some(password) = user.password else {
            self.nothing(draft, "password: false in uvars.yaml");
            return Ok(());
        };
        let (useful, useless): (Vec<_>, Vec<_>) = self
            .fleet
            .inventory()
            .placements(user)
            .filter(|place| self.wanted.host.is_none_or(|host| *host == place.host.name))
            .partition(Placement::needs_account_file);
        for place in useless.iter().filter(|place| self.wanted.named && is_hashed_darwin(place)) {
            draft.notes.push(Note::Darwin { user: user.name.to_string(), host: place.host.name.clone() });
        }
        if useful.is_empty() {
            self.nothing(draft, "no host of theirs would know it");
            return Ok(());
        }
        if password.share {
            self.add(draft, password, None, &useful)
        } else {
            useful.iter().try_for_each(|place| {
                self.add(draft, password, Some(&place.host.name), std::slice::from_ref(place))
            })
        }?;
        self.note_unused(draft, password)
    }

    fn nothing(&self, draft: &mut Draft, why: &'static str) {
        if self.wanted.named {
            draft.notes.push(Note::Nothing { user: self.wanted.user.name.to_string(), why });
        }
    }

    /// One account file: nothing to do if it is there, else an item.
    fn add(
        &self,
        draft: &mut Draft,
        password: Password,
        host: Option<&HostName>,
        places: &[Placement<'_>],
    ) -> Result<()> {
        let user = &self.wanted.user.name;
        let path = RepoPath::new(&FileKind::Account(user.clone(), host.cloned()).path())?;
        let before = self.root.read(&path)?;
        let present = before.as_deref().map(|bytes| Present::read(&path, bytes)).transpose()?;
        if let Some(present) = present.as_ref().filter(|_| !self.request.regenerate) {
            let form_is_right = present.form == Some(password.format);
            draft.notes.push(if form_is_right {
                Note::Present { path, named: self.wanted.named }
            } else {
                Note::OtherForm { path, wanted: password.format }
            });
            return Ok(());
        }
        if let Some(present) = &present {
            present.check_replaceable(&path)?;
        }
        let origin = if password.prompt && !self.request.random { Origin::Person } else { Origin::Words };
        let readers = self.fleet.must_have_readers(&path)?;
        draft.notes.extend(
            readers.left_out.iter().map(|out| Note::LeftOut { path: path.clone(), who: out.to_string() }),
        );
        let handover = self.handover(host, password.keep || origin == Origin::Words)?;
        draft.items.push(Item {
            question: Question { user: user.clone(), host: host.cloned(), origin },
            hosts: places.iter().map(|place| place.host.name.clone()).collect(),
            format: password.format,
            account: Target { path, readers, before, present },
            handover,
            stores: self.fleet.stores(),
        });
        Ok(())
    }
}

impl Survey<'_> {
    /// The owner's copy: written where nobody else knows the password, and taken away where it would be wrong.
    fn handover(&self, host: Option<&HostName>, wanted: bool) -> Result<Handover> {
        let user = self.wanted.user;
        let item = host.map_or_else(|| "password".to_owned(), |host| format!("password@{host}"));
        let path = RepoPath::new(&FileKind::Handover(user.name.clone(), item).path())?;
        let before = self.root.read(&path)?;
        if !wanted {
            return Ok(before.map_or(Handover::None, |before| Handover::Remove(path, before)));
        }
        let readers = self
            .fleet
            .readers(&path)
            .filter(|readers| readers.readers.iter().any(|reader| reader.principal.class == Class::Users))
            .ok_or_else(|| self.no_key())?;
        let present = before.as_deref().map(|bytes| Present::read(&path, bytes)).transpose()?;
        if let Some(present) = &present {
            present.check_replaceable(&path)?;
        }
        Ok(Handover::Write(Target { path, readers, before, present }))
    }

    fn no_key(&self) -> Error {
        let user = self.wanted.user;
        Error::new(format!("{} has no key, so that a password could not be handed over to them", user.name))
            .hint(format!("uvars key add {} FILE", self.fleet.principal(user)))
    }

    /// Files of the other kind of placement, left from before `share` was changed.
    fn note_unused(&self, draft: &mut Draft, password: Password) -> Result<()> {
        let user = &self.wanted.user.name;
        let kinds: Vec<FileKind> = if password.share {
            let places = self.fleet.inventory().placements(self.wanted.user);
            places.map(|place| FileKind::Account(user.clone(), Some(place.host.name.clone()))).collect()
        } else {
            vec![FileKind::Account(user.clone(), None)]
        };
        for kind in kinds {
            let path = RepoPath::new(&kind.path())?;
            if self.root.read(&path)?.is_some() {
                draft.notes.push(Note::Unused { path });
            }
        }
        Ok(())
    }
}

/// Whether this host gets no file because it could not use a hash.
fn is_hashed_darwin(place: &Placement<'_>) -> bool {
    place.host.platform == Platform::Darwin
        && place.policy() != Policy::Absent
        && place.password().is_some_and(|password| password.format == Format::Hash)
}
