//! The order in which the sessions of a group get their turn: by priority, and within one priority by the group's scheduler. The
//! outcome of a turn is decided in `turn`.

use crate::Waiting;
use crate::slots::Table;
use crate::turn::{Outcome, Turns};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use types::cluster::resource_groups::SchedulerKind;
use types::id::UserId;

/// Gives every session of a group's queue its turn.
pub(crate) fn serve_queue<'a>(turns: &mut Turns<'a, '_>, mut queue: Vec<&'a Waiting>) {
    let scheduler = turns.group.map(|group| group.scheduler).unwrap_or_default();
    if scheduler == SchedulerKind::Lifo {
        queue.reverse();
    }
    // The sort is stable: within one priority the sessions keep their order.
    queue.sort_by_key(|session| Reverse(session.priority));
    match scheduler {
        SchedulerKind::Fifo | SchedulerKind::Lifo => serve_in_line(turns, &queue),
        SchedulerKind::Drf => {
            let mut people = People::of_queue(turns, &queue);
            for class in queue.chunk_by(|a, b| a.priority == b.priority) {
                serve_by_share(turns, class, &mut people);
            }
        }
    }
}

/// Serves sessions one after the other. A session that waits for room holds up everybody behind it, until it has been tried often
/// enough.
fn serve_in_line<'a>(turns: &mut Turns<'a, '_>, queue: &[&'a Waiting]) {
    let skip = turns.group.map_or(0, |group| group.retries_to_skip);
    let mut ahead = 0u32;
    for session in queue {
        let passed_over = skip > 0 && session.tries >= skip;
        let shape = turns.shape(session);
        let outcome = turns.take(session, shape, ahead);
        if outcome == Outcome::Waits && (ahead > 0 || !passed_over) {
            ahead += 1;
        }
    }
}

/// Repeatedly serves the oldest session of the person with the smallest share.
///
/// A session that waits for room is set aside and holds up only its owner's sessions, until it has been tried often enough. The
/// owner's share grows as if the session had started, so that positions reflect the order in which sessions will start.
fn serve_by_share<'a>(turns: &mut Turns<'a, '_>, class: &[&'a Waiting], people: &mut People) {
    let skip = turns.group.map_or(0, |group| group.retries_to_skip);
    let mut lines: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, session) in class.iter().enumerate().rev() {
        lines.entry(people.numbers[&session.user]).or_default().push(at);
    }
    let mut next: BTreeSet<_> =
        lines.iter().filter_map(|(person, line)| Some((people.share(*person), *line.last()?, *person))).collect();
    while let Some((_, at, person)) = next.pop_first() {
        let shape = turns.shape(class[at]);
        let passed_over = skip > 0 && class[at].tries >= skip;
        match turns.take(class[at], shape, people.ahead[person]) {
            Outcome::Placed => turns.add(shape, people.held.row_mut(person)),
            Outcome::Waits if passed_over && people.ahead[person] == 0 => {}
            Outcome::Waits => {
                turns.add(shape, people.held.row_mut(person));
                people.ahead[person] += 1;
            }
            Outcome::Held => {}
        }
        if let Some(line) = lines.get_mut(&person) {
            line.pop();
            next.extend(line.last().map(|at| (people.share(person), *at, person)));
        }
    }
}

/// The resources that the people of a queue hold in its group.
struct People {
    numbers: HashMap<UserId, usize>,
    held: Table,
    /// The number of each person's sessions that wait for room.
    ahead: Vec<u32>,
    /// The capacity of all agents of the group, including those that take no new sessions: their resources may be held too.
    total: Vec<i64>,
}

impl People {
    fn of_queue(turns: &Turns, queue: &[&Waiting]) -> Self {
        let mut people = Self { numbers: HashMap::new(), held: turns.kinds.table(), ahead: Vec::new(), total: Vec::new() };
        for session in queue {
            if !people.numbers.contains_key(&session.user) {
                people.numbers.insert(session.user, people.ahead.len());
                people.ahead.push(0);
                people.held.push(turns.kinds.row(&Default::default()));
            }
        }
        for person in turns.snapshot.people.iter().filter(|person| person.resource_group == turns.name) {
            if let Some(number) = people.numbers.get(&person.user) {
                add(people.held.row_mut(*number), turns.kinds.row(&person.slots));
            }
        }
        people.total.extend(turns.kinds.row(&Default::default()));
        for room in turns.snapshot.agents.iter().filter(|room| room.resource_group == turns.name) {
            add(&mut people.total, turns.kinds.row(&room.capacity));
        }
        people
    }

    /// Returns a person's dominant share: their largest share of any one slot.
    fn share(&self, person: usize) -> Share {
        let held = self.held.row(person).iter().map(|held| (*held).max(0));
        let shares = held.zip(&self.total).filter(|(_, total)| **total > 0).map(|(held, total)| Share { held, total: *total });
        shares.max().unwrap_or(Share { held: 0, total: 1 })
    }
}

fn add(row: &mut [i64], amounts: impl Iterator<Item = i64>) {
    row.iter_mut().zip(amounts).for_each(|(cell, amount)| *cell = cell.saturating_add(amount));
}

/// A fraction, compared exactly.
#[derive(Clone, Copy)]
struct Share {
    held: i64,
    /// More than 0.
    total: i64,
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> Ordering {
        let cross = |a: &Self, b: &Self| i128::from(a.held) * i128::from(b.total);
        cross(self, other).cmp(&cross(other, self))
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Share {}
