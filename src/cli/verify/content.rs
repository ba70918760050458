//! Encrypted files whose names do not say what they are: known by the metadata in them.
//!
//! A text that only speaks of such a file, or quotes one, is none: it begins like something else, or has lines of its own
//! around it.

use crate::sops::Format;

/// How much of either end of a file is looked at. Metadata is the last that stands in a file, or the first.
pub(super) const END: usize = 1 << 20;

/// What every encrypted value begins with.
pub(super) const SEALED: &[u8] = b"ENC[AES256_GCM,";

/// Of metadata, what every file has. It takes two of them, so that a damaged file is still known for what it is.
const FIELDS: [&[u8]; 3] = [b"mac", b"version", b"lastmodified"];

/// As many lines that the format does not know may be damage; more of them are another text.
const ODD_LINES: usize = 1;

/// The formats that are told apart by their lines.
const OF_LINES: [Format; 3] = [Format::Yaml, Format::Ini, Format::Dotenv];

/// The format that an encrypted file is read in; bytes where it is JSON of any kind. None if it is not encrypted.
pub(super) fn format_of(bytes: &[u8]) -> Option<Format> {
    if bytes.len() <= 2 * END {
        return format_by_ends(bytes, b"");
    }
    let (begin, rest) = bytes.split_at_checked(END)?;
    format_by_ends(begin, rest.get(rest.len().saturating_sub(END)..)?)
}

/// The same by what stands at either end; what lies between them need not have been read.
pub(super) fn format_by_ends(begin: &[u8], end: &[u8]) -> Option<Format> {
    // where it begins in the middle of a line, that line says nothing
    let end = memchr::memchr(b'\n', end).and_then(|at| end.get(at..)).unwrap_or_default();
    if !may_be_encrypted(begin) || ![begin, end].iter().any(|part| has(part, SEALED)) {
        return None;
    }
    if is_json(begin) {
        return [begin, end].iter().any(|part| has_json_metadata(part)).then_some(Format::Binary);
    }
    OF_LINES.into_iter().find(|format| {
        let odd = |part| lines(part).filter(|line| !fits(*format, line)).take(ODD_LINES + 1).count();
        let is_first = first_line(begin).is_some_and(|line| fits(*format, line));
        let fields = [begin, end].map(|part| fields(*format, part));
        let fields = (0..FIELDS.len()).filter(|at| fields.iter().any(|part| part.get(*at) == Some(&true)));
        // values of INI may go on over lines of any kind
        is_first && fields.count() > 1 && (*format == Format::Ini || odd(begin) + odd(end) <= ODD_LINES)
    })
}

/// Whether a file that begins so can be an encrypted one. Most others are not read any further.
pub(super) fn may_be_encrypted(begin: &[u8]) -> bool {
    let is_text = memchr::memchr(0, begin).is_none() && !begin.starts_with(b"#!");
    let fits_one = |line| OF_LINES.iter().any(|format| fits(*format, line));
    is_text && (is_json(begin) || first_line(begin).is_none_or(fits_one))
}

fn is_json(begin: &[u8]) -> bool {
    begin.trim_ascii_start().starts_with(b"{")
}

fn has(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

fn lines(part: &[u8]) -> impl Iterator<Item = &[u8]> {
    let part = part.strip_prefix("\u{feff}".as_bytes()).unwrap_or(part);
    part.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end)
}

/// The first line that is more than a comment.
fn first_line(begin: &[u8]) -> Option<&[u8]> {
    lines(begin).find(|line| !matches!(line.first(), None | Some(b'#' | b';')))
}

/// Whether a line can stand in a file of this format. What is farther in goes with the line above it.
fn fits(format: Format, line: &[u8]) -> bool {
    let is_mark =
        [&b"<<<<<<<"[..], b"=======", b">>>>>>>", b"|||||||"].iter().any(|mark| line.starts_with(mark));
    if is_mark || matches!(line.first(), None | Some(b'#')) {
        return true;
    }
    let name = |end: u8| memchr::memchr(end, line).and_then(|at| line.get(..at)).map(<[u8]>::trim_ascii);
    match format {
        Format::Yaml => {
            let is_word =
                |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_\"'$/.".contains(byte);
            let is_name = line.first().is_some_and(is_word) && (line.ends_with(b":") || has(line, b": "));
            let is_marker = [&b"---"[..], b"...", b"%", b"- "].iter().any(|marker| line.starts_with(marker));
            is_name || is_marker || matches!(line.first(), Some(b' ' | b'\t' | b'}' | b']'))
        }
        Format::Ini => {
            let behind = memchr::memchr(b']', line).and_then(|at| line.get(at + 1..)).map(<[u8]>::trim_ascii);
            let is_section = line.starts_with(b"[")
                && behind.is_some_and(|behind| matches!(behind.first(), None | Some(b';' | b'#')));
            is_section || line.starts_with(b";") || name(b'=').is_some_and(|name| !name.is_empty())
        }
        _ => {
            let name = name(b'=').map(|name| name.strip_prefix(b"export ").unwrap_or(name));
            name.is_some_and(|name| !name.is_empty() && !name.contains(&b' '))
        }
    }
}

/// Which of the fields there are, in the place that metadata has in a file of this format.
fn fields(format: Format, part: &[u8]) -> [bool; FIELDS.len()] {
    let mut found = [false; FIELDS.len()];
    let mut is_inside = false;
    for line in lines(part) {
        let is_farther_in = matches!(line.first(), None | Some(b' ' | b'\t' | b'#'));
        let field = match format {
            Format::Yaml if !is_farther_in => {
                is_inside = unquoted(line.strip_suffix(b":").unwrap_or_default()) == b"sops";
                continue;
            }
            Format::Ini if line.starts_with(b"[") => {
                is_inside = line.trim_ascii() == b"[sops]";
                continue;
            }
            Format::Yaml | Format::Ini if is_inside => line.trim_ascii(),
            Format::Yaml | Format::Ini => continue,
            _ => line.strip_prefix(b"sops_").unwrap_or_default(),
        };
        let between = if format == Format::Yaml { b':' } else { b'=' };
        let Some((name, value)) = memchr::memchr(between, field).and_then(|at| field.split_at_checked(at))
        else {
            continue;
        };
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        for (found, field) in found.iter_mut().zip(FIELDS) {
            let is_mac = field == b"mac";
            *found |=
                unquoted(name.trim_ascii()) == field && (!is_mac || unquoted(value).starts_with(SEALED));
        }
    }
    found
}

fn unquoted(text: &[u8]) -> &[u8] {
    let quote = |byte: &u8| matches!(byte, b'"' | b'\'');
    let text = text.split_first().filter(|(first, _)| quote(first)).map_or(text, |(_, rest)| rest);
    text.split_last().filter(|(last, _)| quote(last)).map_or(text, |(_, rest)| rest)
}

/// Whether there is an object by the name of sops with the fields in it; or the one value of a file of bytes, which
/// nothing else has at its beginning, whatever became of the rest.
fn has_json_metadata(part: &[u8]) -> bool {
    let value = |name: &str, text: &[u8]| -> Option<usize> {
        let name = format!("\"{name}\"");
        memchr::memmem::find_iter(text, name.as_bytes()).find_map(|at| {
            let rest = text.get(at + name.len()..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
            Some(text.len() - rest.len())
        })
    };
    let starts = |name: &str, text: &[u8], with: &[u8]| {
        let rest = value(name, text).and_then(|at| text.get(at..));
        rest.is_some_and(|rest| rest.strip_prefix(b"\"").unwrap_or(rest).starts_with(with))
    };
    let first = part.trim_ascii_start().strip_prefix(b"{").unwrap_or_default().trim_ascii_start();
    if first.starts_with(b"\"data\"") && starts("data", first, SEALED) {
        return true;
    }
    let Some(metadata) = value("sops", part).and_then(|at| part.get(at..)) else { return false };
    let has_field = |field: &&&[u8]| {
        let wanted: &[u8] = if **field == b"mac" { SEALED } else { b"" };
        std::str::from_utf8(field).is_ok_and(|name| starts(name, metadata, wanted))
    };
    metadata.starts_with(b"{") && FIELDS.iter().filter(has_field).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str =
        "a: ENC[AES256_GCM,data:x]\nsops:\n    mac: ENC[AES256_GCM,data:x]\n    version: 3.13.3\n";

    #[test]
    fn metadata_is_found_at_either_end_of_a_large_file() {
        let long = "k: v\n".repeat(END);
        assert_eq!(format_of(YAML.as_bytes()), Some(Format::Yaml));
        assert_eq!(format_of(format!("{long}{YAML}").as_bytes()), Some(Format::Yaml));
        assert_eq!(format_of(format!("{YAML}{long}").as_bytes()), Some(Format::Yaml));
        assert_eq!(format_of(format!("{long}{YAML}{long}").as_bytes()), None);
        let json = "\"sops\" : {\"lastmodified\": \"\", \"mac\":\"ENC[AES256_GCM,\"}}";
        assert_eq!(format_of(format!("{{\"a\": \"{long}\", {json}").as_bytes()), Some(Format::Binary));
    }

    #[test]
    fn any_bytes_are_looked_at_without_harm() {
        for cut in 0..=YAML.len() {
            let (before, behind) = YAML.split_at(cut);
            for noise in [&b"\xff\xfe"[..], b"\0", b"\"sops\"", b"'", b"\r", b"\"", b"[", b":", b"="] {
                let noisy = [before.as_bytes(), noise, behind.as_bytes()].concat();
                let _ = format_of(&noisy);
                let _ = format_by_ends(behind.as_bytes(), &noisy);
                let _ = format_of(&[b"{", noise, &noisy].concat());
            }
        }
        assert_eq!(format_of(b""), None);
        let ini =
            "[a]\nb = ENC[AES256_GCM,data:x]\n\n[sops]\nmac = ENC[AES256_GCM,data:x]\nversion = 3.13.3\n";
        assert_eq!(format_of(ini.as_bytes()), Some(Format::Ini));
        let page = format!("[![badge](https://example.org)](https://example.org)\n\n```ini\n{ini}```\n");
        assert_eq!(format_of(page.as_bytes()), None);
        assert!(!may_be_encrypted(b"\x7fELF\0"));
    }
}
