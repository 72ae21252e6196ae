//! Resource groups, which the incumbent calls scaling groups, and who may use them.

use super::policies::whole;
use super::{Done, done, outcome, refuse, with};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use control::{Caller, Control};
use serde_json::{Value, json};
use types::Problem;
use types::id::{DomainId, ProjectId};
use types::project::DOMAINS;
use types::resource_group::{GroupRow, Placement, RESOURCE_GROUPS, ResourceGroup, SaveGroup, SchedulerKind};
use types::session::SessionType;
use uuid::Uuid;

type Answer<T> = std::result::Result<T, Problem>;

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ScalingGroup {
    name: String,
    description: String,
    is_active: bool,
    is_public: bool,
    created_at: String,
    driver: &'static str,
    driver_opts: &'static str,
    scheduler: &'static str,
    scheduler_opts: String,
    use_host_network: bool,
    wsproxy_addr: String,
    wsproxy_api_token: Option<String>,
}

impl From<GroupRow> for ScalingGroup {
    fn from(row: GroupRow) -> Self {
        let group = row.group;
        let types: Vec<_> = group.session_types.iter().map(|kind| kind.key()).collect();
        let config = group.retries_to_skip.map_or_else(|| json!({}), |tries| json!({ "num_retries_to_skip": tries }));
        let strategy = if group.placement == Placement::RoundRobin { "roundrobin" } else { group.placement.key() };
        let opts = json!({
            "allowed_session_types": types, "pending_timeout": group.pending_timeout.unwrap_or(0), "config": config,
            "agent_selection_strategy": strategy,
        });
        Self {
            created_at: row.created_at.iso(),
            is_active: group.active,
            is_public: group.public,
            driver: "static",
            driver_opts: "{}",
            scheduler: group.scheduler.key(),
            scheduler_opts: opts.to_string(),
            use_host_network: false,
            wsproxy_addr: group.app_proxy,
            wsproxy_api_token: None,
            name: group.name,
            description: group.description,
        }
    }
}

#[derive(Default)]
pub struct GroupQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl GroupQuery {
    async fn scaling_groups(&self, context: &Context<'_>, is_active: Option<bool>) -> Result<Vec<ScalingGroup>> {
        let (control, caller) = with(context)?;
        let rows = control.resource_groups(caller, &whole(&RESOURCE_GROUPS, None)).await.map_err(refuse)?.rows;
        let wanted = rows.into_iter().filter(|row| is_active.is_none_or(|active| row.group.active == active));
        Ok(wanted.map(Into::into).collect())
    }

    async fn scaling_group(&self, context: &Context<'_>, name: String) -> Result<Option<ScalingGroup>> {
        let (control, caller) = with(context)?;
        Ok(Some(named(control, caller, &name).await.map_err(refuse)?.into()))
    }
}

async fn named(control: &Control, caller: &Caller, name: &str) -> Answer<GroupRow> {
    let found = control.resource_groups(caller, &whole(&RESOURCE_GROUPS, Some(name))).await?.rows.pop();
    found.ok_or_else(|| Problem::NotFound("resource group".into()))
}

#[derive(InputObject)]
#[graphql(name = "CreateScalingGroupInput", rename_fields = "snake_case")]
pub struct CreateScalingGroupInput {
    description: Option<String>,
    is_active: Option<bool>,
    is_public: Option<bool>,
    driver: Option<String>,
    driver_opts: Option<Value>,
    scheduler: Option<String>,
    scheduler_opts: Option<Value>,
    use_host_network: Option<bool>,
    wsproxy_addr: Option<String>,
    wsproxy_api_token: Option<String>,
}

#[derive(InputObject)]
#[graphql(name = "ModifyScalingGroupInput", rename_fields = "snake_case")]
pub struct ModifyScalingGroupInput {
    description: Option<String>,
    is_active: Option<bool>,
    is_public: Option<bool>,
    driver: Option<String>,
    driver_opts: Option<Value>,
    scheduler: Option<String>,
    scheduler_opts: Option<Value>,
    use_host_network: Option<bool>,
    wsproxy_addr: Option<String>,
    wsproxy_api_token: Option<String>,
}

impl From<ModifyScalingGroupInput> for CreateScalingGroupInput {
    fn from(props: ModifyScalingGroupInput) -> Self {
        Self {
            description: props.description,
            is_active: props.is_active,
            is_public: props.is_public,
            driver: props.driver,
            driver_opts: props.driver_opts,
            scheduler: props.scheduler,
            scheduler_opts: props.scheduler_opts,
            use_host_network: props.use_host_network,
            wsproxy_addr: props.wsproxy_addr,
            wsproxy_api_token: props.wsproxy_api_token,
        }
    }
}

fn changed(before: ResourceGroup, props: CreateScalingGroupInput) -> Answer<ResourceGroup> {
    let mut group = before;
    if let Some(word) = props.scheduler {
        let unknown = || Problem::field("scheduler", format!("“{word}” is none of fifo, lifo and drf."));
        group.scheduler = SchedulerKind::from_key(&word.to_lowercase()).ok_or_else(unknown)?;
    }
    group.description = props.description.unwrap_or(group.description);
    group.active = props.is_active.unwrap_or(group.active);
    group.public = props.is_public.unwrap_or(group.public);
    group.app_proxy = props.wsproxy_addr.unwrap_or(group.app_proxy);
    match props.scheduler_opts {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => {
            let wrong = |_| Problem::field("scheduler_opts", "This is not JSON.");
            with_options(&mut group, &serde_json::from_str(&text).map_err(wrong)?)?;
        }
        Some(options) => with_options(&mut group, &options)?,
    }
    Ok(group)
}

fn with_options(group: &mut ResourceGroup, options: &Value) -> Answer<()> {
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    if let Some(types) = options.get("allowed_session_types").and_then(Value::as_array) {
        // The incumbent has more types than there are here.
        group.session_types = types.iter().filter_map(Value::as_str).filter_map(SessionType::from_key).collect();
    }
    if let Some(timeout) = options.get("pending_timeout") {
        let seconds = timeout.as_f64().map(|seconds| seconds as u32);
        group.pending_timeout = seconds.filter(|seconds| *seconds > 0);
    }
    if let Some(tries) = options.pointer("/config/num_retries_to_skip") {
        group.retries_to_skip = number(tries);
    }
    if let Some(word) = options.get("agent_selection_strategy").and_then(Value::as_str) {
        let word = if word == "roundrobin" { "round_robin" } else { word };
        let unknown = || Problem::field("scheduler_opts", "dispersed, concentrated or roundrobin.");
        group.placement = Placement::from_key(word).ok_or_else(unknown)?;
    }
    Ok(())
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct CreateScalingGroup {
    ok: bool,
    msg: String,
    scaling_group: Option<ScalingGroup>,
}

/// Changes who may use a group, by whatever `edit` does to it.
async fn edited(context: &Context<'_>, what: &str, name: &str, edit: impl FnOnce(&mut ResourceGroup)) -> Result<Done> {
    let (control, caller) = with(context)?;
    let result = async {
        let before = named(control, caller, name).await?;
        let mut group = before.group;
        edit(&mut group);
        control.save_resource_group(caller, &SaveGroup { group, revision: Some(before.revision) }).await
    };
    Ok(done(what, result.await))
}

async fn domain(context: &Context<'_>, name: &str) -> Result<Option<DomainId>> {
    let (control, caller) = with(context)?;
    let found = control.domain_rows(caller, &whole(&DOMAINS, Some(name))).await.map_err(refuse)?.rows.pop();
    Ok(found.map(|domain| domain.id))
}

fn no_domain() -> Done {
    Done { ok: false, msg: "no such domain".into() }
}

#[derive(Default)]
pub struct GroupMutation;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl GroupMutation {
    async fn create_scaling_group(
        &self,
        context: &Context<'_>,
        name: String,
        props: CreateScalingGroupInput,
    ) -> Result<CreateScalingGroup> {
        let (control, caller) = with(context)?;
        let result = async {
            let group = changed(ResourceGroup::new(name.clone()), props)?;
            control.save_resource_group(caller, &SaveGroup { group, revision: None }).await?;
            named(control, caller, &name).await
        };
        let (ok, msg, made) = outcome("create_scaling_group", result.await);
        Ok(CreateScalingGroup { ok, msg, scaling_group: made.map(Into::into) })
    }

    async fn modify_scaling_group(&self, context: &Context<'_>, name: String, props: ModifyScalingGroupInput) -> Result<Done> {
        let (control, caller) = with(context)?;
        let result = async {
            let before = named(control, caller, &name).await?;
            let group = changed(before.group, props.into())?;
            control.save_resource_group(caller, &SaveGroup { group, revision: Some(before.revision) }).await
        };
        Ok(done("modify_scaling_group", result.await))
    }

    async fn delete_scaling_group(&self, context: &Context<'_>, name: String) -> Result<Done> {
        let (control, caller) = with(context)?;
        Ok(done("delete_scaling_group", control.delete_resource_group(caller, &name).await))
    }

    async fn associate_scaling_group_with_domain(
        &self,
        context: &Context<'_>,
        scaling_group: String,
        domain: String,
    ) -> Result<Done> {
        let Some(id) = self::domain(context, &domain).await? else { return Ok(no_domain()) };
        let add = |group: &mut ResourceGroup| {
            if !group.domains.contains(&id) {
                group.domains.push(id);
            }
        };
        edited(context, "associate_scaling_group_with_domain", &scaling_group, add).await
    }

    async fn disassociate_scaling_group_with_domain(
        &self,
        context: &Context<'_>,
        scaling_group: String,
        domain: String,
    ) -> Result<Done> {
        let Some(id) = self::domain(context, &domain).await? else { return Ok(no_domain()) };
        let remove = |group: &mut ResourceGroup| group.domains.retain(|one| *one != id);
        edited(context, "disassociate_scaling_group_with_domain", &scaling_group, remove).await
    }

    async fn associate_scaling_group_with_user_group(
        &self,
        context: &Context<'_>,
        scaling_group: String,
        user_group: Uuid,
    ) -> Result<Done> {
        let id = ProjectId(user_group);
        let add = |group: &mut ResourceGroup| {
            if !group.projects.contains(&id) {
                group.projects.push(id);
            }
        };
        edited(context, "associate_scaling_group_with_user_group", &scaling_group, add).await
    }

    async fn disassociate_scaling_group_with_user_group(
        &self,
        context: &Context<'_>,
        scaling_group: String,
        user_group: Uuid,
    ) -> Result<Done> {
        let id = ProjectId(user_group);
        let remove = |group: &mut ResourceGroup| group.projects.retain(|one| *one != id);
        edited(context, "disassociate_scaling_group_with_user_group", &scaling_group, remove).await
    }
}
