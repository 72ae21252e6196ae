//! Keypairs: listing, reading and changing them. Secrets are encrypted before they are passed to this module.

use crate::list::{Bind, Column, Fixed, Source, all_rows, one_row, page_of_rows};
use crate::people::accounts::{ACCOUNT, AccountRow};
use crate::{Account, Change, Result, Scope, Store};
use futures::Stream;
use sqlx::FromRow;
use types::id::UserId;
use types::list::{ListQuery, Page};
use types::people::keypairs::{EditKeypair, KEYPAIRS, KeypairRow};
use types::time::Millis;

/// How rows are found by a column of their own.
macro_rules! found {
    ($index:literal, $column:literal) => {
        concat!(
            "SELECT k.rowid AS found FROM keypairs k INDEXED BY ",
            $index,
            " WHERE k.deleted = 0 AND k.active {tab} AND ",
            $column,
            " {}"
        )
    };
}

/// How rows are found by those of their owners, which replace `{}`.
const OF_OWNERS: &str = "SELECT k.rowid AS found FROM ({}) f CROSS JOIN users u ON u.seq = f.found CROSS JOIN keypairs k INDEXED BY keypairs_user ON k.user_id = u.id AND k.active {tab}";

pub(crate) static SOURCE: Source = Source {
    table: "keypairs k",
    number: "k.rowid",
    joins: "LEFT JOIN users u ON u.id = k.user_id",
    led: &[("owner", "users u CROSS JOIN keypairs k ON k.user_id = u.id")],
    tab: "k.active",
    indexed: "INDEXED BY keypairs_by_time",
    columns: &[
        ("owner", Column::folded("u.email_key").of(&super::users::SOURCE, "email", OF_OWNERS)),
        ("domain", Column::folded("u.domain_key").of(&super::users::SOURCE, "domain", OF_OWNERS)),
        ("access_key", Column::exact("k.access_key").found(found!("keypairs_by_key", "k.access_key")).beginnings()),
        (
            "policy",
            Column::folded("fold(k.policy)").found(
                "SELECT k.rowid AS found FROM keypair_policies y CROSS JOIN keypairs k INDEXED BY keypairs_by_policy \
                 ON fold(k.policy) = fold(y.name) AND k.deleted = 0 AND k.active {tab} WHERE fold(y.name) {}",
            ),
        ),
        ("main", Column::plain("k.main").found(found!("keypairs_by_main", "k.main"))),
        ("rate_limit", Column::whole("k.rate_limit").found(found!("keypairs_by_rate", "k.rate_limit"))),
        ("created_at", Column::plain("k.created_at").found(found!("keypairs_by_time", "k.created_at"))),
        ("last_used", Column::plain("k.last_used").found(found!("keypairs_by_use", "k.last_used"))),
        ("active", Column::plain("k.active")),
        ("admin", Column::plain("(u.role IN ('superadmin', 'admin'))")),
        ("full_name", Column::folded("u.full_name_key").of(&super::users::SOURCE, "full_name", OF_OWNERS)),
        ("queries", Column::whole("k.queries")),
        (
            "project_name",
            Column::inside_folded(
                "u.id IN (SELECT m.user_id FROM project_members m JOIN projects p ON p.id = m.project_id WHERE p.name_key {})",
            ),
        ),
    ],
};

const COLUMNS: &str = "k.access_key, k.user_id, u.email, u.full_name, u.role, k.main, k.active, k.policy, k.rate_limit, k.queries, \
    (SELECT count(*) FROM sessions s WHERE s.user_id = k.user_id AND s.finished = 0 AND s.access_key = k.access_key) AS sessions, \
    (SELECT group_concat(p.name, char(31)) FROM project_members m JOIN projects p ON p.id = m.project_id \
        WHERE m.user_id = u.id) AS projects, \
    k.created_at, k.last_used";

#[derive(FromRow)]
struct Row {
    access_key: String,
    user_id: UserId,
    email: String,
    full_name: String,
    projects: Option<String>,
    role: String,
    main: bool,
    active: bool,
    policy: String,
    rate_limit: u32,
    queries: i64,
    sessions: u32,
    created_at: Millis,
    last_used: Option<Millis>,
}

impl Row {
    fn read(self) -> Result<KeypairRow> {
        Ok(KeypairRow {
            access_key: self.access_key,
            user: self.user_id,
            owner: self.email,
            owner_name: self.full_name,
            projects: self.projects.map(|all| all.split('\u{1f}').map(String::from).collect()).unwrap_or_default(),
            admin: self.role == "superadmin" || self.role == "admin",
            main: self.main,
            active: self.active,
            policy: self.policy,
            rate_limit: self.rate_limit,
            queries: self.queries.unsigned_abs(),
            sessions: self.sessions,
            created_at: self.created_at,
            last_used: self.last_used,
        })
    }
}

/// A keypair, ready to be written.
pub struct NewKeypairRow<'a> {
    pub access_key: &'a str,
    pub user: UserId,
    pub policy: &'a str,
    pub rate_limit: u32,
    pub main: bool,
    /// Encrypted.
    pub secret: &'a [u8],
    pub at: Millis,
}

/// The part of a keypair and its account that checking a signature needs.
#[derive(Clone, Debug)]
pub struct Signer {
    pub account: Account,
    /// Encrypted; `None` for a keypair that cannot sign.
    pub secret: Option<Vec<u8>>,
    pub active: bool,
    pub rate_limit: u32,
    /// The rate limit of the person's main keypair, which holds for all of theirs together.
    pub ceiling: u32,
}

fn scope_condition(scope: Scope) -> Option<Fixed> {
    match scope {
        Scope::Everything => None,
        Scope::Domain(id) => Some(("u.domain_id = ?", Bind::Id(id.0))),
        // Administering a project does not include its people's keypairs.
        Scope::Projects(id) | Scope::Own(id) => Some(("k.user_id = ?", Bind::Id(id.0))),
    }
}

fn fixed_conditions(query: &ListQuery, scope: Scope) -> Vec<Fixed> {
    // Written out: the indexes are of what is not deleted.
    let mut fixed: Vec<Fixed> = vec![("k.deleted = 0", Bind::Nothing)];
    fixed.extend(query.tab().map(|tab| ("k.active = ?", Bind::Int(i64::from(tab != "inactive")))));
    fixed.extend(scope_condition(scope));
    fixed
}

impl Store {
    /// The owner of a keypair that is not deleted, and their domain.
    pub async fn keypair_owner(&self, access_key: &str) -> Result<Option<(UserId, types::id::DomainId)>> {
        Ok(sqlx::query_as(
            "SELECT u.id, u.domain_id FROM keypairs k JOIN users u ON u.id = k.user_id WHERE k.access_key = ? AND k.deleted = 0",
        )
        .bind(access_key)
        .fetch_optional(&self.read)
        .await?)
    }

    /// A page of keypairs.
    pub async fn keypairs(&self, query: &ListQuery, scope: Scope) -> Result<Page<KeypairRow>> {
        page_of_rows(self, (&SOURCE, &KEYPAIRS), COLUMNS, query, fixed_conditions(query, scope), Row::read).await
    }

    /// Every keypair that the filter selects, one after the other.
    pub fn all_keypairs(&self, query: ListQuery, scope: Scope) -> impl Stream<Item = Result<KeypairRow>> + Send + use<> {
        let fixed = fixed_conditions(&query, scope);
        all_rows(self, (&SOURCE, &KEYPAIRS), COLUMNS, query, fixed, Row::read)
    }

    /// One keypair and its encrypted secret, if it is in scope.
    pub async fn keypair(&self, access_key: &str, scope: Scope) -> Result<Option<(KeypairRow, Option<Vec<u8>>)>> {
        let mut fixed = vec![("k.access_key = ?", Bind::Text(access_key.to_owned())), ("k.deleted = ?", Bind::Int(0))];
        fixed.extend(scope_condition(scope));
        let Some(row) = one_row(&self.read, &SOURCE, COLUMNS, fixed, Row::read).await? else { return Ok(None) };
        let (secret,): (Option<Vec<u8>>,) =
            sqlx::query_as("SELECT secret FROM keypairs WHERE access_key = ?").bind(access_key).fetch_one(&self.read).await?;
        Ok(Some((row, secret)))
    }

    /// The account and secret behind an access key.
    pub async fn signer(&self, access_key: &str) -> Result<Option<Signer>> {
        #[derive(FromRow)]
        struct SignerRow {
            secret: Option<Vec<u8>>,
            active: bool,
            rate_limit: u32,
            ceiling: u32,
            #[sqlx(flatten)]
            account: AccountRow,
        }
        let sql = format!(
            "SELECT k.secret, k.active, k.rate_limit, coalesce(m.rate_limit, k.rate_limit) AS ceiling, {ACCOUNT} FROM keypairs k \
             JOIN users u ON u.id = k.user_id LEFT JOIN keypairs m ON m.user_id = k.user_id AND m.main = 1 \
             WHERE k.access_key = ? AND k.deleted = 0"
        );
        let row: Option<SignerRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(access_key).fetch_optional(&self.read).await?;
        let signer = |row: SignerRow| {
            let SignerRow { secret, active, rate_limit, ceiling, account } = row;
            Ok(Signer { account: account.read()?, secret, active, rate_limit, ceiling })
        };
        row.map(signer).transpose()
    }
}

impl Change {
    /// One keypair as the list shows it, as this change sees it.
    pub async fn keypair_row(&mut self, access_key: &str) -> Result<Option<KeypairRow>> {
        one_row(&mut *self.tx, &SOURCE, COLUMNS, [("k.access_key = ?", Bind::Text(access_key.to_owned()))], Row::read).await
    }

    /// Writes a keypair.
    pub async fn insert_keypair(&mut self, new: &NewKeypairRow<'_>) -> Result<()> {
        sqlx::query(
            "INSERT INTO keypairs (access_key, user_id, policy, main, secret, rate_limit, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.access_key)
        .bind(new.user)
        .bind(new.policy)
        .bind(new.main)
        .bind(new.secret)
        .bind(new.rate_limit)
        .bind(new.at)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Whether somebody other than its owner deactivated a keypair.
    pub async fn keypair_held(&mut self, access_key: &str) -> Result<bool> {
        let sql = "SELECT held FROM keypairs WHERE access_key = ?";
        Ok(sqlx::query_scalar(sql).bind(access_key).fetch_optional(&mut *self.tx).await?.unwrap_or_default())
    }

    /// Writes the fields that `edit` sets, and with `held` whether its owner may not activate it. Returns whether there is such a
    /// keypair.
    pub async fn edit_keypair(&mut self, access_key: &str, edit: &EditKeypair, held: Option<bool>) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE keypairs SET active = coalesce(?2, active), policy = coalesce(?3, policy), \
             rate_limit = coalesce(?4, rate_limit), held = coalesce(?5, held) WHERE access_key = ?1",
        )
        .bind(access_key)
        .bind(edit.active)
        .bind(&edit.policy)
        .bind(edit.rate_limit)
        .bind(held)
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Makes one of a person's active keypairs the main one. Returns false if it is not an active keypair of theirs.
    pub async fn set_main_keypair(&mut self, user: UserId, access_key: &str) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM keypairs WHERE access_key = ? AND user_id = ? AND active = 1")
            .bind(access_key)
            .bind(user)
            .fetch_optional(&mut *self.tx)
            .await?;
        if found.is_none() {
            return Ok(false);
        }
        sqlx::query("UPDATE keypairs SET main = 0 WHERE user_id = ? AND main = 1").bind(user).execute(&mut *self.tx).await?;
        sqlx::query("UPDATE keypairs SET main = 1 WHERE access_key = ?").bind(access_key).execute(&mut *self.tx).await?;
        Ok(true)
    }

    /// Deletes a keypair with its secret, if it is inactive and not a main one. Returns whether it did.
    pub async fn delete_keypair(&mut self, access_key: &str) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE keypairs SET deleted = 1, secret = NULL WHERE access_key = ? AND active = 0 AND main = 0 AND deleted = 0",
        )
        .bind(access_key)
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// How many keypairs a person has.
    pub async fn keypairs_of(&mut self, user: UserId) -> Result<u64> {
        let (count,): (i64,) = sqlx::query_as("SELECT count(*) FROM keypairs WHERE user_id = ? AND deleted = 0")
            .bind(user)
            .fetch_one(&mut *self.tx)
            .await?;
        Ok(count.unsigned_abs())
    }
}
