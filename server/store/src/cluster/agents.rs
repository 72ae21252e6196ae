//! Agents that engines have reported. The slots that sessions hold on them are not stored here, but with the sessions.

use crate::list::{Bind, Column, Fixed, Source, page_of_rows};
use crate::{Change, Result, Store, read_json, to_json};
use sqlx::FromRow;
use types::cluster::agents::{AGENTS, Agent, AgentReport};
use types::list::{ListQuery, Page};
use types::quantity::Slots;
use types::time::Millis;

pub(crate) static SOURCE: Source = Source {
    table: "agents g",
    number: "g.rowid",
    joins: "",
    led: &[],
    tab: "",
    indexed: "",
    columns: &[
        ("name", Column::folded("fold(g.name)")),
        ("address", Column::plain("g.address")),
        ("resource_group", Column::folded("fold(g.resource_group)")),
        ("schedulable", Column::whole("g.schedulable")),
        ("first_contact", Column::plain("g.first_contact")),
        ("status", Column::plain("CASE WHEN g.lost_at IS NULL THEN 'ALIVE' ELSE 'TERMINATED' END")),
    ],
};

const COLUMNS: &str = "g.resource_group, g.first_contact, g.report, g.schedulable, g.lost_at, g.closed_reason, g.closed_at";

#[derive(FromRow)]
struct Row {
    resource_group: String,
    first_contact: Millis,
    report: String,
    schedulable: bool,
    lost_at: Option<Millis>,
    closed_reason: String,
    closed_at: Option<Millis>,
}

impl Row {
    fn read(self) -> Result<Agent> {
        Ok(Agent {
            report: read_json::<AgentReport>("agent's report", &self.report)?,
            resource_group: self.resource_group,
            schedulable: self.schedulable,
            closed_reason: self.closed_reason,
            closed_at: self.closed_at,
            first_contact: self.first_contact,
            lost_at: self.lost_at,
            occupied: Slots::default(),
            sessions: 0,
        })
    }
}

impl Store {
    /// A page of agents, without the slots that sessions hold on them.
    pub async fn agents(&self, query: &ListQuery) -> Result<Page<Agent>> {
        let lost = query.tab().map(|tab| -> Fixed { ("(g.lost_at IS NOT NULL) = ?", Bind::Int(i64::from(tab == "terminated"))) });
        page_of_rows(self, (&SOURCE, &AGENTS), COLUMNS, query, lost.into_iter().collect(), Row::read).await
    }

    /// Every agent by name, without the slots that sessions hold on them.
    pub async fn every_agent(&self) -> Result<Vec<Agent>> {
        let sql = format!("SELECT {COLUMNS} FROM agents g ORDER BY g.name");
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&self.read).await?;
        rows.into_iter().map(Row::read).collect()
    }
}

impl Change {
    /// Stores an agent's newest report, its resource group, and that it answers.
    pub async fn save_agent(&mut self, report: &AgentReport, resource_group: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO agents (name, resource_group, first_contact, report, address) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (name) DO UPDATE SET report = excluded.report, address = excluded.address, \
             resource_group = excluded.resource_group, lost_at = NULL",
        )
        .bind(&report.name)
        .bind(resource_group)
        .bind(report.at)
        .bind(to_json(report))
        .bind(&report.address)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Keeps that an agent no longer answers.
    pub async fn lose_agent(&mut self, name: &str, at: Millis) -> Result<()> {
        sqlx::query("UPDATE agents SET lost_at = ? WHERE name = ? AND lost_at IS NULL")
            .bind(at)
            .bind(name)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Whether an agent gets new sessions, and why it does not; `None` when there is no such agent.
    pub async fn is_schedulable(&mut self, name: &str) -> Result<Option<(bool, String)>> {
        let found = sqlx::query_as("SELECT schedulable, closed_reason FROM agents WHERE name = ?").bind(name);
        Ok(found.fetch_optional(&mut *self.tx).await?)
    }

    /// Sets whether an agent gets new sessions, and if not, why and since when. Of one that was closed before, the time stays.
    pub async fn set_schedulable(&mut self, name: &str, schedulable: bool, reason: &str, at: Millis) -> Result<()> {
        sqlx::query(
            "UPDATE agents SET schedulable = ?1, closed_reason = ?2, closed_at = iif(?1, NULL, coalesce(closed_at, ?3)) WHERE name = ?4",
        )
            .bind(schedulable)
            .bind(if schedulable { "" } else { reason })
            .bind(at)
            .bind(name)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Creates a resource group that an engine names, unless there is one; every domain may use it. Returns whether it was
    /// created.
    pub async fn ensure_group(&mut self, name: &str, at: Millis) -> Result<bool> {
        // A deleted group of this name is reset to the defaults.
        let made = sqlx::query(
            "INSERT INTO resource_groups (name, created_at, scheduler) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET deleted = 0, \
             created_at = excluded.created_at, scheduler = excluded.scheduler, description = '', active = 1, public = 1, \
             placement = 'dispersed', session_types = '[\"interactive\",\"batch\",\"inference\"]', pending_timeout = NULL, \
             retries_to_skip = NULL, app_proxy = '', revision = revision + 1 WHERE deleted = 1",
        )
        .bind(name)
        .bind(at)
        .bind(types::cluster::resource_groups::THE_SYSTEMS)
        .execute(&mut *self.tx)
        .await?;
        if made.rows_affected() > 0 {
            sqlx::query("INSERT OR IGNORE INTO resource_group_domains (resource_group, domain_id) SELECT ?, id FROM domains")
                .bind(name)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(made.rows_affected() > 0)
    }
}
