//! From the bytes of `uvars.yaml` to an [`Inventory`]: every field known, every name resolved, every two
//! statements that contradict each other an error at the place of one of them.

mod account;
mod hand_written;
mod install;
mod refer;
mod secret;
mod users;

use std::path::Path;

use crate::error::{Error, Result};
use crate::password::Method;
use crate::yaml::{Fields, Tree, View, place_of, refusal};

use self::refer::Hosts;
use super::fields;
use super::inventory::{Host, Inventory, Place, Platform, Said, Settings, SshForm};
use super::name::{HostName, Tag};

/// The version of the file's form that this program reads and writes.
const VERSION: i64 = 1;

impl Inventory {
    /// Reads the file; `file` is its name in errors and reasons.
    ///
    /// # Errors
    ///
    /// Anything that is not exactly right, with line, column and key path, and what was probably meant. No
    /// value is quoted: somebody may have put a password where it does not belong.
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Self> {
        let name = file.to_string_lossy();
        if let Err(error) = std::str::from_utf8(bytes) {
            let (line, column) = place_of(bytes, error.valid_up_to());
            return Err(Error::new("the file is not UTF-8").at(file).position(line, column));
        }
        let tree = Tree::parse(bytes).map_err(|error| refusal(error, bytes).at(file))?;
        let root = View::document(&tree, &name)?;
        secret::refuse(&tree, &name)?;
        secret::refuse_in_comments(bytes, &name)?;
        let root = root.map(fields::ROOT)?;
        version(&root)?;
        let settings = root.maybe("settings", settings)?.unwrap_or_default();
        let hosts = Hosts::of(hosts(&root)?);
        let users = users::read(&root, &hosts)?;
        let shared = install::shared(&root, &hosts, &users)?;
        let install = install::read(&root, &hosts, &users, &shared)?;
        let rules = root.maybe("rules", |view| hand_written::read(view, &tree, bytes))?.unwrap_or_default();
        let Hosts { list, ids, tagged } = hosts;
        Ok(Self {
            file: file.to_path_buf(),
            settings,
            hosts: list,
            users,
            shared,
            install,
            rules,
            host_ids: ids,
            tagged,
        })
    }
}

fn version(root: &Fields<'_>) -> Result<()> {
    let version = root.need("version")?;
    match version.int()? {
        VERSION => Ok(()),
        other => Err(version.error(format!("this program reads version {VERSION}, not {other}"))),
    }
}

fn settings(view: &View<'_>) -> Result<Settings> {
    let fields = view.map(fields::SETTINGS)?;
    let ssh = [("converted", SshForm::Converted), ("native", SshForm::Native)];
    Ok(Settings {
        password_hash: fields.maybe("password_hash", method)?.unwrap_or_default(),
        recovery_personal: fields.maybe("recovery_personal", View::bool)?.unwrap_or_default(),
        ssh: fields.maybe("ssh", |view| view.one_of(&ssh))?.unwrap_or_default(),
    })
}

fn method(view: &View<'_>) -> Result<Method> {
    let fields = view.map(fields::PASSWORD_HASH)?;
    let kind = fields.maybe("kind", View::str)?.unwrap_or(Method::default().kind());
    let (cost, rounds) = (fields.maybe("cost", View::int)?, fields.maybe("rounds", View::int)?);
    Method::parse(kind, cost, rounds).map_err(|error| {
        let about = fields::PASSWORD_HASH.iter().find(|field| error.message().starts_with(**field));
        let place = about.and_then(|field| fields.get(field)).or(fields.get("kind")).unwrap_or(*view);
        place.error(error.message())
    })
}

/// In the order of their names.
fn hosts(root: &Fields<'_>) -> Result<Vec<Host>> {
    let entries = root.entries("hosts")?;
    let mut hosts: Vec<Host> = Vec::with_capacity(entries.len());
    for entry in &entries {
        let name = named(&entry.key, entry.name, HostName::new)?;
        hosts.push(host(name, Place::of(&entry.key), &entry.value)?);
    }
    refer::distinct(entries.iter().map(|entry| (entry.name, entry.key)), "host")?;
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(hosts)
}

fn host(name: HostName, place: Place, view: &View<'_>) -> Result<Host> {
    let fields = view.map(fields::HOST)?;
    let platforms = [("nixos", Platform::Nixos), ("darwin", Platform::Darwin), ("linux", Platform::Linux)];
    let pending = fields.maybe("key", |view| match view.str() {
        Ok("pending") => Ok(Place::of(view)),
        _ => Err(view
            .error("`pending` is the only word here: the host has no key yet")
            .hint(format!("a key goes into keys/hosts/{name}.pub: uvars key add hosts/{name} FILE"))),
    })?;
    let tags = refer::list(&fields, "tags", |view| {
        let text = view.str()?;
        if text == super::inventory::ALL {
            return Err(view.error("every host has the tag `all`; it cannot be given"));
        }
        named(view, text, Tag::new)
    })?;
    Ok(Host { name, platform: fields.need("platform")?.one_of(&platforms)?, tags, pending, place })
}

/// A name that is made here, with the place of the error.
fn named<T>(view: &View<'_>, text: &str, make: impl FnOnce(&str) -> Result<T>) -> Result<T> {
    make(text).map_err(|error| {
        let hint = error.hints().first().cloned();
        let placed = view.error(error.message());
        hint.into_iter().fold(placed, Error::hint)
    })
}

impl Place {
    pub(super) fn of(view: &View<'_>) -> Self {
        Self { line: view.line(), column: view.column() }
    }
}

impl<T> Said<T> {
    pub(super) fn at(view: &View<'_>, value: T) -> Self {
        Self { value, place: Place::of(view) }
    }
}
