//! How many containers a session has, and where they may lie.

use crate::quantity::Slots;
use serde::{Deserialize, Serialize};

/// Where the containers of one session may lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterMode {
    /// All on one agent.
    #[default]
    SingleNode,
    /// Each where there is room.
    MultiNode,
}

crate::words::words!(ClusterMode {
    SingleNode = "single-node", "Single node";
    MultiNode = "multi-node", "Multi node";
});

/// How many containers a session has, all alike, and how they lie.
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
    /// What all containers ask for together, when each asks for `each`.
    pub fn of_all(self, each: &Slots) -> Slots {
        each.times(self.size)
    }

    /// The name of container number `index` inside the session: `main1`, `sub1`, `sub2`, …
    pub fn host_name(index: u32) -> String {
        if index == 0 { "main1".into() } else { format!("sub{index}") }
    }
}
