//! The number of a session's containers, and where they may run.

use crate::quantity::Slots;
use serde::{Deserialize, Serialize};

/// Where the containers of one session may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterMode {
    /// All on one agent.
    #[default]
    SingleNode,
    /// Each on any agent with room.
    MultiNode,
}

crate::words::words!(ClusterMode {
    SingleNode = "single-node", "Single node";
    MultiNode = "multi-node", "Multi node";
});

/// The number of a session's containers, which are all alike, and where they may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cluster {
    pub mode: ClusterMode,
    /// At least one.
    pub size: u32,
}

impl Default for Cluster {
    fn default() -> Self {
        Self { mode: ClusterMode::SingleNode, size: 1 }
    }
}

impl Cluster {
    /// Returns what all containers ask for together if each asks for `each`.
    pub fn of_all(self, each: &Slots) -> Slots {
        each.times(self.size)
    }

    /// The number of containers and how they are placed: `1 container`, `4 × multi node`.
    pub fn describe(self) -> String {
        match self.size {
            1 => "1 container".into(),
            size => format!("{size} × {}", self.mode.label().to_lowercase()),
        }
    }

    /// Returns the host name of container number `index` inside the session: `main1`, `sub1`, `sub2`, …
    pub fn host_name(index: u32) -> String {
        if index == 0 { "main1".into() } else { format!("sub{index}") }
    }
}
