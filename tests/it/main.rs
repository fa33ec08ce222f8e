//! Integration tests: one binary, a module per layer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a test fails by panicking; clippy's own allowance ends at functions that are marked as tests"
)]

mod cli;
mod engine;
mod layering;
mod load;
mod model;
mod plan;
mod scenarios;
mod support;
