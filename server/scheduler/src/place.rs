//! Placement: which agents a session gets. One group's agents are kept in order of preference, so that the first one with room is
//! taken.
//!
//! Free resources only shrink within a pass. A shape that found no room once finds none later, and is not tried again.

use crate::kept::{Coming, Keeping};
use crate::slots::{Asked, Kinds, Shape, Table};
use crate::{Placement, Reason, Snapshot};
use std::cmp::Ordering;
use std::collections::HashMap;
use types::quantity::Quantity;
use types::time::Millis;

/// Why a session gets no agents.
pub(crate) enum Refusal {
    /// There is no room.
    Full(Short),
    /// There is room, but it is kept for others.
    Kept,
}

/// The resources that a shape is short of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Short {
    /// The number of its parts that there is room for.
    pub(crate) room: u32,
    /// (slot, asked, the most free on one agent) for each short slot; none if a part of several fits.
    pub(crate) missing: Vec<(String, Quantity, Quantity)>,
    /// The columns of the slots that it is short of.
    pub(crate) columns: Vec<usize>,
}

/// The agents of one group that take new sessions, by number in the order of their names.
pub(crate) struct Agents<'a> {
    names: Vec<&'a str>,
    engines: Vec<&'a str>,
    resource_group: &'a str,
    /// The number of kinds of slots that each has.
    kinds: Vec<usize>,
    capacity: Table,
    free: Table,
    placement: Placement,
    /// The agents' numbers, the preferred ones first.
    line: Vec<usize>,
    /// The index in the line at which the search begins.
    start: usize,
    /// The reason why a shape can never start here, if there is one, by the shape's number.
    never: HashMap<usize, Option<Reason>>,
    /// The resources that a shape is short of, by the shape's number.
    full: HashMap<usize, Short>,
    /// The earliest end with which a shape was refused room that is kept, by the shape's number.
    held_up: HashMap<usize, Millis>,
    keeping: Keeping,
}

impl<'a> Agents<'a> {
    pub(crate) fn in_group(snapshot: &'a Snapshot, kinds: &Kinds, group: &'a str, placement: Placement) -> Self {
        let mut rooms: Vec<_> = snapshot.agents.iter().filter(|room| room.schedulable && room.resource_group == group).collect();
        rooms.sort_by_key(|room| room.agent.as_str());
        let names: Vec<_> = rooms.iter().map(|room| room.agent.as_str()).collect();
        let keeping = Keeping::new(snapshot, kinds, &names);
        let mut agents = Self {
            names,
            engines: rooms.iter().map(|room| room.engine.as_str()).collect(),
            resource_group: group,
            kinds: Vec::new(),
            capacity: kinds.table(),
            free: kinds.table(),
            placement,
            line: (0..rooms.len()).collect(),
            start: 0,
            never: HashMap::new(),
            full: HashMap::new(),
            held_up: HashMap::new(),
            keeping,
        };
        for (number, room) in rooms.into_iter().enumerate() {
            agents.capacity.push(kinds.row(&room.capacity));
            agents.free.push(kinds.row(&room.free));
            // A free slot counts even if the capacity does not name it. This number stands for the kinds that a request does not
            // use: agents with room for a request all have the kinds that it does use, so the rest decides.
            let (capacity, free) = (agents.capacity.row(number), agents.free.row(number));
            agents.kinds.push(capacity.iter().zip(free).filter(|(capacity, free)| **capacity > 0 || **free > 0).count());
        }
        agents.sort_line(snapshot);
        agents
    }

    fn sort_line(&mut self, snapshot: &Snapshot) {
        if self.placement == Placement::RoundRobin {
            // A pure function does not remember which agent was used last. But every placed session raises the number of sessions
            // that hold resources by one, which advances the start of the next pass by one, as a memory would have.
            let sessions: usize = snapshot.held.values().map(|held| held.sessions as usize).sum();
            self.start = sessions % self.line.len().max(1);
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.sort_by(|a, b| self.compare(*a, *b));
            self.line = line;
        }
    }

    /// Whether there are no agents.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn name(&self, agent: usize) -> &'a str {
        self.names[agent]
    }

    /// Returns the reason why a shape could not start even if all agents were empty, if there is one.
    pub(crate) fn reason_never(&mut self, number: usize, shape: &Shape) -> Option<Reason> {
        if !self.never.contains_key(&number) {
            let reason = match self.count_parts(&self.capacity, shape) {
                0 if self.agents_able_to_run(shape).next().is_none() => {
                    Some(Reason::NoImage { resource_group: self.resource_group.to_owned() })
                }
                0 => Some(Reason::TooLarge { missing: self.missing(&self.capacity, shape) }),
                room if room < shape.parts => Some(Reason::TooManyContainers { asked: shape.parts, room }),
                _ => None,
            };
            self.never.insert(number, reason);
        }
        self.never.get(&number).cloned().flatten()
    }

    /// Takes room for every part of a shape, all or nothing, for a session that ends at `ends` at the latest. Returns the agent of
    /// each part.
    pub(crate) fn place(&mut self, number: usize, shape: &Shape, ends: Millis) -> Result<Vec<usize>, Refusal> {
        if let Some(short) = self.full.get(&number) {
            return Err(Refusal::Full(short.clone()));
        }
        if self.held_up.get(&number).is_some_and(|refused| ends >= *refused) {
            return Err(Refusal::Kept);
        }
        // Parts are alike, so whichever agents the first ones get, the others find the room that was counted. A single part is
        // not counted first: usually it finds room, on one of the first agents of the line.
        if shape.parts == 1 || self.count_usable(shape, ends) == shape.parts {
            let placed: Vec<_> = (0..shape.parts).map_while(|_| self.place_part(shape, ends)).collect();
            if !placed.is_empty() {
                return Ok(placed);
            }
        }
        match self.short_of(number, shape) {
            Some(short) => Err(Refusal::Full(short)),
            None => {
                self.held_up.insert(number, ends);
                Err(Refusal::Kept)
            }
        }
    }

    /// Returns the resources that a shape is short of, or nothing if there is room, kept or not.
    pub(crate) fn short_of(&mut self, number: usize, shape: &Shape) -> Option<Short> {
        if let Some(short) = self.full.get(&number) {
            return Some(short.clone());
        }
        let room = self.count_parts(&self.free, shape);
        if room == shape.parts {
            return None;
        }
        let missing = if room == 0 { self.missing(&self.free, shape) } else { Vec::new() };
        let columns = self.short_columns_of(shape, &missing);
        let short = Short { room, missing, columns };
        self.full.insert(number, short.clone());
        Some(short)
    }

    /// Returns the columns of a shape's slots that are missing. If a part of several fits somewhere, these are the slots that are
    /// not enough for all parts even on their own, or else all of them.
    fn short_columns_of(&self, shape: &Shape, missing: &[(String, Quantity, Quantity)]) -> Vec<usize> {
        let columns =
            |short: &dyn Fn(&Asked) -> bool| shape.part.iter().filter(|asked| short(asked)).map(|asked| asked.column).collect();
        if !missing.is_empty() {
            return columns(&|asked| missing.iter().any(|(slot, ..)| slot == asked.slot));
        }
        let alone = |asked: &Asked| {
            let times = |agent| (asked.amount_in(self.free.row(agent)).max(0) / asked.amount).min(i64::from(shape.parts));
            self.agents_able_to_run(shape).map(times).sum::<i64>() < i64::from(shape.parts)
        };
        let short: Vec<usize> = columns(&alone);
        if short.is_empty() { columns(&|_| true) } else { short }
    }

    /// Returns the columns of the slots that a shape without room is short of.
    pub(crate) fn short_columns(&self, number: usize) -> &[usize] {
        self.full.get(&number).map_or(&[], |short| &short.columns)
    }

    /// Takes room for one part on the first agent of the line that has it.
    fn place_part(&mut self, shape: &Shape, ends: Millis) -> Option<usize> {
        let fits = |at: &usize| {
            let agent = self.line[*at];
            let free = self.free.row(agent);
            shape.fits(free)
                && shape.runs_on(self.engines[agent])
                && (!self.keeping.guards(agent) || shape.fits(&self.keeping.usable(agent, free, shape, ends)))
        };
        let at = (self.start..self.line.len()).chain(0..self.start).find(fits)?;
        let agent = self.line[at];
        let free = self.free.row_mut(agent);
        for asked in &shape.part {
            free[asked.column] -= asked.amount;
        }
        let width = free.len();
        self.keeping.place(agent, shape, ends, width);
        if self.placement == Placement::RoundRobin {
            self.start = (at + 1) % self.line.len();
        } else {
            self.line.remove(at);
            let to = self.line.partition_point(|other| self.compare(*other, agent) == Ordering::Less);
            self.line.insert(to, agent);
        }
        Some(agent)
    }

    /// Returns when and where room for a shape comes together, if it has to be kept: it takes more than one end.
    pub(crate) fn coming(&self, shape: &Shape) -> Option<Coming> {
        let able = self.line.iter().copied().filter(|agent| shape.runs_on(self.engines[*agent]));
        self.keeping.coming(able, &self.free, &self.capacity, shape).filter(|coming| coming.gathers)
    }

    /// Keeps room for a shape; `lent` says whether sessions that end in time may use it. Returns the amounts of it that are free
    /// already, by column.
    pub(crate) fn keep(&mut self, coming: &Coming, shape: &Shape, lent: bool) -> Vec<i64> {
        self.keeping.keep(coming, shape, lent, &self.free)
    }

    /// Closes the slots that a shape is short of to everybody behind, on every agent that it could use.
    pub(crate) fn close(&mut self, shape: &Shape, columns: &[usize]) {
        let able: Vec<_> = self.agents_able_to_run(shape).filter(|agent| shape.times_in(self.capacity.row(*agent)) > 0).collect();
        for agent in able {
            columns.iter().for_each(|column| self.keeping.close(agent, *column));
        }
    }

    /// Counts the parts that a session gets room for if it ends at `ends`, up to all of them.
    fn count_usable(&self, shape: &Shape, ends: Millis) -> u32 {
        if !self.keeping.any {
            return self.count_parts(&self.free, shape);
        }
        let mut room = 0u32;
        for agent in self.agents_able_to_run(shape) {
            let usable = self.keeping.usable(agent, self.free.row(agent), shape, ends);
            room = room.saturating_add(shape.times_in(&usable));
            if room >= shape.parts {
                return shape.parts;
            }
        }
        room
    }

    /// Returns the agents that can run a shape, however much room they have.
    fn agents_able_to_run(&self, shape: &Shape) -> impl Iterator<Item = usize> {
        (0..self.names.len()).filter(|agent| shape.runs_on(self.engines[*agent]))
    }

    /// Counts the parts of a shape that the agents have room for, up to all of them.
    fn count_parts(&self, has: &Table, shape: &Shape) -> u32 {
        let mut room = 0u32;
        for agent in self.agents_able_to_run(shape) {
            room = room.saturating_add(shape.times_in(has.row(agent)));
            if room >= shape.parts {
                return shape.parts;
            }
        }
        room
    }

    /// Compares two agents by preference. Agents with few kinds come first, to keep those with accelerators for sessions that use
    /// them.
    fn compare(&self, a: usize, b: usize) -> Ordering {
        let (left, right) = (self.free.row(a), self.free.row(b));
        let room = match self.placement {
            Placement::Dispersed => right.cmp(left),
            Placement::Concentrated => left.cmp(right),
            Placement::RoundRobin => Ordering::Equal,
        };
        self.kinds[a].cmp(&self.kinds[b]).then(room).then(a.cmp(&b))
    }

    /// Returns the slots that are short on the agent that lacks the fewest; among several such agents, on the one that has the
    /// most of them.
    fn missing(&self, has: &Table, shape: &Shape) -> Vec<(String, Quantity, Quantity)> {
        let short = |agent: usize| {
            let row = has.row(agent);
            shape.part.iter().map(|asked| (asked, asked.amount_in(row))).filter(|(asked, has)| asked.amount > *has)
        };
        let closest = self.agents_able_to_run(shape).min_by(|a, b| {
            let most = || short(*b).map(|(_, has)| has).cmp(short(*a).map(|(_, has)| has));
            short(*a).count().cmp(&short(*b).count()).then_with(most)
        });
        let missing = closest.into_iter().flat_map(short);
        missing
            .map(|(asked, has)| (asked.slot.to_owned(), Quantity::thousandths(asked.amount), Quantity::thousandths(has)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kept::NEVER;
    use crate::slots::Shapes;
    use crate::tests::{room, waiting};
    use crate::{Held, Room, Waiting};
    use types::quantity::Slots;
    use types::sessions::{Cluster, ClusterMode};

    fn cluster(asked: &[(&str, i64)], mode: ClusterMode, size: u32) -> Waiting {
        Waiting { cluster: Cluster { mode, size }, ..waiting(1, 1, asked) }
    }

    /// Places sessions one after the other. Returns the agents of each, or the check that failed.
    fn place(placement: Placement, rooms: Vec<Room>, held: u32, sessions: &[Waiting]) -> Vec<String> {
        let held = [("AK".to_owned(), Held { sessions: held, slots: Slots::default() })].into();
        let snapshot = Snapshot { agents: rooms, held, ..Snapshot::default() };
        let kinds = Kinds::of_agents(&snapshot.agents);
        let (mut agents, mut shapes) = (Agents::in_group(&snapshot, &kinds, "default", placement), Shapes::default());
        let place = |session| {
            let number = shapes.number(session, &kinds);
            match agents.place(number, shapes.get(number), NEVER) {
                Ok(placed) => placed.into_iter().map(|agent| agents.name(agent)).collect::<Vec<_>>().join("+"),
                Err(_) => "resources".to_owned(),
            }
        };
        sessions.iter().map(place).collect()
    }

    fn ones(n: usize) -> Vec<Waiting> {
        vec![waiting(1, 1, &[("cpu", 1)]); n]
    }

    #[test]
    fn dispersed_takes_the_agent_with_the_most_left() {
        let rooms = vec![room("a", &[("cpu", 2)]), room("b", &[("cpu", 3)])];
        assert_eq!(place(Placement::Dispersed, rooms, 0, &ones(6)), ["b", "a", "b", "a", "b", "resources"]);
    }

    #[test]
    fn concentrated_takes_the_agent_with_the_least_left_that_has_room() {
        let rooms = vec![room("a", &[("cpu", 3)]), room("b", &[("cpu", 2)])];
        assert_eq!(place(Placement::Concentrated, rooms, 0, &ones(6)), ["b", "b", "a", "a", "a", "resources"]);
    }

    #[test]
    fn round_robin_takes_the_next_by_name_and_continues_in_the_next_pass() {
        let rooms = || vec![room("c", &[("cpu", 9)]), room("a", &[("cpu", 9)]), room("b", &[("cpu", 1)])];
        assert_eq!(place(Placement::RoundRobin, rooms(), 0, &ones(5)), ["a", "b", "c", "a", "c"]);
        assert_eq!(place(Placement::RoundRobin, rooms(), 5, &ones(3)), ["c", "a", "b"]);
    }

    #[test]
    fn agents_with_accelerators_are_kept_for_sessions_that_use_them() {
        let rooms = || vec![room("a", &[("cpu", 9), ("cuda.device", 2)]), room("b", &[("cpu", 2)])];
        for placement in [Placement::Dispersed, Placement::Concentrated] {
            assert_eq!(place(placement, rooms(), 0, &ones(3)), ["b", "b", "a"]);
        }
        let gpu = waiting(1, 1, &[("cpu", 1), ("cuda.device", 1)]);
        assert_eq!(place(Placement::Dispersed, rooms(), 0, &[gpu]), ["a"]);
    }

    #[test]
    fn accelerators_are_compared_before_cores_and_cores_before_memory() {
        let kinds = |gpu, cpu, mem| [("cuda.device", gpu), ("cpu", cpu), ("mem", mem)];
        let rooms = || vec![room("a", &kinds(1, 9, 9)), room("b", &kinds(2, 3, 9)), room("c", &kinds(2, 4, 1))];
        let asked = [waiting(1, 1, &kinds(1, 1, 1))];
        assert_eq!(place(Placement::Dispersed, rooms(), 0, &asked), ["c"]);
        assert_eq!(place(Placement::Concentrated, rooms(), 0, &asked), ["a"]);
    }

    #[test]
    fn a_single_node_session_has_all_its_containers_on_one_agent() {
        let rooms = || vec![room("a", &[("cpu", 3)]), room("b", &[("cpu", 4)])];
        assert_eq!(place(Placement::Concentrated, rooms(), 0, &[cluster(&[("cpu", 2)], ClusterMode::SingleNode, 2)]), ["b"]);
        let wide = cluster(&[("cpu", 2)], ClusterMode::SingleNode, 3);
        assert_eq!(place(Placement::Concentrated, rooms(), 0, &[wide]), ["resources"]);
    }

    #[test]
    fn a_multi_node_session_is_spread_over_agents_all_or_nothing() {
        let rooms = || vec![room("a", &[("cpu", 3)]), room("b", &[("cpu", 4)])];
        let asked = |size| cluster(&[("cpu", 2)], ClusterMode::MultiNode, size);
        assert_eq!(place(Placement::Dispersed, rooms(), 0, &[asked(3)]), ["b+a+b"]);
        assert_eq!(place(Placement::Dispersed, rooms(), 0, &[asked(4), asked(3)]), ["resources", "b+a+b"]);
    }

    #[test]
    fn a_session_gets_only_agents_whose_engine_can_run_its_image() {
        let rooms = || vec![room("a", &[("cpu", 9)]), Room { engine: "docker".into(), ..room("b", &[("cpu", 3)]) }];
        let asking = |engine: &str, cpu| Waiting { engines: Some(vec![engine.into()]), ..waiting(1, 1, &[("cpu", cpu)]) };
        for placement in [Placement::Dispersed, Placement::Concentrated, Placement::RoundRobin] {
            let asked = [asking("docker", 2), asking("docker", 2), asking("local", 2), asking("docker", 1), asking("slurm", 1)];
            assert_eq!(place(placement, rooms(), 0, &asked), ["b", "resources", "a", "b", "resources"]);
        }
        let cluster = Cluster { mode: ClusterMode::MultiNode, size: 3 };
        let asked = Waiting { cluster, ..asking("docker", 1) };
        assert_eq!(place(Placement::Dispersed, rooms(), 0, &[asked]), ["b+b+b"]);
    }

    #[test]
    fn missing_slots_are_those_of_the_agent_that_comes_closest() {
        let rooms = vec![
            room("a", &[("cpu", 1), ("mem", 1)]),
            room("b", &[("cpu", 2), ("mem", 9)]),
            room("c", &[("cpu", 3), ("mem", 9)]),
        ];
        let snapshot = Snapshot { agents: rooms, ..Snapshot::default() };
        let kinds = Kinds::of_agents(&snapshot.agents);
        let session = waiting(1, 1, &[("cpu", 4), ("mem", 4)]);
        let (mut agents, mut shapes) = (Agents::in_group(&snapshot, &kinds, "default", Placement::Dispersed), Shapes::default());
        let number = shapes.number(&session, &kinds);
        let missing = vec![("cpu".to_owned(), Quantity::whole(4), Quantity::whole(3))];
        let short = agents.short_of(number, shapes.get(number)).map(|short| short.missing);
        assert_eq!(short, Some(missing.clone()));
        assert_eq!(agents.reason_never(number, shapes.get(number)), Some(Reason::TooLarge { missing }));
    }
}
