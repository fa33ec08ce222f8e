//! Containers: what the API lets happen to them, and what their programs and probes do by themselves.

use super::{Container, Due, Endpoint, Health, Line, Mount, Program, Refusal, Status, Step, World};
use super::{list, now_nanos, refuse, strings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Signals that no program can ignore or that ours have a handler for.
const SIGNALS: &[(&str, i64)] =
    &[("HUP", 1), ("INT", 2), ("QUIT", 3), ("KILL", 9), ("USR1", 10), ("USR2", 12), ("TERM", 15)];

impl World {
    /// `POST /containers/create`. `minor` is the API version asked in.
    pub fn create_container(&mut self, name: &str, spec: &Value, minor: u32) -> Result<String, Refusal> {
        let valid =
            |text: &str| text.chars().all(|next| next.is_ascii_alphanumeric() || "_.-".contains(next));
        if !valid(name) || name.starts_with(['_', '.', '-']) {
            return refuse(
                400,
                format!("Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"),
            );
        }
        let Some(image) = spec["Image"].as_str() else {
            return refuse(400, "config cannot be empty in order to create a container");
        };
        let image = self.find_image(image)?.clone();
        self.check_name(name)?;
        let host = &spec["HostConfig"];
        let wanted = spec["NetworkingConfig"]["EndpointsConfig"].as_object().cloned().unwrap_or_default();
        if minor < 44 && wanted.len() > 1 {
            let names: Vec<String> = wanted.keys().cloned().collect();
            let names = names.join(", ");
            return refuse(400, format!("Container cannot be connected to network endpoints: {names}"));
        }
        let id = self.new_id();
        let name = if name.is_empty() { format!("unnamed_{}", &id[..8]) } else { name.to_owned() };
        let mut endpoints = BTreeMap::new();
        let mode = host["NetworkMode"].as_str().unwrap_or_default();
        let mode = if matches!(mode, "" | "default") { "bridge" } else { mode };
        if !mode.starts_with("container:") {
            endpoints.insert(mode.to_owned(), Endpoint::default());
        }
        for (network, settings) in wanted {
            let name = self.network(&network).map_or(network, |known| known.name.clone());
            endpoints.insert(name, Endpoint { settings, ..Endpoint::default() });
        }
        let mounts = self.mounts(spec, &image.config)?;
        let mut labels = strings(&image.config["Labels"]);
        labels.extend(strings(&spec["Labels"]));
        self.containers.push(Container {
            id: id.clone(),
            name,
            spec: spec.clone(),
            image_id: image.id,
            labels,
            status: Status::Created,
            exit_code: 0,
            error: String::new(),
            oom_killed: false,
            created_nanos: now_nanos(),
            started_nanos: 0,
            finished_nanos: 0,
            health: None,
            restart_count: 0,
            endpoints,
            mounts,
            published: Vec::new(),
            lines: Vec::new(),
            uploads: Vec::new(),
            program: Program::default(),
            files: std::collections::BTreeSet::new(),
            life: 0,
        });
        self.container_event(self.containers.len() - 1, "create", &[]);
        Ok(id)
    }

    fn check_name(&self, name: &str) -> Result<(), Refusal> {
        let Some(owner) = self.containers.iter().find(|one| !name.is_empty() && one.name == name) else {
            return Ok(());
        };
        refuse(
            409,
            format!(
                "Conflict. The container name \"/{name}\" is already in use by container \"{}\". You have to remove (or rename) that container to be able to reuse that name.",
                owner.id
            ),
        )
    }

    /// Binds, mounts, those of other containers, then a volume for each path that asks for one and has nothing yet.
    fn mounts(&mut self, spec: &Value, image: &Value) -> Result<Vec<Mount>, Refusal> {
        let host = &spec["HostConfig"];
        let mut mounts: Vec<Mount> = Vec::new();
        for from in list(&host["VolumesFrom"]) {
            let (from, mode) = from.split_once(':').unwrap_or((&from, ""));
            let from = self.find(from)?;
            let theirs = self.containers[from].mounts.clone();
            mounts.extend(
                theirs.into_iter().map(|one| Mount { writable: one.writable && mode != "ro", ..one }),
            );
        }
        for bind in list(&host["Binds"]) {
            let mut parts = bind.split(':');
            let (source, destination) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let mode = parts.next().unwrap_or_default();
            let kind = if source.starts_with('/') { "bind" } else { "volume" };
            mounts.push(self.mount(kind, source, destination, mode, &Value::Null)?);
        }
        for mount in host["Mounts"].as_array().into_iter().flatten() {
            let text = |key: &str| mount[key].as_str().unwrap_or_default();
            let (kind, source) = (text("Type"), text("Source"));
            let may_create = mount["BindOptions"]["CreateMountpoint"].as_bool() == Some(true);
            if kind == "bind" && !may_create && !std::path::Path::new(source).exists() {
                return refuse(
                    400,
                    format!(
                        "invalid mount config for type \"bind\": bind source path does not exist: {source}"
                    ),
                );
            }
            let mode = if mount["ReadOnly"].as_bool() == Some(true) { "ro" } else { "z" };
            mounts.push(self.mount(kind, source, text("Target"), mode, &mount["VolumeOptions"]["Labels"])?);
        }
        for source in [&spec["Volumes"], &image["Volumes"]] {
            for path in source.as_object().into_iter().flatten().map(|(path, _)| path) {
                if !mounts.iter().any(|mount| mount.destination == *path) {
                    mounts.push(self.mount("volume", "", path, "", &Value::Null)?);
                }
            }
        }
        Ok(mounts)
    }

    fn mount(
        &mut self,
        kind: &str,
        source: &str,
        to: &str,
        mode: &str,
        labels: &Value,
    ) -> Result<Mount, Refusal> {
        let volume = match kind {
            "volume" => Some(self.create_volume(&json!({"Name": source, "Labels": labels}))?),
            _ => None,
        };
        Ok(Mount {
            kind: kind.to_owned(),
            source: volume.as_ref().map_or_else(|| source.to_owned(), |volume| mountpoint(&volume.name)),
            name: volume.map(|volume| volume.name).unwrap_or_default(),
            destination: to.to_owned(),
            writable: !mode.split(',').any(|word| word == "ro"),
            mode: mode.to_owned(),
            made_for_it: kind == "volume" && source.is_empty(),
        })
    }

    /// `POST /containers/{id}/start`.
    pub fn start_container(&mut self, key: &str) -> Result<(), Refusal> {
        let at = self.find(key)?;
        match self.containers[at].status {
            Status::Paused => return refuse(409, "cannot start a paused container, try unpause instead"),
            Status::Running | Status::Restarting => return refuse(304, ""),
            Status::Created | Status::Exited => {}
        }
        self.begin(at).inspect_err(|refusal| {
            let one = &mut self.containers[at];
            one.exit_code = 128;
            one.error.clone_from(&refusal.message);
        })
    }

    /// A life of a container: its networks, ports, program, probe.
    fn begin(&mut self, at: usize) -> Result<(), Refusal> {
        let mode = self.containers[at].spec["HostConfig"]["NetworkMode"].as_str().unwrap_or_default();
        if let Some(other) = mode.strip_prefix("container:") {
            let other = self.find(other)?;
            if !self.containers[other].is_alive() {
                let id = self.containers[other].id.clone();
                return refuse(
                    409,
                    format!(
                        "cannot join network namespace of a non running container: container {id} is exited"
                    ),
                );
            }
        }
        let program = self.program(at);
        self.containers[at].program = program.clone();
        if program.missing {
            let word = self.command_of(at).into_iter().next().unwrap_or_default();
            return refuse(
                400,
                format!(
                    "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"{word}\": executable file not found in $PATH"
                ),
            );
        }
        for network in self.containers[at].endpoints.keys().cloned().collect::<Vec<_>>() {
            if let Err(refusal) = self.join(at, &network) {
                self.leave(at);
                return Err(refusal);
            }
        }
        if let Err(refusal) = self.publish(at) {
            self.leave(at);
            return Err(refusal);
        }
        let one = &mut self.containers[at];
        one.status = Status::Running;
        one.error.clear();
        one.oom_killed = false;
        one.exit_code = 0;
        one.started_nanos = now_nanos();
        one.life += 1;
        self.container_event(at, "start", &[]);
        if let Some(check) = self.healthcheck(at) {
            let starting = Health { status: "starting".to_owned(), ..Health::default() };
            if !self.keeps_health || self.containers[at].health.is_none() {
                self.containers[at].health = Some(starting);
            }
            if !self.no_timers {
                self.after(check.interval, at, Due::Probe);
            }
        }
        self.run_from(at, 0);
        Ok(())
    }

    fn publish(&mut self, at: usize) -> Result<(), Refusal> {
        let one = &self.containers[at];
        let mut published = Vec::new();
        let bindings = one.spec["HostConfig"]["PortBindings"].as_object().cloned().unwrap_or_default();
        for (port, wishes) in bindings {
            for wish in wishes.as_array().into_iter().flatten() {
                let address = wish["HostIp"].as_str().filter(|text| !text.is_empty()).unwrap_or("0.0.0.0");
                let wanted = wish["HostPort"].as_str().unwrap_or_default();
                let (first, last) = wanted.split_once('-').unwrap_or((wanted, wanted));
                let (first, last): (u16, u16) = match (first.parse(), last.parse()) {
                    (Ok(first), Ok(last)) if first > 0 => (first, last),
                    _ => (49153, 65535),
                };
                let taken = |host: u16| {
                    let theirs = self.containers.iter().flat_map(|one| &one.published).chain(&published);
                    let protocol = port.rsplit('/').next();
                    theirs.into_iter().any(|(their_port, their_address, their_host)| {
                        *their_host == host
                            && their_port.rsplit('/').next() == protocol
                            && (their_address == address
                                || their_address == "0.0.0.0"
                                || address == "0.0.0.0")
                    })
                };
                let Some(host) = (first..=last).find(|host| !taken(*host)) else {
                    let endpoint = one.endpoints.values().next().map_or("", |endpoint| &endpoint.endpoint_id);
                    return refuse(
                        500,
                        format!(
                            "failed to set up container networking: driver failed programming external connectivity on endpoint {} ({endpoint}): Bind for {address}:{wanted} failed: port is already allocated",
                            one.name
                        ),
                    );
                };
                published.push((port.clone(), address.to_owned(), host));
            }
        }
        self.containers[at].published = published;
        Ok(())
    }

    fn leave(&mut self, at: usize) {
        let one = &mut self.containers[at];
        one.published.clear();
        for endpoint in one.endpoints.values_mut() {
            endpoint.endpoint_id.clear();
            endpoint.address.clear();
        }
    }

    /// Entrypoint and command, from the request or the image.
    pub(super) fn command_of(&self, at: usize) -> Vec<String> {
        let one = &self.containers[at];
        let image = self.images.iter().find(|image| image.id == one.image_id);
        let config = image.map_or(Value::Null, |image| image.config.clone());
        let entrypoint = list(&one.spec["Entrypoint"]);
        let own_entrypoint = !entrypoint.is_empty();
        let mut words = if own_entrypoint { entrypoint } else { list(&config["Entrypoint"]) };
        let command = list(&one.spec["Cmd"]);
        words.extend(if command.is_empty() && !own_entrypoint { list(&config["Cmd"]) } else { command });
        words
    }

    fn program(&self, at: usize) -> Program {
        let one = &self.containers[at];
        Program::parse_with(&self.command_of(at), &list(&one.spec["Env"]), &one.files)
    }

    /// Goes on with a program at one of its steps.
    pub(super) fn run_from(&mut self, at: usize, step: usize) {
        let program = self.containers[at].program.clone();
        let steps = program.steps.iter().enumerate().skip(step);
        for (position, step) in steps {
            match step {
                Step::Print { stderr, line } => {
                    let line = Line { nanos: now_nanos(), stderr: *stderr, text: line.clone() };
                    self.containers[at].lines.push(line);
                    self.revision += 1;
                }
                Step::Sleep(time) => return self.after(*time, at, Due::Step(position + 1)),
                Step::Forever => return,
                Step::Exit(code) => return self.end(at, *code, true),
                Step::Hoard => {
                    self.containers[at].oom_killed = true;
                    return self.end(at, 137, true);
                }
                Step::Touch(file) => {
                    self.containers[at].files.insert(file.clone());
                }
                Step::Cat => {}
            }
        }
        self.end(at, program.status, true);
    }

    /// The end of a life. By itself, the restart policy has a say.
    fn end(&mut self, at: usize, code: i64, by_itself: bool) {
        self.leave(at);
        let one = &mut self.containers[at];
        one.status = Status::Exited;
        one.exit_code = code;
        one.finished_nanos = now_nanos();
        one.life += 1;
        let networks: Vec<String> =
            one.endpoints.values().map(|endpoint| endpoint.network_id.clone()).collect();
        let id = one.id.clone();
        let policy = one.spec["HostConfig"]["RestartPolicy"].clone();
        let most = policy["MaximumRetryCount"].as_i64().unwrap_or(0);
        let again = by_itself
            && match policy["Name"].as_str().unwrap_or_default() {
                "always" | "unless-stopped" => true,
                "on-failure" => code != 0 && (most == 0 || one.restart_count < most),
                _ => false,
            };
        if again {
            one.status = Status::Restarting;
            let wait = Duration::from_millis(100 << one.restart_count.clamp(0, 9));
            self.after(wait, at, Due::Restart);
        }
        for network in networks {
            self.network_event("disconnect", &network, Some(id.clone()));
        }
        self.container_event(at, "die", &[("exitCode", code.to_string())]);
        if !again && self.containers[at].spec["HostConfig"]["AutoRemove"].as_bool() == Some(true) {
            drop(self.remove_container(&id, true, true));
        }
    }

    pub(super) fn start_again(&mut self, at: usize) {
        self.containers[at].restart_count += 1;
        if self.begin(at).is_err() {
            self.containers[at].status = Status::Exited;
        }
    }

    /// `POST /containers/{id}/stop`, also of a paused one. No grace period passes: what ignores SIGTERM is killed at once.
    pub fn stop_container(&mut self, key: &str) -> Result<(), Refusal> {
        let at = self.find(key)?;
        if !self.containers[at].is_alive() {
            return refuse(304, "");
        }
        let signal = self.containers[at].spec["StopSignal"].as_str().unwrap_or("SIGTERM").to_owned();
        let number = signal_number(&signal).unwrap_or(15);
        self.container_event(at, "kill", &[("signal", number.to_string())]);
        let code = if number == 9 { None } else { self.containers[at].program.on_term };
        self.end(at, code.unwrap_or(137), false);
        self.container_event(at, "stop", &[]);
        Ok(())
    }

    /// `POST /containers/{id}/restart`.
    pub fn restart_container(&mut self, key: &str) -> Result<(), Refusal> {
        let at = self.find(key)?;
        let id = self.containers[at].id.clone();
        if self.containers[at].is_alive() {
            self.stop_container(&id)?;
        }
        self.start_container(&id)?;
        let at = self.find(&id)?;
        self.container_event(at, "restart", &[]);
        Ok(())
    }

    /// `POST /containers/{id}/kill`.
    pub fn kill_container(&mut self, key: &str, signal: &str) -> Result<(), Refusal> {
        let Ok(at) = self.find(key) else {
            return refuse(404, format!("cannot kill container: {key}: No such container: {key}"));
        };
        let Some(number) = signal_number(signal) else {
            return refuse(400, format!("cannot kill container: {key}: invalid signal: {signal}"));
        };
        let one = &self.containers[at];
        if !matches!(one.status, Status::Running | Status::Paused) {
            return refuse(409, format!("cannot kill container: {key}: container {} is not running", one.id));
        }
        self.container_event(at, "kill", &[("signal", number.to_string())]);
        match (number, self.containers[at].program.on_term) {
            // The engine does not restart what was killed on purpose.
            (9, _) => self.end(at, 137, false),
            (2 | 15, Some(code)) => self.end(at, code, true),
            _ => {}
        }
        Ok(())
    }

    /// `POST /containers/{id}/pause` and `unpause`.
    pub fn freeze_container(&mut self, key: &str, freeze: bool) -> Result<(), Refusal> {
        let at = self.find(key)?;
        let (status, id) = (self.containers[at].status, self.containers[at].id.clone());
        match (freeze, status) {
            (true, Status::Running) => self.containers[at].status = Status::Paused,
            (false, Status::Paused) => self.containers[at].status = Status::Running,
            (true, Status::Paused) => return refuse(409, format!("Container {id} is already paused")),
            (true, _) => return refuse(409, format!("container {id} is not running")),
            (false, _) => return refuse(500, format!("Container {id} is not paused")),
        }
        self.container_event(at, if freeze { "pause" } else { "unpause" }, &[]);
        Ok(())
    }

    /// `DELETE /containers/{id}`.
    pub fn remove_container(&mut self, key: &str, force: bool, volumes: bool) -> Result<(), Refusal> {
        let at = self.find(key)?;
        let why = match self.containers[at].status {
            Status::Paused => "container is paused and must be unpaused first",
            Status::Running => "container is running: stop the container before removing or force remove",
            Status::Restarting => {
                "container is restarting: stop the container before removing or force remove"
            }
            Status::Created | Status::Exited => "",
        };
        if !why.is_empty() {
            if !force {
                return refuse(409, format!("cannot remove container \"{key}\": {why}"));
            }
            self.end(at, 137, false);
        }
        let Ok(at) = self.find(key) else { return Ok(()) };
        self.container_event(at, "destroy", &[]);
        let gone = self.containers.remove(at);
        if volumes {
            for mount in gone.mounts.iter().filter(|mount| mount.made_for_it) {
                let volume = self.volumes.get(&mount.name);
                let anonymous =
                    volume.is_some_and(|volume| volume.labels.contains_key("com.docker.volume.anonymous"));
                if anonymous && self.users_of_volume(&mount.name).is_empty() {
                    drop(self.remove_volume(&mount.name));
                }
            }
        }
        Ok(())
    }

    /// `POST /containers/{id}/rename`.
    pub fn rename_container(&mut self, key: &str, to: &str) -> Result<(), Refusal> {
        let at = self.find(key)?;
        let old = self.containers[at].name.clone();
        if old == to {
            return refuse(400, "Renaming a container with the same name as its current name");
        }
        if let Err(refusal) = self.check_name(to) {
            return refuse(409, format!("Error when allocating new name: {}", refusal.message));
        }
        to.clone_into(&mut self.containers[at].name);
        self.container_event(at, "rename", &[("oldName", format!("/{old}"))]);
        Ok(())
    }

    /// `POST /containers/{id}/update`.
    pub fn update_container(&mut self, key: &str, changes: &Value) -> Result<(), Refusal> {
        let at = self.find(key)?;
        for (key, value) in changes.as_object().into_iter().flatten() {
            self.containers[at].spec["HostConfig"][key.as_str()] = value.clone();
        }
        self.container_event(at, "update", &[]);
        Ok(())
    }

    /// A container whose last probe, now, has made it unhealthy.
    pub fn say_unhealthy(&mut self, key: &str) {
        if let Ok(at) = self.find(key) {
            let now = super::views::time(now_nanos());
            let probe = json!({"Start": now, "End": now, "ExitCode": 1, "Output": "of before"});
            let health = Health { status: "unhealthy".to_owned(), failing_streak: 3, log: vec![probe] };
            self.containers[at].health = Some(health);
        }
    }

    /// A container whose program dies without anybody asking, as of lack of memory.
    pub fn crash(&mut self, key: &str, code: i64) {
        if let Ok(at) = self.find(key) {
            self.end(at, code, true);
        }
    }

    /// `POST /containers/{id}/exec`.
    pub fn create_exec(&mut self, key: &str, spec: &Value) -> Result<String, Refusal> {
        let at = self.find(key)?;
        let (name, id) = (self.containers[at].name.clone(), self.containers[at].id.clone());
        match self.containers[at].status {
            Status::Running => {}
            Status::Paused => {
                return refuse(409, format!("Container {name} is paused, unpause the container before exec"));
            }
            Status::Created | Status::Exited => return refuse(409, format!("container {id} is not running")),
            Status::Restarting => {
                return refuse(
                    409,
                    format!("Container {id} is restarting, wait until the container is running"),
                );
            }
        }
        let exec = self.new_id();
        let made = super::Exec {
            id: exec.clone(),
            container: id,
            spec: spec.clone(),
            running: false,
            exit_code: None,
        };
        self.execs.insert(exec.clone(), made);
        let words = list(&spec["Cmd"]).join(" ");
        self.container_event(at, &format!("exec_create: {words}"), &[("execID", exec.clone())]);
        Ok(exec)
    }

    /// `POST /exec/{id}/start`: what it writes, after it has read all of `input`.
    pub fn run_exec(&mut self, exec: &str, input: &[u8]) -> Result<Vec<(bool, Vec<u8>)>, Refusal> {
        let Some(known) = self.execs.get(exec).cloned() else {
            return refuse(404, format!("No such exec instance: {exec}"));
        };
        let at = self.find(&known.container)?;
        let mut environment = list(&known.spec["Env"]);
        environment.extend(list(&self.containers[at].spec["Env"]));
        let words = list(&known.spec["Cmd"]);
        let program = Program::parse_with(&words, &environment, &self.containers[at].files);
        let (output, code) = program.run_at_once(input);
        for step in program.steps {
            if let Step::Touch(file) = step {
                self.containers[at].files.insert(file);
            }
        }
        self.container_event(at, &format!("exec_start: {}", words.join(" ")), &[("execID", exec.to_owned())]);
        self.container_event(at, "exec_die", &[("execID", exec.to_owned()), ("exitCode", code.to_string())]);
        if let Some(known) = self.execs.get_mut(exec) {
            known.exit_code = Some(code);
        }
        Ok(output)
    }

    fn healthcheck(&self, at: usize) -> Option<Check> {
        let one = &self.containers[at];
        let image = self.images.iter().find(|image| image.id == one.image_id)?;
        let own = &one.spec["Healthcheck"];
        let theirs = &image.config["Healthcheck"];
        let test = [&own["Test"], &theirs["Test"]].into_iter().map(list).find(|test| !test.is_empty())?;
        let nanos = |key: &str, usual: u64| {
            let set =
                [&own[key], &theirs[key]].into_iter().filter_map(Value::as_u64).find(|nanos| *nanos > 0);
            set.map_or(Duration::from_secs(usual), Duration::from_nanos)
        };
        let command = match test.split_first()? {
            (kind, _) if kind == "NONE" => return None,
            (kind, rest) if kind == "CMD" => rest.to_vec(),
            (_, rest) => ["sh".to_owned(), "-c".to_owned(), rest.join(" ")].to_vec(),
        };
        let (interval, start_period) = (nanos("Interval", 30), nanos("StartPeriod", 0));
        let started = Duration::from_nanos((now_nanos() - one.started_nanos).try_into().unwrap_or(0));
        let in_start_period = one.is_alive() && started * self.hurry.max(1) < start_period;
        let retries = own["Retries"].as_i64().filter(|retries| *retries > 0).unwrap_or(3);
        let interval = if in_start_period { interval.min(nanos("StartInterval", 5)) } else { interval };
        Some(Check { command, interval, in_start_period, retries })
    }

    /// One run of a container's health probe.
    pub(super) fn probe(&mut self, at: usize) {
        let Some(check) = self.healthcheck(at) else { return };
        let one = &self.containers[at];
        if one.status == Status::Running {
            let keys = [
                one.name.clone(),
                one.label("com.docker.compose.service").to_owned(),
                one.image().to_owned(),
            ];
            let scripted = keys.iter().find_map(|key| {
                let script = self.probes.get_mut(key)?;
                if script.len() > 1 { Some(script.remove(0)) } else { script.first().copied() }
            });
            let (output, code) = match scripted {
                Some(works) => (Vec::new(), i64::from(!works)),
                None => {
                    Program::parse_with(&check.command, &list(&one.spec["Env"]), &one.files).run_at_once(&[])
                }
            };
            let text: Vec<u8> = output.into_iter().flat_map(|(_, bytes)| bytes).collect();
            let mut health = self.containers[at].health.clone().unwrap_or_default();
            let before = health.status.clone();
            health.log.push(json!({
                "Start": super::views::time(now_nanos()), "End": super::views::time(now_nanos()),
                "ExitCode": code, "Output": String::from_utf8_lossy(&text),
            }));
            if code == 0 {
                health.failing_streak = 0;
                "healthy".clone_into(&mut health.status);
            } else if !(check.in_start_period && before == "starting") {
                health.failing_streak += 1;
                if health.failing_streak >= check.retries {
                    "unhealthy".clone_into(&mut health.status);
                }
            }
            let after = health.status.clone();
            self.containers[at].health = Some(health);
            if before != after {
                self.container_event(at, &format!("health_status: {after}"), &[]);
            }
        }
        self.after(check.interval, at, Due::Probe);
    }
}

struct Check {
    command: Vec<String>,
    interval: Duration,
    in_start_period: bool,
    retries: i64,
}

fn signal_number(signal: &str) -> Option<i64> {
    let name = signal.strip_prefix("SIG").unwrap_or(signal);
    let known = SIGNALS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
    known.or_else(|| name.parse().ok()).or(name.is_empty().then_some(9))
}

/// Where a volume's files would be.
pub(super) fn mountpoint(name: &str) -> String {
    format!("/var/lib/docker/volumes/{name}/_data")
}
