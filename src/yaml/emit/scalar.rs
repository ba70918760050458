//! Scalars on the page: plain, quoted and block style, as go-yaml v3 writes them.
//!
//! Its mistakes are kept: the text is to be equal, byte for byte. Who must not run into them chooses the
//! style beforehand (see [`mod@crate::yaml::represent`]).

use crate::yaml::emit::analysis::{Analysis, is_break, is_printable};
use crate::yaml::emit::writer::Writer;
use crate::yaml::node::Style;

/// Where a scalar stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// Inside `[…]` or `{…}`.
    pub(super) flow: bool,
    /// As a key without `?`.
    pub(super) simple_key: bool,
}

/// The style that is used where `wanted` is asked for.
pub(super) fn choose(wanted: Style, text: &str, seen: Analysis, place: Place) -> Style {
    let mut style = wanted;
    if style == Style::Plain {
        let allowed = if place.flow { seen.flow_plain } else { seen.block_plain };
        if !allowed || (text.is_empty() && (place.flow || place.simple_key)) {
            style = Style::SingleQuoted;
        }
    }
    if style == Style::SingleQuoted && !seen.single {
        style = Style::DoubleQuoted;
    }
    if matches!(style, Style::Literal | Style::Folded) && (!seen.block || place.flow || place.simple_key) {
        style = Style::DoubleQuoted;
    }
    style
}

/// Writes a text in one of the styles that [`choose`] returns. `behind` is the line comment, which a block
/// scalar takes behind its header; it is left alone by the others.
pub(super) fn write(page: &mut Writer, text: &str, style: Style, behind: &mut &str) {
    match style {
        Style::Plain | Style::Flow if text.is_empty() => page.nothing(),
        Style::Plain | Style::Flow => page.word(text),
        Style::SingleQuoted => single(page, text),
        Style::DoubleQuoted => double(page, text),
        Style::Literal => {
            header(page, "|", text, behind);
            literal(page, text);
        }
        Style::Folded => {
            header(page, ">", text, behind);
            folded(page, text);
        }
    }
}

fn single(page: &mut Writer, text: &str) {
    page.word("'");
    let mut broken = false;
    for piece in Pieces(text) {
        match piece {
            Piece::Break(char) => {
                if !broken && char == '\n' {
                    page.line_break();
                }
                page.raw_break(char);
                broken = true;
            }
            Piece::Line(line) => {
                if broken {
                    page.indent_line();
                }
                let mut quotes = line.split('\'');
                page.raw(quotes.next().unwrap_or_default());
                for part in quotes {
                    page.raw("''");
                    page.raw(part);
                }
                broken = false;
            }
        }
    }
    page.raw("'");
}

fn double(page: &mut Writer, text: &str) {
    page.word("\"");
    // go-yaml looks for the byte order mark at the start of the text, whatever character it is at
    let marked = text.starts_with('\u{FEFF}');
    let raw = |char: char| !marked && is_printable(char) && !is_break(char) && !matches!(char, '"' | '\\');
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|char| !raw(char)).unwrap_or(rest.len());
        let (clean, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        page.raw(clean);
        let mut chars = behind.chars();
        if let Some(char) = chars.next() {
            escape(page, char);
        }
        rest = chars.as_str();
    }
    page.raw("\"");
}

fn escape(page: &mut Writer, char: char) {
    let short = match char {
        '\0' => "\\0",
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\u{B}' => "\\v",
        '\u{C}' => "\\f",
        '\r' => "\\r",
        '\u{1B}' => "\\e",
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{85}' => "\\N",
        '\u{A0}' => "\\_",
        '\u{2028}' => "\\L",
        '\u{2029}' => "\\P",
        _ => {
            let code = u32::from(char);
            page.raw(&match code {
                0..=0xFF => format!("\\x{code:02X}"),
                0x100..=0xFFFF => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
            return;
        }
    };
    page.raw(short);
}

/// `|` or `>`, the indentation where the text begins with white space, and what happens to its last breaks.
fn header(page: &mut Writer, indicator: &str, text: &str, behind: &mut &str) {
    page.word(indicator);
    if text.starts_with(|char| char == ' ' || is_break(char)) {
        page.raw(&page.step.to_string());
    }
    let mut last = text.chars().rev();
    match (last.next().is_some_and(is_break), last.next().is_none_or(is_break)) {
        (false, _) => page.raw("-"),
        (true, true) => page.raw("+"),
        (true, false) => {}
    }
    if behind.is_empty() {
        page.line_break();
    } else {
        page.comment_behind(std::mem::take(behind));
    }
    page.white = true;
}

fn literal(page: &mut Writer, text: &str) {
    for piece in Pieces(text) {
        match piece {
            Piece::Break(char) => page.raw_break(char),
            Piece::Line(line) => {
                page.indent_line();
                page.raw(line);
            }
        }
    }
    page.white = true;
}

fn folded(page: &mut Writer, text: &str) {
    // go-yaml looks at the first line of the text where it means the next one
    let blank = |char: char| matches!(char, ' ' | '\t' | '\0');
    let text_begins_blank = text.trim_start_matches(is_break).starts_with(blank);
    let (mut broken, mut line_is_blank) = (true, true);
    for piece in Pieces(text) {
        match piece {
            Piece::Break(char) => {
                if !broken && !line_is_blank && char == '\n' && !text_begins_blank {
                    page.line_break();
                }
                page.raw_break(char);
                broken = true;
            }
            Piece::Line(line) => {
                page.indent_line();
                line_is_blank = line.starts_with([' ', '\t']);
                page.raw(line);
                broken = false;
            }
        }
    }
    page.white = true;
}

/// A text cut at its breaks.
struct Pieces<'t>(&'t str);

enum Piece<'t> {
    Line(&'t str),
    Break(char),
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        let mut chars = self.0.chars();
        let first = chars.next()?;
        if is_break(first) {
            self.0 = chars.as_str();
            return Some(Piece::Break(first));
        }
        let end = self.0.find(is_break).unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        Some(Piece::Line(line))
    }
}
