//! Files to a [`Project`]: discovery, parsing, interpolation, include, extends, merge, canonical form, checks, decoding.
//!
//! In: a [`LoadRequest`]. Out: a [`Loaded`] project with its warnings, or a [`LoadFailure`] with every mistake found.
//! Deliberately absent: the engine, printing, the process's environment (it is in the request). Loading is synchronous:
//! `config` never starts a runtime. Start reading at [`load()`].

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a stage changes the kinds of node that it knows and leaves every other one as it is"
)]

mod canonical;
mod damage;
mod defaults;
mod discover;
mod environment;
mod extends;
mod history;
mod include;
mod instance;
mod interpolate;
mod memory;
mod merge;
mod normalize;
mod pipeline;
mod provenance;
mod remote;
mod resolve_paths;
mod select;
mod session;
mod structure;

mod tags;
mod unique;
mod validate;

pub use crate::env::template::Variable;
pub use discover::normalize_name;
pub use instance::{name as instance_name, project_name as instance_project};
pub use remote::is_remote;
pub(crate) use session::clean;
pub use structure::schema;

use crate::env::template;
use crate::model::check;
use crate::model::decode::{self, DecodeContext};
use crate::model::{Environment, Project, ProjectName};
use crate::source::{Diagnostic, Diagnostics, SourceMap, Span};
use crate::yaml::{Data, Node};
use discover::Found;
use pipeline::Level;
use session::Session;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What to load, and how: the meaning of the project flags.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent flag of the command line")]
pub struct LoadRequest {
    /// The directory the command was run in; absolute.
    pub current_dir: PathBuf,
    /// `-f`, in order: paths, `-` for standard input, git or `oci://` references. Empty: `COMPOSE_FILE`, else discovery.
    pub files: Vec<String>,
    /// `-p`.
    pub project_name: Option<String>,
    /// `--instance`. `None`: `STACK_INSTANCE`, else the project itself.
    pub instance: Option<InstanceRequest>,
    /// The machine, as instances say whose they are.
    pub host: String,
    /// `--project-directory`.
    pub project_directory: Option<PathBuf>,
    /// `--env-file`, in order (or `COMPOSE_ENV_FILES`).
    pub env_files: Vec<PathBuf>,
    /// `--profile`. Empty: `COMPOSE_PROFILES`.
    pub profiles: Vec<String>,
    /// The process's environment. Names such as `COMPOSE_FILE` and `COMPOSE_PROFILES` are looked up here and in `.env`.
    pub environment: Environment,
    /// What standard input held, when a file is `-`.
    pub stdin: Option<String>,
    /// A stack file over all others that is no file of the project: what the command line says of services.
    pub said: Option<String>,
    /// `--all-resources`: keep networks, volumes, configs and secrets that no service uses.
    pub all_resources: bool,
    /// `--compatibility`.
    pub compatibility: bool,
    /// Services named on the command line: their profiles become active, and only they and what they depend on take
    /// part. Empty: all.
    pub services: Vec<String>,
    /// `--no-deps`: the named services without what they depend on.
    pub without_dependencies: bool,
    /// `--with-deps`: what the services that take part depend on takes part too, whatever its profiles are.
    pub with_dependencies: bool,
    /// Stages to leave out.
    pub skip: Skip,
    /// Remember what each value overrode, for [`crate::model::Origins::replaced`].
    pub history: bool,
}

/// Which instance is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceRequest {
    /// Its name as it was written, or `auto`; empty: none.
    pub name: String,
    /// The process it is to live as long as.
    pub owner: Option<String>,
    /// The files are those of an instance already: what they say is not made its own once more.
    pub settled: bool,
}

/// Stages to leave out, for `config`'s flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent flag of `config`")]
pub struct Skip {
    /// `--no-interpolate`; only [`tree()`] can show such a project.
    pub interpolation: bool,
    /// `--no-normalize`.
    pub normalize: bool,
    /// `--no-path-resolution`.
    pub path_resolution: bool,
    /// `--no-consistency`.
    pub consistency: bool,
    /// `--no-env-resolution`. Without effect: the reference folds env files in all the same.
    pub env_resolution: bool,
}

/// A project that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// Every text that went into it.
    pub sources: SourceMap,
    /// Warnings.
    pub warnings: Diagnostics,
}

/// A project that cannot be used, and why.
#[derive(Debug, Clone)]
pub struct LoadFailure {
    /// Every text that was read.
    pub sources: SourceMap,
    /// At least one error.
    pub diagnostics: Diagnostics,
}

/// A project as the tree it is decoded from: for output that shows files before interpolation.
#[derive(Debug, Clone)]
pub struct LoadedTree {
    /// The canonical tree.
    pub tree: Arc<Node>,
    /// The project's name.
    pub name: String,
    /// Every text that went into it.
    pub sources: SourceMap,
    /// Warnings.
    pub warnings: Diagnostics,
}

/// Loads a project.
///
/// # Errors
/// Every mistake that could be found in one run, as diagnostics.
pub fn load(request: &LoadRequest) -> Result<Loaded, Box<LoadFailure>> {
    let mut session = Session::new(request);
    match project(&mut session) {
        Some(project) if !session.diagnostics.has_errors() => {
            Ok(Loaded { project, sources: session.sources, warnings: session.diagnostics })
        }
        _ => Err(session.into_failure()),
    }
}

/// Loads a project as a tree, without decoding it; [`Skip::interpolation`] leaves its templates in.
///
/// # Errors
/// Every mistake that could be found in one run, as diagnostics.
pub fn tree(request: &LoadRequest) -> Result<LoadedTree, Box<LoadFailure>> {
    let mut session = Session::new(request);
    let found = discover::discover(&mut session);
    let tree = found.as_ref().and_then(|found| whole_tree(found, &mut session));
    match (tree, found) {
        (Some(tree), Some(found)) if !session.diagnostics.has_errors() => Ok(LoadedTree {
            tree: Arc::new(tree),
            name: found.name,
            sources: session.sources,
            warnings: session.diagnostics,
        }),
        _ => Err(session.into_failure()),
    }
}

/// The variables that a tree's templates name, by name; of several mentions the one that says most.
pub fn variables(tree: &Node) -> BTreeMap<String, Variable> {
    fn collect(node: &Node, found: &mut BTreeMap<String, Variable>) {
        match &node.data {
            Data::String(text) if text.contains('$') => {
                for variable in template::variables(text) {
                    let known = found.entry(variable.name.clone()).or_insert_with(|| variable.clone());
                    let says_nothing = known.default_value.is_empty() && known.presence_value.is_empty();
                    if says_nothing && !known.required {
                        *known = variable;
                    }
                }
            }
            Data::Sequence(items) => items.iter().for_each(|item| collect(item, found)),
            Data::Mapping(mapping) => mapping.iter().for_each(|(_, entry)| collect(&entry.value, found)),
            _ => {}
        }
    }
    let mut found = BTreeMap::new();
    collect(tree, &mut found);
    found
}

/// Finds the files, the directory and the name, without reading the files through.
///
/// # Errors
/// There is no stack file, a file cannot be read, or the name cannot be one.
pub fn locate(request: &LoadRequest) -> Result<Located, Box<LoadFailure>> {
    let mut session = Session::new(request);
    match discover::discover(&mut session) {
        Some(found) if !session.diagnostics.has_errors() => Ok(Located {
            name: found.name,
            working_dir: found.directory,
            files: found.files.into_iter().map(|(path, _)| path).collect(),
        }),
        _ => Err(session.into_failure()),
    }
}

fn project(session: &mut Session<'_>) -> Option<Project> {
    let request = session.request;
    let found = discover::discover(session)?;
    let mut tree = whole_tree(&found, session)?;
    canonical::typed::apply(tree.as_mapping_mut()?, &mut session.diagnostics);
    session.settle_node(&mut tree);
    let (disabled, profiles) =
        select::by_profile(tree.as_mapping()?, &found.profiles, &request.services, request.with_dependencies);
    let context = DecodeContext {
        name: ProjectName::new(found.name),
        working_dir: found.directory,
        files: found.files.into_iter().map(|(path, _)| path).collect(),
        env_files: found.env_files,
        environment: Arc::new(found.variables),
        profiles: profiles.into_iter().filter(|profile| !profile.is_empty()).collect(),
        compatibility: request.compatibility,
        disabled,
    };
    let tree = Arc::new(tree);
    let (mut project, _) = decode::partial(Arc::clone(&tree), context, &mut session.diagnostics);
    session.damage.settle_in(&tree, &mut session.diagnostics);
    if request.history {
        let history = std::mem::take(&mut session.history);
        Arc::make_mut(&mut project.origins).remember(history.into_replaced());
    }
    if !request.skip.consistency {
        check::check(&project, &session.damage.gaps, &mut session.diagnostics);
        session.damage.settle_in(&tree, &mut session.diagnostics);
    }
    environment::resolve_labels(&mut project, session);
    select::services(&mut project, session);
    if !request.all_resources {
        select::resources(&mut project);
    }
    if let Some(name) = found.instance {
        instance::apply(&mut project, name, found.origin, session);
    }
    // Whatever `skip.env_resolution` says: the reference's `config --no-env-resolution` folds the files in as well.
    environment::resolve_services(&mut project, session);
    session.damage.settle_in(&tree, &mut session.diagnostics);
    Some(project)
}

/// All files merged, complete and canonical.
fn whole_tree(found: &Found, session: &mut Session<'_>) -> Option<Node> {
    let skip = session.request.skip;
    let variables = Arc::new(if skip.interpolation {
        // What is shown with its templates must not show this environment's values elsewhere either.
        [("COMPOSE_PROJECT_NAME".to_owned(), found.name.clone())].into_iter().collect()
    } else {
        found.variables.clone()
    });
    let level = Level {
        directory: found.directory.clone(),
        base: found.directory.clone(),
        variables: Arc::clone(&variables),
        variable_files: found.variable_files.clone(),
        keep_templates: skip.interpolation,
        keep_paths: skip.path_resolution,
        open: Vec::new(),
    };
    let mut files = Cow::Borrowed(&found.files);
    if let Some(text) = &session.request.said {
        let id = session.sources.add("<command line>", "<command line>", text.as_str());
        files.to_mut().push((found.directory.join("<command line>"), id));
    }
    let mut tree = pipeline::level(&files, &level, session);
    if tree.is_empty() && session.diagnostics.has_errors() {
        return None;
    }
    if tree.is_empty() {
        let place = found.files.first().map_or(Span::NONE, |(_, id)| Span::new(*id, 0, 0));
        let diagnostic = Diagnostic::error("empty-stack-file", place, "this stack file is empty")
            .help("start with `services:` and put each service under it");
        session.diagnostics.push(diagnostic);
        return None;
    }
    if !skip.normalize {
        let written = tree
            .entry("name")
            .filter(|entry| entry.value.as_str().is_some_and(|name| normalize_name(name) == found.name));
        let (key_span, span) =
            written.map_or((Span::NONE, Span::NONE), |entry| (entry.key_span, entry.value.span));
        tree.insert("name", key_span, Node::string(span, found.name.clone()));
        normalize::normalize(&mut tree, &found.name, &variables);
    }
    Some(Node::new(Span::NONE, Data::Mapping(tree)))
}

/// What can be known without reading the stack files through: for commands that only need the project's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Located {
    /// The project's name.
    pub name: String,
    /// The project directory.
    pub working_dir: PathBuf,
    /// Stack files.
    pub files: Vec<PathBuf>,
}
