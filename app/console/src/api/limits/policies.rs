//! Resource policies of the three kinds, and the names that forms about resources offer.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::limits::policies::{
    Followers, KeypairPolicy, PolicyEffect, PolicyKind, PolicyRow, ProjectPolicy, SavePolicy, UserPolicy,
};
use types::list::{ListQuery, Page};

#[server(prefix = "/call", endpoint = "keypair_policies", protocol = Call)]
pub async fn keypair_policies(query: ListQuery) -> Result<Page<PolicyRow<KeypairPolicy>>, Problem> {
    crate::api::run(|control, caller| async move { control.policies(&caller, &query).await }).await
}

#[server(prefix = "/call", endpoint = "user_policies", protocol = Call)]
pub async fn user_policies(query: ListQuery) -> Result<Page<PolicyRow<UserPolicy>>, Problem> {
    crate::api::run(|control, caller| async move { control.policies(&caller, &query).await }).await
}

#[server(prefix = "/call", endpoint = "project_policies", protocol = Call)]
pub async fn project_policies(query: ListQuery) -> Result<Page<PolicyRow<ProjectPolicy>>, Problem> {
    crate::api::run(|control, caller| async move { control.policies(&caller, &query).await }).await
}

#[server(prefix = "/call", endpoint = "save_keypair_policy", protocol = Call)]
pub async fn save_keypair_policy(save: SavePolicy<KeypairPolicy>) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.save_policy(&caller, &save).await }).await
}

#[server(prefix = "/call", endpoint = "save_user_policy", protocol = Call)]
pub async fn save_user_policy(save: SavePolicy<UserPolicy>) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.save_policy(&caller, &save).await }).await
}

#[server(prefix = "/call", endpoint = "save_project_policy", protocol = Call)]
pub async fn save_project_policy(save: SavePolicy<ProjectPolicy>) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.save_policy(&caller, &save).await }).await
}

#[server(prefix = "/call", endpoint = "policy_followers", protocol = Call)]
pub async fn policy_followers(kind: PolicyKind, name: String) -> Result<Followers, Problem> {
    crate::api::run(|control, caller| async move { control.policy_followers(&caller, kind, &name).await }).await
}

#[server(prefix = "/call", endpoint = "delete_policy", protocol = Call)]
pub async fn delete_policy(kind: PolicyKind, name: String, move_to: Option<String>) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.delete_policy(&caller, kind, &name, move_to.as_deref()).await }).await
}

#[server(name = PolicyEffectCall, prefix = "/call", endpoint = "policy_effect", protocol = Call)]
pub async fn policy_effect(policy: KeypairPolicy) -> Result<PolicyEffect, Problem> {
    crate::api::run(|control, caller| async move { control.policy_effect(&caller, &policy).await }).await
}

#[server(prefix = "/call", endpoint = "slot_names", protocol = Call)]
pub async fn slot_names() -> Result<Vec<String>, Problem> {
    crate::api::run(|control, caller| async move { control.slot_names(&caller).await }).await
}

#[server(prefix = "/call", endpoint = "resource_group_names", protocol = Call)]
pub async fn resource_group_names() -> Result<Vec<String>, Problem> {
    crate::api::run(|control, caller| async move { control.resource_group_names(&caller).await }).await
}
