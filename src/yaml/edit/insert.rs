//! New keys and new items.

use crate::error::Result;
use crate::yaml::edit::locate::{Found, Page};
use crate::yaml::edit::value::Value;
use crate::yaml::edit::verify::{Word, string, words_of};
use crate::yaml::edit::write::Place;
use crate::yaml::edit::{At, Plan, replace};
use crate::yaml::node::{Kind, NodeId, Style};

/// A new key in the map at a path.
pub(super) fn key<'t>(
    page: &Page<'t>,
    path: &[&str],
    name: &str,
    value: &Value,
    at: At<'_>,
) -> Result<Plan<'t>> {
    let value = if page.pen.json { value.clone().for_json() } else { value.clone() };
    if path.is_empty() && page.root().is_none() {
        return Ok(first_document(page, &Value::Map(vec![(name.to_owned(), value)])));
    }
    let found = page.find(path)?;
    if page.is_null(found.id) || (page.tree.node(found.id).kind == Kind::Mapping && page.is_empty(found.id)) {
        return replace::plan(page, found, &Value::Map(vec![(name.to_owned(), value)]));
    }
    if page.tree.node(found.id).kind != Kind::Mapping {
        return Err(page.error(found.id, "a map is needed here to put a key in"));
    }
    if let Some((key, _)) = page.find_pair(found.id, name) {
        return Err(page.error(key, format!("the key `{name}` is already here")));
    }
    let before = predecessor(page, found.id, name, at)?;
    let first = page.tree.children(found.id).next();
    for neighbour in first.into_iter().chain(before.map(|(key, _)| key)) {
        page.without_mark(neighbour)?;
    }
    let mut words = vec![string(name)];
    words_of(&value, &mut words);
    let at = before.map_or(page.range(found.id).start + 1, |(_, value)| page.range(value).end);
    let words = page.meant(at, at, words);
    let splice = if page.tree.node(found.id).style == Style::Flow {
        flow_key(page, found.id, before, name, &value)
    } else {
        block_key(page, found.id, before, name, &value)
    };
    Ok(Plan { splices: vec![splice], words })
}

type Splice = (std::ops::Range<usize>, String);
type Pair = (NodeId, NodeId);

/// A file of comments, or of nothing.
fn first_document<'t>(page: &Page<'t>, value: &Value) -> Plan<'t> {
    let open = |kind| Word::Open { kind, tag: None, anchor: None };
    let mut words = vec![open(Kind::Document)];
    words_of(value, &mut words);
    words.push(Word::Close);
    Plan { splices: vec![page.lines_at(page.source.len(), &page.pen.root(value))], words }
}

/// The pair that a new one goes behind; none at the front.
fn predecessor(page: &Page<'_>, map: NodeId, name: &str, at: At<'_>) -> Result<Option<Pair>> {
    match at {
        At::Start => Ok(None),
        At::End => Ok(page.tree.pairs(map).last()),
        At::After(other) => page.pair(map, other).map(Some),
        At::Sorted => {
            let greater = page.tree.pairs(map).position(|(key, _)| *page.tree.node(key).text > *name);
            let count = greater.unwrap_or_else(|| page.tree.pairs(map).count());
            Ok(count.checked_sub(1).and_then(|last| page.tree.pairs(map).nth(last)))
        }
    }
}

fn block_key(page: &Page<'_>, map: NodeId, before: Option<Pair>, name: &str, value: &Value) -> Splice {
    let Some((key, old)) = before else { return first_block_key(page, map, name, value) };
    let first = page.tree.children(map).next().unwrap_or(key);
    let column = page.column(first);
    let end = page.pair_end(key, old);
    let gap = page.gap_behind(end, column, page.feet(key));
    page.lines_at(gap, &format!("{:column$}{}", "", page.pen.pair(name, value, column)))
}

/// A key before all others: above the comments of the first one, or on its line where that begins with a dash.
fn first_block_key(page: &Page<'_>, map: NodeId, name: &str, value: &Value) -> Splice {
    let first = page.tree.children(map).next().unwrap_or(map);
    let column = page.column(first);
    let pair = page.pen.pair(name, value, column);
    let line = page.line_of(first);
    let start = line + column;
    if !page.starts_line(start) {
        return (start..start, format!("{pair}{}{:column$}", page.pen.newline, ""));
    }
    let at = page.comments_above(line, 0);
    (at..at, format!("{:column$}{pair}{}", "", page.pen.newline))
}

fn flow_key(page: &Page<'_>, map: NodeId, before: Option<Pair>, name: &str, value: &Value) -> Splice {
    let pair = page.pen.flow_pair(name, value);
    let first = page.tree.children(map).next().unwrap_or(map);
    match before {
        Some((key, old)) => behind_flow(page, page.pair_end(key, old), first, &pair),
        None => before_flow(page, first, &pair),
    }
}

/// Behind an entry: on a line of its own where the first entry has one.
fn behind_flow(page: &Page<'_>, end: usize, first: NodeId, text: &str) -> Splice {
    let start = page.start(first);
    if page.starts_line(start) {
        return (end..end, format!(",{}{}{text}", page.pen.newline, page.source.before(start)));
    }
    (end..end, format!(", {text}"))
}

fn before_flow(page: &Page<'_>, first: NodeId, text: &str) -> Splice {
    let start = page.start(first);
    if page.starts_line(start) {
        return (start..start, format!("{text},{}{}", page.pen.newline, page.source.before(start)));
    }
    (start..start, format!("{text}, "))
}

/// A new item behind the last one of the list at a path.
pub(super) fn item<'t>(page: &Page<'t>, path: &[&str], value: &Value) -> Result<Plan<'t>> {
    let value = if page.pen.json { value.clone().for_json() } else { value.clone() };
    let found = page.find(path)?;
    let list = page.tree.node(found.id);
    if page.is_null(found.id) {
        return replace::plan(page, found, &Value::List(vec![value]));
    }
    if list.kind != Kind::Sequence {
        return Err(page.error(found.id, "a list is needed here to put an item in"));
    }
    if page.is_empty(found.id) {
        return replace::plan(page, found, &Value::List(vec![value]).one_line());
    }
    let mut words = Vec::new();
    words_of(&value, &mut words);
    let at = page.range(found.id).end - 1;
    let words = page.meant(at, at, words);
    let splice = if list.style == Style::Flow {
        flow_item(page, found, &value)
    } else {
        block_item(page, found, &value)
    };
    Ok(Plan { splices: vec![splice], words })
}

fn flow_item(page: &Page<'_>, found: Found, value: &Value) -> Splice {
    let text = page.pen.inline(value, Place::Flow, Style::Plain);
    let first = page.tree.children(found.id).next().unwrap_or(found.id);
    let last = page.tree.children(found.id).last().unwrap_or(found.id);
    behind_flow(page, page.value_end(last), first, &text)
}

fn block_item(page: &Page<'_>, found: Found, value: &Value) -> Splice {
    let column = page.column(found.id);
    let last = page.tree.children(found.id).last().unwrap_or(found.id);
    let feet = page.feet(last);
    let gap = page.gap_behind(page.value_end(last), column, feet);
    page.lines_at(gap, &format!("{:column$}{}", "", page.pen.item(value, column)))
}
