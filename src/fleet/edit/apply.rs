//! One assignment done to a document.

use crate::error::{Error, Result};
use crate::fleet::fields;
use crate::fleet::fleet::INVENTORY;
use crate::yaml::edit::{At, Edit, Value};
use crate::yaml::{Kind, NodeId, Tree, View};

use super::assignment::{Assignment, Change, list};

/// How a map is written that is not there yet.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Shape {
    /// A field a line.
    Lines,
    /// `{ … }`
    OneLine,
}

/// Does what the assignment says to the map at `base`, whose fields stand in this order.
pub(super) fn apply(
    edit: &mut Edit,
    base: &[&str],
    assignment: &Assignment,
    order: &[&str],
    shape: Shape,
) -> Result<()> {
    let path: Vec<&str> = base.iter().copied().chain(assignment.path.iter().map(String::as_str)).collect();
    match &assignment.change {
        Change::Set(value) => {
            // the field itself may well take the place of one that is merged in; a map around it would hide the rest
            let maps = path.split_last().map_or(path.as_slice(), |(_, maps)| maps);
            none_merged(edit, base.len(), maps)?;
            put(edit, base.len(), &path, value, order, shape)
        }
        Change::Unset => {
            none_merged(edit, base.len(), &path)?;
            unset(edit, base.len(), &path)
        }
        Change::Add(items) => {
            none_merged(edit, base.len(), &path)?;
            add(edit, base.len(), &path, items, order, shape)
        }
        Change::Remove(items) => {
            none_merged(edit, base.len(), &path)?;
            items.iter().try_for_each(|item| remove(edit, &path, item))
        }
    }
}

/// The fields of a map that is written in one go, in their order.
pub(super) fn entries(assignments: &[Assignment], order: &[&str]) -> Vec<(String, Value)> {
    let mut entries = Vec::new();
    for assignment in assignments {
        let [field] = assignment.path.as_slice() else { continue };
        let value = match &assignment.change {
            Change::Set(value) => value.clone(),
            Change::Add(items) => list(field, items),
            Change::Unset | Change::Remove(_) => continue,
        };
        entries.push((field.clone(), value));
    }
    entries.sort_by_key(|(name, _)| order.iter().position(|field| field == name));
    entries
}

/// Sets what is there, or puts it in with the maps around it that are missing.
fn put(
    edit: &mut Edit,
    base: usize,
    path: &[&str],
    value: &Value,
    order: &[&str],
    shape: Shape,
) -> Result<()> {
    if edit.contains(path) {
        return edit.set(path, value);
    }
    let there =
        (base..path.len()).rev().find(|length| path.get(..*length).is_some_and(|path| edit.contains(path)));
    let there = there.unwrap_or(base);
    let (parent, missing) = path.split_at(there);
    let [key, inner @ ..] = missing else { return edit.set(path, value) };
    if kind(edit, parent)? == Some(Kind::Scalar) && !is_null(edit, parent)? {
        let message = format!("{} is a single value, and has no fields", parent.join("."));
        return Err(Error::usage(message).at(INVENTORY).hint("take it out first: FIELD="));
    }
    let value = inner.iter().rev().fold(value.clone(), |value, key| Value::map([(*key, value)]).one_line());
    // `on` has a line for each host
    let value = match (inner, value, shape) {
        ([_, _, ..], Value::OneLine(whole), _) => *whole,
        ([_], Value::OneLine(whole), Shape::Lines) if *key == "on" => *whole,
        (_, value, _) => value,
    };
    let order = match parent.len() - base {
        0 => order,
        _ if path.get(base) == Some(&"password") => fields::PASSWORD,
        2 => fields::ACCOUNT,
        _ => &[],
    };
    let at = place(edit, parent, key, order);
    edit.insert_key(parent, key, &value, at)
}

/// Where a field goes: behind the nearest one that stands before it in the order, or in front of all that stand
/// behind it; a name that the order does not have goes to the end.
pub(super) fn place<'o>(edit: &Edit, map: &[&str], field: &str, order: &[&'o str]) -> At<'o> {
    let Some(rank) = order.iter().position(|name| *name == field) else { return At::End };
    let there = |name: &&str| {
        let path: Vec<&str> = map.iter().copied().chain([*name]).collect();
        edit.contains(&path)
    };
    let mut before = order.get(..rank).unwrap_or_default().iter().rev().copied();
    before.find(there).map_or(At::Start, At::After)
}

/// Takes a field out, and a map around it that would be empty.
fn unset(edit: &mut Edit, base: usize, path: &[&str]) -> Result<()> {
    if with(edit, path, |_, _| ())?.is_none() {
        return Ok(());
    }
    edit.remove_key(path)?;
    let mut parent = path;
    while let Some((_, above)) = parent.split_last() {
        parent = above;
        if parent.len() <= base || !is_empty(edit, parent)? {
            return Ok(());
        }
        edit.remove_key(parent)?;
    }
    Ok(())
}

/// That what is not there on the way to a field does not come from what `<<` merges in either.
fn none_merged(edit: &Edit, base: usize, path: &[&str]) -> Result<()> {
    let missing = (base + 1..=path.len()).filter_map(|length| path.get(..length));
    for place in missing {
        if with(edit, place, |_, _| ())?.is_none() {
            return not_merged(edit, place);
        }
    }
    Ok(())
}

fn not_merged(edit: &Edit, path: &[&str]) -> Result<()> {
    let Some((field, map)) = path.split_last() else { return Ok(()) };
    let merged = |tree: &Tree<'_>, id: NodeId| {
        let view = View::new(tree, id, INVENTORY);
        view.is_map() && view.entries().is_ok_and(|all| all.iter().any(|entry| entry.name == *field))
    };
    if with(edit, map, merged)? != Some(true) {
        return Ok(());
    }
    Err(Error::new(format!("{} comes from what `<<` merges in", path.join(".")))
        .at(INVENTORY)
        .hint("change it there, by hand: others may have it from there too"))
}

fn add(
    edit: &mut Edit,
    base: usize,
    path: &[&str],
    items: &[String],
    order: &[&str],
    shape: Shape,
) -> Result<()> {
    if !edit.contains(path) {
        if path.len() - base > 1 {
            let message = format!(
                "{} is not there: what is set for one host takes the place of what holds everywhere",
                path.join(".")
            );
            return Err(Error::usage(message).hint("give the whole list: FIELD=ITEM,ITEM"));
        }
        let field = path.last().copied().unwrap_or_default();
        return put(edit, base, path, &list(field, items), order, shape);
    }
    for item in items {
        if position(edit, path, item)?.is_none() {
            edit.append_item(path, &Value::from(item.as_str()))?;
        }
    }
    Ok(())
}

fn remove(edit: &mut Edit, path: &[&str], item: &str) -> Result<()> {
    match position(edit, path, item)? {
        Some(index) => edit.remove_item(path, index),
        None => {
            Err(Error::usage(format!("{} does not have the item `{item}`", path.join("."))).at(INVENTORY))
        }
    }
}

/// Where an item is in the list at a path.
fn position(edit: &Edit, path: &[&str], item: &str) -> Result<Option<usize>> {
    with(edit, path, |tree, list| tree.children(list).position(|id| tree.node(tree.deref(id)).text == item))
        .map(Option::flatten)
}

fn is_empty(edit: &Edit, path: &[&str]) -> Result<bool> {
    Ok(with(edit, path, |tree, map| tree.children(map).next().is_none())? == Some(true))
}

fn is_null(edit: &Edit, path: &[&str]) -> Result<bool> {
    Ok(with(edit, path, |tree, id| View::new(tree, id, INVENTORY).is_null())? == Some(true))
}

fn kind(edit: &Edit, path: &[&str]) -> Result<Option<Kind>> {
    with(edit, path, |tree, id| tree.node(id).kind)
}

/// Looks at the node at a path of keys.
fn with<T>(edit: &Edit, path: &[&str], look: impl FnOnce(&Tree<'_>, NodeId) -> T) -> Result<Option<T>> {
    let tree = Tree::parse(edit.text().as_bytes()).map_err(|error| Error::from(error).at(INVENTORY))?;
    let root = tree.documents().first().and_then(|document| tree.root(*document));
    let found = root.and_then(|root| path.iter().try_fold(root, |map, key| tree.get(tree.deref(map), key)));
    Ok(found.map(|id| look(&tree, tree.deref(id))))
}
