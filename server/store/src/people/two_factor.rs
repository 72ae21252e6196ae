//! One-time codes, recovery codes, and links to choose another password.
//!
//! Secrets are encrypted, and codes and links are hashed, before they are passed to this module.

use crate::{Change, Result, Store};
use types::id::{DomainId, UserId};
use types::time::Millis;

/// The encrypted secrets of a person's one-time codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct TwoFactor {
    /// The secret whose codes signing in asks for.
    #[sqlx(rename = "totp_secret")]
    pub secret: Option<Vec<u8>>,
    /// A secret that was shown and is not confirmed yet.
    #[sqlx(rename = "totp_pending")]
    pub pending: Option<Vec<u8>>,
}

/// A link to choose another password, ready to be written.
pub struct NewPasswordLink<'a> {
    pub user: UserId,
    pub token_hash: &'a [u8],
    pub expires_at: Millis,
    /// Whether an administrator made it, rather than the person asking for it.
    pub made: bool,
    pub at: Millis,
}

impl Store {
    /// Whether a person uses two-factor authentication, and how many recovery codes they have left.
    pub async fn two_factor_state(&self, user: UserId) -> Result<(bool, u32)> {
        let sql = "SELECT two_factor, (SELECT count(*) FROM recovery_codes c WHERE c.user_id = u.id) FROM users u WHERE u.id = ?";
        Ok(sqlx::query_as(sql).bind(user).fetch_optional(&self.read).await?.unwrap_or_default())
    }

    /// The person whose password a link changes, if the link is still valid.
    pub async fn password_link(&self, token_hash: &[u8], now: Millis) -> Result<Option<UserId>> {
        let sql = "SELECT user_id FROM password_links WHERE token_hash = ? AND expires_at > ?";
        Ok(sqlx::query_scalar(sql).bind(token_hash).bind(now).fetch_optional(&self.read).await?)
    }

    /// The people who can help somebody in a domain: its administrators and the superadmins, at most 50.
    pub async fn helpers(&self, domain: DomainId) -> Result<Vec<UserId>> {
        // Two parts, so that each can use the index of roles.
        let sql = "SELECT id FROM users WHERE active = 1 AND role = 'superadmin' UNION ALL \
                   SELECT id FROM users WHERE active = 1 AND role = 'admin' AND domain_id = ? LIMIT 50";
        Ok(sqlx::query_scalar(sql).bind(domain).fetch_all(&self.read).await?)
    }
}

impl Change {
    /// A person's secrets, as this change sees them.
    pub async fn two_factor(&mut self, user: UserId) -> Result<TwoFactor> {
        let sql = "SELECT totp_secret, totp_pending FROM users WHERE id = ?";
        Ok(sqlx::query_as(sql).bind(user).fetch_optional(&mut *self.tx).await?.unwrap_or_default())
    }

    /// Stores a secret that was shown to its owner and is not confirmed yet.
    pub async fn set_pending_two_factor(&mut self, user: UserId, sealed: &[u8]) -> Result<()> {
        sqlx::query("UPDATE users SET totp_pending = ? WHERE id = ?").bind(sealed).bind(user).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Puts the pending secret into use.
    pub async fn enable_two_factor(&mut self, user: UserId, at: Millis) -> Result<()> {
        let sql =
            "UPDATE users SET totp_secret = totp_pending, totp_pending = NULL, two_factor = 1, modified_at = ? WHERE id = ?";
        sqlx::query(sql).bind(at).bind(user).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Turns two-factor authentication off, so that the password is enough.
    pub async fn end_two_factor(&mut self, user: UserId) -> Result<()> {
        let sql = "UPDATE users SET totp_secret = NULL, totp_pending = NULL, two_factor = 0 WHERE id = ?";
        sqlx::query(sql).bind(user).execute(&mut *self.tx).await?;
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = ?").bind(user).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Stores a code's time step. Returns whether it is later than all earlier ones, since a code can be used once.
    pub async fn use_code_step(&mut self, user: UserId, step: i64) -> Result<bool> {
        let sql = "UPDATE users SET totp_step = ?1 WHERE id = ?2 AND totp_step < ?1";
        Ok(sqlx::query(sql).bind(step).bind(user).execute(&mut *self.tx).await?.rows_affected() == 1)
    }

    /// Replaces a person's recovery codes.
    pub async fn set_recovery_codes(&mut self, user: UserId, hashes: &[[u8; 32]]) -> Result<()> {
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = ?").bind(user).execute(&mut *self.tx).await?;
        for hash in hashes {
            sqlx::query("INSERT INTO recovery_codes (user_id, code_hash) VALUES (?, ?)")
                .bind(user)
                .bind(hash.as_slice())
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }

    /// Uses up a recovery code. Returns whether there was one.
    pub async fn use_recovery_code(&mut self, user: UserId, hash: &[u8]) -> Result<bool> {
        let sql = "DELETE FROM recovery_codes WHERE user_id = ? AND code_hash = ?";
        Ok(sqlx::query(sql).bind(user).bind(hash).execute(&mut *self.tx).await?.rows_affected() == 1)
    }

    /// Writes a link. One that an administrator made takes the place of all others; one that was asked for leaves them as they
    /// are, since anybody can ask for one.
    pub async fn add_password_link(&mut self, link: &NewPasswordLink<'_>) -> Result<()> {
        sqlx::query("DELETE FROM password_links WHERE user_id = ?1 AND (?2 OR expires_at <= ?3)")
            .bind(link.user)
            .bind(link.made)
            .bind(link.at)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query("INSERT INTO password_links (token_hash, user_id, expires_at, made) VALUES (?, ?, ?, ?)")
            .bind(link.token_hash)
            .bind(link.user)
            .bind(link.expires_at)
            .bind(link.made)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Ends every link of a person.
    pub async fn end_password_links(&mut self, user: UserId) -> Result<()> {
        sqlx::query("DELETE FROM password_links WHERE user_id = ?").bind(user).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Stores that a link was requested for this person. Returns false, and stores nothing, if the last request was at `since` or
    /// later. One in the future is from before the clock was set back, and does not count.
    pub async fn ask_link(&mut self, user: UserId, at: Millis, since: Millis) -> Result<bool> {
        let sql = "UPDATE users SET link_question = ?1 WHERE id = ?2 AND (link_question < ?3 OR link_question > ?1)";
        Ok(sqlx::query(sql).bind(at).bind(user).bind(since).execute(&mut *self.tx).await?.rows_affected() == 1)
    }

    /// Uses up a link, and ends the others of its person. Returns the person, if it was still valid.
    pub async fn use_password_link(&mut self, token_hash: &[u8], now: Millis) -> Result<Option<UserId>> {
        let sql = "DELETE FROM password_links WHERE token_hash = ? AND expires_at > ? RETURNING user_id";
        let user: Option<UserId> = sqlx::query_scalar(sql).bind(token_hash).bind(now).fetch_optional(&mut *self.tx).await?;
        if let Some(user) = user {
            self.end_password_links(user).await?;
        }
        Ok(user)
    }

    /// Stores when the person last asked for a link that could not be mailed; `None` once they were helped.
    pub async fn set_link_asked(&mut self, user: UserId, at: Option<Millis>) -> Result<()> {
        sqlx::query("UPDATE users SET link_asked = ? WHERE id = ?").bind(at).bind(user).execute(&mut *self.tx).await?;
        Ok(())
    }
}
