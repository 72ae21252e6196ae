//! The cluster: agents and resource groups.

pub(crate) mod agents;
pub(crate) mod resource_groups;
