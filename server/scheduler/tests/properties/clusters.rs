//! Random clusters and queues, and plain sums to replay decisions with.

use proptest::prelude::*;
use scheduler::{
    Decided, Decision, Dependency, DependencyState, Group, Held, PersonHeld, Reason, Refused, Room, Share, Snapshot, Waiting,
    schedule,
};
use std::collections::BTreeMap;
use std::str::FromStr;
use types::cluster::resource_groups::{Placement, SchedulerKind};
use types::id::SessionId;
use types::limits::policies::KeypairPolicy;
use types::quantity::{Quantity, Slots};
use types::sessions::{Cluster, ClusterMode};
use types::time::Millis;

pub fn id<T: FromStr<Err: std::fmt::Debug>>(n: usize) -> T {
    format!("00000000-0000-0000-0000-{n:012}").parse().unwrap()
}

/// Makes slots from cores, memory and tenths of a GPU. An amount of zero is left out.
pub fn slots((cpu, mem, gpu): (i64, i64, i64)) -> Slots {
    let amounts = [("cpu", cpu * 1000), ("mem", mem * 1000), ("cuda.shares", gpu * 100)];
    let named = amounts.into_iter().filter(|(_, amount)| *amount > 0);
    Slots(named.map(|(slot, amount)| (slot.to_owned(), Quantity::thousandths(amount))).collect())
}

pub fn group(n: usize) -> String {
    format!("group{n}")
}

pub fn gpus() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(0), 1 => 1i64..25]
}

pub fn amounts(most: i64) -> impl Strategy<Value = Slots> {
    (0..most, 0..most, gpus()).prop_map(slots)
}

pub fn agent() -> impl Strategy<Value = Room> {
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

pub fn settings() -> impl Strategy<Value = Group> {
    (prop::sample::select(SchedulerKind::ALL), prop::sample::select(Placement::ALL), 0u32..4, prop::option::of(0u32..12))
        .prop_map(|(scheduler, placement, retries_to_skip, pending_timeout)| Group {
            scheduler,
            placement,
            retries_to_skip,
            pending_timeout,
        })
}

pub fn policy() -> impl Strategy<Value = KeypairPolicy> {
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

pub fn share() -> impl Strategy<Value = Share> {
    (amounts(40), amounts(10)).prop_map(|(limit, used)| Share { name: "share".into(), limit, used })
}

pub fn session() -> impl Strategy<Value = Waiting> {
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
    pub fn snapshots()(
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
pub fn served_by(mut snapshot: Snapshot, scheduler: SchedulerKind, retries_to_skip: u32) -> Snapshot {
    for group in snapshot.groups.values_mut() {
        group.scheduler = scheduler;
        group.retries_to_skip = retries_to_skip;
    }
    snapshot
}

/// Makes a session of somebody without limits, who waits for nothing else.
pub fn bystander(snapshot: &Snapshot) -> Waiting {
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
pub fn decided(snapshot: &Snapshot) -> Vec<(&Waiting, Decided)> {
    let sessions: BTreeMap<SessionId, &Waiting> = snapshot.queue.iter().map(|session| (session.id, session)).collect();
    schedule(snapshot).into_iter().map(|decided| (sessions[&decided.id], decided)).collect()
}

pub fn waits_for_room(decided: &Decided) -> bool {
    let Decision::Wait(reason) = &decided.decision else { return false };
    matches!(reason, Reason::Busy { .. } | Reason::BusyForContainers { .. } | Reason::Behind { .. })
}

pub fn within(amounts: &Slots, limit: &Slots) -> bool {
    amounts.beyond(limit).next().is_none()
}

pub fn all(session: &Waiting) -> Slots {
    session.cluster.of_all(&session.slots)
}

/// The amounts that each agent that runs a part of it must have, and the number of parts.
pub fn shape(session: &Waiting) -> (Slots, u32) {
    match session.cluster.mode {
        ClusterMode::SingleNode => (all(session), 1),
        ClusterMode::MultiNode => (session.slots.clone(), session.cluster.size),
    }
}

/// The free amounts on each agent.
pub struct Free<'a>(pub Vec<(&'a Room, Slots)>);

impl<'a> Free<'a> {
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self(snapshot.agents.iter().map(|room| (room, room.free.clone())).collect())
    }

    pub fn take(&mut self, agent: &str, slots: &Slots) -> &Slots {
        let (_, free) = self.0.iter_mut().find(|(room, _)| room.agent == agent).unwrap();
        free.subtract(slots);
        free
    }

    pub fn has_room_for(&self, session: &Waiting) -> bool {
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
