//! The registry: every key file of `keys/`, and whose key a recipient is.

use super::key_file::KeyFile;
use super::ledger::LEDGER_PATH;
use super::principal::{Class, Principal, quoted};
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
                .hint(private::TAKE_OUT)
                .at(path));
        }
        if !path.file_name().starts_with('.') {
            self.warnings.push(format!("{}: not a key file, passed over", path.as_str()));
        }
        Ok(())
    }

    /// Notes keys that two principals have, and keys with something to tell about.
    fn warn(&mut self) {
        let mut warnings = self.shared_by_others(|_| true);
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

    /// Of the keys that are chosen, those that more than one person, host or program has: a sentence each.
    pub fn shared_by_others(&self, chosen: impl Fn(&Recipient) -> bool) -> Vec<String> {
        let others = self.shared().into_iter().filter(|(_, holders)| !is_one_person(holders));
        let sentence = |(recipient, holders): (&Recipient, &[Principal])| {
            let names: Vec<_> = holders.iter().map(ToString::to_string).collect();
            format!("{} have the same key {}", names.join(" and "), short(recipient))
        };
        others.filter(|(recipient, _)| chosen(recipient)).map(sentence).collect()
    }

    /// The principal that is meant by `CLASS/NAME`, or by a bare NAME where one class has it.
    ///
    /// # Errors
    ///
    /// Nobody or more than one has the bare name; the hint lists who. A name with a class need not be there.
    pub fn resolve(&self, text: &str) -> Result<Principal> {
        if text.contains('/') || private::refuse(text).is_some() {
            return text.parse();
        }
        let found: Vec<_> = self.files.keys().filter(|principal| principal.name == text).collect();
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => {
                Err(Error::usage(format!("nobody in keys/ is called {}", quoted(text)))
                    .hint(self.nearest(text)))
            }
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
    if path.parent().is_some_and(|folder| folder.parts().any(|part| part.strip_suffix(".pub").is_some())) {
        return Err(Error::new("lies in a folder that is named as a key file is")
            .hint("a key file is a file: keys/CLASS/NAME.pub, with a key a line")
            .at(path));
    }
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

/// Whether this is one person who is an admin and a user.
fn is_one_person(principals: &[Principal]) -> bool {
    principals.iter().all(|principal| matches!(principal.class, Class::Admins | Class::Users))
        && principals.windows(2).all(|pair| matches!(pair, [a, b] if a.name == b.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    const B: &str = "age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun";
    const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBI1+Q+ntzANebtnicCiAY29uqLGWOaOGLEa8bUqOVmS";
    const SSH_AS_AGE: &str = "age1a8pk4akrdamj7nvqy3zywgtny8dxz7t5xzu7u8v9mhrayp9freqsqatyrs";

    fn registry(files: &[(&str, &str)]) -> Result<Registry> {
        Registry::of_files(
            files.iter().map(|(path, text)| Ok((RepoPath::new(path)?, text.as_bytes().to_vec()))),
        )
    }

    #[test]
    fn everybody_is_found_by_class_and_by_key() {
        let registry = registry(&[
            ("keys/admins/raquel.pub", A),
            ("keys/hosts/cinnabar.pub", SSH),
            ("keys/ledger.yaml", "keys: []"),
            ("keys/users/jon.pub", B),
            ("keys/users/raquel.pub", &format!("# work\n{A}\n{SSH_AS_AGE}\n")),
        ])
        .unwrap();
        let names = |class| registry.class(class).map(|file| file.principal.to_string()).collect::<Vec<_>>();
        assert_eq!(names(Class::Users), ["users/jon", "users/raquel"]);
        assert_eq!(names(Class::Recovery), Vec::<String>::new());
        assert_eq!(registry.iter().count(), 4);
        let holders = |text: &str| {
            let holders = registry.holders(&Recipient::parse(text).unwrap());
            holders.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(holders(A), "admins/raquel users/raquel");
        assert_eq!(holders(SSH), "hosts/cinnabar users/raquel");
        assert_eq!(holders(SSH_AS_AGE), holders(SSH));
        let jon = registry.get(&"users/jon".parse().unwrap()).unwrap();
        assert_eq!(jon.recipients().map(ToString::to_string).collect::<Vec<_>>(), [B]);
        assert_eq!(
            registry.warnings(),
            ["hosts/cinnabar and users/raquel have the same key ssh-ed25519 AAAA…"],
            "that raquel is an admin and a user is as it should be"
        );
    }

    #[test]
    fn a_bare_name_is_resolved_where_one_class_has_it() {
        let registry =
            registry(&[("keys/hosts/jon.pub", A), ("keys/users/jon.pub", A), ("keys/users/pia.pub", B)])
                .unwrap();
        assert_eq!(registry.resolve("pia").unwrap().to_string(), "users/pia");
        assert_eq!(registry.resolve("robots/ci").unwrap().to_string(), "robots/ci");
        let error = registry.resolve("jon").unwrap_err();
        assert_eq!(error.to_string(), "\"jon\" may be users/jon or hosts/jon");
        let error = registry.resolve("pi").unwrap_err();
        assert_eq!(error.hints(), ["did you mean users/pia?"]);
        assert!(registry.resolve("zoe").is_err());
        let secret = format!("AGE-SECRET-KEY-1{}", "Q".repeat(58));
        assert!(!format!("{:?}", registry.resolve(&secret)).contains("QQQ"));
    }

    #[test]
    fn what_is_out_of_place_is_named() {
        let secret = format!("AGE-SECRET-KEY-1{}\n", "Q".repeat(58));
        for (path, text, message, hint) in [
            ("keys/jon.pub", A, "keys/jon.pub: is a key file outside", "one folder deep"),
            (
                "keys/user/jon.pub",
                A,
                "keys/user/jon.pub: is a key file outside",
                "did you mean keys/users/jon.pub?",
            ),
            ("keys/people/jon.pub", A, "keys/people/jon.pub: is a key file outside", "the folders are"),
            ("keys/users/a/jon.pub", A, "keys/users/a/jon.pub: is a key file outside", "one folder deep"),
            ("keys/users/Jon.pub", A, "keys/users/Jon.pub: \"Jon\" is not a name for users", ""),
            ("keys/users/jon.pub", "# none", "keys/users/jon.pub: holds no key", "uvars key add users/jon"),
            ("keys/users/jon", secret.as_str(), "keys/users/jon: holds a private key", "take it out"),
            (
                "keys/users/.key.swp",
                secret.as_str(),
                "keys/users/.key.swp: holds a private key",
                "take it out",
            ),
            (
                "keys/users/jon.pub",
                secret.as_str(),
                "keys/users/jon.pub:1:1: this is an age identity",
                "age-keygen -y",
            ),
        ] {
            let error = registry(&[(path, text)]).unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
            assert!(error.hints().join("\n").contains(hint), "{error:?}");
            assert!(!format!("{error:?}").contains("QQQ"));
        }
        let files = [("keys/hosts/Cinnabar.pub", A), ("keys/hosts/cinnabar.pub", B)];
        let error = registry(&files).unwrap_err();
        assert!(error.to_string().contains("differs from hosts/Cinnabar in nothing but the case"), "{error}");
        let passed = registry(&[("keys/README.md", "All about keys"), ("keys/users/.gitkeep", "")]).unwrap();
        assert_eq!(passed.warnings(), ["keys/README.md: not a key file, passed over"]);
    }

    #[test]
    fn a_folder_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let root = || Root::open(dir.path()).unwrap();
        assert_eq!(Registry::read(&root()).unwrap().iter().count(), 0);
        std::fs::create_dir_all(dir.path().join("keys/users")).unwrap();
        std::fs::write(dir.path().join("keys/users/jon.pub"), format!("{A}\n")).unwrap();
        assert_eq!(Registry::read(&root()).unwrap().iter().count(), 1);
    }
}
