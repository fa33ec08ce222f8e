//! Flags that say yes or no, with the answer written out: `--detach=true`, `-f=false`, `--orphans=0`.
//!
//! The reference's flags take an answer behind `=`, in the spellings of Go's `strconv.ParseBool`. Ours are switches, which
//! take none: words are put into the form that they know before they are parsed. Deliberately absent: whether a word is
//! right at all; what is not understood here is left as it is, for the parser to tell.

use super::words::{At, has_long, takes_value};
use clap::{Arg, ArgAction, Command};

/// Puts the answers of switches into the form that `command` parses.
pub fn settle(command: &Command, words: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut words = words.into_iter();
    let mut settled = Settled { at: At::start(command), words: Vec::new() };
    while let Some(word) = words.next() {
        if word == "--" {
            settled.words.push(word);
            break;
        }
        if word.len() < 2 || !word.starts_with('-') {
            let goes_on = settled.bare(word);
            if goes_on {
                continue;
            }
            break;
        }
        if settled.flag(word) {
            settled.words.extend(words.next());
        }
    }
    // What comes now is not for us.
    settled.words.extend(words);
    settled.words
}

struct Settled<'a> {
    at: At<'a>,
    words: Vec<String>,
}

impl Settled<'_> {
    /// A word that is no flag. Returns whether flags may follow: not behind the service of `exec` and `run`, where the words of
    /// another program begin.
    fn bare(&mut self, word: String) -> bool {
        let goes_on = self.at.enter(&word) || !self.at.hands_over();
        self.words.push(word);
        goes_on
    }

    /// A flag, or several short ones in one word. Returns whether its value is the next word.
    fn flag(&mut self, word: String) -> bool {
        let (name, answer) = match word.split_once('=') {
            Some((name, answer)) => (name, Some(answer)),
            None => (word.as_str(), None),
        };
        let Some((arg, has_value)) = self.at.flag(name) else {
            self.words.push(word);
            return false;
        };
        let switch = matches!(arg.get_action(), ArgAction::SetTrue);
        match answer.map(|answer| (answer, go_bool(answer))) {
            Some((_, Some(true))) if switch => self.words.push(name.to_owned()),
            Some((_, Some(false))) if switch => self.switch_off(name, arg),
            Some((_, Some(answer))) if is_bool(arg) => self.words.push(format!("{name}={answer}")),
            Some(_) => self.words.push(word),
            None => {
                self.words.push(word);
                return takes_value(arg) && !has_value;
            }
        }
        false
    }

    /// `=false` takes back what came before, and leaves the rest of a word of short flags.
    fn switch_off(&mut self, name: &str, arg: &Arg) {
        let is_it = |word: &String| {
            let long = word.strip_prefix("--").is_some_and(|long| has_long(arg, long));
            let short = arg.get_short().is_some_and(|short| *word == format!("-{short}"));
            long || short
        };
        self.words.retain(|word| !is_it(word));
        let mut rest = name.to_owned();
        if !name.starts_with("--") && name.chars().count() > 2 {
            rest.pop();
            self.words.push(rest);
        }
    }
}

/// Whether yes and no are among its answers.
fn is_bool(arg: &Arg) -> bool {
    let answers = arg.get_value_parser().possible_values();
    answers.is_some_and(|mut answers| answers.any(|answer| answer.matches("true", false)))
}

/// <https://pkg.go.dev/strconv#ParseBool>
fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    #[track_caller]
    fn check(words: &str, expected: &str) {
        let words = words.split_whitespace().map(ToOwned::to_owned);
        assert_eq!(settle(&cli::command(), words).join(" "), expected);
    }

    #[test]
    fn an_answer_behind_a_switch_is_yes_or_no() {
        check("up --detach=true --build=F web", "up --detach --build=false web");
        check("logs -f=1 -t=0", "logs -f");
        check("logs -tf=false", "logs -t");
        check("--dry-run=true up --dry-run=false", "up");
        check("down -v --volumes=false", "down");
    }

    #[test]
    fn a_flag_with_an_answer_of_its_own_gets_it_in_one_spelling() {
        check("ps --orphans=0", "ps --orphans=false");
        check("run --interactive=F --tty=T web", "run --interactive=false --tty=true web");
    }

    #[test]
    fn values_and_what_is_not_understood_stay_as_they_are() {
        check("up --detach=maybe --nonsense=true", "up --detach=maybe --nonsense=true");
        check("-p --detach=true up", "-p --detach=true up");
        check("-pup ps -q=true", "-pup ps -q");
        check("run -e -d=true web", "run -e -d=true web");
        check("-f=x.yaml config", "-f=x.yaml config");
    }

    #[test]
    fn the_words_of_another_program_are_its_own() {
        check("exec -T=true web sh -f=true", "exec -T web sh -f=true");
        check("run --rm=true web -- --rm=true", "run --rm web -- --rm=true");
        check("stop -- --dry-run=true", "stop -- --dry-run=true");
    }
}
