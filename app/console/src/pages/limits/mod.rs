//! Limits: resource policies and presets.

pub(crate) mod policies;
pub(crate) mod presets;
