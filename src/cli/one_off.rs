//! `stack run`.

use super::up::quiet;
use super::{Context, Failure, random, run};
use crate::load::{self, Loaded};
use crate::model::ServiceName;
use crate::observe::Container;
use crate::ops::one_off::{self, Changes, Running};
use crate::ops::{OpsError, Session};
use crate::plan::{ImagePolicy, OneOff, OrphanPolicy, Policy};
use crate::ui::{LogFormat, ProgressMode, stream, terminal};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// Run one command in a new container of a service.
///
/// What the service depends on is started first. The container has the service's definition, without its ports and its restart
/// policy; its exit code is that of the command.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack run --rm web sh                  a shell, in a container that goes when it ends\n  stack run --rm -T web ./migrate < data  a command in a pipe, without a terminal"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command")]
pub struct Args {
    /// The service.
    service: String,

    /// The command and its arguments; without them the service's own.
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,

    /// Build the image first.
    #[arg(long)]
    build: bool,

    /// A capability more.
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    cap_add: Vec<String>,

    /// A capability less.
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    cap_drop: Vec<String>,

    /// Run in the background and print the container's id.
    #[arg(short, long)]
    detach: bool,

    /// Another entrypoint; the service's command is left out with it.
    #[arg(long, value_name = "COMMAND")]
    entrypoint: Option<String>,

    /// A variable: KEY=VALUE, or KEY with its value from here.
    #[arg(short, long, value_name = "KEY=VALUE")]
    env: Vec<String>,

    /// Variables of a file.
    #[arg(long, value_name = "FILE")]
    env_from_file: Vec<String>,

    /// With standard input.
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    interactive: bool,

    /// A label: KEY=VALUE.
    #[arg(short, long, value_name = "KEY=VALUE")]
    label: Vec<String>,

    /// The container's name.
    #[arg(long)]
    name: Option<String>,

    /// Leave out what the service depends on.
    #[arg(long)]
    no_deps: bool,

    /// Without a terminal, even when this is one.
    #[arg(short = 'T', long = "no-tty", alias = "no-TTY")]
    no_tty: bool,

    /// Publish a port, as in `ports` of a stack file.
    #[arg(short, long, value_name = "PORT")]
    publish: Vec<String>,

    /// When to pull: always, missing, never, build, or policy (what the file says).
    #[arg(long, value_name = "POLICY", value_parser = ["always", "missing", "never", "build", "policy"])]
    pull: Option<String>,

    /// Only the command's own output.
    #[arg(short, long)]
    quiet: bool,

    /// Say of builds only when they are over.
    #[arg(long)]
    quiet_build: bool,

    /// Say of pulls only when they are over.
    #[arg(long)]
    quiet_pull: bool,

    /// Remove containers whose service is not in the file.
    #[arg(long)]
    remove_orphans: bool,

    /// Remove the container, and its anonymous volumes, when the command has ended.
    #[arg(long)]
    rm: bool,

    /// Publish the service's ports.
    #[arg(short = 'P', long)]
    service_ports: bool,

    /// With a terminal, which is so anyway where this is one.
    #[arg(short, long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    tty: Option<bool>,

    /// Answer to the service's name and aliases on its networks.
    #[arg(long)]
    use_aliases: bool,

    /// User to run it as.
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,

    /// A mount, as in `volumes` of a stack file.
    #[arg(short, long, value_name = "VOLUME")]
    volume: Vec<String>,

    /// Folder to run it in.
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<String>,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    if args.service_ports && !args.publish.is_empty() {
        return Err(Failure::message("--service-ports and --publish are incompatible"));
    }
    let surroundings = &context.surroundings;
    let wants_tty = args.tty == Some(true);
    if wants_tty && !args.no_tty && !args.detach && !surroundings.stdin_is_terminal {
        return Err(Failure::message("the input device is not a TTY").hint("leave `-t` out, or use `-T`"));
    }
    let here = surroundings.stdout_is_terminal && surroundings.stdin_is_terminal;
    let tty = !args.no_tty && args.tty != Some(false) && (here || (args.detach && wants_tty));
    let (loaded, policy, one_off) = prepare(context, args, tty)?;
    let created =
        run::with_session(&told(context, args), Some(&loaded), LogFormat::default(), async |session| {
            let session = session.without_progress_of(quiet(args.quiet_pull, args.quiet_build));
            one_off::create(&session, &loaded, &policy).await
        })?;
    let Some(container) = created else { return Ok(()) };
    // The rows of what was brought up have ended: from here on the terminal is the program's.
    let silent = Context { progress: ProgressMode::Quiet, ..context.clone() };
    let code = run::with_session(&silent, Some(&loaded), LogFormat::default(), async |session| {
        let attach = (!args.detach).then_some((tty, args.interactive));
        let running = one_off::begin(session, &loaded, &one_off, &container, attach).await?;
        if args.detach {
            one_off::hooks(session, &loaded, &container).await?;
            stream::data(&format!("{}\n", container.id.0))
                .map_err(|error| OpsError::other(error.to_string()))?;
            return Ok(0);
        }
        follow(session, &loaded, &container, running, (tty, args.interactive)).await
    })?;
    match u8::try_from(code) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Failure::Code(code)),
        Err(_out_of_range) => Err(Failure::Code(1)),
    }
}

/// With `--quiet`, nothing is told but what goes wrong.
fn told(context: &Context, args: &Args) -> Context {
    if args.quiet { Context { progress: ProgressMode::Quiet, ..context.clone() } } else { context.clone() }
}

/// The project whose service is the one-off's, and how it is brought up.
fn prepare(context: &Context, args: &Args, tty: bool) -> Result<(Loaded, Policy, OneOff), Failure> {
    let mut request = context.project.request(&context.surroundings)?;
    request.services = vec![args.service.clone()];
    request.without_dependencies = args.no_deps;
    let as_written = || load::load(&load::LoadRequest { all_resources: true, ..request.clone() });
    let mut foreign = Vec::new();
    if !args.volume.is_empty() {
        let whole = as_written()?;
        let declared = |name: &str| whole.project.volumes.keys().any(|key| key.as_str() == name);
        foreign = args.volume.iter().filter_map(|text| foreign_volume(text, &declared)).collect();
    }
    let with_said = load::LoadRequest { said: said(args, &foreign), ..request.clone() };
    let mut loaded = match load::load(&with_said) {
        Ok(loaded) => loaded,
        // What is wrong with the files, or a service that they do not have, must not look as if it were said here.
        Err(failure) => return Err(as_written().err().unwrap_or(failure).into()),
    };
    context.show_warnings(&loaded);
    let mut files = BTreeMap::new();
    for file in &args.env_from_file {
        let path = Path::new(&request.current_dir).join(file);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::message(format!("cannot read `{file}`: {error}")))?;
        let found = one_off::variables(&text, &loaded.project)
            .map_err(|message| Failure::message(format!("`{file}`, {message}")))?;
        files.extend(found);
    }
    let project = &mut loaded.project;
    let service = ServiceName::new(args.service.as_str());
    let Some(found) = project.services.get(&service) else {
        return Err(Failure::message(format!("no such service: {}", args.service)));
    };
    // What makes the container's name one of its own.
    let slug = random::digits();
    let name = args.name.clone().unwrap_or_else(|| {
        let short = slug.get(..12).unwrap_or_default();
        format!("{}{sep}{service}{sep}run{sep}{short}", project.name, sep = project.separator())
    });
    let changes = Changes {
        slug,
        environment: args.env.clone(),
        files,
        user: args.user.clone(),
        working_dir: args.workdir.clone(),
        cap_add: args.cap_add.clone(),
        cap_drop: args.cap_drop.clone(),
        labels: args.label.clone(),
        tty,
        stdin: args.interactive,
        foreign_volumes: foreign.into_iter().map(|(_, volume)| volume).collect(),
    };
    let changed = one_off::changed(found, project, &changes);
    project.services.insert(service.clone(), Box::new(changed));
    let one_off = OneOff { service: service.clone(), name, aliases: args.use_aliases, remove: args.rm };
    let ignored = context.surroundings.flag("COMPOSE_IGNORE_ORPHANS");
    let policy = Policy {
        selected: BTreeSet::from([service.clone()]),
        orphans: match (args.remove_orphans, ignored) {
            (true, _) => OrphanPolicy::Remove,
            (false, true) => OrphanPolicy::Ignore,
            (false, false) => OrphanPolicy::Warn,
        },
        images: ImagePolicy {
            pull: args.pull.clone(),
            build_only: if args.build { BTreeSet::from([service]) } else { BTreeSet::new() },
            ..ImagePolicy::default()
        },
        one_off: Some(one_off.clone()),
        ..Policy::default()
    };
    Ok((loaded, policy, one_off))
}

/// What the command line says of the service, as a stack file: it has the same grammar there.
fn said(args: &Args, foreign: &[(String, Foreign)]) -> Option<String> {
    let text = |value: &str| serde_json::Value::from(value.replace('$', "$$")).to_string();
    let list = |values: &[&str]| values.iter().map(|value| text(value)).collect::<Vec<_>>().join(", ");
    let mut lines = vec![format!("services:\n  {}:", text(&args.service))];
    if !args.service_ports {
        let ports: Vec<&str> = args.publish.iter().map(String::as_str).collect();
        lines.push(format!("    ports: !override [{}]", list(&ports)));
    }
    let volumes: Vec<&str> = args
        .volume
        .iter()
        .filter(|volume| foreign.iter().all(|(written, _)| written != *volume))
        .map(String::as_str)
        .collect();
    if !volumes.is_empty() {
        lines.push(format!("    volumes: [{}]", list(&volumes)));
    }
    if let Some(entrypoint) = &args.entrypoint {
        lines.push(format!("    entrypoint: !override {}", text(entrypoint)));
        if args.command.is_empty() {
            lines.push("    command: !reset null".to_owned());
        }
    }
    if !args.command.is_empty() {
        let command: Vec<&str> = args.command.iter().map(String::as_str).collect();
        lines.push(format!("    command: !override [{}]", list(&command)));
    }
    (lines.len() > 1).then(|| lines.join("\n") + "\n")
}

/// Source, target, read-only.
type Foreign = (String, String, bool);

/// A `-v NAME:TARGET` whose volume no file declares: the engine makes it, by that very name, as the reference has it.
fn foreign_volume(text: &str, declared: &dyn Fn(&str) -> bool) -> Option<(String, Foreign)> {
    let (source, rest) = text.split_once(':')?;
    let is_path = source.starts_with(['/', '.', '~']) || source.is_empty();
    if is_path || declared(source) {
        return None;
    }
    let (target, options) = rest.split_once(':').unwrap_or((rest, ""));
    let read_only = options.split(',').any(|option| option == "ro");
    Some((text.to_owned(), (source.to_owned(), target.to_owned(), read_only)))
}

/// How long a program whose terminal has closed may take to be told of as ended, before it counts as left alone.
const LEFT_ALONE: Duration = Duration::from_millis(500);

/// Joins the terminal to the command until it ends, and passes signals on.
async fn follow(
    session: &Session,
    loaded: &Loaded,
    container: &Container,
    running: Running,
    (tty, stdin): (bool, bool),
) -> Result<i64, OpsError> {
    let Running { engine, attached, exit } = running;
    let (id, name) = (container.id.0.as_str(), container.name.as_str());
    let Some(attached) = attached else { return Ok(0) };
    let resize = async |rows, columns| {
        // The program may have ended already: its terminal keeps the size it has.
        drop(engine.resize_container(id, rows, columns).await);
    };
    let pass_on = async |signal: &'static str| {
        // One that has ended needs no signal.
        drop(engine.kill_container(id, name, signal).await);
    };
    let input = stdin.then_some(attached.input);
    let talk = async {
        tokio::select! {
            ended = terminal::connect(attached.output, input, tty, resize) => ended,
            refused = terminal::signals(pass_on) => refused,
        }
    };
    let (talked, hooked) = futures_util::future::join(talk, one_off::hooks(session, loaded, container)).await;
    talked.map_err(|error| OpsError::other(error.to_string()))?;
    hooked?;
    tokio::pin!(exit);
    loop {
        // Not cancelled by the pause: it is polled again where it was.
        match tokio::time::timeout(LEFT_ALONE, &mut exit).await {
            Ok(code) => return code,
            Err(_elapsed)
                if tty
                    && engine
                        .container_state(id, name)
                        .await
                        .is_ok_and(|state| state.state.status == "running") =>
            {
                stream::note(&format!("\n`{name}` goes on running\n"));
                return Ok(0);
            }
            Err(_elapsed) => {}
        }
    }
}
