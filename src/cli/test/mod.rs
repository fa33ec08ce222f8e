//! `stack test`.

mod reports;

use super::timeline::TimelineFile;
use super::{Context, Failure, random, remote, run};
use crate::engine::ExecSpec;
use crate::load::{self, InstanceRequest, LoadRequest, Loaded};
use crate::model::ServiceName;
use crate::model::instance::leave_ports;
use crate::ops::exec::{self, Which};
use crate::ops::instances;
use crate::ops::testing::{self, HostCommand, Keep, Ran, Ready, Report, Request, Verdict};
use crate::ops::up;
use crate::ops::{Session, Stopwatch};
use crate::plan::{ImagePolicy, Policy};
use crate::ui::{LogFormat, ProgressMode, Summary, stream, terminal};
use reports::Reports;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Bring up a copy of the project, run a command against it, and take everything away again.
///
/// The copy has names, ports, networks and volumes of its own, so that many can run side by side. It is waited for as with
/// `up --wait`; then the command runs here, and finds in its environment where everything is: `STACK_PROJECT`, and for each
/// published port `STACK_<SERVICE>_HOST`, `STACK_<SERVICE>_PORT_<TARGET>` and, where it looks like HTTP, `STACK_<SERVICE>_URL`.
/// Whatever happens then, everything goes: containers, networks, volumes and the images that were built for it. What a run
/// that was killed has left is taken away by the next one.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes:\n  the command's own   it ran\n  0    without a command: everything came up\n  1    mistakes in the command line or the stack files, and nothing was begun;\n       or all went well, but not everything could be taken away\n  124  the time of --timeout was up\n  125  the command was not run, because something did not come up\n  126  the command cannot be run\n  127  there is no such command\n  130  interrupted by SIGINT (Ctrl-C); a second one kills what takes its time to stop\n  143  ended by SIGTERM\n\nExamples:\n  stack test -- pytest -q                      run the tests against a copy of the whole stack\n  stack test --report junit.xml api -- make it only `api` and what it depends on\n  stack test --exec api -- ./manage.py test    run them inside the service `api`\n  stack test                                   see whether everything comes up"
)]
pub struct Args {
    /// Only these services and what they depend on.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// The command, and its arguments.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,

    /// Run the command in a container of this service.
    #[arg(long, value_name = "SERVICE", requires = "command")]
    exec: Option<String>,

    /// Write a report as XML for test runners (`JUnit`): a case for each service, and one for the command.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Write the same as JSON.
    #[arg(long, value_name = "FILE")]
    report_json: Option<PathBuf>,

    /// Write the log of each container, with times, to a file in this folder.
    #[arg(long, value_name = "DIR")]
    logs_dir: Option<PathBuf>,

    /// Write a picture (.svg), a page (.html) or JSON of where the time went until everything was ready.
    #[arg(long, value_name = "FILE", value_parser = TimelineFile::parse)]
    timeline: Option<TimelineFile>,

    /// Leave the environment as it is: always, or when something went wrong.
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "always", value_name = "WHEN")]
    keep: Option<When>,

    /// Seconds that everything may take, but for taking it away.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,

    /// Seconds until everything must be ready.
    #[arg(long, value_name = "SECONDS")]
    wait_timeout: Option<u64>,

    /// Seconds that a container without a healthcheck must run before it is believed. [default: 1]
    #[arg(long, value_name = "SECONDS")]
    wait_stable: Option<u64>,

    /// Build images also where they are there.
    #[arg(long)]
    build: bool,

    /// When to pull: always, missing, never, build, or policy (what the file says).
    #[arg(long, value_name = "POLICY", value_parser = ["always", "missing", "never", "build", "policy"])]
    pull: Option<String>,

    /// Host ports of the copy: free ones, or those of the file, which only one at a time can have.
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Ports::Ephemeral, conflicts_with = "no_isolate")]
    ports: Ports,

    /// Use the project itself instead of a copy. Its volumes and images stay, and so does everything when it is up already.
    #[arg(long)]
    no_isolate: bool,

    /// Answer yes to questions about files from elsewhere.
    #[arg(short, long)]
    yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum When {
    OnFailure,
    Always,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Ports {
    Ephemeral,
    Fixed,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let loaded = Arc::new(load(context, args)?);
    remote::confirm(context, &loaded, args.yes)?;
    if let Some(service) = args.exec.as_ref().filter(|name| loaded.project.service(name).is_none()) {
        return Err(Failure::message(format!("no such service: {service}")).hint("it was named by --exec"));
    }
    let request = request(args);
    if context.dry_run {
        return rehearse(context, &loaded, request.policy);
    }
    let reports = Reports::open(args.report.as_deref(), args.report_json.as_deref())?;
    let report = run::with_session(context, Some(&loaded), LogFormat::default(), async |session| {
        let command = async |ready: &Ready<'_>| match &args.exec {
            Some(service) => inside(ready, service, &args.command).await,
            None => here(ready, &args.command).await,
        };
        let stopwatch = args.timeline.is_some().then(Stopwatch::silent);
        let session = &Session { stopwatch, ..session.clone() };
        let told = |report: &Report| {
            reports.write(report);
            // What is told a second time is about the end alone.
            let timeline = args.timeline.as_ref().filter(|_| report.teardown_error.is_none());
            if let Some(Err(error)) = timeline.map(|file| file.write(context, session, &report.project)) {
                session.warn(&report.project, error.to_string());
            }
        };
        Ok(Box::pin(testing::run(session, &loaded, &request, command, told)).await)
    })?;
    end(context, &loaded, &request, report)
}

fn request(args: &Args) -> Request {
    Request {
        policy: Policy {
            selected: args.services.iter().map(ServiceName::new).collect(),
            images: ImagePolicy { pull: args.pull.clone(), build: args.build, ..ImagePolicy::default() },
            wait: Some(args.wait_timeout),
            stable_s: args.wait_stable,
            ..Policy::default()
        },
        words: args.command.clone(),
        service: args.exec.clone(),
        timeout: args.timeout.map(Duration::from_secs),
        keep: match args.keep {
            None => Keep::Never,
            Some(When::OnFailure) => Keep::OnFailure,
            Some(When::Always) => Keep::Always,
        },
        logs: args.logs_dir.clone(),
        isolated: !args.no_isolate,
    }
}

fn load(context: &Context, args: &Args) -> Result<Loaded, Failure> {
    let mut request = context.project.request(&context.surroundings)?;
    request.services.clone_from(&args.services);
    if !args.no_isolate {
        isolate(context, &mut request)?;
    }
    let mut loaded = load::load(&request)?;
    context.show_warnings(&loaded);
    match (&mut loaded.project.instance, args.ports) {
        (Some(_), Ports::Ephemeral) if !args.no_isolate => leave_ports(&mut loaded.project),
        (Some(instance), Ports::Fixed) => instance.keeps_ports = true,
        (Some(_) | None, _) => {}
    }
    Ok(loaded)
}

/// Asks for a copy that is to be thrown away. Where a copy is asked for already, it is one of that.
fn isolate(context: &Context, request: &mut LoadRequest) -> Result<(), Failure> {
    let of = request.instance.as_ref().map(|asked| asked.name.as_str());
    let of = of.or_else(|| context.surroundings.environment.get("STACK_INSTANCE")).unwrap_or_default();
    let of = load::instance_name(of, &context.surroundings.current_dir)
        .map_err(|(message, help)| Failure::message(message).hint(help))?;
    let own = format!("test-{}", random::letters());
    let name = of.map_or_else(|| own.clone(), |of| format!("{of}-{own}"));
    let owner = Some(instances::Owner::this().to_string());
    request.instance = Some(InstanceRequest { name, owner, settled: false });
    Ok(())
}

/// Shows what would be brought up.
fn rehearse(context: &Context, loaded: &Loaded, policy: Policy) -> Result<(), Failure> {
    let request = up::Request { policy, attach: None };
    run::with_session(context, Some(loaded), LogFormat::default(), async |session| {
        Box::pin(up::run(session, loaded, &request)).await
    })
}

/// Runs the command on this machine.
async fn here(ready: &Ready<'_>, words: &[String]) -> Ran {
    // What made this copy must not make another one of it.
    HostCommand { words, variables: ready.variables(), without: &["STACK_INSTANCE"] }.run(ready).await
}

/// Runs the command in a container of the project.
async fn inside(ready: &Ready<'_>, service: &str, words: &[String]) -> Ran {
    let pairs = |variables: BTreeMap<String, String>| {
        variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    };
    let spec = ExecSpec {
        command: words.to_vec(),
        environment: pairs(ready.variables_inside()),
        stdin: true,
        ..ExecSpec::default()
    };
    let work = async {
        let which = Which { service: service.to_owned(), index: 0 };
        let container = exec::container(ready.engine, ready.scope, &which).await?;
        let Some(running) = exec::start(ready.engine, &container, &spec).await? else { return Ok(0) };
        let connected = terminal::connect(running.output, Some(running.input), false, async |_, _| {}).await;
        connected.map_err(|error| crate::ops::OpsError::other(error.to_string()))?;
        Ok::<i64, crate::ops::OpsError>(ready.engine.exec_exit_code(&running.id).await?)
    };
    // The container it runs in is taken away; nothing is lost with the connection to it.
    tokio::select! {
        ended = work => match ended {
            Ok(code) => Ran::exited(code),
            Err(error) => Ran::refused(126, error.to_string()),
        },
        () = ready.until.cancelled() => Ran::refused(1, "it was stopped with its container".to_owned()),
    }
}

/// Says how it went, last of all.
fn end(context: &Context, loaded: &Loaded, request: &Request, report: Report) -> Result<(), Failure> {
    let code = report.exit_code;
    let speaks = !matches!(context.progress, ProgressMode::Json | ProgressMode::Quiet);
    if report.kept && speaks {
        let name = &report.project;
        stream::note(&format!(
            "Kept: {name}\n  look at it with `stack -p {name} ps`, `logs`, `exec`\n  remove it with  `stack -p {name} down -v --rmi local`\n"
        ));
    }
    let sentence = sentence(request, &report);
    context.sum_up(&Summary {
        title: &format!("stack test: {}", report.origin),
        sentence: &sentence,
        well: code == 0,
        services: &report.services,
        timings: report.timings.as_ref(),
        slowest: &report.slowest,
    });
    if let Some(cause) = report.cause {
        let failure = run::failure(context, Some(loaded), cause);
        context.tell(&failure);
    }
    if let Some(error) = &report.teardown_error {
        let failure = Failure::message(format!("not everything was taken away: {error}"))
            .hint(format!("`stack -p {} down -v --rmi local` takes away what is left", report.project));
        context.tell(&failure);
    }
    if speaks {
        stream::note(&format!("{sentence}\n"));
    }
    match (code, report.teardown_error.is_some()) {
        (0, false) => Ok(()),
        (0, true) => Err(Failure::Code(1)),
        (code, _) => Err(Failure::Code(code)),
    }
}

/// The last line: how it ended, and how long that took.
fn sentence(request: &Request, report: &Report) -> String {
    let seconds = |millis: u64| format!("{}.{:02} s", millis / 1000, millis % 1000 / 10);
    let (up, total) = (seconds(report.up_ms), seconds(report.total_ms));
    let words = testing::command_line(&request.words);
    let trouble = report.command.as_ref().and_then(testing::CommandReport::trouble);
    match (report.verdict, &report.command) {
        (Verdict::Passed, Some(command)) => {
            format!("Passed: ready after {up}, `{words}` took {}", seconds(command.took_ms))
        }
        (Verdict::Passed, None) => format!("Passed: ready after {up}"),
        (Verdict::Failed, _) => format!("Failed: `{words}`: {}", trouble.unwrap_or_default()),
        (Verdict::NotReady, _) => format!("Not ready: given up after {up}"),
        (Verdict::TimedOut, _) => format!("Timed out: {}", report.error.clone().unwrap_or_default()),
        (Verdict::Interrupted, _) => format!("Interrupted after {total}"),
    }
}
