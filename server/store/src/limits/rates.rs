//! The counts of the rate limit that survive a restart.

use crate::{Change, Result, Store};
use types::id::UserId;
use types::time::Millis;

impl Store {
    /// The number of requests by person, keypair and second, later than the second `after`, oldest first.
    pub async fn rates(&self, after: i64) -> Result<Vec<(UserId, String, i64, u32)>> {
        let sql = "SELECT k.user_id, r.access_key, r.second, r.requests FROM rates r \
                   JOIN keypairs k ON k.access_key = r.access_key WHERE r.second > ? ORDER BY r.second";
        Ok(sqlx::query_as(sql).bind(after).fetch_all(&self.read).await?)
    }

    /// A keypair's person, its rate limit and that of the person's main keypair, which holds for all of theirs together.
    pub async fn key_limits(&self, access_key: &str) -> Result<Option<(UserId, u32, u32)>> {
        let sql = "SELECT k.user_id, k.rate_limit, coalesce(m.rate_limit, k.rate_limit) FROM keypairs k \
                   LEFT JOIN keypairs m ON m.user_id = k.user_id AND m.main = 1 WHERE k.access_key = ?";
        Ok(sqlx::query_as(sql).bind(access_key).fetch_optional(&self.read).await?)
    }

    /// A person's main access key and its rate limit.
    pub async fn main_key_limit(&self, user: UserId) -> Result<Option<(String, u32)>> {
        let sql = "SELECT access_key, rate_limit FROM keypairs WHERE user_id = ? AND main = 1";
        Ok(sqlx::query_as(sql).bind(user).fetch_optional(&self.read).await?)
    }
}

impl Change {
    /// Writes the present counts of some seconds, and adds `requests` to the uses of the keypair.
    pub async fn keep_rate(&mut self, access_key: &str, seconds: &[(i64, u32)], requests: u32, at: Millis) -> Result<()> {
        for (second, count) in seconds {
            sqlx::query(
                "INSERT INTO rates (access_key, second, requests) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (access_key, second) DO UPDATE SET requests = excluded.requests",
            )
            .bind(access_key)
            .bind(second)
            .bind(count)
            .execute(&mut *self.tx)
            .await?;
        }
        sqlx::query("UPDATE keypairs SET queries = queries + ?, last_used = ? WHERE access_key = ?")
            .bind(requests)
            .bind(at)
            .bind(access_key)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Deletes the counts up to the second `before`, and those later than `now`, which are from before the clock was set back.
    pub async fn forget_rates(&mut self, before: i64, now: i64) -> Result<()> {
        sqlx::query("DELETE FROM rates WHERE second <= ? OR second > ?").bind(before).bind(now).execute(&mut *self.tx).await?;
        Ok(())
    }
}
