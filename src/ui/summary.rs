//! The summary of a job in Markdown: how it went, how far each service came, and where the time went.

use super::diagnosis_text;
use super::goals::outcome;
use super::timings::cells;
use crate::event::{GoalOutcome, ServiceGoal, Timings};

/// What there is to sum up.
#[derive(Debug, Clone, Copy)]
pub struct Summary<'a> {
    /// What was done: `stack test: shop`.
    pub title: &'a str,
    /// How it went, in a sentence.
    pub sentence: &'a str,
    /// Whether it went well.
    pub well: bool,
    /// How far each service came; empty when nobody waited for them.
    pub services: &'a [ServiceGoal],
    /// Where the time went.
    pub timings: Option<&'a Timings>,
    /// What took longest, in words.
    pub slowest: &'a [String],
}

/// The summary, for `$GITHUB_STEP_SUMMARY`.
pub fn summary(summary: &Summary<'_>) -> String {
    let Summary { title, sentence, well, services, timings, slowest } = summary;
    let sign = if *well { "✅" } else { "❌" };
    let mut text = format!("### {sign} {title}\n\n{sentence}\n\n");
    if !services.is_empty() {
        let rows =
            services.iter().map(|one| vec![one.service.clone(), one.goal.as_str().to_owned(), outcome(one)]);
        text.push_str(&table(&["Service", "Goal", "Outcome"], rows));
    }
    for service in services.iter().filter(|service| service.outcome == GoalOutcome::Failed) {
        let more = service.diagnosis.as_deref().map(diagnosis_text).unwrap_or_default();
        let message = service.message.as_deref().unwrap_or_default();
        text.push_str(&fenced(&format!("{message}\n{more}")));
    }
    if let Some(timings) = timings {
        let (header, rows) = cells(timings);
        text.push_str("<details><summary>Where the time went</summary>\n\n");
        text.push_str(&table(&header, rows.into_iter()));
        text.extend(slowest.iter().map(|wait| format!("- {wait}\n")));
        text.push_str(if slowest.is_empty() { "</details>\n\n" } else { "\n</details>\n\n" });
    }
    text
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> =
            cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let rule: Vec<String> = header.iter().map(|_| "---".to_owned()).collect();
    let rows: String = rows.map(|row| line(&row)).collect();
    format!("{}{}{rows}\n", line(&header), line(&rule))
}

/// A block that holds whatever it holds: its fence is longer than any in it.
fn fenced(text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}text\n{}\n{fence}\n\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Diagnosis, Goal, ServiceTimings};

    #[test]
    fn a_summary_has_what_one_looks_for_first() {
        let db = ServiceGoal {
            service: "db".to_owned(),
            goal: Goal::Healthy,
            outcome: GoalOutcome::Failed,
            state: "running (unhealthy)".to_owned(),
            took_ms: 900,
            message: Some("container p-db-1 is unhealthy".to_owned()),
            diagnosis: Some(Box::new(Diagnosis {
                container: "p-db-1".to_owned(),
                status: "running".to_owned(),
                log: vec!["a ``` | b".to_owned()],
                ..Diagnosis::default()
            })),
        };
        let timings = Timings {
            total_ms: 2430,
            waiting_ms: 2000,
            services: vec![ServiceTimings {
                service: "web".to_owned(),
                waited_ms: 2190,
                waited_for: Some("db".to_owned()),
                ready_ms: 5,
                done_ms: 2430,
                ..ServiceTimings::default()
            }],
        };
        let summary = summary(&Summary {
            title: "stack test: shop",
            sentence: "Not ready: given up after 2.43 s",
            well: false,
            services: &[db],
            timings: Some(&timings),
            slowest: &["web waited 2.19 s for db".to_owned()],
        });
        let expect = "\
### ❌ stack test: shop

Not ready: given up after 2.43 s

| Service | Goal | Outcome |
| --- | --- | --- |
| db | healthy | failed, running (unhealthy) |

````text
container p-db-1 is unhealthy
  state: running
  last lines of p-db-1:
    a ``` | b
````

<details><summary>Where the time went</summary>

| SERVICE | WAIT | READY | DONE AT | WAITED FOR |
| --- | --- | --- | --- | --- |
| web | 2.19 s | 0.00 s | 2.43 s | db |

- web waited 2.19 s for db

</details>

";
        assert_eq!(summary, expect);
    }
}
