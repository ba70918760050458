//! `uvars edit`: an encrypted file in an editor.

use super::child;
use super::context::Context;
use super::creation::Creation;
use super::document::{Document, Opened};
use super::exit::Exit;
use super::scratch::Scratch;
use super::store;
use super::ui::Ui;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::sops::{BINDING_KEY, Format, KeyPath, Mac, Plain};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{BufRead as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Edit an encrypted file in your editor
///
/// The plaintext lies in memory (XDG_RUNTIME_DIR or /dev/shm), in a folder of yours that goes when the editor ends,
/// however it ends. The editor is SOPS_EDITOR, VISUAL or EDITOR, else vi. Values that were not changed keep their
/// ciphertext; without a change nothing is written. A text that cannot be read again is opened again.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// A path, or a short name: users/jon, hosts/web1, shared/wifi
    file: String,
    /// Open the file even if its MAC does not fit
    #[arg(long)]
    ignore_mac: bool,
}

/// Edits.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let document = Document::locate(context, &arguments.file)?;
    let format = document.format()?;
    let mac = if arguments.ignore_mac { Mac::Ignore } else { Mac::Check };
    let opened = if document.read()?.is_some() {
        Some(document.open(&context.keyring(), mac)?)
    } else {
        // before anything is typed: somebody must be able to read it
        Creation::of(&document)?;
        None
    };
    let bound = document.bound_path().is_some();
    let text = match &opened {
        Some(opened) => shown_text(opened, bound, format)?,
        None => Secret::default(),
    };
    let scratch = Scratch::make(context)?;
    let file = scratch.path().join(file_name(document.shown()));
    put(&file, &text)?;
    let Some(edited) = until_it_reads(context, ui, &file, &text, format)? else {
        ui.note("nothing was changed");
        return Ok(Exit::Done);
    };
    drop(scratch);
    finish(context, ui, &document, opened.as_ref(), edited)
}

/// The text that is edited: without the binding, which is ours.
fn shown_text(opened: &Opened, bound: bool, format: Format) -> Result<Secret> {
    if !bound {
        return opened.plain.emit(format);
    }
    let mut plain = opened.plain.clone();
    plain.unset(&KeyPath::of_keys([BINDING_KEY]))?;
    plain.emit(format)
}

/// Opens the editor until the text can be read, or was not changed.
fn until_it_reads(
    context: &Context,
    ui: &mut Ui,
    file: &Path,
    before: &Secret,
    format: Format,
) -> Result<Option<Plain>> {
    loop {
        run_editor(context, file)?;
        let text =
            crate::fs::read(file)?.map(Secret::new).ok_or_else(|| Error::new("the editor left no file"))?;
        if text == *before {
            return Ok(None);
        }
        match Plain::parse(text.expose(), format).and_then(refuse_binding) {
            Ok(plain) => return Ok(Some(plain)),
            Err(error) => ui.error(&error),
        }
        ui.note("press Enter to edit it again, or Ctrl-C to give up what was typed");
        let mut line = String::new();
        let read = std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|error| Error::new("cannot ask").because(error))?;
        if read == 0 {
            return Err(Error::new(
                "the edited text cannot be read, and nobody can be asked; nothing was written",
            ));
        }
    }
}

fn refuse_binding(plain: Plain) -> Result<Plain> {
    if plain.binding().is_some() {
        return Err(
            Error::new("says where the file belongs, and is written by uvars itself").key(BINDING_KEY)
        );
    }
    Ok(plain)
}

fn finish(
    context: &Context,
    ui: &mut Ui,
    document: &Document,
    opened: Option<&Opened>,
    mut edited: Plain,
) -> Result<Exit> {
    let Some(opened) = opened else {
        store::create(context, ui, document, edited, false)?;
        return Ok(Exit::Done);
    };
    if let Some(path) = document.bound_path() {
        edited.bind(path)?;
    }
    edited.keep_ciphertext_of(&opened.plain);
    store::save(context, ui, document, opened, &edited, false)?;
    Ok(Exit::Done)
}

/// Lets the shell split the editor's words, as git and others do.
fn run_editor(context: &Context, file: &Path) -> Result<()> {
    let editor = ["SOPS_EDITOR", "VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| context.variable(name))
        .unwrap_or_else(|| OsString::from("vi"));
    let mut script = editor.clone();
    script.push(" \"$@\"");
    let name = editor.to_string_lossy().into_owned();
    let cannot = |error: std::io::Error| Error::new(format!("cannot start the editor {name}")).because(error);
    let child =
        Command::new("/bin/sh").arg("-c").arg(script).arg(&editor).arg(file).spawn().map_err(cannot)?;
    let status = child::wait(child, &name)?;
    if status.success() {
        return Ok(());
    }
    Err(Error::new(format!("the editor {name} failed with {status}; nothing was written"))
        .hint("choose another one: EDITOR=… uvars edit …"))
}

fn file_name(shown: &str) -> PathBuf {
    Path::new(shown).file_name().map_or_else(|| PathBuf::from("file.yaml"), PathBuf::from)
}

fn put(file: &Path, text: &Secret) -> Result<()> {
    let failed = |error| Error::io("write", file, error);
    let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    open.write_all(text.expose()).map_err(failed)
}
