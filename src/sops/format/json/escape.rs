//! The escapes of JSON texts, made what they say, in place: that is never longer.
//!
//! They have been looked at: the reader takes none that JSON does not have.

use crate::sops::pool::Span;

/// Undoes the escapes in a piece of a text, and returns the piece that is left of it.
///
/// A character in two halves is joined, half a one becomes U+FFFD, as in Go's `encoding/json`.
pub(super) fn undo(text: &mut [u8], span: Span) -> Span {
    let piece = span.of_mut(text);
    let mut from = next(piece, 0);
    let mut to = from;
    while from < piece.len() {
        let (letter, taken) = letter(piece.get(from..).unwrap_or_default());
        let mut bytes = [0; 4];
        let bytes = letter.encode_utf8(&mut bytes).as_bytes();
        if let Some(place) = piece.get_mut(to..to + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        to += bytes.len();
        from = (from + taken).min(piece.len());
        let end = next(piece, from);
        piece.copy_within(from..end, to);
        to += end - from;
        from = end;
    }
    span.up_to(to)
}

/// Where the next escape begins.
fn next(piece: &[u8], from: usize) -> usize {
    let rest = piece.get(from..).unwrap_or_default();
    from + memchr::memchr(b'\\', rest).unwrap_or(rest.len())
}

/// The character that the escape in front says, and how long that is.
fn letter(text: &[u8]) -> (char, usize) {
    match text {
        [_, b'u', ..] => unit(text),
        [_, b'b', ..] => ('\u{8}', 2),
        [_, b'f', ..] => ('\u{c}', 2),
        [_, b'n', ..] => ('\n', 2),
        [_, b'r', ..] => ('\r', 2),
        [_, b't', ..] => ('\t', 2),
        [_, itself, ..] => (char::from(*itself), 2),
        _ => (char::REPLACEMENT_CHARACTER, text.len()),
    }
}

fn unit(text: &[u8]) -> (char, usize) {
    let first = hexadecimal(text);
    if let Some(letter) = char::from_u32(first) {
        return (letter, 6);
    }
    let second = text.get(6..).filter(|rest| rest.starts_with(b"\\u")).map_or(0, hexadecimal);
    if first < 0xdc00 && (0xdc00..0xe000).contains(&second) {
        let joined = 0x10000 + ((first - 0xd800) << 10 | (second - 0xdc00));
        return (char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::REPLACEMENT_CHARACTER, 6)
}

/// The four digits behind `\u`.
fn hexadecimal(text: &[u8]) -> u32 {
    let digits = text.get(2..6).unwrap_or_default().iter();
    digits.fold(0, |number, digit| number << 4 | char::from(*digit).to_digit(16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let span = undo(&mut bytes, Span::new(0, text.len()).unwrap());
        String::from_utf8(span.of(&bytes).to_vec()).unwrap()
    }

    #[test]
    fn escapes_become_what_they_say() {
        for (text, meant) in [
            ("", ""),
            ("plain", "plain"),
            (r"a\\nb", r"a\nb"),
            (r#"\\\"\/"#, r#"\"/"#),
            (r"\b\f\n\r\t", "\u{8}\u{c}\n\r\t"),
            (r"x\u00e9y\u0041", "xéyA"),
            (r"\ud83d\ude00!", "\u{1f600}!"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
            (r"\ud800x\udc00\udc00\ud800", "\u{fffd}x\u{fffd}\u{fffd}\u{fffd}"),
            (r"\ud800\u0041", "\u{fffd}A"),
        ] {
            assert_eq!(undone(text), meant, "{text}");
        }
    }

    #[test]
    fn the_rest_of_the_text_stays() {
        let mut text = br"before \n\n behind".to_vec();
        let span = undo(&mut text, Span::new(7, 4).unwrap());
        assert_eq!(span.of(&text), b"\n\n");
        assert!(text.starts_with(b"before ") && text.ends_with(b" behind"));
    }
}
