//! The variables that files see, and those that containers get from `env_file` and `label_file`.
//!
//! Process variables win over `.env` files; of several `--env-file`s the later one wins; an include's own files only add
//! what is not set around it. <https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>

use super::interpolate::looks_literal;
use super::pipeline::Level;
use super::session::{Session, clean, join, reason};
use crate::env::dotenv::{self, DotenvError};
use crate::model::{Environment, Project, Service};
use crate::source::{Diagnostic, SourceId, Span};
use crate::yaml::NodePath;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Variables = BTreeMap<String, String>;

/// Adds what `.env` files define and `environment` has not. What cannot be read is reported.
pub fn add_files(environment: &mut Environment, files: &[PathBuf], session: &mut Session<'_>) {
    let files: Vec<_> = files.iter().map(|file| (file.clone(), Span::NONE)).collect();
    for (name, value) in read_files(environment, &files, session) {
        environment.set_default(name, value);
    }
}

/// What several files define, the later over the earlier.
fn read_files(current: &Environment, files: &[(PathBuf, Span)], session: &mut Session<'_>) -> Variables {
    let mut variables = Variables::new();
    for (path, span) in files {
        let look = |known: &Variables, name: &str| {
            current.get(name).map(str::to_owned).or_else(|| known.get(name).cloned())
        };
        let read = session.read(path, *span).and_then(|id| parse(id, &mut variables, look, session));
        if read.is_none() {
            session.variables_lost = true;
            session.accept();
        }
    }
    variables
}

fn parse(
    id: SourceId,
    variables: &mut Variables,
    lookup: impl Fn(&Variables, &str) -> Option<String>,
    session: &mut Session<'_>,
) -> Option<()> {
    let text = session.text(id);
    let define = |variables: &mut Variables, name: &str, value: String| {
        variables.insert(name.to_owned(), value);
    };
    match dotenv::parse(&text, variables, lookup, define) {
        Ok(unset) => {
            for name in unset {
                let whole = Span::new(id, 0, u32::try_from(text.len()).unwrap_or(u32::MAX));
                let place = session.narrow(whole, &format!("${{{name}"));
                let place = if place == whole { session.narrow(whole, &format!("${name}")) } else { place };
                let literal = looks_literal(&text, &name);
                let hint = "if the `$` is part of the text, put the value in single quotes, or write `$$`";
                session.unset(&name, place, literal.then_some(hint));
            }
            Some(())
        }
        Err(error) => {
            report(id, &text, &error, session);
            None
        }
    }
}

fn report(id: SourceId, text: &str, error: &DotenvError, session: &mut Session<'_>) {
    let rest = text.get(error.at..).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default();
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let span = Span::new(id, offset(error.at), offset(error.at + line.len()));
    session.diagnostics.push(
        Diagnostic::error("invalid-env-file", span, error.message.clone()).help(
            "each line is `NAME=value`; a value with blanks at its ends or line breaks stands in quotes",
        ),
    );
}

/// What an include's files see: what is set around it, then its own env files, or the `.env` of its directory; and the
/// files that it comes from, the one that wins first.
pub fn included(
    files: &[(String, Span)],
    directory: &Path,
    level: &Level,
    session: &mut Session<'_>,
) -> (Environment, Vec<PathBuf>) {
    let mut found = Vec::new();
    if files.is_empty() {
        let default = directory.join(".env");
        if default.is_file() {
            found.push((default, Span::NONE));
        }
    }
    for (file, span) in files {
        if file != "/dev/null" {
            found.push((join(&level.directory, file), *span));
        }
    }
    let variables = read_files(&level.variables, &found, session);
    let mut environment = Environment::clone(&level.variables);
    for (name, value) in variables {
        environment.set_default(name, value);
    }
    let own = found.into_iter().rev().map(|(file, _)| file);
    (environment, level.variable_files.iter().cloned().chain(own).collect())
}

/// Folds `label_file` into the labels of every service that takes part.
pub fn resolve_labels(project: &mut Project, session: &mut Session<'_>) {
    let origins = Arc::clone(&project.origins);
    for (name, service) in &mut project.services {
        let mut labels = Variables::new();
        service.label_files_read = std::mem::take(&mut service.label_file);
        for (index, file) in service.label_files_read.iter().enumerate() {
            let place = origins.span(&NodePath::of(&["services", name.as_str(), "label_file"]).index(index));
            let Some(id) = session.read(&clean(Path::new(file)), place) else { continue };
            let mut defined = Variables::new();
            let known = labels.clone();
            let look = |own: &Variables, name: &str| known.get(name).or_else(|| own.get(name)).cloned();
            parse(id, &mut defined, look, session);
            labels.extend(defined);
        }
        labels.extend(std::mem::take(&mut service.labels));
        service.labels = labels;
    }
}

/// Folds `env_file` into the environment of every service that takes part, and gives bare variables their value.
pub fn resolve_services(project: &mut Project, session: &mut Session<'_>) {
    let origins = Arc::clone(&project.origins);
    let environment = Arc::clone(&project.environment);
    for (name, service) in &mut project.services {
        let place = |index: usize| {
            origins.span(&NodePath::of(&["services", name.as_str(), "env_file"]).index(index).key("path"))
        };
        resolve_service(service, &environment, place, session);
    }
}

fn resolve_service(
    service: &mut Service,
    environment: &Environment,
    place: impl Fn(usize) -> Span,
    session: &mut Session<'_>,
) {
    for (name, value) in &mut service.environment {
        if value.is_none() {
            *value = environment.get(name).map(str::to_owned);
        }
    }
    let own = &service.environment;
    let mut variables: Variables =
        own.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
    let around =
        |name: &str| environment.get(name).map(str::to_owned).or_else(|| own.get(name).cloned().flatten());
    for (index, file) in std::mem::take(&mut service.env_file).into_iter().enumerate() {
        let path = clean(Path::new(&file.path));
        match path.metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !file.required => continue,
            Err(error) => {
                let message =
                    format!("cannot read the env file `{}`: {}", session.display(&path), reason(&error));
                let diagnostic = Diagnostic::error("unreadable-file", place(index), message)
                    .help("a file that may be missing is written `{path: …, required: false}`");
                session.diagnostics.push(diagnostic);
                continue;
            }
            Ok(_) => {}
        }
        let Some(id) = session.read(&path, place(index)) else { continue };
        match file.format.as_str() {
            "" => {
                let look = |known: &Variables, name: &str| around(name).or_else(|| known.get(name).cloned());
                parse(id, &mut variables, look, session);
            }
            "raw" => {
                let text = session.text(id);
                let define = |name: &str, value: String| {
                    variables.insert(name.to_owned(), value);
                };
                if let Err(error) = dotenv::parse_raw(&text, around, define) {
                    report(id, &text, &error, session);
                }
            }
            other => {
                let message = format!("`{other}` is not a format of env files");
                let diagnostic = Diagnostic::error("unknown-format", place(index), message)
                    .help("leave `format` out, or write `format: raw` for lines that are taken literally");
                session.diagnostics.push(diagnostic);
            }
        }
    }
    let mut resolved: BTreeMap<String, Option<String>> =
        variables.into_iter().map(|(name, value)| (name, Some(value))).collect();
    resolved.extend(std::mem::take(&mut service.environment));
    service.environment = resolved;
}
