//! Domains and projects, which Backend.AI calls groups.

use crate::graphql::amounts::{slots, slots_text};
use crate::graphql::cost;
use crate::graphql::{Done, clearable, control_and_caller, done, kept, never, outcome, refuse};
use async_graphql::{Context, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use control::{Caller, Control};
use types::Problem;
use types::folders::Hosts;
use types::id::{DomainId, ProjectId};
use types::list::{Condition, ListQuery, ListSpec, Op, Window};
use types::projects::{DOMAINS, DomainRow, EditDomain, EditProject, PROJECTS, ProjectKind, ProjectRow};
use types::quantity::Slots;
use uuid::Uuid;

/// The most rows in a list without pages.
const MOST: u32 = 10_000;

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct Domain {
    name: String,
    description: String,
    is_active: bool,
    created_at: String,
    modified_at: String,
    /// JSON texts, as Backend.AI sends them.
    total_resource_slots: String,
    allowed_vfolder_hosts: String,
    allowed_docker_registries: Vec<String>,
    integration_id: Option<String>,
}

impl From<DomainRow> for Domain {
    fn from(row: DomainRow) -> Self {
        Self {
            name: row.name,
            description: row.description,
            is_active: row.active,
            created_at: row.created_at.iso(),
            modified_at: row.modified_at.iso(),
            total_resource_slots: slots_text(&row.limit),
            allowed_vfolder_hosts: serde_json::json!(row.hosts).to_string(),
            allowed_docker_registries: Vec::new(),
            integration_id: Some(row.integration).filter(|text| !text.is_empty()),
        }
    }
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct Group {
    id: Uuid,
    name: String,
    description: String,
    is_active: bool,
    created_at: String,
    modified_at: String,
    domain_name: String,
    #[graphql(name = "type")]
    kind: &'static str,
    resource_policy: String,
    total_resource_slots: String,
    allowed_vfolder_hosts: String,
    integration_id: Option<String>,
}

impl From<ProjectRow> for Group {
    fn from(row: ProjectRow) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            description: row.description,
            is_active: row.active,
            created_at: row.created_at.iso(),
            modified_at: row.modified_at.iso(),
            domain_name: row.domain,
            kind: if row.kind == ProjectKind::ModelStore { "MODEL_STORE" } else { "GENERAL" },
            resource_policy: row.policy,
            total_resource_slots: slots_text(&row.limit),
            allowed_vfolder_hosts: serde_json::json!(row.hosts).to_string(),
            integration_id: Some(row.integration).filter(|text| !text.is_empty()),
        }
    }
}

/// The query for a list without pages.
pub(crate) fn query_without_pages(spec: &'static ListSpec, conditions: Vec<Condition>) -> ListQuery {
    ListQuery { conditions, window: Some(Window { offset: 0, limit: MOST, any_tab: true }), ..ListQuery::new(spec) }
}

/// A condition that a property equals a value.
pub(crate) fn equals(key: &str, value: &str) -> Condition {
    Condition { key: key.into(), op: Op::Equals, value: value.into() }
}

/// Finds the domain of this name.
pub(crate) async fn domain_named(control: &Control, caller: &Caller, name: &str) -> std::result::Result<DomainRow, Problem> {
    let found = control.domains(caller, &query_without_pages(&DOMAINS, vec![equals("name", name)])).await?.rows.pop();
    found.ok_or_else(|| Problem::NotFound("domain".into()))
}

async fn groups(control: &Control, caller: &Caller, domain: Option<&str>, name: Option<&str>) -> Result<Vec<Group>> {
    let conditions = domain.map(|domain| equals("domain", domain)).into_iter().chain(name.map(|name| equals("name", name)));
    let page = control.projects(caller, &query_without_pages(&PROJECTS, conditions.collect())).await.map_err(refuse)?;
    Ok(page.rows.into_iter().map(Group::from).collect())
}

#[derive(Default)]
pub struct ProjectQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl ProjectQuery {
    #[graphql(complexity = "cost::list_of(cost::MANY, child_complexity)")]
    async fn domains(&self, context: &Context<'_>, is_active: Option<bool>) -> Result<Vec<Domain>> {
        let (control, caller) = control_and_caller(context)?;
        let rows = control.domains(caller, &query_without_pages(&DOMAINS, Vec::new())).await.map_err(refuse)?.rows;
        Ok(rows.into_iter().filter(|row| is_active.is_none_or(|active| row.active == active)).map(Domain::from).collect())
    }

    async fn domain(&self, context: &Context<'_>, name: Option<String>) -> Result<Option<Domain>> {
        let (control, caller) = control_and_caller(context)?;
        let found = domain_named(control, caller, name.as_deref().unwrap_or("default")).await;
        found.map(|row| Some(row.into())).map_err(refuse)
    }

    #[graphql(complexity = "cost::list_of(cost::MANY, child_complexity)")]
    async fn groups(&self, context: &Context<'_>, domain_name: Option<String>, is_active: Option<bool>) -> Result<Vec<Group>> {
        let (control, caller) = control_and_caller(context)?;
        let all = groups(control, caller, domain_name.as_deref(), None).await?;
        Ok(all.into_iter().filter(|group| is_active.is_none_or(|active| group.is_active == active)).collect())
    }

    #[graphql(complexity = "cost::list_of(cost::SOME, child_complexity)")]
    async fn groups_by_name(&self, context: &Context<'_>, name: String, domain_name: Option<String>) -> Result<Vec<Group>> {
        let (control, caller) = control_and_caller(context)?;
        groups(control, caller, domain_name.as_deref(), Some(&name)).await
    }

    async fn group(&self, context: &Context<'_>, id: Uuid, domain_name: Option<String>) -> Result<Option<Group>> {
        let (control, caller) = control_and_caller(context)?;
        let row = control.project(caller, ProjectId(id)).await.map_err(refuse)?.row;
        Ok(Some(row).filter(|row| domain_name.is_none_or(|name| name == row.domain)).map(Group::from))
    }
}

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub struct DomainInput {
    description: Option<String>,
    is_active: Option<bool>,
    total_resource_slots: Option<String>,
    allowed_vfolder_hosts: Option<String>,
    allowed_docker_registries: Option<Vec<String>>,
    integration_id: Option<String>,
}

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ModifyDomainInput {
    name: MaybeUndefined<String>,
    description: MaybeUndefined<String>,
    is_active: MaybeUndefined<bool>,
    total_resource_slots: MaybeUndefined<String>,
    allowed_vfolder_hosts: MaybeUndefined<String>,
    allowed_docker_registries: MaybeUndefined<Vec<String>>,
    integration_id: MaybeUndefined<String>,
}

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub struct GroupInput {
    #[graphql(name = "type")]
    kind: Option<String>,
    description: Option<String>,
    is_active: Option<bool>,
    domain_name: String,
    total_resource_slots: Option<String>,
    allowed_vfolder_hosts: Option<String>,
    integration_id: Option<String>,
    resource_policy: Option<String>,
}

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ModifyGroupInput {
    name: MaybeUndefined<String>,
    description: MaybeUndefined<String>,
    is_active: MaybeUndefined<bool>,
    domain_name: MaybeUndefined<String>,
    total_resource_slots: MaybeUndefined<String>,
    user_update_mode: MaybeUndefined<String>,
    user_uuids: MaybeUndefined<Vec<String>>,
    allowed_vfolder_hosts: MaybeUndefined<String>,
    integration_id: MaybeUndefined<String>,
    resource_policy: MaybeUndefined<String>,
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct DomainPayload {
    ok: bool,
    msg: String,
    domain: Option<Domain>,
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct GroupPayload {
    ok: bool,
    msg: String,
    group: Option<Group>,
}

/// Reads storage hosts from a JSON text.
pub(crate) fn hosts(text: Option<String>) -> std::result::Result<Option<Hosts>, Problem> {
    let read = |text: String| serde_json::from_str(&text);
    let wrong = |_| Problem::field("allowed_vfolder_hosts", "Must be a JSON object of hosts, each with a list of permissions.");
    text.map(read).transpose().map_err(wrong)
}

/// The change to storage hosts; null removes them all.
pub(crate) fn cleared_hosts(given: MaybeUndefined<String>) -> std::result::Result<Option<Hosts>, Problem> {
    if given.is_null() { Ok(Some(Hosts::new())) } else { hosts(given.take()) }
}

/// Reads the limit on what sessions hold together from a JSON text; an empty text is no limit.
fn limits(text: Option<String>) -> std::result::Result<Option<Slots>, Problem> {
    let read = |text: String| if text.trim().is_empty() { Ok(Slots::default()) } else { slots("total_resource_slots", &text) };
    text.map(read).transpose()
}

/// Refuses registries, rather than silently dropping them; an empty list is fine.
fn no_registries(registries: Option<&[String]>) -> std::result::Result<(), Problem> {
    if registries.is_some_and(|all| !all.is_empty()) {
        return Err(Problem::field("allowed_docker_registries", "Registries are not supported. Leave it out."));
    }
    Ok(())
}

async fn create_domain(
    control: &Control,
    caller: &Caller,
    name: String,
    props: DomainInput,
) -> std::result::Result<DomainRow, Problem> {
    no_registries(props.allowed_docker_registries.as_deref())?;
    let new = EditDomain {
        name: Some(name.clone()),
        description: props.description,
        active: props.is_active,
        hosts: hosts(props.allowed_vfolder_hosts)?,
        limit: limits(props.total_resource_slots)?,
        integration: props.integration_id,
    };
    control.create_domain(caller, &new).await?;
    domain_named(control, caller, &name).await
}

async fn modify_domain(
    control: &Control,
    caller: &Caller,
    name: &str,
    props: ModifyDomainInput,
) -> std::result::Result<(), Problem> {
    no_registries(clearable(props.allowed_docker_registries).as_deref())?;
    let edit = EditDomain {
        name: kept(props.name),
        description: clearable(props.description),
        active: kept(props.is_active),
        hosts: cleared_hosts(props.allowed_vfolder_hosts)?,
        limit: limits(clearable(props.total_resource_slots))?,
        integration: clearable(props.integration_id),
    };
    let id: DomainId = domain_named(control, caller, name).await?.id;
    control.edit_domain(caller, id, &edit).await
}

async fn create_group(
    control: &Control,
    caller: &Caller,
    name: String,
    props: GroupInput,
) -> std::result::Result<ProjectRow, Problem> {
    let kind = match props.kind.as_deref() {
        None | Some("GENERAL") => ProjectKind::General,
        Some("MODEL_STORE") => ProjectKind::ModelStore,
        Some(_) => return Err(Problem::field("type", "Must be GENERAL or MODEL_STORE.")),
    };
    let new = EditProject {
        name: Some(name),
        domain: Some(domain_named(control, caller, &props.domain_name).await?.id),
        kind: Some(kind),
        description: props.description,
        active: props.is_active,
        policy: props.resource_policy,
        hosts: hosts(props.allowed_vfolder_hosts)?,
        limit: limits(props.total_resource_slots)?,
        integration: props.integration_id,
        ..EditProject::default()
    };
    let id = control.create_project(caller, &new).await?;
    Ok(control.project(caller, id).await?.row)
}

async fn modify_group(
    control: &Control,
    caller: &Caller,
    id: ProjectId,
    props: ModifyGroupInput,
) -> std::result::Result<(), Problem> {
    let people = clearable(props.user_uuids).unwrap_or_default();
    let (add, remove) = match clearable(props.user_update_mode).unwrap_or_default().as_str() {
        "add" => (people, Vec::new()),
        "remove" => (Vec::new(), people),
        "" if people.is_empty() => (Vec::new(), Vec::new()),
        _ => return Err(Problem::field("user_update_mode", "Must be add or remove.")),
    };
    let domain = match kept(props.domain_name) {
        Some(name) => Some(domain_named(control, caller, &name).await?.id),
        None => None,
    };
    let edit = EditProject {
        name: kept(props.name),
        domain,
        kind: None,
        description: clearable(props.description),
        active: kept(props.is_active),
        policy: kept(props.resource_policy),
        hosts: cleared_hosts(props.allowed_vfolder_hosts)?,
        limit: limits(clearable(props.total_resource_slots))?,
        integration: clearable(props.integration_id),
        add,
        remove,
        ..EditProject::default()
    };
    control.edit_project(caller, id, &edit).await
}

#[derive(Default)]
pub struct ProjectMutation;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl ProjectMutation {
    async fn create_domain(&self, context: &Context<'_>, name: String, props: DomainInput) -> Result<DomainPayload> {
        let (control, caller) = control_and_caller(context)?;
        let (ok, msg, domain) = outcome("create_domain", create_domain(control, caller, name, props).await);
        Ok(DomainPayload { ok, msg, domain: domain.map(Domain::from) })
    }

    async fn modify_domain(&self, context: &Context<'_>, name: String, props: ModifyDomainInput) -> Result<DomainPayload> {
        let (control, caller) = control_and_caller(context)?;
        let (ok, msg, _) = outcome("modify_domain", modify_domain(control, caller, &name, props).await);
        Ok(DomainPayload { ok, msg, domain: None })
    }

    /// Deactivates the domain.
    async fn delete_domain(&self, context: &Context<'_>, name: String) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let id = domain_named(control, caller, &name).await?.id;
            control.edit_domain(caller, id, &EditDomain { active: Some(false), ..EditDomain::default() }).await
        };
        Ok(done("delete_domain", result.await))
    }

    async fn purge_domain(&self, _context: &Context<'_>, name: String) -> Result<Done> {
        let _ = name;
        Ok(never("Domains"))
    }

    async fn create_group(&self, context: &Context<'_>, name: String, props: GroupInput) -> Result<GroupPayload> {
        let (control, caller) = control_and_caller(context)?;
        let (ok, msg, group) = outcome("create_group", create_group(control, caller, name, props).await);
        Ok(GroupPayload { ok, msg, group: group.map(Group::from) })
    }

    async fn modify_group(&self, context: &Context<'_>, gid: Uuid, props: ModifyGroupInput) -> Result<GroupPayload> {
        let (control, caller) = control_and_caller(context)?;
        let (ok, msg, _) = outcome("modify_group", modify_group(control, caller, ProjectId(gid), props).await);
        Ok(GroupPayload { ok, msg, group: None })
    }

    /// Deactivates the project.
    async fn delete_group(&self, context: &Context<'_>, gid: Uuid) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let edit = EditProject { active: Some(false), ..EditProject::default() };
        Ok(done("delete_group", control.edit_project(caller, ProjectId(gid), &edit).await))
    }

    async fn purge_group(&self, _context: &Context<'_>, gid: Uuid) -> Result<Done> {
        let _ = gid;
        Ok(never("Projects"))
    }
}
