//! Events: one for each change, sent to every open page that may see it.

use crate::id::{DomainId, UserId};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// The kind of thing that changed. A page refreshes when one of its topics does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    Session,
    User,
    Agent,
    Keypair,
    /// Projects and domains.
    Project,
    /// Resource policies and presets.
    Policy,
    /// Resource groups and their default settings.
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

/// A change. It carries no contents, so that a page always requests them and gets only those it may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Grows by one with every change. A dropped stream resumes after the last one it saw.
    pub id: i64,
    pub at: Millis,
    pub topic: Topic,
    /// The id of the thing that changed.
    pub subject: String,
    /// A sentence for the notification list of the owner, if there is one.
    pub notice: Option<String>,
}

/// The people who may receive an event, besides those who see everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audience {
    pub owner: Option<UserId>,
    pub domain: Option<DomainId>,
}

impl Audience {
    /// Only people who see everything.
    pub const ADMINISTRATORS: Self = Self { owner: None, domain: None };

    /// The administrators of this domain.
    pub fn domain(domain: DomainId) -> Self {
        Self { owner: None, domain: Some(domain) }
    }

    /// A person, and the administrators of their domain.
    pub fn person(owner: UserId, domain: DomainId) -> Self {
        Self { owner: Some(owner), domain: Some(domain) }
    }
}
