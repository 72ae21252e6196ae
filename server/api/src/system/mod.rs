//! The system: background tasks.

pub(crate) mod tasks;
