//! `GET /events/background-task`: the progress of one of the caller's background tasks (`docs/spec/api.md`, "Background tasks").

use crate::Api;
use crate::problem::{Params, Refused};
use axum::extract::{Extension, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use control::{Caller, Needs};
use futures::stream;
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;
use types::Problem;
use types::id::TaskId;
use types::system::tasks::{Task, TaskState};

#[derive(Deserialize)]
pub struct Followed {
    task_id: TaskId,
}

/// Streams the task's progress until it ends, and its end. For a task that has ended, only the end.
pub async fn events(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Params(Followed { task_id }): Params<Followed>,
) -> Response {
    let of_task = move |tasks: Vec<Task>| tasks.into_iter().find(|task| task.id == task_id);
    let begun = api.control.tasks(&caller, 0).and_then(|(tasks, version)| {
        let task = of_task(tasks).ok_or_else(|| Problem::NotFound("task".into()))?;
        Ok((task, version, api.control.tasks_changed(&caller)?, api.control.permit(&caller, Needs::Nothing)?))
    });
    let (task, version, changed, permit) = match begun {
        Ok(begun) => begun,
        Err(problem) => return Refused::from(problem).into_response(),
    };
    let state = (api, permit, changed, version, Some(task), false);
    let events = stream::unfold(state, move |(api, mut permit, mut changed, mut version, mut next, over)| async move {
        if over {
            return None;
        }
        loop {
            if let Some(task) = next.take() {
                let over = task.state != TaskState::Running;
                let events = [task_event(&task)].into_iter().chain(over.then(close)).map(Ok::<_, Infallible>);
                return Some((stream::iter(events), (api, permit, changed, version, None, over)));
            }
            let more = async { changed.changed().await.map_err(control::internal("following a task")) };
            permit.while_it_holds(more).await.ok()?;
            let (tasks, now) = api.control.tasks(&permit.caller().ok()?, version).ok()?;
            (next, version) = (of_task(tasks), now);
        }
    });
    Sse::new(futures::StreamExt::flatten(events)).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))).into_response()
}

/// Backend.AI's event for a task's state.
fn task_event(task: &Task) -> Event {
    let (name, message) = match task.state {
        TaskState::Running => ("bgtask_updated", task.message.as_str()),
        TaskState::Done => ("bgtask_done", "Task completed successfully"),
        TaskState::Failed => ("bgtask_failed", task.message.as_str()),
        TaskState::Cancelled => ("bgtask_cancelled", task.message.as_str()),
    };
    let mut data = json!({ "task_id": task.id, "message": message });
    if task.state == TaskState::Running {
        data["current_progress"] = json!(task.current);
        data["total_progress"] = json!(task.total);
    }
    Event::default().event(name).data(data.to_string())
}

fn close() -> Event {
    Event::default().event("server_close").data("{}")
}
