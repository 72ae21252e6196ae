//! The cluster: agents and resource groups.

pub mod agents;
pub mod resource_groups;
