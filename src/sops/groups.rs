//! The data key and who can open it: wrapped whole for one key group, shared out among several.

use crate::keys::{Keyring, Recipient, Wrapped};
use crate::secret::DataKey;
use crate::sops::metadata::{Group, KeyEntry, KeyKind, Metadata};
use crate::sops::shamir;
use crate::{Error, Result};
use zeroize::Zeroizing;

/// A data key of 32 random bytes. Errors: the system has none.
pub(super) fn new_key() -> Result<DataKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|error| Error::new("the system gives no random bytes").because(error))?;
    Ok(DataKey::new(*bytes))
}

/// Opens the data key of a file with the identities at hand.
///
/// Errors: nobody at hand opens enough groups; what was wrapped is no data key.
/// `name` gives the readers in that error their names.
pub(super) fn unlock(
    metadata: &Metadata,
    keyring: &Keyring,
    name: &dyn Fn(&str) -> Option<String>,
) -> Result<DataKey> {
    let opened = match metadata.groups() {
        [group] => open(group, keyring, name)?,
        groups => combine(groups, metadata.needed_groups(), keyring, name)?,
    };
    DataKey::from_slice(&opened).ok_or_else(|| {
        Error::new(format!("the data key is {} bytes long and should be 32", opened.len())).key("sops")
    })
}

fn open(
    group: &Group,
    keyring: &Keyring,
    name: &dyn Fn(&str) -> Option<String>,
) -> Result<Zeroizing<Vec<u8>>> {
    let entries = group.entries().iter().filter(|entry| entry.kind() == KeyKind::Age);
    let wrapped: Vec<_> = entries.map(|entry| Wrapped { recipient: entry.id(), enc: entry.enc() }).collect();
    if wrapped.is_empty() {
        let kinds: Vec<_> =
            group.entries().iter().map(|entry| format!("{} {}", entry.kind().field(), entry.id())).collect();
        return Err(Error::no_key(format!(
            "only keys of other types than age open this: {}",
            kinds.join(", ")
        )));
    }
    keyring.unwrap_named(&wrapped, name).map(crate::secret::Secret::into_inner)
}

fn combine(
    groups: &[Group],
    needed: usize,
    keyring: &Keyring,
    name: &dyn Fn(&str) -> Option<String>,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut shares = Vec::new();
    let mut failed = Vec::new();
    let mut opened = Vec::new();
    for (group, number) in groups.iter().zip(1_usize..) {
        match open(group, keyring, name) {
            Ok(share) => {
                shares.push(share);
                opened.push((number, group));
            }
            Err(error) => failed.push((number, error)),
        }
        if shares.len() >= needed {
            return shamir::combine(&shares).map_err(|error| error.key("sops.key_groups"));
        }
    }
    let error = Error::no_key(format!(
        "{} of the {} key groups are needed together, and the keys at hand open {}",
        needed,
        groups.len(),
        shares.len()
    ));
    let used: Vec<(String, usize)> = opened
        .into_iter()
        .flat_map(|(number, group)| {
            let recipients: Vec<_> = group.recipients().collect();
            keyring.places_of(&recipients).into_iter().map(move |place| (place, number))
        })
        .collect();
    Err(failed.iter().fold(error, |error, (number, cause)| tell(error, *number, cause, &used)))
}

/// Adds what is to be said of a group that was not opened: who can, and once for all groups where keys were looked for.
/// `used` are the places whose keys opened another group.
fn tell(error: Error, number: usize, cause: &Error, used: &[(String, usize)]) -> Error {
    let who = cause.hints().iter().find_map(|hint| hint.strip_prefix("it can be read by "));
    let error = match who {
        Some(who) => error.hint(format!("key group {number} is opened by {who}")),
        None => error.hint(format!("key group {number}: {}", cause.message())),
    };
    let rest = cause.hints().iter().filter(|hint| !hint.starts_with("it can be read by "));
    let rest = rest.map(|hint| {
        let of = |place: &str| {
            hint.strip_prefix("looked in ").is_some_and(|rest| rest.starts_with(&format!("{place}: ")))
        };
        match used.iter().find(|(place, _)| of(place)) {
            Some((place, number)) => format!("looked in {place}: it opens key group {number}, and no other"),
            None => hint.clone(),
        }
    });
    rest.fold(error, |error, hint| if error.hints().contains(&hint) { error } else { error.hint(hint) })
}

/// One group for these recipients, each once. Errors: none given, one that cannot be wrapped for.
pub(super) fn wrap(key: &[u8], recipients: &[Recipient]) -> Result<Group> {
    if recipients.is_empty() {
        return Err(Error::new("a file must have a reader: no recipient is named"));
    }
    let mut group = Group::default();
    add(&mut group, key, recipients)?;
    Ok(group)
}

/// The same groups with the same readers for another data key, and the threshold that then holds.
///
/// Errors: a recipient that cannot be wrapped for; a threshold that cannot be.
pub(super) fn share_out(key: &DataKey, groups: &[Group], threshold: i64) -> Result<(Vec<Group>, i64)> {
    let recipients = |group: &Group| -> Result<Vec<Recipient>> {
        group.entries().iter().map(|entry| Recipient::parse(entry.id())).collect()
    };
    let again = |group: &Group, secret: &[u8]| -> Result<Group> {
        Ok(Group { unknown: group.unknown.clone(), ..wrap(secret, &recipients(group)?)? })
    };
    if let [group] = groups {
        return Ok((vec![again(group, key.expose())?], threshold));
    }
    let count = u8::try_from(groups.len())
        .map_err(|_| Error::new("a data key is shared out among at most 255 key groups"))?;
    let needed = if threshold == 0 { count } else { u8::try_from(threshold).unwrap_or(u8::MAX) };
    let shares = shamir::split(key.expose(), count, needed)?;
    let made: Result<Vec<_>> = groups.iter().zip(&shares).map(|(group, share)| again(group, share)).collect();
    Ok((made?, i64::from(needed)))
}

/// Adds the recipients that a group does not have; returns whether there was one.
pub(super) fn add(group: &mut Group, key: &[u8], recipients: &[Recipient]) -> Result<bool> {
    let before = group.entries.len();
    for recipient in recipients {
        let name = recipient.to_string();
        if !group.entries.iter().any(|entry| entry.kind == KeyKind::Age && entry.id() == name) {
            let enc = recipient.wrap(key)?;
            group.entries.push(KeyEntry::age(&name, &enc));
        }
    }
    Ok(group.entries.len() > before)
}
