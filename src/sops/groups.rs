//! The data key and who can open it: wrapped whole for one key group, shared out among several.

use crate::error::one_line;
use crate::keys::{KeyType, MasterKey, Naming, Recipient, Unwrap, Wrap, WrappedKey, reader};
use crate::secret::DataKey;
use crate::sops::key_groups::{KeyGroups, once_each};
use crate::sops::metadata::{Group, KeyEntry, Metadata};
use crate::sops::shamir;
use crate::sops::value::Map;
use crate::yaml::Timestamp;
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
pub(super) fn unlock(metadata: &Metadata, keys: &dyn Unwrap, name: Naming<'_>) -> Result<DataKey> {
    let opened = match metadata.groups() {
        [group] => open(group, keys, name)?,
        groups => combine(groups, metadata.needed_groups(), keys, name)?,
    };
    DataKey::from_slice(&opened).ok_or_else(|| {
        Error::new(format!("the data key is {} bytes long and should be 32", opened.len())).key("sops")
    })
}

fn open(group: &Group, keys: &dyn Unwrap, name: Naming<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let named: Vec<MasterKey> = group.entries().iter().map(KeyEntry::master_key).collect();
    let wrapped = named.iter().zip(group.entries()).map(|(key, entry)| WrappedKey { key, enc: entry.enc() });
    let wrapped: Vec<_> = wrapped.collect();
    keys.unwrap_first(&wrapped, name).map(crate::secret::Secret::into_inner)
}

fn combine(
    groups: &[Group],
    needed: usize,
    keys: &dyn Unwrap,
    name: Naming<'_>,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut shares = Vec::new();
    let mut failed = Vec::new();
    let mut opened = Vec::new();
    for (group, number) in groups.iter().zip(1_usize..) {
        match open(group, keys, name) {
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
            keys.places_of(&recipients).into_iter().map(move |place| (place, number))
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
pub(super) fn of_recipients(key: &[u8], recipients: &[Recipient], wrap: &dyn Wrap) -> Result<Group> {
    if recipients.is_empty() {
        return Err(Error::new("a file must have a reader: no recipient is named"));
    }
    let mut group = Group::default();
    add(&mut group, key, recipients, wrap)?;
    Ok(group)
}

/// Adds the recipients that a group does not have.
pub(super) fn add(group: &mut Group, key: &[u8], recipients: &[Recipient], wrap: &dyn Wrap) -> Result<()> {
    for recipient in recipients {
        let name = recipient.as_str();
        if !group.entries.iter().any(|entry| entry.kind == KeyType::Age && entry.id() == name) {
            let enc = wrap.wrap(&MasterKey::age(name), key)?;
            group.entries.push(KeyEntry::age(name, &enc));
        }
    }
    Ok(())
}

/// The same groups with the same keys for another data key, and the threshold that then holds.
///
/// Errors: a key that cannot be wrapped for; a threshold that cannot be.
pub(super) fn share_out(
    key: &DataKey,
    groups: &[Group],
    threshold: i64,
    wrap: &dyn Wrap,
    now: Timestamp,
) -> Result<(Vec<Group>, i64)> {
    let again = |group: &Group, secret: &[u8]| -> Result<Group> {
        let keys = once_each(group.entries().iter().map(KeyEntry::master_key).collect());
        if keys.is_empty() {
            return Err(Error::new("a file must have a reader: no key is named"));
        }
        let entries = keys.iter().map(|key| wrap_one(key, secret, wrap, now)).collect::<Result<_>>()?;
        Ok(Group { entries, unknown: group.unknown.clone() })
    };
    if let [group] = groups {
        return Ok((vec![again(group, key.expose())?], threshold));
    }
    let count = u8::try_from(groups.len())
        .map_err(|_| Error::new("a data key is shared out among at most 255 key groups"))?;
    let wrong = |_| Error::new(format!("{threshold} of {count} key groups cannot share a data key"));
    let needed = if threshold == 0 { count } else { u8::try_from(threshold).map_err(wrong)? };
    let shares = shamir::split(key.expose(), count, needed)?;
    let made: Result<Vec<_>> = groups.iter().zip(&shares).map(|(group, share)| again(group, share)).collect();
    Ok((made?, i64::from(needed)))
}

/// Groups of keys of any type: all of them made anew.
///
/// Errors: a key that cannot be wrapped for.
pub(super) fn make(key: &DataKey, wanted: &KeyGroups, wrap: &dyn Wrap, now: Timestamp) -> Result<Vec<Group>> {
    let wrap_all = |keys: &[MasterKey], secret: &[u8]| -> Result<Group> {
        let entries = keys.iter().map(|key| wrap_one(key, secret, wrap, now));
        Ok(Group { entries: entries.collect::<Result<_>>()?, unknown: Map::new() })
    };
    if let [keys] = wanted.groups() {
        return Ok(vec![wrap_all(keys, key.expose())?]);
    }
    let (count, needed) = (wanted.groups().len(), wanted.threshold());
    let wrong = || Error::new(format!("{needed} of {count} key groups cannot share a data key"));
    let count = u8::try_from(count).map_err(|_| wrong())?;
    let needed = u8::try_from(needed).map_err(|_| wrong())?;
    let shares = shamir::split(key.expose(), count, needed)?;
    wanted.groups().iter().zip(&shares).map(|(keys, share)| wrap_all(keys, share)).collect()
}

/// The one group of a file made another: who stays keeps what was wrapped, as it stands.
///
/// Errors: a key that cannot be wrapped for.
pub(super) fn adapt(
    group: &Group,
    key: &DataKey,
    wanted: &[MasterKey],
    wrap: &dyn Wrap,
    now: Timestamp,
) -> Result<Group> {
    let entries = wanted.iter().map(|wanted| {
        let shown = wanted.to_string();
        let same = |entry: &&KeyEntry| entry.kind == wanted.kind() && entry.master_key().to_string() == shown;
        match group.entries().iter().find(same) {
            Some(entry) => Ok(entry.clone()),
            None => wrap_one(wanted, key.expose(), wrap, now),
        }
    });
    Ok(Group { entries: entries.collect::<Result<_>>()?, unknown: group.unknown.clone() })
}

fn wrap_one(key: &MasterKey, secret: &[u8], wrap: &dyn Wrap, now: Timestamp) -> Result<KeyEntry> {
    let enc = wrap.wrap(key, secret).map_err(|error| say_whose(key, error))?;
    Ok(KeyEntry::new(key, &enc, now))
}

/// Names the key, unless the error does: a file may have many.
fn say_whose(key: &MasterKey, error: Error) -> Error {
    let shown = match key {
        MasterKey::Age { recipient } => reader(recipient, &|_| None),
        other => one_line(&other.to_string()),
    };
    if error.message().contains(&shown) {
        return error;
    }
    let named = Error::of(error.kind(), format!("cannot encrypt for {} {shown}: {error}", key.kind()));
    error.hints().iter().fold(named, Error::hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes what it is given as numbers, with a count of how often it was asked.
    struct Bare(std::sync::atomic::AtomicUsize);

    impl Wrap for Bare {
        fn wrap(&self, _: &MasterKey, secret: &[u8]) -> Result<String> {
            let count = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(secret.iter().fold(count.to_string(), |text, byte| format!("{text} {byte}")))
        }

        fn check(&self, _: &MasterKey) -> Result<()> {
            Ok(())
        }
    }

    fn secret(group: &Group) -> Zeroizing<Vec<u8>> {
        let numbers = group.entries()[0].enc().split(' ').skip(1);
        Zeroizing::new(numbers.map(|number| number.parse().unwrap()).collect())
    }

    fn groups(keys: &[&[&str]]) -> Vec<Group> {
        let entries = |names: &&[&str]| names.iter().map(|name| KeyEntry::age(name, "old")).collect();
        keys.iter().map(|names| Group { entries: entries(names), unknown: Map::new() }).collect()
    }

    #[test]
    fn a_file_that_names_no_threshold_needs_all_of_its_groups_again() {
        let (key, wrap) = (DataKey::new([7; 32]), Bare(0.into()));
        let now = Timestamp::from_unix(0);
        let old = groups(&[&["a"], &["b", "b"], &["c"]]);
        for (threshold, needed) in [(0, 3), (3, 3), (2, 2)] {
            let (made, written) = share_out(&key, &old, threshold, &wrap, now).unwrap();
            assert_eq!(written, i64::try_from(needed).unwrap());
            // a key that stands there twice is wrapped for once
            assert_eq!(made[1].entries().len(), 1);
            let shares: Vec<_> = made.iter().map(secret).collect();
            for count in 2..=3 {
                let opens = shamir::combine(&shares[..count]).unwrap().as_slice() == key.expose();
                assert_eq!(opens, count >= needed, "{count} of {threshold}");
            }
        }
        for threshold in [1, 4, -1, 256] {
            assert!(share_out(&key, &old, threshold, &wrap, now).is_err(), "{threshold}");
        }
    }

    #[test]
    fn what_was_wrapped_for_a_key_that_stays_is_kept() {
        let (key, wrap) = (DataKey::new([7; 32]), Bare(0.into()));
        let old = groups(&[&["a", "b"]]);
        let wanted = ["b", "c"].map(MasterKey::age);
        let made = adapt(&old[0], &key, &wanted, &wrap, Timestamp::from_unix(0)).unwrap();
        assert_eq!(made.entries()[0].enc(), "old");
        assert_eq!(made.entries()[1].enc().split(' ').count(), 33);
        assert_eq!(made.recipients().collect::<Vec<_>>(), ["b", "c"]);
    }
}
