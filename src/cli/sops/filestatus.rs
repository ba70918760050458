//! `sops filestatus`: whether a file is encrypted, as a line of JSON.

use super::Command;
use super::call::Call;
use super::code::Code;
use super::fault::{Fault, Outcome};
use super::files;
use super::tables::INPUT_TYPE;
use crate::sops::{Encrypted, Format, is_not_encrypted};
use std::path::Path;

pub(super) const COMMAND: Command = Command {
    name: "filestatus",
    words: "FILE",
    about: "Say whether a file is encrypted: {\"encrypted\":true} or {\"encrypted\":false}",
    more: "",
    flags: &[&[INPUT_TYPE]],
    below: &[],
    run,
};

fn run(call: &Call<'_>) -> Outcome<()> {
    if call.words().is_empty() {
        return Err(Fault::new(Code::NoFile, "Error: no file specified"));
    }
    call.read_config()?;
    let encrypted = is_encrypted(call).map_err(|fault| {
        fault.behind("cannot check file status: cannot load encrypted file: ").into_logged()
    })?;
    files::print(format!("{{\"encrypted\":{encrypted}}}\n").as_bytes())
}

fn is_encrypted(call: &Call<'_>) -> Outcome<bool> {
    let typed = Path::new(call.word(0));
    let bytes = files::read(&call.context.path(typed), typed)?;
    let format = call.format("input-type", typed);
    if bytes.expose().is_empty() && format == Format::Yaml {
        // a file without a document has no metadata
        return Ok(false);
    }
    match Encrypted::parse(bytes.expose(), format) {
        Ok(file) => Ok(file.has_mac()),
        Err(error) if is_not_encrypted(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
