//! Namespaces and volumes taken from another service's container, resolved to that container's id.

use super::{Service, ServiceName};
use std::borrow::Cow;

impl Service {
    /// This service with `service:x` in `network_mode`, `ipc` and `pid`, and services in `volumes_from`, replaced by
    /// container ids, and `label_file` as it was written. The reference takes the config hash over this form. A service `id_of` does not know stays as it
    /// is written.
    pub fn with_container_ids(&self, id_of: impl Fn(&ServiceName) -> Option<String>) -> Cow<'_, Self> {
        let shares = |mode: &String| mode.starts_with("service:");
        let nothing = self.volumes_from.is_empty() && self.label_files_read.is_empty();
        if nothing && ![&self.network_mode, &self.ipc, &self.pid].into_iter().any(shares) {
            return Cow::Borrowed(self);
        }
        let mut resolved = self.clone();
        resolved.label_file.clone_from(&self.label_files_read);
        for mode in [&mut resolved.network_mode, &mut resolved.ipc, &mut resolved.pid] {
            let id = mode.strip_prefix("service:").and_then(|name| id_of(&ServiceName::new(name)));
            if let Some(id) = id {
                *mode = format!("container:{id}");
            }
        }
        // The reference drops the access modes here, and its hash is of what is left.
        for source in &mut resolved.volumes_from {
            if let Some((container, _)) = donor(source, &id_of) {
                *source = container;
            }
        }
        Cow::Owned(resolved)
    }

    /// `volumes_from` as the engine takes it: container ids or names, each with its access mode.
    ///
    /// Differs: the reference drops the mode, so that what is asked for `:ro` can be written; here it stays read-only.
    pub fn volume_donors(&self, id_of: impl Fn(&ServiceName) -> Option<String>) -> Vec<String> {
        let with_mode = |entry: &String| match donor(entry, &id_of) {
            Some((container, Some(mode))) => format!("{container}:{mode}"),
            Some((container, None)) => container,
            None => entry.clone(),
        };
        self.volumes_from.iter().map(with_mode).collect()
    }
}

/// The container that an entry of `volumes_from` means, and the access mode it asks for: `SERVICE[:MODE]` or
/// `container:NAME[:MODE]`. None for a service `id_of` does not know.
fn donor(entry: &str, id_of: &impl Fn(&ServiceName) -> Option<String>) -> Option<(String, Option<String>)> {
    let outside = entry.strip_prefix("container:");
    let entry = outside.unwrap_or(entry);
    let (name, mode) = match entry.split_once(':') {
        Some((name, mode)) => (name, Some(mode.to_owned())),
        None => (entry, None),
    };
    let container = if outside.is_some() { name.to_owned() } else { id_of(&ServiceName::new(name))? };
    Some((container, mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differs_volumes_are_taken_over_with_the_access_that_is_asked_for() {
        let service = Service {
            volumes_from: ["db", "db:ro", "container:old", "container:old:ro"]
                .map(ToOwned::to_owned)
                .to_vec(),
            ..Service::default()
        };
        let id_of = |name: &ServiceName| (name.as_str() == "db").then(|| "f00".to_owned());
        assert_eq!(service.volume_donors(id_of), ["f00", "f00:ro", "old", "old:ro"]);
        assert_eq!(service.with_container_ids(id_of).volumes_from, ["f00", "f00", "old", "old"]);
        assert_eq!(service.with_container_ids(|_| None).volumes_from, ["db", "db:ro", "old", "old"]);
    }
}
