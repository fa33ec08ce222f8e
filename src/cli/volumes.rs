//! Volumes whose definition changed: what a person is asked before `up` plans.

use super::{Context, Failure, remote, run, up::ConvergeArgs};
use crate::load::Loaded;
use crate::ops;
use crate::plan::{OldData, Question};
use crate::ui::LogFormat;
use std::collections::BTreeMap;

/// What becomes of each. Only a person at a terminal is asked, and only when no flag has answered; it takes a request for the
/// list of volumes, where the stack file has any.
///
/// # Errors
/// The engine does not answer.
pub fn ask(
    context: &Context,
    args: &ConvergeArgs,
    loaded: &Loaded,
) -> Result<BTreeMap<String, OldData>, Failure> {
    let surroundings = &context.surroundings;
    let person = surroundings.stdin_is_terminal && surroundings.stderr_is_terminal && context.ci.is_none();
    if !person || context.dry_run || args.answers_for_volumes() || loaded.project.volumes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let questions = run::with_session(context, Some(loaded), LogFormat::default(), async |session| {
        ops::reconcile::questions(session, loaded).await
    })?;
    let mut agreed = BTreeMap::new();
    for question in questions {
        let Question::ReplaceVolume { name, fields } = question;
        let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
        let fields = if fields.is_empty() { String::new() } else { format!(" ({})", fields.join(", ")) };
        let text = format!(
            "Volume `{name}` was created with another definition{fields}.\n  keep     leave it as it is\n  migrate  replace it, and move its data to the new one\n  replace  replace it, and lose its data\nWhat shall be done? [keep] "
        );
        match remote::answer(&text)?.as_deref() {
            Some("m" | "migrate") => drop(agreed.insert(name, OldData::Moves)),
            // A letter that was meant for another question must not cost data.
            Some("replace") => drop(agreed.insert(name, OldData::Lost)),
            Some(_) | None => {}
        }
    }
    Ok(agreed)
}
