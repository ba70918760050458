//! Command lines as sops reads them: by the rules of Go's `flag` package and of urfave/cli v1.
//!
//! One dash or two mean the same, a value stands behind `=` or is the next word, letters are not bundled, and the first
//! word that is no flag ends the flags. A subcommand first moves its flags to the front; a word behind a flag without
//! `=` goes with it, whether that flag takes a value or not.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// One flag: the row of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flag {
    /// Its names, the long one first.
    pub(super) names: &'static [&'static str],
    /// What it holds.
    pub(super) kind: Kind,
    /// The variable that stands for it; empty where there is none.
    pub(super) variable: &'static str,
    /// What it is for.
    pub(super) help: &'static str,
}

/// What a flag holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Yes or no, and what it is when nobody says.
    Switch(bool),
    /// A text; the last one counts.
    Text,
    /// A text with something else than nothing to begin with.
    TextOr(&'static str),
    /// As many texts as one likes.
    Texts,
    /// A whole number.
    Number,
}

impl Flag {
    /// A flag without a variable.
    pub(super) const fn new(names: &'static [&'static str], kind: Kind, help: &'static str) -> Self {
        Self { names, kind, variable: "", help }
    }

    /// The same with the variable that stands for it.
    pub(super) const fn or(self, variable: &'static str) -> Self {
        Self { variable, ..self }
    }

    /// The name that the program asks by.
    pub(super) fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

/// A command line taken apart.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    values: BTreeMap<&'static str, Value>,
    /// What is no flag.
    pub(super) words: Vec<String>,
}

#[derive(Clone, Debug)]
struct Value {
    texts: Vec<String>,
    /// Whether it was said, on the line or by a variable.
    said: bool,
    /// The name under which the line said it.
    typed: Option<String>,
}

/// The environment.
pub(super) type Variables = fn(&str) -> Option<OsString>;

impl Parsed {
    /// A text; empty where it was not given.
    pub(super) fn text(&self, name: &str) -> &str {
        self.values.get(name).and_then(|value| value.texts.last()).map_or("", String::as_str)
    }

    /// Whether a switch is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// All texts of a flag.
    pub(super) fn texts(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], |value| value.texts.as_slice())
    }

    /// A number; 0 where it was not given.
    pub(super) fn number(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or_default()
    }

    /// Whether anybody said it, on the line or by its variable.
    pub(super) fn is_said(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| value.said)
    }
}

/// Reads the line of the program itself: flags up to the first word that is none.
///
/// Errors: in the words of Go's `flag`.
pub(super) fn parse(table: &[Flag], line: &[String], variables: Variables) -> Result<Parsed, String> {
    let mut parsed = defaults(table, variables)?;
    let mut words = line.iter();
    while let Some(word) = words.clone().next() {
        let Some(name) = word.strip_prefix('-').filter(|name| !name.is_empty()) else { break };
        words.next();
        if name == "-" {
            break;
        }
        let name = name.strip_prefix('-').unwrap_or(name);
        if name.starts_with(['-', '=']) {
            return Err(format!("bad flag syntax: {word}"));
        }
        let (name, value) =
            name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value.to_owned())));
        let Some(flag) = find(table, name) else {
            return Err(format!("flag provided but not defined: -{name}"));
        };
        let value = match (flag.kind, value) {
            (Kind::Switch(_), value) => value.unwrap_or_else(|| "true".to_owned()),
            (_, Some(value)) => value,
            (_, None) => words.next().cloned().ok_or_else(|| format!("flag needs an argument: -{name}"))?,
        };
        parsed.take(flag, name, &value)?;
    }
    parsed.words = words.cloned().collect();
    Ok(parsed)
}

/// Reads the line of a subcommand, whose flags may stand behind its words.
///
/// Errors: as [`parse`].
pub(super) fn parse_anywhere(
    table: &[Flag],
    line: &[String],
    variables: Variables,
) -> Result<Parsed, String> {
    parse(table, &flags_first(table, line), variables)
}

impl Parsed {
    fn take(&mut self, flag: &Flag, name: &str, typed: &str) -> Result<(), String> {
        let quoted = || format!("{typed:?}");
        let value = match flag.kind {
            Kind::Switch(_) => go_bool(typed)
                .map(|on| on.to_string())
                .ok_or_else(|| format!("invalid boolean value {} for -{name}: parse error", quoted()))?,
            Kind::Number => go_int(typed)
                .map(|number| number.to_string())
                .ok_or_else(|| format!("invalid value {} for flag -{name}: parse error", quoted()))?,
            Kind::Text | Kind::TextOr(_) | Kind::Texts => typed.to_owned(),
        };
        let held = self.values.entry(flag.name()).or_insert_with(|| Value {
            texts: Vec::new(),
            said: false,
            typed: None,
        });
        match &held.typed {
            Some(before) if before != name => {
                let (last, first) = order(flag, before, name);
                return Err(format!("Cannot use two forms of the same flag: {last} {first}"));
            }
            // what a variable says counts for nothing once the line says something
            None => held.texts.clear(),
            Some(_) => {}
        }
        if flag.kind != Kind::Texts {
            held.texts.clear();
        }
        held.texts.push(value);
        held.said = true;
        held.typed = Some(name.to_owned());
        Ok(())
    }
}

/// Two names of a flag: the one that its row has later, and the other.
fn order<'n>(flag: &Flag, one: &'n str, other: &'n str) -> (&'n str, &'n str) {
    let at = |name: &str| flag.names.iter().position(|known| *known == name);
    if at(one) > at(other) { (one, other) } else { (other, one) }
}

/// What flags hold before the line is read: what their variables say, or what they have of themselves.
fn defaults(table: &[Flag], variables: Variables) -> Result<Parsed, String> {
    let mut parsed = Parsed::default();
    for flag in table {
        let said = Some(flag.variable).filter(|name| !name.is_empty()).and_then(variables);
        let said = said.map(|text| text.to_string_lossy().into_owned());
        let wrong = |what: &str, text: &str| {
            format!("could not parse {text} as {what} value for flag {}", flag.names.join(", "))
        };
        let texts = match (flag.kind, &said) {
            (Kind::Switch(usual), None) => vec![usual.to_string()],
            (Kind::Switch(_), Some(text)) if text.is_empty() => vec!["false".to_owned()],
            (Kind::Switch(_), Some(text)) => {
                vec![go_bool(text).ok_or_else(|| wrong("bool", text))?.to_string()]
            }
            (Kind::Number, Some(text)) => {
                vec![go_int(text).ok_or_else(|| wrong("int", text))?.to_string()]
            }
            (Kind::Texts, Some(text)) => text.split(',').map(|part| part.trim().to_owned()).collect(),
            (_, Some(text)) => vec![text.clone()],
            (Kind::TextOr(usual), None) => vec![usual.to_owned()],
            (Kind::Text | Kind::Texts | Kind::Number, None) => Vec::new(),
        };
        parsed.values.insert(flag.name(), Value { texts, said: said.is_some(), typed: None });
    }
    Ok(parsed)
}

/// The flags of a line in front of its words, as urfave/cli sorts them.
fn flags_first(table: &[Flag], line: &[String]) -> Vec<String> {
    let mut flags: Vec<String> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut may_be_value = false;
    for (at, word) in line.iter().enumerate() {
        let is_flag = is_flag(table, word);
        if may_be_value && !is_flag {
            may_be_value = false;
            flags.push(word.clone());
        } else if word == "--" {
            words.insert(0, word.clone());
            words.extend(line.iter().skip(at + 1).cloned());
            break;
        } else if is_flag {
            may_be_value = !word.contains('=');
            flags.push(word.clone());
        } else {
            words.push(word.clone());
        }
    }
    flags.append(&mut words);
    flags
}

fn is_flag(table: &[Flag], word: &str) -> bool {
    let Some(name) = word.strip_prefix('-').filter(|name| !matches!(*name, "" | "-")) else { return false };
    let name = name.strip_prefix('-').unwrap_or(name);
    find(table, name.split('=').next().unwrap_or_default()).is_some()
}

/// The flag of a name.
pub(super) fn find<'t>(table: &'t [Flag], name: &str) -> Option<&'t Flag> {
    table.iter().find(|flag| flag.names.contains(&name))
}

/// A truth value as Go reads it.
fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A whole number as Go reads it where any base is allowed.
fn go_int(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, lower.get(2..)?),
        [b'0', b'b', ..] => (2, lower.get(2..)?),
        [b'0', b'o', ..] => (8, lower.get(2..)?),
        [b'0', _, ..] => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    let plain = digits.replace('_', "");
    if plain.is_empty()
        || plain.starts_with(['+', '-'])
        || (plain != digits && base == 10 && !text.starts_with('0'))
    {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{plain}"), base).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [Flag; 5] = [
        Flag::new(&["in-place", "i"], Kind::Switch(false), ""),
        Flag::new(&["enable", "e"], Kind::Switch(true), "").or("ENABLE"),
        Flag::new(&["output"], Kind::Text, "").or("OUTPUT"),
        Flag::new(&["service"], Kind::Texts, "").or("SERVICE"),
        Flag::new(&["indent"], Kind::Number, ""),
    ];

    fn words(line: &str) -> Vec<String> {
        line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn none(_: &str) -> Option<OsString> {
        None
    }

    #[test]
    fn dashes_values_and_the_end_of_the_flags() {
        for line in [
            "-i -output x f --indent 2",
            "--i --output=x f --indent 2",
            "-in-place=true -output=x f --indent 2",
        ] {
            let parsed = parse(&TABLE, &words(line), none).unwrap();
            assert!(parsed.is_on("in-place") && parsed.is_on("enable"));
            assert_eq!((parsed.text("output"), parsed.number("indent")), ("x", 0));
            assert_eq!(parsed.words, ["f", "--indent", "2"]);
        }
        assert_eq!(parse(&TABLE, &words("-i -- -x"), none).unwrap().words, ["-x"]);
        assert_eq!(parse(&TABLE, &words("- -i"), none).unwrap().words, ["-", "-i"]);
        assert_eq!(parse(&TABLE, &words("--output -i"), none).unwrap().text("output"), "-i");
        let twice = parse(&TABLE, &words("-output a -output b -service x -service y"), none).unwrap();
        assert_eq!((twice.text("output"), twice.texts("service").len()), ("b", 2));
    }

    #[test]
    fn flags_of_a_subcommand_may_follow_its_words() {
        let parsed = parse_anywhere(&TABLE, &words("f --output x g -i"), none).unwrap();
        assert_eq!((parsed.text("output"), parsed.is_on("i")), ("x", false));
        assert!(parsed.is_on("in-place"));
        assert_eq!(parsed.words, ["f", "g"]);
        // the word behind a switch goes with it, and ends the flags
        let parsed = parse_anywhere(&TABLE, &words("-i f --output x"), none).unwrap();
        assert_eq!(parsed.words, ["f", "--output", "x"]);
        assert_eq!(
            parse_anywhere(&TABLE, &words("f -- --output x"), none).unwrap().words,
            ["f", "--output", "x"]
        );
    }

    #[test]
    fn variables_stand_for_flags_until_the_line_says_otherwise() {
        let said = |name: &str| match name {
            "ENABLE" => Some("".into()),
            "OUTPUT" => Some("o".into()),
            "SERVICE" => Some("a, b".into()),
            _ => None,
        };
        let parsed = parse(&TABLE, &words("-service c"), said).unwrap();
        assert!(!parsed.is_on("enable") && parsed.is_said("output") && !parsed.is_said("indent"));
        assert_eq!(parsed.texts("service"), ["c"]);
        assert_eq!(parse(&TABLE, &[], said).unwrap().texts("service"), ["a", "b"]);
        let wrong = parse(&TABLE, &[], |name| (name == "ENABLE").then(|| "maybe".into())).unwrap_err();
        assert_eq!(wrong, "could not parse maybe as bool value for flag enable, e");
    }

    #[test]
    fn mistakes_are_told_in_the_words_of_go() {
        for (line, wrong) in [
            ("--foo", "flag provided but not defined: -foo"),
            ("-ie", "flag provided but not defined: -ie"),
            ("---x", "bad flag syntax: ---x"),
            ("--=x", "bad flag syntax: --=x"),
            ("--output", "flag needs an argument: -output"),
            ("-i=maybe", "invalid boolean value \"maybe\" for -i: parse error"),
            ("-indent x", "invalid value \"x\" for flag -indent: parse error"),
            ("-i -in-place", "Cannot use two forms of the same flag: i in-place"),
        ] {
            assert_eq!(parse(&TABLE, &words(line), none).unwrap_err(), wrong);
        }
    }

    #[test]
    fn numbers_are_those_of_go() {
        for (text, number) in [
            ("10", Some(10)),
            ("-1", Some(-1)),
            ("+3", Some(3)),
            ("0x1F", Some(31)),
            ("010", Some(8)),
            ("0", Some(0)),
            ("-0", Some(0)),
            ("08", None),
            ("1_0", None),
            ("--1", None),
            ("", None),
        ] {
            assert_eq!(go_int(text), number, "{text}");
        }
    }
}
