//! Key paths: how a value in a file is named on the command line and in errors.

use crate::error::{as_file, as_word};
use crate::{Error, Result};
use std::fmt;

/// The way from the root of a document to a value.
///
/// `db.password` and `list.0` for people, `["db"]["password"]["0"]` and `["list"][0]` as sops writes it (needed
/// where a name has a dot). Displayed in the first form where it says the same.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyPath(Vec<Step>);

/// One step of a [`KeyPath`].
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Step {
    /// A name of a map.
    Key(String),
    /// A place in a list, from 0.
    Index(usize),
    /// Digits behind a dot: a name in a map, a place in a list.
    Either(usize, String),
}

impl KeyPath {
    /// Reads what a person typed. Errors: an empty path, an empty step, an unclosed bracket, dots and brackets mixed.
    pub fn parse(text: &str) -> Result<Self> {
        let steps = if text.starts_with('[') { bracketed(text)? } else { dotted(text)? };
        Ok(Self(steps))
    }

    /// The path of names, each a key of a map.
    pub fn of_keys<'k>(keys: impl IntoIterator<Item = &'k str>) -> Self {
        Self(keys.into_iter().map(|key| Step::Key(key.to_owned())).collect())
    }

    /// The path one step further.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this is the document itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

fn dotted(text: &str) -> Result<Vec<Step>> {
    text.split('.')
        .map(|part| match part.parse() {
            _ if part.is_empty() => Err(Error::usage("the key has an empty part")
                .hint("write a.b, list.0, or [\"a\"][\"b\"] where a name has a dot")),
            _ if part.contains(['[', ']', '"']) => {
                Err(Error::usage("the key mixes dots and brackets, and could be meant in two ways")
                    .hint("write a.b, list.0, or all of it in brackets: [\"a\"][0][\"b.c\"]"))
            }
            Ok(index) if canonical(part) => Ok(Step::Either(index, part.to_owned())),
            _ => Ok(Step::Key(part.to_owned())),
        })
        .collect()
}

/// Whether digits are an index: no sign, no leading zero.
fn canonical(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'))
}

fn bracketed(text: &str) -> Result<Vec<Step>> {
    let wrong = || {
        Error::usage("the key is not a chain of [\"name\"] and [0]").hint("write [\"a\"][\"b\"][0], or a.b.0")
    };
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').ok_or_else(wrong)?;
        let quote = inner.chars().next().filter(|first| matches!(first, '"' | '\''));
        let (step, behind) = if let Some(quote) = quote {
            let inner = inner.strip_prefix(quote).ok_or_else(wrong)?;
            let (name, behind) = inner.split_once(format!("{quote}]").as_str()).ok_or_else(wrong)?;
            (Step::Key(name.to_owned()), behind)
        } else {
            let (digits, behind) = inner.split_once(']').ok_or_else(wrong)?;
            (Step::Index(digits.parse().map_err(|_| wrong())?), behind)
        };
        steps.push(step);
        rest = behind;
    }
    Ok(steps)
}

impl KeyPath {
    /// A command line about the value in a file, to be typed in a shell: `uvars VERB FILE KEY`. A name with characters
    /// that are shown by their numbers would be another one there: the file is to be edited.
    pub fn line(&self, verb: &str, file: &str) -> String {
        let (file, key) = (as_file(file), self.to_string());
        let is_seen = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
        let can_be_typed = |step: &Step| match step {
            Step::Key(name) | Step::Either(_, name) => name.chars().all(is_seen) && shown(name) == *name,
            Step::Index(_) => true,
        };
        if !self.0.iter().all(can_be_typed) || Self::parse(&key).is_err() {
            return format!("uvars edit {file}");
        }
        let end = if key.starts_with('-') { "-- " } else { "" };
        format!("uvars {verb} {file} {end}{}", as_word(&key))
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |step: &Step| match step {
            Step::Key(name) => {
                !name.is_empty()
                    && !name.contains(['.', '[', ']', '"', ' '])
                    && name.parse::<usize>().is_err()
            }
            Step::Index(_) | Step::Either(..) => true,
        };
        if self.0.first().is_none_or(|first| !matches!(first, Step::Index(_))) && self.0.iter().all(plain) {
            for (at, step) in self.0.iter().enumerate() {
                let dot = if at == 0 { "" } else { "." };
                match step {
                    Step::Key(name) | Step::Either(_, name) => write!(out, "{dot}{}", shown(name))?,
                    Step::Index(index) => write!(out, "{dot}{index}")?,
                }
            }
            return Ok(());
        }
        for step in &self.0 {
            match step {
                Step::Key(name) | Step::Either(_, name) => {
                    let quote = if name.contains("\"]") { '\'' } else { '"' };
                    write!(out, "[{quote}{}{quote}]", shown(name))?;
                }
                Step::Index(index) => write!(out, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A name that does nothing to a terminal. Neither quotes nor backslashes are escaped, since no path that is typed
/// has escapes.
fn shown(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for char in name.chars() {
        match char {
            '"' | '\'' | '\\' => shown.push(char),
            _ => shown.extend(char.escape_debug()),
        }
    }
    shown
}

impl std::str::FromStr for KeyPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms() {
        let same = |a: &str, b: &str| assert_eq!(KeyPath::parse(a).unwrap().to_string(), b);
        same("db.password", "db.password");
        same("list.0", "list.0");
        same("[\"db\"][\"password\"]", "db.password");
        same("[\"list\"][0]['k']", "list.0.k");
        same("[\"a.b\"][\"c\"]", "[\"a.b\"][\"c\"]");
        same("[\"a[0\"]", "[\"a[0\"]");
        same("a\\d'b", "a\\d'b");
        same("['a\"]b']", "['a\"]b']");
        same("a\u{1b}b", "a\\u{1b}b");
        assert_eq!(KeyPath::parse("list.01").unwrap().steps()[1], Step::Key("01".into()));
        assert_eq!(KeyPath::parse("[\"0\"]").unwrap().steps()[0], Step::Key("0".into()));
    }

    #[test]
    fn refuses_what_is_no_path() {
        for text in ["", "a..b", ".a", "a.", "[", "[\"a\"", "[\"a\"]b", "[x]", "[-1]", "[\"a\"].b"] {
            assert!(KeyPath::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_line_about_a_value_means_that_value() {
        for (file, name, typed) in [
            ("hosts/x", "ab", "uvars unset hosts/x ab"),
            ("hosts/x", "$(evil);x", "uvars unset hosts/x '$(evil);x'"),
            ("hosts/x", "db.pass", r#"uvars unset hosts/x '["db.pass"]'"#),
            ("hosts/x", "--yes", "uvars unset hosts/x -- --yes"),
            ("hosts/x", "a\u{202e}b", "uvars edit hosts/x"),
            ("hosts/x", "a\u{a0}b", "uvars edit hosts/x"),
            ("hosts/x", "a\n", "uvars edit hosts/x"),
            ("hosts/x", r#"a"]b']c"#, "uvars edit hosts/x"),
            ("hosts/x", "na\u{ef}ve", "uvars unset hosts/x 'na\u{ef}ve'"),
            ("two words.yaml", "a", "uvars unset 'two words.yaml' a"),
            ("-x.yaml", "a", "uvars unset ./-x.yaml a"),
        ] {
            assert_eq!(KeyPath::of_keys([name]).line("unset", file), typed);
        }
    }
}
