//! What was asked for: names as they are typed, resolved against the inventory.

use super::names;
use crate::error::{Error, Kind, Result};
use crate::fleet::{HostName, Inventory, User};

/// What `generate` was asked to do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Request {
    /// `jon`, or `jon@cinnabar`; `users/jon` and `accounts/jon@cinnabar` mean the same. Empty: every user.
    pub names: Vec<String>,
    /// Replace what is there.
    pub regenerate: bool,
    /// Make passwords out of words, also where a person would be asked.
    pub random: bool,
}

/// A user that is meant.
#[derive(Debug)]
pub(super) struct Wanted<'f> {
    /// Who.
    pub(super) user: &'f User,
    /// One host alone, or all.
    pub(super) host: Option<&'f HostName>,
    /// Whether they were named, or everybody was meant.
    pub(super) named: bool,
}

impl Request {
    /// The users that are meant, each once, in the order of the inventory.
    ///
    /// # Errors
    ///
    /// An unknown user or host; a host where the user has no account, or no password of its own;
    /// `--regenerate` without a name.
    pub(super) fn resolve<'f>(&self, inventory: &'f Inventory) -> Result<Vec<Wanted<'f>>> {
        if self.names.is_empty() {
            if self.regenerate {
                return Err(Error::usage(
                    "--regenerate replaces passwords, so that it wants to be told whose",
                )
                .hint("uvars generate NAME --regenerate"));
            }
            let all = inventory.users().iter();
            return Ok(all.map(|user| Wanted { user, host: None, named: false }).collect());
        }
        let mut found = self.names.iter().map(|name| one(inventory, name)).collect::<Result<Vec<_>>>()?;
        // a user with all hosts comes before the same one with a single host, and makes it needless
        found.sort_by_key(|wanted| (&wanted.user.name, wanted.host));
        found.dedup_by(|later, earlier| {
            later.user.name == earlier.user.name && (earlier.host.is_none() || later.host == earlier.host)
        });
        Ok(found)
    }
}

fn one<'f>(inventory: &'f Inventory, typed: &str) -> Result<Wanted<'f>> {
    let name = typed.strip_prefix("users/").or_else(|| typed.strip_prefix("accounts/")).unwrap_or(typed);
    let (name, host) = name.split_once('@').map_or((name, None), |(name, host)| (name, Some(host)));
    let user = names::user(Kind::Usage, inventory, name)?;
    let host = host.map(|host| names::host_of(Kind::Usage, inventory, user, host)).transpose()?;
    Ok(Wanted { user, host: host.map(|host| &host.name), named: true })
}
