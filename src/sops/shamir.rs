//! Shamir's secret sharing as Vault and sops have it: a polynomial a byte over GF(2^8) with 0x11B, and the
//! place of the share as its last byte.

use crate::{Error, Result};
use zeroize::Zeroizing;

/// Shares a secret out into `parts`, of which any `threshold` give it back. Shares are one byte longer.
///
/// Errors: a threshold below 2 or above the parts, more than 255 parts, no random bytes.
pub(super) fn split(secret: &[u8], parts: u8, threshold: u8) -> Result<Vec<Zeroizing<Vec<u8>>>> {
    if threshold < 2 || threshold > parts {
        return Err(Error::new(format!("{threshold} of {parts} key groups cannot share a data key")));
    }
    // the coefficients above the constant term, degree by degree, a byte for every byte of the secret
    let mut random = Zeroizing::new(vec![0; secret.len() * usize::from(threshold - 1)]);
    getrandom::fill(&mut random)
        .map_err(|error| Error::new("the system gives no random bytes").because(error))?;
    let shares = (1..=parts).map(|place| {
        let mut share = Zeroizing::new(vec![0; secret.len()]);
        for row in random.chunks_exact(secret.len().max(1)).rev() {
            horner(&mut share, place, row);
        }
        horner(&mut share, place, secret);
        share.push(place);
        share
    });
    Ok(shares.collect())
}

/// One step of Horner's rule in every byte: `share * place + row`.
fn horner(share: &mut [u8], place: u8, row: &[u8]) {
    for (byte, coefficient) in share.iter_mut().zip(row) {
        *byte = multiply(*byte, place) ^ coefficient;
    }
}

/// Gives the secret back. More shares than needed do no harm; fewer give other bytes, which nothing here shows.
///
/// Errors: fewer than two shares, shares of unequal length, two of the same place.
pub(super) fn combine(shares: &[Zeroizing<Vec<u8>>]) -> Result<Zeroizing<Vec<u8>>> {
    let wrong = || Error::new("the shares of the data key do not belong together");
    let mut rows = Vec::new();
    for share in shares {
        let (place, row) = share.split_last().ok_or_else(wrong)?;
        rows.push((*place, row));
    }
    let length = rows.first().map(|(_, row)| row.len()).ok_or_else(wrong)?;
    let mut places: Vec<u8> = rows.iter().map(|(place, _)| *place).collect();
    places.sort_unstable();
    places.dedup();
    let whole = rows.len() >= 2 && places.len() == rows.len() && !places.contains(&0) && length > 0;
    if !whole || rows.iter().any(|(_, row)| row.len() != length) {
        return Err(wrong());
    }
    let mut secret = Zeroizing::new(vec![0; length]);
    for (place, row) in &rows {
        let others = rows.iter().filter(|(other, _)| other != place);
        let weight =
            others.fold(1, |weight, (other, _)| multiply(weight, multiply(*other, inverse(other ^ place))));
        for (byte, part) in secret.iter_mut().zip(*row) {
            *byte ^= multiply(weight, *part);
        }
    }
    Ok(secret)
}

/// Product in GF(2^8); takes the same time whatever the factors are.
fn multiply(a: u8, b: u8) -> u8 {
    (0..8).rev().fold(0, |product, bit| {
        let doubled = (product << 1) ^ (0x1B & 0_u8.wrapping_sub(product >> 7));
        doubled ^ (a & 0_u8.wrapping_sub((b >> bit) & 1))
    })
}

/// a^254, which is the inverse of every a but 0.
fn inverse(a: u8) -> u8 {
    (0..6).fold(multiply(a, a), |power, _| {
        let next = multiply(power, a);
        multiply(next, next)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_that_of_vault() {
        // from Vault's own tables
        assert_eq!(multiply(3, 7), 9);
        assert_eq!(multiply(3, 0), 0);
        assert_eq!(multiply(0x53, 0xCA), 1);
        for a in 1..=255 {
            assert_eq!(multiply(a, inverse(a)), 1, "{a}");
        }
    }

    #[test]
    fn any_threshold_of_shares_gives_the_secret_back() {
        let secret: Vec<u8> = (0..32).collect();
        for (parts, threshold) in [(2, 2), (3, 2), (5, 3), (255, 4)] {
            let shares = split(&secret, parts, threshold).unwrap();
            assert!(shares.iter().all(|share| share.len() == 33));
            let few = usize::from(threshold);
            assert_eq!(*combine(&shares[..few]).unwrap(), secret);
            assert_eq!(*combine(&shares[shares.len() - few..]).unwrap(), secret);
            assert_eq!(*combine(&shares).unwrap(), secret);
            if few > 2 {
                assert_ne!(*combine(&shares[..few - 1]).unwrap(), secret);
            }
        }
    }

    #[test]
    fn refuses_what_cannot_be_shared_or_combined() {
        assert!(split(b"x", 3, 1).is_err());
        assert!(split(b"x", 2, 3).is_err());
        let shares = split(b"secret", 3, 2).unwrap();
        assert!(combine(&shares[..1]).is_err());
        assert!(combine(&[shares[0].clone(), shares[0].clone()]).is_err());
        assert!(combine(&[shares[0].clone(), Zeroizing::new(vec![1, 2])]).is_err());
        assert!(combine(&[Zeroizing::new(vec![]), Zeroizing::new(vec![])]).is_err());
    }
}
