//! The caller's background tasks. Their progress arrives on the event stream.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::id::TaskId;

#[server(prefix = "/call", endpoint = "cancel_task", protocol = Call)]
pub async fn cancel_task(id: TaskId) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.cancel_task(&caller, id).await }).await
}
