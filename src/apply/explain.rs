//! The engine's words for a start that failed, made short and with what can be done about it.

use super::{Cx, StepError};
use crate::engine::EngineError;
use crate::plan::ContainerRef;

/// Recognises the usual causes; anything else keeps the engine's own words.
pub(super) fn start(cx: &Cx, container: &ContainerRef, error: EngineError) -> StepError {
    let named = |message: String, hint: String| StepError {
        hints: vec![hint],
        ..StepError::new(format!("cannot {} container `{}`: {message}", error.operation, container.name))
    };
    let text = error.message.as_str();
    if let Some(port) = taken_port(text) {
        let others = cx.project.as_ref().and_then(|project| project.services.get(&container.service));
        let several = others.is_some_and(|service| service.replicas() > 1)
            || cx
                .observed
                .containers
                .iter()
                .filter(|seen| seen.identity.service == container.service)
                .count()
                > 1;
        let hint = if several {
            format!(
                "containers of `{}` cannot share host port {port}: publish a range, or no fixed port",
                container.service
            )
        } else {
            format!(
                "find who has it with `docker ps --filter publish={port}` or `ss -ltnp 'sport = :{port}'`, or publish another port"
            )
        };
        let error = named(format!("port {port} is already in use on the host"), hint);
        return StepError { taken_port: Some(port), ..error };
    }
    if text.contains("\"docker-init\"") {
        return named(
            "the engine has no init program".to_owned(),
            "install it where the engine runs (Debian: package `tini`, named `docker-init`), or remove `init: true`".to_owned(),
        );
    }
    if let Some(program) = missing_program(text) {
        return named(
            format!("its image has no program `{program}`"),
            format!("check `command` and `entrypoint` of service `{}`", container.service),
        );
    }
    if text.contains("bind source path does not exist") {
        let path = text.rsplit(": ").next().unwrap_or_default();
        return named(
            format!("`{path}` on the host does not exist"),
            "create it, or let it be created: `create_host_path: true` under `bind`".to_owned(),
        );
    }
    error.into()
}

/// A network that cannot be removed: who is in it.
pub(super) async fn network(cx: &Cx, id: &str, name: &str, error: EngineError) -> StepError {
    let users = if error.message.contains("active endpoints") {
        cx.engine.network_users(id).await.unwrap_or_default()
    } else {
        Vec::new()
    };
    if users.is_empty() {
        return error.into();
    }
    StepError::new(format!(
        "network `{name}` is kept: containers that do not belong to the project are in it: {}. Take them out with `docker network disconnect {name} NAME`",
        users.join(", ")
    ))
}

/// `Bind for 0.0.0.0:8080 failed: port is already allocated`, `… listen tcp4 0.0.0.0:8080: bind: address already in use` and
/// `failed to bind host port for [::]:8080:172.18.0.2:80/tcp: address already in use` to 8080.
fn taken_port(text: &str) -> Option<u16> {
    if let Some((before, _)) = text
        .split_once(" failed: port is already allocated")
        .or_else(|| text.split_once(": bind: address already in use"))
    {
        return before.rsplit(':').next()?.parse().ok();
    }
    let (before, _) = text.split_once(": address already in use")?;
    let (_, place) = before.split_once("failed to bind host port ")?;
    let place = place.strip_prefix("for ").unwrap_or(place);
    let after = place.split_once("]:").or_else(|| place.split_once(':'))?.1;
    after.split([':', '/']).next()?.parse().ok()
}

/// `exec: "serve": executable file not found in $PATH` to `serve`.
fn missing_program(text: &str) -> Option<&str> {
    let (before, _) = text
        .split_once("\": executable file not found")
        .or_else(|| text.split_once("\": stat "))
        .filter(|_| text.contains("exec: \""))?;
    before.rsplit('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_recognised_in_all_forms() {
        let docker = "driver failed programming external connectivity on endpoint p-web-1 (40be): Bind for 0.0.0.0:18080 failed: port is already allocated";
        let proxy =
            "failed to bind host port 0.0.0.0:80/tcp: listen tcp4 0.0.0.0:8081: bind: address already in use";
        assert_eq!(taken_port(docker), Some(18080));
        assert_eq!(taken_port(proxy), Some(8081));
        let since_28 = "failed to bind host port for [::]:25005:172.18.0.2:80/tcp: address already in use";
        assert_eq!(taken_port(since_28), Some(25005));
        let ipv4 = "failed to bind host port for 127.0.0.1:8082:172.18.0.2:80/tcp: address already in use";
        assert_eq!(taken_port(ipv4), Some(8082));
        assert_eq!(taken_port("failed to bind host port 0.0.0.0:81/tcp: address already in use"), Some(81));
        assert_eq!(taken_port("no space left on device"), None);
    }

    #[test]
    fn a_missing_program_is_named() {
        let text = "OCI runtime create failed: exec: \"serve\": executable file not found in $PATH: unknown";
        assert_eq!(missing_program(text), Some("serve"));
        assert_eq!(missing_program("something else"), None);
    }
}
