//! Background tasks: long work that continues without the page that asked for it.

use crate::id::TaskId;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// The most tasks that one person may have running at one time.
pub const MAX_RUNNING: u32 = 3;
/// How long a finished task and its answer are kept, in milliseconds: one day.
pub const KEPT: i64 = 86_400_000;

/// The kinds of background work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    CreateUsers,
    RecalculateUsage,
}

crate::words::words!(TaskKind {
    CreateUsers = "create_users", "Creating users";
    RecalculateUsage = "recalculate_usage", "Recalculating usage";
});

/// The state of a task. It is `Running` until it ends in one of the other states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    Running,
    Done,
    Failed,
    Cancelled,
}

crate::words::words!(TaskState {
    Running = "running", "Running";
    Done = "done", "Done";
    Failed = "failed", "Failed";
    Cancelled = "cancelled", "Cancelled";
});

/// A task, as shown to its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: TaskId,
    pub kind: TaskKind,
    pub state: TaskState,
    /// A sentence about the current step, or about how the task ended.
    pub message: String,
    /// The number of steps done.
    pub current: u64,
    /// The number of steps in all; 0 while unknown.
    pub total: u64,
    pub created_at: Millis,
    pub finished_at: Option<Millis>,
}

impl Task {
    /// Returns its progress from 0 to 1; `None` if it has ended or the progress is unknown.
    pub fn progress(&self) -> Option<f64> {
        let known = self.state == TaskState::Running && self.total > 0;
        known.then(|| (self.current as f64 / self.total as f64).min(1.0))
    }

    /// Describes the task and its state, for a list of notifications.
    pub fn sentence(&self) -> String {
        format!("{}: {}", self.kind.label(), self.message)
    }
}
