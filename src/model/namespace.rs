//! Namespaces and volumes taken from another service's container, resolved to that container's id.

use super::{Service, ServiceName};
use std::borrow::Cow;

impl Service {
    /// This service with `service:x` in `network_mode`, `ipc` and `pid`, and services in `volumes_from`, replaced by
    /// container ids. The reference takes the config hash over this form. A service `id_of` does not know stays as it
    /// is written.
    pub fn with_container_ids(&self, id_of: impl Fn(&ServiceName) -> Option<String>) -> Cow<'_, Self> {
        let shares = |mode: &String| mode.starts_with("service:");
        if self.volumes_from.is_empty() && ![&self.network_mode, &self.ipc, &self.pid].into_iter().any(shares)
        {
            return Cow::Borrowed(self);
        }
        let mut resolved = self.clone();
        for mode in [&mut resolved.network_mode, &mut resolved.ipc, &mut resolved.pid] {
            let id = mode.strip_prefix("service:").and_then(|name| id_of(&ServiceName::new(name)));
            if let Some(id) = id {
                *mode = format!("container:{id}");
            }
        }
        for source in &mut resolved.volumes_from {
            if source.starts_with("container:") {
                continue;
            }
            // The reference drops the access mode of a service's entry here.
            let name = source.split(':').next().unwrap_or_default();
            if let Some(id) = id_of(&ServiceName::new(name)) {
                *source = id;
            }
        }
        Cow::Owned(resolved)
    }
}
