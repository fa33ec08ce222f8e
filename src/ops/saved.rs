//! Plans that are kept in a file, and carried out only while what they were made from is still so.
//!
//! A saved plan holds the project as it was resolved then and what the engine had. `apply` looks at the engine again; where
//! it finds something else, it says what, and does nothing. What is carried out is planned anew from the same two inputs,
//! and must come out the same.

use super::{OpsError, Session, config, instances, reconcile, up};
use crate::load::{InstanceRequest, LoadRequest, Loaded};
use crate::model::{Environment, Project, Service, ServiceName};
use crate::observe::ObservedState;
use crate::plan::Policy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What a saved plan holds beside the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Saved {
    /// The version that made it.
    pub version: String,
    /// The project, resolved, as `stack config` prints it.
    pub stack_file: String,
    /// The project directory.
    pub working_dir: PathBuf,
    /// The stack files it was made from.
    pub files: Vec<PathBuf>,
    /// Files of variables that were named.
    pub env_files: Vec<PathBuf>,
    /// The name of the instance, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Services that do not take part: their containers are no orphans.
    pub disabled: Vec<ServiceName>,
    /// The flags' meaning.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub policy: Policy,
    /// What the engine had: by thing (`container shop-web-1`) its aspects.
    pub world: World,
}

/// By thing, its aspects as short texts.
pub type World = BTreeMap<String, BTreeMap<String, String>>;

/// What `apply` reads back.
#[derive(Debug, Clone, Deserialize)]
pub struct SavedPlan {
    /// The form.
    pub format_version: u32,
    /// The project's name.
    pub project: String,
    /// The plan, as it was written.
    pub plan: serde_json::Value,
    /// What is needed to carry it out.
    pub saved: Saved,
}

/// What has to be kept of a plan.
pub fn save(loaded: &Loaded, policy: &Policy, observed: &ObservedState, version: &str) -> Saved {
    let Project { working_dir, files, env_files, disabled_services, .. } = &loaded.project;
    Saved {
        version: version.to_owned(),
        stack_file: config::render(loaded, config::Format::Yaml),
        working_dir: working_dir.clone(),
        files: files.clone(),
        env_files: env_files.clone(),
        instance: loaded.project.instance.as_ref().map(|instance| instance.name.clone()),
        disabled: disabled_services.keys().cloned().collect(),
        policy: policy.clone(),
        world: world(observed),
    }
}

/// The load that gives the project of a saved plan.
pub fn request(project: &str, saved: &Saved, environment: Environment) -> LoadRequest {
    LoadRequest {
        current_dir: saved.working_dir.clone(),
        files: vec!["-".to_owned()],
        stdin: Some(saved.stack_file.clone()),
        project_name: Some(project.to_owned()),
        // Its names are the instance's already; and one that the surroundings name is not meant.
        instance: Some(InstanceRequest {
            name: saved.instance.clone().unwrap_or_default(),
            settled: true,
            ..InstanceRequest::default()
        }),
        host: instances::host(),
        project_directory: Some(saved.working_dir.clone()),
        profiles: vec!["*".to_owned()],
        environment,
        all_resources: true,
        ..LoadRequest::default()
    }
}

/// Gives a loaded project what its text does not say.
pub fn complete(loaded: &mut Loaded, saved: &Saved) {
    let project = &mut loaded.project;
    project.files.clone_from(&saved.files);
    project.env_files.clone_from(&saved.env_files);
    for name in &saved.disabled {
        let service = Service { name: name.clone(), ..Service::default() };
        project.disabled_services.insert(name.clone(), Box::new(service));
    }
}

/// Carries out a saved plan.
///
/// # Errors
/// The engine has moved on since: what is different. What could not be done.
pub async fn apply(session: &Session, loaded: &Loaded, saved: &SavedPlan) -> Result<(), OpsError> {
    let engine = session.engine().await?;
    let project = Arc::new(loaded.project.clone());
    let policy = &saved.saved.policy;
    let planned = reconcile::plan(session, &engine, loaded, policy).await?;
    let moved = moved(&saved.saved.world, &world(&planned.observed));
    let same = serde_json::to_value(&planned.plan).is_ok_and(|plan| plan == saved.plan);
    if !moved.is_empty() || !same {
        let hint = if moved.is_empty() {
            format!(
                "it was made by version {}, or contents of configs and secrets have changed",
                saved.saved.version
            )
        } else {
            moved.join("; ")
        };
        return Err(OpsError::Other {
            message: "the plan is out of date, and nothing was done".to_owned(),
            hints: vec![hint, "make a new one: `stack plan -o FILE`".to_owned()],
        });
    }
    up::carry_out(session, &engine, loaded, &project, policy, planned).await
}

/// What the engine has, as far as a plan depends on it.
fn world(observed: &ObservedState) -> World {
    let mut world = World::new();
    let mut put = |thing: String, aspects: Vec<(&str, String)>| {
        let aspects = aspects.into_iter().filter(|(_, text)| !text.is_empty());
        world.insert(thing, aspects.map(|(aspect, text)| (aspect.to_owned(), text)).collect());
    };
    for container in &observed.containers {
        let networks: Vec<String> = container
            .networks
            .iter()
            .map(|(name, endpoint)| format!("{name} {}", short(&endpoint.network_id)))
            .collect();
        put(
            format!("container {}", container.name),
            vec![
                ("id", container.id.short().to_owned()),
                ("state", container.status.as_str().to_owned()),
                (
                    "definition",
                    short(container.identity.current_hash().unwrap_or("unfinished change")).to_owned(),
                ),
                ("networks", networks.join(", ")),
            ],
        );
    }
    for network in &observed.networks {
        put(
            format!("network {}", network.name),
            vec![("id", short(&network.id).to_owned()), ("driver", network.driver.clone())],
        );
    }
    for volume in &observed.volumes {
        let definition = short(volume.config_hash.as_deref().unwrap_or_default()).to_owned();
        put(
            format!("volume {}", volume.name),
            vec![("driver", volume.driver.clone()), ("definition", definition)],
        );
    }
    for (reference, image) in &observed.images {
        let digest = image.digest.rsplit(':').next().unwrap_or_default();
        put(format!("image {reference}"), vec![("digest", short(digest).to_owned())]);
    }
    world
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// What is different, in words.
fn moved(then: &World, now: &World) -> Vec<String> {
    let mut moved = Vec::new();
    for (thing, old) in then {
        let Some(new) = now.get(thing) else {
            moved.push(format!("{thing} is gone"));
            continue;
        };
        let nothing = "(none)".to_owned();
        for aspect in old.keys().chain(new.keys().filter(|aspect| !old.contains_key(*aspect))) {
            let (old, new) = (old.get(aspect).unwrap_or(&nothing), new.get(aspect).unwrap_or(&nothing));
            if old != new {
                moved.push(format!("{thing}: {aspect} {old} → {new}"));
            }
        }
    }
    moved
        .extend(now.keys().filter(|thing| !then.contains_key(*thing)).map(|thing| format!("{thing} is new")));
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_is_named_with_both_sides() {
        let world = |entries: &[(&str, &str)]| -> World {
            entries
                .iter()
                .map(|(thing, state)| {
                    ((*thing).to_owned(), BTreeMap::from([("state".to_owned(), (*state).to_owned())]))
                })
                .collect()
        };
        let then = world(&[("container a", "running"), ("container b", "running")]);
        let now = world(&[("container a", "exited"), ("container c", "running")]);
        assert_eq!(
            moved(&then, &now),
            ["container a: state running → exited", "container b is gone", "container c is new"]
        );
        assert!(moved(&then, &then).is_empty());
    }
}
