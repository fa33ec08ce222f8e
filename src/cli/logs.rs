//! `stack logs`.

use super::{Context, Failure, run};
use crate::ops::logs::{self, Request};
use crate::ui::LogFormat;

/// Show what containers have written.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack logs -f web         follow one service, also across restarts\n  stack logs --since 10m    the last ten minutes of all"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command")]
pub struct Args {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Go on with what is written later.
    #[arg(short, long)]
    follow: bool,

    /// Lines with their time.
    #[arg(short, long)]
    timestamps: bool,

    /// Only the last lines of each container: a number or `all`.
    #[arg(short = 'n', long, value_name = "LINES", default_value = "all")]
    tail: String,

    /// Only from this time on: `2026-01-02T13:23:37Z`, or so long ago: `42m`.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// Only before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,

    /// Only this replica of the service.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    index: u32,

    /// Without colours.
    #[arg(long)]
    no_color: bool,

    /// Without the container's name.
    #[arg(long)]
    no_log_prefix: bool,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let tail = match args.tail.as_str() {
        "all" => None,
        text => Some(text.parse::<u64>().map_err(|_not_a_number| {
            Failure::message(format!("invalid --tail `{text}`"))
                .hint("it must be a number of lines, or `all`")
        })?),
    };
    let now = context.surroundings.started_unix_nanos;
    let since = args.since.as_deref().map(|text| moment(text, now, "--since")).transpose()?;
    let until = args.until.as_deref().map(|text| moment(text, now, "--until")).transpose()?;
    if args.index > 0 && args.services.len() != 1 {
        return Err(Failure::message("--index needs exactly one service"));
    }
    let scope = run::scope(context)?;
    let request = Request {
        services: args.services.clone(),
        follow: args.follow,
        timestamps: args.timestamps,
        tail,
        since_nanos: since,
        until: until.map(|nanos| nanos.div_euclid(1_000_000_000)),
        index: args.index,
    };
    let format = LogFormat::new(context.stdout_colour() && !args.no_color, args.no_log_prefix);
    run::with_session(context, None, format, async |session| logs::run(session, &scope, &request).await)
}

/// A moment, in nanoseconds since 1970: a time, seconds since 1970, or a span before `now`, which is in nanoseconds too.
pub(super) fn moment(text: &str, now: i64, flag: &str) -> Result<i64, Failure> {
    const SECOND: i64 = 1_000_000_000;
    let nanos = |time: jiff::Timestamp| i64::try_from(time.as_nanosecond()).ok();
    let parsed = text
        .parse::<i64>()
        .ok()
        .map(|seconds| seconds.saturating_mul(SECOND))
        .or_else(|| text.parse::<jiff::Timestamp>().ok().and_then(nanos))
        .or_else(|| {
            // A time without a zone is local.
            let civil = text.parse::<jiff::civil::DateTime>().ok()?;
            nanos(civil.to_zoned(jiff::tz::TimeZone::system()).ok()?.timestamp())
        })
        .or_else(|| {
            let span: crate::model::SpecDuration = text.parse().ok()?;
            Some(now.saturating_sub(span.nanoseconds()))
        });
    parsed.ok_or_else(|| {
        Failure::message(format!("invalid {flag} `{text}`"))
            .hint("it must be a time such as `2026-01-02T13:23:37Z`, or a span such as `42m`")
    })
}
