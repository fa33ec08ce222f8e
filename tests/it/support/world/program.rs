//! What a container's command does, worked out from its words: enough of a shell that the same stack file behaves alike
//! on the fake and on a real engine.
//!
//! Known: `echo … [>&2]`, `sleep`, `exit`, `true`, `false`, `cat`, `touch FILE`, `test -f FILE`, `exec`, `trap '…' TERM`, `;`,
//! `&&`, `||`. A program that is not known runs until it is stopped; one whose name begins with `no-such` cannot be started.

use std::collections::BTreeSet;
use std::time::Duration;

/// One thing a program does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Writes a line.
    Print { stderr: bool, line: String },
    /// Waits.
    Sleep(Duration),
    /// Makes a file.
    Touch(String),
    /// Copies its input to its output.
    Cat,
    /// Takes memory until it is killed.
    Hoard,
    /// Ends.
    Exit(i64),
    /// Runs until it is stopped.
    Forever,
}

/// A program, step by step; without `Exit` or `Forever` it ends with `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    pub steps: Vec<Step>,
    /// How it ends when it has a handler for SIGTERM; without one SIGTERM does nothing to the first process of a container.
    pub on_term: Option<i64>,
    /// It does not exist in the image.
    pub missing: bool,
    /// How its last command ended.
    pub status: i64,
    /// Files that are there; those it makes are there for what comes after.
    files: BTreeSet<String>,
}

impl Program {
    /// Reads a command line. Of `environment` (`KEY=value`) the shell sees `$KEY`.
    pub fn parse(arguments: &[String], environment: &[String]) -> Self {
        Self::parse_with(arguments, environment, &BTreeSet::new())
    }

    /// As [`Program::parse`], where these files are there.
    pub fn parse_with(arguments: &[String], environment: &[String], files: &BTreeSet<String>) -> Self {
        let mut program = Self { files: files.clone(), ..Self::default() };
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match words.as_slice() {
            [shell, "-c", script, ..] if is_shell(shell) => program.script(script, environment),
            [shell] if is_shell(shell) => {}
            _ => program.command(&words),
        }
        program
    }

    /// What it writes and how it ends, when it is run at once and waited for: an exec, a probe, a hook.
    pub fn run_at_once(&self, input: &[u8]) -> (Vec<(bool, Vec<u8>)>, i64) {
        let mut output = Vec::new();
        for step in &self.steps {
            match step {
                Step::Print { stderr, line } => output.push((*stderr, format!("{line}\n").into_bytes())),
                Step::Cat if !input.is_empty() => output.push((false, input.to_vec())),
                Step::Exit(code) => return (output, *code),
                Step::Cat | Step::Sleep(_) | Step::Touch(_) | Step::Hoard | Step::Forever => {}
            }
        }
        (output, if self.missing { 127 } else { self.status })
    }

    fn script(&mut self, script: &str, environment: &[String]) {
        let mut skip = false;
        for (operator, words) in commands(script, environment) {
            skip = match operator {
                "&&" => skip || self.status != 0,
                "||" => self.status == 0,
                _ => false,
            };
            if skip {
                continue;
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            self.command(&words);
            if matches!(self.steps.last(), Some(Step::Exit(_) | Step::Hoard | Step::Forever)) || self.missing
            {
                return;
            }
        }
    }

    fn command(&mut self, words: &[&str]) {
        let number = |word: Option<&&str>| word.and_then(|word| word.parse::<f64>().ok());
        let Some((program, rest)) = words.split_first() else { return };
        self.status = 0;
        match program.rsplit('/').next().unwrap_or(program) {
            "exec" => self.command(rest),
            "echo" => {
                let stderr = rest.iter().any(|word| matches!(*word, ">&2" | "1>&2"));
                let words: Vec<&str> = rest.iter().copied().filter(|word| !word.ends_with(">&2")).collect();
                self.steps.push(Step::Print { stderr, line: words.join(" ") });
            }
            "sleep" => match number(rest.first()) {
                Some(seconds) if seconds < 100.0 => {
                    self.steps.push(Step::Sleep(Duration::from_secs_f64(seconds)));
                }
                _ => self.steps.push(Step::Forever),
            },
            "exit" => {
                let code = rest.first().and_then(|code| code.parse().ok());
                self.steps.push(Step::Exit(code.unwrap_or(self.status)));
            }
            "touch" => {
                for file in rest {
                    self.files.insert((*file).to_owned());
                    self.steps.push(Step::Touch((*file).to_owned()));
                }
            }
            "test" | "[" => {
                if let ["-f", file, ..] = rest {
                    self.status = i64::from(!self.files.contains(*file));
                }
            }
            "tail" if rest == ["/dev/zero"] => self.steps.push(Step::Hoard),
            "true" | ":" | "cd" | "set" | "export" | "mkdir" | "chmod" => {}
            "false" => self.status = 1,
            "cat" if rest.is_empty() => self.steps.push(Step::Cat),
            "trap" => {
                let handler = rest.first().and_then(|handler| handler.rsplit(' ').next());
                self.on_term = Some(handler.and_then(|code| code.parse().ok()).unwrap_or(0));
            }
            name if name.starts_with("no-such") => {
                self.missing = true;
                self.status = 127;
            }
            name => {
                // Servers end at SIGTERM; of what is not known nothing better can be said.
                self.on_term = self.on_term.or((name != "tail" && name != "while").then_some(0));
                self.steps.push(Step::Forever);
            }
        }
    }
}

fn is_shell(program: &str) -> bool {
    matches!(program, "sh" | "/bin/sh" | "bash" | "/bin/bash" | "ash")
}

/// A script's commands, each with the operator before it.
fn commands(script: &str, environment: &[String]) -> Vec<(&'static str, Vec<String>)> {
    let mut commands = vec![("", Vec::new())];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = script.chars().peekable();
    let push = |commands: &mut Vec<(&'static str, Vec<String>)>, word: &mut Option<String>| {
        if let (Some(word), Some((_, words))) = (word.take(), commands.last_mut()) {
            words.push(word);
        }
    };
    while let Some(next) = rest.next() {
        match (quote, next) {
            (Some(mark), _) if mark == next => quote = None,
            (None, '\'' | '"') => {
                quote = Some(next);
                word.get_or_insert_default();
            }
            (None | Some('"'), '$') => {
                let mut name = String::new();
                while let Some(part) = rest.next_if(|part| part.is_alphanumeric() || "_{}".contains(*part)) {
                    name.push(part);
                }
                let name = name.trim_matches(['{', '}']);
                let value = environment.iter().find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='));
                word.get_or_insert_default().push_str(value.unwrap_or_default());
            }
            (None, ' ' | '\t') => push(&mut commands, &mut word),
            (None, '>') if rest.peek() == Some(&'&') => word.get_or_insert_default().push('>'),
            (None, '&') if word.as_deref().is_some_and(|word| word.ends_with('>')) => {
                word.get_or_insert_default().push('&');
            }
            (None, ';' | '\n' | '&' | '|') => {
                push(&mut commands, &mut word);
                let doubled = rest.next_if_eq(&next).is_some();
                commands.push((
                    match next {
                        '&' if doubled => "&&",
                        '|' if doubled => "||",
                        _ => "",
                    },
                    Vec::new(),
                ));
            }
            (Some(_) | None, _) => word.get_or_insert_default().push(next),
        }
    }
    push(&mut commands, &mut word);
    commands.retain(|(_, words)| !words.is_empty());
    commands
}

#[test]
fn a_script_is_read_as_a_shell_would() {
    let print = |stderr: bool, line: &str| Step::Print { stderr, line: line.to_owned() };
    for (script, steps, status) in [
        (
            "echo 'a b' c; echo err >&2; exit 3",
            vec![print(false, "a b c"), print(true, "err"), Step::Exit(3)],
            0,
        ),
        ("false && echo no || echo yes", vec![print(false, "yes")], 0),
        ("true && false", vec![], 1),
        (
            "echo \"$A-${B}\"; sleep 0.5; exec sleep infinity",
            vec![print(false, "1-2"), Step::Sleep(Duration::from_millis(500)), Step::Forever],
            0,
        ),
    ] {
        let words = ["sh", "-c", script].map(ToOwned::to_owned);
        let program = Program::parse(&words, &["A=1".to_owned(), "B=2".to_owned()]);
        assert_eq!((program.steps, program.status), (steps, status), "{script}");
    }
    let files = BTreeSet::from(["/there".to_owned()]);
    for (file, expect) in [("/there", 0), ("/not", 1)] {
        let words = ["sh", "-c", &format!("test -f {file}")].map(ToOwned::to_owned);
        assert_eq!(Program::parse_with(&words, &[], &files).status, expect);
    }
    let trap = ["sh", "-c", "trap 'exit 7' TERM; sleep infinity"].map(ToOwned::to_owned);
    assert_eq!(Program::parse(&trap, &[]).on_term, Some(7));
}
