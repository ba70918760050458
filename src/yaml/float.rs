//! Floats as Go's strconv prints them: the shortest digits that read back as the same number.
//!
//! Two forms: `f` never has an exponent (what sops encrypts and hashes), `g` has one for large and small
//! numbers (what go-yaml writes).

/// Go's `strconv.FormatFloat(value, 'f', -1, 64)`: `1`, `0.0000001`, `-0`, `+Inf`, `-Inf`, `NaN`.
pub fn float_f(value: f64) -> String {
    if let Some(text) = infinite(value) {
        return text.to_owned();
    }
    let (digits, exponent) = shortest(value);
    fixed(&digits, exponent)
}

/// Go's `strconv.FormatFloat(value, 'g', -1, 64)`: as [`float_f`], but with an exponent of a sign and at
/// least two digits where it is below -4 or above 5: `1e-05`, `1.2345675e+06`, `123456.7`.
pub fn float_g(value: f64) -> String {
    if let Some(text) = infinite(value) {
        return text.to_owned();
    }
    let (digits, exponent) = shortest(value);
    if (-4..6).contains(&exponent) {
        return fixed(&digits, exponent);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// The shortest digits that read back as the number, `-1.25`, and the exponent of the first one. Of two equally
/// near ones Go takes that with the even last digit, where Rust rounds up.
fn shortest(value: f64) -> (String, i32) {
    let mut text = format!("{value:e}");
    let count = text.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    // ties need more digits than 15: below that every decimal reads back as itself
    if count > 15 {
        let even = format!("{value:.*e}", count - 1);
        if even.parse() == Ok(value) {
            text = even;
        }
    }
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits =
        if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    (digits.to_owned(), exponent.parse().unwrap_or(0))
}

/// Digits without an exponent.
fn fixed(digits: &str, exponent: i32) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let digits = digits.replace('.', "");
    let Ok(before) = usize::try_from(exponent) else {
        let zeros = "0".repeat(usize::try_from(-1 - exponent).unwrap_or(0));
        return format!("{sign}0.{zeros}{digits}");
    };
    match digits.split_at_checked(before + 1) {
        Some((whole, "")) => format!("{sign}{whole}"),
        Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{digits:0<width$}", width = before + 1),
    }
}

fn infinite(value: f64) -> Option<&'static str> {
    match value {
        value if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f_has_no_exponent() {
        let cases = [
            (1.0, "1"),
            (1e21, "1000000000000000000000"),
            (1e-7, "0.0000001"),
            (-0.0, "-0"),
            (0.0, "0"),
            (1.5, "1.5"),
            (-0.001_25, "-0.00125"),
            (1200.0, "1200"),
            (f64::from_bits(0x4314_5E97_CA7A_59C9), "1433376391075442.2"),
            (f64::from_bits(0xC304_E135_F35E_8B62), "-734640170848620.2"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(float_f(value), text);
        }
    }

    #[test]
    fn g_has_one_below_minus_four_and_from_six() {
        let cases = [
            (1_234_567.5, "1.2345675e+06"),
            (1e6, "1e+06"),
            (123_456.7, "123456.7"),
            (100_000.0, "100000"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (-0.0, "-0"),
            (1.0, "1"),
            (f64::INFINITY, "+Inf"),
        ];
        for (value, text) in cases {
            assert_eq!(float_g(value), text);
        }
    }
}
