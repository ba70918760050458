//! Bech32 as age writes keys: any length, one way only to write each key.

use age_core::primitives::{bech32_decode, bech32_encode};
use bech32::Hrp;
use zeroize::Zeroizing;

/// Why a text is not Bech32, in words that quote nothing of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Malformed(pub(super) &'static str);

/// The human-readable part, in the case it was written in, and the bytes, which may be those of a private key.
///
/// Refuses what age's own reader refuses too: mixed case, a wrong checksum, bits left over that are not zero.
pub(super) fn decode(text: &str) -> Result<(String, Zeroizing<Vec<u8>>), Malformed> {
    let decoded = bech32_decode(
        text,
        |_| Malformed("its checksum is wrong: was a character changed, or the end cut off?"),
        |_| Ok(()),
        |hrp, bytes| {
            // more room than they take: a vector that grows leaves copies behind
            let mut all = Zeroizing::new(Vec::with_capacity(text.len()));
            all.extend(bytes);
            Ok((hrp, all))
        },
    )?;
    let (hrp, bytes) = decoded;
    if !Zeroizing::new(encode(hrp, &bytes)).eq_ignore_ascii_case(text) {
        return Err(Malformed("it is not written in the one way that age writes keys"));
    }
    Ok((hrp.to_string(), bytes))
}

/// The text, in lower case.
pub(super) fn encode(hrp: Hrp, bytes: &[u8]) -> String {
    bech32_encode(hrp, bytes)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use bech32::Hrp;

    #[test]
    fn texts_of_any_length_come_back() {
        for length in [0, 1, 32, 1216] {
            let text = encode(Hrp::parse("age1pq").unwrap(), &vec![7; length]);
            let (hrp, bytes) = decode(&text).unwrap();
            assert_eq!((hrp.as_str(), bytes.as_slice()), ("age1pq", vec![7; length].as_slice()));
            assert_eq!(*decode(&text.to_uppercase()).unwrap().1, vec![7; length]);
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let text = encode(Hrp::parse("age").unwrap(), &[7; 32]);
        for at in 4..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'q' { b'p' } else { b'q' };
            assert!(decode(std::str::from_utf8(&bytes).unwrap()).is_err(), "{at}");
        }
        for bad in ["", "1", "age", "age1", "AgE1q", "age1\u{e4}", text.get(..text.len() - 1).unwrap()] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn left_over_bits_must_be_zero() {
        // a valid checksum over 32 bytes and a last group whose spare bits are set
        use bech32::primitives::iter::{ByteIterExt as _, Fe32IterExt as _};
        let hrp = Hrp::parse("age").unwrap();
        let mut groups: Vec<_> = [7u8; 32].into_iter().bytes_to_fes().collect();
        let last = groups.pop().unwrap();
        groups.push(bech32::Fe32::try_from(last.to_u8() | 1).unwrap());
        let text: String = groups.into_iter().with_checksum::<bech32::Bech32>(&hrp).chars().collect();
        assert!(decode(&text).is_err(), "{text}");
    }
}
