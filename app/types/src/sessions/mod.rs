//! Sessions: what can be asked for, the states they pass through, and how they can end.

mod cluster;
pub mod launch;

pub use cluster::{Cluster, ClusterMode};

use crate::id::{DomainId, ProjectId, SessionId, UserId};
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::quantity::{CPU, MEM, Quantity, Slots};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionType {
    /// Stays until it is terminated; offers a terminal.
    Interactive,
    /// Runs one command and ends with it.
    Batch,
    /// Serves a model; started by its service alone.
    Inference,
}

/// The states of a session. The only moves between them are those of [`Status::may_become`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// In the queue.
    Pending,
    /// Given a place on an agent.
    Scheduled,
    /// The engine was told to start it.
    Preparing,
    Running,
    /// The engine was told to end it.
    Terminating,
    /// Ended; its outcome says how.
    Terminated,
    /// Taken back before it ran.
    Cancelled,
    /// Could not be started, or was lost.
    Error,
}

crate::words::words!(SessionType {
    Interactive = "interactive", "Interactive";
    Batch = "batch", "Batch";
    Inference = "inference", "Inference";
});

crate::words::words!(Status {
    Pending = "PENDING", "Pending";
    Scheduled = "SCHEDULED", "Scheduled";
    Preparing = "PREPARING", "Preparing";
    Running = "RUNNING", "Running";
    Terminating = "TERMINATING", "Terminating";
    Terminated = "TERMINATED", "Terminated";
    Cancelled = "CANCELLED", "Cancelled";
    Error = "ERROR", "Error";
});

impl Status {
    /// The one state machine: which state may follow which.
    pub fn may_become(self, next: Self) -> bool {
        use Status::*;
        matches!(
            (self, next),
            (Pending, Scheduled | Cancelled | Error)
                // Back to the queue when its place went away before it was used.
                | (Scheduled, Pending | Preparing | Cancelled | Error)
                | (Preparing, Running | Terminating | Terminated | Error)
                | (Running, Terminating | Terminated | Error)
                | (Terminating, Terminated | Error)
        )
    }

    /// Nothing follows this state.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Terminated | Self::Cancelled | Self::Error)
    }

    /// The session holds its resources on an agent.
    pub fn occupies(self) -> bool {
        matches!(self, Self::Scheduled | Self::Preparing | Self::Running | Self::Terminating)
    }
}

/// How a session's process ended, as the system told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// By itself, with this exit code.
    Exited(i32),
    /// By a signal from outside or from itself.
    Signalled(i32),
    /// It needed more memory than it asked for.
    OutOfMemory,
    /// Nothing of it ever ran; the text says why.
    NotStarted(String),
    /// Its supervisor went away without a word, as when the machine was switched off.
    Lost,
}

impl Outcome {
    /// The end in words: `Exit code 0`, `Ended by signal 9 (KILL)`, `Out of memory`.
    pub fn describe(&self) -> String {
        match self {
            Self::Exited(code) => format!("Exit code {code}"),
            Self::Signalled(n) => match signal_name(*n) {
                Some(name) => format!("Ended by signal {n} ({name})"),
                None => format!("Ended by signal {n}"),
            },
            Self::OutOfMemory => "Out of memory: it used more than it had asked for".into(),
            Self::NotStarted(why) => format!("Could not be started: {why}"),
            Self::Lost => "Lost: its supervisor ended without leaving an exit code".into(),
        }
    }

    /// The session did what it was asked to.
    pub fn is_success(&self) -> bool {
        *self == Self::Exited(0)
    }
}

fn signal_name(n: i32) -> Option<&'static str> {
    Some(match n {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        6 => "ABRT",
        7 => "BUS",
        8 => "FPE",
        9 => "KILL",
        11 => "SEGV",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        24 => "XCPU",
        _ => return None,
    })
}

/// One measurement of what a session uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub at: Millis,
    /// Processor time since the start, in milliseconds, of all its processes.
    pub cpu_ms: u64,
    /// Bytes of memory in use now.
    pub mem: u64,
    /// Processes alive now.
    pub processes: u32,
}

/// A piece of a session's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogChunk {
    /// Text with every byte that is not UTF-8 replaced.
    pub text: String,
    /// Where the next piece starts: pass it back to go on.
    pub next: u64,
    /// Bytes that were dropped before this piece because the log has a bounded size.
    pub skipped: u64,
    /// The session has ended and this was the last piece.
    pub end: bool,
}

/// One session in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    pub id: SessionId,
    pub name: String,
    pub kind: SessionType,
    pub status: Status,
    /// Why it waits, or how it ended.
    pub info: String,
    pub owner: UserId,
    pub owner_email: String,
    pub project: String,
    pub resource_group: String,
    pub image: String,
    /// The agents of its containers, in their order; none before it has its place.
    pub agents: Vec<String>,
    /// What each of its containers asked for.
    pub slots: Slots,
    pub cluster: Cluster,
    pub priority: u8,
    /// Its place in the queue of its resource group, from 1; only while it waits and the queue has been looked at.
    pub position: Option<u32>,
    pub created_at: Millis,
    pub started_at: Option<Millis>,
    pub ended_at: Option<Millis>,
}

impl SessionRow {
    /// Cores of all its containers.
    pub fn cpu(&self) -> Quantity {
        self.cluster.of_all(&self.slots).get(CPU)
    }

    /// Bytes of all its containers.
    pub fn mem(&self) -> i64 {
        self.cluster.of_all(&self.slots).get(MEM).floor()
    }

    /// Milliseconds it ran, or has been running at `now`; nothing before it ran.
    pub fn elapsed(&self, now: Millis) -> Option<i64> {
        self.started_at.map(|start| self.ended_at.unwrap_or(now).since(start))
    }
}

/// One move of a session's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChange {
    pub at: Millis,
    pub status: Status,
    pub reason: String,
}

/// Everything the drawer shows of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionDetail {
    pub row: SessionRow,
    pub domain: DomainId,
    pub project: ProjectId,
    pub access_key: String,
    pub command: String,
    /// Variables that were added to its environment. Values of secrets are not sent.
    pub env: Vec<(String, String)>,
    /// Ports that its programs listen on.
    pub ports: Vec<u16>,
    /// Bytes of its memory that processes may share.
    pub shared_memory: Option<i64>,
    /// Not before then.
    pub starts_at: Option<Millis>,
    /// Seconds that a batch session may run.
    pub timeout: Option<u32>,
    pub depends_on: Vec<DependencyState>,
    pub outcome: Option<Outcome>,
    pub history: Vec<StatusChange>,
    /// What may end it, while it has not ended.
    pub checks: Vec<IdleCheck>,
    /// The server's clock when this was looked at: what `checks` are held against.
    pub now: Millis,
    /// The caller may end it and open its terminal.
    pub may_control: bool,
}

/// A session that another one waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyState {
    pub id: SessionId,
    pub name: String,
    pub status: Status,
    pub success: bool,
}

/// Something that ends a session by itself after a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdleCheck {
    pub kind: CheckKind,
    /// When it ends the session if nothing changes.
    pub at: Millis,
    /// Seconds that it allows in all.
    pub limit: u32,
    /// The policy or group that says so; empty when the session itself does.
    pub policy: String,
}

/// What is watched of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// Since it was asked for.
    SessionLifetime,
    /// Since it last did anything.
    IdleTimeout,
    /// Since its command was started.
    BatchTimeout,
    /// Since it came into the queue.
    PendingTimeout,
}

crate::words::words!(CheckKind {
    SessionLifetime = "session_lifetime", "Session lifetime";
    IdleTimeout = "idle_timeout", "Idle timeout";
    BatchTimeout = "batch_timeout", "Batch job timeout";
    PendingTimeout = "pending_timeout", "Pending timeout";
});

/// What a session uses now, for a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utilization {
    pub id: SessionId,
    /// Thousandths of what it asked for.
    pub cpu: u32,
    pub mem: u32,
}

/// The list of sessions: its tabs are Running (everything that has not ended) and Finished, its subtabs the types.
pub static SESSIONS: ListSpec = ListSpec {
    name: "sessions",
    properties: &[
        Property { key: "name", label: "Session name", kind: Kind::Text },
        Property { key: "status", label: "Status", kind: Kind::Choice(Status::CHOICES) },
        Property { key: "owner", label: "Owner", kind: Kind::Text },
        Property { key: "project", label: "Project", kind: Kind::Text },
        Property { key: "resource_group", label: "Resource group", kind: Kind::Text },
        Property { key: "agent", label: "Agent", kind: Kind::Text },
        Property { key: "image", label: "Environment", kind: Kind::Text },
        Property { key: "cpu", label: "CPU", kind: Kind::Number },
        Property { key: "priority", label: "Priority", kind: Kind::Number },
        Property { key: "created_at", label: "Created", kind: Kind::Date },
        Property { key: "id", label: "Session ID", kind: Kind::Id },
        Property { key: "kind", label: "", kind: Kind::Choice(SessionType::CHOICES) },
        Property { key: "access_key", label: "", kind: Kind::Text },
    ],
    sorts: &["created_at", "name", "status", "cpu", "mem", "priority"],
    default_sort: Sort { key: "created_at", descending: true },
    tabs: &[("running", "Running"), ("finished", "Finished")],
    subtabs: &[("all", "All"), ("interactive", "Interactive"), ("batch", "Batch")],
};

/// The sessions that wait in one resource group. Its order is the queue's own.
pub static QUEUE: ListSpec = ListSpec {
    name: "queue",
    properties: &[
        Property { key: "name", label: "Session name", kind: Kind::Text },
        Property { key: "owner", label: "Owner", kind: Kind::Text },
        Property { key: "project", label: "Project", kind: Kind::Text },
        Property { key: "kind", label: "Type", kind: Kind::Choice(SessionType::CHOICES) },
        Property { key: "priority", label: "Priority", kind: Kind::Number },
        Property { key: "created_at", label: "Created", kind: Kind::Date },
    ],
    sorts: &["position"],
    default_sort: Sort { key: "position", descending: false },
    tabs: &[],
    subtabs: &[],
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_are_told_apart_in_words() {
        assert_eq!(Outcome::Exited(3).describe(), "Exit code 3");
        assert_eq!(Outcome::Signalled(9).describe(), "Ended by signal 9 (KILL)");
        assert!(Outcome::OutOfMemory.describe().starts_with("Out of memory"));
    }

    proptest! {
        #[test]
        fn no_walk_of_the_state_machine_leaves_a_final_state(steps in proptest::collection::vec(0usize..8, 1..30)) {
            let mut now = Status::Pending;
            for step in steps {
                let next = Status::ALL[step];
                if now.may_become(next) {
                    prop_assert!(!now.is_final());
                    // Resources are held only between a place on an agent and the end.
                    if next.occupies() && !now.occupies() {
                        prop_assert_eq!((now, next), (Status::Pending, Status::Scheduled));
                    }
                    now = next;
                }
            }
        }
    }
}
