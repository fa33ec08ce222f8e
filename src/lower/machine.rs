//! What a service takes from the machine it runs on, and its file only hints at: the engine's own socket, the address of models.
//!
//! Written into the project before it is planned, because the reference does so before it takes its config hash.

use crate::model::{ConfigKey, FileObject, FileReference, Mount, MountType, Project, Provided, Service};
use std::borrow::Cow;

/// The config that holds the credentials. `#` keeps it apart from every key that a file can have.
pub const CREDENTIALS: &str = "#apisocket";

/// Where the engine's socket is on the machine that runs the engine, and in the container.
pub const SOCKET: &str = "/var/run/docker.sock";

/// The folder of Docker's configuration in the container.
const FOLDER: &str = "/run/secrets/docker";

/// Whether a service asks for the engine's socket.
pub fn wants_api_socket(project: &Project) -> bool {
    project.services.values().any(|service| service.use_api_socket)
}

/// Gives the services with `use_api_socket` the engine's socket and `credentials`, the text of a `config.json`.
/// <https://github.com/compose-spec/compose-spec/blob/main/05-services.md#use_api_socket>
pub fn give_api_socket(project: &mut Project, credentials: String) {
    let content = FileObject { content: credentials, ..FileObject::default() };
    project.configs.insert(ConfigKey::new(CREDENTIALS), content);
    for service in project.services.values_mut().filter(|service| service.use_api_socket) {
        service.volumes.push(Mount {
            kind: MountType::Bind,
            source: SOCKET.to_owned(),
            target: SOCKET.to_owned(),
            ..Mount::default()
        });
        // Who says where the configuration is brings one.
        if service.environment.contains_key("DOCKER_CONFIG") {
            continue;
        }
        service.environment.insert("DOCKER_CONFIG".to_owned(), Some(FOLDER.to_owned()));
        service.configs.push(FileReference {
            source: CREDENTIALS.to_owned(),
            target: format!("{FOLDER}/config.json"),
            ..FileReference::default()
        });
    }
}

/// The mount of the engine's socket, with the socket that is really there as its source.
///
/// Differs: the reference mounts `/var/run/docker.sock` wherever the engine listens, and where nothing is there the engine
/// makes a folder of that name. The config hash is the reference's all the same.
pub fn really_at(binds: &mut [String], socket: &str) {
    let usual = format!("{SOCKET}:{SOCKET}:");
    for bind in binds {
        if let Some(mode) = bind.strip_prefix(&usual) {
            *bind = format!("{socket}:{SOCKET}:{mode}");
        }
    }
}

/// A service with what the providers that it depends on add to its environment; theirs win over the file's. The reference
/// takes its config hash over this form.
pub fn provided_to<'a>(service: &'a Service, provided: &Provided) -> Cow<'a, Service> {
    let theirs: Vec<&(String, String)> =
        service.depends_on.keys().filter_map(|needed| provided.get(needed)).flatten().collect();
    if theirs.is_empty() {
        return Cow::Borrowed(service);
    }
    let mut service = service.clone();
    service.environment.extend(theirs.into_iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
    Cow::Owned(service)
}

/// Tells services where their models answer.
/// <https://github.com/compose-spec/compose-spec/blob/main/05-services.md#models>
pub fn tell_models(project: &mut Project, endpoint: &str) {
    for service in project.services.values_mut() {
        for (key, reference) in &service.models {
            let Some(model) = project.models.get(key) else { continue };
            let prefix = key.as_str().to_uppercase().replace('-', "_");
            let reference = reference.clone().unwrap_or_default();
            let named =
                |own: String, usual: &str| if own.is_empty() { format!("{prefix}_{usual}") } else { own };
            let model_variable = named(reference.model_var, "MODEL");
            let endpoint_variable = named(reference.endpoint_var, "URL");
            service.environment.insert(model_variable, Some(model.model.clone()));
            service.environment.insert(endpoint_variable, Some(endpoint.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dependency, Model, ModelKey, ServiceModel, ServiceName};

    fn project(service: Service) -> Project {
        let mut project = Project::default();
        project.services.insert(ServiceName::new("web"), Box::new(service));
        project
    }

    fn web(project: &Project) -> &Service {
        &project.services[&ServiceName::new("web")]
    }

    #[test]
    fn credentials_come_with_the_socket_unless_the_service_brings_its_own() {
        let mut given = project(Service { use_api_socket: true, ..Service::default() });
        give_api_socket(&mut given, "{}".to_owned());
        assert_eq!((web(&given).volumes.len(), web(&given).configs.len()), (1, 1));
        let own = [("DOCKER_CONFIG".to_owned(), Some("/mine".to_owned()))].into();
        let mut given = project(Service { use_api_socket: true, environment: own, ..Service::default() });
        give_api_socket(&mut given, "{}".to_owned());
        assert_eq!((web(&given).volumes.len(), web(&given).configs.len()), (1, 0));
        assert_eq!(web(&given).environment["DOCKER_CONFIG"].as_deref(), Some("/mine"));
    }

    #[test]
    fn differs_the_socket_is_mounted_from_where_the_engine_listens() {
        let mut binds = [format!("{SOCKET}:{SOCKET}:rw"), "/a:/b:ro".to_owned()];
        really_at(&mut binds, "/run/user/1000/docker.sock");
        assert_eq!(binds, ["/run/user/1000/docker.sock:/var/run/docker.sock:rw", "/a:/b:ro"]);
    }

    #[test]
    fn what_a_provider_gives_wins_over_the_file_and_reaches_its_dependents_alone() {
        let store = ServiceName::new("store");
        let given = [("A", "x=y"), ("B", "3")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let provided = [(store.clone(), given.to_vec())].into();
        let environment = [("A".to_owned(), Some("1".to_owned())), ("C".to_owned(), None)].into();
        let alone = Service { environment, ..Service::default() };
        assert_eq!(*provided_to(&alone, &provided), alone);
        let depends_on = [(store, Dependency::default())].into();
        let dependent = Service { depends_on, ..alone };
        let given = provided_to(&dependent, &provided);
        let variables: Vec<String> =
            given.environment.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        assert_eq!(variables, ["A=Some(\"x=y\")", "B=Some(\"3\")", "C=None"]);
    }

    #[test]
    fn models_are_told_by_the_usual_names_or_those_of_the_file() {
        let own = ServiceModel {
            endpoint_var: "WHERE".to_owned(),
            model_var: "WHICH".to_owned(),
            ..ServiceModel::default()
        };
        let keys = ["tiny-llm", "big"].map(ModelKey::new);
        let models = [(keys[0].clone(), None), (keys[1].clone(), Some(own))].into();
        let mut told = project(Service { models, ..Service::default() });
        for key in keys {
            let model = Model { model: format!("ai/{key}"), ..Model::default() };
            told.models.insert(key, model);
        }
        tell_models(&mut told, "http://here/v1/");
        let environment: Vec<String> = web(&told)
            .environment
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(
            environment,
            [
                "TINY_LLM_MODEL=ai/tiny-llm",
                "TINY_LLM_URL=http://here/v1/",
                "WHERE=http://here/v1/",
                "WHICH=ai/big"
            ]
        );
    }
}
