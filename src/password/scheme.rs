//! Tells a password hash from any other text.
//!
//! By form alone: nothing is computed. A hash in `uvars.yaml` is refused by this, and so is text that stands
//! where a hash belongs.

/// A scheme of crypt(3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// `$y$`
    Yescrypt,
    /// `$gy$`
    GostYescrypt,
    /// `$7$`
    Scrypt,
    /// `$6$`
    Sha512Crypt,
    /// `$5$`
    Sha256Crypt,
    /// `$2b$` and `$2y$`, which are the same
    Bcrypt,
    /// `$2a$` and `$2x$`: bcrypt with the quirks of old implementations
    OldBcrypt,
    /// `$sm3$`
    Sm3Crypt,
    /// `$sha1$`
    Sha1Crypt,
    /// `$md5$` or `$md5,`, Solaris'
    SunMd5,
    /// `$3$`
    Nt,
    /// `$1$`
    Md5Crypt,
    /// `$argon2id$` and its sisters, which libcrypt does not know
    Argon2,
    /// `_` and 19 characters, BSDI's
    BsdiDes,
    /// 13 characters
    Des,
}

impl Scheme {
    /// The name that people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yescrypt => "yescrypt",
            Self::GostYescrypt => "gost-yescrypt",
            Self::Scrypt => "scrypt",
            Self::Sha512Crypt => "sha512-crypt",
            Self::Sha256Crypt => "sha256-crypt",
            Self::Bcrypt => "bcrypt",
            Self::OldBcrypt => "old bcrypt",
            Self::Sm3Crypt => "sm3-crypt",
            Self::Sha1Crypt => "sha1-crypt",
            Self::SunMd5 => "sun-md5",
            Self::Nt => "nt",
            Self::Md5Crypt => "md5-crypt",
            Self::Argon2 => "argon2",
            Self::BsdiDes => "bsdi-des",
            Self::Des => "des",
        }
    }

    /// Whether the form is so peculiar that ordinary text never has it: DES is any 13 letters and digits.
    pub fn certain(self) -> bool {
        self != Self::Des
    }
}

/// What a text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Recognised {
    /// The scheme.
    pub scheme: Scheme,
    /// Whether `!` or `*` before it shuts it.
    pub locked: bool,
}

/// The scheme of a password hash, or nothing for any other text.
///
/// A bare `!`, `*` or `!!` is no hash. DES, which is any 13 letters and digits, is returned too: ask
/// [`Scheme::certain`] where ordinary words are expected.
pub fn recognise(text: &str) -> Option<Recognised> {
    let open = text.trim_start_matches(['!', '*']);
    let scheme = if open.starts_with('$') { dollar(open) } else { bare(open) }?;
    Some(Recognised { scheme, locked: open.len() < text.len() })
}

/// The prefixes, and how many characters follow at least.
const PREFIXES: [(&str, usize, Scheme); 18] = [
    ("$y$", 8, Scheme::Yescrypt),
    ("$gy$", 8, Scheme::GostYescrypt),
    ("$7$", 20, Scheme::Scrypt),
    ("$6$", 20, Scheme::Sha512Crypt),
    ("$5$", 20, Scheme::Sha256Crypt),
    ("$2b$", 20, Scheme::Bcrypt),
    ("$2y$", 20, Scheme::Bcrypt),
    ("$2a$", 20, Scheme::OldBcrypt),
    ("$2x$", 20, Scheme::OldBcrypt),
    ("$sm3$", 20, Scheme::Sm3Crypt),
    ("$sha1$", 20, Scheme::Sha1Crypt),
    ("$md5$", 20, Scheme::SunMd5),
    ("$md5,", 20, Scheme::SunMd5),
    ("$3$", 20, Scheme::Nt),
    ("$1$", 20, Scheme::Md5Crypt),
    ("$argon2id$", 20, Scheme::Argon2),
    ("$argon2i$", 20, Scheme::Argon2),
    ("$argon2d$", 20, Scheme::Argon2),
];

fn dollar(text: &str) -> Option<Scheme> {
    // what shadow(5) cannot hold in its second field is no hash
    let possible = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b':' | b'\\');
    let (_, _, scheme) = PREFIXES.iter().find(|(prefix, least, _)| {
        text.strip_prefix(prefix).is_some_and(|rest| rest.len() >= *least && rest.bytes().all(possible))
    })?;
    Some(*scheme)
}

fn bare(text: &str) -> Option<Scheme> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./".contains(&byte));
    match text.strip_prefix('_') {
        Some(rest) if rest.len() == 19 && digits(rest) && mixed(rest) => Some(Scheme::BsdiDes),
        None if text.len() == 13 && digits(text) => Some(Scheme::Des),
        _ => None,
    }
}

/// Whether it has letters of both cases and a digit, as nineteen random characters have.
fn mixed(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_uppercase())
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
        && text.bytes().any(|byte| byte.is_ascii_digit() || b"./".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<(&'static str, bool)> {
        recognise(text).map(|found| (found.scheme.name(), found.locked))
    }

    #[test]
    fn every_scheme_by_its_form() {
        let cases = [
            ("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", "yescrypt"),
            ("$gy$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", "gost-yescrypt"),
            ("$7$CU..../....k2oXR1bWqTDMgXMfYYXsv0$FaVTIxV2kc9k5K1K1n0OMaVKTsgV6Y5JXkpOKhOmPwA", "scrypt"),
            ("$6$rounds=5000$abcdefgh$Ai9D8bPpOKd6Ql9dHYFz", "sha512-crypt"),
            ("$5$abcdefgh$ZLdkj8mkc2XVSrPVjskDAgZPGjtj1VGVaa1aUkrMTU/", "sha256-crypt"),
            ("$2b$12$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u", "bcrypt"),
            ("$2y$12$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u", "bcrypt"),
            ("$2a$12$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u", "old bcrypt"),
            ("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "md5-crypt"),
            ("$md5,rounds=5000$GUBv0xjJ$$mSwgIswdjlTY0YxV7HBVm0", "sun-md5"),
            ("$sha1$64000$wnUR8T1U$vt1TFQ50tBMFgkflAFAOer2CwdYZ", "sha1-crypt"),
            ("$3$$8846f7eaee8fb117ad06bdd830b7586c", "nt"),
            ("$argon2id$v=19$m=65536,t=2,p=1$gZiV/M1gPc22ElAH/Jh1Hw$CWOrkoo7oJBQ", "argon2"),
            ("_J9..K0AyUubDrfOgO4s", "bsdi-des"),
            ("dTloMVpjYt1w2", "des"),
        ];
        for (text, expected) in cases {
            assert_eq!(name(text), Some((expected, false)), "{text}");
            assert_eq!(name(&format!("!{text}")), Some((expected, true)), "{text}");
            assert_eq!(name(&format!("!*{text}")), Some((expected, true)), "{text}");
        }
    }

    #[test]
    fn other_text_is_no_hash() {
        let texts = [
            "",
            "!",
            "!!",
            "*",
            "!*",
            "x",
            "$",
            "$6$",
            "$6$short",
            "$y$",
            "jon smith",
            "/home/jon",
            "$HOME/some/folder/that/is/long",
            "$6$with a space and much more text",
            "$6$with:colon:and:much:more:text",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI",
            "_a_variable_name_20",
            "_abcdefghijklmnopqrs",
            "correct-horse-battery",
        ];
        for text in texts {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn thirteen_letters_may_be_a_word() {
        assert!(!recognise("workstation13").unwrap().scheme.certain());
        assert!(recognise("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/").unwrap().scheme.certain());
    }
}
