//! Acts: runs a plan's steps against the engine, each as soon as the ones before it are done.
//!
//! In: a [`Plan`](crate::plan::Plan). Out: an [`Outcome`], and events while it goes. Deliberately absent: decisions. What
//! to do, in which order, and why, is in the plan.

mod queue;

pub use queue::Limits;
