//! Limits: resource policies and presets.

pub mod policies;
pub mod presets;
