//! `stack attach`.

use super::{Context, Failure, run};
use crate::engine::WaitFor;
use crate::ops::OpsError;
use crate::ops::exec::{self, Which};
use crate::ui::{LogFormat, stream, terminal};
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{self, Poll};
use tokio::io::AsyncWrite;

/// Join this terminal to the main process of a running container.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack attach app                 type into it; ctrl-p, ctrl-q lets go of it\n  stack attach --no-stdin app      only see what it writes from now on"
)]
pub struct Args {
    /// The service.
    service: String,

    /// The keys that let go of the container, such as ctrl-x,x.
    #[arg(long, value_name = "KEYS", default_value = "")]
    detach_keys: String,

    /// Number of the replica; 0 for the lowest that runs.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    index: u32,

    /// Without standard input.
    #[arg(long)]
    no_stdin: bool,

    /// Pass signals on to the process.
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = true,
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    sig_proxy: bool,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let which = Which { service: args.service.clone(), index: args.index };
    let code = run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        let container = exec::container(&engine, &scope, &which).await?;
        let (id, name) = (container.id.0.as_str(), container.name.as_str());
        if context.dry_run {
            stream::note(&format!("would attach to {name}\n"));
            return Ok(0);
        }
        let told = engine.inspect_container(id).await?.config.unwrap_or_default();
        let in_terminal = told.tty.unwrap_or(false);
        let stdin = !args.no_stdin && told.open_stdin.unwrap_or(false);
        let surroundings = &context.surroundings;
        let here = surroundings.stdin_is_terminal && surroundings.stdout_is_terminal;
        if in_terminal && stdin && !surroundings.stdin_is_terminal {
            return Err(OpsError::other("the container has a terminal, and standard input is none")
                .hint("`--no-stdin` only shows what it writes"));
        }
        let exit = engine.expect_exit(id, name, WaitFor::NotRunning).await?;
        let attached = engine.attach_container(id, name, in_terminal, stdin, &args.detach_keys).await?;
        let drawn = Cell::new(false);
        let resize = async |rows: u16, columns| {
            if !drawn.replace(true) {
                // Of a size that it has already a program hears nothing, and what it has drawn is not here.
                drop(engine.resize_container(id, rows.saturating_add(1), columns).await);
            }
            // It may have ended already: its terminal keeps the size it has.
            drop(engine.resize_container(id, rows, columns).await);
        };
        // One that has ended needs no signal.
        let pass_on = async |signal: &'static str| drop(engine.kill_container(id, name, signal).await);
        let signals = async {
            if args.sig_proxy {
                return terminal::signals(pass_on).await.map_err(|error| OpsError::other(error.to_string()));
            }
            session.interrupts.first().cancelled_owned().await;
            Err(OpsError::Interrupted)
        };
        let input = stdin.then(|| KeptOpen(attached.input));
        tokio::select! {
            ended = terminal::connect(attached.output, input, in_terminal && stdin && here, resize) => {
                ended.map_err(|error| OpsError::other(error.to_string()))?;
            }
            ended = signals => ended?,
        }
        // Whoever let go of it leaves it running.
        let state = engine.container_state(id, name).await;
        if state.is_ok_and(|state| state.state.status == "running") {
            stream::note(&format!("\n`{name}` goes on running\n"));
            return Ok(0);
        }
        Ok(exit.await?)
    })?;
    match u8::try_from(code) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Failure::Code(code)),
        Err(_out_of_range) => Err(Failure::Code(1)),
    }
}

/// A program's input that is not closed when nothing more is typed: the engine would close its output with it, and the program
/// reads on for whoever attaches next.
struct KeptOpen(Pin<Box<dyn AsyncWrite + Send>>);

impl AsyncWrite for KeptOpen {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
