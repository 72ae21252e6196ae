//! Ids that cannot be mixed up: a session's id and a user's are different types.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A person's account. Never reused, because accounts are never deleted.
    UserId,
    /// A domain: the outermost boundary between groups of people.
    DomainId,
    /// A project inside a domain.
    ProjectId,
    /// A session, from the request for it until long after its end.
    SessionId,
    /// One container of a session, on one agent. Engines know a session by the ids of its containers.
    ContainerId,
    /// One signed-in browser.
    SignInId,
    /// A background task.
    TaskId,
}

impl ContainerId {
    /// Returns the id of container number `index` of a session. It is derived from the session's id, so that an engine can be
    /// asked for the same container after any crash. The first container's id is the session's own number.
    pub fn of(session: SessionId, index: u32) -> Self {
        Self(Uuid::from_u128(session.0.as_u128().wrapping_add(u128::from(index))))
    }
}
