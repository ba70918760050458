//! Where answers given beforehand are read: a file, standard input, the environment. Never an argument, which
//! every other process could see.

use super::context::Context;
use super::tracked::tracked;
use crate::error::{Error, Result};
use crate::fs::{self, Source};
use crate::secret::Secret;
use crate::sops::{Encrypted, Format, Plain};
use crate::vars::{self, Answers, Exposure, Question};
use std::io::{IsTerminal, Read};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Ways to answer without being asked.
#[derive(clap::Args, Debug)]
pub(super) struct Given {
    /// Read the one password that is wanted from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Read passwords from a file: YAML or JSON, "jon: PASSWORD" or "jon: { HOST: PASSWORD, '*': PASSWORD }", in
    /// clear (mode 0600, not in git) or a sops file; - is standard input
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
}

impl Given {
    /// Reads what was given.
    pub(super) fn gather(&self, context: &Context, questions: &[Question]) -> Result<Answers> {
        let mut answers = Answers::default();
        let piped = self.answers.as_deref() == Some(Path::new("-"));
        if self.password_stdin && piped {
            return Err(Error::usage("--password-stdin and --answers - both want standard input"));
        }
        if self.password_stdin {
            vars::wants_one(questions)?;
            answers.add_line(&line()?)?;
        }
        if let Some(file) = &self.answers {
            let place = if piped { PathBuf::from("standard input") } else { file.clone() };
            let path = if piped { PathBuf::from("/dev/stdin") } else { context.path(file) };
            let source = if piped { standard_input(&place)? } else { named(&path)? };
            answers.add_file(&place, &read(context, &path, &source).map_err(|error| error.at(&place))?)?;
        }
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with(vars::VARIABLE_PREFIX)) else {
                continue;
            };
            let value = Zeroizing::new(value.as_bytes().to_vec());
            answers.add_variable(name, &value)?;
        }
        Ok(answers)
    }
}

/// Standard input to its end, up to what no password reaches.
fn line() -> Result<Secret> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return Err(Error::usage("--password-stdin reads a pipe, and standard input is a terminal")
            .hint("leave it out, and you are asked"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT));
    input
        .lock()
        .take(LIMIT as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io("read", "standard input", error))?;
    Ok(Secret::from(bytes.as_slice()))
}

const LIMIT: usize = 8192;

/// Standard input as it is open: it may be somebody else's, and could not be opened by its name.
fn standard_input(shown: &Path) -> Result<Source> {
    let input = std::io::stdin().as_fd().try_clone_to_owned();
    let input = input.map_err(|error| Error::io("read", shown, error))?;
    fs::read_open(input.into(), shown)
}

fn named(path: &Path) -> Result<Source> {
    fs::read_source(path)?.ok_or_else(|| Error::new("there is no such file").at(path))
}

fn read(context: &Context, path: &Path, source: &Source) -> Result<Plain> {
    let bytes = source.secret.expose();
    if std::str::from_utf8(bytes).is_err() {
        return Err(Error::new("is not UTF-8").hint("convert it: iconv -t UTF-8"));
    }
    let plain = Plain::parse(bytes, Format::Yaml).map_err(|error| without_content(&error))?;
    if plain.keys().iter().any(|key| key == "sops") {
        let file = Encrypted::parse(bytes, Format::Yaml)?;
        let key = file.unlock(&context.keyring()?)?;
        return file.decrypt(&key);
    }
    let own = rustix::process::geteuid().as_raw();
    vars::check_exposure(
        path,
        Exposure {
            mode: (!source.pipe).then_some(source.mode),
            foreign: !source.pipe && source.owner != own && source.owner != 0,
            tracked: !source.pipe && tracked(path)?,
        },
    )?;
    Ok(plain)
}

/// What a reader of YAML has to say often quotes what it read, and that may be a password.
fn without_content(error: &Error) -> Error {
    let twice = error.message().ends_with("stands twice in one map");
    let what =
        if twice { "a name stands here twice" } else { "is no YAML or JSON map from users to passwords" };
    let plain = Error::new(what).hint("a password with signs in it stands in 'single quotes'");
    match error.line_column() {
        Some((line, column)) => plain.position(line, column),
        None => plain,
    }
}
