//! Limits: resource policies, presets, and the rate limit of requests.

pub(crate) mod policies;
pub(crate) mod presets;
pub(crate) mod rates;
