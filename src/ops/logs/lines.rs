//! Lines put together from what the engine sends. Pure.

/// Where reading a container's log has got to: the time of a line, nanoseconds since 1970.
pub(super) type Position = Option<i64>;

/// Puts lines together from the pieces the engine sends. Each piece begins with its time and a blank; a line that is
/// longer than the engine's buffer comes in several.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    out: Part,
    err: Part,
}

#[derive(Debug, Default)]
struct Part {
    time: Position,
    text: Vec<u8>,
}

impl Splitter {
    pub(super) fn take(&mut self, bytes: &[u8], stderr: bool) -> Vec<(Position, String)> {
        let part = if stderr { &mut self.err } else { &mut self.out };
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (time, rest) = stamp(piece);
            if part.text.is_empty() {
                part.time = time;
            }
            part.text.extend_from_slice(rest);
            if part.text.last() == Some(&b'\n') {
                lines.push(part.finish());
            }
        }
        lines
    }

    pub(super) fn rest(self) -> Vec<(bool, (Position, String))> {
        [(false, self.out), (true, self.err)]
            .into_iter()
            .filter(|(_, part)| !part.text.is_empty())
            .map(|(stderr, mut part)| (stderr, part.finish()))
            .collect()
    }
}

impl Part {
    fn finish(&mut self) -> (Position, String) {
        let text = std::mem::take(&mut self.text);
        let text = String::from_utf8_lossy(&text);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        (self.time.take(), text.strip_suffix('\r').unwrap_or(text).to_owned())
    }
}

/// Takes the time off a piece.
fn stamp(piece: &[u8]) -> (Position, &[u8]) {
    let Some(blank) = piece.iter().position(|byte| *byte == b' ') else { return (None, piece) };
    let (head, rest) = piece.split_at(blank);
    let time = std::str::from_utf8(head).ok().and_then(|head| head.parse::<jiff::Timestamp>().ok());
    match time.and_then(|time| i64::try_from(time.as_nanosecond()).ok()) {
        Some(nanos) => (Some(nanos), rest.get(1..).unwrap_or_default()),
        None => (None, piece),
    }
}

/// Nanoseconds since 1970 as people and the engine write them.
pub(super) fn rfc3339(nanos: i64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S%.9fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_from_pieces_and_keep_their_first_time() {
        let mut splitter = Splitter::default();
        assert!(splitter.take(b"2026-01-01T00:00:00.000000001Z half", false).is_empty());
        let lines = splitter.take(b"2026-01-01T00:00:00.000000002Z  line\n", false);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].1, "half line");
        assert_eq!(lines[0].0.map(|nanos| nanos % 1000), Some(1));
    }

    #[test]
    fn the_last_line_needs_no_end() {
        let mut splitter = Splitter::default();
        assert!(splitter.take(b"2026-01-01T00:00:00Z bye", true).is_empty());
        let rest = splitter.rest();
        assert_eq!(rest.len(), 1);
        assert_eq!((rest[0].0, rest[0].1.1.as_str()), (true, "bye"));
    }
}
