//! The system: the audit trail, events, settings, background tasks.

pub(crate) mod audit;
pub(crate) mod cleaner;
pub(crate) mod events;
pub(crate) mod settings;
pub(crate) mod tasks;
