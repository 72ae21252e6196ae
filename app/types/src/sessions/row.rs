//! One session as lists show it, and the texts that follow from it.

use super::{Cluster, Ending, SessionType, Status};
use crate::id::{SessionId, UserId};
use crate::quantity::{CPU, MEM, Quantity, Slots};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// One session in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    pub id: SessionId,
    pub name: String,
    pub kind: SessionType,
    pub status: Status,
    /// Why it waits, or how it ended.
    pub info: String,
    /// The same in a few words while it waits: `Needs 2 GPUs · 0 free`.
    pub brief: String,
    /// Whether it waits and can never start as it is.
    pub never: bool,
    /// How it ended, once it has.
    pub ending: Option<Ending>,
    /// Its exit code, if it ended with one.
    pub exit_code: Option<i32>,
    pub owner: UserId,
    pub owner_email: String,
    /// Whether its owner's account is active.
    pub owner_active: bool,
    pub project: String,
    pub resource_group: String,
    pub image: String,
    /// The agent of each container, in order; empty before it is scheduled.
    pub agents: Vec<String>,
    /// The amounts that each of its containers asked for.
    pub slots: Slots,
    pub cluster: Cluster,
    pub priority: u8,
    /// Its processes that were killed because memory was used up; known once it has ended.
    pub memory_kills: u64,
    /// Its position in the queue of its resource group, from 1. Known only while it waits and once the queue has been looked at.
    pub position: Option<u32>,
    pub created_at: Millis,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
}

impl SessionRow {
    /// Returns the owner's email, marked if the account is not active.
    pub fn owner_and_state(&self) -> String {
        if self.owner_active { self.owner_email.clone() } else { format!("{} (inactive)", self.owner_email) }
    }

    /// Its state in a word or two: the status, or how it ended, with the code of a failure.
    pub fn state_label(&self) -> String {
        match (self.ending, self.exit_code) {
            (Some(Ending::Failed), Some(code)) => format!("Failed · exit {code}"),
            (Some(ending), _) => ending.label().to_owned(),
            (None, _) if self.never => "Cannot start".to_owned(),
            (None, _) => self.status.label().to_owned(),
        }
    }

    /// Returns a text that waiting sessions have in common which ask for the same, for the same reason, under names that differ
    /// in a number at the end only; empty for others. A list folds such neighbours.
    pub fn waits_like(&self) -> String {
        if self.status != Status::Pending || self.brief.is_empty() {
            return String::new();
        }
        let stem = self.name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '.'));
        let size = self.cluster.size;
        format!("{stem} {} {} {size} {:?} {}", self.owner, self.resource_group, self.slots, self.brief)
    }

    /// Returns the cores of all its containers.
    pub fn cpu(&self) -> Quantity {
        self.cluster.of_all(&self.slots).get(CPU)
    }

    /// Returns the bytes of memory of all its containers.
    pub fn mem(&self) -> i64 {
        self.cluster.of_all(&self.slots).get(MEM).floor()
    }

    /// Returns the milliseconds it ran, or has been running at `now`; `None` before it ran.
    pub fn elapsed(&self, now: Millis) -> Option<i64> {
        self.started_at.map(|start| self.ended_at.unwrap_or(now).since(start))
    }
}
