//! The project to the Engine API's request bodies: lowering, as in a compiler. Pure.
//!
//! In: a [`Project`](crate::model::Project) and what was resolved meanwhile (container ids, image digests, the API version).
//! Out: request bodies, and the attributes that this engine cannot honour, each with its path in the file. Deliberately
//! absent: calls, the file system (a `seccomp` profile stays a path: the caller reads it), decisions about what to do. Start
//! reading at [`container::create`].

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

use crate::model::SpecDuration;

/// Nanoseconds, as the Engine API counts durations.
fn nanoseconds(duration: SpecDuration) -> i64 {
    duration.nanoseconds()
}

/// `None` for a value that was not said.
fn said<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}
