//! The native keys of age: `age1…` and `AGE-SECRET-KEY-1…`.

use super::encoding::{Malformed, decode, encode};
use crate::error::{Error, Result};
use crate::secret::Secret;
use age::secrecy::ExposeSecret;
use bech32::Hrp;
use curve25519_dalek::montgomery::MontgomeryPoint;
use std::sync::OnceLock;
use zeroize::Zeroizing;

const PUBLIC: Hrp = Hrp::parse_unchecked("age");
const PRIVATE: Hrp = Hrp::parse_unchecked("age-secret-key-");

/// Reads a public key: 32 bytes, and a point that a secret can be shared with.
pub(super) fn parse(text: &str) -> Result<[u8; 32], Malformed> {
    let (hrp, bytes) = decode(text)?;
    if hrp != PUBLIC.as_str() {
        return Err(Malformed("it does not begin with age1"));
    }
    let point = <[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| Malformed("its length is not that of an X25519 key"))?;
    if is_low_order(point) {
        return Err(Malformed("its point is of low order: anybody could read what is encrypted to it"));
    }
    Ok(point)
}

/// A public key as age writes it.
pub(super) fn text(point: &[u8; 32]) -> String {
    encode(PUBLIC, point)
}

/// What the crate wraps a file key with.
pub(super) fn wrapper(text: &str) -> Result<age::x25519::Recipient> {
    text.parse().map_err(|_| Error::new("malformed age recipient"))
}

/// Whether every shared secret with this point is zero, whoever's the other half is.
pub(super) fn is_low_order(point: [u8; 32]) -> bool {
    LOW_ORDER.iter().any(|low| MontgomeryPoint(*low) == MontgomeryPoint(point))
}

/// The u-coordinates of low order on the curve and its twist, little-endian: 0, 1, -1 and the two of order 8.
/// Points are compared modulo p, so that their other spellings are found too.
pub(super) const LOW_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    {
        let mut minus_one = [0xff; 32];
        minus_one[0] = 0xec;
        minus_one[31] = 0x7f;
        minus_one
    },
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
];

/// A private key. Its public half costs a multiplication on the curve and is computed once, when asked for.
pub(super) struct Identity {
    key: age::x25519::Identity,
    public: OnceLock<String>,
}

impl Identity {
    /// Reads `AGE-SECRET-KEY-1…`.
    pub(super) fn parse(text: &str) -> Result<Self, Malformed> {
        // the crate accepts lower case too, which age does not
        if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(Malformed("an age identity is written in upper case"));
        }
        text.parse::<age::x25519::Identity>().map(Self::from).map_err(|reason| {
            Malformed(match reason {
                "incorrect identity length" => "its length is not that of an X25519 identity",
                _ => "its checksum is wrong: was a character changed, or the end cut off?",
            })
        })
    }

    /// Takes the 32 bytes of a private key.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Malformed> {
        let mut lower = Zeroizing::new(encode(PRIVATE, bytes));
        lower.make_ascii_uppercase();
        Self::parse(&lower)
    }

    /// A new key from the system's random source.
    pub(super) fn generate() -> Self {
        age::x25519::Identity::generate().into()
    }

    /// `AGE-SECRET-KEY-1…`
    pub(super) fn text(&self) -> Secret {
        Secret::from(self.key.to_string().expose_secret())
    }

    /// The public half, `age1…`.
    pub(super) fn public(&self) -> &str {
        self.public.get_or_init(|| self.key.to_public().to_string())
    }

    /// The crate's key, to unwrap a stanza with.
    pub(super) fn key(&self) -> &age::x25519::Identity {
        &self.key
    }
}

impl From<age::x25519::Identity> for Identity {
    fn from(key: age::x25519::Identity) -> Self {
        Self { key, public: OnceLock::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: (&str, &str) = (
        "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33",
        "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa",
    );

    #[test]
    fn reads_and_writes_both_halves() {
        let point = parse(PAIR.1).unwrap();
        assert_eq!(text(&point), PAIR.1);
        let identity = Identity::parse(PAIR.0).unwrap();
        assert_eq!(identity.public(), PAIR.1);
        assert_eq!(identity.text(), Secret::from(PAIR.0));
    }

    #[test]
    fn every_point_of_low_order_is_refused() {
        for point in LOW_ORDER {
            let shared = MontgomeryPoint(point).mul_clamped([7; 32]);
            assert_eq!(shared.0, [0; 32], "not of low order: {point:?}");
            assert!(parse(&text(&point)).is_err());
        }
        // p and p + 1 are other spellings of 0 and 1
        for first in [0xed, 0xee] {
            let mut point = LOW_ORDER[2];
            point[0] = first;
            assert!(parse(&text(&point)).is_err());
        }
    }

    #[test]
    fn malformed_keys_are_refused() {
        for bad in [
            "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pb",
            "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7p",
            "age1T7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa",
            "age1",
            "age",
            "",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(Identity::parse(&PAIR.0.to_lowercase()).is_err());
        assert!(Identity::parse(PAIR.1).is_err());
        assert!(Identity::parse("AGE-SECRET-KEY-1").is_err());
    }
}
