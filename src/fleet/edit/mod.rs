//! Changes of `uvars.yaml`: from its bytes to new bytes, every comment, order and style kept.
//!
//! Nothing is written here. What comes back has been read again as strictly as any `uvars.yaml`, so that an
//! edit cannot make a file that the next command refuses; keys are for the caller to check with
//! [`Fleet::new`](super::Fleet::new).

mod apply;
mod assignment;
mod hand_written;
mod remove;

use std::path::Path;

use crate::error::{Error, Result};
use crate::yaml::edit::{At, Edit, Value};

pub use assignment::Assignment;
use assignment::each_once;
pub use hand_written::{InRules, keys_in_rules, replace_in_rules};
pub use remove::{host_remove, user_remove};

use super::fields;
use super::fleet::INVENTORY;
use super::inventory::Inventory;
use super::name::{HostName, UserName};

/// The bytes with a new user.
///
/// # Errors
///
/// The name is taken or none; a field, tag or host is not what it should be.
pub fn user_add(bytes: &[u8], name: &str, assignments: &[Assignment]) -> Result<Vec<u8>> {
    UserName::new(name)?;
    each_once(assignments)?;
    let before = read(bytes)?;
    if before.user(name).is_some() {
        return Err(Error::usage(format!("there is a user {name} already"))
            .hint(format!("uvars user set {name} FIELD=VALUE")));
    }
    let mut edit = open(bytes)?;
    section(&mut edit, "users")?;
    edit.insert_key(&["users"], name, &Value::Map(Vec::new()), At::End)?;
    for assignment in assignments {
        apply::apply(&mut edit, &["users", name], assignment, fields::USER, apply::Shape::Lines)?;
    }
    finish(bytes, edit)
}

/// The bytes with other fields of a user.
///
/// # Errors
///
/// There is no such user; otherwise as [`user_add`]; an item to take away is not there.
pub fn user_set(bytes: &[u8], name: &str, assignments: &[Assignment]) -> Result<Vec<u8>> {
    read(bytes)?.need_user(name)?;
    set(bytes, &["users", name], assignments, fields::USER)
}

/// The bytes with a new host. `has_key` says whether `keys/hosts/` has its key; without one the host says
/// `key: pending`.
///
/// # Errors
///
/// The name is taken or none; the platform is missing; a field is not what it should be.
pub fn host_add(bytes: &[u8], name: &str, assignments: &[Assignment], has_key: bool) -> Result<Vec<u8>> {
    HostName::new(name)?;
    each_once(assignments)?;
    let before = read(bytes)?;
    if before.host(name).is_some() {
        return Err(Error::usage(format!("there is a host {name} already"))
            .hint(format!("uvars host set {name} FIELD=VALUE")));
    }
    if !assignments.iter().any(|assignment| assignment.path == ["platform"]) {
        return Err(Error::usage("what runs there? platform=nixos, platform=darwin or platform=linux"));
    }
    let mut edit = open(bytes)?;
    section(&mut edit, "hosts")?;
    let mut entries = apply::entries(assignments, fields::HOST);
    if !has_key && !entries.iter().any(|(field, _)| field == "key") {
        entries.push(("key".into(), Value::from("pending")));
    }
    edit.insert_key(&["hosts"], name, &Value::Map(entries).one_line(), At::End)?;
    finish(bytes, edit)
}

/// The bytes with other fields of a host.
pub fn host_set(bytes: &[u8], name: &str, assignments: &[Assignment]) -> Result<Vec<u8>> {
    read(bytes)?.need_host(name)?;
    set(bytes, &["hosts", name], assignments, fields::HOST)
}

/// The bytes with a host that has a key now: without its `key: pending`, if it says so. For whoever adds the
/// key file in the same transaction.
pub fn host_has_key(bytes: &[u8], name: &str) -> Result<Vec<u8>> {
    match read(bytes)?.host(name).and_then(|host| host.pending) {
        Some(_) => host_set(bytes, name, &[Assignment::of_host("key=")?]),
        None => Ok(bytes.to_vec()),
    }
}

fn set(bytes: &[u8], path: &[&str], assignments: &[Assignment], order: &[&str]) -> Result<Vec<u8>> {
    each_once(assignments)?;
    let mut edit = open(bytes)?;
    for assignment in assignments {
        apply::apply(&mut edit, path, assignment, order, apply::Shape::OneLine)?;
    }
    finish(bytes, edit)
}

fn open(bytes: &[u8]) -> Result<Edit> {
    Edit::new(INVENTORY, bytes).map(Edit::with_bare_words)
}

fn read(bytes: &[u8]) -> Result<Inventory> {
    Inventory::parse(Path::new(INVENTORY), bytes)
}

/// Reads the result again: what would be refused is not written.
fn finish(before: &[u8], edit: Edit) -> Result<Vec<u8>> {
    let bytes = edit.into_bytes();
    match read(&bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(placed_in(before, &bytes, error)),
    }
}

/// The error without its line where that line is not in the file that the reader has.
fn placed_in(before: &[u8], after: &[u8], error: Error) -> Error {
    let line = |bytes: &[u8], number: u32| {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        lines.nth(usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1)).map(<[u8]>::to_vec)
    };
    match error.line_column() {
        Some((number, _)) if line(before, number) != line(after, number) => error.unplaced(),
        _ => error,
    }
}

/// Makes the map of a section, behind the sections that stand in front of it in the table.
fn section(edit: &mut Edit, name: &str) -> Result<()> {
    if edit.contains(&[name]) {
        return Ok(());
    }
    edit.insert_key(&[], name, &Value::Map(Vec::new()), apply::place(edit, &[], name, fields::ROOT))
}
