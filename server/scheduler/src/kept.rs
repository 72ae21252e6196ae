//! Room that is kept for sessions that wait for it. Nothing is set aside in the engine: a session behind gets the rest of the
//! agents, or all of them for as long as it ends before the room comes together.
//!
//! When and where room comes together follows from the ends of the sessions that run: their time limits, or else how long they
//! are expected to take. Sessions of this pass that were already placed count as running.

use crate::slots::{Kinds, Shape, Table};
use crate::{Running, Snapshot};
use std::borrow::Cow;
use std::collections::HashMap;
use types::time::Millis;

/// The time of something that nobody knows the end of.
pub(crate) const NEVER: Millis = Millis(i64::MAX);

/// The expected ends of sessions on each agent, and the room kept there.
pub(crate) struct Keeping {
    now: Millis,
    /// The end of every session on each agent, earliest first and unknown ones last, with the row of what becomes free.
    ends: Vec<Vec<(Millis, usize)>>,
    freed: Table,
    kept: Vec<Vec<Kept>>,
    /// The slots on each agent that nobody behind gets, by column.
    closed: Vec<Vec<usize>>,
    /// Whether anything is kept or closed at all.
    pub(crate) any: bool,
}

/// Room kept on one agent.
#[derive(Clone)]
struct Kept {
    /// When it comes together.
    at: Millis,
    /// Whether sessions that end before then may use it.
    lent: bool,
    amounts: Vec<i64>,
    /// The amounts that will be free beside it at that time.
    spare: Vec<i64>,
}

/// Room that comes together.
pub(crate) struct Coming {
    at: Millis,
    /// The number of parts on each agent.
    places: Vec<(usize, u32)>,
    /// Whether it takes more than one end, so that somebody who takes a piece of it meanwhile would delay it.
    pub(crate) gathers: bool,
}

impl Keeping {
    pub(crate) fn new(snapshot: &Snapshot, kinds: &Kinds, names: &[&str]) -> Self {
        let numbers: HashMap<&str, usize> = names.iter().enumerate().map(|(number, name)| (*name, number)).collect();
        let mut keeping = Self {
            now: snapshot.now,
            ends: vec![Vec::new(); names.len()],
            freed: kinds.table(),
            kept: vec![Vec::new(); names.len()],
            closed: vec![Vec::new(); names.len()],
            any: false,
        };
        for Running { agents, slots, ends_at, .. } in &snapshot.running {
            let at = ends_at.unwrap_or(NEVER);
            for containers in agents.chunk_by(|a, b| a == b) {
                let Some(agent) = containers.first().and_then(|agent| numbers.get(agent.as_str())) else { continue };
                let times = i64::try_from(containers.len()).unwrap_or(i64::MAX);
                keeping.ends[*agent].push((at, keeping.freed.len()));
                keeping.freed.push(kinds.row(slots).map(|amount| amount.saturating_mul(times)));
            }
        }
        keeping.ends.iter_mut().for_each(|ends| ends.sort_unstable());
        keeping
    }

    /// Returns the part of an agent's free amounts that a shape may use until `ends`.
    pub(crate) fn usable<'r>(&self, agent: usize, free: &'r [i64], shape: &Shape, ends: Millis) -> Cow<'r, [i64]> {
        if self.closed[agent].iter().any(|column| shape.asks_for(*column)) {
            return Cow::Owned(vec![-1; free.len()]);
        }
        let mut usable = Cow::Borrowed(free);
        for kept in self.kept[agent].iter().filter(|kept| !kept.leaves(ends)) {
            usable.to_mut().iter_mut().zip(&kept.spare).for_each(|(cell, spare)| *cell = (*cell).min(*spare));
        }
        usable
    }

    /// Whether an agent has room that not everybody may use.
    pub(crate) fn guards(&self, agent: usize) -> bool {
        !self.kept[agent].is_empty() || !self.closed[agent].is_empty()
    }

    /// Notes a part that was placed.
    pub(crate) fn place(&mut self, agent: usize, shape: &Shape, ends: Millis, width: usize) {
        for kept in self.kept[agent].iter_mut().filter(|kept| !kept.leaves(ends)) {
            shape.part.iter().for_each(|asked| kept.spare[asked.column] -= asked.amount);
        }
        let mut row = vec![0; width];
        shape.part.iter().for_each(|asked| row[asked.column] = asked.amount);
        let at = self.ends[agent].partition_point(|(at, _)| *at <= ends);
        self.ends[agent].insert(at, (ends, self.freed.len()));
        self.freed.push(row);
    }

    /// Closes a slot on an agent to everybody behind.
    pub(crate) fn close(&mut self, agent: usize, column: usize) {
        self.any = true;
        if !self.closed[agent].contains(&column) {
            self.closed[agent].push(column);
        }
    }

    /// Returns when and where a shape's room comes together beside the room that is kept already, if it does. `agents` are those that
    /// can run it, the preferred ones first.
    pub(crate) fn coming(
        &self,
        agents: impl Iterator<Item = usize>,
        free: &Table,
        capacity: &Table,
        shape: &Shape,
    ) -> Option<Coming> {
        // The times at which there is room for more parts on an agent.
        let mut more: Vec<(Millis, usize, u32)> = Vec::new();
        let mut rest: Vec<(i64, usize, u32)> = Vec::new();
        let mut soonest = NEVER;
        for agent in agents {
            let most = shape.times_in(capacity.row(agent));
            if most == 0 {
                continue;
            }
            let mut row = free.row(agent).to_vec();
            for kept in &self.kept[agent] {
                row.iter_mut().zip(&kept.amounts).for_each(|(cell, amount)| *cell -= amount);
            }
            let mut parts = 0;
            let known = self.ends[agent].iter().take_while(|(at, _)| *at != NEVER);
            let steps = std::iter::once((self.now, None)).chain(known.map(|(at, freed)| (*at, Some(*freed))));
            for (at, freed) in steps {
                // A single part needs no agent on which it would start later.
                if shape.parts == 1 && at >= soonest {
                    break;
                }
                if let Some(freed) = freed {
                    row.iter_mut().zip(self.freed.row(freed)).for_each(|(cell, amount)| *cell += amount);
                }
                let fit = shape.times_in(&row);
                if fit > parts {
                    more.push((at.max(self.now), agent, fit - parts));
                    soonest = soonest.min(at.max(self.now));
                    parts = fit;
                }
                if parts == shape.parts {
                    break;
                }
            }
            // Nobody knows when the rest becomes free, perhaps because it is kept for others first.
            if parts < most && (shape.parts > 1 || soonest == NEVER) && self.kept[agent].is_empty() {
                let lacks = |asked: &crate::slots::Asked| (asked.amount - asked.amount_in(&row)).max(0) * 1000 / asked.amount;
                rest.push((shape.part.iter().map(lacks).sum(), agent, most - parts));
            }
        }
        more.sort_by_key(|(at, ..)| *at);
        let mut coming = Coming { at: self.now, places: Vec::new(), gathers: true };
        let mut missing = shape.parts;
        for (at, agent, parts) in more {
            missing -= coming.add(agent, parts, missing);
            if missing == 0 {
                coming.at = at;
                coming.gathers = shape.parts > 1 || !self.one_end_is_enough(agent, at, shape);
                return Some(coming);
            }
        }
        rest.sort_by_key(|(lacks, ..)| *lacks);
        coming.at = NEVER;
        for (_, agent, parts) in rest {
            missing -= coming.add(agent, parts, missing);
            coming.gathers = shape.parts > 1 || coming.gathers && !self.one_end_is_enough(agent, NEVER, shape);
            if missing == 0 {
                break;
            }
        }
        (missing == 0).then_some(coming)
    }

    fn one_end_is_enough(&self, agent: usize, until: Millis, shape: &Shape) -> bool {
        self.ends[agent].iter().take_while(|(at, _)| *at <= until).any(|(_, freed)| shape.fits(self.freed.row(*freed)))
    }

    /// Keeps room. Returns the amounts of it that are free already.
    pub(crate) fn keep(&mut self, coming: &Coming, shape: &Shape, lent: bool, free: &Table) -> Vec<i64> {
        self.any = true;
        let mut there: Vec<i64> = Vec::new();
        for (agent, parts) in &coming.places {
            let mut spare = free.row(*agent).to_vec();
            self.kept[*agent].iter().for_each(|kept| add(&mut spare, &kept.amounts, -1));
            let mut amounts = vec![0; spare.len()];
            there.resize(spare.len(), 0);
            for asked in &shape.part {
                if let Some(cell) = amounts.get_mut(asked.column) {
                    *cell = asked.amount.saturating_mul(i64::from(*parts));
                    there[asked.column] += spare[asked.column].clamp(0, *cell);
                }
            }
            let until = self.ends[*agent].iter().take_while(|(at, _)| *at != NEVER && *at <= coming.at);
            until.for_each(|(_, freed)| add(&mut spare, self.freed.row(*freed), 1));
            add(&mut spare, &amounts, -1);
            self.kept[*agent].push(Kept { at: coming.at, lent, amounts, spare });
        }
        there
    }
}

fn add(row: &mut [i64], amounts: &[i64], times: i64) {
    row.iter_mut().zip(amounts).for_each(|(cell, amount)| *cell += amount * times);
}

impl Kept {
    /// Whether a session that ends then leaves it in time. Room that comes together at an unknown time is lent to nobody.
    fn leaves(&self, ends: Millis) -> bool {
        self.lent && self.at != NEVER && ends <= self.at
    }
}

impl Coming {
    /// Adds places on an agent. Returns how many were still needed.
    fn add(&mut self, agent: usize, parts: u32, missing: u32) -> u32 {
        let parts = parts.min(missing);
        if parts > 0 {
            match self.places.iter_mut().find(|(one, _)| *one == agent) {
                Some((_, there)) => *there += parts,
                None => self.places.push((agent, parts)),
            }
        }
        parts
    }
}
