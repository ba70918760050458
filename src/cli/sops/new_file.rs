//! What a file that is encrypted for the first time is made with: the flags, and the creation rule for its name.

use super::call::Call;
use super::code::Code;
use super::fault::{Fault, Outcome};
use super::key_lists::FLAGS;
use super::log::{self, Level};
use crate::error::Error;
use crate::keys::{MasterKey, Recipient};
use crate::rules::CreationRule;
use crate::sops::{DEFAULT_SUFFIX, Encrypted, Format, KeyGroups, Plain, Rules, Selection};
use std::path::Path;

/// The fields of a rule that say which values are encrypted, and what a file of bytes thinks of each.
const SELECTIONS: [(&str, &str); 6] = [
    ("unencrypted_suffix", "an unencrypted suffix"),
    ("encrypted_suffix", "an encrypted suffix"),
    ("encrypted_regex", "an encrypted regex"),
    ("unencrypted_regex", "an unencrypted regex"),
    ("encrypted_comment_regex", "an encrypted comment regex"),
    ("unencrypted_comment_regex", ""),
];

/// Keys and rules of a new file.
pub(super) struct NewFile {
    groups: Vec<Vec<MasterKey>>,
    threshold: i64,
    rules: Rules,
}

/// The rule for a file.
pub(super) struct Rule {
    config: super::config::Config,
    at: usize,
}

impl Rule {
    /// The keys that it names, group by group.
    pub(super) fn key_groups(&self) -> Outcome<Vec<Vec<MasterKey>>> {
        Ok(self.get().map(CreationRule::key_groups).transpose()?.unwrap_or_default())
    }

    fn get(&self) -> Option<&CreationRule> {
        self.config.rules().and_then(|rules| rules.rules().get(self.at))
    }
}

impl Call<'_> {
    /// The creation rule for a file; none where there is no configuration, or one without rules.
    ///
    /// Errors: there are rules, and none is for the file; a regular expression that does not compile.
    pub(super) fn rule_of(&self, file: &Path) -> Outcome<Option<Rule>> {
        let Some(config) = self.read_config()? else { return Ok(None) };
        let Some(rules) = config.rules() else { return Ok(None) };
        let found = rules.match_path(&config.name_of(file)).map_err(|error| {
            Fault::of(Code::Failed, "can not compile regexp: ", &error.at(config.shown()))
        })?;
        let Some(found) = found else {
            return Err(Fault::failed("error loading config: no matching creation rules found"));
        };
        let at = rules.rules().iter().position(|rule| std::ptr::eq(rule, found)).unwrap_or_default();
        found
            .selections_agree()
            .map_err(|error| Fault::of(Code::Failed, "error loading config: ", &error))?;
        Ok(Some(Rule { config, at }))
    }

    /// Finds out what a new file is made with.
    pub(super) fn new_file(&self, file: &Path, input: Format) -> Outcome<NewFile> {
        let rule = self.rule_of(file)?;
        let rule = rule.as_ref().and_then(Rule::get);
        let rules = self.rules(rule, input)?;
        let groups = self.groups(rule)?;
        let threshold = match (self.threshold(), rule.and_then(|rule| rule.shamir_threshold)) {
            (0, Some(threshold)) => i64::from(threshold),
            (threshold, _) => threshold,
        };
        Ok(NewFile { groups, threshold, rules })
    }

    fn rules(&self, rule: Option<&CreationRule>, input: Format) -> Outcome<Rules> {
        let said = |field: &str| {
            let typed = self.text(&field.replace('_', "-"));
            let ruled = rule.and_then(|rule| rule.selection(field)).unwrap_or_default();
            if typed.is_empty() { ruled.to_owned() } else { typed.to_owned() }
        };
        let mut said: Vec<_> =
            SELECTIONS.into_iter().map(|(field, name)| (field, name, said(field))).collect();
        said.retain(|(_, _, text)| !text.is_empty());
        if input == Format::Binary {
            for (field, name, _) in &said {
                warn_of_rule(field, name);
            }
            return Ok(Rules::of_bytes());
        }
        let mac_only =
            self.root.is_on("mac-only-encrypted") || rule.is_some_and(CreationRule::mac_only_encrypted);
        let selection = match said.as_slice() {
            [] => Some(Selection::UnencryptedSuffix(DEFAULT_SUFFIX.to_owned())),
            [(field, _, text)] => Selection::of_field(field, text),
            _ => {
                return Err(Fault::new(
                    Code::Conflict,
                    "Error: cannot use more than one of encrypted_suffix, unencrypted_suffix, encrypted_regex, \
                     unencrypted_regex, encrypted_comment_regex, or unencrypted_comment_regex in the same file",
                ));
            }
        };
        Ok(Rules::new(selection.unwrap_or(Selection::All), mac_only)?)
    }

    /// The keys that the flags name, in one group; else those of the rule.
    fn groups(&self, rule: Option<&CreationRule>) -> Outcome<Vec<Vec<MasterKey>>> {
        self.encryption_context()?;
        let of_rule = rule.map(CreationRule::key_groups).transpose()?;
        // where flags name the keys those of the rule are not wrapped for, but a rule that is wrong is told of
        of_rule.iter().flatten().flatten().try_for_each(may_be_key)?;
        let groups = match (FLAGS.iter().all(|(flag, _)| self.text(flag).is_empty()), of_rule) {
            (false, _) => vec![self.keys("")?],
            (true, Some(groups)) => groups,
            (true, None) => {
                return Err(Fault::failed(
                    "config file not found, or has no creation rules, and no keys provided through command line \
                     options",
                ));
            }
        };
        groups.iter().flatten().try_for_each(may_be_key)?;
        Ok(groups)
    }
}

/// Checks that a recipient of age is one; keys of other types were checked when they were read.
fn may_be_key(key: &MasterKey) -> Outcome<()> {
    let MasterKey::Age { recipient } = key else { return Ok(()) };
    let words = "cannot encrypt for age a text that is no recipient: ";
    Recipient::parse(recipient).map(drop).map_err(|error| Fault::of(Code::Failed, words, &error))
}

fn warn_of_rule(field: &str, name: &str) {
    let why = match field {
        "unencrypted_comment_regex" => return,
        "encrypted_comment_regex" => "never produces comments",
        _ => "produces one key that should always be encrypted",
    };
    let text = format!(
        "Using {name} does not make sense with the input store (the binary store {why}) and will be ignored."
    );
    log::line(Level::Warning, &text, &[]);
}

impl NewFile {
    /// Encrypts documents under a new data key.
    pub(super) fn seal(&self, call: &Call<'_>, plain: &Plain, output: Format) -> Outcome<Encrypted> {
        let groups = checked(self.groups.clone(), self.threshold)?;
        let now = call.context.now();
        Encrypted::create_for(plain, &groups, &self.rules, now, output, &call.services()?)
            .map_err(|error| Fault::of(code_of(&error), "", &error))
    }
}

/// Key groups, none of them empty, with a threshold that they can meet.
pub(super) fn checked(groups: Vec<Vec<MasterKey>>, threshold: i64) -> Outcome<KeyGroups> {
    if groups.iter().any(Vec::is_empty) {
        return Err(Fault::failed("Could not generate data key: [empty key group provided]"));
    }
    KeyGroups::new(groups, threshold)
        .map_err(|error| Fault::failed(format!("Could not generate data key: [{error}]")))
}

/// A key that cannot be wrapped for is told apart from a value that cannot be encrypted: that has a place.
fn code_of(error: &Error) -> Code {
    if error.message().contains("is kept for the metadata") {
        // sops finds the name in a later document only when it writes
        return Code::Dump;
    }
    if error.has_key() { Code::EncryptTree } else { Code::Failed }
}
