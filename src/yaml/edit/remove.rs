//! Keys and items that go, with the comments that are theirs.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::yaml::edit::locate::{Page, Seat};
use crate::yaml::edit::source::is_blank;
use crate::yaml::edit::value::Value;
use crate::yaml::edit::{Plan, replace};
use crate::yaml::node::{Kind, NodeId, Style};

type Splice = (std::ops::Range<usize>, String);

/// One of several entries: where it and its neighbours are.
struct Entry {
    start: usize,
    end: usize,
    /// The end of the entry before.
    before: Option<usize>,
    /// The start of the entry behind.
    behind: Option<usize>,
}

/// Takes a key and its value away.
pub(super) fn key<'t>(page: &Page<'t>, path: &[&str]) -> Result<Plan<'t>> {
    let Some((_, parent)) = path.split_last() else {
        return Err(crate::error::Error::new("a key to remove is needed"));
    };
    let found = page.find(path)?;
    let Seat::Pair { map, key } = found.seat else {
        return Err(page.error(found.id, "this is an item of a list, not a key"));
    };
    is_free(page, &[key, found.id])?;
    let pairs: Vec<_> = page.tree.pairs(map).collect();
    if pairs.len() == 1 {
        return replace::plan(page, page.find(parent)?, &Value::Map(Vec::new()));
    }
    let index = pairs.iter().position(|(name, _)| *name == key).unwrap_or(0);
    let near = |index: Option<usize>| index.and_then(|index| pairs.get(index));
    let entry = Entry {
        start: page.start(key),
        end: page.pair_end(key, found.id),
        before: near(index.checked_sub(1)).map(|(key, value)| page.pair_end(*key, *value)),
        behind: near(Some(index + 1)).map(|(key, _)| page.line_of(*key) + page.column(*key)),
    };
    let words = page.meant(page.range(key).start, page.range(found.id).end, Vec::new());
    Ok(Plan { splices: splices(page, map, &entry), words })
}

/// Takes an item away.
pub(super) fn item<'t>(page: &Page<'t>, path: &[&str], index: usize) -> Result<Plan<'t>> {
    let list = page.find(path)?;
    if page.tree.node(list.id).kind != Kind::Sequence {
        return Err(page.error(list.id, "a list is needed here to take an item out of"));
    }
    let items: Vec<_> = page.tree.children(list.id).collect();
    let Some(id) = items.get(index).copied() else {
        return Err(page.error(list.id, format!("no item {index} is here")));
    };
    is_free(page, &[id])?;
    if items.len() == 1 {
        return replace::plan(page, list, &Value::List(Vec::new()));
    }
    let near = |index: Option<usize>| index.and_then(|index| items.get(index)).copied();
    let start_of = |item: NodeId| {
        if page.tree.node(list.id).style == Style::Flow {
            Some(page.start(item))
        } else {
            page.dash(list.id, item)
        }
    };
    let entry = Entry {
        start: start_of(id).unwrap_or_else(|| page.start(id)),
        end: page.value_end(id),
        before: near(index.checked_sub(1)).map(|item| page.value_end(item)),
        behind: near(Some(index + 1)).and_then(start_of),
    };
    let range = page.range(id);
    let words = page.meant(range.start, range.end, Vec::new());
    Ok(Plan { splices: splices(page, list.id, &entry), words })
}

fn splices(page: &Page<'_>, parent: NodeId, entry: &Entry) -> Vec<Splice> {
    if page.tree.node(parent).style == Style::Flow { flow(page, entry) } else { vec![block(page, entry)] }
}

fn block(page: &Page<'_>, entry: &Entry) -> Splice {
    if !page.starts_line(entry.start) {
        // the first entry shares its line with a dash, which the next entry takes over
        let next = entry.behind.unwrap_or(entry.end);
        let below = page.line_behind(entry.end);
        let text = page.source.cut(below, next);
        let blanks = text.len() - text.trim_start_matches([' ', '\n', '\r']).len();
        return (entry.start..below + blanks, String::new());
    }
    let bound = entry.before.map_or(0, |end| page.line_behind(end));
    let start = page.comments_above(page.source.line_start(entry.start), bound);
    let mut end = page.line_behind(entry.end);
    if entry.before.is_some_and(|before| page.line_behind(before) == before) {
        // empty lines behind a block text may be part of it
        while end < page.source.len() && is_blank(page.source.line(end)) {
            end = page.source.next_line(end);
        }
    }
    replace::closing(page, start..end)
}

/// An entry between brackets goes with one comma; a comment behind somebody else's comma stays.
fn flow(page: &Page<'_>, entry: &Entry) -> Vec<Splice> {
    let comma = page.source.skip_white(entry.end);
    let comma = page.source.at(comma, b',').then_some(comma);
    let own_line = page.starts_line(entry.start);
    match (entry.behind, entry.before, comma) {
        (Some(next), _, Some(comma)) => {
            let gap = page.source.cut(entry.end, next);
            if !gap.contains('#') {
                return vec![(entry.start..next, String::new())];
            }
            let line_end = page.source.line_end(comma);
            let rest = page.source.cut(comma + 1, line_end);
            let whole_line = own_line && (rest.trim().is_empty() || rest.trim_start().starts_with('#'));
            if whole_line {
                return vec![(
                    page.source.line_start(entry.start)..page.source.next_line(comma),
                    String::new(),
                )];
            }
            vec![(entry.start..comma + 1, String::new())]
        }
        (_, Some(before), _) => {
            let gap = page.source.cut(before, entry.start);
            if !gap.contains('#') {
                return vec![(before..entry.end, String::new())];
            }
            let old_comma = page.source.skip_white(before);
            vec![(old_comma..old_comma + 1, String::new()), (entry.start..entry.end, String::new())]
        }
        _ => vec![(entry.start..entry.end, String::new())],
    }
}

/// Nothing outside of these nodes refers to an anchor inside.
pub(super) fn is_free(page: &Page<'_>, going: &[NodeId]) -> Result<()> {
    let mut inside = BTreeSet::new();
    let mut open = going.to_vec();
    while let Some(id) = open.pop() {
        inside.insert(id);
        open.extend(page.tree.children(id));
    }
    let mut open = page.tree.documents().to_vec();
    while let Some(id) = open.pop() {
        if inside.contains(&id) {
            continue;
        }
        open.extend(page.tree.children(id));
        if page.tree.target(id).is_some_and(|target| inside.contains(&target)) {
            let name = &page.tree.node(id).text;
            return Err(page.error(id, format!("this refers to the anchor `&{name}`, which would be lost")));
        }
    }
    Ok(())
}
