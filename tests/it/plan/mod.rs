//! The planner: a stack file and what the engine has, in; the plan's text, out. No engine, no clock.

use stack::graph::ServiceGraph;
use stack::load::{LoadRequest, load};
use stack::model::{Project, ServiceName, hash};
use stack::observe::{
    Container, ContainerId, ContainerStatus, Fields, Health, Identity, ObservedImage, ObservedMount,
    ObservedNetwork, ObservedState, ObservedVolume,
};
use stack::plan::lifecycle::{self, Lifecycle};
use stack::plan::{
    Grace, ImagePolicy, Input, OrphanPolicy, Plan, Policy, Recreate, Teardown, graph_from_labels, reconcile,
    teardown,
};
use stack::source::{Colour, to_text};
use std::collections::{BTreeMap, BTreeSet};

mod convergence;

const WEB_DB: &str = "\
services:
  web: {image: app, depends_on: {db: {condition: service_healthy}}}
  db: {image: base, healthcheck: {test: [CMD, \"true\"]}, volumes: [data:/data]}
volumes: {data: {}}
";

/// The project of a stack file's text, called `p`.
pub fn project(text: &str) -> Project {
    let request = LoadRequest {
        current_dir: "/project".into(),
        files: vec!["-".to_owned()],
        stdin: Some(text.to_owned()),
        project_name: Some("p".to_owned()),
        ..LoadRequest::default()
    };
    match load(&request) {
        Ok(loaded) => loaded.project,
        Err(failure) => panic!("{}", to_text(&failure.diagnostics, &failure.sources, Colour::Never)),
    }
}

/// What the engine has when a project was brought up: everything there, everything running.
pub fn brought_up(project: &Project) -> ObservedState {
    let mut observed = ObservedState::default();
    for (key, network) in &project.networks {
        observed.networks.push(ObservedNetwork {
            id: format!("id-{}", network.name),
            name: network.name.clone(),
            project: Some(project.name.clone()),
            key: Some(key.clone()),
            config_hash: Some(hash::network(network)),
            ..ObservedNetwork::default()
        });
    }
    for (key, volume) in &project.volumes {
        observed.volumes.push(ObservedVolume {
            name: volume.name.clone(),
            project: Some(project.name.clone()),
            key: Some(key.clone()),
            config_hash: Some(hash::volume(volume)),
            ..ObservedVolume::default()
        });
    }
    for service in project.services.values() {
        let image = project.image_name(service);
        let digest = format!("sha256:{image}");
        observed.images.insert(image, ObservedImage::of(&digest));
        for number in 1..=service.replicas() {
            observed.containers.push(container(project, service.name.as_str(), number));
        }
    }
    observed
}

/// An id that begins with the service's name in hexadecimal: readable in temporary names.
fn id_of(service: &str, number: u32) -> ContainerId {
    let digits: String = service.bytes().map(|byte| format!("{byte:02x}")).collect();
    ContainerId(format!("{digits:0<12}{number}"))
}

/// A container as `up` makes it, running and healthy.
pub fn container(project: &Project, service: &str, number: u32) -> Container {
    let service = project.service(service).expect("the service is in the file");
    let image = project.image_name(service);
    let volumes = service.volumes.iter().filter_map(|mount| {
        let volume = project.volumes.get(mount.source.as_str())?;
        Some(ObservedMount {
            kind: "volume".to_owned(),
            name: volume.name.clone(),
            ..ObservedMount::default()
        })
    });
    let networks = service.networks.keys().filter_map(|key| project.networks.get(key));
    Container {
        id: id_of(service.name.as_str(), number),
        name: project.container_name(service, number),
        identity: Identity {
            project: project.name.clone(),
            service: service.name.clone(),
            number: Some(number),
            config_hash: Some(hash::service(service)),
            image_digest: Some(format!("sha256:{image}")),
            ..Identity::default()
        },
        image,
        status: ContainerStatus::Running,
        health: service.healthcheck.is_some().then_some(Health::Healthy),
        networks: networks
            .map(|network| (network.name.clone(), stack::observe::ObservedEndpoint::default()))
            .collect(),
        mounts: volumes.collect(),
        ..Container::default()
    }
}

/// Plans with nothing but the given policy.
pub fn plan_with(project: &Project, observed: &ObservedState, policy: &Policy) -> Plan {
    plan_over(project, observed, policy, &BTreeMap::new())
}

/// The same, knowing what the services' containers should be made of.
pub fn plan_over(
    project: &Project,
    observed: &ObservedState,
    policy: &Policy,
    wanted: &BTreeMap<ServiceName, Fields>,
) -> Plan {
    let graph = ServiceGraph::of(project);
    reconcile(&Input { project, graph: &graph, observed, policy, wanted, contents: &BTreeMap::new() })
        .expect("a plan can be made")
}

/// The steps in a short form: `#1 create p-web-1 after 0`, the reason last.
fn steps(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| {
            let action = serde_json::to_value(&step.action).expect("an action is data");
            let verb = action["action"].as_str().unwrap_or_default().to_owned();
            let after: Vec<String> = step.after.iter().map(|id| id.0.to_string()).collect();
            let subject = step.action.subject();
            let subject = subject.split_once(' ').map_or(subject.as_str(), |(_, name)| name).to_owned();
            format!("{} {verb} {subject} [{}] {}", step.id.0, after.join(" "), step.reason)
        })
        .collect()
}

#[track_caller]
fn check(plan: &Plan, expect: &[&str]) {
    assert_eq!(steps(plan), expect);
}

#[test]
fn from_nothing_each_thing_waits_only_for_what_it_needs() {
    let project = project(WEB_DB);
    let plan = plan_with(&project, &ObservedState::default(), &Policy::default());
    check(
        &plan,
        &[
            "0 pull_image app [] the image is not there",
            "1 pull_image base [] the image is not there",
            "2 create_network p_default [] does not exist",
            "3 create_volume p_data [] does not exist",
            "4 create_container p-db-1 [1 2 3] does not exist",
            "5 create_container p-web-1 [0 2] does not exist",
            "6 start_container p-db-1 [4] does not exist",
            "7 wait db [6] `web` depends on it",
            "8 start_container p-web-1 [5 7] does not exist",
        ],
    );
}

#[test]
fn what_is_as_it_should_be_is_left_alone_and_accounted_for() {
    let project = project(WEB_DB);
    let plan = plan_with(&project, &brought_up(&project), &Policy::default());
    check(&plan, &[]);
    assert_eq!(plan.unchanged, ["p-db-1", "p-web-1"]);
}

#[test]
fn a_changed_service_is_replaced_under_a_temporary_name_and_the_other_kept() {
    let project = project(WEB_DB);
    let mut observed = brought_up(&project);
    observed.containers[1].identity.config_hash = Some("another".to_owned());
    assert_eq!(observed.containers[1].name, "p-web-1");
    let plan = plan_with(&project, &observed, &Policy::default());
    check(
        &plan,
        &[
            "0 create_container 776562000000_p-web-1 [] its configuration changed",
            "1 stop_container p-web-1 [0] its configuration changed",
            "2 remove_container p-web-1 [0 1] its configuration changed",
            "3 rename_container p-web-1 [2] its configuration changed",
            "4 start_container p-web-1 [3] its configuration changed",
        ],
    );
    assert_eq!(plan.unchanged, ["p-db-1"]);
}

#[test]
fn without_grace_a_running_container_is_removed_in_one_call() {
    let project = project(WEB_DB);
    let mut observed = brought_up(&project);
    observed.containers[1].identity.config_hash = Some("another".to_owned());
    let plan = plan_with(&project, &observed, &Policy { timeout_s: Some(0), ..Policy::default() });
    assert_eq!(steps(&plan)[1], "1 remove_container p-web-1 [0] its configuration changed");
}

#[test]
fn another_image_behind_the_same_name_is_a_reason_to_replace() {
    let project = project("services: {web: {image: app}}");
    let mut observed = brought_up(&project);
    let newer = "sha256:0123456789abcdef".to_owned();
    observed.images.insert("app".to_owned(), ObservedImage::of(&newer));
    let plan = plan_with(&project, &observed, &Policy::default());
    assert!(steps(&plan)[0].ends_with("image app: app → 0123456789ab"), "{:?}", steps(&plan));
}

#[test]
fn a_dependent_with_restart_stops_before_its_dependency_is_replaced_and_starts_after() {
    let project = project(
        "services: {web: {image: app, depends_on: {db: {condition: service_started, restart: true}}}, db: {image: base}}",
    );
    let mut observed = brought_up(&project);
    observed.containers[0].identity.config_hash = Some("another".to_owned());
    let plan = plan_with(&project, &observed, &Policy::default());
    check(
        &plan,
        &[
            "0 create_container 646200000000_p-db-1 [] its configuration changed",
            "1 stop_container p-web-1 [] `db` is restarted (restart: true)",
            "2 stop_container p-db-1 [0 1] its configuration changed",
            "3 remove_container p-db-1 [0 1 2] its configuration changed",
            "4 rename_container p-db-1 [3] its configuration changed",
            "5 start_container p-db-1 [4] its configuration changed",
            "6 start_container p-web-1 [1 5] `db` is restarted (restart: true)",
        ],
    );
}

#[test]
fn a_container_in_the_namespace_of_a_replaced_one_is_replaced_after_it() {
    let project =
        project("services: {side: {image: app, network_mode: \"service:main\"}, main: {image: base}}");
    let mut observed = brought_up(&project);
    let id = observed.containers[0].id.0.clone();
    let side = project.service("side").unwrap().with_container_ids(|_| Some(id.clone()));
    observed.containers[1].identity.config_hash = Some(hash::service(&side));
    check(&plan_with(&project, &observed, &Policy::default()), &[]);
    observed.containers[0].identity.config_hash = Some("another".to_owned());
    let plan = plan_with(&project, &observed, &Policy::default());
    let creation = steps(&plan).into_iter().find(|step| step.contains("_p-side-1")).unwrap();
    assert!(creation.ends_with("shares namespaces or volumes with `main`, which is replaced"), "{creation}");
}

#[test]
fn scaling_takes_the_highest_numbers_and_continues_after_them() {
    let project = project("services: {web: {image: app, scale: 3}}");
    let observed = brought_up(&project);
    let scaled =
        |count| Policy { scale: BTreeMap::from([(ServiceName::new("web"), count)]), ..Policy::default() };
    check(
        &plan_with(&project, &observed, &scaled(1)),
        &[
            "0 stop_container p-web-3 [] scaled to 1",
            "1 remove_container p-web-3 [0] scaled to 1",
            "2 stop_container p-web-2 [] scaled to 1",
            "3 remove_container p-web-2 [2] scaled to 1",
        ],
    );
    let more = plan_with(&project, &observed, &scaled(4));
    check(
        &more,
        &["0 create_container p-web-4 [] does not exist", "1 start_container p-web-4 [0] does not exist"],
    );
}

#[test]
fn a_half_made_replacement_is_rolled_forward_when_it_is_what_is_wanted() {
    let project = project("services: {web: {image: app}}");
    let mut observed = brought_up(&project);
    let mut new = observed.containers[0].clone();
    new.id = ContainerId("new".to_owned());
    new.name = "000000000001_p-web-1".to_owned();
    new.status = ContainerStatus::Created;
    observed.containers[0].identity.config_hash = Some("old".to_owned());
    observed.containers.push(new);
    check(
        &plan_with(&project, &observed, &Policy::default()),
        &[
            "0 stop_container p-web-1 [] an interrupted run left it as `p-web-1`",
            "1 remove_container p-web-1 [0] an interrupted run left it as `p-web-1`",
            "2 rename_container p-web-1 [1] an interrupted run left it as `000000000001_p-web-1`",
            "3 start_container p-web-1 [2] is created",
        ],
    );
}

#[test]
fn a_half_made_replacement_is_rolled_back_when_the_old_one_is_what_is_wanted() {
    let project = project("services: {web: {image: app}}");
    let mut observed = brought_up(&project);
    let mut new = observed.containers[0].clone();
    new.id = ContainerId("new".to_owned());
    new.name = "000000000001_p-web-1".to_owned();
    new.status = ContainerStatus::Created;
    new.identity.config_hash = Some("another".to_owned());
    observed.containers.push(new);
    check(
        &plan_with(&project, &observed, &Policy::default()),
        &["0 remove_container 000000000001_p-web-1 [] an interrupted run left it as `000000000001_p-web-1`"],
    );
}

#[test]
fn a_replacement_that_was_never_renamed_gets_its_name_back() {
    let project = project("services: {web: {image: app}}");
    let mut observed = brought_up(&project);
    observed.containers[0].name = "000000000001_p-web-1".to_owned();
    check(
        &plan_with(&project, &observed, &Policy::default()),
        &["0 rename_container p-web-1 [] an interrupted run left it as `000000000001_p-web-1`"],
    );
}

#[test]
fn a_service_that_waits_for_a_pull_is_decided_afterwards_with_all_that_depend_on_it() {
    let project =
        project("services: {web: {image: app, depends_on: [db]}, db: {image: base}, other: {image: x}}");
    let observed = brought_up(&project);
    let images = ImagePolicy { pull: Some("always".to_owned()), ..ImagePolicy::default() };
    let plan = plan_with(&project, &observed, &Policy { images, ..Policy::default() });
    assert_eq!(plan.deferred, ["db", "other", "web"]);
    assert!(steps(&plan).iter().all(|step| step.contains("pull_image")), "{:?}", steps(&plan));
    assert!(plan.unchanged.is_empty(), "nothing is called unchanged before it is known to be");
}

#[test]
fn a_forced_build_replaces_only_in_the_second_round_and_a_new_service_in_the_first() {
    let project = project("services: {web: {build: .}}");
    let build = Policy { images: ImagePolicy { build: true, ..ImagePolicy::default() }, ..Policy::default() };
    let plan = plan_with(&project, &ObservedState::default(), &build);
    assert!(plan.deferred.is_empty(), "without a container there is nothing to decide");
    assert_eq!(steps(&plan)[0], "0 build_image p-web [] a build was asked for");
    assert_eq!(plan_with(&project, &brought_up(&project), &build).deferred, ["web"]);
}

#[test]
fn policies_force_keep_or_decide_by_service() {
    let project = project(WEB_DB);
    let mut observed = brought_up(&project);
    observed.containers[0].identity.config_hash = Some("another".to_owned());
    let never = Policy { recreate: Recreate::Never, ..Policy::default() };
    check(&plan_with(&project, &observed, &never), &[]);
    let only_web = Policy {
        selected: BTreeSet::from([ServiceName::new("web")]),
        recreate: Recreate::Force,
        recreate_dependencies: Recreate::Never,
        ..Policy::default()
    };
    let plan = plan_with(&project, &observed, &only_web);
    assert!(steps(&plan).iter().all(|step| !step.contains("p-db-1")), "{:?}", steps(&plan));
    assert!(steps(&plan)[0].ends_with("recreation was asked for"), "{:?}", steps(&plan));
}

#[test]
fn orphans_are_warned_of_removed_or_ignored() {
    let before = project(WEB_DB);
    let after = project(
        "services: {db: {image: base, healthcheck: {test: [CMD, \"true\"]}, volumes: [data:/data]}}\nvolumes: {data: {}}\n",
    );
    let observed = brought_up(&before);
    let with = |orphans| plan_with(&after, &observed, &Policy { orphans, ..Policy::default() });
    let warned = with(OrphanPolicy::Warn);
    check(&warned, &[]);
    assert!(warned.warnings[0].contains("([p-web-1])"), "{:?}", warned.warnings);
    assert!(with(OrphanPolicy::Ignore).warnings.is_empty());
    check(
        &with(OrphanPolicy::Remove),
        &[
            "0 stop_container p-web-1 [] its service is not in the file",
            "1 remove_container p-web-1 [0] its service is not in the file",
        ],
    );
}

#[test]
fn a_changed_volume_is_asked_about_and_kept() {
    let project = project(WEB_DB);
    let mut observed = brought_up(&project);
    observed.volumes[0].config_hash = Some("another".to_owned());
    let plan = plan_with(&project, &observed, &Policy::default());
    check(&plan, &[]);
    assert_eq!(plan.questions.len(), 1);
}

#[test]
fn a_changed_network_is_replaced_under_its_containers() {
    let project = project("services: {web: {image: app}}");
    let mut observed = brought_up(&project);
    observed.networks[0].config_hash = Some("another".to_owned());
    check(
        &plan_with(&project, &observed, &Policy::default()),
        &[
            "0 disconnect_network p-web-1 [] network `default` changed",
            "1 remove_network p_default [0] its configuration changed",
            "2 create_network p_default [1] its configuration changed",
            "3 connect_network p-web-1 [2] network `default` changed",
        ],
    );
}

#[test]
fn a_changed_network_is_not_replaced_under_containers_of_others() {
    let project = project("services: {web: {image: app}}");
    let mut observed = brought_up(&project);
    observed.networks[0].config_hash = Some("another".to_owned());
    let own = observed.containers[0].id.0.clone();
    let mut refused = |id: &str, name: &str| {
        observed.networks[0].attached = BTreeMap::from([(own.clone(), "p-web-1".to_owned())]);
        observed.networks[0].attached.insert(id.to_owned(), name.to_owned());
        let policy = Policy::default();
        let graph = ServiceGraph::of(&project);
        let nothing = BTreeMap::new();
        let contents = BTreeMap::new();
        let input = Input {
            project: &project,
            graph: &graph,
            observed: &observed,
            policy: &policy,
            wanted: &nothing,
            contents: &contents,
        };
        reconcile(&input).err().map(|problems| problems[0].message.clone())
    };
    assert_eq!(refused(&own, "p-web-1"), None);
    let message = refused("ep-77", "ghost").expect("a refusal");
    assert!(message.ends_with("containers of others are in it: `ghost`"), "{message}");
}

#[test]
fn problems_are_gathered_and_nothing_is_planned() {
    let project = project(
        "services: {web: {image: app, pull_policy: never, networks: [out]}, one: {image: x, container_name: fixed, scale: 1}}\n\
         networks: {out: {external: true, name: outside}}\n",
    );
    let graph = ServiceGraph::of(&project);
    let policy = Policy { scale: BTreeMap::from([(ServiceName::new("one"), 2)]), ..Policy::default() };
    let input = Input {
        project: &project,
        graph: &graph,
        observed: &ObservedState::default(),
        policy: &policy,
        wanted: &BTreeMap::new(),
        contents: &BTreeMap::new(),
    };
    let problems = reconcile(&input).unwrap_err();
    let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
    assert_eq!(paths, ["services.one.container_name", "services.web.image", "networks.out"]);
}

#[test]
fn down_stops_dependents_first_and_keeps_data() {
    let project = project(WEB_DB);
    let observed = brought_up(&project);
    let graph = ServiceGraph::of(&project);
    let nothing = BTreeSet::new();
    let input = |grace, volumes| Teardown {
        project_name: "p",
        project: Some(&project),
        graph: &graph,
        observed: &observed,
        services: None,
        grace,
        volumes,
        orphans: false,
        only_active: false,
        images: &nothing,
    };
    check(
        &teardown(&input(Grace::Own, false)),
        &[
            "0 stop_container p-web-1 [] asked for",
            "1 remove_container p-web-1 [0] asked for",
            "2 stop_container p-db-1 [0] asked for",
            "3 remove_container p-db-1 [2] asked for",
            "4 remove_network p_default [1 3] asked for",
        ],
    );
    check(
        &teardown(&input(Grace::Seconds(0), true)),
        &[
            "0 remove_container p-web-1 [] asked for",
            "1 remove_container p-db-1 [0] asked for",
            "2 remove_network p_default [0 1] asked for",
            "3 remove_volume p_data [0 1] asked for",
        ],
    );
}

#[test]
fn lifecycles_follow_the_graph_of_the_labels() {
    let project = project(WEB_DB);
    let mut observed = brought_up(&project);
    for container in &mut observed.containers {
        container.status = ContainerStatus::Exited;
        container.health = None;
    }
    observed.containers[1].identity.depends_on = Some("db:service_healthy:true".to_owned());
    let graph = graph_from_labels(&observed);
    let input =
        Lifecycle { project: None, graph: &graph, observed: &observed, services: None, timeout_s: None };
    check(
        &lifecycle::start(&input, None),
        &[
            "0 start_container p-db-1 [] is exited",
            "1 wait db [0] `web` depends on it",
            "2 start_container p-web-1 [1] is exited",
        ],
    );
    check(
        &lifecycle::restart(&input, false),
        &[
            "0 restart_container p-db-1 [] asked for",
            "1 wait db [0] `web` depends on it",
            "2 restart_container p-web-1 [1] asked for",
        ],
    );
}
