//! OpenSSH's RSA keys: a stanza of age for keys that are there already. Slow, and best replaced.

use super::encoding::Malformed;
use super::ssh;
use crate::error::{Error, Result};

/// The name of the type.
pub(super) const KIND: &str = "ssh-rsa";

/// What to tell who uses one.
pub(super) const WARNING: &str = "ssh-rsa keys are slow to open (a value takes about 24 ms), and the library that \
                                  opens them has a known timing weakness (RUSTSEC-2023-0071); an age or ssh-ed25519 key is better";

/// The largest modulus that the age crate encrypts to, in bits.
const LARGEST: usize = 4096;

/// The length of the modulus in bits, of a key that can be meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Bits(usize);

/// Reads the base64 of a public key: an odd exponent and an odd modulus of at least 2048 bits, each in its shortest form.
pub(super) fn parse(base64: &str) -> Result<Bits, Malformed> {
    let fields = ssh::fields(KIND, base64)?;
    let [exponent, modulus] = fields.as_slice() else {
        return Err(Malformed("it has parts that no RSA key has"));
    };
    let exponent = positive(exponent)?;
    let modulus = positive(modulus)?;
    if exponent.len() > 4 || exponent == [1] || even(exponent) {
        return Err(Malformed("its exponent is not one that RSA keys have"));
    }
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |first| first.leading_zeros() as usize);
    if bits < 2048 {
        return Err(Malformed("its modulus is shorter than 2048 bits, which is too weak"));
    }
    if even(modulus) {
        return Err(Malformed("its modulus is even, which no RSA key's is"));
    }
    Ok(Bits(bits))
}

impl Bits {
    /// Whether a data key can be wrapped for it.
    pub(super) fn check(self) -> Result<()> {
        if self.0 <= LARGEST {
            return Ok(());
        }
        Err(Error::new(format!(
            "cannot encrypt to an ssh-rsa key of {} bits: {LARGEST} are the most",
            self.0
        ))
        .hint("use an age or ssh-ed25519 key"))
    }
}

/// A positive number in its shortest form, without the zero byte that keeps it positive.
fn positive(number: &[u8]) -> Result<&[u8], Malformed> {
    match number {
        [0, rest @ ..] if rest.first().is_some_and(|first| *first >= 0x80) => Ok(rest),
        [first, ..] if (1..0x80).contains(first) => Ok(number),
        _ => Err(Malformed("a number in it is not in its shortest form")),
    }
}

fn even(number: &[u8]) -> bool {
    number.last().is_none_or(|last| last % 2 == 0)
}
