//! What single containers are really made of: asked for only where the plan has to name what differs.

use super::{ContainerId, Fields};
use crate::engine::{Engine, EngineError};
use crate::lower::fields;
use std::collections::BTreeMap;

/// Inspects containers, and the images they were made from, all at once; one that is gone meanwhile is left out.
///
/// # Errors
/// The first request that failed otherwise.
pub async fn details(
    engine: &Engine,
    ids: &[ContainerId],
) -> Result<BTreeMap<ContainerId, Fields>, EngineError> {
    let each = ids.iter().map(|id| async move { Ok((id.clone(), of_container(engine, id).await?)) });
    let found: Vec<(ContainerId, Option<Fields>)> = futures_util::future::try_join_all(each).await?;
    Ok(found.into_iter().filter_map(|(id, fields)| Some((id, fields?))).collect())
}

/// Asks who is in networks, all at once; one that is gone meanwhile has nobody in it.
///
/// # Errors
/// The first request that failed otherwise.
pub async fn attached(
    engine: &Engine,
    networks: &[String],
) -> Result<BTreeMap<String, BTreeMap<String, String>>, EngineError> {
    let each = networks.iter().map(|id| async move {
        match engine.network_endpoints(id).await {
            Err(error) if error.kind == crate::engine::EngineErrorKind::NotFound => {
                Ok((id.clone(), BTreeMap::new()))
            }
            answer => Ok((id.clone(), answer?)),
        }
    });
    Ok(futures_util::future::try_join_all(each).await?.into_iter().collect())
}

/// Asks who mounts a volume: by id their names.
///
/// # Errors
/// The engine's refusal, or no answer.
pub async fn users(engine: &Engine, volume: &str) -> Result<BTreeMap<String, String>, EngineError> {
    let rows = engine.list_users_of_volume(volume).await?;
    let name = |names: &[String]| names.first().map(|name| name.trim_start_matches('/').to_owned());
    Ok(rows.into_iter().map(|row| (row.id, name(&row.names).unwrap_or_default())).collect())
}

async fn of_container(engine: &Engine, id: &ContainerId) -> Result<Option<Fields>, EngineError> {
    let answer = match engine.inspect_container(&id.0).await {
        Ok(answer) => answer,
        Err(error) if error.kind == crate::engine::EngineErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // The image may have been removed since: then what it gave the container shows as the container's own.
    let image = engine.image_defaults(&answer.image.unwrap_or_default()).await.unwrap_or_default();
    let inspected = fields::Inspected {
        id: answer.id.unwrap_or_default(),
        name: answer.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        config: answer.config.unwrap_or_default(),
        host: answer.host_config.unwrap_or_default(),
        endpoints: answer.network_settings.and_then(|settings| settings.networks).unwrap_or_default(),
    };
    Ok(Some(fields::of_container(&inspected, &image)))
}
