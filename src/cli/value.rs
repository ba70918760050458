//! A value as it is given on the command line: typed unseen, from standard input, or from a file.

use super::context::Context;
use super::prompt::Terminal;
use crate::error::{Error, Result};
use crate::fs;
use crate::secret::Secret;
use crate::sops::{Map, Value};
use crate::vars::Prompter;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use zeroize::Zeroizing;

/// Reads a value. `name` is what a person is asked for.
pub(super) fn read(context: &Context, file: Option<&Path>, json: bool, name: &str) -> Result<Value> {
    let text = match file {
        Some(file) if file != Path::new("-") => {
            let path = context.path(file);
            Secret::new(fs::read(&path)?.ok_or_else(|| Error::new("no such file").at(&path))?)
        }
        None if std::io::stdin().is_terminal() => Terminal::open()?.hidden(&format!("{name}: "))?,
        _ => standard_input()?,
    };
    if json { of_json(&text) } else { Ok(Value::Str(one_line(text))) }
}

/// All of standard input.
pub(super) fn standard_input() -> Result<Secret> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    std::io::stdin()
        .lock()
        .take(fs::LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::new("cannot read standard input").because(error))?;
    if bytes.len() as u64 > fs::LIMIT {
        return Err(Error::new(format!("standard input has more than {} MiB", fs::LIMIT >> 20)));
    }
    Ok(Secret::new(std::mem::take(&mut *bytes)))
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

fn of_json(text: &Secret) -> Result<Value> {
    let value: serde_json::Value = serde_json::from_slice(text.expose()).map_err(|error| {
        // the parser's own words may quote the value
        Error::new("the value is not JSON").position(
            u32::try_from(error.line()).unwrap_or(u32::MAX),
            u32::try_from(error.column()).unwrap_or(u32::MAX),
        )
    })?;
    native(value)
}

fn native(value: serde_json::Value) -> Result<Value> {
    Ok(match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(flag),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(other)) if number.as_u64().is_none() => Value::Float(other),
            _ => return Err(Error::new("the number is too large for sops: its whole numbers have 64 bits")),
        },
        serde_json::Value::String(text) => Value::Str(Secret::from(text)),
        serde_json::Value::Array(list) => Value::List(list.into_iter().map(native).collect::<Result<_>>()?),
        serde_json::Value::Object(map) => {
            let mut values = Map::new();
            for (key, value) in map {
                values.set(key, native(value)?);
            }
            Value::Map(values)
        }
    })
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

    #[test]
    fn json_is_typed_and_its_errors_quote_nothing() {
        assert_eq!(of_json(&"3".into()).unwrap(), Value::Int(3));
        assert_eq!(
            of_json(&"[true, null]".into()).unwrap(),
            Value::List(vec![Value::Bool(true), Value::Null])
        );
        assert!(of_json(&"18446744073709551615".into()).is_err());
        let error = of_json(&"hunter2".into()).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
