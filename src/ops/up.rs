//! `up`, `create`, `scale`: plan, apply, and again where an image had to come first; then the logs, when attached.

use super::cascade::Exits;
use super::reconcile::{self, Planned};
use super::{Cascade, OpsError, Session, Stopwatch, Tally, Turn, goals, history, instances, logs};
use crate::apply::OnFailure;
use crate::engine::Engine;
use crate::event::{EventKind, LogLine, Subject};
use crate::graph::ServiceGraph;
use crate::load::Loaded;
use crate::model::{Project, ServiceName};
use crate::observe::ObservedState;
use crate::plan::lifecycle::{self, Lifecycle};
use crate::plan::{ImagePolicy, Policy, Recreate};
use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What `up` is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// How to plan.
    pub policy: Policy,
    /// Stay and show the logs; `None` returns once everything is up.
    pub attach: Option<Attach>,
}

/// What an attached `up` shows.
#[derive(Debug, Clone, Default)]
pub struct Attach {
    /// Only these services; empty: the named ones, or all.
    pub only: BTreeSet<ServiceName>,
    /// Not these services.
    pub except: BTreeSet<ServiceName>,
    /// The dependencies of named services too.
    pub dependencies: bool,
    /// Lines begin with their time.
    pub timestamps: bool,
    /// End when a container exits, and stop the others.
    pub cascade: Option<Cascade>,
    /// Stay while this is set and nothing runs any more: somebody will start it again (`--watch`).
    pub stay: Arc<AtomicBool>,
    /// Cancelled by us, once everything is started.
    pub is_up: CancellationToken,
    /// Cancelled by the user, who wants no more logs: everything goes on running. What is being started is started first.
    pub detach: CancellationToken,
}

/// Brings a project up.
///
/// # Errors
/// What stopped it. After an interrupt in attached mode the project was stopped first.
pub async fn run(session: &Session, loaded: &Loaded, request: &Request) -> Result<(), OpsError> {
    let engine = session.engine().await?;
    let project = Arc::new(loaded.project.clone());
    let Some(attach) = &request.attach else {
        return until_goals(session, &engine, loaded, &project, &request.policy).await;
    };
    let Some(cascade) = &attach.cascade else {
        return Box::pin(attached(session, &engine, loaded, &project, request, attach, None)).await;
    };
    let exits = Exits::new(cascade, &project);
    tokio::select! {
        ended = Box::pin(attached(session, &engine, loaded, &project, request, attach, Some(&exits))) => ended,
        Err(error) = exits.listen(&engine, project.name.as_str()) => Err(error),
    }
}

/// Brings a project up, and waits for its services' goals when that is asked for.
pub(super) async fn until_goals(
    session: &Session,
    engine: &Engine,
    loaded: &Loaded,
    project: &Arc<Project>,
    policy: &Policy,
) -> Result<(), OpsError> {
    let tally = session.tally.clone().or_else(|| policy.wait.map(|_limit| Tally::default()));
    let session = &Session { tally, ..session.clone() };
    let ended = Box::pin(converge(session, engine, loaded, project, policy)).await;
    match policy.wait.filter(|_| session.dry_run.is_none()) {
        Some(timeout_s) => goals::last_look(session, engine, project, timeout_s, ended).await,
        None => ended,
    }
}

/// Brings a project up, shows its logs, and stops it at the end: by the user's wish, or with one of `exits`.
async fn attached(
    session: &Session,
    engine: &Engine,
    loaded: &Loaded,
    project: &Arc<Project>,
    request: &Request,
    attach: &Attach,
    exits: Option<&Exits<'_>>,
) -> Result<(), OpsError> {
    // The followers listen before the first container starts, so that no line is lost.
    let shown = shown_services(project, request, attach);
    let stop = CancellationToken::new();
    let follow = logs::Follow {
        project: project.name.to_string(),
        services: Some(shown),
        until: stop.clone(),
        timestamps: attach.timestamps,
        stays: Arc::clone(&attach.stay),
        ..logs::Follow::attached()
    };
    let follower = logs::follow(session, engine, &follow);
    tokio::pin!(follower);
    let starting = Session { interrupts: session.interrupts.of_part(), ..session.clone() };
    let up = async {
        // A container that started before the follower looked would be taken for one that ran already, and its first lines for
        // old ones.
        follow.listening.cancelled().await;
        if let Some(exits) = exits {
            exits.listening().await;
        }
        converge(&starting, engine, loaded, project, &request.policy).await
    };
    tokio::pin!(up);
    let result = tokio::select! {
        result = &mut up => result,
        // It cannot end by itself before something was started; an error of its own ends it.
        ended = &mut follower => match ended { Ok(()) => (&mut up).await, Err(error) => Err(error) },
        () = over(exits) => {
            starting.interrupts.stop();
            (&mut up).await
        }
    };
    if let Err(error) = result {
        let ended = matches!(error, OpsError::Interrupted);
        let aborted = exits.filter(|exits| ended && exits.is_over() && !session.interrupts.interrupted());
        if ended || exits.is_some() {
            if exits.is_some() && !session.interrupts.interrupted() {
                say(session, ABORTING).await;
            }
            Box::pin(stop_all(session, engine, project)).await;
        }
        stop.cancel();
        drop(follower.await);
        return match aborted {
            Some(exits) => exits.end(engine, project.name.as_str()).await,
            None => Err(error),
        };
    }
    follow.everything_started();
    attach.is_up.cancel();
    let last_words = tokio::select! {
        ended = &mut follower => {
            ended?;
            return match exits {
                Some(exits) => exits.end(engine, project.name.as_str()).await,
                None => Ok(()),
            };
        }
        () = attach.detach.cancelled() => return Ok(()),
        () = session.interrupts.first().cancelled_owned() => "Gracefully Stopping... press Ctrl+C again to force",
        () = over(exits) => ABORTING,
    };
    say(session, last_words).await;
    {
        let stopping = stop_all(session, engine, project);
        tokio::pin!(stopping);
        // The logs go on while the containers stop: their last words matter.
        tokio::select! {
            () = &mut stopping => {
                // It ends by itself now that nothing runs; an engine that has stopped talking must not hold us up.
                drop(tokio::time::timeout(Duration::from_secs(2), &mut follower).await);
            }
            _ = &mut follower => (&mut stopping).await,
        }
        stop.cancel();
    }
    match exits {
        Some(exits) if !session.interrupts.interrupted() => exits.end(engine, project.name.as_str()).await,
        Some(_) | None => Err(OpsError::Interrupted),
    }
}

/// What is said when a container's exit ends everything.
const ABORTING: &str = "Aborting on container exit...";

/// Returns with the exit that ends the run; never when none does.
async fn over(exits: Option<&Exits<'_>>) {
    match exits {
        Some(exits) => exits.over().await,
        None => std::future::pending().await,
    }
}

/// Tells the user something between the log lines.
async fn say(session: &Session, text: &str) {
    let line = LogLine { source: String::new(), stderr: true, text: text.to_owned() };
    drop(session.lines.send(line).await);
}

/// How often a plan is made anew because the engine had moved on.
const ATTEMPTS: u32 = 5;

/// Converges, when no other run changes the project.
///
/// # Errors
/// What stopped it.
pub async fn converge(
    session: &Session,
    engine: &Engine,
    loaded: &Loaded,
    project: &Arc<Project>,
    policy: &Policy,
) -> Result<(), OpsError> {
    let name = project.name.as_str();
    if let Err(error) = instances::sweep_known(session, engine, name).await {
        session.warn(name, format!("what a run that was killed has left is still there: {error}"));
    }
    let work = async |session: &Session| {
        let again = async || Box::pin(converge_alone(session, engine, loaded, project, policy)).await;
        session.through_trouble(engine, name, again).await
    };
    let ended = Box::pin(session.locked(engine, name, work)).await;
    // A run that failed is the one whose time is wondered about most.
    if let Some(timings) = session.stopwatch.as_ref().and_then(Stopwatch::read) {
        let timings = Box::new(timings);
        session.events.send(Subject::Project(name.to_owned()), EventKind::Timed { timings });
    }
    ended
}

/// Converges; again where something else on the engine got in between, because then the view was stale and a new look is
/// all it takes. An instance whose ports others were quicker to take gets others.
async fn converge_alone(
    session: &Session,
    engine: &Engine,
    loaded: &Loaded,
    project: &Arc<Project>,
    policy: &Policy,
) -> Result<(), OpsError> {
    for attempt in 1..ATTEMPTS {
        match converge_once(session, engine, loaded, project, policy).await {
            Err(error) if error.is_stale_view() => {
                tokio::time::sleep(Duration::from_millis(100) * attempt * attempt).await;
            }
            Err(error) if project.instance.is_some() && !error.taken_ports().is_empty() => {
                let mut taken = session.taken_ports.lock().unwrap_or_else(PoisonError::into_inner);
                taken.extend(error.taken_ports());
            }
            ended => return ended,
        }
    }
    converge_once(session, engine, loaded, project, policy).await
}

/// Plans and applies; a second time where an image had to be pulled or built before a service could be decided.
async fn converge_once(
    session: &Session,
    engine: &Engine,
    loaded: &Loaded,
    project: &Arc<Project>,
    policy: &Policy,
) -> Result<(), OpsError> {
    let planned = reconcile::plan(session, engine, loaded, policy).await?;
    carry_out(session, engine, loaded, project, policy, planned).await
}

/// Applies a plan, and plans again for what could not be decided before.
pub(super) async fn carry_out(
    session: &Session,
    engine: &Engine,
    loaded: &Loaded,
    project: &Arc<Project>,
    policy: &Policy,
    planned: Planned,
) -> Result<(), OpsError> {
    let mut planned = planned;
    let mut policy = policy.clone();
    // One command is nothing to go back to.
    let lasting = policy.one_off.is_none();
    let record = lasting
        .then(|| history::begin(session, engine, loaded, &policy, &planned.plan, &planned.observed))
        .flatten();
    // Each round settles an image, or runs a provider at least: there cannot be more rounds than services.
    for round in 0..=project.services.len() {
        let Planned { plan, observed, completed } = &planned;
        let project = completed.as_ref().unwrap_or(project);
        for warning in plan.warnings.iter().filter(|_| round == 0) {
            session.warn(project.name.as_str(), warning.clone());
        }
        if round == 0 {
            let subject = Subject::Project(project.name.to_string());
            session.events.send(subject, EventKind::Planned { steps: plan.steps.len() });
        }
        for container in plan.unchanged.iter().filter(|_| session.dry_run.is_none()) {
            session.events.send(
                Subject::Container(container.clone()),
                EventKind::Unchanged { status: "Running".to_owned() },
            );
        }
        let provided = session.apply_all(engine, plan, Some(project), observed, OnFailure::Stop).await?;
        if plan.deferred.is_empty() || session.dry_run.is_some() {
            break;
        }
        // The images and values are here now; what is left depends on what they turned out to be.
        policy.images =
            ImagePolicy { pull: Some("missing".to_owned()), no_build: true, ..ImagePolicy::default() };
        // What was forced has been done in the first round.
        if policy.recreate == Recreate::Force {
            policy.recreate = Recreate::Diverged;
        }
        policy.provided.extend(provided);
        planned = reconcile::plan(session, engine, loaded, &policy).await?;
    }
    if let Some(record) = record {
        record.done(session, engine).await;
    }
    Ok(())
}

/// How long an attached `up` that is to end waits for another run on the project; then it stops what it has started all the
/// same, because that is what the user asks for.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(5);

/// Stops everything that runs, dependents first; kills it when the user asks a second time.
async fn stop_all(session: &Session, engine: &Engine, project: &Arc<Project>) {
    // The wish to stop must not stop the stopping: this run has an interrupt of its own.
    let patient = Session {
        interrupts: super::Interrupts::default(),
        turn: Turn { timeout: Some(PATIENCE_AT_THE_END), ..session.turn.clone() },
        ..session.clone()
    };
    let stopping = async {
        let work = async |patient: &Session| {
            stop_running(patient, engine, project).await;
            Ok(())
        };
        if patient.locked(engine, project.name.as_str(), work).await.is_err() {
            stop_running(&patient, engine, project).await;
        }
    };
    tokio::pin!(stopping);
    tokio::select! {
        () = &mut stopping => {}
        () = session.interrupts.second().cancelled_owned() => {
            let Ok(observed) = look(engine, project).await else { return };
            let running: Vec<_> = observed.containers.iter().collect();
            let kill = lifecycle::kill(&running, "SIGKILL");
            drop(patient.apply(engine, &kill, Some(project), &observed, OnFailure::Continue).await);
        }
    }
}

pub(super) async fn stop_running(session: &Session, engine: &Engine, project: &Arc<Project>) {
    let graph = ServiceGraph::of(project);
    let Ok(observed) = look(engine, project).await else { return };
    let input = Lifecycle {
        project: Some(project),
        graph: &graph,
        observed: &observed,
        services: None,
        timeout_s: None,
    };
    let plan = lifecycle::stop(&input);
    drop(session.apply(engine, &plan, Some(project), &observed, OnFailure::Continue).await);
}

async fn look(engine: &Engine, project: &Project) -> Result<Arc<ObservedState>, OpsError> {
    let request = super::list::containers_only(project.name.as_str());
    Ok(Arc::new(crate::observe::observe(engine, &request).await?))
}

/// The services whose output an attached `up` shows.
fn shown_services(project: &Project, request: &Request, attach: &Attach) -> BTreeSet<ServiceName> {
    let named = &request.policy.selected;
    project
        .services
        .values()
        .filter(|service| {
            if !attach.only.is_empty() {
                return attach.only.contains(&service.name);
            }
            let chosen = named.is_empty() || attach.dependencies || named.contains(&service.name);
            chosen && service.attach != Some(false)
        })
        .map(|service| service.name.clone())
        .filter(|name| !attach.except.contains(name))
        .collect()
}
