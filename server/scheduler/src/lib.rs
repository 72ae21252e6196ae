//! The scheduler: a pure function from a snapshot of the cluster to decisions. No clock, no database, no engine: the same
//! snapshot always gives the same decisions, on the server and in the browser.
//!
//! Each resource group has its own queue, served by priority and, within one priority, in the order of its scheduler (`order`).
//! A session that waits only for somebody else's resources holds up those behind it, so that small sessions cannot starve a large
//! one, until it has been tried often enough to be passed over. A session that could not start even on an empty cluster, or that
//! is held back by its own limits, dependencies or start time, holds up nobody.

mod checks;
mod forecast;
mod order;
mod place;
mod reason;
mod slots;
#[cfg(test)]
mod tests;
mod turn;

pub use forecast::{Forecast, Running, Sample};
pub use reason::Reason;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use types::cluster::resource_groups::{Placement, SchedulerKind};
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::limits::policies::KeypairPolicy;
use types::quantity::Slots;
use types::sessions::Cluster;
use types::time::Millis;

/// Everything that decisions depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub now: Millis,
    pub groups: BTreeMap<String, Group>,
    pub agents: Vec<Room>,
    pub policies: BTreeMap<String, KeypairPolicy>,
    /// The resources held by each keypair's sessions, by access key.
    pub held: BTreeMap<String, Held>,
    /// The limit and use of each project's sessions.
    pub projects: BTreeMap<ProjectId, Share>,
    /// The limit and use of each domain's sessions.
    pub domains: BTreeMap<DomainId, Share>,
    /// The resources held by each person's sessions in each group, for DRF.
    pub people: Vec<PersonHeld>,
    /// The waiting sessions, oldest request first.
    pub queue: Vec<Waiting>,
}

/// How a resource group serves its queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub scheduler: SchedulerKind,
    pub placement: Placement,
    /// Tries after which a session that finds no room is passed over; 0 means never.
    pub retries_to_skip: u32,
    /// Seconds that a session may wait; `None` and 0 mean for ever.
    pub pending_timeout: Option<u32>,
}

/// An agent with its free resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    pub agent: String,
    /// The name of its engine.
    #[serde(default)]
    pub engine: String,
    pub resource_group: String,
    /// Whether it takes new sessions.
    pub schedulable: bool,
    pub capacity: Slots,
    pub free: Slots,
}

/// The resources that the sessions of one keypair hold now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub sessions: u32,
    pub slots: Slots,
}

/// The limit of a project or a domain, and the resources that its sessions hold now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub name: String,
    /// The most that its sessions may hold together; a missing slot is unlimited.
    pub limit: Slots,
    pub used: Slots,
}

/// The resources that one person's sessions hold in one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonHeld {
    pub user: UserId,
    pub resource_group: String,
    pub slots: Slots,
}

/// A session in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub id: SessionId,
    pub name: String,
    pub user: UserId,
    pub access_key: String,
    pub policy: String,
    pub project: ProjectId,
    pub domain: DomainId,
    pub resource_group: String,
    /// The higher goes first.
    pub priority: u8,
    /// The engines whose agents can run its image; `None` means all.
    #[serde(default)]
    pub engines: Option<Vec<String>>,
    /// The amounts for each container.
    pub slots: Slots,
    pub cluster: Cluster,
    pub created_at: Millis,
    /// Its earliest start.
    pub starts_at: Option<Millis>,
    /// Sessions that must finish successfully first.
    pub depends_on: Vec<Dependency>,
    /// How often it was its turn and there was no room.
    pub tries: u32,
}

/// A session that another one depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub name: String,
    pub state: DependencyState,
}

/// The state of a session that another one depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DependencyState {
    /// It has not ended.
    Waiting,
    /// It finished successfully.
    Done,
    /// It ended in any other way.
    Failed,
}

/// The outcome for a waiting session in this pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// It starts on these agents, one for each container, in order.
    Place(Vec<String>),
    Wait(Reason),
    /// It will never start.
    Cancel(Reason),
}

/// The decision about one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    pub id: SessionId,
    pub decision: Decision,
    /// Its position in the queue of its group, from 1, in the order in which sessions will start.
    pub position: u32,
    /// Whether it was its turn and there was no room, which counts as a try.
    pub tried: bool,
}

/// Decides about every session of the queue. The decisions are ordered by group and position.
pub fn schedule(snapshot: &Snapshot) -> Vec<Decided> {
    decide(snapshot).into_values().flatten().collect()
}

/// Returns the sessions of one group's queue by position.
pub fn order(snapshot: &Snapshot, group: &str) -> Vec<SessionId> {
    decide(snapshot).remove(group).unwrap_or_default().into_iter().map(|decided| decided.id).collect()
}

// Decides about all groups in one go, because the limits of keypairs, projects and domains apply across groups.
fn decide(snapshot: &Snapshot) -> BTreeMap<&str, Vec<Decided>> {
    let kinds = slots::Kinds::of_agents(&snapshot.agents);
    let mut books = checks::Books::open(snapshot, &kinds);
    let mut queues: BTreeMap<&str, Vec<&Waiting>> = BTreeMap::new();
    for session in &snapshot.queue {
        queues.entry(session.resource_group.as_str()).or_default().push(session);
    }
    let mut decided = BTreeMap::new();
    for (group, queue) in queues {
        let mut turns = turn::Turns::new(snapshot, &kinds, &mut books, group);
        order::serve_queue(&mut turns, queue);
        decided.insert(group, turns.decided);
    }
    decided
}
