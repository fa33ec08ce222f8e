//! Attributes of a service that contradict each other, or that need each other.

use super::{Gaps, key_span, value_span};
use crate::model::{DeployConfig, Project, Service, ServiceName, WatchAction};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::yaml::NodePath;
use std::collections::BTreeMap;

/// Checks every service by itself, and container names among them.
pub(super) fn check(project: &Project, gaps: &Gaps, diagnostics: &mut Diagnostics) {
    let mut names: BTreeMap<&str, &ServiceName> = BTreeMap::new();
    for service in project.services.values() {
        let mut checker = Checker { project, service, diagnostics };
        checker.build();
        checker.network_mode();
        checker.replicas();
        checker.mounts();
        // What follows takes offence at what is missing.
        if !gaps.may_complete("services", service.name.as_str()) {
            checker.image();
            checker.platform();
            checker.limits();
        }
        checker.healthcheck();
        checker.watch();
        if let Some(name) = service.container_name.as_deref() {
            if let Some(other) = names.get(name) {
                checker.container_name_taken(name, other);
            } else {
                names.insert(name, &service.name);
            }
        }
    }
    for (key, secret) in &project.secrets {
        if !secret.external
            && secret.file.is_empty()
            && secret.environment.is_empty()
            && secret.content.is_empty()
            && !gaps.may_complete("secrets", key.as_str())
        {
            let message = format!("secret `{key}` has neither `file` nor `environment`");
            let span = key_span(project, &["secrets", key.as_str()]);
            diagnostics.push(
                Diagnostic::error("incomplete", span, message)
                    .help("say where its content comes from, or that it is `external`"),
            );
        }
    }
}

struct Checker<'a> {
    project: &'a Project,
    service: &'a Service,
    diagnostics: &'a mut Diagnostics,
}

impl Checker<'_> {
    /// Where an attribute of the service stands: its key.
    fn at(&self, attributes: &[&str]) -> Span {
        let mut keys = vec!["services", self.service.name.as_str()];
        keys.extend(attributes);
        key_span(self.project, &keys)
    }

    fn contradiction(&mut self, span: Span, message: String, other: Option<Span>, help: impl Into<String>) {
        let mut diagnostic = Diagnostic::error("contradiction", span, message).help(help);
        if let Some(other) = other {
            diagnostic = diagnostic.related(other, "the other one");
        }
        self.diagnostics.push(diagnostic);
    }

    fn image(&mut self) {
        let Service { image, build, provider, name, .. } = self.service;
        if image.is_empty() && build.is_none() && provider.is_none() {
            let diagnostic =
                Diagnostic::error("incomplete", self.at(&[]), format!("service `{name}` has no image"))
                    .help("add `image`, `build` or `provider`");
            self.diagnostics.push(diagnostic);
        }
    }

    fn build(&mut self) {
        let Some(build) = &self.service.build else { return };
        let name = &self.service.name;
        if !build.dockerfile.is_empty() && !build.dockerfile_inline.is_empty() {
            let message = format!("service `{name}` has both `dockerfile` and `dockerfile_inline`");
            let other = self.at(&["build", "dockerfile"]);
            self.contradiction(
                self.at(&["build", "dockerfile_inline"]),
                message,
                Some(other),
                "keep one of them",
            );
        }
    }

    fn platform(&mut self) {
        let Some(build) = &self.service.build else { return };
        let name = &self.service.name;
        let platform = &self.service.platform;
        if !platform.is_empty() && !build.platforms.is_empty() && !build.platforms.contains(platform) {
            let message = format!("service `{name}` runs on `{platform}`, but is not built for it");
            let other = self.at(&["build", "platforms"]);
            let help = format!("add `{platform}` to `build.platforms`");
            self.contradiction(self.at(&["platform"]), message, Some(other), help);
        }
    }

    fn network_mode(&mut self) {
        if !self.service.network_mode.is_empty() && !self.service.networks.is_empty() {
            let message = format!("service `{}` has both `network_mode` and `networks`", self.service.name);
            let other = self.at(&["networks"]);
            self.contradiction(self.at(&["network_mode"]), message, Some(other), "keep one of them");
        }
    }

    fn replicas(&mut self) {
        let Service { name, scale, deploy, container_name, .. } = self.service;
        let replicas = deploy.as_ref().and_then(|deploy| deploy.replicas);
        if let (Some(scale), Some(replicas)) = (scale, replicas)
            && *scale != replicas
        {
            let message = format!("service `{name}` has `scale` {scale}, but `deploy.replicas` {replicas}");
            let other = self.at(&["deploy", "replicas"]);
            self.contradiction(self.at(&["scale"]), message, Some(other), "keep one of them");
        }
        let count = self.service.replicas();
        if container_name.is_some() && count > 1 {
            let message = format!("service `{name}` has a `container_name` and {count} replicas");
            let attribute = if scale.is_some() { "scale" } else { "deploy.replicas" };
            let help = format!("remove `container_name`, or set `{attribute}` to 1");
            self.contradiction(self.at(&["container_name"]), message, None, help);
        }
    }

    fn container_name_taken(&mut self, name: &str, other: &ServiceName) {
        let message =
            format!("services `{other}` and `{}` have the same `container_name` `{name}`", self.service.name);
        let place = key_span(self.project, &["services", other.as_str(), "container_name"]);
        self.contradiction(self.at(&["container_name"]), message, Some(place), "give each a name of its own");
    }

    /// The old and the new way to limit resources may stand beside each other when they say the same. A missing limit
    /// counts as none.
    fn limits(&mut self) {
        let Some(DeployConfig { resources, .. }) = &self.service.deploy else { return };
        let service = self.service;
        if let Some(limits) = &resources.limits {
            let place = ["deploy", "resources", "limits"];
            #[expect(
                clippy::float_cmp,
                reason = "both were written by a person, and must be the same number"
            )]
            self.limit("cpus", service.cpus != 0.0 && service.cpus != limits.cpus, place, "cpus");
            let differs = service.mem_limit.0 != 0 && service.mem_limit != limits.memory;
            self.limit("mem_limit", differs, place, "memory");
            let differs = service.pids_limit != 0 && service.pids_limit != limits.pids;
            self.limit("pids_limit", differs, place, "pids");
        }
        if let Some(reservations) = &resources.reservations {
            let differs = service.mem_reservation.0 != 0 && service.mem_reservation != reservations.memory;
            self.limit("mem_reservation", differs, ["deploy", "resources", "reservations"], "memory");
        }
    }

    fn limit(&mut self, attribute: &str, differs: bool, place: [&str; 3], of: &str) {
        if differs {
            let [deploy, resources, kind] = place;
            let message = format!(
                "service `{}` says one thing in `{attribute}` and another in `{}.{of}`",
                self.service.name,
                place.join(".")
            );
            let other = self.at(&[deploy, resources, kind, of]);
            let help = format!("remove `{attribute}`, or set both to the same value");
            self.contradiction(self.at(&[attribute]), message, Some(other), help);
        }
    }

    fn mounts(&mut self) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        let list = |attribute: &str| NodePath::of(&["services", self.service.name.as_str(), attribute]);
        let tmpfs =
            self.service.tmpfs.iter().map(|entry| entry.split(':').next().unwrap_or(entry)).enumerate();
        let volumes = self.service.volumes.iter().map(|mount| mount.target.as_str()).enumerate();
        let tmpfs = tmpfs.map(|(index, target)| ("tmpfs", index, target));
        let volumes = volumes.map(|(index, target)| ("volumes", index, target));
        let mut clashes = Vec::new();
        // A mount that could not be read has no target; a sound one always has.
        for (attribute, index, target) in tmpfs.chain(volumes).filter(|(_, _, target)| !target.is_empty()) {
            let span = self.project.origins.span(&list(attribute).index(index));
            if let Some(first) = seen.insert(target, span) {
                let message = format!("service `{}` mounts two things on `{target}`", self.service.name);
                clashes.push((span, message, first));
            }
        }
        for (span, message, first) in clashes {
            self.contradiction(span, message, Some(first), "give each a target of its own");
        }
    }

    fn healthcheck(&mut self) {
        let Some(first) = self.service.healthcheck.as_ref().and_then(|check| check.test.first()) else {
            return;
        };
        if !matches!(first.as_str(), "CMD" | "CMD-SHELL" | "NONE") {
            let keys = ["services", self.service.name.as_str(), "healthcheck", "test"];
            let message =
                format!("the health check of service `{}` starts with `{first}`", self.service.name);
            let diagnostic = Diagnostic::error("invalid-value", value_span(self.project, &keys), message)
                .label("expected `CMD`, `CMD-SHELL` or `NONE`")
                .help(format!("put `CMD` before `{first}`, or write the command as text"));
            self.diagnostics.push(diagnostic);
        }
    }

    fn watch(&mut self) {
        let rules = self.service.develop.iter().flat_map(|develop| &develop.watch);
        let mut incomplete = Vec::new();
        for (index, rule) in rules.enumerate() {
            if rule.target.is_empty() && !matches!(rule.action, WatchAction::Rebuild | WatchAction::Restart) {
                let path = NodePath::of(&["services", self.service.name.as_str(), "develop", "watch"]);
                incomplete.push(self.project.origins.span(&path.index(index)));
            }
        }
        for span in incomplete {
            let message = format!("a watch rule of service `{}` has no `target`", self.service.name);
            let diagnostic = Diagnostic::error("incomplete", span, message)
                .help("say where in the container the files go, or use `action: rebuild`");
            self.diagnostics.push(diagnostic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;

    fn check(service: &str, expect: &str) {
        let text = format!("services:\n  web:\n    {service}\n");
        assert_eq!(findings(&text, &[]), expect, "{text}");
    }

    #[test]
    fn a_service_needs_an_image() {
        check("command: [a]", "f:2:3 service `web` has no image (add `image`, `build` or `provider`)\n");
        check("build: {context: .}", "");
        check("provider: {type: x}", "");
    }

    #[test]
    fn exclusive_attributes_are_reported_where_the_second_stands() {
        check(
            "build: {dockerfile: a, dockerfile_inline: b}",
            "f:3:28 service `web` has both `dockerfile` and `dockerfile_inline` (keep one of them)\n",
        );
        check(
            "build: {platforms: [linux/amd64]}\n    platform: linux/arm64",
            "f:4:5 service `web` runs on `linux/arm64`, but is not built for it \
             (add `linux/arm64` to `build.platforms`)\n",
        );
    }

    #[test]
    fn two_counts_of_replicas_must_agree() {
        check(
            "image: x\n    scale: 1\n    deploy: {replicas: 2}",
            "f:4:5 service `web` has `scale` 1, but `deploy.replicas` 2 (keep one of them)\n",
        );
        check("image: x\n    scale: 2\n    deploy: {replicas: 2}", "");
    }

    #[test]
    fn two_limits_must_agree_and_a_missing_one_is_no_limit() {
        let deploy = "deploy: {resources: {limits: {cpus: '1', memory: 1g}, reservations: {memory: 1m}}}";
        check(
            &format!("image: x\n    cpus: 1\n    mem_limit: 1024m\n    mem_reservation: 1m\n    {deploy}"),
            "",
        );
        let message = |attribute: &str, other: &str| {
            format!(
                "f:4:5 service `web` says one thing in `{attribute}` and another in `deploy.resources.{other}` \
                 (remove `{attribute}`, or set both to the same value)\n"
            )
        };
        for (line, attribute, other) in [
            ("cpus: 2", "cpus", "limits.cpus"),
            ("mem_limit: 1", "mem_limit", "limits.memory"),
            ("pids_limit: 5", "pids_limit", "limits.pids"),
            ("mem_reservation: 2m", "mem_reservation", "reservations.memory"),
        ] {
            check(&format!("image: x\n    {line}\n    {deploy}"), &message(attribute, other));
        }
    }

    #[test]
    fn a_container_name_is_for_one_container() {
        let text = "services:\n  a: {image: x, container_name: n}\n  b: {image: x, container_name: n}\n";
        assert_eq!(
            findings(text, &[]),
            "f:3:17 services `a` and `b` have the same `container_name` `n` (give each a name of its own)\n"
        );
    }

    #[test]
    fn two_things_cannot_be_mounted_in_one_place() {
        check(
            "image: x\n    tmpfs: ['/x:size=1m']\n    volumes: [{type: bind, source: /a, target: /x}]",
            "f:5:15 service `web` mounts two things on `/x` (give each a target of its own)\n",
        );
    }

    #[test]
    fn a_probe_says_how_it_is_run() {
        check(
            "image: x\n    healthcheck: {test: [curl, x]}",
            "f:4:25 the health check of service `web` starts with `curl` \
             (put `CMD` before `curl`, or write the command as text)\n",
        );
    }

    #[test]
    fn a_sync_rule_needs_a_target() {
        check(
            "image: x\n    develop: {watch: [{path: /a, action: sync}, {path: /a, action: rebuild}]}",
            "f:4:23 a watch rule of service `web` has no `target` \
             (say where in the container the files go, or use `action: rebuild`)\n",
        );
    }

    #[test]
    fn a_secret_needs_content() {
        let text = "services: {}\nsecrets:\n  s: {driver: x}\n";
        assert_eq!(
            findings(text, &[]),
            "f:3:3 secret `s` has neither `file` nor `environment` \
             (say where its content comes from, or that it is `external`)\n"
        );
    }
}
