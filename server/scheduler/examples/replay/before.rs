//! The rules before room was kept, for comparison: a session without room holds up those behind it (under DRF, its owner's own)
//! until it was tried three times; then everybody passes who fits. As far as the trace needs them: one group, one container a session, no limits,
//! agents with the most free amounts first.

use crate::RETRIES;
use scheduler::{Decided, Decision, Reason, Room, Snapshot, Waiting};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use types::cluster::resource_groups::SchedulerKind;
use types::id::UserId;
use types::quantity::Slots;

pub struct Before {
    scheduler: SchedulerKind,
    /// The slots that agents have, in the order in which they are compared.
    slots: Vec<String>,
    total: Vec<i64>,
}

struct Round<'a> {
    before: &'a Before,
    rooms: Vec<(&'a Room, Vec<i64>)>,
    full: HashSet<Vec<i64>>,
    decided: Vec<Decided>,
}

impl Before {
    pub fn new(rooms: &[Room], scheduler: SchedulerKind) -> Self {
        let mut slots: Vec<String> = rooms.iter().flat_map(|room| room.capacity.0.keys().cloned()).collect();
        slots.sort_by_key(|slot| (["cpu", "mem"].iter().position(|one| one == slot).map_or(0, |at| at + 1), slot.clone()));
        slots.dedup();
        let mut before = Self { scheduler, slots, total: Vec::new() };
        let rows: Vec<_> = rooms.iter().map(|room| before.row(&room.capacity)).collect();
        before.total = (0..before.slots.len()).map(|column| rows.iter().map(|row| row[column]).sum()).collect();
        before
    }

    fn row(&self, slots: &Slots) -> Vec<i64> {
        self.slots.iter().map(|slot| slots.get(slot).as_thousandths()).collect()
    }

    pub fn schedule(&self, snapshot: &Snapshot) -> Vec<Decided> {
        let mut rooms: Vec<_> = snapshot.agents.iter().map(|room| (room, self.row(&room.free))).collect();
        rooms.sort_by(compare);
        let mut round = Round { before: self, rooms, full: HashSet::new(), decided: Vec::new() };
        match self.scheduler {
            SchedulerKind::Fifo => round.in_line(snapshot.queue.iter()),
            SchedulerKind::Lifo => round.in_line(snapshot.queue.iter().rev()),
            SchedulerKind::Drf => round.by_share(snapshot),
        }
        round.decided
    }
}

/// Compares agents: few kinds of slots first, then the most free.
fn compare(a: &(&Room, Vec<i64>), b: &(&Room, Vec<i64>)) -> Ordering {
    let kinds = |room: &Room| room.capacity.0.len();
    kinds(a.0).cmp(&kinds(b.0)).then_with(|| b.1.cmp(&a.1)).then_with(|| a.0.agent.cmp(&b.0.agent))
}

fn passed_over(session: &Waiting) -> bool {
    session.refused.is_some_and(|refused| refused.tries >= RETRIES)
}

impl<'a> Round<'a> {
    fn in_line(&mut self, line: impl Iterator<Item = &'a Waiting>) {
        let mut ahead = 0;
        for session in line {
            if !self.take(session, ahead) && (ahead > 0 || !passed_over(session)) {
                ahead += 1;
            }
        }
    }

    fn by_share(&mut self, snapshot: &'a Snapshot) {
        let mut held: HashMap<UserId, (Vec<i64>, u32)> = HashMap::new();
        for person in &snapshot.people {
            held.insert(person.user, (self.before.row(&person.slots), 0));
        }
        let mut lines: BTreeMap<UserId, Vec<(usize, &Waiting)>> = BTreeMap::new();
        for (at, session) in snapshot.queue.iter().enumerate().rev() {
            lines.entry(session.user).or_default().push((at, session));
        }
        loop {
            let share = |user: &UserId| {
                let held = held.get(user).map(|(held, _)| held.as_slice()).unwrap_or_default();
                held.iter().zip(&self.before.total).map(|(held, total)| *held as f64 / *total as f64).fold(0.0, f64::max)
            };
            let first = lines.iter().filter_map(|(user, line)| Some((share(user), line.last()?.0, *user)));
            let Some((.., user)) = first.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))) else { return };
            let Some((_, session)) = lines.get_mut(&user).and_then(Vec::pop) else { return };
            let zero = vec![0; self.before.total.len()];
            let ahead = held.entry(user).or_insert((zero, 0)).1;
            let placed = self.take(session, ahead);
            if placed || !(passed_over(session) && ahead == 0) {
                let asked = self.before.row(&session.slots);
                if let Some((row, ahead)) = held.get_mut(&user) {
                    row.iter_mut().zip(asked).for_each(|(cell, amount)| *cell += amount);
                    *ahead += u32::from(!placed);
                }
            }
        }
    }

    /// Decides about a session. Returns whether it starts.
    fn take(&mut self, session: &'a Waiting, ahead: u32) -> bool {
        let agent = if ahead > 0 { None } else { self.place(&self.before.row(&session.slots)) };
        let placed = agent.is_some();
        let decision = agent.map_or(Decision::Wait(Reason::Behind { ahead }), |agent| Decision::Place(vec![agent]));
        let tried = !placed && ahead == 0;
        self.decided.push(Decided { id: session.id, decision, position: None, tried, passed: 0, kept: false });
        placed
    }

    fn place(&mut self, asked: &[i64]) -> Option<String> {
        if self.full.contains(asked) {
            return None;
        }
        let found = self.rooms.iter().position(|(_, free)| free.iter().zip(asked).all(|(free, asked)| free >= asked));
        let Some(at) = found else {
            self.full.insert(asked.to_vec());
            return None;
        };
        let (room, mut free) = self.rooms.remove(at);
        free.iter_mut().zip(asked).for_each(|(free, asked)| *free -= asked);
        let one = (room, free);
        let to = self.rooms.partition_point(|other| compare(other, &one) == Ordering::Less);
        self.rooms.insert(to, one);
        Some(room.agent.clone())
    }
}
