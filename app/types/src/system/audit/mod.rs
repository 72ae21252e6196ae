//! The audit trail: who did what, from where, and the state before.

mod wording;

pub use wording::{FieldChange, Subject, changes, wording};

use crate::id::UserId;
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// One record in the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    pub id: i64,
    pub at: Millis,
    /// `None` if the server, or a person at its command line, did it.
    pub actor: Option<UserId>,
    pub actor_email: String,
    pub address: String,
    /// The action, such as `edit user`.
    pub action: String,
    /// The id of the thing it was done to.
    pub subject: String,
    /// Its name now, where that is another.
    pub subject_name: String,
    /// JSON with the changes and the state before, without secrets.
    pub detail: String,
}

/// The list of audit records.
pub static AUDIT: ListSpec = ListSpec {
    name: "audit",
    properties: &[
        Property { key: "actor", label: "Who", kind: Kind::Text },
        Property { key: "action", label: "Action", kind: Kind::Text },
        Property { key: "subject", label: "Target", kind: Kind::Text },
        Property { key: "address", label: "Address", kind: Kind::Text },
        Property { key: "at", label: "When", kind: Kind::Date },
        Property { key: "actor_id", label: "", kind: Kind::Id },
    ],
    sorts: &["at"],
    default_sort: Sort { key: "at", descending: true },
    tabs: &[],
    subtabs: &[],
};
