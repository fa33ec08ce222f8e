//! What a container's own labels cannot say, because they cannot change, to the body of `POST /networks/create`.
//!
//! The labels of a container cannot change, so the hash in them no longer says what it is once its limits or networks were
//! changed in place. What it is now is put down on the engine itself, where every client sees it with the lists it asks for
//! anyway: in the labels of a configuration-only network, which has neither interface nor addresses nor endpoints, and which
//! `docker network prune` leaves alone. The same way it is put down, before a container is started, that its `post_start` hooks
//! are to be run: a run that is killed in between leaves that, and the next one runs them.

use crate::model::{Project, label};
use bollard::models::NetworkCreateRequest;
use std::collections::{BTreeMap, HashMap};

/// What containers were changed to.
pub fn body(
    project: &Project,
    name: &str,
    generation: u64,
    notes: &BTreeMap<String, Option<String>>,
) -> NetworkCreateRequest {
    let mut labels = HashMap::from([
        (label::NOTES.to_owned(), project.name.to_string()),
        (label::NOTES_GENERATION.to_owned(), generation.to_string()),
    ]);
    labels.extend(
        notes.iter().map(|(id, hash)| (format!("{}{id}", label::NOTE), hash.clone().unwrap_or_default())),
    );
    note(name, labels)
}

/// That the `post_start` hooks of a container are to be run.
pub fn hooks_body(project: &Project, container: &str) -> NetworkCreateRequest {
    let labels = HashMap::from([
        (label::HOOKS.to_owned(), project.name.to_string()),
        (label::HOOKS_OF.to_owned(), container.to_owned()),
    ]);
    note(&hooks_name(project, container), labels)
}

/// The name of the network that says so: the same for the same container.
pub fn hooks_name(project: &Project, container: &str) -> String {
    format!("{}_stack-hooks-{}", project.name, container.get(..12).unwrap_or(container))
}

fn note(name: &str, labels: HashMap<String, String>) -> NetworkCreateRequest {
    NetworkCreateRequest {
        name: name.to_owned(),
        config_only: Some(true),
        labels: Some(labels),
        ..NetworkCreateRequest::default()
    }
}
