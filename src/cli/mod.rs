//! argv to a request, and a failure to an exit code. No logic, no engine calls, no formatting of results.
//!
//! One file per command: its `Args` (whose documentation is the help text) and a `run` of a few lines. Start reading at
//! [`main`].

mod alpha;
mod apply;
mod argv;
mod attach;
mod ci;
mod commit;
mod complete;
mod completion;
mod config;
mod cp;
mod doctor;
mod down;
mod env;
mod events;
mod exec;
mod exit;
mod export;
mod graph;
mod images;
mod instances;
mod lifecycle;
mod logs;
mod ls;
mod menu;
mod one_off;
mod plan;
mod plugin;
mod port;
mod project_args;
mod ps;
mod random;
mod remote;
mod rollback;
mod run;
mod scale;
mod stats;
mod supply;
mod switches;
mod test;
mod timeline;
mod top;
mod up;
mod urls;
mod version;
mod volume_list;
mod volumes;
mod wait;
mod watch;
mod welcome;
mod words;

pub use env::{Surroundings, VARIABLES};
pub use exit::{Failure, Words};
pub use project_args::ProjectArgs;

use crate::apply::Limits;
use crate::ops::Turn;
use crate::source::Colour;
use crate::ui::ci::Ci;
use crate::ui::{ProgressMode, stream};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// The version that `--version`, `version` and the containers' labels show.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Run multi-container projects from a stack file (the Compose Specification).
#[derive(Debug, Parser)]
#[command(
    name = "stack",
    version,
    disable_version_flag = true,
    disable_help_subcommand = true,
    args_override_self = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(flatten)]
    project: ProjectArgs,

    /// When to use colours and redraw lines.
    #[arg(long, value_enum, value_name = "WHEN")]
    ansi: Option<Ansi>,

    /// How progress is shown.
    #[arg(long, value_enum, value_name = "MODE")]
    progress: Option<ProgressMode>,

    /// The most engine calls at once; -1 leaves it to us.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    parallel: Option<i32>,

    /// Show what a command would do, and why, without doing it.
    #[arg(long, global = true)]
    dry_run: bool,

    /// Print the version.
    #[arg(short = 'v', short_alias = 'V', long, action = clap::ArgAction::Version)]
    version: Option<bool>,

    /// Without effect: what is on this machine is read without TLS anyway, and everything else only with it.
    #[arg(long, hide = true, value_name = "HOST")]
    insecure_registry: Vec<String>,

    /// Older name of --ansi=never.
    #[arg(long, hide = true)]
    no_ansi: bool,

    /// Without effect.
    #[arg(long, alias = "debug", hide = true)]
    verbose: bool,

    /// Seconds to wait while another run changes the project; 0 does not wait. Without it there is no limit.
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    lock_timeout: Option<u64>,

    #[command(subcommand)]
    command: Command,
}

/// When to use ANSI escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Ansi {
    /// Only on a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(hide = true)]
    Alpha(alpha::Args),
    Apply(apply::Args),
    Build(supply::BuildArgs),
    Attach(attach::Args),
    Commit(commit::Args),
    Completion(completion::Args),
    Config(config::Args),
    Cp(cp::Args),
    Create(up::CreateArgs),
    Doctor(doctor::Args),
    Down(down::Args),
    Events(events::Args),
    Exec(exec::Args),
    Export(export::Args),
    Graph(graph::Args),
    Images(images::Args),
    InstallPlugin(plugin::Args),
    Instances(instances::Args),
    Kill(lifecycle::KillArgs),
    Logs(logs::Args),
    Ls(ls::Args),
    /// Freeze containers.
    #[command(
        after_help = "Examples:\n  stack pause      freeze everything\n  stack pause web  freeze one service: its processes stand still"
    )]
    Pause(lifecycle::ServicesArgs),
    Plan(plan::Args),
    Port(port::Args),
    Ps(ps::Args),
    Pull(supply::PullArgs),
    Push(supply::PushArgs),
    Restart(lifecycle::RestartArgs),
    Rm(lifecycle::RmArgs),
    Rollback(rollback::Args),
    Run(one_off::Args),
    Scale(scale::Args),
    Start(lifecycle::StartArgs),
    Stats(stats::Args),
    Stop(lifecycle::StopArgs),
    Test(test::Args),
    Top(top::Args),
    /// Thaw containers.
    #[command(
        after_help = "Examples:\n  stack unpause      thaw everything\n  stack unpause web  thaw one service"
    )]
    Unpause(lifecycle::ServicesArgs),
    Up(up::Args),
    Urls(urls::Args),
    Version(version::Args),
    Volumes(volume_list::Args),
    Wait(wait::Args),
    Watch(watch::Args),
}

impl Command {
    /// Whether a program reads the answer, and so the mistakes too.
    fn answers_in_json(&self) -> bool {
        match self {
            Self::Config(args) => args.answers_in_json(),
            Self::Plan(args) => args.answers_in_json(),
            Self::Doctor(args) => args.answers_in_json(),
            Self::Alpha(_)
            | Self::Graph(_)
            | Self::Apply(_)
            | Self::Build(_)
            | Self::Create(_)
            | Self::Down(_)
            | Self::Exec(_)
            | Self::Attach(_)
            | Self::Commit(_)
            | Self::Completion(_)
            | Self::Cp(_)
            | Self::Events(_)
            | Self::Export(_)
            | Self::Images(_)
            | Self::InstallPlugin(_)
            | Self::Stats(_)
            | Self::Instances(_)
            | Self::Port(_)
            | Self::Scale(_)
            | Self::Top(_)
            | Self::Volumes(_)
            | Self::Wait(_)
            | Self::Kill(_)
            | Self::Logs(_)
            | Self::Ls(_)
            | Self::Pause(_)
            | Self::Ps(_)
            | Self::Pull(_)
            | Self::Push(_)
            | Self::Restart(_)
            | Self::Rm(_)
            | Self::Rollback(_)
            | Self::Run(_)
            | Self::Start(_)
            | Self::Stop(_)
            | Self::Test(_)
            | Self::Unpause(_)
            | Self::Up(_)
            | Self::Urls(_)
            | Self::Version(_)
            | Self::Watch(_) => false,
        }
    }
}

/// What every command gets: the flags before it, and the process's surroundings.
#[derive(Debug, Clone)]
pub struct Context {
    /// Which project is meant.
    pub project: ProjectArgs,
    /// The process's surroundings.
    pub surroundings: Surroundings,
    /// Whether text on standard error carries colours.
    pub colour: Colour,
    /// The form of mistakes and warnings.
    pub words: Words,
    /// `--ansi`, or its variable.
    ansi: Ansi,
    /// How progress is shown, settled.
    pub progress: ProgressMode,
    /// How much runs at once.
    pub limits: Limits,
    /// The system that runs this job, when one does: nobody sits there, and its log is read by it too.
    pub ci: Option<Ci>,
    /// Nothing is to be changed: plans are shown instead of carried out.
    pub dry_run: bool,
    /// Called as `docker-compose`.
    pub as_compose: bool,
    /// How a command that changes something takes its turn.
    pub turn: Turn,
}

impl Context {
    /// Whether text on standard output carries colours.
    pub fn stdout_colour(&self) -> bool {
        let seen = self.surroundings.stdout_is_terminal && self.ci.is_none();
        colour(self.ansi, &self.surroundings, seen) == Colour::Always
    }

    /// Whether escapes may be written to standard error.
    pub fn may_escape(&self) -> bool {
        self.ansi != Ansi::Never
    }

    /// The same for a command that goes on: what happens is told line by line, not redrawn.
    #[must_use]
    pub fn scrolling(&self, quiet: bool) -> Self {
        let progress = match self.progress {
            _ if quiet => ProgressMode::Quiet,
            ProgressMode::Auto | ProgressMode::Tty => ProgressMode::Plain,
            ProgressMode::Plain | ProgressMode::Json | ProgressMode::Quiet => self.progress,
        };
        Self { progress, ..self.clone() }
    }

    /// Whether profiles were named, on the command line or by the variable.
    pub fn names_profiles(&self) -> bool {
        let variable = self.surroundings.environment.get("COMPOSE_PROFILES");
        !self.project.profile.is_empty() || variable.is_some_and(|profiles| !profiles.is_empty())
    }
}

/// Runs the process.
pub fn main() -> ExitCode {
    crate::ui::bug::leave_terminals_alone();
    let mut surroundings = match Surroundings::read() {
        Ok(surroundings) => surroundings,
        Err(error) => {
            stream::note(
                &Failure::message(format!("cannot tell the working directory: {error}")).text(Colour::Never),
            );
            return ExitCode::FAILURE;
        }
    };
    let called = match surroundings.called() {
        Ok(called) => called,
        Err(failure) => {
            stream::note(&failure.text(Colour::Never));
            return failure.exit_code();
        }
    };
    if called.asked_what_it_is {
        return match stream::data(&plugin::metadata()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_closed) => ExitCode::FAILURE,
        };
    }
    if called.words.is_empty() && !called.as_compose {
        return match stream::data(&welcome::text(&surroundings)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_closed) => ExitCode::FAILURE,
        };
    }
    for (name, value) in &called.variables {
        surroundings.environment.set(*name, value.clone());
    }
    if let Some((complete::WORD, words)) =
        called.words.split_first().map(|(word, rest)| (word.as_str(), rest))
    {
        return match stream::data(&complete::answer(words, &surroundings)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_closed) => ExitCode::FAILURE,
        };
    }
    let as_compose = called.as_compose;
    let parsed = matches(called.name, called.words).and_then(|matches| {
        Ok((matches.subcommand_name().map(str::to_owned), Cli::from_arg_matches(&matches)?))
    });
    let (name, cli) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error),
    };
    if !cli.insecure_registry.is_empty() {
        stream::note(
            "warning: `--insecure-registry` is without effect: registries on this machine are read without TLS anyway, \
             others only with it\n",
        );
    }
    let turn = match turn(name.as_deref(), cli.lock_timeout, &surroundings) {
        Ok(turn) => turn,
        Err(failure) => {
            stream::note(&failure.text(Colour::Never));
            return failure.exit_code();
        }
    };
    let context = match context(
        cli.project,
        cli.ansi.or(cli.no_ansi.then_some(Ansi::Never)),
        cli.progress,
        cli.parallel,
        turn,
        surroundings,
    ) {
        Ok(context) => {
            let words = if cli.command.answers_in_json() { Words::Json } else { context.words };
            Context { dry_run: cli.dry_run, words, as_compose, ..context }
        }
        Err(failure) => {
            stream::note(&failure.text(Colour::Never));
            return failure.exit_code();
        }
    };
    match dispatch(&context, &cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            context.tell(&failure);
            failure.exit_code()
        }
    }
}

/// The commands and flags, for tables and scripts about them.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses a command line, without the program's name. `name` is the one that usage shows.
///
/// # Errors
/// Words that are not understood, or a request for help or the version.
pub fn matches(name: &'static str, words: Vec<String>) -> Result<clap::ArgMatches, clap::Error> {
    let command = command().name(name).bin_name(name);
    let words = switches::settle(&command, words);
    command.try_get_matches_from(std::iter::once(name.to_owned()).chain(words))
}

fn dispatch(context: &Context, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Alpha(args) => alpha::run(context, args),
        Command::Graph(args) => graph::run(context, args),
        Command::Apply(args) => apply::run(context, args),
        Command::Build(args) => supply::build(context, args),
        Command::Config(args) => config::run(context, args),
        Command::Create(args) => up::create(context, args),
        Command::Doctor(args) => doctor::run(context, args),
        Command::Down(args) => down::run(context, args),
        Command::Exec(args) => exec::run(context, args),
        Command::Attach(args) => attach::run(context, args),
        Command::Commit(args) => commit::run(context, args),
        Command::Completion(args) => completion::run(args),
        Command::Cp(args) => cp::run(context, args),
        Command::Events(args) => events::run(context, args),
        Command::Export(args) => export::run(context, args),
        Command::Images(args) => images::run(context, args),
        Command::InstallPlugin(args) => plugin::run(context, args),
        Command::Port(args) => port::run(context, args),
        Command::Scale(args) => scale::run(context, args),
        Command::Stats(args) => stats::run(context, args),
        Command::Top(args) => top::run(context, args),
        Command::Volumes(args) => volume_list::run(context, args),
        Command::Wait(args) => wait::run(context, args),
        Command::Instances(args) => instances::run(context, args),
        Command::Kill(args) => lifecycle::kill(context, args),
        Command::Logs(args) => logs::run(context, args),
        Command::Ls(args) => ls::run(context, args),
        Command::Pause(args) => lifecycle::pause(context, args),
        Command::Plan(args) => plan::run(context, args),
        Command::Ps(args) => ps::run(context, args),
        Command::Pull(args) => supply::pull(context, args),
        Command::Push(args) => supply::push(context, args),
        Command::Restart(args) => lifecycle::restart(context, args),
        Command::Rm(args) => lifecycle::rm(context, args),
        Command::Rollback(args) => rollback::run(context, args),
        Command::Run(args) => one_off::run(context, args),
        Command::Start(args) => lifecycle::start(context, args),
        Command::Stop(args) => lifecycle::stop(context, args),
        Command::Test(args) => test::run(context, args),
        Command::Unpause(args) => lifecycle::unpause(context, args),
        Command::Up(args) => up::run(context, args),
        Command::Urls(args) => urls::run(context, args),
        Command::Version(args) => version::run(context, args),
        Command::Watch(args) => watch::run(context, args),
    }
}

/// Help and version go to standard output with 0; a mistake in the flags goes to standard error with 1, as the
/// reference does (clap's own 2 means "changes" to `plan --detailed-exitcode`).
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    // Without any word it is no mistake to be told what there is.
    let asked = error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if error.use_stderr() && !asked {
        stream::note(&text.to_string());
        ExitCode::FAILURE
    } else {
        drop(stream::data(&text.to_string()));
        ExitCode::SUCCESS
    }
}

/// How a command waits for others, and what those that wait for it are told.
fn turn(
    command: Option<&str>,
    lock_timeout: Option<u64>,
    surroundings: &Surroundings,
) -> Result<Turn, Failure> {
    let variable = surroundings.environment.get("STACK_LOCK_TIMEOUT").filter(|value| !value.is_empty());
    let seconds = match (lock_timeout, variable) {
        (Some(seconds), _) => Some(seconds),
        (None, None) => None,
        (None, Some(text)) => Some(text.parse().map_err(|_not_a_number| {
            Failure::message(format!("STACK_LOCK_TIMEOUT is `{text}`; it must be a number of seconds"))
        })?),
    };
    Ok(Turn {
        timeout: seconds.map(std::time::Duration::from_secs),
        command: format!("stack {}", command.unwrap_or_default()),
    })
}

/// Settles what flags and variables leave open.
fn context(
    project: ProjectArgs,
    ansi: Option<Ansi>,
    progress: Option<ProgressMode>,
    parallel: Option<i32>,
    turn: Turn,
    surroundings: Surroundings,
) -> Result<Context, Failure> {
    use clap::ValueEnum;
    let variable = |name: &str| surroundings.environment.get(name).filter(|value| !value.is_empty());
    let unknown =
        |name: &str, value: &str| Failure::message(format!("{name} is `{value}`, which is not known"));
    let ansi = match (ansi, variable("COMPOSE_ANSI")) {
        (Some(ansi), _) => ansi,
        (None, None) => Ansi::Auto,
        (None, Some(text)) => Ansi::from_str(text, true).map_err(|_unknown| unknown("COMPOSE_ANSI", text))?,
    };
    let progress = match (progress, variable("COMPOSE_PROGRESS")) {
        (Some(progress), _) => progress,
        (None, None) => ProgressMode::Auto,
        (None, Some(text)) => {
            ProgressMode::from_str(text, true).map_err(|_unknown| unknown("COMPOSE_PROGRESS", text))?
        }
    };
    let parallel = match (parallel, variable("COMPOSE_PARALLEL_LIMIT")) {
        (Some(limit), _) => Some(limit),
        (None, None) => None,
        (None, Some(text)) => {
            Some(text.parse().map_err(|_not_a_number| unknown("COMPOSE_PARALLEL_LIMIT", text))?)
        }
    };
    let limits = match parallel.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0) {
        Some(limit) => Limits { container: limit, pull: limit, build: limit },
        None => Limits::default(),
    };
    // Some systems give jobs a terminal, which nobody looks at.
    let ci = ci::recognised(&surroundings);
    let seen = surroundings.stderr_is_terminal && ci.is_none();
    let mode = run::settle_progress(progress, seen, ansi == Ansi::Never);
    let colour = colour(ansi, &surroundings, seen);
    let words = if mode == ProgressMode::Json { Words::Json } else { Words::Text(colour) };
    Ok(Context {
        project,
        surroundings,
        colour,
        words,
        ansi,
        progress: mode,
        limits,
        turn,
        ci,
        dry_run: false,
        as_compose: false,
    })
}

fn colour(ansi: Ansi, surroundings: &Surroundings, terminal: bool) -> Colour {
    let forbidden = surroundings.environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    match ansi {
        Ansi::Never => Colour::Never,
        _ if forbidden => Colour::Never,
        Ansi::Always => Colour::Always,
        Ansi::Auto if terminal => Colour::Always,
        Ansi::Auto => Colour::Never,
    }
}
