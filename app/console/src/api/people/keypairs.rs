//! Keypairs.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::bulk::BulkResult;
use types::list::{ListQuery, Page};
use types::people::keypairs::{CreateKeypair, EditKeypair, KeypairRow, NewKeypair};

#[server(prefix = "/call", endpoint = "keypairs", protocol = Call)]
pub async fn keypairs(query: ListQuery) -> Result<Page<KeypairRow>, Problem> {
    crate::api::run(|control, caller| async move { control.keypairs(&caller, &query).await }).await
}

#[server(prefix = "/call", endpoint = "my_keypairs", protocol = Call)]
pub async fn my_keypairs() -> Result<Vec<KeypairRow>, Problem> {
    crate::api::run(|control, caller| async move { control.my_keypairs(&caller).await }).await
}

#[server(prefix = "/call", endpoint = "keypair", protocol = Call)]
pub async fn keypair(access_key: String) -> Result<KeypairRow, Problem> {
    crate::api::run(|control, caller| async move { control.keypair(&caller, &access_key).await }).await
}

#[server(prefix = "/call", endpoint = "keypair_secret", protocol = Call)]
pub async fn keypair_secret(access_key: String) -> Result<String, Problem> {
    crate::api::run(|control, caller| async move { control.keypair_secret(&caller, &access_key).await }).await
}

#[server(name = CreateKeypairCall, prefix = "/call", endpoint = "create_keypair", protocol = Call)]
pub async fn create_keypair(keypair: CreateKeypair) -> Result<NewKeypair, Problem> {
    crate::api::run(|control, caller| async move { control.create_keypair(&caller, &keypair).await }).await
}

#[server(name = EditKeypairCall, prefix = "/call", endpoint = "edit_keypair", protocol = Call)]
pub async fn edit_keypair(access_key: String, edit: EditKeypair, was: Option<EditKeypair>) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.edit_keypair_since(&caller, &access_key, &edit, was.as_ref()).await })
        .await
}

#[server(prefix = "/call", endpoint = "edit_keypairs", protocol = Call)]
pub async fn edit_keypairs(access_keys: Vec<String>, edit: EditKeypair) -> Result<Vec<BulkResult>, Problem> {
    crate::api::run(|control, caller| async move { control.edit_keypairs(&caller, &access_keys, &edit).await }).await
}

#[server(prefix = "/call", endpoint = "delete_keypair", protocol = Call)]
pub async fn delete_keypair(access_key: String) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.delete_keypair(&caller, &access_key).await }).await
}

#[server(prefix = "/call", endpoint = "keypair_policy_names", protocol = Call)]
pub async fn keypair_policy_names() -> Result<Vec<String>, Problem> {
    crate::api::run(
        |control, caller| async move { control.policy_names(&caller, types::limits::policies::PolicyKind::Keypair).await },
    )
    .await
}
