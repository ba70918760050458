//! What files are held against: the fleet that they are in, or the creation rules of the nearest `.sops.yaml`.

use crate::cli::context::Context;
use crate::cli::document::Document;
use crate::cli::layout::nearest_config;
use crate::custody::{Difference, Names, against_rule};
use crate::error::Result;
use crate::fleet::Fleet;
use crate::fs::Root;
use crate::keys::Ledger;
use crate::rules::{CreationRule, SopsConfig, relative_path};
use crate::sops::{Drift, Encrypted};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How a file is not as it should be.
#[derive(Default)]
pub(super) struct Differs {
    /// What it was held against, for people and programs: `the fleet`, `.sops.yaml:3`. None where nothing is said of it.
    pub(super) against: Option<String>,
    pub(super) told: Vec<Told>,
    /// What can be typed about it.
    pub(super) hint: Option<String>,
}

/// One difference.
pub(super) struct Told {
    /// Its name, for programs.
    pub(super) what: &'static str,
    /// The reader that it is about, by name where there is one.
    pub(super) reader: Option<String>,
    /// The sentence, which follows the name of the file.
    pub(super) text: String,
}

/// Everything that files are held against, read once. The reason where it cannot be read.
pub(super) struct Standards {
    fleets: BTreeMap<PathBuf, Result<(Fleet, Ledger), String>>,
    /// By the folder of a file: the nearest rules.
    nearest: BTreeMap<PathBuf, Result<Option<PathBuf>, String>>,
    rules: BTreeMap<PathBuf, Result<SopsConfig, String>>,
    here: PathBuf,
}

impl Standards {
    /// Reads what these files need.
    pub(super) fn load<'d>(context: &Context, documents: impl Iterator<Item = &'d Document>) -> Self {
        let here = context.here().canonicalize().unwrap_or_default();
        let mut loaded =
            Self { fleets: BTreeMap::new(), nearest: BTreeMap::new(), rules: BTreeMap::new(), here };
        for document in documents {
            match (document.bound_path(), document.in_fleet()) {
                (Some(_), Some((root, _))) => loaded.load_fleet(root),
                _ => loaded.load_rules(document),
            }
        }
        loaded
    }

    fn load_fleet(&mut self, root: &Root) {
        self.fleets.entry(root.dir().to_path_buf()).or_insert_with(|| {
            let fleet = Fleet::load(root).and_then(|fleet| Ok((fleet, Ledger::read(root)?)));
            fleet.map_err(|error| error.to_string())
        });
    }

    fn load_rules(&mut self, document: &Document) {
        let Some(folder) = document.absolute().ok().and_then(|file| Some(file.parent()?.to_path_buf()))
        else {
            return;
        };
        if self.nearest.contains_key(&folder) {
            return;
        }
        let found = nearest_config(&folder).map_err(|error| error.to_string());
        let found = found.map(|found| {
            found.map(|(config, bytes)| {
                let rules =
                    || SopsConfig::parse(&self.shown(&config), &bytes).map_err(|error| error.to_string());
                if !self.rules.contains_key(&config) {
                    let rules = rules();
                    self.rules.insert(config.clone(), rules);
                }
                config
            })
        });
        self.nearest.insert(folder, found);
    }

    /// How a file is not as it should be.
    pub(super) fn differences(&self, document: &Document, file: &Encrypted) -> Differs {
        match (document.bound_path(), document.in_fleet()) {
            (Some(_), Some((root, _))) => self.by_fleet(document, root, file),
            _ => self.by_rule(document, file),
        }
    }

    fn by_fleet(&self, document: &Document, root: &Root, file: &Encrypted) -> Differs {
        let (fleet, ledger) = match self.fleets.get(root.dir()) {
            Some(Ok((fleet, ledger))) => (fleet, ledger),
            Some(Err(why)) => return cannot_be_told(why),
            None => return Differs::default(),
        };
        let readers = document.bound_path().and_then(|path| fleet.readers(path));
        let Some(readers) = readers else { return Differs::default() };
        let wanted: Vec<_> = readers.recipients().into_iter().cloned().collect();
        let drift = Drift::of(file, &wanted);
        let (missing, strangers) = Names::of(fleet, ledger).of_drift(&drift);
        let mut found: Vec<_> = missing.into_iter().map(|name| Difference::Missing(name, None)).collect();
        found.extend(strangers.into_iter().map(|name| Difference::Extra(name, None)));
        if drift.groups > 1 {
            found.push(Difference::Groups(drift.groups, 1));
        }
        let sync = document.line("sync");
        let too_many = found.iter().any(|difference| matches!(difference, Difference::Extra(..)));
        let hint =
            if too_many { format!("to take them out: {sync}") } else { format!("to put that right: {sync}") };
        differs("the fleet", &found, hint)
    }

    fn by_rule(&self, document: &Document, file: &Encrypted) -> Differs {
        let Ok(path) = document.absolute() else { return Differs::default() };
        let config = match path.parent().and_then(|folder| self.nearest.get(folder)) {
            Some(Ok(Some(config))) => config,
            Some(Err(why)) => return cannot_be_told(why),
            Some(Ok(None)) | None => return Differs::default(),
        };
        let rules = match self.rules.get(config) {
            Some(Ok(rules)) => rules,
            Some(Err(why)) => return cannot_be_told(why),
            None => return Differs::default(),
        };
        let shown = self.shown(config);
        let folder = config.parent().unwrap_or(Path::new("/"));
        match rules.match_path(&relative_path(folder, &path)) {
            Ok(Some(rule)) => by_creation_rule(document, file, rule, &shown),
            Ok(None) => Differs::default(),
            Err(error) => cannot_be_told(&error.at(shown).to_string()),
        }
    }

    /// A path from the current folder, where that is shorter.
    fn shown(&self, config: &Path) -> PathBuf {
        config.strip_prefix(&self.here).unwrap_or(config).to_path_buf()
    }
}

fn by_creation_rule(document: &Document, file: &Encrypted, rule: &CreationRule, config: &Path) -> Differs {
    let against = format!("{}:{}", config.display(), rule.line);
    let found = against_rule(file, rule);
    let update = crate::error::as_word(document.shown()).into_owned();
    let readers = found.iter().any(|difference| difference.reader().is_some());
    let hint = if readers {
        let flag = document.type_flag();
        format!("to give it the readers of the rule: uvars sops updatekeys {flag}{update}")
    } else {
        String::new()
    };
    differs(&against, &found, hint)
}

fn differs(against: &str, found: &[Difference], hint: String) -> Differs {
    let told = found.iter().map(|difference| Told {
        what: difference.name(),
        reader: difference.reader().map(str::to_owned),
        text: difference.sentence(against),
    });
    Differs {
        told: told.collect(),
        against: Some(against.to_owned()),
        hint: Some(hint).filter(|hint| !found.is_empty() && !hint.is_empty()),
    }
}

fn cannot_be_told(why: &str) -> Differs {
    let told =
        Told { what: "unknown", reader: None, text: format!("who should read it cannot be told: {why}") };
    Differs { against: None, told: vec![told], hint: None }
}
