//! Passwords that were given beforehand: a file, a line of standard input, the environment.
//!
//! The caller reads them and hands them in; nothing here touches a file, the environment or a terminal, and no
//! password ever comes from the command line. Line ends: one at the end of a value or of the line is left out
//! (`|` blocks and `echo` make one); any other is refused where the password is hashed.

use crate::error::{Error, Result, as_file};
use crate::secret::Secret;
use crate::sops::{BINDING_KEY, Map, Plain, Value};
use std::path::{Path, PathBuf};

/// The beginning of a variable's name that answers for a user.
pub const VARIABLE_PREFIX: &str = "UVARS_PASSWORD_";

/// What was given, in no order.
#[derive(Debug, Default)]
pub struct Answers {
    pub(super) given: Vec<Answer>,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) user: Whose,
    /// One host, or all of them.
    pub(super) host: Option<String>,
    pub(super) password: Secret,
    pub(super) source: Source,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Whose {
    /// The one that is wanted.
    Only,
    Named(String),
    /// Every user whose name makes this variable's name.
    Variable(String),
}

/// Where an answer stood; the order is that of precedence.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Source {
    Line,
    File(PathBuf),
    Environment,
}

/// What the caller found out about a file of answers in clear.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Exposure {
    /// The permission bits; nothing for a pipe, which nobody else can read.
    pub mode: Option<u32>,
    /// Whether somebody else than the one who runs this, and root, owns it.
    pub foreign: bool,
    /// Whether git tracks it, so that it is or will be in everybody's clone.
    pub tracked: bool,
}

/// Refuses a file of passwords in clear that others can read. An encrypted one may lie anywhere.
pub fn check_exposure(file: &Path, exposure: Exposure) -> Result<()> {
    let name = file.to_string_lossy();
    if exposure.tracked {
        let name = as_file(&name);
        let hint = format!("encrypt it (uvars encrypt -i {name}), or keep it outside of the repository");
        return Err(Error::new("these passwords are in clear in a file that git tracks").at(file).hint(hint));
    }
    if exposure.mode.is_some_and(|mode| mode & 0o077 != 0) {
        let hint = format!("chmod 600 {}", as_file(&name));
        return Err(Error::new("these passwords are in a file that others can read").at(file).hint(hint));
    }
    if exposure.foreign {
        return Err(Error::new("these passwords are in a file that belongs to somebody else").at(file));
    }
    Ok(())
}

/// The name of the variable that answers for a user: `UVARS_PASSWORD_JON_SMITH` for `jon.smith`.
pub fn variable(user: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    VARIABLE_PREFIX.chars().chain(user.chars().map(letter)).collect()
}

impl Answers {
    /// Takes the values of a file: `jon: pw`, or `jon: { "*": pw, cinnabar: other }`.
    ///
    /// # Errors
    ///
    /// A value that is no text (a number must stand in quotes, or YAML would rewrite it), is empty or is not
    /// UTF-8; several documents.
    pub fn add_file(&mut self, file: &Path, plain: &Plain) -> Result<()> {
        if plain.documents() > 1 {
            return Err(Error::new("holds several documents; answers are one map").at(file));
        }
        for entry in plain.to_map().entries().iter().filter(|entry| entry.key != BINDING_KEY) {
            match &entry.value {
                Value::Map(hosts) => self.add_hosts(file, &entry.key, hosts)?,
                value => self
                    .add_value(file, &entry.key, None, value)
                    .map_err(|error| error.at(file).key(&entry.key))?,
            }
        }
        Ok(())
    }

    /// Takes what standard input held, for `--password-stdin`: one line.
    pub fn add_line(&mut self, input: &Secret) -> Result<()> {
        let place = "standard input";
        let password = text(input.expose()).map_err(|error| error.at(place))?;
        if password.expose().contains(&b'\n') {
            return Err(Error::new("holds more than one line").at(place));
        }
        self.given.push(Answer { user: Whose::Only, host: None, password, source: Source::Line });
        Ok(())
    }

    /// Takes the variable of this name, [`VARIABLE_PREFIX`] included.
    pub fn add_variable(&mut self, name: &str, value: &[u8]) -> Result<()> {
        let password = text(value).map_err(|error| error.key(name))?;
        let user = Whose::Variable(name.to_owned());
        self.given.push(Answer { user, host: None, password, source: Source::Environment });
        Ok(())
    }

    fn add_hosts(&mut self, file: &Path, user: &str, hosts: &Map) -> Result<()> {
        for entry in hosts.entries() {
            let host = (entry.key != "*").then_some(entry.key.as_str());
            self.add_value(file, user, host, &entry.value)
                .map_err(|error| error.at(file).key(format!("{user}.{}", entry.key)))?;
        }
        Ok(())
    }

    fn add_value(&mut self, file: &Path, user: &str, host: Option<&str>, value: &Value) -> Result<()> {
        let bytes = value.as_bytes().ok_or_else(|| {
            Error::new(format!("a password is text, and this is {}", value.kind()))
                .hint("put it in quotes, so that it stays as it is written")
        })?;
        let password = text(bytes)?;
        self.given.push(Answer {
            user: Whose::Named(user.to_owned()),
            host: host.map(str::to_owned),
            password,
            source: Source::File(file.to_path_buf()),
        });
        Ok(())
    }
}

/// A password as it was given: UTF-8, not empty, less one line end.
fn text(bytes: &[u8]) -> Result<Secret> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(Error::new("the password is not UTF-8").hint("convert it: iconv -t UTF-8"));
    }
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").filter(|_| line.len() < bytes.len()).unwrap_or(line);
    if line.starts_with(b"\xef\xbb\xbf") {
        return Err(Error::new("a byte order mark is in front of the password")
            .hint("the program that wrote it added one: save it as plain UTF-8"));
    }
    if line.is_empty() {
        return Err(Error::new("the password is empty"));
    }
    Ok(Secret::from(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(map: Map) -> Result<Answers> {
        let mut answers = Answers::default();
        answers.add_file(Path::new("answers.yaml"), &Plain::new(map)).map(|()| answers)
    }

    fn shown(answers: &Answers) -> Vec<(Whose, Option<&str>, &str)> {
        let row = |answer| {
            let Answer { user, host, password, .. }: &Answer = answer;
            (user.clone(), host.as_deref(), password.expose_str().unwrap())
        };
        answers.given.iter().map(row).collect()
    }

    fn named(user: &str) -> Whose {
        Whose::Named(user.to_owned())
    }

    #[test]
    fn a_file_answers_for_users_and_hosts() {
        let hosts = Map::new().with("*", "all").with("cinnabar", "one");
        let map = Map::new().with("jon", "pw\n").with("raquel", hosts).with(BINDING_KEY, "secrets/x");
        let answers = file(map).unwrap();
        assert_eq!(
            shown(&answers),
            [
                (named("jon"), None, "pw"),
                (named("raquel"), None, "all"),
                (named("raquel"), Some("cinnabar"), "one")
            ]
        );
    }

    #[test]
    fn what_is_no_password_is_refused_by_its_key() {
        let hosts = |value: Value| Map::new().with("jon", Map::new().with("a", value));
        let cases = [
            (
                Map::new().with("jon", Value::Int(1234)),
                "answers.yaml: jon: a password is text, and this is a number",
            ),
            (Map::new().with("jon", Value::Null), "answers.yaml: jon: a password is text, and this is null"),
            (Map::new().with("jon", ""), "answers.yaml: jon: the password is empty"),
            (Map::new().with("jon", "\n"), "answers.yaml: jon: the password is empty"),
            (hosts(Value::Bool(true)), "answers.yaml: jon.a: a password is text, and this is a boolean"),
            (
                hosts(Secret::from(b"\xff".as_slice()).into()),
                "answers.yaml: jon.a: the password is not UTF-8",
            ),
            (hosts(Map::new().into()), "answers.yaml: jon.a: a password is text, and this is a map"),
        ];
        for (map, message) in cases {
            assert_eq!(file(map).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn standard_input_is_one_line() {
        let add = |input: &[u8]| {
            let mut answers = Answers::default();
            answers.add_line(&Secret::from(input)).map(|()| answers)
        };
        for (input, password) in [("pw\n", "pw"), ("pw", "pw"), ("pw\r\n", "pw"), (" p w \n", " p w ")] {
            assert_eq!(shown(&add(input.as_bytes()).unwrap()), [(Whose::Only, None, password)]);
        }
        for (input, message) in [
            (b"".as_slice(), "standard input: the password is empty"),
            (b"\n", "standard input: the password is empty"),
            (b"a\nb\n", "standard input: holds more than one line"),
            (b"a\n\n", "standard input: holds more than one line"),
            (b"\xe4\n", "standard input: the password is not UTF-8"),
        ] {
            assert_eq!(add(input).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn variables_are_named_after_users() {
        assert_eq!(variable("jon"), "UVARS_PASSWORD_JON");
        assert_eq!(variable("jon.smith-2_x"), "UVARS_PASSWORD_JON_SMITH_2_X");
        let mut answers = Answers::default();
        answers.add_variable("UVARS_PASSWORD_JON", b"pw").unwrap();
        let error = answers.add_variable("UVARS_PASSWORD_JON", b"").unwrap_err();
        assert_eq!(error.to_string(), "UVARS_PASSWORD_JON: the password is empty");
    }

    #[test]
    fn files_that_others_can_read_are_refused() {
        let check =
            |exposure| check_exposure(Path::new("a.yaml"), exposure).map_err(|error| error.to_string());
        assert_eq!(check(Exposure::default()), Ok(()));
        assert_eq!(check(Exposure { mode: Some(0o600), ..Exposure::default() }), Ok(()));
        let readable = Err("a.yaml: these passwords are in a file that others can read".to_owned());
        for mode in [0o640, 0o604, 0o620, 0o644] {
            assert_eq!(check(Exposure { mode: Some(mode), ..Exposure::default() }), readable);
        }
        assert!(
            check(Exposure { tracked: true, mode: Some(0o600), foreign: false }).unwrap_err().contains("git")
        );
        assert!(check(Exposure { foreign: true, mode: Some(0o600), tracked: false }).is_err());
    }

    #[test]
    fn a_file_of_any_name_is_a_word_in_the_hints() {
        let hint = |file: &str, exposure| {
            check_exposure(Path::new(file), exposure).unwrap_err().hints().first().unwrap().clone()
        };
        let tracked = Exposure { tracked: true, ..Exposure::default() };
        let readable = Exposure { mode: Some(0o644), ..Exposure::default() };
        assert!(hint("a b.yaml", tracked).starts_with("encrypt it (uvars encrypt -i 'a b.yaml'), or"));
        assert_eq!(hint("$(evil).yaml", readable), "chmod 600 '$(evil).yaml'");
        assert_eq!(hint("-x.yaml", readable), "chmod 600 ./-x.yaml");
    }
}
