//! Scalars as text, spelled the way Go spells them: the reference is written in Go, and both its output and its
//! config hash are taken over that spelling.

use super::{Data, Text};
use compact_str::ToCompactString;

/// The text of a scalar where text is wanted but a number or boolean was written (`80` for `80`, `1.5` for `1.50`);
/// `None` for lists and mappings. Nothing is the empty text.
pub fn scalar_text(data: &Data) -> Option<Text> {
    match data {
        Data::Null => Some(Text::default()),
        Data::Bool(value) => Some(value.to_compact_string()),
        Data::Int(value) => Some(value.to_compact_string()),
        Data::UInt(value) => Some(value.to_compact_string()),
        Data::Float(value) if value.is_nan() => Some("NaN".into()),
        Data::Float(value) if value.is_infinite() => Some(if *value > 0.0 { "+Inf" } else { "-Inf" }.into()),
        Data::Float(value) => Some(float_yaml(*value).into()),
        Data::Timestamp(text) | Data::String(text) => Some(text.clone()),
        Data::Sequence(_) | Data::Mapping(_) => None,
    }
}

/// A float as YAML: shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub fn float_yaml(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let decimal = Decimal::of(value);
    if decimal.exponent < -4 || decimal.exponent >= 6 {
        return decimal.scientific(2);
    }
    decimal.positional()
}

/// A float as JSON: shortest digits, with an exponent below 1e-6 and from 1e21 on. JSON has no infinity; it is null.
pub fn float_json(value: f64) -> String {
    if !value.is_finite() {
        return "null".to_owned();
    }
    let decimal = Decimal::of(value);
    if decimal.exponent < -6 || decimal.exponent >= 21 {
        return decimal.scientific(1);
    }
    decimal.positional()
}

/// A finite float as its shortest decimal digits.
struct Decimal {
    negative: bool,
    /// Significant digits, the first of which stands for `10^exponent`.
    digits: String,
    exponent: i32,
}

impl Decimal {
    fn of(value: f64) -> Self {
        let text = format!("{:e}", value.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        Self {
            negative: value.is_sign_negative(),
            digits: mantissa.chars().filter(char::is_ascii_digit).collect(),
            exponent: exponent.parse().unwrap_or(0),
        }
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    fn scientific(&self, exponent_width: usize) -> String {
        let (first, rest) = self.digits.split_at_checked(1).unwrap_or(("0", ""));
        let point = if rest.is_empty() { "" } else { "." };
        let exponent_sign = if self.exponent < 0 { '-' } else { '+' };
        let magnitude = self.exponent.unsigned_abs();
        format!("{}{first}{point}{rest}e{exponent_sign}{magnitude:0exponent_width$}", self.sign())
    }

    fn positional(&self) -> String {
        let sign = self.sign();
        let Ok(whole) = usize::try_from(self.exponent) else {
            let zeros = usize::try_from(self.exponent.unsigned_abs()).unwrap_or(1) - 1;
            return format!("{sign}0.{}{}", "0".repeat(zeros), self.digits);
        };
        match self.digits.split_at_checked(whole + 1) {
            Some((before, "")) => format!("{sign}{before}"),
            Some((before, after)) => format!("{sign}{before}.{after}"),
            None => format!("{sign}{}{}", self.digits, "0".repeat(whole + 1 - self.digits.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: f64, yaml: &str, json: &str) {
        assert_eq!((float_yaml(value).as_str(), float_json(value).as_str()), (yaml, json), "{value}");
    }

    #[test]
    fn floats_are_spelled_as_the_reference_spells_them() {
        check(1_000_000.0, "1e+06", "1000000");
        check(100_000.0, "100000", "100000");
        check(123_456_789.5, "1.234567895e+08", "123456789.5");
        check(1e20, "1e+20", "100000000000000000000");
        check(1e21, "1e+21", "1e+21");
        check(0.0001, "0.0001", "0.0001");
        check(0.000_01, "1e-05", "0.00001");
        check(0.000_001, "1e-06", "0.000001");
        check(0.000_000_1, "1e-07", "1e-7");
        check(-0.0, "-0", "-0");
        check(0.5, "0.5", "0.5");
        check(2.0, "2", "2");
        check(f64::INFINITY, ".inf", "null");
    }

    #[test]
    fn numbers_become_text_where_text_is_wanted() {
        assert_eq!(scalar_text(&Data::Float(1.50)), Some("1.5".into()));
        assert_eq!(scalar_text(&Data::Float(f64::INFINITY)), Some("+Inf".into()));
        assert_eq!(scalar_text(&Data::Bool(true)), Some("true".into()));
        assert_eq!(scalar_text(&Data::Null), Some(Text::default()));
        assert_eq!(scalar_text(&Data::Sequence(Vec::new())), None);
    }
}
