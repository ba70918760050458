//! `uvars encrypt`: a file in clear becomes an encrypted one.

use super::context::Context;
use super::creation::Creation;
use super::document::Document;
use super::exit::Exit;
use super::store;
use super::tracked::{Versions, versions};
use super::ui::Ui;
use super::value::standard_input;
use crate::error::{Error, Result};
use crate::fs;
use crate::secret::Secret;
use crate::sops::{Encrypted, Format, Plain};
use std::path::Path;

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
    let shown = match (&arguments.out, source.as_str()) {
        (Some(_), "-") => "standard input",
        (Some(_), path) => path,
        (None, _) => document.shown(),
    };
    let text = match (&arguments.out, source.as_str()) {
        (Some(_), "-") => standard_input()?,
        (Some(_), path) => read(&context.path(Path::new(path)), path)?,
        (None, _) => Secret::new(document.bytes()?),
    };
    let plain = plain(&text, document.format()?, shown).map_err(|error| error.at(shown))?;
    store::warn_of_lost_comments(ui, shown, plain.lost_comments());
    let creation = Creation::of(&document)?;
    creation.warn(ui, &document);
    let saved = creation.seal(&document, plain, context.now())?;
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
            .hint(format!("change it: uvars edit {}", document.shown())));
    }
    store::write(ui, &document, saved, before, arguments.dry_run)?;
    if source != "-" && !arguments.dry_run {
        let place = if arguments.in_place { document.absolute()? } else { context.path(Path::new(source)) };
        warn_of_clear_text(ui, shown, in_git(&place, document.format()?), arguments.in_place);
    }
    Ok(Exit::Done)
}

/// Reads what is to be encrypted. Errors never quote it.
fn plain(text: &Secret, format: Format, shown: &str) -> Result<Plain> {
    let plain = Plain::parse(text.expose(), format)?;
    if plain.keys().iter().any(|key| key == "sops") {
        return Err(match Encrypted::parse(text.expose(), format) {
            Ok(_) => Error::new("is encrypted already").hint(format!("change it: uvars edit {shown}")),
            Err(_) => Error::new("the name is where sops keeps its own data; rename it").key("sops"),
        });
    }
    Ok(plain)
}

fn read(path: &Path, shown: &str) -> Result<Secret> {
    let source = fs::read_source(path)?.ok_or_else(|| Error::new("no such file").at(shown))?;
    Ok(source.secret)
}

/// How git has what was encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum InGit {
    /// Not at all, or encrypted alone.
    Closed,
    /// In clear, to be committed next.
    Staged,
    /// In clear, in the last commit.
    Committed,
    /// Nobody can tell.
    Unknown,
}

/// How git has a file. What older commits had is not looked at: whoever encrypted that was told then.
fn in_git(path: &Path, format: Format) -> InGit {
    let Ok(Versions { committed, staged }) = versions(path) else { return InGit::Unknown };
    let (committed, staged) = (how(committed.as_ref(), format), how(staged.as_ref(), format));
    match (committed, staged) {
        (Clarity::Clear, _) => InGit::Committed,
        (_, Clarity::Clear) => InGit::Staged,
        (Clarity::Closed, Clarity::Closed) => InGit::Closed,
        _ => InGit::Unknown,
    }
}

/// Whether anybody could read a version of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Clarity {
    Closed,
    Clear,
    Unknown,
}

fn how(version: Option<&Secret>, format: Format) -> Clarity {
    let Some(version) = version.filter(|version| !version.expose().trim_ascii().is_empty()) else {
        return Clarity::Closed;
    };
    if Encrypted::parse(version.expose(), format).is_ok() {
        return Clarity::Closed;
    }
    match Plain::parse(version.expose(), format) {
        Ok(plain) if plain.keys().is_empty() => Clarity::Closed,
        Ok(_) => Clarity::Clear,
        Err(_) => Clarity::Unknown,
    }
}

/// Says where its clear text still is.
fn warn_of_clear_text(ui: &mut Ui, shown: &str, found: InGit, in_place: bool) {
    match found {
        InGit::Closed => {}
        InGit::Staged => {
            ui.warn(format!("{shown}: git has it in clear, and takes that along with the next commit"));
            let command = if in_place { "git add" } else { "git rm --cached" };
            ui.hint(format!("before that: {command} {shown}"));
        }
        InGit::Committed => ui.warn(format!(
            "{shown}: git has it in clear, in its history and in every clone: change the values that are in it"
        )),
        InGit::Unknown => ui.warn(format!(
            "{shown}: git may have it in clear, in its history and in every clone: if so, change the values that are in it"
        )),
    }
}
