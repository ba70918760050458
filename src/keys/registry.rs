//! The registry: every key file of `keys/`, and whose key a recipient is.

use super::key_file::KeyFile;
use super::ledger::LEDGER_PATH;
use super::principal::{Class, Principal};
use super::private;
use super::recipient::Recipient;
use crate::error::{Error, Result};
use crate::fs::{RepoPath, Root};
use std::collections::{BTreeMap, HashMap};

/// The folder of the registry in a fleet repository.
const KEYS: &str = "keys";

/// Everybody's public keys.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    files: BTreeMap<Principal, KeyFile>,
    /// Who has a key, by [`Recipient::key_id`].
    holders: HashMap<String, Vec<Principal>>,
    warnings: Vec<String>,
}

impl Registry {
    /// Reads the folder `keys/` of a fleet repository.
    ///
    /// # Errors
    ///
    /// The first key file that is not as it should be, a key file outside of the five folders, or a file that
    /// holds a private key, whatever its name.
    pub fn read(root: &Root) -> Result<Self> {
        let paths = root.list(&RepoPath::new(KEYS)?)?;
        let files = paths.into_iter().map(|path| {
            let bytes = root.read(&path)?.unwrap_or_default();
            Ok((path, bytes))
        });
        Self::of_files(files)
    }

    /// The same from files that are in memory, with their paths in the repository.
    pub fn of_files(files: impl IntoIterator<Item = Result<(RepoPath, Vec<u8>)>>) -> Result<Self> {
        let mut registry = Self::default();
        let mut names = HashMap::new();
        for file in files {
            let (path, bytes) = file?;
            if path.as_str() == LEDGER_PATH {
                continue;
            }
            match principal(&path)? {
                Some(principal) => {
                    let name = (principal.class, principal.name.to_ascii_lowercase());
                    if let Some(other) = names.insert(name, principal.clone()) {
                        return Err(differs_in_case(&principal, &other));
                    }
                    registry.add(KeyFile::parse(principal, &bytes)?);
                }
                None => registry.pass_over(&path, &bytes)?,
            }
        }
        registry.warn();
        Ok(registry)
    }

    fn add(&mut self, file: KeyFile) {
        for recipient in file.recipients() {
            self.holders.entry(recipient.key_id()).or_default().push(file.principal.clone());
        }
        self.files.insert(file.principal.clone(), file);
    }

    /// A file that is no key file: a warning, unless it holds a private key.
    fn pass_over(&mut self, path: &RepoPath, bytes: &[u8]) -> Result<()> {
        let text = String::from_utf8_lossy(bytes.get(..64 * 1024).unwrap_or(bytes));
        if private::holds_key(&text) {
            return Err(Error::new("holds a private key, and everything in keys/ is public")
                .hint("take it out of the repository and its history, and replace the key: it is no longer a secret")
                .at(path));
        }
        if !path.file_name().starts_with('.') {
            self.warnings.push(format!("{}: not a key file, passed over", path.as_str()));
        }
        Ok(())
    }

    /// Notes keys that two principals have, and keys with something to tell about.
    fn warn(&mut self) {
        let mut warnings = Vec::new();
        for (recipient, principals) in self.shared() {
            let names: Vec<_> = principals.iter().map(ToString::to_string).collect();
            warnings.push(format!("{} have the same key {}", names.join(" and "), short(recipient)));
        }
        for file in self.files.values() {
            for key in &file.keys {
                let place = format!("{}:{}", file.principal.path(), key.line);
                warnings.extend(key.recipient.warning().map(|warning| format!("{place}: {warning}")));
            }
        }
        self.warnings.extend(warnings);
    }

    /// What is allowed and should be known, a sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The keys of one principal.
    pub fn get(&self, principal: &Principal) -> Option<&KeyFile> {
        self.files.get(principal)
    }

    /// Everybody, by class and name.
    pub fn iter(&self) -> impl Iterator<Item = &KeyFile> {
        self.files.values()
    }

    /// Everybody of one class, by name.
    pub fn class(&self, class: Class) -> impl Iterator<Item = &KeyFile> {
        let first = Principal { class, name: String::new() };
        self.files.range(first..).map(|(_, file)| file).take_while(move |file| file.principal.class == class)
    }

    /// Whose key this is, as itself or as ssh-to-age converts it.
    pub fn holders(&self, recipient: &Recipient) -> &[Principal] {
        self.holders.get(&recipient.key_id()).map(Vec::as_slice).unwrap_or_default()
    }

    /// The keys that more than one principal has. That is allowed: one person may hold two offices.
    pub fn shared(&self) -> Vec<(&Recipient, &[Principal])> {
        let first = |file: &KeyFile, holders: &[Principal]| holders.first() == Some(&file.principal);
        self.files
            .values()
            .flat_map(|file| file.recipients().map(move |recipient| (file, recipient)))
            .map(|(file, recipient)| (file, recipient, self.holders(recipient)))
            .filter(|(file, _, holders)| holders.len() > 1 && first(file, holders))
            .map(|(_, recipient, holders)| (recipient, holders))
            .collect()
    }

    /// The principal that is meant by `CLASS/NAME`, or by a bare NAME where one class has it.
    ///
    /// # Errors
    ///
    /// Nobody or more than one has the bare name; the hint lists who. A name with a class need not be there.
    pub fn resolve(&self, text: &str) -> Result<Principal> {
        if text.contains('/') || private::holds_key(text) {
            return text.parse();
        }
        let found: Vec<_> = self.files.keys().filter(|principal| principal.name == text).collect();
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(Error::usage(format!("nobody in keys/ is called {text:?}")).hint(self.nearest(text))),
            more => {
                let names: Vec<_> = more.iter().map(ToString::to_string).collect();
                Err(Error::usage(format!("{text:?} may be {}", names.join(" or ")))
                    .hint("write the class too"))
            }
        }
    }

    fn nearest(&self, text: &str) -> String {
        let close = |principal: &&Principal| {
            principal.name.starts_with(text) || text.starts_with(principal.name.as_str())
        };
        match self.files.keys().find(close) {
            Some(principal) => format!("did you mean {principal}?"),
            None => "see who is there with: uvars key list".into(),
        }
    }
}

/// Whose key file a path is; nothing where it is none.
///
/// # Errors
///
/// It ends in `.pub` and is in no folder of a class, or its name is not one for that class.
fn principal(path: &RepoPath) -> Result<Option<Principal>> {
    let misplaced =
        |hint: String| Err(Error::new("is a key file outside of the folders of keys/").hint(hint).at(path));
    let Some(name) = path.file_name().strip_suffix(".pub").filter(|name| !name.starts_with('.')) else {
        return Ok(None);
    };
    let parts: Vec<_> = path.parts().collect();
    let [_, folder, _] = parts.as_slice() else {
        return misplaced("key files are keys/CLASS/NAME.pub, one folder deep".into());
    };
    let Some(class) = Class::ALL.into_iter().find(|class| class.as_str() == *folder) else {
        let near = Class::ALL
            .into_iter()
            .find(|class| class.as_str().starts_with(folder) || folder.starts_with(class.as_str()));
        return misplaced(match near {
            Some(class) => format!("did you mean keys/{class}/{name}.pub?"),
            None => "the folders are admins, recovery, users, hosts and robots".into(),
        });
    };
    Principal::new(class, name).map(Some).map_err(|error| error.at(path))
}

fn differs_in_case(principal: &Principal, other: &Principal) -> Error {
    Error::new(format!("the name differs from {other} in nothing but the case")).at(principal.path())
}

/// A recipient short enough for a sentence.
fn short(recipient: &Recipient) -> String {
    recipient.as_str().chars().take(16).chain("…".chars()).collect()
}
