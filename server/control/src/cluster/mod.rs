//! The cluster: agents, resource groups, and the recalculation of usage.

pub(crate) mod agents;
pub(crate) mod recalculate;
pub(crate) mod resource_groups;
