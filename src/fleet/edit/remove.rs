//! Taking a user or a host out, once nothing in `uvars.yaml` names it any more.
//!
//! Files of the user or host are for the caller to look after: they stay, and lose their rule.

use crate::error::{Error, Result};
use crate::fleet::fleet::INVENTORY;
use crate::fleet::inventory::{ALL, Host, Inventory, Place, Said, User};
use crate::fleet::name::Tag;
use crate::yaml::edit::Edit;

use super::{finish, read};

/// The bytes without a user.
///
/// # Errors
///
/// There is no such user, or a line still names the user: the first is the error's place, each is a hint.
pub fn user_remove(bytes: &[u8], name: &str) -> Result<Vec<u8>> {
    let inventory = read(bytes)?;
    inventory.need_user(name)?;
    nothing_left("user", name, user_references(&inventory, name), &[])?;
    remove(bytes, &["users", name])
}

/// The bytes without a host.
///
/// # Errors
///
/// There is no such host; a line still names the host, or a tag that no other host has: the first is the error's
/// place, each is a hint.
pub fn host_remove(bytes: &[u8], name: &str) -> Result<Vec<u8>> {
    let inventory = read(bytes)?;
    let host = inventory.need_host(name)?;
    let mut left = host_references(&inventory, name);
    left.extend(tag_references(&inventory, host));
    nothing_left("host", name, left, &commands(&inventory, name))?;
    remove(bytes, &["hosts", name])
}

fn remove(bytes: &[u8], path: &[&str]) -> Result<Vec<u8>> {
    let mut edit = Edit::new(INVENTORY, bytes)?;
    edit.remove_key(path)?;
    finish(bytes, edit)
}

/// A place that names what is to go, and a sentence about it.
type Reference = (Place, String);

fn nothing_left(what: &str, name: &str, mut left: Vec<Reference>, commands: &[String]) -> Result<()> {
    left.sort_by_key(|(place, _)| (place.line, place.column));
    let Some((first, _)) = left.first() else { return Ok(()) };
    let error = Error::new(format!("the {what} {name} cannot be taken out: it is still named here"))
        .at(INVENTORY)
        .position(first.line, first.column);
    let lines = left.iter().map(|(place, sentence)| format!("line {}: {sentence}", place.line));
    Err(lines.chain(commands.iter().cloned()).fold(error, Error::hint))
}

fn user_references(inventory: &Inventory, name: &str) -> Vec<Reference> {
    let shared = inventory.shared.iter().flat_map(|shared| {
        naming(&shared.users, name).map(|place| (place, format!("shared.{}.users", shared.name)))
    });
    shared.collect()
}

fn host_references(inventory: &Inventory, name: &str) -> Vec<Reference> {
    let mut left = Vec::new();
    for user in &inventory.users {
        for (field, hosts) in [("hosts", &user.hosts), ("integrated", &user.integrated)] {
            left.extend(naming(hosts, name).map(|place| (place, format!("users.{}.{field}", user.name))));
        }
        let on = inventory.host_ids.get(name).and_then(|id| user.on.get(id));
        left.extend(on.map(|on| (on.place, format!("users.{}.on", user.name))));
    }
    for shared in &inventory.shared {
        left.extend(
            naming(&shared.hosts, name).map(|place| (place, format!("shared.{}.hosts", shared.name))),
        );
    }
    for item in &inventory.install {
        left.extend(
            naming(&item.on_hosts, name).map(|place| (place, format!("install.{}.on.hosts", item.name))),
        );
    }
    left
}

/// Who names a tag that goes with the host.
fn tag_references(inventory: &Inventory, host: &Host) -> Vec<Reference> {
    let lost = |tag: &Said<Tag>| inventory.tagged(tag.value.as_str()).all(|other| other.name == host.name);
    let users = inventory.users.iter().map(|user| (format!("users.{}", user.name), &user.tags));
    let shared = inventory.shared.iter().map(|shared| (format!("shared.{}", shared.name), &shared.tags));
    let install = inventory.install.iter().map(|item| (format!("install.{}.on", item.name), &item.on_tags));
    let all = users.chain(shared).chain(install);
    let named = all.flat_map(|(whose, tags)| tags.iter().map(move |tag| (whose.clone(), tag)));
    let sentence = |(whose, tag): (String, &Said<Tag>)| {
        let why =
            if tag.value.as_str() == ALL { "there is no other host" } else { "no other host has this tag" };
        (tag.place, format!("{whose}.tags: {why}"))
    };
    named.filter(|(_, tag)| lost(tag)).map(sentence).collect()
}

/// What to type so that no user names the host any more.
fn commands(inventory: &Inventory, name: &str) -> Vec<String> {
    let command = |user: &User| {
        let on = inventory.host_ids.get(name).filter(|id| user.on.contains_key(id));
        let lists = [("integrated", &user.integrated), ("hosts", &user.hosts)];
        let named = lists.into_iter().filter(|(_, hosts)| naming(hosts, name).next().is_some());
        let changes = on.map(|_| format!(" on.{name}=")).into_iter();
        let changes: String = changes.chain(named.map(|(field, _)| format!(" {field}-={name}"))).collect();
        (!changes.is_empty()).then(|| format!("uvars user set {}{changes}", user.name))
    };
    inventory.users.iter().filter_map(command).collect()
}

fn naming<T: AsRef<str>>(list: &[Said<T>], name: &str) -> impl Iterator<Item = Place> {
    list.iter().filter(move |item| item.value.as_ref() == name).map(|item| item.place)
}
