//! The system: the audit trail, events, background tasks.

pub mod audit;
pub mod events;
pub mod tasks;
