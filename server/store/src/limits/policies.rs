//! Resource policies of the three kinds: listing, reading and saving them. Their followers are in `followers.rs`.
//!
//! A policy is read straight into its type and written from it: its fields have the names of the columns.

use crate::fields::Fields;
use crate::list::{Bind, Column, Fixed, Source, all_rows, page_of_rows};
use crate::{Change, Result, Scope, Store};
use futures::Stream;
use serde::Serialize;
use sqlx::FromRow;
use sqlx_sqlite::SqliteRow;
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

    /// The columns of a page: all of the table, and the number of its followers, which large tables keep.
    #[doc(hidden)]
    const COLUMNS: &'static str;

    /// The condition that holds for the policies that limit the person `?`.
    #[doc(hidden)]
    const OWN: &'static str;
}

/// A column that does not limit when it is NULL, which is more than any limit.
macro_rules! limit {
    ($column:literal) => {
        ($column, Column::whole(concat!("coalesce(p.", $column, ", 9223372036854775807)")))
    };
}

const fn source(table: &'static str, columns: &'static [(&'static str, Column)]) -> Source {
    Source { table, number: "p.rowid", joins: "", led: &[], tab: "", indexed: "", columns }
}

const NAME: (&str, Column) = ("name", Column::folded("fold(p.name)"));
const CREATED: (&str, Column) = ("created_at", Column::plain("p.created_at"));

impl StoredPolicy for KeypairPolicy {
    const TABLE: &'static str = "keypair_policies";
    const COLUMNS: &'static str = "p.*";
    const OWN: &'static str = "p.name IN (SELECT k.policy FROM keypairs k WHERE k.user_id = ? AND k.deleted = 0)";
    const SOURCE: &'static Source = &source(
        "keypair_policies p",
        &[
            NAME,
            limit!("max_sessions"),
            ("max_cluster", Column::whole("p.max_cluster")),
            limit!("idle_timeout"),
            limit!("lifetime"),
            limit!("session_disk"),
            limit!("max_pending"),
            limit!("max_transfers"),
            CREATED,
        ],
    );
}

impl StoredPolicy for UserPolicy {
    const TABLE: &'static str = "user_policies";
    const COLUMNS: &'static str = "p.*";
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
    pub async fn save_policy<P: StoredPolicy + Serialize>(&mut self, policy: &P, at: Millis) -> Result<()> {
        let mut sql = Fields::of(policy, &[])?.with("created_at", at.0).save_into(P::TABLE, "name");
        sql.build().execute(&mut *self.tx).await?;
        Ok(())
    }
}
