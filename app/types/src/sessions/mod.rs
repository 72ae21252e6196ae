//! Sessions: their types, the states they pass through, and how they can end.

mod cluster;
mod ending;
pub mod launch;
mod row;

pub use cluster::{Cluster, ClusterMode};
pub use ending::{Ending, StopCause};
pub use row::SessionRow;

use crate::id::{DomainId, ProjectId, SessionId};
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::quantity::bytes;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// The purpose of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionType {
    /// Runs until it is terminated and offers a terminal.
    Interactive,
    /// Runs one command and ends with it.
    Batch,
    /// Serves a model. Only its model service starts it.
    Inference,
}

/// The states of a session. [`Status::may_become`] lists the only moves between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// In the queue.
    Pending,
    /// Assigned to agents.
    Scheduled,
    /// The engine is starting it.
    Preparing,
    Running,
    /// The engine is ending it.
    Terminating,
    /// Ended. Its outcome says how.
    Terminated,
    /// Withdrawn before it ran.
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
    /// Whether `next` may follow this state. This is the only state machine.
    pub fn may_become(self, next: Self) -> bool {
        use Status::*;
        matches!(
            (self, next),
            (Pending, Scheduled | Cancelled | Error)
                // Back to the queue when the assigned agent was lost before the session started.
                | (Scheduled, Pending | Preparing | Cancelled | Error)
                | (Preparing, Running | Terminating | Terminated | Error)
                | (Running, Terminating | Terminated | Error)
                | (Terminating, Terminated | Error)
        )
    }

    /// Whether no state follows this one.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Terminated | Self::Cancelled | Self::Error)
    }

    /// Whether a session in this state holds resources on an agent.
    pub fn occupies(self) -> bool {
        matches!(self, Self::Scheduled | Self::Preparing | Self::Running | Self::Terminating)
    }
}

/// How a session's process ended, as reported by the operating system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It exited with this code.
    Exited(i32),
    /// It was ended by this signal, from outside or from itself.
    Signalled(i32),
    /// It used more memory than it had asked for.
    OutOfMemory,
    /// It never ran. The text says why.
    NotStarted(String),
    /// Its supervisor ended without a report, for example because the machine was switched off.
    Lost,
}

impl Outcome {
    /// Describes the end in words: `Exit code 0`, `Ended by signal 9 (KILL)`, `Out of memory`.
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

    /// Whether the session finished successfully, with exit code 0.
    pub fn is_success(&self) -> bool {
        *self == Self::Exited(0)
    }
}

/// Describes processes that were killed because their container's memory, of `limit` bytes, was used up.
pub fn killed_for_memory(processes: u64, limit: i64) -> String {
    let limit = bytes(limit);
    match processes {
        1 => format!("1 process was killed for using more memory than {limit}"),
        n => format!("{n} processes were killed for using more memory than {limit}"),
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

/// One measurement of a session's use of resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub at: Millis,
    /// Processor time of all its processes since the start, in milliseconds.
    pub cpu_ms: u64,
    /// Bytes of memory in use now.
    pub mem: u64,
    /// The number of processes alive now.
    pub processes: u32,
}

/// A chunk of a session's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogChunk {
    /// The text, with every byte that is not UTF-8 replaced.
    pub text: String,
    /// The offset of its first byte.
    pub from: u64,
    /// The offset of the next chunk in bytes. Pass it back to continue.
    pub next: u64,
    /// The offset of the oldest byte that is still kept: a log has a bounded size.
    pub first: u64,
    /// All bytes written so far, including those that are no longer kept.
    pub size: u64,
    /// Whether the session has ended and this is the last chunk.
    pub end: bool,
}

/// The length of a resource group's queue, as far as the reader may see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueLength {
    pub group: String,
    pub active: bool,
    pub waiting: u32,
    /// Its agents that are out of service, with the reasons; only for people who may read agents.
    pub closed: Vec<String>,
}

/// One change of a session's status.
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
    /// Variables added to its environment. Hidden values are empty.
    pub env: Vec<(String, String)>,
    /// Ports that its programs listen on.
    pub ports: Vec<u16>,
    /// Bytes of its memory that processes may share.
    pub shared_memory: Option<i64>,
    /// Its earliest start.
    pub starts_at: Option<Millis>,
    /// Seconds that a batch session may run.
    pub timeout: Option<u32>,
    pub depends_on: Vec<DependencyState>,
    pub outcome: Option<Outcome>,
    pub history: Vec<StatusChange>,
    /// The checks that may end it; empty once it has ended.
    pub checks: Vec<IdleCheck>,
    /// The disk that it holds, if its policy limits that; known once it was measured, until it has ended.
    pub disk: Option<DiskUse>,
    /// The server's clock when this was read, for comparison with the times in `checks`.
    pub now: Millis,
    /// Whether the caller may end it and open its terminal.
    pub may_control: bool,
    /// Whether it has ended, its files are still kept, and the caller may download and delete them.
    pub files: bool,
}

/// A session that another one waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyState {
    pub id: SessionId,
    pub name: String,
    pub status: Status,
    pub success: bool,
}

/// A check that ends a session after a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdleCheck {
    pub kind: CheckKind,
    /// When it ends the session if nothing changes.
    pub at: Millis,
    /// The limit, in seconds.
    pub limit: u32,
    /// The policy or group that sets the limit; empty if the session itself does.
    pub policy: String,
}

/// The disk that a session holds, beside the limit that ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskUse {
    /// Bytes.
    pub used: i64,
    /// Bytes.
    pub limit: i64,
    /// The keypair policy that sets the limit.
    pub policy: String,
}

/// The kinds of limits on a session's time, by the moment from which they count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// Since its request.
    SessionLifetime,
    /// Since its last activity.
    IdleTimeout,
    /// Since its command was started.
    BatchTimeout,
    /// Since it entered the queue.
    PendingTimeout,
}

crate::words::words!(CheckKind {
    SessionLifetime = "session_lifetime", "Session lifetime";
    IdleTimeout = "idle_timeout", "Idle timeout";
    BatchTimeout = "batch_timeout", "Batch job timeout";
    PendingTimeout = "pending_timeout", "Pending timeout";
});

/// A session's current use, for a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utilization {
    pub id: SessionId,
    /// Thousandths of the cores that it asked for.
    pub cpu: u32,
    /// Thousandths of the memory that it asked for.
    pub mem: u32,
}

/// The list of sessions. Its tabs are Running (all sessions that have not ended) and Finished; its subtabs are the types.
pub static SESSIONS: ListSpec = ListSpec {
    name: "sessions",
    properties: &[
        Property { key: "name", label: "Session name", kind: Kind::Text },
        Property { key: "status", label: "Status", kind: Kind::Choice(Status::CHOICES) },
        Property { key: "ending", label: "Outcome", kind: Kind::Choice(Ending::CHOICES) },
        Property { key: "owner", label: "Owner", kind: Kind::Text },
        Property { key: "project", label: "Project", kind: Kind::Text },
        Property { key: "resource_group", label: "Resource group", kind: Kind::Text },
        Property { key: "agent", label: "Agent", kind: Kind::Text },
        Property { key: "image", label: "Environment", kind: Kind::Text },
        Property { key: "cpu", label: "CPU", kind: Kind::Number },
        Property { key: "priority", label: "Priority", kind: Kind::Number },
        Property { key: "memory_kills", label: "Out-of-memory kills", kind: Kind::Number },
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

/// The sessions waiting in one resource group, in the order of its queue.
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
    fn outcomes_are_described_in_different_words() {
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
