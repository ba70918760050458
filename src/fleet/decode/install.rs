//! The maps `shared` and `install`.

use std::collections::HashMap;

use crate::error::Result;
use crate::fleet::fields;
use crate::fleet::inventory::{From, HostId, Install, Phase, Place, Said, Shared, User};
use crate::fleet::name::{AccountName, HostName, InstallName, RobotName, SharedName, Tag};
use crate::sops::{BINDING_KEY, KeyPath};
use crate::yaml::{Entry, Fields, View};

use super::named;
use super::refer::{self, Hosts};

/// In the order of their names.
pub(super) fn shared(root: &Fields<'_>, hosts: &Hosts, users: &[User]) -> Result<Vec<Shared>> {
    let entries = root.entries("shared")?;
    refer::distinct(entries.iter().map(|entry| (entry.name, entry.key)), "shared file")?;
    let mut all = Vec::with_capacity(entries.len());
    for entry in &entries {
        let fields = entry.value.map(fields::SHARED)?;
        let (names, tags) = (hosts.names(&fields)?, hosts.tags(&fields)?);
        all.push(Shared {
            name: named(&entry.key, entry.name, SharedName::new)?,
            placed: hosts.placed(&names, &tags),
            hosts: names,
            tags,
            users: refer::list(&fields, "users", |view| {
                let text = view.str()?;
                let found = users.binary_search_by(|user| user.name.as_str().cmp(text)).ok();
                found
                    .and_then(|rank| users.get(rank))
                    .map(|user| user.name.clone())
                    .ok_or_else(|| view.unknown("user", text, users.iter().map(|user| user.name.as_str())))
            })?,
            robots: refer::list(&fields, "robots", |view| named(view, view.str()?, RobotName::new))?,
            place: Place::of(&entry.key),
        });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// In the order of their names.
pub(super) fn read(
    root: &Fields<'_>,
    hosts: &Hosts,
    users: &[User],
    shared: &[Shared],
) -> Result<Vec<Install>> {
    let entries = root.entries("install")?;
    refer::distinct(entries.iter().map(|entry| (entry.name, entry.key)), "name to install under")?;
    let mut all = Vec::with_capacity(entries.len());
    for entry in &entries {
        all.push(item(entry, hosts, users, shared)?);
    }
    no_folder_is_a_file(&entries, &all)?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

fn item(entry: &Entry<'_>, hosts: &Hosts, users: &[User], shared: &[Shared]) -> Result<Install> {
    let name = named(&entry.key, entry.name, InstallName::new)?;
    let fields = entry.value.map(fields::INSTALL)?;
    let from = fields.need("from")?;
    let (from, readers) = source(&from, shared)?;
    let phases = [("users", Phase::Users), ("services", Phase::Services)];
    let phase = fields.maybe("phase", |view| view.one_of(&phases))?.unwrap_or_default();
    if phase == Phase::Users {
        owned_by_root(&fields)?;
        no_account(&entry.key, &name, users)?;
    }
    let on = fields.get("on").map(|view| On::read(view, hosts)).transpose()?;
    let placed = placed(&fields, on.as_ref(), hosts, readers)?;
    let On { hosts: on_hosts, tags: on_tags, .. } = on.unwrap_or_default();
    Ok(Install {
        placed,
        on_hosts,
        on_tags,
        name,
        from,
        key: key(&fields.need("key")?)?,
        owner: fields.maybe("owner", account)?,
        group: fields.maybe("group", account)?,
        mode: fields.maybe("mode", mode)?.unwrap_or(0o400),
        phase,
        place: Place::of(&entry.key),
    })
}

/// Out of which file, and which hosts read it where that is not each host its own.
fn source<'s>(view: &View<'_>, shared: &'s [Shared]) -> Result<(From, Option<&'s Shared>)> {
    let text = view.str()?;
    if text == "hosts" {
        return Ok((From::Hosts, None));
    }
    let Some(name) = text.strip_prefix("shared/") else {
        return Err(view.error("`hosts` (each host's own file) or `shared/NAME` is expected"));
    };
    let found = shared.binary_search_by(|shared| shared.name.as_str().cmp(name)).ok();
    let found = found
        .and_then(|rank| shared.get(rank))
        .ok_or_else(|| view.unknown("shared file", name, shared.iter().map(|shared| shared.name.as_str())))?;
    Ok((From::Shared(found.name.clone()), Some(found)))
}

/// The field `on`.
#[derive(Default)]
struct On<'t> {
    view: Option<View<'t>>,
    hosts: Vec<Said<HostName>>,
    tags: Vec<Said<Tag>>,
}

impl<'t> On<'t> {
    fn read(view: View<'t>, hosts: &Hosts) -> Result<Self> {
        let fields = view.map(fields::INSTALL_ON)?;
        Ok(Self { view: Some(view), hosts: hosts.names(&fields)?, tags: hosts.tags(&fields)? })
    }
}

/// The hosts that it lands on: those of `on`, each a reader of the file; without `on`, all readers of a shared file.
fn placed(
    fields: &Fields<'_>,
    on: Option<&On<'_>>,
    hosts: &Hosts,
    readers: Option<&Shared>,
) -> Result<Vec<HostId>> {
    let (view, placed) = match (on, readers) {
        (Some(on), _) => (on.view.unwrap_or(fields.view()), hosts.placed(&on.hosts, &on.tags)),
        (None, Some(shared)) => (fields.view(), shared.placed.clone()),
        (None, None) => {
            return Err(fields
                .view()
                .error("the field `on` is missing: which hosts?")
                .hint("on: { tags: [all] } is every host"));
        }
    };
    if placed.is_empty() {
        return Err(view.error("this lands on no host"));
    }
    let Some(shared) = readers else { return Ok(placed) };
    match placed.iter().find(|id| shared.placed.binary_search(id).is_err()) {
        None => Ok(placed),
        Some(id) => {
            let host = hosts.list.get(id.0 as usize).map_or("", |host| host.name.as_str());
            Err(view
                .error(format!("{host} does not read shared/{}", shared.name))
                .hint(format!("name it, or one of its tags, in shared.{} too", shared.name)))
        }
    }
}

fn key(view: &View<'_>) -> Result<KeyPath> {
    let path = KeyPath::parse(view.str()?).map_err(|error| {
        let hints = error.hints().to_vec();
        hints.into_iter().fold(view.error(error.message()), crate::Error::hint)
    })?;
    if path.is_root() {
        return Err(view.error("the key of one value is expected"));
    }
    if path == KeyPath::of_keys([BINDING_KEY]) {
        return Err(view.error("this says where a file belongs, and is no value that a host is given"));
    }
    Ok(path)
}

fn account(view: &View<'_>) -> Result<AccountName> {
    named(view, view.str()?, AccountName::new)
}

/// `"0400"`: octal, in quotes, since YAML would make 256 of it.
fn mode(view: &View<'_>) -> Result<u32> {
    let text = view.str().map_err(|error| error.hint("write a mode in quotes: mode: \"0400\""))?;
    let digits = matches!(text.len(), 3 | 4) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let mode = digits.then(|| u32::from_str_radix(text, 8).ok()).flatten().filter(|mode| *mode <= 0o777);
    let mode = mode.ok_or_else(|| view.error("a mode of three octal digits is expected, as \"0400\""))?;
    if mode & 0o002 == 0 { Ok(mode) } else { Err(view.error("everybody on the host could write this")) }
}

/// Before the accounts are there, nobody but root can own a file.
fn owned_by_root(fields: &Fields<'_>) -> Result<()> {
    for field in ["owner", "group"] {
        if let Some(view) = fields.get(field).filter(|view| view.str().is_ok_and(|text| text != "root")) {
            let message =
                format!("in the phase `users` the {field} can be root alone: no account is there yet");
            return Err(view.error(message));
        }
    }
    Ok(())
}

/// In the phase `users` each user's password hash is in a folder named like the user.
fn no_account(view: &View<'_>, name: &InstallName, users: &[User]) -> Result<()> {
    let folder = name.as_str().split('/').next().unwrap_or_default();
    match users.iter().find(|user| user.name.as_str() == folder) {
        Some(user) => {
            Err(view.error(format!("in the phase `users` the folder {folder}/ is the user {}'s", user.name)))
        }
        None => Ok(()),
    }
}

/// That `db` and `db/password` do not land on one host in one phase.
fn no_folder_is_a_file(entries: &[Entry<'_>], all: &[Install]) -> Result<()> {
    let files: HashMap<&str, &Install> = all.iter().map(|item| (item.name.as_str(), item)).collect();
    for (entry, item) in entries.iter().zip(all) {
        let parents =
            item.name.as_str().match_indices('/').filter_map(|(end, _)| item.name.as_str().get(..end));
        for file in parents.filter_map(|parent| files.get(parent)) {
            let together = item.phase == file.phase
                && item.placed.iter().any(|id| file.placed.binary_search(id).is_ok());
            if together {
                return Err(entry
                    .key
                    .error(format!("`{}` is a file there, and cannot be a folder too", file.name)));
            }
        }
    }
    Ok(())
}
