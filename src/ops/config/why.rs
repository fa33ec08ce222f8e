//! `config --why SERVICE`: why a service takes part, or does not.
//!
//! In: a loaded project and the services that were named. Out: reasons with their places, and who needs the service.

use crate::load::Loaded;
use crate::source::nearest;
use crate::yaml::{Mapping, Node, NodePath};
use serde::Serialize;

/// Why a service is in or out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// The service.
    pub service: String,
    /// Where it is written.
    pub place: Option<String>,
    /// Whether it takes part.
    pub takes_part: bool,
    /// The reasons, a sentence each.
    pub reasons: Vec<String>,
    /// The services that depend on it.
    pub needed_by: Vec<Need>,
}

/// A dependency on the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// Who depends.
    pub service: String,
    /// Whether that one takes part.
    pub takes_part: bool,
    /// What it waits for.
    pub condition: String,
    /// Where that is written.
    pub place: Option<String>,
}

/// Who switched profiles on.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Services named on the command line.
    pub services: &'a [String],
    /// `--profile`.
    pub profiles: &'a [String],
}

/// Explains a service.
///
/// # Errors
/// There is no such service: the nearest name, if one is near.
pub fn why(loaded: &Loaded, service: &str, asked: Asked<'_>) -> Result<Why, Option<String>> {
    let project = &loaded.project;
    let services = project.origins.tree().and_then(|tree| tree.get("services")).and_then(Node::as_mapping);
    let known = || services.into_iter().flat_map(Mapping::iter);
    let Some(entry) = services.and_then(|services| services.entry(service)) else {
        return Err(nearest(service, known().map(|(name, _)| name)).map(str::to_owned));
    };
    let takes_part = |name: &str| project.services.contains_key(name);
    let place = |path: &NodePath| loaded.sources.place(project.origins.key_span(path));
    let needed_by: Vec<Need> = known()
        .filter_map(|(name, entry)| {
            let dependency = entry.value.get("depends_on")?.get(service)?;
            Some(Need {
                service: name.to_owned(),
                takes_part: takes_part(name),
                condition: dependency
                    .get("condition")
                    .and_then(Node::as_str)
                    .unwrap_or("service_started")
                    .to_owned(),
                place: place(&NodePath::of(&["services", name, "depends_on", service])),
            })
        })
        .collect();
    let mut reasons = vec![by_profile(loaded, &entry.value, service, asked)];
    let profile_lets_it_in = takes_part(service) || is_active(loaded, &entry.value);
    if profile_lets_it_in {
        reasons.push(by_selection(service, takes_part(service), &needed_by, asked));
    }
    Ok(Why {
        service: service.to_owned(),
        place: loaded.sources.place(entry.key_span),
        takes_part: takes_part(service),
        reasons,
        needed_by,
    })
}

fn profiles_of(service: &Node) -> impl Iterator<Item = &Node> {
    service.get("profiles").and_then(Node::as_sequence).unwrap_or_default().iter()
}

fn is_active(loaded: &Loaded, service: &Node) -> bool {
    let active = &loaded.project.profiles;
    let mut own = profiles_of(service).filter_map(Node::as_str).peekable();
    own.peek().is_none() || own.any(|profile| active.iter().any(|known| known == profile || known == "*"))
}

fn by_profile(loaded: &Loaded, node: &Node, service: &str, asked: Asked<'_>) -> String {
    let own: Vec<(&str, String)> = profiles_of(node)
        .filter_map(|profile| {
            let place = loaded.sources.place(profile.span).map(|place| format!(" ({place})"));
            Some((profile.as_str()?, place.unwrap_or_default()))
        })
        .collect();
    if own.is_empty() {
        return "it has no profiles, so none has to be active".to_owned();
    }
    let active = &loaded.project.profiles;
    for (profile, place) in &own {
        let Some(by) = active.iter().find(|known| known == profile || known.as_str() == "*") else {
            continue;
        };
        let who = if asked.profiles.contains(by) {
            format!("switched on by `--profile {by}`")
        } else if asked.profiles.is_empty()
            && loaded
                .project
                .environment
                .get("COMPOSE_PROFILES")
                .is_some_and(|list| list.split(',').any(|listed| listed.trim() == by))
        {
            format!("switched on by `COMPOSE_PROFILES`, which holds `{by}`")
        } else if asked.services.iter().any(|named| named == service) {
            "switched on because the service is named".to_owned()
        } else {
            "switched on because a service that has it is named".to_owned()
        };
        return format!("its profile `{profile}`{place} is active: {who}");
    }
    let names: Vec<_> = own.iter().map(|(profile, place)| format!("`{profile}`{place}")).collect();
    let first = own.first().map_or("", |(profile, _)| *profile);
    format!("none of its profiles is active: {}; switch it on with `--profile {first}`", names.join(", "))
}

fn by_selection(service: &str, takes_part: bool, needed_by: &[Need], asked: Asked<'_>) -> String {
    if asked.services.is_empty() {
        return "no services are named, so all take part".to_owned();
    }
    let named: Vec<_> = asked.services.iter().map(|name| format!("`{name}`")).collect();
    let named = named.join(", ");
    if !takes_part {
        return format!("only {named} and what they depend on take part");
    }
    let through: Vec<_> =
        needed_by.iter().filter(|need| need.takes_part).map(|need| format!("`{}`", need.service)).collect();
    if asked.services.iter().any(|name| name == service) || through.is_empty() {
        format!("it is among the named services: {named}")
    } else {
        format!("only {named} and what they depend on take part, and {} depends on it", through.join(", "))
    }
}

/// The explanation for people.
pub fn text(why: &Why) -> String {
    let at = |place: &Option<String>| place.as_ref().map_or_else(String::new, |place| format!("  ({place})"));
    let verdict = if why.takes_part { "takes part" } else { "does not take part" };
    let mut text = format!("`{}` {verdict}{}\n", why.service, at(&why.place));
    for reason in &why.reasons {
        text.push_str(&format!("  - {reason}\n"));
    }
    if why.needed_by.is_empty() {
        text.push_str("Nothing depends on it.\n");
    } else {
        text.push_str("These depend on it:\n");
    }
    for need in &why.needed_by {
        let out = if need.takes_part { "" } else { ", does not take part" };
        text.push_str(&format!("  - `{}` ({}{out}){}\n", need.service, need.condition, at(&need.place)));
    }
    text
}
