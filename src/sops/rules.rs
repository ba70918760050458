//! Which values of a file are encrypted: the six rules of sops, of which a file has one.

use crate::sops::pattern;
use crate::{Error, Result};
use regex::bytes::Regex;

/// The rule that a file has if it names none.
pub const DEFAULT_SUFFIX: &str = "_unencrypted";

/// Which values are encrypted, and whether the MAC covers the others.
#[derive(Clone, Debug)]
pub struct Rules {
    selection: Selection,
    pattern: Option<Regex>,
    mac_only_encrypted: bool,
}

/// The rule of a file; the text is a suffix or a regular expression as Go reads them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Selection {
    /// Everything: the rule of a file of bytes, which names none.
    All,
    /// All but what lies under a name with this end.
    UnencryptedSuffix(String),
    /// What lies under a name with this end.
    EncryptedSuffix(String),
    /// All but what lies under a name that matches.
    UnencryptedRegex(String),
    /// What lies under a name that matches.
    EncryptedRegex(String),
    /// All but what stands under a comment that matches.
    UnencryptedCommentRegex(String),
    /// What stands under a comment that matches.
    EncryptedCommentRegex(String),
}

impl Selection {
    /// The rule that a metadata or configuration field of this name states; nothing for other names.
    pub fn of_field(name: &str, text: &str) -> Option<Self> {
        let text = text.to_owned();
        Some(match name {
            "unencrypted_suffix" => Self::UnencryptedSuffix(text),
            "encrypted_suffix" => Self::EncryptedSuffix(text),
            "unencrypted_regex" => Self::UnencryptedRegex(text),
            "encrypted_regex" => Self::EncryptedRegex(text),
            "unencrypted_comment_regex" => Self::UnencryptedCommentRegex(text),
            "encrypted_comment_regex" => Self::EncryptedCommentRegex(text),
            _ => return None,
        })
    }

    /// The field's name and its text; empty where none is written.
    pub fn field(&self) -> (&'static str, &str) {
        match self {
            Self::All => ("", ""),
            Self::UnencryptedSuffix(text) => ("unencrypted_suffix", text),
            Self::EncryptedSuffix(text) => ("encrypted_suffix", text),
            Self::UnencryptedRegex(text) => ("unencrypted_regex", text),
            Self::EncryptedRegex(text) => ("encrypted_regex", text),
            Self::UnencryptedCommentRegex(text) => ("unencrypted_comment_regex", text),
            Self::EncryptedCommentRegex(text) => ("encrypted_comment_regex", text),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            selection: Selection::UnencryptedSuffix(DEFAULT_SUFFIX.to_owned()),
            pattern: None,
            mac_only_encrypted: false,
        }
    }
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.selection == other.selection && self.mac_only_encrypted == other.mac_only_encrypted
    }
}

impl Eq for Rules {}

impl Rules {
    /// The rules with one selection. Errors: a regular expression that does not compile, which sops would take
    /// for one that matches nothing.
    pub fn new(selection: Selection, mac_only_encrypted: bool) -> Result<Self> {
        let (field, text) = selection.field();
        let pattern = if field.ends_with("regex") {
            Some(pattern::compile(text).map_err(|error| Error::new(error.to_string()).key(field))?)
        } else {
            None
        };
        Ok(Self { selection, pattern, mac_only_encrypted })
    }

    /// The rules of a file of bytes: its one value is encrypted whatever anybody says.
    pub fn of_bytes() -> Self {
        Self { selection: Selection::All, pattern: None, mac_only_encrypted: false }
    }

    /// The rule.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Whether values in clear are left out of the MAC.
    pub fn mac_only_encrypted(&self) -> bool {
        self.mac_only_encrypted
    }

    /// Checks that this is the rule of every file of a fleet: all is encrypted but what lies under a name that ends in
    /// [`DEFAULT_SUFFIX`], and the MAC covers that too. It is what sops writes where no rule is named.
    pub(super) fn must_be_of_fleet(&self) -> Result<()> {
        let (field, why) = if self.selection == Self::default().selection {
            if !self.mac_only_encrypted {
                return Ok(());
            }
            ("mac_only_encrypted", "values in clear could be changed by anybody")
        } else {
            (self.selection.field().0, "values could be written in clear")
        };
        Err(Error::new(format!("is not the rule of a fleet's files, and {why}")).key(format!("sops.{field}")))
    }

    fn matches(&self, text: &[u8]) -> bool {
        self.pattern.as_ref().is_some_and(|pattern| pattern::is_match(pattern, text))
    }

    /// Whether a name decides over what lies under it.
    pub(super) fn names(&self, key: &[u8]) -> bool {
        match &self.selection {
            Selection::UnencryptedSuffix(suffix) | Selection::EncryptedSuffix(suffix) => {
                key.ends_with(suffix.as_bytes())
            }
            Selection::UnencryptedRegex(_) | Selection::EncryptedRegex(_) => self.matches(key),
            Selection::All | Selection::UnencryptedCommentRegex(_) | Selection::EncryptedCommentRegex(_) => {
                false
            }
        }
    }

    /// Whether a comment decides over what stands under it.
    pub(super) fn marks(&self, comment: &[u8]) -> bool {
        self.by_comment() && self.matches(comment)
    }

    /// Whether comments decide.
    pub(super) fn by_comment(&self) -> bool {
        matches!(self.selection, Selection::UnencryptedCommentRegex(_) | Selection::EncryptedCommentRegex(_))
    }

    /// Whether what was named or marked is what is encrypted.
    pub(super) fn is_positive(&self) -> bool {
        matches!(
            self.selection,
            Selection::EncryptedSuffix(_)
                | Selection::EncryptedRegex(_)
                | Selection::EncryptedCommentRegex(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_expression_is_an_error_and_names_its_field() {
        let error = Rules::new(Selection::EncryptedRegex("(".into()), false).unwrap_err();
        assert!(error.to_string().starts_with("encrypted_regex: "), "{error}");
    }

    #[test]
    fn fields_and_selections_are_the_same() {
        for name in [
            "unencrypted_suffix",
            "encrypted_suffix",
            "unencrypted_regex",
            "encrypted_regex",
            "unencrypted_comment_regex",
            "encrypted_comment_regex",
        ] {
            assert_eq!(Selection::of_field(name, "x").unwrap().field(), (name, "x"));
        }
        assert_eq!(Selection::of_field("mac", "x"), None);
    }
}
