//! A file that is to be encrypted for the first time: who reads it, and which of its values are encrypted.
//!
//! Files of the fleet get the readers that the registry says and are bound to their places. Any other file gets
//! what the nearest `.sops.yaml` says of its path, as under sops.

use super::changes::RULES;
use super::context::Context;
use super::document::Document;
use super::layout::nearest_config;
use super::ui::Ui;
use crate::custody::{self, Saved};
use crate::error::{Error, Result};
use crate::fleet::{FileKind, Fleet, Wrapping};
use crate::keys::{self, MasterKey, Wrap};
use crate::rules::{CreationRule, SopsConfig, relative_path};
use crate::sops::{BINDING_KEY, KeyGroups, Plain, Rules};
use std::path::Path;

/// What a new file is made with.
pub(super) struct Creation {
    readers: KeyGroups,
    rules: Rules,
    left_out: Vec<String>,
    /// Where it is a file of a fleet.
    fleet: Option<Fleet>,
}

impl Creation {
    /// Finds out about a file that need not be there yet.
    ///
    /// Errors: nobody could read it; no rule is for it; it is made by `uvars generate` alone; its name is a private key.
    pub(super) fn of(document: &Document) -> Result<Self> {
        keys::refuse_in_name(document.shown(), "the name of the file")?;
        match (document.in_fleet(), document.bound_path()) {
            (Some((root, _)), Some(path)) => {
                if let Some(user) = FileKind::of(path.as_str()).as_ref().and_then(generated_for) {
                    return Err(Error::new("is made by uvars generate alone")
                        .at(path)
                        .hint(format!("uvars generate {user}")));
                }
                let fleet = Fleet::load(root)?;
                let readers = fleet.must_have_readers(path)?;
                let left_out = readers.left_out.iter().map(ToString::to_string).collect();
                let keys = readers.recipients().into_iter().map(|key| MasterKey::age(key.as_str()));
                let readers = KeyGroups::one(keys.collect()).map_err(|error| error.at(path))?;
                Ok(Self { readers, rules: Rules::default(), left_out, fleet: Some(fleet) })
            }
            _ => by_rule(&document.absolute()?).map_err(|error| error.at(document.shown())),
        }
    }

    /// Says who should read it and cannot yet.
    pub(super) fn warn(&self, ui: &mut Ui, document: &Document) {
        for who in &self.left_out {
            ui.warn(format!("{} leaves out {who}", document.shown()));
        }
    }

    /// Encrypts under a new data key. The values of a file of the fleet get its binding with them.
    pub(super) fn seal(&self, context: &Context, document: &Document, mut plain: Plain) -> Result<Saved> {
        if let Some(path) = document.bound_path() {
            if plain.binding().is_some_and(|binding| binding != path.as_str()) {
                return Err(Error::new("says that the values belong elsewhere")
                    .at(document.shown())
                    .key(BINDING_KEY)
                    .hint("take that line out: uvars writes it itself"));
            }
            plain.bind(path)?;
        }
        let plain = plain.laid_out(document.stores()?);
        let services = context.key_services()?;
        let wrapping = self.fleet.as_ref().map(|fleet| Wrapping::new(fleet, &services));
        let wrap: &dyn Wrap = wrapping.as_ref().map_or(&services, |wrapping| wrapping);
        custody::create(&plain, &self.readers, &self.rules, context.now(), document.format(), wrap)
            .map_err(|error| error.at(document.shown()))
    }
}

/// The user whose file is `generate`'s, whole.
fn generated_for(kind: &FileKind) -> Option<String> {
    match kind {
        FileKind::Account(user, _) | FileKind::Handover(user, _) => Some(user.to_string()),
        _ => None,
    }
}

fn by_rule(file: &Path) -> Result<Creation> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    let (config, bytes) = nearest_config(folder)?.ok_or_else(|| {
        Error::new(format!("no {RULES} beside it or above says who may read it"))
            .hint("encrypt it as a file of the fleet: --out hosts/NAME, shared/NAME or users/NAME")
    })?;
    let rules = SopsConfig::parse(&config, &bytes)?;
    let folder = config.parent().unwrap_or(Path::new("/"));
    let rule = rules
        .match_path(&relative_path(folder, file))
        .map_err(|error| error.at(&config))?
        .ok_or_else(|| {
            Error::new("no creation rule is for this file")
                .hint(format!("the nearest rules are those of {}", config.display()))
        })?;
    let at_rule = |error: Error| error.at(&config).position(rule.line, 1);
    let readers = keys_of(rule).map_err(at_rule)?;
    let rules = rule.encryption().map_err(|error| error.at(&config))?;
    Ok(Creation { readers, rules, left_out: Vec::new(), fleet: None })
}

fn keys_of(rule: &CreationRule) -> Result<KeyGroups> {
    let groups = rule.key_groups()?;
    if groups.iter().all(Vec::is_empty) {
        return Err(Error::new("the rule for this file names nobody: files here are not to be encrypted"));
    }
    KeyGroups::new(groups, i64::from(rule.shamir_threshold.unwrap_or_default()))
}
