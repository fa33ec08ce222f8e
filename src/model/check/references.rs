//! Names that must be declared elsewhere in the project.

use super::{Gaps, key_span, similar, value_span};
use crate::model::{
    ConfigKey, Dependency, ModelKey, MountType, NetworkKey, Project, SecretKey, Service, ServiceName,
    VolumeKey,
};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::yaml::NodePath;

/// Checks every reference of every service.
pub(super) fn check(project: &Project, gaps: &Gaps, diagnostics: &mut Diagnostics) {
    for service in project.services.values() {
        networks(project, gaps, service, diagnostics);
        files(project, gaps, service, diagnostics);
        dependencies(project, gaps, service, diagnostics);
        contexts(project, gaps, service, diagnostics);
    }
}

/// One kind of thing that services refer to.
struct Kind<'a> {
    /// Its word.
    word: &'a str,
    /// The top-level attribute that declares it.
    section: &'a str,
    /// What is declared.
    known: Vec<&'a str>,
    /// What may be declared in a part that could not be read.
    gaps: &'a Gaps,
}

impl Kind<'_> {
    fn check(&self, service: &Service, name: &str, span: Span, diagnostics: &mut Diagnostics) {
        if self.known.contains(&name) || self.gaps.may_declare(self.section, name) {
            return;
        }
        let Kind { word, section, known, gaps: _ } = self;
        let message = format!("service `{}` refers to an undefined {word} `{name}`", service.name);
        let mut diagnostic = Diagnostic::error("undefined-reference", span, message)
            .label(format!("not declared under `{section}`"));
        // The `default` network is there without anybody having declared it.
        let known = known.iter().copied().filter(|known| *known != "default");
        let near = crate::source::nearest(name, known.clone()).is_some();
        if !near {
            diagnostic = diagnostic.help(format!("declare it: `{section}: {{{name}: }}`"));
        }
        if let Some(help) = similar(word, name, known) {
            diagnostic = diagnostic.help(help);
        }
        diagnostics.push(diagnostic);
    }
}

fn networks(project: &Project, gaps: &Gaps, service: &Service, diagnostics: &mut Diagnostics) {
    let known = project.networks.keys().map(NetworkKey::as_str).collect();
    let kind = Kind { word: "network", section: "networks", known, gaps };
    for key in service.networks.keys() {
        let span = key_span(project, &["services", service.name.as_str(), "networks", key.as_str()]);
        kind.check(service, key.as_str(), span, diagnostics);
    }
    let known = project.models.keys().map(ModelKey::as_str).collect();
    let kind = Kind { word: "model", section: "models", known, gaps };
    for key in service.models.keys() {
        let span = key_span(project, &["services", service.name.as_str(), "models", key.as_str()]);
        kind.check(service, key.as_str(), span, diagnostics);
    }
}

fn files(project: &Project, gaps: &Gaps, service: &Service, diagnostics: &mut Diagnostics) {
    let name = service.name.as_str();
    let item_span =
        |keys: &[&str], index: usize| project.origins.span(&NodePath::of(keys).index(index).key("source"));
    let known = project.volumes.keys().map(VolumeKey::as_str).collect();
    let kind = Kind { word: "volume", section: "volumes", known, gaps };
    for (index, mount) in service.volumes.iter().enumerate() {
        if mount.kind == MountType::Volume && !mount.source.is_empty() {
            let span = item_span(&["services", name, "volumes"], index);
            kind.check(service, &mount.source, span, diagnostics);
        }
    }
    let known = project.configs.keys().map(ConfigKey::as_str).collect();
    let kind = Kind { word: "config", section: "configs", known, gaps };
    for (index, config) in service.configs.iter().enumerate() {
        let span = item_span(&["services", name, "configs"], index);
        kind.check(service, &config.source, span, diagnostics);
    }
    let known = project.secrets.keys().map(SecretKey::as_str).collect();
    let kind = Kind { word: "secret", section: "secrets", known, gaps };
    for (index, secret) in service.secrets.iter().enumerate() {
        let span = item_span(&["services", name, "secrets"], index);
        kind.check(service, &secret.source, span, diagnostics);
    }
    for (index, secret) in service.build.iter().flat_map(|build| &build.secrets).enumerate() {
        let span = item_span(&["services", name, "build", "secrets"], index);
        kind.check(service, &secret.source, span, diagnostics);
    }
}

fn dependencies(project: &Project, gaps: &Gaps, service: &Service, diagnostics: &mut Diagnostics) {
    for (name, Dependency { required, .. }) in &service.depends_on {
        if project.services.contains_key(name) || gaps.may_declare("services", name.as_str()) {
            continue;
        }
        let (span, verb) = dependency_place(project, service, name.as_str());
        let Some(disabled) = project.disabled_services.get(name) else {
            let message = format!("service `{}` {verb} an undefined service `{name}`", service.name);
            let mut diagnostic = Diagnostic::error("undefined-reference", span, message)
                .label("not declared under `services`");
            let known = project.services.keys().filter(|key| **key != service.name).map(ServiceName::as_str);
            if let Some(help) = similar("service", name.as_str(), known) {
                diagnostic = diagnostic.help(help);
            }
            diagnostics.push(diagnostic);
            continue;
        };
        // What was cut out may have said that it is not required.
        if *required && !gaps.may_complete("services", service.name.as_str()) {
            let message =
                format!("service `{}` {verb} `{name}`, which no active profile includes", service.name);
            let mut diagnostic = Diagnostic::error("inactive-dependency", span, message)
                .related(key_span(project, &["services", name.as_str(), "profiles"]), "its profiles");
            if let Some(profile) = disabled.profiles.first() {
                diagnostic = diagnostic.help(format!("activate its profile: `--profile {profile}`"));
            }
            diagnostic =
                diagnostic.help("or take dependencies in whatever their profiles are: `--with-deps`");
            diagnostics.push(diagnostic.help("or let the dependency be optional: `required: false`"));
        }
    }
}

/// Where a dependency was written: under `depends_on`, or as the attribute that implies it.
pub(super) fn dependency_place(
    project: &Project,
    service: &Service,
    dependency: &str,
) -> (Span, &'static str) {
    let of = |attribute: &str| value_span(project, &["services", service.name.as_str(), attribute]);
    let shared = format!("service:{dependency}");
    let namespaces = [
        ("network_mode", &service.network_mode, "shares the network of"),
        ("ipc", &service.ipc, "shares the IPC namespace of"),
        ("pid", &service.pid, "shares the processes of"),
        ("uts", &service.uts, "shares the host name of"),
        ("cgroup", &service.cgroup, "shares the cgroup of"),
    ];
    for (attribute, value, verb) in namespaces {
        if *value == shared {
            return (of(attribute), verb);
        }
    }
    let lists = [
        ("volumes_from", &service.volumes_from, "takes volumes from"),
        ("links", &service.links, "links to"),
    ];
    for (attribute, items, verb) in lists {
        let index = items.iter().position(|item| item.split(':').next() == Some(dependency));
        if let Some(index) = index {
            let path = NodePath::of(&["services", service.name.as_str(), attribute]).index(index);
            return (project.origins.span(&path), verb);
        }
    }
    (key_span(project, &["services", service.name.as_str(), "depends_on", dependency]), "depends on")
}

fn contexts(project: &Project, gaps: &Gaps, service: &Service, diagnostics: &mut Diagnostics) {
    let contexts = service.build.iter().flat_map(|build| &build.additional_contexts);
    for (key, context) in contexts {
        let Some(name) = context.strip_prefix("service:") else { continue };
        let span =
            value_span(project, &["services", service.name.as_str(), "build", "additional_contexts", key]);
        let known = project.service(name).or_else(|| project.disabled_services.get(name).map(AsRef::as_ref));
        let diagnostic = match known {
            _ if gaps.may_declare("services", name) => continue,
            Some(known) if known.build.is_some() => continue,
            Some(_) => {
                let message = format!("service `{}` builds on `{name}`, which has no `build`", service.name);
                Diagnostic::error("undefined-reference", span, message)
                    .help(format!("use its image: `docker-image://…` instead of `service:{name}`"))
            }
            None => {
                let message = format!("service `{}` builds on an undefined service `{name}`", service.name);
                let diagnostic = Diagnostic::error("undefined-reference", span, message)
                    .label("not declared under `services`");
                let names = project.services.keys().map(ServiceName::as_str);
                match similar("service", name, names) {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                }
            }
        };
        diagnostics.push(diagnostic);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;

    fn check(service: &str, rest: &str, expect: &str) {
        let text = format!("services:\n  web:\n    image: x\n    {service}\n{rest}");
        assert_eq!(findings(&text, &["off"]), expect, "{text}");
    }

    #[test]
    fn every_kind_of_reference_must_be_declared() {
        for (service, word, section, column) in [
            ("networks: {nope: null}", "network", "networks", 16),
            ("volumes: [{type: volume, source: nope, target: /v}]", "volume", "volumes", 38),
            ("secrets: [{source: nope}]", "secret", "secrets", 24),
            ("configs: [{source: nope}]", "config", "configs", 24),
            ("models: {nope: null}", "model", "models", 14),
            ("build: {secrets: [{source: nope}]}", "secret", "secrets", 32),
        ] {
            check(
                service,
                "",
                &format!(
                    "f:4:{column} service `web` refers to an undefined {word} `nope` \
                     (declare it: `{section}: {{nope: }}`)\n"
                ),
            );
        }
    }

    #[test]
    fn anonymous_volumes_and_binds_refer_to_nothing() {
        check("volumes: [{type: volume, target: /v}, {type: bind, source: /x, target: /w}]", "", "");
    }

    #[test]
    fn a_dependency_must_take_part() {
        let off = "  off:\n    image: x\n    profiles: [debug]\n";
        check(
            "depends_on: {dbb: {required: false}}",
            "  db:\n    image: x\n",
            "f:4:18 service `web` depends on an undefined service `dbb` \
             (a service with a similar name exists: `db`)\n",
        );
        check(
            "depends_on: {off: {required: true}}",
            off,
            "f:4:18 service `web` depends on `off`, which no active profile includes \
             (activate its profile: `--profile debug`) \
             (or take dependencies in whatever their profiles are: `--with-deps`) (or let the dependency be optional: `required: false`)\n",
        );
        check("depends_on: {off: {required: false}}", off, "");
    }

    #[test]
    fn an_implied_dependency_is_shown_where_it_comes_from() {
        check(
            "network_mode: service:db\n    depends_on: {db: {required: true}}",
            "",
            "f:4:19 service `web` shares the network of an undefined service `db`\n",
        );
        check(
            "links: [a, 'db:x']\n    depends_on: {db: {required: true}}",
            "  a:\n    image: x\n",
            "f:4:16 service `web` links to an undefined service `db` (declared are `a`)\n",
        );
    }

    #[test]
    fn a_build_context_of_another_service_must_be_built_too() {
        check(
            "build: {additional_contexts: {b: 'service:a', c: 'service:no'}}",
            "  a:\n    image: x\n",
            "f:4:38 service `web` builds on `a`, which has no `build` \
             (use its image: `docker-image://…` instead of `service:a`)\n\
             f:4:54 service `web` builds on an undefined service `no` (declared are `a`, `web`)\n",
        );
    }
}
