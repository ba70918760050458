//! `sops edit`, and sops with a file alone: an encrypted file in an editor, or a new one.

use super::Command;
use super::call::Call;
use super::code::Code;
use super::encrypt::{self, check, emit};
use super::fault::{Fault, Outcome};
use super::files::{self, Source};
use super::log::{self, Level};
use super::new_file::NewFile;
use super::open::{Opened, not_dumped};
use super::set::update;
use super::tables::{
    CONTEXT, IGNORE_MAC, INPUT_TYPE, KEYS, KEYSERVICE, LOCAL, ORDER, OUTPUT_TYPE, RULES, SHOW_KEYS, THRESHOLD,
};
use crate::cli::child;
use crate::cli::edit::{PATIENCE, entered, put};
use crate::cli::scratch::Scratch;
use crate::cli::signals::interrupted;
use crate::fs::Turn;
use crate::keys::split_words;
use crate::secret::Secret;
use crate::sops::{Encrypted, Format, KeyPath, Plain, Stores, Value};
use std::ffi::OsString;
use std::path::Path;
use std::process;

pub(super) const COMMAND: Command = Command {
    name: "edit",
    words: "FILE",
    about: "Edit an encrypted file in your editor, or make a new one",
    more: "The editor is SOPS_EDITOR or EDITOR, else vim, nano or vi. The file in clear lies in memory, in a folder that \
           goes when the editor ends. Values that are not changed keep their ciphertext; without a change nothing is \
           written, and the exit code is 200.",
    flags: &[
        KEYS,
        &[INPUT_TYPE, OUTPUT_TYPE],
        RULES,
        &[CONTEXT, THRESHOLD, SHOW_KEYS, IGNORE_MAC, ORDER, LOCAL, KEYSERVICE],
    ],
    below: &[],
    run,
};

/// What is said where a text cannot be kept.
const AGAIN: &str = "Press enter to return to the editor, or Ctrl+C to exit.";

fn run(call: &Call<'_>) -> Outcome<()> {
    if call.words().is_empty() {
        return Err(Fault::new(Code::NoFile, "Error: no file specified"));
    }
    call.only_one_word()?;
    legacy(call, &call.named(Some(call.absolute(call.word(0)))))
}

/// Edits the file.
pub(super) fn legacy(call: &Call<'_>, source: &Source) -> Outcome<()> {
    let Some(path) = &source.path else { return Ok(()) };
    let input = call.format("input-type", &source.name);
    let output = call.format("output-type", &source.name);
    let stores = call.stores(output)?;
    call.check_order()?;
    let (before, base) = read(call, source, input)?;
    let shows_keys = call.is_on("show-master-keys");
    let mut edit = Edit { call, source, before, base, input, output, stores, shows_keys };
    let name = path.file_name().map_or_else(|| "file".into(), std::ffi::OsStr::to_owned);
    let (file, _turn) = edit.until_it_can_be_kept(Path::new(&name))?;
    let bytes = emit(file)?;
    call.write_back(path, &bytes)
}

/// Opens the file, or finds out what a new one is made with; and the bytes that it has.
fn read(call: &Call<'_>, source: &Source, input: Format) -> Outcome<(Option<Secret>, Base)> {
    if source.path.as_ref().is_some_and(|path| path.metadata().is_ok()) {
        let bytes = source.read()?;
        return Ok((Some(bytes), Base::File(Box::new(call.open(source, input)?))));
    }
    Ok((None, Base::New(call.new_file(&source.name, input)?)))
}

/// What an edit begins with.
enum Base {
    File(Box<Opened>),
    New(NewFile),
}

struct Edit<'a, 'c> {
    call: &'a Call<'c>,
    source: &'a Source,
    /// What the file was when it was opened; nothing where there was none.
    before: Option<Secret>,
    base: Base,
    input: Format,
    output: Format,
    stores: Stores,
    shows_keys: bool,
}

impl Edit<'_, '_> {
    /// Has the text edited until it can be encrypted, and then waits for the turn to write it.
    ///
    /// Errors: nothing was changed (200); the editor failed (201); a text that cannot be kept, and nobody to be asked.
    fn until_it_can_be_kept(&mut self, name: &Path) -> Outcome<(Encrypted, Option<Turn>)> {
        let shown = self.shown()?;
        let scratch = Scratch::make(self.call.context)?;
        let file = scratch.path().join(name);
        put(&file, &shown)?;
        loop {
            self.run_editor(&file)?;
            let unread = |why: String| {
                Fault::new(Code::Read, format!("Could not hash file: {why}; nothing was written"))
            };
            let text = crate::fs::read_up_to(&file, crate::fs::LIMIT_ELSEWHERE)
                .map_err(|error| unread(error.to_string()))?
                .map(Secret::new)
                .ok_or_else(|| unread("the editor left no file".to_owned()))?;
            if text == shown {
                return Err(Fault::new(Code::Unchanged, "File has not changed, exiting."));
            }
            match self.kept(&shown, &text).and_then(|file| Ok((file, self.turn()?))) {
                Ok((_, turn)) if self.was_changed()? => {
                    (self.before, self.base) = read(self.call, self.source, self.input)?;
                    // others go on while a person looks at it
                    drop(turn);
                    let said = "The file was changed by somebody else meanwhile; saved once more, your text takes the \
                                place of theirs.";
                    log::line(Level::Error, &format!("{said} {AGAIN}"), &[]);
                }
                Ok(kept) => return Ok(kept),
                Err((what, why)) => {
                    log::line(Level::Error, &format!("{what} {AGAIN}"), &[("error", &why.to_string())]);
                }
            }
            if !entered(&scratch)? {
                return Err(Fault::failed(
                    "the edited text cannot be kept, and nobody can be asked; nothing was written",
                ));
            }
        }
    }

    /// Waits until nobody else changes the file.
    fn turn(&self) -> Result<Option<Turn>, (&'static str, Fault)> {
        let turn = self.source.path.as_deref().map(files::turn).transpose();
        Ok(turn.map_err(|fault| ("The file cannot be written now.", fault))?.flatten())
    }

    /// Whether somebody else wrote the file since it was opened.
    fn was_changed(&self) -> Outcome<bool> {
        let is_there = self.source.path.as_ref().is_some_and(|path| path.metadata().is_ok());
        let now = is_there.then(|| self.source.read()).transpose()?;
        Ok(now != self.before)
    }

    /// What the editor is given.
    fn shown(&self) -> Outcome<Secret> {
        let dumped = not_dumped("Could not marshal tree: ");
        match &self.base {
            Base::New(_) => Ok(Secret::from(example(self.input))),
            Base::File(opened) if self.shows_keys => {
                if opened.plain.documents() > 1 {
                    return Err(Fault::failed("--show-master-keys is for files of one document"));
                }
                let file = opened.file.clone().laid_out(self.stores).of_format(self.output);
                file.emit_with(&opened.plain).map_err(dumped)
            }
            Base::File(opened) => {
                opened.plain.clone().laid_out(self.stores).emit(self.output).map_err(dumped)
            }
        }
    }

    /// Encrypts what was typed; else what to say about it.
    fn kept(&self, shown: &Secret, text: &Secret) -> Result<Encrypted, (&'static str, Fault)> {
        let unread = |fault| ("Could not load tree, probably due to invalid syntax.", fault);
        let invalid = |fault| ("Tree not valid for encryption.", fault);
        let mut plain = if self.shows_keys && matches!(self.base, Base::File(_)) {
            let (before, _) = without_metadata(shown, self.output).map_err(unread)?;
            let (after, plain) = without_metadata(text, self.output).map_err(unread)?;
            if before != after {
                let why = "keys and rules are not changed here, but by updatekeys and rotate";
                return Err(("SOPS metadata is invalid.", Fault::failed(why)));
            }
            plain
        } else {
            encrypt::parse(text.clone(), self.input).map_err(unread)?
        };
        check(&plain, self.output).map_err(invalid)?;
        match &self.base {
            Base::New(new) => new.seal(self.call, &plain.laid_out(self.stores), self.output).map_err(invalid),
            Base::File(opened) => {
                plain.keep_ciphertext_of(&opened.plain);
                let file = opened.file.clone().laid_out(self.stores).of_format(self.output);
                update(self.call, &file.with_release_raised(), &plain, &opened.key).map_err(invalid)
            }
        }
    }

    fn run_editor(&self, file: &Path) -> Outcome<()> {
        let failed = |why: String| Fault::new(Code::Editor, format!("Could not run editor: {why}"));
        let editor = self.editor().ok_or_else(|| {
            failed("there is none: set SOPS_EDITOR or EDITOR, or install vim, nano or vi".to_owned())
        })?;
        let name = editor.to_string_lossy().into_owned();
        let words = split_words(&name).map_err(|error| failed(error.to_string()))?;
        let [program, words @ ..] = words.as_slice() else {
            return Err(failed("SOPS_EDITOR or EDITOR says nothing but blanks".to_owned()));
        };
        let mut command = process::Command::new(program);
        command.args(words).arg(file);
        child::keep_ours(&mut command);
        let started = command.spawn().map_err(|error| failed(format!("{name}: {error}")))?;
        let ended = child::wait(started, &name, Some(PATIENCE))?;
        if let Some(signal) = ended.asked {
            return Err(interrupted(signal).into());
        }
        match (ended.status.success(), ended.status.code()) {
            (true, _) => Ok(()),
            (false, Some(code)) => Err(failed(format!("exit status {code}"))),
            (false, None) => Err(failed(ended.status.to_string())),
        }
    }

    fn editor(&self) -> Option<OsString> {
        let said = ["SOPS_EDITOR", "EDITOR"].into_iter().find_map(|name| self.call.context.variable(name));
        said.or_else(|| {
            let path = self.call.context.variable("PATH")?;
            let is_there =
                |name: &&str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
            ["vim", "nano", "vi"].into_iter().find(is_there).map(OsString::from)
        })
    }
}

/// Values at the top of a document, by their names.
type Named = Vec<(String, Option<Value>)>;

/// What stands where the metadata of a file goes, and the document without it.
fn without_metadata(text: &Secret, format: Format) -> Outcome<(Named, Plain)> {
    // the envelope of a file of bytes
    let format = if format == Format::Binary { Format::Json } else { format };
    let mut plain = encrypt::parse(text.clone(), format)?;
    let mut metadata = Vec::new();
    while let Some(name) = plain.reserved(format) {
        let path = KeyPath::of_keys([name.as_str()]);
        metadata.push((name, plain.get(&path)));
        plain.unset(&path)?;
    }
    Ok((metadata, plain))
}

/// What a new file begins with.
fn example(format: Format) -> &'static str {
    match format {
        Format::Yaml => {
            "# Write your values here. What is saved is encrypted.\nhello: world\nexample:\n    number: 1\n    list:\n        - a\n        - b\n"
        }
        Format::Json => "{\n\t\"hello\": \"world\",\n\t\"example\": {\n\t\t\"number\": 1\n\t}\n}\n",
        Format::Dotenv => "# Write your values here. What is saved is encrypted.\nHELLO=world\n",
        Format::Ini => "; Write your values here. What is saved is encrypted.\n[example]\nhello = world\n",
        _ => "Write what is to be encrypted here.\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_can_be_read() {
        for format in Format::ALL {
            assert!(Plain::parse(example(format).as_bytes(), format).is_ok(), "{format:?}");
        }
    }
}
