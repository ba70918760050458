//! The binding of a file to its place in the repository.
//!
//! Nothing in the sops format ties a file to its path: a copy of one file over another would be handed to the
//! other's readers. So every file of a fleet says its path in an encrypted value, which the MAC covers.

use crate::fs::RepoPath;
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

fn binding_path() -> KeyPath {
    KeyPath::of_keys([BINDING_KEY])
}
