//! The specification of a container: all that an engine needs to start it.
//!
//! A spec is kept on disk while its container runs, and may be read by other versions. New fields therefore need a default, and
//! no field is ever renamed.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use types::quantity::{Quantity, Slots};

/// One container to be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchSpec {
    /// The session's name.
    pub name: String,
    /// The container's host name, if the engine can set one. Empty means the session's name.
    #[serde(default)]
    pub host_name: String,
    /// The name of its environment, as offered by [`Engine::images`](crate::Engine::images).
    #[serde(default)]
    pub image: String,
    pub what: Launch,
    /// Processor cores.
    pub cpu: Quantity,
    /// Bytes of memory.
    pub mem: i64,
    /// All resources that it was given, including `cpu` and `mem`.
    #[serde(default)]
    pub slots: Slots,
    /// Bytes of its memory that may be used as shared memory.
    #[serde(default)]
    pub shared_memory: Option<i64>,
    /// Variables added to the environment, in this order.
    pub env: Vec<(String, String)>,
    /// Folders of the agent that appear in the container.
    #[serde(default)]
    pub mounts: Vec<Mount>,
    /// TCP ports that its programs listen on. [`Engine::connect`](crate::Engine::connect) reaches only these.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// The user and group ids of its processes. Without them the engine chooses.
    #[serde(default)]
    pub user: Option<RunAs>,
    /// The initial working directory, as its processes see it. Without one it is their home; a relative path starts there.
    #[serde(default)]
    pub working_directory: Option<PathBuf>,
}

/// The kind of work that a container does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Launch {
    /// No command: people open terminals in it until it is stopped.
    Interactive,
    /// This command, run by a shell.
    Batch(String),
}

/// A folder of the agent that appears in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// The folder on the agent, absolute.
    pub source: PathBuf,
    /// The path inside the container, absolute.
    pub target: PathBuf,
    pub read_only: bool,
}

/// The user and group ids that processes run under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAs {
    pub uid: u32,
    pub gid: u32,
    /// Supplementary groups.
    #[serde(default)]
    pub gids: Vec<u32>,
}
