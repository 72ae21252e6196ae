//! Settings of the whole cluster: one JSON text per key, with a revision.

use crate::{Change, Result, Store, read_json, to_json};
use types::cluster::resource_groups::SchedulerSettings;

const SCHEDULER: &str = "scheduler";
const READ: &str = "SELECT value, revision FROM settings WHERE key = ?";

fn read_scheduler_settings(row: Option<(String, i64)>) -> Result<SchedulerSettings> {
    let Some((value, revision)) = row else { return Ok(SchedulerSettings::default()) };
    Ok(SchedulerSettings { revision, ..read_json("scheduler settings", &value)? })
}

const INSTALLATION: &str = "installation";

impl Store {
    /// The installation's id, once it has one.
    pub async fn installation(&self) -> Result<Option<String>> {
        let row: Option<(String, i64)> = sqlx::query_as(READ).bind(INSTALLATION).fetch_optional(&self.read).await?;
        row.map(|(value, _)| read_json("installation's id", &value)).transpose()
    }

    /// Whether there are secrets that only the key beside the database can read.
    pub async fn holds_secrets(&self) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM keypairs WHERE secret IS NOT NULL)";
        Ok(sqlx::query_scalar(sql).fetch_one(&self.read).await?)
    }

    /// The scheduler's settings for groups without settings of their own.
    pub async fn scheduler_settings(&self) -> Result<SchedulerSettings> {
        read_scheduler_settings(sqlx::query_as(READ).bind(SCHEDULER).fetch_optional(&self.read).await?)
    }
}

impl Change {
    /// Gives the installation its id, unless it has one.
    pub async fn name_installation(&mut self, id: &str) -> Result<()> {
        sqlx::query("INSERT INTO settings (key, value, revision) VALUES (?, ?, 1) ON CONFLICT (key) DO NOTHING")
            .bind(INSTALLATION)
            .bind(to_json(&id))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// The scheduler's settings as this change sees them.
    pub async fn scheduler_settings(&mut self) -> Result<SchedulerSettings> {
        read_scheduler_settings(sqlx::query_as(READ).bind(SCHEDULER).fetch_optional(&mut *self.tx).await?)
    }

    /// Writes the scheduler's settings.
    pub async fn save_scheduler_settings(&mut self, settings: &SchedulerSettings) -> Result<()> {
        sqlx::query(
            "INSERT INTO settings (key, value, revision) VALUES (?, ?, 1) \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = revision + 1",
        )
        .bind(SCHEDULER)
        .bind(to_json(settings))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}
