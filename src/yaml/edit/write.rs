//! New values as text, in the habits of the file around them.

use std::fmt::Write as _;

use crate::yaml::edit::source::Habits;
use crate::yaml::edit::value::Value;
use crate::yaml::emit::{analyse, quoted};
use crate::yaml::node::{Style, Tree};
use crate::yaml::represent::{represent, safe_string_node};
use crate::yaml::resolve::Scalar;

/// Where a scalar is to stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Block,
    Flow,
    Key,
}

/// How to write: the file's habits, its line break, and whether it is JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    pub(super) habits: Habits,
    pub(super) newline: &'static str,
    pub(super) json: bool,
    /// Whether names that older readers take for `true` or `false` stand without quotes.
    pub(super) bare: bool,
}

/// What YAML 1.1 takes for `true` or `false`, and go-yaml v3 for a string.
const TRUTH: [&str; 6] = ["on", "off", "yes", "no", "y", "n"];

impl Pen {
    /// A key's text.
    pub(super) fn key(self, name: &str, wanted: Style) -> String {
        let bare = self.is_bare(name) && wanted == Style::Plain;
        if bare { name.to_owned() } else { self.string(name, Place::Key, wanted) }
    }

    /// A value on one line.
    pub(super) fn inline(self, value: &Value, place: Place, wanted: Style) -> String {
        match value {
            Value::Scalar(Scalar::Str(text)) => self.string(text, place, wanted),
            Value::Scalar(scalar) => {
                let mut tree = Tree::new();
                let id = represent(&mut tree, scalar);
                let text = tree.node(id).text.replace('\n', "");
                tree.tag(id).map_or(text.clone(), |tag| format!("{tag} {text}"))
            }
            Value::List(items) => {
                let items: Vec<_> =
                    items.iter().map(|item| self.inline(item, Place::Flow, Style::Plain)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Map(entries) if entries.is_empty() => "{}".to_owned(),
            Value::Map(entries) => {
                let entries: Vec<_> = entries.iter().map(|(key, value)| self.flow_pair(key, value)).collect();
                if self.json {
                    format!("{{{}}}", entries.join(", "))
                } else {
                    format!("{{ {} }}", entries.join(", "))
                }
            }
            Value::OneLine(value) => self.inline(value, place, wanted),
        }
    }

    /// `key: value` inside braces.
    pub(super) fn flow_pair(self, key: &str, value: &Value) -> String {
        format!("{}: {}", self.flow_key(key), self.inline(value, Place::Flow, Style::Plain))
    }

    fn flow_key(self, name: &str) -> String {
        if self.is_bare(name) { name.to_owned() } else { self.string(name, Place::Flow, Style::Plain) }
    }

    fn is_bare(self, name: &str) -> bool {
        self.bare && !self.json && TRUTH.contains(&name)
    }

    /// What follows `key:` of a map at `column`, the blank or line break before it included.
    pub(super) fn behind_key(self, value: &Value, column: usize) -> String {
        match value {
            Value::List(items) if !items.is_empty() => {
                self.lines(items, column + self.habits.dash, |item, column| self.item(item, column))
            }
            Value::Map(entries) if !entries.is_empty() => {
                self.lines(entries, column + self.habits.step, |(key, value), column| {
                    self.pair(key, value, column)
                })
            }
            _ => format!(" {}", self.scalar(value, column + self.habits.step, Style::Plain)),
        }
    }

    /// `key: value` of a block map at `column`, the first line without its indentation.
    pub(super) fn pair(self, key: &str, value: &Value, column: usize) -> String {
        format!("{}:{}", self.key(key, Style::Plain), self.behind_key(value, column))
    }

    /// `- value` of a block list at `column`, the first line without its indentation.
    pub(super) fn item(self, value: &Value, column: usize) -> String {
        format!("- {}", self.behind_dash(value, column))
    }

    /// What follows `- ` of a list at `column`.
    pub(super) fn behind_dash(self, value: &Value, column: usize) -> String {
        let column = column + 2;
        let first_line = |lines: String| lines.trim_start_matches(['\r', '\n', ' ']).to_owned();
        match value {
            Value::List(items) if !items.is_empty() => {
                first_line(self.lines(items, column, |item, column| self.item(item, column)))
            }
            Value::Map(entries) if !entries.is_empty() => {
                first_line(self.lines(entries, column, |(key, value), column| self.pair(key, value, column)))
            }
            _ => self.scalar(value, column, Style::Plain),
        }
    }

    /// A list or map of several lines at the left margin.
    pub(super) fn root(self, value: &Value) -> String {
        let lines = match value {
            Value::List(items) => self.lines(items, 0, |item, column| self.item(item, column)),
            Value::Map(entries) => {
                self.lines(entries, 0, |(key, value), column| self.pair(key, value, column))
            }
            _ => self.inline(value, Place::Block, Style::Plain),
        };
        lines.trim_start_matches(['\r', '\n']).to_owned()
    }

    fn lines<T>(self, items: &[T], column: usize, write: impl Fn(&T, usize) -> String) -> String {
        let mut out = String::new();
        for item in items {
            let _ = write!(out, "{}{:column$}{}", self.newline, "", write(item, column));
        }
        out
    }

    /// A value in block context: a literal with its lines at `column`, or one line.
    pub(super) fn scalar(self, value: &Value, column: usize, wanted: Style) -> String {
        match value {
            Value::Scalar(Scalar::Str(text)) if !self.json && is_simple_literal(text) => {
                let body = text.strip_suffix('\n');
                let mut out = String::from(if body.is_some() { "|" } else { "|-" });
                for line in body.unwrap_or(text).split('\n') {
                    out.push_str(self.newline);
                    if !line.is_empty() {
                        let _ = write!(out, "{:column$}{line}", "");
                    }
                }
                out
            }
            _ => self.inline(value, Place::Block, wanted),
        }
    }

    fn string(self, text: &str, place: Place, wanted: Style) -> String {
        if self.json {
            return serde_json::Value::from(text).to_string();
        }
        let seen = analyse(text);
        let natural = match safe_string_node(text, true).style {
            Style::Plain if place == Place::Flow && !seen.flow_plain => Style::SingleQuoted,
            style => style,
        };
        let style = match (wanted, natural) {
            (Style::DoubleQuoted, _) => Style::DoubleQuoted,
            (Style::SingleQuoted, _) | (_, Style::SingleQuoted) if seen.single && !seen.multiline => {
                Style::SingleQuoted
            }
            (_, Style::Plain) => Style::Plain,
            _ => Style::DoubleQuoted,
        };
        quoted(text, style)
    }
}

/// A text of several lines that a block scalar holds without any indicator but `-`.
fn is_simple_literal(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    text.contains('\n')
        && analyse(text).block
        && !body.is_empty()
        && !body.ends_with('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && !text.contains(['\u{2028}', '\u{2029}'])
}
