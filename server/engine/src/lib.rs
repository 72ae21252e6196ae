//! The engines that run sessions: one trait, and one module per engine.
//!
//! A session has one or more containers. Every call is keyed by the container's id and can be repeated: a control plane that was
//! killed at any moment repeats its calls until the actual state matches the desired one. `several` combines many engines into
//! one. Deliberately absent: the database, people and limits.

mod changes;
mod error;
mod host;
pub mod local;
pub mod several;
pub mod simulated;
mod spec;

#[cfg(fuzzing)]
pub use local::fuzz;

pub use changes::{Change, Changes};
pub use error::EngineError;
pub use spec::{Launch, LaunchSpec, Mount, RunAs};

use async_trait::async_trait;
use futures::future::BoxFuture;
use std::fmt;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use types::cluster::agents::AgentReport;
use types::id::ContainerId;
use types::sessions::launch::ImageOffer;
use types::sessions::{Outcome, Usage};
use types::time::Millis;

/// A container and its agent: all that an engine needs to find it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The agent's name, unique among all engines of one control plane.
    pub agent: String,
    pub container: ContainerId,
}

impl Place {
    pub fn new(agent: impl Into<String>, container: ContainerId) -> Self {
        Self { agent: agent.into(), container }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.container, self.agent)
    }
}

/// The agents of an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agents {
    /// The agents that answer. An agent that is missing here is silent and may be gone.
    pub reports: Vec<AgentReport>,
    /// Names of engines (as in [`AgentReport::engine`]) that do not answer. Their agents are silent, but not necessarily gone.
    pub away: Vec<String>,
}

/// An environment that sessions can run in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub offer: ImageOffer,
    /// Names of the engines (as in [`AgentReport::engine`]) whose agents can run it.
    pub engines: Vec<String>,
}

/// The state of a container, as far as its engine knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// The engine does not know it, so starting it is safe.
    Unknown,
    /// It was started but has not been seen running yet.
    Starting,
    /// Its process has been alive since this time.
    Running(Millis),
    /// It ended at this time.
    Ended { outcome: Outcome, at: Millis },
}

/// How to end a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ask its processes to end (SIGTERM), and kill those that are left after this time.
    Gently(Duration),
    /// Kill every process at once.
    Now,
}

/// The size of everything that a container holds on its agent's disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskSize {
    /// Bytes.
    Bytes(u64),
    /// It has more than this many folders inside each other, which cannot be measured.
    TooDeep(usize),
    /// It has a folder that even its owner cannot look into.
    Closed,
}

/// The two ends of an open terminal.
pub struct Terminal {
    /// Bytes that the terminal prints.
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    /// Bytes that are typed into the terminal.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// Receives (columns, rows) when the window changes.
    pub resize: tokio::sync::mpsc::Sender<(u16, u16)>,
}

/// A stream of bytes in both directions.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// An open connection to a port inside a container.
pub type Connection = Box<dyn ByteStream>;

/// A piece of a container's log, as its processes wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPiece {
    pub bytes: Vec<u8>,
    /// The offset of the first byte: later than the one asked for when the bytes before it are no longer kept.
    pub at: u64,
    /// The offset of the oldest byte that is kept.
    pub first: u64,
    /// All bytes written so far, including those that are no longer kept.
    pub size: u64,
    /// Whether the container has ended and the log ends with this piece.
    pub end: bool,
}

impl LogPiece {
    /// Returns the offset of the byte after this piece.
    pub fn next(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}

/// An engine: it has agents, which run containers.
///
/// # Errors
///
/// Every method may return [`EngineError::Failed`] or [`EngineError::AgentAway`]. The latter means that the agent's state is
/// unknown for now; callers must not conclude anything from it.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Returns the agents, with what they have and what is in use now.
    ///
    /// # Errors
    ///
    /// When the whole engine does not answer: then nothing is known about any of its agents.
    async fn agents(&self) -> Result<Agents, EngineError>;

    /// Returns the environments that containers can be started in.
    ///
    /// # Errors
    ///
    /// When the engine as a whole does not answer.
    async fn images(&self) -> Result<Vec<Image>, EngineError>;

    /// Starts a container. Does nothing if it was started before. Returns soon; slow work, such as fetching an image, continues
    /// afterwards, and the container is [`RunState::Starting`] meanwhile.
    ///
    /// # Errors
    ///
    /// [`EngineError::Full`] when the agent has no room yet, [`EngineError::Unsupported`] when the engine cannot do what the spec
    /// asks for. In both cases nothing was started.
    async fn start(&self, place: &Place, spec: &LaunchSpec) -> Result<(), EngineError>;

    /// Ends a container; returns at once. Does nothing if it has already ended or was never started.
    ///
    /// # Errors
    ///
    /// Only the errors common to all methods.
    async fn stop(&self, place: &Place, how: Stop) -> Result<(), EngineError>;

    /// Returns every container that is alive on an agent that answers.
    ///
    /// # Errors
    ///
    /// When the engine as a whole does not answer.
    async fn containers(&self) -> Result<Vec<Place>, EngineError>;

    /// Returns the states of many containers, one for each place in the same order. An error means that the state is unknown;
    /// callers must not conclude anything from it.
    async fn states(&self, places: &[Place]) -> Vec<Result<RunState, EngineError>>;

    /// Returns the state of one container.
    ///
    /// # Errors
    ///
    /// When the state is unknown.
    async fn state(&self, place: &Place) -> Result<RunState, EngineError> {
        let answer = self.states(std::slice::from_ref(place)).await.pop();
        answer.unwrap_or_else(|| Err(EngineError::AgentAway(place.agent.clone())))
    }

    /// Returns up to `max` bytes of log, starting at byte `from`; without bytes, it still says how far the log reaches.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownContainer`], from engines that can tell.
    async fn log(&self, place: &Place, from: u64, max: usize) -> Result<LogPiece, EngineError>;

    /// Returns a future that completes once the log may have grown or ended after this call. Engines that cannot tell let a second
    /// pass.
    async fn log_growth(&self, _place: &Place) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(Duration::from_secs(1)))
    }

    /// Returns measurements later than `after`, oldest first: at most one per second, and at most the last ten minutes.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownContainer`], from engines that can tell.
    async fn usage(&self, place: &Place, after: Millis) -> Result<Vec<Usage>, EngineError>;

    /// Returns how many processes of a container that has ended were killed because its memory was used up; 0 from engines that
    /// cannot tell.
    ///
    /// # Errors
    ///
    /// Only the errors common to all methods.
    async fn memory_kills(&self, _place: &Place) -> Result<u64, EngineError> {
        Ok(0)
    }

    /// Returns what a container holds on its agent's disk, counted up to a little more than `most` bytes; `None` from engines that
    /// cannot tell. May take as long as its files are many.
    ///
    /// # Errors
    ///
    /// Only the errors common to all methods.
    async fn disk(&self, _place: &Place, _most: u64) -> Result<Option<DiskSize>, EngineError> {
        Ok(None)
    }

    /// Opens a terminal in a running interactive container.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownContainer`], [`EngineError::NotRunning`].
    async fn terminal(&self, place: &Place, columns: u16, rows: u16) -> Result<Terminal, EngineError>;

    /// Connects to a TCP port inside a running container. The container's spec must name the port.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownContainer`], [`EngineError::NotRunning`], [`EngineError::PortNotAsked`],
    /// [`EngineError::PortSilent`].
    async fn connect(&self, place: &Place, port: u16) -> Result<Connection, EngineError>;

    /// Returns the folder of this machine that holds everything kept of a container; the session's own files are in `home` below
    /// it. `None` from engines that keep nothing on this machine. Its owner may remove it once the container has ended.
    async fn folder(&self, place: &Place) -> Option<std::path::PathBuf> {
        let _ = place;
        None
    }

    /// Returns the places of containers whose state changes from now on.
    fn changes(&self) -> Changes;
}
