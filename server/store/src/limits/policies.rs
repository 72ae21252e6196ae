//! Resource policies of the three kinds: their lists, one, and saving it. Who follows them is in `followers.rs`.

use crate::list::{Bind, Column, Fixed, Source, all, page};
use crate::{Change, Result, Scope, Store, json, to_json};
use futures::Stream;
use sqlx::FromRow;
use types::id::UserId;
use types::limits::policies::{
    KEYPAIR_POLICIES, KeypairPolicy, PROJECT_POLICIES, PolicyRow, ProjectPolicy, USER_POLICIES, UserPolicy,
};
use types::list::{ListQuery, Page};
use types::time::Millis;

// No limit is more than any limit.
pub(crate) static KEYPAIR_SOURCE: Source = Source {
    table: "keypair_policies p",
    number: "p.rowid",
    joins: "",
    text: "",
    columns: &[
        ("name", Column::exact("p.name")),
        ("max_sessions", Column::whole("coalesce(p.max_sessions, 9223372036854775807)")),
        ("max_cluster", Column::whole("p.max_cluster")),
        ("idle_timeout", Column::whole("coalesce(p.idle_timeout, 9223372036854775807)")),
        ("lifetime", Column::whole("coalesce(p.lifetime, 9223372036854775807)")),
        ("max_pending", Column::whole("coalesce(p.max_pending, 9223372036854775807)")),
        ("max_transfers", Column::whole("coalesce(p.max_transfers, 9223372036854775807)")),
        ("created_at", Column::plain("p.created_at")),
    ],
};

pub(crate) static USER_SOURCE: Source = Source {
    table: "user_policies p",
    number: "p.rowid",
    joins: "",
    text: "",
    columns: &[
        ("name", Column::exact("p.name")),
        ("max_folders", Column::whole("coalesce(p.max_folders, 9223372036854775807)")),
        ("max_folder_bytes", Column::whole("coalesce(p.max_folder_bytes, 9223372036854775807)")),
        ("max_service_sessions", Column::whole("p.max_service_sessions")),
        ("max_images", Column::whole("p.max_images")),
        ("created_at", Column::plain("p.created_at")),
    ],
};

pub(crate) static PROJECT_SOURCE: Source = Source {
    table: "project_policies p",
    number: "p.rowid",
    joins: "",
    text: "",
    columns: &[
        ("name", Column::exact("p.name")),
        ("max_folders", Column::whole("coalesce(p.max_folders, 9223372036854775807)")),
        ("max_folder_bytes", Column::whole("coalesce(p.max_folder_bytes, 9223372036854775807)")),
        ("max_networks", Column::whole("coalesce(p.max_networks, 9223372036854775807)")),
        ("created_at", Column::plain("p.created_at")),
    ],
};

const KEYPAIR: &str = "p.name, p.total, p.others_unlimited, p.max_sessions, p.max_pending, p.max_cluster, p.lifetime, \
    p.idle_timeout, p.max_transfers, p.max_folders, p.hosts, p.revision, p.created_at, \
    (SELECT count(*) FROM keypairs k WHERE k.policy = p.name AND k.deleted = 0) AS followers";

const USER: &str = "p.name, p.max_folders, p.max_folder_bytes, p.max_service_sessions, p.max_images, p.revision, p.created_at, \
    (SELECT count(*) FROM users u WHERE u.policy = p.name) AS followers";

const PROJECT: &str = "p.name, p.max_folders, p.max_folder_bytes, p.max_networks, p.revision, p.created_at, \
    (SELECT count(*) FROM projects j WHERE j.policy = p.name) AS followers";

/// What every kind has besides its limits.
#[derive(FromRow)]
struct Common {
    revision: i64,
    created_at: Millis,
    followers: u32,
}

impl Common {
    fn with<P>(self, policy: P) -> PolicyRow<P> {
        PolicyRow { policy, revision: self.revision, followers: self.followers, created_at: self.created_at }
    }
}

#[derive(FromRow)]
struct KeypairLimits {
    name: String,
    total: String,
    others_unlimited: bool,
    max_sessions: Option<u32>,
    max_pending: Option<u32>,
    max_cluster: u32,
    lifetime: Option<u32>,
    idle_timeout: Option<u32>,
    max_transfers: Option<u32>,
    max_folders: Option<u32>,
    hosts: String,
}

impl KeypairLimits {
    fn read(self) -> Result<KeypairPolicy> {
        Ok(KeypairPolicy {
            name: self.name,
            total: json("policy's amounts", &self.total)?,
            others_unlimited: self.others_unlimited,
            max_sessions: self.max_sessions,
            max_pending: self.max_pending,
            max_cluster: self.max_cluster,
            lifetime: self.lifetime,
            idle_timeout: self.idle_timeout,
            max_transfers: self.max_transfers,
            max_folders: self.max_folders,
            hosts: json("hosts", &self.hosts)?,
        })
    }
}

#[derive(FromRow)]
struct KeypairDbRow {
    #[sqlx(flatten)]
    limits: KeypairLimits,
    #[sqlx(flatten)]
    common: Common,
}

impl KeypairDbRow {
    fn read(self) -> Result<PolicyRow<KeypairPolicy>> {
        Ok(self.common.with(self.limits.read()?))
    }
}

#[derive(FromRow)]
struct UserDbRow {
    name: String,
    max_folders: Option<u32>,
    max_folder_bytes: Option<i64>,
    max_service_sessions: u32,
    max_images: u32,
    #[sqlx(flatten)]
    common: Common,
}

impl UserDbRow {
    fn read(self) -> Result<PolicyRow<UserPolicy>> {
        Ok(self.common.with(UserPolicy {
            name: self.name,
            max_folders: self.max_folders,
            max_folder_bytes: self.max_folder_bytes,
            max_service_sessions: self.max_service_sessions,
            max_images: self.max_images,
        }))
    }
}

#[derive(FromRow)]
struct ProjectDbRow {
    name: String,
    max_folders: Option<u32>,
    max_folder_bytes: Option<i64>,
    max_networks: Option<u32>,
    #[sqlx(flatten)]
    common: Common,
}

impl ProjectDbRow {
    fn read(self) -> Result<PolicyRow<ProjectPolicy>> {
        Ok(self.common.with(ProjectPolicy {
            name: self.name,
            max_folders: self.max_folders,
            max_folder_bytes: self.max_folder_bytes,
            max_networks: self.max_networks,
        }))
    }
}

/// A policy belongs to no domain: somebody sees them all, or those that limit themselves.
fn within(scope: Scope, own: &'static str) -> Vec<Fixed> {
    match scope {
        Scope::Everything | Scope::Domain(_) => Vec::new(),
        Scope::Projects(id) | Scope::Own(id) => vec![(own, Bind::Id(id.0))],
    }
}

const OWN_KEYPAIRS: &str = "p.name IN (SELECT k.policy FROM keypairs k WHERE k.user_id = ? AND k.deleted = 0)";
const OWN_ACCOUNT: &str = "p.name = (SELECT u.policy FROM users u WHERE u.id = ?)";
const OWN_PROJECTS: &str =
    "p.name IN (SELECT j.policy FROM project_members m JOIN projects j ON j.id = m.project_id WHERE m.user_id = ?)";

impl Store {
    /// A page of keypair policies.
    pub async fn keypair_policy_rows(&self, query: &ListQuery, scope: Scope) -> Result<Page<PolicyRow<KeypairPolicy>>> {
        let fixed = within(scope, OWN_KEYPAIRS);
        page(self, (&KEYPAIR_SOURCE, &KEYPAIR_POLICIES), KEYPAIR, query, fixed, KeypairDbRow::read).await
    }

    /// A page of user policies.
    pub async fn user_policy_rows(&self, query: &ListQuery, scope: Scope) -> Result<Page<PolicyRow<UserPolicy>>> {
        let fixed = within(scope, OWN_ACCOUNT);
        page(self, (&USER_SOURCE, &USER_POLICIES), USER, query, fixed, UserDbRow::read).await
    }

    /// A page of project policies.
    pub async fn project_policy_rows(&self, query: &ListQuery, scope: Scope) -> Result<Page<PolicyRow<ProjectPolicy>>> {
        let fixed = within(scope, OWN_PROJECTS);
        page(self, (&PROJECT_SOURCE, &PROJECT_POLICIES), PROJECT, query, fixed, ProjectDbRow::read).await
    }

    /// Every keypair policy that the filter selects, one after the other.
    pub fn all_keypair_policies(&self, query: ListQuery) -> impl Stream<Item = Result<PolicyRow<KeypairPolicy>>> + Send + use<> {
        all(self, (&KEYPAIR_SOURCE, &KEYPAIR_POLICIES), KEYPAIR, query, Vec::new(), KeypairDbRow::read)
    }

    /// Every user policy that the filter selects, one after the other.
    pub fn all_user_policies(&self, query: ListQuery) -> impl Stream<Item = Result<PolicyRow<UserPolicy>>> + Send + use<> {
        all(self, (&USER_SOURCE, &USER_POLICIES), USER, query, Vec::new(), UserDbRow::read)
    }

    /// Every project policy that the filter selects, one after the other.
    pub fn all_project_policies(&self, query: ListQuery) -> impl Stream<Item = Result<PolicyRow<ProjectPolicy>>> + Send + use<> {
        all(self, (&PROJECT_SOURCE, &PROJECT_POLICIES), PROJECT, query, Vec::new(), ProjectDbRow::read)
    }

    /// Every keypair policy, for the scheduler.
    pub async fn keypair_policies(&self) -> Result<Vec<KeypairPolicy>> {
        let rows: Vec<KeypairLimits> =
            sqlx::query_as("SELECT * FROM keypair_policies ORDER BY name").fetch_all(&self.read).await?;
        rows.into_iter().map(KeypairLimits::read).collect()
    }

    /// A person's main access key with the policy it follows.
    pub async fn main_keypair(&self, user: UserId) -> Result<Option<(String, KeypairPolicy)>> {
        #[derive(FromRow)]
        struct MainKeypair {
            access_key: String,
            #[sqlx(flatten)]
            limits: KeypairLimits,
        }
        let row: Option<MainKeypair> = sqlx::query_as(
            "SELECT k.access_key, p.* FROM keypairs k JOIN keypair_policies p ON p.name = k.policy \
             WHERE k.user_id = ? AND k.main = 1",
        )
        .bind(user)
        .fetch_optional(&self.read)
        .await?;
        row.map(|row| Ok((row.access_key, row.limits.read()?))).transpose()
    }

    /// The names of the user policies.
    pub async fn user_policies(&self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar("SELECT name FROM user_policies ORDER BY name").fetch_all(&self.read).await?)
    }

    /// The names of the project policies.
    pub async fn project_policies(&self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar("SELECT name FROM project_policies ORDER BY name").fetch_all(&self.read).await?)
    }
}

impl Change {
    /// A keypair policy as it stands, with its revision.
    pub async fn keypair_policy(&mut self, name: &str) -> Result<Option<(i64, KeypairPolicy)>> {
        let sql = format!("SELECT {KEYPAIR} FROM keypair_policies p WHERE p.name = ?");
        let row: Option<KeypairDbRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).fetch_optional(&mut *self.tx).await?;
        row.map(|row| Ok((row.common.revision, row.limits.read()?))).transpose()
    }

    /// A user policy as it stands, with its revision.
    pub async fn user_policy(&mut self, name: &str) -> Result<Option<(i64, UserPolicy)>> {
        let sql = format!("SELECT {USER} FROM user_policies p WHERE p.name = ?");
        let row: Option<UserDbRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).fetch_optional(&mut *self.tx).await?;
        row.map(|row| row.read().map(|row| (row.revision, row.policy))).transpose()
    }

    /// A project policy as it stands, with its revision.
    pub async fn project_policy(&mut self, name: &str) -> Result<Option<(i64, ProjectPolicy)>> {
        let sql = format!("SELECT {PROJECT} FROM project_policies p WHERE p.name = ?");
        let row: Option<ProjectDbRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).fetch_optional(&mut *self.tx).await?;
        row.map(|row| row.read().map(|row| (row.revision, row.policy))).transpose()
    }

    /// Writes a keypair policy, new or over the one of its name.
    pub async fn save_keypair_policy(&mut self, policy: &KeypairPolicy, at: Millis) -> Result<()> {
        sqlx::query(
            "INSERT INTO keypair_policies (name, total, others_unlimited, max_sessions, max_pending, max_cluster, lifetime, \
             idle_timeout, max_transfers, max_folders, hosts, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (name) DO UPDATE SET total = excluded.total, others_unlimited = excluded.others_unlimited, \
             max_sessions = excluded.max_sessions, max_pending = excluded.max_pending, max_cluster = excluded.max_cluster, \
             lifetime = excluded.lifetime, idle_timeout = excluded.idle_timeout, max_transfers = excluded.max_transfers, \
             max_folders = excluded.max_folders, \
             hosts = excluded.hosts, revision = revision + 1",
        )
        .bind(&policy.name)
        .bind(to_json(&policy.total))
        .bind(policy.others_unlimited)
        .bind(policy.max_sessions)
        .bind(policy.max_pending)
        .bind(policy.max_cluster)
        .bind(policy.lifetime)
        .bind(policy.idle_timeout)
        .bind(policy.max_transfers)
        .bind(policy.max_folders)
        .bind(to_json(&policy.hosts))
        .bind(at)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Writes a user policy, new or over the one of its name.
    pub async fn save_user_policy(&mut self, policy: &UserPolicy, at: Millis) -> Result<()> {
        sqlx::query(
            "INSERT INTO user_policies (name, max_folders, max_folder_bytes, max_service_sessions, max_images, created_at) \
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET max_folders = excluded.max_folders, \
             max_folder_bytes = excluded.max_folder_bytes, max_service_sessions = excluded.max_service_sessions, \
             max_images = excluded.max_images, revision = revision + 1",
        )
        .bind(&policy.name)
        .bind(policy.max_folders)
        .bind(policy.max_folder_bytes)
        .bind(policy.max_service_sessions)
        .bind(policy.max_images)
        .bind(at)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Writes a project policy, new or over the one of its name.
    pub async fn save_project_policy(&mut self, policy: &ProjectPolicy, at: Millis) -> Result<()> {
        sqlx::query(
            "INSERT INTO project_policies (name, max_folders, max_folder_bytes, max_networks, created_at) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (name) DO UPDATE SET max_folders = excluded.max_folders, max_folder_bytes = excluded.max_folder_bytes, \
             max_networks = excluded.max_networks, revision = revision + 1",
        )
        .bind(&policy.name)
        .bind(policy.max_folders)
        .bind(policy.max_folder_bytes)
        .bind(policy.max_networks)
        .bind(at)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}
