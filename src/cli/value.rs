//! A value as it is given on the command line: typed unseen, from standard input, or from a file.

use super::context::Context;
use super::json;
use super::prompt::Terminal;
use crate::error::{Error, Result};
use crate::fs;
use crate::secret::Secret;
use crate::sops::Value;
use crate::vars::Prompter;
use std::io::IsTerminal as _;
use std::path::Path;

/// Reads a value. `name` is what a person is asked for.
pub(super) fn read(context: &Context, file: Option<&Path>, as_json: bool, name: &str) -> Result<Value> {
    let text = match file {
        Some(file) if file != Path::new("-") => {
            let path = context.typed(file);
            fs::read_source(&path)?.ok_or_else(|| Error::new("no such file").at(&path))?.secret
        }
        None if std::io::stdin().is_terminal() => Terminal::open()?.hidden(&format!("{name}: "))?,
        _ => standard_input(fs::LIMIT)?,
    };
    let place = file.filter(|file| *file != Path::new("-")).unwrap_or(Path::new("standard input"));
    if as_json { json::read(&text).map_err(|error| error.at(place)) } else { Ok(Value::Str(one_line(text))) }
}

/// All of standard input, which may have so many bytes.
pub(super) fn standard_input(limit: u64) -> Result<Secret> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let bytes = Secret::read(std::io::stdin().lock(), most.saturating_add(1))
        .map_err(|error| Error::new("cannot read standard input").because(error))?;
    if bytes.len() > most {
        return Err(Error::new(format!("standard input has more than {} MiB", limit >> 20)));
    }
    Ok(bytes)
}

/// One line without its line end; several lines as they are.
fn one_line(text: Secret) -> Secret {
    let bytes = text.expose();
    let line = bytes.strip_suffix(b"\r\n").or_else(|| bytes.strip_suffix(b"\n"));
    match line {
        Some(line) if !line.contains(&b'\n') => Secret::from(line),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_loses_its_end_and_many_keep_theirs() {
        for (text, kept) in
            [("a\n", "a"), ("a\r\n", "a"), ("a", "a"), ("a\nb\n", "a\nb\n"), ("\n", ""), ("", "")]
        {
            assert_eq!(one_line(Secret::from(text)).expose(), kept.as_bytes(), "{text:?}");
        }
    }
}
