//! Keys as they are typed: the key itself, a file that holds it, or `-` for standard input.

use crate::cli::context::Context;
use crate::error::{Error, Result};
use crate::fs;
use crate::keys::{self, PublicKeys, Recipient};
use crate::secret::Secret;
use std::path::Path;

/// What of a text is read at most: no key is longer.
const LARGEST: usize = 1 << 20;

/// The recipients that an argument means, with their comments.
///
/// # Errors
///
/// A private key is refused without being shown; so is a text without a key.
pub(in crate::cli) fn recipients(context: &Context, typed: &str) -> Result<Vec<(Recipient, Option<String>)>> {
    let keys = public_keys(context, typed)?.keys;
    Ok(keys.into_iter().map(|key| (key.recipient, key.comment)).collect())
}

/// The same with what was passed over.
///
/// # Errors
///
/// As [`recipients`].
pub(super) fn public_keys(context: &Context, typed: &str) -> Result<PublicKeys> {
    // a key that was typed in full, or mistyped, must not be taken for a file's name and be shown
    keys::refuse_private(typed)?;
    if typed.starts_with("age1") || typed.starts_with("ssh-") {
        return Recipient::parse(typed).map(PublicKeys::from);
    }
    if is_key(context, typed) {
        return some(keys::public_keys(typed.as_bytes())?, None);
    }
    let place = if typed == "-" { "standard input" } else { typed };
    let bytes = text(context, Path::new(typed))?;
    let found = keys::public_keys(bytes.expose()).map_err(|error| error.at(place))?;
    some(found, Some(place))
}

/// Whether this is a key itself, with options or hosts in front, and no name of a file that is there.
fn is_key(context: &Context, typed: &str) -> bool {
    keys::is_ssh_line(typed) && context.path(Path::new(typed)).symlink_metadata().is_err()
}

/// Refuses a text in which nothing can be used.
fn some(found: PublicKeys, place: Option<&str>) -> Result<PublicKeys> {
    if !found.keys.is_empty() {
        return Ok(found);
    }
    let error = match found.skipped.first() {
        None => Error::new("no key in it").hint("a key is a line that begins with age1 or ssh-"),
        Some(skipped) => Error::new(format!("no key in it that can be used: {}", skipped.why))
            .hint("use an ssh-ed25519 or an age key"),
    };
    Err(match place {
        Some(place) => error.at(place),
        None => error,
    })
}

/// The bytes of a file, or of standard input for `-`.
pub(super) fn text(context: &Context, typed: &Path) -> Result<Secret> {
    if typed == Path::new("-") {
        return standard_input();
    }
    let path = context.path(typed);
    let shown = typed.to_string_lossy();
    if is_key(context, &shown) {
        return Err(Error::usage("this is a key, and the name of a file is expected")
            .hint("give a file, or - for standard input, and the key there"));
    }
    if path.symlink_metadata().is_err() && keys::may_be_private(&shown) {
        return Err(Error::usage("this is neither a public key nor the name of a file")
            .hint("give a file, the key itself (age1…, ssh-…), or - for standard input"));
    }
    file(&path)
}

fn file(path: &Path) -> Result<Secret> {
    let found = fs::read(path)?.ok_or_else(|| {
        Error::new("no such file")
            .at(path)
            .hint("give a file, the key itself (age1…, ssh-…), or - for standard input")
    })?;
    Ok(Secret::new(found))
}

fn standard_input() -> Result<Secret> {
    Secret::read(std::io::stdin().lock(), LARGEST + 1)
        .map_err(|error| Error::new("cannot read standard input").because(error))
}
