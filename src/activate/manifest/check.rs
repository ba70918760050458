//! What no single field of a manifest shows: two things in one place, files that are named and not listed, and
//! somebody else's values.

use super::super::names;
use super::{Manifest, Phase, Whose};
use crate::error::{Error, Result};
use crate::fs::RepoPath;
use std::collections::BTreeSet;

impl Manifest {
    /// Refuses what cannot be put in place as a whole.
    pub(super) fn check(&self) -> Result<()> {
        let mut paths = BTreeSet::new();
        for (at, file) in self.files.iter().enumerate() {
            if !paths.insert(&file.path) {
                return Err(Error::new(format!("{} is listed twice", file.path)).key(format!("files.{at}")));
            }
        }
        let listed = |path: &RepoPath, key: String| {
            if paths.contains(path) {
                return Ok(());
            }
            Err(Error::new(format!("{path} is not among the files of this manifest")).key(key))
        };
        for (at, account) in self.accounts.iter().enumerate() {
            account.from.iter().try_for_each(|path| listed(path, format!("accounts.{at}.from")))?;
        }
        for (at, install) in self.installs.iter().enumerate() {
            listed(&install.from, format!("installs.{at}.from"))?;
        }
        for (at, personal) in self.personal.iter().enumerate() {
            listed(&personal.from, format!("personal.{at}.from"))?;
        }
        self.check_person()?;
        self.check_places()
    }

    /// A person's manifest installs nothing for a host, nor anything for somebody else.
    fn check_person(&self) -> Result<()> {
        let Whose::User(name) = &self.of else { return Ok(()) };
        if !self.accounts.is_empty() || !self.installs.is_empty() {
            let field = if self.accounts.is_empty() { "installs" } else { "accounts" };
            return Err(Error::new("is for hosts, and this is the manifest of a person").key(field));
        }
        match self.personal.iter().position(|personal| personal.user != *name) {
            None => Ok(()),
            Some(at) => Err(Error::new(format!("must be {name}, whose manifest this is"))
                .key(format!("personal.{at}.user"))),
        }
    }

    /// No two things may land in one place, nor one below another.
    fn check_places(&self) -> Result<()> {
        let mut users = names::Places::default();
        let mut services = names::Places::default();
        for (at, account) in self.accounts.iter().enumerate() {
            users.take(&account.user).map_err(|error| error.key(format!("accounts.{at}.user")))?;
        }
        for (at, install) in self.installs.iter().enumerate() {
            let places = match install.phase {
                Phase::Users => &mut users,
                Phase::Services => &mut services,
            };
            places.take(&install.name).map_err(|error| error.key(format!("installs.{at}.name")))?;
        }
        let mut folders = BTreeSet::new();
        for (at, personal) in self.personal.iter().enumerate() {
            if !folders.insert((&personal.user, &personal.into)) {
                return Err(Error::new("lands where another file of that person does already")
                    .key(format!("personal.{at}")));
            }
        }
        Ok(())
    }
}
