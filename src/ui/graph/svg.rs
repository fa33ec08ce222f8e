//! The picture: services as boxes above what they wait for, volumes beneath, networks as coloured marks in the boxes.

use super::layout::{Layout, Size, layout};
use super::texts::about;
use super::{Graph, GraphService};
use crate::ui::timeline::escaped;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

const MARGIN: f64 = 20.0;
/// Where the boxes begin.
const TOP: f64 = 64.0;
const PADDING: f64 = 12.0;
const LINE: f64 = 17.0;
const TITLE: f64 = 20.0;
/// About how wide a letter is, in a name and in what is beneath it.
const LARGE: f64 = 8.2;
const SMALL: f64 = 6.4;
/// The longest texts in boxes and at arrows, in letters; longer ones lose their middle.
const LONGEST: usize = 38;
const LONGEST_AT_ARROW: usize = 26;
/// How wide marks of networks get before they begin another line.
const MARKS: f64 = 230.0;
/// The ports that are shown of a service.
const PORTS: usize = 4;

/// What looks how. The colours of networks are those of Okabe and Ito, which people who see few colours can tell apart; their
/// names stand beside them. No variables: not every program that draws pictures knows them.
const STYLE: &str = "\
text { font: 12px system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.name { font-size: 14px; font-weight: 600; text-anchor: middle; }
.line { fill: #57606a; text-anchor: middle; }
.faint { fill: #656d76; }
.at { font-size: 11px; text-anchor: middle; }
.paper { fill: #ffffff; } .box { fill: #f6f8fa; stroke: #8c959f; stroke-width: 1.2; } .several { fill: #eaeef2; stroke: #8c959f; }
.volume { fill: #ddf4ff; stroke: #5a9bc9; stroke-width: 1.2; }
.need { stroke: #57606a; stroke-width: 1.5; fill: none; } .optional { stroke-dasharray: 6 4; } .head { fill: #57606a; }
.mount { stroke: #5a9bc9; stroke-width: 1.3; fill: none; stroke-dasharray: 2 3; }
.n0 { fill: #0072b2; } .n1 { fill: #e69f00; } .n2 { fill: #009e73; } .n3 { fill: #cc79a7; } .n4 { fill: #56b4e9; } .n5 { fill: #d55e00; }
.n6 { fill: #c9bb1f; } .n7 { fill: #7f858c; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .faint, .line { fill: #9198a1; } .paper { fill: #0d1117; } .box { fill: #161b22; stroke: #6e7681; }
  .several { fill: #0d1117; stroke: #6e7681; } .volume { fill: #0c2d44; stroke: #4a86b0; } .need { stroke: #9198a1; } .head { fill: #9198a1; }
  .n0 { fill: #3b9ddd; }
}
";

/// The whole picture.
pub(super) fn picture(graph: &Graph) -> String {
    let services: Vec<Box> = graph.services.iter().map(|service| Box::of_service(graph, service)).collect();
    let volumes = graph.volumes.iter().map(|volume| {
        let lines = volume.words().into_iter().collect();
        Box::new(shortened(&volume.key, LONGEST), lines, Vec::new(), 14.0)
    });
    let boxes: Vec<Box> = services.into_iter().chain(volumes).collect();
    let arrows = arrows(graph);
    let ends: Vec<(usize, usize)> = arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect();
    let placed = layout(&boxes.iter().map(|one| one.size).collect::<Vec<_>>(), &ends);
    let legend = legend(graph, &arrows, TOP + placed.height + 30.0);
    let width = (placed.width + MARGIN * 2.0).max(legend.width).max(420.0);
    let shift = (width - placed.width) / 2.0;
    let labels = labels(&placed, &boxes, &arrows);
    let mut body = String::new();
    for (arrow, line) in arrows.iter().zip(&placed.lines) {
        put(
            &mut body,
            format_args!("<path class=\"{}\" d=\"{}\"{}/>\n", arrow.class(), path(line), arrow.head()),
        );
    }
    for (index, (one, (x, y))) in boxes.iter().zip(&placed.places).enumerate() {
        body.push_str(&one.drawn(*x, *y, graph.services.get(index)));
    }
    body.push_str(&labels);
    let height = legend.bottom;
    let title = escaped(&format!("{}: services and what they wait for", graph.project));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{title}\">\n<style>\n{STYLE}</style>\n\
         <defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path class=\"head\" d=\"M0 1 L10 5 L0 9 z\"/></marker></defs>\n\
         <rect class=\"paper\" width=\"{width:.0}\" height=\"{height:.0}\"/>\n<text class=\"title\" x=\"{MARGIN}\" y=\"34\">{}</text>\n<g transform=\"translate({shift:.1} {TOP})\">\n{body}</g>\n{}</svg>\n",
        escaped(&graph.project),
        legend.text,
    )
}

/// A box with its texts.
struct Box {
    size: Size,
    name: String,
    lines: Vec<String>,
    /// Rows of marks of networks: what each is called, its colour, and its width.
    marks: Vec<Vec<(String, usize, f64)>>,
    /// How much of the height is not for texts: the curves of a volume.
    extra: f64,
}

impl Box {
    fn new(name: String, lines: Vec<String>, marks: Vec<(String, usize, f64)>, extra: f64) -> Self {
        let mut rows: Vec<Vec<(String, usize, f64)>> = Vec::new();
        for mark in marks {
            match rows.last_mut().filter(|row| row_width(row) + mark.2 <= MARKS) {
                Some(row) => row.push(mark),
                None => rows.push(vec![mark]),
            }
        }
        let widths = lines.iter().map(|line| width(line, SMALL));
        let widths = widths.chain(rows.iter().map(|row| row_width(row))).chain([width(&name, LARGE), 70.0]);
        let height = TITLE + LINE * number(lines.len() + rows.len()) + PADDING * 1.2 + extra;
        let size = Size { width: widths.fold(0.0, f64::max) + PADDING * 2.0 + extra, height };
        Self { size, name, lines, marks: rows, extra }
    }

    fn of_service(graph: &Graph, service: &GraphService) -> Self {
        let mut all = about(service).into_iter();
        let name = shortened(&all.next().unwrap_or_default(), LONGEST);
        let mut lines: Vec<String> = all.map(|line| shortened(&line, LONGEST)).collect();
        // Ports come behind the image; a list without an end would hide everything else.
        if service.ports.len() > PORTS {
            let first = lines.len() - service.ports.len() - usize::from(service.network_mode.is_some());
            let more = service.ports.len() - (PORTS - 1);
            let told = [format!("and {more} ports more")];
            lines.splice(first + PORTS - 1..first + service.ports.len(), told);
        }
        let marks = service.networks.iter().map(|network| {
            let at = graph.networks.iter().position(|one| one.key == *network).unwrap_or_default();
            let told = shortened(network, LONGEST);
            let wide = width(&told, SMALL) + 26.0;
            (told, at, wide)
        });
        let extra = if service.replicas > 1 { 5.0 } else { 0.0 };
        Self::new(name, lines, marks.collect(), extra)
    }

    /// `service` is `None` for a volume.
    fn drawn(&self, x: f64, y: f64, service: Option<&GraphService>) -> String {
        let Size { width, height } = self.size;
        let left = x - width / 2.0;
        let mut text = String::new();
        let mut at = y + PADDING + 9.0;
        if let Some(service) = service {
            let inner = height - self.extra;
            if service.replicas > 1 {
                put(
                    &mut text,
                    format_args!(
                        "<rect class=\"several\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{inner:.1}\" rx=\"6\"/>\n",
                        left + 5.0,
                        y + 5.0,
                        width - 5.0
                    ),
                );
            }
            let wide = width - self.extra;
            put(
                &mut text,
                format_args!(
                    "<rect class=\"box\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{inner:.1}\" rx=\"6\"/>\n"
                ),
            );
        } else {
            let (right, top, low, bend) = (left + width, y + 7.0, y + height - 7.0, width / 2.0);
            put(
                &mut text,
                format_args!(
                    "<path class=\"volume\" d=\"M{left:.1} {top:.1} A{bend:.1} 7 0 0 1 {right:.1} {top:.1} V{low:.1} A{bend:.1} 7 0 0 1 {left:.1} {low:.1} Z M{left:.1} {top:.1} A{bend:.1} 7 0 0 0 {right:.1} {top:.1}\"/>\n"
                ),
            );
            at += 10.0;
        }
        put(
            &mut text,
            format_args!("<text class=\"name\" x=\"{x:.1}\" y=\"{at:.1}\">{}</text>\n", escaped(&self.name)),
        );
        at += TITLE - 2.0;
        for line in &self.lines {
            put(
                &mut text,
                format_args!("<text class=\"line\" x=\"{x:.1}\" y=\"{at:.1}\">{}</text>\n", escaped(line)),
            );
            at += LINE;
        }
        for row in &self.marks {
            let mut mark_x = x - row_width(row) / 2.0;
            for (network, colour, wide) in row {
                text.push_str(&mark(network, *colour, mark_x + 6.0, at));
                mark_x += wide;
            }
            at += LINE;
        }
        text
    }
}

fn mark(network: &str, colour: usize, x: f64, y: f64) -> String {
    format!(
        "<circle class=\"n{}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4.5\"/><text x=\"{:.1}\" y=\"{y:.1}\">{}</text>\n",
        colour % 8,
        x + 4.0,
        y - 4.0,
        x + 12.0,
        escaped(network)
    )
}

fn row_width(row: &[(String, usize, f64)]) -> f64 {
    row.iter().map(|(_, _, wide)| wide).sum()
}

/// From a box to one beneath it.
struct Arrow {
    from: usize,
    to: usize,
    words: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Need,
    Optional,
    Mount,
}

impl Arrow {
    fn class(&self) -> &'static str {
        match self.kind {
            Kind::Need => "need",
            Kind::Optional => "need optional",
            Kind::Mount => "mount",
        }
    }

    fn head(&self) -> &'static str {
        if self.kind == Kind::Mount { "" } else { " marker-end=\"url(#head)\"" }
    }
}

fn arrows(graph: &Graph) -> Vec<Arrow> {
    let mut arrows = Vec::new();
    for (from, service) in graph.services.iter().enumerate() {
        for need in &service.needs {
            let Some(to) = graph.services.iter().position(|one| one.name == need.service) else { continue };
            let kind = if need.required { Kind::Need } else { Kind::Optional };
            arrows.push(Arrow { from, to, words: need.words(), kind });
        }
        for mount in &service.mounts {
            let Some(at) = graph.volumes.iter().position(|one| one.key == mount.volume) else { continue };
            let words = shortened(&mount.words(), LONGEST_AT_ARROW);
            arrows.push(Arrow { from, to: graph.services.len() + at, words, kind: Kind::Mount });
        }
    }
    arrows
}

/// A line through points, which leaves and meets boxes upright.
fn path(points: &[(f64, f64)]) -> String {
    let mut text = String::new();
    for (index, pair) in points.windows(2).enumerate() {
        let [(x, y), (x2, y2)] = pair else { continue };
        if index == 0 {
            put(&mut text, format_args!("M{x:.1} {y:.1}"));
        }
        let bend = (y2 - y) / 2.0;
        put(&mut text, format_args!(" C{x:.1} {:.1} {x2:.1} {:.1} {x2:.1} {y2:.1}", y + bend, y2 - bend));
    }
    text
}

/// The words at arrows, each where it hides neither a box nor other words, as far as there is such a place.
fn labels(placed: &Layout, boxes: &[Box], arrows: &[Arrow]) -> String {
    let mut taken: Vec<[f64; 4]> = boxes
        .iter()
        .zip(&placed.places)
        .map(|(one, (x, y))| [x - one.size.width / 2.0, *y, x + one.size.width / 2.0, y + one.size.height])
        .collect();
    let mut text = String::new();
    for (arrow, line) in arrows.iter().zip(&placed.lines) {
        if arrow.words.is_empty() {
            continue;
        }
        let half = width(&arrow.words, SMALL) / 2.0 + 3.0;
        let around = |(x, y): (f64, f64)| [x - half, y - 8.0, x + half, y + 8.0];
        let free = |place: &(f64, f64)| !taken.iter().any(|other| overlap(around(*place), *other));
        let places = candidates(line);
        let Some(place) = places.iter().copied().find(free).or_else(|| places.first().copied()) else {
            continue;
        };
        let [left, top, ..] = around(place);
        taken.push(around(place));
        let (x, y) = place;
        put(
            &mut text,
            format_args!(
                "<rect class=\"paper\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"16\" opacity=\"0.9\"/><text class=\"at\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>\n",
                half * 2.0,
                y + 4.0,
                escaped(&arrow.words)
            ),
        );
    }
    text
}

/// Places on a line, the best first.
fn candidates(line: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut places = Vec::new();
    for share in [0.5_f64, 0.36, 0.64, 0.25, 0.75, 0.16, 0.84] {
        for pair in line.windows(2) {
            let [(x, y), (x2, y2)] = pair else { continue };
            // The curve that is drawn: its ends and handles are upright.
            let across = share * share * (3.0 - 2.0 * share);
            let down = 1.5 * share * (1.0 - share) * (1.0 - share)
                + 1.5 * share * share * (1.0 - share)
                + share.powi(3);
            places.push((x + (x2 - x) * across, y + (y2 - y) * down));
        }
    }
    places
}

fn overlap(one: [f64; 4], other: [f64; 4]) -> bool {
    let ([left, top, right, bottom], [left2, top2, right2, bottom2]) = (one, other);
    left < right2 && left2 < right && top < bottom2 && top2 < bottom
}

/// What stands beneath the boxes.
struct Legend {
    text: String,
    width: f64,
    bottom: f64,
}

fn legend(graph: &Graph, arrows: &[Arrow], top: f64) -> Legend {
    let mut legend = Legend { text: String::new(), width: 0.0, bottom: top };
    let has = |kind| arrows.iter().any(|arrow| arrow.kind == kind);
    let samples = [
        (Kind::Need, "waits for", "need", " marker-end=\"url(#head)\""),
        (Kind::Optional, "waits for, where it takes part", "need optional", " marker-end=\"url(#head)\""),
        (Kind::Mount, "mounts", "mount", ""),
    ];
    let mut x = MARGIN;
    for (_, words, class, head) in samples.into_iter().filter(|(kind, ..)| has(*kind)) {
        let y = legend.bottom;
        put(
            &mut legend.text,
            format_args!(
                "<path class=\"{class}\" d=\"M{x:.1} {:.1} h34\"{head}/><text class=\"faint\" x=\"{:.1}\" y=\"{y:.1}\">{words}</text>\n",
                y - 4.0,
                x + 42.0
            ),
        );
        x += 42.0 + width(words, SMALL) + 22.0;
        legend.width = legend.width.max(x);
    }
    if x > MARGIN {
        legend.bottom += LINE + 4.0;
    }
    for (at, network) in graph.networks.iter().enumerate() {
        let special = network.words().map(|words| format!(", {words}")).unwrap_or_default();
        let words = format!("network {}: {}{special}", network.key, network.name);
        legend.text.push_str(&mark(&words, at, MARGIN, legend.bottom));
        legend.width = legend.width.max(MARGIN * 2.0 + 16.0 + width(&words, SMALL));
        legend.bottom += LINE;
    }
    legend.bottom += 4.0;
    legend
}

fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let half = longest / 2;
    let (begin, end) = (letters.iter().take(half - 1), letters.iter().rev().take(half).rev());
    begin.chain(&['…']).chain(end).collect()
}

fn width(text: &str, letter: f64) -> f64 {
    letter * number(text.width())
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    let written = text.write_fmt(more);
    debug_assert!(written.is_ok(), "writing to text never fails");
}
