//! The order in which the sessions of a group get their turn: by priority, and within one priority by the group's scheduler. The
//! outcome of a turn is decided in `turn`.
//!
//! A large session needs room that comes together only if nobody takes pieces of it. Where newer or poorer sessions go first, the
//! one that has waited longest for such room gets its turn before them, so that the room is kept for it.

use crate::Waiting;
use crate::slots::Table;
use crate::turn::{Outcome, Turn, Turns};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use types::cluster::resource_groups::SchedulerKind;
use types::id::UserId;

/// Gives every session of a group's queue its turn.
pub(crate) fn serve_queue<'a>(turns: &mut Turns<'a, '_>, mut queue: Vec<&'a Waiting>) {
    let scheduler = turns.group.map(|group| group.scheduler).unwrap_or_default();
    // The sort is stable: within one priority the sessions keep their order.
    queue.sort_by_key(|session| Reverse(session.priority));
    let queue: Vec<Turn> = queue.into_iter().map(|session| turns.turn_of(session)).collect();
    let mut people = (scheduler == SchedulerKind::Drf).then(|| People::of_queue(turns, &queue));
    for class in queue.chunk_by(|a, b| a.session.priority == b.session.priority) {
        match (scheduler, &mut people) {
            (SchedulerKind::Drf, Some(people)) => serve_by_share(turns, class, people),
            (SchedulerKind::Lifo, _) => serve_newest_first(turns, class),
            _ => serve_in_order(turns, class.iter()),
        }
    }
}

fn serve_in_order<'a, 't>(turns: &mut Turns<'a, '_>, line: impl Iterator<Item = &'t Turn<'a>>)
where
    'a: 't,
{
    for turn in line {
        turns.take(*turn);
    }
}

fn serve_newest_first<'a>(turns: &mut Turns<'a, '_>, class: &[Turn<'a>]) {
    let mut line: Vec<_> = class.to_vec();
    for turn in longest_first(class.to_vec(), |_| 0) {
        if turns.should_be_kept(turn) {
            turns.take(turn);
            line.retain(|other| other.session.id != turn.session.id);
        }
    }
    serve_in_order(turns, line.iter().rev());
}

/// Returns the sessions that were refused room before: those for whom room is kept already, then by `rank`, then the oldest
/// requests.
fn longest_first<'a, R: Ord>(class: Vec<Turn<'a>>, rank: impl Fn(&Turn<'a>) -> R) -> Vec<Turn<'a>> {
    let mut refused: Vec<_> = class.into_iter().filter(|turn| turn.session.refused.is_some()).collect();
    refused.sort_by_cached_key(|turn| (!turn.session.refused.is_some_and(|refused| refused.kept), rank(turn)));
    refused
}

/// Repeatedly serves the oldest session of the person with the smallest share.
///
/// The share of a person whose session waits for room grows as if it had started, so that positions reflect the order in which
/// sessions will start.
fn serve_by_share<'a>(turns: &mut Turns<'a, '_>, class: &[Turn<'a>], people: &mut People) {
    let mut first = BTreeSet::new();
    for turn in longest_first(class.to_vec(), |turn| people.share(people.numbers[&turn.session.user])) {
        if turns.should_be_kept(turn) {
            people.serve(turns, turn);
            first.insert(turn.session.id);
        }
    }
    let mut lines: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, turn) in class.iter().enumerate().rev().filter(|(_, turn)| !first.contains(&turn.session.id)) {
        lines.entry(people.numbers[&turn.session.user]).or_default().push(at);
    }
    let mut next: BTreeSet<_> =
        lines.iter().filter_map(|(person, line)| Some((people.share(*person), *line.last()?, *person))).collect();
    while let Some((_, at, person)) = next.pop_first() {
        people.serve(turns, class[at]);
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
    /// The capacity of all agents of the group, including those that take no new sessions: their resources may be held too.
    total: Vec<i64>,
}

impl People {
    fn of_queue(turns: &Turns, queue: &[Turn]) -> Self {
        let mut people = Self { numbers: HashMap::new(), held: turns.kinds.table(), total: Vec::new() };
        for Turn { session, .. } in queue {
            let number = people.numbers.len();
            people.numbers.entry(session.user).or_insert_with(|| {
                people.held.push(turns.kinds.row(&Default::default()));
                number
            });
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

    fn serve<'a>(&mut self, turns: &mut Turns<'a, '_>, turn: Turn<'a>) {
        if turns.take(turn) != Outcome::Held {
            turns.add(turn.shape, self.held.row_mut(self.numbers[&turn.session.user]));
        }
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
