//! Blanks as Go sees them: those of Unicode too, in text that need not be UTF-8.

/// The blanks that take more than one byte.
const LONG: [&str; 18] = [
    "\u{85}", "\u{a0}", "\u{1680}", "\u{2000}", "\u{2001}", "\u{2002}", "\u{2003}", "\u{2004}", "\u{2005}",
    "\u{2006}", "\u{2007}", "\u{2008}", "\u{2009}", "\u{200a}", "\u{2028}", "\u{2029}", "\u{202f}",
    "\u{205f}",
];
const WIDE: &str = "\u{3000}";

pub(super) fn trim(text: &[u8]) -> &[u8] {
    trim_end(trim_start(text))
}

pub(super) fn trim_start(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text
        .strip_prefix(b" ")
        .or_else(|| text.split_first().filter(|(first, _)| is_short(**first)).map(|(_, rest)| rest))
        .or_else(|| long().find_map(|blank| text.strip_prefix(blank.as_bytes())))
    {
        text = rest;
    }
    text
}

pub(super) fn trim_end(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text
        .split_last()
        .filter(|(last, _)| is_short(**last))
        .map(|(_, rest)| rest)
        .or_else(|| long().find_map(|blank| text.strip_suffix(blank.as_bytes())))
    {
        text = rest;
    }
    text
}

fn is_short(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}

fn long() -> impl Iterator<Item = &'static str> {
    LONG.into_iter().chain([WIDE])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_blanks_of_unicode_are_taken_off() {
        let all: String =
            (0..=0x3000).filter_map(char::from_u32).filter(|letter| letter.is_whitespace()).collect();
        let text = format!("{all}a b{all}");
        assert_eq!(trim(text.as_bytes()), b"a b");
        assert_eq!(trim(all.as_bytes()), b"");
        assert_eq!(trim(b"\x85\xa0"), b"\x85\xa0");
    }
}
