//! `sops unset`: one value goes out of an encrypted file.

use super::Command;
use super::call::Call;
use super::code::Code;
use super::encrypt::emit;
use super::fault::{Fault, Outcome};
use super::files;
use super::set::update;
use super::tables::{IDEMPOTENT, IGNORE_MAC, INPUT_TYPE, KEYSERVICE, LOCAL, ORDER, OUTPUT_TYPE, THRESHOLD};
use super::tree_path::{TreePath, go_type};
use crate::sops::{Step, Value};

pub(super) const COMMAND: Command = Command {
    name: "unset",
    words: "FILE PATH",
    about: "Take a value out of an encrypted file: sops unset FILE '[\"key\"][0]'",
    more: "",
    flags: &[&[INPUT_TYPE, OUTPUT_TYPE, THRESHOLD, IGNORE_MAC, ORDER, IDEMPOTENT, LOCAL, KEYSERVICE]],
    below: &[],
    run,
};

fn run(call: &Call<'_>) -> Outcome<()> {
    if call.words().len() != 2 {
        return Err(Fault::new(Code::NoFile, "Error: no file specified, or index is missing"));
    }
    let source = call.named(Some(call.absolute(call.word(0))));
    let output = call.format("output-type", &source.name);
    let stores = call.stores(output)?;
    let path = TreePath::parse(call.word(1))
        .map_err(|_| Fault::new(Code::SetFormat, "Invalid unset index format"))?;
    call.check_order()?;
    let _turn = source.path.as_deref().map(files::turn).transpose()?;
    let opened = call.open(&source, call.format("input-type", &source.name))?;
    if path.is_root() {
        return Err(Fault::failed("the path is empty, and the document itself cannot be taken out"));
    }
    if let Some((there, step)) = path.dead_end(&opened.plain) {
        let (missing, why) = no_way(&there, step);
        return if missing && call.is_on("idempotent") { Ok(()) } else { Err(Fault::failed(why)) };
    }
    let mut plain = opened.plain.clone().laid_out(stores);
    plain.unset(&path.key_path())?;
    let file = opened.file.laid_out(stores).of_format(output);
    let bytes = emit(update(call, &file, &plain, &opened.key)?)?;
    source.path.as_ref().map_or(Ok(()), |path| call.write_back(path, &bytes))
}

/// Whether a value is only missing, and what sops says of it.
fn no_way(there: &Value, step: &Step) -> (bool, String) {
    let named = match step {
        Step::Key(name) | Step::Either(_, name) => name.clone(),
        Step::Index(index) => index.to_string(),
    };
    match (there, step) {
        (Value::Map(_), _) => (true, format!("Key not found: {named}")),
        (Value::List(_), Step::Index(_)) => (true, format!("Index {named} out of bounds")),
        (Value::List(_), _) => (false, format!("'{named}' is a name, and what is there is a list")),
        (other, _) => (false, format!("Unsupported type: {} for item '{named}'", go_type(other))),
    }
}
