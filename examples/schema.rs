//! Writes a JSON schema: `cargo run --example schema > schema/stack.schema.json` for stack files, and
//! `cargo run --example schema events > schema/events.schema.json` for what `--progress json` writes,
//! `cargo run --example schema plan > schema/plan.schema.json` for plans,
//! `cargo run --example schema timeline > schema/timeline.schema.json` for timelines,
//! `cargo run --example schema test > schema/test.schema.json` for what `test --report-json` writes,
//! `cargo run --example schema report > schema/report.schema.json` for mistakes and warnings as `--format json` writes them.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let schema = match std::env::args().nth(1).as_deref() {
        None | Some("stack") => stack::load::schema(),
        Some("events") => stack::event::schema(),
        Some("plan") => stack::ui::plan::schema(),
        Some("timeline") => stack::event::timeline::schema(),
        Some("test") => stack::ops::testing::Report::schema(),
        Some("report") => stack::source::Report::schema(),
        Some(other) => return Err(std::io::Error::other(format!("there is no schema `{other}`"))),
    };
    writeln!(std::io::stdout(), "{schema:#}")
}
