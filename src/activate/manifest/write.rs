//! From a manifest to its bytes: the same manifest always makes the same ones.

use super::{Account, File, Format, Install, Manifest, Personal, VERSION};
use crate::error::{Error, Result};
use crate::fs::RepoPath;
use serde_json::{Map, Value, json};

impl Manifest {
    /// The bytes that [`Manifest::parse`] reads: the same manifest always makes the same bytes.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        self.check()?;
        let mut settings = Map::new();
        put(&mut settings, "hash_kind", self.settings.hash_kind.as_ref());
        put(&mut settings, "hash_cost", self.settings.hash_cost.as_ref());
        let document = json!({
            "version": VERSION,
            "for": self.of.to_string(),
            "files": self.files.iter().map(File::json).collect::<Vec<_>>(),
            "accounts": self.accounts.iter().map(Account::json).collect::<Vec<_>>(),
            "installs": self.installs.iter().map(Install::json).collect::<Vec<_>>(),
            "personal": self.personal.iter().map(Personal::json).collect::<Vec<_>>(),
            "settings": settings,
        });
        let mut bytes = serde_json::to_vec_pretty(&document)
            .map_err(|cause| Error::new("cannot write the manifest as JSON").because(cause))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Adds a field unless it is absent: an absent field and a default are told apart by not being there.
fn put<T: serde::Serialize>(object: &mut Map<String, Value>, name: &str, value: Option<&T>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), json!(value));
    }
}

impl File {
    fn json(&self) -> Value {
        json!({ "path": self.path.as_str(), "sha256": self.sha256.to_string() })
    }
}

impl Account {
    fn json(&self) -> Value {
        let mut object = Map::new();
        put(&mut object, "user", Some(&self.user));
        put(&mut object, "policy", Some(&self.policy.word()));
        put(&mut object, "from", self.from.as_ref().map(RepoPath::as_str).as_ref());
        put(&mut object, "format", (self.format == Format::Plaintext).then_some(&"plaintext"));
        put(&mut object, "admin", self.admin.then_some(&true));
        put(&mut object, "uid", self.uid.as_ref());
        put(&mut object, "description", self.description.as_ref());
        put(&mut object, "group_primary", self.group_primary.as_ref());
        put(&mut object, "groups_secondary", self.groups_secondary.as_ref());
        put(&mut object, "home_dir", self.home_dir.as_ref());
        put(&mut object, "shell", self.shell.as_ref());
        put(&mut object, "authorized_keys", self.authorized_keys.as_ref());
        Value::Object(object)
    }
}

impl Install {
    fn json(&self) -> Value {
        let mut object = Map::new();
        put(&mut object, "name", Some(&self.name));
        put(&mut object, "from", Some(&self.from.as_str()));
        put(&mut object, "key", Some(&self.key));
        put(&mut object, "owner", Some(&self.owner));
        put(&mut object, "group", self.group.as_ref());
        put(&mut object, "mode", Some(&format!("{:04o}", self.mode)));
        put(&mut object, "phase", Some(&self.phase.word()));
        Value::Object(object)
    }
}

impl Personal {
    fn json(&self) -> Value {
        let mut object = Map::new();
        put(&mut object, "user", Some(&self.user));
        put(&mut object, "from", Some(&self.from.as_str()));
        put(&mut object, "into", self.into.as_ref());
        Value::Object(object)
    }
}
