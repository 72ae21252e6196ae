//! People: their accounts, what can be seen of them, and the command that creates one.

use crate::id::{DomainId, ProjectId, SignInId, UserId};
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::people::permissions::Role;
use crate::time::Millis;
use crate::{FieldError, Problem, rules};
use serde::{Deserialize, Serialize};

/// Whether a person can sign in (`docs/spec/people.md`, "Account status").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    Active,
    Inactive,
    /// Needs one more step, such as an approval, before it is active.
    BeforeVerification,
}

crate::words::words!(UserStatus {
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
    /// The ids of the same.
    pub project_ids: Vec<ProjectId>,
    /// The main access key.
    pub main_key: Option<String>,
    pub role: Role,
    pub status: UserStatus,
    /// Why the status is what it is, such as `admin-requested`.
    pub status_info: String,
    pub description: String,
    /// The user resource policy.
    pub policy: String,
    /// Addresses and networks that this person may come from; empty allows any.
    pub addresses: Vec<String>,
    pub sudo: bool,
    pub must_change_password: bool,
    pub two_factor: bool,
    pub ids: UnixIds,
    pub created_at: Millis,
    pub modified_at: Millis,
}

/// The numbers that a person's processes have in containers; none leaves them to the engine (`docs/spec/people.md`, "Container
/// numbers").
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct UnixIds {
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    /// Supplementary groups, each once.
    pub gids: Vec<u32>,
}

impl UnixIds {
    fn check(&self, errors: &mut Vec<FieldError>) {
        rules::unix_id("uid", self.uid, errors);
        rules::unix_id("gid", self.gid, errors);
        rules::unix_ids("gids", &self.gids, errors);
    }
}

/// One time that somebody signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentSignIn {
    pub at: Millis,
    pub address: String,
}

/// Everything the drawer shows of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDetail {
    pub row: UserRow,
    pub domain: DomainId,
    pub projects: Vec<ProjectId>,
    /// Access keys, the main one first; their secrets are not shown here.
    pub access_keys: Vec<String>,
    /// The policy of the main keypair.
    pub keypair_policy: String,
    /// The caller may change this account.
    pub may_change: bool,
    pub last_sign_in: Option<Millis>,
    /// The newest first, at most five.
    pub recent_sign_ins: Vec<RecentSignIn>,
    /// When they last said that they forgot their password, if nobody has helped them since.
    pub link_asked: Option<Millis>,
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
    /// Shows the person a bar that asks for a password of their own; blocks nothing.
    #[serde(default)]
    pub must_change_password: bool,
    #[serde(default)]
    pub sudo: bool,
    #[serde(default)]
    pub addresses: Vec<String>,
    /// The user resource policy; the standard one when empty.
    #[serde(default)]
    pub policy: String,
    #[serde(default)]
    pub ids: UnixIds,
}

impl CreateUser {
    /// An active user of a domain, for tests, which then name only the fields that they are about. Not behind a feature: with one,
    /// everything that uses this crate would be compiled once for the server and once for its tests.
    #[doc(hidden)]
    pub fn example(name: &str, domain: DomainId) -> Self {
        Self {
            email: format!("{name}@example.org"),
            username: name.into(),
            full_name: String::new(),
            password: "Correct-Horse-9".into(),
            role: Role::User,
            status: UserStatus::Active,
            domain,
            projects: Vec::new(),
            description: String::new(),
            must_change_password: false,
            sudo: false,
            addresses: Vec::new(),
            policy: String::new(),
            ids: UnixIds::default(),
        }
    }

    /// Every field that is not acceptable, whoever asks.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors: Vec<FieldError> = Vec::new();
        rules::addresses("addresses", &self.addresses, &mut errors);
        self.ids.check(&mut errors);
        rules::email("email", &self.email, &mut errors);
        rules::username("username", &self.username, &mut errors);
        rules::text("full_name", &self.full_name, rules::MAX_NAME, &mut errors);
        rules::password("password", &self.password, &mut errors);
        rules::text("description", &self.description, rules::MAX_DESCRIPTION, &mut errors);
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }
}

/// Somebody who was just created, with the keypair that came with the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    pub id: UserId,
    pub keypair: crate::people::keypairs::NewKeypair,
}

/// What is changed of an account; what is `None` stays as it is. The email is the user ID and never changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EditUser {
    pub username: Option<String>,
    pub full_name: Option<String>,
    pub password: Option<String>,
    pub description: Option<String>,
    pub status: Option<UserStatus>,
    pub role: Option<Role>,
    /// Another domain ends the membership in the old one's projects.
    pub domain: Option<DomainId>,
    pub projects: Option<Vec<ProjectId>>,
    pub must_change_password: Option<bool>,
    pub sudo: Option<bool>,
    pub addresses: Option<Vec<String>>,
    /// Only ever `false`: nobody can turn it on for somebody else.
    pub two_factor: Option<bool>,
    pub policy: Option<String>,
    /// Container numbers, each by itself; 0 leaves one to the engine again.
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub gids: Option<Vec<u32>>,
    /// One of the person's active keypairs.
    pub main_access_key: Option<String>,
}

impl EditUser {
    /// Every field that is not acceptable, whoever asks.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors: Vec<FieldError> = Vec::new();
        if let Some(username) = &self.username {
            rules::username("username", username, &mut errors);
        }
        if let Some(name) = &self.full_name {
            rules::text("full_name", name, rules::MAX_NAME, &mut errors);
        }
        if let Some(password) = &self.password {
            rules::password("password", password, &mut errors);
        }
        if let Some(text) = &self.description {
            rules::text("description", text, rules::MAX_DESCRIPTION, &mut errors);
        }
        if let Some(addresses) = &self.addresses {
            rules::addresses("addresses", addresses, &mut errors);
        }
        rules::unix_id("uid", self.uid.filter(|id| *id > 0), &mut errors);
        rules::unix_id("gid", self.gid.filter(|id| *id > 0), &mut errors);
        rules::unix_ids("gids", self.gids.as_deref().unwrap_or_default(), &mut errors);
        if self.two_factor == Some(true) {
            errors.push(FieldError::new("two_factor", "Only the account's owner can turn on two-factor authentication."));
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }
}

/// Another password for oneself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePassword {
    pub old: String,
    pub new: String,
}

impl ChangePassword {
    /// Every field that is not acceptable, whoever asks.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        if self.old.is_empty() || self.old.len() > rules::MAX_PASSWORD {
            errors.push(FieldError::new("old", "Type your current password."));
        }
        rules::password("new", &self.new, &mut errors);
        if errors.is_empty() && self.old == self.new {
            errors.push(FieldError::new("new", "This is your current password. Choose a different one."));
        }
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
        Property { key: "id", label: "ID", kind: Kind::Id },
        Property { key: "domain", label: "Domain", kind: Kind::Text },
        Property { key: "project", label: "Project ID", kind: Kind::Id },
        Property { key: "project_name", label: "Project", kind: Kind::Text },
        Property { key: "policy", label: "Resource policy", kind: Kind::Text },
        Property { key: "status", label: "Status", kind: Kind::Choice(UserStatus::CHOICES) },
        Property { key: "status_info", label: "Status info", kind: Kind::Text },
        Property { key: "must_change_password", label: "Password change required", kind: Kind::Flag },
        Property { key: "two_factor", label: "Two-factor", kind: Kind::Flag },
        Property { key: "sudo", label: "Sudo session", kind: Kind::Flag },
        Property { key: "created_at", label: "Created", kind: Kind::Date },
        Property { key: "modified_at", label: "Modified", kind: Kind::Date },
        Property { key: "active", label: "", kind: Kind::Flag },
        Property { key: "addresses", label: "", kind: Kind::Text },
        Property { key: "main_key", label: "", kind: Kind::Text },
    ],
    sorts: &[
        "created_at",
        "email",
        "username",
        "full_name",
        "role",
        "domain",
        "policy",
        "must_change_password",
        "sudo",
        "two_factor",
        "status",
        "modified_at",
    ],
    default_sort: Sort { key: "created_at", descending: true },
    tabs: &[("active", "Active"), ("inactive", "Inactive")],
    subtabs: &[],
};
