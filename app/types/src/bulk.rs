//! The answer to an action on several things at once: one result for each.

use crate::Problem;
use serde::{Deserialize, Serialize};

/// The result for one of several things that were to be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkResult {
    /// The thing's name, as people know it.
    pub name: String,
    /// Why it was not changed; `None` if it was.
    pub problem: Option<Problem>,
}
