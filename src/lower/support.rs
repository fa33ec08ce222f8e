//! What a project asks for and this program, or this engine, cannot do: said at its line, never passed over.

use crate::model::{FileReference, MountType, Project, Service};
use crate::yaml::NodePath;

/// An attribute that cannot be honoured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// Where the file asks for it.
    pub path: NodePath,
    /// What is the matter.
    pub message: String,
    /// Whether the project can be run without it.
    pub tolerable: bool,
}

/// What an engine offers.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// The minor version of its API: 51 of `1.51`.
    pub api: u32,
    /// It is Podman's service, which answers much of that version and passes over some of it.
    pub podman: bool,
}

/// Everything in the services that take part which an engine cannot do, or this program not yet.
pub fn check(project: &Project, offer: Offer) -> Vec<Unsupported> {
    let mut found = Vec::new();
    for (name, service) in &project.services {
        let path = NodePath::of(&["services", name.as_str()]);
        not_yet(service, &path, &mut found);
        passed_over(project, service, &path, &mut found);
        unknown_values(service, &path, &mut found);
        too_new(service, &path, offer, &mut found);
    }
    for (key, network) in project.networks.iter().filter(|(_, network)| !network.external) {
        let path = NodePath::of(&["networks", key.as_str()]);
        Need { offer, found: &mut found }.since(
            48,
            path.key("enable_ipv4"),
            network.enable_ipv4 == Some(false),
        );
    }
    if offer.podman {
        super::podman::passed_over(project, &mut found);
    }
    let ours = project.extensions.get("x-stack");
    if ours.and_then(|ours| ours.get("eager_health")).is_some_and(|value| !value.is_bool()) {
        found.push(Unsupported {
            path: NodePath::of(&["x-stack", "eager_health"]),
            message: "`eager_health` is `true` or `false`".to_owned(),
            tolerable: false,
        });
    }
    for (section, objects) in [("configs", objects(&project.configs)), ("secrets", objects(&project.secrets))]
    {
        for (key, object) in objects {
            let path = NodePath::of(&[section, key]);
            let mut refuse = |attribute: &str, why: &str| {
                found.push(Unsupported {
                    path: path.key(attribute),
                    message: why.to_owned(),
                    tolerable: false,
                });
            };
            if object.external {
                refuse(
                    "external",
                    "external configs and secrets need a swarm; use `file`, `environment` or `content`",
                );
            }
            if !object.driver.is_empty() {
                refuse("driver", "drivers of configs and secrets need a swarm");
            }
            if !object.template_driver.is_empty() {
                refuse("template_driver", "template drivers of configs and secrets need a swarm");
            }
        }
    }
    found
}

fn objects<K: AsRef<str> + Ord>(
    objects: &std::collections::BTreeMap<K, crate::model::FileObject>,
) -> Vec<(&str, &crate::model::FileObject)> {
    objects.iter().map(|(key, object)| (key.as_ref(), object)).collect()
}

fn not_yet(service: &Service, path: &NodePath, found: &mut Vec<Unsupported>) {
    for (index, _) in service.pre_start.iter().enumerate().filter(|(_, hook)| hook.per_replica) {
        found.push(Unsupported {
            path: path.key("pre_start").index(index).key("per_replica"),
            message: "a `pre_start` hook runs once for its service, and not for each replica".to_owned(),
            tolerable: false,
        });
    }
}

/// What neither this program nor the reference hands to an engine: said, so that nobody relies on it.
fn passed_over(project: &Project, service: &Service, path: &NodePath, found: &mut Vec<Unsupported>) {
    let mut warn =
        |path: NodePath, message: String| found.push(Unsupported { path, message, tolerable: true });
    if service.credential_spec.is_some() {
        let message = "`credential_spec` is for Windows containers, and is passed over".to_owned();
        warn(path.key("credential_spec"), message);
    }
    let configs = service.configs.iter().map(|file| (file, project.configs.get(file.source.as_str())));
    let secrets = service.secrets.iter().map(|file| (file, project.secrets.get(file.source.as_str())));
    for (section, files) in [("configs", configs.collect::<Vec<_>>()), ("secrets", secrets.collect())] {
        for (index, (reference, object)) in files.into_iter().enumerate() {
            if object.is_none_or(|object| object.file.is_empty()) {
                continue;
            }
            let FileReference { source: _, target: _, uid, gid, mode, extensions: _ } = reference;
            for (attribute, said) in
                [("uid", !uid.is_empty()), ("gid", !gid.is_empty()), ("mode", mode.is_some())]
            {
                if said {
                    let message = format!(
                        "`{attribute}` is passed over, because `{}` is a file that is mounted as it is; set it on the file",
                        reference.source
                    );
                    warn(path.key(section).index(index).key(attribute), message);
                }
            }
        }
    }
}

/// Values that no engine knows. Loading accepts them, as the reference does, and the engine would never see them.
fn unknown_values(service: &Service, path: &NodePath, found: &mut Vec<Unsupported>) {
    let mut one_of = |path: NodePath, value: &str, known: &[&str]| {
        if !value.is_empty() && !known.contains(&value) {
            let list: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
            let mut message = format!("`{value}` is none of {}", list.join(", "));
            if let Some(near) = crate::source::nearest(value, known.iter().copied()) {
                message.push_str(&format!("; was `{near}` meant?"));
            }
            found.push(Unsupported { path, message, tolerable: false });
        }
    };
    let (restart, retries) = match service.restart.split_once(':') {
        Some((name, count)) if count.parse::<u32>().is_ok() => (name, Some(count)),
        Some(_) | None => (service.restart.as_str(), None),
    };
    let policies: &[&str] = match retries {
        Some(_) => &["on-failure"],
        None => &["no", "always", "unless-stopped", "on-failure"],
    };
    one_of(path.key("restart"), restart, policies);
    one_of(path.key("isolation"), &service.isolation, &["default", "process", "hyperv"]);
    one_of(path.key("cgroup"), &service.cgroup, &["host", "private"]);
    one_of(path.key("uts"), &service.uts, &["host"]);
    if let Some(policy) = service.deploy.as_ref().and_then(|deploy| deploy.restart_policy.as_ref()) {
        let path = path.key("deploy").key("restart_policy").key("condition");
        let known = ["none", "on-failure", "any", "no", "always", "unless-stopped"];
        one_of(path, &policy.condition, &known);
    }
}

/// What is asked for, beside what is offered.
struct Need<'a> {
    offer: Offer,
    found: &'a mut Vec<Unsupported>,
}

impl Need<'_> {
    /// What an older engine passes over, and the project would not be what its file says.
    fn since(&mut self, api: u32, path: NodePath, used: bool) {
        self.note(api, path, used, false);
    }

    /// What the project can do without.
    fn better_since(&mut self, api: u32, path: NodePath, used: bool) {
        self.note(api, path, used, true);
    }

    fn note(&mut self, api: u32, path: NodePath, used: bool, tolerable: bool) {
        if used && self.offer.api < api {
            let message = format!("this needs Engine API 1.{api}; the engine offers 1.{}", self.offer.api);
            self.found.push(Unsupported { path, message, tolerable });
        }
    }
}

fn too_new(service: &Service, path: &NodePath, offer: Offer, found: &mut Vec<Unsupported>) {
    let mut need = Need { offer, found };
    need.since(43, path.key("annotations"), !service.annotations.is_empty());
    let check = service.healthcheck.as_ref();
    let start_interval = check.is_some_and(|check| check.start_interval.is_some());
    need.better_since(44, path.key("healthcheck").key("start_interval"), start_interval);
    // Podman takes it with the endpoint, whatever version it speaks.
    need.better_since(44, path.key("mac_address"), !service.mac_address.is_empty() && !offer.podman);
    for (index, mount) in service.volumes.iter().enumerate() {
        let path = path.key("volumes").index(index);
        let subpath = mount.volume.as_ref().is_some_and(|volume| !volume.subpath.is_empty());
        need.since(45, path.key("volume").key("subpath"), subpath);
        need.since(48, path.key("type"), mount.kind == MountType::Image);
        let recursive = mount.bind.as_ref().is_some_and(|bind| !bind.recursive.is_empty());
        need.since(44, path.key("bind").key("recursive"), recursive);
        let made =
            mount.bind.as_ref().is_some_and(|bind| bind.create_host_path && !bind.propagation.is_empty());
        need.better_since(42, path.key("bind").key("create_host_path"), made);
    }
    for (key, network) in &service.networks {
        let Some(network) = network else { continue };
        let path = path.key("networks").key(key.as_str());
        need.since(44, path.key("mac_address"), !network.mac_address.is_empty());
        need.since(49, path.key("interface_name"), !network.interface_name.is_empty());
        need.better_since(48, path.key("gw_priority"), network.gw_priority != 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CredentialSpec, FileObject, SecretKey};

    fn check(change: impl FnOnce(&mut Service), expect: &[&str]) {
        let mut service = Service::default();
        change(&mut service);
        let mut found = Vec::new();
        unknown_values(&service, &NodePath::of(&["services", "web"]), &mut found);
        let found: Vec<String> = found.iter().map(|one| format!("{}: {}", one.path, one.message)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn values_that_no_engine_knows_are_named_with_what_was_meant() {
        check(|service| service.restart = "on-failure:3".to_owned(), &[]);
        check(|service| service.restart = "unless-stopped".to_owned(), &[]);
        check(
            |service| service.restart = "unless-stoped".to_owned(),
            &[
                "services.web.restart: `unless-stoped` is none of `no`, `always`, `unless-stopped`, `on-failure`; was \
               `unless-stopped` meant?",
            ],
        );
        check(
            |service| service.restart = "always:3".to_owned(),
            &["services.web.restart: `always` is none of `on-failure`"],
        );
        check(
            |service| service.isolation = "nonsense".to_owned(),
            &["services.web.isolation: `nonsense` is none of `default`, `process`, `hyperv`"],
        );
    }

    #[test]
    fn what_is_passed_over_is_said_at_its_line() {
        let reference = |source: &str| FileReference {
            source: source.to_owned(),
            mode: Some(0o400),
            ..FileReference::default()
        };
        let mut project = Project::default();
        let file = FileObject { file: "/etc/token".to_owned(), ..FileObject::default() };
        project.secrets.insert(SecretKey::new("token"), file);
        let inline = FileObject { environment: "TOKEN".to_owned(), ..FileObject::default() };
        project.secrets.insert(SecretKey::new("inline"), inline);
        let service = Service {
            secrets: vec![reference("inline"), reference("token")],
            credential_spec: Some(CredentialSpec::default()),
            ..Service::default()
        };
        let mut found = Vec::new();
        passed_over(&project, &service, &NodePath::of(&["services", "web"]), &mut found);
        let found: Vec<String> = found.iter().map(|one| format!("{}: {}", one.path, one.message)).collect();
        assert_eq!(
            found,
            [
                "services.web.credential_spec: `credential_spec` is for Windows containers, and is passed over",
                "services.web.secrets[1].mode: `mode` is passed over, because `token` is a file that is mounted as it is; set \
                 it on the file",
            ]
        );
    }
}
