//! Password hashes as crypt(3) knows them: made, verified, told apart.
//!
//! A hash that leaves this room has been verified against its password, and has a form that libcrypt and
//! glibc accept at a login: what they would cut off or refuse is refused here, where somebody can still mend
//! it. The room knows nothing about users, files or terminals.

mod method;
mod scheme;

pub use method::{KINDS, Method};
pub use scheme::{Recognised, Scheme, recognise};

use crate::error::{Error, Result};
use crate::secret::Secret;
use ::yescrypt::password_hash::{self, CustomizedPasswordHasher, PasswordVerifier};

/// The longest password in bytes that libcrypt takes: its buffer of 512 less the NUL.
pub const LONGEST: usize = 511;

/// The longest password in bytes of which bcrypt uses every byte.
pub const LONGEST_BCRYPT: usize = 72;

/// Refuses a password that no login could type, or of which the method would use a part only.
///
/// Empty; longer than 511 bytes (72 for bcrypt); holding a NUL, a line feed or a carriage return.
pub fn check(password: &Secret, method: &Method) -> Result<()> {
    if password.is_empty() {
        return Err(Error::new("the password is empty"));
    }
    let bytes = password.expose();
    if bytes.contains(&0) {
        return Err(Error::new("the password holds a NUL byte, at which every login would end it"));
    }
    if bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Err(Error::new("the password holds a line break, which no login can type"));
    }
    if bytes.len() > LONGEST {
        let message = format!("the password has {} bytes; libcrypt takes {LONGEST} at most", bytes.len());
        return Err(Error::new(message));
    }
    if matches!(method, Method::Bcrypt { .. }) && bytes.len() > LONGEST_BCRYPT {
        let message =
            format!("the password has {} bytes, of which bcrypt would use {LONGEST_BCRYPT}", bytes.len());
        let hint = "use a shorter one, or set settings.password_hash.kind to yescrypt";
        return Err(Error::new(message).hint(hint));
    }
    Ok(())
}

/// Hashes a password with a fresh salt, in the text form of /etc/shadow.
///
/// The hash is verified against the password before it is handed out.
pub fn hash(password: &Secret, method: &Method) -> Result<String> {
    check(password, method)?;
    let hash = match *method {
        Method::Yescrypt { cost } => yescrypt(password, cost)?,
        Method::Sha512Crypt { rounds } => sha512_crypt(password, rounds)?,
        Method::Bcrypt { cost } => bcrypt(password, cost)?,
    };
    if verify(password, &hash)? {
        Ok(hash)
    } else {
        Err(Error::new(format!("a fresh {} hash does not verify; nothing was written", method.kind())))
    }
}

/// Whether a login with this password would be accepted under this hash, as libcrypt decides it.
///
/// Verifies `$y$` with the parameters that libcrypt's own costs make, `$6$`, `$5$`, `$2b$` and `$2y$`.
///
/// # Errors
///
/// Another scheme, a locked or malformed hash, or one that would cost minutes or gigabytes to try.
pub fn verify(password: &Secret, hash: &str) -> Result<bool> {
    let found = recognise(hash).ok_or_else(|| Error::new("this is no password hash"))?;
    if found.locked {
        return Err(Error::new("the hash is locked: no password opens it"));
    }
    let bytes = password.expose();
    if bytes.contains(&0) || bytes.len() > LONGEST {
        return Ok(false);
    }
    method::check_form(found.scheme, hash)?;
    let verdict = match found.scheme {
        Scheme::Yescrypt => ::yescrypt::Yescrypt::default().verify_password(bytes, hash),
        Scheme::Sha512Crypt | Scheme::Sha256Crypt => {
            sha_crypt::ShaCrypt::default().verify_password(bytes, hash)
        }
        Scheme::Bcrypt => return ::bcrypt::verify(bytes, hash).map_err(|_| malformed(found.scheme)),
        other => {
            return Err(Error::new(format!(
                "a {} hash is known by its form, but not verified",
                other.name()
            )));
        }
    };
    match verdict {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(malformed(found.scheme)),
    }
}

fn yescrypt(password: &Secret, cost: u8) -> Result<String> {
    let (n, r) = method::yescrypt_size(cost).ok_or_else(|| failed("yescrypt"))?;
    let params =
        ::yescrypt::Params::new(::yescrypt::Mode::default(), n, r, 1).map_err(|_| failed("yescrypt"))?;
    let salt = salt::<16>()?;
    let hasher = ::yescrypt::Yescrypt::default();
    hasher
        .hash_password_customized(password.expose(), &salt, None, None, params)
        .map(|hash| hash.as_str().to_string())
        .map_err(|_| failed("yescrypt"))
}

/// The salt is 12 bytes, 16 characters in the hash. libcrypt uses no more: with a longer one it computes
/// another hash than the crate, and the login fails.
fn sha512_crypt(password: &Secret, rounds: u32) -> Result<String> {
    let params = sha_crypt::Params::new(rounds).map_err(|_| failed("sha512-crypt"))?;
    let salt = salt::<12>()?;
    let hasher = sha_crypt::ShaCrypt::new(sha_crypt::Algorithm::Sha512Crypt, params);
    hasher
        .hash_password_customized(password.expose(), &salt, None, None, params)
        .map(|hash| hash.as_str().to_string())
        .map_err(|_| failed("sha512-crypt"))
}

/// The crate's refusal to cut a password off begins at 72 bytes, where nothing is lost yet: `check` has
/// refused more than 72.
fn bcrypt(password: &Secret, cost: u32) -> Result<String> {
    let parts =
        ::bcrypt::hash_with_salt(password.expose(), cost, salt::<16>()?).map_err(|_| failed("bcrypt"))?;
    Ok(parts.format_for_version(::bcrypt::Version::TwoB))
}

fn salt<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new("cannot draw random bytes from the system").because(error.to_string()))?;
    Ok(bytes)
}

fn failed(kind: &str) -> Error {
    Error::new(format!("cannot make a {kind} hash"))
}

fn malformed(scheme: Scheme) -> Error {
    Error::new(format!("the {} hash is malformed", scheme.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: [Method; 3] =
        [Method::Yescrypt { cost: 1 }, Method::Sha512Crypt { rounds: 1000 }, Method::Bcrypt { cost: 4 }];

    #[test]
    fn a_hash_opens_to_its_password_only() {
        for method in CHEAP {
            let hash = hash(&Secret::from("Grüße, Welt"), &method).unwrap();
            assert_eq!(recognise(&hash).map(|found| found.scheme.name()), Some(method.kind()), "{hash}");
            assert!(verify(&Secret::from("Grüße, Welt"), &hash).unwrap(), "{hash}");
            assert!(!verify(&Secret::from("Grüße, welt"), &hash).unwrap(), "{hash}");
            assert!(!verify(&Secret::from(""), &hash).unwrap(), "{hash}");
        }
    }

    #[test]
    fn the_same_password_gives_another_hash_each_time() {
        for method in CHEAP {
            let password = Secret::from("again");
            assert_ne!(hash(&password, &method).unwrap(), hash(&password, &method).unwrap());
        }
    }

    #[test]
    fn what_no_login_could_type_is_refused() {
        let cases: [(&[u8], &str); 5] = [
            (b"", "the password is empty"),
            (b"a\0b", "the password holds a NUL byte, at which every login would end it"),
            (b"a\n", "the password holds a line break, which no login can type"),
            (b"a\rb", "the password holds a line break, which no login can type"),
            (&[b'x'; 512], "the password has 512 bytes; libcrypt takes 511 at most"),
        ];
        for method in CHEAP {
            for (password, message) in &cases {
                let error = hash(&Secret::from(*password), &method).unwrap_err();
                assert_eq!(error.message(), *message);
            }
        }
    }

    #[test]
    fn bcrypt_refuses_what_it_would_cut_off() {
        let method = Method::Bcrypt { cost: 4 };
        let longest = Secret::new(vec![b'x'; 72]);
        assert!(verify(&longest, &hash(&longest, &method).unwrap()).unwrap());
        let error = hash(&Secret::new(vec![b'x'; 73]), &method).unwrap_err();
        assert_eq!(error.message(), "the password has 73 bytes, of which bcrypt would use 72");
        assert!(error.hints()[0].contains("yescrypt"));
        assert!(hash(&Secret::new(vec![b'x'; 73]), &CHEAP[0]).is_ok());
    }

    #[test]
    fn a_long_salt_that_libcrypt_would_cut_off_is_malformed() {
        // what the crate makes by default: it verifies its own 22 characters, and no login does
        let salt = [7; 16];
        let hasher =
            sha_crypt::ShaCrypt::new(sha_crypt::Algorithm::Sha512Crypt, sha_crypt::Params::default());
        let params = sha_crypt::Params::new(1000).unwrap();
        let long = hasher.hash_password_customized(b"a", &salt, None, None, params).unwrap();
        let error = verify(&Secret::from("a"), long.as_str()).unwrap_err();
        assert_eq!(error.message(), "the sha512-crypt hash is malformed");
    }

    #[test]
    fn cut_off_hashes_open_to_nothing() {
        for method in CHEAP {
            let whole = hash(&Secret::from("a"), &method).unwrap();
            for short in 0..whole.len() {
                let cut: String = whole.chars().take(short).collect();
                assert!(!matches!(verify(&Secret::from("a"), &cut), Ok(true)), "{cut}");
            }
        }
    }

    #[test]
    fn hashes_that_would_cost_gigabytes_or_minutes_are_not_tried() {
        let salt = "./0123456789abcdefghij";
        let tail = "a".repeat(43);
        for params in ["jzT", "jH5", "j9T.5", "..."] {
            let error = verify(&Secret::from("a"), &format!("$y${params}${salt}${tail}")).unwrap_err();
            assert!(error.message().contains("settings"), "{error}");
        }
        let sha = format!("$6$rounds=999999999$salt${}", "a".repeat(86));
        assert!(verify(&Secret::from("a"), &sha).is_err());
        let bcrypt = format!("$2b$31${}", "a".repeat(53));
        assert!(verify(&Secret::from("a"), &bcrypt).is_err());
    }

    #[test]
    fn locked_and_foreign_hashes_are_named_instead_of_tried() {
        let made = hash(&Secret::from("a"), &CHEAP[0]).unwrap();
        let error = verify(&Secret::from("a"), &format!("!{made}")).unwrap_err();
        assert_eq!(error.message(), "the hash is locked: no password opens it");
        let error = verify(&Secret::from("a"), "$1$saltsalt$aaaaaaaaaaaaaaaaaaaaaa").unwrap_err();
        assert_eq!(error.message(), "a md5-crypt hash is known by its form, but not verified");
        assert_eq!(verify(&Secret::from("a"), "hello").unwrap_err().message(), "this is no password hash");
    }
}
