//! The system: the audit trail, events, settings, background tasks.

pub(crate) mod audit;
pub(crate) mod events;
pub(crate) mod keeping;
pub(crate) mod settings;
pub(crate) mod tasks;
