//! The table at the end of `up --timings`.

use super::table::table;
use crate::event::{ServiceTimings, Timings};

/// A column: its head, and what a service has in it.
type Column = (&'static str, fn(&ServiceTimings) -> u64);

const COLUMNS: [Column; 7] = [
    ("PULL", |one| one.pull_ms),
    ("BUILD", |one| one.build_ms),
    ("STOP", |one| one.stop_ms),
    ("CREATE", |one| one.create_ms),
    ("WAIT", |one| one.waited_ms),
    ("START", |one| one.start_ms),
    ("READY", |one| one.ready_ms),
];

/// Where a table's columns begin, and its rows. Columns in which there is nothing are left out.
pub(super) fn cells(timings: &Timings) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let services = &timings.services;
    let columns: Vec<Column> =
        COLUMNS.into_iter().filter(|(_, of)| services.iter().any(|one| of(one) > 0)).collect();
    let waits = services.iter().any(|one| one.waited_for.is_some());
    let mut header = vec!["SERVICE"];
    header.extend(columns.iter().map(|(head, _)| *head));
    header.push("DONE AT");
    if waits {
        header.push("WAITED FOR");
    }
    let rows: Vec<Vec<String>> = services
        .iter()
        .map(|one| {
            let mut row = vec![one.service.clone()];
            row.extend(columns.iter().map(|(_, of)| match of(one) {
                0 => "-".to_owned(),
                some => seconds(some),
            }));
            row.push(seconds(one.done_ms));
            if waits {
                row.push(one.waited_for.clone().unwrap_or_default());
            }
            row
        })
        .collect();
    (header, rows)
}

/// The table, and a line that sums it up.
pub(super) fn text(timings: &Timings) -> String {
    let Timings { total_ms, waiting_ms, services: _ } = timings;
    let (header, rows) = cells(timings);
    let table: String =
        table(&header, &rows, 0).lines().map(|line| format!("{}\n", line.trim_end())).collect();
    // Less than what is shown is nothing.
    let waiting = match waiting_ms / 10 {
        0 => String::new(),
        _ => format!(", of which {} passed with nothing but waiting", seconds(*waiting_ms)),
    };
    format!("{table}All done after {}{waiting}\n", seconds(*total_ms))
}

/// Seconds with two digits: `1.25 s`.
fn seconds(millis: u64) -> String {
    format!("{}.{:02} s", millis / 1000, millis % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_columns_that_say_something() {
        let db = ServiceTimings {
            service: "db".to_owned(),
            create_ms: 20,
            start_ms: 200,
            ready_ms: 2000,
            done_ms: 2220,
            ..ServiceTimings::default()
        };
        let web = ServiceTimings {
            service: "web".to_owned(),
            create_ms: 30,
            waited_ms: 2190,
            waited_for: Some("db".to_owned()),
            start_ms: 210,
            done_ms: 2430,
            ..ServiceTimings::default()
        };
        let timings = Timings { total_ms: 2430, waiting_ms: 2000, services: vec![db, web] };
        let expect = "\
SERVICE   CREATE   WAIT     START    READY    DONE AT   WAITED FOR
db        0.02 s   -        0.20 s   2.00 s   2.22 s
web       0.03 s   2.19 s   0.21 s   -        2.43 s    db
All done after 2.43 s, of which 2.00 s passed with nothing but waiting
";
        assert_eq!(text(&timings), expect);
    }
}
