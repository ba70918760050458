//! Floats as Go's strconv prints them: the shortest digits that read back as the same number.
//!
//! Two forms: `f` never has an exponent (what sops encrypts and hashes), `g` has one for large and small
//! numbers (what go-yaml writes).

/// Go's `strconv.FormatFloat(value, 'f', -1, 64)`: `1`, `0.0000001`, `-0`, `+Inf`, `-Inf`, `NaN`.
pub fn float_f(value: f64) -> String {
    infinite(value).map_or_else(|| format!("{value}"), str::to_owned)
}

/// Go's `strconv.FormatFloat(value, 'g', -1, 64)`: as [`float_f`], but with an exponent of a sign and at
/// least two digits where it is below -4 or above 5: `1e-05`, `1.2345675e+06`, `123456.7`.
pub fn float_g(value: f64) -> String {
    if let Some(text) = infinite(value) {
        return text.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
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
