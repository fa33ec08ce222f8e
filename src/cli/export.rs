//! `stack export`.

use super::{Context, Failure, run};
use crate::apply::pack::Received;
use crate::event::{EventKind, Subject, Verb};
use crate::ops::OpsError;
use crate::ops::exec::{self, Which};
use crate::ui::{LogFormat, stream};
use std::io::{self, Write};
use std::path::Path;

/// Write everything in a running container to a tar archive, without what is mounted.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack export -o web.tar web    to a file\n  stack export web | tar t       to a pipe"
)]
pub struct Args {
    /// The service.
    service: String,

    /// Number of the replica; 0 for the lowest that runs.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    index: u32,

    /// The file; standard output without it.
    #[arg(short, long, value_name = "FILE")]
    output: Option<std::path::PathBuf>,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    if args.output.is_none() && context.surroundings.stdout_is_terminal {
        return Err(Failure::message("output option is required when exporting to terminal")
            .hint("name a file with `-o`, or send it into a pipe"));
    }
    let scope = run::scope(context)?;
    let which = Which { service: args.service.clone(), index: args.index };
    let file = args.output.as_ref().map(|file| context.surroundings.current_dir.join(file));
    run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        let container = exec::container(&engine, &scope, &which).await?;
        if context.dry_run {
            stream::note(&format!("would export {}\n", container.name));
            return Ok(());
        }
        let subject = || Subject::Container(container.name.clone());
        session.events.send(subject(), EventKind::Started { verb: Verb::Export, reason: None });
        let tar = Received::new(engine.export_container(&container.id.0, &container.name).await?);
        let written = tokio::task::spawn_blocking(move || match file {
            Some(file) => to_file(tar, &file),
            None => to_standard_output(tar),
        });
        // The thread ends with the stream that it reads.
        let written = tokio::select! {
            written = written => written.map_err(io::Error::other).and_then(|written| written),
            () = session.interrupts.first().cancelled_owned() => return Err(OpsError::Interrupted),
        };
        written.map_err(|error| OpsError::other(format!("cannot write the archive: {error}")))?;
        session.events.send(subject(), EventKind::Done { verb: Verb::Export });
        Ok(())
    })
}

/// The file gets its name once all of it is there, for its owner alone.
fn to_file(mut tar: Received, file: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut draft = file.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    let mut open = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    let written = io::copy(&mut tar, &mut open).and_then(|_| std::fs::rename(&draft, file));
    if written.is_err() {
        drop(std::fs::remove_file(&draft));
    }
    written
}

fn to_standard_output(mut tar: Received) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match io::copy(&mut tar, &mut out).and_then(|_| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}
