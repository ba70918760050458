//! OpenSSH's ed25519 keys: age's own stanza for them, and the X25519 key that ssh-to-age makes of one.

use super::encoding::Malformed;
use super::ssh;
use curve25519_dalek::edwards::CompressedEdwardsY;

/// The name of the type.
pub(super) const KIND: &str = "ssh-ed25519";

/// Reads the base64 of a public key: a point of the curve, not of small order, written in the one way. Gives the X25519
/// point of the same private key, u = (1 + y) / (1 - y), which ssh-to-age makes a recipient of.
pub(super) fn parse(base64: &str) -> Result<[u8; 32], Malformed> {
    let fields = ssh::fields(KIND, base64)?;
    let [point] = fields.as_slice() else { return Err(Malformed("it has parts that no ed25519 key has")) };
    let written = CompressedEdwardsY::from_slice(point)
        .map_err(|_| Malformed("its length is not that of an ed25519 key"))?;
    let point = written.decompress().ok_or(Malformed("its bytes are no point of the curve"))?;
    if point.compress() != written {
        return Err(Malformed("its point is not written in the one way"));
    }
    if point.is_small_order() {
        return Err(Malformed("its point is of low order: anybody could read what is encrypted to it"));
    }
    Ok(point.to_montgomery().to_bytes())
}
