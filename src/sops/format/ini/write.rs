//! From the tree to INI, in the layout of go-ini: names padded so that `=` is aligned, a blank line between sections.
//!
//! What sops would write so that it is not read back is put in other quotes, or refused.

use crate::sops::format::ini::blank::trim;
use crate::sops::format::ini::read::{self, DEFAULT};
use crate::sops::format::scalar;
use crate::sops::pool::Pool;
use crate::sops::tree::{Item, Node, Tree};
use crate::{Error, Result};
use std::borrow::Cow;
use std::collections::HashSet;
use zeroize::Zeroizing;

/// Writes every section, and the metadata as the last. `sealed` says that this is an encrypted file, in which sops finds
/// one comment at each place.
pub(super) fn write(tree: &Tree, last: Option<&Tree>, sealed: bool) -> Result<Zeroizing<Vec<u8>>> {
    let room = tree.items.iter().map(|item| 2 * item.key.len() + item.text.len() + 32).sum::<usize>();
    let mut writer = Writer { out: Pool::secret(room + 8192), sealed, sections: 0, gap: false };
    let mut above = Vec::new();
    for at in tree.children(0) {
        let item = tree.item(at);
        if item.node.is_comment() {
            above.push(tree.pool.get(item.text));
            continue;
        }
        let section = Section::of(tree, at, std::mem::take(&mut above))?;
        writer.section(&section).map_err(|error| error.key(tree.path_of(at).to_string()))?;
    }
    if let Some(last) = last {
        writer.section(&Section::of(last, 0, Vec::new())?)?;
    }
    Ok(Zeroizing::new(std::mem::take(writer.out.bytes_mut())))
}

/// Writes what is in one section, without its name.
pub(super) fn pairs(tree: &Tree, at: usize) -> Result<Zeroizing<Vec<u8>>> {
    let section = Section { name: DEFAULT, ..Section::of(tree, at, Vec::new())? };
    let room = section.keys.iter().map(|key| key.name.len() + key.value.len() + 8).sum();
    let mut writer = Writer { out: Pool::secret(room), sealed: false, sections: 0, gap: false };
    writer.section(&section)?;
    Ok(Zeroizing::new(std::mem::take(writer.out.bytes_mut())))
}

/// A section with what is written of it.
struct Section<'t> {
    name: &'t [u8],
    comments: Vec<&'t [u8]>,
    keys: Vec<Key<'t>>,
}

struct Key<'t> {
    /// In the quotes that it needs.
    name: Cow<'t, [u8]>,
    /// In the quotes that it needs.
    value: Zeroizing<Vec<u8>>,
    comments: Vec<&'t [u8]>,
}

impl<'t> Section<'t> {
    fn of(tree: &'t Tree, at: usize, mut comments: Vec<&'t [u8]>) -> Result<Self> {
        let error = |at: usize, error: Error| error.key(tree.path_of(at).to_string());
        if tree.item(at).node != Node::Map {
            return Err(error(at, Error::new("must be a map: INI has sections, with values in them")));
        }
        let mut keys: Vec<Key<'t>> = Vec::new();
        let mut names = HashSet::new();
        for at in tree.children(at) {
            let item = tree.item(at);
            if item.node.is_comment() {
                let comments = keys.last_mut().map_or(&mut comments, |key| &mut key.comments);
                comments.push(tree.pool.get(item.text));
            } else if !names.insert(tree.pool.get(item.key)) {
                return Err(error(at, Error::new("stands twice in its section, and INI keeps one")));
            } else {
                keys.push(Key::of(tree, &item).map_err(|cause| error(at, cause))?);
            }
        }
        Ok(Self { name: tree.key(at), comments, keys })
    }
}

impl<'t> Key<'t> {
    fn of(tree: &'t Tree, item: &Item) -> Result<Self> {
        let name = quoted_name(tree.pool.get(item.key))
            .ok_or_else(|| Error::new("has a name that INI cannot have"))?;
        let text = scalar::text(tree, item, "INI")?;
        let value = quoted_value(&text)
            .ok_or_else(|| Error::new("has a text that INI cannot have: both ` and \"\"\" in it"))?;
        Ok(Self { name, value, comments: Vec::new() })
    }
}

struct Writer {
    out: Pool,
    sealed: bool,
    sections: usize,
    /// A blank line comes before the next section.
    gap: bool,
}

impl Writer {
    fn section(&mut self, section: &Section<'_>) -> Result<()> {
        if self.gap {
            self.out.push(b"\n");
        }
        self.comments(&section.comments, false)?;
        let headless = self.sections == 0 && section.name.eq_ignore_ascii_case(DEFAULT);
        self.sections += 1;
        self.gap = !headless || !section.keys.is_empty();
        if headless && section.name != DEFAULT {
            return Err(Error::new("must be DEFAULT in upper case, or stand behind another section"));
        }
        if !headless {
            if !is_section(section.name) {
                return Err(Error::new("is no name that a section of INI can have"));
            }
            for part in [b"[", section.name, b"]\n"] {
                self.out.push(part);
            }
        }
        let width = section.keys.iter().map(|key| key.name.len()).max().unwrap_or_default();
        section.keys.iter().try_for_each(|key| self.key(key, width))
    }

    fn key(&mut self, key: &Key<'_>, width: usize) -> Result<()> {
        self.comments(&key.comments, true)?;
        self.out.push(&key.name);
        let pad = width - key.name.len();
        self.out.reserve(pad);
        let out = self.out.bytes_mut();
        out.resize(out.len() + pad, b' ');
        for part in [b" = ", key.value.as_slice(), b"\n"] {
            self.out.push(part);
        }
        Ok(())
    }

    /// Writes comments, each line with a mark.
    fn comments(&mut self, comments: &[&[u8]], trimmed: bool) -> Result<()> {
        if self.sealed && comments.len() > 1 {
            return Err(Error::new(
                "several comments stand here, and sops finds one in INI: write them as one, or none",
            ));
        }
        let lines = comments
            .iter()
            .filter(|text| !text.is_empty())
            .flat_map(|text| text.split(|byte| *byte == b'\n'));
        let lines = lines.map(|line| match line {
            [mark @ (b'#' | b';'), text @ ..] => (*mark, trim(text)),
            text if trimmed => (b';', trim(text)),
            // as sops prints the blank that is put there where INI is read
            [] => (b';', b" ".as_slice()),
            text => (b';', text),
        });
        // behind a first line with nothing in it sops panics
        let is_lost = |mark: u8, text: &[u8]| text.iter().all(|byte| [mark, b' '].contains(byte));
        for (mark, text) in lines.skip_while(|(mark, text)| self.sealed && is_lost(*mark, text)) {
            for part in [&[mark, b' '][..], text, b"\n"] {
                self.out.push(part);
            }
        }
        Ok(())
    }
}

/// A name as it is read back: bare, or in the quotes that go-ini gives it; nothing if none do.
fn quoted_name(name: &[u8]) -> Option<Cow<'_, [u8]>> {
    let has = |bytes: &[u8]| name.iter().any(|byte| bytes.contains(byte));
    let forms: [&[u8]; 3] = if has(b"\"=:") {
        [b"`", b"\"\"\"", b""]
    } else if has(b"`") {
        [b"\"\"\"", b"", b"`"]
    } else {
        [b"", b"`", b"\"\"\""]
    };
    if is_plain(name) && !has(b"=:") {
        return Some(Cow::Borrowed(name));
    }
    forms.into_iter().find_map(|quote| {
        let form = [quote, name, quote].concat();
        let line = [&form, b" = x\n".as_slice()].concat();
        let tree = read::read(&line, false).ok()?;
        let at = tree.find(tree.children(0).next()?, name)?;
        (tree.pool.get(tree.item(at).text) == b"x" && tree.items.len() == 5).then_some(Cow::Owned(form))
    })
}

/// A value as it is read back: in the quotes that go-ini gives it, or in others; nothing if none do.
fn quoted_value(value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let form = |quote: &[u8]| Zeroizing::new([quote, value, quote].concat());
    if is_plain(value) {
        return Some(form(b""));
    }
    let has = |bytes: &[u8]| value.iter().any(|byte| bytes.contains(byte));
    let first: &[u8] = if has(b"\n`") {
        b"\"\"\""
    } else if has(b"#;") {
        b"`"
    } else if trim(value).len() == value.len() {
        b""
    } else {
        b"\""
    };
    let forms = [first, b"`", b"\"\"\""];
    forms.into_iter().map(form).find(|form| {
        let line = Zeroizing::new([b"x = ", form.as_slice(), b"\n"].concat());
        let Ok(tree) = read::read(&line, true) else { return false };
        let found = tree.children(0).next().and_then(|section| tree.find(section, b"x"));
        tree.items.len() == 5 && found.is_some_and(|at| tree.pool.get(tree.item(at).text) == value)
    })
}

fn is_section(name: &[u8]) -> bool {
    let line = [b"[", name, b"]\n"].concat();
    let Ok(tree) = read::read(&line, false) else { return false };
    tree.items.len() == 6 && tree.children(0).last().is_some_and(|at| tree.key(at) == name)
}

/// Whether a text needs no quotes whatever it is: most do not, and what is encrypted never does.
fn is_plain(text: &[u8]) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./+,@".contains(byte);
    match text {
        [b'E', b'N', b'C', b'[', inside @ .., b']'] => {
            inside.iter().all(|byte| word(byte) || b"=:".contains(byte))
        }
        [] | b"-" => false,
        text => text.iter().all(word),
    }
}
