//! What an account looks like: the fields that hold everywhere, and again below `on: { HOST: … }`.

use crate::error::Result;
use crate::fleet::inventory::{Account, Policy, Role};
use crate::fleet::name::AccountName;
use crate::yaml::{Fields, View};

use super::{named, refer, secret};

/// Reads the fields that are there; the map may have others, which its own reader has checked.
pub(super) fn read(fields: &Fields<'_>) -> Result<Account> {
    let roles = [("standard", Role::Standard), ("admin", Role::Admin)];
    let policies = [("present", Policy::Present), ("locked", Policy::Locked), ("absent", Policy::Absent)];
    Ok(Account {
        role: fields.maybe("role", |view| view.one_of(&roles))?,
        policy: fields.maybe("policy", |view| view.one_of(&policies))?,
        uid: fields.maybe("uid", uid)?,
        description: fields.maybe("description", description)?,
        group_primary: fields.maybe("group_primary", group)?,
        groups_secondary: fields.get("groups_secondary").map(|_| groups(fields)).transpose()?,
        home_dir: fields.maybe("home_dir", absolute)?,
        shell: fields.maybe("shell", absolute)?,
        authorized_keys: fields.maybe("authorized_keys", authorized_keys)?,
    })
}

fn uid(view: &View<'_>) -> Result<u32> {
    let uid = view.int()?;
    // the largest number means "no change" to chown, and 65535 did so when numbers were shorter
    u32::try_from(uid)
        .ok()
        .filter(|uid| *uid != u32::MAX && *uid != 65535)
        .ok_or_else(|| view.error("a uid is a number from 0 to 4294967294, and not 65535"))
}

/// The fifth field of /etc/passwd.
fn description(view: &View<'_>) -> Result<String> {
    let text = view.str()?;
    if text.chars().any(|c| c == ':' || c.is_control()) {
        return Err(view.error("a description has no colon and no control character: /etc/passwd ends there"));
    }
    Ok(text.to_owned())
}

fn group(view: &View<'_>) -> Result<AccountName> {
    named(view, view.str()?, AccountName::new)
}

fn groups(fields: &Fields<'_>) -> Result<Vec<AccountName>> {
    let groups = refer::list(fields, "groups_secondary", group)?;
    Ok(groups.into_iter().map(|group| group.value).collect())
}

/// A path that /etc/passwd can hold.
fn absolute(view: &View<'_>) -> Result<String> {
    let text = view.str()?;
    let whole = text.starts_with('/')
        && !text.split('/').any(|part| matches!(part, "." | ".."))
        && !text.chars().any(|c| c == ':' || c.is_control());
    if whole {
        return Ok(text.to_owned());
    }
    Err(view.error("an absolute path is expected, without . and .. and without a colon"))
}

fn authorized_keys(view: &View<'_>) -> Result<Vec<String>> {
    view.list()?.iter().map(authorized_key).collect()
}

/// A line of `authorized_keys`: options may stand in front, a comment behind.
fn authorized_key(view: &View<'_>) -> Result<String> {
    let text = view.str()?.trim();
    if text.contains("PRIVATE KEY") {
        return Err(secret::misplaced(view, "a private key"));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_key = |pair: &[&str]| match pair {
        [kind, key] => {
            let kinds = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-"];
            kinds.iter().any(|start| kind.starts_with(start))
                && key.starts_with("AAAA")
                && key.len() >= 40
                && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
        }
        _ => false,
    };
    if text.chars().any(char::is_control) || !words.windows(2).any(is_key) {
        return Err(view.error("a public ssh key on one line is expected, as in ~/.ssh/id_ed25519.pub"));
    }
    Ok(text.to_owned())
}
