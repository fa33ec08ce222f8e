//! `doctor`: what may be wrong around a project, each finding with its remedy.
//!
//! In: the process's surroundings, and the project when its files can be read. Out: [`Finding`]s, the nearest to the engine
//! first. It only looks; the engine is asked twice (`/version`, `/info`). Deliberately absent: what runs, and how it does; see
//! `ps`.

mod host;

use super::Session;
use crate::engine::{Address, Engine, EngineErrorKind, EngineVersion};
use crate::model::{Environment, Project, label::COMPATIBLE_VERSION};
use serde::Serialize;

/// How a finding is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Fine,
    /// It works, and something does not.
    Warning,
    /// Nothing works, or not what this folder needs.
    Broken,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `engine`, `disk`.
    pub check: &'static str,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub message: String,
    /// What can be done about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

/// What the caller knows of the project.
pub enum Files<'a> {
    /// They can be read.
    Project(&'a Project),
    /// There are none.
    None,
    /// They cannot be used: the first mistake.
    Broken(String),
}

impl Finding {
    pub(super) fn fine(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, health: Health::Fine, message: message.into(), hints: Vec::new() }
    }

    pub(super) fn warning(check: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check, health: Health::Warning, message: message.into(), hints: vec![hint.into()] }
    }

    pub(super) fn broken(check: &'static str, message: impl Into<String>, hints: Vec<String>) -> Self {
        Self { check, health: Health::Broken, message: message.into(), hints }
    }
}

/// Looks at the engine: whether it answers, where and why there, what it is, and how much space it has.
///
/// # Errors
/// The user had enough of waiting for its answer.
pub async fn engine(session: &Session) -> Result<Vec<Finding>, super::OpsError> {
    let source = crate::engine::source(&session.endpoints);
    let look = async {
        match session.engine().await {
            Ok(engine) => of_engine(&engine, &source).await,
            Err(error) => vec![unreachable_at_all(&error)],
        }
    };
    // It only asks: to be dropped half way does no harm.
    let mut findings = tokio::select! {
        findings = look => findings,
        () = session.interrupts.first().cancelled_owned() => return Err(super::OpsError::Interrupted),
    };
    findings.extend(host::state(session.state.as_deref()));
    Ok(findings)
}

/// Looks at this machine and at the project. It walks through folders, and takes as long as that does.
pub fn here(files: &Files<'_>, environment: &Environment) -> Vec<Finding> {
    let of_files = match files {
        Files::Project(project) => Some(*project),
        Files::None | Files::Broken(_) => None,
    };
    let mut findings = vec![project(files)];
    findings.extend(host::plugins(environment, of_files));
    findings.extend(host::credentials(environment));
    findings.extend(host::watchers(of_files));
    findings
}

fn project(files: &Files<'_>) -> Finding {
    match files {
        Files::Project(project) => {
            let (name, count) = (&project.name, project.services.len());
            Finding::fine(
                "project",
                format!("`{name}`, {count} service{}", if count == 1 { "" } else { "s" }),
            )
        }
        Files::None => Finding::warning(
            "project",
            "there is no stack file here or in any folder above",
            "write a `compose.yaml`, or name a file with `-f`",
        ),
        Files::Broken(mistake) => Finding::broken(
            "project",
            mistake.as_str(),
            vec!["`stack config` shows every mistake at its place".to_owned()],
        ),
    }
}

fn unreachable_at_all(error: &super::OpsError) -> Finding {
    match error {
        super::OpsError::Connect(error) => {
            let tried: Vec<String> = error
                .tried
                .iter()
                .map(|one| {
                    format!("{} ({}): {}", one.address, one.source, one.problem).trim_start().to_owned()
                })
                .collect();
            let message = if tried.is_empty() {
                error.to_string()
            } else {
                format!("{error}; tried {}", tried.join(", "))
            };
            Finding::broken("engine", message, error.hints.clone())
        }
        other @ (super::OpsError::Load(_)
        | super::OpsError::Engine(_)
        | super::OpsError::Problems(_)
        | super::OpsError::Failed(_)
        | super::OpsError::Exited(_)
        | super::OpsError::Interrupted
        | super::OpsError::Other { .. }) => Finding::broken("engine", other.to_string(), Vec::new()),
    }
}

async fn of_engine(engine: &Engine, source: &str) -> Vec<Finding> {
    let at = format!("{} ({source})", engine.address());
    let version = match engine.version().await {
        Ok(version) => version,
        Err(error) => {
            let hints = remedies(engine.address(), error.kind, &error.message, source);
            return vec![Finding::broken("engine", format!("no answer from {at}: {}", error.message), hints)];
        }
    };
    let mut findings = vec![
        Finding::fine("engine", format!("{} answers at {at}", name(&version))),
        versions(engine, &version),
    ];
    match engine.info().await {
        Ok(info) => {
            let root = info.get("DockerRootDir").and_then(serde_json::Value::as_str);
            let is_here = matches!(engine.address(), Address::Unix(_));
            findings.extend(host::disk(root.filter(|_| is_here)));
            let warnings = info.get("Warnings").and_then(serde_json::Value::as_array);
            let said: Vec<&str> =
                warnings.into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
            findings.extend(said.into_iter().map(|words| {
                let words = words.trim_start_matches("WARNING: ").trim_end_matches('.');
                Finding::warning(
                    "engine",
                    format!("it says itself: {words}"),
                    "see the engine's documentation",
                )
            }));
        }
        Err(error) => findings.push(Finding::warning(
            "engine",
            error.to_string(),
            "see its log: `journalctl -u docker`",
        )),
    }
    findings
}

fn name(version: &EngineVersion) -> String {
    let product = if version.is_podman() { "Podman" } else { "Docker" };
    format!("{product} {} ({}/{})", version.version, version.os, version.arch)
}

/// The API versions that this program is made for.
const OLDEST: (u32, u32) = (1, 41);

fn versions(engine: &Engine, version: &EngineVersion) -> Finding {
    let told = format!(
        "API {} of {} to {}; this program does what Compose {COMPATIBLE_VERSION} does",
        engine.api_version(),
        version.min_api_version,
        version.api_version,
    );
    let numbers = version.api_version.split_once('.');
    let newest =
        numbers.and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    if newest.is_some_and(|newest| newest < OLDEST) {
        let hints = vec!["update the engine: API 1.41 came with Docker 20.10".to_owned()];
        return Finding::broken("versions", format!("{told}; the engine is older than API 1.41"), hints);
    }
    Finding::fine("versions", told)
}

fn remedies(address: &Address, kind: EngineErrorKind, message: &str, source: &str) -> Vec<String> {
    let words = message.to_lowercase();
    if words.contains("permission denied") {
        let group =
            "you may not use that socket: add yourself to the group that owns it (`docker`), or run as root";
        return vec![group.to_owned()];
    }
    if kind == EngineErrorKind::TimedOut {
        return vec!["it hangs or is overloaded: see its log, `journalctl -u docker`".to_owned()];
    }
    let mut hints = Vec::new();
    match address {
        Address::Unix(path) if !path.exists() => hints
            .push(format!("there is no socket `{}`: start the engine, or correct {source}", path.display())),
        Address::Unix(_) => hints.push(
            "start the engine: `systemctl start docker`, or `systemctl start podman.socket`".to_owned(),
        ),
        Address::Tcp(_) => hints.push(format!("start the engine there, or correct {source}")),
        Address::Ssh(host) => {
            let way = match host.port {
                Some(port) => format!("ssh -p {port} {}", host.host),
                None => format!("ssh {}", host.host),
            };
            hints.push(format!("this must work without a question: `{way} docker version`"));
        }
    }
    hints
}
