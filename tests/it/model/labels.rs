//! What today's containers, networks and volumes are labelled with. A later version that came to other hashes would recreate
//! everything its users run, once; so `labels.json` is only ever added to.

use crate::plan::project;
use crate::scenarios::adoption::SHOP;
use serde_json::{Value, json};
use stack::lower::container::{Request, create};
use stack::lower::{network, volume};
use stack::model::ServiceName;
use std::collections::BTreeMap;

#[test]
fn containers_of_earlier_versions_are_called_unchanged() {
    let project = project(SHOP);
    let ids: BTreeMap<ServiceName, String> =
        project.services.keys().map(|name| (name.clone(), format!("id-of-{name}"))).collect();
    let contents = [("config:settings".to_owned(), "52f3cce1e05d5915".to_owned())].into();
    let mut found = BTreeMap::new();
    for service in project.services.values() {
        let name = project.container_name(service, 1);
        let lowered = create(&Request {
            project: &project,
            service,
            purpose: stack::lower::container::Purpose::Replica(1),
            name: &name,
            image_digest: Some("sha256:0123".to_owned()),
            replaces: None,
            contents: &contents,
            image_volumes: &[],
            container_ids: &ids,
            api: 51,
        });
        found.insert(format!("container {name}"), json!(lowered.body.labels));
    }
    for (key, one) in &project.networks {
        found.insert(format!("network {key}"), json!(network::create_body(&project, key, one).labels));
    }
    for (key, one) in &project.volumes {
        found.insert(format!("volume {key}"), json!(volume::create_body(&project, key, one).labels));
    }
    let recorded: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("labels.json")).expect("the record is JSON");
    assert_eq!(found.keys().collect::<Vec<_>>(), recorded.keys().collect::<Vec<_>>());
    for (thing, labels) in &found {
        assert_eq!(*labels, recorded[thing], "labels that users' things carry: {thing}");
    }
}
