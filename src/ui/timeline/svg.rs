//! The picture: a row for each service, a bar for each step, the critical path outlined and joined, and words beneath.

use super::{KINDS, escaped, headline, seconds, title, word};
use crate::event::{Timeline, TimelineBar, TimelineKind};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

/// All lengths are in the picture's own units, which are pixels where it is shown as it is.
const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 16.0;
const LANE: f64 = 17.0;
const GAP: f64 = 3.0;
const PADDING: f64 = 5.0;
/// The widest that names of services may be.
const NAMES: f64 = 220.0;
/// About how wide a letter of the small font is.
const LETTER: f64 = 6.3;
/// Where the rows begin.
const TOP: f64 = 84.0;

/// What looks how. Colours are those of Okabe and Ito, which people who see few colours can tell apart. No variables: not every
/// program that draws pictures knows them.
const STYLE: &str = "\
text { font: 12px system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.head { font-weight: 600; }
.faint { fill: #656d76; }
.paper { fill: #ffffff; }
.odd { fill: #f6f8fa; }
.grid { stroke: #d0d7de; stroke-width: 1; }
.pull { fill: #0072b2; } .build { fill: #a0508a; } .stop { fill: #7f858c; } .create { fill: #56b4e9; }
.failed { fill: #a40e26; } .start { fill: #009e73; } .ready { fill: #f0c04a; } .other { fill: #b8c0c8; }
.wait { fill: url(#hatch); stroke: #c4cad1; stroke-width: 0.6; }
.hatch { stroke: #8c959f; stroke-width: 1; }
.on-dark { fill: #ffffff; font-size: 11px; } .on-light { fill: #1f2328; font-size: 11px; } .on-paper { font-size: 11px; fill: #57606a; }
.critical { stroke: #d1242f; stroke-width: 2; }
.path { stroke: #d1242f; stroke-width: 2; fill: none; stroke-dasharray: 3 2; }
.mark { fill: #d1242f; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .faint { fill: #9198a1; } .paper { fill: #0d1117; } .odd { fill: #161b22; } .grid { stroke: #30363d; }
  .other { fill: #59636e; } .hatch { stroke: #6e7681; } .on-dark { fill: #ffffff; } .on-light { fill: #1f2328; } .on-paper { fill: #9198a1; }
  .critical, .path { stroke: #ff6b6b; } .mark { fill: #ff6b6b; }
}
";

/// The whole picture.
pub(super) fn picture(timeline: &Timeline) -> String {
    let longest = timeline.rows.iter().map(|row| name(row.service.as_deref()).width()).max().unwrap_or(0);
    let left = (MARGIN * 1.5 + width(longest)).clamp(90.0, NAMES + MARGIN);
    let scale = Scale { left, span: WIDTH - MARGIN - left, total: number(timeline.total_ms).max(1.0) };
    let Rows { stripes, bars, places, bottom } = rows(timeline, &scale);
    let (words, height) = words(timeline, bottom);
    // What comes later lies above.
    let axis = axis(&scale, bottom);
    let body = [heading(timeline), stripes, axis, path(timeline, &places, &scale), bars, words].concat();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height:.0}\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{}\">\n<style>\n{STYLE}</style>\n<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><line class=\"hatch\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\"/></pattern></defs>\n<rect class=\"paper\" width=\"{WIDTH}\" height=\"{height:.0}\"/>\n{body}</svg>\n",
        escaped(&headline(timeline)),
    )
}

/// From time to place.
struct Scale {
    left: f64,
    span: f64,
    total: f64,
}

impl Scale {
    fn at(&self, millis: u64) -> f64 {
        self.left + self.span * number(millis) / self.total
    }
}

/// Times are far below what a float can tell apart.
fn number(millis: u64) -> f64 {
    f64::from(u32::try_from(millis).unwrap_or(u32::MAX))
}

/// About how wide a text is.
fn width(letters: usize) -> f64 {
    LETTER * f64::from(u32::try_from(letters).unwrap_or(u32::MAX))
}

fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    let written = text.write_fmt(more);
    debug_assert!(written.is_ok(), "writing to text never fails");
}

/// A row's name, cut in the middle where it would be too wide.
fn name(service: Option<&str>) -> String {
    const LONGEST: usize = 32;
    let Some(service) = service else { return "(project)".to_owned() };
    if service.chars().count() <= LONGEST {
        return service.to_owned();
    }
    // Long names often differ at their ends.
    let letters: Vec<char> = service.chars().collect();
    let (begin, end) = (letters.iter().take(LONGEST / 2 - 1), letters.iter().rev().take(LONGEST / 2).rev());
    begin.chain(&['…']).chain(end).collect()
}

fn class(kind: TimelineKind) -> &'static str {
    if kind == TimelineKind::Other { "other" } else { word(kind) }
}

fn heading(timeline: &Timeline) -> String {
    let mut text =
        format!("<text class=\"title\" x=\"{MARGIN}\" y=\"28\">{}</text>\n", escaped(&headline(timeline)));
    let mut at = MARGIN;
    let has = |kind| timeline.rows.iter().any(|row| row.bars.iter().any(|bar| bar.kind == kind));
    for kind in KINDS.into_iter().filter(|kind| has(*kind)) {
        let x = at + 16.0;
        put(
            &mut text,
            format_args!(
                "<rect class=\"{}\" x=\"{at:.1}\" y=\"41\" width=\"11\" height=\"11\" rx=\"2\"/><text x=\"{x:.1}\" y=\"51\">{}</text>\n",
                class(kind),
                word(kind)
            ),
        );
        at += 16.0 + width(word(kind).len()) + 20.0;
    }
    if !timeline.succeeded {
        let x = at + 16.0;
        put(
            &mut text,
            format_args!(
                "<rect class=\"failed\" x=\"{at:.1}\" y=\"41\" width=\"11\" height=\"11\" rx=\"2\"/><text x=\"{x:.1}\" y=\"51\">failed</text>\n"
            ),
        );
        at += 16.0 + width("failed".len()) + 20.0;
    }
    if !timeline.critical_path.is_empty() {
        let x = at + 16.0;
        put(
            &mut text,
            format_args!(
                "<rect class=\"critical\" fill=\"none\" x=\"{at:.1}\" y=\"42\" width=\"10\" height=\"9\" rx=\"2\"/><text x=\"{x:.1}\" y=\"51\">critical path: shortening it shortens the whole</text>\n"
            ),
        );
    }
    text
}

/// Where a bar is, by its begin, end and subject: what the critical path is joined by.
type Places<'a> = BTreeMap<(u64, u64, &'a str), f64>;

/// The rows.
struct Rows<'a> {
    /// What is behind them.
    stripes: String,
    /// Their names and bars.
    bars: String,
    /// Where the bars are.
    places: Places<'a>,
    /// Where they end.
    bottom: f64,
}

fn rows<'a>(timeline: &'a Timeline, scale: &Scale) -> Rows<'a> {
    let mut stripes = String::new();
    let mut text = String::new();
    let mut places = Places::new();
    let mut y = TOP;
    for (index, row) in timeline.rows.iter().enumerate() {
        let lanes = lanes(&row.bars, scale);
        let count = lanes.iter().max().map_or(1, |last| last + 1);
        let height = PADDING * 2.0 + f64::from(count) * (LANE + GAP) - GAP;
        if index % 2 == 0 {
            let wide = WIDTH - MARGIN * 2.0;
            put(
                &mut stripes,
                format_args!(
                    "<rect class=\"odd\" x=\"{MARGIN}\" y=\"{y:.1}\" width=\"{wide}\" height=\"{height:.1}\"/>\n"
                ),
            );
        }
        let (x, middle) = (scale.left - 10.0, y + PADDING + 12.5);
        let faint = if row.service.is_none() { " class=\"faint\"" } else { "" };
        put(
            &mut text,
            format_args!(
                "<text{faint} x=\"{x:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>\n",
                escaped(&name(row.service.as_deref()))
            ),
        );
        for (bar, lane) in row.bars.iter().zip(&lanes) {
            let top = y + PADDING + f64::from(*lane) * (LANE + GAP);
            put(&mut text, format_args!("{}", self::bar(bar, top, scale)));
            places.insert((bar.from_ms, bar.to_ms, bar.subject.as_str()), top);
        }
        y += height;
    }
    Rows { stripes, bars: text, places, bottom: y }
}

/// The lane of each bar: the first in which nothing is in its way.
fn lanes(bars: &[TimelineBar], scale: &Scale) -> Vec<u32> {
    let mut free: Vec<f64> = Vec::new();
    let mut lanes = Vec::with_capacity(bars.len());
    for bar in bars {
        let (from, to) = (scale.at(bar.from_ms), scale.at(bar.to_ms));
        // Bars that touch share a lane, also where they are too short to be seen apart.
        let found = free.iter().position(|end| *end <= from + 0.5);
        let lane = found.unwrap_or(free.len());
        match free.get_mut(lane) {
            Some(end) => *end = to,
            None => free.push(to),
        }
        lanes.push(u32::try_from(lane).unwrap_or(u32::MAX));
    }
    lanes
}

fn bar(bar: &TimelineBar, top: f64, scale: &Scale) -> String {
    let (x, end) = (scale.at(bar.from_ms), scale.at(bar.to_ms));
    let wide = (end - x).max(1.5);
    let critical = if bar.critical { " critical" } else { "" };
    let class = if bar.failed { "failed" } else { class(bar.kind) };
    let mut text = format!(
        "<g><title>{}</title><rect class=\"bar {class}{critical}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{LANE}\" rx=\"2\"/>",
        escaped(&title(bar))
    );
    let took = seconds(bar.to_ms.saturating_sub(bar.from_ms));
    let long = match bar.kind {
        TimelineKind::Wait => format!("waits for {}", bar.subject.trim_start_matches("Service ")),
        TimelineKind::Other => bar.subject.clone(),
        TimelineKind::Pull
        | TimelineKind::Build
        | TimelineKind::Stop
        | TimelineKind::Create
        | TimelineKind::Start
        | TimelineKind::Ready => format!("{} {took}", word(bar.kind)),
    };
    let long = if bar.failed { format!("{long}, failed") } else { long };
    let fits = |label: &String| width(label.width()) + 8.0 <= wide;
    if let Some(label) = [long, took].into_iter().find(fits) {
        let on = match bar.kind {
            _ if bar.failed => "on-dark",
            TimelineKind::Pull | TimelineKind::Build | TimelineKind::Stop | TimelineKind::Start => "on-dark",
            TimelineKind::Create | TimelineKind::Ready | TimelineKind::Other => "on-light",
            TimelineKind::Wait => "on-paper",
        };
        let (x, y, letters) = (x + 5.0, top + 12.5, width(label.width()) + 6.0);
        if bar.kind == TimelineKind::Wait {
            // Nothing can be read on hatching.
            put(
                &mut text,
                format_args!(
                    "<rect class=\"paper\" x=\"{:.1}\" y=\"{:.1}\" width=\"{letters:.1}\" height=\"13\" rx=\"2\"/>",
                    x - 3.0,
                    top + 2.0
                ),
            );
        }
        put(
            &mut text,
            format_args!("<text class=\"{on}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(&label)),
        );
    }
    text.push_str("</g>\n");
    text
}

/// Lines and numbers at round times.
fn axis(scale: &Scale, bottom: f64) -> String {
    let total = number_to_millis(scale.total);
    let step = step(total);
    let mut text = String::new();
    let mut at = 0;
    while at <= total {
        let x = scale.at(at);
        let label = match (step % 1000, at) {
            (_, 0) => "0".to_owned(),
            (0, _) => format!("{} s", at / 1000),
            _ => format!("{}.{} s", at / 1000, at % 1000 / 100),
        };
        put(
            &mut text,
            format_args!(
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke-opacity=\"0.6\"/><text class=\"faint\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>\n",
                TOP - 4.0,
                TOP - 9.0
            ),
        );
        at += step;
    }
    text
}

fn number_to_millis(total: f64) -> u64 {
    // It was made of whole milliseconds that a `u32` can hold.
    format!("{total:.0}").parse().unwrap_or(0)
}

/// The distance of two lines: 1, 2 or 5 of something, so that there are at most ten.
fn step(total: u64) -> u64 {
    let mut unit = 100;
    loop {
        for factor in [1, 2, 5] {
            if total / (unit * factor) <= 10 {
                return unit * factor;
            }
        }
        unit *= 10;
    }
}

/// Joins the bars of the critical path where it goes from one row to another.
fn path(timeline: &Timeline, places: &Places<'_>, scale: &Scale) -> String {
    let mut text = String::new();
    let place = |bar: &TimelineBar| places.get(&(bar.from_ms, bar.to_ms, bar.subject.as_str())).copied();
    for pair in timeline.critical_path.windows(2) {
        let [one, next] = pair else { continue };
        let (Some(from), Some(to)) = (place(one), place(next)) else { continue };
        if (from - to).abs() < 1.0 {
            continue;
        }
        let (start, end) = if from < to { (from + LANE, to) } else { (from, to + LANE) };
        let (x1, x2) = (scale.at(one.to_ms), scale.at(next.from_ms));
        put(&mut text, format_args!("<path class=\"path\" d=\"M{x1:.1} {start:.1} L{x2:.1} {end:.1}\"/>\n"));
    }
    text
}

/// What took longest, and where the picture ends.
fn words(timeline: &Timeline, bottom: f64) -> (String, f64) {
    let mut text = String::new();
    let mut y = bottom + 30.0;
    if timeline.costliest.is_empty() {
        return (text, bottom + MARGIN);
    }
    put(
        &mut text,
        format_args!("<text class=\"head\" x=\"{MARGIN}\" y=\"{y:.1}\">What took longest</text>\n"),
    );
    for cost in &timeline.costliest {
        for (line, part) in wrapped(&cost.text, 140).iter().enumerate() {
            y += 19.0;
            if line == 0 {
                if cost.critical {
                    put(
                        &mut text,
                        format_args!("<circle class=\"mark\" cx=\"20\" cy=\"{:.1}\" r=\"3.5\"/>", y - 4.0),
                    );
                }
                put(
                    &mut text,
                    format_args!(
                        "<text x=\"80\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>",
                        seconds(cost.took_ms)
                    ),
                );
            }
            put(&mut text, format_args!("<text x=\"94\" y=\"{y:.1}\">{}</text>\n", escaped(part)));
        }
    }
    (text, y + MARGIN)
}

/// Breaks a text between words.
fn wrapped(text: &str, longest: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= longest => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_at_round_times_and_are_not_too_many() {
        for (total, expect) in
            [(1, 100), (950, 100), (1_300, 200), (9_000, 1_000), (61_000, 10_000), (900_000, 100_000)]
        {
            assert_eq!(step(total), expect, "{total}");
        }
    }

    #[test]
    fn bars_that_overlap_stand_under_each_other() {
        let bar = |from_ms, to_ms| TimelineBar {
            kind: TimelineKind::Start,
            service: None,
            subject: String::new(),
            from_ms,
            to_ms,
            critical: false,
            failed: false,
        };
        let scale = Scale { left: 0.0, span: 1000.0, total: 1000.0 };
        assert_eq!(lanes(&[bar(0, 100), bar(50, 150), bar(100, 200), bar(120, 130)], &scale), [0, 1, 0, 2]);
    }
}
