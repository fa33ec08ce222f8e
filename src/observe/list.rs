//! The engine's lists to an [`ObservedState`]: a handful of requests, all at once, however many services there are.

use super::{
    Container, ContainerId, ContainerStatus, Fields, Health, HooksDue, Identity, InPlace, ObservedEndpoint,
    ObservedImage, ObservedMount, ObservedNetwork, ObservedNotes, ObservedPort, ObservedState,
    ObservedVolume,
};
use crate::engine::{ContainerRow, Engine, EngineError, ImageRow, NetworkRow, VolumeRow, label};
use crate::lower::fields as lower_fields;
use crate::model::{NetworkKey, ProjectName, ServiceName, VolumeKey};
use std::collections::BTreeMap;

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct ObserveRequest {
    /// The project.
    pub project: String,
    /// Names of networks it wants, whoever made them; with `None` networks are not asked for at all.
    pub networks: Option<Vec<String>>,
    /// Names of volumes it wants, whoever made them; with `None` volumes are not asked for at all.
    pub volumes: Option<Vec<String>>,
    /// References of images it wants.
    pub images: Vec<String>,
}

/// Looks: one request for containers, and one each for networks and volumes where they are asked for, all at once; and one for
/// the images that the containers do not tell of.
///
/// # Errors
/// The first request that failed.
pub async fn observe(engine: &Engine, request: &ObserveRequest) -> Result<ObservedState, EngineError> {
    let labels = [format!("{}={}", label::PROJECT, request.project)];
    let networks = async {
        match &request.networks {
            None => Ok(Vec::new()),
            // One unfiltered list holds the project's own and the ones of a wanted name; two filtered ones would be two.
            Some(_) => engine.list_networks(&[]).await,
        }
    };
    let volumes = async {
        match &request.volumes {
            None => Ok(Vec::new()),
            Some(wanted) if wanted.is_empty() => engine.list_volumes(&labels).await,
            Some(_) => engine.list_volumes(&[]).await,
        }
    };
    let containers = async {
        let rows = engine.list_containers(&labels).await?;
        let mut known =
            if engine.is_podman() { BTreeMap::new() } else { images_in_use(&rows, &request.images) };
        let open: Vec<String> =
            request.images.iter().filter(|reference| !known.contains_key(*reference)).cloned().collect();
        if !open.is_empty() {
            known.extend(images(engine, &open).await?);
        }
        Ok((rows, known))
    };
    let ((containers, images), networks, volumes) = futures_util::try_join!(containers, networks, volumes)?;
    let project = ProjectName::new(request.project.as_str());
    let notes = notes(&networks, &request.project);
    let hooks_due = hooks_due(&networks, &request.project);
    let containers = containers
        .into_iter()
        .map(|row| with_network_ids(container(row), &networks))
        .map(|container| with_notes(container, &notes))
        .collect();
    let wanted =
        |names: &Option<Vec<String>>, name: &str| names.iter().flatten().any(|wanted| wanted == name);
    Ok(ObservedState {
        containers,
        networks: networks
            .into_iter()
            .map(network)
            .filter(|found| {
                found.project.as_ref() == Some(&project)
                    || wanted(&request.networks, &found.name)
                    || wanted(&request.networks, &found.id)
            })
            .collect(),
        volumes: volumes
            .into_iter()
            .map(volume)
            .filter(|found| found.project.as_ref() == Some(&project) || wanted(&request.volumes, &found.name))
            .collect(),
        images,
        notes,
        hooks_due,
        detached: Vec::new(),
        models: std::collections::BTreeSet::new(),
        // Podman before 5 has no such call, and its later ones answer it for restart policies alone.
        cannot_update: engine.is_podman(),
        fields: BTreeMap::new(),
    })
}

/// Podman lists an endpoint's network by name; the id is what tells a network from its successor.
fn with_network_ids(mut container: Container, networks: &[NetworkRow]) -> Container {
    for (name, endpoint) in &mut container.networks {
        if endpoint.network_id == *name
            && let Some(network) = networks.iter().find(|network| network.name == *name)
        {
            endpoint.network_id.clone_from(&network.id);
        }
    }
    container
}

/// What was put down about changes in place, the newest first.
fn notes(networks: &[NetworkRow], project: &str) -> Vec<ObservedNotes> {
    let mut notes: Vec<ObservedNotes> = networks
        .iter()
        .filter(|row| row.labels.get(label::NOTES).is_some_and(|of| of == project))
        .map(|row| ObservedNotes {
            id: row.id.clone(),
            name: row.name.clone(),
            generation: row
                .labels
                .get(label::NOTES_GENERATION)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
            notes: row
                .labels
                .iter()
                .filter_map(|(key, hash)| {
                    let id = key.strip_prefix(label::NOTE)?;
                    Some((id.to_owned(), (!hash.is_empty()).then(|| hash.clone())))
                })
                .collect(),
        })
        .collect();
    notes.sort_by_key(|notes| std::cmp::Reverse(notes.generation));
    notes
}

/// The containers whose hooks a run that was cut short has not come to.
fn hooks_due(networks: &[NetworkRow], project: &str) -> Vec<HooksDue> {
    let of_project = |row: &&NetworkRow| row.labels.get(label::HOOKS).is_some_and(|of| of == project);
    let due = |row: &NetworkRow| {
        let container = ContainerId(row.labels.get(label::HOOKS_OF)?.clone());
        Some(HooksDue { id: row.id.clone(), name: row.name.clone(), container })
    };
    networks.iter().filter(of_project).filter_map(due).collect()
}

fn with_notes(mut container: Container, notes: &[ObservedNotes]) -> Container {
    if let Some(note) = notes.first().and_then(|newest| newest.notes.get(&container.id.0)) {
        container.identity.in_place = match note {
            Some(hash) => InPlace::To(hash.clone()),
            None => InPlace::Unfinished,
        };
    }
    container
}

/// `config:KEY=hash,secret:KEY=hash`.
fn contents(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(',').filter_map(|entry| entry.rsplit_once('='));
    pairs.map(|(file, hash)| (file.to_owned(), hash.to_owned())).collect()
}

/// Volumes that a project made, or wants, as far as their definitions go: all that a question about them needs.
///
/// # Errors
/// The engine's refusal, or no answer.
pub async fn volumes(engine: &Engine) -> Result<Vec<ObservedVolume>, EngineError> {
    Ok(engine.list_volumes(&[]).await?.into_iter().map(volume).collect())
}

/// The containers of all projects, for `ls`.
///
/// # Errors
/// The engine's refusal, or no answer.
pub async fn all_projects(engine: &Engine) -> Result<Vec<Container>, EngineError> {
    let labels = [label::PROJECT.to_owned(), label::CONFIG_HASH.to_owned()];
    Ok(engine.list_containers(&labels).await?.into_iter().map(container).collect())
}

/// What the rows of containers say about images. Docker writes the reference that a container was made with only while that
/// still stands for the container's image, else the image's id
/// (<https://github.com/moby/moby/blob/v28.5.0/daemon/list.go>, `refreshImage`). A list of images costs it several times as
/// much as one of containers, because it looks at every layer; so it is left out where nothing has changed. Podman writes the
/// reference in any case.
fn images_in_use(rows: &[ContainerRow], references: &[String]) -> BTreeMap<String, ObservedImage> {
    let mut found = BTreeMap::new();
    for reference in references {
        let row = rows.iter().find(|row| {
            row.image == *reference
                && row.image != row.image_id
                && row.labels.get(label::IMAGE).is_some_and(|digest| *digest == row.image_id)
        });
        if let Some(row) = row {
            found.insert(reference.clone(), ObservedImage::of(&row.image_id));
        }
    }
    found
}

/// Local images by the reference they were asked for. References that no name filter can find (ids) are inspected.
async fn images(
    engine: &Engine,
    references: &[String],
) -> Result<BTreeMap<String, ObservedImage>, EngineError> {
    let rows = engine.list_images(references).await?;
    let mut found = BTreeMap::new();
    for reference in references {
        let row = rows.iter().find(|row| goes_by(row, reference));
        if let Some(row) = row {
            let manifests = row.manifests.iter().filter(|manifest| manifest.kind == "image");
            let manifests = manifests.map(|manifest| manifest.id.clone()).collect();
            found.insert(reference.clone(), ObservedImage { manifests, ..ObservedImage::of(&row.id) });
        } else if is_id(reference)
            && let Ok(digest) = engine.image_digest(reference).await
        {
            found.insert(reference.clone(), ObservedImage::of(&digest));
        }
    }
    Ok(found)
}

/// Whether an image goes by a reference: `nginx` is `nginx:latest`, also when the engine spells out its registry.
fn goes_by(row: &ImageRow, reference: &str) -> bool {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    let tagged = |name: &str| name.rsplit_once(':').is_some_and(|(_, tag)| !tag.contains('/'));
    if let Some(digest) = digest {
        let name = if tagged(name) { name.rsplit_once(':').map_or(name, |(name, _)| name) } else { name };
        let wanted = format!("{name}@{digest}");
        return row.repo_digests.iter().any(|known| same_name(known, &wanted));
    }
    let wanted = if tagged(name) { name.to_owned() } else { format!("{name}:latest") };
    row.repo_tags.iter().any(|known| same_name(known, &wanted))
}

/// Podman spells out `docker.io/library/`, Docker leaves it out.
fn same_name(left: &str, right: &str) -> bool {
    bare(left) == bare(right)
}

fn bare(name: &str) -> &str {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("localhost/").unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name)
}

fn is_id(reference: &str) -> bool {
    let digits = reference.strip_prefix("sha256:").unwrap_or(reference);
    digits.len() >= 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn container(row: ContainerRow) -> Container {
    let health =
        row.health.as_ref().and_then(|health| health_word(&health.status)).or_else(|| health_in(&row.status));
    Container {
        identity: identity(&row.labels),
        name: shortest_name(&row.names),
        status: ContainerStatus::parse(&row.state),
        exit_code: exit_code_in(&row.status),
        health,
        id: ContainerId(row.id),
        image: row.image,
        image_id: row.image_id,
        image_manifest: row.image_manifest_descriptor.map(|manifest| manifest.digest),
        command: row.command,
        created: row.created,
        status_text: row.status,
        networks: row
            .network_settings
            .networks
            .into_iter()
            .map(|(name, endpoint)| {
                (name, ObservedEndpoint { network_id: endpoint.network_id, address: endpoint.ip_address })
            })
            .collect(),
        mounts: row
            .mounts
            .into_iter()
            .map(|mount| ObservedMount {
                kind: mount.kind,
                name: mount.name,
                source: mount.source,
                destination: mount.destination,
                writable: mount.writable,
            })
            .collect(),
        ports: row
            .ports
            .into_iter()
            .map(|port| ObservedPort {
                host_ip: port.ip,
                published: port.public_port,
                target: port.private_port,
                protocol: port.protocol,
            })
            .collect(),
        labels: row.labels,
    }
}

/// A container has a name for each link to it; its own has no second slash.
fn shortest_name(names: &[String]) -> String {
    let own = names.iter().find(|name| name.matches('/').count() <= 1).or_else(|| names.first());
    own.map(|name| name.trim_start_matches('/').to_owned()).unwrap_or_default()
}

fn identity(labels: &BTreeMap<String, String>) -> Identity {
    let text = |key: &str| labels.get(key).cloned();
    Identity {
        project: ProjectName::new(text(label::PROJECT).unwrap_or_default()),
        service: ServiceName::new(text(label::SERVICE).unwrap_or_default()),
        number: labels.get(label::CONTAINER_NUMBER).and_then(|number| number.parse().ok()),
        oneoff: labels.get(label::ONEOFF).is_some_and(|flag| flag == "True"),
        config_hash: text(label::CONFIG_HASH),
        in_place: InPlace::Never,
        base_hash: text(label::BASE_HASH),
        contents: labels.get(label::CONTENTS).map(|text| contents(text)),
        image_digest: text(label::IMAGE),
        replaces: text(label::REPLACE),
        depends_on: text(label::DEPENDS_ON),
        config_files: text(label::CONFIG_FILES),
        working_dir: text(label::WORKING_DIR),
        hook: text(label::HOOK),
    }
}

/// Engines before API 1.52 say a container's health only in the status sentence: `Up 2 minutes (healthy)`.
fn health_in(status: &str) -> Option<Health> {
    let inside = status.rsplit_once('(')?.1.trim_end_matches(')');
    health_word(inside.strip_prefix("health: ").unwrap_or(inside))
}

fn health_word(word: &str) -> Option<Health> {
    match word {
        "starting" => Some(Health::Starting),
        "healthy" => Some(Health::Healthy),
        "unhealthy" => Some(Health::Unhealthy),
        _ => None,
    }
}

/// `Exited (137) 2 minutes ago` to 137.
fn exit_code_in(status: &str) -> Option<i64> {
    let rest = status.strip_prefix("Exited (").or_else(|| status.strip_prefix("Restarting ("))?;
    rest.split_once(')')?.0.parse().ok()
}

fn network(row: NetworkRow) -> ObservedNetwork {
    ObservedNetwork {
        project: row.labels.get(label::PROJECT).map(ProjectName::new),
        key: row.labels.get(label::NETWORK).map(NetworkKey::new),
        config_hash: row.labels.get(label::CONFIG_HASH).cloned(),
        fields: network_fields(&row),
        attached: BTreeMap::new(),
        id: row.id,
        name: row.name,
        driver: row.driver,
    }
}

/// A network's definition in the file's names.
fn network_fields(row: &NetworkRow) -> Fields {
    let mut fields = definition(&row.driver, &row.options, &row.labels);
    for (name, set) in
        [("internal", row.internal), ("attachable", row.attachable), ("enable_ipv6", row.enable_ipv6)]
    {
        if set {
            fields.insert(name.to_owned(), true.into());
        }
    }
    let pools = row.ipam.config.iter().map(|pool| {
        let said = |key: &str| pool.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        lower_fields::pool(&said("Subnet"), &said("Gateway"), &said("IPRange"))
    });
    let pools: Vec<String> = pools.collect();
    if !pools.is_empty() {
        fields.insert("ipam".to_owned(), pools.into());
    }
    fields
}

fn definition(driver: &str, options: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> Fields {
    let mut fields = Fields::from([("driver".to_owned(), driver.into())]);
    let options = options.iter().map(|(name, value)| (format!("driver_opts.{name}"), value.as_str().into()));
    fields.extend(options);
    let own = labels
        .iter()
        .filter(|(name, _)| !name.starts_with("com.docker.compose.") && !name.starts_with(label::OWN));
    fields.extend(own.map(|(name, value)| (format!("labels.{name}"), value.as_str().into())));
    fields
}

fn volume(row: VolumeRow) -> ObservedVolume {
    ObservedVolume {
        project: row.labels.get(label::PROJECT).map(ProjectName::new),
        key: row.labels.get(label::VOLUME).map(VolumeKey::new),
        config_hash: row.labels.get(label::CONFIG_HASH).cloned(),
        working_dir: row.labels.get(label::WORKING_DIR).cloned(),
        moves: row.labels.get(label::MOVES).cloned(),
        users: BTreeMap::new(),
        fields: definition(&row.driver, &row.options, &row.labels),
        name: row.name,
        driver: row.driver,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_and_exit_codes_are_read_from_the_status_sentence() {
        for (status, health, code) in [
            ("Up 2 minutes (healthy)", Some(Health::Healthy), None),
            ("Up 1 second (health: starting)", Some(Health::Starting), None),
            ("Up 1 second (unhealthy)", Some(Health::Unhealthy), None),
            ("Up 2 minutes", None, None),
            ("Up 2 minutes (Paused)", None, None),
            ("Exited (137) 3 seconds ago", None, Some(137)),
        ] {
            assert_eq!((health_in(status), exit_code_in(status)), (health, code), "{status}");
        }
    }

    #[test]
    fn an_image_goes_by_its_name_with_or_without_tag_and_registry() {
        let row = |tag: &str| ImageRow { repo_tags: vec![tag.to_owned()], ..ImageRow::default() };
        for (known, asked, expect) in [
            ("nginx:latest", "nginx", true),
            ("nginx:1.22", "nginx", false),
            ("docker.io/library/nginx:latest", "nginx", true),
            ("localhost:5000/a:1", "localhost:5000/a:1", true),
            ("localhost:5000/a:latest", "localhost:5000/a", true),
            ("b/a:latest", "a", false),
        ] {
            assert_eq!(goes_by(&row(known), asked), expect, "{known} {asked}");
        }
    }

    #[test]
    fn a_container_tells_of_its_image_while_its_reference_stands_for_it() {
        let row = |image: &str, made_from: &str| ContainerRow {
            image: image.to_owned(),
            image_id: "sha256:11".to_owned(),
            labels: BTreeMap::from([(label::IMAGE.to_owned(), made_from.to_owned())]),
            ..ContainerRow::default()
        };
        let known = |row: ContainerRow| !images_in_use(&[row], &["web:1".to_owned()]).is_empty();
        assert!(known(row("web:1", "sha256:11")));
        assert!(!known(row("sha256:11", "sha256:11")), "the name stands for another image");
        assert!(!known(row("web:2", "sha256:11")), "another name");
        assert!(!known(row("web:1", "sha256:22")), "it is not what the label says");
    }

    #[test]
    fn a_containers_own_name_is_not_a_link_to_it() {
        let names = ["/web/db".to_owned(), "/p-db-1".to_owned()];
        assert_eq!(shortest_name(&names), "p-db-1");
    }

    #[test]
    fn an_endpoint_that_names_its_network_gets_the_network_s_id() {
        let endpoint =
            |id: &str| ObservedEndpoint { network_id: id.to_owned(), ..ObservedEndpoint::default() };
        let networks = [("a".to_owned(), endpoint("a")), ("b".to_owned(), endpoint("77"))];
        let container = Container { networks: networks.into(), ..Container::default() };
        let rows = [NetworkRow { id: "99".to_owned(), name: "a".to_owned(), ..NetworkRow::default() }];
        let seen = with_network_ids(container, &rows).networks;
        assert_eq!((&*seen["a"].network_id, &*seen["b"].network_id), ("99", "77"));
    }
}
