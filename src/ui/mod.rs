//! Events to bytes: the only room that writes to the terminal.
//!
//! In: [`Event`](crate::event::Event)s, plans, observed state, texts of `ops`. Out: standard output (data that a program
//! may read) and standard error (progress, warnings, errors). Deliberately absent: the engine.

pub mod stream;
