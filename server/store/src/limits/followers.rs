//! The followers of a resource policy, the slots that their sessions hold, and deleting a policy.
//!
//! Deleted keypairs still name a policy. They do not count as followers, but they are moved when the policy is deleted.

use crate::{Change, Result, Store, read_json};
use sqlx_sqlite::SqliteConnection;
use types::limits::policies::{FOLLOWERS_SHOWN, Followers, PolicyKind};
use types::quantity::Slots;

/// The most followers that are sorted to find the first ones. If there are more, everybody is gone through in their order.
const SORTED: u32 = 5_000;

/// The queries for the number of a policy's followers, and for the names of the first ones among few and among many.
fn follower_queries(kind: PolicyKind) -> [&'static str; 3] {
    match kind {
        PolicyKind::Keypair => [
            "SELECT followers FROM keypair_policies WHERE name = ?",
            "SELECT u.email FROM keypairs k CROSS JOIN users u ON u.id = k.user_id WHERE k.policy = ? AND k.deleted = 0 \
             GROUP BY u.id ORDER BY u.email_key LIMIT ?",
            "SELECT u.email FROM users u WHERE EXISTS (SELECT 1 FROM keypairs k WHERE k.user_id = u.id AND k.policy = ? AND k.deleted = 0) \
             ORDER BY u.email_key LIMIT ?",
        ],
        PolicyKind::User => [
            "SELECT followers FROM user_policies WHERE name = ?",
            "SELECT email FROM users INDEXED BY users_following WHERE policy = ? ORDER BY email_key LIMIT ?",
            "SELECT email FROM users WHERE +policy = ? ORDER BY email_key LIMIT ?",
        ],
        PolicyKind::Project => [
            "SELECT count(*) FROM projects WHERE policy = ?",
            "SELECT name FROM projects WHERE policy = ? ORDER BY name_key LIMIT ?",
            "SELECT name FROM projects WHERE policy = ? ORDER BY name_key LIMIT ?",
        ],
    }
}

async fn followers(db: &mut SqliteConnection, kind: PolicyKind, name: &str) -> Result<Followers> {
    let [count, few, many] = follower_queries(kind);
    let count: Option<u32> = sqlx::query_scalar(count).bind(name).fetch_optional(&mut *db).await?;
    let count = count.unwrap_or_default();
    let names = if count > SORTED { many } else { few };
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

#[cfg(test)]
mod tests {
    use super::*;
    use types::id::{DomainId, ProjectId};
    use types::time::Millis;
    use uuid::Uuid;

    /// Each number that triggers keep, beside the same number counted.
    const KEPT: [&str; 4] = [
        "SELECT people, (SELECT count(*) FROM users u WHERE u.domain_id = d.id) FROM domains d",
        "SELECT members, (SELECT count(*) FROM project_members m WHERE m.project_id = p.id) FROM projects p",
        "SELECT followers, (SELECT count(*) FROM users u WHERE u.policy = p.name) FROM user_policies p",
        "SELECT followers, (SELECT count(*) FROM keypairs k WHERE k.policy = p.name AND k.deleted = 0) FROM keypair_policies p",
    ];

    #[tokio::test]
    async fn kept_numbers_of_people_members_and_followers_are_those_that_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("yard.db")).await.unwrap();
        let (domain, project) = (DomainId(Uuid::now_v7()), ProjectId(Uuid::now_v7()));
        let mut change = store.change().await.unwrap();
        crate::first_people(&mut change, domain, project, &Slots::default(), 5, Millis(0)).await.unwrap();
        change.seed_users(0..40, domain, project, "hash", Millis(1)).await.unwrap();
        change.seed_keypairs(1..20).await.unwrap();
        for statement in [
            "INSERT INTO user_policies (name, created_at) VALUES ('other', 0)",
            "INSERT INTO keypair_policies (name, total, created_at) VALUES ('other', '{}', 0)",
            "INSERT INTO domains (id, name, name_key, description, created_at) VALUES (x'07', 'other', 'other', '', 0)",
            "UPDATE users SET policy = 'other' WHERE seq % 3 = 0",
            "UPDATE users SET domain_id = x'07' WHERE seq % 4 = 0",
            "UPDATE keypairs SET policy = 'other' WHERE rowid % 5 = 0",
            "UPDATE keypairs SET deleted = 1 WHERE rowid % 7 = 0",
            "UPDATE keypairs SET deleted = 0, policy = 'default' WHERE rowid % 14 = 0",
            "DELETE FROM project_members WHERE user_id IN (SELECT id FROM users WHERE seq % 6 = 0)",
        ] {
            sqlx::query(statement).execute(&mut *change.tx).await.unwrap();
        }
        for numbers in KEPT {
            let rows: Vec<(i64, i64)> = sqlx::query_as(numbers).fetch_all(&mut *change.tx).await.unwrap();
            assert!(rows.iter().all(|(kept, counted)| kept == counted), "{numbers}: {rows:?}");
            assert!(rows.iter().any(|(kept, _)| *kept > 0), "{numbers}: {rows:?}");
        }
    }
}
