//! Resource policies of the three kinds: listing, reading and saving them. Their followers are in `followers.rs`.
//!
//! A policy is read straight into its type, whose fields have the names of the columns.

use crate::list::{Bind, Column, Fixed, Source, all_rows, page_of_rows};
use crate::{Change, Result, Scope, Store, to_json};
use futures::Stream;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, QueryBuilder, Sqlite};
use types::id::UserId;
use types::limits::policies::{KeypairPolicy, Policy, PolicyKind, PolicyRow, ProjectPolicy, UserPolicy};
use types::list::{ListQuery, Page};
use types::time::Millis;

/// One kind of policy in the database.
pub trait StoredPolicy: Policy + for<'r> FromRow<'r, SqliteRow> {
    const TABLE: &'static str;

    /// The table as a list, under the name `p`.
    #[doc(hidden)]
    const SOURCE: &'static Source;

    /// The columns of a page: all of the table, and the number of its followers.
    #[doc(hidden)]
    const COLUMNS: &'static str;

    /// The condition that holds for the policies that limit the person `?`.
    #[doc(hidden)]
    const OWN: &'static str;

    /// Every field but the name, under the name of its column.
    #[doc(hidden)]
    fn values(&self) -> Vec<(&'static str, Value)>;
}

/// A limit as its column holds it.
#[doc(hidden)]
pub enum Value {
    Number(Option<i64>),
    Flag(bool),
    Json(String),
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(Some(number.into()))
    }
}

impl From<Option<u32>> for Value {
    fn from(limit: Option<u32>) -> Self {
        Self::Number(limit.map(i64::from))
    }
}

/// A column that does not limit when it is NULL, which is more than any limit.
macro_rules! limit {
    ($column:literal) => {
        ($column, Column::whole(concat!("coalesce(p.", $column, ", 9223372036854775807)")))
    };
}

const fn source(table: &'static str, columns: &'static [(&'static str, Column)]) -> Source {
    Source { table, number: "p.rowid", joins: "", text: "", columns }
}

const NAME: (&str, Column) = ("name", Column::exact("p.name"));
const CREATED: (&str, Column) = ("created_at", Column::plain("p.created_at"));

impl StoredPolicy for KeypairPolicy {
    const TABLE: &'static str = "keypair_policies";
    const COLUMNS: &'static str = "p.*, (SELECT count(*) FROM keypairs k WHERE k.policy = p.name AND k.deleted = 0) AS followers";
    const OWN: &'static str = "p.name IN (SELECT k.policy FROM keypairs k WHERE k.user_id = ? AND k.deleted = 0)";
    const SOURCE: &'static Source = &source(
        "keypair_policies p",
        &[
            NAME,
            limit!("max_sessions"),
            ("max_cluster", Column::whole("p.max_cluster")),
            limit!("idle_timeout"),
            limit!("lifetime"),
            limit!("max_pending"),
            limit!("max_transfers"),
            CREATED,
        ],
    );

    fn values(&self) -> Vec<(&'static str, Value)> {
        let Self {
            name: _,
            total,
            others_unlimited,
            max_sessions,
            max_pending,
            max_cluster,
            lifetime,
            idle_timeout,
            max_transfers,
            max_folders,
            hosts,
        } = self;
        vec![
            ("total", Value::Json(to_json(total))),
            ("others_unlimited", Value::Flag(*others_unlimited)),
            ("max_sessions", (*max_sessions).into()),
            ("max_pending", (*max_pending).into()),
            ("max_cluster", (*max_cluster).into()),
            ("lifetime", (*lifetime).into()),
            ("idle_timeout", (*idle_timeout).into()),
            ("max_transfers", (*max_transfers).into()),
            ("max_folders", (*max_folders).into()),
            ("hosts", Value::Json(to_json(hosts))),
        ]
    }
}

impl StoredPolicy for UserPolicy {
    const TABLE: &'static str = "user_policies";
    const COLUMNS: &'static str = "p.*, (SELECT count(*) FROM users u WHERE u.policy = p.name) AS followers";
    const OWN: &'static str = "p.name = (SELECT u.policy FROM users u WHERE u.id = ?)";
    const SOURCE: &'static Source = &source(
        "user_policies p",
        &[
            NAME,
            limit!("max_folders"),
            limit!("max_folder_bytes"),
            ("max_service_sessions", Column::whole("p.max_service_sessions")),
            ("max_images", Column::whole("p.max_images")),
            CREATED,
        ],
    );

    fn values(&self) -> Vec<(&'static str, Value)> {
        let Self { name: _, max_folders, max_folder_bytes, max_service_sessions, max_images } = self;
        vec![
            ("max_folders", (*max_folders).into()),
            ("max_folder_bytes", Value::Number(*max_folder_bytes)),
            ("max_service_sessions", (*max_service_sessions).into()),
            ("max_images", (*max_images).into()),
        ]
    }
}

impl StoredPolicy for ProjectPolicy {
    const TABLE: &'static str = "project_policies";
    const COLUMNS: &'static str = "p.*, (SELECT count(*) FROM projects j WHERE j.policy = p.name) AS followers";
    const OWN: &'static str =
        "p.name IN (SELECT j.policy FROM project_members m JOIN projects j ON j.id = m.project_id WHERE m.user_id = ?)";
    const SOURCE: &'static Source = &source(
        "project_policies p",
        &[NAME, limit!("max_folders"), limit!("max_folder_bytes"), limit!("max_networks"), CREATED],
    );

    fn values(&self) -> Vec<(&'static str, Value)> {
        let Self { name: _, max_folders, max_folder_bytes, max_networks } = self;
        vec![
            ("max_folders", (*max_folders).into()),
            ("max_folder_bytes", Value::Number(*max_folder_bytes)),
            ("max_networks", (*max_networks).into()),
        ]
    }
}

fn policy_table(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Keypair => KeypairPolicy::TABLE,
        PolicyKind::User => UserPolicy::TABLE,
        PolicyKind::Project => ProjectPolicy::TABLE,
    }
}

#[derive(FromRow)]
struct Row<P> {
    #[sqlx(flatten)]
    policy: P,
    revision: i64,
    created_at: Millis,
    followers: u32,
}

impl<P> Row<P> {
    fn read(self) -> Result<PolicyRow<P>> {
        let Self { policy, revision, created_at, followers } = self;
        Ok(PolicyRow { policy, revision, followers, created_at })
    }
}

/// A policy belongs to no domain: a person sees either all of them or those that limit themselves.
fn scope_condition<P: StoredPolicy>(scope: Scope) -> Vec<Fixed> {
    match scope {
        Scope::Everything | Scope::Domain(_) => Vec::new(),
        Scope::Projects(id) | Scope::Own(id) => vec![(P::OWN, Bind::Id(id.0))],
    }
}

impl Store {
    /// A page of policies of one kind.
    pub async fn policies<P: StoredPolicy>(&self, query: &ListQuery, scope: Scope) -> Result<Page<PolicyRow<P>>> {
        page_of_rows(self, (P::SOURCE, P::list()), P::COLUMNS, query, scope_condition::<P>(scope), Row::<P>::read).await
    }

    /// Every policy of one kind that the filter selects, one after the other.
    pub fn all_policies<P: StoredPolicy>(&self, query: ListQuery) -> impl Stream<Item = Result<PolicyRow<P>>> + Send + use<P> {
        all_rows(self, (P::SOURCE, P::list()), P::COLUMNS, query, Vec::new(), Row::<P>::read)
    }

    /// Every keypair policy, for the scheduler.
    pub async fn every_keypair_policy(&self) -> Result<Vec<KeypairPolicy>> {
        Ok(sqlx::query_as("SELECT * FROM keypair_policies ORDER BY name").fetch_all(&self.read).await?)
    }

    /// A person's main access key with the policy it follows.
    pub async fn main_keypair(&self, user: UserId) -> Result<Option<(String, KeypairPolicy)>> {
        #[derive(FromRow)]
        struct MainKeypair {
            access_key: String,
            #[sqlx(flatten)]
            policy: KeypairPolicy,
        }
        let row: Option<MainKeypair> = sqlx::query_as(
            "SELECT k.access_key, p.* FROM keypairs k JOIN keypair_policies p ON p.name = k.policy \
             WHERE k.user_id = ? AND k.main = 1",
        )
        .bind(user)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.map(|row| (row.access_key, row.policy)))
    }

    /// The names of all policies of one kind.
    pub async fn policy_names(&self, kind: PolicyKind) -> Result<Vec<String>> {
        let sql = format!("SELECT name FROM {} ORDER BY name", policy_table(kind));
        Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&self.read).await?)
    }
}

impl Change {
    /// Whether there is a policy with this name.
    pub async fn has_policy(&mut self, kind: PolicyKind, name: &str) -> Result<bool> {
        let sql = format!("SELECT 1 FROM {} WHERE name = ?", policy_table(kind));
        let found: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(name).fetch_optional(&mut *self.tx).await?;
        Ok(found.is_some())
    }

    /// A policy as this change sees it, with its revision.
    pub async fn policy<P: StoredPolicy>(&mut self, name: &str) -> Result<Option<(i64, P)>> {
        let sql = format!("SELECT {} FROM {} p WHERE p.name = ?", P::COLUMNS, P::TABLE);
        let row: Option<Row<P>> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).fetch_optional(&mut *self.tx).await?;
        Ok(row.map(|row| (row.revision, row.policy)))
    }

    /// Writes a policy, new or in place of the one with its name.
    pub async fn save_policy<P: StoredPolicy>(&mut self, policy: &P, at: Millis) -> Result<()> {
        let values = policy.values();
        let mut sql = QueryBuilder::<Sqlite>::new("INSERT INTO ");
        sql.push(P::TABLE).push(" (name, created_at");
        for (column, _) in &values {
            sql.push(", ").push(column);
        }
        sql.push(") VALUES (").push_bind(policy.name().to_owned()).push(", ").push_bind(at);
        let columns: Vec<&str> = values.iter().map(|(column, _)| *column).collect();
        for (_, value) in values {
            sql.push(", ");
            match value {
                Value::Number(number) => sql.push_bind(number),
                Value::Flag(flag) => sql.push_bind(flag),
                Value::Json(text) => sql.push_bind(text),
            };
        }
        sql.push(") ON CONFLICT (name) DO UPDATE SET revision = revision + 1");
        for column in columns {
            sql.push(", ").push(column).push(" = excluded.").push(column);
        }
        sql.build().execute(&mut *self.tx).await?;
        Ok(())
    }
}
