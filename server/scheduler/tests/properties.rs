//! Properties of every cluster and every queue. Decisions are replayed one after the other with plain sums, which share no code
//! with the scheduler.

use proptest::prelude::*;
use scheduler::{
    Decided, Decision, Dependency, DependencyState, Group, Held, PersonHeld, Reason, Room, Share, Snapshot, Waiting, order,
    schedule,
};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use types::cluster::resource_groups::{Placement, SchedulerKind};
use types::id::SessionId;
use types::limits::policies::KeypairPolicy;
use types::quantity::{Quantity, Slots};
use types::sessions::{Cluster, ClusterMode};
use types::time::Millis;

fn id<T: FromStr<Err: std::fmt::Debug>>(n: usize) -> T {
    format!("00000000-0000-0000-0000-{n:012}").parse().unwrap()
}

/// Makes slots from cores, memory and tenths of a GPU. An amount of zero is left out.
fn slots((cpu, mem, gpu): (i64, i64, i64)) -> Slots {
    let amounts = [("cpu", cpu * 1000), ("mem", mem * 1000), ("cuda.shares", gpu * 100)];
    let named = amounts.into_iter().filter(|(_, amount)| *amount > 0);
    Slots(named.map(|(slot, amount)| (slot.to_owned(), Quantity::thousandths(amount))).collect())
}

fn group(n: usize) -> String {
    format!("group{n}")
}

fn gpus() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(0), 1 => 1i64..25]
}

fn amounts(most: i64) -> impl Strategy<Value = Slots> {
    (0..most, 0..most, gpus()).prop_map(slots)
}

fn agent() -> impl Strategy<Value = Room> {
    (0usize..2, prop::bool::weighted(0.85), (1i64..10, 1i64..10, gpus()), 0i64..4).prop_map(
        |(in_group, schedulable, most, used)| {
            let (cpu, mem, gpu) = most;
            let free = slots(((cpu - used).max(0), (mem - used).max(0), (gpu - used).max(0)));
            Room {
                agent: String::new(),
                engine: String::new(),
                resource_group: group(in_group),
                schedulable,
                capacity: slots(most),
                free,
            }
        },
    )
}

fn settings() -> impl Strategy<Value = Group> {
    (prop::sample::select(SchedulerKind::ALL), prop::sample::select(Placement::ALL), 0u32..4, prop::option::of(0u32..12))
        .prop_map(|(scheduler, placement, retries_to_skip, pending_timeout)| Group {
            scheduler,
            placement,
            retries_to_skip,
            pending_timeout,
        })
}

fn policy() -> impl Strategy<Value = KeypairPolicy> {
    (amounts(30), prop::bool::weighted(0.8), prop::option::of(1u32..9), 1u32..4).prop_map(
        |(total, others_unlimited, max_sessions, max_cluster)| KeypairPolicy {
            total,
            others_unlimited,
            max_sessions,
            max_cluster,
            ..KeypairPolicy::new("default")
        },
    )
}

fn share() -> impl Strategy<Value = Share> {
    (amounts(40), amounts(10)).prop_map(|(limit, used)| Share { name: "share".into(), limit, used })
}

fn session() -> impl Strategy<Value = Waiting> {
    let asked = (1i64..6, 1i64..6, gpus()).prop_map(slots);
    let mode = prop::sample::select(ClusterMode::ALL);
    (0usize..4, 0usize..2, 0usize..2, prop::bool::ANY, asked, mode, 1u32..4, 0u32..5, 0u32..30).prop_map(
        |(who, project, in_group, urgent, asked, mode, size, tries, odd)| Waiting {
            id: id(0),
            name: String::new(),
            user: id(100 + who),
            access_key: format!("KEY{who}"),
            policy: "default".into(),
            project: id(200 + project),
            domain: id(300),
            resource_group: group(in_group),
            priority: if urgent { 20 } else { 10 },
            engines: None,
            slots: asked,
            cluster: Cluster { mode, size },
            created_at: Millis(0),
            starts_at: (odd == 0).then_some(Millis(20_000)),
            depends_on: match odd {
                1 => vec![Dependency { name: "before".into(), state: DependencyState::Waiting }],
                2 => vec![Dependency { name: "before".into(), state: DependencyState::Failed }],
                3 => vec![Dependency { name: "before".into(), state: DependencyState::Done }],
                _ => Vec::new(),
            },
            tries,
        },
    )
}

prop_compose! {
    fn snapshots()(
        groups in prop::collection::vec(settings(), 2),
        mut agents in prop::collection::vec(agent(), 0..8),
        policy in prop::option::of(policy()),
        held in prop::collection::vec((0u32..3, amounts(6)), 4),
        projects in prop::collection::vec(share(), 0..3),
        domain in prop::option::of(share()),
        people in prop::collection::vec((0usize..4, 0usize..2, amounts(6)), 0..6),
        mut queue in prop::collection::vec(session(), 0..30),
    ) -> Snapshot {
        for (n, agent) in agents.iter_mut().enumerate() {
            agent.agent = format!("agent{n}");
        }
        for (n, session) in queue.iter_mut().enumerate() {
            session.id = id(n);
            session.created_at = Millis(n as i64 * 400);
        }
        Snapshot {
            now: Millis(12_000),
            groups: groups.into_iter().enumerate().map(|(n, settings)| (group(n), settings)).collect(),
            agents,
            policies: policy.into_iter().map(|policy| (policy.name.clone(), policy)).collect(),
            held: (0..).zip(held).map(|(n, (sessions, slots))| (format!("KEY{n}"), Held { sessions, slots })).collect(),
            projects: projects.into_iter().enumerate().map(|(n, share)| (id(200 + n), share)).collect(),
            domains: domain.into_iter().map(|share| (id(300), share)).collect(),
            people: people.into_iter().map(|(who, n, slots)| PersonHeld { user: id(100 + who), resource_group: group(n), slots }).collect(),
            queue,
        }
    }
}

/// Gives every group this scheduler and this number of tries.
fn served_by(mut snapshot: Snapshot, scheduler: SchedulerKind, retries_to_skip: u32) -> Snapshot {
    for group in snapshot.groups.values_mut() {
        group.scheduler = scheduler;
        group.retries_to_skip = retries_to_skip;
    }
    snapshot
}

/// Returns each session with its decision, by group and position.
fn decided(snapshot: &Snapshot) -> Vec<(&Waiting, Decided)> {
    let sessions: BTreeMap<SessionId, &Waiting> = snapshot.queue.iter().map(|session| (session.id, session)).collect();
    schedule(snapshot).into_iter().map(|decided| (sessions[&decided.id], decided)).collect()
}

fn waits_for_room(decided: &Decided) -> bool {
    let Decision::Wait(reason) = &decided.decision else { return false };
    matches!(reason, Reason::Busy { .. } | Reason::BusyForContainers { .. } | Reason::Behind { .. })
}

fn within(amounts: &Slots, limit: &Slots) -> bool {
    amounts.beyond(limit).next().is_none()
}

fn all(session: &Waiting) -> Slots {
    session.cluster.of_all(&session.slots)
}

/// The free amounts on each agent.
struct Free<'a>(Vec<(&'a Room, Slots)>);

impl<'a> Free<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        Self(snapshot.agents.iter().map(|room| (room, room.free.clone())).collect())
    }

    fn take(&mut self, agent: &str, slots: &Slots) -> &Slots {
        let (_, free) = self.0.iter_mut().find(|(room, _)| room.agent == agent).unwrap();
        free.subtract(slots);
        free
    }

    fn has_room_for(&self, session: &Waiting) -> bool {
        let open = self.0.iter().filter(|(room, _)| room.schedulable && room.resource_group == session.resource_group);
        match session.cluster.mode {
            ClusterMode::SingleNode => open.into_iter().any(|(_, free)| within(&all(session), free)),
            ClusterMode::MultiNode => {
                let fit =
                    |free: &Slots| (1..=session.cluster.size).take_while(|n| within(&session.slots.times(*n), free)).count();
                open.map(|(_, free)| fit(free)).sum::<usize>() >= session.cluster.size as usize
            }
        }
    }
}

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
            prop_assert!(mine.iter().zip(1..).all(|(decided, position)| decided.position == position));
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
    fn fifo_starts_no_session_before_an_equal_one_that_waits_for_room(snapshot in snapshots(), skip in 0u32..4) {
        let snapshot = served_by(snapshot, SchedulerKind::Fifo, skip);
        let decided = decided(&snapshot);
        for group in snapshot.groups.keys() {
            let line: Vec<_> = decided.iter().filter(|(session, _)| session.resource_group == *group).collect();
            for class in line.chunk_by(|a, b| a.0.priority == b.0.priority) {
                prop_assert!(class.is_sorted_by_key(|(session, _)| session.id), "as asked for");
            }
            for (at, (first, _)) in line.iter().enumerate().filter(|(_, (_, decided))| waits_for_room(decided)) {
                for (session, later) in &line[at..] {
                    let equal = (&session.slots, session.cluster) == (&first.slots, first.cluster);
                    let holds_up = skip == 0 || first.tries < skip;
                    prop_assert!(!((equal || holds_up) && matches!(later.decision, Decision::Place(_))));
                }
            }
        }
    }

    #[test]
    fn lifo_is_fifo_in_reverse(snapshot in snapshots()) {
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
    fn a_session_that_was_tried_often_enough_does_not_stop_others(
        snapshot in snapshots(),
        scheduler in prop::sample::select(vec![SchedulerKind::Fifo, SchedulerKind::Lifo, SchedulerKind::Drf]),
        skip in 1u32..4,
        more in 0u32..3,
    ) {
        let mut without = served_by(snapshot, scheduler, skip);
        // A full agent, and a session that would fit only if that agent were empty.
        let capacity = slots((50, 50, 0));
        let full = Room { agent: "full".into(), engine: String::new(), resource_group: group(0), schedulable: true, capacity, free: Slots::default() };
        without.agents.push(full);
        let mut with = without.clone();
        let large = Waiting {
            id: id(99),
            name: String::new(),
            // A person with other sessions in the queue, which this one would hold up first.
            user: without.queue.first().map_or(id(199), |waiting| waiting.user),
            access_key: "KEY9".into(),
            policy: "none".into(),
            project: id(299),
            domain: id(399),
            resource_group: group(0),
            priority: 30,
            engines: None,
            slots: slots((50, 50, 0)),
            cluster: Cluster::default(),
            created_at: with.now,
            starts_at: None,
            depends_on: Vec::new(),
            tries: skip + more,
        };
        with.queue.push(large);
        let mut decided: Vec<_> = schedule(&with).into_iter().map(|decided| (decided.id, decided.decision, decided.tried)).collect();
        let (first, decision, tried) = decided.remove(0);
        prop_assert_eq!(first, id(99));
        let busy = matches!(decision, Decision::Wait(Reason::Busy { .. }));
        prop_assert!(tried && busy);
        let others: Vec<_> = schedule(&without).into_iter().map(|decided| (decided.id, decided.decision, decided.tried)).collect();
        prop_assert_eq!(decided, others);
    }

    #[test]
    fn drf_serves_no_larger_share_before_a_smaller_one_with_room(snapshot in snapshots()) {
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
                let Decision::Place(agents) = &decision.decision else { continue };
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
