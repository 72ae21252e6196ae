//! Small clusters and queues for tests.

use scheduler::{Dependency, Group, Room, Snapshot, Waiting};
use std::collections::BTreeMap;
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::launch::{Cluster, ClusterMode};
use types::quantity::{Quantity, Slots};
use types::resource_group::{Placement, SchedulerKind};
use types::time::Millis;

pub const GROUP: &str = "default";

pub fn number(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}

pub fn id(n: u128) -> SessionId {
    SessionId(number(n))
}

/// So many cores and as many GiB.
pub fn slots(cpu: i64) -> Slots {
    Slots::cpu_mem(Quantity::whole(cpu), cpu << 30)
}

pub fn with_gpu(cpu: i64, shares: &str) -> Slots {
    let mut slots = slots(cpu);
    slots.0.insert("cuda.shares".into(), shares.parse().unwrap());
    slots
}

pub fn room(agent: &str, capacity: Slots) -> Room {
    Room { agent: agent.into(), resource_group: GROUP.into(), schedulable: true, free: capacity.clone(), capacity }
}

pub fn group(scheduler: SchedulerKind) -> Group {
    Group { scheduler, placement: Placement::Dispersed, retries_to_skip: 0, pending_timeout: None }
}

/// Session number `n` of person `who`.
pub fn waiting(n: u128, who: u128, slots: Slots) -> Waiting {
    Waiting {
        id: id(n),
        name: format!("session-{n}"),
        user: UserId(number(who)),
        access_key: format!("KEY{who}"),
        policy: "default".into(),
        project: ProjectId(number(1)),
        domain: DomainId(number(1)),
        resource_group: GROUP.into(),
        priority: 10,
        slots,
        cluster: Cluster::default(),
        created_at: Millis(i64::try_from(n).unwrap()),
        starts_at: None,
        depends_on: Vec::<Dependency>::new(),
        tries: 0,
    }
}

pub fn several(size: u32, mode: ClusterMode, session: Waiting) -> Waiting {
    Waiting { cluster: Cluster { mode, size }, ..session }
}

pub fn snapshot(group: Group, agents: Vec<Room>, queue: Vec<Waiting>) -> Snapshot {
    let groups = BTreeMap::from([(GROUP.to_owned(), group)]);
    Snapshot { now: Millis(1_000), groups, agents, queue, ..Snapshot::default() }
}
