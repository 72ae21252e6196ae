//! Properties of every cluster and every queue. Decisions are replayed one after the other with plain sums, which share no code
//! with the scheduler.

use proptest::prelude::*;
use scheduler::{
    Decided, Decision, Dependency, DependencyState, Group, Held, PersonHeld, Reason, Refused, Room, Running, Share, Snapshot,
    Waiting, order, schedule,
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
            limit: None,
            lasts: None,
            refused: (tries > 0).then_some(Refused { tries, ..Refused::default() }),
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
            running: Vec::new(),
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

/// Makes a session of somebody without limits, who waits for nothing else.
fn bystander(snapshot: &Snapshot) -> Waiting {
    Waiting {
        id: id(0),
        name: String::new(),
        user: id(199),
        access_key: "KEY9".into(),
        policy: "none".into(),
        project: id(299),
        domain: id(399),
        resource_group: group(0),
        priority: 10,
        engines: None,
        slots: Slots::default(),
        cluster: Cluster::default(),
        created_at: snapshot.now,
        starts_at: None,
        depends_on: Vec::new(),
        limit: None,
        lasts: None,
        refused: None,
    }
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

/// What each agent that runs a part of it must have, and the number of parts.
fn shape(session: &Waiting) -> (Slots, u32) {
    match session.cluster.mode {
        ClusterMode::SingleNode => (all(session), 1),
        ClusterMode::MultiNode => (session.slots.clone(), session.cluster.size),
    }
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
    fn a_session_that_competes_for_nothing_scarce_starts_in_the_round_it_was_asked_for(
        mut snapshot in snapshots(),
        scheduler in prop::sample::select(SchedulerKind::ALL),
        skip in 0u32..4,
        priority in 0u8..30,
        cores in 1i64..9,
    ) {
        // Devices may be short, cores and memory are not: each agent has more of them than all ask for.
        for room in &mut snapshot.agents {
            for amounts in [&mut room.capacity, &mut room.free] {
                amounts.0.insert("cpu".into(), Quantity::whole(10_000));
                amounts.0.insert("mem".into(), Quantity::whole(10_000));
            }
            room.schedulable = true;
        }
        prop_assume!(snapshot.agents.iter().any(|room| room.resource_group == group(0)));
        let mut snapshot = served_by(snapshot, scheduler, skip);
        let alone = Waiting { id: id(99), priority, slots: slots((cores, cores, 0)), ..bystander(&snapshot) };
        snapshot.queue.push(alone);
        let decided = decided(&snapshot);
        let (_, mine) = decided.iter().find(|(session, _)| session.id == id(99)).unwrap();
        prop_assert!(matches!(mine.decision, Decision::Place(_)), "{:?}", mine.decision);
    }

    #[test]
    fn the_highest_priority_waits_no_longer_than_the_longest_limit_of_those_that_run(
        agents in prop::collection::vec((1i64..6, 1i64..6, prop_oneof![Just(0i64), 1i64..4]), 1..5),
        scheduler in prop::sample::select(SchedulerKind::ALL),
        placement in prop::sample::select(Placement::ALL),
        skip in 0u32..4,
        asked in ((1i64..6, 1i64..6, 0i64..4), prop::sample::select(ClusterMode::ALL), 1u32..3),
        mut arrivals in prop::collection::vec(((1i64..4, 1i64..4, 0i64..3), prop::option::of(1u32..40), 0u32..60, 0usize..3), 0..80),
    ) {
        let rooms = agents.iter().enumerate().map(|(n, (cpu, mem, gpu))| {
            let capacity = slots((*cpu, *mem, *gpu * 10));
            Room { agent: format!("agent{n}"), engine: String::new(), resource_group: group(0), schedulable: true, free: capacity.clone(), capacity }
        });
        let rules = Group { scheduler, placement, retries_to_skip: skip, pending_timeout: None };
        let mut cluster = Snapshot { groups: [(group(0), rules)].into(), agents: rooms.collect(), ..Snapshot::default() };
        let ((cpu, mem, gpu), mode, size) = asked;
        let urgent = Waiting { id: id(999), priority: 100, slots: slots((cpu, mem, gpu * 10)), cluster: Cluster { mode, size }, ..bystander(&cluster) };
        prop_assume!(Free::new(&cluster).has_room_for(&urgent));
        arrivals.sort_by_key(|(_, _, at, _)| *at);
        let mut arrivals = arrivals.into_iter().enumerate().peekable();
        let mut latest = None;
        let mut ends: BTreeMap<SessionId, (Option<Millis>, Running)> = BTreeMap::new();
        for second in 0..200u32 {
            cluster.now = Millis(i64::from(second) * 1000);
            let now = cluster.now;
            for (_, running) in ends.extract_if(.., |_, (at, _)| at.is_some_and(|at| at <= now)).map(|(_, one)| one) {
                for agent in &running.agents {
                    cluster.agents.iter_mut().filter(|room| room.agent == *agent).for_each(|room| room.free.add(&running.slots));
                }
            }
            // Those that run when it is asked for have a limit; those that come later need not.
            while let Some((n, (asked, limit, _, who))) = arrivals.next_if(|(_, (_, _, at, _))| *at <= second) {
                let limit = if second < 30 { Some(limit.unwrap_or(40)) } else { limit };
                let session = Waiting { id: id(n), user: id(100 + who), slots: slots((asked.0, asked.1, asked.2 * 10)), limit, ..bystander(&cluster) };
                cluster.queue.push(session);
            }
            if second == 30 {
                let longest = ends.values().filter_map(|(at, _)| *at).max().unwrap_or(now);
                // Sessions that wait already may start in the same round, behind it, and are bound by what they would delay.
                latest = Some(Millis(longest.0 + 1000));
                cluster.queue.push(urgent.clone());
            }
            cluster.running = ends.values().map(|(_, running)| running.clone()).collect();
            let decided: BTreeMap<_, _> = schedule(&cluster).into_iter().map(|one| (one.id, one)).collect();
            for mut session in std::mem::take(&mut cluster.queue) {
                let one = &decided[&session.id];
                session.refused = Refused::after(session.refused, one, now);
                let Decision::Place(agents) = &one.decision else {
                    cluster.queue.push(session);
                    continue;
                };
                if session.id == urgent.id {
                    return Ok(());
                }
                for agent in agents {
                    cluster.agents.iter_mut().filter(|room| room.agent == *agent).for_each(|room| room.free.subtract(&session.slots));
                }
                let ends_at = session.limit.map(|limit| Millis(now.0 + i64::from(limit) * 1000));
                let running = Running {
                    user: session.user,
                    access_key: session.access_key.clone(),
                    project: session.project,
                    domain: session.domain,
                    resource_group: group(0),
                    agents: agents.clone(),
                    slots: session.slots.clone(),
                    ends_at,
                };
                ends.insert(session.id, (ends_at, running));
            }
            prop_assert!(latest.is_none_or(|latest| now < latest), "it still waits at {:?}", now);
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
