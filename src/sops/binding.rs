//! The binding of a file to its place in the repository.
//!
//! Nothing in the sops format ties a file to its path: a copy of one file over another would be handed to the
//! other's readers. So every file of a fleet says its path in an encrypted value, which the MAC covers.
//!
//! The MAC does not cover the rule that says which values are encrypted: one line, planted by somebody without a
//! key, would make the next writer put secrets into the file in clear. So every file of a fleet has one rule,
//! [`crate::sops::Rules::default`], and a file that names another one is not written.

use crate::fs::RepoPath;
use crate::sops::encrypted::Encrypted;
use crate::sops::path::KeyPath;
use crate::sops::plain::Plain;
use crate::sops::value::Value;
use crate::{Error, Result};

/// The name of the value, at the top of the first document.
pub const BINDING_KEY: &str = "uvars_path";

impl Plain {
    /// What the file says its path is, whether that can be trusted or not.
    pub fn binding(&self) -> Option<String> {
        self.get(&binding_path()).and_then(|value| value.as_str().map(str::to_owned))
    }

    /// Binds the documents to a place.
    pub fn bind(&mut self, path: &RepoPath) -> Result<()> {
        self.set(&binding_path(), &Value::from(path.as_str()))
    }

    /// Checks that the file was written for this place: an encrypted string that is equal to the path.
    ///
    /// Errors, all with the hint how to vouch for the file: none, one in clear, of another path.
    pub fn check_binding(&self, path: &RepoPath) -> Result<()> {
        let wrong = |why: String| {
            Err(Error::new(why).key(BINDING_KEY).hint(format!("if the file belongs here: uvars bind {path}")))
        };
        match self.get(&binding_path()) {
            None => wrong(format!("nothing says that this file belongs at {path}")),
            Some(_) if !self.was_encrypted(&binding_path()) => {
                wrong("the path is in clear: anybody may have written it".to_owned())
            }
            Some(value) if value.as_bytes() == Some(path.as_str().as_bytes()) => Ok(()),
            Some(_) => wrong(format!("this file was not written for {path}")),
        }
    }
}

impl Encrypted {
    /// Checks that the file's rule is the one that files of a fleet have. Needs no key.
    ///
    /// Errors: another rule, or a MAC that leaves values in clear out; the hint is how to vouch for the file.
    pub fn check_rule(&self, path: &RepoPath) -> Result<()> {
        self.metadata().rules().must_be_of_fleet().map_err(|error| {
            error
                .hint(format!("who wrote that line, and when: git log -p -- {path}"))
                .hint(format!("to encrypt every value, by the rule of the fleet: uvars bind {path}"))
        })
    }
}

fn binding_path() -> KeyPath {
    KeyPath::of_keys([BINDING_KEY])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Programs, generate};
    use crate::sops::{Format, Map, Rules, Selection};
    use std::time::UNIX_EPOCH;

    #[test]
    fn what_is_bound_is_written_by_no_other_rule() {
        let reader = generate("now").unwrap().recipient;
        let regex = |text: &str| Selection::EncryptedRegex(text.to_owned());
        for (rules, fits) in [
            (Rules::default(), true),
            (Rules::new(regex("^x$"), false).unwrap(), false),
            (Rules::new(Rules::default().selection().clone(), true).unwrap(), false),
        ] {
            let mut plain = Plain::new(Map::new().with("a", "b"));
            for bound in [false, true] {
                if bound {
                    plain.bind(&RepoPath::new("secrets/hosts/a.sops.yaml").unwrap()).unwrap();
                }
                let readers = [reader.clone()];
                let made = Encrypted::create(
                    &plain,
                    &readers,
                    &rules,
                    UNIX_EPOCH,
                    Format::Yaml,
                    &Programs::default(),
                );
                assert_eq!(made.is_ok(), fits || !bound, "{rules:?}");
            }
        }
    }
}
