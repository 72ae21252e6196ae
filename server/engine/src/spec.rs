//! What an engine needs to know to start a container.
//!
//! A spec is kept on disk beside a container that runs, and read again by other versions: fields may be added with a default, and
//! none is renamed.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use types::quantity::{Quantity, Slots};

/// One container, as it is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchSpec {
    /// The session's name.
    pub name: String,
    /// The container's host name, where the engine can give it one; the session's name when empty.
    #[serde(default)]
    pub host_name: String,
    /// The environment that it runs in, by the name under which [`Engine::images`](crate::Engine::images) offers it.
    #[serde(default)]
    pub image: String,
    pub what: Launch,
    /// Processor cores.
    pub cpu: Quantity,
    /// Bytes of memory.
    pub mem: i64,
    /// Everything that it was given, with `cpu` and `mem` among it.
    #[serde(default)]
    pub slots: Slots,
    /// Bytes of its memory that processes may share.
    #[serde(default)]
    pub shared_memory: Option<i64>,
    /// Variables added to the environment, in this order.
    pub env: Vec<(String, String)>,
    /// Folders of the agent that it sees.
    #[serde(default)]
    pub mounts: Vec<Mount>,
    /// TCP ports that programs in it listen on, and that [`Engine::connect`](crate::Engine::connect) reaches.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// The ids that its processes have; the engine chooses when there are none.
    #[serde(default)]
    pub user: Option<RunAs>,
    /// Where its processes begin, as they see it; their home when there is none, and below it when relative.
    #[serde(default)]
    pub working_directory: Option<PathBuf>,
}

/// What runs in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Launch {
    /// Nothing by itself: terminals are opened in it until it is stopped.
    Interactive,
    /// This command, given to a shell.
    Batch(String),
}

/// A folder of the agent that a container sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// The folder on the agent, absolute.
    pub source: PathBuf,
    /// Where it appears inside, absolute.
    pub target: PathBuf,
    pub read_only: bool,
}

/// The numbers under which processes run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAs {
    pub uid: u32,
    pub gid: u32,
    /// Supplementary groups.
    #[serde(default)]
    pub gids: Vec<u32>,
}
