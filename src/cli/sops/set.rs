//! `sops set`, and `sops --set`: one value goes into an encrypted file.

use super::Command;
use super::call::Call;
use super::code::Code;
use super::encrypt::{check, emit};
use super::fault::{Fault, Outcome};
use super::files::{self, Source};
use super::tables::{IDEMPOTENT, IGNORE_MAC, INPUT_TYPE, KEYSERVICE, LOCAL, ORDER, OUTPUT_TYPE, THRESHOLD};
use super::tree_path::{TreePath, go_type, of_steps};
use crate::cli::value::standard_input;
use crate::secret::Secret;
use crate::sops::{Encrypted, Format, KeyPath, Map, Plain, Step, Value};
use std::path::Path;
use zeroize::Zeroizing;

use super::flags::{Flag, Kind};

const VALUE_FILE: Flag =
    Flag::new(&["value-file"], Kind::Switch(false), "VALUE names a file that holds the value");
const VALUE_STDIN: Flag = Flag::new(
    &["value-stdin"],
    Kind::Switch(false),
    "The value is read from standard input; VALUE is left out",
);

pub(super) const COMMAND: Command = Command {
    name: "set",
    words: "FILE PATH [VALUE]",
    about: "Set a value, which is JSON, in an encrypted file: sops set FILE '[\"key\"][0]' '\"value\"'",
    more: "Every process of the machine can see a value on a command line: --value-stdin and --value-file hide it.",
    flags: &[&[
        INPUT_TYPE,
        OUTPUT_TYPE,
        VALUE_FILE,
        VALUE_STDIN,
        THRESHOLD,
        IGNORE_MAC,
        ORDER,
        IDEMPOTENT,
        LOCAL,
        KEYSERVICE,
    ]],
    below: &[],
    run,
};

fn run(call: &Call<'_>) -> Outcome<()> {
    let (from_file, from_stdin) = (call.is_on("value-file"), call.is_on("value-stdin"));
    if from_file && from_stdin {
        return Err(Fault::failed("Error: cannot use both --value-file and --value-stdin"));
    }
    let wrong = match (from_stdin, call.words().len()) {
        (true, 2) | (false, 3) => None,
        (true, _) => Some(
            "Error: file specified, or index and value are missing. \
             Need precisely 2 positional arguments since --value-stdin is used.",
        ),
        (false, _) => Some(
            "Error: no file specified, or index and value are missing. Need precisely 3 positional arguments.",
        ),
    };
    if let Some(wrong) = wrong {
        return Err(Fault::new(Code::NoFile, wrong));
    }
    call.read_config()?;
    let path =
        TreePath::parse(call.word(1)).map_err(|_| Fault::new(Code::SetFormat, "Invalid set index format"))?;
    let value = if from_stdin {
        standard_input(crate::fs::LIMIT_ELSEWHERE)?
    } else if from_file {
        let typed = Path::new(call.word(2));
        files::read(&call.context.path(typed), typed)
            .map_err(|fault| Fault::failed(fault.to_string().trim_start_matches("Error reading file: ")))?
    } else {
        Secret::from(call.word(2))
    };
    call.check_order()?;
    let source = call.named(Some(call.absolute(call.word(0))));
    set(call, &source, &path, &json(&value)?, call.is_on("idempotent"))
}

/// `sops --set '["key"] "value"' FILE`.
pub(super) fn legacy(call: &Call<'_>, source: &Source) -> Outcome<()> {
    let wrong = || Fault::new(Code::SetFormat, "Invalid --set format");
    call.check_order()?;
    let (path, value) = call.text("set").split_once("] ").ok_or_else(wrong)?;
    let value = json(&Secret::from(value))?;
    let path = TreePath::parse(&format!("{path}]")).map_err(|_| wrong())?;
    set(call, source, &path, &value, false)
}

fn set(call: &Call<'_>, source: &Source, path: &TreePath, value: &Value, idempotent: bool) -> Outcome<()> {
    let input = call.format("input-type", &source.name);
    let output = call.format("output-type", &source.name);
    let stores = call.stores(output)?;
    let _turn = source.path.as_deref().map(files::turn).transpose()?;
    let opened = call.open(source, input)?;
    let mut plain = opened.plain.clone().laid_out(stores);
    let path = way(&mut plain, path)?;
    if idempotent && opened.plain.get(&path).as_ref() == Some(value) {
        return Ok(());
    }
    plain.set(&path, value).map_err(|error| Fault::failed(error.to_string()))?;
    check(&plain, output)?;
    let file = opened.file.laid_out(stores).of_format(output);
    let bytes = emit(update(call, &file, &plain, &opened.key)?)?;
    source.path.as_ref().map_or(Ok(()), |path| call.write_back(path, &bytes))
}

/// Encrypts changed documents into the file that they came from.
pub(super) fn update(
    call: &Call<'_>,
    file: &Encrypted,
    plain: &Plain,
    key: &crate::secret::DataKey,
) -> Outcome<Encrypted> {
    let now = call.context.now();
    let ignored = call.is_on("ignore-mac");
    let updated =
        if ignored { file.update_whatever_mac(plain, key, now) } else { file.update(plain, key, now) };
    updated.map_err(|error| Fault::of(Code::EncryptTree, "Error encrypting tree: ", &error))
}

/// The way to where a value goes: null on the way becomes a map or list, and a place behind the end of a list is the one
/// that comes next.
///
/// Errors: the document itself; a step that does not fit what is there.
fn way(plain: &mut Plain, path: &TreePath) -> Outcome<KeyPath> {
    if path.is_root() {
        return Err(Fault::failed("the path is empty, and the document itself cannot be set"));
    }
    let mut steps: Vec<Step> = Vec::new();
    for step in path.steps() {
        let here = of_steps(&steps);
        match (plain.get(&here), step) {
            (Some(Value::List(list)), Step::Index(index)) => {
                steps.push(Step::Index((*index).min(list.len())));
            }
            (Some(Value::Null), _) if !steps.is_empty() => {
                let empty = match step {
                    Step::Index(_) => Value::List(Vec::new()),
                    _ => Value::Map(Map::new()),
                };
                plain.set(&here, &empty)?;
                steps.push(if matches!(step, Step::Index(_)) { Step::Index(0) } else { step.clone() });
            }
            (Some(Value::Map(_)) | None, Step::Key(_)) => steps.push(step.clone()),
            (None, _) => steps.push(Step::Index(0)),
            (Some(there), step) => {
                let step = of_steps(std::slice::from_ref(step));
                let place = if here.is_root() { "the document".to_owned() } else { here.to_string() };
                return Err(Fault::failed(format!(
                    "{place} is {}, and cannot be gone into by {step}; nothing was changed",
                    go_type(&there)
                )));
            }
        }
    }
    Ok(of_steps(&steps))
}

/// A value as `set` takes it: JSON, but no list; a number that stands alone has a fraction, as in sops.
fn json(text: &Secret) -> Outcome<Value> {
    let invalid = || Fault::new(Code::SetFormat, "Value for --set is not valid JSON");
    let text = text.expose().trim_ascii();
    match text.first() {
        Some(b'{') => {
            serde_json::from_slice::<serde::de::IgnoredAny>(text).map_err(|_| invalid())?;
            let plain = Plain::parse(text, Format::Json)
                .map_err(|_| Fault::new(Code::SetFormat, "Invalid --set value format"))?;
            Ok(Value::Map(plain.to_map()))
        }
        Some(b'[') => {
            serde_json::from_slice::<serde::de::IgnoredAny>(text).map_err(|_| invalid())?;
            Err(Fault::new(Code::SetFormat, "Invalid --set value format"))
        }
        Some(b'"') => {
            let text: Zeroizing<String> =
                serde_json::from_slice::<String>(text).map(Zeroizing::new).map_err(|_| invalid())?;
            Ok(Value::Str(Secret::from(text.as_str())))
        }
        _ => match serde_json::from_slice(text).map_err(|_| invalid())? {
            serde_json::Value::Null => Ok(Value::Null),
            serde_json::Value::Bool(flag) => Ok(Value::Bool(flag)),
            serde_json::Value::Number(number) => number.as_f64().map(Value::Float).ok_or_else(invalid),
            _ => Err(invalid()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_and_no_lists() {
        let read = |text: &str| json(&Secret::from(text)).map_err(|fault| fault.to_string());
        assert_eq!(read(" \"a\\nb\" "), Ok("a\nb".into()));
        assert_eq!(read("1"), Ok(Value::Float(1.0)));
        assert_eq!(read("null"), Ok(Value::Null));
        assert_eq!(read("{\"a\": [1]}"), Ok(Map::new().with("a", Value::List(vec![Value::Int(1)])).into()));
        for (text, wrong) in [
            ("[1]", "Invalid --set value format"),
            ("[1", "Value for --set is not valid JSON"),
            ("{", "Value for --set is not valid JSON"),
            ("{} x", "Value for --set is not valid JSON"),
            ("hunter2", "Value for --set is not valid JSON"),
            ("", "Value for --set is not valid JSON"),
        ] {
            assert_eq!(read(text), Err(wrong.to_owned()), "{text}");
        }
    }

    #[test]
    fn ways_go_into_what_is_there() {
        let mut plain = Plain::parse(b"a: null\nl: [1]\ns: x\n", Format::Yaml).unwrap();
        let mut way = |text: &str| {
            let path = TreePath::parse(text).unwrap();
            super::way(&mut plain, &path).map(|path| path.to_string()).map_err(|fault| fault.to_string())
        };
        assert_eq!(way("[\"l\"][9]"), Ok("l.1".into()));
        assert_eq!(way("[\"n\"][3][\"b\"]"), Ok("n.0.b".into()));
        assert_eq!(way("[\"a\"][\"b\"]"), Ok("a.b".into()));
        assert!(way("[\"s\"][\"b\"]").unwrap_err().starts_with("s is string"));
        assert!(way("[\"l\"][\"b\"]").is_err() && way("[0]").is_err() && way("").is_err());
    }
}
