//! `sops decrypt`, and `sops -d`: a file in clear, or one value of it.

use super::Command;
use super::call::Call;
use super::code::Code;
use super::fault::{Fault, Outcome};
use super::files::Source;
use super::open::not_dumped;
use super::tables::{
    EXTRACT, FILENAME_OVERRIDE, IGNORE_MAC, IN_PLACE, INPUT_TYPE, KEYSERVICE, LOCAL, ORDER, OUTPUT,
    OUTPUT_TYPE,
};
use super::tree_path::{TreePath, go_type};
use crate::secret::Secret;
use crate::sops::{Format, Plain, Step, Value};

pub(super) const COMMAND: Command = Command {
    name: "decrypt",
    words: "[FILE]",
    about: "Print a file in clear; without FILE, standard input",
    more: "Standard input has no name: give --filename-override, or both --input-type and --output-type.",
    flags: &[&[
        IN_PLACE,
        EXTRACT,
        OUTPUT,
        INPUT_TYPE,
        OUTPUT_TYPE,
        IGNORE_MAC,
        FILENAME_OVERRIDE,
        ORDER,
        LOCAL,
        KEYSERVICE,
    ]],
    below: &[],
    run,
};

fn run(call: &Call<'_>) -> Outcome<()> {
    if call.words().is_empty() && call.is_on("in-place") {
        return Err(Fault::new(Code::Conflict, "Error: cannot use --in-place when reading from stdin"));
    }
    call.only_one_word()?;
    one_output(call)?;
    let source = call.source(true)?;
    let _turn = call.turn(&source)?;
    let text = decrypted(call, &source)?;
    call.write(&source, call.is_on("in-place"), text.expose())
}

/// Checks that the result has one place to go to.
pub(super) fn one_output(call: &Call<'_>) -> Outcome<()> {
    if call.is_on("in-place") && !call.text("output").is_empty() {
        return Err(Fault::new(Code::Conflict, "Error: cannot operate on both --output and --in-place"));
    }
    Ok(())
}

/// What a file holds in clear, or what stands at one path of it.
pub(super) fn decrypted(call: &Call<'_>, source: &Source) -> Outcome<Secret> {
    let format = call.format("input-type", &source.name);
    let output = call.format("output-type", &source.name);
    // a broken configuration is told before anything else
    let stores = call.stores(output)?;
    call.check_order()?;
    let path = TreePath::parse(call.text("extract"))
        .map_err(|why| Fault::new(Code::TreePath, format!("error parsing --extract path: {why}")))?;
    let plain = call.plain(source, format)?.laid_out(stores);
    if path.is_root() {
        return plain.into_text(output).map_err(not_dumped("Error dumping file: "));
    }
    extracted(&plain, &path, output)
}

fn extracted(plain: &Plain, path: &TreePath, output: Format) -> Outcome<Secret> {
    if let Some((there, step)) = path.dead_end(plain) {
        return Err(Fault::failed(format!("error truncating tree: {}", no_way(&there, step))));
    }
    let place = path.key_path();
    if let Some(part) = plain.below(&place) {
        return part.into_text(output).map_err(not_dumped("Error dumping file: "));
    }
    let no_form = |why: String| Err(Fault::new(Code::Dump, format!("Error dumping tree: {why}")));
    match (plain.get(&place), output) {
        (Some(Value::Str(text)), _) => Ok(text),
        (Some(value), Format::Dotenv) => {
            no_form(format!("the dotenv store only supports emitting strings, got {}", go_type(&value)))
        }
        (_, Format::Binary) => {
            no_form("a file of bytes has no values to extract; try --output-type yaml".to_owned())
        }
        // INI has no text for some
        _ => {
            let format = if output == Format::Ini { Format::Json } else { output };
            plain.emit_at(&place, format).map_err(not_dumped("Error dumping tree: "))
        }
    }
}

/// Why a step leads nowhere.
fn no_way(there: &Value, step: &Step) -> String {
    match (there, step) {
        (Value::Map(_), Step::Key(name) | Step::Either(_, name)) => format!("component ['{name}'] not found"),
        (Value::List(_), Step::Index(index)) => format!("component [{index}] accesses out of bounds"),
        (_, Step::Index(index)) => format!("component [{index}] is integer, but tree part is not a slice"),
        (other, Step::Key(name) | Step::Either(_, name)) => {
            format!("component ['{name}'] is a name, but the tree part is {}", go_type(other))
        }
    }
}
