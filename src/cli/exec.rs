//! `uvars exec`: a child process that is given a file's values.
//!
//! Of the values, those that lie in clear may be anybody's: the MAC covers no empty string, and no name of a clear
//! value. So the program is looked up before any value is in its environment, and none of those steers it.

use super::child;
use super::context::Context;
use super::document::Document;
use super::exit::Exit;
use super::format::Input;
use super::scratch::Scratch;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::sops::{BINDING_KEY, Entry, KeyPath, Mac, Map, Plain, Value};
use rustix::fs::{Access, access};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names of variables that say what a program runs or reads, or where.
const STEERING: [&str; 25] = [
    "BASHOPTS",
    "BASH_ENV",
    "BROWSER",
    "EDITOR",
    "ENV",
    "HOME",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LESSCLOSE",
    "LESSOPEN",
    "MAKEFILES",
    "MAKEFLAGS",
    "MANPAGER",
    "NODE_OPTIONS",
    "OPENSSL_CONF",
    "PAGER",
    "PROMPT_COMMAND",
    "PS4",
    "SHELL",
    "SHELLOPTS",
    "TMPDIR",
    "VISUAL",
    "ZDOTDIR",
    "_JAVA_OPTIONS",
];

/// What the names of more such variables begin with: of the dynamic linker, of git, of interpreters.
const STEERING_FAMILIES: [&str; 6] = ["DYLD_", "GIT_", "LD_", "PERL", "PYTHON", "RUBY"];

/// What the names of more such variables end in, as `RUSTC_WRAPPER` and `SSH_ASKPASS`.
const STEERING_ENDINGS: [&str; 3] = ["PATH", "_ASKPASS", "_WRAPPER"];

/// What can be done with values that are none for variables.
const AS_FILES: &str = "give the values as files: uvars exec --files …";

/// Where the system looks for programs while there is no PATH.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Run a program with the values of an encrypted file, as environment variables or as files
///
/// As variables, each value at the top of the file is one; the program takes our place. With --files each value is
/// a file in a folder in memory, named by UVARS_FILES, maps are folders, and all of it is gone when the program
/// ends; after SIGKILL, which ends uvars itself at once, the next run of this kind takes it away.
/// Of our own environment, variables named SOPS_… and UVARS_… are not handed on: they may carry keys and passwords.
///
/// COMMAND is looked up by your own PATH, whatever PATH the file gives it. An empty value is in clear in the file and
/// under no MAC: anybody who can write to the repository may have put it there. Under the name of a variable that you
/// have, or of one that steers programs (HOME, IFS, ENV, BASH_ENV, LD_…, GIT_…, PYTHON…, …PATH, …_WRAPPER and the
/// like), it is an error, and so is any other value in clear. With --files every value is given.
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
    #[command(flatten)]
    input: Input,
}

/// Runs the program.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<Exit> {
    let document = Document::locate(context, &arguments.file)?.of_type(arguments.input.input_type)?;
    let opened = document.open(&context.key_services()?, Mac::Check)?;
    let mut values = opened.plain.to_map();
    if document.bound_path().is_some() {
        values.remove(BINDING_KEY);
    }
    let (program, rest) = arguments.command.split_first().ok_or_else(|| Error::usage("no program to run"))?;
    // by our own PATH: the child's may be of somebody who cannot even read the file
    let cannot =
        |error: std::io::Error| Error::new(format!("cannot start {}", program.display())).because(error);
    let found = look_up(program, context.variable("PATH").as_deref(), context.directory())
        .map_err(|errno| cannot(errno.into()))?;
    let mut command = Command::new(found);
    command.arg0(program).args(rest).current_dir(context.directory());
    if arguments.pristine {
        command.env_clear();
    }
    child::keep_ours(&mut command);
    if arguments.files {
        drop(opened);
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
        let ours = context.variable(key).is_some() && !arguments.pristine;
        let text = variable(key, value)
            .and_then(|text| must_be_vouched_for(&opened.plain, key, ours, &arguments.file).map(|()| text))
            .map_err(|error| error.at(document.shown()).key(key))?;
        command.env(key, OsString::from_vec(text.expose().to_vec()));
    }
    drop((values, opened));
    Err(cannot(command.exec()))
}

/// The program that a word means: a path as it is, a name in the first folder of `path` that has it. Folders that are
/// not absolute are below `from`, as they are for every program that runs there. As `execvp` does it, what is there
/// and may not be run is passed over, and told where nothing else was found.
fn look_up(program: &OsStr, path: Option<&OsStr>, from: &Path) -> std::result::Result<PathBuf, Errno> {
    if program.as_bytes().contains(&b'/') {
        return Ok(PathBuf::from(program));
    }
    let mut why_not = Errno::NOENT;
    if program.is_empty() {
        return Err(why_not);
    }
    for folder in std::env::split_paths(path.unwrap_or(OsStr::new(USUAL_PATH))) {
        let file = from.join(folder).join(program);
        match access(&file, Access::EXEC_OK) {
            Ok(()) if file.is_file() => return Ok(file),
            Ok(()) | Err(Errno::ACCESS) => why_not = Errno::ACCESS,
            Err(_) => {}
        }
    }
    Err(why_not)
}

/// A value under the name of a variable that matters must have been encrypted under that name: whoever put it there
/// had a key of the file.
fn must_be_vouched_for(plain: &Plain, key: &str, ours: bool, file: &str) -> Result<()> {
    let place = KeyPath::of_keys([key]);
    if plain.was_encrypted(&place) {
        return Ok(());
    }
    let why = if steers(key) {
        "it would say what programs run"
    } else if ours {
        "it would take the place of a variable of yours"
    } else {
        return Ok(());
    };
    Err(Error::new(format!("is in clear in the file, where anybody may have put it, and {why}"))
        .hint(format!("if nobody of you did, take it out: {}", place.line("unset", file)))
        .hint(AS_FILES))
}

/// Whether a variable says what programs run or read.
fn steers(name: &str) -> bool {
    STEERING.contains(&name)
        || STEERING_FAMILIES.iter().any(|family| name.starts_with(family))
        || STEERING_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The text of a variable.
fn variable(key: &str, value: &Value) -> Result<Secret> {
    let mut letters = key.bytes();
    let named = letters.next().is_some_and(|first| first == b'_' || first.is_ascii_alphabetic())
        && letters.all(|letter| letter == b'_' || letter.is_ascii_alphanumeric());
    if !named {
        return Err(Error::new("is no name for a variable").hint(AS_FILES));
    }
    let text = value
        .to_bytes()
        .ok_or_else(|| Error::new(format!("{} cannot be a variable", value.kind())).hint(AS_FILES))?;
    if text.expose().contains(&0) {
        return Err(Error::new("a variable cannot hold a NUL byte").hint(AS_FILES));
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
    fn programs_are_looked_up_as_the_system_does_it() {
        let dir = tempfile::tempdir().unwrap();
        let files =
            [("a/tool", 0o755), ("b/tool", 0o755), ("a/text", 0o644), ("b/text", 0o755), ("a/none", 0o644)];
        for (name, mode) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).unwrap();
            file.write_all(b"#!/bin/sh\n").unwrap();
        }
        std::fs::create_dir_all(dir.path().join("a/folder")).unwrap();
        let path = format!("nowhere:{0}/a:b", dir.path().display());
        let found = |program: &str| look_up(program.as_ref(), Some(path.as_ref()), dir.path());
        assert_eq!(found("tool"), Ok(dir.path().join("a/tool")));
        assert_eq!(found("text"), Ok(dir.path().join("b/text")));
        assert_eq!(found("./tool"), Ok("./tool".into()));
        for (program, why) in [
            ("none", Errno::ACCESS),
            ("folder", Errno::ACCESS),
            ("nothing", Errno::NOENT),
            ("", Errno::NOENT),
        ] {
            assert_eq!(found(program), Err(why), "{program}");
        }
        assert!(look_up("sh".as_ref(), None, dir.path()).is_ok());
    }

    #[test]
    fn names_that_steer_programs() {
        for name in [
            "PATH",
            "PYTHONPATH",
            "CLASSPATH",
            "LD_PRELOAD",
            "BASH_ENV",
            "IFS",
            "GIT_SSH",
            "HOME",
            "NODE_OPTIONS",
            "NODE_PATH",
            "LESSOPEN",
            "LESSCLOSE",
            "RUSTC_WRAPPER",
            "SSH_ASKPASS",
            "ZDOTDIR",
            "OPENSSL_CONF",
            "BROWSER",
        ] {
            assert!(steers(name), "{name}");
        }
        for name in ["TOKEN", "PORT", "LDAP", "PATHS", "ENVIRONMENT", "DB_HOST", "NODE_ENV", "WRAPPER"] {
            assert!(!steers(name), "{name}");
        }
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
