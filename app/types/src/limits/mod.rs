//! Limits: resource policies and resource presets.

pub mod policies;
pub mod presets;
