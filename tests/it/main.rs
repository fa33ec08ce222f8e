//! Integration tests: one binary, a module per layer.

mod cli;
mod engine;
mod layering;
mod load;
mod model;
mod plan;
mod scenarios;
mod support;
