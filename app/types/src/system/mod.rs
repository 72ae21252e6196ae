//! The system: the audit trail and events.

pub mod audit;
pub mod events;
