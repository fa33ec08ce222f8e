//! What containers were changed to in place, to the body of `POST /networks/create`.
//!
//! The labels of a container cannot change, so the hash in them no longer says what it is once its limits or networks were
//! changed in place. What it is now is put down on the engine itself, where every client sees it with the lists it asks for
//! anyway: in the labels of a configuration-only network, which has neither interface nor addresses nor endpoints, and which
//! `docker network prune` leaves alone.

use crate::model::{Project, label};
use bollard::models::NetworkCreateRequest;
use std::collections::{BTreeMap, HashMap};

/// The body.
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
    NetworkCreateRequest {
        name: name.to_owned(),
        config_only: Some(true),
        labels: Some(labels),
        ..NetworkCreateRequest::default()
    }
}
