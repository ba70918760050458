//! The encrypted file that a command line means: a path, or a short name in the fleet, and how it is opened.

use super::changes::RULES;
use super::context::{Context, fleet_around, fleet_by_links};
use super::layout::stores_in;
use super::ui::Ui;
use crate::custody::Names;
use crate::error::{Error, Kind, Result, as_word};
use crate::fleet::{FileKind, Fleet};
use crate::fs::{self, RepoPath, Root};
use crate::keys::{self, Ledger, Unwrap};
use crate::rules;
use crate::secret::{DataKey, Secret};
use crate::sops::{Encrypted, Format, KeyPath, Mac, Plain, Stores};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How names of files end that are one of sops' formats: such an argument is a path, even if nothing is there.
const ENDINGS: [&str; 5] = [".yaml", ".yml", ".json", ".env", ".ini"];

/// The help of an argument that is a place in a file.
pub(super) const KEY_PATH: &str =
    r#"Which value: db.password, list.0, or ["a.b"]["c"] where a name has a dot"#;

/// One file.
pub(super) struct Document {
    place: Place,
    shown: String,
    /// As it was typed: a path or a short name.
    typed: String,
    /// The folder that the command runs in.
    folder: PathBuf,
    /// The folder that it was typed in.
    typed_in: PathBuf,
    /// What it is, where somebody said so.
    format: Option<Format>,
}

enum Place {
    /// Inside the fleet.
    Fleet { root: Root, path: RepoPath },
    /// Anywhere else.
    Elsewhere(PathBuf),
}

impl Place {
    /// Where a file is: in the fleet that its own folder is in, wherever the command runs, or that a link leads to.
    fn of(path: PathBuf, by_links: &Path) -> Result<Self> {
        if let Some((root, path)) = fleet_by_links(by_links)? {
            return Ok(Self::Fleet { root, path });
        }
        let named = fs::real_place(&path).ok();
        let led_to = || path.canonicalize().ok().filter(|end| Some(end) != named.as_ref());
        for real in named.clone().into_iter().chain(led_to()) {
            if let Some(root) = real.parent().map(fleet_around).transpose()?.flatten()
                && let Ok(path) = root.repo_path(&real)
            {
                return Ok(Self::Fleet { root, path });
            }
        }
        Ok(Self::Elsewhere(path))
    }
}

/// A file that has been opened.
pub(super) struct Opened {
    shown: String,
    /// Its bytes, as they were read.
    pub(super) bytes: Vec<u8>,
    /// As it is on disk.
    pub(super) file: Encrypted,
    /// What its values are encrypted under.
    pub(super) key: DataKey,
    /// In clear.
    pub(super) plain: Plain,
}

impl Document {
    /// What was typed: a path if that file exists or ends as one does, else a short name (`users/jon`).
    pub(super) fn locate(context: &Context, typed: &str) -> Result<Self> {
        if looks_like_path(context, typed) || FileKind::of_short(typed).is_some() {
            return Self::locate_any(context, typed);
        }
        let typed = if keys::may_be_private(typed) { "this".to_owned() } else { format!("{typed:?}") };
        Err(Error::usage(format!("{typed} is no file, and no name of one in a fleet"))
            .hint("give a path, or a short name: users/NAME, accounts/USER[@HOST], hosts/NAME, shared/NAME"))
    }

    /// The same, where a path may be of a file that is not there.
    pub(super) fn locate_any(context: &Context, typed: &str) -> Result<Self> {
        let kind = FileKind::of_short(typed).filter(|_| !looks_like_path(context, typed));
        let Some(kind) = kind else { return Self::at(context, context.path(Path::new(typed)), typed) };
        let path = RepoPath::new(&kind.path())?;
        let place = Place::Fleet { root: context.fleet_root()?, path: path.clone() };
        let (folder, typed_in) = (context.directory().to_path_buf(), context.here().to_path_buf());
        Ok(Self { shown: path.to_string(), typed: typed.to_owned(), place, folder, typed_in, format: None })
    }

    /// A file at a path, of whatever name.
    pub(super) fn at(context: &Context, path: PathBuf, typed: &str) -> Result<Self> {
        let place = Place::of(path, &context.path_by_links(Path::new(typed)))?;
        Ok(Self {
            place,
            shown: typed.to_owned(),
            typed: typed.to_owned(),
            folder: context.directory().to_path_buf(),
            typed_in: context.here().to_path_buf(),
            format: None,
        })
    }

    /// The same file, of this format if one is given. Files of a fleet are YAML.
    pub(super) fn of_type(self, format: Option<Format>) -> Result<Self> {
        match format {
            Some(format) if self.bound_path().is_some() && format != Format::Yaml => {
                Err(Error::usage("files of a fleet are YAML").at(&self.shown))
            }
            _ => Ok(Self { format, ..self }),
        }
    }

    /// Takes it for a file of this format.
    pub(super) fn read_as(&mut self, format: Format) {
        self.format = Some(format);
    }

    /// What a command must be told of its format to find out the same; nothing where the name says it.
    pub(super) fn type_flag(&self) -> String {
        match self.format.filter(|format| *format != self.format_by_name()) {
            Some(format) => format!("--input-type {} ", format.name()),
            None => String::new(),
        }
    }

    /// The name that messages use: as it was typed, or its path in the fleet.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// A command line for a file of a fleet, as it can be typed where this one was.
    pub(super) fn line(&self, verb: &str) -> String {
        let Some((root, path)) = self.in_fleet() else {
            return format!("uvars {verb} {}", as_word(&self.shown));
        };
        let here = self.typed_in.canonicalize().unwrap_or_default();
        if here == root.dir() {
            return format!("uvars {verb} {}", as_word(path.as_str()));
        }
        match fleet_around(&here) {
            Ok(Some(ours)) if ours.dir() == root.dir() && self.typed_in == self.folder => {
                format!("uvars {verb} {}", as_word(&self.typed))
            }
            _ => {
                let dir = root.dir().to_string_lossy();
                format!("uvars -C {} {verb} {}", as_word(&dir), as_word(path.as_str()))
            }
        }
    }

    /// Hints that name the file by its path in the fleet, so that they can be typed here.
    fn hints_from_here(&self, error: Error) -> Error {
        let Some(path) = self.bound_path() else { return error };
        let (there, here) = (format!("uvars bind {path}"), self.line("bind"));
        error.map_hints(|hint| hint.replace(&there, &here))
    }

    /// Where it is in the fleet, if it is in one.
    pub(super) fn in_fleet(&self) -> Option<(&Root, &RepoPath)> {
        match &self.place {
            Place::Fleet { root, path } => Some((root, path)),
            Place::Elsewhere(_) => None,
        }
    }

    /// Its path in the fleet, if it is one of the files that uvars keeps and binds to their places.
    pub(super) fn bound_path(&self) -> Option<&RepoPath> {
        self.in_fleet().map(|(_, path)| path).filter(|path| FileKind::of(path.as_str()).is_some())
    }

    /// Where it is when it is in no fleet.
    pub(super) fn elsewhere(&self) -> Option<&Path> {
        match &self.place {
            Place::Fleet { .. } => None,
            Place::Elsewhere(path) => Some(path),
        }
    }

    /// Its path from the root of the file system, links in front of its name followed.
    pub(super) fn absolute(&self) -> Result<PathBuf> {
        match &self.place {
            Place::Fleet { root, path } => root.path(path),
            Place::Elsewhere(path) => fs::real_place(path),
        }
    }

    /// Its format, as somebody said, or by its name.
    pub(super) fn format(&self) -> Format {
        self.format.unwrap_or_else(|| self.format_by_name())
    }

    fn format_by_name(&self) -> Format {
        let name = match &self.place {
            Place::Fleet { path, .. } => Path::new(path.as_str()),
            Place::Elsewhere(path) => path,
        };
        Format::of_path(name)
    }

    /// How it is laid out: in a fleet as that says, elsewhere as the nearest `.sops.yaml` above the current folder.
    ///
    /// Errors: that file is not what sops could read.
    pub(super) fn stores(&self) -> Result<Stores> {
        let Place::Fleet { root, .. } = &self.place else {
            return stores_in(&self.folder);
        };
        let rules = root.read(&RepoPath::new(RULES)?)?.unwrap_or_default();
        rules::stores(Path::new(RULES), &rules)
    }

    /// Its bytes; none where there is no such file.
    pub(super) fn read(&self) -> Result<Option<Vec<u8>>> {
        match &self.place {
            Place::Fleet { root, path } => root.read(path),
            Place::Elsewhere(path) => fs::read_up_to(path, fs::LIMIT_ELSEWHERE),
        }
    }

    /// Its bytes; a file that is not there is an error.
    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        self.read()?.ok_or_else(|| Error::new("no such file").at(&self.shown))
    }

    /// Reads it as an encrypted file.
    pub(super) fn encrypted(&self) -> Result<Encrypted> {
        let format = self.format();
        Encrypted::take(Secret::new(self.bytes()?), format).map_err(|error| error.at(&self.shown))
    }

    /// Opens it with the keys at hand. The MAC is checked as said, and rule and binding of a file of the fleet.
    pub(super) fn open(&self, keys: &dyn Unwrap, mac: Mac) -> Result<Opened> {
        let bytes = self.bytes()?;
        let file = Encrypted::parse(&bytes, self.format()).map_err(|error| error.at(&self.shown))?;
        self.open_file(bytes, file, keys, mac)
    }

    /// The same with a file that has been read already.
    pub(super) fn open_file(
        &self,
        bytes: Vec<u8>,
        file: Encrypted,
        keys: &dyn Unwrap,
        mac: Mac,
    ) -> Result<Opened> {
        if let Some(path) = self.bound_path() {
            file.check_rule(path).map_err(|error| self.hints_from_here(error.at(&self.shown)))?;
        }
        let names = OnceCell::new();
        let name = |recipient: &str| names.get_or_init(|| self.names(&file)).get(recipient).cloned();
        let key = file.unlock_named(keys, &name).map_err(|error| self.say_who(error))?;
        let plain = file.decrypt_with(&key, mac).map_err(|error| error.at(&self.shown))?;
        if let Some(path) = self.bound_path() {
            plain.check_binding(path).map_err(|error| self.hints_from_here(error.at(&self.shown)))?;
        }
        Ok(Opened { shown: self.shown.clone(), bytes, file, key, plain })
    }

    /// The holders of a file's recipients. Wanted for an error alone: a fleet that cannot be read knows nobody.
    fn names(&self, file: &Encrypted) -> BTreeMap<String, String> {
        let Some((root, _)) = self.in_fleet() else { return BTreeMap::new() };
        let (Ok(fleet), Ok(ledger)) = (Fleet::load(root), Ledger::read(root)) else { return BTreeMap::new() };
        let names = Names::of(&fleet, &ledger);
        let readers = file.metadata().recipients().into_iter().map(str::to_owned);
        readers
            .map(|reader| (names.all(std::slice::from_ref(&reader)).join(", "), reader))
            .filter(|(name, reader)| name != reader)
            .map(|(name, reader)| (reader, name))
            .collect()
    }

    fn say_who(&self, error: Error) -> Error {
        let error = error.at(&self.shown);
        if error.kind() == Kind::NoKey && self.in_fleet().is_some() {
            return error.hint(format!("who may read it, and why: {}", self.line("rules --explain")));
        }
        error
    }
}

impl Opened {
    /// Says which comments are in clear where the file's rule has them encrypted.
    pub(super) fn warn_of_clear_comments(&self, ui: &mut Ui) {
        for comment in self.clear_comments() {
            ui.warn(format!("{}: {comment}", self.shown));
        }
    }

    /// A sentence about each of them.
    pub(super) fn clear_comments(&self) -> Vec<String> {
        let sentence = |place: KeyPath| {
            let place = if place.is_root() { "at the top".to_owned() } else { format!("in {place}") };
            format!("a comment {place} is not encrypted: anybody may have put it there")
        };
        self.plain.clear_comments().into_iter().map(sentence).collect()
    }
}

fn looks_like_path(context: &Context, typed: &str) -> bool {
    let there = || context.path(Path::new(typed)).symlink_metadata().is_ok_and(|found| !found.is_dir());
    ENDINGS.iter().any(|ending| typed.ends_with(ending)) || there()
}
