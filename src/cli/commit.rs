//! `stack commit`.

use super::{Context, Failure, run};
use crate::engine::CommitSpec;
use crate::event::{EventKind, Subject, Verb};
use crate::ops::exec::{self, Which};
use crate::ui::{LogFormat, stream};

/// Make an image of a running container as it is now.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack commit web shop/web:debug            as it is\n  stack commit -c 'ENV DEBUG=1' web shop/web  and with a variable"
)]
pub struct Args {
    /// The service.
    service: String,

    /// The image's name.
    #[arg(value_name = "REPOSITORY[:TAG]")]
    image: Option<String>,

    /// Who makes it.
    #[arg(short, long, value_name = "NAME", default_value = "")]
    author: String,

    /// An instruction of a Dockerfile that it is to differ by. May be repeated.
    #[arg(short, long, value_name = "INSTRUCTION")]
    change: Vec<String>,

    /// Number of the replica; 0 for the lowest that runs.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    index: u32,

    /// What for.
    #[arg(short, long, value_name = "TEXT", default_value = "")]
    message: String,

    /// The container stands still meanwhile.
    #[arg(
        short,
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = true,
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    pause: bool,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let which = Which { service: args.service.clone(), index: args.index };
    let spec = CommitSpec {
        image: args.image.clone().unwrap_or_default(),
        author: args.author.clone(),
        message: args.message.clone(),
        changes: args.change.clone(),
        pause: args.pause,
    };
    run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        let container = exec::container(&engine, &scope, &which).await?;
        if context.dry_run {
            stream::note(&format!("would commit {}\n", container.name));
            return Ok(());
        }
        let subject = || Subject::Container(container.name.clone());
        session.events.send(subject(), EventKind::Started { verb: Verb::Commit, reason: None });
        let id = engine.commit_container(&container.id.0, &container.name, &spec).await?;
        session.events.send(subject(), EventKind::Unchanged { status: format!("Committed as {id}") });
        Ok(())
    })
}
