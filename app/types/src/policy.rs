//! Resource policies: how much the sessions of one keypair may hold together.

use crate::quantity::Slots;
use serde::{Deserialize, Serialize};

/// The limits that follow a keypair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeypairPolicy {
    pub name: String,
    /// Sessions at one time.
    pub max_sessions: u32,
    /// What they may hold together; a slot that is not named is not limited.
    pub total: Slots,
}
