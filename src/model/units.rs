//! Quantities with a unit: bytes and durations, as the specification spells them.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::time::Duration;

/// A number of bytes. `-1` means "no limit" where the engine knows that (`memswap_limit`).
///
/// Read from an integer, a numeric string or a number with `b k m g t p` (1024-based, optional `b` or `ib`);
/// written as a quoted decimal string, as the reference does.
/// <https://github.com/compose-spec/compose-spec/blob/main/11-extension.md#specifying-byte-values>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub i64);

/// A duration such as `1m30s`: Go's spelling, extended with `d` and `w`. Nanosecond precision. It may be negative, as
/// in the reference; the engine refuses that where it makes no sense.
/// <https://github.com/compose-spec/compose-spec/blob/main/11-extension.md#specifying-durations>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpecDuration {
    nanoseconds: i64,
}

impl SpecDuration {
    /// A whole number of nanoseconds.
    pub const fn from_nanoseconds(nanoseconds: i64) -> Self {
        Self { nanoseconds }
    }

    /// How long, in nanoseconds: the unit of the engine's health checks.
    pub const fn nanoseconds(self) -> i64 {
        self.nanoseconds
    }

    /// How long; nothing for what is negative.
    pub fn as_duration(self) -> Duration {
        Duration::from_nanos(self.nanoseconds.try_into().unwrap_or(0))
    }
}

/// Text that is no quantity of the kind that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a size at all.
    #[error("is not a size")]
    Size,
    /// More than 64 bits hold.
    #[error("is too large")]
    TooLarge,
    /// Less than nothing.
    #[error("is negative")]
    Negative,
    /// Not a duration at all.
    #[error("is not a duration")]
    Duration,
    /// A number without a unit.
    #[error("has no unit")]
    NoUnit,
}

const SIZE_FORM: &str = "bytes, or a number with a unit: `512m`, `2gb`, `1.5g`";
const DURATION_FORM: &str = "numbers with units: `30s`, `1m30s`, `500ms`, `2h`, `1d`";

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        // Differs: the reference reads `-1` only where it is written without quotes, but quotes it in what `config` prints
        // and so refuses its own output.
        if let Ok(bytes) = text.parse::<i64>() {
            return Ok(Self(bytes));
        }
        let last = text.rfind(|letter: char| letter.is_ascii_digit() || letter == '.' || letter == ' ');
        let (number, unit) = last.and_then(|last| text.split_at_checked(last + 1)).ok_or(UnitError::Size)?;
        let number: f64 =
            number.strip_suffix(' ').unwrap_or(number).parse().map_err(|_error| UnitError::Size)?;
        let unit = unit.to_ascii_lowercase();
        let power = match unit.as_str() {
            "" | "b" => 0,
            "k" | "kb" | "kib" => 1,
            "m" | "mb" | "mib" => 2,
            "g" | "gb" | "gib" => 3,
            "t" | "tb" | "tib" => 4,
            "p" | "pb" | "pib" => 5,
            _ => return Err(UnitError::Size),
        };
        if number < 0.0 {
            return Err(UnitError::Negative);
        }
        truncate(number * 1024_f64.powi(power)).map(Self)
    }
}

/// The whole part, where an `i64` holds it.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the range is checked before")]
fn truncate(value: f64) -> Result<i64, UnitError> {
    if value.is_finite() && value.abs() < 9.2e18 { Ok(value as i64) } else { Err(UnitError::TooLarge) }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

super::serial::schema_as!(ByteSize, String);
super::serial::schema_as!(SpecDuration, String);

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByteSizeVisitor)
    }
}

struct ByteSizeVisitor;

impl Visitor<'_> for ByteSizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(SIZE_FORM)
    }

    fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
        Ok(ByteSize(bytes))
    }

    // Differs: the reference passes over a size like `1e9` in silence, and so sets no limit.
    fn visit_f64<E: de::Error>(self, bytes: f64) -> Result<ByteSize, E> {
        truncate(bytes)
            .map(ByteSize)
            .map_err(|error| E::custom(format_args!("`{bytes}` {error}|expected {SIZE_FORM}")))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
        text.parse().map_err(|error| E::custom(format_args!("`{text}` {error}|expected {SIZE_FORM}")))
    }
}

impl FromStr for SpecDuration {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let negative = text.starts_with('-');
        let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
        if rest == "0" {
            return Ok(Self::default());
        }
        if rest.is_empty() {
            return Err(UnitError::Duration);
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let number_end =
                rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
            let (number, after) = rest.split_at_checked(number_end).ok_or(UnitError::Duration)?;
            let unit_end =
                after.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(after.len());
            let (unit, after) = after.split_at_checked(unit_end).ok_or(UnitError::Duration)?;
            let nanoseconds = quantity(number, unit_nanoseconds(unit)?)?;
            total = total.checked_add(nanoseconds).ok_or(UnitError::TooLarge)?;
            rest = after;
        }
        let total = i64::try_from(total).map_err(|_error| UnitError::TooLarge)?;
        Ok(Self::from_nanoseconds(if negative { -total } else { total }))
    }
}

fn unit_nanoseconds(unit: &str) -> Result<u64, UnitError> {
    const SECOND: u64 = 1_000_000_000;
    Ok(match unit {
        "ns" => 1,
        // The micro sign and the Greek letter look the same.
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3_600 * SECOND,
        "d" => 24 * 3_600 * SECOND,
        "w" => 7 * 24 * 3_600 * SECOND,
        "" => return Err(UnitError::NoUnit),
        _ => return Err(UnitError::Duration),
    })
}

/// `number` (digits, at most one point) times `unit`, cut off below a nanosecond.
fn quantity(number: &str, unit: u64) -> Result<u64, UnitError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(UnitError::Duration);
    }
    let whole: u64 =
        if whole.is_empty() { 0 } else { whole.parse().map_err(|_error| UnitError::TooLarge)? };
    let mut total = whole.checked_mul(unit).ok_or(UnitError::TooLarge)?;
    // Digits below a nanosecond fall away; 18 digits are more than any unit has.
    let digits: String = fraction.chars().take(18).collect();
    if !digits.is_empty() {
        let numerator: u128 = digits.parse().map_err(|_error| UnitError::Duration)?;
        let denominator = 10_u128.pow(digits.len().try_into().unwrap_or(18));
        let part = numerator * u128::from(unit) / denominator;
        total = total.checked_add(part.try_into().unwrap_or(u64::MAX)).ok_or(UnitError::TooLarge)?;
    }
    Ok(total)
}

impl fmt::Display for SpecDuration {
    /// As Go prints: `1h0m0s`, `1m30s`, `1.5s`, `500ms`, `0s`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.nanoseconds.unsigned_abs();
        let sign = if self.nanoseconds < 0 { "-" } else { "" };
        let text = match nanoseconds {
            0 => "0s".to_owned(),
            1..1_000 => format!("{nanoseconds}ns"),
            1_000..1_000_000 => format!("{}µs", decimal(nanoseconds, 1_000)),
            1_000_000..1_000_000_000 => format!("{}ms", decimal(nanoseconds, 1_000_000)),
            _ => {
                let seconds = nanoseconds / 1_000_000_000;
                let mut text = String::new();
                if seconds >= 3_600 {
                    write!(text, "{}h", seconds / 3_600)?;
                }
                if seconds >= 60 {
                    write!(text, "{}m", seconds / 60 % 60)?;
                }
                let below_a_minute = nanoseconds - seconds / 60 * 60_000_000_000;
                write!(text, "{}s", decimal(below_a_minute, 1_000_000_000))?;
                text
            }
        };
        formatter.pad(&format!("{sign}{text}"))
    }
}

/// `value / unit` as a decimal without trailing zeros; `unit` is a power of ten.
fn decimal(value: u64, unit: u64) -> String {
    if value.is_multiple_of(unit) {
        return (value / unit).to_string();
    }
    let width = unit.ilog10().try_into().unwrap_or(0_usize);
    let text = format!("{}.{:0width$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Serialize for SpecDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SpecDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpecDurationVisitor)
    }
}

struct SpecDurationVisitor;

impl Visitor<'_> for SpecDurationVisitor {
    type Value = SpecDuration;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(DURATION_FORM)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SpecDuration, E> {
        text.parse().map_err(|error| E::custom(format_args!("`{text}` {error}|expected {DURATION_FORM}")))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<SpecDuration, E> {
        Err(E::custom(format_args!("`{number}` has no unit|expected {DURATION_FORM}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_size(text: &str, expect: Result<i64, UnitError>) {
        assert_eq!(text.parse::<ByteSize>().map(|size| size.0), expect, "{text}");
    }

    fn check_duration(text: &str, expect: Result<&str, UnitError>) {
        let printed = text.parse::<SpecDuration>().map(|duration| duration.to_string());
        assert_eq!(printed.as_deref(), expect.as_ref().map(|text| *text), "{text}");
    }

    #[test]
    fn sizes_count_in_steps_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("10 mb", 10 << 20),
            ("1.5k", 1536),
            ("1kib", 1024),
            ("1KB", 1024),
            ("1b", 1),
            ("1 ", 1),
            ("+1k", 1024),
            (".5k", 512),
            ("1p", 1 << 50),
            ("1.5", 1),
            // Differs: see the place.
            ("-1", -1),
        ] {
            check_size(text, Ok(bytes));
        }
    }

    #[test]
    fn text_that_is_no_size_is_refused() {
        for text in ["", "k", "1e", "1bb", "1Ki", "1.5.2k", "1,5k", " 1k", "1kbb", "lots"] {
            check_size(text, Err(UnitError::Size));
        }
        check_size("-1m", Err(UnitError::Negative));
        check_size("9999999999g", Err(UnitError::TooLarge));
    }

    #[test]
    fn durations_print_as_the_reference_prints_them() {
        for (text, printed) in [
            ("90s", "1m30s"),
            ("1h", "1h0m0s"),
            ("1.5h", "1h30m0s"),
            ("1d", "24h0m0s"),
            ("1.5d", "36h0m0s"),
            ("1w2d3h4m5s6ms7us8ns", "219h4m5.006007008s"),
            ("0", "0s"),
            ("0s", "0s"),
            ("+5s", "5s"),
            ("-5s", "-5s"),
            ("-1.5m", "-1m30s"),
            ("1h1h", "2h0m0s"),
            ("1s1h", "1h0m1s"),
            ("1500us", "1.5ms"),
            ("1µs", "1µs"),
            (".5s", "500ms"),
            ("1.s", "1s"),
            ("0.0000000001s", "0s"),
            ("300000h", "300000h0m0s"),
        ] {
            check_duration(text, Ok(printed));
        }
    }

    #[test]
    fn text_that_is_no_duration_is_refused() {
        check_duration("10", Err(UnitError::NoUnit));
        check_duration("", Err(UnitError::Duration));
        check_duration("1m 30s", Err(UnitError::Duration));
        check_duration("1M", Err(UnitError::Duration));
        check_duration(".s", Err(UnitError::Duration));
        check_duration("9999999999999s", Err(UnitError::TooLarge));
    }
}
