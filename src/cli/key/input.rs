//! Keys as they are typed: the key itself, a file that holds it, or `-` for standard input.

use crate::cli::context::Context;
use crate::error::{Error, Result};
use crate::fs;
use crate::keys::{Recipient, key_file};
use crate::secret::Secret;
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// What of a text is read at most: no key is longer.
const LARGEST: u64 = 1 << 20;

/// The recipients that an argument means, with their comments.
///
/// # Errors
///
/// A private key is refused without being shown; so is a text without a key.
pub(in crate::cli) fn recipients(context: &Context, typed: &str) -> Result<Vec<(Recipient, Option<String>)>> {
    if typed.starts_with("age1") || typed.starts_with("ssh-") {
        let recipient = Recipient::parse(typed)?;
        let comment = None;
        return Ok(vec![(recipient, comment)]);
    }
    let (bytes, place) = if typed == "-" {
        (standard_input()?, "standard input".to_owned())
    } else {
        // a mistyped key must not be taken for a file's name and be shown
        if looks_private(typed) {
            Recipient::parse(typed)?;
        }
        (file(&context.path(Path::new(typed)))?, typed.to_owned())
    };
    let lines = key_file::parse(bytes.expose()).map_err(|error| error.at(&place))?;
    if lines.is_empty() {
        return Err(Error::new("no key in it")
            .at(place)
            .hint("a key is a line that begins with age1 or ssh-"));
    }
    Ok(lines.into_iter().map(|line| (line.recipient, line.comment)).collect())
}

/// The bytes of a file, or of standard input for `-`.
pub(super) fn text(context: &Context, typed: &Path) -> Result<Secret> {
    if typed == Path::new("-") { standard_input() } else { file(&context.path(typed)) }
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
    let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
    std::io::stdin()
        .lock()
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::new("cannot read standard input").because(error))?;
    Ok(Secret::new(std::mem::take(&mut *bytes)))
}

fn looks_private(typed: &str) -> bool {
    let upper = typed.to_ascii_uppercase();
    ["AGE-SECRET-KEY", "AGE-PLUGIN-", "PRIVATE KEY", "-----BEGIN"].iter().any(|mark| upper.contains(mark))
}
