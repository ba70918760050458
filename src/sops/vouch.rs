//! Opening a file that somebody is about to vouch for, and giving it the rule of a fleet's files.

use crate::Result;
use crate::secret::DataKey;
use crate::sops::encrypted::Encrypted;
use crate::sops::path::{KeyPath, Step};
use crate::sops::plain::Plain;
use crate::sops::rules::DEFAULT_SUFFIX;
use crate::sops::tree::Node;

/// More values than these are not named.
const MANY: usize = 1000;

/// A file as it is before somebody vouches for it.
#[derive(Debug)]
pub struct Vouched {
    /// The file, which will be written by the rule of a fleet.
    pub file: Encrypted,
    /// Its values.
    pub plain: Plain,
    /// The rule that it has now, if that is another one: its name and its text.
    pub rule: Option<(&'static str, String)>,
    /// The values that lie in it in clear, and would be encrypted by a fleet.
    pub clear: Vec<KeyPath>,
}

impl Encrypted {
    /// Opens a file whatever its rule is. The MAC is checked.
    ///
    /// A line that was planted decides over nothing that was written before: so a file that is whole by the rule
    /// of a fleet is read by that.
    ///
    /// Errors: as [`Self::decrypt`] has them of the file as it is.
    pub fn vouch(&self, key: &DataKey) -> Result<Vouched> {
        let file = self.with_fleet_rule();
        let rules = self.metadata().rules();
        if rules.must_be_of_fleet().is_ok() {
            return Ok(Vouched { file, plain: self.decrypt(key)?, rule: None, clear: Vec::new() });
        }
        let (field, text) = rules.selection().field();
        let rule = if rules.mac_only_encrypted() { ("mac_only_encrypted", "true") } else { (field, text) };
        let rule = Some((rule.0, rule.1.to_owned()));
        if let Ok(plain) = file.decrypt(key) {
            return Ok(Vouched { file, plain, rule, clear: Vec::new() });
        }
        let plain = self.decrypt(key)?;
        let clear = plain.in_clear();
        Ok(Vouched { file, plain, rule, clear })
    }
}

impl Plain {
    /// The values that were in clear and would not be by the rule of a fleet. Empty ones always are.
    fn in_clear(&self) -> Vec<KeyPath> {
        let is_clear = |&at: &usize| {
            let item = self.tree.item(at);
            let holds = match item.node {
                Node::Bool(_) | Node::Int(_) | Node::Float(_) | Node::Time(_) => true,
                Node::Str => !item.text.is_empty(),
                Node::Map | Node::List | Node::End | Node::Null | Node::Comment(_) => false,
            };
            holds && item.seal.is_empty()
        };
        let may_be = |path: &KeyPath| {
            path.steps().iter().any(|step| matches!(step, Step::Key(name) if name.ends_with(DEFAULT_SUFFIX)))
        };
        let clear = (0..self.tree.items.len()).filter(is_clear).take(MANY).map(|at| self.tree.path_of(at));
        clear.filter(|path| !may_be(path)).collect()
    }
}
