//! The answer of an action on several things at once: each has its own.

use crate::Problem;
use serde::{Deserialize, Serialize};

/// One of several things that were to be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkResult {
    /// The name that people know it by.
    pub name: String,
    /// The reason why it was not changed; `None` when it was.
    pub problem: Option<Problem>,
}
