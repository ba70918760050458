//! Taking a user or a host out: only when nothing names it any more and no file of it is left.

use crate::error::{Error, Result};
use crate::fleet::file::FileKind;
use crate::fleet::fleet::INVENTORY;
use crate::fleet::inventory::{From, Inventory, Place};
use crate::fs::RepoPath;
use crate::yaml::edit::Edit;

use super::{finish, nobody, read};

/// The bytes without a user. `files` are those of the repository, or of its folder `secrets/`.
///
/// # Errors
///
/// There is no such user; a shared file names the user, or a file of the user is left: each is named in a hint.
pub fn user_remove(bytes: &[u8], name: &str, files: &[RepoPath]) -> Result<Vec<u8>> {
    let inventory = read(bytes)?;
    if inventory.user(name).is_none() {
        return Err(nobody("user", name, inventory.users.iter().map(|user| user.name.as_str())));
    }
    let mut left = user_references(&inventory, name);
    left.extend(remaining(files, |kind| match kind {
        FileKind::Personal(user) | FileKind::Account(user, _) | FileKind::Handover(user, _) => {
            user.as_str() == name
        }
        _ => false,
    }));
    refuse(name, &left)?;
    remove(bytes, &["users", name])
}

/// The bytes without a host. `files` are those of the repository, or of its folder `secrets/`.
///
/// # Errors
///
/// There is no such host; a user, a shared file or something to install names it, a file of it is left, or it is
/// the last one with a tag that is in use: each is named in a hint.
pub fn host_remove(bytes: &[u8], name: &str, files: &[RepoPath]) -> Result<Vec<u8>> {
    let inventory = read(bytes)?;
    if inventory.host(name).is_none() {
        return Err(nobody("host", name, inventory.hosts.iter().map(|host| host.name.as_str())));
    }
    let mut left = host_references(&inventory, name);
    left.extend(remaining(files, |kind| match kind {
        FileKind::Host(host) | FileKind::Bootstrap(host) | FileKind::Account(_, Some(host)) => {
            host.as_str() == name
        }
        _ => false,
    }));
    refuse(name, &left)?;
    remove(bytes, &["hosts", name])
        .map_err(|error| error.hint(format!("something still needs {name}, or a tag that it has")))
}

fn remove(bytes: &[u8], path: &[&str]) -> Result<Vec<u8>> {
    let mut edit = Edit::new(INVENTORY, bytes)?;
    edit.remove_key(path)?;
    finish(edit)
}

fn refuse(name: &str, left: &[String]) -> Result<()> {
    if left.is_empty() {
        return Ok(());
    }
    let what = if left.len() == 1 { "one thing is".to_owned() } else { format!("{} things are", left.len()) };
    let error = Error::new(format!("{name} cannot be taken out: {what} left"));
    Err(left.iter().fold(error, |error, left| error.hint(left.clone())))
}

fn remaining(files: &[RepoPath], belongs: impl Fn(&FileKind) -> bool) -> Vec<String> {
    let ours = files.iter().filter(|path| FileKind::of(path.as_str()).is_some_and(|kind| belongs(&kind)));
    ours.map(|path| format!("the file is still there: git rm {}", path.as_str())).collect()
}

fn said(place: Place, sentence: impl std::fmt::Display) -> String {
    format!("{INVENTORY}:{}: {sentence}", place.line)
}

fn user_references(inventory: &Inventory, name: &str) -> Vec<String> {
    let shared = inventory.shared.iter().flat_map(|shared| {
        let named = shared.users.iter().filter(|user| user.value.as_str() == name);
        named.map(|user| said(user.place, format_args!("shared/{} names {name}", shared.name)))
    });
    shared.collect()
}

fn host_references(inventory: &Inventory, name: &str) -> Vec<String> {
    let mut left = Vec::new();
    for user in &inventory.users {
        for (field, hosts) in [("hosts", &user.hosts), ("integrated", &user.integrated)] {
            let named = hosts.iter().filter(|host| host.value.as_str() == name);
            left.extend(
                named.map(|host| said(host.place, format_args!("users.{}.{field} names {name}", user.name))),
            );
        }
        let on = inventory.host_ids.get(name).and_then(|id| user.on.get(id));
        left.extend(on.map(|on| said(on.place, format_args!("users.{}.on names {name}", user.name))));
    }
    for shared in &inventory.shared {
        let named = shared.hosts.iter().filter(|host| host.value.as_str() == name);
        left.extend(named.map(|host| said(host.place, format_args!("shared/{} names {name}", shared.name))));
    }
    for item in inventory.install.iter().filter(|item| item.from == From::Hosts) {
        let only = inventory.hosts_of_install(item).map(|host| host.name.as_str()).eq([name]);
        left.extend(
            only.then(|| said(item.place, format_args!("install.{} lands on {name} alone", item.name))),
        );
    }
    left
}
