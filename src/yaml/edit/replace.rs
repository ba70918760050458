//! Other values and other names for what is there.

use crate::error::Result;
use crate::yaml::edit::Plan;
use crate::yaml::edit::locate::{Found, Page, Seat};
use crate::yaml::edit::source::{is_blank, is_comment};
use crate::yaml::edit::value::Value;
use crate::yaml::edit::verify::{string, words_of};
use crate::yaml::edit::write::Place;
use crate::yaml::node::{Kind, NodeId, Style};

/// Another value at a path.
pub(super) fn set<'t>(page: &Page<'t>, path: &[&str], value: &Value) -> Result<Plan<'t>> {
    let found = page.find(path)?;
    let value = if page.pen.json { value.clone().for_json() } else { value.clone() };
    is_free(page, found)?;
    plan(page, found, &value)
}

/// Nothing outside refers to what would go.
pub(super) fn is_free(page: &Page<'_>, found: Found) -> Result<()> {
    super::remove::is_free(page, &[found.id])
}

/// The plan that gives a found node another value.
pub(super) fn plan<'t>(page: &Page<'t>, found: Found, value: &Value) -> Result<Plan<'t>> {
    let mut new = Vec::new();
    words_of(value, &mut new);
    let range = page.range(found.id);
    let words = page.meant(range.start, range.end, new);
    let splices = if found.in_flow || page.pen.json {
        in_flow(page, found, value)
    } else {
        match found.seat {
            Seat::Root => root(page, found, value),
            Seat::Pair { key, .. } => {
                let column = page.column(key);
                behind_colon(page, found, page.behind_colon(key), column, value)
            }
            Seat::Item { list } => item(page, found, list, value)?,
        }
    };
    Ok(Plan { splices, words })
}

type Splices = Vec<(std::ops::Range<usize>, String)>;

/// The quotes to keep.
fn wanted(page: &Page<'_>, found: Found) -> Style {
    let node = page.tree.node(found.id);
    if node.kind == Kind::Scalar { node.style } else { Style::Plain }
}

/// A single value below `column`, a literal with its lines `step` further; on one line where a comment below would
/// fall to the lines of a literal.
fn single(page: &Page<'_>, found: Found, value: &Value, column: usize, step: usize) -> String {
    let style = wanted(page, found);
    if page.is_above_comment(page.value_end(found.id), column) {
        return page.pen.inline(value, Place::Block, style);
    }
    page.pen.scalar(value, column + step, style)
}

fn in_flow(page: &Page<'_>, found: Found, value: &Value) -> Splices {
    let place = if found.in_flow { Place::Flow } else { Place::Block };
    let text = page.pen.inline(value, place, wanted(page, found));
    match found.seat {
        Seat::Pair { key, .. } if page.is_absent(found.id) => {
            let at = page.behind_colon(key);
            let colon = if page.has_colon(key) { "" } else { ":" };
            vec![(at..at, format!("{colon} {text}"))]
        }
        _ => vec![(page.start(found.id)..page.end(found.id), text)],
    }
}

/// The value behind a key's colon in block context.
fn behind_colon(page: &Page<'_>, found: Found, colon: usize, column: usize, value: &Value) -> Splices {
    let (start, end) = (page.start(found.id), page.value_end(found.id));
    let node = page.tree.node(found.id);
    let block_collection = node.kind != Kind::Scalar && node.style != Style::Flow;
    let new_line = if value.is_inline() { None } else { Some(page.pen.behind_key(value, column)) };
    let text = || single(page, found, value, column, page.pen.habits.step);
    if block_collection {
        // the lines below the key go; what stands behind its colon, a comment, stays
        let below = page.source.next_line(colon);
        let old = below..page.line_behind(end);
        if let Some(lines) = new_line {
            return vec![(old, page.below(&lines, end))];
        }
        let mut splices = below_comment(page, colon..colon, format!(" {}", text()), false);
        splices.push(closing(page, old));
        return splices;
    }
    let new =
        new_line.unwrap_or_else(|| if page.is_absent(found.id) { format!(" {}", text()) } else { text() });
    let lines = !value.is_inline();
    if matches!(node.style, Style::Literal | Style::Folded) {
        return vec![block_scalar(page, found, if lines { colon } else { start }, &new)];
    }
    if page.is_absent(found.id) {
        return below_comment(page, colon..colon, new, lines);
    }
    let from = if lines { colon } else { start };
    below_comment(page, from..end, new, lines)
}

/// Replaces what stands on a line; new lines go below a comment that ends it.
fn below_comment(page: &Page<'_>, old: std::ops::Range<usize>, new: String, lines: bool) -> Splices {
    let line_end = page.source.line_end(old.end);
    let rest = page.source.cut(old.end, line_end);
    let several = new.contains(['\n', '\r']);
    if !several {
        return vec![(old, new)];
    }
    if rest.trim().is_empty() {
        // blanks at the line's end would become a part of the new text
        return vec![(old.start..line_end, new)];
    }
    if lines {
        return vec![(old, String::new()), (line_end..line_end, new)];
    }
    // a literal takes the comment behind its header
    let break_at = new.find(['\n', '\r']).unwrap_or(new.len());
    let (header, body) = new.split_at_checked(break_at).unwrap_or((&new, ""));
    vec![(old, header.to_owned()), (line_end..line_end, body.to_owned())]
}

/// Replaces a literal or folded text. The comment behind its header and empty lines below it stay.
fn block_scalar(page: &Page<'_>, found: Found, from: usize, new: &str) -> (std::ops::Range<usize>, String) {
    let end = page.end(found.id);
    let old = page.source.cut(page.start(found.id), end);
    let kept = old.len() - old.trim_end_matches([' ', '\t', '\n', '\r']).len();
    let blank = old.get(old.len() - kept..).unwrap_or_default();
    let comment = match page.tree.comments(found.id).line.as_str() {
        "" => String::new(),
        comment => format!(" {comment}"),
    };
    let break_at = new.find(['\n', '\r']).unwrap_or(new.len());
    let (header, body) = new.split_at_checked(break_at).unwrap_or((new, ""));
    let blank = if body.is_empty() { blank } else { first_break(blank) };
    (from..end, format!("{header}{comment}{body}{blank}"))
}

fn first_break(text: &str) -> &str {
    let start = text.find(['\n', '\r']).unwrap_or(text.len());
    let rest = text.get(start..).unwrap_or_default();
    let length = if rest.starts_with("\r\n") { 2 } else { rest.len().min(1) };
    rest.get(..length).unwrap_or_default()
}

/// Takes lines out; at the end of a text that ends in the middle of a line, with the breaks before them.
pub(super) fn closing(page: &Page<'_>, old: std::ops::Range<usize>) -> (std::ops::Range<usize>, String) {
    let open = old.end == page.source.len() && page.source.ends_open();
    let mut start = old.start;
    while let Some(above) = page.source.line_before(page.source.line_start(start)).filter(|_| open) {
        start = page.source.line_end(above);
        if !is_blank(page.source.line(above)) {
            break;
        }
    }
    (start..old.end, String::new())
}

fn item(page: &Page<'_>, found: Found, list: NodeId, value: &Value) -> Result<Splices> {
    let (start, end) = (page.start(found.id), page.value_end(found.id));
    let Some(dash) = page.dash(list, found.id) else {
        return Err(page.error(found.id, "the dash of this item was not found: change it by hand"));
    };
    let column = page.column(list);
    let text = if value.is_inline() {
        single(page, found, value, column, 2)
    } else {
        page.pen.behind_dash(value, column)
    };
    let node = page.tree.node(found.id);
    if page.is_absent(found.id) {
        return Ok(below_comment(page, dash + 1..dash + 1, format!(" {text}"), false));
    }
    if matches!(node.style, Style::Literal | Style::Folded) {
        return Ok(vec![block_scalar(page, found, start, &text)]);
    }
    if node.kind != Kind::Scalar && node.style != Style::Flow {
        return Ok(vec![page.whole_lines(start, end, &text)]);
    }
    Ok(below_comment(page, start..end, text, false))
}

fn root(page: &Page<'_>, found: Found, value: &Value) -> Splices {
    let (start, end) = (page.start(found.id), page.value_end(found.id));
    let text = if value.is_inline() {
        single(page, found, value, 0, page.pen.habits.step)
    } else if page.is_absent(found.id) || page.starts_line(start) {
        page.pen.root(value)
    } else {
        format!("{}{}", page.pen.newline, page.pen.root(value))
    };
    let node = page.tree.node(found.id);
    if page.is_absent(found.id) {
        return vec![page.lines_at(page.root_gap(), &text)];
    }
    if matches!(node.style, Style::Literal | Style::Folded) {
        return vec![block_scalar(page, found, start, &text)];
    }
    if node.kind != Kind::Scalar && node.style != Style::Flow {
        return vec![page.whole_lines(start, end, &text)];
    }
    below_comment(page, start..end, text, false)
}

impl Page<'_> {
    /// Whether the next line that says something is a comment, deeper than a column.
    fn is_above_comment(&self, end: usize, column: usize) -> bool {
        let mut line = self.line_behind(end);
        while line < self.source.len() && is_blank(self.source.line(line)) {
            line = self.source.next_line(line);
        }
        let text = self.source.line(line);
        is_comment(text) && text.len() - text.trim_start_matches(' ').len() > column
    }

    /// Replaces everything from `start` to the end of the line on which something ends.
    fn whole_lines(&self, start: usize, end: usize, text: &str) -> (std::ops::Range<usize>, String) {
        let behind = self.line_behind(end);
        (start..behind, self.closed(text, behind))
    }

    /// Lines that begin with a break, as whole lines in the place of others that end at `end`.
    fn below(&self, lines: &str, end: usize) -> String {
        self.closed(lines.trim_start_matches(['\n', '\r']), self.line_behind(end))
    }

    /// A text with a line break, unless it ends a file that has none.
    fn closed(&self, text: &str, behind: usize) -> String {
        let open = behind == self.source.len() && self.source.ends_open();
        if open { text.to_owned() } else { format!("{text}{}", self.pen.newline) }
    }

    /// Where the content of an empty document goes: behind everything but the marker of the next document.
    pub(super) fn root_gap(&self) -> usize {
        match self.tree.documents().get(1) {
            Some(next) => self.line_of(*next),
            None => self.source.len(),
        }
    }
}

/// Another name for a key.
pub(super) fn rename<'t>(page: &Page<'t>, path: &[&str], name: &str) -> Result<Plan<'t>> {
    let found = page.find(path)?;
    let Seat::Pair { map, key } = found.seat else {
        return Err(page.error(found.id, "only keys have names"));
    };
    if let Some((other, _)) = page.find_pair(map, name).filter(|(other, _)| *other != key) {
        return Err(page.error(other, format!("the key `{name}` is already here")));
    }
    let place = if page.tree.node(map).style == Style::Flow { Place::Flow } else { Place::Key };
    let text = page.pen.inline(&Value::from(name), place, page.tree.node(key).style);
    let range = page.range(key);
    Ok(Plan {
        splices: vec![(page.start(key)..page.end(key), text)],
        words: page.meant(range.start, range.end, vec![string(name)]),
    })
}
