//! The scheduler: a pure function from a snapshot of the cluster to decisions. No clock, no database, no engine; the same
//! snapshot always gives the same decisions, on the server and in the browser.
//!
//! Each resource group is served by itself. Its queue is ordered by priority, then by the group's scheduler (`order`); each session
//! is held against its limits (`checks`) and given agents (`place`). Inside, names are numbers and amounts are flat rows of
//! thousandths (`table`), so that a long queue costs little more than reading it once.

mod checks;
mod order;
mod place;
mod reason;
mod table;

pub use reason::Reason;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::launch::Cluster;
use types::policy::KeypairPolicy;
use types::quantity::Slots;
use types::resource_group::{Placement, SchedulerKind};
use types::time::Millis;

/// Everything that decisions depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub now: Millis,
    /// By name.
    pub groups: BTreeMap<String, Group>,
    pub agents: Vec<Room>,
    /// By name; a keypair whose policy is not here is not limited.
    pub policies: BTreeMap<String, KeypairPolicy>,
    /// What the sessions of one keypair hold, by access key.
    pub held: BTreeMap<String, Held>,
    /// Projects and domains that limit what their sessions hold.
    pub projects: BTreeMap<ProjectId, Share>,
    pub domains: BTreeMap<DomainId, Share>,
    /// What each person's sessions hold in each group.
    pub people: Vec<PersonHeld>,
    /// In the order in which they were asked for.
    pub queue: Vec<Waiting>,
}

/// How a resource group is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub scheduler: SchedulerKind,
    pub placement: Placement,
    /// Tries after which a session without room no longer holds up those behind it; 0 is never.
    pub retries_to_skip: u32,
    /// Seconds after which a session that waits is cancelled.
    pub pending_timeout: Option<u32>,
}

/// An agent with what is still free on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    pub agent: String,
    pub resource_group: String,
    /// Gets new sessions.
    pub schedulable: bool,
    pub capacity: Slots,
    pub free: Slots,
}

/// What the sessions of one keypair hold now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub sessions: u32,
    pub slots: Slots,
}

/// What the sessions of a project or domain may hold together, and what they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub name: String,
    /// A slot that is not named is not limited.
    pub limit: Slots,
    pub used: Slots,
}

/// What one person's sessions hold in one group.
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
    /// The larger goes first.
    pub priority: u8,
    /// What each container asks for.
    pub slots: Slots,
    pub cluster: Cluster,
    pub created_at: Millis,
    pub starts_at: Option<Millis>,
    pub depends_on: Vec<Dependency>,
    /// How often it was its turn and there was no room.
    pub tries: u32,
}

/// A session that another one waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub name: String,
    pub state: DependencyState,
}

/// How it stands with a session that another one waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DependencyState {
    /// It has not ended.
    Waiting,
    /// It ended well.
    Done,
    /// It ended otherwise, so that whoever waits for it waits in vain.
    Failed,
}

/// What becomes of a waiting session now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// It gets these agents: one for each container, in their order.
    Place(Vec<String>),
    Wait(Reason),
    Cancel(Reason),
}

/// A decision about one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    pub id: SessionId,
    pub decision: Decision,
    /// Its place in the queue of its group, from 1, in the order in which they will start.
    pub position: u32,
    /// It was its turn and there was no room.
    pub tried: bool,
}

/// Decides about every session of the queue; the answer is in the order of groups and, within them, of places in the queue.
pub fn schedule(snapshot: &Snapshot) -> Vec<Decided> {
    let mut table = table::Table::new(snapshot);
    let mut queues: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, waiting) in snapshot.queue.iter().enumerate() {
        queues.entry(waiting.resource_group.as_str()).or_default().push(index);
    }
    let mut decided = Vec::with_capacity(snapshot.queue.len());
    for (group, queue) in queues {
        order::serve(snapshot, &mut table, group, queue, &mut decided);
    }
    decided
}

/// The ids of one group's queue in the order in which they will start.
pub fn order(snapshot: &Snapshot, group: &str) -> Vec<SessionId> {
    let here: std::collections::HashSet<SessionId> =
        snapshot.queue.iter().filter(|waiting| waiting.resource_group == group).map(|waiting| waiting.id).collect();
    schedule(snapshot).into_iter().map(|decided| decided.id).filter(|id| here.contains(id)).collect()
}
