//! Why a file should be encrypted, whatever is in it.

use crate::cli::changes::RULES;
use crate::cli::document::Document;
use crate::cli::layout::nearest_config;
use crate::error::Result;
use crate::rules::{SopsConfig, relative_path};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A `.sops.yaml` and what it says, where there is one that can be read.
type Nearest = Option<Arc<(PathBuf, SopsConfig)>>;

/// What git itself must read is in clear wherever it lies.
const OF_GIT: [&str; 4] = [".gitattributes", ".gitignore", ".gitkeep", ".gitmodules"];

/// What the files of a folder should be. Rules are read once for all of a folder.
#[derive(Default)]
pub(super) struct Expected {
    by_folder: Mutex<HashMap<PathBuf, Nearest>>,
}

impl Expected {
    /// Why a file should be encrypted: by its name, its place in a fleet, or the regex of a rule. A rule for every path
    /// says nothing of one file.
    pub(super) fn why(&self, document: &Document, file: &Path) -> Result<Option<String>> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let by_name = [".sops.", ".enc."].iter().any(|part| name.find(part).is_some_and(|at| at > 0));
        if by_name || document.bound_path().is_some() {
            return Ok(Some("its name says that it is encrypted".to_owned()));
        }
        if name == RULES || OF_GIT.contains(&&*name) {
            return Ok(None);
        }
        let file = document.absolute()?;
        let Some(nearest) = self.nearest(file.parent().unwrap_or(Path::new("/")))? else { return Ok(None) };
        let (config, rules) = &*nearest;
        let folder = config.parent().unwrap_or(Path::new("/"));
        let Ok(Some(rule)) = rules.match_path(&relative_path(folder, &file)) else { return Ok(None) };
        let for_every_path = rule.matches("").unwrap_or(true);
        let for_nobody = rule.groups.iter().all(|group| group.keys.is_empty());
        Ok((!for_every_path && !for_nobody)
            .then(|| format!("the rule at {}:{} is for it", config.display(), rule.line)))
    }

    fn nearest(&self, folder: &Path) -> Result<Nearest> {
        let known = || self.by_folder.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(nearest) = known().get(folder) {
            return Ok(nearest.clone());
        }
        let found = nearest_config(folder)?.and_then(|(config, bytes)| {
            // what is wrong with the rules is told where files are held against them
            let rules = SopsConfig::parse(&config, &bytes).ok()?;
            Some(Arc::new((config, rules)))
        });
        known().insert(folder.to_path_buf(), found.clone());
        Ok(found)
    }
}
