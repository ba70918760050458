//! `.sops.yaml` for a command of sops: `--config`, `SOPS_CONFIG`, or the nearest one above the current folder.

use super::call::Call;
use super::code::Code;
use super::fault::{Fault, Outcome};
use super::files;
use super::log::{self, Level};
use crate::error::Error;
use crate::fs;
#[cfg(feature = "publish")]
use crate::rules::DestinationRule;
use crate::rules::{self, SopsConfig, relative_path};
use crate::sops::{Format, Indent, Stores};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

const NAME: &str = ".sops.yaml";
/// What people call it by mistake.
const OTHER_NAME: &str = ".sops.yml";
/// How many folders are looked at.
const DEEPEST: usize = 100;

/// A configuration that was read.
pub(super) struct Config {
    /// As it was typed or found, from the current folder.
    shown: PathBuf,
    /// Its folder, from the root.
    folder: PathBuf,
    rules: SopsConfig,
    stores: Stores,
}

impl Call<'_> {
    /// Where the configuration is, if there is one.
    pub(super) fn config_path(&self) -> Option<&Path> {
        let found = self.config.get_or_init(|| match self.root.text("config") {
            "" => search(&self.context.path(Path::new(""))),
            typed => Some(PathBuf::from(typed)),
        });
        found.as_deref()
    }

    /// The configuration, if there is one. A broken one is an error of every command.
    pub(super) fn read_config(&self) -> Outcome<Option<Config>> {
        self.config_path().map(|path| self.read_config_at(path)).transpose()
    }

    fn read_config_at(&self, path: &Path) -> Outcome<Config> {
        let unread = |why: String| Fault::failed(format!("could not read config file: {why}"));
        // where the folder was reached by a link, .. is above what that leads to; rules go by the letter, as with sops
        let place = self.absolute(&path.to_string_lossy());
        let bytes = match fs::read_source(&self.context.path(path)) {
            Ok(Some(source)) => source.secret,
            Ok(None) => return Err(unread(files::missing(path))),
            Err(error) => return Err(unread(error.to_string())),
        };
        let broken = |error: Error| {
            Fault::of(Code::Failed, "error loading config: Could not unmarshal config file: ", &error)
        };
        Ok(Config {
            rules: SopsConfig::parse(path, bytes.expose()).map_err(broken)?,
            stores: rules::stores(path, bytes.expose()).map_err(broken)?,
            folder: place.parent().unwrap_or(Path::new("/")).to_path_buf(),
            shown: path.to_path_buf(),
        })
    }

    /// How what is written is laid out: as the configuration says, or `--indent`.
    pub(super) fn stores(&self, format: Format) -> Outcome<Stores> {
        let stores = self.read_config()?.map_or_else(Stores::default, |config| config.stores);
        if !self.root.is_said("indent") {
            return Ok(stores);
        }
        let indent = self.root.number("indent");
        let least = match format {
            Format::Yaml => 0,
            Format::Json | Format::Binary => -1,
            Format::Dotenv | Format::Ini => return Ok(stores),
        };
        if indent < least {
            return Err(Fault::new(
                Code::Dump,
                format!("Error dumping file: an indentation of {indent} cannot be"),
            ));
        }
        let spaces = usize::try_from(indent).ok();
        let json = spaces.map_or(Indent::Tab, Indent::Spaces);
        let yaml = spaces.unwrap_or_default();
        Ok(stores.with_yaml_indent(yaml).with_json_indent(json).with_binary_indent(json))
    }
}

impl Config {
    /// Its name, for texts.
    pub(super) fn shown(&self) -> &Path {
        &self.shown
    }

    /// How it has files laid out.
    pub(super) fn stores(&self) -> Stores {
        self.stores
    }

    /// The rules, if it has a list of them; an empty list is one.
    pub(super) fn rules(&self) -> Option<&SopsConfig> {
        self.rules.has_rules().then_some(&self.rules)
    }

    /// Its folder, from the root.
    #[cfg(feature = "publish")]
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where `publish` takes a file to, by its path as it was typed.
    #[cfg(feature = "publish")]
    pub(super) fn destination(&self, typed: &Path) -> Option<&DestinationRule> {
        self.rules.destination(&typed.to_string_lossy())
    }

    /// What a file is called in the rules: without the folder of the configuration, if it is below that.
    pub(super) fn name_of<'p>(&self, file: &'p Path) -> Cow<'p, str> {
        relative_path(&self.folder, file)
    }
}

/// The nearest configuration, as a path from the current folder.
fn search(folder: &Path) -> Option<PathBuf> {
    let is_there = |path: &Path| folder.join(path).metadata().is_ok();
    let mut other: Option<PathBuf> = None;
    let mut up = PathBuf::new();
    // from the root on, every further step up looks at the root
    let depth = folder.canonicalize().map_or(DEEPEST, |folder| folder.components().count());
    for _ in 0..depth.min(DEEPEST) {
        let path = up.join(NAME);
        if is_there(&path) {
            warn(other.as_deref(), Some(&path));
            return Some(path);
        }
        if other.is_none() {
            other = Some(up.join(OTHER_NAME)).filter(|path| is_there(path));
        }
        up.push("..");
    }
    warn(other.as_deref(), None);
    None
}

fn warn(other: Option<&Path>, found: Option<&Path>) {
    let Some(other) = other else { return };
    let instead = found.map(|path| format!("; using {:?} instead", path.display().to_string()));
    let text = format!(
        "ignoring {:?} when searching for config file; the config file must be called {NAME:?}{}",
        other.display().to_string(),
        instead.unwrap_or_default()
    );
    log::line(Level::Warning, &text, &[]);
}
