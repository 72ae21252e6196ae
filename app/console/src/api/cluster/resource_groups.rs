//! Resource groups.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::cluster::resource_groups::{GroupRow, SaveGroup};
use types::list::{ListQuery, Page};

#[server(prefix = "/call", endpoint = "resource_groups", protocol = Call)]
pub async fn resource_groups(query: ListQuery) -> Result<Page<GroupRow>, Problem> {
    crate::api::run(|control, caller| async move { control.resource_groups(&caller, &query).await }).await
}

#[server(prefix = "/call", endpoint = "save_resource_group", protocol = Call)]
pub async fn save_resource_group(save: SaveGroup) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.save_resource_group(&caller, &save).await }).await
}

#[server(prefix = "/call", endpoint = "delete_resource_group", protocol = Call)]
pub async fn delete_resource_group(name: String) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.delete_resource_group(&caller, &name).await }).await
}
