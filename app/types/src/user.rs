//! People: their accounts, what can be seen of them, and the command that creates one.

use crate::id::{DomainId, ProjectId, SignInId, UserId};
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::permission::Role;
use crate::time::Millis;
use crate::{FieldError, Problem, rules};
use serde::{Deserialize, Serialize};

/// Whether a person can sign in (`admin-menus.md`, create and update users).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    Active,
    Inactive,
    /// Needs one more step, such as an approval, before it is active.
    BeforeVerification,
}

crate::session::words!(UserStatus {
    Active = "active", "Active";
    Inactive = "inactive", "Inactive";
    BeforeVerification = "before-verification", "Before verification";
});

/// One person in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    pub username: String,
    pub full_name: String,
    pub domain: String,
    /// Names, in order.
    pub projects: Vec<String>,
    pub role: Role,
    pub status: UserStatus,
    pub description: String,
    pub created_at: Millis,
    pub modified_at: Millis,
}

/// Everything the drawer shows of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDetail {
    pub row: UserRow,
    /// The main access key; its secret is not shown here.
    pub access_key: Option<String>,
    pub policy: String,
    pub last_sign_in: Option<Millis>,
    /// Sessions that have not ended.
    pub sessions: u32,
}

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateUser {
    pub email: String,
    pub username: String,
    pub full_name: String,
    pub password: String,
    pub role: Role,
    pub status: UserStatus,
    pub domain: DomainId,
    pub projects: Vec<ProjectId>,
    pub description: String,
}

impl CreateUser {
    /// Every field that is not acceptable, whoever asks.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors: Vec<FieldError> = Vec::new();
        rules::email("email", &self.email, &mut errors);
        rules::username("username", &self.username, &mut errors);
        rules::text("full_name", &self.full_name, rules::MAX_NAME, &mut errors);
        rules::password("password", &self.password, &mut errors);
        rules::text("description", &self.description, rules::MAX_DESCRIPTION, &mut errors);
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }
}

/// One browser in which a person is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    pub id: SignInId,
    pub created_at: Millis,
    pub last_used: Millis,
    pub expires_at: Millis,
    pub address: String,
    pub browser: String,
    /// The one that asks.
    pub current: bool,
}

/// The list of people.
pub static USERS: ListSpec = ListSpec {
    name: "users",
    properties: &[
        Property { key: "email", label: "Email", kind: Kind::Text },
        Property { key: "username", label: "Username", kind: Kind::Text },
        Property { key: "full_name", label: "Full name", kind: Kind::Text },
        Property { key: "role", label: "Role", kind: Kind::Choice(Role::CHOICES) },
        Property { key: "description", label: "Description", kind: Kind::Text },
        Property { key: "created_at", label: "Created", kind: Kind::Date },
    ],
    sorts: &["created_at", "email", "username", "full_name", "role", "modified_at"],
    default_sort: Sort { key: "created_at", descending: true },
    tabs: &[("active", "Active"), ("inactive", "Inactive")],
    subtabs: &[],
};
