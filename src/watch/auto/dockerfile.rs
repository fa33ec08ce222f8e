//! A Dockerfile, as far as it says which files go where: stages, working directories, copies, commands.
//! <https://docs.docker.com/reference/dockerfile/>

use crate::env::template::{Scope, substitute};
use std::collections::BTreeMap;

/// A stage: what follows a `FROM`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stage {
    /// Its name, in lower case; empty without one.
    pub(super) name: String,
    /// The image or the stage it begins with.
    pub(super) base: String,
    /// What is done, in order.
    pub(super) steps: Vec<Step>,
}

/// What an instruction does, where it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Workdir(String),
    Copy(Copy),
    Run(String),
    Entrypoint(Vec<String>),
    Cmd(Vec<String>),
}

/// `COPY` or `ADD`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Copy {
    /// The stage or image that it copies from; empty for the build context.
    pub(super) from: String,
    pub(super) sources: Vec<String>,
    pub(super) target: String,
    pub(super) exclude: Vec<String>,
    /// Sources keep the folders that they are in.
    pub(super) parents: bool,
    /// Archives are unpacked and addresses fetched.
    pub(super) is_add: bool,
}

/// Reads a Dockerfile. What cannot be read is passed over: a build says what is wrong with it.
pub(super) fn parse(text: &str, args: &BTreeMap<String, String>) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut global: BTreeMap<String, String> = BTreeMap::new();
    let mut local: BTreeMap<String, String> = BTreeMap::new();
    for (word, rest) in instructions(text) {
        let filled = fill(&rest, &local);
        let (flags, words) = words(&filled);
        match (word.as_str(), stages.last_mut()) {
            ("FROM", _) => {
                let image = fill(&rest, &global);
                let (_, words) = self::words(&image);
                let name = match words.as_slice() {
                    [_, word, name] if word.eq_ignore_ascii_case("as") => name.to_lowercase(),
                    _ => String::new(),
                };
                local.clear();
                stages.push(Stage {
                    name,
                    base: words.into_iter().next().unwrap_or_default(),
                    ..Stage::default()
                });
            }
            ("ARG", stage) => {
                for one in &words {
                    let (name, default) = one.split_once('=').unwrap_or((one, ""));
                    let inherited = global.get(name).filter(|_| default.is_empty());
                    let value = args.get(name).or(inherited).cloned().unwrap_or_else(|| default.to_owned());
                    let into = if stage.is_some() { &mut local } else { &mut global };
                    into.insert(name.to_owned(), value);
                }
            }
            ("ENV", Some(_)) => match words.split_first() {
                Some((name, value)) if !name.contains('=') => {
                    drop(local.insert(name.clone(), value.join(" ")));
                }
                _ => local.extend(words.iter().filter_map(|one| one.split_once('=')).map(owned)),
            },
            ("WORKDIR", Some(stage)) => stage.steps.push(Step::Workdir(words.join(" "))),
            ("RUN", Some(stage)) => stage.steps.push(Step::Run(rest)),
            ("CMD", Some(stage)) => stage.steps.push(Step::Cmd(command(&rest))),
            ("ENTRYPOINT", Some(stage)) => stage.steps.push(Step::Entrypoint(command(&rest))),
            ("COPY" | "ADD", Some(stage)) => {
                if let Some(copy) = copy(&flags, words, word == "ADD") {
                    stage.steps.push(Step::Copy(copy));
                }
            }
            _ => {}
        }
    }
    stages
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn copy(flags: &[(String, String)], words: Vec<String>, is_add: bool) -> Option<Copy> {
    let flag = |name: &'static str| {
        flags.iter().filter(move |(flag, _)| flag == name).map(|(_, value)| value.clone())
    };
    let mut sources = words;
    let target = sources.pop()?;
    // What is written in the Dockerfile itself, and what comes from elsewhere, is no file here.
    let elsewhere = |source: &String| {
        source.starts_with("<<") || is_add && (source.contains("://") || source.starts_with("git@"))
    };
    sources.retain(|source| !elsewhere(source));
    (!sources.is_empty()).then(|| Copy {
        from: flag("from").next().unwrap_or_default(),
        sources,
        target,
        exclude: flag("exclude").collect(),
        parents: flag("parents").any(|value| value != "false"),
        is_add,
    })
}

/// Instructions, in upper case, and the rest of each, its lines joined; bodies of here-documents are left out.
fn instructions(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let mut escape = '\\';
    let mut joined = String::new();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some(comment) = line.strip_prefix('#') {
            if let Some((name, value)) = comment.split_once('=')
                && name.trim().eq_ignore_ascii_case("escape")
                && found.is_empty()
            {
                escape = value.trim().chars().next().unwrap_or('\\');
            }
            continue;
        }
        if let Some(more) = line.strip_suffix(escape) {
            joined.push_str(more);
            joined.push(' ');
            continue;
        }
        joined.push_str(line);
        let whole = std::mem::take(&mut joined);
        let Some((word, rest)) = whole.trim().split_once(char::is_whitespace) else { continue };
        for end in here_documents(rest) {
            lines.by_ref().find(|line| line.trim_start_matches('\t') == end);
        }
        found.push((word.to_uppercase(), rest.trim().to_owned()));
    }
    found
}

/// The words that end the here-documents that a line begins.
fn here_documents(rest: &str) -> Vec<String> {
    let begun = rest.split_whitespace().filter_map(|word| word.strip_prefix("<<"));
    begun
        .map(|word| word.trim_start_matches('-').trim_matches(['"', '\'']).to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Flags (`--name=value`) and what follows them; a JSON list is one too.
fn words(rest: &str) -> (Vec<(String, String)>, Vec<String>) {
    let mut flags = Vec::new();
    let mut rest = rest.trim();
    while let Some(flag) = rest.strip_prefix("--") {
        let (flag, more) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        flags.push((name.to_lowercase(), value.to_owned()));
        rest = more.trim();
    }
    let listed = serde_json::from_str::<Vec<String>>(rest).ok();
    let apart = || rest.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect();
    (flags, listed.unwrap_or_else(apart))
}

/// A command: its words, or a shell's line as words.
fn command(rest: &str) -> Vec<String> {
    words(rest).1
}

/// Puts values in place of variables; text that is no template stays as it is.
fn fill(text: &str, values: &BTreeMap<String, String>) -> String {
    let lookup = |name: &str| values.get(name).cloned();
    substitute(text, &mut Scope::new(&lookup)).unwrap_or_else(|_| text.to_owned())
}
