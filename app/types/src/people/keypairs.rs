//! Keypairs: they sign requests, and limits are counted by them.

use crate::Problem;
use crate::id::UserId;
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// The largest rate limit of a keypair, in requests per 15 minutes (`docs/spec/limits.md`, "Rate limit").
pub const MAX_RATE_LIMIT: u32 = 50_000;
/// The rate limit of a keypair if nobody chose one, in requests per 15 minutes.
pub const DEFAULT_RATE_LIMIT: u32 = 10_000;
/// A rate limit at or below this, in requests per 15 minutes, may block calls such as signing in and deserves a warning.
pub const LOW_RATE_LIMIT: u32 = 100;

/// One keypair in the list. Its secret key is requested separately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeypairRow {
    pub access_key: String,
    pub user: UserId,
    /// The owner's email.
    pub owner: String,
    /// The owner's full name.
    pub owner_name: String,
    /// Names of the owner's projects.
    pub projects: Vec<String>,
    /// Whether the owner administers people.
    pub admin: bool,
    pub main: bool,
    pub active: bool,
    pub policy: String,
    /// Requests per 15 minutes.
    pub rate_limit: u32,
    /// The number of requests ever signed with it.
    pub queries: u64,
    /// The number of sessions that have not ended.
    pub sessions: u32,
    pub created_at: Millis,
    pub last_used: Option<Millis>,
}

/// Changes to a keypair; a `None` field is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EditKeypair {
    pub active: Option<bool>,
    pub policy: Option<String>,
    pub rate_limit: Option<u32>,
    /// Only ever `true`: a person changes their main keypair by choosing another one.
    pub main: Option<bool>,
}

impl EditKeypair {
    /// The edit that changes nothing about this keypair: each field as it is.
    pub fn as_it_is(row: &KeypairRow) -> Self {
        Self { active: Some(row.active), policy: Some(row.policy.clone()), rate_limit: Some(row.rate_limit), main: None }
    }

    /// Checks every field, for any caller. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        check_rate_limit(self.rate_limit)
    }
}

/// A request for a new keypair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateKeypair {
    /// The owner's email or username; the caller if empty.
    pub owner: String,
    pub policy: String,
    pub rate_limit: u32,
}

impl CreateKeypair {
    /// Checks every field, for any caller. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        check_rate_limit(Some(self.rate_limit))
    }
}

/// Formats [`MAX_RATE_LIMIT`] for a sentence, such as `50,000`.
pub fn max_rate_limit() -> String {
    format!("{},{:03}", MAX_RATE_LIMIT / 1000, MAX_RATE_LIMIT % 1000)
}

fn check_rate_limit(limit: Option<u32>) -> Result<(), Problem> {
    match limit {
        Some(limit) if limit > MAX_RATE_LIMIT => {
            Err(Problem::field("rate_limit", format!("A whole number from 0 to {}.", max_rate_limit())))
        }
        _ => Ok(()),
    }
}

/// A new keypair with its secret key, shown once after it was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKeypair {
    /// The owner's email.
    pub owner: String,
    pub access_key: String,
    pub secret_key: String,
}

/// The list of keypairs.
pub static KEYPAIRS: ListSpec = ListSpec {
    name: "keypairs",
    properties: &[
        Property { key: "owner", label: "User ID", kind: Kind::Text },
        Property { key: "domain", label: "Domain", kind: Kind::Text },
        Property { key: "access_key", label: "Access key", kind: Kind::Text },
        Property { key: "policy", label: "Keypair policy", kind: Kind::Text },
        Property { key: "main", label: "Main access key", kind: Kind::Flag },
        Property { key: "rate_limit", label: "Rate limit", kind: Kind::Number },
        Property { key: "created_at", label: "Created", kind: Kind::Date },
        Property { key: "last_used", label: "", kind: Kind::Date },
        Property { key: "active", label: "", kind: Kind::Flag },
        Property { key: "admin", label: "", kind: Kind::Flag },
        Property { key: "full_name", label: "", kind: Kind::Text },
        Property { key: "queries", label: "", kind: Kind::Number },
        Property { key: "project_name", label: "", kind: Kind::Text },
    ],
    sorts: &["created_at", "access_key", "owner", "policy", "rate_limit", "last_used"],
    default_sort: Sort { key: "created_at", descending: true },
    tabs: &[("active", "Active"), ("inactive", "Inactive")],
    subtabs: &[],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excessive_rate_limit_is_refused_with_the_largest_allowed() {
        let edit = |limit| EditKeypair { rate_limit: Some(limit), ..EditKeypair::default() };
        assert_eq!(edit(MAX_RATE_LIMIT).check(), Ok(()));
        let refused = Problem::field("rate_limit", "A whole number from 0 to 50,000.");
        assert_eq!(edit(MAX_RATE_LIMIT + 1).check(), Err(refused));
    }
}
