//! Documents as they lie in the repository.

use crate::fs::RepoPath;
use crate::keys::{Naming, Recipient, Unwrap, Wrap};
use crate::secret::{DataKey, Secret};
use crate::sops::cipher::Cipher;
use crate::sops::decrypt::decrypt;
use crate::sops::encrypt::encrypt;
use crate::sops::fault::Fault;
use crate::sops::format::{Format, Stores};
use crate::sops::groups;
use crate::sops::key_groups::KeyGroups;
use crate::sops::metadata::{Metadata, SOPS_VERSION};
use crate::sops::plain::{Origin, Plain};
use crate::sops::pool::Pool;
use crate::sops::rules::Rules;
use crate::sops::tree::{Node, Tree};
use crate::sops::value::Map;
use crate::yaml::Timestamp;
use crate::{Error, Result};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// An encrypted file.
///
/// Every change makes a new one; what was not changed keeps its bytes.
#[derive(Clone)]
pub struct Encrypted {
    tree: Arc<Tree>,
    pub(super) metadata: Metadata,
    format: Format,
    stores: Stores,
    /// It was read as of its format, and could not be printed in that: JSON by a name that means bytes. So it stays.
    is_misnamed: bool,
}

/// What to do about the MAC.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mac {
    /// It must be there and right.
    #[default]
    Check,
    /// It is not looked at: for a person who mends a damaged file.
    Ignore,
}

impl Encrypted {
    /// Reads an encrypted file. Errors: what the format refuses; no metadata, or metadata that cannot be meant.
    pub fn parse(source: &[u8], format: Format) -> Result<Self> {
        Self::of(format.store().read_sealed(source)?, format)
    }

    /// The same, without a copy of the source. It is wiped if it is not an encrypted file.
    pub fn take(source: Secret, format: Format) -> Result<Self> {
        Self::of(format.store().take_sealed(&mut source.into_inner())?, format)
    }

    fn of((tree, metadata): (Tree, Map), format: Format) -> Result<Self> {
        let metadata = Metadata::read(metadata)?;
        let is_misnamed = format.store().check_sealed(&tree).is_err();
        Ok(Self { tree: Arc::new(tree), metadata, format, stores: Stores::default(), is_misnamed })
    }

    /// Lets the file, and all that is made of it, be laid out as somebody's settings say.
    #[must_use]
    pub fn laid_out(mut self, stores: Stores) -> Self {
        self.stores = stores;
        self
    }

    /// Encrypts documents under a new data key, for these recipients. They say how the file is laid out.
    ///
    /// Errors: no recipient, or one that cannot be wrapped for; what cannot be encrypted, or what the format cannot hold, by its key path.
    pub fn create(
        plain: &Plain,
        recipients: &[Recipient],
        rules: &Rules,
        now: SystemTime,
        format: Format,
        wrap: &dyn Wrap,
    ) -> Result<Self> {
        Self::unmade(plain, rules, now, format)?.replace(plain, recipients, now, wrap)
    }

    /// The same for keys of any type, in one group or several.
    ///
    /// Errors: as [`Self::create`].
    pub fn create_for(
        plain: &Plain,
        wanted: &KeyGroups,
        rules: &Rules,
        now: SystemTime,
        format: Format,
        wrap: &dyn Wrap,
    ) -> Result<Self> {
        Self::unmade(plain, rules, now, format)?.replace_for(plain, wanted, now, wrap)
    }

    /// A file without values and keys, for these documents.
    fn unmade(plain: &Plain, rules: &Rules, now: SystemTime, format: Format) -> Result<Self> {
        if format.is_narrow() {
            // what could not be printed when it is decrypted is not to be encrypted
            format.store().write_plain(&plain.tree, plain.stores)?;
        }
        let metadata = Metadata {
            groups: Vec::new(),
            threshold: 0,
            lastmodified: moment(now),
            mac: String::new(),
            rules: if format == Format::Binary { Rules::of_bytes() } else { rules.clone() },
            version: SOPS_VERSION.to_owned(),
            unknown: Map::new(),
        };
        let tree = Arc::new(Tree::default());
        Ok(Self { tree, metadata, format, stores: plain.stores, is_misnamed: false })
    }

    /// What the file says about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Its format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The names of the first document. They are never secret.
    pub fn keys(&self) -> Vec<String> {
        let values = self.tree.children(0).filter(|&at| !self.tree.item(at).node.is_comment());
        values.map(|at| String::from_utf8_lossy(self.tree.key(at)).into_owned()).collect()
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(super) fn whole_tree(&self) -> &Arc<Tree> {
        &self.tree
    }

    pub(super) fn take_tree(&mut self) -> Arc<Tree> {
        std::mem::take(&mut self.tree)
    }

    pub(super) fn stores(&self) -> Stores {
        self.stores
    }

    pub(super) fn set_format(&mut self, format: Format) {
        self.is_misnamed &= self.format == format;
        self.format = format;
    }

    pub(super) fn set_version(&mut self, version: &str) {
        version.clone_into(&mut self.metadata.version);
    }

    /// How many documents there are.
    pub fn documents(&self) -> usize {
        self.tree.documents().len()
    }

    /// The file's bytes.
    pub fn emit(&self) -> Result<Vec<u8>> {
        self.check()?;
        let metadata = self.metadata.to_map();
        let bytes = self.format.store().write_sealed(&self.tree, &metadata, self.stores);
        bytes.map(|mut bytes| std::mem::take(&mut *bytes))
    }

    /// The same for who needs the file no more.
    pub fn into_bytes(self) -> Result<Vec<u8>> {
        self.check()?;
        let metadata = self.metadata.to_map();
        let store = self.format.store();
        let bytes = match Arc::try_unwrap(self.tree) {
            Ok(tree) => store.turn_sealed(tree, &metadata, self.stores),
            Err(tree) => store.write_sealed(&tree, &metadata, self.stores),
        };
        bytes.map(|mut bytes| std::mem::take(&mut *bytes))
    }

    fn check(&self) -> Result<()> {
        if self.is_misnamed { Ok(()) } else { self.format.store().check_sealed(&self.tree) }
    }

    /// Opens the data key with the identities at hand. Errors: kind `NoKey` if none fits.
    pub fn unlock(&self, keys: &dyn Unwrap) -> Result<DataKey> {
        self.unlock_named(keys, &|_| None)
    }

    /// The same; `name` gives the readers in the error their names: `age1…` is `users/jon`.
    pub fn unlock_named(&self, keys: &dyn Unwrap, name: Naming<'_>) -> Result<DataKey> {
        groups::unlock(&self.metadata, keys, name)
    }

    /// Decrypts everything and checks the MAC. Errors name the key path of a value that was changed or moved; a
    /// MAC that is missing, not to be opened, or of other values.
    pub fn decrypt(&self, key: &DataKey) -> Result<Plain> {
        self.decrypt_with(key, Mac::Check)
    }

    /// Decrypts everything; the MAC is checked or not.
    pub fn decrypt_with(&self, key: &DataKey, mac: Mac) -> Result<Plain> {
        let mut cipher = Cipher::new(key);
        let opened = decrypt(Tree::clone(&self.tree), &mut cipher, &self.metadata.rules)?;
        if mac == Mac::Check {
            self.check_mac(&mut cipher, &opened.mac)?;
        }
        let origin = Origin { sealed: Arc::clone(&self.tree), key: key.clone() };
        let clear_comments = opened.clear_comments;
        Ok(Plain { tree: opened.tree, origin: Some(origin), clear_comments, stores: self.stores })
    }

    /// Takes changed documents over, under the same data key: values that were not changed keep their
    /// ciphertext, readers stay.
    ///
    /// Errors: another data key than the file's; what cannot be encrypted, by its key path.
    pub fn update(&self, plain: &Plain, key: &DataKey, now: SystemTime) -> Result<Self> {
        let mut cipher = Cipher::new(key);
        self.stored_mac(&mut cipher)?;
        self.seal(plain, &mut cipher, key, now)
    }

    /// Wraps the data key for recipients that the file does not have yet. Everything else, the MAC and the time
    /// too, stays as it is, byte for byte.
    ///
    /// Errors: a reader of the file that is not among the recipients (taking one away needs [`Self::rotate`]);
    /// several key groups; a recipient that cannot be wrapped for.
    pub fn rewrap(&self, key: &DataKey, recipients: &[Recipient], wrap: &dyn Wrap) -> Result<Self> {
        let names: Vec<String> = recipients.iter().map(ToString::to_string).collect();
        let lost =
            self.metadata.recipients().into_iter().find(|reader| !names.iter().any(|name| name == reader));
        if let Some(lost) = lost {
            return Err(Error::new(format!("taking {lost} away needs a new data key")));
        }
        self.stored_mac(&mut Cipher::new(key))?;
        let mut changed = self.clone();
        let [group] = changed.metadata.groups.as_mut_slice() else { return Err(self.several_groups()) };
        groups::add(group, key.expose(), recipients, wrap)?;
        Ok(changed)
    }

    /// The same values under a new data key, for these recipients and nobody else. The MAC is checked first.
    ///
    /// Errors: as [`Self::decrypt`] and [`Self::replace`].
    pub fn rotate(
        &self,
        key: &DataKey,
        recipients: &[Recipient],
        now: SystemTime,
        wrap: &dyn Wrap,
    ) -> Result<Self> {
        self.replace(&self.decrypt(key)?, recipients, now, wrap)
    }

    /// Other values under a new data key, for these recipients and nobody else; the rules stay. Needs no key of
    /// the file.
    ///
    /// Errors: keys of other types than age, whose holders would be locked out; several key groups; no recipient, or
    /// one that cannot be wrapped for; what cannot be encrypted, by its key path.
    pub fn replace(
        &self,
        plain: &Plain,
        recipients: &[Recipient],
        now: SystemTime,
        wrap: &dyn Wrap,
    ) -> Result<Self> {
        self.check_others()?;
        if self.metadata.groups.len() > 1 {
            return Err(self.several_groups());
        }
        let key = groups::new_key()?;
        let group = groups::of_recipients(key.expose(), recipients, wrap)?;
        let mut changed = self.seal(plain, &mut Cipher::new(&key), &key, now)?;
        changed.metadata.groups = vec![group];
        changed.metadata.unknown.remove("key_groups");
        Ok(changed)
    }

    /// The same values under a new data key, for the same keys of whatever type in the same key groups. The MAC is
    /// checked first.
    ///
    /// Errors: as [`Self::decrypt`]; a key that cannot be wrapped for.
    pub fn renew(&self, key: &DataKey, now: SystemTime, wrap: &dyn Wrap) -> Result<Self> {
        let plain = self.decrypt(key)?;
        let key = groups::new_key()?;
        let (groups, threshold) =
            groups::share_out(&key, &self.metadata.groups, self.metadata.threshold, wrap, moment(now))?;
        let mut changed = self.seal(&plain, &mut Cipher::new(&key), &key, now)?;
        changed.metadata.groups = groups;
        changed.metadata.threshold = threshold;
        changed.metadata.unknown.remove("key_groups");
        Ok(changed)
    }

    /// Checks rule, MAC and binding: that the file was written for this place, as a fleet writes it.
    ///
    /// Errors: as [`Self::check_rule`], [`Self::decrypt`] and [`Plain::check_binding`].
    pub fn check_binding(&self, key: &DataKey, path: &RepoPath) -> Result<()> {
        self.check_rule(path)?;
        self.decrypt(key)?.check_binding(path)
    }

    /// The same file with no key at all, for new ones.
    pub(super) fn without_keys(&self) -> Self {
        let mut bare = self.clone();
        bare.metadata.drop_keys();
        bare
    }

    /// The same file with the rule of a fleet's files. Nothing is encrypted by that yet.
    pub(super) fn with_fleet_rule(&self) -> Self {
        let mut ruled = self.clone();
        ruled.metadata.rules = Rules::default();
        ruled
    }

    pub(super) fn seal(
        &self,
        plain: &Plain,
        cipher: &mut Cipher,
        key: &DataKey,
        now: SystemTime,
    ) -> Result<Self> {
        let store = self.format.store();
        let kept =
            plain.origin.as_ref().filter(|origin| origin.key == *key).map(|origin| &origin.sealed.pool);
        let rules = &self.metadata.rules;
        if plain.binding().is_some() {
            // whoever writes for a place in a fleet writes by the fleet's rule: no caller can forget it
            rules.must_be_of_fleet()?;
        }
        let (tree, mac) = encrypt(&plain.tree, kept, cipher, rules, (store, self.stores))?;
        let mut metadata = self.metadata.clone();
        metadata.lastmodified = moment(now);
        let mut pool = Pool::open(512);
        let sealed = cipher.seal(Node::Str, mac.as_bytes(), metadata.mac_aad().as_bytes(), &mut pool)?;
        pool.str(sealed).unwrap_or_default().clone_into(&mut metadata.mac);
        let (format, stores, is_misnamed) = (self.format, self.stores, self.is_misnamed);
        Ok(Self { tree: Arc::new(tree), metadata, format, stores, is_misnamed })
    }

    pub(super) fn check_mac(&self, cipher: &mut Cipher, computed: &str) -> Result<()> {
        if self.stored_mac(cipher)?.as_slice() == computed.as_bytes() {
            return Ok(());
        }
        Err(Error::new(
            "the MAC does not fit the values: the file was changed by hand, or merged from two versions",
        )
        .hint("see what changed with git, or print it anyway: uvars decrypt --ignore-mac FILE"))
    }

    /// The MAC that the file states. Also tells whether a data key is the file's.
    pub(super) fn stored_mac(&self, cipher: &mut Cipher) -> Result<Vec<u8>> {
        if self.metadata.mac.is_empty() {
            return Err(Error::new("the file has no MAC").key("sops.mac"));
        }
        let mut mac = self.metadata.mac.clone().into_bytes();
        let len = cipher
            .open(&mut mac, self.metadata.mac_aad().as_bytes())
            .and_then(|(node, len)| if node == Node::Str { Ok(len) } else { Err(Fault::Type) })
            .map_err(|fault| Error::new(format!("the MAC cannot be opened: {fault}")).key("sops.mac"))?;
        mac.truncate(len);
        Ok(mac)
    }

    /// Refuses a new data key where it would lock somebody out.
    fn check_others(&self) -> Result<()> {
        let others = self.metadata.others();
        if others.is_empty() {
            return Ok(());
        }
        Err(Error::new(format!(
            "a new data key cannot be wrapped here for {}, and would lock out whoever holds it",
            others.join(", ")
        )))
    }

    fn several_groups(&self) -> Error {
        Error::new(format!(
            "the data key is shared out among {} key groups, whose readers cannot be given as one list",
            self.metadata.groups.len()
        ))
    }
}

/// What a clock says, in UTC and whole seconds; a clock before 1970 says 1970.
pub(super) fn moment(now: SystemTime) -> Timestamp {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

impl std::fmt::Debug for Encrypted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Encrypted").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}
