//! People.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::bulk::BulkResult;
use types::id::UserId;
use types::list::{ListQuery, Page};
use types::people::many_users::{CreateMany, CreatedPerson, Preview};
use types::people::users::{CreateUser, Created, EditUser, UserDetail, UserRow};
use types::projects::DomainChoice;

#[server(prefix = "/call", endpoint = "users", protocol = Call)]
pub async fn users(query: ListQuery) -> Result<Page<UserRow>, Problem> {
    crate::api::run(|control, caller| async move { control.users(&caller, &query).await }).await
}

#[server(prefix = "/call", endpoint = "user", protocol = Call)]
pub async fn user(id: UserId) -> Result<UserDetail, Problem> {
    crate::api::run(|control, caller| async move { control.user(&caller, id).await }).await
}

#[server(prefix = "/call", endpoint = "domain_choices", protocol = Call)]
pub async fn domain_choices() -> Result<Vec<DomainChoice>, Problem> {
    crate::api::run(|control, caller| async move { control.domain_choices(&caller).await }).await
}

#[server(name = CreateUserCall, prefix = "/call", endpoint = "create_user", protocol = Call)]
pub async fn create_user(user: CreateUser) -> Result<Created, Problem> {
    crate::api::run(|control, caller| async move { control.create_user(&caller, &user).await }).await
}

#[server(name = EditUserCall, prefix = "/call", endpoint = "edit_user", protocol = Call)]
pub async fn edit_user(id: UserId, edit: EditUser, was: Option<EditUser>) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.edit_user_since(&caller, id, &edit, was.as_ref()).await }).await
}

#[server(prefix = "/call", endpoint = "edit_users", protocol = Call)]
pub async fn edit_users(ids: Vec<UserId>, edit: EditUser) -> Result<Vec<BulkResult>, Problem> {
    crate::api::run(|control, caller| async move { control.edit_users(&caller, &ids, &edit).await }).await
}

#[server(prefix = "/call", endpoint = "user_policy_names", protocol = Call)]
pub async fn user_policy_names() -> Result<Vec<String>, Problem> {
    crate::api::run(
        |control, caller| async move { control.policy_names(&caller, types::limits::policies::PolicyKind::User).await },
    )
    .await
}

#[server(prefix = "/call", endpoint = "preview_users", protocol = Call)]
pub async fn preview_users(many: CreateMany) -> Result<Preview, Problem> {
    crate::api::run(|control, caller| async move { control.preview_users(&caller, &many).await }).await
}

#[server(prefix = "/call", endpoint = "create_users", protocol = Call)]
pub async fn create_users(many: CreateMany) -> Result<Vec<CreatedPerson>, Problem> {
    crate::api::run(|control, caller| async move { control.create_users(&caller, &many).await }).await
}

#[server(prefix = "/call", endpoint = "created_people", protocol = Call)]
pub async fn created_people(task: types::id::TaskId) -> Result<Vec<CreatedPerson>, Problem> {
    crate::api::run(|control, caller| async move { control.created_people(&caller, task).await }).await
}
