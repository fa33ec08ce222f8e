//! Lines of several containers, told apart by a coloured, aligned prefix.

use crate::event::LogLine;
use std::collections::HashMap;
use tokio::sync::watch;

/// The ten colours that sources take in turn: cyan, yellow, green, magenta, blue, then the same in bold.
const COLOURS: [&str; 10] = ["36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1"];

/// Puts prefixes before lines. The column grows when a longer name comes.
#[derive(Debug, Default)]
pub struct LogFormat {
    colours: HashMap<String, usize>,
    width: usize,
    /// Colours are wanted.
    colour: bool,
    /// No prefix is wanted.
    bare: bool,
    /// What stands below the newest line; an empty text is no line.
    footer: Option<watch::Receiver<String>>,
}

impl LogFormat {
    /// A format without any source yet.
    pub fn new(colour: bool, bare: bool) -> Self {
        Self { colour, bare, ..Self::default() }
    }

    /// Keeps a line below all others on the terminal, whatever it says at the time; nothing while it is empty.
    #[must_use]
    pub fn with_footer(self, footer: watch::Receiver<String>) -> Self {
        Self { footer: Some(footer), ..self }
    }

    /// Takes the footer out.
    pub(super) fn take_footer(&mut self) -> Option<watch::Receiver<String>> {
        self.footer.take()
    }

    /// Makes a source known, so that its colour and the column's width are settled before its first line.
    pub fn register(&mut self, source: &str) {
        if !self.colours.contains_key(source) {
            self.colours.insert(source.to_owned(), self.colours.len());
            self.width = self.width.max(source.chars().count());
        }
    }

    /// A line as it is written, with its end.
    pub fn line(&mut self, line: &LogLine) -> String {
        if self.bare || line.source.is_empty() {
            return format!("{}\n", line.text);
        }
        self.register(&line.source);
        format!("{}{}\n", self.prefix(&line.source), line.text)
    }

    fn prefix(&self, source: &str) -> String {
        let padded = format!("{source:<width$}  | ", width = self.width);
        if !self.colour {
            return padded;
        }
        let index = self.colours.get(source).copied().unwrap_or(0) % COLOURS.len();
        let code = COLOURS.get(index).copied().unwrap_or("0");
        format!("\u{1b}[{code}m{padded}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(source: &str, text: &str) -> LogLine {
        LogLine { source: source.to_owned(), stderr: false, text: text.to_owned() }
    }

    #[test]
    fn prefixes_line_up_with_the_longest_name_known() {
        let mut format = LogFormat::default();
        format.register("web-1");
        format.register("database-1");
        assert_eq!(format.line(&line("web-1", "hello")), "web-1       | hello\n");
        assert_eq!(format.line(&line("database-1", "ready")), "database-1  | ready\n");
    }

    #[test]
    fn each_source_has_a_colour_of_its_own() {
        let mut format = LogFormat { colour: true, ..LogFormat::default() };
        assert_eq!(format.line(&line("a", "x")), "\u{1b}[36ma  | \u{1b}[0mx\n");
        assert_eq!(format.line(&line("b", "x")), "\u{1b}[33mb  | \u{1b}[0mx\n");
    }

    #[test]
    fn without_prefix_the_text_stands_alone() {
        let mut format = LogFormat { bare: true, ..LogFormat::default() };
        assert_eq!(format.line(&line("a", "x")), "x\n");
    }
}
