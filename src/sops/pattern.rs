//! Regular expressions as sops means them: Go's, over bytes.
//!
//! Go's syntax is RE2's, as is that of the `regex` crate. The two agree on what common patterns match, and disagree at the edges: Go has `\Q…\E`, octal escapes and
//! literal braces; `\d`, `\w`, `\s` and `\b` are ASCII; a repetition of a repetition, more than 1,000 of
//! them, lookaround and backreferences are refused; `[a&&b]` and `[a[b]` are plain lists of characters. So
//! every pattern is read here by Go's rules and written anew in the crate's words. What Go refuses is refused
//! here: sops throws that error away, the rule then matches nothing, and a file is written in clear. Of what Go
//! takes, only a flag given twice and more than 128 MiB of program are refused.

use crate::{Error, Result};
use std::fmt::Write as _;

use regex::bytes::{Regex, RegexBuilder};

/// Why a pattern is none, worded as Go does.
#[derive(Clone, Debug, Eq, PartialEq)]
struct BadRegex(String);

type Parsed<T> = std::result::Result<T, BadRegex>;

/// Compiles a pattern that means what Go's `regexp.Compile` makes of it. Errors: what Go refuses, in its words.
pub fn compile(pattern: &str) -> Result<Regex> {
    let said = |BadRegex(why): BadRegex| {
        let shown = why.replace(|c: char| c.is_control(), "\u{fffd}");
        Error::new(format!("error parsing regexp: {shown}"))
    };
    let translated = translate(pattern).map_err(said)?;
    // Go's own limit is 128 MiB of program
    let built = RegexBuilder::new(&translated).size_limit(128 << 20).build();
    built.map_err(|_| said(BadRegex("expression too large".into())))
}

fn translate(pattern: &str) -> Parsed<String> {
    let mut reader = Reader {
        pattern,
        rest: pattern,
        operator: "",
        out: String::with_capacity(pattern.len() + 16),
        open: 0,
    };
    reader.run()?;
    Ok(reader.out)
}

/// What stands in front of a repetition operator.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Before {
    Nothing,
    Something,
    Repetition,
}

struct Reader<'p> {
    pattern: &'p str,
    rest: &'p str,
    /// From the last repetition operator on.
    operator: &'p str,
    out: String,
    /// How many groups are open.
    open: usize,
}

impl Reader<'_> {
    fn run(&mut self) -> Parsed<()> {
        let mut before = Before::Nothing;
        while let Some(c) = self.rest.chars().next() {
            before = match c {
                '(' => {
                    self.group()?;
                    Before::Nothing
                }
                ')' => {
                    self.open = self.open.checked_sub(1).ok_or_else(|| bad("unexpected )", self.pattern))?;
                    self.copy(1);
                    Before::Something
                }
                '|' => {
                    self.copy(1);
                    Before::Nothing
                }
                '*' | '+' | '?' => self.repeat(1, before)?,
                '{' => match counted(self.rest) {
                    None => {
                        self.take(1);
                        self.out.push_str("\\{");
                        Before::Something
                    }
                    Some((length, least, most)) => {
                        let text = self.rest.get(..length).unwrap_or_default();
                        if least > 1000 || most.is_some_and(|most| most > 1000 || most < least) {
                            return Err(bad("invalid repeat count", text));
                        }
                        self.repeat(length, before)?
                    }
                },
                '[' => {
                    self.class()?;
                    Before::Something
                }
                '\\' => {
                    if !self.escape()? {
                        continue;
                    }
                    Before::Something
                }
                '.' | '^' | '$' => {
                    self.copy(1);
                    Before::Something
                }
                _ => {
                    self.take(c.len_utf8());
                    self.literal(c);
                    Before::Something
                }
            };
        }
        if self.open == 0 { Ok(()) } else { Err(bad("missing closing )", self.pattern)) }
    }

    /// `(`, `(?:`, `(?flags)`, `(?flags:`, `(?P<name>` and `(?<name>`.
    fn group(&mut self) -> Parsed<()> {
        let whole = self.rest;
        let Some(inside) = whole.strip_prefix("(?") else {
            self.copy(1);
            self.open += 1;
            return Ok(());
        };
        if let Some(rest) = inside.strip_prefix("P<").or_else(|| inside.strip_prefix('<')) {
            let name = rest.split_once('>').map(|(name, _)| name).unwrap_or_default();
            let word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !word {
                let end = rest.find('>').map_or(whole.len(), |end| whole.len() - rest.len() + end + 1);
                return Err(bad("invalid named capture", whole.get(..end).unwrap_or(whole)));
            }
            // a name may begin with a digit in Go alone, and nobody asks for it here
            self.take(whole.len() - rest.len() + name.len() + 1);
            self.out.push('(');
            self.open += 1;
            return Ok(());
        }
        let wrong = |end: usize| {
            let text = inside.char_indices().nth(end).map_or(whole.len(), |(at, c)| 2 + at + c.len_utf8());
            bad("invalid or unsupported Perl syntax", whole.get(..text).unwrap_or(whole))
        };
        let length = inside.bytes().take_while(|b| b"imsU-".contains(b)).count();
        let flags = inside.get(..length).unwrap_or_default();
        let scoped = inside.as_bytes().get(length) == Some(&b':');
        if !scoped && inside.as_bytes().get(length) != Some(&b')') {
            return Err(if length == inside.len() { bad("missing closing )", whole) } else { wrong(length) });
        }
        // what is said twice Go does not mind, and our engine does
        let twice = flags.char_indices().any(|(at, c)| flags.get(..at).is_some_and(|seen| seen.contains(c)));
        if twice || flags.ends_with('-') {
            return Err(wrong(length));
        }
        if flags.is_empty() && !scoped {
            self.take("(?)".len());
            return Ok(());
        }
        self.copy(2 + length + 1);
        if scoped {
            self.open += 1;
        }
        Ok(())
    }

    /// A repetition operator of `length` bytes, and the `?` that makes it lazy.
    fn repeat(&mut self, length: usize, before: Before) -> Parsed<Before> {
        let operator = self.rest.get(..length).unwrap_or_default();
        match before {
            Before::Nothing => return Err(bad("missing argument to repetition operator", operator)),
            Before::Repetition => {
                let end = self.operator.len() - self.rest.len() + length;
                let both = self.operator.get(..end).unwrap_or_default();
                return Err(bad("invalid nested repetition operator", both));
            }
            Before::Something => {}
        }
        self.operator = self.rest;
        self.copy(length);
        if self.rest.starts_with('?') {
            self.copy(1);
        }
        Ok(Before::Repetition)
    }

    /// An escape outside of brackets; false where it stands for nothing (an empty `\Q\E`).
    fn escape(&mut self) -> Parsed<bool> {
        if let Some(rest) = self.rest.strip_prefix("\\Q") {
            let (literal, behind) = rest.split_once("\\E").unwrap_or((rest, ""));
            self.rest = behind;
            // each character by itself, so that a repetition behind takes the last one alone
            literal.chars().for_each(|c| self.literal(c));
            return Ok(!literal.is_empty());
        }
        let text = match self.rest.as_bytes().get(1) {
            Some(b'A') => "\\A",
            Some(b'z') => "\\z",
            Some(b'b') => "(?-u:\\b)",
            Some(b'B') => "(?-u:\\B)",
            _ => {
                let item = self.item()?;
                match item {
                    Item::One(c) => self.literal(c),
                    Item::Set(set) => {
                        let _ = write!(self.out, "[{set}]");
                    }
                }
                return Ok(true);
            }
        };
        self.take(2);
        self.out.push_str(text);
        Ok(true)
    }

    /// `[…]`
    fn class(&mut self) -> Parsed<()> {
        let whole = self.rest;
        self.take(1);
        self.out.push('[');
        if self.rest.starts_with('^') {
            self.copy(1);
        }
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            let range_start = self.rest;
            let low = match self.class_item(whole)? {
                Item::Set(set) => {
                    self.out.push_str(&set);
                    continue;
                }
                Item::One(low) => low,
            };
            let range = self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1;
            if !range {
                self.literal(low);
                continue;
            }
            self.take(1);
            match self.class_item(whole)? {
                Item::One(high) if low <= high => {
                    self.literal(low);
                    self.out.push('-');
                    self.literal(high);
                }
                _ => {
                    let end = range_start.len() - self.rest.len();
                    let text = range_start.get(..end).unwrap_or_default();
                    return Err(bad("invalid character class range", text));
                }
            }
        }
        self.copy(1);
        Ok(())
    }

    /// One character, escape or named class inside of brackets.
    fn class_item(&mut self, whole: &str) -> Parsed<Item> {
        let c = self.rest.chars().next().ok_or_else(|| bad("missing closing ]", whole))?;
        if c == '\\' {
            return self.item();
        }
        if let Some(name) =
            self.rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]")).map(|(n, _)| n)
        {
            const NAMES: [&str; 14] = [
                "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
                "space", "upper", "word", "xdigit",
            ];
            let text = self.rest.get(..name.len() + 4).unwrap_or_default();
            if !NAMES.contains(&name.trim_start_matches('^')) || name.starts_with("^^") {
                return Err(bad("invalid character class range", text));
            }
            self.take(name.len() + 4);
            return Ok(Item::Set(text.to_owned()));
        }
        self.take(c.len_utf8());
        Ok(Item::One(c))
    }

    /// An escape that stands for a character or a set of them.
    fn item(&mut self) -> Parsed<Item> {
        let whole = self.rest;
        let c = whole.chars().nth(1).ok_or_else(|| bad("trailing backslash at end of expression", ""))?;
        let set = match c {
            'd' => "0-9",
            'D' => "[^0-9]",
            's' => "\\t\\n\\x0C\\r ",
            'S' => "[^\\t\\n\\x0C\\r ]",
            'w' => "0-9A-Za-z_",
            'W' => "[^0-9A-Za-z_]",
            'p' | 'P' => return self.property(),
            _ => return self.character().map(Item::One),
        };
        self.take(2);
        Ok(Item::Set(set.to_owned()))
    }

    /// `\pN`, `\p{Greek}`, `\P{^Lu}`
    fn property(&mut self) -> Parsed<Item> {
        let whole = self.rest;
        let behind = whole.get(2..).unwrap_or_default();
        let (name, length) = if let Some(inside) = behind.strip_prefix('{') {
            let name = inside.split_once('}').map(|(name, _)| name);
            let name = name.ok_or_else(|| bad("invalid character class range", whole))?;
            (name, name.len() + 4)
        } else {
            let end = behind.chars().next().map_or(0, char::len_utf8);
            (behind.get(..end).unwrap_or_default(), 2 + end)
        };
        let text = whole.get(..length).unwrap_or_default();
        let plain = name.trim_start_matches('^');
        // categories and scripts are all that Go knows; the crate knows `Script=Greek` and properties too
        let known = plain.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
            && ["gc", "sc"].iter().any(|set| regex::Regex::new(&format!("\\p{{{set}={plain}}}")).is_ok());
        if !known {
            return Err(bad("invalid character class range", text));
        }
        let negated = whole.starts_with("\\P") != name.starts_with('^');
        self.take(length);
        Ok(Item::Set(format!("\\{}{{{plain}}}", if negated { 'P' } else { 'p' })))
    }

    /// An escape that stands for one character.
    fn character(&mut self) -> Parsed<char> {
        let whole = self.rest;
        let mut chars = whole.chars();
        chars.next();
        let c = chars.next().unwrap_or_default();
        let (value, length) = match c {
            'a' => ('\x07', 2),
            'f' => ('\x0C', 2),
            'n' => ('\n', 2),
            'r' => ('\r', 2),
            't' => ('\t', 2),
            'v' => ('\x0B', 2),
            '1'..='7' if !whole.as_bytes().get(2).is_some_and(|b| (b'0'..=b'7').contains(b)) => {
                return Err(bad("invalid escape sequence", whole.get(..2).unwrap_or_default()));
            }
            '0'..='7' => {
                let digits = whole.bytes().skip(1).take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
                let text = whole.get(1..=digits).unwrap_or_default();
                (code(u32::from_str_radix(text, 8).ok(), whole)?, 1 + digits)
            }
            'x' => hexadecimal(whole)?,
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => (c, 1 + c.len_utf8()),
            _ => {
                let end = 1 + c.len_utf8();
                return Err(bad("invalid escape sequence", whole.get(..end).unwrap_or_default()));
            }
        };
        self.take(length);
        Ok(value)
    }

    fn literal(&mut self, c: char) {
        if c.is_ascii_alphanumeric() || matches!(c, '/' | '_') || !c.is_ascii() && !c.is_control() {
            self.out.push(c);
        } else {
            let _ = write!(self.out, "\\x{{{:X}}}", u32::from(c));
        }
    }

    fn copy(&mut self, length: usize) {
        let text = self.rest.get(..length).unwrap_or(self.rest);
        self.out.push_str(text);
        self.take(length);
    }

    fn take(&mut self, length: usize) {
        self.rest = self.rest.get(length..).unwrap_or_default();
    }
}

/// What an escape stands for: a character, or what goes between the brackets of a class.
enum Item {
    One(char),
    Set(String),
}

/// `{n}`, `{n,}`, `{n,m}`: its length, least and most; anything else is a literal brace.
fn counted(text: &str) -> Option<(usize, u32, Option<u32>)> {
    let inside = text.strip_prefix('{')?.split_once('}')?.0;
    let number = |text: &str| {
        // Go reads no number that begins with a needless 0, and takes a huge one as too many
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        (digits && (text.len() == 1 || !text.starts_with('0'))).then(|| text.parse().unwrap_or(u32::MAX))
    };
    let length = inside.len() + 2;
    match inside.split_once(',') {
        None => number(inside).map(|n| (length, n, Some(n))),
        Some((least, "")) => number(least).map(|n| (length, n, None)),
        Some((least, most)) => Some((length, number(least)?, Some(number(most)?))),
    }
}

/// `\x7F` and `\x{10FFFF}`
fn hexadecimal(whole: &str) -> Parsed<(char, usize)> {
    let behind = whole.get(2..).unwrap_or_default();
    let (digits, length) = match behind.strip_prefix('{') {
        Some(inside) => {
            let digits = inside.split_once('}').map(|(digits, _)| digits);
            let digits = digits.ok_or_else(|| bad("invalid escape sequence", whole))?;
            (digits, digits.len() + 4)
        }
        None => (behind.get(..2).unwrap_or_default(), 4),
    };
    let hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let value = hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten();
    Ok((code(value, whole)?, length))
}

fn code(value: Option<u32>, whole: &str) -> Parsed<char> {
    value.and_then(char::from_u32).ok_or_else(|| bad("invalid escape sequence", whole))
}

fn bad(what: &str, where_: &str) -> BadRegex {
    BadRegex(format!("{what}: `{where_}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pattern, text, and what Go 1.26's `regexp.MatchString` says (none: it refuses the pattern).
    const SAID_BY_GO: &[(&str, &str, Option<bool>)] = &[
        ("", "x", Some(true)),
        ("^a$", "a", Some(true)),
        ("^a$", "a\n", Some(false)),
        ("a{2}", "aa", Some(true)),
        ("a{,2}", "a{,2}", Some(true)),
        ("a{2", "a{2", Some(true)),
        ("a{02}", "aa", Some(false)),
        ("a{02}", "a{02}", Some(true)),
        ("a**", "a", None),
        ("a*?", "b", Some(true)),
        ("a*??", "b", None),
        ("a{2}{3}", "aaaaaa", None),
        ("a{1001}", "a", None),
        ("a{2,1}", "a", None),
        ("{", "{", Some(true)),
        ("x{}", "x{}", Some(true)),
        ("\\d", "٣", Some(false)),
        ("\\d", "3", Some(true)),
        ("\\w", "é", Some(false)),
        ("\\w", "_", Some(true)),
        ("\\s", "\u{a0}", Some(false)),
        ("\\s", "\x0b", Some(false)),
        ("\\s", "\x0c", Some(true)),
        ("\\bé", "é", Some(false)),
        ("a\\b", "aé", Some(true)),
        ("a\\B", "aé", Some(false)),
        ("[\\d]", "٣", Some(false)),
        ("[^\\d]", "٣", Some(true)),
        ("[\\D]", "1", Some(false)),
        ("[\\w-]", "-", Some(true)),
        ("[a-\\d]", "a", None),
        ("[\\d-z]", "-", Some(true)),
        ("\\Qa.b\\E", "a.b", Some(true)),
        ("\\Qa.b\\E", "axb", Some(false)),
        ("\\Qa.b", "a.b", Some(true)),
        ("\\Q\\E*", "a", None),
        ("\\Qab\\E*$", "abbb", Some(true)),
        ("\\Qab\\E+c", "abbc", Some(true)),
        ("\\101", "A", Some(true)),
        ("\\1", "a", None),
        ("\\07", "\x07", Some(true)),
        ("\\0", "\x00", Some(true)),
        ("\\x41", "A", Some(true)),
        ("\\x{41}", "A", Some(true)),
        ("\\x{110000}", "A", None),
        ("\\x4", "A", None),
        ("\\u0041", "A", None),
        ("\\Z", "a", None),
        ("\\z", "", Some(true)),
        ("\\A", "", Some(true)),
        ("\\C", "a", None),
        ("\\/", "/", Some(true)),
        ("\\_", "_", Some(true)),
        ("\\-", "-", Some(true)),
        ("\\é", "é", None),
        ("\\<a", "<a", Some(true)),
        ("\\@", "@", Some(true)),
        ("[a&&b]", "&", Some(true)),
        ("[a&&b]", "a", Some(true)),
        ("[a[b]", "[", Some(true)),
        ("[]a]", "]", Some(true)),
        ("[^]a]", "]", Some(false)),
        ("[a~~b]", "~", Some(true)),
        ("[a--b]", "-", None),
        ("[a-]", "-", Some(true)),
        ("[-a]", "-", Some(true)),
        ("[[:alpha:]]", "é", Some(false)),
        ("[[:^alpha:]]", "é", Some(true)),
        ("[[:foo:]]", "a", None),
        ("[[:word:]]", "_", Some(true)),
        ("[:alpha:]", "l", Some(true)),
        ("[z-a]", "a", None),
        ("[a", "", None),
        ("[]", "", None),
        ("(?i)ab", "AB", Some(true)),
        ("(?i)k", "\u{212a}", Some(true)),
        ("(?i:a)b", "AB", Some(false)),
        ("(?i-s:a)", "A", Some(true)),
        ("(?x)a b", "ab", None),
        ("(?u)a", "a", None),
        ("(?R)a", "a", None),
        ("(?-)a", "a", None),
        ("(?)a", "a", Some(true)),
        ("(?:a)", "a", Some(true)),
        ("(?s).", "\n", Some(true)),
        (".", "\n", Some(false)),
        ("(?m)^b", "a\nb", Some(true)),
        ("(?U)a+", "aa", Some(true)),
        ("(?P<n>a)", "a", Some(true)),
        ("(?<n>a)", "a", Some(true)),
        ("(?P<n>a)(?P<n>b)", "ab", Some(true)),
        ("(?P<1>a)", "a", Some(true)),
        ("(?P<n-x>a)", "a", None),
        ("(?P=n)", "a", None),
        ("(?=a)", "a", None),
        ("(?!a)", "a", None),
        ("(?<=a)b", "ab", None),
        ("(?>a)", "a", None),
        ("(?#c)a", "a", None),
        ("(?i", "a", None),
        ("(", "", None),
        (")", "", None),
        ("a)", "", None),
        ("(*)", "", None),
        ("a|*", "", None),
        ("|", "x", Some(true)),
        ("(|a)", "x", Some(true)),
        ("^*", "x", Some(true)),
        ("(?i)*", "x", None),
        ("a|b", "b", Some(true)),
        ("\\pL", "é", Some(true)),
        ("\\p{L}", "1", Some(false)),
        ("\\p{Greek}", "α", Some(true)),
        ("\\p{greek}", "α", Some(true)),
        ("\\p{^Greek}", "α", Some(false)),
        ("\\P{^Greek}", "α", Some(true)),
        ("\\p{Script=Greek}", "α", None),
        ("\\pX", "a", None),
        ("\\PL", "1", Some(true)),
        ("[\\p{Lu}a]", "A", Some(true)),
        ("\\p{Letter}", "a", Some(true)),
        ("\\p{Latin}", "a", Some(true)),
        ("\\p{Any}", "a", Some(true)),
        ("\\p{Alphabetic}", "a", None),
        ("\\p{Lowercase_Letter}", "a", Some(true)),
        ("secrets/.*\\.yaml$", "secrets/a.yaml", Some(true)),
        ("secrets/[^/]+\\.ya?ml$", "secrets/b/a.yaml", Some(false)),
        ("\\.sops\\.(yaml|json|env)$", "x.sops.env", Some(true)),
        ("^secrets/users/(a|b)\\.sops\\.yaml$", "secrets/users/b.sops.yaml", Some(true)),
        ("a\\", "", None),
        ("é+", "éé", Some(true)),
        ("[é-ü]", "ö", Some(true)),
        ("a b#c", "a b#c", Some(true)),
    ];

    #[test]
    fn matches_what_go_matches() {
        for (pattern, text, expected) in SAID_BY_GO {
            let ours = compile(pattern).ok().map(|regex| regex.is_match(text.as_bytes()));
            assert_eq!(ours, *expected, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn errors_are_worded_as_go_words_them() {
        for (pattern, said) in [
            ("a**", "error parsing regexp: invalid nested repetition operator: `**`"),
            ("(", "error parsing regexp: missing closing ): `(`"),
            ("[a", "error parsing regexp: missing closing ]: `[a`"),
            ("*", "error parsing regexp: missing argument to repetition operator: `*`"),
            ("a)", "error parsing regexp: unexpected ): `a)`"),
            ("\\Z", "error parsing regexp: invalid escape sequence: `\\Z`"),
            ("(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
            ("a\\", "error parsing regexp: trailing backslash at end of expression: ``"),
            ("[z-a]", "error parsing regexp: invalid character class range: `z-a`"),
            ("x{1001}", "error parsing regexp: invalid repeat count: `{1001}`"),
        ] {
            assert_eq!(compile(pattern).unwrap_err().to_string(), said, "{pattern}");
        }
    }

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern).unwrap_or_else(|error| panic!("{error}")).is_match(text.as_bytes())
    }

    #[test]
    fn means_what_go_means() {
        for (pattern, yes, no) in [
            ("^pass", "password", "xpass"),
            (r"^\d+$", "12", "٣"),
            (r"\w", "a", "é"),
            (r"^[\w-]+$", "a-b", "é"),
            (r"[[]", "[", "a"),
            ("[]a]", "]", "b"),
            ("[a&&b]", "&", "c"),
            ("a{,2}", "a{,2}", "aa"),
            ("x{2}", "xx", "x"),
            (r"\Qa.b\E+", "a.b", "acb"),
            (r"\x41", "A", "B"),
            (r"\101", "A", "B"),
            (r"(?i)pass", "PASS", "pa"),
            (r"\<", "<", "a b"),
            (r"^(data|stringData)$", "stringData", "data2"),
            (r"[[:alpha:]]", "a", "1"),
            (r"[^\s]", "a", " "),
            ("a.c", "aéc", "a\nc"),
            (r"\bfoo\b", "a foo", "afoo"),
            ("pa$", "pa", "pa\n"),
        ] {
            assert!(matches(pattern, yes), "{pattern} {yes}");
            assert!(!matches(pattern, no), "{pattern} {no}");
        }
    }

    #[test]
    fn what_go_refuses_is_an_error() {
        for pattern in [
            "(", ")", "[", "a**", "*a", "(?!a)", "(?<=a)", "a{3,2}", "a{1001}", r"\1", r"\h", "\\", r"[\b]",
            "(?x)a", "x{2}{3}", r"\pX", "[b-a]",
        ] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
