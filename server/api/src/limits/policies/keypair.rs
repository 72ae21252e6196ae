//! Keypair policies.

use super::{every_policy, policy_named, policy_not_found};
use crate::graphql::amounts::{count, limit, number, slots, slots_of_limited, slots_text};
use crate::graphql::cost;
use crate::graphql::{Done, clearable, control_and_caller, done, kept, of_new, outcome, refuse};
use crate::projects::cleared_hosts;
use async_graphql::{Context, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use types::Problem;
use types::limits::policies::{KeypairPolicy, MAX_KEYPAIR_FOLDERS, PolicyKind, PolicyRow, SavePolicy};
use types::quantity::Slots;

#[derive(SimpleObject)]
#[graphql(name = "KeyPairResourcePolicy", rename_fields = "snake_case")]
pub struct KeypairResourcePolicy {
    name: String,
    created_at: String,
    /// `UNLIMITED` or `LIMITED`, for slots that are not named.
    default_for_unspecified: &'static str,
    total_resource_slots: String,
    max_session_lifetime: i64,
    max_concurrent_sessions: i64,
    max_pending_session_count: Option<u32>,
    max_pending_session_resource_slots: Option<String>,
    max_concurrent_sftp_sessions: i64,
    max_containers_per_session: u32,
    idle_timeout: i64,
    allowed_vfolder_hosts: String,
    /// Folders are limited by the policies of users and projects.
    max_vfolder_count: Option<i64>,
    max_vfolder_size: Option<i64>,
    max_quota_scope_size: Option<i64>,
}

impl From<PolicyRow<KeypairPolicy>> for KeypairResourcePolicy {
    fn from(row: PolicyRow<KeypairPolicy>) -> Self {
        let policy = row.policy;
        Self {
            created_at: row.created_at.iso(),
            default_for_unspecified: if policy.others_unlimited { "UNLIMITED" } else { "LIMITED" },
            total_resource_slots: slots_text(&policy.total),
            max_session_lifetime: number(policy.lifetime),
            max_concurrent_sessions: number(policy.max_sessions),
            max_pending_session_count: policy.max_pending,
            max_pending_session_resource_slots: None,
            max_concurrent_sftp_sessions: number(policy.max_transfers),
            max_containers_per_session: policy.max_cluster,
            idle_timeout: number(policy.idle_timeout),
            allowed_vfolder_hosts: serde_json::json!(policy.hosts).to_string(),
            name: policy.name,
            // The client reads these as numbers, with 0 for no limit.
            max_vfolder_count: Some(number(policy.max_folders)),
            max_vfolder_size: Some(0),
            max_quota_scope_size: Some(0),
        }
    }
}

/// The fields of a new policy.
#[derive(InputObject)]
#[graphql(name = "CreateKeyPairResourcePolicyInput", rename_fields = "snake_case")]
pub struct CreateInput {
    default_for_unspecified: String,
    total_resource_slots: Option<String>,
    max_session_lifetime: Option<i64>,
    max_concurrent_sessions: i64,
    max_concurrent_sftp_sessions: Option<i64>,
    max_containers_per_session: i64,
    idle_timeout: i64,
    allowed_vfolder_hosts: Option<String>,
    max_pending_session_count: Option<i64>,
    max_pending_session_resource_slots: Option<String>,
    max_vfolder_count: Option<i64>,
    max_vfolder_size: Option<i64>,
    max_quota_scope_size: Option<i64>,
}

/// The changes to a policy: missing fields stay as they are, null removes a limit.
#[derive(InputObject)]
#[graphql(name = "ModifyKeyPairResourcePolicyInput", rename_fields = "snake_case")]
pub struct ModifyInput {
    default_for_unspecified: MaybeUndefined<String>,
    total_resource_slots: MaybeUndefined<String>,
    max_session_lifetime: MaybeUndefined<i64>,
    max_concurrent_sessions: MaybeUndefined<i64>,
    max_concurrent_sftp_sessions: MaybeUndefined<i64>,
    max_containers_per_session: MaybeUndefined<i64>,
    idle_timeout: MaybeUndefined<i64>,
    allowed_vfolder_hosts: MaybeUndefined<String>,
    max_pending_session_count: MaybeUndefined<i64>,
    max_pending_session_resource_slots: MaybeUndefined<String>,
    max_vfolder_count: MaybeUndefined<i64>,
    max_vfolder_size: MaybeUndefined<i64>,
    max_quota_scope_size: MaybeUndefined<i64>,
}

impl From<CreateInput> for ModifyInput {
    fn from(new: CreateInput) -> Self {
        Self {
            default_for_unspecified: MaybeUndefined::Value(new.default_for_unspecified),
            total_resource_slots: of_new(new.total_resource_slots),
            max_session_lifetime: of_new(new.max_session_lifetime),
            max_concurrent_sessions: MaybeUndefined::Value(new.max_concurrent_sessions),
            // Backend.AI's default.
            max_concurrent_sftp_sessions: MaybeUndefined::Value(new.max_concurrent_sftp_sessions.unwrap_or(1)),
            max_containers_per_session: MaybeUndefined::Value(new.max_containers_per_session),
            idle_timeout: MaybeUndefined::Value(new.idle_timeout),
            allowed_vfolder_hosts: of_new(new.allowed_vfolder_hosts),
            max_pending_session_count: of_new(new.max_pending_session_count),
            max_pending_session_resource_slots: of_new(new.max_pending_session_resource_slots),
            max_vfolder_count: of_new(new.max_vfolder_count),
            max_vfolder_size: of_new(new.max_vfolder_size),
            max_quota_scope_size: of_new(new.max_quota_scope_size),
        }
    }
}

/// Applies `input` to a policy.
fn merged(policy: &mut KeypairPolicy, input: ModifyInput) -> std::result::Result<(), Problem> {
    // Unsupported fields are refused rather than silently dropped.
    if clearable(input.max_pending_session_resource_slots).is_some_and(|text| !text.is_empty() && text.trim() != "{}") {
        return Err(Problem::field(
            "max_pending_session_resource_slots",
            "Limits on the amounts of waiting sessions are not supported. Leave it out.",
        ));
    }
    if let Some(n) = clearable(input.max_vfolder_count) {
        policy.max_folders = limit("max_vfolder_count", n)?;
        if policy.max_folders.is_some_and(|n| n > MAX_KEYPAIR_FOLDERS) {
            let most = format!(
                "At most {MAX_KEYPAIR_FOLDERS}. This limit is deprecated and has no effect: user and project policies limit folders."
            );
            return Err(Problem::field("max_vfolder_count", most));
        }
    }
    if let Some(text) = kept(input.default_for_unspecified) {
        policy.others_unlimited = match text.as_str() {
            "UNLIMITED" => true,
            "LIMITED" => false,
            _ => return Err(Problem::field("default_for_unspecified", "Must be UNLIMITED or LIMITED.")),
        };
    }
    if input.total_resource_slots.is_null() {
        policy.total = Slots::default();
    } else if let Some(text) = input.total_resource_slots.take() {
        let read = if policy.others_unlimited { slots } else { slots_of_limited };
        policy.total = read("total_resource_slots", &text)?;
    }
    if let Some(n) = clearable(input.max_session_lifetime) {
        policy.lifetime = limit("max_session_lifetime", n)?;
    }
    if let Some(n) = clearable(input.max_concurrent_sessions) {
        policy.max_sessions = limit("max_concurrent_sessions", n)?;
    }
    if let Some(n) = clearable(input.max_concurrent_sftp_sessions) {
        policy.max_transfers = limit("max_concurrent_sftp_sessions", n)?;
    }
    if let Some(n) = kept(input.max_containers_per_session) {
        policy.max_cluster = count("max_containers_per_session", n)?;
    }
    if let Some(n) = clearable(input.idle_timeout) {
        policy.idle_timeout = limit("idle_timeout", n)?;
    }
    if let Some(hosts) = cleared_hosts(input.allowed_vfolder_hosts)? {
        policy.hosts = hosts;
    }
    match input.max_pending_session_count {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => policy.max_pending = None,
        MaybeUndefined::Value(n) => policy.max_pending = Some(count("max_pending_session_count", n)?),
    }
    Ok(())
}

#[derive(Default)]
pub struct KeypairPolicyQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl KeypairPolicyQuery {
    #[graphql(complexity = "cost::list_of(cost::SOME, child_complexity)")]
    async fn keypair_resource_policies(&self, context: &Context<'_>) -> Result<Vec<KeypairResourcePolicy>> {
        let (control, caller) = control_and_caller(context)?;
        Ok(every_policy::<KeypairPolicy>(control, caller)
            .await
            .map_err(refuse)?
            .into_iter()
            .map(KeypairResourcePolicy::from)
            .collect())
    }

    /// The policy of this name; without one, the policy that the caller's main keypair follows.
    async fn keypair_resource_policy(
        &self,
        context: &Context<'_>,
        name: Option<String>,
    ) -> Result<Option<KeypairResourcePolicy>> {
        let (control, caller) = control_and_caller(context)?;
        let name = match name {
            Some(name) => name,
            None => {
                let mine = control.my_keypairs(caller).await.map_err(refuse)?;
                mine.into_iter().find(|keypair| keypair.main).map(|keypair| keypair.policy).unwrap_or_default()
            }
        };
        Ok(policy_named::<KeypairPolicy>(control, caller, &name).await.map_err(refuse)?.map(KeypairResourcePolicy::from))
    }
}

#[derive(SimpleObject)]
#[graphql(name = "CreateKeyPairResourcePolicy", rename_fields = "snake_case")]
pub struct Payload {
    ok: bool,
    msg: String,
    resource_policy: Option<KeypairResourcePolicy>,
}

#[derive(Default)]
pub struct KeypairPolicyMutation;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl KeypairPolicyMutation {
    async fn create_keypair_resource_policy(&self, context: &Context<'_>, name: String, props: CreateInput) -> Result<Payload> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let mut policy = KeypairPolicy::new(name.as_str());
            merged(&mut policy, props.into())?;
            control.save_policy(caller, &SavePolicy { policy, revision: None }).await?;
            policy_named::<KeypairPolicy>(control, caller, &name).await
        };
        let (ok, msg, row) = outcome("create_keypair_resource_policy", result.await);
        Ok(Payload { ok, msg, resource_policy: row.flatten().map(KeypairResourcePolicy::from) })
    }

    async fn modify_keypair_resource_policy(&self, context: &Context<'_>, name: String, props: ModifyInput) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let PolicyRow { mut policy, revision, .. } =
                policy_named::<KeypairPolicy>(control, caller, &name).await?.ok_or_else(policy_not_found)?;
            merged(&mut policy, props)?;
            control.save_policy(caller, &SavePolicy { policy, revision: Some(revision) }).await
        };
        Ok(done("modify_keypair_resource_policy", result.await))
    }

    async fn delete_keypair_resource_policy(&self, context: &Context<'_>, name: String) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        Ok(done("delete_keypair_resource_policy", control.delete_policy(caller, PolicyKind::Keypair, &name, None).await))
    }
}
