//! Networks, volumes and images.

use super::{Endpoint, Image, Network, Refusal, Volume, World, refuse, strings};
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl World {
    pub(super) fn add_network(&mut self, name: &str, spec: &Value) -> String {
        let id = self.new_id();
        let subnet = 17 + self.networks.iter().map(|network| network.subnet - 16).max().unwrap_or(0);
        let labels = strings(&spec["Labels"]);
        self.networks.push(Network {
            id: id.clone(),
            name: name.to_owned(),
            spec: spec.clone(),
            labels,
            subnet,
            next_host: 2,
        });
        id
    }

    /// A network by name or id.
    pub fn network(&self, key: &str) -> Option<&Network> {
        self.networks.iter().find(|network| network.name == key || network.id == key)
    }

    fn network_at(&self, key: &str) -> Result<usize, Refusal> {
        let at = self.networks.iter().position(|network| network.name == key || network.id == key);
        at.map_or_else(|| refuse(404, format!("network {key} not found")), Ok)
    }

    /// `POST /networks/create`.
    pub fn create_network(&mut self, spec: &Value) -> Result<String, Refusal> {
        let name = spec["Name"].as_str().unwrap_or_default();
        if self.networks.iter().any(|network| network.name == name) {
            return refuse(409, format!("network with name {name} already exists"));
        }
        let id = self.add_network(name, spec);
        self.network_event("create", &id, None);
        Ok(id)
    }

    /// `DELETE /networks/{id}`: running containers keep it, created and stopped ones do not.
    pub fn remove_network(&mut self, key: &str) -> Result<(), Refusal> {
        let at = self.network_at(key)?;
        let network = self.networks[at].clone();
        if matches!(network.name.as_str(), "none" | "host" | "bridge") {
            return refuse(403, format!("{} is a pre-defined network and cannot be removed", network.name));
        }
        let users: Vec<String> = self
            .containers
            .iter()
            .filter_map(|one| {
                let endpoint = one.endpoints.get(&network.name)?;
                let active = !endpoint.endpoint_id.is_empty() && endpoint.network_id == network.id;
                active.then(|| format!("name:\"{}\" id:\"{}\"", one.name, &endpoint.endpoint_id[..12]))
            })
            .collect();
        if !users.is_empty() {
            let users = users.join(", ");
            return refuse(
                403,
                format!(
                    "error while removing network: network {} has active endpoints ({users})",
                    network.name
                ),
            );
        }
        self.network_event("destroy", &network.id, None);
        self.networks.remove(at);
        Ok(())
    }

    /// `POST /networks/{id}/connect`.
    pub fn connect(&mut self, key: &str, container: &str, settings: &Value) -> Result<(), Refusal> {
        let one = self.find(container)?;
        let network = self.network_at(key)?;
        let name = self.networks[network].name.clone();
        let container_name = self.containers[one].name.clone();
        if self.containers[one].endpoints.contains_key(&name) {
            return refuse(
                403,
                format!("endpoint with name {container_name} already exists in network {name}"),
            );
        }
        let endpoint = Endpoint { settings: settings.clone(), ..Endpoint::default() };
        self.containers[one].endpoints.insert(name.clone(), endpoint);
        if self.containers[one].is_alive() {
            self.join(one, &name)?;
        }
        Ok(())
    }

    /// `POST /networks/{id}/disconnect`.
    pub fn disconnect(&mut self, key: &str, container: &str, force: bool) -> Result<(), Refusal> {
        let network = self.network_at(key)?;
        let Ok(one) = self.find(container) else {
            let what = if force {
                format!("endpoint {container} not found")
            } else {
                format!("No such container: {container}")
            };
            return refuse(404, what);
        };
        let (network, name) = (self.networks[network].id.clone(), self.networks[network].name.clone());
        let id = self.containers[one].id.clone();
        // 500, also with force: the engine has no better status for it.
        if self.containers[one].endpoints.remove(&name).is_none() {
            return refuse(500, format!("container {id} is not connected to network {name}"));
        }
        if self.containers[one].is_alive() {
            self.network_event("disconnect", &network, Some(id));
        }
        Ok(())
    }

    /// Gives a container that starts its place on one of its networks.
    pub(super) fn join(&mut self, one: usize, name: &str) -> Result<(), Refusal> {
        let Ok(at) = self.network_at(name) else {
            return refuse(404, format!("failed to set up container networking: network {name} not found"));
        };
        let endpoint_id = self.new_id();
        let network = &mut self.networks[at];
        let host = network.next_host;
        network.next_host += 1;
        let (network_id, subnet) = (network.id.clone(), network.subnet);
        let endpoint = self.containers[one].endpoints.entry(name.to_owned()).or_default();
        let fixed = endpoint.settings["IPAMConfig"]["IPv4Address"].as_str().unwrap_or_default();
        endpoint.address = match name {
            "host" | "none" => String::new(),
            _ if !fixed.is_empty() => fixed.to_owned(),
            _ => format!("172.{subnet}.{}.{}", host / 256, host % 256),
        };
        endpoint.network_id.clone_from(&network_id);
        endpoint.endpoint_id = endpoint_id;
        let id = self.containers[one].id.clone();
        self.network_event("connect", &network_id, Some(id));
        Ok(())
    }

    pub(super) fn network_event(&mut self, action: &str, id: &str, container: Option<String>) {
        let Some(network) = self.network(id) else { return };
        let mut attributes = BTreeMap::from([("name".to_owned(), network.name.clone())]);
        attributes.insert("type".to_owned(), network.spec["Driver"].as_str().unwrap_or("bridge").to_owned());
        attributes.extend(container.map(|container| ("container".to_owned(), container)));
        self.event("network", action, id, &attributes);
    }

    /// `POST /volumes/create`: one that is there is answered, whatever its labels.
    pub fn create_volume(&mut self, spec: &Value) -> Result<Volume, Refusal> {
        let name = spec["Name"].as_str().filter(|name| !name.is_empty());
        let anonymous = name.is_none();
        let name = name.map_or_else(|| self.new_id(), ToOwned::to_owned);
        let driver = spec["Driver"].as_str().filter(|driver| !driver.is_empty()).unwrap_or("local");
        if driver != "local" {
            return refuse(
                404,
                format!(
                    "create {name}: error looking up volume plugin {driver}: plugin \"{driver}\" not found"
                ),
            );
        }
        if let Some(known) = self.volumes.get(&name) {
            return Ok(known.clone());
        }
        let mut labels = strings(&spec["Labels"]);
        if anonymous {
            labels.insert("com.docker.volume.anonymous".to_owned(), String::new());
        }
        let volume = Volume {
            name: name.clone(),
            driver: driver.to_owned(),
            labels,
            options: spec["DriverOpts"].clone(),
        };
        self.volumes.insert(name.clone(), volume.clone());
        self.event("volume", "create", &name, &BTreeMap::from([("driver".to_owned(), driver.to_owned())]));
        Ok(volume)
    }

    /// `DELETE /volumes/{name}`: containers in any state keep it.
    pub fn remove_volume(&mut self, name: &str) -> Result<(), Refusal> {
        if !self.volumes.contains_key(name) {
            return refuse(404, format!("get {name}: no such volume"));
        }
        let users = self.users_of_volume(name);
        if !users.is_empty() {
            return refuse(409, format!("remove {name}: volume is in use - [{}]", users.join(", ")));
        }
        self.volumes.remove(name);
        self.event("volume", "destroy", name, &BTreeMap::from([("driver".to_owned(), "local".to_owned())]));
        Ok(())
    }

    pub(super) fn users_of_volume(&self, name: &str) -> Vec<String> {
        let users = self
            .containers
            .iter()
            .filter(|one| one.mounts.iter().any(|mount| mount.kind == "volume" && mount.name == name));
        users.map(|one| one.id.clone()).collect()
    }

    /// An image by name, with or without tag, by id or the beginning of it.
    pub fn image(&self, key: &str) -> Option<&Image> {
        let tagged = tagged(key);
        let digits = key.trim_start_matches("sha256:");
        self.images.iter().find(|image| {
            let id = image.id.trim_start_matches("sha256:");
            image.tags.contains(&tagged) || (digits.len() >= 12 && id.starts_with(digits))
        })
    }

    /// `GET /images/{name}/json`, as far as finding it goes.
    pub fn find_image(&self, key: &str) -> Result<&Image, Refusal> {
        self.image(key).map_or_else(|| refuse(404, format!("No such image: {}", tagged(key))), Ok)
    }

    /// `POST /images/{name}/tag`.
    pub fn tag_image(&mut self, key: &str, repo: &str, tag: &str) -> Result<(), Refusal> {
        let id = self.find_image(key)?.id.clone();
        let name = tagged(&format!("{repo}:{tag}"));
        for image in &mut self.images {
            image.tags.remove(&name);
            if image.id == id {
                image.tags.insert(name.clone());
            }
        }
        Ok(())
    }

    /// `DELETE /images/{name}`.
    pub fn remove_image(&mut self, key: &str) -> Result<Value, Refusal> {
        let id = self.find_image(key)?.id.clone();
        let name = tagged(key);
        if let Some(user) = self.containers.iter().find(|one| one.image_id == id && one.is_alive()) {
            let image = self.image(key).map_or(0, |image| image.tags.len());
            if image <= 1 {
                return refuse(
                    409,
                    format!(
                        "conflict: unable to remove repository reference \"{key}\" (must force) - container {} is using its referenced image {}",
                        &user.id[..12],
                        &id[7..19]
                    ),
                );
            }
        }
        let mut done = vec![json!({"Untagged": name})];
        for image in &mut self.images {
            image.tags.remove(&name);
        }
        let gone = |image: &Image| image.id == id && image.tags.is_empty();
        if self.images.iter().any(gone) {
            self.images.retain(|image| !gone(image));
            done.push(json!({"Deleted": id}));
        }
        Ok(Value::Array(done))
    }

    /// `POST /images/create`: what comes down the stream. The engine here has no way out to a registry, nor has this one
    /// but to what `registry` names.
    pub fn pull_image(&mut self, repo: &str, tag: &str) -> Result<Vec<Value>, Refusal> {
        let name = tagged(&format!("{repo}:{}", if tag.is_empty() { "latest" } else { tag }));
        if !self.registry.contains(&name) {
            return refuse(
                404,
                format!(
                    "pull access denied for {repo}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"
                ),
            );
        }
        let digest = self.image(&name).map(|image| image.id.clone());
        let fresh = digest.is_none();
        let digest = digest.unwrap_or_else(|| self.add_image(&[&name], json!({"Cmd": ["server"]})));
        let verdict = if fresh { "Downloaded newer image" } else { "Image is up to date" };
        let progress = |status: &str, current: u64| json!({"status": status, "id": "0123456789ab", "progressDetail": {"current": current, "total": 1000}});
        Ok(vec![
            json!({"status": format!("Pulling from {repo}"), "id": tag}),
            progress("Downloading", 300),
            progress("Downloading", 1000),
            json!({"status": "Pull complete", "id": "0123456789ab", "progressDetail": {}}),
            json!({"status": format!("Digest: {digest}")}),
            json!({"status": format!("Status: {verdict} for {name}")}),
        ])
    }

    /// `POST /build` with the classic builder: every build makes a new image.
    pub fn build_image(&mut self, tags: &[&str], labels: &Value) -> Vec<Value> {
        let names: Vec<String> = tags.iter().map(|tag| tagged(tag)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let id = self.add_image(&names, json!({"Cmd": ["server"], "Labels": labels}));
        let mut lines = vec![
            json!({"stream": "Step 1/1 : FROM busybox"}),
            json!({"stream": "\n"}),
            json!({"aux": {"ID": id}}),
            json!({"stream": format!("Successfully built {}\n", &id[7..19])}),
        ];
        lines.extend(names.iter().map(|name| json!({"stream": format!("Successfully tagged {name}\n")})));
        lines
    }
}

/// A name with its tag, as the engine keeps it: `busybox` is `busybox:latest`.
pub(super) fn tagged(name: &str) -> String {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let has_tag = name.contains('@') || name.rsplit_once(':').is_some_and(|(_, tag)| !tag.contains('/'));
    if has_tag { name.to_owned() } else { format!("{name}:latest") }
}
