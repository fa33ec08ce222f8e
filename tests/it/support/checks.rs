//! What a scenario can check: how a command ended, and what the engine has, asked over the socket and not of our client.

use super::scenario::Scenario;
use serde_json::Value;
use std::collections::BTreeMap;

/// A container of the project, as the engine describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub id: String,
    pub name: String,
    pub service: String,
    /// Its number; 0 when it has none.
    pub number: u32,
    /// `running`, `exited`, ….
    pub state: String,
    pub started_at: String,
    /// Volume names by path in the container.
    pub volumes: BTreeMap<String, String>,
    pub image: String,
}

/// The project's containers at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot(pub Vec<Seen>);

impl Snapshot {
    /// The containers of a service by number.
    pub fn of(&self, service: &str) -> Vec<&Seen> {
        let mut found: Vec<&Seen> = self.0.iter().filter(|one| one.service == service).collect();
        found.sort_by_key(|one| one.number);
        found
    }

    fn ids(&self, service: &str) -> Vec<&str> {
        self.of(service).into_iter().map(|one| one.id.as_str()).collect()
    }
}

impl Scenario<'_> {
    /// The last command ended with this code.
    #[track_caller]
    pub fn exits(&mut self, code: i32) -> &mut Self {
        self.must(
            self.last.code == Some(code),
            &format!("the command ends with {code}, not {:?}", self.last.code),
        )
    }

    /// The last command wrote this to standard error.
    #[track_caller]
    pub fn notes(&mut self, text: &str) -> &mut Self {
        self.must(self.last.stderr.contains(text), &format!("standard error says `{text}`"))
    }

    /// The last command did not write this to standard error.
    #[track_caller]
    pub fn does_not_note(&mut self, text: &str) -> &mut Self {
        self.must(!self.last.stderr.contains(text), &format!("standard error does not say `{text}`"))
    }

    /// The last command wrote this to standard output.
    #[track_caller]
    pub fn prints(&mut self, text: &str) -> &mut Self {
        self.must(self.last.stdout.contains(text), &format!("standard output says `{text}`"))
    }

    /// What the last command wrote to standard output.
    pub fn printed(&self) -> &str {
        &self.last.stdout
    }

    /// What the last command wrote to standard error.
    pub fn noted(&self) -> &str {
        &self.last.stderr
    }

    /// Something that must hold, in words.
    #[track_caller]
    pub fn must(&mut self, holds: bool, what: &str) -> &mut Self {
        if !holds {
            self.fail(what);
        }
        self
    }

    /// What the project has now.
    pub fn look(&self) -> Snapshot {
        let rows = self.place.raw().labelled("containers", &self.project_label());
        Snapshot(rows.iter().map(|row| self.seen(row)).collect())
    }

    /// What the engine says about the first container of a service.
    #[track_caller]
    pub fn inspect(&self, service: &str) -> Value {
        match self.look().of(service).first() {
            Some(one) => self.get(&format!("/containers/{}/json", one.id)),
            None => self.fail(&format!("`{service}` has a container")),
        }
    }

    /// Somebody does something to a service's first container behind our back: `POST /containers/{id}/…`.
    #[track_caller]
    pub fn by_hand(&mut self, service: &str, what: &str, body: &str) -> &mut Self {
        let id = self.inspect(service)["Id"].as_str().unwrap_or_default().to_owned();
        self.call("POST", &format!("/containers/{id}/{what}"), body)
    }

    /// Somebody takes it out of a network.
    #[track_caller]
    pub fn leave_by_hand(&mut self, service: &str, network: &str) -> &mut Self {
        let id = self.inspect(service)["Id"].as_str().unwrap_or_default().to_owned();
        let path = format!("/networks/{}_{network}/disconnect", self.project());
        self.call("POST", &path, &format!(r#"{{"Container": "{id}"}}"#))
    }

    /// Somebody removes it.
    #[track_caller]
    pub fn remove_by_hand(&mut self, service: &str) -> &mut Self {
        let id = self.inspect(service)["Id"].as_str().unwrap_or_default().to_owned();
        self.call("DELETE", &format!("/containers/{id}?force=1"), "")
    }

    /// A container that says that it replaces another one, created and never started.
    #[track_caller]
    pub fn twin_by_hand(&mut self, name: &str, labels: &Value, replaces: &str) -> &mut Self {
        let mut labels = labels.clone();
        labels["com.docker.compose.replace"] = replaces.into();
        let network = format!("{}_default", self.project());
        let body = serde_json::json!({
            "Image": "busybox", "Cmd": ["sleep", "infinity"], "Labels": labels, "HostConfig": {"NetworkMode": network},
        });
        self.made_by_hand(name, &body)
    }

    /// A container that somebody makes with this request.
    #[track_caller]
    pub fn made_by_hand(&mut self, name: &str, body: &Value) -> &mut Self {
        self.call("POST", &format!("/containers/create?name={name}"), &body.to_string())
    }

    /// A container of somebody else joins a network; returns its name.
    #[track_caller]
    pub fn stranger(&mut self, network: &str) -> String {
        let name = format!("{}-stranger", self.project());
        let body = format!(
            r#"{{"Image": "busybox", "Cmd": ["sleep", "infinity"], "HostConfig": {{"NetworkMode": "{network}"}}}}"#
        );
        self.call("POST", &format!("/containers/create?name={name}"), &body);
        self.call("POST", &format!("/containers/{name}/start"), "");
        name
    }

    /// Somebody removes an image.
    #[track_caller]
    pub fn remove_image_by_hand(&mut self, image: &str) -> &mut Self {
        self.call("DELETE", &format!("/images/{image}?force=1"), "")
    }

    /// A container of somebody else mounts a volume; returns its name.
    #[track_caller]
    pub fn stranger_with_volume(&mut self, volume: &str) -> String {
        let name = format!("{}-stranger", self.project());
        let body = format!(
            r#"{{"Image": "busybox", "Cmd": ["sleep", "infinity"], "HostConfig": {{"Binds": ["{volume}:/data"]}}}}"#
        );
        self.call("POST", &format!("/containers/create?name={name}"), &body);
        name
    }

    /// It goes.
    #[track_caller]
    pub fn remove_stranger(&mut self, name: &str) -> &mut Self {
        self.call("DELETE", &format!("/containers/{name}?force=1"), "")
    }

    #[track_caller]
    fn call(&mut self, method: &str, path: &str, body: &str) -> &mut Self {
        let body = (!body.is_empty()).then(|| serde_json::from_str(body).expect("a body is JSON"));
        let answer = self.place.raw().call(method, path, body.as_ref());
        let fine = matches!(&answer, Ok((status, _)) if (200..400).contains(status));
        self.must(fine, &format!("{method} {path} is answered well, and not with {answer:?}"));
        // What the test itself asked is not what the step asked.
        self.requests_before = self.place.fake.as_ref().map_or(0, |fake| fake.requests().len());
        self
    }

    /// The names of the project's networks, labelled or not, that have a text in them.
    pub fn networks_named(&self, text: &str) -> Vec<String> {
        let all = self.get("/networks");
        let names = all.as_array().into_iter().flatten().filter_map(|row| row["Name"].as_str());
        let own = |name: &&str| name.starts_with(self.project()) && name.contains(text);
        names.filter(own).map(ToOwned::to_owned).collect()
    }

    fn seen(&self, row: &Value) -> Seen {
        let id = row["Id"].as_str().unwrap_or_default().to_owned();
        let whole = self.get(&format!("/containers/{id}/json"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let label = |key: &str| text(&whole["Config"]["Labels"][key]);
        let mounts =
            whole["Mounts"].as_array().into_iter().flatten().filter(|mount| mount["Type"] == "volume");
        Seen {
            name: text(&whole["Name"]).trim_start_matches('/').to_owned(),
            service: label("com.docker.compose.service"),
            number: label("com.docker.compose.container-number").parse().unwrap_or(0),
            state: text(&whole["State"]["Status"]),
            started_at: text(&whole["State"]["StartedAt"]),
            volumes: mounts
                .inspect(|mount| self.place.remember_volume(&text(&mount["Name"])))
                .map(|mount| (text(&mount["Destination"]), text(&mount["Name"])))
                .collect(),
            image: text(&whole["Config"]["Image"]),
            id,
        }
    }

    /// The containers of a service are the same ones as before, and were not started again.
    #[track_caller]
    pub fn kept(&mut self, before: &Snapshot, service: &str) -> &mut Self {
        let now = self.look();
        let lives = |snapshot: &Snapshot| -> Vec<(String, String)> {
            snapshot.of(service).into_iter().map(|one| (one.id.clone(), one.started_at.clone())).collect()
        };
        let (old, new) = (lives(before), lives(&now));
        // Two empty lists are equal, and say nothing.
        self.must(!old.is_empty(), &format!("`{service}` had containers to compare with"));
        self.must(old == new, &format!("`{service}` keeps its containers: {old:?}, now {new:?}"))
    }

    /// The containers of a service are the same ones as before, whatever happened to their processes.
    #[track_caller]
    pub fn same(&mut self, before: &Snapshot, service: &str) -> &mut Self {
        let now = self.look();
        let (old, new) = (before.ids(service), now.ids(service));
        self.must(!old.is_empty(), &format!("`{service}` had containers to compare with"));
        self.must(old == new, &format!("`{service}` has the same containers: {old:?}, now {new:?}"))
    }

    /// A service's containers, if there are any, were never started.
    #[track_caller]
    pub fn not_started(&mut self, service: &str) -> &mut Self {
        let states: Vec<String> = self.look().of(service).into_iter().map(|one| one.state.clone()).collect();
        self.must(
            states.iter().all(|state| state == "created"),
            &format!("the containers of `{service}` were never started: {states:?}"),
        )
    }

    /// Whether the engine has a volume of this name.
    pub fn has_volume(&self, name: &str) -> bool {
        let raw = self.place.raw();
        raw.labelled("volumes", &self.project_label()).iter().any(|volume| volume["Name"] == name)
    }

    /// The containers of a service are other ones than before, under the same names, and none of the old ones is left.
    #[track_caller]
    pub fn replaced(&mut self, before: &Snapshot, service: &str) -> &mut Self {
        let now = self.look();
        let names = |snapshot: &Snapshot| -> Vec<String> {
            snapshot.of(service).into_iter().map(|one| one.name.clone()).collect()
        };
        let (old, new) = (before.ids(service), now.ids(service));
        self.must(!old.is_empty(), &format!("`{service}` had containers to compare with"));
        let other = new.iter().all(|id| !old.contains(id));
        self.must(other, &format!("all containers of `{service}` are replaced: {old:?}, now {new:?}"));
        let (old, new) = (names(before), names(&now));
        self.must(
            old == new,
            &format!("the containers of `{service}` keep their names: {old:?}, now {new:?}"),
        )
    }

    /// The running containers of a service have exactly these numbers, and there are no others.
    #[track_caller]
    pub fn running(&mut self, service: &str, numbers: &[u32]) -> &mut Self {
        let now = self.look();
        let found: Vec<(u32, &str)> =
            now.of(service).into_iter().map(|one| (one.number, one.state.as_str())).collect();
        let expect: Vec<(u32, &str)> = numbers.iter().map(|number| (*number, "running")).collect();
        self.must(
            found == expect,
            &format!("`{service}` runs with the numbers {numbers:?}, and not {found:?}"),
        )
    }

    /// A service has no containers.
    #[track_caller]
    pub fn gone(&mut self, service: &str) -> &mut Self {
        let left = self.look().of(service).len();
        self.must(left == 0, &format!("`{service}` has no containers left, and not {left}"))
    }

    /// Nothing with the project's label is left on the engine.
    #[track_caller]
    pub fn nothing_left(&mut self) -> &mut Self {
        let raw = self.place.raw();
        let label = self.project_label();
        let left: usize =
            ["containers", "networks"].iter().map(|kind| raw.labelled(kind, &label).len()).sum();
        self.must(left == 0, "no container and no network of the project is left")
    }

    /// Since the step began, nothing was asked that could change anything. Only the fake engine can tell; on the real one
    /// checks of state must do.
    #[track_caller]
    pub fn changed_nothing(&mut self) -> &mut Self {
        let changes = self.asked(super::fake_engine::Recorded::is_mutating);
        self.must(changes.is_empty(), &format!("no request changes anything, and not {changes:?}"))
    }

    /// Since the step began, no request of this kind was made; in `pattern`, `*` stands for anything. On the fake engine.
    #[track_caller]
    pub fn never_asked(&mut self, method: &str, pattern: &str) -> &mut Self {
        let made = self.asked(|one| one.method == method && super::fake_engine::matches(pattern, &one.named));
        self.must(made.is_empty(), &format!("`{method} {pattern}` is not asked for, and not {made:?}"))
    }

    fn asked(&self, wanted: impl Fn(&super::fake_engine::Recorded) -> bool) -> Vec<String> {
        let Some(fake) = &self.place.fake else { return Vec::new() };
        let all = fake.requests();
        // A step in which nothing at all was asked has not looked at the engine: the check would be empty.
        let step = &all[self.requests_before.min(all.len())..];
        if step.is_empty() {
            self.fail("the step asked the engine something");
        }
        step.iter().filter(|one| wanted(one)).map(super::fake_engine::Recorded::line).collect()
    }
}
