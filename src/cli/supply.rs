//! `stack build`, `pull` and `push`.

use super::{Context, Failure, run};
use crate::load::Loaded;
use crate::lower::bake::{self, Wish};
use crate::model::{ByteSize, Project, ServiceName};
use crate::ops::supply;
use crate::plan::supply::{Chosen, PullWish};
use crate::ui::{LogFormat, ProgressMode, stream};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Build images.
///
/// By `docker buildx` where that plugin is installed, else by the engine's classic builder.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack build            all that can be built, side by side\n  stack build --pull api  one, on a base image that is asked for anew"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command")]
pub struct BuildArgs {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// A build argument: KEY=VALUE, or KEY with its value from here.
    #[arg(long, value_name = "KEY=VALUE")]
    build_arg: Vec<String>,

    /// The builder of `docker buildx`.
    #[arg(long, value_name = "NAME")]
    builder: Option<String>,

    /// Only check the Dockerfiles.
    #[arg(long)]
    check: bool,

    /// The most memory of a build, with the classic builder.
    #[arg(short, long, value_name = "BYTES")]
    memory: Option<String>,

    /// Use no cache.
    #[arg(long)]
    no_cache: bool,

    /// Print what `docker buildx bake` is told, and build nothing.
    #[arg(long)]
    print: bool,

    /// Provenance attestation: true, false or its settings.
    #[arg(long, value_name = "SETTINGS", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    provenance: Option<String>,

    /// Ask for base images anew.
    #[arg(long)]
    pull: bool,

    /// Push what was built and has a name of its own.
    #[arg(long)]
    push: bool,

    /// Nothing but what goes wrong.
    #[arg(short, long)]
    quiet: bool,

    /// SBOM attestation: true, false or its settings.
    #[arg(long, value_name = "SETTINGS", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sbom: Option<String>,

    /// An SSH agent or key that builds may use: `default`, or ID=PATH.
    #[arg(long, value_name = "KEY")]
    ssh: Option<String>,

    /// What the services depend on, too.
    #[arg(long)]
    with_dependencies: bool,

    /// How progress is shown.
    #[arg(long, value_enum, value_name = "MODE", hide = true)]
    progress: Option<ProgressMode>,

    /// Without effect, as in the reference.
    #[arg(long, hide = true)]
    compress: bool,

    /// Without effect, as in the reference.
    #[arg(long, hide = true)]
    force_rm: bool,

    /// Without effect, as in the reference.
    #[arg(long, hide = true)]
    no_rm: bool,

    /// Without effect, as in the reference.
    #[arg(long, hide = true)]
    parallel: bool,
}

/// Pull images.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack pull                   all images\n  stack pull --include-deps web  what one service needs"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command")]
pub struct PullArgs {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Leave out what can be built.
    #[arg(long)]
    ignore_buildable: bool,

    /// What no registry has is no failure.
    #[arg(long)]
    ignore_pull_failures: bool,

    /// What the services depend on, too.
    #[arg(long)]
    include_deps: bool,

    /// When to pull, whatever the file says: missing or always.
    #[arg(long, value_name = "POLICY", value_parser = ["missing", "always"])]
    policy: Option<String>,

    /// Nothing but what goes wrong.
    #[arg(short, long)]
    quiet: bool,

    /// Without effect, as in the reference.
    #[arg(long, hide = true)]
    parallel: bool,

    /// Without effect, as in the reference.
    #[arg(long, hide = true)]
    no_parallel: bool,
}

/// Push the images that are built here.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack push      every service with `build` and `image`\n  stack push web  one, with its `build.tags`"
)]
pub struct PushArgs {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// What a registry refuses is no failure.
    #[arg(long)]
    ignore_push_failures: bool,

    /// What the services depend on, too.
    #[arg(long)]
    include_deps: bool,

    /// Nothing but what goes wrong.
    #[arg(short, long)]
    quiet: bool,
}

fn chosen(services: &[String], dependencies: bool) -> Chosen {
    Chosen { services: services.iter().map(ServiceName::new).collect(), dependencies }
}

/// The same, where nothing is told but what goes wrong.
fn told(context: &Context, quiet: bool) -> Context {
    let progress = if quiet { ProgressMode::Quiet } else { context.progress };
    Context { progress, ..context.clone() }
}

/// Runs `pull`.
pub fn pull(context: &Context, args: &PullArgs) -> Result<(), Failure> {
    let loaded = run::load(context, &args.services, !args.include_deps)?;
    let wish = PullWish {
        policy: args.policy.clone(),
        ignore_buildable: args.ignore_buildable,
        ignore_failures: args.ignore_pull_failures,
    };
    let chosen = chosen(&args.services, args.include_deps);
    let context = told(context, args.quiet);
    run::with_session(&context, Some(&loaded), LogFormat::default(), async |session| {
        supply::pull(session, &loaded, &chosen, &wish).await
    })
}

/// Runs `push`.
pub fn push(context: &Context, args: &PushArgs) -> Result<(), Failure> {
    let loaded = run::load(context, &args.services, !args.include_deps)?;
    let chosen = chosen(&args.services, args.include_deps);
    let context = told(context, args.quiet);
    run::with_session(&context, Some(&loaded), LogFormat::default(), async |session| {
        supply::push(session, &loaded, &chosen, args.ignore_push_failures).await
    })
}

/// Runs `build`.
pub fn build(context: &Context, args: &BuildArgs) -> Result<(), Failure> {
    let mut loaded = run::load(context, &args.services, !args.with_dependencies)?;
    let memory = args.memory.as_deref().map(bytes).transpose()?.filter(|bytes| *bytes > 0);
    args.change(&mut loaded.project);
    let wish = Wish { push: args.push, all_platforms: true, memory };
    if args.print {
        return print(&loaded, args, wish);
    }
    let chosen = chosen(&args.services, args.with_dependencies);
    let mut context = told(context, args.quiet);
    if let Some(mode) = args.progress {
        let ansi_never = !context.may_escape();
        context.progress = run::settle_progress(mode, context.surroundings.stderr_is_terminal, ansi_never);
    }
    run::with_session(&context, Some(&loaded), LogFormat::default(), async |session| {
        if args.check {
            return supply::check(session, &loaded, &chosen).await;
        }
        supply::build(session, &loaded, &chosen, wish).await
    })
}

/// What the builder would be told.
fn print(loaded: &Loaded, args: &BuildArgs, wish: Wish) -> Result<(), Failure> {
    let named: BTreeSet<&str> = args.services.iter().map(String::as_str).collect();
    let services = loaded.project.services.values().filter(|service| service.build.is_some());
    let services: Vec<&ServiceName> = services
        .map(|service| &service.name)
        .filter(|name| args.with_dependencies || named.is_empty() || named.contains(name.as_str()))
        .collect();
    let file = bake::file(&loaded.project, services, wish);
    stream::data(&format!("{file:#}\n"))?;
    Ok(())
}

impl BuildArgs {
    /// What the flags say of every service's build.
    fn change(&self, project: &mut Project) {
        if let Some(builder) = &self.builder {
            Arc::make_mut(&mut project.environment).set("BUILDX_BUILDER", builder.clone());
        }
        for service in project.services.values_mut().chain(project.disabled_services.values_mut()) {
            let Some(build) = &mut service.build else { continue };
            for entry in &self.build_arg {
                match entry.split_once('=') {
                    Some((name, value)) => build.args.insert(name.to_owned(), Some(value.to_owned())),
                    None => build.args.insert(entry.clone(), None),
                };
            }
            build.no_cache |= self.no_cache;
            build.pull |= self.pull;
            if let Some(provenance) = &self.provenance {
                build.provenance.clone_from(provenance);
            }
            if let Some(sbom) = &self.sbom {
                build.sbom.clone_from(sbom);
            }
            if let Some(ssh) = &self.ssh {
                build.ssh = ssh.split(',').filter_map(|key| key.parse().ok()).collect();
            }
        }
    }
}

/// A number of bytes, as a stack file writes it: `512m`.
fn bytes(text: &str) -> Result<u64, Failure> {
    let size = text.parse::<ByteSize>().ok().and_then(|size| u64::try_from(size.0).ok());
    size.ok_or_else(|| {
        Failure::message(format!("`{text}` is no number of bytes")).hint("write it like `512m` or `2g`")
    })
}
