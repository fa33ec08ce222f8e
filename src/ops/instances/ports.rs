//! Host ports of instances: each fixed one becomes a free one, which stays the instance's.
//!
//! What the instance's containers have is the truth; a file in the user's state folder remembers it while there are none.
//! A port is chosen while a lock is held, and put down in that file before the lock is given up, so that two instances that
//! start at the same time do not choose the same one. Somebody who knows nothing of all this may still be quicker: then the
//! engine refuses, and `up` chooses again.

use super::Registry;
use crate::engine::{Address, ContainerRow, Engine, label};
use crate::model::Project;
use crate::model::instance::{PortMap, PortRun, fixed_ports, map_ports, ports_of};
use crate::ops::{OpsError, Session};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::PoisonError;

/// Where ports are chosen from: below the ones that systems and engines give out unasked (32768 on Linux), and below those
/// of Kubernetes.
const FIRST: u16 = 20_000;
/// How many.
const COUNT: u16 = 10_000;

/// An instance with its host ports; what it is completed with already, where nothing has to be added.
///
/// # Errors
/// The engine's; no ports are left.
pub async fn give(
    session: &Session,
    engine: &Engine,
    completed: Option<Project>,
    own: &Project,
) -> Result<Option<Project>, OpsError> {
    let project = completed.as_ref().unwrap_or(own);
    let wanted = fixed_ports(project);
    let has_own = project.instance.as_ref().is_some_and(|instance| !instance.keeps_ports);
    if !has_own || wanted.is_empty() {
        return Ok(completed);
    }
    let ports = settle(session, engine, project, &wanted).await?;
    let mut project = completed.unwrap_or_else(|| own.clone());
    map_ports(&mut project, &ports);
    Ok(Some(project))
}

/// An instance with the host ports that it has or would get, without keeping them for it; `None` when it has no fixed ones.
/// Where no engine answers, only what its name leads to is known.
///
/// # Errors
/// The engine's; no ports are left.
pub async fn foretell(session: &Session, project: &Project) -> Result<Option<Project>, OpsError> {
    let wanted = fixed_ports(project);
    if wanted.is_empty() {
        return Ok(None);
    }
    let asked = async { give(session, &session.engine().await?, None, project).await };
    match asked.await {
        Err(OpsError::Connect(_)) => {}
        Err(error) if error.is_engine_trouble() => {}
        answered => return answered,
    }
    let text = "no engine answers: the host ports of this instance may be others";
    session.warn(project.name.as_str(), text);
    let usual = choose(project.name.as_str(), &wanted, &Seen::default(), |_| true).unwrap_or_default();
    let mut project = project.clone();
    map_ports(&mut project, &usual);
    Ok(Some(project))
}

/// Finds the ports of an instance, and keeps them for it; a rehearsal keeps nothing.
async fn settle(
    session: &Session,
    engine: &Engine,
    project: &Project,
    wanted: &[PortRun],
) -> Result<PortMap, OpsError> {
    let name = project.name.as_str();
    let registry = Registry::of(session, engine);
    let held = if session.dry_run.is_some() { None } else { registry.lock(session, name).await? };
    let rows = engine.list_containers(&[]).await?;
    let refused = session.taken_ports.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let seen = Seen::of(&rows, name, &registry, refused);
    let local = matches!(engine.address(), Address::Unix(_));
    let is_free = |port: u16| !local || listens_nobody(port);
    let ports = choose(name, wanted, &seen, is_free).ok_or_else(|| OpsError::Other {
        message: format!(
            "no free host ports are left for instance `{name}` between {FIRST} and {}",
            FIRST + COUNT - 1
        ),
        hints: vec!["`stack instances prune` removes those that nobody needs".to_owned()],
    })?;
    if held.is_some() {
        registry.keep_ports(session, project, &ports);
    }
    drop(held);
    Ok(ports)
}

/// Which ports are whose.
#[derive(Debug, Clone, Default)]
struct Seen {
    /// What the instance has had.
    own: PortMap,
    /// What running containers of it publish now.
    published: BTreeSet<u16>,
    /// What others have, or will have when they run again.
    others: BTreeSet<u16>,
}

impl Seen {
    fn of(rows: &[ContainerRow], project: &str, registry: &Registry, refused: BTreeSet<u16>) -> Self {
        let entries = registry.read();
        let mut seen = Self { others: refused, ..Self::default() };
        for (name, entry) in entries {
            if name == project {
                seen.own = entry.ports;
            } else {
                seen.others.extend(entry.ports.values());
            }
        }
        for row in rows {
            let label = row.labels.get(label::INSTANCE_PORTS).map(|text| ports_of(text)).unwrap_or_default();
            let published = row.ports.iter().map(|port| port.public_port).filter(|port| *port != 0);
            if row.labels.get(label::PROJECT).is_some_and(|of| of == project) {
                seen.own.extend(label);
                seen.published.extend(published);
            } else {
                seen.others.extend(label.values());
                seen.others.extend(published);
            }
        }
        seen
    }
}

/// A port for each that is wanted: the one that the instance has had, as long as nobody else has it now; else the first free
/// one from where its name leads, which is the same place every time. `None` when none is left.
fn choose(name: &str, wanted: &[PortRun], seen: &Seen, is_free: impl Fn(u16) -> bool) -> Option<PortMap> {
    let mut chosen = PortMap::new();
    let mut taken = seen.others.clone();
    let can_have = |taken: &BTreeSet<u16>, first: u16, run: &PortRun| {
        let mut ports = PortRun { first, ..*run }.ports();
        ports.all(|port| !taken.contains(&port) && (seen.published.contains(&port) || is_free(port)))
    };
    for run in wanted {
        let search = || {
            let range = COUNT.checked_sub(run.length)?.checked_add(1)?;
            let start = start(name, run.first) % range;
            // A port that the instance has had for another of its own stays there.
            let mut avoided = taken.clone();
            avoided.extend(seen.own.iter().filter(|(from, _)| **from != run.first).map(|(_, to)| *to));
            let mut candidates = (0..range).map(|offset| FIRST + (start + offset) % range);
            candidates.find(|first| can_have(&avoided, *first, run))
        };
        let kept = seen.own.get(&run.first).copied().filter(|first| can_have(&taken, *first, run));
        let first = kept.or_else(search)?;
        taken.extend(PortRun { first, ..*run }.ports());
        chosen.insert(run.first, first);
    }
    Some(chosen)
}

/// Where the search begins.
fn start(name: &str, port: u16) -> u16 {
    let digest = Sha256::digest(format!("{name}\n{port}").as_bytes());
    digest.iter().take(2).fold(0, |number: u16, byte| (number << 8) | u16::from(*byte))
}

/// Whether no process of this machine has a port.
fn listens_nobody(port: u16) -> bool {
    std::net::TcpListener::bind(("0.0.0.0", port)).is_ok()
        && std::net::UdpSocket::bind(("0.0.0.0", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(first: u16, length: u16) -> PortRun {
        PortRun { first, length }
    }

    #[test]
    fn an_instance_keeps_what_it_had_and_chooses_the_same_again() {
        let wanted = [run(80, 1), run(5432, 1)];
        let first = choose("shop-x", &wanted, &Seen::default(), |_| true).unwrap();
        assert_eq!(choose("shop-x", &wanted, &Seen::default(), |_| true), Some(first.clone()));
        assert!(first.values().all(|port| (FIRST..FIRST + COUNT).contains(port)));
        let seen = Seen { own: PortMap::from([(80, 28080)]), ..Seen::default() };
        assert_eq!(choose("shop-x", &wanted, &seen, |_| true).unwrap()[&80], 28080);
    }

    #[test]
    fn what_others_have_is_left_to_them() {
        let wanted = [run(80, 1)];
        let usual = choose("shop-x", &wanted, &Seen::default(), |_| true).unwrap()[&80];
        let own = PortMap::from([(80, usual)]);
        let others = BTreeSet::from([usual]);
        let seen = Seen { own: own.clone(), others, ..Seen::default() };
        assert_ne!(choose("shop-x", &wanted, &seen, |_| true).unwrap()[&80], usual);
        // A process that is no container has it; unless it is what the instance's own container listens on.
        let stopped = Seen { own: own.clone(), ..Seen::default() };
        assert_ne!(choose("shop-x", &wanted, &stopped, |port| port != usual).unwrap()[&80], usual);
        let runs = Seen { own, published: BTreeSet::from([usual]), ..Seen::default() };
        assert_eq!(choose("shop-x", &wanted, &runs, |port| port != usual).unwrap()[&80], usual);
    }

    #[test]
    fn a_range_gets_ports_in_a_row_and_what_cannot_be_had_is_none() {
        let others: BTreeSet<u16> = (FIRST..FIRST + COUNT).filter(|port| port % 100 >= 10).collect();
        let seen = Seen { others, ..Seen::default() };
        let first = choose("shop-x", &[run(8000, 10)], &seen, |_| true).unwrap()[&8000];
        assert_eq!(first % 100, 0);
        assert_eq!(choose("shop-x", &[run(8000, 11)], &seen, |_| true), None);
        let all = choose("shop-x", &[run(1, 10), run(2, 10), run(3, 1)], &seen, |_| true).unwrap();
        let mut ports: Vec<u16> = [(1, 10), (2, 10), (3, 1)]
            .iter()
            .flat_map(|(port, length)| run(all[port], *length).ports())
            .collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 21);
    }
}
