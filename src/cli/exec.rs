//! `uvars exec`: a child process that is given a file's values.

use super::child;
use super::context::Context;
use super::document::Document;
use super::exit::Exit;
use super::scratch::Scratch;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::sops::{BINDING_KEY, Entry, KeyPath, Mac, Map, Value};
use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// Run a program with the values of an encrypted file, as environment variables or as files
///
/// As variables, each value at the top of the file is one; the program takes our place. With --files each value is
/// a file in a folder in memory, named by UVARS_FILES, maps are folders, and all of it is gone when the program ends.
/// Of our own environment, variables named SOPS_… and UVARS_… are not handed on: they may carry keys and passwords.
#[derive(clap::Args, Debug)]
#[command(after_long_help = r#"Examples:
  uvars exec hosts/web1 -- env
  uvars exec --files hosts/web1 -- sh -c 'cat "$UVARS_FILES/db/password"'"#)]
pub(super) struct Arguments {
    /// A path, or a short name: users/jon, hosts/web1, shared/wifi
    file: String,
    /// Give the values as files
    #[arg(long)]
    files: bool,
    /// Give the program nothing of our environment
    #[arg(long)]
    pristine: bool,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Runs the program.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<Exit> {
    let document = Document::locate(context, &arguments.file)?;
    let opened = document.open(&context.keyring()?, Mac::Check)?;
    let mut values = opened.plain.to_map();
    if document.bound_path().is_some() {
        values.remove(BINDING_KEY);
    }
    drop(opened);
    let (program, rest) = arguments.command.split_first().ok_or_else(|| Error::usage("no program to run"))?;
    let mut command = Command::new(program);
    command.args(rest).current_dir(context.directory());
    if arguments.pristine {
        command.env_clear();
    }
    child::keep_ours(&mut command);
    let cannot =
        |error: std::io::Error| Error::new(format!("cannot start {}", program.display())).because(error);
    if arguments.files {
        let scratch = Scratch::make(context)?;
        lay_out(scratch.path(), &values, &KeyPath::default()).map_err(|error| error.at(document.shown()))?;
        drop(values);
        let child = command.env("UVARS_FILES", scratch.path()).spawn().map_err(cannot)?;
        let ended = child::wait(child, &program.to_string_lossy(), None)?;
        // it was asked to end and did: how is its own affair
        scratch.forget_signals();
        return Ok(Exit::Child(child::code(ended.status)));
    }
    for Entry { key, value } in values.entries() {
        let text = variable(key, value).map_err(|error| error.at(document.shown()).key(key))?;
        command.env(key, OsString::from_vec(text.expose().to_vec()));
    }
    drop(values);
    Err(cannot(command.exec()))
}

/// The text of a variable.
fn variable(key: &str, value: &Value) -> Result<Secret> {
    let mut letters = key.bytes();
    let named = letters.next().is_some_and(|first| first == b'_' || first.is_ascii_alphabetic())
        && letters.all(|letter| letter == b'_' || letter.is_ascii_alphanumeric());
    if !named {
        return Err(
            Error::new("is no name for a variable").hint("give the values as files: uvars exec --files …")
        );
    }
    let text = value.to_bytes().ok_or_else(|| {
        Error::new(format!("{} cannot be a variable", value.kind()))
            .hint("give the values as files: uvars exec --files …")
    })?;
    if text.expose().contains(&0) {
        return Err(Error::new("a variable cannot hold a NUL byte")
            .hint("give the values as files: uvars exec --files …"));
    }
    Ok(text)
}

/// Writes each value below a folder: a file 0400 for a scalar, a folder 0700 for a map or list.
fn lay_out(folder: &Path, values: &Map, at: &KeyPath) -> Result<()> {
    for Entry { key, value } in values.entries() {
        let here = at.clone().then(crate::sops::Step::Key(key.clone()));
        place(folder, key, value, &here)?;
    }
    Ok(())
}

fn place(folder: &Path, name: &str, value: &Value, at: &KeyPath) -> Result<()> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(Error::new("is no name for a file").key(at.to_string()));
    }
    let path = folder.join(name);
    let failed = |error| Error::io("write", &path, error);
    match value {
        Value::Map(map) => {
            DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
            lay_out(&path, map, at)
        }
        Value::List(list) => {
            DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
            list.iter().enumerate().try_for_each(|(index, value)| {
                place(&path, &index.to_string(), value, &at.clone().then(crate::sops::Step::Index(index)))
            })
        }
        scalar => {
            let text = scalar.to_bytes().unwrap_or_default();
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o400).open(&path).map_err(failed)?;
            file.write_all(text.expose()).map_err(failed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_names_and_text() {
        assert_eq!(variable("A_1", &Value::Int(3)).unwrap().expose(), b"3");
        for (key, value) in
            [("1A", Value::Int(3)), ("a.b", Value::Int(3)), ("", Value::Int(3)), ("A", Value::Null)]
        {
            assert!(variable(key, &value).is_err(), "{key}");
        }
        assert!(variable("A", &"x\0y".into()).is_err());
    }

    #[test]
    fn no_value_leaves_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["..", "", "a/b", "."] {
            let map = Map::new().with(name, "x");
            assert!(lay_out(dir.path(), &map, &KeyPath::default()).is_err(), "{name:?}");
        }
        let deep = Map::new().with("db", Map::new().with("list", Value::List(vec!["a".into(), "b".into()])));
        lay_out(dir.path(), &deep, &KeyPath::default()).unwrap();
        assert_eq!(std::fs::read(dir.path().join("db/list/1")).unwrap(), b"b");
    }
}
