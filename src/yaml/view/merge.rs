//! The entries of a map, with those that `<<` brings in.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::yaml::node::Kind;
use crate::yaml::resolve::{Scalar, resolve};
use crate::yaml::view::{Entry, View};

/// Merges that one map may take, so that maps that merge each other end in an error.
const MERGES: usize = 1000;

/// Own keys win over merged ones, and earlier sources over later ones.
pub(super) fn entries(map: View<'_>) -> Result<Vec<Entry<'_>>> {
    let mut found = Vec::new();
    let mut sources = own(map, &mut found)?;
    if sources.is_empty() {
        return Ok(found);
    }
    let mut known: BTreeSet<&str> = found.iter().map(|entry| entry.name).collect();
    sources.reverse();
    let mut merges = 0;
    while let Some(source) = sources.pop() {
        merges += 1;
        if merges > MERGES {
            return Err(map.error("too many merges (`<<`), or a map that merges itself"));
        }
        let mut more = Vec::new();
        let inner = own(source, &mut more)?;
        more.retain(|entry| known.insert(entry.name));
        found.append(&mut more);
        sources.extend(inner.into_iter().rev());
    }
    Ok(found)
}

/// A map's own entries go to `found`, the maps it merges are returned.
fn own<'t>(map: View<'t>, found: &mut Vec<Entry<'t>>) -> Result<Vec<View<'t>>> {
    let mut sources = Vec::new();
    let mut lines: BTreeMap<&str, u32> = BTreeMap::new();
    for (key, value) in map.tree.pairs(map.id) {
        let (key, value) = (View::new(map.tree, key, map.file), View::new(map.tree, value, map.file));
        let name = match resolve(map.tree, key.id) {
            Ok(Scalar::Merge) => {
                sources.append(&mut merged(value)?);
                continue;
            }
            Ok(Scalar::Null) | Err(_) => return Err(key.error("a key must be a single value")),
            Ok(_) => map.tree.node(key.id).text.as_ref(),
        };
        if let Some(line) = lines.insert(name, key.line()) {
            return Err(key.error(format!("the key `{name}` is already on line {line}")));
        }
        found.push(Entry { name, key, value });
    }
    Ok(sources)
}

fn merged(value: View<'_>) -> Result<Vec<View<'_>>> {
    let sources = if value.is_list() { value.list()? } else { vec![value] };
    match sources.iter().find(|source| source.tree.node(source.id).kind != Kind::Mapping) {
        Some(source) => Err(source.error("`<<` can only merge maps")),
        None => Ok(sources),
    }
}
