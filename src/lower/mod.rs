//! The project to the Engine API's request bodies: lowering, as in a compiler. Pure.
//!
//! In: a [`Project`] and what was resolved meanwhile (container ids, image digests, the API version).
//! Out: request bodies, and the attributes that this engine cannot honour, each with its path in the file. Deliberately
//! absent: calls, the file system (a `seccomp` profile stays a path: the caller reads it), decisions about what to do. Start
//! reading at [`container::create`].

pub mod bake;
pub mod beside;
pub mod container;
pub mod fields;
pub mod hook;
pub mod machine;
pub mod network;
pub mod networking;
pub mod notes;
pub mod support;
pub mod update;
pub mod volume;

mod healthcheck;
mod host_config;
mod mounts;
mod podman;

pub use mounts::{ReplacedMount, file_target};

use crate::model::instance::{Instance, ports_text};
use crate::model::{Project, SpecDuration, label};
use std::collections::HashMap;

/// Nanoseconds, as the Engine API counts durations.
fn nanoseconds(duration: SpecDuration) -> i64 {
    duration.nanoseconds()
}

/// `None` for a value that was not said.
fn said<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}

/// Adds what says which instance a container, network or volume belongs to.
fn label_instance(project: &Project, labels: &mut HashMap<String, String>) {
    let Some(instance) = &project.instance else { return };
    let Instance { name, origin, ports: _, keeps_ports: _, host, owner } = instance.as_ref();
    let mut set = |key: &str, value: &str| labels.insert(key.to_owned(), value.to_owned());
    set(label::INSTANCE, name);
    set(label::INSTANCE_OF, origin.as_str());
    set(label::WORKING_DIR, &project.working_dir.display().to_string());
    set(label::INSTANCE_HOST, host);
    if let Some(owner) = owner {
        set(label::INSTANCE_OWNER, owner);
    }
}

/// The host ports of an instance, as a label has them; `None` when it has no fixed ones.
fn instance_ports(project: &Project) -> Option<String> {
    let ports = &project.instance.as_ref()?.ports;
    (!ports.is_empty()).then(|| ports_text(ports))
}
