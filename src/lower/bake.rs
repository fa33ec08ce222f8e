//! Builds as a file for `docker buildx bake`, in its JSON form.
//! <https://docs.docker.com/build/bake/reference/>

use crate::model::{BuildConfig, Project, Service, ServiceName, Ulimit, label};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// What of a build belongs to the request and not to the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Wish {
    /// The images go to their registries.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub push: bool,
    /// Images for all the platforms that the file names; otherwise for the one that containers here are made of.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all_platforms: bool,
    /// The most memory that the classic builder's containers may use, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

/// The file that builds services' images, and what they are built on (`additional_contexts: service:x`).
pub fn file<'a>(project: &Project, services: impl IntoIterator<Item = &'a ServiceName>, wish: Wish) -> Value {
    let asked: Vec<&ServiceName> = services.into_iter().collect();
    let mut targets = Map::new();
    let mut open: Vec<ServiceName> = asked.iter().map(|name| (*name).clone()).collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        let Some((service, build)) = buildable(project, &name).filter(|_| seen.insert(name.clone())) else {
            continue;
        };
        open.extend(parents(build).map(ServiceName::new));
        targets.insert(target_name(name.as_str()), target(project, service, build, wish));
    }
    targets.sort_keys();
    let group: Vec<String> = asked.iter().map(|name| target_name(name.as_str())).collect();
    escaped(json!({ "group": { "default": { "targets": group } }, "target": targets }))
}

/// The name of a service's target: `.` has a meaning there.
pub fn target_name(service: &str) -> String {
    service.replace('.', "_")
}

/// A service that can be built, whether it takes part or not: another may be built on it.
fn buildable<'p>(project: &'p Project, name: &ServiceName) -> Option<(&'p Service, &'p BuildConfig)> {
    let service = project.services.get(name).or_else(|| project.disabled_services.get(name))?;
    Some((service, service.build.as_ref()?))
}

/// The services that a build takes as contexts.
fn parents(build: &BuildConfig) -> impl Iterator<Item = &str> {
    build.additional_contexts.values().filter_map(|context| context.strip_prefix("service:"))
}

/// What a build may do that the user has to allow: what the file asks for is allowed.
pub fn entitlements(build: &BuildConfig) -> Vec<String> {
    let mut all = build.entitlements.clone();
    if build.privileged {
        all.push("security.insecure".to_owned());
    }
    if build.network == "host" {
        all.push("network.host".to_owned());
    }
    let mut seen = BTreeSet::new();
    all.retain(|one| seen.insert(one.clone()));
    all
}

/// Whether a context is a folder on this machine.
pub fn is_local(context: &str) -> bool {
    Path::new(context).is_absolute()
}

fn target(project: &Project, service: &Service, build: &BuildConfig, wish: Wish) -> Value {
    // Every attribute is named here, so that a new one stops the build until somebody has decided what becomes of it.
    let BuildConfig {
        context,
        dockerfile: _,
        dockerfile_inline,
        entitlements: _,
        args,
        provenance,
        sbom,
        ssh,
        labels,
        cache_from,
        cache_to,
        no_cache,
        no_cache_filter,
        additional_contexts,
        pull,
        extra_hosts,
        // Windows only; there is no word for it in a bake file.
        isolation: _,
        network,
        target,
        secrets,
        shm_size,
        tags,
        ulimits,
        platforms: _,
        privileged: _,
        extensions: _,
    } = build;
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| {
        let nothing = match &value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            Value::Bool(true) | Value::Number(_) => false,
        };
        if !nothing {
            fields.insert(key.to_owned(), value);
        }
    };
    set("context", json!(context));
    let contexts: Map<String, Value> = additional_contexts
        .iter()
        .map(|(name, context)| match context.strip_prefix("service:") {
            Some(parent) => (name.clone(), json!(format!("target:{}", target_name(parent)))),
            None => (name.clone(), json!(context)),
        })
        .collect();
    set("contexts", Value::Object(contexts));
    if dockerfile_inline.is_empty() {
        set("dockerfile", json!(dockerfile(build)));
    } else {
        set("dockerfile-inline", json!(dockerfile_inline));
    }
    let given = |(name, value): (&String, &Option<String>)| {
        let value = value.clone().or_else(|| project.environment.get(name).map(ToOwned::to_owned))?;
        Some((name.clone(), Value::from(value)))
    };
    set("args", Value::Object(args.iter().filter_map(given).collect()));
    set("labels", json!(image_labels(project, service, labels)));
    set("tags", json!(tags.iter().cloned().chain([project.image_name(service)]).collect::<Vec<_>>()));
    set("cache-from", json!(cache_from));
    set("cache-to", json!(cache_to));
    set("target", json!(target));
    let secrets = secrets.iter().filter_map(|secret| {
        let source = project.secrets.get(secret.source.as_str())?;
        let id = if secret.target.is_empty() { &secret.source } else { &secret.target };
        if source.environment.is_empty() {
            Some(format!("id={id},type=file,src={}", source.file))
        } else {
            Some(format!("id={id},type=env,env={}", source.environment))
        }
    });
    set("secret", json!(secrets.collect::<Vec<_>>()));
    let keys = ssh
        .iter()
        .map(|key| if key.path.is_empty() { key.id.clone() } else { format!("{}={}", key.id, key.path) });
    set("ssh", json!(keys.collect::<Vec<_>>()));
    let platforms = platforms(service, build, project, wish);
    set("platforms", json!(platforms));
    set("pull", json!(pull));
    set("no-cache", json!(no_cache));
    set("no-cache-filter", json!(no_cache_filter));
    set("network", json!(network));
    if shm_size.0 != 0 {
        set("shm-size", json!(shm_size.0.to_string()));
    }
    set("ulimits", json!(ulimits.iter().map(|(name, limit)| ulimit(name, limit)).collect::<Vec<_>>()));
    set("entitlements", json!(entitlements(build)));
    let hosts: Map<String, Value> =
        extra_hosts.iter().map(|(name, addresses)| (name.clone(), json!(addresses.join(",")))).collect();
    set("extra-hosts", Value::Object(hosts));
    let output = match (wish.push && !service.image.is_empty(), platforms.len() > 1) {
        (true, _) => "type=registry",
        (false, true) => "type=image",
        (false, false) => "type=docker",
    };
    set("output", json!([output]));
    let attest =
        [("provenance", provenance), ("sbom", sbom)].into_iter().filter_map(|(kind, wish)| {
            match wish.as_str() {
                "" => None,
                "true" => Some(format!("type={kind}")),
                "false" => Some(format!("type={kind},disabled=true")),
                more => Some(format!("type={kind},{more}")),
            }
        });
    set("attest", json!(attest.collect::<Vec<_>>()));
    Value::Object(fields)
}

/// Where the Dockerfile is: inside a remote context, or on this machine.
fn dockerfile(build: &BuildConfig) -> String {
    let path = build.dockerfile_path();
    if is_local(&build.context) {
        Path::new(&build.context).join(path).display().to_string()
    } else if build.dockerfile.is_empty() {
        String::new()
    } else {
        path.to_owned()
    }
}

/// The labels by which an image is known as a project's, over those of the file.
pub fn image_labels(
    project: &Project,
    service: &Service,
    own: &std::collections::BTreeMap<String, String>,
) -> std::collections::BTreeMap<String, String> {
    let mut labels = own.clone();
    labels.insert(label::PROJECT.to_owned(), project.name.to_string());
    labels.insert(label::SERVICE.to_owned(), service.name.to_string());
    labels.insert(label::VERSION.to_owned(), label::COMPATIBLE_VERSION.to_owned());
    labels
}

/// The platforms to build for: the file's, or what `DOCKER_DEFAULT_PLATFORM` says; the service's own alone, where containers
/// are made of it here.
fn platforms(service: &Service, build: &BuildConfig, project: &Project, wish: Wish) -> Vec<String> {
    let default = project.environment.get("DOCKER_DEFAULT_PLATFORM").unwrap_or_default();
    let own = if service.platform.is_empty() { default } else { service.platform.as_str() };
    match (build.platforms.as_slice(), own) {
        ([], "") => Vec::new(),
        ([], own) => vec![own.to_owned()],
        (several, "") if !wish.all_platforms && several.len() > 1 => Vec::new(),
        (several, own) if !wish.all_platforms && several.len() > 1 => vec![own.to_owned()],
        (several, _) => several.to_vec(),
    }
}

fn ulimit(name: &str, limit: &Ulimit) -> String {
    match limit {
        Ulimit { single: 0, soft, hard } => format!("{name}={soft}:{hard}"),
        Ulimit { single, soft: _, hard: _ } => format!("{name}={single}"),
    }
}

/// Texts are templates in a bake file; ours are meant as they are.
fn escaped(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("${", "$${").replace("%{", "%%{")),
        Value::Array(items) => Value::Array(items.into_iter().map(escaped).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(key, value)| (key, escaped(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ByteSize, FileObject, FileReference, SecretKey, SshKey};

    fn project() -> Project {
        let mut project = Project { name: crate::model::ProjectName::new("p"), ..Project::default() };
        let base = Service {
            name: ServiceName::new("base.img"),
            build: Some(BuildConfig {
                context: "/b".to_owned(),
                dockerfile_inline: "FROM x\nRUN echo ${A}\n".to_owned(),
                ..BuildConfig::default()
            }),
            ..Service::default()
        };
        let app = Service {
            name: ServiceName::new("app"),
            image: "reg/app:1".to_owned(),
            build: Some(BuildConfig {
                context: "/ctx".to_owned(),
                target: "final".to_owned(),
                tags: vec!["app:two".to_owned()],
                args: [("A".to_owned(), Some("1".to_owned())), ("B".to_owned(), None)].into_iter().collect(),
                additional_contexts: [("up".to_owned(), "service:base.img".to_owned())].into(),
                secrets: vec![FileReference { source: "tok".to_owned(), ..FileReference::default() }],
                ssh: vec![SshKey { id: "default".to_owned(), path: String::new() }],
                shm_size: ByteSize(64),
                ulimits: [("nproc".to_owned(), Ulimit { single: 0, soft: 1, hard: 2 })].into(),
                platforms: vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()],
                privileged: true,
                provenance: "mode=max".to_owned(),
                ..BuildConfig::default()
            }),
            ..Service::default()
        };
        for service in [base, app] {
            project.services.insert(service.name.clone(), Box::new(service));
        }
        let secret = FileObject { file: "/s".to_owned(), ..FileObject::default() };
        project.secrets.insert(SecretKey::new("tok"), secret);
        project
    }

    #[test]
    fn a_build_comes_with_what_it_is_built_on() {
        let file =
            file(&project(), [&ServiceName::new("app")], Wish { all_platforms: true, ..Wish::default() });
        assert_eq!(file["group"]["default"]["targets"], json!(["app"]));
        let app = &file["target"]["app"];
        assert_eq!(app["contexts"]["up"], "target:base_img");
        assert_eq!(app["dockerfile"], "/ctx/Dockerfile");
        assert_eq!(app["args"], json!({ "A": "1" }), "what nobody sets is left out");
        assert_eq!(app["tags"], json!(["app:two", "reg/app:1"]));
        assert_eq!(app["secret"], json!(["id=tok,type=file,src=/s"]));
        assert_eq!(app["ulimits"], json!(["nproc=1:2"]));
        assert_eq!(app["entitlements"], json!(["security.insecure"]));
        assert_eq!(app["attest"], json!(["type=provenance,mode=max"]));
        assert_eq!(app["output"], json!(["type=image"]), "several platforms cannot be loaded");
        let base = &file["target"]["base_img"];
        assert_eq!(base["dockerfile-inline"], "FROM x\nRUN echo $${A}\n", "no template of ours");
        assert_eq!(base["output"], json!(["type=docker"]));
    }

    #[test]
    fn containers_here_are_made_of_one_platform_and_pushed_images_are_not_loaded() {
        let here = file(&project(), [&ServiceName::new("app")], Wish::default());
        assert_eq!(here["target"]["app"].get("platforms"), None);
        assert_eq!(here["target"]["app"]["output"], json!(["type=docker"]));
        let wish = Wish { push: true, all_platforms: true, memory: None };
        let pushed = file(&project(), [&ServiceName::new("app")], wish);
        assert_eq!(pushed["target"]["app"]["output"], json!(["type=registry"]));
        assert_eq!(pushed["target"]["base_img"]["output"], json!(["type=docker"]), "it has no name to push");
    }
}
