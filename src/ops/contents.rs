//! What is in configs and secrets, as hashes: so that a plan sees that one has changed, and a container's label can say what
//! it was given without giving it away.

use crate::model::{FileObject, Project, ServiceName};
use crate::plan::Contents;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The hashes for each service that has configs or secrets. What cannot be read is left out: whoever needs it will say so.
pub(super) async fn of(project: &Project) -> BTreeMap<ServiceName, Contents> {
    let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut all = BTreeMap::new();
    for (name, service) in &project.services {
        let mut contents = Contents::new();
        // Credentials that come with the engine's socket are renewed all the time: no reason to replace a container.
        let configs = service
            .configs
            .iter()
            .filter(|file| file.source != crate::lower::machine::CREDENTIALS)
            .map(|file| ("config", &file.source, project.configs.get(file.source.as_str())));
        let secrets = service
            .secrets
            .iter()
            .map(|file| ("secret", &file.source, project.secrets.get(file.source.as_str())));
        for (kind, key, object) in configs.chain(secrets) {
            let Some(object) = object else { continue };
            let file = format!("{kind}:{key}");
            if !known.contains_key(&file) {
                let hash = content(project, object).await.map(|content| hash(project, &file, &content));
                known.insert(file.clone(), hash);
            }
            if let Some(Some(hash)) = known.get(&file) {
                contents.insert(file, hash.clone());
            }
        }
        if !contents.is_empty() {
            all.insert(name.clone(), contents);
        }
    }
    all
}

async fn content(project: &Project, object: &FileObject) -> Option<Vec<u8>> {
    if !object.content.is_empty() {
        return Some(object.content.clone().into_bytes());
    }
    if !object.environment.is_empty() {
        return project.environment.get(&object.environment).map(|value| value.as_bytes().to_vec());
    }
    if object.file.is_empty() {
        return None;
    }
    // A folder may be mounted as well; its files are seen as they are, and are not compared.
    tokio::fs::read(&object.file).await.ok()
}

/// 16 digits: enough to see a change, too few to be sure of a guess at a short secret; and another one in each project.
fn hash(project: &Project, file: &str, content: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(project.name.as_str().as_bytes());
    hasher.update([0]);
    hasher.update(file.as_bytes());
    hasher.update([0]);
    hasher.update(content);
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
