//! Finds who is meant by a name that a person wrote, and says what they may have meant instead.

use crate::error::{Error, Kind, Result};
use crate::fleet::{Host, Inventory, User};
use crate::yaml::closest;

/// The user of this name.
pub(super) fn user<'f>(kind: Kind, inventory: &'f Inventory, name: &str) -> Result<&'f User> {
    inventory
        .user(name)
        .ok_or_else(|| unknown(kind, "user", name, inventory.users().iter().map(|user| user.name.as_str())))
}

/// The host of this name, where the user has a password of its own.
pub(super) fn host_of<'f>(kind: Kind, inventory: &'f Inventory, user: &User, name: &str) -> Result<&'f Host> {
    let host = inventory.host(name).ok_or_else(|| {
        unknown(kind, "host", name, inventory.hosts().iter().map(|host| host.name.as_str()))
    })?;
    if inventory.placement(user.name.as_str(), name).is_none() {
        return Err(Error::of(kind, format!("{} has no account on {name}", user.name)));
    }
    if user.password.is_some_and(|password| password.share) {
        return Err(Error::of(kind, format!("{} has one password for all hosts (share: true)", user.name))
            .hint(format!("write {} alone", user.name)));
    }
    Ok(host)
}

fn unknown<'n>(kind: Kind, what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> Error {
    let error = Error::of(kind, format!("there is no {what} {name:?} in the fleet"));
    match closest(name, known) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint(format!("uvars {what} list shows who is there")),
    }
}
