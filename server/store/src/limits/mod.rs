//! Limits: resource policies and who follows them, presets, counted requests.

pub(crate) mod followers;
pub(crate) mod policies;
pub(crate) mod presets;
pub(crate) mod rates;
