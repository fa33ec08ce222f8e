//! What a plain scalar is: number, boolean, null, date or text, by the rules of the reference's YAML parser.
//!
//! YAML 1.2's core schema with a few of 1.1's habits: `0644` is octal, `_` may stand between digits, dates are their own
//! kind; `yes`, `no`, `on`, `off` are text. Deliberately absent: `<<`, which only means something as a key.

use super::Data;
use std::borrow::Cow;

/// The value of a plain (unquoted) scalar; `None` when it is text, as most are: who holds the text can keep it.
pub fn plain(text: &str) -> Option<Data> {
    let Some(first) = text.bytes().next() else { return Some(Data::Null) };
    match first {
        b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' => word(text),
        b'.' => special_float(text).or_else(|| float(text).map(Data::Float)),
        b'+' | b'-' | b'0'..=b'9' => number(text),
        _ => None,
    }
}

fn word(text: &str) -> Option<Data> {
    match text {
        "~" | "null" | "Null" | "NULL" => Some(Data::Null),
        "true" | "True" | "TRUE" => Some(Data::Bool(true)),
        "false" | "False" | "FALSE" => Some(Data::Bool(false)),
        _ => None,
    }
}

fn special_float(text: &str) -> Option<Data> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some(Data::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(Data::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => Some(Data::Float(f64::NEG_INFINITY)),
        _ => None,
    }
}

fn number(text: &str) -> Option<Data> {
    if let Some(special) = special_float(text) {
        return Some(special);
    }
    if is_timestamp(text) {
        return Some(Data::Timestamp(text.into()));
    }
    let digits: Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    integer(&digits).or_else(|| float(&digits).map(Data::Float))
}

/// An integer in base 2, 8, 10 or 16, as its prefix says; a bare leading zero is octal.
fn integer(text: &str) -> Option<Data> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|character| character.is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(magnitude).map(Data::Int);
    }
    Some(i64::try_from(magnitude).map_or(Data::UInt(magnitude), Data::Int))
}

/// A decimal float; `None` for anything else and for one that no 64-bit float can hold.
fn float(text: &str) -> Option<f64> {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (body.get(..at)?, body.get(at + 1..)),
        None => (body, None),
    };
    if let Some(exponent) = exponent {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if exponent.is_empty() || !exponent.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// `2001-12-14`, `2001-12-14t21:59:43.10-05:00`, `2001-12-14 21:59:43`: a date that exists, with an optional time.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes.iter().take(4).all(u8::is_ascii_digit) || bytes.get(4) != Some(&b'-') {
        return false;
    }
    let Some((year, rest)) = text.split_once('-') else { return false };
    let Some((month, rest)) = rest.split_once('-') else { return false };
    let split = rest.find(['T', 't', ' ']);
    let (day, time) = match split {
        Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at..)),
        None => (rest, None),
    };
    let (Ok(year), Some(month), Some(day)) = (year.parse::<u32>(), small(month, 12), small(day, 31)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    month >= 1 && day >= 1 && day <= last && time.is_none_or(is_time)
}

/// One or two digits up to `limit`.
fn small(text: &str, limit: u32) -> Option<u32> {
    if text.is_empty() || text.len() > 2 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|value| *value <= limit)
}

/// The part after the date: `T` or `t` needs a zone, a blank forbids one.
fn is_time(text: &str) -> bool {
    let (zoned, clock) = match text.strip_prefix(' ') {
        Some(clock) => (false, clock),
        None => (true, text.get(1..).unwrap_or_default()),
    };
    let clock = if zoned {
        if let Some(clock) = clock.strip_suffix('Z') {
            clock
        } else {
            let Some(at) = clock.rfind(['+', '-']) else { return false };
            let zone = clock.get(at + 1..).unwrap_or_default();
            let Some((hours, minutes)) = zone.split_once(':') else { return false };
            if hours.len() != 2
                || minutes.len() != 2
                || small(hours, 24).is_none()
                || small(minutes, 60).is_none()
            {
                return false;
            }
            clock.get(..at).unwrap_or_default()
        }
    } else {
        clock
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let parts: Vec<_> = clock.split(':').collect();
    match parts.as_slice() {
        [hours, minutes, seconds] => {
            small(hours, 23).is_some() && small(minutes, 59).is_some() && small(seconds, 59).is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Data, plain};

    fn check(text: &str, expect: &Data) {
        let found = plain(text).unwrap_or_else(|| Data::String(text.into()));
        let same = match (&found, expect) {
            (Data::Float(a), Data::Float(b)) => a.to_bits() == b.to_bits(),
            _ => found == *expect,
        };
        assert!(same, "{text:?} is {found:?}, not {expect:?}");
    }

    fn text(text: &str) {
        check(text, &Data::String(text.into()));
    }

    #[test]
    fn integers_follow_their_prefix() {
        for (source, value) in [
            ("0", 0),
            ("12", 12),
            ("+5", 5),
            ("-5", -5),
            ("0644", 420),
            ("0o644", 420),
            ("0x1F", 31),
            ("0X1f", 31),
            ("0b11", 3),
            ("-0x10", -16),
            ("1_000", 1000),
            ("-9223372036854775808", i64::MIN),
        ] {
            check(source, &Data::Int(value));
        }
        check("18446744073709551615", &Data::UInt(u64::MAX));
    }

    #[test]
    fn a_zero_before_an_eight_makes_a_float() {
        check("08", &Data::Float(8.0));
        check("1e3", &Data::Float(1000.0));
        check(".5", &Data::Float(0.5));
        check("1.", &Data::Float(1.0));
        check("-.inf", &Data::Float(f64::NEG_INFINITY));
        check("18446744073709551616", &Data::Float(18_446_744_073_709_551_616.0));
    }

    #[test]
    fn only_the_core_words_are_booleans() {
        check("True", &Data::Bool(true));
        check("FALSE", &Data::Bool(false));
        check("~", &Data::Null);
        check("", &Data::Null);
        for word in ["yes", "no", "on", "off", "y", "n", "tRUE", "nULL", "nil"] {
            text(word);
        }
    }

    #[test]
    fn what_only_looks_like_a_number_is_text() {
        for word in ["22:22", "1.2.3", "1e999", "0xzz", "-", "+", "1a", ".", "..", "1e", "0x", "12s"] {
            text(word);
        }
    }

    #[test]
    fn dates_are_dates() {
        for date in
            ["2001-01-01", "2001-1-2", "2001-12-14T21:59:43.10-05:00", "2001-12-14 21:59:43", "2024-02-29"]
        {
            check(date, &Data::Timestamp(date.into()));
        }
        for word in ["2001-13-01", "2001-02-29", "2001-01", "20010-01-01", "2001-12-14T21:59:43"] {
            text(word);
        }
    }
}
