//! The two files that carry a password: the account file for the hosts, and the handover file for its owner.
//!
//! An account file is ours whole: making it anew needs nobody's private key. A handover file carries the same
//! random word, so that it can be told whether the two belong together after a merge that took one of each.

use crate::error::{Error, Result};
use crate::fleet::{FileKind, Format, HostName, UserName};
use crate::fs::RepoPath;
use crate::keys::{Recipient, Wrap};
use crate::secret::Secret;
use crate::sops::{self, BINDING_KEY, Encrypted, KeyPath, Map, Plain, Rules, Stores, Value};
use crate::yaml::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The names of an account file.
pub mod field {
    /// The login.
    pub const USER: &str = "user";
    /// The host, where the password is for one host.
    pub const HOST: &str = "host";
    /// The crypt(3) hash.
    pub const HASH: &str = "password_hash";
    /// The password itself.
    pub const PASSWORD: &str = "password";
    /// When it was made, RFC 3339.
    pub const CHANGED: &str = "changed";
    /// A random word, in clear, that the handover file carries too.
    pub const PAIR: &str = "pair_unencrypted";
}

/// What an account file may hold.
const OURS: [&str; 7] =
    [field::USER, field::HOST, field::HASH, field::PASSWORD, field::CHANGED, field::PAIR, BINDING_KEY];

/// A file to be written: whose password, in which form, from when.
#[derive(Debug)]
pub(super) struct Content<'a> {
    /// The login.
    pub(super) user: &'a UserName,
    /// The host, where the password is for one host.
    pub(super) host: Option<&'a HostName>,
    /// What stands in it.
    pub(super) password: Form,
    /// The word that pairs it with its counterpart.
    pub(super) pair: &'a Secret,
    /// Now.
    pub(super) now: SystemTime,
    /// How the file is laid out.
    pub(super) stores: Stores,
}

/// A password as it is stored.
#[derive(Debug)]
pub(super) enum Form {
    /// As a crypt(3) hash.
    Hash(String),
    /// As it is.
    Plain(Secret),
}

impl Content<'_> {
    /// The file's bytes, under a new data key, for these readers.
    pub(super) fn seal(&self, path: &RepoPath, readers: &[Recipient], wrap: &dyn Wrap) -> Result<Vec<u8>> {
        if readers.is_empty() {
            return Err(Error::new("would have no reader").at(path));
        }
        let mut map = Map::new().with(field::USER, self.user.as_str());
        if let Some(host) = self.host {
            map.set(field::HOST, host.as_str());
        }
        match &self.password {
            Form::Hash(hash) => map.set(field::HASH, hash.as_str()),
            Form::Plain(password) => map.set(field::PASSWORD, password.clone()),
        }
        map.set(field::CHANGED, Value::Time(moment(self.now)));
        map.set(field::PAIR, self.pair.clone());
        let mut plain = Plain::new(map).laid_out(self.stores);
        plain.bind(path)?;
        Encrypted::create(&plain, readers, &Rules::default(), self.now, sops::Format::Yaml, wrap)
            .and_then(|file| file.emit())
            .map_err(|error| error.at(path))
    }
}

fn moment(now: SystemTime) -> Timestamp {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_unix(i64::try_from(seconds).unwrap_or_default())
}

/// What can be seen of an account file without a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Present {
    /// The form of the password in it; nothing if it has none.
    pub(super) form: Option<Format>,
    readers: Vec<String>,
    /// The names in it that are not ours.
    foreign: Vec<String>,
    /// Keys of other types that open it.
    others: Vec<String>,
    documents: usize,
}

impl Present {
    /// Looks at a file.
    pub(super) fn read(path: &RepoPath, bytes: &[u8]) -> Result<Self> {
        let file = Encrypted::parse(bytes, sops::Format::Yaml).map_err(|error| {
            error.at(path).hint(format!("mend it or remove it, then run uvars generate: {path}"))
        })?;
        let keys = file.keys();
        let has = |name: &str| keys.iter().any(|key| key == name);
        let form = if has(field::HASH) {
            Some(Format::Hash)
        } else if has(field::PASSWORD) {
            Some(Format::Plaintext)
        } else {
            None
        };
        Ok(Self {
            form,
            readers: file.metadata().recipients().into_iter().map(str::to_owned).collect(),
            foreign: keys.iter().filter(|key| !OURS.contains(&key.as_str())).cloned().collect(),
            others: file.metadata().others(),
            documents: file.documents(),
        })
    }

    /// Who can read it, as the file writes them.
    pub(super) fn readers(&self) -> &[String] {
        &self.readers
    }

    /// Refuses a file that writing anew would take something from.
    pub(super) fn check_replaceable(&self, path: &RepoPath) -> Result<()> {
        if self.documents > 1 {
            return Err(Error::new("holds several documents, and all but the first would be lost")
                .at(path)
                .hint("move them to another file, or remove this one"));
        }
        if let Some(name) = self.foreign.first() {
            let key = KeyPath::of_keys([name.as_str()]);
            let short = FileKind::of(path.as_str()).map(|kind| kind.to_string());
            let unset = key.line("unset", short.as_deref().unwrap_or(path.as_str()));
            return Err(Error::new("is no part of an account, and would be lost")
                .at(path)
                .key(name)
                .hint(format!("move it to another file, then: {unset}")));
        }
        if !self.others.is_empty() {
            let message = format!(
                "has readers that uvars cannot encrypt for, and they would be lost: {}",
                self.others.join(", ")
            );
            return Err(Error::new(message).at(path).hint(format!("take them out: uvars sync {path}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Programs;

    fn path() -> RepoPath {
        RepoPath::new("secrets/accounts/jon.sops.yaml").unwrap()
    }

    fn sealed(form: Form, host: Option<&HostName>) -> (Vec<u8>, String) {
        let reader = crate::keys::generate("2026-01-01T00:00:00Z").unwrap().recipient;
        let content = Content {
            user: &UserName::new("jon").unwrap(),
            host,
            password: form,
            pair: &Secret::from("pair"),
            now: UNIX_EPOCH,
            stores: Stores::default(),
        };
        (
            content.seal(&path(), std::slice::from_ref(&reader), &Programs::default()).unwrap(),
            reader.to_string(),
        )
    }

    /// The same file with another entry of metadata, as a sops with other keys would write it.
    fn with_metadata(bytes: &[u8], entry: &str) -> Vec<u8> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.replacen("sops:\n", &format!("sops:\n{entry}"), 1).into_bytes()
    }

    #[test]
    fn what_is_seen_without_a_key() {
        let host = HostName::new("cinnabar").unwrap();
        let (bytes, reader) = sealed(Form::Hash("$y$j75$x".to_owned()), Some(&host));
        let present = Present::read(&path(), &bytes).unwrap();
        assert_eq!(present.form, Some(Format::Hash));
        assert_eq!(present.readers(), [reader]);
        present.check_replaceable(&path()).unwrap();
        let (bytes, _) = sealed(Form::Plain(Secret::from("open sesame")), None);
        assert_eq!(Present::read(&path(), &bytes).unwrap().form, Some(Format::Plaintext));
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("sesame") && text.contains("pair_unencrypted: pair"), "{text}");
    }

    #[test]
    fn readers_of_other_types_are_not_thrown_out() {
        let (bytes, _) = sealed(Form::Hash("x".to_owned()), None);
        let entry = "    kms:\n        - arn: arn:aws:kms:us-east-1:1:key/1\n          created_at: \"2026-01-01T00:00:00Z\"\n          enc: AAAA\n";
        let present = Present::read(&path(), &with_metadata(&bytes, entry)).unwrap();
        let error = present.check_replaceable(&path()).unwrap_err();
        assert!(error.to_string().contains("arn:aws:kms"), "{error}");
    }

    #[test]
    fn a_name_of_anybody_is_a_word_in_the_hint() {
        let (bytes, _) = sealed(Form::Hash("x".to_owned()), None);
        let text = String::from_utf8(bytes).unwrap();
        for (name, typed) in [
            ("more", "uvars unset accounts/jon more"),
            ("'$(evil)'", "uvars unset accounts/jon '$(evil)'"),
            ("--yes", "uvars unset accounts/jon -- --yes"),
            (r#""a\u202e""#, "uvars edit accounts/jon"),
        ] {
            let text = format!("{name}: x\n{text}");
            let present = Present::read(&path(), text.as_bytes()).unwrap();
            let error = present.check_replaceable(&path()).unwrap_err();
            assert_eq!(error.hints(), [format!("move it to another file, then: {typed}")]);
        }
    }

    #[test]
    fn a_file_without_readers_is_never_made() {
        let content = Content {
            user: &UserName::new("jon").unwrap(),
            host: None,
            password: Form::Hash("x".to_owned()),
            pair: &Secret::from("pair"),
            now: UNIX_EPOCH,
            stores: Stores::default(),
        };
        assert_eq!(
            content.seal(&path(), &[], &Programs::default()).unwrap_err().message(),
            "would have no reader"
        );
    }

    #[test]
    fn what_is_no_sops_file_is_named_and_left() {
        for bytes in [b"".as_slice(), b"user: jon\n", b"\xff", b"{", b"[a]"] {
            let error = Present::read(&path(), bytes).unwrap_err();
            assert!(error.to_string().starts_with("secrets/accounts/jon.sops.yaml"), "{error}");
            assert!(error.hints().iter().any(|hint| hint.contains("mend it")), "{:?}", error.hints());
        }
    }
}
