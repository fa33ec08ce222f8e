//! The timeline of a run as a picture, a page or JSON.
//!
//! In: a [`Timeline`]. Out: a text for a file. The picture needs no other file and no program, and suits light and dark
//! surroundings.

mod html;
mod svg;

use crate::event::{Timeline, TimelineBar, TimelineKind};

/// The form of a timeline's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimelineFormat {
    /// A picture.
    Svg,
    /// A page with the picture and all steps.
    Html,
    /// For programs: `schema/timeline.schema.json`.
    Json,
}

impl TimelineFormat {
    /// The one that a file's name asks for.
    pub fn of(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "svg" => Some(Self::Svg),
            "html" | "htm" => Some(Self::Html),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// The file's text.
    pub fn text(self, timeline: &Timeline) -> String {
        match self {
            Self::Svg => svg::picture(timeline),
            Self::Html => html::page(timeline),
            Self::Json => serde_json::to_string_pretty(timeline).unwrap_or_default() + "\n",
        }
    }
}

/// Every kind, in the order of the legend.
const KINDS: [TimelineKind; 8] = [
    TimelineKind::Pull,
    TimelineKind::Build,
    TimelineKind::Stop,
    TimelineKind::Create,
    TimelineKind::Wait,
    TimelineKind::Start,
    TimelineKind::Ready,
    TimelineKind::Other,
];

/// A kind in a word.
fn word(kind: TimelineKind) -> &'static str {
    match kind {
        TimelineKind::Pull => "pull",
        TimelineKind::Build => "build",
        TimelineKind::Stop => "stop",
        TimelineKind::Create => "create",
        TimelineKind::Wait => "wait",
        TimelineKind::Start => "start",
        TimelineKind::Ready => "ready",
        TimelineKind::Other => "networks, volumes",
    }
}

/// What a bar is, in a few words: `start Container shop-web-1, 0.21 s`.
fn title(bar: &TimelineBar) -> String {
    let what = match bar.kind {
        TimelineKind::Wait => format!("waits for {}", bar.subject),
        TimelineKind::Ready => format!("{} becomes ready", bar.subject),
        TimelineKind::Other => bar.subject.clone(),
        TimelineKind::Pull
        | TimelineKind::Build
        | TimelineKind::Stop
        | TimelineKind::Create
        | TimelineKind::Start => format!("{} {}", word(bar.kind), bar.subject),
    };
    let failed = if bar.failed { ", failed" } else { "" };
    format!("{what}, {}{failed}", seconds(bar.to_ms.saturating_sub(bar.from_ms)))
}

/// The run in a line: `shop: up after 12.3 s`.
fn headline(timeline: &Timeline) -> String {
    let how = if timeline.succeeded { "all done" } else { "failed" };
    format!("{}: {how} after {}", timeline.project, seconds(timeline.total_ms))
}

/// Seconds, with as many digits as say something.
fn seconds(millis: u64) -> String {
    match millis {
        0..10_000 => format!("{}.{:02} s", millis / 1000, millis % 1000 / 10),
        _ => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
    }
}

/// A text as XML and HTML may hold it.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for next in text.chars() {
        match next {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML has no way to write them.
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{TimelineCost, TimelineRow};

    fn timeline() -> Timeline {
        let bar = |kind, from_ms, to_ms, critical| TimelineBar {
            kind,
            service: Some("db".to_owned()),
            subject: "Container <p>-db-1".to_owned(),
            from_ms,
            to_ms,
            critical,
            failed: false,
        };
        let bars = vec![bar(TimelineKind::Start, 0, 200, true), bar(TimelineKind::Ready, 200, 6300, true)];
        Timeline {
            format_version: 1,
            project: "a&b".to_owned(),
            total_ms: 6300,
            succeeded: true,
            rows: vec![TimelineRow { service: Some("db".to_owned()), bars: bars.clone() }],
            critical_path: bars,
            costliest: vec![TimelineCost {
                kind: TimelineKind::Ready,
                service: Some("db".to_owned()),
                took_ms: 6100,
                critical: true,
                text: "db became healthy 6.1 s after its start: its probe runs every 5s".to_owned(),
            }],
        }
    }

    #[test]
    fn a_picture_is_sound_xml_and_says_what_took_longest() {
        let text = TimelineFormat::Svg.text(&timeline());
        let tags: Vec<&str> = text.split('<').skip(1).collect();
        let open = tags.iter().filter(|tag| !tag.starts_with('/') && !tag.contains("/>")).count();
        let closed = tags.iter().filter(|tag| tag.starts_with('/')).count();
        assert_eq!(open, closed, "every tag is closed: {text}");
        assert!(text.contains("a&amp;b: all done after 6.30 s"), "{text}");
        assert!(text.contains("its probe runs every 5s"), "{text}");
        assert!(text.contains("&lt;p&gt;-db-1") && !text.contains("<p>"), "{text}");
        assert_eq!(text.matches("class=\"bar ready critical\"").count(), 1, "{text}");
    }

    #[test]
    fn a_page_has_the_picture_and_every_step() {
        let text = TimelineFormat::Html.text(&timeline());
        assert!(text.contains("<svg") && text.contains("<details"), "{text}");
        assert_eq!(text.matches("<tr>").count(), 2 + 3, "a head and a row each: {text}");
    }

    #[test]
    fn a_file_is_written_in_the_form_that_its_name_asks_for() {
        let of = |name: &str| TimelineFormat::of(std::path::Path::new(name));
        assert_eq!(of("a/t.SVG"), Some(TimelineFormat::Svg));
        assert_eq!(of("t.htm"), Some(TimelineFormat::Html));
        assert_eq!(of("t.json"), Some(TimelineFormat::Json));
        assert_eq!((of("t.png"), of("svg")), (None, None));
    }

    #[test]
    fn nothing_at_all_makes_a_picture_too() {
        assert!(TimelineFormat::Svg.text(&Timeline::default()).ends_with("</svg>\n"));
    }
}
