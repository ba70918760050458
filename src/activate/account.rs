//! What an account file offers as a password hash.

use super::hash::is_hash;
use super::manifest::{Account, Format, Settings};
use super::report::Problem;
use crate::password::{self, Method};
use crate::secret::Secret;
use crate::sops::{KeyPath, Plain, Value};

/// The hash in the file; or, where it holds the password itself, one of those `at_hand` that fits it (so that
/// nothing changes from run to run), else a new one.
pub(super) fn hash(
    account: &Account,
    plain: &Plain,
    at_hand: &[Option<&Secret>],
    settings: &Settings,
) -> Result<Secret, Problem> {
    let Account { user, .. } = account;
    if let Some(Value::Str(named)) = plain.get(&KeyPath::of_keys(["user"]))
        && named.expose() != user.as_bytes()
    {
        return Err(Problem::new(format!("the account file of {user} says that it is for another user")));
    }
    match account.format {
        Format::Hash => {
            let hash = text(plain, "password_hash", user)?;
            if is_hash(&hash) {
                return Ok(hash);
            }
            Err(Problem::new(format!("password_hash in the account file of {user} is no password hash")))
        }
        Format::Plaintext => {
            let password = text(plain, "password", user)?;
            let fits = |hash: &Secret| {
                hash.expose_str().is_some_and(|hash| matches!(password::verify(&password, hash), Ok(true)))
            };
            let known =
                at_hand.iter().flatten().map(|line| unlocked(line)).find(|hash| is_hash(hash) && fits(hash));
            match known {
                Some(hash) => Ok(hash),
                None => make(&password, settings),
            }
        }
    }
}

fn text(plain: &Plain, key: &str, user: &str) -> Result<Secret, Problem> {
    match plain.get(&KeyPath::of_keys([key])) {
        Some(Value::Str(text)) => Ok(text),
        Some(other) => Err(Problem::new(format!("{key} in the account file of {user} is {}", other.kind()))),
        None => Err(Problem::new(format!("the account file of {user} has no {key}"))),
    }
}

/// A line without the mark that locks it, to compare with: a locked account's own hash fits its password too.
fn unlocked(line: &Secret) -> Secret {
    Secret::from(line.expose().strip_prefix(b"!").unwrap_or(line.expose()))
}

fn make(password: &Secret, settings: &Settings) -> Result<Secret, Problem> {
    let made = match settings.hash_kind.as_deref() {
        None => Ok(Method::default()),
        Some("sha512-crypt") => Method::parse("sha512-crypt", None, settings.hash_cost.map(i64::from)),
        Some(kind) => Method::parse(kind, settings.hash_cost.map(i64::from), None),
    };
    made.and_then(|method| password::hash(password, &method))
        .map(Secret::from)
        .map_err(|error| Problem::of(&error))
}
