//! Accounts: listing, reading, creating and editing them.

use crate::list::{Bind, Column, Fixed, Source, all_rows, one_row, page_of_rows};
use crate::{Change, Result, Scope, Store, read_json, read_word, to_json};
use futures::Stream;
use sqlx::{FromRow, QueryBuilder};
use types::id::{DomainId, ProjectId, UserId};
use types::list::{ListQuery, Page};
use types::people::permissions::Role;
use types::people::users::{EditUser, RecentSignIn, USERS, UnixIds, UserDetail, UserRow, UserStatus};
use types::time::Millis;

pub(crate) static SOURCE: Source = Source {
    table: "users u",
    number: "u.seq",
    joins: "JOIN domains d ON d.id = u.domain_id",
    text: "users_text",
    columns: &[
        ("email", Column::key("u.email_key", "email")),
        ("username", Column::key("u.username_key", "username")),
        ("full_name", Column::text("u.full_name", "full_name")),
        ("role", Column::plain("u.role")),
        ("description", Column::text("u.description", "description")),
        ("id", Column::plain("u.id")),
        ("domain", Column::lower("u.domain_key")),
        ("project", Column::inside("EXISTS (SELECT 1 FROM project_members m WHERE m.user_id = u.id AND m.project_id {})")),
        (
            "project_name",
            Column::inside_lower(
                "u.id IN (SELECT m.user_id FROM project_members m JOIN projects p ON p.id = m.project_id WHERE p.name_key {})",
            ),
        ),
        ("policy", Column::plain("u.policy")),
        ("status", Column::plain("u.status")),
        ("status_info", Column::plain("u.status_info")),
        ("must_change_password", Column::plain("u.must_change_password")),
        ("two_factor", Column::plain("u.two_factor")),
        ("sudo", Column::plain("u.sudo")),
        ("created_at", Column::plain("u.created_at")),
        ("modified_at", Column::plain("u.modified_at")),
        ("active", Column::plain("u.active")),
        ("addresses", Column::inside("EXISTS (SELECT 1 FROM json_each(u.addresses) j WHERE j.value {})")),
        ("main_key", Column::exact("(SELECT k.access_key FROM keypairs k WHERE k.user_id = u.id AND k.main = 1)")),
    ],
};

// The project names are read as one text, so that a page of people is one query.
const COLUMNS: &str = "u.id, u.email, u.username, u.full_name, d.name AS domain, u.role, u.status, u.status_info, \
    u.description, u.policy, u.addresses, u.sudo, u.must_change_password, u.two_factor, u.uid, u.gid, u.gids, \
    u.created_at, u.modified_at, \
    (SELECT group_concat(lower(hex(p.id)) || p.name, char(31)) FROM project_members m JOIN projects p ON p.id = m.project_id \
        WHERE m.user_id = u.id) AS projects, \
    (SELECT k.access_key FROM keypairs k WHERE k.user_id = u.id AND k.main = 1) AS main_key";

#[derive(FromRow)]
struct Row {
    id: UserId,
    email: String,
    username: String,
    full_name: String,
    domain: String,
    role: String,
    status: String,
    status_info: String,
    description: String,
    policy: String,
    addresses: String,
    sudo: bool,
    must_change_password: bool,
    two_factor: bool,
    uid: Option<u32>,
    gid: Option<u32>,
    gids: String,
    created_at: Millis,
    modified_at: Millis,
    projects: Option<String>,
    main_key: Option<String>,
}

impl Row {
    fn read(self) -> Result<UserRow> {
        // 32 hexadecimal digits of the id, then the name.
        let project = |text: &str| {
            let (id, name) = text.split_at_checked(32)?;
            Some((name.to_owned(), ProjectId(uuid::Uuid::parse_str(id).ok()?)))
        };
        let mut projects: Vec<(String, ProjectId)> =
            self.projects.as_deref().unwrap_or("").split('\u{1f}').filter_map(project).collect();
        projects.sort_unstable();
        let (projects, project_ids) = projects.into_iter().unzip();
        Ok(UserRow {
            id: self.id,
            email: self.email,
            username: self.username,
            full_name: self.full_name,
            domain: self.domain,
            projects,
            project_ids,
            main_key: self.main_key,
            role: read_word("role", self.role, Role::from_key)?,
            status: read_word("user status", self.status, UserStatus::from_key)?,
            status_info: self.status_info,
            description: self.description,
            policy: self.policy,
            addresses: read_json("addresses", &self.addresses)?,
            sudo: self.sudo,
            must_change_password: self.must_change_password,
            two_factor: self.two_factor,
            ids: UnixIds { uid: self.uid, gid: self.gid, gids: read_json("groups", &self.gids)? },
            created_at: self.created_at,
            modified_at: self.modified_at,
        })
    }
}

/// A new account, ready to be written.
pub struct NewUser<'a> {
    pub id: UserId,
    pub email: &'a str,
    pub username: &'a str,
    pub full_name: &'a str,
    pub password_hash: &'a str,
    pub role: Role,
    pub status: UserStatus,
    pub domain: DomainId,
    pub projects: &'a [ProjectId],
    pub description: &'a str,
    pub must_change_password: bool,
    pub sudo: bool,
    pub addresses: &'a [String],
    pub policy: &'a str,
    pub ids: &'a UnixIds,
    pub access_key: &'a str,
    /// Encrypted.
    pub secret: &'a [u8],
    pub keypair_policy: &'a str,
    pub at: Millis,
}

impl<'a> NewUser<'a> {
    /// An active user in a domain, so that tests set only the fields they are about. Email, username and access key are `name`.
    #[doc(hidden)]
    pub fn example(id: UserId, name: &'a str, domain: DomainId) -> Self {
        const NO_IDS: &UnixIds = &UnixIds { uid: None, gid: None, gids: Vec::new() };
        Self {
            id,
            email: name,
            username: name,
            full_name: "",
            password_hash: "x",
            role: Role::User,
            status: UserStatus::Active,
            domain,
            projects: &[],
            description: "",
            must_change_password: false,
            sudo: false,
            addresses: &[],
            policy: "default",
            ids: NO_IDS,
            access_key: name,
            secret: b"sealed",
            keypair_policy: "default",
            at: Millis(0),
        }
    }
}

fn scope_condition(scope: Scope) -> Option<Fixed> {
    match scope {
        Scope::Everything => None,
        Scope::Domain(id) => Some(("u.domain_id = ?", Bind::Id(id.0))),
        Scope::Projects(id) => Some((
            // Starts from the few members of the projects, not from everybody.
            "u.id IN (SELECT m.user_id FROM project_members a JOIN projects p ON p.id = a.project_id AND p.active = 1 \
             JOIN project_members m ON m.project_id = a.project_id WHERE a.user_id = ? AND a.admin = 1)",
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
        page_of_rows(self, (&SOURCE, &USERS), COLUMNS, query, fixed_conditions(query, scope), Row::read).await
    }

    /// Everyone that the filter selects, one after the other.
    pub fn all_users(&self, query: ListQuery, scope: Scope) -> impl Stream<Item = Result<UserRow>> + Send + use<> {
        let fixed = fixed_conditions(&query, scope);
        all_rows(self, (&SOURCE, &USERS), COLUMNS, query, fixed, Row::read)
    }

    /// The emails and usernames among `names` (in lower case) that are taken.
    pub async fn taken_names(&self, names: Vec<String>) -> Result<Vec<String>> {
        let sql = "SELECT email_key FROM users WHERE email_key IN (SELECT value FROM json_each(?1)) \
                   UNION SELECT username_key FROM users WHERE username_key IN (SELECT value FROM json_each(?1))";
        Ok(sqlx::query_scalar(sql).bind(to_json(&names)).fetch_all(&self.read).await?)
    }

    /// One person as the list shows them, if they are in scope.
    pub async fn user_row(&self, id: UserId, scope: Scope) -> Result<Option<UserRow>> {
        let fixed = [("u.id = ?", Bind::Id(id.0))].into_iter().chain(scope_condition(scope));
        one_row(&self.read, &SOURCE, COLUMNS, fixed, Row::read).await
    }

    /// One person, if they are in scope.
    pub async fn user(&self, id: UserId, scope: Scope) -> Result<Option<UserDetail>> {
        let Some(row) = self.user_row(id, scope).await? else { return Ok(None) };
        let (of_domain, link_asked): (DomainId, Option<Millis>) =
            sqlx::query_as("SELECT domain_id, link_asked FROM users WHERE id = ?").bind(id).fetch_one(&self.read).await?;
        let keypairs: Vec<(String, String)> = sqlx::query_as(
            "SELECT access_key, policy FROM keypairs WHERE user_id = ? AND deleted = 0 ORDER BY main DESC, created_at LIMIT 100",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        let projects = self.projects_of(id).await?.into_iter().map(|project| project.id).collect();
        let (last_sign_in,): (Option<Millis>,) =
            sqlx::query_as("SELECT max(last_used) FROM sign_ins WHERE user_id = ?").bind(id).fetch_one(&self.read).await?;
        let recent: Vec<(Millis, String)> =
            sqlx::query_as("SELECT at, address FROM audit WHERE actor = ? AND action = 'sign-in' ORDER BY at DESC LIMIT 5")
                .bind(id)
                .fetch_all(&self.read)
                .await?;
        let (sessions,): (u32,) = sqlx::query_as("SELECT count(*) FROM sessions WHERE user_id = ? AND finished = 0")
            .bind(id)
            .fetch_one(&self.read)
            .await?;
        let keypair_policy = keypairs.first().map(|(_, policy)| policy.clone()).unwrap_or_default();
        let access_keys = keypairs.into_iter().map(|(key, _)| key).collect();
        Ok(Some(UserDetail {
            row,
            domain: of_domain,
            projects,
            access_keys,
            keypair_policy,
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
        one_row(&mut *self.tx, &SOURCE, COLUMNS, [("u.id = ?", Bind::Id(id.0))], Row::read).await
    }

    /// Writes a new account with its main keypair. A taken email or username is a unique violation of its `_key` column.
    pub async fn insert_user(&mut self, user: &NewUser<'_>) -> Result<()> {
        sqlx::query(
            "INSERT INTO users (id, email, email_key, username, username_key, full_name, password_hash, role, status, domain_id, \
             description, must_change_password, sudo, addresses, policy, uid, gid, gids, created_at, modified_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(user.id)
        .bind(user.email)
        .bind(user.email.to_lowercase())
        .bind(user.username)
        .bind(user.username.to_lowercase())
        .bind(user.full_name)
        .bind(user.password_hash)
        .bind(user.role.key())
        .bind(user.status.key())
        .bind(user.domain)
        .bind(user.description)
        .bind(user.must_change_password)
        .bind(user.sudo)
        .bind(to_json(&user.addresses))
        .bind(user.policy)
        .bind(user.ids.uid)
        .bind(user.ids.gid)
        .bind(to_json(&user.ids.gids))
        .bind(user.at)
        .bind(user.at)
        .execute(&mut *self.tx)
        .await?;
        self.set_projects(user.id, user.projects).await?;
        sqlx::query("INSERT INTO keypairs (access_key, user_id, policy, main, secret, created_at) VALUES (?, ?, ?, 1, ?, ?)")
            .bind(user.access_key)
            .bind(user.id)
            .bind(user.keypair_policy)
            .bind(user.secret)
            .bind(user.at)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Writes the fields that `edit` sets; `hash` is the hash of its password. Projects, main keypair and two-factor
    /// authentication have methods of their own.
    pub async fn edit_user(&mut self, id: UserId, edit: &EditUser, hash: Option<&str>, at: Millis) -> Result<()> {
        let mut sql = QueryBuilder::new("UPDATE users SET modified_at = ");
        sql.push_bind(at);
        if let Some(username) = &edit.username {
            sql.push(", username = ").push_bind(username.clone());
            sql.push(", username_key = ").push_bind(username.to_lowercase());
        }
        let texts = [
            (", full_name = ", edit.full_name.as_deref()),
            (", description = ", edit.description.as_deref()),
            (", password_hash = ", hash),
            (", policy = ", edit.policy.as_deref()),
            (", status = ", edit.status.map(UserStatus::key)),
            (", status_info = ", edit.status.map(|_| "admin-requested")),
            (", role = ", edit.role.map(Role::key)),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                sql.push(name).push_bind(value.to_owned());
            }
        }
        let flags = [(", must_change_password = ", edit.must_change_password), (", sudo = ", edit.sudo)];
        for (name, value) in flags {
            if let Some(value) = value {
                sql.push(name).push_bind(value);
            }
        }
        if let Some(addresses) = &edit.addresses {
            sql.push(", addresses = ").push_bind(to_json(addresses));
        }
        for (name, id) in [(", uid = ", edit.uid), (", gid = ", edit.gid)] {
            if let Some(id) = id {
                sql.push(name).push_bind(Some(id).filter(|id| *id > 0));
            }
        }
        if let Some(groups) = &edit.gids {
            sql.push(", gids = ").push_bind(to_json(groups));
        }
        if let Some(domain) = edit.domain {
            sql.push(", domain_id = ").push_bind(domain);
        }
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
