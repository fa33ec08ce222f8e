//! What the tests stand on: an engine in memory behind a real socket, and scenarios that run on it and on a real engine.

#![allow(dead_code, reason = "a stand-in has what tests may want, not only what they use today")]

pub mod background;
pub mod buildx;
pub mod checks;
pub mod docker;
pub mod fake_engine;
pub mod forward;
pub mod place;
pub mod raw;
pub mod registry;
pub mod running;
pub mod scenario;
pub mod stacks;
pub mod terminal;
pub mod trees;
pub mod world;
