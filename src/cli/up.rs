//! `stack up` and `stack create`.

use super::menu::{self, Menu};
use super::timeline::{self, TimelineFile};
use super::{Context, Failure, remote, run, volumes};
use crate::event::Verb;
use crate::load::Loaded;
use crate::model::ServiceName;
use crate::ops::up::{self, Attach, Request};
use crate::ops::{AbortOn, Cascade, Session, Stopwatch};
use crate::plan::{AnonymousVolumes, ImagePolicy, OldData, OrphanPolicy, Policy, Recreate};
use crate::ui::{LogFormat, ProgressMode};
use crate::watch;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Create and start what the stack file describes, and show the logs.
///
/// Unchanged containers are left alone; changed ones are replaced, with the reason.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack up            start everything and follow the logs; Ctrl-C stops\n  stack up -d --wait  start in the background and return when everything is ready"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command")]
pub struct Args {
    #[command(flatten)]
    converge: ConvergeArgs,

    /// Return once everything is started.
    #[arg(short, long)]
    detach: bool,

    /// Return once every service has reached its goal: healthy where it has a healthcheck, ended with 0 where it ends, running
    /// and stable otherwise; implies --detach.
    #[arg(long)]
    wait: bool,

    /// Seconds that --wait may take.
    #[arg(long, value_name = "SECONDS")]
    wait_timeout: Option<u64>,

    /// Seconds that a container without a healthcheck must run before --wait believes it. [default: 1]
    #[arg(long, value_name = "SECONDS", hide_short_help = true)]
    wait_stable: Option<u64>,

    /// Stop everything, and end, when a container exits.
    #[arg(long, conflicts_with_all = ["detach", "wait", "no_start", "abort_on_container_failure", "watch"])]
    abort_on_container_exit: bool,

    /// Stop everything, and end, when a container exits with another code than 0.
    #[arg(long, conflicts_with_all = ["detach", "wait", "no_start", "watch"])]
    abort_on_container_failure: bool,

    /// End with the exit code of this service; implies --abort-on-container-exit.
    #[arg(long, value_name = "SERVICE", conflicts_with_all = ["detach", "wait", "no_start", "watch"])]
    exit_code_from: Option<String>,

    /// Follow the files too, as `stack watch` does.
    #[arg(short, long, conflicts_with_all = ["detach", "wait", "no_start"])]
    watch: bool,

    /// With --watch, or its key: tell rules from the Dockerfiles of services that have none, and print them in a form to paste.
    #[arg(long, conflicts_with_all = ["detach", "wait", "no_start"])]
    auto: bool,

    /// Keys while it stays: v what is watched, w watch on or off, d detach. [default: on a terminal]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", conflicts_with = "detach")]
    menu: Option<bool>,

    /// Create only; do not start.
    #[arg(long)]
    no_start: bool,

    /// Leave out what the named services depend on.
    #[arg(long)]
    no_deps: bool,

    /// Replace what the named services depend on, too.
    #[arg(long, conflicts_with = "no_recreate")]
    always_recreate_deps: bool,

    /// Fresh anonymous volumes instead of the old containers'.
    #[arg(short = 'V', long)]
    renew_anon_volumes: bool,

    /// Mount the anonymous volumes again that the containers had before the last `down`.
    #[arg(long, conflicts_with = "renew_anon_volumes")]
    reattach: bool,

    /// Seconds before containers that are replaced are killed.
    #[arg(short, long, value_name = "SECONDS")]
    timeout: Option<i64>,

    /// Show the logs of these services only.
    #[arg(long, value_name = "SERVICE")]
    attach: Vec<String>,

    /// Do not show the logs of these services.
    #[arg(long, value_name = "SERVICE")]
    no_attach: Vec<String>,

    /// Show the logs of dependencies too.
    #[arg(long, conflicts_with = "attach")]
    attach_dependencies: bool,

    /// Log lines without colours.
    #[arg(long)]
    no_color: bool,

    /// Log lines without the container's name.
    #[arg(long)]
    no_log_prefix: bool,

    /// Log lines with their time.
    #[arg(long)]
    timestamps: bool,

    /// Say at the end where the time went, by service.
    #[arg(long)]
    timings: bool,

    /// Write down what every service spent its time on, and what held up the end: a picture (.svg), a page (.html), or .json.
    #[arg(long, value_name = "FILE", value_parser = TimelineFile::parse)]
    timeline: Option<TimelineFile>,
}

/// What `up`, `create` and `plan` share.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag")]
pub struct ConvergeArgs {
    /// Only these services and what they depend on.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,

    /// Build images first: all, or with `auto` those that are older than their sources.
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "all", value_name = "WHICH", conflicts_with = "no_build")]
    build: Option<Build>,

    /// Never build.
    #[arg(long)]
    no_build: bool,

    /// When to pull: always, missing, never, build, or policy (what the file says).
    #[arg(long, value_name = "POLICY", value_parser = ["always", "missing", "never", "build", "policy"])]
    pull: Option<String>,

    /// Say of pulls only when they are over.
    #[arg(long)]
    quiet_pull: bool,

    /// Say of builds only when they are over.
    #[arg(long)]
    quiet_build: bool,

    /// Replace containers even when nothing changed.
    #[arg(long, conflicts_with = "no_recreate")]
    force_recreate: bool,

    /// Keep containers whatever changed.
    #[arg(long)]
    no_recreate: bool,

    /// Remove containers whose service is not in the file.
    #[arg(long)]
    remove_orphans: bool,

    /// Compare every field of every container with the file, to find what was changed by hand. It takes a request for each
    /// container; without it only what the lists show is seen (networks, names, states, mounts, images).
    #[arg(long)]
    drift: bool,

    /// Number of containers of a service.
    #[arg(long, value_name = "SERVICE=NUM")]
    scale: Vec<String>,

    /// Wait for the engine's own health probes; do not run them early.
    #[arg(long)]
    no_eager_health: bool,

    /// Answer yes to all questions: about files from elsewhere, and whether volumes whose definition changed are replaced,
    /// which loses what is in them. Without it, and without a terminal to ask on, they are kept.
    #[arg(short, long)]
    yes: bool,

    /// Replace volumes whose definition changed, and move what is in them to the new ones.
    #[arg(long)]
    migrate_volumes: bool,
}

/// What `--build` builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Build {
    /// Everything that can be built.
    #[value(alias = "true")]
    All,
    /// What is older than its sources.
    Auto,
    /// Nothing that is there.
    False,
}

/// Create containers without starting them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack create          make what is missing, start nothing\n  stack create --build  build the images first"
)]
pub struct CreateArgs {
    #[command(flatten)]
    converge: ConvergeArgs,
}

impl ConvergeArgs {
    /// Whether a flag says what becomes of volumes whose definition changed.
    pub fn answers_for_volumes(&self) -> bool {
        self.yes || self.migrate_volumes
    }

    /// The session that these flags ask for.
    fn session(&self, session: &Session) -> Session {
        let quiet = quiet(self.quiet_pull, self.quiet_build);
        session.with_eager_health(!self.no_eager_health).without_progress_of(quiet)
    }

    /// The policy that these flags ask for.
    ///
    /// # Errors
    /// A `--scale` that cannot be read, or flags that exclude each other.
    pub fn policy(&self, context: &Context) -> Result<Policy, Failure> {
        let ignore_orphans = context.surroundings.flag("COMPOSE_IGNORE_ORPHANS");
        let remove_orphans = self.remove_orphans || context.surroundings.flag("COMPOSE_REMOVE_ORPHANS");
        if ignore_orphans && self.remove_orphans {
            return Err(Failure::message("COMPOSE_IGNORE_ORPHANS and --remove-orphans cannot be combined"));
        }
        let mut scale = BTreeMap::new();
        for entry in &self.scale {
            let parsed =
                entry.split_once('=').and_then(|(name, count)| Some((name, count.parse::<u32>().ok()?)));
            let Some((name, count)) = parsed else {
                return Err(
                    Failure::message(format!("invalid --scale `{entry}`")).hint("it must look like `web=3`")
                );
            };
            scale.insert(ServiceName::new(name), count);
        }
        Ok(Policy {
            selected: self.services.iter().map(ServiceName::new).collect(),
            recreate: match (self.force_recreate, self.no_recreate) {
                (true, _) => Recreate::Force,
                (false, true) => Recreate::Never,
                (false, false) => Recreate::Diverged,
            },
            recreate_dependencies: if self.no_recreate { Recreate::Never } else { Recreate::Diverged },
            scale,
            orphans: match (remove_orphans, ignore_orphans) {
                (true, _) => OrphanPolicy::Remove,
                (false, true) => OrphanPolicy::Ignore,
                (false, false) => OrphanPolicy::Warn,
            },
            drift: self.drift,
            replace_all_volumes: match (self.migrate_volumes, self.yes) {
                (true, _) => Some(OldData::Moves),
                (false, true) => Some(OldData::Lost),
                (false, false) => None,
            },
            images: ImagePolicy {
                pull: self.pull.clone(),
                build: self.build == Some(Build::All),
                build_stale: self.build == Some(Build::Auto),
                no_build: self.no_build,
                ..ImagePolicy::default()
            },
            ..Policy::default()
        })
    }
}

impl Args {
    /// What the command ends on by itself.
    fn cascade(&self, loaded: &Loaded) -> Result<Option<Cascade>, Failure> {
        let on = match (self.abort_on_container_failure, self.abort_on_container_exit) {
            (true, _) => AbortOn::Failure,
            (false, true) => AbortOn::Exit,
            (false, false) if self.exit_code_from.is_some() => AbortOn::Exit,
            (false, false) => return Ok(None),
        };
        let code_from = self.exit_code_from.as_deref().map(ServiceName::new);
        match code_from.as_ref().filter(|name| !loaded.project.services.contains_key(*name)) {
            None => Ok(Some(Cascade { on, code_from })),
            Some(unknown) => Err(Failure::message(format!("no such service: {unknown}"))
                .hint("it was named by --exit-code-from")),
        }
    }
}

/// What `--quiet-pull` and `--quiet-build` keep quiet.
pub fn quiet(pull: bool, build: bool) -> &'static [Verb] {
    match (pull, build) {
        (true, true) => &[Verb::Pull, Verb::Build],
        (true, false) => &[Verb::Pull],
        (false, true) => &[Verb::Build],
        (false, false) => &[],
    }
}

/// Services that `--scale` names and the file does not.
pub fn check_scale(policy: &Policy, loaded: &Loaded) -> Result<(), Failure> {
    match policy.scale.keys().find(|name| !loaded.project.services.contains_key(*name)) {
        None => Ok(()),
        Some(unknown) => {
            Err(Failure::message(format!("no such service: {unknown}")).hint("it was named by --scale"))
        }
    }
}

/// Runs `up`.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let loaded = run::load(context, &args.converge.services, args.no_deps)?;
    remote::confirm(context, &loaded, args.converge.yes)?;
    let replace_volumes = volumes::ask(context, &args.converge, &loaded)?;
    let policy = Policy {
        replace_volumes,
        recreate_dependencies: if args.always_recreate_deps {
            Recreate::Force
        } else {
            args.converge.policy(context)?.recreate_dependencies
        },
        anonymous_volumes: match (args.renew_anon_volumes, args.reattach) {
            (true, _) => AnonymousVolumes::Fresh,
            (false, true) => AnonymousVolumes::Reattached,
            (false, false) => AnonymousVolumes::Kept,
        },
        timeout_s: args.timeout,
        no_start: args.no_start,
        // What is only created has nothing to wait for.
        wait: (args.wait && !args.no_start).then_some(args.wait_timeout),
        stable_s: args.wait_stable,
        ..args.converge.policy(context)?
    };
    check_scale(&policy, &loaded)?;
    let cascade = args.cascade(&loaded)?;
    let names = |list: &[String]| list.iter().map(ServiceName::new).collect();
    let attach = (!args.detach && !args.wait && !args.no_start && !context.dry_run).then(|| Attach {
        only: names(&args.attach),
        except: names(&args.no_attach),
        dependencies: args.attach_dependencies,
        timestamps: args.timestamps,
        stay: Arc::new(AtomicBool::new(args.watch)),
        cascade: cascade.clone(),
        ..Attach::default()
    });
    let format = LogFormat::new(context.stdout_colour() && !args.no_color, args.no_log_prefix);
    let (menu, format) = match &attach {
        Some(attach) if menu::is_wanted(context, args.menu) => {
            let (menu, format) = Menu::new(attach, format);
            (Some(menu), format)
        }
        Some(_) | None => (None, format),
    };
    if args.watch && context.dry_run {
        let request = watch::Request { up: true, policy, ..watched(context, args, &Policy::default())? };
        return super::watch::rehearse(context, &loaded, &request);
    }
    let watching = (args.watch || menu.is_some()).then(|| watched(context, args, &policy)).transpose()?;
    let request = Request { policy, attach };
    let tally = context.tally().filter(|_| request.attach.is_none());
    let work = || {
        run::with_session(context, Some(&loaded), format, async |session| {
            let session = args.converge.session(session);
            let session = Session { tally: tally.clone(), ..session };
            let on_start = watching.as_ref().filter(|_| args.watch).map(watch::Request::on_start);
            let told = args.timings || context.progress == ProgressMode::Json;
            let stopwatch = if told {
                Some(Stopwatch::default())
            } else {
                args.timeline.is_some().then(Stopwatch::silent)
            };
            let session = Session { on_start, stopwatch, ..session };
            let up = Box::pin(up::run(&session, &loaded, &request));
            let is_up = request.attach.as_ref().map(|attach| attach.is_up.clone());
            let up =
                Box::pin(timeline::beside(context, &session, &loaded, up, is_up, args.timeline.as_ref()));
            match &watching {
                None => up.await,
                Some(watching) => {
                    menu::beside(&session, &loaded, up, watching, args.watch, menu.as_ref()).await
                }
            }
        })
    };
    if request.attach.is_some() {
        return work();
    }
    let name = loaded.project.name.as_str();
    let done = context.in_section("stack_up", &format!("Bring up {name}"), work);
    context.sum_up_run(name, tally.as_ref(), &done);
    done
}

/// What `--watch` adds: the files are followed from the start, and containers get what they lack as they come up.
fn watched(context: &Context, args: &Args, policy: &Policy) -> Result<watch::Request, Failure> {
    let mut load = context.project.request(&context.surroundings)?;
    load.services.clone_from(&args.converge.services);
    load.without_dependencies = args.no_deps;
    let recreate = if policy.recreate == Recreate::Force { Recreate::Diverged } else { policy.recreate };
    // What was forced, or agreed to, was so once.
    let policy = Policy {
        recreate,
        anonymous_volumes: AnonymousVolumes::Kept,
        replace_volumes: BTreeMap::new(),
        replace_all_volumes: None,
        images: ImagePolicy::default(),
        ..policy.clone()
    };
    let state = tokio::sync::watch::Sender::default();
    let delivery = Arc::new(watch::Delivery::new(args.auto));
    Ok(watch::Request { load, policy, up: false, prune: true, colour: context.colour, state, delivery })
}

/// Runs `create`.
pub fn create(context: &Context, args: &CreateArgs) -> Result<(), Failure> {
    let loaded = run::load(context, &args.converge.services, false)?;
    let replace_volumes = volumes::ask(context, &args.converge, &loaded)?;
    let policy = Policy { no_start: true, replace_volumes, ..args.converge.policy(context)? };
    check_scale(&policy, &loaded)?;
    let request = Request { policy, attach: None };
    run::with_session(context, Some(&loaded), LogFormat::default(), async |session| {
        let session = args.converge.session(session);
        Box::pin(up::run(&session, &loaded, &request)).await
    })
}
