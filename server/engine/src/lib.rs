//! Where sessions run: one trait, one module per engine.
//!
//! A session is one container or several; everything is keyed by the container's id and can be asked twice: a control plane that was killed at any moment asks again and
//! closes the difference between what should be and what is. Deliberately absent: the database, people and limits.

pub mod local;
pub mod simulated;

use async_trait::async_trait;
use types::cluster::agents::AgentReport;
use types::id::ContainerId;
use types::quantity::{Quantity, Slots};
use types::sessions::{LogChunk, Outcome, Usage};
use types::time::Millis;

/// What an engine needs to know to start a session.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LaunchSpec {
    /// The session's name.
    pub name: String,
    /// What the container calls itself, where the engine can give it a name; the session's when empty.
    #[serde(default)]
    pub host_name: String,
    pub what: Launch,
    pub cpu: Quantity,
    /// Bytes.
    pub mem: i64,
    /// Everything that it was given, with `cpu` and `mem` among it.
    #[serde(default)]
    pub slots: Slots,
    /// Bytes of its memory that processes may share.
    #[serde(default)]
    pub shared_memory: Option<i64>,
    /// Variables added to the session's environment.
    pub env: Vec<(String, String)>,
}

/// What runs in a session.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Launch {
    /// Nothing by itself: terminals are opened in it until it is stopped.
    Interactive,
    /// This command, given to a shell.
    Batch(String),
}

/// What an engine knows of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Never heard of it: starting it is safe.
    Unknown,
    /// It was told to start it and has not seen it run yet.
    Starting,
    /// Its process is alive since then.
    Running(Millis),
    /// It is over.
    Ended { outcome: Outcome, at: Millis },
}

/// How to end a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ask its processes to end (SIGTERM), and kill what is left after this many milliseconds.
    Gently(u64),
    /// Kill every process at once.
    Now,
}

/// The two ends of an open terminal.
pub struct Terminal {
    /// What the terminal prints.
    pub output: Box<dyn tokio::io::AsyncRead + Send + Unpin>,
    /// What is typed into it.
    pub input: Box<dyn tokio::io::AsyncWrite + Send + Unpin>,
    /// Send (columns, rows) when the window changes.
    pub resize: tokio::sync::mpsc::Sender<(u16, u16)>,
}

/// Why an engine could not do something. The text is for the log and, where it concerns one session, for its history.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the session is not known here")]
    UnknownSession,
    #[error("the session is not running")]
    NotRunning,
    /// Nothing is known of what is there until it answers.
    #[error("agent {0} does not answer")]
    AgentAway(String),
    #[error("agent {0} has no room for it")]
    Full(String),
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
}

impl EngineError {
    /// An input or output error while doing `what`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// A place where sessions run.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The machines, with what they have and what is in use now.
    async fn agents(&self) -> Result<Vec<AgentReport>, EngineError>;

    /// Starts a container on an agent, unless it was started before: then nothing happens.
    async fn start(&self, id: ContainerId, agent: &str, spec: &LaunchSpec) -> Result<(), EngineError>;

    /// Ends a container; returns at once. One that has ended, or never was, stays so.
    async fn stop(&self, id: ContainerId, how: Stop) -> Result<(), EngineError>;

    /// Every container that is alive, with its agent.
    async fn containers(&self) -> Result<Vec<(ContainerId, String)>, EngineError>;

    /// What became of a container.
    async fn state(&self, id: ContainerId) -> Result<RunState, EngineError>;

    /// Up to `max` bytes of log from byte `from` on.
    async fn log(&self, id: ContainerId, from: u64, max: usize) -> Result<LogChunk, EngineError>;

    /// Measurements later than `after`, oldest first, at most one a second and at most the last ten minutes' worth.
    async fn usage(&self, id: ContainerId, after: Millis) -> Result<Vec<Usage>, EngineError>;

    /// Opens a terminal in a running interactive session.
    async fn terminal(&self, id: ContainerId, columns: u16, rows: u16) -> Result<Terminal, EngineError>;

    /// Ids of containers whose state changed. A receiver that lags asks for the state of each one it cares for.
    fn changes(&self) -> tokio::sync::broadcast::Receiver<ContainerId>;
}
