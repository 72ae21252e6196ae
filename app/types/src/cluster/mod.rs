//! The cluster: agents, resource groups, and the slots that agents have.

pub mod agents;
pub mod resource_groups;
pub mod slots;
