//! The cluster: agents, resource groups, and the resources that they offer.

pub(crate) mod agents;
pub(crate) mod resource_groups;
pub(crate) mod resources;
