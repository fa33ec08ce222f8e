//! Events to bytes: the only room that writes to the terminal.
//!
//! In: [`Event`](crate::event::Event)s, plans, observed state, texts of `ops`. Out: standard output (data that a program
//! may read) and standard error (progress, warnings, errors). Deliberately absent: the engine.

mod board;
mod diagnosis;
mod footer;
mod goals;
mod junit;
mod logs;
mod plain;
mod progress;
mod ps;
mod sizes;
mod summary;
mod table;
mod template;
mod timeline;
mod timings;
mod tty;
mod words;

pub mod bug;
pub mod ci;
pub mod graph;
pub mod keys;
pub mod plan;
pub mod stream;
pub mod terminal;

pub use diagnosis::text as diagnosis_text;
pub use junit::junit;
pub use logs::LogFormat;
pub use progress::{ProgressMode, Screen, show};
pub use ps::{Clock, ProjectRow, ago, combined_status, ls_table, ps_rows, ps_table};
pub use sizes::{binary_size, decimal_size};
pub use summary::{Summary, summary};
pub use table::{laid_out, table};
pub use template::{Row, RowFormat, write as write_rows};
pub use timeline::TimelineFormat;
