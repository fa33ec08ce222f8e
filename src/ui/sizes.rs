//! Numbers of bytes as the docker command line writes them.

/// `36.6MB`: three digits, steps of 1000.
pub fn decimal_size(bytes: u64) -> String {
    human(bytes, 1000.0, &["B", "kB", "MB", "GB", "TB", "PB", "EB"], 3)
}

/// `3.539MiB`: four digits, steps of 1024.
pub fn binary_size(bytes: u64) -> String {
    human(bytes, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"], 4)
}

fn human(bytes: u64, step: f64, units: &[&str], digits: usize) -> String {
    // What a float cannot hold exactly is far beyond the digits that are shown.
    let mut value = bytes.to_string().parse::<f64>().unwrap_or_default();
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    while value >= step {
        let Some(next) = units.next() else { break };
        value /= step;
        unit = next;
    }
    format!("{}{unit}", significant(value, digits))
}

/// A number below 10,000 with so many digits, without zeros at its end.
fn significant(value: f64, digits: usize) -> String {
    let before = format!("{value:.0}").len();
    let text = format!("{value:.*}", digits.saturating_sub(before.min(digits)));
    // What was rounded up to another digit before the point has one too many behind it.
    let text = match text.split_once('.') {
        Some((whole, rest)) if whole.len() > before => {
            format!("{whole}.{}", rest.get(1..).unwrap_or_default())
        }
        Some(_) | None => text,
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_in_the_docker_command_line() {
        for (bytes, decimal, binary) in [
            (0, "0B", "0B"),
            (126, "126B", "126B"),
            (2_380, "2.38kB", "2.324KiB"),
            (491_520, "492kB", "480KiB"),
            (1_984_444, "1.98MB", "1.893MiB"),
            (26_962_883, "27MB", "25.71MiB"),
            (36_616_366, "36.6MB", "34.92MiB"),
            (999_999, "1e+03kB", "976.6KiB"),
            (25_279_000_000, "25.3GB", "23.54GiB"),
        ] {
            // Go writes 999.999 kB with three digits as `1e+03kB`; nobody wants that.
            let decimal = if decimal == "1e+03kB" { "1000kB" } else { decimal };
            assert_eq!(
                (decimal_size(bytes).as_str(), binary_size(bytes).as_str()),
                (decimal, binary),
                "{bytes}"
            );
        }
    }
}
