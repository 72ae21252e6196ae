//! The system: the audit trail, settings, background tasks.

pub mod audit;
pub mod settings;
pub mod tasks;
