//! Signed-in browsers. Only a hash of the cookie's token is stored.

use crate::people::accounts::{ACCOUNT, AccountRow};
use crate::{Account, Change, Result, Store};
use sqlx::FromRow;
use types::id::{SignInId, UserId};
use types::people::users::SignIn;
use types::time::Millis;

/// Sign-ins of one person that are kept: beyond it, the one that was used longest ago ends.
const MOST_SIGN_INS: u32 = 100;

/// A sign-in, ready to be written.
pub struct NewSignIn<'a> {
    pub id: SignInId,
    pub token_hash: &'a [u8],
    pub user: UserId,
    pub at: Millis,
    pub expires_at: Millis,
    pub address: &'a str,
    pub browser: &'a str,
}

/// The sign-in of a request, with its account.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub id: SignInId,
    pub created_at: Millis,
    pub last_used: Millis,
    pub expires_at: Millis,
    pub account: Account,
}

#[derive(FromRow)]
struct Row {
    sign_in: SignInId,
    sign_in_created: Millis,
    last_used: Millis,
    expires_at: Millis,
    #[sqlx(flatten)]
    account: AccountRow,
}

impl Store {
    /// The sign-in of a token, expired or not.
    pub async fn signed_in(&self, token_hash: &[u8]) -> Result<Option<SignedIn>> {
        let sql = format!(
            "SELECT s.id AS sign_in, s.created_at AS sign_in_created, s.last_used, s.expires_at, {} \
             FROM sign_ins s JOIN users u ON u.id = s.user_id WHERE s.token_hash = ?",
            ACCOUNT
        );
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(token_hash).fetch_optional(&self.read).await?;
        row.map(|row| {
            Ok(SignedIn {
                id: row.sign_in,
                created_at: row.sign_in_created,
                last_used: row.last_used,
                expires_at: row.expires_at,
                account: row.account.read()?,
            })
        })
        .transpose()
    }

    /// A person's sign-ins that have not expired, the last used first; at most 100.
    pub async fn sign_ins_of(&self, user: UserId, now: Millis, current: SignInId) -> Result<Vec<SignIn>> {
        let rows: Vec<(SignInId, Millis, Millis, Millis, String, String)> = sqlx::query_as(
            "SELECT id, created_at, last_used, expires_at, address, browser FROM sign_ins \
             WHERE user_id = ? AND expires_at > ? ORDER BY last_used DESC LIMIT 100",
        )
        .bind(user)
        .bind(now)
        .fetch_all(&self.read)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(id, created_at, last_used, expires_at, address, browser)| SignIn {
                id,
                created_at,
                last_used,
                expires_at,
                address,
                browser,
                current: id == current,
            })
            .collect())
    }

    /// The addresses of a person's sign-ins that have not expired.
    pub async fn sign_in_addresses(&self, user: UserId, now: Millis) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT address FROM sign_ins WHERE user_id = ? AND expires_at > ?";
        Ok(sqlx::query_scalar(sql).bind(user).bind(now).fetch_all(&self.read).await?)
    }
}

impl Change {
    /// Writes a sign-in, and deletes the person's sign-ins that expired before `forget_before`.
    pub async fn insert_sign_in(&mut self, new: &NewSignIn<'_>, forget_before: Millis) -> Result<()> {
        sqlx::query("DELETE FROM sign_ins WHERE user_id = ? AND expires_at < ?")
            .bind(new.user)
            .bind(forget_before)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query(
            "INSERT INTO sign_ins (id, token_hash, user_id, created_at, last_used, expires_at, address, browser) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.id)
        .bind(new.token_hash)
        .bind(new.user)
        .bind(new.at)
        .bind(new.at)
        .bind(new.expires_at)
        .bind(new.address)
        .bind(new.browser)
        .execute(&mut *self.tx)
        .await?;
        let sql = "DELETE FROM sign_ins WHERE user_id = ?1 AND id NOT IN \
                   (SELECT id FROM sign_ins WHERE user_id = ?1 ORDER BY last_used DESC, created_at DESC, id DESC LIMIT ?2)";
        sqlx::query(sql).bind(new.user).bind(MOST_SIGN_INS).execute(&mut *self.tx).await?;
        self.note_seen(new.user, new.at).await
    }

    /// Stores the last use of a person's sign-in and when it expires now.
    pub async fn touch_sign_in(&mut self, user: UserId, id: SignInId, at: Millis, expires_at: Millis) -> Result<()> {
        sqlx::query("UPDATE sign_ins SET last_used = ?, expires_at = ? WHERE id = ?")
            .bind(at)
            .bind(expires_at)
            .bind(id)
            .execute(&mut *self.tx)
            .await?;
        self.note_seen(user, at).await
    }

    /// Stores with the person that they were here; their sign-ins are deleted when they end.
    async fn note_seen(&mut self, user: UserId, at: Millis) -> Result<()> {
        sqlx::query("UPDATE users SET last_seen = ? WHERE id = ?").bind(at).bind(user).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Ends one sign-in of a person. Returns whether there was one.
    pub async fn delete_sign_in(&mut self, user: UserId, id: SignInId) -> Result<bool> {
        let done =
            sqlx::query("DELETE FROM sign_ins WHERE user_id = ? AND id = ?").bind(user).bind(id).execute(&mut *self.tx).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends every sign-in of a person but one.
    pub async fn delete_sign_ins_but(&mut self, user: UserId, kept: SignInId) -> Result<()> {
        sqlx::query("DELETE FROM sign_ins WHERE user_id = ? AND id <> ?").bind(user).bind(kept).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Ends every sign-in of a person.
    pub async fn delete_sign_ins(&mut self, user: UserId) -> Result<u64> {
        Ok(sqlx::query("DELETE FROM sign_ins WHERE user_id = ?").bind(user).execute(&mut *self.tx).await?.rows_affected())
    }
}
