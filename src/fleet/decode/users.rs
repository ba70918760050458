//! The map `users`.

use std::collections::HashMap;

use crate::error::Result;
use crate::fleet::fields;
use crate::fleet::inventory::{Account, Format, HostId, Password, Place, Policy, Said, User};
use crate::fleet::name::{HostName, KeyName, UserName};
use crate::yaml::{Entry, Fields, Scalar, View};

use super::refer::{self, Hosts};
use super::{account, named, secret};

/// A uid, and where it is said.
type Uid<'t> = (u32, View<'t>);

/// In the order of their names.
pub(super) fn read<'t>(root: &Fields<'t>, hosts: &Hosts) -> Result<Vec<User>> {
    let entries = root.entries("users")?;
    refer::distinct(entries.iter().map(|entry| (entry.name, entry.key)), "user")?;
    let mut users = Vec::with_capacity(entries.len());
    let mut uids: Vec<Vec<Uid<'t>>> = Vec::with_capacity(entries.len());
    for entry in &entries {
        let (user, said) = user(entry, hosts)?;
        users.push(user);
        uids.push(said);
    }
    one_uid_one_user(&users, &uids, hosts)?;
    users.sort_by(|a: &User, b| a.name.cmp(&b.name));
    Ok(users)
}

fn user<'t>(entry: &Entry<'t>, hosts: &Hosts) -> Result<(User, Vec<Uid<'t>>)> {
    let name = named(&entry.key, entry.name, UserName::new)?;
    no_secret(&entry.value)?;
    let fields = entry.value.map(fields::USER)?;
    let (names, tags) = (hosts.names(&fields)?, hosts.tags(&fields)?);
    let placed = hosts.placed(&names, &tags);
    let mut uids = Vec::new();
    let base = read_account(&fields, &name, &mut uids)?;
    let (on, integrated) =
        (on(&fields, &name, hosts, &placed, &mut uids)?, integrated(&fields, &name, hosts, &placed)?);
    let key = fields.maybe("key", |view| Ok(Said::at(view, named(view, view.str()?, KeyName::new)?)))?;
    let key_is_named = key.is_some();
    let place = Place::of(&entry.key);
    let user = User {
        key: key.map_or_else(|| KeyName::new(name.as_str()).map(|value| Said { value, place }), Ok)?,
        key_is_named,
        name,
        hosts: names,
        tags,
        integrated,
        account: base,
        password: fields.maybe("password", password)?.unwrap_or_else(|| Some(Password::default())),
        modules: modules(&fields)?,
        place,
        on,
        placed,
    };
    Ok((user, uids))
}

fn read_account<'t>(fields: &Fields<'t>, name: &UserName, uids: &mut Vec<Uid<'t>>) -> Result<Account> {
    let account = account::read(fields)?;
    if let (Some(uid), Some(view)) = (account.uid, fields.get("uid")) {
        if (uid == 0) != (name.as_str() == "root") {
            return Err(view.error("uid 0 is root's, and root's uid is 0"));
        }
        uids.push((uid, view));
    }
    Ok(account)
}

fn on<'t>(
    fields: &Fields<'t>,
    name: &UserName,
    hosts: &Hosts,
    placed: &[HostId],
    uids: &mut Vec<Uid<'t>>,
) -> Result<HashMap<HostId, Said<Account>>> {
    let mut on = HashMap::new();
    for entry in fields.entries("on")? {
        let (host, id) = hosts.find(&entry.key, entry.name)?;
        must_be_placed(&entry.key, name, &host, id, placed)?;
        no_secret(&entry.value)?;
        let account = read_account(&entry.value.map(fields::ACCOUNT)?, name, uids)?;
        on.insert(id, Said::at(&entry.key, account));
    }
    Ok(on)
}

fn integrated(
    fields: &Fields<'_>,
    name: &UserName,
    hosts: &Hosts,
    placed: &[HostId],
) -> Result<Vec<Said<HostName>>> {
    refer::list(fields, "integrated", |view| {
        let (host, id) = hosts.find(view, view.str()?)?;
        must_be_placed(view, name, &host, id, placed)?;
        Ok(host)
    })
}

fn must_be_placed(
    view: &View<'_>,
    user: &UserName,
    host: &HostName,
    id: HostId,
    placed: &[HostId],
) -> Result<()> {
    if placed.binary_search(&id).is_ok() {
        return Ok(());
    }
    Err(view
        .error(format!("{user} is not placed on {host}"))
        .hint(format!("place the user there first: uvars user set {user} hosts+={host}")))
}

/// Fields in which other programs keep a password or its hash.
const SECRET_FIELDS: [&str; 10] = [
    "data",
    "hash",
    "hashed",
    "hashed_password",
    "hashedPassword",
    "initialPassword",
    "initialHashedPassword",
    "password_hash",
    "passwd",
    "plaintext",
];

/// Refuses such a field by what it is, before it is refused as unknown.
fn no_secret(view: &View<'_>) -> Result<()> {
    let entries = if view.is_map() { view.entries()? } else { Vec::new() };
    match entries.iter().find(|entry| SECRET_FIELDS.contains(&entry.name)) {
        Some(entry) => Err(secret::misplaced(&entry.value, "a password or its hash")),
        None => Ok(()),
    }
}

/// `password: false`, or how it comes about.
fn password(view: &View<'_>) -> Result<Option<Password>> {
    if !view.is_map() {
        return match view.scalar() {
            Ok(Scalar::Bool(false)) => Ok(None),
            Ok(Scalar::Bool(true)) => {
                Err(view.error("`false` means none; for one as usual leave the field out"))
            }
            Ok(Scalar::Null) => Err(view
                .error("`false`, or a map, is expected")
                .hint("for a password as usual leave the field out")),
            _ => Err(secret::misplaced(view, "what may be a password")),
        };
    }
    no_secret(view)?;
    let fields = view.map(fields::PASSWORD)?;
    let usual = Password::default();
    let formats = [("hash", Format::Hash), ("plaintext", Format::Plaintext)];
    Ok(Some(Password {
        prompt: fields.maybe("prompt", View::bool)?.unwrap_or(usual.prompt),
        share: fields.maybe("share", View::bool)?.unwrap_or(usual.share),
        keep: fields.maybe("keep", View::bool)?.unwrap_or(usual.keep),
        format: fields.maybe("format", |view| view.one_of(&formats))?.unwrap_or(usual.format),
    }))
}

fn modules(fields: &Fields<'_>) -> Result<Vec<String>> {
    let modules = refer::list(fields, "modules", |view| {
        let text = view.str()?;
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(view.error("the path of a Nix file is expected"));
        }
        Ok(text.to_owned())
    })?;
    Ok(modules.into_iter().map(|module| module.value).collect())
}

/// That no two accounts of one host have one uid. Looks at hosts only where two users say one number.
fn one_uid_one_user(users: &[User], uids: &[Vec<Uid<'_>>], hosts: &Hosts) -> Result<()> {
    let mut said: HashMap<u32, Vec<(&User, View<'_>)>> = HashMap::new();
    for (user, uids) in users.iter().zip(uids) {
        for (uid, view) in uids {
            let sayers = said.entry(*uid).or_default();
            if sayers.last().is_none_or(|(last, _)| last.name != user.name) {
                sayers.push((user, *view));
            }
        }
    }
    let mut clashes = Vec::new();
    for (uid, sayers) in said.into_iter().filter(|(_, sayers)| sayers.len() > 1) {
        let mut owners: HashMap<HostId, &User> = HashMap::new();
        for (user, view) in sayers {
            let mut here = user.placed.iter().filter(|id| has_uid(user, **id, uid));
            if let Some((id, owner)) = here.find_map(|id| Some((*id, owners.insert(*id, user)?))) {
                clashes.push((Place::of(&view), view, uid, id, owner, user));
            }
        }
    }
    let first = clashes.into_iter().min_by_key(|(place, ..)| (place.line, place.column));
    let Some((_, view, uid, id, owner, user)) = first else { return Ok(()) };
    let host = hosts.list.get(id.0 as usize).map_or("", |host| host.name.as_str());
    let message = format!("{} has the uid {uid} of {} on {host}", user.name, owner.name);
    Err(view.error(message).hint(format!(
        "give one of them another; for {host} alone: on: {{ {host}: {{ uid: N }} }} of {}",
        user.name
    )))
}

fn has_uid(user: &User, host: HostId, uid: u32) -> bool {
    let here = user.on.get(&host).map(|on| &on.value);
    let policy = here.and_then(|here| here.policy).or(user.account.policy).unwrap_or_default();
    policy != Policy::Absent && here.and_then(|here| here.uid).or(user.account.uid) == Some(uid)
}
