//! `sops encrypt`, and `sops -e`: a file in clear becomes an encrypted one.

use super::Command;
use super::call::Call;
use super::code::Code;
use super::decrypt::one_output;
use super::fault::{Fault, Outcome};
use super::files::Source;
use super::open::not_dumped;
use super::tables::{
    CONTEXT, FILENAME_OVERRIDE, IN_PLACE, INPUT_TYPE, KEYS, KEYSERVICE, LOCAL, OUTPUT, OUTPUT_TYPE, RULES,
    THRESHOLD,
};
use crate::error::Error;
use crate::secret::Secret;
use crate::sops::{Encrypted, Format, Plain};

pub(super) const COMMAND: Command = Command {
    name: "encrypt",
    words: "[FILE]",
    about: "Encrypt a file; without FILE, standard input, which --filename-override gives a name",
    more: "Who reads it is said by the flags, or by the first rule of .sops.yaml that is for its path.",
    flags: &[
        &[IN_PLACE, OUTPUT],
        KEYS,
        &[INPUT_TYPE, OUTPUT_TYPE],
        RULES,
        &[CONTEXT, THRESHOLD, FILENAME_OVERRIDE, LOCAL, KEYSERVICE],
    ],
    below: &[],
    run,
};

/// What sops says of a file that has a place where its metadata would go.
const ENCRYPTED_ALREADY: &str = "\
The file you have provided contains a top-level entry called 'sops', or for
flat file formats top-level entries starting with 'sops_'. This is generally
due to the file already being encrypted: the name is kept for the metadata
that is needed to decrypt a file.

If this is an unencrypted file, rename the 'sops' entry.

If this is an encrypted file and you want to edit it, use the editor mode,
for example: `sops edit my_file.yaml`";

fn run(call: &Call<'_>) -> Outcome<()> {
    if call.words().is_empty() {
        let wrong = if call.is_on("in-place") {
            "Error: cannot use --in-place when reading from stdin"
        } else if call.text("filename-override").is_empty() {
            "Error: must specify --filename-override when reading from stdin"
        } else {
            ""
        };
        if !wrong.is_empty() {
            return Err(Fault::new(Code::Conflict, wrong));
        }
    }
    call.only_one_word()?;
    one_output(call)?;
    let source = call.source(true)?;
    let _turn = call.turn(&source)?;
    let bytes = encrypted(call, &source)?;
    call.write(&source, call.is_on("in-place"), &bytes)
}

/// The encrypted file that becomes of one in clear.
pub(super) fn encrypted(call: &Call<'_>, source: &Source) -> Outcome<Vec<u8>> {
    let input = call.format("input-type", &source.name);
    let output = call.format("output-type", &source.name);
    let stores = call.stores(output)?;
    let new = call.new_file(&source.name, input)?;
    let text = source.read()?;
    let is_encrypted = input == Format::Binary && Encrypted::parse(text.expose(), input).is_ok();
    let plain = parse(text, input)?.laid_out(stores);
    check(&plain, output)?;
    if is_encrypted {
        return Err(Fault::new(Code::Encrypted, ENCRYPTED_ALREADY));
    }
    let sealed = new.seal(call, &plain, output).map_err(|fault| match plain.emit(output) {
        // sops finds what this format cannot hold only when it writes
        Err(error) if matches!(output, Format::Dotenv | Format::Ini) => {
            not_dumped("Could not marshal tree: ")(error)
        }
        _ => fault,
    })?;
    drop(plain);
    emit(sealed)
}

/// Reads documents in clear.
pub(super) fn parse(text: Secret, format: Format) -> Outcome<Plain> {
    if text.is_empty() && format == Format::Yaml {
        return Err(no_document());
    }
    Plain::take(text, format)
        .map_err(|error| Fault::of(code_of(&error), "Error unmarshalling file: ", &error))
}

/// What sops finds only when it encrypts, we find when we read.
fn code_of(error: &Error) -> Code {
    let found_late = ["a name must be a string", "cannot keep whole numbers above"];
    if found_late.iter().any(|part| error.message().contains(part)) { Code::EncryptTree } else { Code::Read }
}

/// Checks that documents can be encrypted at all: that there is one (92), and that no name is where the metadata goes
/// (203).
pub(super) fn check(plain: &Plain, output: Format) -> Outcome<()> {
    if plain.documents() == 0 {
        return Err(no_document());
    }
    match plain.reserved(output) {
        None => Ok(()),
        Some(_) => Err(Fault::new(Code::Encrypted, ENCRYPTED_ALREADY)),
    }
}

fn no_document() -> Fault {
    Fault::new(Code::NoDocument, "File cannot be completely empty, it must contain at least one document")
}

/// The bytes of an encrypted file.
pub(super) fn emit(file: Encrypted) -> Outcome<Vec<u8>> {
    file.into_bytes().map_err(not_dumped("Could not marshal tree: "))
}
