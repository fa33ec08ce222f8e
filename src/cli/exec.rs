//! `stack exec`.

use super::{Context, Failure, run};
use crate::engine::ExecSpec;
use crate::ops::exec::{self, Which};
use crate::ui::{LogFormat, terminal};

/// Run a command in a running container.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack exec web sh             a shell\n  stack exec -T db pg_dump app  a command in a pipe, without a terminal"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command")]
pub struct Args {
    /// The service.
    service: String,

    /// The command and its arguments.
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,

    /// Start it in the background.
    #[arg(short, long)]
    detach: bool,

    /// A variable: KEY=VALUE, or KEY with its value from here.
    #[arg(short, long, value_name = "KEY=VALUE")]
    env: Vec<String>,

    /// Number of the replica; 0 for the lowest that runs.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    index: u32,

    /// Without a terminal, even when this is one.
    #[arg(short = 'T', long = "no-tty", alias = "no-TTY")]
    no_tty: bool,

    /// With all privileges.
    #[arg(long)]
    privileged: bool,

    /// User to run it as.
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,

    /// Folder to run it in.
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<String>,

    /// With standard input, which is so anyway.
    #[arg(short, long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    interactive: bool,

    /// With a terminal, which is so anyway where this is one.
    #[arg(short, long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    tty: Option<bool>,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let surroundings = &context.surroundings;
    let variables = match scope.project() {
        Some(project) => project.environment.as_ref(),
        None => &surroundings.environment,
    };
    let environment = args.env.iter().filter_map(|entry| match entry.split_once('=') {
        Some(_) => Some(entry.clone()),
        None => variables.get(entry).map(|value| format!("{entry}={value}")),
    });
    // A terminal inside makes sense only where both ends of it are one here.
    let here = surroundings.stdout_is_terminal && surroundings.stdin_is_terminal;
    let tty = here && !args.no_tty && !args.detach && args.tty != Some(false);
    let spec = ExecSpec {
        command: args.command.clone(),
        environment: environment.collect(),
        user: args.user.clone().unwrap_or_default(),
        working_dir: args.workdir.clone().unwrap_or_default(),
        privileged: args.privileged,
        tty,
        stdin: !args.detach && args.interactive,
        detach: args.detach,
    };
    let which = Which { service: args.service.clone(), index: args.index };
    let code = run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        let container = exec::container(&engine, &scope, &which).await?;
        if context.dry_run {
            crate::ui::stream::note(&format!(
                "would run `{}` in {}\n",
                spec.command.join(" "),
                container.name
            ));
            return Ok(0);
        }
        let Some(running) = exec::start(&engine, &container, &spec).await? else { return Ok(0) };
        let id = running.id.clone();
        let resize = async |rows, columns| {
            // The program may have ended already, or not have begun: its terminal keeps the size it has.
            drop(engine.resize_exec(&id, rows, columns).await);
        };
        terminal::connect(running.output, args.interactive.then_some(running.input), tty, resize)
            .await
            .map_err(|error| crate::ops::OpsError::other(error.to_string()))?;
        Ok(engine.exec_exit_code(&id).await?)
    })?;
    match u8::try_from(code) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Failure::Code(code)),
        Err(_out_of_range) => Err(Failure::Code(1)),
    }
}
