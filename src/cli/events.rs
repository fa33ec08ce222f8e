//! `stack events`.

use super::logs::moment;
use super::{Context, Failure, run};
use crate::ops::events::{self, ProjectEvent, Request};
use crate::ui::{LogFormat, stream};

/// Show what happens to the project's containers, as it happens.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack events --json web            for programs, a line each\n  stack events --since 10m --until 0s   what has happened in the last ten minutes"
)]
pub struct Args {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// One JSON object a line.
    #[arg(long)]
    json: bool,

    /// From this time on: a time, or a span before now.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// Up to this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let now = context.surroundings.started_unix_nanos;
    let request = Request {
        services: args.services.clone(),
        since_nanos: args.since.as_deref().map(|text| moment(text, now, "--since")).transpose()?,
        until_nanos: args.until.as_deref().map(|text| moment(text, now, "--until")).transpose()?,
    };
    let scope = run::scope(context)?;
    run::with_session(context, None, LogFormat::default(), async |session| {
        let tell =
            |event: &ProjectEvent| stream::data(&if args.json { as_json(event) } else { as_text(event) });
        events::run(session, &scope, &request, tell).await
    })
}

/// Differs: the reference writes an empty line after each, and the attributes in any order.
fn as_text(event: &ProjectEvent) -> String {
    let time = jiff::Timestamp::from_nanosecond(event.time_nano.into()).unwrap_or_default();
    let time = time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.6f");
    let attributes: Vec<String> =
        event.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{time} container {} {} ({})\n", event.action, event.id, attributes.join(", "))
}

fn as_json(event: &ProjectEvent) -> String {
    let time = jiff::Timestamp::from_nanosecond(event.time_nano.into()).unwrap_or_default();
    let object = serde_json::json!({
        "action": event.action,
        "attributes": event.attributes,
        "id": event.id,
        "service": event.service,
        "time": time.to_string(),
        "type": "container",
    });
    format!("{object}\n")
}
