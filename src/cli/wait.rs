//! `stack wait`.

use super::{Context, Failure, run};
use crate::ops::down::{self, Request};
use crate::ops::wait;
use crate::ui::{LogFormat, stream};

/// Wait until the running containers of services have ended, and end with the exit code of the last.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack wait migrate                  go on when it is done\n  stack wait --down-project tests     and take everything away then"
)]
pub struct Args {
    /// The services.
    #[arg(value_name = "SERVICE", required = true)]
    services: Vec<String>,

    /// Take the project down afterwards, containers of services that no file names included.
    #[arg(long)]
    down_project: bool,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let code = run::with_session(context, None, LogFormat::default(), async |session| {
        let tell = |id: &str, code: i64| {
            // A reader that went away does not keep anybody from waiting.
            drop(stream::data(&format!("container \"{id}\" exited with status code {code}\n")));
        };
        let code = wait::run(session, &scope, &args.services, tell).await?;
        if args.down_project {
            let request = Request { orphans: true, ..Request::default() };
            Box::pin(down::run(session, &scope, &request)).await?;
        }
        Ok(code)
    })?;
    match u8::try_from(code) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Failure::Code(code)),
        Err(_out_of_range) => Err(Failure::Code(1)),
    }
}
