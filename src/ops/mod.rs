//! One file per kind of request: load, observe, plan, apply in the right order.
//!
//! In: requests without a trace of clap. Out: values and [`Event`](crate::event::Event)s. Deliberately absent: printing.

pub mod config;
