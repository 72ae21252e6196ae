//! Resource groups, which Backend.AI calls scaling groups, and the domains and projects that may use them.

use crate::graphql::cost;
use crate::graphql::{Done, clearable, control_and_caller, done, kept, of_new, outcome, refuse};
use crate::projects::{domain_named, equals, query_without_pages};
use async_graphql::{Context, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use control::{Caller, Control};
use serde_json::{Value, json};
use types::Problem;
use types::cluster::resource_groups::{GroupRow, Placement, RESOURCE_GROUPS, ResourceGroup, SaveGroup, SchedulerKind};
use types::id::{DomainId, ProjectId};
use types::sessions::SessionType;
use uuid::Uuid;

type Read<T> = std::result::Result<T, Problem>;

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ScalingGroup {
    name: String,
    description: String,
    is_active: bool,
    is_public: bool,
    created_at: String,
    wsproxy_addr: Option<String>,
    wsproxy_api_token: Option<String>,
    driver: &'static str,
    driver_opts: &'static str,
    scheduler: &'static str,
    /// A JSON text.
    scheduler_opts: String,
    use_host_network: bool,
}

impl ScalingGroup {
    fn of(row: GroupRow, control: &Control) -> Self {
        let group = row.group;
        Self {
            created_at: row.created_at.iso(),
            scheduler: control.scheduler_of(&group).key(),
            scheduler_opts: options_text(&group),
            name: group.name,
            description: group.description,
            is_active: group.active,
            is_public: group.public,
            wsproxy_addr: Some(group.app_proxy).filter(|text| !text.is_empty()),
            wsproxy_api_token: None,
            driver: "static",
            driver_opts: "{}",
            use_host_network: false,
        }
    }
}

fn strategy(placement: Placement) -> &'static str {
    match placement {
        Placement::Dispersed => "dispersed",
        Placement::Concentrated => "concentrated",
        Placement::RoundRobin => "roundrobin",
    }
}

fn options_text(group: &ResourceGroup) -> String {
    let types: Vec<&str> = group.session_types.iter().map(|kind| kind.key()).collect();
    let config = group.retries_to_skip.map_or_else(|| json!({}), |tries| json!({ "num_retries_to_skip": tries }));
    json!({
        "allowed_session_types": types, "pending_timeout": group.pending_timeout.unwrap_or_default(), "config": config,
        "agent_selection_strategy": strategy(group.placement),
    })
    .to_string()
}

/// Reads the options into the group. A timeout of 0 is none.
fn read_options(group: &mut ResourceGroup, text: &str) -> Read<()> {
    let wrong = |what: &str| Problem::field("scheduler_opts", what.to_owned());
    let options: Value = serde_json::from_str(text).map_err(|_| wrong("Must be a JSON object."))?;
    if let Some(types) = options.get("allowed_session_types") {
        let kinds = types.as_array().into_iter().flatten().map(|kind| kind.as_str().and_then(SessionType::from_key));
        let kinds: Option<Vec<SessionType>> = kinds.collect();
        group.session_types = kinds.ok_or_else(|| wrong("allowed_session_types may be interactive, batch and inference."))?;
    }
    let number = |value: &Value| {
        // Durations and counts may be numbers or texts.
        let n = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
        (n >= 0.0 && n <= f64::from(i32::MAX)).then_some(n as u32)
    };
    if let Some(value) = options.get("pending_timeout") {
        let seconds = number(value).ok_or_else(|| wrong("pending_timeout must be a number of seconds."))?;
        group.pending_timeout = Some(seconds).filter(|seconds| *seconds > 0);
    }
    if let Some(value) = options.get("config") {
        let tries = value.get("num_retries_to_skip").filter(|value| !value.is_null());
        let read = |value| number(value).ok_or_else(|| wrong("num_retries_to_skip must be a whole number."));
        group.retries_to_skip = tries.map(read).transpose()?;
    }
    if let Some(value) = options.get("agent_selection_strategy") {
        let all = Placement::ALL.iter().find(|placement| value.as_str() == Some(strategy(**placement)));
        group.placement = *all.ok_or_else(|| wrong("agent_selection_strategy must be dispersed, concentrated or roundrobin."))?;
    }
    Ok(())
}

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub struct CreateScalingGroupInput {
    description: Option<String>,
    is_active: Option<bool>,
    is_public: Option<bool>,
    wsproxy_addr: Option<String>,
    wsproxy_api_token: Option<String>,
    driver: String,
    driver_opts: Option<String>,
    scheduler: String,
    scheduler_opts: Option<String>,
    use_host_network: Option<bool>,
}

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ModifyScalingGroupInput {
    description: MaybeUndefined<String>,
    is_active: MaybeUndefined<bool>,
    is_public: MaybeUndefined<bool>,
    wsproxy_addr: MaybeUndefined<String>,
    wsproxy_api_token: MaybeUndefined<String>,
    driver: MaybeUndefined<String>,
    driver_opts: MaybeUndefined<String>,
    scheduler: MaybeUndefined<String>,
    scheduler_opts: MaybeUndefined<String>,
    use_host_network: MaybeUndefined<bool>,
}

impl From<CreateScalingGroupInput> for ModifyScalingGroupInput {
    fn from(new: CreateScalingGroupInput) -> Self {
        Self {
            description: of_new(new.description),
            is_active: of_new(new.is_active),
            is_public: of_new(new.is_public),
            wsproxy_addr: of_new(new.wsproxy_addr),
            wsproxy_api_token: of_new(new.wsproxy_api_token),
            driver: MaybeUndefined::Value(new.driver),
            driver_opts: of_new(new.driver_opts),
            scheduler: MaybeUndefined::Value(new.scheduler),
            scheduler_opts: of_new(new.scheduler_opts),
            use_host_network: of_new(new.use_host_network),
        }
    }
}

fn merged(group: &mut ResourceGroup, input: ModifyScalingGroupInput) -> Read<()> {
    // Unsupported fields are refused rather than silently dropped.
    if kept(input.driver).is_some_and(|driver| driver != "static") {
        return Err(Problem::field("driver", "Only the driver “static” is supported."));
    }
    let says_nothing = |text: &str| text.trim().is_empty() || text.trim() == "{}";
    if clearable(input.driver_opts).is_some_and(|text| !says_nothing(&text)) {
        return Err(Problem::field("driver_opts", "The driver “static” has no options."));
    }
    if kept(input.use_host_network) == Some(true) {
        return Err(Problem::field("use_host_network", "The engine decides about the network of a session. Leave it out."));
    }
    if clearable(input.wsproxy_api_token).is_some_and(|token| !token.is_empty()) {
        return Err(Problem::field("wsproxy_api_token", "Tokens of app proxies are not supported. Leave it out."));
    }
    if let Some(text) = kept(input.scheduler) {
        let kind = SchedulerKind::from_key(&text);
        group.scheduler = Some(kind.ok_or_else(|| Problem::field("scheduler", "Must be fifo, lifo or drf."))?);
    }
    match input.scheduler_opts {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => {
            let plain = ResourceGroup::new("");
            group.session_types = plain.session_types;
            group.pending_timeout = plain.pending_timeout;
            group.retries_to_skip = plain.retries_to_skip;
            group.placement = plain.placement;
        }
        MaybeUndefined::Value(text) => read_options(group, &text)?,
    }
    group.description = clearable(input.description).unwrap_or(std::mem::take(&mut group.description));
    group.active = kept(input.is_active).unwrap_or(group.active);
    group.public = kept(input.is_public).unwrap_or(group.public);
    group.app_proxy = clearable(input.wsproxy_addr).unwrap_or(std::mem::take(&mut group.app_proxy));
    Ok(())
}

async fn group_named(control: &Control, caller: &Caller, name: &str) -> Read<GroupRow> {
    let found = control.resource_groups(caller, &query_without_pages(&RESOURCE_GROUPS, vec![equals("name", name)])).await?;
    // Names that differ in case alone are names of different groups.
    found.rows.into_iter().find(|row| row.group.name == name).ok_or_else(|| Problem::NotFound("resource group".into()))
}

/// Edits a group in its current state.
async fn change(control: &Control, caller: &Caller, name: &str, edit: impl FnOnce(&mut ResourceGroup) -> Read<()>) -> Read<()> {
    let GroupRow { mut group, revision, .. } = group_named(control, caller, name).await?;
    edit(&mut group)?;
    control.save_resource_group(caller, &SaveGroup { group, revision: Some(revision) }).await
}

async fn domain(control: &Control, caller: &Caller, name: &str) -> Read<DomainId> {
    Ok(domain_named(control, caller, name).await?.id)
}

fn add_once<T: PartialEq>(all: &mut Vec<T>, one: T) -> Read<()> {
    if !all.contains(&one) {
        all.push(one);
    }
    Ok(())
}

fn remove<T: PartialEq>(all: &mut Vec<T>, one: &T) -> Read<()> {
    all.retain(|other| other != one);
    Ok(())
}

/// Edits every group.
async fn change_all(control: &Control, caller: &Caller, edit: impl Fn(&mut ResourceGroup) -> Read<()>) -> Read<()> {
    let rows = control.resource_groups(caller, &query_without_pages(&RESOURCE_GROUPS, Vec::new())).await?.rows;
    for GroupRow { group: before, revision, .. } in rows {
        let mut group = before.clone();
        edit(&mut group)?;
        if group != before {
            control.save_resource_group(caller, &SaveGroup { group, revision: Some(revision) }).await?;
        }
    }
    Ok(())
}

#[derive(Default)]
pub struct GroupQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl GroupQuery {
    #[graphql(complexity = "cost::list_of(cost::SOME, child_complexity)")]
    async fn scaling_groups(
        &self,
        context: &Context<'_>,
        name: Option<String>,
        is_active: Option<bool>,
    ) -> Result<Vec<ScalingGroup>> {
        let (control, caller) = control_and_caller(context)?;
        let conditions = name.map(|name| equals("name", &name)).into_iter().collect();
        let rows =
            control.resource_groups(caller, &query_without_pages(&RESOURCE_GROUPS, conditions)).await.map_err(refuse)?.rows;
        let kept = rows.into_iter().filter(|row| is_active.is_none_or(|active| row.group.active == active));
        Ok(kept.map(|row| ScalingGroup::of(row, control)).collect())
    }

    async fn scaling_group(&self, context: &Context<'_>, name: Option<String>) -> Result<Option<ScalingGroup>> {
        let (control, caller) = control_and_caller(context)?;
        match group_named(control, caller, name.as_deref().unwrap_or("default")).await {
            Ok(row) => Ok(Some(ScalingGroup::of(row, control))),
            Err(Problem::NotFound(_)) => Ok(None),
            Err(problem) => Err(refuse(problem)),
        }
    }
}

#[derive(SimpleObject)]
#[graphql(name = "CreateScalingGroup", rename_fields = "snake_case")]
pub struct GroupPayload {
    ok: bool,
    msg: String,
    scaling_group: Option<ScalingGroup>,
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
    ) -> Result<GroupPayload> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let mut group = ResourceGroup::new(name.as_str());
            merged(&mut group, props.into())?;
            control.save_resource_group(caller, &SaveGroup { group, revision: None }).await?;
            group_named(control, caller, &name).await
        };
        let (ok, msg, row) = outcome("create_scaling_group", result.await);
        Ok(GroupPayload { ok, msg, scaling_group: row.map(|row| ScalingGroup::of(row, control)) })
    }

    async fn modify_scaling_group(&self, context: &Context<'_>, name: String, props: ModifyScalingGroupInput) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = change(control, caller, &name, |group| merged(group, props)).await;
        Ok(done("modify_scaling_group", result))
    }

    async fn delete_scaling_group(&self, context: &Context<'_>, name: String) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        Ok(done("delete_scaling_group", control.delete_resource_group(caller, &name).await))
    }

    #[graphql(name = "associate_scaling_group_with_domain")]
    async fn give_to_domain(&self, context: &Context<'_>, scaling_group: String, domain: String) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let id = self::domain(control, caller, &domain).await?;
            change(control, caller, &scaling_group, |group| add_once(&mut group.domains, id)).await
        };
        Ok(done("associate_scaling_group_with_domain", result.await))
    }

    #[graphql(name = "disassociate_scaling_group_with_domain")]
    async fn take_from_domain(&self, context: &Context<'_>, scaling_group: String, domain: String) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let id = self::domain(control, caller, &domain).await?;
            change(control, caller, &scaling_group, |group| remove(&mut group.domains, &id)).await
        };
        Ok(done("disassociate_scaling_group_with_domain", result.await))
    }

    #[graphql(name = "disassociate_all_scaling_groups_with_domain")]
    async fn take_all_from_domain(&self, context: &Context<'_>, domain: String) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let id = self::domain(control, caller, &domain).await?;
            change_all(control, caller, |group| remove(&mut group.domains, &id)).await
        };
        Ok(done("disassociate_all_scaling_groups_with_domain", result.await))
    }

    #[graphql(name = "associate_scaling_group_with_user_group")]
    async fn give_to_project(&self, context: &Context<'_>, scaling_group: String, user_group: Uuid) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = change(control, caller, &scaling_group, |group| add_once(&mut group.projects, ProjectId(user_group))).await;
        Ok(done("associate_scaling_group_with_user_group", result))
    }

    #[graphql(name = "disassociate_scaling_group_with_user_group")]
    async fn take_from_project(&self, context: &Context<'_>, scaling_group: String, user_group: Uuid) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = change(control, caller, &scaling_group, |group| remove(&mut group.projects, &ProjectId(user_group))).await;
        Ok(done("disassociate_scaling_group_with_user_group", result))
    }

    #[graphql(name = "disassociate_all_scaling_groups_with_group")]
    async fn take_all_from_project(&self, context: &Context<'_>, user_group: Uuid) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = change_all(control, caller, |group| remove(&mut group.projects, &ProjectId(user_group))).await;
        Ok(done("disassociate_all_scaling_groups_with_group", result))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheduler_options_read_back_as_they_were_written() {
        let group = ResourceGroup {
            placement: Placement::RoundRobin,
            session_types: vec![SessionType::Batch],
            pending_timeout: Some(60),
            retries_to_skip: Some(0),
            ..ResourceGroup::new("gpu")
        };
        let mut read = ResourceGroup::new("gpu");
        read_options(&mut read, &options_text(&group)).unwrap();
        assert_eq!(read, group);
        read_options(&mut read, r#"{"pending_timeout": 0, "config": {}}"#).unwrap();
        assert_eq!((read.pending_timeout, read.retries_to_skip), (None, None));
        for wrong in ["x", r#"{"allowed_session_types": ["other"]}"#, r#"{"pending_timeout": -1}"#] {
            assert!(read_options(&mut read, wrong).is_err(), "{wrong}");
        }
    }
}
