//! Where identities are looked for, each place read once and only when it is its turn.

use super::identity::{self, Content, Identity};
use super::programs::Programs;
use super::recipient::Recipient;
use super::ssh_private::{SshKey, WRONG_PASSPHRASE};
use super::words;
use crate::error::{Error, Result};
use crate::secret::Secret;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The places that `cli` fills in from the environment and the command line; the default is none.
///
/// The names are those of sops. A variable that is set to nothing is handed in as it is: it counts as a place
/// without keys.
#[derive(Clone, Default)]
pub struct IdentitySources {
    /// Files named on purpose, tried before everything else: identities, or ssh private keys.
    pub files: Vec<PathBuf>,
    /// `SOPS_AGE_KEY`: identities, separated by blanks or line ends.
    pub key_text: Option<Secret>,
    /// `SOPS_AGE_KEY_FILE`
    pub key_file: Option<PathBuf>,
    /// `SOPS_AGE_KEY_CMD`: prints identities. It is started with `SOPS_AGE_RECIPIENT`.
    pub key_command: Option<String>,
    /// `SOPS_AGE_SSH_PRIVATE_KEY_FILE`
    pub ssh_key_file: Option<PathBuf>,
    /// `SOPS_AGE_SSH_PRIVATE_KEY_CMD`: prints an ssh private key.
    pub ssh_key_command: Option<String>,
    /// The home folder: `.ssh/id_ed25519` and `.ssh/id_rsa` are in it.
    pub home: Option<PathBuf>,
    /// The folder of configuration: `sops/age/keys.txt` is in it.
    pub config_dir: Option<PathBuf>,
    /// What commands and plugins are started with, and who is asked for passphrases.
    pub programs: Programs,
}

impl IdentitySources {
    /// The places that cost no more than reading a file, in the order they are tried in.
    pub(super) fn places(&self) -> Vec<Place> {
        let mut places: Vec<Place> = self.files.iter().map(|file| Place::file("", file)).collect();
        places.extend(self.key_text.clone().map(Place::text));
        places.extend(self.key_file.as_deref().map(|file| Place::file("SOPS_AGE_KEY_FILE", file)));
        places.extend(self.config_dir.as_deref().map(|dir| Place::file("", &dir.join("sops/age/keys.txt"))));
        places.extend(
            self.ssh_key_file.as_deref().map(|file| Place::file("SOPS_AGE_SSH_PRIVATE_KEY_FILE", file)),
        );
        for name in ["id_ed25519", "id_rsa"] {
            places.extend(self.home.as_deref().map(|home| Place::file("", &home.join(".ssh").join(name))));
        }
        places
    }

    /// Whether only files are looked at, and nobody is asked.
    fn are_of_a_host(&self) -> bool {
        let no_home = self.home.is_none() && self.config_dir.is_none();
        no_home && !self.files.is_empty() && self.programs.ask.is_none()
    }

    /// What to say where the home of whoever looks is not known.
    pub(super) fn no_home(&self) -> Option<&'static str> {
        match (&self.home, &self.config_dir) {
            _ if self.are_of_a_host() => None,
            (Some(_), _) => None,
            (None, Some(_)) => Some("HOME is not set, so nothing was looked for in ~/.ssh"),
            (None, None) => {
                Some("HOME is not set, so nothing was looked for in ~/.ssh and ~/.config/sops/age")
            }
        }
    }

    /// The variables of sops that name no place; none where only files are looked at, as on a host.
    pub(super) fn unset(&self) -> Vec<&'static str> {
        if self.are_of_a_host() {
            return Vec::new();
        }
        [
            ("SOPS_AGE_KEY", self.key_text.is_none()),
            ("SOPS_AGE_KEY_FILE", self.key_file.is_none()),
            ("SOPS_AGE_KEY_CMD", self.key_command.is_none()),
            ("SOPS_AGE_SSH_PRIVATE_KEY_FILE", self.ssh_key_file.is_none()),
            ("SOPS_AGE_SSH_PRIVATE_KEY_CMD", self.ssh_key_command.is_none()),
        ]
        .into_iter()
        .filter_map(|(name, unset)| unset.then_some(name))
        .collect()
    }
}

impl fmt::Debug for IdentitySources {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<_> = self.places().into_iter().map(|place| place.label).collect();
        out.debug_struct("IdentitySources")
            .field("places", &places)
            .field("programs", &self.programs)
            .finish_non_exhaustive()
    }
}

/// One place, and what was found there once it has been looked at.
pub(super) struct Place {
    label: String,
    origin: Origin,
    found: OnceLock<Found>,
    unlocked: OnceLock<Result<Vec<Identity>, String>>,
}

enum Origin {
    Text(Secret),
    File(PathBuf),
    /// What a command printed.
    Output(Secret),
}

/// What a place has.
pub(super) enum Found {
    /// No file there.
    Absent,
    /// It could not be read, or not as keys.
    Failed(String),
    /// Keys to use.
    Identities(Vec<Identity>),
    /// An ssh key behind a passphrase, and its public half.
    ProtectedSsh(Box<SshKey>, Option<Recipient>),
    /// Identities behind a passphrase.
    ProtectedFile(Secret),
}

impl Place {
    fn new(label: String, origin: Origin) -> Self {
        Self { label, origin, found: OnceLock::new(), unlocked: OnceLock::new() }
    }

    fn text(text: Secret) -> Self {
        Self::new("SOPS_AGE_KEY".into(), Origin::Text(text))
    }

    fn file(variable: &str, file: &Path) -> Self {
        let shown = file.display();
        let label = if variable.is_empty() { shown.to_string() } else { format!("{variable} ({shown})") };
        Self::new(label, Origin::File(file.to_owned()))
    }

    /// What a command printed.
    pub(super) fn output(label: String, output: Secret) -> Self {
        Self::new(label, Origin::Output(output))
    }

    /// Whether this is what it printed.
    pub(super) fn printed(&self, output: &Secret) -> bool {
        matches!(&self.origin, Origin::Output(printed) if printed == output)
    }

    /// A place that could not be looked at.
    pub(super) fn failed(label: String, error: &Error) -> Self {
        let place = Self::new(label, Origin::Text(Secret::default()));
        drop(place.found.set(Found::Failed(error.to_string())));
        place
    }

    /// The place's name, for people.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Whether it has been looked at.
    #[cfg(test)]
    pub(super) fn is_loaded(&self) -> bool {
        self.found.get().is_some()
    }

    /// What is there. It is read on the first call.
    pub(super) fn found(&self, programs: &Programs) -> &Found {
        self.found
            .get_or_init(|| self.look(programs).unwrap_or_else(|error| Found::Failed(error.to_string())))
    }

    /// The keys that are at hand without asking anybody, those unlocked before among them.
    pub(super) fn identities(&self, programs: &Programs) -> &[Identity] {
        match self.found(programs) {
            Found::Identities(identities) => identities,
            Found::ProtectedSsh(..) | Found::ProtectedFile(_) => {
                self.unlocked.get().and_then(|unlocked| unlocked.as_deref().ok()).unwrap_or_default()
            }
            Found::Absent | Found::Failed(_) => &[],
        }
    }

    /// The keys behind a passphrase, which is asked for once; none where the place has no such keys, or nobody
    /// can be asked, or the passphrase is wrong.
    pub(super) fn unlock(&self, programs: &Programs) -> &[Identity] {
        let unlocked = self.unlocked.get_or_init(|| match self.found(programs) {
            Found::ProtectedSsh(key, _) => {
                self.ask(programs, |passphrase| key.identity(Some(passphrase)).map(|identity| vec![identity]))
            }
            Found::ProtectedFile(file) => {
                self.ask(programs, |passphrase| open_file(file, passphrase, programs))
            }
            Found::Absent | Found::Failed(_) | Found::Identities(_) => Ok(Vec::new()),
        });
        unlocked.as_deref().unwrap_or_default()
    }

    /// Asks three times at most.
    fn ask(
        &self,
        programs: &Programs,
        open: impl Fn(&Secret) -> Result<Vec<Identity>>,
    ) -> Result<Vec<Identity>, String> {
        let nobody = || "protected by a passphrase, and nobody can be asked for it".to_owned();
        let ask = programs.ask.as_ref().ok_or_else(nobody)?;
        let mut last = nobody();
        for _ in 0..3 {
            let Some(passphrase) = ask.passphrase(&self.label) else { break };
            match open(&passphrase) {
                Ok(identities) => return Ok(identities),
                Err(error) if error.message() == WRONG_PASSPHRASE => last = error.to_string(),
                // no other passphrase would mend that
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(last)
    }

    /// What to tell of it when nothing opened: `2 keys, none of them a reader`.
    pub(super) fn finding(&self, programs: &Programs) -> String {
        let identities = match self.found(programs) {
            Found::Absent => return "not there".into(),
            Found::Failed(reason) => return reason.clone(),
            Found::Identities(identities) => identities.as_slice(),
            Found::ProtectedSsh(_, public) => {
                return match (self.unlocked.get(), public) {
                    (Some(Err(reason)), _) => reason.clone(),
                    (_, Some(_)) => "1 key behind a passphrase, not a reader".into(),
                    (_, None) => "1 key of a type that opens nothing here".into(),
                };
            }
            Found::ProtectedFile(_) => match self.unlocked.get() {
                Some(Ok(identities)) => identities,
                Some(Err(reason)) => return reason.clone(),
                None => return "protected by a passphrase".into(),
            },
        };
        match identities {
            [] => "no key in it".into(),
            [_] => "1 key, not a reader".into(),
            more => format!("{} keys, none of them a reader", more.len()),
        }
    }

    fn look(&self, programs: &Programs) -> Result<Found> {
        let content = match &self.origin {
            Origin::Text(text) if identity::is_age_file(text.expose()) => {
                Content::ProtectedFile(text.clone())
            }
            Origin::Text(text) => Content::Identities(identity::read_words(text.expose(), programs)?),
            Origin::Output(text) => identity::read(text.expose(), programs)?,
            Origin::File(file) => match read_file(file).map_err(Error::new)? {
                Some(bytes) => identity::read(bytes.expose(), programs)?,
                None => return Ok(Found::Absent),
            },
        };
        Ok(match content {
            Content::Identities(identities) => Found::Identities(identities),
            Content::ProtectedFile(file) => Found::ProtectedFile(file),
            Content::ProtectedSsh(key) => {
                let public = key.public();
                Found::ProtectedSsh(key, public)
            }
        })
    }
}

/// The file's bytes, or nothing where there is none. A pipe is read to its end. The error leaves the name out: it
/// stands in front of it wherever it is shown.
fn read_file(file: &Path) -> Result<Option<Secret>, String> {
    if file.as_os_str().is_empty() {
        return Err("set to nothing".into());
    }
    match crate::fs::read_source(file) {
        Ok(source) => Ok(source.map(|source| source.secret)),
        Err(error) => {
            let shown = error.to_string();
            let prefix = format!("{}: ", file.display());
            Err(shown.strip_prefix(&prefix).unwrap_or(&shown).to_owned())
        }
    }
}

/// The identities in an age file that a passphrase protects.
fn open_file(file: &Secret, passphrase: &Secret, programs: &Programs) -> Result<Vec<Identity>> {
    /// The work that age itself accepts, in powers of two.
    const MOST_WORK: u8 = 22;
    let damaged = || Error::new("not an age file that a passphrase protects, or damaged");
    let passphrase = passphrase.expose_str().ok_or_else(|| Error::new(WRONG_PASSPHRASE))?;
    let mut key = age::scrypt::Identity::new(age::secrecy::SecretString::from(passphrase));
    key.set_max_work_factor(MOST_WORK);
    let reader = age::armor::ArmoredReader::new(trimmed(file.expose()));
    let file = age::Decryptor::new_buffered(reader).map_err(|_| damaged())?;
    if !file.is_scrypt() {
        return Err(damaged());
    }
    let stream = file.decrypt(std::iter::once(&key as &dyn age::Identity)).map_err(|error| match error {
        age::DecryptError::DecryptionFailed | age::DecryptError::NoMatchingKeys => {
            Error::new(WRONG_PASSPHRASE)
        }
        age::DecryptError::ExcessiveWork { .. } => Error::new("its passphrase would take too much work"),
        _ => damaged(),
    })?;
    let bytes = Secret::read(stream, identity::LARGEST).map_err(|_| damaged())?;
    identity::read_lines(bytes.expose(), programs)
}

/// Armor without the empty lines behind it; a binary file as it is.
fn trimmed(file: &[u8]) -> &[u8] {
    if file.starts_with(b"-----") { file.trim_ascii() } else { file }
}

/// Runs a command that prints keys; `recipient` is whom they are wanted for.
pub(super) fn run(line: &str, recipient: Option<&str>, programs: &Programs) -> Result<Secret> {
    let words = words::split_words(line)?;
    let (name, arguments) = words.split_first().ok_or_else(|| Error::new("set to nothing"))?;
    let program = if name.contains('/') { Some(PathBuf::from(name)) } else { programs.find(name) };
    let program = program.ok_or_else(|| Error::new("its program is not on PATH"))?;
    let mut command = programs.command(&program);
    command.args(arguments);
    if let Some(recipient) = recipient {
        command.env("SOPS_AGE_RECIPIENT", recipient);
    }
    let mut child = command.spawn().map_err(|error| Error::new("cannot be started").because(error))?;
    // nothing is said to it
    drop(child.stdin.take());
    let output = child.stdout.take().map(|pipe| Secret::read(pipe, identity::LARGEST + 1)).transpose();
    let output = output.map_err(|error| Error::new("its output cannot be read").because(error))?;
    let status = child.wait().map_err(|error| Error::new("cannot be waited for").because(error))?;
    if !status.success() {
        return Err(Error::new(format!("failed with {status}")));
    }
    Ok(output.unwrap_or_default())
}
