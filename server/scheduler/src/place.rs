//! Which agents a session gets, and what is missing when it gets none.
//!
//! What is free only shrinks while a pass runs. So a shape of request that found no room once finds none again, and is looked for
//! only once; most of a long queue is of few shapes.

use crate::table::{Agent, Row, Table, add, fits};
use crate::{Reason, Waiting};
use std::cmp::Reverse;
use std::collections::HashMap;
use types::launch::ClusterMode;
use types::resource_group::Placement;

/// The agents of one group while it is served.
pub struct Room<'a> {
    group: &'a str,
    agents: Vec<Agent<'a>>,
    placement: Placement,
    /// Where round robin goes on.
    next: usize,
    /// Shapes that found no room, with the reason.
    full: HashMap<(Row, u32, ClusterMode), Reason>,
    /// Shapes that no empty agent has room for.
    never: HashMap<(Row, u32, ClusterMode), Option<Reason>>,
}

impl<'a> Room<'a> {
    pub fn new(group: &'a str, agents: Vec<Agent<'a>>, placement: Placement) -> Self {
        // A pure function has no memory of the last pass: where it goes on follows from how much is in use.
        let in_use = agents.iter().filter(|agent| agent.free != agent.capacity).count();
        let next = if agents.is_empty() { 0 } else { in_use % agents.len() };
        Self { group, agents, placement, next, full: HashMap::new(), never: HashMap::new() }
    }

    /// What all schedulable agents have together.
    pub fn total(&self, width: usize) -> Row {
        let mut total = vec![0; width];
        self.agents.iter().for_each(|agent| add(&mut total, &agent.capacity, 1));
        total
    }

    /// Why such a session cannot start however empty the group is.
    pub fn never(&mut self, table: &Table<'_>, session: &Waiting, each: &[i64]) -> Option<Reason> {
        if self.agents.is_empty() {
            return Some(Reason::NoAgent { resource_group: self.group.into() });
        }
        if !self.agents.iter().any(|agent| agent.schedulable) {
            return Some(Reason::NoneSchedulable { resource_group: self.group.into() });
        }
        let shape = (each.to_vec(), session.cluster.size, session.cluster.mode);
        if let Some(known) = self.never.get(&shape) {
            return known.clone();
        }
        let fits = if apart(session) {
            self.on(self.open().map(|agent| agent.capacity.clone()).collect(), session, each).is_some()
        } else {
            self.choose(&whole(session, each), |agent| &agent.capacity).is_some()
        };
        let reason = (!fits).then(|| self.too_large(table, session, each));
        self.never.insert(shape, reason.clone());
        reason
    }

    fn too_large(&self, table: &Table<'_>, session: &Waiting, each: &[i64]) -> Reason {
        let missing = self.missing(table, &whole(session, each), |agent| &agent.capacity);
        if missing.is_empty() {
            Reason::TooManyContainers { containers: session.cluster.size }
        } else {
            Reason::TooLarge { missing }
        }
    }

    /// Gives a session its agents; the reason when there is no room now.
    pub fn give(&mut self, table: &Table<'_>, session: &Waiting, each: &[i64]) -> Result<Vec<String>, Reason> {
        let shape = (each.to_vec(), session.cluster.size, session.cluster.mode);
        if let Some(reason) = self.full.get(&shape) {
            return Err(reason.clone());
        }
        let chosen = if apart(session) {
            self.on(self.open().map(|agent| agent.free.clone()).collect(), session, each)
        } else {
            let agent = self.choose(&whole(session, each), |agent| &agent.free);
            agent.map(|agent| vec![agent; session.cluster.size as usize])
        };
        let Some(chosen) = chosen else {
            let missing = self.missing(table, &whole(session, each), |agent| &agent.free);
            let reason = if missing.is_empty() {
                Reason::BusyForAll { containers: session.cluster.size }
            } else {
                Reason::Busy { missing }
            };
            self.full.insert(shape, reason.clone());
            return Err(reason);
        };
        for agent in &chosen {
            add(&mut self.agents[*agent].free, each, -1);
        }
        if let Some(last) = chosen.last() {
            self.next = (last + 1) % self.agents.len();
        }
        Ok(chosen.into_iter().map(|agent| self.agents[agent].name.to_owned()).collect())
    }

    fn open(&self) -> impl Iterator<Item = &Agent<'a>> {
        self.agents.iter().filter(|agent| agent.schedulable)
    }

    /// An agent for each container that may lie apart, if schedulable agents had so much free.
    fn on(&self, mut free: Vec<Row>, session: &Waiting, each: &[i64]) -> Option<Vec<usize>> {
        let open: Vec<usize> = (0..self.agents.len()).filter(|n| self.agents[*n].schedulable).collect();
        let mut chosen = Vec::new();
        for _ in 0..session.cluster.size {
            let candidates = (0..open.len()).filter(|n| fits(each, &free[*n]));
            let kinds = |n: &usize| unused(each, &self.agents[open[*n]].capacity);
            let best = match self.placement {
                Placement::RoundRobin => {
                    let had = |n: &usize| chosen.iter().filter(|one| **one == open[*n]).count();
                    candidates.min_by_key(|n| (had(n), self.turn(open[*n])))
                }
                Placement::Dispersed => candidates.min_by_key(|n| (kinds(n), Reverse(&free[*n]), *n)),
                Placement::Concentrated => candidates.min_by_key(|n| (kinds(n), &free[*n], *n)),
            }?;
            add(&mut free[best], each, -1);
            chosen.push(open[best]);
        }
        Some(chosen)
    }

    /// How far an agent is from its turn in round robin.
    fn turn(&self, agent: usize) -> usize {
        (agent + self.agents.len() - self.next) % self.agents.len().max(1)
    }

    /// The agent that gets a request.
    fn choose<'r>(&'r self, asked: &[i64], free: impl Fn(&'r Agent<'a>) -> &'r Row) -> Option<usize> {
        let candidates = self.agents.iter().enumerate().filter(|(_, agent)| agent.schedulable && fits(asked, free(agent)));
        let best = match self.placement {
            Placement::RoundRobin => candidates.min_by_key(|(n, _)| self.turn(*n)),
            Placement::Dispersed => {
                candidates.min_by_key(|(n, agent)| (unused(asked, &agent.capacity), Reverse(free(agent)), *n))
            }
            Placement::Concentrated => candidates.min_by_key(|(n, agent)| (unused(asked, &agent.capacity), free(agent), *n)),
        };
        best.map(|(n, _)| n)
    }

    /// What is short, measured against the agent that is short of the fewest slots.
    fn missing<'r>(
        &'r self,
        table: &Table<'_>,
        asked: &[i64],
        has: impl Fn(&'r Agent<'a>) -> &'r Row,
    ) -> Vec<(String, types::quantity::Quantity, types::quantity::Quantity)> {
        let short = |agent: &&'r Agent<'a>| asked.iter().zip(has(agent)).filter(|(asked, has)| asked > has).count();
        let best = self.open().min_by_key(short);
        let mut missing = best.map(|agent| table.beyond(asked, has(agent))).unwrap_or_default();
        // People read of cores and memory first.
        missing.sort_by_key(|(slot, ..)| (slot != types::quantity::CPU, slot != types::quantity::MEM, slot.clone()));
        missing
    }
}

/// Its containers need not be on one agent.
fn apart(session: &Waiting) -> bool {
    session.cluster.size > 1 && session.cluster.mode == ClusterMode::MultiNode
}

/// What has to be on one agent: all containers, or one of several that may lie apart.
fn whole(session: &Waiting, each: &[i64]) -> Row {
    let times = if session.cluster.mode == ClusterMode::SingleNode { i64::from(session.cluster.size) } else { 1 };
    each.iter().map(|amount| amount.saturating_mul(times)).collect()
}

/// Kinds of slots that an agent has and a request has no use for: a GPU machine is kept for those who need GPUs.
fn unused(asked: &[i64], capacity: &[i64]) -> usize {
    asked.iter().zip(capacity).filter(|(asked, has)| **asked == 0 && **has > 0).count()
}
