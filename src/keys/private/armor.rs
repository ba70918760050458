//! What stands behind the mark of a private key: headers and base64, whatever has become of their line ends and letters
//! where somebody wrote them out. It decides nothing about a whole text.

/// Whether the base64 of a key follows the first line of a frame, or the few headers that may stand between.
pub(super) fn has_body(behind: &str) -> bool {
    /// Those of PEM (RFC 1421) and of `OpenPGP` (RFC 4880).
    const HEADERS: [&str; 7] =
        ["PROC-TYPE:", "DEK-INFO:", "VERSION:", "COMMENT:", "MESSAGEID:", "HASH:", "CHARSET:"];
    /// No headers have more bytes than that.
    const HEAD: usize = 400;
    /// What the line end in front of the first one was written as has fewer letters.
    const LINE_END: usize = 16;
    /// What is in front of the base64, whatever its line end was written as.
    const STOPS: [char; 9] = [' ', '\n', '\t', '\\', ',', ';', '>', '}', '%'];
    let behind = unescaped(behind);
    if begins_with_base64(&behind) {
        return true;
    }
    let start = behind.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    HEADERS.iter().any(|header| start.find(header).is_some_and(|at| at < LINE_END))
        && start
            .match_indices(STOPS)
            .take_while(|(at, _)| *at < HEAD)
            .any(|(at, _)| start.get(at..).is_some_and(begins_with_base64))
}

/// The beginning of a text in upper case, as long as it may matter, with its line ends and strokes as they were before
/// somebody wrote them as \\n and \\/, and its other letters before they were in an address.
pub(super) fn unescaped(text: &str) -> String {
    const ESCAPES: [(&str, char); 18] = [
        ("%2B", '+'),
        ("%2F", '/'),
        ("%3D", '='),
        ("\\N", '\n'),
        ("\\R", '\r'),
        ("\\/", '/'),
        ("\\U000A", '\n'),
        ("\\U000D", '\r'),
        ("\\X0A", '\n'),
        ("\\X0D", '\r'),
        ("\\012", '\n'),
        ("\\015", '\r'),
        ("%0A", '\n'),
        ("%0D", '\r'),
        ("<BR>", '\n'),
        ("<BR/>", '\n'),
        ("&#X0A;", '\n'),
        ("&#X0D;", '\r'),
    ];
    /// More than headers have, and the words behind them that are looked at.
    const MOST: usize = 2000;
    let mut plain = String::new();
    let mut rest = text;
    while plain.len() < MOST {
        let found = ESCAPES.iter().find_map(|(escape, c)| Some((*c, rest.strip_prefix(escape)?)));
        let mut letters = rest.chars();
        let Some((c, behind)) = found.or_else(|| Some((letters.next()?, letters.as_str()))) else { break };
        plain.push(c);
        rest = behind;
    }
    plain
}

/// Whether a text begins with base64 as long as that of a key, in one line or several, whatever their ends and their
/// beginnings have become.
pub(super) fn begins_with_base64(text: &str) -> bool {
    /// Of more than a line of any key and its indent, none is looked at.
    const WORDS: usize = 300;
    let mut length = 0;
    // what is short is a number
    for word in text.split(|c| !is_encoded(c)).take(WORDS).filter(|word| word.len() > 2) {
        if word.len() < 16 || word.starts_with("AGE1") || length == 0 && (is_public(word) || is_digest(word))
        {
            return false;
        }
        length += word.len();
        if length >= 40 {
            return true;
        }
    }
    false
}

/// Whether a word is the number of a commit, or the like: base64 of that length has other letters too.
fn is_digest(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether the base64 is that of a public key, in whatever case.
pub(super) fn is_public(word: &str) -> bool {
    PUBLIC.iter().any(|start| word.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start)))
}

/// How the base64 of public keys and of certificates begins: with their type, and its length in front.
const PUBLIC: [&str; 12] = [
    "AAAAB3NzaC1",
    "AAAAC3NzaC1",
    "AAAAE2VjZHNh",
    "AAAAGnNrLX",
    "AAAAInNrLW",
    "AAAAIHNzaC1",
    "AAAAHHNzaC1",
    "AAAAKGVjZHNh",
    "AAAAI3NrLX",
    "AAAAK3NrLW",
    "AAAAK3dlYm",
    "AAAACXNzaC1",
];

/// Whether a character is one of base64.
pub(super) fn is_encoded(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=".contains(c)
}
