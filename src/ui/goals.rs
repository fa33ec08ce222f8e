//! The table below a `--wait` that failed: how far each service has come.

use super::table::table;
use crate::event::{GoalOutcome, Goals, ServiceGoal};

/// The table; nothing when all services are where they are to be.
pub(super) fn text(goals: &Goals) -> String {
    if goals.all_reached() {
        return String::new();
    }
    let row = |one: &ServiceGoal| vec![one.service.clone(), one.goal.as_str().to_owned(), outcome(one)];
    let rows: Vec<Vec<String>> = goals.services.iter().map(row).collect();
    table(&["SERVICE", "GOAL", "OUTCOME"], &rows, 0)
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// How far a service has come, in a few words: `failed, exited (3)`.
pub fn outcome(one: &ServiceGoal) -> String {
    let seconds = format!("{}.{:02} s", one.took_ms / 1000, one.took_ms % 1000 / 10);
    let state = if one.state.is_empty() { String::new() } else { format!(", {}", one.state) };
    match one.outcome {
        GoalOutcome::Reached if one.took_ms > 0 => format!("reached after {seconds}"),
        GoalOutcome::Reached => "reached".to_owned(),
        GoalOutcome::Failed => format!("failed{state}"),
        GoalOutcome::Unreached => format!("not yet{state}"),
        GoalOutcome::NotStarted => format!("not started{state}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Goal;

    #[test]
    fn a_table_says_how_far_each_has_come_and_success_needs_none() {
        let one = |service: &str, goal, outcome, state: &str, took_ms| ServiceGoal {
            service: service.to_owned(),
            goal,
            outcome,
            state: state.to_owned(),
            took_ms,
            message: None,
            diagnosis: None,
        };
        let db = one("db", Goal::Healthy, GoalOutcome::Reached, "running (healthy)", 1230);
        assert_eq!(text(&Goals { services: vec![db.clone()] }), "");
        let migrate = one("migrate", Goal::Completed, GoalOutcome::Failed, "exited (3)", 800);
        let web = one("web", Goal::Running, GoalOutcome::NotStarted, "created", 20);
        let expect = "\
SERVICE   GOAL        OUTCOME
db        healthy     reached after 1.23 s
migrate   completed   failed, exited (3)
web       running     not started, created
";
        assert_eq!(text(&Goals { services: vec![db, migrate, web] }), expect);
    }
}
