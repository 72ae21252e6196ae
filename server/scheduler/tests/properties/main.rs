//! Properties of every cluster and every queue. Decisions are replayed one after the other with plain sums, which share no code
//! with the scheduler.

mod clusters;
mod waits;

use clusters::{Free, all, decided, served_by, shape, snapshots, waits_for_room, within};
use proptest::prelude::*;
use scheduler::{Decision, DependencyState, Reason, Waiting, order, schedule};
use std::collections::{BTreeMap, BTreeSet};
use types::cluster::resource_groups::SchedulerKind;
use types::id::SessionId;
use types::quantity::{Quantity, Slots};
use types::sessions::ClusterMode;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_limit_is_exceeded_and_only_sessions_without_room_are_tried(snapshot in snapshots()) {
        let mut free = Free::new(&snapshot);
        let mut held = snapshot.held.clone();
        let (mut projects, mut domains) = (snapshot.projects.clone(), snapshot.domains.clone());
        for (session, decided) in decided(&snapshot) {
            let room = free.has_room_for(session);
            prop_assert_eq!(decided.tried, waits_for_room(&decided) && !matches!(decided.decision, Decision::Wait(Reason::Behind { .. })));
            prop_assert!(!(decided.tried && room), "{} was tried and had room", session.id);
            let Decision::Place(agents) = decided.decision else { continue };
            prop_assert!(room);
            prop_assert_eq!(agents.len(), session.cluster.size as usize);
            if session.cluster.mode == ClusterMode::SingleNode {
                prop_assert_eq!(agents.iter().collect::<BTreeSet<_>>().len(), 1);
            }
            for agent in &agents {
                let room = snapshot.agents.iter().find(|room| room.agent == *agent).unwrap();
                prop_assert!(room.schedulable && room.resource_group == session.resource_group);
                let left = free.take(agent, &session.slots);
                prop_assert!(left.0.values().all(|left| *left >= Quantity::ZERO), "{} is over its capacity", agent);
            }
            prop_assert!(session.starts_at.is_none_or(|at| at <= snapshot.now));
            prop_assert!(session.depends_on.iter().all(|other| other.state == DependencyState::Done));
            let held = held.get_mut(&session.access_key).unwrap();
            held.sessions += 1;
            held.slots.add(&all(session));
            if let Some(policy) = snapshot.policies.get(&session.policy) {
                prop_assert!(policy.max_sessions.is_none_or(|most| held.sessions <= most));
                prop_assert!(session.cluster.size <= policy.max_cluster);
                for slot in session.slots.0.keys() {
                    prop_assert!(policy.limit(slot).is_none_or(|limit| held.slots.get(slot) <= limit), "policy: {}", slot);
                }
            }
            for share in [projects.get_mut(&session.project), domains.get_mut(&session.domain)].into_iter().flatten() {
                share.used.add(&all(session));
                for slot in session.slots.0.keys() {
                    prop_assert!(share.limit.0.get(slot).is_none_or(|limit| share.used.get(slot) <= *limit), "share: {}", slot);
                }
            }
        }
    }

    #[test]
    fn every_session_gets_one_decision_and_always_the_same_one(snapshot in snapshots()) {
        let decided = schedule(&snapshot);
        prop_assert_eq!(&decided, &schedule(&snapshot));
        let text = serde_json::to_string(&snapshot).unwrap();
        prop_assert_eq!(&decided, &schedule(&serde_json::from_str(&text).unwrap()), "the same in the browser");
        let ids: BTreeSet<_> = decided.iter().map(|decided| decided.id).collect();
        prop_assert_eq!(ids.len(), decided.len());
        prop_assert_eq!(ids, snapshot.queue.iter().map(|session| session.id).collect());
        let mut rest = decided.as_slice();
        for group in snapshot.groups.keys() {
            let ids = order(&snapshot, group);
            let of_group: BTreeSet<_> = snapshot.queue.iter().filter(|session| session.resource_group == *group).map(|session| session.id).collect();
            prop_assert_eq!(ids.iter().copied().collect::<BTreeSet<_>>(), of_group);
            let (mine, others) = rest.split_at(ids.len());
            rest = others;
            prop_assert_eq!(mine.iter().map(|decided| decided.id).collect::<Vec<_>>(), ids);
            let places: Vec<_> = mine.iter().filter_map(|decided| decided.position).collect();
            prop_assert_eq!(&places, &(1..=places.len() as u32).collect::<Vec<_>>(), "places are counted without gaps");
            for decided in mine {
                let in_line = matches!(&decided.decision, Decision::Wait(reason) if reason.is_in_line());
                prop_assert_eq!(decided.position.is_some(), in_line);
                if let Decision::Wait(Reason::Behind { ahead }) = decided.decision {
                    prop_assert_eq!(decided.position, Some(ahead + 1));
                }
            }
        }
    }

    #[test]
    fn a_higher_priority_is_never_behind_a_lower_one(snapshot in snapshots()) {
        let decided = decided(&snapshot);
        for group in snapshot.groups.keys() {
            let priorities = decided.iter().filter(|(session, _)| session.resource_group == *group).map(|(session, _)| session.priority);
            prop_assert!(priorities.is_sorted_by(|a, b| a >= b));
        }
    }

    #[test]
    fn a_session_that_waits_for_room_holds_up_equal_ones_and_until_it_was_tried_those_who_compete(
        snapshot in snapshots(),
        scheduler in prop::sample::select(SchedulerKind::ALL),
        skip in 0u32..4,
    ) {
        let snapshot = served_by(snapshot, scheduler, skip);
        let decided = decided(&snapshot);
        for group in snapshot.groups.keys() {
            let line: Vec<_> = decided.iter().filter(|(session, _)| session.resource_group == *group).collect();
            if scheduler == SchedulerKind::Fifo {
                for class in line.chunk_by(|a, b| a.0.priority == b.0.priority) {
                    prop_assert!(class.is_sorted_by_key(|(session, _)| session.id), "as asked for");
                }
            }
            let equal = |a: &Waiting, b: &Waiting| shape(a) == shape(b);
            for (at, (first, waits)) in line.iter().enumerate().filter(|(_, (_, decided))| decided.tried) {
                // A try counts for all of the same shape.
                let alike = line.iter().filter(|(session, _)| equal(session, first));
                let tries = alike.filter_map(|(session, _)| session.refused).map(|refused| refused.tries).max().unwrap_or(0);
                let Decision::Wait(reason) = &waits.decision else { continue };
                let short: Vec<&String> = match reason {
                    Reason::Busy { missing, .. } => missing.iter().map(|(slot, ..)| slot).collect(),
                    _ => Vec::new(),
                };
                let (part, _) = shape(first);
                for (session, later) in &line[at..] {
                    let Decision::Place(agents) = &later.decision else { continue };
                    prop_assert!(!equal(session, first));
                    let competes = session.slots.0.keys().any(|slot| short.contains(&slot));
                    let rooms = agents.iter().filter_map(|agent| snapshot.agents.iter().find(|room| room.agent == *agent));
                    let could_use = rooms.into_iter().any(|room| within(&part, &room.capacity));
                    prop_assert!(!((skip == 0 || tries < skip) && competes && could_use), "{} passed {}", session.id, first.id);
                }
            }
        }
    }

    #[test]
    fn lifo_is_fifo_in_reverse(mut snapshot in snapshots()) {
        snapshot.queue.iter_mut().for_each(|session| session.refused = None);
        let fifo = served_by(snapshot.clone(), SchedulerKind::Fifo, 0);
        let lifo = served_by(snapshot, SchedulerKind::Lifo, 0);
        let priorities: BTreeMap<_, _> = fifo.queue.iter().map(|session| (session.id, session.priority)).collect();
        for group in fifo.groups.keys() {
            let (first, last) = (order(&fifo, group), order(&lifo, group));
            for priority in [10, 20] {
                let in_class = |ids: &[SessionId]| ids.iter().copied().filter(|id| priorities[id] == priority).collect::<Vec<_>>();
                let mut reversed = in_class(&last);
                reversed.reverse();
                prop_assert_eq!(in_class(&first), reversed);
            }
        }
    }

    #[test]
    fn drf_serves_no_larger_share_before_a_smaller_one_with_room(mut snapshot in snapshots()) {
        snapshot.queue.iter_mut().for_each(|session| session.refused = None);
        let snapshot = served_by(snapshot, SchedulerKind::Drf, 0);
        let decided = decided(&snapshot);
        let mut free = Free::new(&snapshot);
        for group in snapshot.groups.keys() {
            let line: Vec<_> = decided.iter().filter(|(session, _)| session.resource_group == *group).collect();
            let mut total = Slots::default();
            snapshot.agents.iter().filter(|room| room.resource_group == *group).for_each(|room| total.add(&room.capacity));
            let mut held: BTreeMap<_, Slots> = BTreeMap::new();
            for person in snapshot.people.iter().filter(|person| person.resource_group == *group) {
                held.entry(person.user).or_default().add(&person.slots);
            }
            for (at, (session, decision)) in line.iter().enumerate() {
                let Decision::Place(agents) = &decision.decision else {
                    // Who waits for room counts as if it had it.
                    if waits_for_room(decision) {
                        held.entry(session.user).or_default().add(&all(session));
                    }
                    continue;
                };
                let mut seen = BTreeSet::new();
                let mut next: Vec<_> = line[at..].iter().filter(|(other, _)| other.priority == session.priority).collect();
                next.sort_by_key(|(other, _)| other.id);
                for (other, waits) in next {
                    // Only the oldest session of each person counts, and only if it could be waiting for nothing but room.
                    let oldest = seen.insert(other.user);
                    let ready = matches!(waits.decision, Decision::Place(_)) || waits.tried;
                    if oldest && ready && free.has_room_for(other) {
                        let (mine, theirs) = (share(held.get(&session.user), &total), share(held.get(&other.user), &total));
                        prop_assert!(mine.0 * theirs.1 <= theirs.0 * mine.1, "{} went before {}", session.id, other.id);
                    }
                }
                for agent in agents {
                    free.take(agent, &session.slots);
                }
                held.entry(session.user).or_default().add(&all(session));
            }
        }

        fn share(held: Option<&Slots>, total: &Slots) -> (i128, i128) {
            let thousandths = |amount: Quantity| i128::from(amount.as_thousandths());
            let fraction = |(slot, most): (&String, &Quantity)| (held.map_or(0, |held| thousandths(held.get(slot))), thousandths(*most));
            total.0.iter().map(fraction).max_by(|a, b| (a.0 * b.1).cmp(&(b.0 * a.1))).unwrap_or((0, 1))
        }
    }
}
