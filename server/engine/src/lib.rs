//! Where sessions run: one trait, one module per engine.
//!
//! A session is one container or several. Everything is keyed by the container's id and can be asked twice: a control plane that
//! was killed at any moment asks again and closes the difference between what should be and what is. `several` makes one engine of
//! many. Deliberately absent: the database, people and limits.

mod changes;
mod error;
mod host;
pub mod local;
pub mod several;
pub mod simulated;
mod spec;

pub use changes::{Change, Changes};
pub use error::EngineError;
pub use spec::{Launch, LaunchSpec, Mount, RunAs};

use async_trait::async_trait;
use std::fmt;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use types::cluster::agents::AgentReport;
use types::id::ContainerId;
use types::sessions::launch::ImageOffer;
use types::sessions::{LogChunk, Outcome, Usage};
use types::time::Millis;

/// A container and the agent that it is on: all that an engine needs to find it.
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
    /// Those that answer. One that is missing is silent, and may be gone.
    pub reports: Vec<AgentReport>,
    /// Names of engines (as in [`AgentReport::engine`]) that do not answer. Their agents are silent, but nothing says that they are
    /// gone.
    pub away: Vec<String>,
}

/// An environment that sessions can run in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub offer: ImageOffer,
    /// Names of the engines (as in [`AgentReport::engine`]) whose agents run it.
    pub engines: Vec<String>,
}

/// What an engine knows of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// The engine has never heard of it: starting it is safe.
    Unknown,
    /// It was started and has not been seen running yet.
    Starting,
    /// Its process is alive since then.
    Running(Millis),
    /// It is over.
    Ended { outcome: Outcome, at: Millis },
}

/// How to end a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ask its processes to end (SIGTERM), and kill what is left after this time.
    Gently(Duration),
    /// Kill every process at once.
    Now,
}

/// The two ends of an open terminal.
pub struct Terminal {
    /// What the terminal prints.
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    /// What is typed into it.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// Send (columns, rows) when the window changes.
    pub resize: tokio::sync::mpsc::Sender<(u16, u16)>,
}

/// Bytes both ways.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// An open connection to a port inside a container.
pub type Connection = Box<dyn ByteStream>;

/// An engine: it has agents, and containers run on them.
///
/// # Errors
///
/// Every method may answer [`EngineError::AgentAway`] (nothing can be said of that agent now, and nothing follows from it) and
/// [`EngineError::Failed`].
#[async_trait]
pub trait Engine: Send + Sync {
    /// The agents, with what they have and what is in use now.
    ///
    /// # Errors
    ///
    /// When the engine as a whole does not answer: then nothing is known about any of its agents.
    async fn agents(&self) -> Result<Agents, EngineError>;

    /// The environments that containers can be started in.
    ///
    /// # Errors
    ///
    /// When the engine as a whole does not answer.
    async fn images(&self) -> Result<Vec<Image>, EngineError>;

    /// Starts a container, unless it was started before: then nothing happens. Returns soon; what takes long, such as fetching an
    /// image, goes on afterwards and is [`RunState::Starting`] meanwhile.
    ///
    /// # Errors
    ///
    /// [`EngineError::Full`] when the agent has no room yet, [`EngineError::Unsupported`] when the engine cannot do what the spec
    /// asks for. Nothing of the container was started then.
    async fn start(&self, place: &Place, spec: &LaunchSpec) -> Result<(), EngineError>;

    /// Ends a container; returns at once. One that has ended, or never was, stays so.
    ///
    /// # Errors
    ///
    /// Only those that every method has.
    async fn stop(&self, place: &Place, how: Stop) -> Result<(), EngineError>;

    /// Every container that is alive on an agent that answers.
    ///
    /// # Errors
    ///
    /// When the engine as a whole does not answer.
    async fn containers(&self) -> Result<Vec<Place>, EngineError>;

    /// The states of many containers, one answer for each in the order of the places. An error means that the engine cannot say:
    /// nothing follows from it.
    async fn states(&self, places: &[Place]) -> Vec<Result<RunState, EngineError>>;

    /// The state of one container.
    ///
    /// # Errors
    ///
    /// When the engine cannot say.
    async fn state(&self, place: &Place) -> Result<RunState, EngineError> {
        let answer = self.states(std::slice::from_ref(place)).await.pop();
        answer.unwrap_or_else(|| Err(EngineError::AgentAway(place.agent.clone())))
    }

    /// Up to `max` bytes of log from byte `from` on.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownContainer`], from engines that can tell.
    async fn log(&self, place: &Place, from: u64, max: usize) -> Result<LogChunk, EngineError>;

    /// Measurements later than `after`, oldest first, at most one a second and at most the last ten minutes' worth.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownContainer`], from engines that can tell.
    async fn usage(&self, place: &Place, after: Millis) -> Result<Vec<Usage>, EngineError>;

    /// Opens a terminal in a running interactive container.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownContainer`], [`EngineError::NotRunning`].
    async fn terminal(&self, place: &Place, columns: u16, rows: u16) -> Result<Terminal, EngineError>;

    /// Connects to a TCP port inside a running container: one of the ports that its spec names.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownContainer`], [`EngineError::NotRunning`], [`EngineError::PortNotAsked`],
    /// [`EngineError::PortSilent`].
    async fn connect(&self, place: &Place, port: u16) -> Result<Connection, EngineError>;

    /// The places of containers whose state changed, from now on.
    fn changes(&self) -> Changes;
}
