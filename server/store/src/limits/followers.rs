//! The followers of a resource policy, the slots that their sessions hold, and deleting a policy.
//!
//! Deleted keypairs still name a policy. They do not count as followers, but they are moved when the policy is deleted.

use crate::{Change, Result, Store, read_json};
use sqlx_sqlite::SqliteConnection;
use types::limits::policies::{FOLLOWERS_SHOWN, Followers, PolicyKind};
use types::quantity::Slots;

/// The queries for the number of a policy's followers and for the names of the first ones.
fn follower_queries(kind: PolicyKind) -> (&'static str, &'static str) {
    match kind {
        PolicyKind::Keypair => (
            "SELECT count(*) FROM keypairs WHERE policy = ? AND deleted = 0",
            "SELECT u.email FROM keypairs k JOIN users u ON u.id = k.user_id WHERE k.policy = ? AND k.deleted = 0 \
             GROUP BY u.id ORDER BY u.email_key LIMIT ?",
        ),
        PolicyKind::User => {
            ("SELECT count(*) FROM users WHERE policy = ?", "SELECT email FROM users WHERE policy = ? ORDER BY email_key LIMIT ?")
        }
        PolicyKind::Project => (
            "SELECT count(*) FROM projects WHERE policy = ?",
            "SELECT name FROM projects WHERE policy = ? ORDER BY name_key LIMIT ?",
        ),
    }
}

async fn followers(db: &mut SqliteConnection, kind: PolicyKind, name: &str) -> Result<Followers> {
    let (count, names) = follower_queries(kind);
    let count: u32 = sqlx::query_scalar(count).bind(name).fetch_one(&mut *db).await?;
    let first = sqlx::query_scalar(names).bind(name).bind(FOLLOWERS_SHOWN).fetch_all(&mut *db).await?;
    Ok(Followers { count, first })
}

/// The slots that the running sessions of one keypair hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// The owner's email.
    pub owner: String,
    pub access_key: String,
    /// Names of the sessions.
    pub sessions: Vec<String>,
    /// The slots that they hold together.
    pub slots: Slots,
    /// The number of containers of the largest session.
    pub largest: u32,
}

impl Store {
    /// The followers of a policy, inactive ones included.
    pub async fn policy_followers(&self, kind: PolicyKind, name: &str) -> Result<Followers> {
        followers(&mut *self.read.reader().await?, kind, name).await
    }

    /// The slots held by each person whose main keypair follows a keypair policy, ordered by owner. People who hold nothing are
    /// left out. All sessions count against the main keypair, whichever keypair started them.
    pub async fn holdings(&self, policy: &str) -> Result<Vec<Holding>> {
        let rows: Vec<(String, String, String, String, u32)> = sqlx::query_as(
            "SELECT u.email, k.access_key, s.name, s.slots, s.cluster_size FROM keypairs k CROSS JOIN users u ON u.id = k.user_id \
             CROSS JOIN sessions s INDEXED BY sessions_holding ON s.user_id = k.user_id \
             WHERE s.status IN ('SCHEDULED', 'PREPARING', 'RUNNING', 'TERMINATING') AND k.policy = ? AND k.main = 1 AND k.deleted = 0 \
             ORDER BY u.email_key, s.seq",
        )
        .bind(policy)
        .fetch_all(&self.read)
        .await?;
        let mut holdings: Vec<Holding> = Vec::new();
        for (owner, access_key, session, slots, containers) in rows {
            if holdings.last().is_none_or(|last| last.access_key != access_key) {
                holdings.push(Holding { owner, access_key, ..Holding::default() });
            }
            if let Some(holding) = holdings.last_mut() {
                holding.sessions.push(session);
                holding.slots.add(&read_json::<Slots>("session's amounts", &slots)?.times(containers));
                holding.largest = holding.largest.max(containers);
            }
        }
        Ok(holdings)
    }
}

impl Change {
    /// The followers of a policy, inactive ones included.
    pub async fn policy_followers(&mut self, kind: PolicyKind, name: &str) -> Result<Followers> {
        followers(&mut self.tx, kind, name).await
    }

    /// Deletes a policy. Everything that names it names `move_to` from then on.
    pub async fn delete_policy(&mut self, kind: PolicyKind, name: &str, move_to: &str) -> Result<()> {
        let (moving, ending) = match kind {
            PolicyKind::Keypair => {
                ("UPDATE keypairs SET policy = ? WHERE policy = ?", "DELETE FROM keypair_policies WHERE name = ?")
            }
            PolicyKind::User => ("UPDATE users SET policy = ? WHERE policy = ?", "DELETE FROM user_policies WHERE name = ?"),
            PolicyKind::Project => {
                ("UPDATE projects SET policy = ? WHERE policy = ?", "DELETE FROM project_policies WHERE name = ?")
            }
        };
        sqlx::query(moving).bind(move_to).bind(name).execute(&mut *self.tx).await?;
        sqlx::query(ending).bind(name).execute(&mut *self.tx).await?;
        Ok(())
    }
}
