//! Settings that people make for themselves, by key, such as the columns of a table.

use crate::{Change, Result, Store};
use types::id::UserId;

impl Store {
    /// One setting of a person.
    pub async fn preference(&self, user: UserId, key: &str) -> Result<Option<String>> {
        let row: Option<(String,)> = sqlx::query_as("SELECT value FROM preferences WHERE user_id = ? AND key = ?")
            .bind(user)
            .bind(key)
            .fetch_optional(&self.read)
            .await?;
        Ok(row.map(|(value,)| value))
    }
}

impl Change {
    /// Stores a setting.
    pub async fn set_preference(&mut self, user: UserId, key: &str, value: &str) -> Result<()> {
        sqlx::query("INSERT INTO preferences (user_id, key, value) VALUES (?, ?, ?) ON CONFLICT (user_id, key) DO UPDATE SET value = excluded.value")
            .bind(user)
            .bind(key)
            .bind(value)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }
}
