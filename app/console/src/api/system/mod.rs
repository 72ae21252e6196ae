//! The system: the audit trail and settings.

pub mod audit;
pub mod settings;
