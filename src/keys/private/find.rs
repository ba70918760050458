//! Where in a text a private key stands, and how far it reaches. What is done about it is the caller's.

use super::armor::{begins_with_base64, has_body, is_encoded, is_public, unescaped};
use std::cmp::Reverse;

/// The first characters of every OpenSSH private key's base64, in case its frame was lost.
pub(super) const OPENSSH: &str = "b3BlbnNzaC1rZXktdjE";

/// How a key file of `PuTTY` begins, in upper case.
pub(super) const PUTTY: &str = "PUTTY-USER-KEY-FILE-";

/// The words of age that a private key is in, in upper case.
pub(super) const LONG_WORDS: [&str; 2] = ["AGE-SECRET-KEY-", "AGE-PLUGIN-"];

/// What makes the mark of a key of PEM or `PuTTY` a key.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Proof {
    /// The mark alone: of what was typed nothing is to be shown, and half a key is one.
    Mark,
    /// Base64 right behind it: a sentence may speak of such keys.
    Body,
}

/// Where the first private key of a text begins, or a line that may be one's, and how many bytes it has.
pub(super) fn find(text: &str) -> Option<(usize, usize)> {
    first(find_marked(text, Proof::Mark).into_iter().chain(find_line(text)))
}

/// Of places the first, and there the longest.
fn first(places: impl Iterator<Item = (usize, usize)>) -> Option<(usize, usize)> {
    places.min_by_key(|(at, length)| (*at, Reverse(*length)))
}

/// The same of keys that can be told by a mark.
pub(super) fn find_marked(text: &str, proof: Proof) -> Option<(usize, usize)> {
    let upper = text.to_ascii_uppercase();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let long_words = LONG_WORDS.into_iter().filter_map(|mark| {
        upper.match_indices(mark).find_map(|(at, _)| {
            let rest = text.get(at..)?;
            let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
            // programs have names that begin as an identity of theirs does
            let data = rest.get(..length)?.rsplit_once("-1").map_or(0, |(_, data)| data.len());
            (data > 10).then_some((at, length))
        })
    });
    let bare = text.find(OPENSSH).and_then(|at| {
        let rest = text.get(at..)?;
        // its lines follow, whose ends may have been written as \\n by now
        let encoded = |c: char| is_encoded(c) || "\\\r\n".contains(c);
        Some((at, rest.find(|c| !encoded(c)).unwrap_or(rest.len())))
    });
    let marked = find_frame(&upper, proof).into_iter().chain(find_putty(&upper, proof));
    first(long_words.chain(marked).chain(bare))
}

/// The first PEM private key of a text in upper case, up to the end of its frame.
pub(super) fn find_frame(upper: &str, proof: Proof) -> Option<(usize, usize)> {
    const BEGIN: &str = "-----BEGIN";
    const END: &str = "-----END";
    let (at, rest) = upper.match_indices(BEGIN).find_map(|(at, _)| {
        let rest = upper.get(at..)?;
        let label = rest.get(BEGIN.len()..)?.split(['-', '\n']).next()?;
        let behind = rest.get(BEGIN.len() + label.len()..)?;
        // as it stands, and as it is in an address
        let label = label.replace('+', " ").replace("%20", " ");
        (label.starts_with(' ')
            && label.contains("PRIVATE KEY")
            && (proof == Proof::Mark || has_body(behind)))
        .then_some((at, rest))
    })?;
    let end = rest.find(END).and_then(|end| {
        let behind = end + END.len();
        Some(behind + rest.get(behind..)?.find("-----")? + "-----".len())
    });
    Some((at, end.unwrap_or(rest.len())))
}

/// The first private key of `PuTTY` in a text in upper case, up to the text's end.
pub(super) fn find_putty(upper: &str, proof: Proof) -> Option<(usize, usize)> {
    let has_lines = |rest: &str| {
        ["PUBLIC-LINES:", "PRIVATE-LINES:"].into_iter().flat_map(|lines| rest.match_indices(lines)).any(
            |(at, lines)| {
                rest.get(at + lines.len()..).is_some_and(|behind| begins_with_base64(&unescaped(behind)))
            },
        )
    };
    let at = upper.find(PUTTY)?;
    let rest = upper.get(at..)?;
    (proof == Proof::Mark || has_lines(rest)).then_some((at, rest.len()))
}

/// The first word that may be a line out of the base64 of a private key: 64 or 70 letters of every kind. The base64 of
/// a public key begins with its type.
pub(super) fn find_line(text: &str) -> Option<(usize, usize)> {
    let of_kinds = |word: &str| {
        let has = |kind: fn(&u8) -> bool| word.bytes().any(|byte| kind(&byte));
        // the parts of a path are shorter than what stands between two strokes by chance
        let long = word.split('/').any(|part| part.len() >= 30);
        long && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
    };
    let mut at = 0;
    for word in text.split_inclusive(|c| !is_encoded(c)) {
        let bare = word.trim_end_matches(|c| !is_encoded(c));
        if bare.len() >= 60 && of_kinds(bare) && !is_public(bare) {
            return Some((at, bare.len()));
        }
        at += word.len();
    }
    None
}
