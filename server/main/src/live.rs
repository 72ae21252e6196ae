//! `GET /events`: one stream of changes per tab, resumed by event id after a drop.

use crate::App;
use crate::refusal::Refusal;
use axum::extract::{Extension, Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use control::Caller;
use futures::{StreamExt, stream};
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

/// A sign-in that has expired, or that another process ended, is noticed after this long.
const LOOK_EVERY: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
pub struct From {
    /// The last event that the page knows.
    after: Option<i64>,
}

/// Opens the stream. A page that was away too long gets `reload`, and then asks for everything again.
pub async fn events(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut grew = app.control.events_grew(&caller)?;
    // The browser's own `Last-Event-ID` wins over the address that the page opened first.
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let after = resumed.or(from.after).unwrap_or_else(|| *grew.borrow_and_update());
    let hello = Event::default().event("hello").id(after.to_string()).data(app.build.as_ref());

    let ended = app.control.sign_ins_ended();
    let tasks = app.control.tasks_changed(&caller)?;
    let state = (app, caller, grew, ended, (tasks, 0), after, VecDeque::from([hello]));
    let events =
        stream::unfold(state, |(app, mut caller, mut grew, mut ended, (mut tasks, mut seen), mut after, mut ready)| async move {
            loop {
                if let Some(event) = ready.pop_front() {
                    return Some((Ok::<_, Infallible>(event), (app, caller, grew, ended, (tasks, seen), after, ready)));
                }
                grew.borrow_and_update();
                tasks.borrow_and_update();
                if let Ok((changed, version)) = app.control.tasks(&caller, seen) {
                    seen = version;
                    // Without an id, because tasks are not among the events that are resumed.
                    ready.extend(changed.into_iter().filter_map(|task| Event::default().event("task").json_data(&task).ok()));
                }
                if !ready.is_empty() {
                    continue;
                }
                match app.control.events(&caller, after).await {
                    Ok(Some((events, last))) if last > after => {
                        after = last;
                        ready.extend(events.into_iter().filter_map(|event| {
                            Event::default().event("change").id(event.id.to_string()).json_data(&event).ok()
                        }));
                    }
                    Ok(Some(_)) => {
                        let look = tokio::select! {
                            grew = grew.changed() => { grew.ok()?; false }
                            ended = ended.changed() => { ended.ok()?; true }
                            changed = tasks.changed() => { changed.ok()?; false }
                            () = tokio::time::sleep(LOOK_EVERY) => true,
                        };
                        // Every event has data: browsers drop an event without.
                        if look {
                            // Role and projects decide which events the person may see, and they can change.
                            caller = match app.control.renewed(&caller).await {
                                Some(now) => now,
                                None => {
                                    ready.push_back(Event::default().event("ended").data("sign-in"));
                                    // From here on the stream belongs to nobody, and sends nothing more.
                                    Caller::nobody("", "")
                                }
                            };
                        }
                    }
                    Ok(None) => {
                        after = *grew.borrow();
                        ready.push_back(Event::default().event("reload").id(after.to_string()).data("all"));
                    }
                    // The stream ends rather than falling silent: the page connects again and learns why.
                    Err(_) => return None,
                }
            }
        });
    let mut answer = Sse::new(events.fuse()).keep_alive(KeepAlive::new().interval(Duration::from_secs(10))).into_response();
    answer.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(answer)
}
