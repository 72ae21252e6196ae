//! Listing and reading sessions. Actions on them have routes of their own.

use crate::graphql::cost;
use crate::graphql::filter::{Names, list};
use crate::graphql::{control_and_caller, refuse};
use crate::projects::domain_named;
use crate::sessions::idle_checks;
use async_graphql::{Context, Object, Result, SimpleObject};
use control::{Caller, Control, SessionMore};
use types::Problem;
use types::id::{ContainerId, ProjectId, SessionId};
use types::list::{Condition, Op};
use types::people::permissions::{Permission, Reach};
use types::sessions::Cluster;
use types::sessions::{Outcome, SESSIONS, SessionDetail, SessionRow, Status};
use types::time::Millis;
use uuid::Uuid;

const NAMES: Names = &[
    ("id", "id"),
    ("name", "name"),
    ("type", "kind"),
    ("status", "status"),
    ("image", "image"),
    ("agent", "agent"),
    ("agent_ids", "agent"),
    ("access_key", "access_key"),
    ("user_email", "owner"),
    ("group_name", "project"),
    ("scaling_group", "resource_group"),
    ("priority", "priority"),
    ("created_at", "created_at"),
];

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ComputeContainer {
    id: Uuid,
    session_id: Uuid,
    cluster_role: &'static str,
    cluster_idx: u32,
    cluster_hostname: String,
    image: String,
    registry: Option<String>,
    status: &'static str,
    status_info: String,
    status_data: String,
    status_changed: String,
    agent: Option<String>,
    container_id: Uuid,
    resource_opts: String,
    occupied_slots: String,
    preopen_ports: Vec<u16>,
    live_stat: Option<String>,
    last_stat: Option<String>,
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct SessionDependency {
    name: String,
    id: Uuid,
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ComputeSession {
    id: Uuid,
    session_id: Uuid,
    main_kernel_id: Uuid,
    tag: Option<String>,
    name: String,
    #[graphql(name = "type")]
    kind: String,
    image: String,
    registry: Option<String>,
    priority: u8,
    cluster_template: Option<String>,
    cluster_mode: &'static str,
    cluster_size: u32,
    domain_name: Option<String>,
    group_name: String,
    group_id: Option<Uuid>,
    agent_ids: Vec<String>,
    user_email: String,
    user_id: Uuid,
    access_key: Option<String>,
    status: &'static str,
    status_info: String,
    status_data: String,
    status_changed: String,
    created_at: String,
    terminated_at: Option<String>,
    starts_at: Option<String>,
    scheduled_at: Option<String>,
    startup_command: Option<String>,
    result: &'static str,
    resource_opts: String,
    scaling_group: String,
    service_ports: String,
    mounts: Vec<String>,
    occupying_slots: String,
    requested_slots: String,
    occupied_slots: String,
    containers: Vec<ComputeContainer>,
    dependencies: Vec<SessionDependency>,
    abusing_reports: Vec<String>,
    idle_checks: String,
}

fn containers(row: &SessionRow, changed: &str) -> Vec<ComputeContainer> {
    let each = |index: u32| ComputeContainer {
        id: ContainerId::of(row.id, index).0,
        session_id: row.id.0,
        cluster_role: if index == 0 { "main" } else { "sub" },
        cluster_idx: index.max(1),
        cluster_hostname: Cluster::host_name(index),
        image: row.image.clone(),
        registry: None,
        status: row.status.key(),
        status_info: row.info.clone(),
        status_data: "{}".into(),
        status_changed: changed.to_owned(),
        agent: row.agents.get(index as usize).cloned(),
        container_id: ContainerId::of(row.id, index).0,
        resource_opts: "{}".into(),
        occupied_slots: if row.status.occupies() { serde_json::json!(row.slots).to_string() } else { "{}".into() },
        preopen_ports: Vec::new(),
        live_stat: None,
        last_stat: None,
    };
    (0..row.cluster.size).map(each).collect()
}

impl ComputeSession {
    fn of_row(row: SessionRow) -> Self {
        let changed = row.ended_at.or(row.started_at).unwrap_or(row.created_at).iso();
        let all = serde_json::json!(row.cluster.of_all(&row.slots)).to_string();
        Self {
            id: row.id.0,
            session_id: row.id.0,
            main_kernel_id: ContainerId::of(row.id, 0).0,
            tag: None,
            kind: row.kind.key().to_uppercase(),
            registry: None,
            priority: row.priority,
            cluster_template: None,
            cluster_mode: row.cluster.mode.key(),
            cluster_size: row.cluster.size,
            domain_name: None,
            group_id: None,
            user_id: row.owner.0,
            access_key: None,
            status: row.status.key(),
            status_data: "{}".into(),
            created_at: row.created_at.iso(),
            terminated_at: row.ended_at.map(Millis::iso),
            starts_at: None,
            scheduled_at: None,
            startup_command: None,
            result: result(row.status.key(), None),
            resource_opts: "{}".into(),
            service_ports: "[]".into(),
            mounts: Vec::new(),
            occupying_slots: if row.status.occupies() { all.clone() } else { "{}".into() },
            occupied_slots: if row.status.occupies() { all.clone() } else { "{}".into() },
            requested_slots: all,
            containers: containers(&row, &changed),
            dependencies: Vec::new(),
            abusing_reports: Vec::new(),
            idle_checks: "{}".into(),
            status_changed: changed,
            name: row.name,
            image: row.image,
            group_name: row.project,
            agent_ids: row.agents,
            user_email: row.owner_email,
            status_info: row.info,
            scaling_group: row.resource_group,
        }
    }

    fn with(self, more: Option<SessionMore>) -> Self {
        let Some(more) = more else { return self };
        Self {
            result: result(self.status, more.outcome.as_ref()),
            domain_name: Some(more.domain),
            group_id: Some(more.project.0),
            access_key: Some(more.access_key).filter(|key| !key.is_empty()),
            startup_command: Some(more.command).filter(|command| !command.is_empty()),
            scheduled_at: more.scheduled_at.map(Millis::iso),
            starts_at: more.starts_at.map(Millis::iso),
            ..self
        }
    }

    fn of_detail(detail: SessionDetail) -> Self {
        let idle_checks = idle_checks(&detail).to_string();
        let changed = detail.history.last().map(|change| change.at.iso());
        let result = result(detail.row.status.key(), detail.outcome.as_ref());
        let shared = detail.shared_memory.map(|bytes| serde_json::json!({ "shmem": bytes.to_string() }).to_string());
        let resource_opts = shared.unwrap_or_else(|| "{}".into());
        let mut plain = Self::of_row(detail.row);
        for container in &mut plain.containers {
            container.resource_opts.clone_from(&resource_opts);
            container.preopen_ports.clone_from(&detail.ports);
            if let Some(changed) = &changed {
                container.status_changed.clone_from(changed);
            }
        }
        Self {
            resource_opts,
            status_changed: changed.unwrap_or_else(|| plain.status_changed.clone()),
            result,
            dependencies: detail.depends_on.into_iter().map(|on| SessionDependency { name: on.name, id: on.id.0 }).collect(),
            idle_checks,
            ..plain
        }
    }
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ComputeSessionList {
    items: Vec<ComputeSession>,
    total_count: u64,
}

fn result(status: &str, outcome: Option<&Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Exited(0)) => "SUCCESS",
        Some(_) => "FAILURE",
        None if status == Status::Error.key() => "FAILURE",
        None => "UNDEFINED",
    }
}

/// The known statuses of a comma-separated list; Backend.AI has more of them.
fn known_statuses(words: &str) -> Vec<&'static str> {
    words.split(',').filter_map(|word| Status::from_key(word.trim())).map(Status::key).collect()
}

/// Checks the name of a domain. A list of sessions holds all that its reader may see. If that is one domain, its name may be
/// given. Choosing one of several is refused, since the list would hold the others as well.
async fn check_domain(control: &Control, caller: &Caller, name: &str) -> std::result::Result<(), Problem> {
    if caller.me().is_some_and(|me| me.reach(Permission::ReadSessions) == Reach::Domain) {
        return domain_named(control, caller, name).await.map(drop);
    }
    Err(Problem::field("domain_name", "Sessions cannot be listed by domain. Leave it out, or give the group_id of a project."))
}

fn project(id: &str) -> std::result::Result<ProjectId, Problem> {
    id.parse().map_err(|_| Problem::field("group_id", "Give the id of a project."))
}

#[derive(Default)]
pub struct SessionQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl SessionQuery {
    #[graphql(complexity = "cost::list_of(limit, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "Backend.AI's own arguments")]
    async fn compute_session_list(
        &self,
        context: &Context<'_>,
        limit: i32,
        offset: i32,
        filter: Option<String>,
        order: Option<String>,
        status: Option<String>,
        access_key: Option<String>,
        domain_name: Option<String>,
        group_id: Option<String>,
    ) -> Result<ComputeSessionList> {
        let (control, caller) = control_and_caller(context)?;
        let domain_name = domain_name.filter(|name| !name.is_empty());
        if let Some(name) = &domain_name {
            check_domain(control, caller, name).await.map_err(refuse)?;
        }
        let fields: (Names, &[&str]) = (NAMES, &["agent", "agent_ids"]);
        let mut query = list(&SESSIONS, fields, (limit, offset), None, filter.as_deref(), order.as_deref()).map_err(refuse)?;
        if let Some(words) = status.as_deref().filter(|words| !words.is_empty()) {
            let known = known_statuses(words);
            if known.is_empty() {
                return Ok(ComputeSessionList { items: Vec::new(), total_count: 0 });
            }
            query.conditions.push(Condition { key: "status".into(), op: Op::Any, value: known.join(",") });
        }
        query.conditions.extend(access_key.filter(|key| !key.is_empty()).map(|value| Condition {
            key: "access_key".into(),
            op: Op::Equals,
            value,
        }));
        let project = group_id.as_deref().filter(|id| !id.is_empty()).map(project).transpose().map_err(refuse)?;
        let page = control.sessions(caller, &query, project).await.map_err(refuse)?;
        let ids: Vec<SessionId> = page.rows.iter().map(|row| row.id).collect();
        let mut more = control.sessions_more(caller, &ids).await.map_err(refuse)?;
        let item = |row: SessionRow| {
            let more = more.remove(&row.id);
            ComputeSession::of_row(row).with(more)
        };
        Ok(ComputeSessionList { total_count: page.total, items: page.rows.into_iter().map(item).collect() })
    }

    async fn compute_session(&self, context: &Context<'_>, id: Uuid) -> Result<Option<ComputeSession>> {
        let (control, caller) = control_and_caller(context)?;
        let detail = control.session(caller, SessionId(id)).await.map_err(refuse)?;
        let more = control.sessions_more(caller, &[detail.row.id]).await.map_err(refuse)?.remove(&SessionId(id));
        Ok(Some(ComputeSession::of_detail(detail).with(more)))
    }
}
