//! An account file stays what a host needs to let its user in, whoever writes in it.

use super::document::Document;
use crate::error::{Error, Result};
use crate::fleet::FileKind;
use crate::password::recognise;
use crate::sops::{KeyPath, Plain, Value};
use crate::vars::field;

/// Refuses as the password hash of an account what no login takes for one.
pub(super) fn refuse_no_hash(document: &Document, path: &KeyPath, value: &Value) -> Result<()> {
    let is_hash = |text: &str| recognise(text).is_some_and(|found| found.scheme.certain());
    match whose(document) {
        Some(whose) if *path == named(field::HASH) && !value.as_str().is_some_and(is_hash) => {
            Err(regenerate(
                document,
                field::HASH,
                "this is no password hash, and nobody could log in with it",
                &whose,
            ))
        }
        _ => Ok(()),
    }
}

/// Refuses values that take from an account file what it had: whose it is, or the password.
pub(super) fn keep_account(document: &Document, before: &Plain, after: &Plain) -> Result<()> {
    let Some(whose) = whose(document) else { return Ok(()) };
    let changed = |name: &str| {
        let (before, after) = (before.get(&named(name)), after.get(&named(name)));
        (before.is_some() && before != after).then_some(after)
    };
    for name in [field::USER, field::HOST] {
        if changed(name).is_some() {
            let why = "says whose the file is, and is written by nothing but uvars generate";
            return Err(regenerate(document, name, why, &whose));
        }
    }
    let gone = |name: &str| changed(name).is_some_and(|after| after.is_none());
    let lost = if gone(field::HASH) {
        Some(field::HASH)
    } else {
        // beside a hash it is left over
        Some(field::PASSWORD).filter(|name| gone(name) && after.get(&named(field::HASH)).is_none())
    };
    let Some(name) = lost else { return Ok(()) };
    let user = whose.split('@').next().unwrap_or_default();
    Err(regenerate(document, name, "without it nobody could log in", &whose)
        .hint(format!("if there is to be no password: uvars user set {user} password=false")))
}

/// The user, and the host behind an `@`, whose account file it is.
fn whose(document: &Document) -> Option<String> {
    match FileKind::of(document.bound_path()?.as_str())? {
        FileKind::Account(user, None) => Some(user.to_string()),
        FileKind::Account(user, Some(host)) => Some(format!("{user}@{host}")),
        _ => None,
    }
}

fn regenerate(document: &Document, name: &str, why: &str, whose: &str) -> Error {
    Error::new(why)
        .at(document.shown())
        .key(name)
        .hint(format!("uvars generate {whose} --regenerate asks for the password and makes the hash"))
}

fn named(name: &str) -> KeyPath {
    KeyPath::of_keys([name])
}
