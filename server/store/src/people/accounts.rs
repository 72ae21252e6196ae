//! Accounts as signing in needs them: identity, role and password hash.

use crate::{Change, Result, Store, fold, read_json, read_word};
use sqlx::{FromRow, QueryBuilder};
use sqlx_sqlite::Sqlite;
use std::collections::HashMap;
use types::id::{DomainId, ProjectId, UserId};
use types::people::permissions::Role;
use types::people::users::UserStatus;
use types::time::Millis;

/// The part of an account that signing in and every later request need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: UserId,
    pub email: String,
    pub username: String,
    pub full_name: String,
    pub password_hash: String,
    pub role: Role,
    pub status: UserStatus,
    pub domain: DomainId,
    pub domain_name: String,
    pub domain_active: bool,
    pub addresses: Vec<String>,
    pub must_change_password: bool,
    pub two_factor: bool,
    /// The projects that this person administers.
    pub administers: Vec<ProjectId>,
}

#[derive(FromRow)]
pub(crate) struct AccountRow {
    id: UserId,
    email: String,
    username: String,
    full_name: String,
    password_hash: String,
    role: String,
    status: String,
    domain_id: DomainId,
    domain_name: String,
    domain_active: bool,
    addresses: String,
    must_change_password: bool,
    two_factor: bool,
    administers: Option<String>,
}

impl AccountRow {
    pub(crate) fn read(self) -> Result<Account> {
        Ok(Account {
            id: self.id,
            email: self.email,
            username: self.username,
            full_name: self.full_name,
            password_hash: self.password_hash,
            role: read_word("role", self.role, Role::from_key)?,
            status: read_word("user status", self.status, UserStatus::from_key)?,
            domain: self.domain_id,
            domain_name: self.domain_name,
            domain_active: self.domain_active,
            addresses: read_json("addresses", &self.addresses)?,
            must_change_password: self.must_change_password,
            two_factor: self.two_factor,
            administers: self.administers.as_deref().unwrap_or("").split(',').filter_map(|id| id.parse().ok()).collect(),
        })
    }
}

pub(crate) const ACCOUNT: &str = "u.id, u.email, u.username, u.full_name, u.password_hash, u.role, u.status, u.domain_id, \
    u.addresses, u.must_change_password, u.two_factor, \
    (SELECT d.name FROM domains d WHERE d.id = u.domain_id) AS domain_name, \
    (SELECT d.active FROM domains d WHERE d.id = u.domain_id) AS domain_active, \
    (SELECT group_concat(lower(hex(a.project_id))) FROM project_members a JOIN projects p ON p.id = a.project_id AND p.active = 1 \
        WHERE a.user_id = u.id AND a.admin = 1) AS administers";

impl Store {
    /// The emails of these people, at most a page of them.
    pub async fn emails(&self, ids: &[UserId]) -> Result<HashMap<UserId, String>> {
        let mut sql: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT id, email FROM users WHERE id IN (");
        let mut list = sql.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        sql.push(")");
        let rows: Vec<(UserId, String)> = sql.build_query_as().fetch_all(&self.read).await?;
        Ok(rows.into_iter().collect())
    }

    /// The account with this email or username, regardless of case and normal form.
    pub async fn account_by_login(&self, login: &str) -> Result<Option<Account>> {
        // A username has no `@` and an email has one, so at most one account can match.
        // An account whose name became another's when names were first folded still has its old key, which goes first.
        let sql = format!(
            "SELECT {ACCOUNT} FROM users u WHERE u.email_key IN (?1, ?2) OR u.username_key IN (?1, ?2) \
             ORDER BY ?1 IN (u.email_key, u.username_key) DESC LIMIT 1"
        );
        let row: Option<AccountRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(login.to_lowercase())
            .bind(fold(login))
            .fetch_optional(&self.read)
            .await?;
        row.map(AccountRow::read).transpose()
    }

    /// One account.
    pub async fn account(&self, id: UserId) -> Result<Option<Account>> {
        let sql = format!("SELECT {ACCOUNT} FROM users u WHERE u.id = ?");
        let row: Option<AccountRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.read).await?;
        row.map(AccountRow::read).transpose()
    }

    /// Whether anybody has an account yet.
    pub async fn has_users(&self) -> Result<bool> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT 1 FROM users LIMIT 1").fetch_optional(&self.read).await?;
        Ok(row.is_some())
    }
}

impl Change {
    /// The account as this change sees it.
    pub async fn account(&mut self, id: UserId) -> Result<Option<Account>> {
        let sql = format!("SELECT {ACCOUNT} FROM users u WHERE u.id = ?");
        let row: Option<AccountRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&mut *self.tx).await?;
        row.map(AccountRow::read).transpose()
    }

    /// Whether there is an active superadmin other than `id`.
    pub async fn other_superadmin(&mut self, id: UserId) -> Result<bool> {
        let sql = "SELECT 1 FROM users WHERE role = 'superadmin' AND status = 'active' AND id <> ? LIMIT 1";
        let found: Option<i64> = sqlx::query_scalar(sql).bind(id).fetch_optional(&mut *self.tx).await?;
        Ok(found.is_some())
    }

    /// Sets a person's password hash. Returns whether there is such a person.
    pub async fn set_password(&mut self, user: UserId, hash: &str, at: Millis) -> Result<bool> {
        let done = sqlx::query("UPDATE users SET password_hash = ?, modified_at = ? WHERE id = ?")
            .bind(hash)
            .bind(at)
            .bind(user)
            .execute(&mut *self.tx)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}
