//! The scheduler: a pure function from a snapshot of the cluster to decisions. No clock, no database, no engine; the same
//! snapshot always gives the same decisions, on the server and in the browser.
//!
//! Each resource group has a queue of its own, served by priority and, within one priority, as its scheduler says (`order`). A
//! session that waits only for somebody else's resources holds up those behind it, so that a large one is not starved by small
//! ones, until it has been tried often enough to be passed over. One that could not start even on an empty cluster, or that its
//! own limits, dependencies or start time hold back, holds up nobody.

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

/// Everything a decision depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub now: Millis,
    pub groups: BTreeMap<String, Group>,
    pub agents: Vec<Room>,
    pub policies: BTreeMap<String, KeypairPolicy>,
    /// What the sessions of one keypair hold, by access key.
    pub held: BTreeMap<String, Held>,
    /// What the sessions of a project hold and may hold.
    pub projects: BTreeMap<ProjectId, Share>,
    /// What the sessions of a domain hold and may hold.
    pub domains: BTreeMap<DomainId, Share>,
    /// For DRF: what each person's sessions hold in each group.
    pub people: Vec<PersonHeld>,
    /// In the order in which the sessions were asked for.
    pub queue: Vec<Waiting>,
}

/// How a resource group serves its queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub scheduler: SchedulerKind,
    pub placement: Placement,
    /// Tries after which a session that finds no room is passed over; 0 is never.
    pub retries_to_skip: u32,
    /// Seconds that a session may wait; 0 is for ever, too.
    pub pending_timeout: Option<u32>,
}

/// An agent with what is still free on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    pub agent: String,
    /// The name of its engine.
    #[serde(default)]
    pub engine: String,
    pub resource_group: String,
    /// It takes new sessions.
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

/// What the sessions of a project or a domain hold now and may hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub name: String,
    /// Slots that are not named are not limited.
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
    /// The higher goes first.
    pub priority: u8,
    /// The engines whose agents run its image; all of them do when `None`.
    #[serde(default)]
    pub engines: Option<Vec<String>>,
    /// What each container gets.
    pub slots: Slots,
    pub cluster: Cluster,
    pub created_at: Millis,
    /// It does not start before.
    pub starts_at: Option<Millis>,
    /// Sessions that must have ended well first.
    pub depends_on: Vec<Dependency>,
    /// Times that it was its turn and there was no room.
    pub tries: u32,
}

/// A session that another one depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub name: String,
    pub state: DependencyState,
}

/// How a session is doing that another one depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DependencyState {
    /// It has not ended.
    Waiting,
    /// It ended well.
    Done,
    /// It ended otherwise.
    Failed,
}

/// What becomes of a waiting session now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// It starts: the agent of each container, in order.
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
    /// Its place in the queue of its group, from 1, in the order in which sessions will start.
    pub position: u32,
    /// It was its turn and there was no room: counts as a try.
    pub tried: bool,
}

/// Decides about every session of the queue; ordered by group and position.
pub fn schedule(snapshot: &Snapshot) -> Vec<Decided> {
    decide(snapshot).into_values().flatten().collect()
}

/// The sessions of one group's queue by position.
pub fn order(snapshot: &Snapshot, group: &str) -> Vec<SessionId> {
    decide(snapshot).remove(group).unwrap_or_default().into_iter().map(|decided| decided.id).collect()
}

// All groups in one go, because a keypair, a project and a domain have their limits across groups.
fn decide(snapshot: &Snapshot) -> BTreeMap<&str, Vec<Decided>> {
    let kinds = slots::Kinds::of(&snapshot.agents);
    let mut books = checks::Books::open(snapshot, &kinds);
    let mut queues: BTreeMap<&str, Vec<&Waiting>> = BTreeMap::new();
    for session in &snapshot.queue {
        queues.entry(session.resource_group.as_str()).or_default().push(session);
    }
    let mut decided = BTreeMap::new();
    for (group, queue) in queues {
        let mut turns = turn::Turns::of(snapshot, &kinds, &mut books, group);
        order::serve(&mut turns, queue);
        decided.insert(group, turns.decided);
    }
    decided
}
