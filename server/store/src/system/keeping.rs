//! Keeping things for a time: removing old rows in small batches, and space in the file for when the disk is full.

use crate::{Change, Result, Store};
use types::id::{SessionId, UserId};
use types::time::Millis;

/// Bytes that can still be written when the disk is full: some thousand audit records, ends of sessions and sign-ins. More than the
/// write-ahead log has before it begins again (4 MiB) by the largest change.
const SPARE: i64 = 6 << 20;

/// The oldest lines are looked at first, which `CROSS JOIN` fixes: the other way round means every ended session, each minute.
const FORGET_HISTORY: &str = "DELETE FROM session_history WHERE seq IN (SELECT h.seq FROM session_history h \
    CROSS JOIN sessions s ON s.id = h.session_id WHERE h.at < ? AND s.finished = 1 ORDER BY h.at LIMIT ?)";

/// An ended session whose files are still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    pub id: SessionId,
    pub owner: UserId,
    /// The agent of each container.
    pub agents: Vec<String>,
}

impl Store {
    /// Up to `most` sessions that ended before `before` and whose files are still there, oldest first, without the first `skip`.
    pub async fn leftovers(&self, before: Millis, skip: u32, most: u32) -> Result<Vec<Leftover>> {
        let rows: Vec<(SessionId, UserId, String)> = sqlx::query_as(
            "SELECT id, user_id, agents FROM sessions WHERE ended_at < ? AND ended_at IS NOT NULL AND files_removed_at IS NULL \
             ORDER BY ended_at LIMIT ? OFFSET ?",
        )
        .bind(before)
        .bind(most)
        .bind(skip)
        .fetch_all(&self.read)
        .await?;
        let read = |(id, owner, agents): (SessionId, UserId, String)| {
            Ok(Leftover { id, owner, agents: crate::read_json("session's agents", &agents)? })
        };
        rows.into_iter().map(read).collect()
    }

    /// Keeps the statistics by which SQLite chooses its plans, of each table whose size has changed tenfold since the last time.
    /// It looks at a sample of the rows, so this is quick, also where nothing was known before.
    pub async fn keep_statistics(&self) -> Result<()> {
        sqlx::query("PRAGMA optimize = 0x10002").execute(&self.write).await?;
        Ok(())
    }

    /// Keeps space in the file and in its write-ahead log that can be written when the disk is full: pages that were used once
    /// are used again before the file grows. Does nothing if there is enough.
    pub async fn keep_spare(&self) -> Result<()> {
        let mut writer = self.write.acquire().await?;
        let (free,): (i64,) = sqlx::query_as("SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size")
            .fetch_one(&mut *writer)
            .await?;
        let log = std::fs::metadata(&self.log).map_or(0, |log| i64::try_from(log.len()).unwrap_or(i64::MAX));
        if free >= SPARE / 2 && log >= SPARE {
            return Ok(());
        }
        // Written in one transaction and freed in another: pages that one transaction writes and frees never reach the disk.
        sqlx::query("DELETE FROM spare").execute(&mut *writer).await?;
        sqlx::query("INSERT INTO spare VALUES (zeroblob(?))").bind(SPARE).execute(&mut *writer).await?;
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut *writer).await?;
        sqlx::query("DELETE FROM spare").execute(&mut *writer).await?;
        Ok(())
    }
}

impl Change {
    /// Deletes up to `most` audit records from before `before`. Returns how many.
    pub async fn forget_audit(&mut self, before: Millis, most: u32) -> Result<u64> {
        let sql = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)";
        Ok(sqlx::query(sql).bind(before).bind(most).execute(&mut *self.tx).await?.rows_affected())
    }

    /// Deletes up to `most` lines of history of ended sessions from before `before`. Returns how many.
    pub async fn forget_history(&mut self, before: Millis, most: u32) -> Result<u64> {
        Ok(sqlx::query(FORGET_HISTORY).bind(before).bind(most).execute(&mut *self.tx).await?.rows_affected())
    }

    /// Deletes up to `most` of the oldest events, but none of the newest `keep`. Returns how many. Pages that were away longer
    /// must reload.
    pub async fn forget_events(&mut self, keep: i64, most: u32) -> Result<u64> {
        let sql = "DELETE FROM events WHERE id IN \
                   (SELECT id FROM events WHERE id <= (SELECT max(id) FROM events) - ? ORDER BY id LIMIT ?)";
        Ok(sqlx::query(sql).bind(keep).bind(most).execute(&mut *self.tx).await?.rows_affected())
    }

    /// Writes that the files of these sessions were removed.
    pub async fn files_removed(&mut self, ids: &[SessionId], at: Millis) -> Result<()> {
        for id in ids {
            sqlx::query("UPDATE sessions SET files_removed_at = ? WHERE id = ?")
                .bind(at)
                .bind(*id)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }

    /// Moves what counts from an earlier time, because the clock was set by this many milliseconds and shows `now`: the marks of
    /// sessions that have not ended, and the ends of sign-ins and password links. Marks that may be younger than the step, up to
    /// `lately` milliseconds, are not moved back: that would end somebody's work.
    pub async fn move_marks(&mut self, by: i64, now: Millis, lately: i64) -> Result<()> {
        let sql = "UPDATE sessions SET \
             created_moved = created_moved + iif(?1 < 0 AND created_at + created_moved BETWEEN ?2 - ?3 AND ?2, 0, ?1), \
             started_moved = started_moved + iif(started_at IS NULL \
                 OR (?1 < 0 AND started_at + started_moved BETWEEN ?2 - ?3 AND ?2), 0, ?1), \
             last_active = iif(?1 < 0 AND last_active BETWEEN ?2 - ?3 AND ?2, last_active, min(last_active + ?1, ?2)) \
             WHERE finished = 0";
        sqlx::query(sql).bind(by).bind(now).bind(lately).execute(&mut *self.tx).await?;
        let sql =
            "UPDATE sign_ins SET expires_at = expires_at + ?1, created_at = created_at + ?1, last_used = min(last_used + ?1, ?2)";
        sqlx::query(sql).bind(by).bind(now).execute(&mut *self.tx).await?;
        sqlx::query("UPDATE password_links SET expires_at = expires_at + ?").bind(by).execute(&mut *self.tx).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn old_history_is_found_by_its_age_without_looking_at_every_session() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("yard.db")).await.unwrap();
        let plan = format!("EXPLAIN QUERY PLAN {FORGET_HISTORY}");
        let rows: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(plan)).bind(0).bind(1).fetch_all(&store.read).await.unwrap();
        let steps: Vec<String> = rows.into_iter().map(|(.., step)| step).collect();
        assert!(steps.iter().any(|step| step.contains("h USING INDEX session_history_at")), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("SCAN s") || step.contains("TEMP B-TREE")), "{steps:?}");
    }
}
