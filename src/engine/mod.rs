//! The engine: the only room that names bollard.
//!
//! In: domain-named calls. Out: bollard's answer types, and [`EngineError`]s that say what was asked and how it failed.
//! Deliberately absent: decisions, retries of calls that change something, Compose knowledge beyond [`label`].

mod error;

pub mod label;

pub use error::{EngineError, EngineErrorKind};
