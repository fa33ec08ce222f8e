//! Builds: by `docker buildx bake` where that plugin is, else a context streamed to the engine's classic builder.

use super::{Cx, StepError, step};
use crate::engine::BuildSpec;
use crate::event::{EventKind, Subject, Verb};
use crate::lower::bake::{self, Wish};
use crate::model::{BuildConfig, Project, Service, ServiceName, Ulimit};
use crate::yaml::NodePath;
use bytes::Bytes;
use futures_util::Stream;
use std::path::{Path, PathBuf};

pub mod buildx;
mod context;

/// Builds a service's image and remembers what it is now.
pub(super) async fn image(cx: &Cx, name: &ServiceName, image: &str, wish: Wish) -> Result<(), StepError> {
    let (project, service) = step::service(cx, name)?;
    let Some(build) = &service.build else {
        return Err(StepError::new(format!("service `{name}` has nothing to build image `{image}` from")));
    };
    if let Some(program) = buildx::find(&cx.engine, project) {
        buildx::image(cx, (&program, project), (name, build), image, wish).await?;
        let stays_there =
            (wish.push && !service.image.is_empty()) || (wish.all_platforms && build.platforms.len() > 1);
        return if stays_there { Ok(()) } else { step::remember_image(cx, image).await };
    }
    if let Some(problem) = unsupported(build) {
        let hint = if buildx::is_off(project) {
            "unset `DOCKER_BUILDKIT`"
        } else {
            "install the docker plugin `buildx`"
        };
        return Err(StepError {
            hints: vec![format!("{hint}: BuildKit can do it")],
            ..StepError::new(format!("service `{name}`: {problem}"))
        });
    }
    let spec = BuildSpec { memory: wish.memory, ..spec(project, service, build, image) };
    let stream = context_stream(build)?;
    let events = cx.events.clone();
    let subject = Subject::Image(image.to_owned());
    let mut last_lines: std::collections::VecDeque<String> = std::collections::VecDeque::new();
    let built = cx
        .engine
        .build_image(&spec, stream, |line| {
            if last_lines.len() == 20 {
                last_lines.pop_front();
            }
            last_lines.push_back(line.0.clone());
            let progress = EventKind::Progress {
                verb: Verb::Build,
                part: String::new(),
                current: 0,
                total: 0,
                text: line.0,
            };
            events.send(subject.clone(), progress);
        })
        .await;
    if let Err(error) = built {
        let mut message = error.to_string();
        for line in last_lines {
            message.push_str(&format!("\n    {line}"));
        }
        return Err(StepError::new(message));
    }
    if wish.push && !service.image.is_empty() {
        step::push(cx, image).await?;
    }
    step::remember_image(cx, image).await
}

/// What the engine's classic builder cannot do, by attribute.
fn unsupported(build: &BuildConfig) -> Option<String> {
    let refused = [
        ("ssh", !build.ssh.is_empty()),
        ("secrets", !build.secrets.is_empty()),
        ("cache_to", !build.cache_to.is_empty()),
        ("additional_contexts", !build.additional_contexts.is_empty()),
        ("entitlements", !build.entitlements.is_empty()),
        ("privileged", build.privileged),
        ("no_cache_filter", !build.no_cache_filter.is_empty()),
        ("platforms", build.platforms.len() > 1),
        ("provenance", !matches!(build.provenance.as_str(), "" | "false")),
        ("sbom", !matches!(build.sbom.as_str(), "" | "false")),
    ];
    let (attribute, _) = refused.into_iter().find(|(_, used)| *used)?;
    let path = NodePath::of(&["build", attribute]);
    Some(format!("`{path}` is not supported by the classic builder, which is the one there is"))
}

fn spec(project: &Project, service: &Service, build: &BuildConfig, image: &str) -> BuildSpec {
    let labels = bake::image_labels(project, service, &build.labels).into_iter().collect();
    let args = build.args.iter().filter_map(|(name, value)| {
        let value = value.clone().or_else(|| project.environment.get(name).map(ToOwned::to_owned))?;
        Some((name.clone(), value))
    });
    let hosts = build.extra_hosts.iter().flat_map(|(name, addresses)| {
        addresses.iter().map(|address| format!("{name}:{address}")).collect::<Vec<_>>()
    });
    // One number stands for both limits.
    let both = |limit: &Ulimit| match limit {
        Ulimit { single: 0, soft, hard } => (*soft, *hard),
        Ulimit { single, soft: _, hard: _ } => (*single, *single),
    };
    let ulimits = build.ulimits.iter().map(|(name, limit)| (name.clone(), both(limit).0, both(limit).1));
    BuildSpec {
        tags: std::iter::once(image.to_owned()).chain(build.tags.iter().cloned()).collect(),
        dockerfile: if build.dockerfile_inline.is_empty() {
            build.dockerfile_path().to_owned()
        } else {
            context::INLINE.to_owned()
        },
        args: args.collect(),
        labels,
        target: build.target.clone(),
        platform: build.platforms.first().unwrap_or(&service.platform).clone(),
        network: build.network.clone(),
        extra_hosts: hosts.collect(),
        cache_from: build.cache_from.clone(),
        shm_size: i32::try_from(build.shm_size.0).ok().filter(|size| *size != 0),
        ulimits: ulimits.collect(),
        isolation: build.isolation.clone(),
        no_cache: build.no_cache,
        pull: build.pull,
        memory: None,
    }
}

/// The context as an archive, packed on a thread of its own while the engine reads it.
fn context_stream(
    build: &BuildConfig,
) -> Result<impl Stream<Item = Bytes> + Send + 'static + use<>, StepError> {
    let root = PathBuf::from(&build.context);
    if !root.is_absolute() {
        return Err(StepError::new(format!(
            "build context `{}` is no local folder; remote contexts are not supported yet",
            build.context
        )));
    }
    if !root.is_dir() {
        return Err(StepError::new(format!("build context `{}` does not exist", build.context)));
    }
    let dockerfile = build.dockerfile_path().to_owned();
    if build.dockerfile_inline.is_empty() && !root.join(&dockerfile).is_file() {
        return Err(StepError::new(format!(
            "there is no Dockerfile at `{}`",
            root.join(&dockerfile).display()
        )));
    }
    let rules = super::ignore::Rules::read(&root, Path::new(&dockerfile)).map_err(|error| {
        StepError::new(format!("cannot read the ignore file of `{}`: {error}", root.display()))
    })?;
    let inline = (!build.dockerfile_inline.is_empty()).then(|| build.dockerfile_inline.clone());
    Ok(context::stream(root, dockerfile, inline, rules))
}
