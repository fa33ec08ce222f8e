//! What people rely on, told as stories on a whole engine: one obligation each.

pub mod adoption;
mod attached;
mod both_ways;
mod cascade;
mod commands;
mod digests;
mod down;
mod errors;
mod events;
mod faults;
mod gates;
mod hooks;
mod in_place;
mod interrupted;
mod machine;
mod menu;
mod networks;
mod pains;
mod plans;
mod profiles;
mod providers;
mod readiness;
mod requests;
mod rollback;
mod rolling;
mod round_trip;
mod smoke;
mod trouble;
mod turns;
mod up;
mod volumes;
mod watch;
mod watch_ignores;

mod watch_limits;
mod watch_starts;
