//! Events: one line per change, sent to every open page that may see it.

use crate::id::{DomainId, UserId};
use serde::{Deserialize, Serialize};

/// What kind of thing changed: a page refreshes when one of its topics does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    Session,
    User,
    Agent,
    Keypair,
    /// Domains as well.
    Project,
    /// Resource policies and presets.
    Policy,
    /// Resource groups and what they go by.
    Group,
}

crate::words::words!(Topic {
    Session = "session", "Session";
    User = "user", "User";
    Agent = "agent", "Agent";
    Keypair = "keypair", "Keypair";
    Project = "project", "Project";
    Policy = "policy", "Policy";
    Group = "group", "Group";
});

/// A change. Carries no contents, so that a page always asks for what it may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Grows by one with every change; a dropped stream goes on after the last one it saw.
    pub id: i64,
    pub topic: Topic,
    /// The id of what changed.
    pub subject: String,
    /// A sentence for the notification list of `owner`, when there is one.
    pub notice: Option<String>,
}

/// Who may hear of an event besides those who see everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audience {
    pub owner: Option<UserId>,
    pub domain: Option<DomainId>,
}

impl Audience {
    /// Those who see everything, and nobody else.
    pub const ADMINISTRATORS: Self = Self { owner: None, domain: None };

    /// Those who administer this domain.
    pub fn domain(domain: DomainId) -> Self {
        Self { owner: None, domain: Some(domain) }
    }

    /// A person, and those who administer their domain.
    pub fn person(owner: UserId, domain: DomainId) -> Self {
        Self { owner: Some(owner), domain: Some(domain) }
    }
}
