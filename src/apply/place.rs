//! Where the stack file says what an engine refuses.
//!
//! In: the action and the engine's words. Out: the same error with a hint that names the line. Engines quote the value that they
//! do not take, or name its kind; the attribute that has the one or goes by the other is what the user wants to see. Where
//! none is found, the place of the service, network or volume is named.

use super::{Cx, StepError};
use crate::engine::EngineErrorKind;
use crate::plan::{Action, HookPhase};
use crate::yaml::{Data, Node, NodePath, scalar_text};

/// Attributes whose values are the user's own words, which an engine never judges.
const OWN_WORDS: &[&str] =
    &["environment", "labels", "annotations", "depends_on", "develop", "build", "name", "container_name"];

/// Shorter texts are in a message by chance.
const TELLING: usize = 4;

/// Adds the place to a refusal.
pub(super) fn told(cx: &Cx, action: &Action, error: StepError) -> StepError {
    let (Some(project), Some(sources), Some(of)) = (&cx.project, &cx.sources, subject(action)) else {
        return error;
    };
    let unheard = matches!(
        error.refusal,
        Some(
            EngineErrorKind::Denied
                | EngineErrorKind::Unreachable
                | EngineErrorKind::TimedOut
                | EngineErrorKind::Unexpected
        )
    );
    if error.cancelled || unheard {
        return error;
    }
    // What a hook says are the words of a program, not the engine's.
    let quotes = !matches!(action, Action::RunHook { .. });
    let found = project
        .origins
        .node(&of)
        .filter(|_| quotes)
        .and_then(|node| quoted(node, &of, engine_s_words(&error.message)));
    let exact = found.is_some();
    let path = found.unwrap_or(of);
    let Some(place) = sources.place(project.origins.key_span(&path)) else { return error };
    let mut error = error;
    if exact || (error.hints.is_empty() && error.diagnosis.is_none()) {
        error.hints.push(format!("`{path}` is at {place}"));
    }
    error
}

fn subject(action: &Action) -> Option<NodePath> {
    if let Action::RunHook { container, phase, index } = action {
        let list = match phase {
            HookPhase::PreStart => "pre_start",
            HookPhase::PostStart => "post_start",
            HookPhase::PreStop => "pre_stop",
        };
        return Some(NodePath::of(&["services", container.service.as_str(), list]).index(*index));
    }
    if let Action::CreateNetwork { key, .. } = action {
        return Some(NodePath::of(&["networks", key.as_str()]));
    }
    if let Action::CreateVolume { key, .. } = action {
        return Some(NodePath::of(&["volumes", key.as_str()]));
    }
    let from_the_file = matches!(
        action,
        Action::CreateContainer { .. }
            | Action::CreateOneOff { .. }
            | Action::StartContainer { .. }
            | Action::UpdateContainer { .. }
            | Action::ConnectNetwork { .. }
    );
    let service = action.service().filter(|_| from_the_file)?;
    Some(NodePath::of(&["services", service.as_str()]))
}

/// What comes after ``cannot create container `shop-web-1`: ``.
fn engine_s_words(message: &str) -> &str {
    message.split_once("`: ").map_or(message, |(_, words)| words)
}

/// The attribute below `node` that the words are about: the one with the longest value in them, else the one with the longest
/// name.
fn quoted(node: &Node, path: &NodePath, words: &str) -> Option<NodePath> {
    let mut best = Best { words, value: None, name: None };
    best.look(node, path);
    let (value, name) = (best.value, best.name);
    value.or(name).map(|(_, path)| path)
}

struct Best<'a> {
    words: &'a str,
    value: Option<(usize, NodePath)>,
    name: Option<(usize, NodePath)>,
}

impl Best<'_> {
    fn look(&mut self, node: &Node, path: &NodePath) {
        match &node.data {
            Data::Mapping(mapping) => {
                for (key, entry) in mapping.iter().filter(|(key, _)| !OWN_WORDS.contains(key)) {
                    let path = path.key(key);
                    let singular = key.strip_suffix('s').unwrap_or(key);
                    if is_said(self.words, singular) {
                        keep(&mut self.name, singular, &path);
                    }
                    self.look(&entry.value, &path);
                }
            }
            Data::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.look(item, &path.index(index));
                }
            }
            // `true` and `false` are in a message by chance.
            Data::Null | Data::Bool(_) => {}
            scalar @ (Data::Int(_)
            | Data::UInt(_)
            | Data::Float(_)
            | Data::Timestamp(_)
            | Data::String(_)) => {
                let text = scalar_text(scalar).unwrap_or_default();
                if is_said(self.words, &text) {
                    keep(&mut self.value, &text, path);
                }
            }
        }
    }
}

/// The first of the longest.
fn keep(best: &mut Option<(usize, NodePath)>, text: &str, path: &NodePath) {
    if best.as_ref().is_none_or(|(length, _)| text.len() > *length) {
        *best = Some((text.len(), path.clone()));
    }
}

/// Whether a text stands in the words, and not as a part of a longer one.
fn is_said(words: &str, text: &str) -> bool {
    let ends = |next: Option<char>| next.is_none_or(|next| !next.is_alphanumeric());
    text.len() >= TELLING
        && words.match_indices(text).any(|(at, _)| {
            let (before, after) = (words.get(..at), words.get(at + text.len()..));
            let after = after.map(|after| after.strip_prefix('s').unwrap_or(after));
            ends(before.and_then(|before| before.chars().next_back()))
                && ends(after.and_then(|after| after.chars().next()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Diagnostics, SourceId};

    #[track_caller]
    fn check(service: &str, words: &str, expect: &str) {
        let node = crate::yaml::parse(SourceId::NONE, service, &mut Diagnostics::default());
        let node = node.into_iter().next().expect("it is YAML");
        let found = quoted(&node, &NodePath::of(&["web"]), words);
        assert_eq!(found.map(|path| path.to_string()).unwrap_or_default(), expect);
    }

    #[test]
    fn the_attribute_is_the_one_whose_value_the_engine_quotes() {
        check("dns: [9.9.9.9, 300.1.1.1]", "invalid IP address in dns: 300.1.1.1", "web.dns[1]");
        check(
            "{user: nobody, working_dir: relative}",
            "the working directory 'relative' is invalid",
            "web.working_dir",
        );
        check(
            "ports: [{target: 80, published: \"8080\"}]",
            "Bind for 0.0.0.0:8080 failed",
            "web.ports[0].published",
        );
    }

    #[test]
    fn else_the_one_that_goes_by_the_name_that_the_engine_says() {
        check("links: [db]", "bad parameter: link is not supported", "web.links");
        check("logging: {driver: local}", "invalid log driver: invalid argument", "web.logging.driver");
    }

    #[test]
    fn a_users_own_words_and_parts_of_words_are_not_taken_for_it() {
        check("environment: {A: nobody}", "unable to find user nobody", "");
        check("labels: {driver: x}", "no driver", "");
        check("user: name", "invalid hostname", "");
    }
}
