//! The one-line-per-step form of a plan: tests, debug output.

use super::{Action, Plan};
use std::fmt::{self, Write};

impl fmt::Display for Plan<Action> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let mut after = String::new();
            for (position, id) in step.after.iter().enumerate() {
                write!(after, "{}{}", if position > 0 { " " } else { "" }, id.0)?;
            }
            writeln!(formatter, "[{after}] -> #{} {:?}, {}", step.id.0, step.action, step.reason)?;
        }
        Ok(())
    }
}
