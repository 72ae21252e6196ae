//! Machines that engines have reported.

use crate::{Change, Result, Store, json, to_json};
use types::agent::{Agent, AgentReport};
use types::quantity::{Quantity, Slots};
use types::time::Millis;

impl Store {
    /// Every agent with what sessions occupy on it, by name.
    pub async fn agents(&self) -> Result<Vec<Agent>> {
        let rows: Vec<(String, Millis, String, u32, i64, i64)> = sqlx::query_as(
            "SELECT a.resource_group, a.first_contact, a.report, count(s.id), coalesce(sum(s.cpu), 0), coalesce(sum(s.mem), 0) \
             FROM agents a LEFT JOIN sessions s ON s.agent = a.name AND s.finished = 0 AND s.status <> 'PENDING' \
             GROUP BY a.name ORDER BY a.name",
        )
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(resource_group, first_contact, report, sessions, cpu, mem)| {
                Ok(Agent {
                    report: json::<AgentReport>("agent's report", &report)?,
                    resource_group,
                    first_contact,
                    occupied: Slots::cpu_mem(Quantity::thousandths(cpu), mem),
                    sessions,
                })
            })
            .collect()
    }
}

impl Change {
    /// Keeps an agent's newest report; a new agent joins `resource_group`.
    pub async fn save_agent(&mut self, report: &AgentReport, resource_group: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO agents (name, resource_group, first_contact, report) VALUES (?, ?, ?, ?) \
             ON CONFLICT (name) DO UPDATE SET report = excluded.report",
        )
        .bind(&report.name)
        .bind(resource_group)
        .bind(report.at)
        .bind(to_json(report))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}
