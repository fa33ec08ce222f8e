//! What a project takes from the machine it runs on, asked for before it is planned: where models answer, and the engine's
//! own socket. Only questions are asked.

use super::OpsError;
use crate::apply::ModelRunner;
use crate::engine::Engine;
use crate::lower::machine;
use crate::model::Project;
use crate::plan::Problem;
use crate::yaml::NodePath;
use std::collections::BTreeSet;

/// The project with all that in it, and the models that are there already.
pub(super) async fn complete(
    engine: &Engine,
    project: &Project,
) -> Result<(Option<Project>, BTreeSet<String>), OpsError> {
    let used = project.services.values().flat_map(|service| service.models.keys()).next();
    let socket = machine::wants_api_socket(project);
    if used.is_none() && !socket {
        return Ok((None, BTreeSet::new()));
    }
    let mut complete = project.clone();
    let mut there = BTreeSet::new();
    if let Some(key) = used {
        let failed = |message: String, help: &str| {
            let path = NodePath::of(&["models", key.as_str()]);
            OpsError::Problems(vec![Problem { path, message, help: vec![help.to_owned()] }])
        };
        let Some(runner) = ModelRunner::find(project, engine.address().to_string()) else {
            let message = "models are kept and served by the docker plugin `model`, which is not installed";
            let help = "install Docker Model Runner: https://docs.docker.com/ai/model-runner";
            return Err(failed(message.to_owned(), help));
        };
        let (endpoint, listed) = futures_util::future::join(runner.endpoint(), runner.listed()).await;
        let help = "see what it says: `docker model status`";
        there = listed.map_err(|message| failed(message, help))?;
        machine::tell_models(&mut complete, &endpoint.map_err(|message| failed(message, help))?);
    }
    if socket {
        machine::give_api_socket(&mut complete, engine.logins().config_file().await);
    }
    Ok((Some(complete), there))
}
