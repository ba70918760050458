//! What a scalar means: null, a number, a time, text, exactly as go-yaml v3 decides it.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use crate::error::Error;
use crate::yaml::node::{Kind, NodeId, Style, Tree};
use crate::yaml::time::Timestamp;

/// A scalar's meaning.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'t> {
    /// Nothing, `~`, `null`.
    Null,
    /// `true`, `false`; never `yes` or `on`.
    Bool(bool),
    /// A whole number in any of the bases.
    Int(i64),
    /// A whole number above [`i64::MAX`].
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// A date, with or without a time of day.
    Time(Timestamp),
    /// Text.
    Str(Cow<'t, str>),
    /// What `!!binary` held.
    Binary(Vec<u8>),
    /// A plain `<<`: the key that merges other maps in.
    Merge,
}

/// Why a scalar has no meaning. Displayed as go-yaml does, which quotes the text: show it for documents that
/// hold nothing secret; the conversion into [`Error`] leaves the text out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ResolveError {
    /// The explicit tag asks for another type than the text has.
    Mismatch {
        /// The tag of what the text is, `!!str`.
        found: &'static str,
        /// The tag that stands before it, `!!int`.
        wanted: String,
        /// The text.
        text: String,
    },
    /// `!!binary` before something else than base64.
    Base64,
    /// Not a scalar.
    Collection,
}

impl fmt::Display for ResolveError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { found, wanted, text } => {
                write!(out, "yaml: cannot decode {found} `{text}` as a {wanted}")
            }
            Self::Base64 => out.write_str("yaml: !!binary value contains invalid base64 data"),
            Self::Collection => out.write_str("yaml: not a scalar"),
        }
    }
}

impl std::error::Error for ResolveError {}

impl From<ResolveError> for Error {
    fn from(error: ResolveError) -> Self {
        Self::new(match error {
            ResolveError::Mismatch { found, wanted, .. } => format!("cannot read {found} as {wanted}"),
            ResolveError::Base64 => "!!binary without base64 behind it".to_owned(),
            ResolveError::Collection => "a list or map where a single value is wanted".to_owned(),
        })
    }
}

/// What a node means; an alias means what its target does.
///
/// # Errors
/// A list or map; an explicit tag that the text cannot have; `!!binary` without base64.
pub fn resolve<'t>(tree: &'t Tree<'_>, id: NodeId) -> Result<Scalar<'t>, ResolveError> {
    let id = tree.deref(id);
    let node = tree.node(id);
    if node.kind != Kind::Scalar {
        return Err(ResolveError::Collection);
    }
    let text = node.text.as_ref();
    match tree.tag(id) {
        None if node.style != Style::Plain => Ok(Scalar::Str(text.into())),
        None if text == "<<" => Ok(Scalar::Merge),
        None => Ok(resolve_plain(text)),
        Some(tag) => resolve_tagged(tag, text),
    }
}

/// What an unquoted, untagged text means; `<<` is text here.
pub fn resolve_plain(text: &str) -> Scalar<'_> {
    typed(text, true).unwrap_or(Scalar::Str(Cow::Borrowed(text)))
}

fn resolve_tagged<'t>(tag: &str, text: &'t str) -> Result<Scalar<'t>, ResolveError> {
    let scalar = match tag {
        "!!bool" | "!!int" | "!!float" | "!!null" => typed(text, false),
        "!!timestamp" => typed(text, true),
        "!!binary" => return binary(text).map(Scalar::Binary).ok_or(ResolveError::Base64),
        "!!merge" => return Ok(Scalar::Merge),
        _ => None,
    };
    let scalar = scalar.unwrap_or(Scalar::Str(text.into()));
    let found = tag_of(&scalar);
    match (tag, &scalar) {
        ("!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp", _) if tag == found => Ok(scalar),
        ("!!float", Scalar::Int(int)) => Ok(Scalar::Float(as_float(*int))),
        ("!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp", _) => {
            Err(ResolveError::Mismatch { found, wanted: tag.to_owned(), text: text.to_owned() })
        }
        // text under a tag of somebody's own is text
        _ => Ok(scalar),
    }
}

/// The short tag that a meaning has.
pub(crate) fn tag_of(scalar: &Scalar<'_>) -> &'static str {
    match scalar {
        Scalar::Null => "!!null",
        Scalar::Bool(_) => "!!bool",
        Scalar::Int(_) | Scalar::Uint(_) => "!!int",
        Scalar::Float(_) => "!!float",
        Scalar::Time(_) => "!!timestamp",
        Scalar::Str(_) => "!!str",
        Scalar::Binary(_) => "!!binary",
        Scalar::Merge => "!!merge",
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the nearest float is what a whole number tagged !!float means"
)]
fn as_float(int: i64) -> f64 {
    int as f64
}

/// Anything but text. The first byte decides what is tried at all, so that most texts cost one comparison.
fn typed(text: &str, times: bool) -> Option<Scalar<'static>> {
    match text.bytes().next() {
        None | Some(b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F') => word(text),
        Some(b'.') => word(text).or_else(|| go_float(text).map(Scalar::Float)),
        Some(b'+' | b'-' | b'0'..=b'9') => word(text).or_else(|| number(text, times)),
        Some(_) => None,
    }
}

fn word(text: &str) -> Option<Scalar<'static>> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn number(text: &str, times: bool) -> Option<Scalar<'static>> {
    if times && let Some(time) = Timestamp::parse_yaml(text) {
        return Some(Scalar::Time(time));
    }
    let digits: Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    whole(&digits).or_else(|| float(&digits)).or_else(|| prefixed(&digits))
}

fn float(text: &str) -> Option<Scalar<'static>> {
    let float: f64 = is_float(text).then(|| text.parse().ok()).flatten()?;
    float.is_finite().then_some(Scalar::Float(float))
}

/// go-yaml takes a sign behind these prefixes too.
fn prefixed(text: &str) -> Option<Scalar<'static>> {
    let (digits, base) = match text.strip_prefix("0o") {
        Some(digits) => (digits, 8),
        None => (text.strip_prefix("0b")?, 2),
    };
    i64::from_str_radix(digits, base).ok().map(Scalar::Int)
}

/// Go's `ParseInt` and then `ParseUint`, both with base 0.
fn whole(text: &str) -> Option<Scalar<'static>> {
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', ..] => (true, text.get(1..)?),
        [b'+', ..] => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (base, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, unsigned.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, unsigned.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    // from_str_radix would take a sign of its own
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, base).ok()?;
    match i64::try_from(magnitude) {
        Ok(int) if negative => Some(Scalar::Int(-int)),
        Ok(int) => Some(Scalar::Int(int)),
        Err(_) if negative => (magnitude == i64::MIN.unsigned_abs()).then_some(Scalar::Int(i64::MIN)),
        // ParseUint takes no sign at all
        Err(_) => (unsigned.len() == text.len()).then_some(Scalar::Uint(magnitude)),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    fn digits(text: &[u8]) -> (usize, &[u8]) {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count, text.get(count..).unwrap_or_default())
    }
    fn unsigned(text: &[u8]) -> &[u8] {
        text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text)
    }
    let (before, mut rest) = digits(unsigned(text.as_bytes()));
    if let [b'.', fraction @ ..] = rest {
        let (behind, after) = digits(fraction);
        if before + behind == 0 {
            return false;
        }
        rest = after;
    } else if before == 0 {
        return false;
    }
    match rest {
        [] => true,
        [b'e' | b'E', exponent @ ..] => {
            let (count, rest) = digits(unsigned(exponent));
            count > 0 && rest.is_empty()
        }
        _ => false,
    }
}

/// Go's `ParseFloat` of a text that starts with a dot: underscores may stand between digits.
fn go_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digit_at = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let placed = |(at, byte): (usize, &u8)| {
        *byte != b'_' || (digit_at(at.checked_sub(1)) && digit_at(at.checked_add(1)))
    };
    if !bytes.iter().enumerate().all(placed) {
        return None;
    }
    let text: Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    if !is_float(&text) {
        return None;
    }
    text.parse().ok().filter(|float: &f64| float.is_finite())
}

/// Base64 as Go's standard decoder takes it: padded, line breaks anywhere.
fn binary(text: &str) -> Option<Vec<u8>> {
    let engine =
        GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
    if text.contains(['\n', '\r']) {
        return engine.decode(text.replace(['\n', '\r'], "")).ok();
    }
    engine.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::node::Node;

    fn of(text: &str) -> Scalar<'_> {
        resolve_plain(text)
    }

    #[test]
    fn whole_numbers_in_every_base() {
        let cases = [
            ("0", 0),
            ("-0", 0),
            ("+1", 1),
            ("42", 42),
            ("1_000", 1000),
            ("1__0", 10),
            ("1_", 1),
            ("0777", 511),
            ("0o17", 15),
            ("-0o17", -15),
            ("0x1F", 31),
            ("-0x1F", -31),
            ("0X1f", 31),
            ("0b101", 5),
            ("-0b101", -5),
            ("0_7", 7),
            ("0o+17", 15),
            ("0b-1", -1),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ];
        for (text, int) in cases {
            assert_eq!(of(text), Scalar::Int(int), "{text}");
        }
        assert_eq!(of("9223372036854775808"), Scalar::Uint(1 << 63));
        assert_eq!(of("0x8000000000000000"), Scalar::Uint(1 << 63));
        assert_eq!(of("18446744073709551615"), Scalar::Uint(u64::MAX));
    }

    #[test]
    fn other_numbers() {
        let cases = [
            ("1.5", 1.5),
            ("5.", 5.0),
            (".5", 0.5),
            (".5_0", 0.5),
            ("-.5", -0.5),
            ("+.5e1", 5.0),
            ("1e3", 1000.0),
            ("1E-3", 0.001),
            ("08", 8.0),
            ("1_0.5_0", 10.5),
            ("1e-400", 0.0),
            (".inf", f64::INFINITY),
            ("+.INF", f64::INFINITY),
            ("-.Inf", f64::NEG_INFINITY),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
            ("-9223372036854775809", -9_223_372_036_854_775_809.0),
            ("+9223372036854775808", 9_223_372_036_854_775_808.0),
        ];
        for (text, float) in cases {
            assert_eq!(of(text), Scalar::Float(float), "{text}");
        }
        assert!(matches!(of("-0.0"), Scalar::Float(zero) if zero == 0.0 && zero.is_sign_negative()));
        assert!(matches!(of(".NaN"), Scalar::Float(nan) if nan.is_nan()));
    }

    #[test]
    fn words_and_what_only_looks_like_one() {
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(of(text), Scalar::Null, "{text}");
        }
        assert_eq!(of("True"), Scalar::Bool(true));
        assert_eq!(of("FALSE"), Scalar::Bool(false));
        for text in [
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "tRUE",
            "nULL",
            "inf",
            "nan",
            "1e400",
            "_1",
            "0x",
            "0o8",
            "0b2",
            "0b",
            "1:60",
            "190:20:30",
            ".",
            "..",
            "._1",
            ".5_",
            ".e5",
            "+",
            "-",
            "+.",
            "1e",
            "1.e+",
            "0x1p4",
            "0x1.8p1",
            "0o",
            "--1",
            "0x+1",
            "0O+1",
            "-0o+1",
            "+-1",
            "0x-1",
            "1 2",
            "<<",
            "=",
            "infinity",
            "+inf",
            ".5.5",
            "2024-01-01T10:20:30",
        ] {
            assert_eq!(of(text), Scalar::Str(text.into()), "{text}");
        }
    }

    fn tagged(tag: &'static str, style: Style, text: &'static str) -> Result<String, String> {
        let mut tree = Tree::new();
        let id = tree.push(Node::new(Kind::Scalar, style, text));
        if !tag.is_empty() {
            tree.set_tag(id, tag);
        }
        resolve(&tree, id).map(|scalar| format!("{scalar:?}")).map_err(|error| error.to_string())
    }

    #[test]
    fn explicit_tags_must_fit() {
        let ok = |tag, style, text| tagged(tag, style, text).unwrap();
        assert_eq!(ok("!!int", Style::DoubleQuoted, "5"), "Int(5)");
        assert_eq!(ok("!!float", Style::Plain, "5"), "Float(5.0)");
        assert_eq!(ok("!!str", Style::Plain, "5"), "Str(\"5\")");
        assert_eq!(ok("!mine", Style::Plain, "5"), "Str(\"5\")");
        assert_eq!(ok("!!null", Style::SingleQuoted, ""), "Null");
        assert_eq!(ok("!!binary", Style::Plain, "aGk="), "Binary([104, 105])");
        assert_eq!(ok("!!binary", Style::Literal, "aG\nk=\n"), "Binary([104, 105])");
        assert_eq!(ok("", Style::SingleQuoted, "<<"), "Str(\"<<\")");
        assert_eq!(ok("", Style::Plain, "<<"), "Merge");
        assert!(ok("!!timestamp", Style::DoubleQuoted, "2001-01-01").starts_with("Time("));
        let wrong = |tag, text| tagged(tag, Style::Plain, text).unwrap_err();
        assert_eq!(wrong("!!int", "abc"), "yaml: cannot decode !!str `abc` as a !!int");
        assert_eq!(wrong("!!int", "1.5"), "yaml: cannot decode !!float `1.5` as a !!int");
        assert_eq!(wrong("!!int", ""), "yaml: cannot decode !!null `` as a !!int");
        assert_eq!(wrong("!!bool", "yes"), "yaml: cannot decode !!str `yes` as a !!bool");
        assert_eq!(
            wrong("!!float", "18446744073709551615"),
            "yaml: cannot decode !!int `18446744073709551615` as a !!float"
        );
        assert_eq!(wrong("!!timestamp", "soon"), "yaml: cannot decode !!str `soon` as a !!timestamp");
        assert_eq!(wrong("!!binary", "a"), "yaml: !!binary value contains invalid base64 data");
    }

    #[test]
    fn our_own_errors_do_not_quote() {
        let error = Error::from(ResolveError::Mismatch {
            found: "!!str",
            wanted: "!!int".into(),
            text: "hunter2".into(),
        });
        assert_eq!(error.to_string(), "cannot read !!str as !!int");
    }
}
