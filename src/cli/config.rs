//! `stack config`: check the stack files and show what they come to.

use super::Context;
use super::exit::Failure;
use super::run::with_session;
use crate::load::{self, LoadRequest, Loaded, Skip};
use crate::ops::config::digests::{self, Named, Pinned};
use crate::ops::config::why::{self, Asked};
use crate::ops::config::{self, Format, origins};
use crate::ops::instances::ports;
use crate::source::SourceMap;
use crate::ui::{LogFormat, stream, table};
use std::path::PathBuf;
use std::sync::Arc;

/// Check the stack files and show what they come to.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack config -q        only check: every mistake, with its place\n  stack config --why db  why a service is in or out"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command")]
pub struct Args {
    /// Only these services and what they depend on.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    format: Format,

    /// Only check; print nothing.
    #[arg(short, long)]
    quiet: bool,

    /// Write to a file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print service names.
    #[arg(long = "services")]
    list_services: bool,

    /// Print volume names.
    #[arg(long)]
    volumes: bool,

    /// Print network names.
    #[arg(long)]
    networks: bool,

    /// Print model references.
    #[arg(long)]
    models: bool,

    /// Print the config hash of each service; `*` for all, or a list separated by commas.
    #[arg(long, value_name = "SERVICES")]
    hash: Option<String>,

    /// Print profile names.
    #[arg(long)]
    profiles: bool,

    /// Print image names.
    #[arg(long)]
    images: bool,

    /// Print the variables that templates name, with their defaults.
    #[arg(long)]
    variables: bool,

    /// Print the environment that templates see.
    #[arg(long)]
    environment: bool,

    /// Print where each value is written, and what it overrode.
    #[arg(long, conflicts_with_all = ["why", "hash"])]
    origins: bool,

    /// Print why a service takes part, or does not.
    #[arg(long, value_name = "SERVICE", conflicts_with = "hash")]
    why: Option<String>,

    /// Leave templates as they are.
    #[arg(long)]
    no_interpolate: bool,

    /// Do not add defaults.
    #[arg(long)]
    no_normalize: bool,

    /// Keep relative paths.
    #[arg(long)]
    no_path_resolution: bool,

    /// Do not check references between parts.
    #[arg(long)]
    no_consistency: bool,

    /// Do not fold env files into `environment`.
    #[arg(long)]
    no_env_resolution: bool,

    /// Put the digests that registries have now behind the names of images. The engine asks the registries.
    #[arg(long)]
    resolve_image_digests: bool,

    /// Print an override file that holds nothing but the images, with their digests.
    #[arg(long)]
    lock_image_digests: bool,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let mut request = context.project.request(&context.surroundings)?;
    request.services.clone_from(&args.services);
    request.skip = Skip {
        normalize: args.no_normalize,
        path_resolution: args.no_path_resolution,
        consistency: args.no_consistency,
        env_resolution: args.no_env_resolution,
        ..Skip::default()
    };
    request.history = args.origins;
    if args.no_interpolate || args.variables {
        if args.origins || args.why.is_some() {
            return Err(Failure::message(
                "`--origins` and `--why` are about a project whose templates are filled in",
            )
            .hint("leave `--no-interpolate` and `--variables` out"));
        }
        return run_on_templates(context, args, request);
    }
    let mut loaded = load::load(&request)?;
    context.show_warnings(&loaded);
    if loaded.project.instance.is_some() {
        give_ports(context, &mut loaded)?;
    }
    if args.wants_digests() {
        let pinned = pinned(context, &digests::of_project(&loaded.project), &loaded.sources)?;
        if args.lock_image_digests {
            let services = loaded.project.services.values();
            let images = services.map(|service| (service.name.as_str(), Some(service.image.as_str())));
            return args.write(&digests::lock(images, &pinned, args.format));
        }
        digests::resolve(&mut loaded.project, &pinned);
    }
    if !args.quiet {
        let asked = Asked { services: &args.services, profiles: &context.project.profile };
        args.write(&text(&loaded, args, asked)?)?;
    }
    // The process ends: taking a big project apart value by value would only delay that.
    std::mem::forget(loaded);
    Ok(())
}

/// Shows an instance with the host ports that it has, or would get; nothing is kept for it.
fn give_ports(context: &Context, loaded: &mut Loaded) -> Result<(), Failure> {
    let context = Context { dry_run: true, ..context.clone() };
    let project = with_session(&context, None, LogFormat::default(), async |session| {
        ports::foretell(session, &loaded.project).await
    })?;
    if let Some(project) = project {
        loaded.project = project;
    }
    Ok(())
}

/// What is asked about a loaded project.
fn text(loaded: &Loaded, args: &Args, asked: Asked<'_>) -> Result<String, Failure> {
    type List = fn(&Loaded) -> String;

    if args.origins {
        let rows = origins::rows(loaded);
        return Ok(match args.format {
            Format::Json => pretty(&rows),
            Format::Yaml => {
                let cells: Vec<_> = rows.iter().map(origins::cells).collect();
                table(&["VALUE OF", "IS", "WRITTEN AT", "OVERRIDES"], &cells, 0)
            }
        });
    }
    if let Some(service) = &args.why {
        let why = why::why(loaded, service, asked).map_err(|near| {
            let failure = Failure::message(format!("there is no service `{service}`"));
            match near {
                Some(near) => failure.hint(format!("a service with a similar name exists: `{near}`")),
                None => failure,
            }
        })?;
        return Ok(if args.format == Format::Json { pretty(&why) } else { why::text(&why) });
    }

    if let Some(services) = &args.hash {
        return config::hashes(loaded, services)
            .map_err(|name| Failure::message(format!("no such service: {name}")));
    }
    let lists: [(bool, List); 7] = [
        (args.list_services, config::services),
        (args.volumes, config::volumes),
        (args.networks, config::networks),
        (args.models, config::models),
        (args.profiles, config::profiles),
        (args.images, config::images),
        (args.environment, config::environment),
    ];
    let list = lists.into_iter().find_map(|(asked, list)| asked.then_some(list));
    Ok(list.map_or_else(|| config::render(loaded, args.format), |list| list(loaded)))
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// What is asked about the stack files before their templates are filled in.
fn run_on_templates(context: &Context, args: &Args, mut request: LoadRequest) -> Result<(), Failure> {
    request.skip.interpolation = true;
    let mut loaded = load::tree(&request)?;
    stream::note(&context.words.warnings(&loaded.warnings, &loaded.sources));
    if args.wants_digests() {
        let pinned = pinned(context, &digests::of_tree(&loaded.tree), &loaded.sources)?;
        if args.lock_image_digests {
            return args.write(&digests::lock(digests::services_of(&loaded.tree), &pinned, args.format));
        }
        digests::resolve_tree(Arc::make_mut(&mut loaded.tree), &pinned);
    }
    if args.quiet {
        return Ok(());
    }
    let text = if args.variables {
        config::variables(&loaded.tree, args.format)
    } else {
        config::raw(&loaded.tree, args.format)
    };
    args.write(&text)
}

/// What registries say about images.
fn pinned(context: &Context, named: &[Named], sources: &SourceMap) -> Result<Pinned, Failure> {
    with_session(context, None, LogFormat::default(), async |session| {
        digests::pin(session, named, sources).await
    })
}

impl Args {
    pub(super) fn answers_in_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether registries have to be asked: lists and hashes go without.
    fn wants_digests(&self) -> bool {
        let lists = [
            self.list_services,
            self.volumes,
            self.networks,
            self.models,
            self.profiles,
            self.images,
            self.environment,
            self.variables,
            self.origins,
            self.hash.is_some(),
            self.why.is_some(),
        ];
        (self.resolve_image_digests || self.lock_image_digests) && !lists.contains(&true)
    }

    /// `--quiet` is silent whatever there is to say.
    fn write(&self, text: &str) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        let Some(file) = &self.output else {
            stream::data(text)?;
            return Ok(());
        };
        std::fs::write(file, text)
            .map_err(|error| Failure::message(format!("cannot write `{}`: {error}", file.display())))
    }
}
