//! The system: the audit trail, settings, maintenance.

pub(crate) mod audit;
pub(crate) mod maintenance;
pub(crate) mod settings;
