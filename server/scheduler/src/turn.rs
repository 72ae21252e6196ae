//! One session's turn: all checks one after the other, and then placement. The order of turns is decided in `order`.

use crate::checks::{Books, reason_to_cancel, too_early};
use crate::kept::NEVER;
use crate::place::{Agents, Refusal, Short};
use crate::slots::{Kinds, Shape, Shapes};
use crate::{Decided, Decision, Fared, Group, Reason, Snapshot, Waiting};
use std::collections::HashSet;
use types::quantity::Quantity;
use types::sessions::ClusterMode;
use types::time::Millis;

/// The most sessions of a group that room is kept for: with one, a session whose room comes together in a month would leave all
/// others without; with many, nobody would pass.
const MOST_KEPT: usize = 4;

/// The most shapes for which it is worked out when their room comes together.
const MOST_LOOKED_AT: usize = 200;

/// The outcome of a turn, as far as it matters for later turns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Placed,
    /// It waits for resources that others hold.
    Waits,
    /// It cannot start now for a reason of its own, or never will.
    Held,
}

/// A waiting session with the number of its shape.
#[derive(Clone, Copy)]
pub(crate) struct Turn<'a> {
    pub(crate) session: &'a Waiting,
    pub(crate) shape: usize,
}

/// The turns of one group's sessions and the decisions so far.
pub(crate) struct Turns<'a, 'b> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) kinds: &'b Kinds<'a>,
    pub(crate) name: &'a str,
    pub(crate) group: Option<&'a Group>,
    decided: Vec<Decided>,
    /// The shape of each decided session.
    shape_of: Vec<usize>,
    books: &'b mut Books<'a>,
    agents: Agents<'a>,
    shapes: Shapes<'a>,
    /// The most tries of a session of each shape.
    tries: Vec<u32>,
    /// The shapes that room is kept for, or that need none kept.
    settled: HashSet<usize>,
    kept: usize,
    /// The shapes that hold up everybody behind them who competes.
    closed: HashSet<usize>,
}

impl<'a, 'b> Turns<'a, 'b> {
    pub(crate) fn new(snapshot: &'a Snapshot, kinds: &'b Kinds<'a>, books: &'b mut Books<'a>, name: &'a str) -> Self {
        let group = snapshot.groups.get(name);
        let placement = group.map(|group| group.placement).unwrap_or_default();
        let agents = Agents::in_group(snapshot, kinds, name, placement);
        Self {
            snapshot,
            kinds,
            name,
            group,
            decided: Vec::new(),
            shape_of: Vec::new(),
            books,
            agents,
            shapes: Shapes::default(),
            tries: Vec::new(),
            settled: HashSet::new(),
            kept: 0,
            closed: HashSet::new(),
        }
    }

    /// Gives a session the number of its shape. A refusal counts for all of the same shape.
    pub(crate) fn turn_of(&mut self, session: &'a Waiting) -> Turn<'a> {
        let shape = self.shapes.number(session, self.kinds);
        let tries = session.refused.map_or(0, |refused| refused.tries);
        self.tries.resize(self.tries.len().max(shape + 1), 0);
        self.tries[shape] = self.tries[shape].max(tries);
        Turn { session, shape }
    }

    /// Adds the amounts of a shape to a row of held amounts.
    pub(crate) fn add(&self, shape: usize, row: &mut [i64]) {
        self.shapes.get(shape).add_to(row);
    }

    fn may_keep(&self, shape: usize) -> bool {
        self.kept < MOST_KEPT && self.settled.len() < MOST_LOOKED_AT && !self.settled.contains(&shape)
    }

    /// Whether room should be kept for a session before newer ones get it: it was refused room before, and either room is being
    /// kept for it already, or its room has to come together from several ends.
    pub(crate) fn should_be_kept(&mut self, turn: Turn<'a>) -> bool {
        let Some(refused) = turn.session.refused else { return false };
        if !self.may_keep(turn.shape) {
            return false;
        }
        let shape = self.shapes.get(turn.shape);
        let full = self.agents.short_of(turn.shape, shape).is_some();
        let kept = refused.kept || full && self.agents.coming(shape).is_some();
        if !kept && full {
            self.settled.insert(turn.shape);
        }
        kept && self.held_back(turn).is_none()
    }

    /// Decides about the next session.
    pub(crate) fn take(&mut self, turn: Turn<'a>) -> Outcome {
        let Turn { session, shape: number } = turn;
        let mut kept = false;
        let (decision, outcome) = if let Some(decision) = self.held_back(turn) {
            (decision, Outcome::Held)
        } else {
            let ends = session.limit.map_or(NEVER, |seconds| Millis(self.snapshot.now.0 + i64::from(seconds) * 1000));
            match self.agents.place(number, self.shapes.get(number), ends) {
                Ok(placed) => {
                    self.books.enter(session, self.shapes.get(number));
                    (Decision::Place(self.agent_names(session, &placed)), Outcome::Placed)
                }
                Err(Refusal::Full(short)) => {
                    let there = self.hold_up(number, &short);
                    kept = there.is_some();
                    (Decision::Wait(self.reason_to_wait(turn, short, there)), Outcome::Waits)
                }
                // The number is filled in once all places are known.
                Err(Refusal::Kept) => (Decision::Wait(Reason::Behind { ahead: 0 }), Outcome::Waits),
            }
        };
        let tried = outcome == Outcome::Waits && !matches!(decision, Decision::Wait(Reason::Behind { .. }));
        self.decided.push(Decided { id: session.id, decision, position: None, tried, passed: 0, kept });
        self.shape_of.push(number);
        outcome
    }

    /// Keeps room for a shape that finds none, unless enough is kept already, and holds up those behind it until it has been tried
    /// often enough. Returns the amounts of kept room that are free already.
    fn hold_up(&mut self, number: usize, short: &Short) -> Option<Vec<i64>> {
        let skip = self.group.map_or(0, |group| group.retries_to_skip);
        let holds_up = skip == 0 || self.tries[number] < skip;
        let shape = self.shapes.get(number);
        let mut there = None;
        if self.may_keep(number) {
            if let Some(coming) = self.agents.coming(shape) {
                there = Some(self.agents.keep(&coming, shape, !holds_up));
                self.kept += 1;
            }
            self.settled.insert(number);
        }
        if holds_up && self.closed.insert(number) {
            self.agents.close(shape, &short.columns);
        }
        there
    }

    fn reason_to_wait(&self, turn: Turn, short: Short, there: Option<Vec<i64>>) -> Reason {
        let shape = self.shapes.get(turn.shape);
        let kept = there.map(|there| {
            let of_short = shape.all().filter(|asked| short.columns.contains(&asked.column));
            let kept = of_short.map(|asked| (asked.slot.to_owned(), asked.amount_in(&there), asked.amount));
            let kept = kept.filter(|(_, there, _)| *there > 0);
            kept.map(|(slot, there, all)| (slot, Quantity::thousandths(there), Quantity::thousandths(all))).collect()
        });
        let passed = turn.session.refused.filter(|refused| refused.passed > 0);
        let fared = Fared { kept: kept.unwrap_or_default(), passed: passed.map(|refused| (refused.passed, refused.since)) };
        if shape.parts == 1 || short.room == 0 {
            Reason::Busy { missing: short.missing, fared }
        } else {
            Reason::BusyForContainers { asked: shape.parts, room: short.room, fared }
        }
    }

    /// Completes the decisions with what depends on all of them: the places in line, and who was passed over.
    pub(crate) fn finish(mut self) -> Vec<Decided> {
        let mut places = 0;
        for one in &mut self.decided {
            if let Decision::Wait(reason) = &mut one.decision
                && reason.is_in_line()
            {
                if let Reason::Behind { ahead } = reason {
                    *ahead = places;
                }
                places += 1;
                one.position = Some(places);
            }
        }
        // The sessions that start, by the columns that they use.
        let mut started: Vec<u32> = Vec::new();
        for (one, number) in self.decided.iter_mut().zip(self.shape_of).rev() {
            let shape = self.shapes.get(number);
            if matches!(one.decision, Decision::Place(_)) {
                for asked in &shape.part {
                    started.resize(started.len().max(asked.column + 1), 0);
                    started[asked.column] += 1;
                }
            } else if one.tried {
                let short = self.agents.short_columns(number).iter();
                one.passed = short.filter_map(|column| started.get(*column)).copied().max().unwrap_or_default();
            }
        }
        self.decided
    }

    fn held_back(&mut self, turn: Turn) -> Option<Decision> {
        let Turn { session, shape: number } = turn;
        let now = self.snapshot.now;
        if let Some(reason) = reason_to_cancel(session, self.group.and_then(|group| group.pending_timeout), now) {
            return Some(Decision::Cancel(reason));
        }
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
