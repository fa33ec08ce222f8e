//! The ready queue: which step may run now. Pure; knows neither the engine nor tokio.

use crate::graph::Dag;
use crate::plan::{Lane, Plan, StepId, When};
use std::collections::{BTreeMap, BTreeSet};

/// How many steps of each kind run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls that make the engine work: create, start, remove.
    pub container: usize,
    /// Pulls.
    pub pull: usize,
    /// Builds.
    pub build: usize,
}

impl Default for Limits {
    /// The engine does about two containers a core at a time; more only makes each slower.
    fn default() -> Self {
        Self { container: 16, pull: 8, build: 4 }
    }
}

impl Limits {
    fn of(self, lane: Lane) -> usize {
        match lane {
            Lane::Container => self.container.max(1),
            Lane::PublishedRange => 1,
            Lane::Pull => self.pull.max(1),
            Lane::Build => self.build.max(1),
            Lane::Free => usize::MAX,
        }
    }
}

/// What has become of a step so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting { open: usize, undone: usize },
    Ready,
    Running,
    Over,
}

/// How a step ended, for the ones after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    /// It failed, or was skipped because of a failure.
    Undone,
    /// It would have put right a failure that did not happen.
    Spared,
}

/// Which steps may still begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admitting {
    All,
    Rescues,
    None,
}

/// Steps that wait, steps that may run, steps that run.
#[derive(Debug)]
pub(super) struct Queue {
    graph: Dag<StepId, ()>,
    states: BTreeMap<StepId, State>,
    lanes: BTreeMap<StepId, Lane>,
    optional: BTreeSet<StepId>,
    /// Ready steps of each lane; the ones that most depends on come first.
    ready: BTreeMap<Lane, BTreeSet<(std::cmp::Reverse<usize>, StepId)>>,
    running: BTreeMap<Lane, usize>,
    weights: BTreeMap<StepId, usize>,
    whens: BTreeMap<StepId, When>,
    /// Steps that put right what a failure left, and the ones after them.
    rescues: BTreeSet<StepId>,
    spared: Vec<StepId>,
    limits: Limits,
    admitting: Admitting,
}

impl Queue {
    pub(super) fn new<A>(plan: &Plan<A>, limits: Limits) -> Self {
        let graph = plan.graph();
        let mut queue = Self {
            states: BTreeMap::new(),
            lanes: plan.steps.iter().map(|step| (step.id, step.lane)).collect(),
            optional: plan.steps.iter().filter(|step| step.optional).map(|step| step.id).collect(),
            ready: BTreeMap::new(),
            running: BTreeMap::new(),
            weights: weights(plan, &graph),
            whens: plan.steps.iter().map(|step| (step.id, step.when)).collect(),
            rescues: plan.rescues(),
            spared: Vec::new(),
            graph,
            limits,
            admitting: Admitting::All,
        };
        for step in &plan.steps {
            queue.states.insert(step.id, State::Waiting { open: step.after.len(), undone: 0 });
            if step.after.is_empty() {
                queue.make_ready(step.id);
            }
        }
        queue
    }

    /// A step that may run now; it counts as running from here on.
    pub(super) fn next(&mut self) -> Option<StepId> {
        let admitted = |id: &StepId| match self.admitting {
            Admitting::All => true,
            Admitting::Rescues => self.rescues.contains(id),
            Admitting::None => false,
        };
        let (lane, entry) = self.ready.iter().find_map(|(lane, steps)| {
            let running = self.running.get(lane).copied().unwrap_or(0);
            let entry = steps.iter().find(|(_, id)| admitted(id))?;
            (running < self.limits.of(*lane)).then_some((*lane, *entry))
        })?;
        self.ready.get_mut(&lane)?.remove(&entry);
        let (_, id) = entry;
        *self.running.entry(lane).or_default() += 1;
        self.states.insert(id, State::Running);
        Some(id)
    }

    /// A running step ended well.
    pub(super) fn done(&mut self, id: StepId) {
        self.leave(id);
        self.tell(id, End::Done);
    }

    /// A running step failed. An optional one counts as done; otherwise everything that needs it, directly or not, will
    /// not run: those steps are returned.
    pub(super) fn failed(&mut self, id: StepId) -> Vec<StepId> {
        self.leave(id);
        let end = if self.optional.contains(&id) { End::Done } else { End::Undone };
        self.tell(id, end)
    }

    /// From now on nothing new runs.
    pub(super) fn stop_admitting(&mut self) {
        self.admitting = Admitting::None;
    }

    /// From now on only what puts right a failure runs.
    pub(super) fn admit_rescues_only(&mut self) {
        if self.admitting == Admitting::All {
            self.admitting = Admitting::Rescues;
        }
    }

    /// Whether a step puts right what a failure left.
    pub(super) fn is_rescue(&self, id: StepId) -> bool {
        self.rescues.contains(&id)
    }

    /// The steps that turned out not to be needed.
    pub(super) fn spared(&self) -> &[StepId] {
        &self.spared
    }

    /// The steps that neither ran nor were skipped.
    pub(super) fn left(&self) -> Vec<StepId> {
        let open = |state: &State| matches!(state, State::Waiting { .. } | State::Ready);
        self.states.iter().filter(|(_, state)| open(state)).map(|(id, _)| *id).collect()
    }

    fn leave(&mut self, id: StepId) {
        self.states.insert(id, State::Over);
        if let Some(lane) = self.lanes.get(&id)
            && let Some(running) = self.running.get_mut(lane)
        {
            *running = running.saturating_sub(1);
        }
    }

    /// Tells the steps after one how it ended, and the ones after those that will not run because of it. Returns the ones
    /// that are skipped because of a failure.
    fn tell(&mut self, from: StepId, end: End) -> Vec<StepId> {
        let mut skipped = Vec::new();
        let mut frontier = vec![(from, end)];
        while let Some((at, end)) = frontier.pop() {
            let dependents: Vec<StepId> =
                self.graph.needed_by(&at).into_iter().map(|(step, ())| *step).collect();
            for dependent in dependents {
                let Some(State::Waiting { open, undone }) = self.states.get_mut(&dependent) else { continue };
                *open = open.saturating_sub(1);
                *undone += usize::from(end == End::Undone);
                let (open, undone) = (*open, *undone);
                let when = self.whens.get(&dependent).copied().unwrap_or_default();
                let fate = match (when, end) {
                    (When::AllDone, End::Undone) => Some(End::Undone),
                    (When::AllDone, End::Spared) => Some(End::Spared),
                    (When::Over { most_failed }, _) if undone > most_failed => Some(End::Undone),
                    (When::MoreFailed { than }, _) if open == 0 && undone <= than => Some(End::Spared),
                    (When::AllDone | When::MoreFailed { .. } | When::Over { .. }, _) if open == 0 => {
                        self.make_ready(dependent);
                        None
                    }
                    (When::AllDone | When::MoreFailed { .. } | When::Over { .. }, _) => None,
                };
                let Some(fate) = fate else { continue };
                self.states.insert(dependent, State::Over);
                if fate == End::Spared {
                    self.spared.push(dependent);
                } else {
                    skipped.push(dependent);
                }
                // Whoever waits for an optional step does not mind.
                let fate = if self.optional.contains(&dependent) { End::Done } else { fate };
                frontier.push((dependent, fate));
            }
        }
        skipped.sort();
        skipped
    }

    fn make_ready(&mut self, id: StepId) {
        self.states.insert(id, State::Ready);
        let lane = self.lanes.get(&id).copied().unwrap_or(Lane::Free);
        let weight = self.weights.get(&id).copied().unwrap_or(0);
        self.ready.entry(lane).or_default().insert((std::cmp::Reverse(weight), id));
    }
}

/// How long the chain of steps behind each step is: the longest first keeps the whole short.
fn weights<A>(plan: &Plan<A>, graph: &Dag<StepId, ()>) -> BTreeMap<StepId, usize> {
    let mut weights: BTreeMap<StepId, usize> = BTreeMap::new();
    for step in plan.steps.iter().rev() {
        let behind = graph.needed_by(&step.id).into_iter().filter_map(|(next, ())| weights.get(next)).max();
        let weight = 1 + behind.copied().unwrap_or(0);
        weights.insert(step.id, weight);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, Reason, Step};

    /// Steps given as (lane, optional, after); the action does not matter to the queue.
    fn plan(steps: &[(Lane, bool, &[usize])]) -> Plan {
        let steps = steps.iter().enumerate().map(|(id, (lane, optional, after))| Step {
            id: StepId(id),
            action: Action::RemoveVolume { name: format!("v{id}") },
            reason: Reason::Requested,
            after: after.iter().map(|id| StepId(*id)).collect(),
            when: When::AllDone,
            contained: false,
            optional: *optional,
            lane: *lane,
            group: None,
        });
        Plan { steps: steps.collect(), ..Plan::default() }
    }

    fn ready(queue: &mut Queue) -> Vec<usize> {
        std::iter::from_fn(|| queue.next()).map(|id| id.0).collect()
    }

    #[test]
    fn a_step_runs_once_everything_it_needs_is_done() {
        let plan = plan(&[(Lane::Free, false, &[]), (Lane::Free, false, &[]), (Lane::Free, false, &[0, 1])]);
        let mut queue = Queue::new(&plan, Limits::default());
        assert_eq!(ready(&mut queue), [0, 1]);
        queue.done(StepId(0));
        assert_eq!(ready(&mut queue), Vec::<usize>::new());
        queue.done(StepId(1));
        assert_eq!(ready(&mut queue), [2]);
    }

    #[test]
    fn the_head_of_the_longest_chain_runs_first() {
        let plan = plan(&[
            (Lane::Container, false, &[]),
            (Lane::Container, false, &[]),
            (Lane::Container, false, &[1]),
        ]);
        let mut queue = Queue::new(&plan, Limits { container: 1, ..Limits::default() });
        assert_eq!(ready(&mut queue), [1]);
    }

    #[test]
    fn a_lane_runs_no_more_than_its_limit_at_once() {
        let plan = plan(&[(Lane::PublishedRange, false, &[]), (Lane::PublishedRange, false, &[])]);
        let mut queue = Queue::new(&plan, Limits::default());
        assert_eq!(ready(&mut queue), [0]);
        queue.done(StepId(0));
        assert_eq!(ready(&mut queue), [1]);
    }

    #[test]
    fn what_needs_a_failed_step_is_skipped_to_the_end_of_the_chain() {
        let plan = plan(&[
            (Lane::Free, false, &[]),
            (Lane::Free, false, &[0]),
            (Lane::Free, false, &[1]),
            (Lane::Free, false, &[]),
        ]);
        let mut queue = Queue::new(&plan, Limits::default());
        assert_eq!(ready(&mut queue), [0, 3]);
        assert_eq!(queue.failed(StepId(0)), [StepId(1), StepId(2)]);
        assert!(queue.left().is_empty());
    }

    #[test]
    fn an_optional_step_that_fails_or_is_skipped_does_not_stop_what_waits_for_it() {
        let plan = plan(&[(Lane::Free, false, &[]), (Lane::Free, true, &[0]), (Lane::Free, false, &[1])]);
        let mut queue = Queue::new(&plan, Limits::default());
        assert_eq!(ready(&mut queue), [0]);
        assert_eq!(queue.failed(StepId(0)), [StepId(1)]);
        assert_eq!(ready(&mut queue), [2]);
    }

    #[test]
    fn after_a_stop_nothing_new_runs_and_the_rest_is_known() {
        let plan = plan(&[(Lane::Free, false, &[]), (Lane::Free, false, &[0])]);
        let mut queue = Queue::new(&plan, Limits::default());
        assert_eq!(ready(&mut queue), [0]);
        queue.stop_admitting();
        queue.done(StepId(0));
        assert_eq!(ready(&mut queue), Vec::<usize>::new());
        assert_eq!(queue.left(), [StepId(1)]);
    }
    #[test]
    fn what_puts_a_failure_right_runs_only_after_one_and_also_when_nothing_else_may() {
        let mut plan = plan(&[
            (Lane::Free, false, &[]),
            (Lane::Free, false, &[0]),
            (Lane::Free, false, &[0, 1]),
            (Lane::Free, false, &[2]),
        ]);
        plan.steps[2].when = When::MoreFailed { than: 0 };
        let mut queue = Queue::new(&plan, Limits::default());
        assert_eq!(ready(&mut queue), [0]);
        assert_eq!(queue.failed(StepId(0)), [StepId(1)]);
        queue.admit_rescues_only();
        assert_eq!(ready(&mut queue), [2]);
        queue.done(StepId(2));
        assert_eq!(ready(&mut queue), [3]);

        let mut queue = Queue::new(&plan, Limits::default());
        assert_eq!(ready(&mut queue), [0]);
        queue.done(StepId(0));
        assert_eq!(ready(&mut queue), [1]);
        queue.done(StepId(1));
        assert_eq!(ready(&mut queue), Vec::<usize>::new());
        assert_eq!(queue.spared(), [StepId(2), StepId(3)]);
    }

    #[test]
    fn a_step_that_bears_failures_runs_until_there_are_too_many() {
        for (most_failed, runs) in [(1, true), (0, false)] {
            let mut plan =
                plan(&[(Lane::Free, false, &[]), (Lane::Free, false, &[]), (Lane::Free, false, &[0, 1])]);
            plan.steps[2].when = When::Over { most_failed };
            let mut queue = Queue::new(&plan, Limits::default());
            assert_eq!(ready(&mut queue), [0, 1]);
            queue.failed(StepId(0));
            queue.done(StepId(1));
            assert_eq!(!ready(&mut queue).is_empty(), runs);
        }
    }
}
