//! The caller's background tasks. Their progress arrives on the event stream.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use types::Problem;
use types::id::TaskId;

#[server(prefix = "/call", endpoint = "cancel_task", input = Json)]
pub async fn cancel_task(id: TaskId) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.cancel_task(&caller, id).await }).await
}
