//! From bytes to text: encodings, byte order marks, and characters that YAML does not allow.
//!
//! go-yaml decodes its input in pieces of 512 bytes, each when it is needed, so that an error of grammar far
//! before a bad byte is the one that is reported. Good input is checked here at once; for bad input the text
//! is cut where the pieces that could still be decoded end, and the complaint waits behind it.

use crate::yaml::error::ParseError;
use std::borrow::Cow;

/// How many bytes go-yaml decodes at a time.
const PIECE: usize = 512;
const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Text that may be scanned.
pub(in crate::yaml) struct Input<'a> {
    /// All of it, or what can be decoded before `bad`. A byte order mark is still there.
    pub(in crate::yaml) text: Cow<'a, str>,
    /// Where it begins, behind a byte order mark.
    pub(in crate::yaml) start: usize,
    /// Whether every byte is a character.
    pub(in crate::yaml) ascii: bool,
    /// What is wrong behind the end of `text`.
    pub(in crate::yaml) bad: Option<ParseError>,
}

/// Decodes a stream.
pub(in crate::yaml) fn decode(bytes: &[u8]) -> Input<'_> {
    if u32::try_from(bytes.len()).is_err() {
        return refused("input of more than 4 GiB");
    }
    let input = match bytes {
        [0xFF, 0xFE, rest @ ..] => decode_utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => decode_utf16(rest, u16::from_be_bytes),
        _ => decode_utf8(bytes),
    };
    // go-yaml would swallow the first character of every line of the first piece: better nothing than that
    if input.text.get(input.start..).is_some_and(|text| text.starts_with('\u{FEFF}')) {
        return refused("a second byte order mark");
    }
    input
}

fn refused(why: &'static str) -> Input<'static> {
    Input { text: Cow::Borrowed(""), start: 0, ascii: true, bad: Some(ParseError::plain(why)) }
}

fn decode_utf8(bytes: &[u8]) -> Input<'_> {
    let start = if bytes.starts_with(UTF8_MARK) { UTF8_MARK.len() } else { 0 };
    let found = survey(bytes);
    if found != Survey::Bad
        && let Ok(text) = std::str::from_utf8(bytes)
        && (found == Survey::Ascii || text.chars().all(allowed))
    {
        return Input { text: Cow::Borrowed(text), start, ascii: found == Survey::Ascii, bad: None };
    }
    let (good, complaint) = first_bad_piece(bytes, start, PIECE, utf8_step);
    let text = bytes.get(..good).and_then(|piece| std::str::from_utf8(piece).ok()).unwrap_or_default();
    Input { text: Cow::Borrowed(text), start, ascii: text.is_ascii(), bad: complaint.map(ParseError::plain) }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Input<'static> {
    let step = |rest: &[u8], at_end: bool| utf16_step(rest, at_end, unit);
    // the mark that is cut off was part of the first piece
    let (good, complaint) = first_bad_piece(bytes, 0, PIECE - 2, step);
    let units = bytes.get(..good).unwrap_or_default().chunks_exact(2);
    let units = units.map(|pair| unit(pair.try_into().unwrap_or_default()));
    let text: String = char::decode_utf16(units).map(|found| found.unwrap_or('\u{FFFD}')).collect();
    let ascii = text.is_ascii();
    Input { text: Cow::Owned(text), start: 0, ascii, bad: complaint.map(ParseError::plain) }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Survey {
    Ascii,
    Mixed,
    Bad,
}

/// One pass that the compiler turns into vector code.
fn survey(bytes: &[u8]) -> Survey {
    let (mut wide, mut bad) = (0_u8, false);
    for block in bytes.chunks(4096) {
        for byte in block {
            wide |= byte;
            bad |= (*byte < 0x20 && *byte != b'\t' && *byte != b'\n' && *byte != b'\r') || *byte == 0x7F;
        }
        if bad {
            return Survey::Bad;
        }
    }
    if wide < 0x80 { Survey::Ascii } else { Survey::Mixed }
}

/// Whether go-yaml lets a character pass.
fn allowed(found: char) -> bool {
    matches!(found, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}'
        | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// What stands at the beginning of some bytes.
enum Step {
    /// A good character of so many bytes.
    Good(usize),
    /// The beginning of one that goes on in the next piece.
    Partial,
    /// Something that is refused.
    Bad(&'static str),
}

/// Walks the pieces as go-yaml takes them, the first `first` bytes long. Returns where the last whole good
/// one ends, and the complaint about the next.
fn first_bad_piece(
    bytes: &[u8],
    start: usize,
    first: usize,
    step: impl Fn(&[u8], bool) -> Step,
) -> (usize, Option<&'static str>) {
    let (mut done, mut filled, mut at_end) = (start, first.min(bytes.len()), false);
    loop {
        let mut at = done;
        while at < filled {
            match step(bytes.get(at..filled).unwrap_or_default(), at_end) {
                Step::Good(width) => at += width,
                Step::Partial => break,
                Step::Bad(complaint) => return (done, Some(complaint)),
            }
        }
        if at == bytes.len() {
            return (at, None);
        }
        // that nothing follows is known only when more is asked for
        at_end = filled == bytes.len();
        done = at;
        filled = (at + PIECE).min(bytes.len());
    }
}

fn utf8_step(rest: &[u8], at_end: bool) -> Step {
    let lead = rest.first().copied().unwrap_or_default();
    let (width, mut value) = match lead {
        0x00..0x80 => (1, u32::from(lead)),
        0xC0..0xE0 => (2, u32::from(lead & 0x1F)),
        0xE0..0xF0 => (3, u32::from(lead & 0x0F)),
        0xF0..0xF8 => (4, u32::from(lead & 0x07)),
        _ => return Step::Bad("invalid leading UTF-8 octet"),
    };
    if rest.len() < width {
        return if at_end { Step::Bad("incomplete UTF-8 octet sequence") } else { Step::Partial };
    }
    for byte in rest.iter().take(width).skip(1) {
        if byte & 0xC0 != 0x80 {
            return Step::Bad("invalid trailing UTF-8 octet");
        }
        value = (value << 6) | u32::from(byte & 0x3F);
    }
    let shortest = [0, 0, 0x80, 0x800, 0x1_0000].get(width).is_some_and(|least| value >= *least);
    if !shortest {
        return Step::Bad("invalid length of a UTF-8 sequence");
    }
    checked(value, width)
}

fn utf16_step(rest: &[u8], at_end: bool, unit: fn([u8; 2]) -> u16) -> Step {
    let take = |at: usize| rest.get(at..at + 2).and_then(|pair| pair.try_into().ok()).map(unit);
    let short = |complaint| if at_end { Step::Bad(complaint) } else { Step::Partial };
    match take(0) {
        None => short("incomplete UTF-16 character"),
        Some(0xDC00..0xE000) => Step::Bad("unexpected low surrogate area"),
        Some(high @ 0xD800..0xDC00) => match take(2) {
            None => short("incomplete UTF-16 surrogate pair"),
            Some(low @ 0xDC00..0xE000) => {
                checked(0x1_0000 + (u32::from(high & 0x3FF) << 10) + u32::from(low & 0x3FF), 4)
            }
            Some(_) => Step::Bad("expected low surrogate area"),
        },
        Some(value) => checked(u32::from(value), 2),
    }
}

fn checked(value: u32, width: usize) -> Step {
    match char::from_u32(value) {
        None => Step::Bad("invalid Unicode character"),
        Some(found) if allowed(found) => Step::Good(width),
        Some(_) => Step::Bad("control characters are not allowed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(bytes: &[u8]) -> Option<String> {
        decode(bytes).bad.map(|bad| bad.message().to_owned())
    }

    #[test]
    fn names_what_is_wrong_with_bytes() {
        for (bytes, expected) in [
            (&b"a\x00"[..], "control characters are not allowed"),
            (b"a\x7F", "control characters are not allowed"),
            (b"a\xC2\x80", "control characters are not allowed"),
            (b"\xEF\xBF\xBE", "control characters are not allowed"),
            (b"\x80", "invalid leading UTF-8 octet"),
            (b"\xC3(", "invalid trailing UTF-8 octet"),
            (b"a\xC3", "incomplete UTF-8 octet sequence"),
            (b"\xC0\x80", "invalid length of a UTF-8 sequence"),
            (b"\xED\xA0\x80", "invalid Unicode character"),
            (b"\xFF\xFEa", "incomplete UTF-16 character"),
            (b"\xFF\xFE\x00\xDC", "unexpected low surrogate area"),
            (b"\xFF\xFE\x00\xD8", "incomplete UTF-16 surrogate pair"),
            (b"\xFE\xFF\xD8\x00\x00a", "expected low surrogate area"),
        ] {
            assert_eq!(complaint(bytes).as_deref(), Some(expected), "{bytes:?}");
        }
        assert_eq!(complaint(b"a: \xC2\x85\xF0\x9F\x98\x80\t\r\n"), None);
    }

    #[test]
    fn keeps_the_pieces_before_a_bad_one() {
        let mut bytes = vec![b'a'; 1100];
        bytes[1050] = 0;
        let input = decode(&bytes);
        assert_eq!(input.text.len(), 1024);
        // a character across the border moves every later border
        let mut bytes = "é".repeat(600).into_bytes();
        bytes.insert(0, b'a');
        bytes.push(1);
        assert_eq!(decode(&bytes).text.len(), 1023);
    }

    #[test]
    fn decodes_utf_16() {
        assert_eq!(decode(b"\xFF\xFEa\x00=\xD8\x00\xDE").text, "a\u{1F600}");
        assert_eq!(decode(b"\xFE\xFF\x00a").text, "a");
    }
}
