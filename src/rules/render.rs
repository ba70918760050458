//! A [`RuleSet`] as the text of `.sops.yaml`: the same set, the same bytes.

use std::fmt::Write as _;

use super::set::{RuleSet, Verbatim};

/// What the file says of itself.
const HEADER: &str = "\
# Generated from keys/ and uvars.yaml by `uvars rules --write`. Do not edit: the next run writes it anew.
# Rules of your own belong into `rules:` of uvars.yaml; `uvars rules --explain PATH` says who reads a file, and why.
";

/// What it begins with, whatever the version.
const TITLE: &str = "# Generated from keys/ and uvars.yaml by ";

/// Whether this text came from [`render`], whatever the version.
pub fn is_generated(text: &str) -> bool {
    text.starts_with(TITLE)
}

/// Whether [`render`] may take a file's place: one that it made, whole or damaged, or an empty one. Of any other,
/// rules that somebody wrote would be lost.
pub fn may_be_replaced(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.trim_ascii().is_empty() || text.starts_with(TITLE.as_bytes()) || TITLE.as_bytes().starts_with(text)
}

/// The text of the file.
pub fn render(set: &RuleSet) -> String {
    let mut text = String::from(HEADER);
    if !(set.keys.is_empty() && set.anchors.is_empty()) {
        text.push_str("keys:\n");
        verbatim(&mut text, &set.keys, "  ");
        for anchor in &set.anchors {
            line(&mut text, format_args!("  - &{} {}", anchor.name, scalar(&anchor.recipient)));
        }
    }
    let empty = set.before.is_empty() && set.rules.is_empty() && set.deny.is_empty() && set.after.is_empty();
    text.push_str(if empty { "creation_rules: []\n" } else { "creation_rules:\n" });
    verbatim(&mut text, &set.before, "  ");
    for rule in &set.rules {
        line(&mut text, format_args!("  - path_regex: {}", scalar(&rule.path_regex)));
        text.push_str("    key_groups:\n      - age:\n");
        for anchor in rule.readers.iter().filter_map(|index| set.anchors.get(*index)) {
            line(&mut text, format_args!("          - *{}", anchor.name));
        }
    }
    if !set.deny.is_empty() {
        text.push_str("  # nobody reads what no rule above names: sops refuses to encrypt there\n");
    }
    for path_regex in &set.deny {
        line(&mut text, format_args!("  - path_regex: {}", scalar(path_regex)));
        text.push_str("    key_groups: []\n");
    }
    verbatim(&mut text, &set.after, "  ");
    verbatim(&mut text, &set.other, "");
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // writing to a string cannot fail
    let _ = text.write_fmt(line);
    text.push('\n');
}

/// Hand-written lines, moved to the indentation of ours.
fn verbatim(text: &mut String, list: &Verbatim, indent: &str) {
    if list.is_empty() {
        return;
    }
    for written in list.as_str().lines() {
        if written.trim().is_empty() {
            text.push('\n');
        } else {
            line(text, format_args!("{indent}{written}"));
        }
    }
}

/// A text of one line as a YAML scalar, plain where that means the same.
fn scalar(text: &str) -> String {
    let plain = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'^')
        && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #");
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_rendered_is_known_by_its_title() {
        let whole = render(&RuleSet::default());
        assert!(may_be_replaced(whole.as_bytes()));
        assert!(may_be_replaced(whole.replace('\n', "\r\n").as_bytes()));
        assert!(may_be_replaced(format!("\u{feff}{whole}").as_bytes()));
        assert!(may_be_replaced(&whole.as_bytes()[..20]) && may_be_replaced(b"\n"));
        assert!(
            !may_be_replaced(b"creation_rules: []\n")
                && !may_be_replaced(b"# Generated\ncreation_rules: []\n")
        );
    }
}
