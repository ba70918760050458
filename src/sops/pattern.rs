//! Regular expressions as sops means them: Go's, over bytes.
//!
//! The `regex` crate is of the same family, with other spellings: its `\d`, `\w`, `\s` and `\b` know all of
//! Unicode where Go's know ASCII, and its brackets nest. Here a Go expression is put into the crate's words.
//! What Go refuses is refused here: sops throws that error away, the rule then matches nothing, and a file is
//! written in clear.

use crate::{Error, Result};
use regex::bytes::{Regex, RegexBuilder};
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// Compiles a Go expression. Errors: what either of the two does not understand.
pub fn compile(pattern: &str) -> Result<Regex> {
    let wrong = |why: &str| {
        Error::new(format!("the regular expression '{}' is wrong: {why}", pattern.escape_debug()))
    };
    let translated = Reader { rest: pattern, out: String::with_capacity(pattern.len() + 16) }
        .translate()
        .map_err(wrong)?;
    RegexBuilder::new(&translated).size_limit(1 << 22).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => wrong("it is too large"),
        _ => wrong(error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ")),
    })
}

/// Whether an expression matches in a text. Every byte that is part of no character is a U+FFFD to Go, which `.` and `[^a]`
/// match; the crate has none of them match it.
pub(super) fn is_match(pattern: &Regex, text: &[u8]) -> bool {
    if std::str::from_utf8(text).is_ok() {
        return pattern.is_match(text);
    }
    let mut whole = Zeroizing::new(String::with_capacity(3 * text.len()));
    for chunk in text.utf8_chunks() {
        whole.push_str(chunk.valid());
        whole.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    pattern.is_match(whole.as_bytes())
}

struct Reader<'p> {
    rest: &'p str,
    out: String,
}

type Step = std::result::Result<(), &'static str>;

impl Reader<'_> {
    fn translate(mut self) -> std::result::Result<String, &'static str> {
        // whether the last thing may be repeated, and whether it is a repetition already
        let (mut atom, mut repeated) = (false, false);
        while let Some(next) = self.next() {
            match next {
                '\\' => {
                    atom |= self.escape()?;
                    repeated = false;
                }
                '[' => {
                    self.class()?;
                    (atom, repeated) = (true, false);
                }
                '(' => {
                    self.group()?;
                    (atom, repeated) = (false, false);
                }
                '|' => {
                    self.out.push('|');
                    (atom, repeated) = (false, false);
                }
                '*' | '+' | '?' => {
                    self.repeat(next, atom, repeated)?;
                    repeated = true;
                }
                '{' => {
                    repeated = if let Some(bounds) = self.bounds()? {
                        self.repeat_text(&bounds, atom, repeated)?;
                        true
                    } else {
                        self.out.push_str("\\{");
                        false
                    };
                    atom = true;
                }
                '}' | ']' => {
                    self.out.push('\\');
                    self.out.push(next);
                    (atom, repeated) = (true, false);
                }
                _ => {
                    self.out.push(next);
                    (atom, repeated) = (true, false);
                }
            }
        }
        Ok(self.out)
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn take(&mut self, prefix: &str) -> bool {
        self.rest.strip_prefix(prefix).map(|rest| self.rest = rest).is_some()
    }

    fn repeat(&mut self, sign: char, atom: bool, repeated: bool) -> Step {
        self.repeat_text(sign.encode_utf8(&mut [0; 4]), atom, repeated)
    }

    fn repeat_text(&mut self, text: &str, atom: bool, repeated: bool) -> Step {
        if repeated {
            return Err("a repetition is repeated");
        }
        if !atom {
            return Err("there is nothing to repeat");
        }
        self.out.push_str(text);
        if self.take("?") {
            self.out.push('?');
        }
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,5}`; any other brace is itself.
    fn bounds(&mut self) -> std::result::Result<Option<String>, &'static str> {
        let Some((inner, rest)) = self.rest.split_once('}') else { return Ok(None) };
        let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty();
        let (low, high) = match inner.split_once(',') {
            None if number(inner) => (inner, inner),
            Some((low, "")) if number(low) => (low, low),
            Some((low, high)) if number(low) && number(high) => (low, high),
            _ => return Ok(None),
        };
        let parsed = |digits: &str| digits.parse::<u32>().ok().filter(|count| *count <= 1000);
        match (parsed(low), parsed(high)) {
            (Some(low), Some(high)) if low <= high => {}
            _ => return Err("a repetition is out of order or above 1000"),
        }
        let bounds = format!("{{{inner}}}");
        self.rest = rest;
        Ok(Some(bounds))
    }

    fn group(&mut self) -> Step {
        self.out.push('(');
        if !self.take("?") {
            return Ok(());
        }
        if ["=", "!", "<=", "<!", ">", "#"].iter().any(|sign| self.rest.starts_with(sign)) {
            return Err("look-around is not supported");
        }
        self.out.push('?');
        if let Some(name) = self.rest.strip_prefix("P<").or_else(|| self.rest.strip_prefix('<')) {
            let name = name.split('>').next().unwrap_or_default();
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err("the name of a group has other signs than letters, digits and _");
            }
        } else {
            let flags = self.rest.chars().take_while(|flag| !matches!(flag, ':' | ')'));
            if flags.into_iter().any(|flag| !"imsU-".contains(flag)) {
                return Err("a group begins with an unknown flag");
            }
        }
        // the name or the flags, up to what ends them
        while let Some(next) = self.next() {
            self.out.push(next);
            if matches!(next, '>' | ':' | ')') {
                break;
            }
        }
        Ok(())
    }

    /// What follows a backslash outside of brackets; whether it is something that may be repeated.
    fn escape(&mut self) -> std::result::Result<bool, &'static str> {
        match self.next() {
            None => return Err("it ends in a backslash"),
            Some('b') => self.out.push_str(r"(?-u:\b)"),
            // between the bytes of one character there is no boundary either
            Some('B') => self.out.push_str(r"(?-u:\B)"),
            Some('A') => self.out.push_str(r"\A"),
            Some('z') => self.out.push_str(r"\z"),
            Some('Q') => {
                // what repeats it repeats its last character
                let (quoted, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
                self.out.push_str(&regex::escape(quoted));
                self.rest = rest;
                return Ok(!quoted.is_empty());
            }
            Some(other) => self.letter(other)?,
        }
        Ok(true)
    }

    /// What follows a backslash, in brackets and outside.
    fn letter(&mut self, letter: char) -> Step {
        match letter {
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            's' => self.out.push_str(r"[\t\n\x0C\r ]"),
            'S' => self.out.push_str(r"[^\t\n\x0C\r ]"),
            'w' => self.out.push_str("[0-9A-Za-z_]"),
            'W' => self.out.push_str("[^0-9A-Za-z_]"),
            'a' | 'f' | 't' | 'n' | 'r' | 'v' => self.pass(letter),
            'p' | 'P' => return self.property(letter),
            'x' => {
                self.pass(letter);
                if self.take("{") {
                    let Some((name, rest)) = self.rest.split_once('}') else { return Err("a brace is open") };
                    self.out.push('{');
                    self.out.push_str(name);
                    self.out.push('}');
                    self.rest = rest;
                }
            }
            '0'..='7' => {
                let mut value = u32::from(letter) - u32::from('0');
                let followed = self.rest.starts_with(|digit: char| ('0'..='7').contains(&digit));
                if letter != '0' && !followed {
                    return Err("back-references are not supported");
                }
                for _ in 0..2 {
                    let Some(digit) = self.rest.chars().next().and_then(|digit| digit.to_digit(8)) else {
                        break;
                    };
                    value = value * 8 + digit;
                    self.next();
                }
                // writing into memory cannot fail
                let _ = write!(self.out, "\\x{{{value:x}}}");
            }
            _ if letter.is_ascii_alphanumeric() || !letter.is_ascii() => return Err("an escape is unknown"),
            _ if letter != '_' => {
                // the crate reads \< and \> as the ends of a word
                if !matches!(letter, '<' | '>') {
                    self.out.push('\\');
                }
                self.out.push(letter);
            }
            _ => self.out.push(letter),
        }
        Ok(())
    }

    fn pass(&mut self, letter: char) {
        self.out.push('\\');
        self.out.push(letter);
    }

    /// What stands in brackets: the crate's may nest and be intersected, Go's may not.
    fn class(&mut self) -> Step {
        self.out.push('[');
        if self.take("^") {
            self.out.push('^');
        }
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if let Some((name, rest)) = self.rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]")) {
                if !NAMED.contains(&name.strip_prefix('^').unwrap_or(name)) {
                    return Err("a class of characters is unknown");
                }
                // writing into memory cannot fail
                let _ = write!(self.out, "[:{name}:]");
                self.rest = rest;
            } else if self.member()? && self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.next();
                self.out.push('-');
                if !self.member()? {
                    return Err("a range ends in a class");
                }
            }
        }
        self.next();
        self.out.push(']');
        Ok(())
    }

    /// A character in brackets, or a class of them; whether it is one.
    fn member(&mut self) -> std::result::Result<bool, &'static str> {
        match self.next().ok_or("a bracket is open")? {
            '\\' => {
                let letter = self.next().ok_or("it ends in a backslash")?;
                self.letter(letter)?;
                return Ok(!"dDsSwWpP".contains(letter));
            }
            sign @ ('[' | ']' | '&' | '~' | '^' | '-') => {
                self.out.push('\\');
                self.out.push(sign);
            }
            other => self.out.push(other),
        }
        Ok(true)
    }

    /// A class of Unicode behind `\p` or `\P`.
    fn property(&mut self, letter: char) -> Step {
        let name = if self.take("{") {
            let (name, rest) = self.rest.split_once('}').ok_or("a brace is open")?;
            self.rest = rest;
            name
        } else {
            let end = self.rest.chars().next().map_or(0, char::len_utf8);
            let (name, rest) = self.rest.split_at_checked(end).unwrap_or_default();
            self.rest = rest;
            name
        };
        let (other, wanted) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
        if !is_property(wanted) {
            return Err("a class of Unicode is unknown");
        }
        let letter = if (letter == 'p') == other { 'P' } else { 'p' };
        // writing into memory cannot fail
        let _ = write!(self.out, "\\{letter}{{{wanted}}}");
        Ok(())
    }
}

/// Whether Go knows a class of Unicode: it does the categories and the scripts, and not, as the crate, any other property,
/// `Is` in front of one, or the short names of scripts, which have four letters.
fn is_property(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let known = |of: &str| Regex::new(&format!("\\p{{{of}={name}}}")).is_ok();
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_- ".contains(&byte));
    let may_be_script = name.len() != 4 || OF_FOUR.contains(&name.as_str());
    is_word
        && !name.starts_with("is")
        && (ALL_OR_MOST.contains(&name.as_str()) || known("gc") || may_be_script && known("sc"))
}

/// The classes that have a name in brackets.
const NAMED: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// The scripts whose long names have four letters.
const OF_FOUR: [&str; 8] = ["ahom", "cham", "kawi", "lisu", "modi", "newa", "thai", "toto"];

/// What is neither category nor script.
const ALL_OR_MOST: [&str; 3] = ["any", "ascii", "assigned"];

#[cfg(test)]
mod tests {
    use super::*;

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
            (r"^\Qa.b\E+$", "a.bb", "a.ba.b"),
            (r"^\Qa.\E?b$", "ab", "b"),
            (r"^a\Q\E+$", "aa", "b"),
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
            (r"[!--]", "-", "."),
            (r"[--a]", "Z", "b"),
            (r"[a-c-e]", "-", "d"),
            (r"[\w-z]", "-", "!"),
            ("[a~~b]", "~", "c"),
            ("[[:alpha]", ":", "b"),
            ("[[:^alpha:]]", "1", "a"),
            (r"\pL", "a", "1"),
            (r"\p{Greek}", "α", "a"),
            (r"\p{^Lu}", "a", "A"),
            (r"[\P{Lu}]", "a", "A"),
            (r"\p{Thai}", "ก", "a"),
        ] {
            assert!(matches(pattern, yes), "{pattern} {yes}");
            assert!(!matches(pattern, no), "{pattern} {no}");
        }
    }

    #[test]
    fn a_byte_that_is_no_character_is_one_to_go() {
        for (pattern, text, wanted) in [
            (".", &b"\xff"[..], true),
            ("^..$", b"\xe2\x82", true),
            ("^a.b$", b"a\xc3b", true),
            ("[^a]", b"a\xff", true),
            ("[^a]", b"aa", false),
            ("\u{fffd}", b"\xff", true),
            ("^[a-z]+$", b"a\xff", false),
        ] {
            assert_eq!(is_match(&compile(pattern).unwrap(), text), wanted, "{pattern} {text:?}");
        }
    }

    #[test]
    fn what_go_refuses_is_an_error() {
        for pattern in [
            "(",
            ")",
            "[",
            "a**",
            "*a",
            "(?!a)",
            "(?<=a)",
            "a{3,2}",
            "a{1001}",
            r"\1",
            r"\h",
            r"\é",
            r"[\é]",
            r"\Q\E*",
            "\\",
            r"[\b]",
            "(?x)a",
            "x{2}{3}",
            "(?P<1a>x)",
            r"\pX",
            "[b-a]",
            "[a--b]",
            r"[a-\d]",
            "[[:foo:]]",
            r"\p{Alphabetic}",
            r"\p{Emoji}",
            r"\p{IsGreek}",
            r"\p{Grek}",
            r"\p{sc=Greek}",
            r"\p{}",
            r"\p",
            "(?P<é>a)",
            "(?<a.b>a)",
        ] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
