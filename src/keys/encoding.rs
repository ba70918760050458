//! Bech32 as age writes keys: any length, one way only to write each key.

use age_core::primitives::{bech32_decode, bech32_encode};
use bech32::Hrp;

/// Why a text is not Bech32, in words that quote nothing of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Malformed(pub(super) &'static str);

/// The human-readable part, in the case it was written in, and the bytes.
///
/// Refuses what age's own reader refuses too: mixed case, a wrong checksum, bits left over that are not zero.
pub(super) fn decode(text: &str) -> Result<(String, Vec<u8>), Malformed> {
    let decoded = bech32_decode(
        text,
        |_| Malformed("its checksum is wrong: was a character changed, or the end cut off?"),
        |_| Ok(()),
        |hrp, bytes| Ok((hrp, bytes.collect::<Vec<u8>>())),
    )?;
    let (hrp, bytes) = decoded;
    if !encode(hrp, &bytes).eq_ignore_ascii_case(text) {
        return Err(Malformed("it is not written in the one way that age writes keys"));
    }
    Ok((hrp.to_string(), bytes))
}

/// The text, in lower case.
pub(super) fn encode(hrp: Hrp, bytes: &[u8]) -> String {
    bech32_encode(hrp, bytes)
}
