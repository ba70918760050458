//! The field `rules`: creation rules that a person wrote, taken over as they stand in the file.

use crate::error::Result;
use crate::fleet::fields;
use crate::fleet::inventory::{HandWritten, Place, Said};
use crate::rules::{Verbatim, stores_of};
use crate::sops::go_regex;
use crate::yaml::{Kind, NodeId, Style, Tree, View};

/// Reads the four fields, and checks what sops would only find out at the first file.
pub(super) fn read(view: &View<'_>, tree: &Tree<'_>, source: &[u8]) -> Result<HandWritten> {
    let fields = view.map(fields::RULES)?;
    let take = |field: &str, read: Read| match fields.get(field) {
        Some(view) => read(&view, tree, source),
        None => Ok(Said::default()),
    };
    for field in ["before", "after"] {
        for rule in fields.get(field).map(|list| list.list()).transpose()?.unwrap_or_default() {
            check(&rule)?;
        }
    }
    let rules = HandWritten {
        keys: take("keys", list)?,
        before: take("before", list)?,
        after: take("after", list)?,
        other: take("other", map)?,
        stores: fields.get("other").map(|other| stores_of(&other)).transpose()?.unwrap_or_default(),
    };
    stands_alone(view, &rules)?;
    Ok(rules)
}

/// How a field is taken over.
type Read = fn(&View<'_>, &Tree<'_>, &[u8]) -> Result<Said<Verbatim>>;

/// A rule is a map, and its regex is one.
fn check(rule: &View<'_>) -> Result<()> {
    let entries =
        if rule.is_map() { rule.entries()? } else { return Err(rule.error("a rule of sops is a map")) };
    for entry in entries.iter().filter(|entry| entry.name == "path_regex" && !entry.value.is_null()) {
        go_regex(entry.value.text()?).map_err(|error| entry.value.error(error.message()))?;
    }
    Ok(())
}

/// That the lines mean the same in `.sops.yaml`, where the rest of this file is not: no anchor is missing.
fn stands_alone(view: &View<'_>, rules: &HandWritten) -> Result<()> {
    let mut text = String::new();
    for (name, list) in [("keys", &rules.keys), ("before", &rules.before), ("after", &rules.after)] {
        if !list.value.is_empty() {
            text.push_str(name);
            text.push_str(":\n");
            text.push_str(list.value.as_str());
        }
    }
    text.push_str(rules.other.value.as_str());
    Tree::parse(text.as_bytes()).map(|_| ()).map_err(|error| {
        view.error(format!("these do not stand alone in .sops.yaml: {}", error.message()))
            .hint("anchors that they use belong into rules.keys")
    })
}

/// A list's items as lines that begin with `- `.
fn list(list: &View<'_>, tree: &Tree<'_>, source: &[u8]) -> Result<Said<Verbatim>> {
    let text = match list.list()?.as_slice() {
        [] => String::new(),
        _ if tree.node(list.id()).style == Style::Flow => flow(tree, list.id(), source),
        _ => block(tree, list.id(), source),
    };
    Ok(Said { value: Verbatim::new(text), place: Place::of(list) })
}

/// Fields of `.sops.yaml` as they stand, but for those that uvars writes.
fn map(map: &View<'_>, tree: &Tree<'_>, source: &[u8]) -> Result<Said<Verbatim>> {
    let entries = if map.is_null() { Vec::new() } else { map.entries()? };
    if let Some(ours) = entries.iter().find(|entry| ["keys", "creation_rules"].contains(&entry.name)) {
        let field = if ours.name == "keys" { "keys" } else { "after" };
        return Err(ours
            .key
            .error(format!("`{}` is written by uvars", ours.name))
            .hint(format!("what is to stand there belongs into rules.{field}")));
    }
    let text = match entries.as_slice() {
        [] => String::new(),
        _ if tree.node(map.id()).style == Style::Flow => flow_fields(tree, map.id(), source),
        _ => block(tree, map.id(), source),
    };
    Ok(Said { value: Verbatim::new(text), place: Place::of(map) })
}

/// The lines of a block list or map, from the comments above its first item on, without their common indentation.
fn block(tree: &Tree<'_>, list: NodeId, source: &[u8]) -> String {
    let node = tree.node(list);
    let (start, end) = (node.start as usize, node.end as usize);
    let begin = line_start(source, start);
    let end = source.get(end..).map_or(source.len(), |rest| match rest.iter().position(|b| *b == b'\n') {
        // a block scalar ends behind its last line break
        _ if end > begin && source.get(end - 1) == Some(&b'\n') => end,
        Some(length) => end + length + 1,
        None => source.len(),
    });
    let begin = above(source, begin);
    let indent = start - line_start(source, start);
    let text = String::from_utf8_lossy(source.get(begin..end).unwrap_or_default());
    let mut lines = String::with_capacity(text.len());
    for line in text.lines() {
        let blank = line.bytes().take(indent).take_while(|b| *b == b' ').count();
        lines.push_str(line.get(blank..).unwrap_or(line));
        lines.push('\n');
    }
    lines
}

/// Where the comment lines right above a line begin.
fn above(source: &[u8], line: usize) -> usize {
    let mut begin = line;
    while begin > 0 {
        let before = line_start(source, begin - 1);
        let text = source.get(before..begin).unwrap_or_default().trim_ascii();
        if !text.starts_with(b"#") {
            break;
        }
        begin = before;
    }
    begin
}

fn line_start(source: &[u8], at: usize) -> usize {
    source.get(..at).and_then(|before| before.iter().rposition(|b| *b == b'\n')).map_or(0, |end| end + 1)
}

/// Each item of a flow list, on lines of its own.
fn flow(tree: &Tree<'_>, list: NodeId, source: &[u8]) -> String {
    let mut lines = String::new();
    for item in tree.children(list) {
        let node = tree.node(item);
        lines.push_str("- ");
        if let Some(name) = tree.anchor(item).filter(|_| node.kind != Kind::Alias) {
            lines.push('&');
            lines.push_str(name);
            lines.push(' ');
        }
        inner(&mut lines, source.get(node.start as usize..node.end as usize).unwrap_or_default());
    }
    lines
}

/// Each field of a flow map, on lines of its own.
fn flow_fields(tree: &Tree<'_>, map: NodeId, source: &[u8]) -> String {
    let mut lines = String::new();
    for (key, value) in tree.pairs(map) {
        let range = tree.node(key).start as usize..tree.node(value).end as usize;
        inner(&mut lines, source.get(range).unwrap_or_default());
    }
    lines
}

/// Text of a flow collection, which does not care for its indentation.
fn inner(lines: &mut String, text: &[u8]) {
    for (number, line) in String::from_utf8_lossy(text).lines().enumerate() {
        lines.push_str(if number == 0 { "" } else { "    " });
        lines.push_str(line);
        lines.push('\n');
    }
}
