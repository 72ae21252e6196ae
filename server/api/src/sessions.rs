//! Sessions by name or id: what the incumbent's clients ask of one (`semantics.md` §3.9, §5.7). They are started in `start`.

use crate::Api;
use crate::problem::Refused;
use axum::Json;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use control::Caller;
use futures::stream;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::time::Duration;
use types::Problem;
use types::id::SessionId;
use types::session::{SessionDetail, Status};
use types::time::Millis;

/// Bytes of a log in one answer; more is read in the console.
const LOG_BYTES: usize = 4 << 20;
/// Sessions that a beginning may match.
const MOST_MATCHES: usize = 20;

/// Whose session is meant, and how it is to end.
#[derive(Deserialize, Default)]
pub struct Which {
    owner_access_key: Option<String>,
    #[serde(default)]
    forced: Option<String>,
    #[serde(default)]
    recursive: Option<String>,
}

impl Which {
    /// A session of whoever this access key belongs to.
    pub(crate) fn of(owner_access_key: Option<String>) -> Self {
        Self { owner_access_key, ..Self::default() }
    }
}

fn answer<T: IntoResponse>(result: Result<T, Problem>) -> Response {
    match result {
        Ok(value) => value.into_response(),
        Err(problem) => Refused::from(problem).into_response(),
    }
}

impl Api {
    pub(crate) async fn named(&self, caller: &Caller, name: &str, which: &Which) -> Result<SessionDetail, Problem> {
        let owner = which.owner_access_key.as_deref().unwrap_or_default();
        self.control.session_named(caller, owner, name).await
    }

    /// Ends what waited for a session that is to end. One that moved on just then is asked again; one that has ended is as wanted.
    async fn end_dependent(&self, caller: &Caller, id: SessionId, force: bool) -> Result<(), Problem> {
        let mut ended = self.control.terminate(caller, id, force).await;
        if ended.is_err() {
            ended = self.control.terminate(caller, id, force).await;
        }
        if ended.is_err() && self.control.session(caller, id).await?.row.status.is_final() {
            return Ok(());
        }
        ended
    }
}

/// `GET /session/{name}`
pub async fn info(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Response {
    answer(api.named(&caller, &name, &which).await.map(|session| Json(described(&session))))
}

fn described(session: &SessionDetail) -> Value {
    let row = &session.row;
    let all = row.cluster.of_all(&row.slots);
    let slots = json!(all).to_string();
    let until = row.ended_at.unwrap_or(session.now);
    json!({
        "domainName": session.domain, "groupId": session.project, "userId": row.owner, "lang": row.image, "image": row.image,
        "architecture": "", "registry": "", "tag": null, "containerId": row.id, "occupiedSlots": slots,
        "occupyingSlots": if row.status.occupies() { slots.clone() } else { "{}".into() }, "requestedSlots": slots,
        "occupiedShares": "{}", "environ": json!(session.env.iter().cloned().collect::<std::collections::BTreeMap<_, _>>()).to_string(),
        "resourceOpts": json!({ "shmem": session.shared_memory }).to_string(), "status": row.status.key(),
        "statusInfo": if row.info.is_empty() { "None" } else { &row.info }, "statusData": null,
        "age": until.since(row.created_at), "creationTime": row.created_at.iso(),
        "terminationTime": row.ended_at.map(Millis::iso), "numQueriesExecuted": 0, "lastStat": null,
        "idleChecks": idle_checks(session),
    })
}

/// What may end a session, in the incumbent's shape: seconds that are left of each.
pub(crate) fn idle_checks(session: &SessionDetail) -> Value {
    let now = session.now.0;
    let each = session.checks.iter().map(|check| {
        let left = (check.at.0 - now).max(0) / 1000;
        let name = match check.kind {
            types::session::CheckKind::IdleTimeout => "network_timeout",
            kind => kind.key(),
        };
        (name.to_owned(), json!({ "remaining": left, "remaining_time_type": "expire_after", "extra": null }))
    });
    Value::Object(each.collect())
}

#[derive(Deserialize)]
pub struct Beginning {
    id: String,
}

/// `GET /session/_/match?id=`
pub async fn matching(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(Beginning { id }): Query<Beginning>,
) -> Response {
    let found = api.control.sessions_beginning(&caller, "", &id, MOST_MATCHES).await;
    answer(found.map(|found| {
        let one = |session: &SessionDetail| {
            json!({ "id": session.row.id, "name": session.row.name, "status": session.row.status.key() })
        };
        Json(json!({ "matches": found.iter().map(one).collect::<Vec<_>>() }))
    }))
}

/// `DELETE /session/{name}`
pub async fn terminate(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Response {
    let yes = |word: &Option<String>| word.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("true") || word == "1");
    let (force, recursive) = (yes(&which.forced), yes(&which.recursive));
    let ended = async {
        let session = api.named(&caller, &name, &which).await?;
        if recursive {
            let mut first = Ok(());
            for dependent in api.control.dependents(&caller, session.row.id).await? {
                // One that stays is no reason to keep the others. It is said, and the session stays as well: asked again, the same
                // request has the rest before it.
                first = first.and(api.end_dependent(&caller, dependent, force).await);
            }
            first?;
        }
        let status = if session.row.status == Status::Pending { "cancelled" } else { "terminated" };
        api.control.terminate(&caller, session.row.id, force).await?;
        Ok(Json(json!({ "stats": { "status": status } })))
    };
    answer(ended.await)
}

/// `GET /session/{name}/logs`
pub async fn logs(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Response {
    let read = async {
        let session = api.named(&caller, &name, &which).await?;
        let (mut text, mut from) = (String::new(), 0);
        while text.len() < LOG_BYTES {
            let chunk = api.control.session_log(&caller, session.row.id, 0, from, false).await?;
            if chunk.text.is_empty() {
                break;
            }
            text.push_str(&chunk.text);
            from = chunk.next;
        }
        Ok(Json(json!({ "result": { "logs": text } })))
    };
    answer(read.await)
}

/// `GET /session/{name}/status-history`: each status with the time of its last arrival.
pub async fn history(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Response {
    answer(api.named(&caller, &name, &which).await.map(|session| {
        let moves = session.history.iter().map(|change| (change.status.key().to_owned(), json!(change.at.iso())));
        Json(json!({ "result": moves.collect::<Map<_, _>>() }))
    }))
}

/// `GET /session/{name}/dependency-graph`
pub async fn dependencies(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Response {
    answer(api.named(&caller, &name, &which).await.map(|session| {
        let on = session
            .depends_on
            .iter()
            .map(|on| json!({ "session_id": on.id, "session_name": on.name, "status": on.status.key(), "depends_on": [] }));
        let changed = session.history.last().map(|change| change.at.iso());
        Json(json!({
            "session_id": session.row.id, "session_name": session.row.name, "status": session.row.status.key(),
            "status_changed": changed, "depends_on": on.collect::<Vec<_>>(),
        }))
    }))
}

/// `GET /session/{name}/abusing-report`: nothing here watches for abuse.
pub async fn abuse(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Response {
    answer(api.named(&caller, &name, &which).await.map(|_| Json(json!({}))))
}

#[derive(Deserialize)]
pub struct NewName {
    name: String,
    owner_access_key: Option<String>,
}

/// `POST /session/{name}/rename?name=`
pub async fn rename(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Query(new): Query<NewName>,
) -> Response {
    let which = Which::of(new.owner_access_key);
    let renamed = async {
        let session = api.named(&caller, &name, &which).await?;
        api.control.rename_session(&caller, session.row.id, &new.name).await
    };
    answer(renamed.await.map(|()| StatusCode::NO_CONTENT))
}

#[derive(Deserialize)]
pub struct Followed {
    #[serde(rename = "sessionName", alias = "sessionId", alias = "name")]
    session: Option<String>,
    #[serde(rename = "ownerAccessKey")]
    owner: Option<String>,
}

/// The incumbent's word for a session's arrival at a status.
fn event_name(status: Status) -> &'static str {
    match status {
        Status::Pending => "session_enqueued",
        Status::Scheduled => "session_scheduled",
        Status::Preparing => "session_preparing",
        Status::Running => "session_started",
        Status::Terminating => "session_terminating",
        Status::Terminated => "session_terminated",
        Status::Cancelled => "session_cancelled",
        Status::Error => "session_failure",
    }
}

/// `GET /events/session?sessionName=`: the moves of one session's status, from now on, until it has ended.
pub async fn events(State(api): State<Api>, Extension(caller): Extension<Caller>, Query(followed): Query<Followed>) -> Response {
    let name = followed.session.unwrap_or_default();
    let which = Which::of(followed.owner.filter(|key| key != "*"));
    let session = match api.named(&caller, &name, &which).await {
        Ok(session) => session,
        Err(problem) => return Refused::from(problem).into_response(),
    };
    let (id, seen) = (session.row.id, session.history.len().saturating_sub(1));
    let moves = stream::unfold(
        (api, caller, seen, Vec::<Event>::new(), false),
        move |(api, caller, mut seen, mut ready, mut over)| async move {
            while ready.is_empty() && !over {
                let Ok((session, ended)) = api.control.session_moved(&caller, id, seen).await else { return None };
                for change in &session.history[seen.min(session.history.len())..] {
                    ready.push(told(&session, id, change.status, &change.reason));
                }
                seen = session.history.len();
                if ended {
                    ready.push(Event::default().event("server_close").data("{}"));
                    over = true;
                }
                ready.reverse();
            }
            let next = ready.pop()?;
            Some((Ok::<_, Infallible>(next), (api, caller, seen, ready, over)))
        },
    );
    Sse::new(moves).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))).into_response()
}

fn told(session: &SessionDetail, id: SessionId, status: Status, reason: &str) -> Event {
    let code = match &session.outcome {
        Some(types::session::Outcome::Exited(code)) => Some(*code),
        _ => None,
    };
    let data = json!({
        "reason": reason, "sessionName": session.row.name, "ownerAccessKey": session.access_key, "sessionId": id, "exitCode": code,
    });
    Event::default().event(event_name(status)).data(data.to_string())
}
