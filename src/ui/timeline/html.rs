//! The page: the picture, what took longest, and every step in a table.

use super::{escaped, headline, seconds, svg, title};
use crate::event::Timeline;

const STYLE: &str = "\
:root { color-scheme: light dark; }
body { font: 14px system-ui, sans-serif; margin: 2em auto; max-width: 1040px; padding: 0 1em; background: #fff; color: #1f2328; }
svg { width: 100%; height: auto; }
table { border-collapse: collapse; margin: 1em 0; } td, th { padding: .3em .9em .3em 0; text-align: left; vertical-align: top; }
td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; } .c { color: #d1242f; }
@media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3; } .c { color: #ff6b6b; } }
";

/// The whole page.
pub(super) fn page(timeline: &Timeline) -> String {
    let head = escaped(&headline(timeline));
    let critical = |yes: bool| if yes { "<td class=\"c\">critical</td>" } else { "<td></td>" };
    let costs: String = timeline
        .costliest
        .iter()
        .map(|cost| {
            format!(
                "<tr><td class=\"n\">{}</td><td>{}</td>{}</tr>\n",
                seconds(cost.took_ms),
                escaped(&cost.text),
                critical(cost.critical)
            )
        })
        .collect();
    let steps: String = timeline
        .rows
        .iter()
        .flat_map(|row| row.bars.iter().map(move |bar| (row, bar)))
        .map(|(row, bar)| {
            format!(
                "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td>{}</tr>\n",
                escaped(row.service.as_deref().unwrap_or("(project)")),
                seconds(bar.from_ms),
                seconds(bar.to_ms),
                escaped(&title(bar)),
                critical(bar.critical)
            )
        })
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{head}</title>\n<style>\n{STYLE}</style>\n{}<h2>What took longest</h2>\n<table>\n<tr><th>Took</th><th>What</th><th></th></tr>\n{costs}</table>\n<details open><summary>Every step</summary>\n<table>\n<tr><th>Service</th><th>From</th><th>To</th><th>What</th><th></th></tr>\n{steps}</table>\n</details>\n</html>\n",
        svg::picture(timeline)
    )
}
