//! `GET /events`: one stream of changes per tab, resumed by event id after a drop.

use crate::App;
use crate::refusal::Refusal;
use axum::extract::{Extension, Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use control::{Caller, Needs, Permit};
use futures::{StreamExt, stream};
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;

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

    let notices = Event::default().event("notices").json_data(app.control.notices(&caller).await?).ok();
    let permit = app.control.permit(&caller, Needs::Nothing)?;
    let tasks = app.control.tasks_changed(&caller)?;
    let follower = Follower {
        app,
        permit,
        grew,
        tasks,
        tasks_seen: 0,
        waiting: None,
        after,
        ready: std::iter::once(hello).chain(notices).collect(),
    };
    let events = stream::unfold(Some(follower), async |follower| {
        let mut follower = follower?;
        let event = follower.next().await?;
        // From here on the stream belongs to nobody, and sends nothing more.
        let over = matches!(event, Next::Ended(_));
        let (Next::Event(event) | Next::Ended(event)) = event;
        Some((Ok::<_, Infallible>(event), (!over).then_some(follower)))
    });
    let mut answer = Sse::new(events.fuse()).keep_alive(KeepAlive::new().interval(Duration::from_secs(10))).into_response();
    answer.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(answer)
}

/// One page that follows the changes.
struct Follower {
    app: App,
    permit: Permit,
    grew: watch::Receiver<i64>,
    tasks: watch::Receiver<u64>,
    /// The version of the tasks that the page knows.
    tasks_seen: u64,
    /// The number of waiting sessions that the page knows.
    waiting: Option<u32>,
    after: i64,
    ready: VecDeque<Event>,
}

/// The next part of a stream.
enum Next {
    Event(Event),
    /// The person may not hear any more.
    Ended(Event),
}

impl Follower {
    /// Waits for the next event. `None` if the stream is broken: it ends rather than falling silent, and the page connects again
    /// and learns why.
    async fn next(&mut self) -> Option<Next> {
        loop {
            let Ok(caller) = self.permit.caller() else {
                // Every event has data: browsers drop an event without.
                return Some(Next::Ended(Event::default().event("ended").data("sign-in")));
            };
            if let Some(event) = self.ready.pop_front() {
                return Some(Next::Event(event));
            }
            self.grew.borrow_and_update();
            self.tasks.borrow_and_update();
            if let Ok((changed, version)) = self.app.control.tasks(&caller, self.tasks_seen) {
                self.tasks_seen = version;
                // Without an id, because tasks are not among the events that are resumed.
                let events = changed.into_iter().filter_map(|task| Event::default().event("task").json_data(&task).ok());
                self.ready.extend(events);
            }
            let waiting = self.app.control.waiting_sessions(&caller);
            if self.waiting != waiting {
                self.waiting = waiting;
                self.ready.extend(waiting.map(|waiting| Event::default().event("waiting").data(waiting.to_string())));
            }
            if !self.ready.is_empty() {
                continue;
            }
            match self.app.control.events(&caller, self.after).await {
                Ok(Some((events, last))) if last > self.after => {
                    self.after = last;
                    self.ready.extend(
                        events
                            .into_iter()
                            .filter_map(|event| Event::default().event("change").id(event.id.to_string()).json_data(&event).ok()),
                    );
                }
                Ok(Some(_)) => tokio::select! {
                    grew = self.grew.changed() => grew.ok()?,
                    changed = self.tasks.changed() => changed.ok()?,
                    // Role and projects decide which events the person may hear of.
                    _ = self.permit.changed() => {}
                },
                Ok(None) => {
                    self.after = *self.grew.borrow();
                    self.ready.push_back(Event::default().event("reload").id(self.after.to_string()).data("all"));
                }
                Err(_) => return None,
            }
        }
    }
}
