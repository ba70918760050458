//! `uvars encrypt`: a file in clear becomes an encrypted one.

use super::context::Context;
use super::creation::Creation;
use super::document::Document;
use super::exit::Exit;
use super::format::Input;
use super::store;
use super::tracked::{Versions, git_line, versions};
use super::ui::Ui;
use super::value::standard_input;
use crate::error::{Error, Result, as_word};
use crate::fs;
use crate::secret::Secret;
use crate::sops::{Encrypted, Format, Plain};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Encrypt a file for its readers
///
/// A file of the fleet gets the readers that the registry says, and is bound to its place. Any other file gets what
/// the nearest .sops.yaml says of its path. Without -i or --out the encrypted file is printed.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  uvars encrypt config.yaml --out hosts/web1
  uvars encrypt -i secrets/hosts/web1.sops.yaml")]
pub(super) struct Arguments {
    /// The file in clear (- is standard input, with --out)
    file: String,
    /// Write the encrypted file in its place
    #[arg(short, long, conflicts_with = "out")]
    in_place: bool,
    /// Write a new file: a path, or a short name (hosts/web1, shared/wifi, users/jon)
    #[arg(short, long, value_name = "NAME")]
    out: Option<String>,
    #[command(flatten)]
    input: Input,
    /// Make a file of this type, where the name of it does not say so
    #[arg(long, value_name = "TYPE", conflicts_with = "in_place")]
    output_type: Option<Format>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Encrypts.
pub(super) fn run(context: &Context, ui: &mut Ui, arguments: &Arguments) -> Result<Exit> {
    let source = &arguments.file;
    let document = match &arguments.out {
        Some(out) => Document::locate(context, out)?,
        None if source == "-" => {
            return Err(Error::usage("which file is it to be? Its readers follow from its name")
                .hint("uvars encrypt - --out hosts/NAME"));
        }
        None => Document::locate(context, source)?,
    };
    let document = document
        .of_type(arguments.output_type.or(arguments.input.input_type.filter(|_| arguments.out.is_none())))?;
    let input = arguments.input.input_type.unwrap_or_else(|| input_type(source, &document));
    let shown = match (&arguments.out, source.as_str()) {
        (Some(_), "-") => "standard input",
        (Some(_), path) => path,
        (None, _) => document.shown(),
    };
    let text = match (&arguments.out, source.as_str()) {
        (Some(_), "-") => standard_input(fs::LIMIT_ELSEWHERE)?,
        (Some(_), path) => read(&context.path(Path::new(path)), path)?,
        (None, _) => Secret::new(document.bytes()?),
    };
    let edit = match &arguments.out {
        Some(_) => format!("uvars edit {}", as_word(shown)),
        None => document.line("edit"),
    };
    let plain = plain(&text, input, &edit).map_err(|error| error.at(shown))?;
    store::warn_of_lost_comments(ui, shown, plain.lost_comments());
    let creation = Creation::of(&document)?;
    creation.warn(ui, &document);
    let saved = creation.seal(context, &document, plain)?;
    if document.bound_path().is_some() {
        store::warn_of_clear_values(ui, &document, &saved);
    }
    if !arguments.in_place && arguments.out.is_none() {
        ui.bytes(&saved.bytes)?;
        return Ok(Exit::Done);
    }
    let before = arguments.in_place.then(|| text.expose());
    if arguments.out.is_some() && document.read()?.is_some() {
        return Err(Error::new("is there already")
            .at(document.shown())
            .hint(format!("change it: {}", document.line("edit"))));
    }
    let sealed = Encrypted::parse(&saved.bytes, document.format())?;
    let held = store::hold(&document, arguments.dry_run)?;
    store::write(ui, &document, saved, before, held)?;
    if source != "-" && !arguments.dry_run {
        let place = if arguments.in_place { document.absolute()? } else { context.path(Path::new(source)) };
        let made = Made { text: &text, format: input, sealed: &sealed };
        warn_of_clear_text(context, ui, shown, in_git(&place, &made, arguments.in_place));
    }
    Ok(Exit::Done)
}

/// Reads what is to be encrypted. Errors never quote it.
fn plain(text: &Secret, format: Format, edit: &str) -> Result<Plain> {
    let plain = Plain::parse(text.expose(), format)?;
    if (plain.reserved(format).is_some() || format == Format::Binary)
        && Encrypted::parse(text.expose(), format).is_ok()
    {
        return Err(Error::new("is encrypted already").hint(format!("change it: {edit}")));
    }
    match plain.reserved(format) {
        None => Ok(plain),
        Some(name) => Err(Error::new("the name is where sops keeps its own data; rename it").key(name)),
    }
}

/// What a file in clear is: as its name says, or as what becomes of it where it says nothing.
fn input_type(source: &str, document: &Document) -> Format {
    match Format::of_path(Path::new(source)) {
        Format::Binary => document.format(),
        format => format,
    }
}

fn read(path: &Path, shown: &str) -> Result<Secret> {
    let source = fs::read_source_up_to(path, fs::LIMIT_ELSEWHERE)?
        .ok_or_else(|| Error::new("no such file").at(shown))?;
    Ok(source.secret)
}

/// What was encrypted, and what became of it.
struct Made<'a> {
    text: &'a Secret,
    format: Format,
    sealed: &'a Encrypted,
}

/// How git has what was encrypted.
#[derive(Debug)]
enum InGit {
    /// Not at all, or encrypted alone.
    Closed,
    /// In clear, to be committed next: what of git keeps each file from that, by the file's place.
    Staged(Vec<(&'static str, PathBuf)>),
    /// In clear, in the last commit.
    Committed,
    /// Nobody can tell.
    Unknown,
}

/// How git has a file, by its name or another. What older commits had is not looked at: whoever encrypted that was told
/// then.
fn in_git(path: &Path, made: &Made<'_>, in_place: bool) -> InGit {
    let (Ok(Versions { committed, staged, staged_before, text_committed, twins }), Ok(real)) =
        (versions(path, made.text), path.canonicalize())
    else {
        return InGit::Unknown;
    };
    let (committed, staged) = (how(committed.as_ref(), made), how(staged.as_ref(), made));
    let named = if in_place { ADD } else { TAKE_OUT };
    let named = (staged == Clarity::Clear).then_some((named, real));
    let wanted: Vec<_> = named.into_iter().chain(twins.into_iter().map(|twin| (TAKE_OUT, twin))).collect();
    match (committed, staged) {
        _ if text_committed => InGit::Committed,
        (Clarity::Clear, _) => InGit::Committed,
        (_, Clarity::Clear) if staged_before => InGit::Committed,
        _ if !wanted.is_empty() => InGit::Staged(wanted),
        (Clarity::Closed, Clarity::Closed) => InGit::Closed,
        _ => InGit::Unknown,
    }
}

/// What of git takes the encrypted file instead.
const ADD: &str = "add";
/// What of git leaves a file out.
const TAKE_OUT: &str = "rm --cached";

/// Whether anybody could read a version of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Clarity {
    Closed,
    Clear,
    Unknown,
}

fn how(version: Option<&Secret>, made: &Made<'_>) -> Clarity {
    let Some(version) = version.filter(|version| !version.expose().trim_ascii().is_empty()) else {
        return Clarity::Closed;
    };
    if let Ok(file) = Encrypted::parse(version.expose(), made.format) {
        // a rule may have left in it what is encrypted now
        let still: BTreeSet<_> = made.sealed.values_in_clear(None).into_iter().collect();
        let is_closed = file.values_in_clear(None).iter().all(|place| still.contains(place));
        return if is_closed { Clarity::Closed } else { Clarity::Clear };
    }
    match Plain::parse(version.expose(), made.format) {
        Ok(plain) if plain.keys().is_empty() => Clarity::Closed,
        Ok(_) => Clarity::Clear,
        Err(_) => Clarity::Unknown,
    }
}

/// Says where its clear text still is.
fn warn_of_clear_text(context: &Context, ui: &mut Ui, shown: &str, found: InGit) {
    match found {
        InGit::Closed => {}
        InGit::Staged(wanted) => {
            ui.warn(format!("{shown}: git has it in clear, and takes that along with the next commit"));
            for (command, place) in wanted {
                ui.hint(format!("before that: {}", git_line(context, command, &[place])));
            }
        }
        InGit::Committed => ui.warn(format!(
            "{shown}: git has it in clear, in its history and in every clone: change the values that are in it"
        )),
        InGit::Unknown => ui.warn(format!(
            "{shown}: git may have it in clear, in its history and in every clone: if so, change the values that are in it"
        )),
    }
}
