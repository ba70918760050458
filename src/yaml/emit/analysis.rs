//! What a text may be written as.
//!
//! Nearly all texts are short ASCII without anything special: one look-up a byte tells them apart. Only the
//! others are read character by character.

/// The styles that a text allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "five answers about one text, none excludes another")]
pub(crate) struct Analysis {
    /// It has a line break.
    pub(crate) multiline: bool,
    /// Unquoted inside `[…]` and `{…}`.
    pub(crate) flow_plain: bool,
    /// Unquoted elsewhere.
    pub(crate) block_plain: bool,
    /// `'…'`
    pub(crate) single: bool,
    /// `|` and `>`
    pub(crate) block: bool,
}

const SPACE: u8 = 1;
/// Tab, line feed, what cannot be printed, and everything that is not ASCII.
const RARE: u8 = 2;
/// Ends an unquoted text inside a flow collection.
const FLOW: u8 = 4;
const COLON: u8 = 8;
const HASH: u8 = 16;
/// Cannot begin an unquoted text.
const FIRST: u8 = 32;
/// Cannot begin an unquoted text if it stands alone.
const FIRST_ALONE: u8 = 64;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(
            clippy::indexing_slicing,
            clippy::cast_possible_truncation,
            reason = "the index stops at the table's length"
        )]
        {
            table[byte] = match byte as u8 {
                b' ' => SPACE,
                0..=0x1F | 0x7F.. => RARE,
                b'#' => HASH | FIRST,
                b':' => COLON | FLOW | FIRST_ALONE,
                b'?' => FLOW | FIRST_ALONE,
                b'-' => FIRST_ALONE,
                b',' | b'[' | b']' | b'{' | b'}' => FLOW | FIRST,
                b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' => FIRST,
                _ => 0,
            };
        }
        byte += 1;
    }
    table
}

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(RARE)
}

/// Looks at a text once.
pub(crate) fn analyse(text: &str) -> Analysis {
    let Some(first) = text.as_bytes().first() else {
        return Analysis {
            multiline: false,
            flow_plain: false,
            block_plain: true,
            single: true,
            block: false,
        };
    };
    let seen = text.bytes().fold(0, |seen, byte| seen | class(byte));
    let mut indicators = starts_badly(text.as_bytes(), class(*first));
    let white = seen & (SPACE | RARE) != 0;
    if seen & COLON != 0 {
        indicators |= text.ends_with(':') || (white && has_lone_colon(text.as_bytes()));
    }
    if seen & HASH != 0 && white {
        indicators |= has_comment(text);
    }
    let flow_indicators = indicators || seen & FLOW != 0;
    if seen & RARE != 0 {
        return spaced(text, indicators, flow_indicators);
    }
    let (leading, trailing) = (*first == b' ', text.ends_with(' '));
    Analysis {
        multiline: false,
        flow_plain: !(leading || trailing || flow_indicators),
        block_plain: !(leading || trailing || indicators),
        single: true,
        block: !trailing,
    }
}

/// Whether the first bytes are an indicator, or `---` or `...`.
fn starts_badly(text: &[u8], first: u8) -> bool {
    let alone = matches!(text, [_] | [_, b' ' | b'\t', ..]);
    first & FIRST != 0
        || (first & FIRST_ALONE != 0 && alone)
        || text.starts_with(b"---")
        || text.starts_with(b"...")
}

/// A colon that would end a key, but for one at the end of the text.
fn has_lone_colon(text: &[u8]) -> bool {
    text.windows(2).any(|pair| matches!(pair, [b':', b' ' | b'\t']))
}

/// A `#` behind white space.
fn has_comment(text: &str) -> bool {
    let mut white = true;
    text.chars().any(|char| {
        char == '#' && white || {
            white = is_white(char);
            false
        }
    })
}

fn is_white(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\0') || is_break(char)
}

/// A line break of YAML 1.1.
pub(crate) fn is_break(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What may stand in the output as it is. The upper planes may not: go-yaml escapes them.
pub(crate) fn is_printable(char: char) -> bool {
    matches!(char, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}')
}

/// The slow look, for texts with tabs, breaks, or anything but ASCII.
fn spaced(text: &str, indicators: bool, flow_indicators: bool) -> Analysis {
    let (mut tabs, mut special, mut breaks) = (false, false, false);
    let (mut break_space, mut space_break) = (false, false);
    let mut previous = 'x';
    for char in text.chars() {
        if char == '\t' {
            tabs = true;
        } else if !is_printable(char) {
            special = true;
        }
        if is_break(char) {
            breaks = true;
            space_break |= previous == ' ';
        } else if char == ' ' {
            break_space |= is_break(previous);
        }
        previous = char;
    }
    let edge = |char: char| char == ' ' || is_break(char);
    let plain = !(text.starts_with(edge)
        || edge(previous)
        || break_space
        || space_break
        || tabs
        || special
        || breaks);
    let single = !(break_space || space_break || tabs || special);
    Analysis {
        multiline: breaks,
        flow_plain: plain && !flow_indicators,
        block_plain: plain && !indicators,
        single,
        block: !(previous == ' ' || space_break || special),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_where_nothing_speaks_against_it() {
        let plain = |text| analyse(text).block_plain;
        for text in [
            "a",
            "-x",
            "--",
            "?x",
            ":x",
            "x::y",
            "a, b",
            "a]",
            "a# b",
            "a\"b",
            "it's",
            "=",
            ".",
            "..",
            "",
            "a b",
            "\u{A0}",
            "\u{200B}",
            "\u{E000}",
            "\u{FFFD}",
            "a\u{FEFE}",
            "ä ö",
            "ENC[AES256_GCM,data:x==,type:str]",
        ] {
            assert!(plain(text), "{text}");
        }
        for text in [
            ",x",
            "]x",
            "-",
            "- x",
            "? x",
            ": x",
            "...x",
            "--- a",
            "!x",
            "%x",
            "\"",
            " ",
            " a",
            "a ",
            "a: b",
            "a:",
            "a #b",
            "#",
            "a\tb",
            "a\nb",
            "\u{2028}",
            "a\u{FEFF}",
            "\u{1F600}",
            "a\r",
            "-\t",
            "ä: b",
            "ä #",
            "\u{85}#",
        ] {
            assert!(!plain(text), "{text}");
        }
    }

    #[test]
    fn flow_collections_forbid_more() {
        let plain = |text| analyse(text).flow_plain;
        for text in ["a", "-x", "a#b", "it's", "ä"] {
            assert!(plain(text), "{text}");
        }
        for text in ["", "a,b", "a]", "a:b", "?x", ":x", "a?b", "ä:b", "-"] {
            assert!(!plain(text), "{text}");
        }
    }

    #[test]
    fn single_quotes_and_blocks() {
        let both = |text| {
            let seen = analyse(text);
            (seen.single, seen.block, seen.multiline)
        };
        assert_eq!(both("a b"), (true, true, false));
        assert_eq!(both("a "), (true, false, false));
        assert_eq!(both("a\tb"), (false, true, false));
        assert_eq!(both("a\nb\n"), (true, true, true));
        assert_eq!(both("a\n b"), (false, true, true));
        assert_eq!(both("a \nb"), (false, false, true));
        assert_eq!(both("a\u{7}b"), (false, false, false));
        assert_eq!(both("a\u{2028}b"), (true, true, true));
        assert_eq!(both(""), (true, false, false));
    }
}
