//! What an `up` spent its time on, from begin to end, as a value: pictures and files are made of it by the ui.

use schemars::JsonSchema;
use serde::Serialize;

/// What happened when, by service. All times are milliseconds since the first step began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Timeline {
    /// The form of this document: 1.
    pub format_version: u32,
    /// The project.
    pub project: String,
    /// When the last step ended.
    pub total_ms: u64,
    /// Whether everything went well.
    pub succeeded: bool,
    /// One row for what belongs to no service, when there is any, then one for each service, in the order in which they began.
    pub rows: Vec<TimelineRow>,
    /// The steps that the end had to wait for, one after the other: shortening one of them shortens the whole.
    pub critical_path: Vec<TimelineBar>,
    /// What took longest, in words; at most five, the longest first.
    pub costliest: Vec<TimelineCost>,
}

/// What happened for one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TimelineRow {
    /// Its key in the file; nothing for networks, volumes and what keeps the books.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Its steps, in the order in which they began.
    pub bars: Vec<TimelineBar>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TimelineBar {
    /// What it was spent on.
    pub kind: TimelineKind,
    /// The service, where it belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What it was about: `Container shop-web-1`, or the dependency that was waited for.
    pub subject: String,
    /// When it began.
    pub from_ms: u64,
    /// When it ended.
    pub to_ms: u64,
    /// Whether it lies on the critical path.
    pub critical: bool,
    /// Whether it failed.
    pub failed: bool,
}

/// What time was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    /// Pulling an image.
    Pull,
    /// Building an image.
    Build,
    /// Stopping and removing containers.
    Stop,
    /// Creating and changing containers.
    Create,
    /// Ready to be started, and waiting for a dependency.
    Wait,
    /// Starting containers, with hooks; running a provider.
    Start,
    /// Becoming healthy, completing, or proving that it stays up.
    Ready,
    /// Networks, volumes, what keeps the books.
    Other,
}

/// Something that took its time, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TimelineCost {
    /// What it was spent on.
    pub kind: TimelineKind,
    /// The service, where it belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How long.
    pub took_ms: u64,
    /// Whether the end had to wait for it.
    pub critical: bool,
    /// `db became healthy 6.1 s after its start: its probe runs every 5s`.
    pub text: String,
}

/// The JSON schema of the document.
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Timeline>().to_value()
}
