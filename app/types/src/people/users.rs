//! People: their accounts as shown in lists and drawers, and the commands that create and change them.

use crate::id::{DomainId, ProjectId, SignInId, UserId};
use crate::list::{Kind, ListSpec, Property, Sort};
use crate::people::permissions::Role;
use crate::time::Millis;
use crate::{FieldError, Problem, rules};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whether a person can sign in (`docs/spec/people.md`, "Account status").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    #[default]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    pub username: String,
    pub full_name: String,
    pub domain: String,
    /// Names of the projects, in order.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub projects: Vec<String>,
    /// Ids of the same projects.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub project_ids: Vec<ProjectId>,
    /// The main access key.
    pub main_key: Option<String>,
    pub role: Role,
    pub status: UserStatus,
    /// The reason for the status, such as `admin-requested`.
    pub status_info: String,
    pub description: String,
    /// The user resource policy.
    pub policy: String,
    /// Addresses and networks that this person may sign in from; empty allows any.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub addresses: Vec<String>,
    pub sudo: bool,
    pub must_change_password: bool,
    pub two_factor: bool,
    #[cfg_attr(feature = "sqlx", sqlx(flatten))]
    pub ids: UnixIds,
    pub created_at: Millis,
    pub modified_at: Millis,
}

/// The Unix ids of a person's processes in containers; `None` leaves them to the engine (`docs/spec/people.md`, "Container
/// numbers").
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct UnixIds {
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    /// Ids of supplementary groups, each once.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub gids: Vec<u32>,
}

impl UnixIds {
    fn check(&self, errors: &mut Vec<FieldError>) {
        rules::unix_id("uid", self.uid, errors);
        rules::unix_id("gid", self.gid, errors);
        rules::unix_ids("gids", &self.gids, errors);
    }
}

/// One recent sign-in of a person.
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
    /// Access keys, the main one first, without their secrets.
    pub access_keys: Vec<String>,
    /// The policy of the main keypair, and how many requests it may send in 15 minutes.
    pub keypair_policy: String,
    pub rate_limit: Option<u32>,
    /// Whether the caller may change this account.
    pub may_change: bool,
    pub last_sign_in: Option<Millis>,
    /// The newest first, at most five.
    pub recent_sign_ins: Vec<RecentSignIn>,
    /// When they last reported a forgotten password, if nobody has helped them since.
    pub link_asked: Option<Millis>,
    /// The number of sessions that have not ended.
    pub sessions: u32,
}

/// A new account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether a bar asks the person to choose a new password. It blocks nothing.
    #[serde(default)]
    pub must_change_password: bool,
    #[serde(default)]
    pub sudo: bool,
    #[serde(default)]
    pub addresses: Vec<String>,
    /// The user resource policy; the default one if empty.
    #[serde(default)]
    pub policy: String,
    /// The resource policy of the first keypair, which limits the person's sessions; the default one if empty.
    #[serde(default)]
    pub keypair_policy: String,
    #[serde(default)]
    pub ids: UnixIds,
}

impl CreateUser {
    /// Makes an active user of a domain, for tests, which then set only the fields that they are about. Not behind a feature:
    /// with one, everything that uses this crate would be compiled once for the server and once for its tests.
    #[doc(hidden)]
    pub fn example(name: &str, domain: DomainId) -> Self {
        let (email, password) = (format!("{name}@example.org"), "Correct-Horse-9".to_owned());
        Self { email, username: name.to_owned(), password, domain, ..Self::default() }
    }

    /// Checks every field, for any caller. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors: Vec<FieldError> = Vec::new();
        rules::addresses("addresses", &self.addresses, &mut errors);
        self.ids.check(&mut errors);
        rules::email("email", &self.email, &mut errors);
        rules::username("username", &self.username, &mut errors);
        rules::line("full_name", &self.full_name, rules::MAX_NAME, &mut errors);
        rules::password("password", &self.password, &mut errors);
        rules::text("description", &self.description, rules::MAX_DESCRIPTION, &mut errors);
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }
}

/// A new account with its first keypair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    pub id: UserId,
    pub keypair: crate::people::keypairs::NewKeypair,
}

/// Changes to an account; a `None` field is left as it is. The email is the user ID and never changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EditUser {
    pub username: Option<String>,
    pub full_name: Option<String>,
    pub password: Option<String>,
    pub description: Option<String>,
    pub status: Option<UserStatus>,
    pub role: Option<Role>,
    /// Moving to another domain ends the membership in the old domain's projects.
    pub domain: Option<DomainId>,
    pub projects: Option<Vec<ProjectId>>,
    pub must_change_password: Option<bool>,
    pub sudo: Option<bool>,
    pub addresses: Option<Vec<String>>,
    /// Only ever `false`: nobody can turn it on for somebody else.
    pub two_factor: Option<bool>,
    pub policy: Option<String>,
    /// Unix ids in containers, each changed separately; 0 leaves one to the engine again.
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub gids: Option<Vec<u32>>,
    /// One of the person's active keypairs.
    pub main_access_key: Option<String>,
    /// The resource policy of the main keypair.
    pub keypair_policy: Option<String>,
}

impl EditUser {
    /// Compares an account with how it should be: every field of the same name that differs, so that a new field is not listed here.
    ///
    /// Passwords, domain, projects, main keypair, two-factor authentication and container numbers are not compared.
    pub fn between(before: &UserRow, now: &CreateUser) -> Self {
        let fields = |thing: serde_json::Result<Value>| match thing {
            Ok(Value::Object(fields)) => fields,
            _ => Default::default(),
        };
        let before = fields(serde_json::to_value(before));
        let mut changed = fields(serde_json::to_value(now));
        let others = ["domain", "projects", "ids"];
        changed.retain(|name, value| !others.contains(&name.as_str()) && before.get(name).is_some_and(|was| was != value));
        serde_json::from_value(Value::Object(changed)).unwrap_or_default()
    }

    /// The edit that changes nothing about this account: each field as it is. A password has no such value.
    pub fn as_it_is(row: &UserRow, domain: DomainId) -> Self {
        let row = row.clone();
        Self {
            username: Some(row.username),
            full_name: Some(row.full_name),
            password: None,
            description: Some(row.description),
            status: Some(row.status),
            role: Some(row.role),
            domain: Some(domain),
            projects: Some(row.project_ids),
            must_change_password: Some(row.must_change_password),
            sudo: Some(row.sudo),
            addresses: Some(row.addresses),
            two_factor: Some(row.two_factor),
            policy: Some(row.policy),
            uid: Some(row.ids.uid.unwrap_or_default()),
            gid: Some(row.ids.gid.unwrap_or_default()),
            gids: Some(row.ids.gids),
            main_access_key: row.main_key,
            // Compared in the record of the keypair.
            keypair_policy: None,
        }
    }

    /// Checks every field, for any caller. Refuses with [`Problem::Invalid`], naming each unacceptable one.
    pub fn check(&self) -> Result<(), Problem> {
        let mut errors: Vec<FieldError> = Vec::new();
        if let Some(username) = &self.username {
            rules::username("username", username, &mut errors);
        }
        if let Some(name) = &self.full_name {
            rules::line("full_name", name, rules::MAX_NAME, &mut errors);
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

/// A change of one's own password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePassword {
    pub old: String,
    pub new: String,
}

impl ChangePassword {
    /// Checks every field, for any caller. Refuses with [`Problem::Invalid`], naming each unacceptable one.
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
    /// Whether this is the browser that asks.
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
        Property { key: "policy", label: "User policy", kind: Kind::Text },
        Property { key: "status", label: "Status", kind: Kind::Choice(UserStatus::CHOICES) },
        Property { key: "status_info", label: "Status info", kind: Kind::Text },
        Property { key: "must_change_password", label: "Password change required", kind: Kind::Flag },
        Property { key: "two_factor", label: "2FA", kind: Kind::Flag },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_holds_the_fields_that_differ_and_no_others() {
        let before = UserRow { username: "ann".into(), full_name: "Ann".into(), domain: "labs".into(), ..UserRow::default() };
        let now = CreateUser { username: "ann".into(), full_name: "Ann Ek".into(), sudo: true, ..CreateUser::default() };
        let edit = EditUser { full_name: Some("Ann Ek".into()), sudo: Some(true), ..EditUser::default() };
        assert_eq!(EditUser::between(&before, &now), edit);
        let same = CreateUser { full_name: "Ann".into(), sudo: false, ..now };
        assert_eq!(EditUser::between(&before, &same), EditUser::default());
    }
}
