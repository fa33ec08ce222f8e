//! Runs a request: a runtime, the ui task beside it, signals, and what the result means for the process.

use super::{Context, Failure};
use crate::engine::Endpoints;
use crate::event::EventSink;
use crate::load::{self, Loaded};
use crate::ops::{Interrupts, OpsError, Rehearsal, Scope, Session, history, interrupted_by};
use crate::source::Colour;
use crate::ui::ci::Mark;
use crate::ui::{self, LogFormat, ProgressMode, Screen};
use std::path::PathBuf;
use std::sync::Arc;

/// Runs a request that talks to the engine, showing its events and log lines as they come.
///
/// # Errors
/// Whatever stopped it, as people read it.
pub fn with_session<T>(
    context: &Context,
    loaded: Option<&Loaded>,
    format: LogFormat,
    request: impl AsyncFnOnce(&Session) -> Result<T, OpsError>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::message(format!("cannot start: {error}")))?;
    let rehearsal = context.dry_run.then(Rehearsal::default);
    let result = runtime.block_on(async {
        let (events, shown_events) = EventSink::new(context.surroundings.started);
        // A slow terminal must not let lines pile up in memory: readers wait for it.
        let (lines, shown_lines) = tokio::sync::mpsc::channel(256);
        let interrupts = Interrupts::default();
        let session = Session {
            endpoints: endpoints(context),
            events,
            lines,
            interrupts: interrupts.clone(),
            limits: context.limits,
            dry_run: rehearsal.clone(),
            turn: context.turn.clone(),
            eager_health: true,
            state: state(context),
            sources: loaded.map(|loaded| Arc::new(loaded.sources.clone())),
            on_start: None,
            stopwatch: None,
            tally: None,
            taken_ports: Arc::default(),
        };
        let screen = Screen {
            mode: context.progress,
            colour: context.colour == Colour::Always,
            ci: context.ci_for_people(),
            started: context.surroundings.started,
        };
        let show = ui::show(screen, shown_events, shown_lines, format);
        let work = async {
            let session = session;
            tokio::select! {
                biased;
                result = request(&session) => result,
                // Listening ends only when the system refuses it; then the request simply cannot be interrupted gently.
                () = called_off(context) => Err(OpsError::Interrupted),
                Err(error) = interrupts.listen() => Err(OpsError::other(format!("cannot listen for signals: {error}"))),
            }
        };
        let (result, ()) = futures_util::future::join(work, show).await;
        result
    });
    // A thread that waits for the keyboard must not keep the process.
    runtime.shutdown_background();
    for (project, plan) in rehearsal.iter().flat_map(Rehearsal::take) {
        ui::stream::data(&ui::plan::text(&plan, &project, context.stdout_colour()))?;
    }
    result.map_err(|error| failure(context, loaded, error))
}

/// The docker command that called this plugin says that it was interrupted; that comes as a signal.
async fn called_off(context: &Context) {
    match context.surroundings.environment.get("DOCKER_CLI_PLUGIN_SOCKET") {
        Some(socket) if !socket.is_empty() => interrupted_by(socket).await,
        Some(_) | None => std::future::pending().await,
    }
}

/// The project of a command that needs its files.
///
/// # Errors
/// Every mistake in them.
pub fn load(context: &Context, services: &[String], without_dependencies: bool) -> Result<Loaded, Failure> {
    let mut request = context.project.request(&context.surroundings)?;
    request.services = services.to_vec();
    request.without_dependencies = without_dependencies;
    let loaded = load::load(&request)?;
    context.show_warnings(&loaded);
    Ok(loaded)
}

/// The project of a command that can do without its files: `-p NAME` alone reads none, and when the files cannot be used
/// but the name is known, the labels of the containers have to do.
///
/// # Errors
/// The mistakes in the files, when there is no name either.
pub fn scope(context: &Context) -> Result<Scope, Failure> {
    let given = context.project.file.is_empty().then_some(context.project.project_name.as_ref()).flatten();
    if let Some(name) = given {
        return Ok(Scope::Named(context.project.named(name, &context.surroundings)?));
    }
    let request = context.project.request(&context.surroundings)?;
    match load::load(&request) {
        Ok(loaded) => {
            context.show_warnings(&loaded);
            Ok(Scope::Loaded(Arc::new(loaded)))
        }
        Err(failure) => match context.surroundings.environment.get("COMPOSE_PROJECT_NAME") {
            Some(name) if !name.is_empty() => {
                Ok(Scope::Named(context.project.named(name, &context.surroundings)?))
            }
            _ => Err(failure.into()),
        },
    }
}

/// Where what was applied is kept.
fn state(context: &Context) -> Option<PathBuf> {
    let environment = &context.surroundings.environment;
    history::folder(environment.get("XDG_STATE_HOME"), environment.get("HOME"))
}

fn endpoints(context: &Context) -> Endpoints {
    let variable = |name: &str| context.surroundings.environment.get(name).map(ToOwned::to_owned);
    Endpoints {
        host: variable("DOCKER_HOST"),
        context: variable("DOCKER_CONTEXT"),
        config_dir: variable("DOCKER_CONFIG").map(PathBuf::from),
        home: variable("HOME").map(PathBuf::from),
        auth_config: variable("DOCKER_AUTH_CONFIG"),
        runtime_dir: variable("XDG_RUNTIME_DIR").map(PathBuf::from),
        api_version: variable("DOCKER_API_VERSION"),
        timeout: variable("STACK_ENGINE_TIMEOUT"),
    }
}

/// What stopped a request, as people read it and with the exit code that scripts read.
pub fn failure(context: &Context, loaded: Option<&Loaded>, error: OpsError) -> Failure {
    match error {
        OpsError::Load(failure) => Failure::Load(failure),
        OpsError::Interrupted => Failure::Code(130),
        OpsError::Exited(code) => Failure::Code(u8::try_from(code).unwrap_or(1)),
        OpsError::Connect(error) => {
            Failure::Message { message: error.text(), hints: error.hints, marks: Vec::new() }
        }
        OpsError::Engine(error) => {
            let unreachable = error.is_transient();
            let failure = Failure::message(error.to_string());
            if unreachable { failure.hint("is the engine running? see `docker version`") } else { failure }
        }
        OpsError::Problems(problems) => problems_as_diagnostics(context, loaded, problems),
        OpsError::Failed(failed) => {
            let mut parts = Vec::new();
            let mut hints = Vec::new();
            let mut marks = Vec::new();
            for one in failed {
                let mut message = one.message;
                if let Some(diagnosis) = one.diagnosis {
                    message.push('\n');
                    message.push_str(ui::diagnosis_text(&diagnosis).trim_end());
                    marks.push(Mark::at(diagnosis.place.as_deref(), message.clone()));
                } else {
                    marks.push(Mark::at(None, message.clone()));
                }
                parts.push(message);
                hints.extend(one.hints);
            }
            if parts.is_empty() {
                Failure::Code(1)
            } else {
                Failure::Message { message: parts.join("\nerror: "), hints, marks }
            }
        }
        OpsError::Other { message, hints } => Failure::Message { message, hints, marks: Vec::new() },
    }
}

fn problems_as_diagnostics(
    _context: &Context,
    loaded: Option<&Loaded>,
    problems: Vec<crate::plan::Problem>,
) -> Failure {
    use crate::source::{Diagnostic, Diagnostics};
    let Some(loaded) = loaded else {
        let messages: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        return Failure::message(messages.join("\nerror: "));
    };
    let mut diagnostics = Diagnostics::default();
    for problem in problems {
        let span = loaded.project.origins.span(&problem.path);
        let mut diagnostic = Diagnostic::error("engine", span, problem.message);
        for help in problem.help {
            diagnostic = diagnostic.help(help);
        }
        diagnostics.push(diagnostic);
    }
    Failure::Load(Box::new(load::LoadFailure { sources: loaded.sources.clone(), diagnostics }))
}

/// The progress mode that is meant by `auto`.
pub fn settle_progress(mode: ProgressMode, terminal: bool, ansi_never: bool) -> ProgressMode {
    if mode != ProgressMode::Auto {
        return mode;
    }
    if terminal && !ansi_never { ProgressMode::Tty } else { ProgressMode::Plain }
}
