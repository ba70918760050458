//! `sops exec-env`: a command that has the values of a file in its environment.

use super::Command;
use super::call::Call;
use super::code::Code;
use super::fault::{Fault, Outcome};
use super::flags::{Flag, Kind};
use super::log::{self, Level};
use super::run_as::{become_user, ended, shell};
use super::tables::{BACKGROUND, KEYSERVICE, LOCAL, ORDER, USER};
use crate::cli::child;
use crate::secret::Secret;
use crate::sops::{Entry, Format, Map, Plain, Value};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

const PRISTINE: Flag =
    Flag::new(&["pristine"], Kind::Switch(false), "Give the command nothing but the values of the file");
const SAME_PROCESS: Flag =
    Flag::new(&["same-process"], Kind::Switch(false), "Let the command take the place of this process");

pub(super) const COMMAND: Command = Command {
    name: "exec-env",
    words: "FILE COMMAND",
    about: "Run a command of the shell with the values of a file as environment variables",
    more: "The values take the place of variables that are there, PATH and the like too: whoever can write the file can \
           have the command do anything. uvars exec is more careful.",
    flags: &[&[BACKGROUND, PRISTINE, USER, SAME_PROCESS, ORDER, LOCAL, KEYSERVICE]],
    below: &[],
    run,
};

fn run(call: &Call<'_>) -> Outcome<()> {
    let [file, command] = call.words() else {
        return Err(Fault::failed("error: missing file to decrypt"));
    };
    call.read_config()?;
    call.check_order()?;
    let background = call.is_on("background");
    if background {
        let text =
            "exec-env's --background option is deprecated and will be removed in a future version of sops";
        log::line(Level::Warning, text, &[]);
        if call.is_on("same-process") {
            return Err(Fault::new(
                Code::Conflict,
                "Error: The --same-process flag cannot be used with --background",
            ));
        }
    }
    let source = call.named(Some(call.absolute(file))).called(file);
    let plain = call.plain(&source, call.format("input-type", &source.name))?;
    let mut child = shell(command);
    if call.is_on("pristine") {
        child.env_clear();
    }
    if !call.text("user").is_empty() {
        become_user(call.text("user"), &mut child)?;
    }
    for Entry { key, value } in plain.to_map().entries() {
        let text = variable(key, value)?;
        child.env(key, OsString::from_vec(text.expose().to_vec()));
    }
    drop(plain);
    if call.is_on("same-process") {
        return Err(Fault::failed(child.exec().to_string()));
    }
    let cannot = |error: std::io::Error| Fault::failed(format!("fork/exec /bin/sh: {error}"));
    if background {
        let child = child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        return child.spawn().map(drop).map_err(cannot);
    }
    let done = child::wait(child.spawn().map_err(cannot)?, "/bin/sh", None)?;
    ended(done.status)
}

/// The text of a variable.
///
/// Errors: a map or list; a name with `=`; a NUL byte.
fn variable(key: &str, value: &Value) -> Outcome<Secret> {
    let text = match value {
        Value::Map(_) | Value::List(_) => {
            return Err(Fault::failed(format!(
                "cannot use complex value in environment; offending key {key}"
            )));
        }
        _ if key.contains('=') => {
            return Err(Fault::failed(format!("cannot use keys with '=' in environment: {key}")));
        }
        Value::Null => Secret::from("<nil>"),
        Value::Str(text) => text.clone(),
        other => as_dotenv(other)?,
    };
    if key.is_empty() || key.contains('\0') || text.expose().contains(&0) {
        return Err(Fault::failed(format!("cannot be a variable of the environment: {key:?}")));
    }
    Ok(text)
}

/// A number, truth value or time as dotenv has it.
fn as_dotenv(value: &Value) -> Outcome<Secret> {
    let line = Plain::new(Map::new().with("v", value.clone())).emit(Format::Dotenv)?;
    let text = line.expose().strip_prefix(b"v=").and_then(|line| line.strip_suffix(b"\n"));
    Ok(text.map(Secret::from).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_in_dotenv() {
        let text = |value: Value| variable("A", &value).unwrap().expose_str().map(str::to_owned);
        for (value, wanted) in [
            (Value::Int(3), "3"),
            (Value::Float(1.0), "1.0"),
            (Value::Bool(true), "true"),
            (Value::Null, "<nil>"),
            ("a\nb".into(), "a\nb"),
        ] {
            assert_eq!(text(value).as_deref(), Some(wanted));
        }
        for (key, value) in
            [("A", Value::List(vec![])), ("A=B", "x".into()), ("A", "a\0".into()), ("", "x".into())]
        {
            assert!(variable(key, &value).is_err(), "{key}");
        }
    }
}
