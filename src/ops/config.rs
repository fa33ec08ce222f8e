//! What `config` shows, as texts.
//!
//! In: a loaded project, or its tree before interpolation. Out: the text that goes to standard output, in the form of
//! the reference. Deliberately absent: loading and printing.

pub mod digests;
pub mod origins;
pub mod why;

use crate::env::template;
use crate::load::{self, Loaded};
use crate::model::{Project, Service, hash, output};
use crate::yaml::{self, Node};
use std::collections::{BTreeMap, BTreeSet};

/// Output format of `config`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// YAML.
    #[default]
    Yaml,
    /// JSON.
    Json,
}

/// The whole project. Every `$` is doubled, so that the text can be loaded again.
pub fn render(loaded: &Loaded, format: Format) -> String {
    let text = match format {
        Format::Yaml => output::yaml_text(&loaded.project),
        Format::Json => json_line(&output::json_tree(&loaded.project)),
    };
    if text.contains('$') { text.replace('$', "$$") } else { text }
}

/// `--no-interpolate`: the model as it was before interpolation, keys sorted, templates as written.
pub fn raw(tree: &Node, format: Format) -> String {
    let mut tree = tree.clone();
    match format {
        Format::Yaml => {
            yaml::sort_keys(&mut tree, yaml::natural_order);
            yaml::to_yaml(&tree)
        }
        Format::Json => {
            yaml::sort_keys(&mut tree, str::cmp);
            json_line(&tree)
        }
    }
}

/// Like a shell command, the output ends with a line end.
fn json_line(tree: &Node) -> String {
    let mut text = yaml::to_json(tree, Some("  "));
    text.push('\n');
    text
}

fn lines<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| format!("{item}\n")).collect()
}

/// `--services`: service names.
pub fn services(loaded: &Loaded) -> String {
    lines(loaded.project.services.keys())
}

/// `--volumes`: volume keys.
pub fn volumes(loaded: &Loaded) -> String {
    lines(loaded.project.volumes.keys())
}

/// `--networks`: network keys.
pub fn networks(loaded: &Loaded) -> String {
    lines(loaded.project.networks.keys())
}

/// `--images`: the image of each service: the one it names, or the name that its build gets.
pub fn images(loaded: &Loaded) -> String {
    lines(loaded.project.services.values().map(|service| image_name(&loaded.project, service)))
}

fn image_name(project: &Project, service: &Service) -> String {
    if service.image.is_empty() {
        format!("{}{}{}", project.name, project.separator(), service.name)
    } else {
        service.image.clone()
    }
}

/// `--profiles`: the profiles that any service names, active or not.
pub fn profiles(loaded: &Loaded) -> String {
    let Project { services, disabled_services, .. } = &loaded.project;
    let all = services.values().chain(disabled_services.values());
    lines(all.flat_map(|service| &service.profiles).collect::<BTreeSet<_>>())
}

/// `--models`: the models that services use, by their reference.
pub fn models(loaded: &Loaded) -> String {
    lines(loaded.project.models.values().filter(|model| !model.model.is_empty()).map(|model| &model.model))
}

/// `--hash`: `service hash` lines, for `*` or for a comma-separated list of services.
///
/// Differs: a service with an `env_file` has the hash that its containers are labelled with, here as in the reference;
/// what the reference prints for such a service is another one.
///
/// # Errors
/// The name that no service has.
pub fn hashes(loaded: &Loaded, services: &str) -> Result<String, String> {
    let project = &loaded.project;
    let line = |service: &Service| format!("{} {}", service.name, hash::service(service));
    if services == "*" {
        return Ok(lines(project.services.values().map(|service| line(service))));
    }
    let names: BTreeSet<&str> = services.split(',').collect();
    let found: Result<Vec<String>, String> = names
        .into_iter()
        .map(|name| project.service(name).map(line).ok_or_else(|| name.to_owned()))
        .collect();
    found.map(lines)
}

/// `--environment`: the interpolation environment, `NAME=value` lines.
pub fn environment(loaded: &Loaded) -> String {
    lines(loaded.project.environment.iter().map(|(name, value)| format!("{name}={value}")))
}

/// `--variables`: the variables that the model's templates name, from the tree before interpolation.
///
/// A variable that stands in several templates shows one default; the reference picks one at random.
pub fn variables(tree: &Node, format: Format) -> String {
    let found = load::variables(tree);
    match format {
        Format::Yaml => variable_table(&found),
        Format::Json => {
            let members = found.iter().map(|(name, variable)| {
                let value = serde_json::json!({
                    "Name": name,
                    "DefaultValue": variable.default_value,
                    "PresenceValue": variable.presence_value,
                    "Required": variable.required,
                });
                (name.clone(), value)
            });
            let object: serde_json::Map<String, serde_json::Value> = members.collect();
            format!("{:#}\n", serde_json::Value::Object(object))
        }
    }
}

/// Columns at least 20 wide and 3 apart, the last one as it is.
fn variable_table(variables: &BTreeMap<String, template::Variable>) -> String {
    let header = ["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"];
    let rows = variables.iter().map(|(name, variable)| {
        let required = if variable.required { "true" } else { "false" };
        [name.as_str(), required, variable.default_value.as_str(), variable.presence_value.as_str()]
    });
    let rows: Vec<[&str; 4]> = std::iter::once(header).chain(rows).collect();
    let width =
        |column: fn(&[&str; 4]) -> usize| rows.iter().map(|row| column(row) + 3).max().unwrap_or(0).max(20);
    let name_width = width(|[name, ..]| name.chars().count());
    let required_width = width(|[_, required, ..]| required.chars().count());
    let default_width = width(|[_, _, default, _]| default.chars().count());
    lines(rows.iter().map(|[name, required, default, alternate]| {
        format!("{name:name_width$}{required:required_width$}{default:default_width$}{alternate}")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProjectName;
    use crate::source::{Diagnostics, SourceMap, Span};
    use crate::yaml::{Data, Mapping};

    fn loaded(project: Project) -> Loaded {
        Loaded { project, sources: SourceMap::default(), warnings: Diagnostics::default() }
    }

    fn service(name: &str, image: &str, profiles: &[&str]) -> Service {
        Service {
            name: crate::model::ServiceName::new(name),
            image: image.to_owned(),
            profiles: profiles.iter().map(|profile| (*profile).to_owned()).collect(),
            ..Service::default()
        }
    }

    fn project() -> Loaded {
        let mut project = Project { name: ProjectName::new("shop"), ..Project::default() };
        for service in [service("web", "nginx", &["b"]), service("db", "", &["a", "b"])] {
            project.services.insert(service.name.clone(), Box::new(service));
        }
        let off = service("off", "x", &["c"]);
        project.disabled_services.insert(off.name.clone(), Box::new(off));
        loaded(project)
    }

    #[test]
    fn lists_are_one_name_a_line() {
        let loaded = project();
        assert_eq!(services(&loaded), "db\nweb\n");
        assert_eq!(images(&loaded), "shop-db\nnginx\n");
        assert_eq!(profiles(&loaded), "a\nb\nc\n");
        assert_eq!(networks(&loaded), "");
    }

    #[test]
    fn hashes_are_given_for_all_or_for_the_named_services() {
        let loaded = project();
        let ask = |names| hashes(&loaded, names);
        assert_eq!(ask("*").unwrap().lines().count(), 2);
        assert_eq!(ask("web").unwrap(), ask("web,web").unwrap());
        assert_eq!(ask("web,nope"), Err("nope".to_owned()));
    }

    #[test]
    fn dollars_are_doubled_so_that_the_output_loads_again() {
        let mut loaded = project();
        loaded.project.services.clear();
        let price = Service { image: "a$b".to_owned(), ..service("s", "", &[]) };
        loaded.project.services.insert(price.name.clone(), Box::new(price));
        assert_eq!(render(&loaded, Format::Yaml), "name: shop\nservices:\n  s:\n    image: a$$b\n");
    }

    #[test]
    fn variables_are_a_table_or_json() {
        let mut mapping = Mapping::default();
        let text = Node::string(Span::NONE, "${A:-1} ${B:?m} ${C:+alt} $D");
        mapping.insert("image", Span::NONE, text);
        let tree = Node::synthetic(Data::Mapping(mapping));
        assert_eq!(
            variables(&tree, Format::Yaml),
            "NAME                REQUIRED            DEFAULT VALUE       ALTERNATE VALUE\n\
             A                   false               1                   \n\
             B                   true                                    \n\
             C                   false                                   alt\n\
             D                   false                                   \n"
        );
        assert!(variables(&tree, Format::Json).contains("\"PresenceValue\": \"alt\""));
    }
}
