//! Accounts: listing, reading, creating and editing them.

use crate::fields::Fields;
use crate::list::{Bind, Column, Fixed, Source, all_rows, one_row, page_of_rows};
use crate::{Change, Result, Scope, Store, fold, to_json};
use futures::Stream;
use sqlx::QueryBuilder;
use types::id::{DomainId, ProjectId, UserId};
use types::list::{ListQuery, Page};
use types::people::permissions::Role;
use types::people::users::{CreateUser, EditUser, RecentSignIn, USERS, UserDetail, UserRow, UserStatus};
use types::time::Millis;

/// How rows are found by a column of their own.
macro_rules! found {
    ($index:literal, $column:literal) => {
        concat!("SELECT u.seq AS found FROM users u INDEXED BY ", $index, " WHERE u.active {tab} AND ", $column, " {}")
    };
}

pub(crate) static SOURCE: Source = Source {
    table: "users u",
    number: "u.seq",
    joins: "LEFT JOIN domains d ON d.id = u.domain_id",
    led: &[],
    tab: "u.active",
    indexed: "",
    columns: &[
        ("email", Column::key("u.email_key", "users_email_text").found(found!("users_email", "u.email_key"))),
        ("username", Column::key("u.username_key", "users_username_text").found(found!("users_username", "u.username_key"))),
        ("full_name", Column::key("u.full_name_key", "users_full_name_text").found(found!("users_full_name", "u.full_name_key"))),
        ("role", Column::plain("u.role").found(found!("users_by_role", "u.role"))),
        (
            "description",
            Column::key("u.description_key", "users_description_text").found("SELECT u.seq AS found FROM users u INDEXED BY users_description WHERE u.description_key <> '' AND u.description_key {}"),
        ),
        ("id", Column::plain("u.id").found("SELECT u.seq AS found FROM users u WHERE u.id {}")),
        ("domain", Column::folded("u.domain_key")
                .found("SELECT u.seq AS found FROM domains d CROSS JOIN users u INDEXED BY users_domain ON u.domain_id = d.id AND u.active {tab} WHERE d.name_key {}")),
        (
            "project",
            Column::inside("EXISTS (SELECT 1 FROM project_members m WHERE m.user_id = u.id AND m.project_id {})").found(
                "SELECT u.seq AS found FROM project_members m CROSS JOIN users u ON u.id = m.user_id AND u.active {tab} WHERE m.project_id {}",
            ),
        ),
        (
            "project_name",
            Column::inside_folded(
                "EXISTS (SELECT 1 FROM project_members m CROSS JOIN projects p ON p.id = m.project_id WHERE m.user_id = u.id AND p.name_key {})",
            )
            .found(
                "SELECT DISTINCT u.seq AS found FROM projects p CROSS JOIN project_members m ON m.project_id = p.id \
                 CROSS JOIN users u ON u.id = m.user_id AND u.active {tab} WHERE p.name_key {}",
            ),
        ),
        (
            "policy",
            Column::folded("fold(u.policy)").found(
                "SELECT u.seq AS found FROM user_policies y CROSS JOIN users u INDEXED BY users_policy \
                 ON fold(u.policy) = fold(y.name) AND u.active {tab} WHERE fold(y.name) {}",
            ),
        ),
        ("status", Column::plain("u.status").found(found!("users_status", "u.status"))),
        ("status_info", Column::plain("u.status_info").found("SELECT u.seq AS found FROM users u INDEXED BY users_info WHERE u.status_info <> '' AND u.status_info {}")),
        (
            "must_change_password",
            Column::plain("u.must_change_password").found(found!("users_must_change_password", "u.must_change_password")),
        ),
        ("two_factor", Column::plain("u.two_factor").found(found!("users_two_factor", "u.two_factor"))),
        ("sudo", Column::plain("u.sudo").found(found!("users_sudo", "u.sudo"))),
        ("created_at", Column::plain("u.created_at").found(found!("users_created", "u.created_at"))),
        ("modified_at", Column::plain("u.modified_at").found(found!("users_modified", "u.modified_at"))),
        ("active", Column::plain("u.active")),
        ("addresses", Column::inside("EXISTS (SELECT 1 FROM json_each(u.addresses) j WHERE j.value {})")),
        ("main_key", Column::exact("(SELECT k.access_key FROM keypairs k WHERE k.user_id = u.id AND k.main = 1)")),
    ],
};

// A person is read straight into `UserRow`, whose fields have the names of the columns. Names and ids of projects come in the
// same order, and are sorted afterwards: that is cheaper here than in SQL.
const COLUMNS: &str = "u.*, d.name AS domain, \
    (SELECT json_group_array(p.name) FROM project_members m JOIN projects p ON p.id = m.project_id \
        WHERE m.user_id = u.id) AS projects, \
    (SELECT json_group_array(lower(hex(p.id))) FROM project_members m JOIN projects p ON p.id = m.project_id \
        WHERE m.user_id = u.id) AS project_ids, \
    (SELECT k.access_key FROM keypairs k WHERE k.user_id = u.id AND k.main = 1) AS main_key";

fn sort_projects(mut row: UserRow) -> Result<UserRow> {
    let mut projects: Vec<_> = row.projects.into_iter().zip(row.project_ids).collect();
    projects.sort_unstable();
    (row.projects, row.project_ids) = projects.into_iter().unzip();
    Ok(row)
}

/// A new account, ready to be written.
pub struct NewUser<'a> {
    pub id: UserId,
    /// Its password is not looked at, and its policy is not empty.
    pub account: &'a CreateUser,
    pub password_hash: &'a str,
    pub access_key: &'a str,
    /// Encrypted.
    pub secret: &'a [u8],
    pub keypair_policy: &'a str,
    pub at: Millis,
}

fn scope_condition(scope: Scope) -> Option<Fixed> {
    match scope {
        Scope::Everything => None,
        Scope::Domain(id) => Some(("u.domain_id = ?", Bind::Id(id.0))),
        Scope::Projects(id) => Some((
            // Starts from the few members of the projects, not from everybody.
            "u.seq IN (SELECT DISTINCT x.seq AS found FROM project_members a CROSS JOIN projects p ON p.id = a.project_id AND p.active = 1 \
             CROSS JOIN project_members m ON m.project_id = a.project_id CROSS JOIN users x ON x.id = m.user_id \
             WHERE a.user_id = ? AND a.admin = 1)",
            Bind::Id(id.0),
        )),
        Scope::Own(id) => Some(("u.id = ?", Bind::Id(id.0))),
    }
}

fn fixed_conditions(query: &ListQuery, scope: Scope) -> Vec<Fixed> {
    let active = query.tab().map(|tab| ("u.active = ?", Bind::Int(i64::from(tab == "active"))));
    active.into_iter().chain(scope_condition(scope)).collect()
}

impl Store {
    /// A page of people.
    pub async fn users(&self, query: &ListQuery, scope: Scope) -> Result<Page<UserRow>> {
        page_of_rows(self, (&SOURCE, &USERS), COLUMNS, query, fixed_conditions(query, scope), sort_projects).await
    }

    /// Everyone that the filter selects, one after the other.
    pub fn all_users(&self, query: ListQuery, scope: Scope) -> impl Stream<Item = Result<UserRow>> + Send + use<> {
        let fixed = fixed_conditions(&query, scope);
        all_rows(self, (&SOURCE, &USERS), COLUMNS, query, fixed, sort_projects)
    }

    /// The emails and usernames among `names` (folded) that are taken.
    pub async fn taken_names(&self, names: Vec<String>) -> Result<Vec<String>> {
        let sql = "SELECT email_key FROM users WHERE email_key IN (SELECT value FROM json_each(?1)) \
                   UNION SELECT username_key FROM users WHERE username_key IN (SELECT value FROM json_each(?1))";
        Ok(sqlx::query_scalar(sql).bind(to_json(&names)).fetch_all(&self.read).await?)
    }

    /// One person as the list shows them, if they are in scope.
    pub async fn user_row(&self, id: UserId, scope: Scope) -> Result<Option<UserRow>> {
        let fixed = [("u.id = ?", Bind::Id(id.0))].into_iter().chain(scope_condition(scope));
        one_row(&self.read, &SOURCE, COLUMNS, fixed, sort_projects).await
    }

    /// One person, if they are in scope.
    pub async fn user(&self, id: UserId, scope: Scope) -> Result<Option<UserDetail>> {
        let Some(row) = self.user_row(id, scope).await? else { return Ok(None) };
        let (of_domain, link_asked, last_sign_in): (DomainId, Option<Millis>, Option<Millis>) =
            sqlx::query_as("SELECT domain_id, link_asked, last_seen FROM users WHERE id = ?")
                .bind(id)
                .fetch_one(&self.read)
                .await?;
        let keypairs: Vec<(String, String, u32)> = sqlx::query_as(
            "SELECT access_key, policy, rate_limit FROM keypairs WHERE user_id = ? AND deleted = 0 ORDER BY main DESC, created_at LIMIT 100",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        let projects = self.projects_of(id).await?.into_iter().map(|project| project.id).collect();
        let recent: Vec<(Millis, String)> =
            sqlx::query_as("SELECT at, address FROM audit WHERE actor = ? AND action = 'sign-in' ORDER BY at DESC LIMIT 5")
                .bind(id)
                .fetch_all(&self.read)
                .await?;
        let (sessions,): (u32,) = sqlx::query_as("SELECT count(*) FROM sessions WHERE user_id = ? AND finished = 0")
            .bind(id)
            .fetch_one(&self.read)
            .await?;
        let keypair_policy = keypairs.first().map(|(_, policy, _)| policy.clone()).unwrap_or_default();
        let rate_limit = keypairs.first().map(|(.., limit)| *limit);
        let access_keys = keypairs.into_iter().map(|(key, ..)| key).collect();
        Ok(Some(UserDetail {
            row,
            domain: of_domain,
            projects,
            access_keys,
            keypair_policy,
            rate_limit,
            may_change: false,
            last_sign_in,
            recent_sign_ins: recent.into_iter().map(|(at, address)| RecentSignIn { at, address }).collect(),
            link_asked,
            sessions,
        }))
    }
}

impl Change {
    /// One person as the list shows them, as this change sees them.
    pub async fn user_row(&mut self, id: UserId) -> Result<Option<UserRow>> {
        one_row(&mut *self.tx, &SOURCE, COLUMNS, [("u.id = ?", Bind::Id(id.0))], sort_projects).await
    }

    /// Writes a new account with its main keypair. A taken email or username is a unique violation of its `_key` column.
    pub async fn insert_user(&mut self, user: &NewUser<'_>) -> Result<()> {
        let NewUser { id, account, password_hash, access_key, secret, keypair_policy, at } = *user;
        let others = ["password", "role", "status", "domain", "projects", "ids", "keypair_policy"];
        let fields = Fields::of(account, &others)?
            .with_all(Fields::of(&account.ids, &[])?)
            .with_id("id", id.0)
            .with("email_key", fold(&account.email))
            .with("username_key", fold(&account.username))
            .with("full_name_key", fold(&account.full_name))
            .with("description_key", fold(&account.description))
            .with("password_hash", password_hash)
            .with("role", account.role.key())
            .with("status", account.status.key())
            .with_id("domain_id", account.domain.0)
            .with("created_at", at.0)
            .with("modified_at", at.0);
        fields.insert_into("users").build().execute(&mut *self.tx).await?;
        self.set_projects(id, &account.projects).await?;
        sqlx::query("INSERT INTO keypairs (access_key, user_id, policy, main, secret, created_at) VALUES (?, ?, ?, 1, ?, ?)")
            .bind(access_key)
            .bind(id)
            .bind(keypair_policy)
            .bind(secret)
            .bind(at)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Writes the fields that `edit` sets; `hash` is the hash of its password. Projects, main keypair and two-factor
    /// authentication have methods of their own.
    pub async fn edit_user(&mut self, id: UserId, edit: &EditUser, hash: Option<&str>, at: Millis) -> Result<()> {
        let others = [
            "username",
            "password",
            "role",
            "status",
            "domain",
            "projects",
            "two_factor",
            "uid",
            "gid",
            "main_access_key",
            "keypair_policy",
        ];
        // A number of 0 leaves it to the engine again.
        let number = |id: Option<u32>| id.map(|id| Some(id).filter(|id| *id > 0));
        let mut sql = Fields::of(edit, &others)?
            .given()
            .with("modified_at", at.0)
            .with_given("username", edit.username.clone())
            .with_given("username_key", edit.username.as_deref().map(fold))
            .with_given("full_name_key", edit.full_name.as_deref().map(fold))
            .with_given("description_key", edit.description.as_deref().map(fold))
            .with_given("password_hash", hash)
            .with_given("role", edit.role.map(Role::key))
            .with_given("status", edit.status.map(UserStatus::key))
            .with_given("status_info", edit.status.map(|_| "admin-requested"))
            .with_given("uid", number(edit.uid))
            .with_given("gid", number(edit.gid))
            .with_all(edit.domain.map(|domain| Fields::default().with_id("domain_id", domain.0)).unwrap_or_default())
            .update("users");
        sql.push(" WHERE id = ").push_bind(id);
        sql.build().execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Sets a person's projects. They still administer those that they administered and stay in.
    pub async fn set_projects(&mut self, user: UserId, projects: &[ProjectId]) -> Result<()> {
        let mut sql = QueryBuilder::new("DELETE FROM project_members WHERE user_id = ");
        sql.push_bind(user);
        if !projects.is_empty() {
            sql.push(" AND project_id NOT IN (");
            let mut list = sql.separated(", ");
            for project in projects {
                list.push_bind(*project);
            }
            sql.push(")");
        }
        sql.build().execute(&mut *self.tx).await?;
        for project in projects {
            self.set_member(*project, user, true).await?;
        }
        Ok(())
    }
}
