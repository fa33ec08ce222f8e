//! Data that a project had under another name, or that it shares with a folder of the same name by accident.
//!
//! A project is called after its folder unless it says otherwise, and its volumes after the project. So a folder that is renamed
//! starts with empty volumes, and two folders of one name write into the same ones. Neither is wrong, and neither is what
//! most people mean: it is told, and nothing is done about it.

use crate::engine::{Engine, EngineError, VolumeRow, label};
use crate::model::Project;
use crate::observe::ObservedState;
use crate::plan::{Action, Plan};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What there is to tell. The engine is asked only where the plan makes volumes, which is once in a project's life.
///
/// # Errors
/// The engine's.
pub(super) async fn warnings(
    engine: &Engine,
    project: &Project,
    observed: &ObservedState,
    plan: &Plan,
) -> Result<Vec<String>, EngineError> {
    let mut warnings: Vec<String> = shared(project, observed).into_iter().collect();
    let made: BTreeSet<&str> = plan
        .steps
        .iter()
        .filter_map(|step| {
            let Action::CreateVolume { key, name } = &step.action else { return None };
            // One that has a name of its own does not go by the project's.
            (*name == format!("{}_{key}", project.name)).then_some(key.as_str())
        })
        .collect();
    // An instance begins with data of its own, and that is what it is for.
    if !made.is_empty() && project.instance.is_none() {
        warnings.extend(under_another_name(engine, project, &made).await?);
    }
    Ok(warnings)
}

/// Volumes that were made from another folder, which is still there.
fn shared(project: &Project, observed: &ObservedState) -> Option<String> {
    let mut others: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for volume in observed.volumes.iter().filter(|volume| volume.project.as_ref() == Some(&project.name)) {
        let wanted = volume.key.as_ref().is_some_and(|key| project.volumes.contains_key(key));
        let Some(folder) = volume.working_dir.as_deref().filter(|_| wanted) else { continue };
        if lies_elsewhere(Path::new(folder), &project.working_dir) {
            others.entry(folder).or_default().push(format!("`{}`", volume.name));
        }
    }
    let (folder, volumes) = others.into_iter().next()?;
    Some(format!(
        "{} came from `{folder}`, a folder of another project `{}`: both use the same data. Tell them apart with `-p`, or with `name:` in the stack file",
        volumes.join(", "),
        project.name
    ))
}

/// Whether a folder is there, and is another one.
fn lies_elsewhere(folder: &Path, own: &Path) -> bool {
    match (folder.canonicalize(), own.canonicalize()) {
        (Ok(folder), Ok(own)) => folder != own,
        (_, _) => false,
    }
}

async fn under_another_name(
    engine: &Engine,
    project: &Project,
    made: &BTreeSet<&str>,
) -> Result<Vec<String>, EngineError> {
    let mut others: BTreeMap<String, Vec<VolumeRow>> = BTreeMap::new();
    for row in engine.list_volumes(&[label::VOLUME.to_owned()]).await? {
        let Some(of) = row.labels.get(label::PROJECT).filter(|of| **of != project.name.as_str()) else {
            continue;
        };
        if row.labels.contains_key(label::INSTANCE) {
            continue;
        }
        others.entry(of.clone()).or_default().push(row);
    }
    let mut warnings = Vec::new();
    for (other, rows) in others {
        let key = |row: &VolumeRow| row.labels.get(label::VOLUME).cloned().unwrap_or_default();
        let matching: Vec<&VolumeRow> = rows.iter().filter(|row| made.contains(key(row).as_str())).collect();
        if matching.is_empty() || !was_ours(engine, project, &other, &rows, &matching).await? {
            continue;
        }
        let names: Vec<String> = matching.iter().map(|row| format!("`{}`", row.name)).collect();
        warnings.push(format!(
            "{} of project `{other}` may be this project's data under an old name; new, empty volumes are made. To use the old ones: `-p {other}`, or `name: {other}` in the stack file",
            names.join(", ")
        ));
    }
    Ok(warnings)
}

/// Whether another project's volumes look like ours. Where they say from which folder they came, that decides; older ones
/// must have all of our keys, and no container from a folder that is still there and not ours.
async fn was_ours(
    engine: &Engine,
    project: &Project,
    other: &str,
    rows: &[VolumeRow],
    matching: &[&VolumeRow],
) -> Result<bool, EngineError> {
    let own = &project.working_dir;
    let mut folders: Vec<String> =
        matching.iter().filter_map(|row| row.labels.get(label::WORKING_DIR).cloned()).collect();
    if folders.is_empty() {
        let keys: BTreeSet<&str> =
            rows.iter().filter_map(|row| Some(row.labels.get(label::VOLUME)?.as_str())).collect();
        if !project.volumes.keys().all(|key| keys.contains(key.as_str())) {
            return Ok(false);
        }
        let containers = engine.list_containers(&[format!("{}={other}", label::PROJECT)]).await?;
        folders = containers.iter().filter_map(|row| row.labels.get(label::WORKING_DIR).cloned()).collect();
    }
    Ok(!folders.iter().any(|folder| lies_elsewhere(Path::new(folder), own)))
}
