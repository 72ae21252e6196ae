//! User policies.

use super::{every_policy, policy_named, policy_not_found};
use crate::graphql::amounts::{count, limit, number, size};
use crate::graphql::cost;
use crate::graphql::{Done, clearable, control_and_caller, done, kept, of_new, outcome, refuse};
use async_graphql::{Context, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use types::Problem;
use types::limits::policies::{PolicyKind, PolicyRow, SavePolicy, UserPolicy};

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct UserResourcePolicy {
    name: String,
    created_at: String,
    max_vfolder_count: i64,
    /// Bytes; −1 for no limit.
    max_quota_scope_size: i64,
    max_session_count_per_model_session: u32,
    max_customized_image_count: u32,
}

impl From<PolicyRow<UserPolicy>> for UserResourcePolicy {
    fn from(row: PolicyRow<UserPolicy>) -> Self {
        Self {
            created_at: row.created_at.iso(),
            max_vfolder_count: number(row.policy.max_folders),
            max_quota_scope_size: row.policy.max_folder_bytes.unwrap_or(-1),
            max_session_count_per_model_session: row.policy.max_service_sessions,
            max_customized_image_count: row.policy.max_images,
            name: row.policy.name,
        }
    }
}

/// The fields of a new policy.
#[derive(InputObject)]
#[graphql(name = "CreateUserResourcePolicyInput", rename_fields = "snake_case")]
pub struct CreateInput {
    max_vfolder_count: Option<i64>,
    max_quota_scope_size: Option<i64>,
    max_session_count_per_model_session: Option<i64>,
    max_customized_image_count: Option<i64>,
}

/// The changes to a policy: missing fields stay as they are, null removes a limit.
#[derive(InputObject)]
#[graphql(name = "ModifyUserResourcePolicyInput", rename_fields = "snake_case")]
pub struct ModifyInput {
    max_vfolder_count: MaybeUndefined<i64>,
    max_quota_scope_size: MaybeUndefined<i64>,
    max_session_count_per_model_session: MaybeUndefined<i64>,
    max_customized_image_count: MaybeUndefined<i64>,
}

impl From<CreateInput> for ModifyInput {
    fn from(new: CreateInput) -> Self {
        Self {
            max_vfolder_count: of_new(new.max_vfolder_count),
            max_quota_scope_size: of_new(new.max_quota_scope_size),
            max_session_count_per_model_session: of_new(new.max_session_count_per_model_session),
            max_customized_image_count: of_new(new.max_customized_image_count),
        }
    }
}

fn merged(policy: &mut UserPolicy, input: ModifyInput) -> std::result::Result<(), Problem> {
    if let Some(n) = clearable(input.max_vfolder_count) {
        policy.max_folders = limit("max_vfolder_count", n)?;
    }
    match input.max_quota_scope_size {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => policy.max_folder_bytes = None,
        MaybeUndefined::Value(n) => policy.max_folder_bytes = size(n),
    }
    if let Some(n) = kept(input.max_session_count_per_model_session) {
        policy.max_service_sessions = count("max_session_count_per_model_session", n)?;
    }
    if let Some(n) = kept(input.max_customized_image_count) {
        policy.max_images = count("max_customized_image_count", n)?;
    }
    Ok(())
}

#[derive(Default)]
pub struct UserPolicyQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl UserPolicyQuery {
    #[graphql(complexity = "cost::list_of(cost::SOME, child_complexity)")]
    async fn user_resource_policies(&self, context: &Context<'_>) -> Result<Vec<UserResourcePolicy>> {
        let (control, caller) = control_and_caller(context)?;
        Ok(every_policy::<UserPolicy>(control, caller).await.map_err(refuse)?.into_iter().map(UserResourcePolicy::from).collect())
    }

    async fn user_resource_policy(&self, context: &Context<'_>, name: String) -> Result<Option<UserResourcePolicy>> {
        let (control, caller) = control_and_caller(context)?;
        Ok(policy_named::<UserPolicy>(control, caller, &name).await.map_err(refuse)?.map(UserResourcePolicy::from))
    }
}

#[derive(SimpleObject)]
#[graphql(name = "CreateUserResourcePolicy", rename_fields = "snake_case")]
pub struct Payload {
    ok: bool,
    msg: String,
    resource_policy: Option<UserResourcePolicy>,
}

#[derive(Default)]
pub struct UserPolicyMutation;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl UserPolicyMutation {
    async fn create_user_resource_policy(&self, context: &Context<'_>, name: String, props: CreateInput) -> Result<Payload> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let mut policy = UserPolicy::new(name.as_str());
            merged(&mut policy, props.into())?;
            control.save_policy(caller, &SavePolicy { policy, revision: None }).await?;
            policy_named::<UserPolicy>(control, caller, &name).await
        };
        let (ok, msg, row) = outcome("create_user_resource_policy", result.await);
        Ok(Payload { ok, msg, resource_policy: row.flatten().map(UserResourcePolicy::from) })
    }

    async fn modify_user_resource_policy(&self, context: &Context<'_>, name: String, props: ModifyInput) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let PolicyRow { mut policy, revision, .. } =
                policy_named::<UserPolicy>(control, caller, &name).await?.ok_or_else(policy_not_found)?;
            merged(&mut policy, props)?;
            control.save_policy(caller, &SavePolicy { policy, revision: Some(revision) }).await
        };
        Ok(done("modify_user_resource_policy", result.await))
    }

    async fn delete_user_resource_policy(&self, context: &Context<'_>, name: String) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        Ok(done("delete_user_resource_policy", control.delete_policy(caller, PolicyKind::User, &name, None).await))
    }
}
