//! The block below an error that says what the culprit has to say for itself.

use crate::event::Diagnosis;
use std::fmt::Write;

/// The block that people read.
pub fn text(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    write(&mut text, diagnosis).unwrap_or_default();
    text
}

fn write(text: &mut String, diagnosis: &Diagnosis) -> std::fmt::Result {
    let Diagnosis {
        container,
        service: _,
        dependents,
        why: _,
        status,
        exit_code,
        start_error,
        out_of_memory,
        memory_limit_bytes,
        restarts,
        failing_streak,
        probes,
        log,
        waited_ms,
        allowed_ms,
        place,
    } = diagnosis;
    if !dependents.is_empty() {
        writeln!(text, "  waiting for it: {}", dependents.join(", "))?;
    }
    write!(text, "  state: {status}")?;
    if let Some(code) = exit_code {
        write!(text, ", exit code {code}")?;
    }
    if *out_of_memory {
        text.push_str(", killed: out of memory (OOM)");
        if *memory_limit_bytes > 0 {
            write!(text, ", limit {}", size(*memory_limit_bytes))?;
        }
    }
    if *restarts > 0 {
        write!(text, ", restarted {restarts} times")?;
    }
    if *waited_ms > 0 {
        write!(text, ", after {}", seconds(*waited_ms))?;
    }
    match allowed_ms {
        Some(allowed) => writeln!(text, " of {} allowed", seconds(*allowed))?,
        None => text.push('\n'),
    }
    if !start_error.is_empty() {
        writeln!(text, "  the engine says: {start_error}")?;
    }
    if !probes.is_empty() {
        writeln!(text, "  last probes ({failing_streak} failed in a row):")?;
        for probe in probes {
            let output = probe.output.trim().replace('\n', "\n      ");
            writeln!(text, "    exit {}: {output}", probe.exit_code)?;
        }
    }
    if log.is_empty() && status != "created" {
        text.push_str("  it has written nothing\n");
    } else if log.is_empty() {
        // It never ran; that it has written nothing is no news.
    } else {
        writeln!(text, "  last lines of {container}:")?;
        for line in log {
            writeln!(text, "    {line}")?;
        }
    }
    match place {
        Some(place) => writeln!(text, "  defined at {place}"),
        None => Ok(()),
    }
}

fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

/// Bytes in the unit that a stack file would use, when it is a whole number of them.
fn size(bytes: i64) -> String {
    const UNITS: [(&str, i64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = UNITS.iter().find(|(_, size)| bytes % size == 0);
    unit.map_or_else(|| format!("{bytes} bytes"), |(name, size)| format!("{} {name}", bytes / size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ProbeRun;

    #[test]
    fn everything_that_is_known_is_said_and_nothing_else() {
        let diagnosis = Diagnosis {
            container: "p-db-1".to_owned(),
            dependents: vec!["web".to_owned()],
            status: "exited".to_owned(),
            exit_code: Some(137),
            out_of_memory: true,
            memory_limit_bytes: 8 << 20,
            restarts: 2,
            failing_streak: 1,
            probes: vec![ProbeRun { exit_code: 1, output: "no\nanswer\n".to_owned() }],
            log: vec!["opening".to_owned()],
            waited_ms: 2150,
            allowed_ms: Some(60_000),
            place: Some("compose.yaml:3:5".to_owned()),
            ..Diagnosis::default()
        };
        let expect = "  waiting for it: web\n  state: exited, exit code 137, killed: out of memory (OOM), limit 8 MiB, \
                      restarted 2 times, after 2.1 s of 60.0 s allowed\n  last probes (1 failed in a row):\n    exit 1: no\n      \
                      answer\n  last lines of p-db-1:\n    opening\n  defined at compose.yaml:3:5\n";
        assert_eq!(text(&diagnosis), expect);
        let bare = Diagnosis { status: "running".to_owned(), ..Diagnosis::default() };
        assert_eq!(text(&bare), "  state: running\n  it has written nothing\n");
    }
}
