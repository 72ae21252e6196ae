//! One session's turn: all checks one after the other, and then placement. The order of turns is decided in `order`.

use crate::checks::{Books, reason_to_cancel, too_early};
use crate::place::Agents;
use crate::slots::{Kinds, Shape, Shapes};
use crate::{Decided, Decision, Group, Reason, Snapshot, Waiting};
use types::sessions::ClusterMode;

/// The outcome of a turn, as far as it matters for later turns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Placed,
    /// It waits for resources that others hold.
    Waits,
    /// It cannot start now for a reason of its own, or never will.
    Held,
}

/// The turns of one group's sessions and the decisions so far.
pub(crate) struct Turns<'a, 'b> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) kinds: &'b Kinds<'a>,
    pub(crate) name: &'a str,
    pub(crate) group: Option<&'a Group>,
    pub(crate) decided: Vec<Decided>,
    books: &'b mut Books<'a>,
    agents: Agents<'a>,
    shapes: Shapes<'a>,
}

impl<'a, 'b> Turns<'a, 'b> {
    pub(crate) fn new(snapshot: &'a Snapshot, kinds: &'b Kinds<'a>, books: &'b mut Books<'a>, name: &'a str) -> Self {
        let group = snapshot.groups.get(name);
        let placement = group.map(|group| group.placement).unwrap_or_default();
        let agents = Agents::in_group(snapshot, kinds, name, placement);
        Self { snapshot, kinds, name, group, decided: Vec::new(), books, agents, shapes: Shapes::default() }
    }

    /// Returns the number of a session's shape.
    pub(crate) fn shape(&mut self, session: &'a Waiting) -> usize {
        self.shapes.number(session, self.kinds)
    }

    /// Adds the amounts of a shape to a row of held amounts.
    pub(crate) fn add(&self, shape: usize, row: &mut [i64]) {
        self.shapes.get(shape).add_to(row);
    }

    /// Decides about the next session. If `ahead` sessions that wait are ahead of it, it stays behind them, however much room
    /// there is.
    pub(crate) fn take(&mut self, session: &'a Waiting, shape: usize, ahead: u32) -> Outcome {
        let (decision, outcome, tried) = if let Some(decision) = self.held_back(session, shape) {
            (decision, Outcome::Held, false)
        } else if ahead > 0 {
            (Decision::Wait(Reason::Behind { ahead }), Outcome::Waits, false)
        } else {
            match self.agents.place(shape, self.shapes.get(shape)) {
                Ok(placed) => {
                    self.books.enter(session, self.shapes.get(shape));
                    (Decision::Place(self.agent_names(session, &placed)), Outcome::Placed, false)
                }
                Err(reason) => (Decision::Wait(reason), Outcome::Waits, true),
            }
        };
        let position = self.decided.len() as u32 + 1;
        self.decided.push(Decided { id: session.id, decision, position, tried });
        outcome
    }

    fn held_back(&mut self, session: &Waiting, shape: usize) -> Option<Decision> {
        let now = self.snapshot.now;
        if let Some(reason) = reason_to_cancel(session, self.group.and_then(|group| group.pending_timeout), now) {
            return Some(Decision::Cancel(reason));
        }
        let number = shape;
        let shape: &Shape = self.shapes.get(number);
        let reason = if self.group.is_none() || self.agents.is_empty() {
            Some(self.reason_without_agents())
        } else {
            self.agents
                .reason_never(number, shape)
                .or_else(|| too_early(session, now))
                .or_else(|| self.books.over_limit(session, shape))
        };
        reason.map(Decision::Wait)
    }

    fn reason_without_agents(&self) -> Reason {
        let resource_group = self.name.to_owned();
        if self.group.is_some() && self.snapshot.agents.iter().any(|room| room.resource_group == self.name) {
            Reason::NoneSchedulable { resource_group }
        } else {
            Reason::NoAgent { resource_group }
        }
    }

    /// Returns the name of each container's agent.
    fn agent_names(&self, session: &Waiting, placed: &[usize]) -> Vec<String> {
        let each = match session.cluster.mode {
            ClusterMode::SingleNode => session.cluster.size.max(1) as usize,
            ClusterMode::MultiNode => 1,
        };
        placed.iter().flat_map(|agent| std::iter::repeat_n(self.agents.name(*agent).to_owned(), each)).collect()
    }
}
