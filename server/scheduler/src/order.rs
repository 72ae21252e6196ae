//! Whose turn it is: by priority, then first in first out, last in first out, or by who has the smallest share.
//!
//! A session that waits only for room holds up those behind it, so that a large one is not starved by small ones, until it has
//! tried as often as its group says. One that could not start even on an empty cluster, or that its own limits hold back, holds up
//! nobody. By shares, a person whose next session finds no room is set aside, and the others go on.

use crate::checks::{count, held_back};
use crate::place::Room;
use crate::table::{Row, Table, add};
use crate::{Decided, Decision, Group, Reason, Snapshot, Waiting};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use types::id::UserId;
use types::resource_group::{Placement, SchedulerKind};

/// A group that nobody has said anything about.
const PLAIN: Group =
    Group { scheduler: SchedulerKind::Fifo, placement: Placement::Dispersed, retries_to_skip: 0, pending_timeout: None };

/// One group's pass.
struct Pass<'a, 't> {
    snapshot: &'a Snapshot,
    table: &'t mut Table<'a>,
    room: Room<'a>,
    retries_to_skip: u32,
    /// Sessions that hold up those behind them, and those held up.
    waiting: u32,
    first: usize,
    decided: &'t mut Vec<Decided>,
}

/// Decides about one group's queue, given as indices in the order in which the sessions were asked for.
pub fn serve<'a>(snapshot: &'a Snapshot, table: &mut Table<'a>, group: &'a str, queue: Vec<usize>, decided: &mut Vec<Decided>) {
    let rules = snapshot.groups.get(group).unwrap_or(&PLAIN);
    let room = Room::new(group, table.agents_of(group), rules.placement);
    let mut buckets: BTreeMap<Reverse<u8>, Vec<&'a Waiting>> = BTreeMap::new();
    for index in queue {
        let waiting = &snapshot.queue[index];
        buckets.entry(Reverse(waiting.priority)).or_default().push(waiting);
    }
    let first = decided.len();
    let mut pass = Pass { snapshot, table, room, retries_to_skip: rules.retries_to_skip, waiting: 0, first, decided };
    let mut shares = (rules.scheduler == SchedulerKind::Drf).then(|| Shares::new(&pass, group));
    for (_, mut bucket) in buckets {
        match &mut shares {
            Some(shares) => shares.serve(&mut pass, bucket),
            None => {
                if rules.scheduler == SchedulerKind::Lifo {
                    bucket.reverse();
                }
                bucket.into_iter().for_each(|session| pass.in_line(session));
            }
        }
    }
}

impl<'a> Pass<'a, '_> {
    fn put(&mut self, session: &Waiting, decision: Decision, tried: bool) {
        let position = u32::try_from(self.decided.len() - self.first + 1).unwrap_or(u32::MAX);
        self.decided.push(Decided { id: session.id, decision, position, tried });
    }

    /// A session whose turn it is in a line.
    fn in_line(&mut self, session: &'a Waiting) {
        let each = self.table.row(&session.slots);
        if let Some(decision) = self.cannot(session, &each) {
            return self.put(session, decision, false);
        }
        if self.waiting > 0 {
            let ahead = self.waiting;
            self.waiting += 1;
            return self.put(session, Decision::Wait(Reason::Behind { ahead }), false);
        }
        match self.room.give(self.table, session, &each) {
            Ok(agents) => {
                count(self.table, session, &each);
                self.put(session, Decision::Place(agents), false);
            }
            Err(reason) => {
                let passed_over = self.retries_to_skip > 0 && session.tries >= self.retries_to_skip;
                self.waiting += u32::from(!passed_over);
                self.put(session, Decision::Wait(reason), true);
            }
        }
    }

    /// What keeps a session from starting whatever is free.
    fn cannot(&mut self, session: &'a Waiting, each: &[i64]) -> Option<Decision> {
        held_back(self.snapshot, self.table, session, each)
            .or_else(|| self.room.never(self.table, session, each).map(Decision::Wait))
    }
}

/// Shares by person, for fairness by dominant resource.
struct Shares<'a> {
    group: &'a str,
    total: Row,
    held: HashMap<UserId, Row>,
}

/// A dominant share as a fraction that compares exactly.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Share {
    held: i64,
    of: i64,
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (i128::from(self.held) * i128::from(other.of)).cmp(&(i128::from(other.held) * i128::from(self.of)))
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Shares<'a> {
    fn new(pass: &Pass<'a, '_>, group: &'a str) -> Self {
        Self { group, total: pass.room.total(pass.table.slots.len()), held: HashMap::new() }
    }

    /// The largest part of any resource of the group that a person's sessions hold.
    fn of(&mut self, table: &Table<'a>, user: UserId) -> Share {
        let held = self.held.entry(user).or_insert_with(|| table.held_by(user, self.group));
        let parts = held.iter().zip(&self.total).filter(|(_, of)| **of > 0);
        parts.map(|(held, of)| Share { held: *held, of: *of }).max().unwrap_or(Share { held: 0, of: 1 })
    }

    fn serve(&mut self, pass: &mut Pass<'a, '_>, bucket: Vec<&'a Waiting>) {
        // Each person's sessions with the newest first, so that the oldest is taken from the end.
        let mut lines: HashMap<UserId, Vec<(usize, &'a Waiting)>> = HashMap::new();
        for (n, session) in bucket.into_iter().enumerate().rev() {
            lines.entry(session.user).or_default().push((n, session));
        }
        let mut turns: BTreeSet<(Share, usize, UserId)> = BTreeSet::new();
        for (user, line) in &lines {
            turns.extend(line.last().map(|(n, _)| (self.of(pass.table, *user), *n, *user)));
        }
        // What was set aside comes after everything that could start, in the order in which it was asked for.
        let mut aside: Vec<(usize, &'a Waiting, Reason, bool)> = Vec::new();
        while let Some((_, _, user)) = turns.pop_first() {
            let Some(line) = lines.get_mut(&user) else { continue };
            let Some((n, session)) = line.pop() else { continue };
            let each = pass.table.row(&session.slots);
            let mut goes_on = true;
            match pass.cannot(session, &each) {
                Some(Decision::Wait(reason)) => aside.push((n, session, reason, false)),
                Some(decision) => pass.put(session, decision, false),
                None => match pass.room.give(pass.table, session, &each) {
                    Ok(agents) => {
                        count(pass.table, session, &each);
                        let held = self.held.entry(user).or_insert_with(|| vec![0; each.len()]);
                        add(held, &each, i64::from(session.cluster.size));
                        pass.put(session, Decision::Place(agents), false);
                    }
                    Err(reason) => {
                        aside.push((n, session, reason, true));
                        let rest = std::mem::take(line).into_iter().rev().zip(1..);
                        aside.extend(rest.map(|((n, session), ahead)| (n, session, Reason::Behind { ahead }, false)));
                        goes_on = false;
                    }
                },
            }
            if goes_on && let Some((n, _)) = lines.get(&user).and_then(|line| line.last()) {
                turns.insert((self.of(pass.table, user), *n, user));
            }
        }
        // Those who hold least will be served first when there is room again.
        aside.sort_by_cached_key(|(n, session, ..)| (self.of(pass.table, session.user), *n));
        for (_, session, reason, tried) in aside {
            pass.put(session, Decision::Wait(reason), tried);
        }
    }
}
