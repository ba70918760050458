//! The key encapsulation MLKEM768-X25519, also called X-Wing: a secret that is shared as long as one of the two holds.
//!
//! Bytes in, bytes out; randomness is handed in. Of FIPS 203 (ML-KEM), RFC 7748 (X25519) and draft-ietf-hpke-pq (how
//! they are put together).

use crate::keys::encoding::Malformed;
use crate::keys::x25519::is_low_order;
use curve25519_dalek::montgomery::MontgomeryPoint;
use ml_kem::kem::{Decapsulate as _, DecapsulationKey, EncapsulationKey};
use ml_kem::{
    B32, Ciphertext, EncapsulateDeterministic as _, Encoded, EncodedSizeUser as _, KemCore as _, MlKem768,
    MlKem768Params,
};
use sha3::digest::{ExtendableOutput as _, Update as _, XofReader as _};
use sha3::{Digest as _, Sha3_256, Shake256};
use zeroize::{Zeroize as _, Zeroizing};

/// A key of ML-KEM-768, in bytes: coefficients, and a seed.
const LATTICE: usize = COEFFICIENTS + 32;

/// Three polynomials of 256 coefficients, each of 12 bits.
const COEFFICIENTS: usize = 3 * 256 * 12 / 8;

/// The number that every coefficient is less than.
const Q: u16 = 3329;

/// What is encapsulated for ML-KEM-768, in bytes.
const SENT: usize = 1088;

/// Stands at the end of what is hashed into the shared secret: the picture of an X-wing.
const PICTURE: &[u8] = br"\.//^\";

type Bytes32 = Zeroizing<[u8; 32]>;

/// Both public keys.
pub(super) struct PublicKey {
    lattice: [u8; LATTICE],
    point: [u8; 32],
}

impl PublicKey {
    /// Takes the bytes of both, that of ML-KEM first.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let halves =
            bytes.split_first_chunk().and_then(|(first, rest)| Some((*first, rest.try_into().ok()?)));
        let (lattice, point) = halves.ok_or(Malformed("its length is not that of a hybrid key"))?;
        if !is_reduced(&lattice) {
            return Err(Malformed("its first half is no key of ML-KEM-768"));
        }
        if is_low_order(point) {
            return Err(Malformed(
                "its point is of low order: half of what protects what is encrypted to it is missing",
            ));
        }
        Ok(Self { lattice, point })
    }

    /// A new shared secret, and what its holder needs to have it too. Nothing where the point shares none.
    pub(super) fn encapsulate(&self, random: &[u8; 64]) -> Option<(Bytes32, Vec<u8>)> {
        let (for_lattice, for_curve) = random.split_first_chunk::<32>()?;
        let scalar = Zeroizing::new(<[u8; 32]>::try_from(for_curve).ok()?);
        let key = Encoded::<EncapsulationKey<MlKem768Params>>::try_from(self.lattice.as_slice()).ok()?;
        let mut message = B32::from(*for_lattice);
        let drawn = EncapsulationKey::<MlKem768Params>::from_bytes(&key).encapsulate_deterministic(&message);
        message.as_mut_slice().zeroize();
        let (sent, secret) = drawn.ok()?;
        let share = MontgomeryPoint::mul_base_clamped(*scalar).to_bytes();
        let agreed = agree(&scalar, self.point)?;
        let shared = combine(&taken(secret), &agreed, &share, &self.point);
        Some((shared, [sent.as_slice(), &share].concat()))
    }
}

/// Both private keys.
pub(super) struct PrivateKey {
    lattice: Box<DecapsulationKey<MlKem768Params>>,
    scalar: Bytes32,
    point: [u8; 32],
}

impl PrivateKey {
    /// Makes them of the seed.
    pub(super) fn from_seed(seed: &[u8; 32]) -> Self {
        let mut stream = Shake256::default().chain(seed).finalize_xof();
        let [mut d, mut z] = [B32::default(), B32::default()];
        let mut scalar = Bytes32::default();
        stream.read(&mut d);
        stream.read(&mut z);
        stream.read(scalar.as_mut_slice());
        let (lattice, _) = MlKem768::generate_deterministic(&d, &z);
        d.as_mut_slice().zeroize();
        z.as_mut_slice().zeroize();
        let point = MontgomeryPoint::mul_base_clamped(*scalar).to_bytes();
        Self { lattice: Box::new(lattice), scalar, point }
    }

    /// The bytes of both public keys.
    pub(super) fn public(&self) -> Vec<u8> {
        [self.lattice.encapsulation_key().as_bytes().as_slice(), &self.point].concat()
    }

    /// The secret that was shared by what was sent. It is another one where what was sent is for another key, and
    /// nothing where it is of another length or shares none.
    pub(super) fn decapsulate(&self, sent: &[u8]) -> Option<Bytes32> {
        let (sent, share) = sent.split_first_chunk::<SENT>()?;
        let share = share.try_into().ok()?;
        let sent = Ciphertext::<MlKem768>::try_from(sent.as_slice()).ok()?;
        let agreed = agree(&self.scalar, share)?;
        let secret = self.lattice.decapsulate(&sent).ok()?;
        Some(combine(&taken(secret), &agreed, &share, &self.point))
    }
}

/// X25519; nothing where the result is zero whoever takes part, as with a point of low order.
fn agree(scalar: &[u8; 32], point: [u8; 32]) -> Option<Bytes32> {
    let agreed = Zeroizing::new(MontgomeryPoint(point).mul_clamped(*scalar).to_bytes());
    let any = agreed.iter().fold(0, |any, byte| any | byte);
    (any != 0).then_some(agreed)
}

fn combine(lattice: &[u8; 32], agreed: &[u8; 32], share: &[u8; 32], point: &[u8; 32]) -> Bytes32 {
    let mut hash = Sha3_256::new();
    for part in [lattice.as_slice(), agreed, share, point, PICTURE] {
        sha3::Digest::update(&mut hash, part);
    }
    Zeroizing::new(hash.finalize().into())
}

/// A secret of the crate's in memory that is wiped.
fn taken(mut secret: B32) -> Bytes32 {
    let mut kept = Bytes32::default();
    for (to, from) in kept.iter_mut().zip(&secret) {
        *to = *from;
    }
    secret.as_mut_slice().zeroize();
    kept
}

/// Whether each coefficient is less than q (FIPS 203, section 7.2): the crate takes others for what is left of them.
fn is_reduced(key: &[u8; LATTICE]) -> bool {
    let (coefficients, _) = key.split_at_checked(COEFFICIENTS).unwrap_or_default();
    coefficients.chunks_exact(3).all(|three| match *three {
        [a, b, c] => {
            let (a, b, c) = (u16::from(a), u16::from(b), u16::from(c));
            a | (b & 15) << 8 < Q && b >> 4 | c << 4 < Q
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::vector;
    use super::*;

    fn vectors_own() -> (PrivateKey, PublicKey) {
        let seed = vector("skRm").try_into().unwrap();
        (PrivateKey::from_seed(&seed), PublicKey::from_bytes(&vector("pkRm")).unwrap())
    }

    #[test]
    fn both_sides_do_as_the_draft_does() {
        let (private, public) = vectors_own();
        assert_eq!(private.public(), vector("pkRm"));
        let (shared, sent) = public.encapsulate(&vector("ikmE").try_into().unwrap()).unwrap();
        assert_eq!(sent, vector("enc"));
        assert_eq!(shared.as_slice(), vector("shared_secret"));
        assert_eq!(private.decapsulate(&sent).unwrap().as_slice(), vector("shared_secret"));
    }

    #[test]
    fn either_half_alone_changes_the_secret() {
        let (private, _) = vectors_own();
        let sent = vector("enc");
        for at in [0, SENT - 1, SENT, sent.len() - 1] {
            let mut changed = sent.clone();
            changed[at] ^= 1;
            let shared = private.decapsulate(&changed).unwrap();
            assert_ne!(shared.as_slice(), vector("shared_secret"), "{at}");
        }
    }

    #[test]
    fn what_has_another_length_or_shares_nothing_is_refused() {
        let (private, _) = vectors_own();
        let sent = vector("enc");
        let longer = [sent.as_slice(), &[0]].concat();
        for wrong in [&sent[1..], &sent[..sent.len() - 1], &longer, &sent[..SENT], &[]] {
            assert!(private.decapsulate(wrong).is_none(), "{}", wrong.len());
        }
        for low in crate::keys::x25519::LOW_ORDER {
            let sent = [&sent[..SENT], &low].concat();
            assert!(private.decapsulate(&sent).is_none());
        }
    }

    #[test]
    fn public_keys_are_of_their_length_reduced_and_not_of_low_order() {
        let public = vector("pkRm");
        let refused = |bytes: &[u8]| PublicKey::from_bytes(bytes).err().map(|Malformed(reason)| reason);
        assert_eq!(refused(&public), None);
        let length = Some("its length is not that of a hybrid key");
        assert_eq!(
            [refused(&public[1..]), refused(&[&public[..], &[0]].concat()), refused(&[])],
            [length; 3]
        );
        for low in crate::keys::x25519::LOW_ORDER {
            let bytes = [&public[..LATTICE], &low].concat();
            assert!(refused(&bytes).unwrap().starts_with("its point is of low order"));
        }
        // the two coefficients of the first three bytes, and the last one of all: q - 1 is one, q is not
        for (at, bytes, good) in [
            (0, [0x00, 0x0d, 0x00], true),
            (0, [0x01, 0x0d, 0x00], false),
            (0, [0x00, 0x00, 0xd0], true),
            (0, [0x00, 0x10, 0xd0], false),
            (COEFFICIENTS - 3, [0xff, 0xff, 0xff], false),
            // behind them is a seed, which may be anything
            (COEFFICIENTS, [0xff, 0xff, 0xff], true),
        ] {
            let mut changed = public.clone();
            changed[at..at + 3].copy_from_slice(&bytes);
            let expected = (!good).then_some("its first half is no key of ML-KEM-768");
            assert_eq!(refused(&changed), expected, "{at} {bytes:x?}");
        }
    }
}
