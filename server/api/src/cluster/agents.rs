//! Agents.

use crate::graphql::cost;
use crate::graphql::filter::{Names, list};
use crate::graphql::{control_and_caller, refuse};
use async_graphql::{Context, Object, Result, SimpleObject};
use types::cluster::agents::{AGENTS, Agent as Row};
use types::list::{Condition, ListQuery, Op, Window};
use types::quantity::{CPU, MEM};

const NAMES: Names = &[
    ("id", "name"),
    ("addr", "address"),
    ("scaling_group", "resource_group"),
    ("schedulable", "schedulable"),
    ("first_contact", "first_contact"),
    ("status", "status"),
];

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct Agent {
    id: String,
    status: &'static str,
    status_changed: String,
    region: Option<String>,
    architecture: String,
    scaling_group: String,
    schedulable: bool,
    /// JSON texts, as Backend.AI sends them.
    available_slots: String,
    occupied_slots: String,
    addr: String,
    first_contact: String,
    lost_at: Option<String>,
    live_stat: Option<String>,
    version: String,
    compute_plugins: String,
    hardware_metadata: String,
    local_config: String,
    cpu_cur_pct: f64,
    mem_cur_bytes: i64,
}

impl From<Row> for Agent {
    fn from(row: Row) -> Self {
        let report = row.report;
        let since = row.lost_at.unwrap_or(row.first_contact);
        Self {
            status: if row.lost_at.is_none() { "ALIVE" } else { "TERMINATED" },
            status_changed: since.iso(),
            region: None,
            architecture: report.architecture,
            scaling_group: row.resource_group,
            schedulable: row.schedulable,
            available_slots: serde_json::json!(report.capacity).to_string(),
            occupied_slots: serde_json::json!(row.occupied).to_string(),
            addr: report.address,
            first_contact: row.first_contact.iso(),
            lost_at: row.lost_at.map(types::time::Millis::iso),
            live_stat: None,
            version: report.version,
            compute_plugins: "{}".into(),
            hardware_metadata: "{}".into(),
            local_config: "{}".into(),
            cpu_cur_pct: report.used.get(CPU).ratio_of(report.capacity.get(CPU)) * 100.0,
            mem_cur_bytes: report.used.get(MEM).floor(),
            id: report.name,
        }
    }
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct AgentList {
    items: Vec<Agent>,
    total_count: u64,
}

fn tab(status: Option<&str>) -> Option<&'static str> {
    match status {
        None => None,
        Some("ALIVE") => Some("connected"),
        Some(_) => Some("terminated"),
    }
}

#[derive(Default)]
pub struct AgentQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl AgentQuery {
    #[graphql(complexity = "cost::list_of(limit, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Backend.AI's own arguments")]
    async fn agent_list(
        &self,
        context: &Context<'_>,
        limit: i32,
        offset: i32,
        filter: Option<String>,
        order: Option<String>,
        scaling_group: Option<String>,
        status: Option<String>,
    ) -> Result<AgentList> {
        let (control, caller) = control_and_caller(context)?;
        let tab = tab(status.as_deref());
        let mut query = list(&AGENTS, (NAMES, &[]), (limit, offset), tab, filter.as_deref(), order.as_deref()).map_err(refuse)?;
        query.conditions.extend(of_group(scaling_group));
        let page = control.agents(caller, &query).await.map_err(refuse)?;
        Ok(AgentList { total_count: page.total, items: page.rows.into_iter().map(Agent::from).collect() })
    }

    #[graphql(complexity = "cost::list_of(cost::SOME, child_complexity)")]
    async fn agents(&self, context: &Context<'_>, scaling_group: Option<String>, status: Option<String>) -> Result<Vec<Agent>> {
        let (control, caller) = control_and_caller(context)?;
        let tab = tab(status.as_deref());
        let window = Window { offset: 0, limit: 1_000, any_tab: tab.is_none() };
        let conditions = of_group(scaling_group).into_iter().collect();
        let query =
            ListQuery { conditions, tab: tab.unwrap_or("connected").into(), window: Some(window), ..ListQuery::new(&AGENTS) };
        let page = control.agents(caller, &query).await.map_err(refuse)?;
        Ok(page.rows.into_iter().map(Agent::from).collect())
    }

    async fn agent(&self, context: &Context<'_>, agent_id: String) -> Result<Option<Agent>> {
        let (control, caller) = control_and_caller(context)?;
        Ok(Some(control.agent(caller, &agent_id).await.map_err(refuse)?.agent.into()))
    }
}

fn of_group(name: Option<String>) -> Option<Condition> {
    name.map(|name| Condition { key: "resource_group".into(), op: Op::Equals, value: name })
}
