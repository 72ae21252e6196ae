//! The system: the audit trail, events, settings.

pub(crate) mod audit;
pub(crate) mod events;
pub(crate) mod settings;
