//! `stack cp`.

use super::{Context, Failure, run};
use crate::ops::copy::{self, End, Request};
use crate::ui::LogFormat;

/// Copy files into or out of containers, running or not.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "stack cp [OPTIONS] SERVICE:SRC_PATH DEST_PATH|-\n       stack cp [OPTIONS] SRC_PATH|- SERVICE:DEST_PATH",
    after_help = "Examples:\n  stack cp conf/. web:/etc/app          the contents of a folder, into every replica\n  stack cp db:/var/lib/dump.sql .       a file out of the first\n  stack cp web:/srv - | tar tv          an archive on standard output"
)]
pub struct Args {
    /// Where from: a path here, SERVICE:PATH, or - for an archive on standard input.
    #[arg(value_name = "SRC_PATH")]
    from: String,

    /// Where to: a path here, SERVICE:PATH, or - for an archive on standard output.
    #[arg(value_name = "DEST_PATH")]
    to: String,

    /// One-off containers too.
    #[arg(long)]
    all: bool,

    /// Keep owners.
    #[arg(short, long)]
    archive: bool,

    /// Copy what a symbolic link leads to instead of the link.
    #[arg(short = 'L', long)]
    follow_link: bool,

    /// Number of the replica; 0: into all, out of the first.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    index: u32,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let request = Request {
        from: end(&args.from),
        to: end(&args.to),
        index: args.index,
        all: args.all,
        follow_link: args.follow_link,
        keep_owners: args.archive,
        current_dir: context.surroundings.current_dir.clone(),
    };
    let scope = run::scope(context)?;
    run::with_session(context, None, LogFormat::default(), async |session| {
        Box::pin(copy::run(session, &scope, &request)).await
    })
}

/// `SERVICE:PATH`, unless it begins like a path.
fn end(text: &str) -> End {
    if text == "-" {
        return End::Archive;
    }
    match text.split_once(':') {
        Some((service, path)) if !text.starts_with(['/', '.']) && !service.is_empty() => {
            End::Inside { service: service.to_owned(), path: path.to_owned() }
        }
        Some(_) | None => End::Here(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_inside_a_service_unless_it_begins_like_a_path() {
        let inside = |service: &str, path: &str| End::Inside { service: service.into(), path: path.into() };
        for (text, expect) in [
            ("web:/a", inside("web", "/a")),
            ("web:a", inside("web", "a")),
            ("./web:a", End::Here("./web:a".to_owned())),
            ("/web:a", End::Here("/web:a".to_owned())),
            ("a", End::Here("a".to_owned())),
            ("-", End::Archive),
        ] {
            assert_eq!(end(text), expect, "{text}");
        }
    }
}
