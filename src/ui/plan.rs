//! A plan as people read it before they say yes: what is created, replaced, removed, and why.

use crate::ops::saved::Saved;
use crate::plan::{Action, GroupVerb, HookPhase, Plan, Question, Reason, Step};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// What happens to one thing, as a symbol and a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Create,
    Replace,
    Update,
    Start,
    Stop,
    Remove,
    Get,
}

impl Change {
    fn symbol(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Replace => "±",
            Self::Update => "~",
            Self::Start => "▸",
            Self::Stop => "▪",
            Self::Remove => "-",
            Self::Get => "↓",
        }
    }

    fn colour(self) -> &'static str {
        match self {
            Self::Create | Self::Start => "32",
            Self::Replace | Self::Update => "33",
            Self::Stop | Self::Remove => "31",
            Self::Get => "36",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Update => "change",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Remove => "remove",
            Self::Get => "get",
        }
    }
}

struct Row<'a> {
    change: Change,
    subject: String,
    extra: String,
    reason: &'a Reason,
}

/// The whole plan as text, one row for each thing that changes, its reason below it.
pub fn text(plan: &Plan, project: &str, colour: bool) -> String {
    let mut text = String::new();
    let paint = |code: &str, what: &str| {
        if colour { format!("\u{1b}[{code}m{what}\u{1b}[0m") } else { what.to_owned() }
    };
    let rows = rows(plan);
    if rows.is_empty() && plan.deferred.is_empty() {
        text.push_str(&format!("Nothing to do: {} as the stack file says.\n", unchanged(plan, project)));
    } else {
        text.push_str(&format!("Plan for project {project}:\n\n"));
        for row in &rows {
            let mark = paint(row.change.colour(), row.change.symbol());
            text.push_str(&format!("  {mark} {} {}{}\n", row.change.verb(), row.subject, row.extra));
            for line in reason_lines(row.reason) {
                text.push_str(&format!("      {}\n", paint("90", &line)));
            }
        }
        for service in &plan.deferred {
            text.push_str(&format!(
                "  ? service {service}\n      {}\n",
                paint("90", "decided once its image, or what its provider gives it, is known")
            ));
        }
        text.push_str(&format!("\n{}\n", summary(&rows, plan)));
    }
    for question in &plan.questions {
        match question {
            Question::ReplaceVolume { name, fields } => {
                text.push_str(&format!(
                    "Not done: replace volume {name}. `up --migrate-volumes` moves its data, `up -y` loses it.\n"
                ));
                for change in fields {
                    text.push_str(&format!("      {}\n", paint("90", &change.to_string())));
                }
            }
        }
    }
    text
}

/// A plan as `plan --format json` prints it, and as `plan -o` saves it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Document<'a> {
    /// Grows when a program that reads the older form could not read the newer.
    pub format_version: u32,
    /// The project's name.
    pub project: &'a str,
    /// Whether there is anything to do.
    pub changes: bool,
    /// The plan.
    pub plan: &'a Plan,
    /// What `stack apply` needs to carry it out; only in a saved plan. It holds the whole project, secrets included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved: Option<&'a Saved>,
}

/// The document of a plan.
pub fn document<'a>(plan: &'a Plan, project: &'a str, saved: Option<&'a Saved>) -> Document<'a> {
    Document { format_version: 1, project, changes: plan.has_changes(), plan, saved }
}

/// The JSON schema of [`Document`].
pub fn schema() -> serde_json::Value {
    // As it is written: what is left out when there is nothing to say is not required.
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Document<'_>>();
    schema.insert("title".to_owned(), "A plan of stack".into());
    schema.to_value()
}

fn rows(plan: &Plan) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut replaced = BTreeSet::new();
    let mut created = BTreeSet::new();
    let mut removed = BTreeSet::new();
    let rescues = plan.rescues();
    // What a failure would ask for is no change that is planned.
    let steps = || plan.steps.iter().filter(|step| !rescues.contains(&step.id));
    for step in steps() {
        if let Action::RemoveContainer { container, .. } = &step.action {
            removed.insert(container.name.clone());
        } else if let Action::CreateContainer { .. } = &step.action {
            created.insert(step.action.subject());
        }
    }
    for step in steps() {
        if let Some(group) = &step.group {
            let (change, extra) = match group.verb {
                GroupVerb::Recreate => (Change::Replace, ""),
                GroupVerb::RecreateStartFirst => (Change::Replace, " (the new one starts first)"),
                GroupVerb::Update => (Change::Update, " (in place)"),
            };
            if replaced.insert(group.subject.clone()) {
                let subject = format!("container {}", group.subject);
                rows.push(Row { change, subject, extra: extra.to_owned(), reason: &step.reason });
            }
            continue;
        }
        let Some((change, extra)) = change(step) else { continue };
        if let Action::StartContainer { container } = &step.action
            && (created.contains(&format!("Container {}", container.name))
                || replaced.contains(&container.name))
        {
            continue;
        }
        // Stopping is how a container that goes is removed.
        if let Action::StopContainer { container, .. } = &step.action
            && removed.contains(&container.name)
        {
            continue;
        }
        let extra = if let Action::CopyVolume { from, image, .. } = &step.action {
            format!(" (copy the data of {from}, with image {image})")
        } else {
            extra.to_owned()
        };
        rows.push(Row { change, subject: lower_first(&step.action.subject()), extra, reason: &step.reason });
    }
    rows
}

fn change(step: &Step<Action>) -> Option<(Change, &'static str)> {
    Some(match &step.action {
        Action::PullImage { .. } => (Change::Get, " (pull)"),
        Action::BuildImage { .. } => (Change::Get, " (build)"),
        Action::PushImage { .. } => (Change::Update, " (push)"),
        Action::CreateNetwork { .. } | Action::CreateVolume { .. } | Action::CreateContainer { .. } => {
            (Change::Create, "")
        }
        Action::CreateOneOff { .. } => (Change::Create, " (for one command)"),
        Action::CreateKeeper { .. } => (Change::Create, " (keeps the data meanwhile)"),
        Action::CopyVolume { .. } => (Change::Update, " (copy)"),
        Action::RemoveNetwork { .. }
        | Action::RemoveVolume { .. }
        | Action::RemoveImage { .. }
        | Action::RemoveContainer { .. } => (Change::Remove, ""),
        Action::ConnectNetwork { .. } => (Change::Update, " (join network)"),
        Action::DisconnectNetwork { .. } => (Change::Update, " (leave network)"),
        Action::UpdateContainer { .. } => (Change::Update, " (in place)"),
        Action::RenameContainer { .. } => (Change::Update, " (rename)"),
        Action::PauseContainer { .. } => (Change::Update, " (pause)"),
        Action::UnpauseContainer { .. } => (Change::Update, " (unpause)"),
        Action::StartContainer { .. } => (Change::Start, ""),
        Action::RestartContainer { .. } => (Change::Start, " (restart)"),
        Action::StopContainer { .. } => (Change::Stop, ""),
        Action::KillContainer { .. } => (Change::Stop, " (kill)"),
        Action::PrepareModel { pull: true, .. } => (Change::Start, " (pull and configure)"),
        Action::PrepareModel { pull: false, .. } => (Change::Start, " (configure)"),
        Action::RunProvider { verb, .. } => match verb.as_str() {
            "down" => (Change::Remove, " (provider)"),
            "stop" => (Change::Stop, " (provider, where it can)"),
            _ => (Change::Start, " (provider)"),
        },
        Action::RunHook { phase: HookPhase::PostStart, index: 0, .. } if step.reason == Reason::HooksDue => {
            (Change::Update, " (run post_start hooks)")
        }
        // What is waited for, and hooks, follow from the starts: they change nothing by themselves. Notes are no user's.
        Action::Wait { .. }
        | Action::RunHook { .. }
        | Action::Delay { .. }
        | Action::Monitor { .. }
        | Action::WriteNotes { .. }
        | Action::RemoveNotes { .. }
        | Action::MarkHooks { .. }
        | Action::ClearHooks { .. } => return None,
    })
}

fn reason_lines(reason: &Reason) -> Vec<String> {
    if let Reason::ConfigChanged { fields } = reason
        && !fields.is_empty()
    {
        return fields.iter().map(ToString::to_string).collect();
    }
    // "Create x: does not exist" and "remove x: asked for" would say the same thing twice.
    if matches!(reason, Reason::Missing | Reason::Requested) { Vec::new() } else { vec![reason.to_string()] }
}

fn summary(rows: &[Row<'_>], plan: &Plan) -> String {
    let count = |change: Change| rows.iter().filter(|row| row.change == change).count();
    let mut parts = Vec::new();
    for change in [
        Change::Get,
        Change::Create,
        Change::Replace,
        Change::Update,
        Change::Start,
        Change::Stop,
        Change::Remove,
    ] {
        let number = count(change);
        if number > 0 {
            parts.push(format!("{number} to {}", change.verb()));
        }
    }
    if !plan.unchanged.is_empty() {
        parts.push(format!("{} unchanged", plan.unchanged.len()));
    }
    parts.join(", ")
}

fn unchanged(plan: &Plan, project: &str) -> String {
    match plan.unchanged.len() {
        0 => format!("project {project} is"),
        1 => format!("the one container of project {project} is"),
        number => format!("all {number} containers of project {project} are"),
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
