//! `uvars edit`: an encrypted file in an editor.

use super::account::{keep_account, refuse_no_hash};
use super::child;
use super::context::Context;
use super::creation::Creation;
use super::document::{Document, Opened};
use super::exit::Exit;
use super::format::Input;
use super::scratch::Scratch;
use super::signals::interrupted;
use super::store;
use super::ui::Ui;
use crate::custody::Saved;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::sops::{BINDING_KEY, KeyPath, Mac, Plain};
use crate::vars::field::HASH;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{BufRead as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long an editor may take to end once it was asked to; then its folder goes all the same.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long a wait for a line lasts before signals are looked at.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Edit an encrypted file in your editor
///
/// The plaintext lies in memory (XDG_RUNTIME_DIR or /dev/shm), in a folder of yours that goes when the editor ends,
/// however that ends, and on signals. After SIGKILL, which ends uvars itself at once, it stays until the editor has ended
/// and the next `edit` or `exec --files` takes it away. The editor is SOPS_EDITOR, VISUAL or EDITOR, else vi. Values that were not changed keep their
/// ciphertext; without a change nothing is written. A text that cannot be kept is opened again.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// A path, or a short name: users/jon, hosts/web1, shared/wifi
    file: String,
    /// Open the file even if its MAC does not fit
    #[arg(long)]
    ignore_mac: bool,
    #[command(flatten)]
    input: Input,
}

/// Edits.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let document = Document::locate(context, &arguments.file)?.of_type(arguments.input.input_type)?;
    let mac = if arguments.ignore_mac { Mac::Ignore } else { Mac::Check };
    let mut base = Base::read(context, &document, mac)?;
    match &base.opened {
        Some(opened) => opened.warn_of_clear_comments(ui),
        // before anything is typed: somebody must be able to read it
        None => Creation::of(&document)?.warn(ui, &document),
    }
    let scratch = Scratch::make(context)?;
    let file = scratch.path().join(file_name(document.shown()));
    put(&file, &base.text)?;
    let (saved, held) = loop {
        run_editor(context, &file)?;
        let text = crate::fs::read_up_to(&file, crate::fs::LIMIT_ELSEWHERE)?
            .map(Secret::new)
            .ok_or_else(|| Error::new("the editor left no file; nothing was written"))?;
        if text == base.text {
            ui.note("nothing was changed");
            return Ok(Exit::Done);
        }
        let sealed = sealed(context, &document, base.opened.as_ref(), &text);
        match sealed.and_then(|sealed| Ok((sealed, store::hold(&document, false)?))) {
            Ok(((saved, lost), held)) if base.is_still(&document)? => {
                store::warn_of_lost_comments(ui, document.shown(), lost);
                break (saved, held);
            }
            Ok((_, held)) => {
                base = Base::read(context, &document, mac)?;
                // others go on while a person looks at it
                drop(held);
                ui.error(&changed(&document));
            }
            Err(error) => ui.error(&error),
        }
        ui.note("press Enter to edit it again, or Ctrl-C to give up what was typed");
        if !entered(&scratch)? {
            return Err(Error::new(
                "the edited text cannot be kept, and nobody can be asked; nothing was written",
            ));
        }
    };
    drop(scratch);
    if document.bound_path().is_some() {
        store::warn_of_clear_values(ui, &document, &saved);
    }
    match &base.opened {
        Some(opened) => store::put_back(ui, &document, opened, saved, held)?,
        None => store::write(ui, &document, saved, None, held)?,
    }
    Ok(Exit::Done)
}

/// What an edit begins with; it is read again where the file was changed meanwhile.
struct Base {
    opened: Option<Opened>,
    /// As it is shown: without the binding, which is ours.
    text: Secret,
}

impl Base {
    fn read(context: &Context, document: &Document, mac: Mac) -> Result<Self> {
        let format = document.format();
        if document.read()?.is_none() {
            return Ok(Self { opened: None, text: Secret::default() });
        }
        let opened = document.open(&context.key_services()?, mac)?;
        let mut plain = opened.plain.clone().laid_out(document.stores()?);
        if document.bound_path().is_some() {
            plain.unset(&KeyPath::of_keys([BINDING_KEY]))?;
        }
        Ok(Self { text: plain.emit(format)?, opened: Some(opened) })
    }

    fn is_still(&self, document: &Document) -> Result<bool> {
        Ok(document.read()?.as_deref() == self.opened.as_ref().map(|opened| opened.bytes.as_slice()))
    }
}

fn changed(document: &Document) -> Error {
    Error::new("was changed by somebody else meanwhile; saved once more, your text takes the place of theirs")
        .at(document.shown())
        .hint(format!("what they have now: {}", document.line("decrypt")))
}

/// Waits for a line on standard input; false where there is none. A signal ends the waiting.
pub(super) fn entered(scratch: &Scratch) -> Result<bool> {
    let stdin = std::io::stdin();
    loop {
        scratch.check_signals()?;
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&PAUSE)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => break,
            Err(error) => return Err(Error::new("cannot ask").because(error)),
        }
    }
    let read = stdin.lock().read_line(&mut String::new());
    read.map(|count| count > 0).map_err(|error| Error::new("cannot ask").because(error))
}

/// Encrypts what was typed, for the file that was opened or for a new one; and how many comments were lost.
fn sealed(
    context: &Context,
    document: &Document,
    opened: Option<&Opened>,
    text: &Secret,
) -> Result<(Saved, usize)> {
    let mut edited =
        Plain::parse(text.expose(), document.format()).map_err(|error| error.at(document.shown()))?;
    let lost = edited.lost_comments();
    let refused = |key: &str, why: &str| Error::new(why).at(document.shown()).key(key);
    if edited.binding().is_some() && document.bound_path().is_some() {
        return Err(refused(BINDING_KEY, "says where the file belongs, and is written by uvars itself"));
    }
    if let Some(name) = edited.reserved(document.format()) {
        return Err(refused(&name, "the name is where sops keeps its own data; rename it"));
    }
    let Some(opened) = opened else {
        return Ok((Creation::of(document)?.seal(context, document, edited)?, lost));
    };
    let hash = KeyPath::of_keys([HASH]);
    if let Some(value) = edited.get(&hash).filter(|value| opened.plain.get(&hash).as_ref() != Some(value)) {
        refuse_no_hash(context, document, &hash, &value)?;
    }
    keep_account(context, document, &opened.plain, &edited)?;
    if let Some(path) = document.bound_path() {
        edited.bind(path)?;
    }
    edited.keep_ciphertext_of(&opened.plain);
    Ok((store::seal(context, document, opened, &edited)?, lost))
}

/// Runs the editor on the file.
fn run_editor(context: &Context, file: &Path) -> Result<()> {
    let editor = ["SOPS_EDITOR", "VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| context.variable(name))
        .unwrap_or_else(|| OsString::from("vi"));
    let name = editor.to_string_lossy().into_owned();
    let another = |error: Error| error.hint("choose another one: EDITOR=… uvars edit …");
    let cannot =
        |error: std::io::Error| another(Error::new(format!("cannot start the editor {name}")).because(error));
    let mut command = command(&editor, &name);
    command.arg(file);
    child::keep_ours(&mut command);
    let ended = child::wait(command.spawn().map_err(cannot)?, &name, Some(PATIENCE))?;
    if let Some(signal) = ended.asked {
        return Err(interrupted(signal));
    }
    if ended.status.success() {
        return Ok(());
    }
    let how = ended.status;
    Err(another(Error::new(format!("the editor {name} failed with {how}; nothing was written"))))
}

/// The editor's words. Where they are more than words the shell reads them, as under git; it lives through Ctrl-C,
/// which is for the editor.
pub(super) fn command(editor: &OsStr, name: &str) -> Command {
    let plain = |letter: char| letter.is_alphanumeric() || " /._-+,:@%".contains(letter);
    let mut words = name.split(' ').filter(|word| !word.is_empty());
    if let Some(program) = words.next().filter(|_| name.chars().all(plain)) {
        let mut command = Command::new(program);
        command.args(words);
        return command;
    }
    let mut script = OsString::from("trap : INT QUIT; ");
    script.push(editor);
    script.push(" \"$@\"");
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).arg(editor);
    command
}

fn file_name(shown: &str) -> PathBuf {
    Path::new(shown).file_name().map_or_else(|| PathBuf::from("file.yaml"), PathBuf::from)
}

pub(super) fn put(file: &Path, text: &Secret) -> Result<()> {
    let failed = |error| Error::io("write", file, error);
    let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    open.write_all(text.expose()).map_err(failed)
}
