//! The scheduler: a pure function from a snapshot of the cluster to decisions. No clock, no database, no engine: the same
//! snapshot always gives the same decisions, on the server and in the browser.
//!
//! Each resource group has its own queue, served by priority and, within one priority, in the order of its scheduler (`order`).
//! Room is kept for a session that waits for others to end (`kept`), so that small sessions cannot starve a large one. Others use
//! that room meanwhile only if they end in time. A session that could not start even on an empty cluster, or that is held back by
//! its own limits, dependencies or start time, holds up nobody.

mod checks;
mod forecast;
mod kept;
mod order;
mod place;
mod reason;
mod slots;
#[cfg(test)]
mod tests;
mod turn;

pub use forecast::{Forecast, Sample};
pub use reason::{Fared, Reason};

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
    /// The sessions that hold resources now.
    #[serde(default)]
    pub running: Vec<Running>,
    /// The waiting sessions, oldest request first.
    pub queue: Vec<Waiting>,
}

/// How a resource group serves its queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub scheduler: SchedulerKind,
    pub placement: Placement,
    /// Tries after which sessions pass one that finds no room, if they do not delay it; 0 means never.
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
    /// The seconds after which it will be ended if it has not ended by itself.
    #[serde(default)]
    pub limit: Option<u32>,
    /// The seconds that it is expected to run; `None` if unknown.
    #[serde(default)]
    pub lasts: Option<u32>,
    /// How it has fared since there was no room for it; `None` if it was never refused.
    #[serde(default)]
    pub refused: Option<Refused>,
}

/// How a waiting session has fared since it was first its turn and there was no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub since: Millis,
    /// The decisions without room, those within a second counted as one.
    pub tries: u32,
    /// When a try was last counted.
    pub counted: Millis,
    /// The sessions behind it that started meanwhile with resources that it lacks.
    pub passed: u32,
    /// Whether room is kept for it.
    pub kept: bool,
}

/// Milliseconds between two counted tries, so that a busy cluster with many rounds does not let others pass sooner.
const TRY_EVERY: i64 = 1_000;

impl Refused {
    /// Returns how a session has fared after a decision at `now`, given how it had fared before.
    pub fn after(before: Option<Self>, decided: &Decided, now: Millis) -> Option<Self> {
        let Decision::Wait(_) = decided.decision else { return None };
        if before.is_none() && !decided.tried {
            return None;
        }
        let mut fared = before.unwrap_or(Self { since: now, ..Self::default() });
        if decided.tried && (fared.tries == 0 || now.apart(fared.counted) >= TRY_EVERY) {
            (fared.tries, fared.counted) = (fared.tries.saturating_add(1), now);
        }
        fared.passed = fared.passed.saturating_add(decided.passed);
        fared.kept = decided.kept;
        Some(fared)
    }
}

/// A session that holds resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub user: UserId,
    pub access_key: String,
    pub project: ProjectId,
    pub domain: DomainId,
    pub resource_group: String,
    /// The agent of each container.
    pub agents: Vec<String>,
    /// The amounts that each container holds.
    pub slots: Slots,
    /// Its expected end; `None` if unknown.
    pub ends_at: Option<Millis>,
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
    /// Its place in the line of its group, from 1, among those that still wait and may start. `None` if it starts now, is
    /// cancelled, or is not in line: it can never start here, or not yet.
    pub position: Option<u32>,
    /// Whether it was its turn and there was no room, which counts as a try.
    pub tried: bool,
    /// The sessions behind it that start now with resources that it lacks.
    pub passed: u32,
    /// Whether room is kept for it.
    pub kept: bool,
}

/// Decides about every session of the queue. The decisions are ordered by group and, within a group, by turn.
pub fn schedule(snapshot: &Snapshot) -> Vec<Decided> {
    decide(snapshot).into_values().flatten().collect()
}

/// Returns the sessions of one group's queue by turn.
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
        decided.insert(group, turns.finish());
    }
    decided
}
