//! The rows that decide whether open connections may stay open, for all of them at once.

use crate::people::accounts::{ACCOUNT, AccountRow};
use crate::{Account, Result, Store, to_json};
use types::id::{DomainId, ProjectId, SessionId, SignInId, UserId};
use types::time::Millis;
use uuid::Uuid;

/// The owner of a session, and the domain and project that it belongs to.
pub type SessionPlace = (SessionId, UserId, DomainId, ProjectId);

impl Store {
    /// These accounts, as far as they exist.
    pub async fn accounts_among(&self, ids: impl IntoIterator<Item = UserId>) -> Result<Vec<Account>> {
        let sql = format!("SELECT {ACCOUNT} FROM users u WHERE u.id IN (SELECT unhex(value) FROM json_each(?))");
        let ids = as_json(ids.into_iter().map(|id| id.0));
        let rows: Vec<AccountRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(&self.read).await?;
        // One that cannot be read has no rights, and keeps nobody else's.
        Ok(rows.into_iter().filter_map(|row| row.read().ok()).collect())
    }

    /// Those of these sign-ins that have neither been ended nor expired.
    pub async fn sign_ins_among(&self, ids: impl IntoIterator<Item = SignInId>, now: Millis) -> Result<Vec<SignInId>> {
        let sql = "SELECT id FROM sign_ins WHERE id IN (SELECT unhex(value) FROM json_each(?)) AND expires_at > ?";
        let ids = as_json(ids.into_iter().map(|id| id.0));
        Ok(sqlx::query_scalar(sql).bind(ids).bind(now).fetch_all(&self.read).await?)
    }

    /// Those of these keypairs that sign requests.
    pub async fn active_keypairs_among(&self, keys: &[&str]) -> Result<Vec<String>> {
        let sql =
            "SELECT access_key FROM keypairs WHERE access_key IN (SELECT value FROM json_each(?)) AND active = 1 AND deleted = 0";
        Ok(sqlx::query_scalar(sql).bind(to_json(&keys)).fetch_all(&self.read).await?)
    }

    /// Who and what these sessions belong to.
    pub async fn session_places(&self, ids: impl IntoIterator<Item = SessionId>) -> Result<Vec<SessionPlace>> {
        let sql = "SELECT id, user_id, domain_id, project_id FROM sessions WHERE id IN (SELECT unhex(value) FROM json_each(?))";
        Ok(sqlx::query_as(sql).bind(as_json(ids.into_iter().map(|id| id.0))).fetch_all(&self.read).await?)
    }
}

fn as_json(ids: impl Iterator<Item = Uuid>) -> String {
    to_json(&ids.map(|id| id.simple().to_string()).collect::<Vec<_>>())
}
