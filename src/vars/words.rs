//! Passwords out of words: six from the long word list of the EFF.
//!
//! The list has 6⁵ = 7,776 words, so that six of them are worth 77.5 bits: more than any attacker of a
//! yescrypt hash can try, and still something that can be read aloud and typed. The list is data of others
//! (NOTICE names it); it is kept as it was published, four hyphenated words included.

use crate::error::{Error, Result};
use crate::secret::Secret;

/// The list, one word a line.
const WORDS: &str = include_str!("words.txt");

/// How many words a password has.
const COUNT: usize = 6;

/// How many words the list has.
const LENGTH: u16 = 7_776;

/// The largest multiple of the list's length that sixteen bits hold. A draw at or above it is thrown away:
/// taking the remainder of any draw would favour the first words.
const FAIR: u16 = (u16::MAX / LENGTH) * LENGTH;

/// Six words drawn from the system's random source, with `-` between them.
pub fn password() -> Result<Secret> {
    password_from(&mut system)
}

/// A random word that two files which belong together carry: 26 characters of `a-z2-7`, 130 bits.
pub(super) fn pair() -> Result<Secret> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = [0; 26];
    fill(&mut bytes)?;
    let letter = |byte: u8| ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'a');
    Ok(Secret::new(bytes.map(letter).to_vec()))
}

fn password_from(draw: &mut impl FnMut() -> Result<u16>) -> Result<Secret> {
    let words: Vec<&str> = WORDS.lines().collect();
    // of the right size from the start: growing would leave copies in memory that nobody wipes
    let mut joined = Vec::with_capacity(COUNT * 12);
    for index in 0..COUNT {
        if index > 0 {
            joined.push(b'-');
        }
        joined.extend_from_slice(pick(&words, draw)?.as_bytes());
    }
    Ok(Secret::new(joined))
}

fn pick<'w>(words: &[&'w str], draw: &mut impl FnMut() -> Result<u16>) -> Result<&'w str> {
    loop {
        let number = draw()?;
        if number < FAIR {
            let word = words.get(usize::from(number % LENGTH)).copied();
            return word.ok_or_else(|| Error::new("the word list is not whole"));
        }
    }
}

fn system() -> Result<u16> {
    let mut bytes = [0; 2];
    fill(&mut bytes)?;
    Ok(u16::from_le_bytes(bytes))
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes)
        .map_err(|error| Error::new("cannot draw random bytes from the system").because(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_is_whole() {
        let distinct: BTreeSet<_> = WORDS.lines().collect();
        assert_eq!(WORDS.lines().count(), 7_776);
        assert_eq!(distinct.len(), 7_776);
        let plain = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(WORDS.lines().all(|word| plain(&word) && (3..=9).contains(&word.len())));
    }

    #[test]
    fn every_word_is_as_likely_as_any_other() {
        // all 65,536 draws once: each word eight times, the rest thrown away
        let words: Vec<&str> = WORDS.lines().collect();
        let mut draws = 0..=u16::MAX;
        let mut seen = vec![0_u32; words.len()];
        let end = Error::new("end");
        let mut draw = || draws.next().ok_or_else(|| Error::new(end.message()));
        while let Ok(word) = pick(&words, &mut draw) {
            seen[words.binary_search(&word).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| *count == 8));
    }

    #[test]
    fn six_words_with_hyphens() {
        let mut draws = [0, 7_775, FAIR, u16::MAX, 1, 7_776, 2, 3].into_iter();
        let made = password_from(&mut || Ok(draws.next().unwrap())).unwrap();
        assert_eq!(made.expose_str(), Some("abacus-zoom-abdomen-abacus-abdominal-abide"));
        assert_ne!(password().unwrap(), password().unwrap());
    }

    #[test]
    fn a_failing_source_gives_no_password() {
        assert!(password_from(&mut || Err(Error::new("no randomness"))).is_err());
    }

    #[test]
    fn pairs_are_long_and_different() {
        let (one, other) = (pair().unwrap(), pair().unwrap());
        assert_eq!(one.len(), 26);
        assert_ne!(one, other);
    }
}
