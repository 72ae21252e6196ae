//! Background tasks: long work that goes on without the page that asked for it.

use crate::id::TaskId;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Tasks of one person that may run at one time.
pub const MAX_RUNNING: usize = 3;
/// Milliseconds that a finished task, and its answer, are kept: one day.
pub const KEPT: i64 = 86_400_000;

/// The work that there is.
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

/// The state of a task. It is `Running` until it ends in one of the others.
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

/// A task as its owner follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: TaskId,
    pub kind: TaskKind,
    pub state: TaskState,
    /// The step that it is at, or how it ended, as a sentence.
    pub message: String,
    /// Steps done.
    pub current: u64,
    /// Steps in all; 0 while that is not known.
    pub total: u64,
    pub created_at: Millis,
    pub finished_at: Option<Millis>,
}

impl Task {
    /// How far it has come, from 0 to 1; `None` when it has ended or that is not known.
    pub fn progress(&self) -> Option<f64> {
        let known = self.state == TaskState::Running && self.total > 0;
        known.then(|| (self.current as f64 / self.total as f64).min(1.0))
    }

    /// What it does and how it stands, for a list of notifications.
    pub fn sentence(&self) -> String {
        format!("{}: {}", self.kind.label(), self.message)
    }
}
