//! The system: the audit trail, settings, maintenance.

pub mod audit;
pub mod maintenance;
pub mod settings;
