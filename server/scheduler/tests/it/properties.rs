//! What holds for every cluster and every queue.

use crate::yard::{GROUP, group, number, room, snapshot, waiting};
use proptest::prelude::*;
use scheduler::{Decided, Decision, Group, Reason, Room, Share, Snapshot, Waiting, order, schedule};
use std::collections::{BTreeMap, HashMap};
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::launch::{Cluster, ClusterMode};
use types::policy::KeypairPolicy;
use types::quantity::{Quantity, Slots};
use types::resource_group::{Placement, SchedulerKind};

fn amounts(cpu: i64, mem: i64, shares: i64) -> Slots {
    let mut slots = Slots::cpu_mem(Quantity::whole(cpu), mem << 30);
    if shares > 0 {
        slots.0.insert("cuda.shares".into(), Quantity::thousandths(shares * 250));
    }
    slots
}

fn rooms() -> impl Strategy<Value = Vec<Room>> {
    let one = (1i64..9, 1i64..9, 0i64..9, prop::bool::weighted(0.9), 0i64..3);
    prop::collection::vec(one, 0..5).prop_map(|all| {
        let rooms = all.into_iter().enumerate().map(|(n, (cpu, mem, shares, schedulable, used))| {
            let mut room = Room { schedulable, ..room(&format!("agent{n}"), amounts(cpu, mem, shares)) };
            room.free.subtract(&amounts(used.min(cpu), used.min(mem), 0));
            room
        });
        rooms.collect()
    })
}

fn sessions(most: usize) -> impl Strategy<Value = Vec<Waiting>> {
    let one = (1u128..5, 1i64..6, 1i64..6, 0i64..4, 0u8..3, prop::bool::ANY, 1u32..4, 0u32..5);
    prop::collection::vec(one, 0..most).prop_map(|all| {
        let queue = all.into_iter().zip(1u128..).map(|((who, cpu, mem, shares, priority, apart, size, tries), n)| {
            let mode = if apart { ClusterMode::MultiNode } else { ClusterMode::SingleNode };
            Waiting {
                priority,
                cluster: Cluster { mode, size },
                tries,
                project: ProjectId(number(who % 2)),
                domain: DomainId(number(who % 3)),
                ..waiting(n, who, amounts(cpu, mem, shares))
            }
        });
        queue.collect()
    })
}

fn rules() -> impl Strategy<Value = Group> {
    let schedulers = prop::sample::select(SchedulerKind::ALL);
    let placements = prop::sample::select(Placement::ALL);
    (schedulers, placements, 0u32..4).prop_map(|(scheduler, placement, retries_to_skip)| Group {
        placement,
        retries_to_skip,
        ..group(scheduler)
    })
}

prop_compose! {
    fn yards(most: usize)(
        rules in rules(), rooms in rooms(), queue in sessions(most),
        max_sessions in 1u32..8, cpu in 2i64..30, of_project in 2i64..30, of_domain in 2i64..30,
    ) -> Snapshot {
        let mut yard = snapshot(rules, rooms, queue);
        let limit = |cpu| Slots([("cpu".to_owned(), Quantity::whole(cpu))].into());
        let policy = KeypairPolicy {
            max_sessions: Some(max_sessions), max_cluster: 3, total: limit(cpu), ..KeypairPolicy::new("default")
        };
        yard.policies.insert("default".into(), policy);
        let share = |cpu| Share { name: "some".into(), limit: limit(cpu), used: Slots::default() };
        yard.projects.insert(ProjectId(number(0)), share(of_project));
        yard.domains.insert(DomainId(number(1)), share(of_domain));
        yard
    }
}

fn by_id(yard: &Snapshot) -> HashMap<SessionId, &Waiting> {
    yard.queue.iter().map(|waiting| (waiting.id, waiting)).collect()
}

fn placed(decided: &[Decided]) -> impl Iterator<Item = (SessionId, &Vec<String>)> {
    decided.iter().filter_map(|one| match &one.decision {
        Decision::Place(agents) => Some((one.id, agents)),
        _ => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_agent_policy_project_or_domain_is_ever_over_its_limit(yard in yards(30)) {
        let decided = schedule(&yard);
        let sessions = by_id(&yard);
        let mut on: BTreeMap<&str, Slots> = BTreeMap::new();
        let mut keys: BTreeMap<&str, (u32, Slots)> = BTreeMap::new();
        let mut projects: BTreeMap<ProjectId, Slots> = BTreeMap::new();
        let mut domains: BTreeMap<DomainId, Slots> = BTreeMap::new();
        for (id, agents) in placed(&decided) {
            let session = sessions[&id];
            prop_assert_eq!(agents.len(), session.cluster.size as usize);
            agents.iter().for_each(|agent| on.entry(agent).or_default().add(&session.slots));
            if session.cluster.mode == ClusterMode::SingleNode {
                prop_assert!(agents.windows(2).all(|two| two[0] == two[1]));
            }
            let all = session.cluster.of_all(&session.slots);
            let held = keys.entry(&session.access_key).or_default();
            held.0 += 1;
            held.1.add(&all);
            projects.entry(session.project).or_default().add(&all);
            domains.entry(session.domain).or_default().add(&all);
        }
        for room in &yard.agents {
            let used = on.remove(room.agent.as_str()).unwrap_or_default();
            prop_assert!(used.beyond(&room.free).next().is_none(), "{}", room.agent);
            prop_assert!(room.schedulable || used == Slots::default());
        }
        prop_assert!(on.is_empty());
        let policy = &yard.policies["default"];
        for (sessions, held) in keys.values() {
            prop_assert!(Some(*sessions) <= policy.max_sessions);
            prop_assert!(held.get("cpu") <= policy.total.get("cpu"));
        }
        for (id, share) in &yard.projects {
            prop_assert!(projects.get(id).cloned().unwrap_or_default().get("cpu") <= share.limit.get("cpu"));
        }
        for (id, share) in &yard.domains {
            prop_assert!(domains.get(id).cloned().unwrap_or_default().get("cpu") <= share.limit.get("cpu"));
        }
    }

    #[test]
    fn the_same_snapshot_gives_the_same_decisions_and_every_session_has_its_own_place(yard in yards(30)) {
        let decided = schedule(&yard);
        prop_assert_eq!(&decided, &schedule(&yard));
        let positions: Vec<u32> = decided.iter().map(|one| one.position).collect();
        prop_assert_eq!(positions, (1..=yard.queue.len() as u32).collect::<Vec<_>>());
        let mut ids: Vec<SessionId> = decided.iter().map(|one| one.id).collect();
        ids.sort_unstable();
        let mut asked: Vec<SessionId> = yard.queue.iter().map(|one| one.id).collect();
        asked.sort_unstable();
        prop_assert_eq!(ids, asked);
    }

    #[test]
    fn a_higher_priority_is_never_behind_a_lower_one(yard in yards(30)) {
        let sessions = by_id(&yard);
        let priorities: Vec<u8> = schedule(&yard).iter().map(|one| sessions[&one.id].priority).collect();
        prop_assert!(priorities.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn first_in_first_out_serves_sessions_that_fit_in_their_order_and_last_in_is_its_reverse(mut yard in yards(30)) {
        yard.queue.iter_mut().for_each(|session| session.priority = 10);
        let set = |yard: &mut Snapshot, scheduler| yard.groups.get_mut(GROUP).unwrap().scheduler = scheduler;
        set(&mut yard, SchedulerKind::Fifo);
        let first = order(&yard, GROUP);
        prop_assert_eq!(&first, &yard.queue.iter().map(|session| session.id).collect::<Vec<_>>());
        set(&mut yard, SchedulerKind::Lifo);
        let mut last = order(&yard, GROUP);
        last.reverse();
        prop_assert_eq!(first, last);
    }

    #[test]
    fn in_a_line_nobody_starts_before_somebody_ahead_who_waits_for_room_and_still_holds_the_line(mut yard in yards(30)) {
        let rules = yard.groups.get_mut(GROUP).unwrap();
        prop_assume!(rules.scheduler != SchedulerKind::Drf);
        rules.retries_to_skip = 0;
        let mut held_up = false;
        for one in schedule(&yard) {
            prop_assert!(!(held_up && matches!(one.decision, Decision::Place(_))));
            held_up |= matches!(one.decision, Decision::Wait(Reason::Busy { .. } | Reason::BusyForAll { .. }));
        }
    }

    #[test]
    fn with_tries_to_skip_one_session_that_never_finds_room_does_not_stop_the_others(mut yard in yards(20)) {
        let rules = yard.groups.get_mut(GROUP).unwrap();
        prop_assume!(rules.scheduler != SchedulerKind::Drf);
        rules.retries_to_skip = 2;
        // It would fit an agent of its own kind, which others keep full for ever.
        let full = Room { free: Slots::default(), ..room("full", amounts(64, 64, 0)) };
        yard.agents.push(full);
        let mut blocker = waiting(1_000_000, 9, amounts(64, 64, 0));
        blocker.tries = 2;
        blocker.priority = 100;
        yard.policies.clear();
        let mut without = yard.clone();
        without.queue.retain(|session| session.id != blocker.id);
        let expected: Vec<SessionId> = placed(&schedule(&without)).map(|(id, _)| id).collect();
        yard.queue.push(blocker);
        let with: Vec<SessionId> = placed(&schedule(&yard)).map(|(id, _)| id).collect();
        prop_assert_eq!(with, expected);
    }

    #[test]
    fn by_shares_a_larger_one_is_never_served_before_a_smaller_one_that_fits(mut yard in yards(20)) {
        yard.groups.get_mut(GROUP).unwrap().scheduler = SchedulerKind::Drf;
        yard.policies.clear();
        yard.projects.clear();
        yard.domains.clear();
        for session in &mut yard.queue {
            session.priority = 10;
            session.cluster.size = 1;
        }
        let sessions = by_id(&yard);
        let total = yard.agents.iter().fold(Slots::default(), |mut total, room| {
            total.add(&room.capacity);
            total
        });
        let mut free: BTreeMap<&str, Slots> = yard.agents.iter().map(|room| (room.agent.as_str(), room.free.clone())).collect();
        let mut held: BTreeMap<UserId, Slots> = BTreeMap::new();
        let mut left: BTreeMap<UserId, Vec<&Waiting>> = BTreeMap::new();
        yard.queue.iter().rev().for_each(|session| left.entry(session.user).or_default().push(session));
        let share = |held: Option<&Slots>| {
            let parts = total.0.iter().filter(|(_, of)| **of > Quantity::ZERO);
            parts.map(|(slot, of)| held.map_or(Quantity::ZERO, |held| held.get(slot)).ratio_of(*of)).fold(0.0, f64::max)
        };
        let never = |session: &Waiting| {
            yard.agents.iter().filter(|room| room.schedulable).all(|room| session.slots.beyond(&room.capacity).next().is_some())
        };
        for (id, agents) in placed(&schedule(&yard)) {
            let session = sessions[&id];
            let mine = share(held.get(&session.user));
            for (user, line) in &mut left {
                while line.last().is_some_and(|next| never(next)) {
                    line.pop();
                }
                let Some(next) = line.last().filter(|_| *user != session.user) else { continue };
                let room = |agent: &&Room| agent.schedulable && next.slots.beyond(&free[agent.agent.as_str()]).next().is_none();
                let fits = yard.agents.iter().any(|agent| room(&agent));
                prop_assert!(!fits || share(held.get(user)) >= mine - 1e-12, "{:?} before {:?}", session.name, next.name);
            }
            left.get_mut(&session.user).unwrap().retain(|next| next.id != id);
            free.get_mut(agents[0].as_str()).unwrap().subtract(&session.slots);
            held.entry(session.user).or_default().add(&session.slots);
        }
    }
}
