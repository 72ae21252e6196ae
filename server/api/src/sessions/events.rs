//! `GET /events/session`: the moves of one session, as they happen (`docs/spec/api.md`, "Events of a session").

use crate::Api;
use crate::problem::{Params, Refused};
use crate::sessions::Which;
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
use types::sessions::{Outcome, SessionDetail, SessionType, Status, StatusChange};

const FAILURE: &str = "session_failure";

#[derive(Deserialize)]
pub struct Followed {
    #[serde(rename = "sessionName", alias = "sessionId", alias = "name")]
    session: Option<String>,
    #[serde(rename = "ownerAccessKey", alias = "owner_access_key")]
    owner: Option<String>,
}

/// Streams the moves of one session's status from now on, until it has ended. For a session that has ended, only its end.
pub async fn events(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Params(followed): Params<Followed>,
) -> Response {
    let name = followed.session.unwrap_or_default();
    if name.is_empty() || name == "*" {
        let one = "Name one session, or give its id as sessionId: only one can be followed at a time.";
        return Refused::from(Problem::field("sessionName", one)).into_response();
    }
    let which = Which::of_owner(followed.owner.filter(|key| key != "*"));
    let session = match api.find_session(&caller, &name, &which).await {
        Ok(session) => session,
        Err(problem) => return Refused::from(problem).into_response(),
    };
    let (id, seen) = (session.row.id, session.history.len().saturating_sub(1));
    let permit = match api.control.permit(&caller, Needs::ToSee(id)) {
        Ok(permit) => permit,
        Err(problem) => return Refused::from(problem).into_response(),
    };
    let moves = stream::unfold(
        (api, permit, seen, Vec::<Event>::new(), false),
        move |(api, mut permit, mut seen, mut ready, mut over)| async move {
            while ready.is_empty() && !over {
                let Ok((session, ended)) = api.control.session_moved(&mut permit, id, seen).await else { return None };
                for change in &session.history[seen.min(session.history.len())..] {
                    ready.extend(event_names(&session, change).map(|name| event(&session, name, &change.reason)));
                }
                seen = session.history.len();
                if ended {
                    ready.push(Event::default().event("server_close").data("{}"));
                    over = true;
                }
                ready.reverse();
            }
            let next = ready.pop()?;
            Some((Ok::<_, Infallible>(next), (api, permit, seen, ready, over)))
        },
    );
    Sse::new(moves).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))).into_response()
}

/// Backend.AI's event names for a move. The result of a batch session comes before its end, because clients stop at the end.
fn event_names(session: &SessionDetail, change: &StatusChange) -> impl Iterator<Item = &'static str> + use<> {
    let over = session.row.kind == SessionType::Batch && change.status == Status::Terminated;
    let did_well = session.outcome.as_ref().is_some_and(Outcome::is_success);
    let result = over.then_some(if did_well { "session_success" } else { FAILURE });
    let arrival = match change.status {
        Status::Pending => "session_enqueued",
        Status::Scheduled => "session_scheduled",
        Status::Preparing => "session_preparing",
        Status::Running => "session_started",
        Status::Terminating => "session_terminating",
        Status::Terminated => "session_terminated",
        Status::Cancelled => "session_cancelled",
        Status::Error => FAILURE,
    };
    result.into_iter().chain([arrival])
}

/// The exit code of a session. A failure never has 0 or none: a waiting client exits with this code, and without one as if the
/// session had succeeded.
fn exit_code(outcome: Option<&Outcome>, failed: bool) -> Option<i32> {
    let known = match outcome {
        Some(Outcome::Exited(code)) => Some(*code),
        // As a shell reports it.
        Some(Outcome::Signalled(signal)) => Some(128 + signal),
        _ => None,
    };
    if failed { known.filter(|code| *code != 0).or(Some(1)) } else { known }
}

fn event(session: &SessionDetail, name: &str, reason: &str) -> Event {
    let data = json!({
        "reason": reason, "sessionName": session.row.name, "ownerAccessKey": session.access_key, "sessionId": session.row.id,
        "exitCode": exit_code(session.outcome.as_ref(), name == FAILURE),
    });
    Event::default().event(name).data(data.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_an_exit_code_that_is_not_0() {
        assert_eq!(exit_code(Some(&Outcome::Exited(3)), true), Some(3));
        assert_eq!(exit_code(Some(&Outcome::Signalled(9)), true), Some(137));
        for outcome in [None, Some(&Outcome::Lost), Some(&Outcome::OutOfMemory), Some(&Outcome::Exited(0))] {
            assert_eq!(exit_code(outcome, true), Some(1), "{outcome:?}");
        }
        assert_eq!(exit_code(Some(&Outcome::Exited(0)), false), Some(0));
        assert_eq!(exit_code(None, false), None);
    }
}
