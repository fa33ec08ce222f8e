//! To come.
mod queue;
pub use queue::Limits;
