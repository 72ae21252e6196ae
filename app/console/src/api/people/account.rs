//! The caller's own data: sign-ins and table columns.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use types::Problem;
use types::id::SignInId;
use types::list::ColumnLayout;
use types::people::users::{ChangePassword, SignIn};

#[server(prefix = "/call", endpoint = "sign_ins", input = Json)]
pub async fn sign_ins() -> Result<Vec<SignIn>, Problem> {
    crate::api::run(|control, caller| async move { control.sign_ins(&caller).await }).await
}

#[server(prefix = "/call", endpoint = "end_sign_in", input = Json)]
pub async fn end_sign_in(id: SignInId) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.end_sign_in(&caller, id).await }).await
}

#[server(prefix = "/call", endpoint = "columns", input = Json)]
pub async fn columns(table: String) -> Result<ColumnLayout, Problem> {
    crate::api::run(|control, caller| async move { control.columns(&caller, &table).await }).await
}

#[server(prefix = "/call", endpoint = "set_columns", input = Json)]
pub async fn set_columns(table: String, layout: ColumnLayout) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.set_columns(&caller, &table, &layout).await }).await
}

#[server(name = ChangePasswordCall, prefix = "/call", endpoint = "change_password", input = Json)]
pub async fn change_password(change: ChangePassword) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.change_password(&caller, &change).await }).await
}
