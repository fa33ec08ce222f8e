//! `stack`: a declarative multi-container orchestrator that speaks the Compose Specification.
//!
//! ```text
//! argv ─ cli ─▶ ops ─┬─ load ───▶ Project ──────┐
//!                    │  (files)    (typed)      ├─ plan ─▶ Plan<Action> ─ apply ─▶ Outcome
//!                    └─ observe ─▶ ObservedState┘ (pure)     (data)       │ (Engine API)
//!                       (Engine API)                                      └─▶ Event ─▶ ui (tty|plain|json|quiet)
//! ```
//!
//! Three rules carry the design. **Decide in one place, act in another**: [`plan`] is a pure function, [`apply`] takes
//! no decision. **Every verb that changes the engine is a plan**: so dry runs, reasons, ordering, cancellation and tests
//! exist once. **Recovery is re-observation**: no undo, no state file; any prefix of any plan leaves a state that the
//! planner understands, because labels say what each container is and what it replaces.
//!
//! # Code map, lowest layer first (a room never uses one above it)
//!
//! | layer | room | what for |
//! | --- | --- | --- |
//! | 0 | [`source`] | texts, spans, diagnostics |
//! | 1 | [`yaml`], [`graph`] | spanned trees; a thin wrap of petgraph |
//! | 2 | [`mod@env`], [`registry`] | `.env` grammar, `${VAR}` templates; registries: names, credentials, reading |
//! | 3 | [`model`] | the typed, canonical project; the config hash |
//! | 4 | [`load`], [`lower`] | files → project; project → engine requests |
//! | 5 | [`engine`], [`event`] | the only place that names bollard; what happens, as values |
//! | 6 | [`observe`] | what the engine has |
//! | 7 | [`plan`] | the difference, as steps with reasons |
//! | 8 | [`apply`] | steps → engine calls |
//! | 9 | [`ops`], [`watch`] | one request after another, in the right order; files that change, followed |
//! | 10 | [`ui`] | events → terminal |
//! | 11 | [`cli`] | argv → request, failure → exit code |
//!
//! # Words
//!
//! *Project, service, network, volume, config, secret, profile, replica, one-off* are the Compose Specification's.
//! *Container, image, endpoint, mount, label, health status* are Docker's. Ours: *observed* (what was seen), *desired*
//! (the [`model::Project`]), *plan, step, action, reason, lane, outcome, subject*. A *key* is a name in the file, a
//! *name* is the name in the engine.

pub mod apply;
pub mod cli;
pub mod engine;
pub mod env;
pub mod event;
pub mod graph;
pub mod load;
pub mod lower;
pub mod model;
pub mod observe;
pub mod ops;
pub mod plan;
pub mod registry;
pub mod source;
pub mod ui;
pub mod watch;
pub mod yaml;
