//! The caller's own data: sign-ins and table columns.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::id::SignInId;
use types::list::ColumnLayout;
use types::people::users::{ChangePassword, SignIn};

#[server(prefix = "/call", endpoint = "sign_ins", protocol = Call)]
pub async fn sign_ins() -> Result<Vec<SignIn>, Problem> {
    crate::api::run(|control, caller| async move { control.sign_ins(&caller).await }).await
}

#[server(prefix = "/call", endpoint = "end_sign_in", protocol = Call)]
pub async fn end_sign_in(id: SignInId) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.end_sign_in(&caller, id).await }).await
}

#[server(prefix = "/call", endpoint = "columns", protocol = Call)]
pub async fn columns(table: String) -> Result<ColumnLayout, Problem> {
    crate::api::run(|control, caller| async move { control.columns(&caller, &table).await }).await
}

#[server(prefix = "/call", endpoint = "set_columns", protocol = Call)]
pub async fn set_columns(table: String, layout: ColumnLayout) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.set_columns(&caller, &table, &layout).await }).await
}

#[server(name = ChangePasswordCall, prefix = "/call", endpoint = "change_password", protocol = Call)]
pub async fn change_password(change: ChangePassword) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.change_password(&caller, &change).await }).await
}
