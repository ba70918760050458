//! Which hash to make, and how dear: `settings.password_hash`.
//!
//! Costs are those of libcrypt's `crypt_gensalt`, so that a number means here what it means to mkpasswd.

use super::scheme::Scheme;
use crate::error::{Error, Result};

/// A way to hash a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// `$y$`: 1 (1 MiB) to 11 (1 GiB); 5 (16 MiB, 15 ms) is libcrypt's default and ours.
    Yescrypt {
        /// libcrypt's cost.
        cost: u8,
    },
    /// `$6$`: 1,000 to 9,999,999 rounds.
    Sha512Crypt {
        /// How often SHA-512 is applied.
        rounds: u32,
    },
    /// `$2b$`: 4 to 17, each step twice as dear; at most 72 bytes of password.
    Bcrypt {
        /// The logarithm of the rounds.
        cost: u32,
    },
}

impl Default for Method {
    fn default() -> Self {
        Self::Yescrypt { cost: YESCRYPT.usual }
    }
}

/// The kinds that can be written in `settings.password_hash.kind`.
pub const KINDS: [&str; 3] = ["yescrypt", "sha512-crypt", "bcrypt"];

impl Method {
    /// From the fields of `settings.password_hash`; a cost or rounds that is absent takes its default
    /// (yescrypt 5, sha512-crypt 656,000 rounds, bcrypt 12).
    ///
    /// # Errors
    ///
    /// An unknown kind, a number out of range, a field that the kind does not have. The error's key is
    /// `kind`, `cost` or `rounds`.
    pub fn parse(kind: &str, cost: Option<i64>, rounds: Option<i64>) -> Result<Self> {
        match kind {
            "yescrypt" => {
                none("rounds", rounds, kind)?;
                YESCRYPT.take("cost", cost, kind).map(|cost| Self::Yescrypt { cost })
            }
            "sha512-crypt" => {
                none("cost", cost, kind)?;
                SHA512_CRYPT.take("rounds", rounds, kind).map(|rounds| Self::Sha512Crypt { rounds })
            }
            "bcrypt" => {
                none("rounds", rounds, kind)?;
                BCRYPT.take("cost", cost, kind).map(|cost| Self::Bcrypt { cost })
            }
            _ => Err(Error::new(format!("unknown kind of password hash; it is one of {}", KINDS.join(", ")))
                .key("kind")),
        }
    }

    /// The kind as it is written in `settings.password_hash.kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Yescrypt { .. } => "yescrypt",
            Self::Sha512Crypt { .. } => "sha512-crypt",
            Self::Bcrypt { .. } => "bcrypt",
        }
    }
}

/// What a number may be.
struct Range<T> {
    least: T,
    most: T,
    usual: T,
}

const YESCRYPT: Range<u8> = Range { least: 1, most: 11, usual: 5 };
const SHA512_CRYPT: Range<u32> = Range { least: 1_000, most: 9_999_999, usual: 656_000 };
const BCRYPT: Range<u32> = Range { least: 4, most: 17, usual: 12 };

impl<T: Copy + PartialOrd + std::fmt::Display + TryFrom<i64>> Range<T> {
    fn take(&self, field: &str, value: Option<i64>, kind: &str) -> Result<T> {
        let Some(value) = value else { return Ok(self.usual) };
        T::try_from(value).ok().filter(|value| self.has(*value)).ok_or_else(|| {
            Error::new(format!("{field} of {kind} is {} to {}, not {value}", self.least, self.most))
                .key(field)
        })
    }

    fn has(&self, value: T) -> bool {
        self.least <= value && value <= self.most
    }
}

fn none(field: &str, value: Option<i64>, kind: &str) -> Result<()> {
    if value.is_none() {
        return Ok(());
    }
    Err(Error::new(format!("{kind} has no {field}")).key(field))
}

/// N and r of a cost, as `crypt_gensalt` of libcrypt 4.4 makes them.
pub(super) fn yescrypt_size(cost: u8) -> Option<(u64, u32)> {
    match cost {
        1..=2 => Some((1 << (cost + 9), 8)),
        3..=11 => Some((1 << (cost + 7), 32)),
        _ => None,
    }
}

/// Refuses a hash whose parts are not as long as libcrypt's own, or whose settings would cost too much to
/// try: a hash may come from a stranger.
pub(super) fn check_form(scheme: Scheme, hash: &str) -> Result<()> {
    let fields: Vec<&str> = hash.split('$').skip(2).collect();
    let (right, affordable) = match (scheme, fields.as_slice()) {
        (Scheme::Yescrypt, [params, salt, sum]) => {
            ((1..=86).contains(&salt.len()) && sum.len() == 43, yescrypt_params(params))
        }
        (Scheme::Sha512Crypt, [rounds @ .., salt, sum]) => {
            (salt.len() <= 16 && sum.len() == 86 && rounds.len() <= 1, rounds_fit(rounds.first()))
        }
        (Scheme::Sha256Crypt, [rounds @ .., salt, sum]) => {
            (salt.len() <= 16 && sum.len() == 43 && rounds.len() <= 1, rounds_fit(rounds.first()))
        }
        (Scheme::Bcrypt, [cost, sum]) => {
            (sum.len() == 53, cost.parse().is_ok_and(|cost: u32| BCRYPT.has(cost)))
        }
        (Scheme::Yescrypt | Scheme::Sha512Crypt | Scheme::Sha256Crypt | Scheme::Bcrypt, _) => (false, true),
        _ => (true, true),
    };
    if !right {
        return Err(super::malformed(scheme));
    }
    if !affordable {
        let message = format!(
            "the {} hash has settings that libcrypt's own costs do not make; not tried",
            scheme.name()
        );
        return Err(Error::new(message));
    }
    Ok(())
}

fn yescrypt_params(params: &str) -> bool {
    (YESCRYPT.least..=YESCRYPT.most).filter_map(yescrypt_size).any(|(n, r)| {
        yescrypt::Params::new(yescrypt::Mode::default(), n, r, 1)
            .is_ok_and(|known| known.to_string() == params)
    })
}

fn rounds_fit(field: Option<&&str>) -> bool {
    let Some(field) = field else { return true };
    field
        .strip_prefix("rounds=")
        .and_then(|rounds| rounds.parse().ok())
        .is_some_and(|rounds: u32| SHA512_CRYPT.has(rounds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_stand_for_what_is_absent() {
        assert_eq!(Method::parse("yescrypt", None, None).unwrap(), Method::default());
        assert_eq!(Method::default(), Method::Yescrypt { cost: 5 });
        assert_eq!(
            Method::parse("sha512-crypt", None, None).unwrap(),
            Method::Sha512Crypt { rounds: 656_000 }
        );
        assert_eq!(Method::parse("bcrypt", Some(10), None).unwrap(), Method::Bcrypt { cost: 10 });
    }

    #[test]
    fn numbers_out_of_range_and_foreign_fields_are_refused_by_name() {
        let cases = [
            ("yescrypt", Some(0), None, "cost: cost of yescrypt is 1 to 11, not 0"),
            ("yescrypt", Some(12), None, "cost: cost of yescrypt is 1 to 11, not 12"),
            ("yescrypt", Some(-1), None, "cost: cost of yescrypt is 1 to 11, not -1"),
            ("yescrypt", None, Some(5000), "rounds: yescrypt has no rounds"),
            ("sha512-crypt", Some(5), None, "cost: sha512-crypt has no cost"),
            ("sha512-crypt", None, Some(999), "rounds: rounds of sha512-crypt is 1000 to 9999999, not 999"),
            ("bcrypt", Some(18), None, "cost: cost of bcrypt is 4 to 17, not 18"),
            (
                "argon2",
                None,
                None,
                "kind: unknown kind of password hash; it is one of yescrypt, sha512-crypt, bcrypt",
            ),
        ];
        for (kind, cost, rounds, expected) in cases {
            assert_eq!(Method::parse(kind, cost, rounds).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn costs_are_those_of_libcrypt() {
        let written = |cost| {
            let (n, r) = yescrypt_size(cost).unwrap();
            yescrypt::Params::new(yescrypt::Mode::default(), n, r, 1).unwrap().to_string()
        };
        let all: Vec<_> = (1..=11).map(written).collect();
        // mkpasswd -m yescrypt -R 1 … -R 11
        let expected = ["j75", "j85", "j7T", "j8T", "j9T", "jAT", "jBT", "jCT", "jDT", "jET", "jFT"];
        assert_eq!(all, expected);
        assert_eq!(yescrypt_size(12), None);
    }
}
