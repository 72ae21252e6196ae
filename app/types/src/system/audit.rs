//! The audit trail: who did what, from where, and what it was before.

use crate::id::UserId;
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    pub id: i64,
    pub at: Millis,
    /// Nobody for what the server or somebody at its command line did.
    pub actor: Option<UserId>,
    pub actor_email: String,
    pub address: String,
    /// Such as `edit user`.
    pub action: String,
    /// The id of what it was done to.
    pub subject: String,
    /// JSON: what was changed and how it was before, never a secret.
    pub detail: String,
}

/// The list of records.
pub static AUDIT: ListSpec = ListSpec {
    name: "audit",
    properties: &[
        Property { key: "actor", label: "Who", kind: Kind::Text },
        Property { key: "action", label: "Action", kind: Kind::Text },
        Property { key: "subject", label: "Of what", kind: Kind::Text },
        Property { key: "address", label: "From where", kind: Kind::Text },
        Property { key: "at", label: "When", kind: Kind::Date },
    ],
    sorts: &["at"],
    default_sort: Sort { key: "at", descending: true },
    tabs: &[],
    subtabs: &[],
};
