//! Hooks: `post_start` and `pre_stop` inside a container, `pre_start` in a container of its own.

use super::step::{Resolved, ids_by_service, project, service};
use super::{Cx, StepError, files, provider};
use crate::engine::{EngineError, EngineErrorKind, ExecSpec, WaitFor};
use crate::lower::{self, hook::HookCommand};
use crate::model::{Hook, Project, Service};
use crate::observe::ContainerId;
use crate::plan::{ContainerRef, HookPhase};
use std::collections::BTreeMap;

/// How much of what a failed hook wrote is told.
const LINES: usize = 10;

/// Runs the hook at a place in its list.
pub(super) async fn run(
    cx: &Cx,
    resolved: &Resolved,
    container: &ContainerRef,
    id: &ContainerId,
    (phase, index): (HookPhase, usize),
) -> Result<(), StepError> {
    let (project, service) = service(cx, &container.service)?;
    let service = provider::given(cx, service);
    let service = service.as_ref();
    let hooks = match phase {
        HookPhase::PreStart => &service.pre_start,
        HookPhase::PostStart => &service.post_start,
        HookPhase::PreStop => &service.pre_stop,
    };
    let Some(hook) = hooks.get(index) else { return Ok(()) };
    let ran = match phase {
        HookPhase::PreStart => beside(cx, resolved, (project, service), hook, (container, id), index).await,
        HookPhase::PostStart | HookPhase::PreStop => inside(cx, hook, container, id).await,
    };
    match (ran, phase) {
        // What has stopped by itself needs no farewell.
        (Err(error), HookPhase::PreStop)
            if matches!(error.refusal, Some(EngineErrorKind::NotFound | EngineErrorKind::Conflict)) =>
        {
            Ok(())
        }
        // Its container may not have been made because a run that was killed has made it meanwhile: a new look shows that.
        (ran, HookPhase::PreStart) => ran,
        (ran, HookPhase::PostStart | HookPhase::PreStop) => ran.map_err(begun),
    }
}

/// Puts down that a container's `post_start` hooks are to be run. That it says so already is as good.
pub(super) async fn mark(cx: &Cx, container: &ContainerId) -> Result<(), StepError> {
    let body = lower::notes::hooks_body(project(cx)?, &container.0);
    match cx.engine.create_network(body).await {
        Err(error) if error.kind == EngineErrorKind::Conflict => Ok(()),
        done => Ok(done.map(drop)?),
    }
}

/// Takes that away again.
pub(super) async fn clear(cx: &Cx, container: &ContainerId, known: Option<&str>) -> Result<(), StepError> {
    let name = lower::notes::hooks_name(project(cx)?, &container.0);
    Ok(cx.engine.remove_network(known.unwrap_or(&name), &name).await?)
}

async fn inside(cx: &Cx, hook: &Hook, container: &ContainerRef, id: &ContainerId) -> Result<(), StepError> {
    let run = cx.engine.run_in_container(&id.0, &container.name, exec_spec(hook)).await?;
    let output = String::from_utf8_lossy(&run.output).into_owned();
    ended(container, run.exit_code, output.lines().map(ToOwned::to_owned).collect())
}

/// A hook as a program to run inside a container.
pub fn exec_spec(hook: &Hook) -> ExecSpec {
    let HookCommand { command, environment, user, working_dir, privileged } = lower::hook::lower(hook);
    ExecSpec { command, environment, user, working_dir, privileged, ..ExecSpec::default() }
}

/// In a container of its own, which is kept when it fails, to be looked at.
async fn beside(
    cx: &Cx,
    resolved: &Resolved,
    (project, service): (&Project, &Service),
    hook: &Hook,
    (container, id): (&ContainerRef, &ContainerId),
    index: usize,
) -> Result<(), StepError> {
    let name = format!(
        "{}{sep}{}{sep}pre_start{sep}{}",
        project.name,
        service.name,
        index + 1,
        sep = project.separator()
    );
    let replica = lower::container::create(&lower::container::Request {
        project,
        service,
        purpose: lower::container::Purpose::Hook,
        name: &name,
        image_digest: None,
        replaces: None,
        contents: &BTreeMap::new(),
        image_volumes: &[],
        container_ids: &ids_by_service(cx, resolved),
        api: cx.engine.api_version().0,
    });
    let lowered = lower::hook::container(project, service, hook, replica, &id.0);
    let created =
        cx.engine.create_container(&name, None, lowered.body).await.map_err(|error: EngineError| {
            let missing = error.kind == EngineErrorKind::NotFound && !hook.image.is_empty();
            // It was there when the plan was made.
            let hints =
                if missing { vec![format!("pull it: `docker pull {}`", hook.image)] } else { Vec::new() };
            StepError { hints, ..error.into() }
        })?;
    for (network, endpoint) in lowered.connect_after {
        cx.engine.connect_network(&network, &created, endpoint).await?;
    }
    let own = ContainerId(created);
    files::inject(cx, &ContainerRef { name: name.clone(), ..container.clone() }, &own).await?;
    let ran = async {
        cx.engine.start_container(&own.0, &name).await?;
        cx.engine.wait_container(&own.0, &name, WaitFor::NotRunning).await
    };
    let code = ran.await.map_err(|error| begun(error.into()))?;
    if code != 0 {
        let said = cx.engine.last_log_lines(&own, LINES).await.unwrap_or_default();
        return ended(container, code, said).map_err(|error| StepError {
            hints: vec![format!("its container `{name}` is kept until the next `up` or `down`")],
            ..error
        });
    }
    cx.engine.remove_container(&own.0, &name, true, true).await.map_err(|error| begun(error.into()))
}

/// Whether a hook that had begun did its work nobody knows; a new look at the engine would not tell.
fn begun(error: StepError) -> StepError {
    StepError { refusal: None, ..error }
}

fn ended(container: &ContainerRef, code: i64, said: Vec<String>) -> Result<(), StepError> {
    if code == 0 {
        return Ok(());
    }
    let from = said.len().saturating_sub(LINES);
    let tail: Vec<String> = said.into_iter().skip(from).collect();
    Err(StepError::new(format!("hook of `{}` exited with {code}: {}", container.service, tail.join("\n"))))
}
