//! `__complete`: what may come next on a command line, for shells and for the docker command.
//!
//! The answer is a line for each word, with what it means behind a tab, and at the end `:4` where no files are to be offered, `:0`
//! where they are: what the docker command expects of a plugin, and what our scripts for shells read.

use super::words::{At, takes_value};
use super::{Cli, ProjectArgs, Surroundings};
use crate::load::{self, Loaded};
use clap::{Arg, Command, CommandFactory, FromArgMatches};

/// The word that asks for it.
pub const WORD: &str = "__complete";

/// What may stand in the place of the last of the words.
pub fn answer(words: &[String], surroundings: &Surroundings) -> String {
    let root = Cli::command();
    let (last, before) = words.split_last().map_or(("", [].as_slice()), |(last, rest)| (last.as_str(), rest));
    let place = Place::after(before, &root);
    let project = || project(before, surroundings);
    let found: Option<Vec<(String, String)>> = match place.value_of {
        Some(arg) => values(arg, &project),
        None if last.starts_with('-') && !place.only_words => Some(flags(place.at)),
        None if place.at.command.has_subcommands() => Some(commands(place.at.command)),
        None => place.positional().filter(|arg| names_a_service(arg)).map(|_| services(&project, before, "")),
    };
    let directive = if found.is_some() { ":4" } else { ":0" };
    let mut lines: Vec<String> = found
        .into_iter()
        .flatten()
        .filter(|(word, _)| word.starts_with(last))
        .map(|(word, what)| if what.is_empty() { word } else { format!("{word}\t{what}") })
        .collect();
    lines.push(directive.to_owned());
    lines.join("\n") + "\n"
}

/// Where a word would stand.
struct Place<'a> {
    /// The command that it belongs to.
    at: At<'a>,
    /// The flag whose value it is.
    value_of: Option<&'a Arg>,
    /// How many words without a name came before it.
    position: usize,
    /// No flags can come any more.
    only_words: bool,
}

impl<'a> Place<'a> {
    fn after(words: &[String], root: &'a Command) -> Self {
        let mut place = Self { at: At::start(root), value_of: None, position: 0, only_words: false };
        for word in words {
            let name = word.split('=').next().unwrap_or_default();
            if place.value_of.take().is_some() {
                continue;
            }
            if word == "--" {
                place.only_words = true;
            } else if !place.only_words && word.starts_with('-') {
                let flag = place.at.flag(name).filter(|_| name.len() == word.len());
                place.value_of =
                    flag.filter(|(flag, has_value)| takes_value(flag) && !has_value).map(|(flag, _)| flag);
            } else if place.only_words || !place.at.enter(word) {
                place.only_words |= place.at.hands_over();
                place.position += 1;
            }
        }
        place
    }

    /// The argument without a name that would stand here; the last one may be repeated.
    fn positional(&self) -> Option<&'a Arg> {
        let all: Vec<&Arg> = self.at.command.get_positionals().collect();
        let repeated = all.last().copied().filter(|arg| {
            arg.get_num_args().is_some_and(|range| range.max_values() > 1)
                || matches!(arg.get_action(), clap::ArgAction::Append)
        });
        all.get(self.position).copied().or(repeated)
    }
}

fn flags(at: At<'_>) -> Vec<(String, String)> {
    let own = at.command.get_arguments().filter(|arg| !arg.is_hide_set());
    let mut found: Vec<(String, String)> = own
        .chain(at.global())
        .filter_map(|arg| Some((format!("--{}", arg.get_long()?), about(arg.get_help()))))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn commands(command: &Command) -> Vec<(String, String)> {
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
    shown.map(|command| (command.get_name().to_owned(), about(command.get_about()))).collect()
}

fn about(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

/// The values of a flag; `None` where they may be files, or anything.
fn values(arg: &Arg, project: &dyn Fn() -> Option<Loaded>) -> Option<Vec<(String, String)>> {
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        let what = |value: &clap::builder::PossibleValue| about(value.get_help());
        return Some(possible.iter().map(|value| (value.get_name().to_owned(), what(value))).collect());
    }
    match arg.get_id().as_str() {
        "scale" => Some(services(project, &[], "=")),
        "attach" | "no_attach" | "exit_code_from" | "why" => Some(services(project, &[], "")),
        "profile" => Some(profiles(project)),
        _ => None,
    }
}

fn names_a_service(arg: &Arg) -> bool {
    let named = |name: &clap::builder::Str| name.as_str().starts_with("SERVICE");
    arg.get_value_names().is_some_and(|names| names.iter().any(named))
}

/// Services that were not named yet.
fn services(project: &dyn Fn() -> Option<Loaded>, before: &[String], behind: &str) -> Vec<(String, String)> {
    let Some(loaded) = project() else { return Vec::new() };
    let all = loaded.project.services.values().chain(loaded.project.disabled_services.values());
    all.filter(|service| before.iter().all(|word| word != service.name.as_str()))
        .map(|service| (format!("{}{behind}", service.name), service.image.clone()))
        .collect()
}

fn profiles(project: &dyn Fn() -> Option<Loaded>) -> Vec<(String, String)> {
    let Some(loaded) = project() else { return Vec::new() };
    let all = loaded.project.services.values().chain(loaded.project.disabled_services.values());
    let mut names: Vec<String> = all.flat_map(|service| service.profiles.clone()).collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| (name, String::new())).collect()
}

/// The project that the words before mean; a file with mistakes has nothing to offer.
fn project(words: &[String], surroundings: &Surroundings) -> Option<Loaded> {
    let words = std::iter::once("stack".to_owned()).chain(words.iter().cloned());
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(words).ok()?;
    let args = ProjectArgs::from_arg_matches(&matches).ok()?;
    if args.file.iter().any(|file| file == "-") {
        return None;
    }
    load::load(&args.request(surroundings).ok()?).ok()
}
