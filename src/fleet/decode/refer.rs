//! Names that must be there: hosts by name and by tag, and lists that name nothing twice.

use std::collections::{HashMap, HashSet};

use crate::error::Result;
use crate::fleet::inventory::{ALL, Host, HostId, Said};
use crate::fleet::name::{HostName, Tag};
use crate::yaml::{Fields, View};

/// All hosts, found by name and by tag.
pub(super) struct Hosts {
    pub(super) list: Vec<Host>,
    pub(super) ids: HashMap<HostName, HostId>,
    pub(super) tagged: HashMap<Tag, Vec<HostId>>,
}

impl Hosts {
    /// Takes the hosts in the order of their names.
    pub(super) fn of(list: Vec<Host>) -> Self {
        let mut ids = HashMap::with_capacity(list.len());
        let mut tagged: HashMap<Tag, Vec<HostId>> = HashMap::new();
        for (rank, host) in (0..).zip(&list) {
            ids.insert(host.name.clone(), HostId(rank));
            for tag in &host.tags {
                tagged.entry(tag.value.clone()).or_default().push(HostId(rank));
            }
        }
        Self { list, ids, tagged }
    }

    /// The list `hosts` of a map.
    pub(super) fn names(&self, fields: &Fields<'_>) -> Result<Vec<Said<HostName>>> {
        list(fields, "hosts", |view| self.name(view))
    }

    /// One host that must be there.
    pub(super) fn name(&self, view: &View<'_>) -> Result<HostName> {
        let text = view.str()?;
        self.find(view, text).map(|(name, _)| name)
    }

    /// The host that a text names; `view` is the place of the error.
    pub(super) fn find(&self, view: &View<'_>, text: &str) -> Result<(HostName, HostId)> {
        self.ids
            .get_key_value(text)
            .map(|(name, id)| (name.clone(), *id))
            .ok_or_else(|| view.unknown("host", text, self.list.iter().map(|host| host.name.as_str())))
    }

    /// The list `tags` of a map: each one that a host has, or `all`.
    pub(super) fn tags(&self, fields: &Fields<'_>) -> Result<Vec<Said<Tag>>> {
        list(fields, "tags", |view| {
            let text = view.str()?;
            if text == ALL {
                if self.list.is_empty() {
                    return Err(view.error("there is no host at all"));
                }
                return Tag::new(ALL);
            }
            self.tagged.get_key_value(text).map(|(tag, _)| tag.clone()).ok_or_else(|| {
                let known = self.tagged.keys().map(Tag::as_str);
                let mut known: Vec<_> = known.chain([ALL]).collect();
                known.sort_unstable();
                view.unknown("tag", text, known)
            })
        })
    }

    /// The hosts of a union of names and tags, in the order of their names.
    pub(super) fn placed(&self, names: &[Said<HostName>], tags: &[Said<Tag>]) -> Vec<HostId> {
        let count = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        if tags.iter().any(|tag| tag.value.as_str() == ALL) {
            return (0..count).map(HostId).collect();
        }
        let by_name = names.iter().filter_map(|name| self.ids.get(&name.value));
        let by_tag = tags.iter().filter_map(|tag| self.tagged.get(&tag.value)).flatten();
        let mut placed: Vec<HostId> = by_name.chain(by_tag).copied().collect();
        placed.sort_unstable();
        placed.dedup();
        placed
    }
}

/// The list of one field, read item by item; none where the field is missing. Nothing may be said twice.
pub(super) fn list<T: AsRef<str>>(
    fields: &Fields<'_>,
    field: &str,
    read: impl Fn(&View<'_>) -> Result<T>,
) -> Result<Vec<Said<T>>> {
    let Some(view) = fields.get(field) else { return Ok(Vec::new()) };
    let mut found: Vec<Said<T>> = Vec::new();
    let mut seen = HashSet::new();
    for item in view.list()? {
        let value = read(&item)?;
        if !seen.insert(value.as_ref().to_owned()) {
            return Err(item.error(format!("`{}` is listed twice", value.as_ref())));
        }
        found.push(Said::at(&item, value));
    }
    Ok(found)
}

/// That no two names are one where case does not count, as in many file systems.
pub(super) fn distinct<'t>(names: impl Iterator<Item = (&'t str, View<'t>)>, what: &str) -> Result<()> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for (name, view) in names {
        if let Some(other) = seen.insert(name.to_ascii_lowercase(), name) {
            let message = format!("the {what}s `{other}` and `{name}` differ in nothing but case");
            return Err(view.error(message));
        }
    }
    Ok(())
}
