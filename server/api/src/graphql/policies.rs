//! Resource policies. The incumbent writes “no limit” as 0, -1 or null, depending on the field; here that is turned into none.

use super::{Done, done, outcome, refuse, with};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use control::{Caller, Control};
use types::Problem;
use types::list::{Condition, ListQuery, ListSpec, Op, Window};
use types::policy::{
    KEYPAIR_POLICIES, KeypairPolicy, PROJECT_POLICIES, PolicyKind, PolicyRow, ProjectPolicy, SavePolicy, USER_POLICIES,
    UserPolicy,
};
use types::project::Hosts;
use types::quantity::{MEM, Quantity, Slots, parse_bytes};

/// Policies in an answer without pages.
const MOST: u32 = 1_000;

type Answer<T> = std::result::Result<T, Problem>;

/// A list whole, or the one of this name.
pub(super) fn whole(spec: &'static ListSpec, name: Option<&str>) -> ListQuery {
    let conditions = name.map(|name| Condition { key: "name".into(), op: Op::Equals, value: name.into() });
    let window = Some(Window { offset: 0, limit: MOST, any_tab: true });
    ListQuery { conditions: conditions.into_iter().collect(), window, ..ListQuery::new(spec) }
}

/// Amounts as the incumbent writes them: JSON in a text, memory perhaps with a unit.
pub(super) fn read_slots(text: &str) -> Answer<Slots> {
    let wrong = || Problem::field("total_resource_slots", "JSON such as {\"cpu\": \"4\", \"mem\": \"16g\"}.");
    let amounts: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    let mut slots = Slots::default();
    for (slot, value) in amounts {
        let words = value.as_str().map_or_else(|| value.to_string(), String::from);
        let amount = if slot == MEM { parse_bytes(&words).map(Quantity::whole) } else { words.parse().ok() };
        slots.0.insert(slot, amount.ok_or_else(wrong)?);
    }
    Ok(slots)
}

/// Hosts with what may be done there, or names of hosts where everything may.
fn read_hosts(value: &serde_json::Value) -> Answer<Hosts> {
    let everything = || types::project::HOST_PERMISSIONS.map(String::from).to_vec();
    let wrong = || Problem::field("allowed_vfolder_hosts", "JSON such as {\"local:volume1\": [\"create-vfolder\"]}.");
    match value {
        serde_json::Value::String(text) => {
            serde_json::from_str::<serde_json::Value>(text).map_err(|_| wrong()).and_then(|inner| match inner {
                serde_json::Value::String(_) => Err(wrong()),
                inner => read_hosts(&inner),
            })
        }
        serde_json::Value::Array(names) => {
            names.iter().map(|name| Ok((name.as_str().ok_or_else(wrong)?.to_owned(), everything()))).collect()
        }
        serde_json::Value::Null => Ok(Hosts::new()),
        other => serde_json::from_value(other.clone()).map_err(|_| wrong()),
    }
}

/// 0 and what is below are no limit.
fn limit(number: i64) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| *number > 0)
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct KeyPairResourcePolicy {
    name: String,
    created_at: String,
    default_for_unspecified: &'static str,
    total_resource_slots: String,
    max_session_lifetime: u32,
    max_concurrent_sessions: u32,
    max_concurrent_sftp_sessions: u32,
    max_containers_per_session: u32,
    idle_timeout: u32,
    allowed_vfolder_hosts: String,
    max_pending_session_count: Option<u32>,
    max_pending_session_resource_slots: Option<String>,
    max_vfolder_count: Option<u32>,
    max_vfolder_size: Option<u64>,
    max_quota_scope_size: Option<u64>,
}

impl From<PolicyRow<KeypairPolicy>> for KeyPairResourcePolicy {
    fn from(row: PolicyRow<KeypairPolicy>) -> Self {
        let policy = row.policy;
        Self {
            created_at: row.created_at.iso(),
            default_for_unspecified: if policy.others_unlimited { "UNLIMITED" } else { "LIMITED" },
            total_resource_slots: serde_json::json!(policy.total).to_string(),
            max_session_lifetime: policy.lifetime.unwrap_or(0),
            max_concurrent_sessions: policy.max_sessions.unwrap_or(0),
            max_concurrent_sftp_sessions: policy.max_transfers.unwrap_or(0),
            max_containers_per_session: policy.max_cluster,
            idle_timeout: policy.idle_timeout.unwrap_or(0),
            allowed_vfolder_hosts: serde_json::json!(policy.hosts).to_string(),
            max_pending_session_count: policy.max_pending,
            max_pending_session_resource_slots: None,
            max_vfolder_count: None,
            max_vfolder_size: None,
            max_quota_scope_size: None,
            name: policy.name,
        }
    }
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct UserResourcePolicy {
    id: String,
    name: String,
    created_at: String,
    max_vfolder_count: u32,
    max_quota_scope_size: i64,
    max_session_count_per_model_session: u32,
    max_customized_image_count: u32,
}

impl From<PolicyRow<UserPolicy>> for UserResourcePolicy {
    fn from(row: PolicyRow<UserPolicy>) -> Self {
        Self {
            id: row.policy.name.clone(),
            created_at: row.created_at.iso(),
            max_vfolder_count: row.policy.max_folders.unwrap_or(0),
            max_quota_scope_size: row.policy.max_folder_bytes.unwrap_or(-1),
            max_session_count_per_model_session: row.policy.max_service_sessions,
            max_customized_image_count: row.policy.max_images,
            name: row.policy.name,
        }
    }
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ProjectResourcePolicy {
    id: String,
    name: String,
    created_at: String,
    max_vfolder_count: u32,
    max_quota_scope_size: i64,
    max_network_count: i64,
}

impl From<PolicyRow<ProjectPolicy>> for ProjectResourcePolicy {
    fn from(row: PolicyRow<ProjectPolicy>) -> Self {
        Self {
            id: row.policy.name.clone(),
            created_at: row.created_at.iso(),
            max_vfolder_count: row.policy.max_folders.unwrap_or(0),
            max_quota_scope_size: row.policy.max_folder_bytes.unwrap_or(-1),
            max_network_count: row.policy.max_networks.map_or(-1, i64::from),
            name: row.policy.name,
        }
    }
}

#[derive(Default)]
pub struct PolicyQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl PolicyQuery {
    async fn keypair_resource_policies(&self, context: &Context<'_>) -> Result<Vec<KeyPairResourcePolicy>> {
        let (control, caller) = with(context)?;
        let page = control.keypair_policies(caller, &whole(&KEYPAIR_POLICIES, None)).await.map_err(refuse)?;
        Ok(page.rows.into_iter().map(Into::into).collect())
    }

    async fn keypair_resource_policy(
        &self,
        context: &Context<'_>,
        name: Option<String>,
    ) -> Result<Option<KeyPairResourcePolicy>> {
        let (control, caller) = with(context)?;
        let name = name.unwrap_or_else(|| "default".into());
        Ok(Some(keypair_policy(control, caller, &name).await.map_err(refuse)?.into()))
    }

    async fn user_resource_policies(&self, context: &Context<'_>) -> Result<Vec<UserResourcePolicy>> {
        let (control, caller) = with(context)?;
        let page = control.user_policy_rows(caller, &whole(&USER_POLICIES, None)).await.map_err(refuse)?;
        Ok(page.rows.into_iter().map(Into::into).collect())
    }

    async fn user_resource_policy(&self, context: &Context<'_>, name: Option<String>) -> Result<Option<UserResourcePolicy>> {
        let (control, caller) = with(context)?;
        let query = whole(&USER_POLICIES, Some(name.as_deref().unwrap_or("default")));
        Ok(control.user_policy_rows(caller, &query).await.map_err(refuse)?.rows.pop().map(Into::into))
    }

    async fn project_resource_policies(&self, context: &Context<'_>) -> Result<Vec<ProjectResourcePolicy>> {
        let (control, caller) = with(context)?;
        let page = control.project_policy_rows(caller, &whole(&PROJECT_POLICIES, None)).await.map_err(refuse)?;
        Ok(page.rows.into_iter().map(Into::into).collect())
    }

    async fn project_resource_policy(&self, context: &Context<'_>, name: String) -> Result<Option<ProjectResourcePolicy>> {
        let (control, caller) = with(context)?;
        let query = whole(&PROJECT_POLICIES, Some(&name));
        Ok(control.project_policy_rows(caller, &query).await.map_err(refuse)?.rows.pop().map(Into::into))
    }
}

async fn keypair_policy(control: &Control, caller: &Caller, name: &str) -> Answer<PolicyRow<KeypairPolicy>> {
    let found = control.keypair_policies(caller, &whole(&KEYPAIR_POLICIES, Some(name))).await?.rows.pop();
    found.ok_or_else(|| Problem::NotFound("keypair resource policy".into()))
}

/// What the client gives of a keypair policy, new or changed; what is not there stays.
#[derive(InputObject)]
#[graphql(name = "CreateKeyPairResourcePolicyInput", rename_fields = "snake_case")]
pub struct CreateKeyPairResourcePolicyInput {
    default_for_unspecified: Option<String>,
    total_resource_slots: Option<String>,
    max_session_lifetime: Option<i64>,
    max_concurrent_sessions: Option<i64>,
    max_concurrent_sftp_sessions: Option<i64>,
    max_containers_per_session: Option<u32>,
    idle_timeout: Option<i64>,
    allowed_vfolder_hosts: Option<serde_json::Value>,
    max_pending_session_count: Option<i64>,
    max_vfolder_count: Option<i64>,
    max_vfolder_size: Option<i64>,
    max_quota_scope_size: Option<i64>,
}

#[derive(InputObject)]
#[graphql(name = "ModifyKeyPairResourcePolicyInput", rename_fields = "snake_case")]
pub struct ModifyKeyPairResourcePolicyInput {
    default_for_unspecified: Option<String>,
    total_resource_slots: Option<String>,
    max_session_lifetime: Option<i64>,
    max_concurrent_sessions: Option<i64>,
    max_concurrent_sftp_sessions: Option<i64>,
    max_containers_per_session: Option<u32>,
    idle_timeout: Option<i64>,
    allowed_vfolder_hosts: Option<serde_json::Value>,
    max_pending_session_count: Option<i64>,
    max_vfolder_count: Option<i64>,
    max_vfolder_size: Option<i64>,
    max_quota_scope_size: Option<i64>,
}

impl From<ModifyKeyPairResourcePolicyInput> for CreateKeyPairResourcePolicyInput {
    fn from(props: ModifyKeyPairResourcePolicyInput) -> Self {
        Self {
            default_for_unspecified: props.default_for_unspecified,
            total_resource_slots: props.total_resource_slots,
            max_session_lifetime: props.max_session_lifetime,
            max_concurrent_sessions: props.max_concurrent_sessions,
            max_concurrent_sftp_sessions: props.max_concurrent_sftp_sessions,
            max_containers_per_session: props.max_containers_per_session,
            idle_timeout: props.idle_timeout,
            allowed_vfolder_hosts: props.allowed_vfolder_hosts,
            max_pending_session_count: props.max_pending_session_count,
            max_vfolder_count: props.max_vfolder_count,
            max_vfolder_size: props.max_vfolder_size,
            max_quota_scope_size: props.max_quota_scope_size,
        }
    }
}

fn changed(before: KeypairPolicy, props: &CreateKeyPairResourcePolicyInput) -> Answer<KeypairPolicy> {
    let total = props.total_resource_slots.as_deref().map(read_slots).transpose()?;
    let hosts = props.allowed_vfolder_hosts.as_ref().map(read_hosts).transpose()?;
    let unlimited = props.default_for_unspecified.as_deref().map(|word| word == "UNLIMITED");
    Ok(KeypairPolicy {
        total: total.unwrap_or(before.total),
        others_unlimited: unlimited.unwrap_or(before.others_unlimited),
        max_sessions: props.max_concurrent_sessions.map_or(before.max_sessions, limit),
        max_pending: props.max_pending_session_count.map_or(before.max_pending, |number| u32::try_from(number).ok()),
        max_cluster: props.max_containers_per_session.unwrap_or(before.max_cluster),
        lifetime: props.max_session_lifetime.map_or(before.lifetime, limit),
        idle_timeout: props.idle_timeout.map_or(before.idle_timeout, limit),
        max_transfers: props.max_concurrent_sftp_sessions.map_or(before.max_transfers, limit),
        hosts: hosts.unwrap_or(before.hosts),
        name: before.name,
    })
}

#[derive(InputObject)]
#[graphql(name = "CreateUserResourcePolicyInput", rename_fields = "snake_case")]
pub struct UserResourcePolicyInput {
    max_vfolder_count: Option<i64>,
    max_quota_scope_size: Option<i64>,
    max_session_count_per_model_session: Option<u32>,
    max_customized_image_count: Option<u32>,
}

#[derive(InputObject)]
#[graphql(name = "CreateProjectResourcePolicyInput", rename_fields = "snake_case")]
pub struct ProjectResourcePolicyInput {
    max_vfolder_count: Option<i64>,
    max_quota_scope_size: Option<i64>,
    max_network_count: Option<i64>,
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct CreateKeyPairResourcePolicy {
    ok: bool,
    msg: String,
    resource_policy: Option<KeyPairResourcePolicy>,
}

#[derive(Default)]
pub struct PolicyMutation;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl PolicyMutation {
    async fn create_keypair_resource_policy(
        &self,
        context: &Context<'_>,
        name: String,
        props: CreateKeyPairResourcePolicyInput,
    ) -> Result<CreateKeyPairResourcePolicy> {
        let (control, caller) = with(context)?;
        let result = async {
            let policy = changed(KeypairPolicy::new(name.clone()), &props)?;
            control.save_keypair_policy(caller, &SavePolicy { policy, revision: None }).await?;
            keypair_policy(control, caller, &name).await
        };
        let (ok, msg, made) = outcome("create_keypair_resource_policy", result.await);
        Ok(CreateKeyPairResourcePolicy { ok, msg, resource_policy: made.map(Into::into) })
    }

    async fn modify_keypair_resource_policy(
        &self,
        context: &Context<'_>,
        name: String,
        props: ModifyKeyPairResourcePolicyInput,
    ) -> Result<Done> {
        let (control, caller) = with(context)?;
        let result = async {
            let before = keypair_policy(control, caller, &name).await?;
            let policy = changed(before.policy, &props.into())?;
            control.save_keypair_policy(caller, &SavePolicy { policy, revision: Some(before.revision) }).await
        };
        Ok(done("modify_keypair_resource_policy", result.await))
    }

    async fn delete_keypair_resource_policy(&self, context: &Context<'_>, name: String) -> Result<Done> {
        let (control, caller) = with(context)?;
        Ok(done("delete_keypair_resource_policy", control.delete_policy(caller, PolicyKind::Keypair, &name, None).await))
    }

    async fn create_user_resource_policy(
        &self,
        context: &Context<'_>,
        name: String,
        props: UserResourcePolicyInput,
    ) -> Result<Done> {
        let (control, caller) = with(context)?;
        let policy = of_user(UserPolicy::new(name), &props);
        let result = control.save_user_policy(caller, &SavePolicy { policy, revision: None }).await;
        Ok(done("create_user_resource_policy", result))
    }

    async fn modify_user_resource_policy(
        &self,
        context: &Context<'_>,
        name: String,
        props: UserResourcePolicyInput,
    ) -> Result<Done> {
        let (control, caller) = with(context)?;
        let result = async {
            let found = control.user_policy_rows(caller, &whole(&USER_POLICIES, Some(&name))).await?.rows.pop();
            let before = found.ok_or_else(|| Problem::NotFound("user resource policy".into()))?;
            let policy = of_user(before.policy, &props);
            control.save_user_policy(caller, &SavePolicy { policy, revision: Some(before.revision) }).await
        };
        Ok(done("modify_user_resource_policy", result.await))
    }

    async fn delete_user_resource_policy(&self, context: &Context<'_>, name: String) -> Result<Done> {
        let (control, caller) = with(context)?;
        Ok(done("delete_user_resource_policy", control.delete_policy(caller, PolicyKind::User, &name, None).await))
    }

    async fn create_project_resource_policy(
        &self,
        context: &Context<'_>,
        name: String,
        props: ProjectResourcePolicyInput,
    ) -> Result<Done> {
        let (control, caller) = with(context)?;
        let policy = of_project(ProjectPolicy::new(name), &props);
        let result = control.save_project_policy(caller, &SavePolicy { policy, revision: None }).await;
        Ok(done("create_project_resource_policy", result))
    }

    async fn modify_project_resource_policy(
        &self,
        context: &Context<'_>,
        name: String,
        props: ProjectResourcePolicyInput,
    ) -> Result<Done> {
        let (control, caller) = with(context)?;
        let result = async {
            let found = control.project_policy_rows(caller, &whole(&PROJECT_POLICIES, Some(&name))).await?.rows.pop();
            let before = found.ok_or_else(|| Problem::NotFound("project resource policy".into()))?;
            let policy = of_project(before.policy, &props);
            control.save_project_policy(caller, &SavePolicy { policy, revision: Some(before.revision) }).await
        };
        Ok(done("modify_project_resource_policy", result.await))
    }

    async fn delete_project_resource_policy(&self, context: &Context<'_>, name: String) -> Result<Done> {
        let (control, caller) = with(context)?;
        Ok(done("delete_project_resource_policy", control.delete_policy(caller, PolicyKind::Project, &name, None).await))
    }
}

/// Bytes; what is below 0 is no limit.
fn of_bytes(size: i64) -> Option<i64> {
    Some(size).filter(|size| *size >= 0)
}

fn of_user(before: UserPolicy, props: &UserResourcePolicyInput) -> UserPolicy {
    UserPolicy {
        max_folders: props.max_vfolder_count.map_or(before.max_folders, limit),
        max_folder_bytes: props.max_quota_scope_size.map_or(before.max_folder_bytes, of_bytes),
        max_service_sessions: props.max_session_count_per_model_session.unwrap_or(before.max_service_sessions),
        max_images: props.max_customized_image_count.unwrap_or(before.max_images),
        name: before.name,
    }
}

fn of_project(before: ProjectPolicy, props: &ProjectResourcePolicyInput) -> ProjectPolicy {
    ProjectPolicy {
        max_folders: props.max_vfolder_count.map_or(before.max_folders, limit),
        max_folder_bytes: props.max_quota_scope_size.map_or(before.max_folder_bytes, of_bytes),
        max_networks: props.max_network_count.map_or(before.max_networks, limit),
        name: before.name,
    }
}
