//! Project policies.

use super::{every_policy, policy_named, policy_not_found};
use crate::graphql::amounts::{limit, number, size};
use crate::graphql::cost;
use crate::graphql::{Done, clearable, control_and_caller, done, of_new, outcome, refuse};
use async_graphql::{Context, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use types::Problem;
use types::limits::policies::{PolicyKind, PolicyRow, ProjectPolicy, SavePolicy};

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ProjectResourcePolicy {
    name: String,
    created_at: String,
    max_vfolder_count: i64,
    /// Bytes; −1 for no limit.
    max_quota_scope_size: i64,
    max_network_count: i64,
}

impl From<PolicyRow<ProjectPolicy>> for ProjectResourcePolicy {
    fn from(row: PolicyRow<ProjectPolicy>) -> Self {
        Self {
            created_at: row.created_at.iso(),
            max_vfolder_count: number(row.policy.max_folders),
            max_quota_scope_size: row.policy.max_folder_bytes.unwrap_or(-1),
            max_network_count: number(row.policy.max_networks),
            name: row.policy.name,
        }
    }
}

/// The fields of a new policy.
#[derive(InputObject)]
#[graphql(name = "CreateProjectResourcePolicyInput", rename_fields = "snake_case")]
pub struct CreateInput {
    max_vfolder_count: Option<i64>,
    max_quota_scope_size: Option<i64>,
    max_network_count: Option<i64>,
}

/// The changes to a policy: missing fields stay as they are, null removes a limit.
#[derive(InputObject)]
#[graphql(name = "ModifyProjectResourcePolicyInput", rename_fields = "snake_case")]
pub struct ModifyInput {
    max_vfolder_count: MaybeUndefined<i64>,
    max_quota_scope_size: MaybeUndefined<i64>,
    max_network_count: MaybeUndefined<i64>,
}

impl From<CreateInput> for ModifyInput {
    fn from(new: CreateInput) -> Self {
        Self {
            max_vfolder_count: of_new(new.max_vfolder_count),
            max_quota_scope_size: of_new(new.max_quota_scope_size),
            max_network_count: of_new(new.max_network_count),
        }
    }
}

fn merged(policy: &mut ProjectPolicy, input: ModifyInput) -> std::result::Result<(), Problem> {
    if let Some(n) = clearable(input.max_vfolder_count) {
        policy.max_folders = limit("max_vfolder_count", n)?;
    }
    match input.max_quota_scope_size {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => policy.max_folder_bytes = None,
        MaybeUndefined::Value(n) => policy.max_folder_bytes = size(n),
    }
    if let Some(n) = clearable(input.max_network_count) {
        policy.max_networks = limit("max_network_count", n)?;
    }
    Ok(())
}

#[derive(Default)]
pub struct ProjectPolicyQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl ProjectPolicyQuery {
    #[graphql(complexity = "cost::list_of(cost::SOME, child_complexity)")]
    async fn project_resource_policies(&self, context: &Context<'_>) -> Result<Vec<ProjectResourcePolicy>> {
        let (control, caller) = control_and_caller(context)?;
        Ok(every_policy::<ProjectPolicy>(control, caller)
            .await
            .map_err(refuse)?
            .into_iter()
            .map(ProjectResourcePolicy::from)
            .collect())
    }

    async fn project_resource_policy(&self, context: &Context<'_>, name: String) -> Result<Option<ProjectResourcePolicy>> {
        let (control, caller) = control_and_caller(context)?;
        Ok(policy_named::<ProjectPolicy>(control, caller, &name).await.map_err(refuse)?.map(ProjectResourcePolicy::from))
    }
}

#[derive(SimpleObject)]
#[graphql(name = "CreateProjectResourcePolicy", rename_fields = "snake_case")]
pub struct Payload {
    ok: bool,
    msg: String,
    resource_policy: Option<ProjectResourcePolicy>,
}

#[derive(Default)]
pub struct ProjectPolicyMutation;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl ProjectPolicyMutation {
    async fn create_project_resource_policy(&self, context: &Context<'_>, name: String, props: CreateInput) -> Result<Payload> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let mut policy = ProjectPolicy::new(name.as_str());
            merged(&mut policy, props.into())?;
            control.save_policy(caller, &SavePolicy { policy, revision: None }).await?;
            policy_named::<ProjectPolicy>(control, caller, &name).await
        };
        let (ok, msg, row) = outcome("create_project_resource_policy", result.await);
        Ok(Payload { ok, msg, resource_policy: row.flatten().map(ProjectResourcePolicy::from) })
    }

    async fn modify_project_resource_policy(&self, context: &Context<'_>, name: String, props: ModifyInput) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let PolicyRow { mut policy, revision, .. } =
                policy_named::<ProjectPolicy>(control, caller, &name).await?.ok_or_else(policy_not_found)?;
            merged(&mut policy, props)?;
            control.save_policy(caller, &SavePolicy { policy, revision: Some(revision) }).await
        };
        Ok(done("modify_project_resource_policy", result.await))
    }

    async fn delete_project_resource_policy(&self, context: &Context<'_>, name: String) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        Ok(done("delete_project_resource_policy", control.delete_policy(caller, PolicyKind::Project, &name, None).await))
    }
}
