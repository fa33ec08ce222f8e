//! Properties of the planner on random projects in random states: it is finished when it is done, every prefix of a plan
//! leaves something it can go on from, and no plan contradicts itself.

use super::{brought_up, plan_over};
use proptest::prelude::*;
use stack::model::{Project, ServiceName, hash};
use stack::observe::{
    Container, ContainerId, ContainerStatus, Fields, Health, HooksDue, Identity, InPlace, ObservedEndpoint,
    ObservedImage, ObservedMount, ObservedNetwork, ObservedNotes, ObservedState, ObservedVolume,
};
use stack::plan::{Action, HookPhase, OldData, OrphanPolicy, Plan, Policy, StepId, Target};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

/// A stack file of a few services that depend on earlier ones, and share namespaces now and then.
fn stack_file() -> impl Strategy<Value = String> {
    let service = (0..3_u8, 0..3_u32, any::<bool>(), any::<bool>(), any::<bool>(), 0..7_u8);
    proptest::collection::vec(service, 1..5).prop_map(|services| {
        let mut text = "services:\n".to_owned();
        for (index, (needs, scale, volume, restart, shares, rules)) in services.iter().enumerate() {
            text.push_str(&format!("  s{index}:\n    image: img{}\n    scale: {scale}\n", index % 2));
            let earlier = usize::from(*needs).min(index);
            let first = services.first().map_or(0, |first| first.1);
            if *shares && index > 0 && first > 0 {
                text.push_str("    network_mode: \"service:s0\"\n");
            }
            if earlier > 0 {
                text.push_str("    depends_on:\n");
                for needed in 0..earlier {
                    text.push_str(&format!(
                        "      s{needed}: {{condition: service_started, restart: {restart}}}\n"
                    ));
                }
            }
            // Every other one is replaced by rules: first or last, one or all at a time, with and without a way back.
            if *rules > 0 {
                let order = if rules % 2 == 0 { "start-first" } else { "stop-first" };
                let action = ["pause", "continue", "rollback"][usize::from(rules / 2) % 3];
                let at_once = rules % 3;
                text.push_str(&format!(
                    "    deploy: {{update_config: {{order: {order}, failure_action: {action}, parallelism: {at_once}}}}}\n"
                ));
            }
            if (needs + rules) % 2 == 0 {
                text.push_str("    post_start: [{command: [warm, up]}]\n");
            }
            if *volume {
                text.push_str("    volumes: [data:/data]\n");
            }
        }
        text.push_str("volumes: {data: {}}\nnetworks: {more: {}}\n");
        text
    })
}

/// What may have happened to a container behind our back.
fn mishaps() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0..11_u8, 0..12)
}

/// What the containers of each service should be made of, as far as it matters here.
fn wanted(project: &Project) -> BTreeMap<ServiceName, Fields> {
    let fields = |service: &stack::model::Service| {
        let networks = service.networks.keys().filter_map(|key| project.networks.get(key));
        let mut fields: Fields =
            networks.map(|network| (format!("networks.{}", network.name), "joined".into())).collect();
        fields.insert("mem_limit".to_owned(), 2.into());
        if service.network_mode.is_empty() {
            fields.insert("network_mode".to_owned(), format!("{}_default", project.name).into());
        }
        fields
    };
    project.services.values().map(|service| (service.name.clone(), fields(service))).collect()
}

/// The label that stands for a start whose `post_start` hooks have not run.
const HOOKS_OWED: &str = "hooks-owed";

/// Makes a mess of what was brought up, the same for the same numbers.
fn mess(project: &Project, observed: &mut ObservedState, mishaps: &[u8]) {
    let count = observed.containers.len();
    for (index, mishap) in mishaps.iter().enumerate() {
        if count == 0 {
            return;
        }
        let at = index % count;
        let Some(container) = observed.containers.get_mut(at) else { continue };
        match mishap {
            0 => container.status = ContainerStatus::Exited,
            1 => container.status = ContainerStatus::Created,
            2 => container.status = ContainerStatus::Paused,
            3 => container.identity.config_hash = Some("another".to_owned()),
            4 => container.identity.image_digest = Some("sha256:older".to_owned()),
            5 => container.mounts.clear(),
            6 => {
                let mut twin = container.clone();
                twin.id = ContainerId(format!("twin{index}"));
                twin.name = format!("0123456789ab_{}", container.name);
                twin.status = ContainerStatus::Created;
                observed.containers.push(twin);
            }
            7 => container.name = format!("0123456789ab_{}", container.name),
            // Made with another limit: that can change in place.
            8 => {
                let Some(service) = project.services.get(&container.identity.service) else { continue };
                container.identity.base_hash = Some(hash::base(service));
                container.identity.config_hash = Some("another limit".to_owned());
                let mut fields = wanted(project).remove(&service.name).expect("the service is in the file");
                fields.insert("mem_limit".to_owned(), 1.into());
                observed.fields.insert(container.id.clone(), fields);
            }
            // Put into another network of the project by hand, or out of its own.
            9 if !container.networks.is_empty() => {
                container.networks.insert("p_more".to_owned(), ObservedEndpoint::default());
            }
            9 => container.name = "renamed".to_owned() + &container.id.0,
            _ => container.networks.clear(),
        }
    }
    inspect(observed);
}

/// What inspecting says of the networks is what the list says.
fn inspect(world: &mut ObservedState) {
    for container in &world.containers {
        let Some(fields) = world.fields.get_mut(&container.id) else { continue };
        fields.retain(|field, _| !field.starts_with("networks."));
        fields.extend(container.networks.keys().map(|name| (format!("networks.{name}"), "joined".into())));
    }
}

/// No two containers ever have one id.
static MADE: AtomicU64 = AtomicU64::new(0);

/// What an engine has after the first `count` steps of a plan.
fn apply(project: &Project, observed: &ObservedState, plan: &Plan, count: usize) -> ObservedState {
    let mut world = observed.clone();
    let mut made: BTreeMap<StepId, ContainerId> = BTreeMap::new();
    let rescues = plan.rescues();
    // Nothing fails here, so what a failure would ask for is not done.
    for step in plan.steps.iter().take(count).filter(|step| !rescues.contains(&step.id)) {
        let id = |target: &Target| match target {
            Target::Existing(id) => id.clone(),
            Target::CreatedBy(step) => {
                made.get(step).cloned().expect("a step comes after the one that creates")
            }
        };
        let wanted = wanted(project);
        match &step.action {
            Action::UpdateContainer { container } => {
                let id = id(&container.target);
                let limit = wanted[&container.service]["mem_limit"].clone();
                world
                    .fields
                    .get_mut(&id)
                    .expect("what it was is known")
                    .insert("mem_limit".to_owned(), limit);
            }
            Action::WriteNotes { name, generation, notes, supersedes } => {
                assert!(world.notes.iter().all(|one| one.name != *name), "the name `{name}` is taken");
                world.notes.retain(|one| Some(&one.name) != supersedes.as_ref());
                let notes = ObservedNotes {
                    id: name.clone(),
                    name: name.clone(),
                    generation: *generation,
                    notes: notes.clone(),
                };
                world.notes.insert(0, notes);
                read_notes(&mut world);
            }
            Action::RemoveNotes { name, .. } => {
                world.notes.retain(|one| one.name != *name);
                world.hooks_due.retain(|one| one.name != *name);
                read_notes(&mut world);
            }
            Action::DisconnectNetwork { network, container } => {
                find(&mut world, &id(&container.target)).networks.remove(network);
            }
            Action::PullImage { image, .. } | Action::BuildImage { image, .. } => {
                let digest = format!("sha256:{image}");
                world.images.insert(image.clone(), ObservedImage::of(&digest));
            }
            Action::CreateNetwork { key, name } => world.networks.push(ObservedNetwork {
                id: format!("id-{name}"),
                name: name.clone(),
                project: Some(project.name.clone()),
                key: Some(key.clone()),
                config_hash: project.networks.get(key).map(hash::network),
                ..ObservedNetwork::default()
            }),
            Action::CreateVolume { key, name } => world.volumes.push(ObservedVolume {
                name: name.clone(),
                project: Some(project.name.clone()),
                key: Some(key.clone()),
                config_hash: project.volumes.get(key).map(hash::volume),
                ..ObservedVolume::default()
            }),
            Action::CreateContainer { service, number, name, .. } => {
                assert!(world.containers.iter().all(|one| one.name != *name), "the name `{name}` is taken");
                let container = created(project, &world, service.as_str(), *number, name);
                made.insert(step.id, container.id.clone());
                world.containers.push(container);
            }
            Action::RenameContainer { container, to } => {
                assert!(world.containers.iter().all(|one| one.name != *to), "the name `{to}` is taken");
                find(&mut world, &id(&container.target)).name.clone_from(to);
            }
            Action::StartContainer { container } => {
                let container = find(&mut world, &id(&container.target));
                container.status = ContainerStatus::Running;
                container.labels.insert(HOOKS_OWED.to_owned(), String::new());
            }
            Action::RunHook { container, phase: HookPhase::PostStart, .. } => {
                find(&mut world, &id(&container.target)).labels.remove(HOOKS_OWED);
            }
            Action::MarkHooks { container } => {
                let container = id(&container.target);
                let name = format!("hooks-{container}");
                world.hooks_due.push(HooksDue { id: name.clone(), name, container });
            }
            Action::ClearHooks { container, .. } => {
                let container = id(&container.target);
                world.hooks_due.retain(|due| due.container != container);
            }
            Action::UnpauseContainer { container } => {
                let container = find(&mut world, &id(&container.target));
                assert_eq!(container.status, ContainerStatus::Paused);
                container.status = ContainerStatus::Running;
            }
            Action::StopContainer { container, .. } => {
                find(&mut world, &id(&container.target)).status = ContainerStatus::Exited;
            }
            Action::RemoveContainer { container, force, .. } => {
                let id = id(&container.target);
                let alive = find(&mut world, &id).status.is_alive();
                assert!(*force || !alive, "`{}` runs and is removed without force", container.name);
                world.containers.retain(|one| one.id != id);
            }
            Action::ConnectNetwork { network, container, .. } => {
                let container = find(&mut world, &id(&container.target));
                container.networks.insert(network.clone(), ObservedEndpoint::default());
            }
            Action::Wait { .. } | Action::Delay { .. } | Action::Monitor { .. } => {}
            Action::CreateKeeper { name, of } => world.volumes.push(ObservedVolume {
                name: name.clone(),
                project: Some(project.name.clone()),
                moves: Some(of.clone()),
                ..ObservedVolume::default()
            }),
            Action::CopyVolume { from, to, .. } => {
                let data = |world: &ObservedState, name: &str| volume(world, name).fields.clone();
                let copied = data(&world, from);
                assert!(!copied.is_empty(), "`{from}` has nothing that could be copied");
                let to = world.volumes.iter_mut().find(|one| one.name == *to).expect("it was made");
                to.fields = copied;
            }
            Action::RemoveVolume { name } => {
                let user = world.containers.iter().find(|one| one.mounts.iter().any(|at| at.name == *name));
                assert!(user.is_none(), "the engine refuses: {user:?} mounts `{name}`");
                world.volumes.retain(|one| one.name != *name);
            }
            Action::RemoveNetwork { .. }
            | Action::RemoveImage { .. }
            | Action::RestartContainer { .. }
            | Action::KillContainer { .. }
            | Action::PauseContainer { .. }
            | Action::RunHook { .. }
            | Action::PrepareModel { .. }
            | Action::PushImage { .. }
            | Action::CreateOneOff { .. }
            | Action::RunProvider { .. } => panic!("these projects need no {:?}", step.action),
        }
        inspect(&mut world);
    }
    world
}

/// What observing makes of the notes.
fn read_notes(world: &mut ObservedState) {
    let newest = world.notes.first().map(|newest| newest.notes.clone()).unwrap_or_default();
    for container in &mut world.containers {
        container.identity.in_place = match newest.get(&container.id.0) {
            None => InPlace::Never,
            Some(None) => InPlace::Unfinished,
            Some(Some(hash)) => InPlace::To(hash.clone()),
        };
    }
}

fn volume<'a>(world: &'a ObservedState, name: &str) -> &'a ObservedVolume {
    world.volumes.iter().find(|one| one.name == name).expect("the volume is there")
}

fn find<'a>(world: &'a mut ObservedState, id: &ContainerId) -> &'a mut Container {
    world.containers.iter_mut().find(|one| one.id == *id).expect("no step is about a container that is gone")
}

fn created(project: &Project, world: &ObservedState, service: &str, number: u32, name: &str) -> Container {
    let service = project.service(service).expect("the service is in the file");
    let resolved = service.with_container_ids(|parent| {
        let mut all: Vec<&Container> =
            world.containers.iter().filter(|one| one.identity.service == *parent).collect();
        all.sort_by_key(|one| (one.identity.number, !one.id.0.starts_with("made")));
        all.first().map(|one| one.id.0.clone())
    });
    let networks = service.networks.keys().filter_map(|key| project.networks.get(key));
    let mounts = service.volumes.iter().filter_map(|mount| project.volumes.get(mount.source.as_str()));
    Container {
        id: ContainerId(format!("made{}", MADE.fetch_add(1, Ordering::Relaxed))),
        name: name.to_owned(),
        identity: Identity {
            project: project.name.clone(),
            service: service.name.clone(),
            number: Some(number),
            config_hash: Some(hash::service(&resolved)),
            image_digest: world.images.get(&project.image_name(service)).map(|image| image.digest.clone()),
            ..Identity::default()
        },
        status: ContainerStatus::Created,
        health: service.healthcheck.is_some().then_some(Health::Healthy),
        networks: networks.map(|network| (network.name.clone(), ObservedEndpoint::default())).collect(),
        mounts: mounts
            .map(|volume| ObservedMount {
                kind: "volume".to_owned(),
                name: volume.name.clone(),
                ..ObservedMount::default()
            })
            .collect(),
        created: 1,
        ..Container::default()
    }
}

/// What no plan may do: come back to a container it has removed, or stop one twice.
fn contradictions(plan: &Plan) -> Vec<String> {
    let mut removed: BTreeSet<String> = BTreeSet::new();
    let mut stopped: BTreeSet<String> = BTreeSet::new();
    let mut found = Vec::new();
    let rescues = plan.rescues();
    for step in &plan.steps {
        if step.after.iter().any(|earlier| *earlier >= step.id) {
            found.push(format!("step {} comes before one it needs", step.id.0));
        }
        if rescues.contains(&step.id) {
            continue;
        }
        let Some(container) = step.action.container() else { continue };
        let Target::Existing(id) = &container.target else { continue };
        if removed.contains(&id.0) {
            found.push(format!("step {} is about {}, which is gone", step.id.0, container.name));
        }
        if let Action::RemoveContainer { .. } = step.action {
            removed.insert(id.0.clone());
        }
        if let Action::StopContainer { .. } = step.action
            && !stopped.insert(id.0.clone())
        {
            found.push(format!("step {} stops {} a second time", step.id.0, container.name));
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do(text in stack_file(), mishaps in mishaps()) {
        let project = super::project(&text);
        let policy = Policy { orphans: OrphanPolicy::Remove, ..Policy::default() };
        let mut observed = brought_up(&project);
        mess(&project, &mut observed, &mishaps);
        let plan = plan_over(&project, &observed, &policy, &wanted(&project));
        prop_assert_eq!(contradictions(&plan), Vec::<String>::new());
        let after = apply(&project, &observed, &plan, plan.steps.len());
        let again = plan_over(&project, &after, &policy, &wanted(&project));
        prop_assert!(again.is_empty(), "left to do:\n{again}\nafter:\n{plan}");
    }

    #[test]
    fn any_prefix_of_a_plan_leaves_a_state_that_the_next_plan_brings_to_the_same_end(
        text in stack_file(),
        mishaps in mishaps(),
        from_nothing in any::<bool>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let project = super::project(&text);
        let policy = Policy::default();
        let mut observed = if from_nothing { ObservedState::default() } else { brought_up(&project) };
        mess(&project, &mut observed, &mishaps);
        let plan = plan_over(&project, &observed, &policy, &wanted(&project));
        let broken = apply(&project, &observed, &plan, cut.index(plan.steps.len() + 1));
        let next = plan_over(&project, &broken, &policy, &wanted(&project));
        prop_assert_eq!(contradictions(&next), Vec::<String>::new());
        let mended = apply(&project, &broken, &next, next.steps.len());
        let again = plan_over(&project, &mended, &policy, &wanted(&project));
        prop_assert!(again.is_empty(), "left to do:\n{again}\nafter:\n{next}\nbroken off:\n{plan}");
        for service in project.services.values() {
            let running = mended.containers.iter().filter(|one| {
                one.identity.service == service.name && one.status == ContainerStatus::Running
            });
            prop_assert_eq!(u32::try_from(running.count()).unwrap(), service.replicas());
            let owed = mended.containers.iter().find(|one| {
                one.identity.service == service.name && one.labels.contains_key(HOOKS_OWED)
            });
            prop_assert!(
                service.post_start.is_empty() || owed.is_none(),
                "hooks of {owed:?} never ran:\n{next}\nbroken off:\n{plan}"
            );
        }
    }

    #[test]
    fn a_volume_that_moves_is_whole_at_any_moment_and_in_its_place_in_the_end(
        text in stack_file(),
        cut in any::<prop::sample::Index>(),
        agrees_again in any::<bool>(),
    ) {
        let mut project = super::project(&text);
        // A volume that no service mounts is none of the project's.
        let Some(changed) = project.volumes.values().next().cloned() else { return Ok(()) };
        let mut observed = brought_up(&project);
        // What is in it goes by its fields here.
        observed.volumes.iter_mut().for_each(|one| one.fields = Fields::from([("data".to_owned(), "all".into())]));
        let services = project.services.clone();
        for one in project.volumes.values_mut() {
            one.labels.insert("tier".to_owned(), "two".to_owned());
        }
        prop_assert_eq!(&project.services, &services, "the containers are as they should be");
        let policy = Policy { replace_all_volumes: Some(OldData::Moves), ..Policy::default() };
        let plan = plan_over(&project, &observed, &policy, &wanted(&project));
        prop_assert_eq!(contradictions(&plan), Vec::<String>::new());
        let broken = apply(&project, &observed, &plan, cut.index(plan.steps.len() + 1));
        let whole = |world: &ObservedState| world.volumes.iter().any(|one| !one.fields.is_empty());
        prop_assert!(whole(&broken), "broken off, and the data is gone:\n{plan}");
        let next_policy = if agrees_again { policy.clone() } else { Policy::default() };
        let next = plan_over(&project, &broken, &next_policy, &wanted(&project));
        let mended = apply(&project, &broken, &next, next.steps.len());
        prop_assert!(!volume(&mended, &changed.name).fields.is_empty(), "not where it belongs:\n{next}\nafter:\n{plan}");
        let last = plan_over(&project, &mended, &policy, &wanted(&project));
        let end = apply(&project, &mended, &last, last.steps.len());
        let moved = volume(&end, &changed.name);
        prop_assert_eq!(moved.config_hash.clone(), project.volumes.values().next().map(hash::volume));
        prop_assert!(!moved.fields.is_empty() && end.volumes.iter().all(|one| one.moves.is_none()));
        let again = plan_over(&project, &end, &policy, &wanted(&project));
        prop_assert!(again.is_empty(), "left to do:\n{again}");
    }
}
